// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log_file.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

typedef struct Case {
        TestCtx t;
        char dir[64], path[128];
        LogFile *file;
} Case;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
        return remove(path);
}

/* The clock starts today, as the time of a file is the system's. */
static int begin(void **state) {
        Case *c = calloc(1, sizeof *c);
        c->t.world = TEST_WORLD(world_real.now_ms(&world_real));
        c->t.cx = TEST_CTX(arena_new(), &c->t.world.world);
        snprintf(c->dir, sizeof c->dir, "/tmp/log-file-XXXXXX");
        *state = c;
        if (!mkdtemp(c->dir))
                return -1;
        snprintf(c->path, sizeof c->path, "%s/x.log", c->dir);
        return 0;
}

static int end(void **state) {
        Case *c = *state;
        log_file_close(c->file);
        nftw(c->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        arena_free(c->t.cx.arena);
        free(c);
        return 0;
}

static void case_open(Case *c, int64_t bytes_max, int64_t keep) {
        c->file = log_file_close(c->file);
        LogFileSettings set = {
                .path = str_c(c->path), .bytes_max = bytes_max, .keep = keep, .world = c->t.cx.world
        };
        assert_ok(log_file_open(&c->t.cx, &set, &c->file));
}

/* What is in x.log (0), x.log.1 …; NULL: there is no such file. */
static const char *content(Case *c, int n) {
        char *text = arena_bytes(c->t.cx.arena, 4096);
        const char *path = n ? arena_printf(c->t.cx.arena, "%s.%d", c->path, n) : c->path;
        FILE *f = fopen(path, "r");
        if (!f)
                return NULL;
        text[fread(text, 1, 4095, f)] = '\0';
        fclose(f);
        return text;
}

static void a_full_file_is_turned_over_and_the_oldest_go(void **state) {
        Case *c = *state;
        case_open(c, 10, 2);
        for (const char *const *s =
                     (const char *const[]){ "one\n", "two\n", "three\n", "four\n",
                                            "a line longer than the file\n", "five\n", NULL };
             *s; s++)
                log_file_write(c->file, str_c(*s));
        assert_string_equal(content(c, 0), "five\n");
        assert_string_equal(content(c, 1), "a line longer than the file\n");
        assert_string_equal(content(c, 2), "four\n");
        assert_null(content(c, 3));
        case_open(c, 10, 1);
        log_file_write(c->file, STR("the next\n"));
        assert_string_equal(content(c, 1), "five\n");
        assert_null(content(c, 2));
        case_open(c, 10, 0);
        log_file_write(c->file, STR("nothing is kept\n"));
        assert_null(content(c, 1));
}

static void a_new_day_has_a_new_file(void **state) {
        Case *c = *state;
        case_open(c, 1000, 3);
        log_file_write(c->file, STR("today\n"));
        log_file_write(c->file, STR("still\n"));
        c->t.world.now_ms += DAY_MS;
        log_file_write(c->file, STR("tomorrow\n"));
        assert_string_equal(content(c, 0), "tomorrow\n");
        assert_string_equal(content(c, 1), "today\nstill\n");
        log_file_write(c->file, STR("more\n"));
        assert_string_equal(content(c, 0), "tomorrow\nmore\n");
}

static void a_restart_goes_on_in_the_file_of_the_day(void **state) {
        Case *c = *state;
        case_open(c, 1000, 3);
        log_file_write(c->file, STR("before\n"));
        case_open(c, 1000, 3);
        log_file_write(c->file, STR("after\n"));
        assert_string_equal(content(c, 0), "before\nafter\n");
        c->t.world.now_ms += DAY_MS;
        case_open(c, 1000, 3);
        log_file_write(c->file, STR("later\n"));
        assert_string_equal(content(c, 0), "later\n");
        assert_string_equal(content(c, 1), "before\nafter\n");
}

static void a_file_moved_away_is_made_again_when_told(void **state) {
        Case *c = *state;
        case_open(c, 1000, 3);
        log_file_write(c->file, STR("one\n"));
        assert_int_equal(rename(c->path, arena_printf(c->t.cx.arena, "%s.7", c->path)), 0);
        log_file_write(c->file, STR("two\n"));
        log_file_reopen(c->file);
        log_file_write(c->file, STR("three\n"));
        assert_string_equal(content(c, 7), "one\ntwo\n");
        assert_string_equal(content(c, 0), "three\n");
}

static void a_file_that_cannot_be_is_refused(void **state) {
        Case *c = *state;
        LogFileSettings set = { .path = STR("/nonexistent/x.log"), .world = c->t.cx.world };
        assert_err(log_file_open(&c->t.cx, &set, &c->file), ERR_STORAGE);
        assert_non_null(strstr(c->t.cx.err.what, "/nonexistent/x.log"));
        assert_null(c->file);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(a_full_file_is_turned_over_and_the_oldest_go),
                CASE(a_new_day_has_a_new_file),
                CASE(a_restart_goes_on_in_the_file_of_the_day),
                CASE(a_file_moved_away_is_made_again_when_told),
                CASE(a_file_that_cannot_be_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

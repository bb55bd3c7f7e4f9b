// SPDX-License-Identifier: MIT
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/testing.h"
#include "store/db.h"

/* Two rooms whose numbers interleave: 1 and 4 of one, 2 and 3 of the other; each builds on the one
 * before. */
static const Migration room_a[] = {
        { 1, "one", "CREATE TABLE t (id BIGINT PRIMARY KEY);", "DROP TABLE t;" },
        { 4, "four", "INSERT INTO t (id, a, b) VALUES (4, 'a;b', 1);", NULL },
        { 0 },
};
static const Migration room_b[] = {
        { 3, "three", "ALTER TABLE t ADD COLUMN b BIGINT;", "ALTER TABLE t DROP COLUMN b;" },
        { 2, "two", "ALTER TABLE t ADD COLUMN a TEXT;", "ALTER TABLE t DROP COLUMN a;" },
        { 0 },
};
static const Migration room_b_broken[] = {
        { 2, "two", "ALTER TABLE t ADD COLUMN a TEXT;", "ALTER TABLE t DROP COLUMN a;" },
        { 3, "three", "CREATE TABLE half (id BIGINT PRIMARY KEY); ALTER TABLE t ADD COLUMN;",
          NULL },
        { 0 },
};
static const Migration room_b_edited[] = {
        { 2, "two", "ALTER TABLE t ADD COLUMN a TEXT DEFAULT 'x';", NULL },
        { 3, "three", "ALTER TABLE t ADD COLUMN b BIGINT;", NULL },
        { 0 },
};
static const Migration *const none[] = { NULL };
static const Migration *const first_room[] = { room_a, NULL };
static const Migration *const both[] = { room_a, room_b, NULL };
static const Migration *const broken[] = { room_a, room_b_broken, NULL };
static const Migration *const edited[] = { room_a, room_b_edited, NULL };

typedef struct Case {
        Arena *arena;
        Ctx cx;
        char dir[64];
        Db *db;
} Case;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
        return remove(path);
}

static int case_begin(void **state) {
        Case *k = calloc(1, sizeof *k);
        k->arena = arena_new();
        k->cx = TEST_CTX(k->arena, &world_real);
        snprintf(k->dir, sizeof k->dir, "/tmp/migrate-XXXXXX");
        *state = k;
        return mkdtemp(k->dir) ? 0 : -1;
}

static int case_end(void **state) {
        Case *k = *state;
        db_close(k->db);
        nftw(k->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        arena_free(k->arena);
        free(k);
        return 0;
}

typedef enum Apply { CHECK, MIGRATE } Apply;

static Err open_with(Case *k, const Migration *const *tables, Apply apply) {
        k->db = db_close(k->db);
        DbSettings set = { .path = arena_printf(k->arena, "%s/main.db", k->dir),
                           .migrations = tables,
                           .migrate = apply == MIGRATE };
        return db_open(&k->cx, &set, &k->db);
}

/* The numbers known, a dot behind each that is not applied: "1234" or "1234." */
static void assert_status(Case *k, const char *want) {
        MigrationState *list = NULL;
        size_t n = 0, at = 0;
        assert_ok(db_migrate_status(&k->cx, k->db, &list, &n));
        char got[32] = "";
        for (size_t i = 0; i < n; i++)
                at += (size_t)snprintf(got + at, sizeof got - at, "%d%s", list[i].number,
                                       list[i].applied ? "" : ".");
        assert_string_equal(got, want);
}

static void assert_says(Case *k, const char *part) {
        const char *what = k->cx.err.what ? k->cx.err.what : "(nothing)";
        if (!strstr(what, part))
                fail_msg("\"%s\" does not say \"%s\"", what, part);
        err_clear(&k->cx);
}

static void rooms_are_applied_in_the_order_of_numbers(void **state) {
        Case *k = *state;
        assert_ok(open_with(k, both, MIGRATE));
        assert_status(k, "1234");
        static const Sql get = { "get", "SELECT a FROM t WHERE id = 4" };
        DbConn *c = NULL;
        assert_ok(db_read(&k->cx, k->db, &c));
        _cleanup_(rows_done) Rows r = { 0 };
        assert_ok(db_row(&k->cx, c, &get, NO_ARGS, &r));
        assert_str(row_text(&r, 0), "a;b");
}

static void a_second_start_changes_nothing(void **state) {
        Case *k = *state;
        assert_ok(open_with(k, both, MIGRATE));
        MigrationState *first = NULL, *second = NULL;
        size_t n = 0;
        assert_ok(db_migrate_status(&k->cx, k->db, &first, &n));
        assert_ok(open_with(k, both, MIGRATE));
        assert_ok(db_migrate_status(&k->cx, k->db, &second, &n));
        for (size_t i = 0; i < n; i++)
                assert_int_equal(first[i].applied_at, second[i].applied_at);
}

static void checking_applies_nothing(void **state) {
        Case *k = *state;
        assert_ok(open_with(k, both, CHECK));
        assert_status(k, "1.2.3.4.");
        assert_ok(db_migrate_to(&k->cx, k->db, 2));
        assert_status(k, "123.4.");
        assert_ok(db_migrate_to(&k->cx, k->db, INT_MAX));
        assert_status(k, "1234");
}

static void down_stops_where_it_cannot_go_on(void **state) {
        Case *k = *state;
        assert_ok(open_with(k, both, CHECK));
        assert_ok(db_migrate_to(&k->cx, k->db, 3));
        assert_ok(db_migrate_to(&k->cx, k->db, 1));
        assert_status(k, "12.3.4.");
        assert_ok(db_migrate_to(&k->cx, k->db, INT_MAX));
        assert_err(db_migrate_to(&k->cx, k->db, 0), ERR_CONFLICT);
        assert_says(k, "Migration 4 (four) cannot be undone");
        assert_status(k, "1234");
}

static void a_broken_script_leaves_the_step_before(void **state) {
        Case *k = *state;
        assert_err(open_with(k, broken, MIGRATE), ERR_INTERNAL);
        assert_null(k->db);
        assert_says(k, "three");
        assert_ok(open_with(k, broken, CHECK));
        assert_status(k, "123.4.");
        static const Sql half = { "half", "SELECT id FROM half" };
        DbConn *c = NULL;
        assert_ok(db_read(&k->cx, k->db, &c));
        Rows r = { 0 };
        assert_int_not_equal(db_rows(&k->cx, c, &half, NO_ARGS, &r),
                             OK); /* its first statement is undone too */
        err_clear(&k->cx);
        assert_ok(open_with(k, both, MIGRATE));
        assert_status(k, "1234");
}

static void a_newer_database_is_refused(void **state) {
        Case *k = *state;
        assert_ok(open_with(k, both, MIGRATE));
        assert_err(open_with(k, first_room, MIGRATE), ERR_CONFLICT);
        assert_says(k, "migration 2 (two), which this version does not know");
        assert_err(open_with(k, none, CHECK), ERR_CONFLICT);
        assert_null(k->db);
}

static void an_edited_script_is_noticed(void **state) {
        Case *k = *state;
        assert_ok(open_with(k, both, MIGRATE));
        assert_err(open_with(k, edited, MIGRATE), ERR_CONFLICT);
        assert_says(k, "Migration 2 (two) was changed");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, case_begin, case_end)
                CASE(rooms_are_applied_in_the_order_of_numbers),
                CASE(a_second_start_changes_nothing),
                CASE(checking_applies_nothing),
                CASE(down_stops_where_it_cannot_go_on),
                CASE(a_broken_script_leaves_the_step_before),
                CASE(a_newer_database_is_refused),
                CASE(an_edited_script_is_noticed),
        };
        return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}

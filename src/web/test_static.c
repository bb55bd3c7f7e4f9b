// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/testing.h"
#include "web/static.h"

static Arena *arena;
static TestWorld world;
static Ctx cx;
static char root[] = "/tmp/test_static.XXXXXX";
static Static *files;

static const char *at(const char *name) { return arena_printf(arena, "%s/%s", root, name); }

static void write_file(const char *name, const char *text) {
        FILE *f = fopen(at(name), "w");
        assert_non_null(f);
        assert_int_equal(fputs(text, f) < 0, 0);
        fclose(f);
}

static int setup(void **state) {
        arena = arena_new();
        world = TEST_WORLD(0);
        cx = TEST_CTX(arena, &world.world);
        assert_non_null(mkdtemp(root));
        assert_int_equal(mkdir(at("fonts"), 0700), 0);
        write_file("index.html", "<p>hi");
        write_file("fonts/a.woff2", "font");
        write_file(".secret", "no");
        write_file("empty.txt", "");
        assert_int_equal(symlink("/etc/passwd", at("passwd.txt")), 0);
        assert_int_equal(symlink("/etc", at("etc")), 0);
        assert_ok(static_open(&cx, str_c(root), &files));
        return 0;
}

static int teardown(void **state) {
        static const char *const names[] = { "index.html", "fonts/a.woff2", ".secret",
                                             "empty.txt",  "passwd.txt",    "etc" };
        files = static_close(files);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                unlink(at(names[i]));
        rmdir(at("fonts"));
        rmdir(root);
        arena = arena_free(arena);
        return 0;
}

static void test_files_have_type_and_tag(void **state) {
        StaticFile f, again;
        assert_ok(static_get(&cx, files, STR("index.html"), STR_NULL, &f));
        assert_int_equal(f.status, 200);
        assert_str(f.type, "text/html; charset=utf-8");
        assert_str(f.body, "<p>hi");
        assert_ok(static_get(&cx, files, STR("fonts/a.woff2"), STR_NULL, &again));
        assert_str(again.type, "font/woff2");
        assert_ok(static_get(&cx, files, STR("empty.txt"), STR_NULL, &again));
        assert_int_equal(again.body.n, 0);

        assert_ok(static_get(&cx, files, STR("index.html"), f.etag, &again));
        assert_int_equal(again.status, 304);
        assert_int_equal(again.body.n, 0);
        Str weak = arena_strf(arena, "\"x\", W/%.*s", STR_FMT(f.etag));
        assert_ok(static_get(&cx, files, STR("index.html"), weak, &again));
        assert_int_equal(again.status, 304);
        assert_ok(static_get(&cx, files, STR("index.html"), STR("\"x\""), &again));
        assert_int_equal(again.status, 200);
}

static void test_what_is_not_listed_does_not_exist(void **state) {
        static const char *const names[] = {
                "",
                "/",
                ".",
                "..",
                "nothing",
                ".secret",
                "passwd.txt",
                "etc/passwd",
                "fonts",
                "fonts/",
                "../index.html",
                "fonts/../index.html",
                "./index.html",
                "/index.html",
                "index.html/",
                "INDEX.HTML",
        };
        StaticFile f;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                assert_err(static_get(&cx, files, str_c(names[i]), STR_NULL, &f), ERR_NOT_FOUND);
}

static void test_a_file_that_went_away(void **state) {
        StaticFile f;
        unlink(at("index.html"));
        assert_err(static_get(&cx, files, STR("index.html"), STR_NULL, &f), ERR_UNAVAILABLE);
        write_file("index.html", ""); /* shorter than listed: not half a page */
        assert_err(static_get(&cx, files, STR("index.html"), STR_NULL, &f), ERR_UNAVAILABLE);
}

static void test_no_directory(void **state) {
        Static *none = NULL;
        assert_err(static_open(&cx, STR("/nonexistent/dir"), &none), ERR_NOT_FOUND);
        assert_null(none);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_files_have_type_and_tag),
                cmocka_unit_test(test_what_is_not_listed_does_not_exist),
                cmocka_unit_test(test_a_file_that_went_away),
                cmocka_unit_test(test_no_directory),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}

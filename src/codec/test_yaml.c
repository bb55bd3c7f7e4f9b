// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include "codec/yaml.h"

static void test_read(void **state) {
        Ctx *cx = *state;
        YamlEntries e;
        assert_ok(yaml_read(cx,
                            STR("# settings\n"
                                "PORT: 8080\n"
                                "\n"
                                "PUBLIC_URL: https://example.com/a#b   # comment\n"
                                "EMPTY:\n"
                                "NOTHING: ~\n"
                                "QUOTED: \"a: b\\n\"\n"
                                "LITERAL: '~'\n"
                                "CHECKS: |\n"
                                "  [{\"name\":\"x\"}]\n"
                                "YES: yes\n"),
                            &e));
        static const struct {
                const char *key, *value;
                int line;
        } right[] = {
                { "PORT", "8080", 2 },
                { "PUBLIC_URL", "https://example.com/a#b", 4 },
                { "EMPTY", "", 5 },
                { "NOTHING", "", 6 },
                { "QUOTED", "a: b\n", 7 },
                { "LITERAL", "~", 8 },
                { "CHECKS", "[{\"name\":\"x\"}]\n", 9 },
                { "YES", "yes", 11 },
        };
        assert_int_equal(e.n, ELEMENTSOF(right));
        for (size_t i = 0; i < e.n; i++) {
                assert_true(str_eq_c(e.v[i].key, right[i].key));
                assert_true(str_eq_c(e.v[i].value, right[i].value));
                assert_int_equal(e.v[i].line, right[i].line);
        }
        assert_ok(yaml_read(cx, STR(""), &e));
        assert_int_equal(e.n, 0);
        assert_ok(yaml_read(cx, STR_NULL, &e));
        assert_ok(yaml_read(cx, STR("# only a comment\n"), &e));
        assert_ok(yaml_read(cx, STR("---\nA: 1\n...\n"), &e));
        assert_int_equal(e.n, 1);
}

/* Each refusal says the line, and what to do. */
static void test_refused(void **state) {
        Ctx *cx = *state;
        static const struct {
                Str text;
                const char *sentence;
        } cases[] = {
                { STR("A: 1\nB:\n  C: 2\n"), "line 3: settings are flat" },
                { STR("A: {b: 1}\n"), "line 1: settings are flat" },
                { STR("A: 1\nB: [1, 2]\n"), "line 2: settings have no lists" },
                { STR("A:\n  - x\n"), "line 2: settings have no lists" },
                { STR("- A\n"), "line 1: expected lines of the form name: value" },
                { STR("just text\n"), "line 1: expected lines of the form name: value" },
                { STR("A: 1\nB: 2\nA: 3\n"), "line 3: A is already set on line 1" },
                { STR("A: &x 1\n"), "line 1: anchors" },
                { STR("A: &x 1\nB: *x\n"), "line 1: anchors" },
                { STR("B: *x\n"), "line 1: aliases" },
                { STR("&a\nA: 1\n"), "line 1: anchors and tags" },
                { STR("A: !!str 1\n"), "line 1: tags" },
                { STR("? [a]\n: 1\n"), "line 1: settings have no lists" },
                { STR("\"\": 1\n"), "line 1: a setting without a name" },
                { STR("A: \"x\\0y\"\n"), "line 1: a value holds a NUL" },
                { STR("A: 1\n---\nB: 2\n"), "line 2: one document only" },
                { STR("A: \"open\n"), "line 2: " },
                { STR("A: 1\n B: 2\n"), "line 2: " },
                { STR("A: \xff\n"), "line " },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                YamlEntries e = { .n = 77 };
                err_clear(cx);
                assert_err(yaml_read(cx, cases[i].text, &e), ERR_INVALID);
                assert_true(str_starts(str_c(cx->err.what), str_c(cases[i].sentence)));
                assert_int_equal(e.n, 77);
        }
}

static void test_limits(void **state) {
        Ctx *cx = *state;
        YamlEntries e;
        Buf b = BUF(1 << 20);
        for (int i = 0; i <= YAML_ENTRIES_MAX; i++)
                buf_addf(&b, "K%d: v\n", i);
        assert_err(yaml_read(cx, buf_str(&b), &e), ERR_TOO_LARGE);
        buf_clear(&b);
        buf_addf(&b, "A: %0*d\n", YAML_TEXT_MAX, 0);
        assert_err(yaml_read(cx, buf_str(&b), &e), ERR_TOO_LARGE);
        buf_clear(&b);
        for (int i = 0; i < 5000; i++) /* depth is refused at the first step, not at the last */
                buf_addc(&b, '[');
        err_clear(cx);
        assert_err(yaml_read(cx, buf_str(&b), &e), ERR_INVALID);
        buf_done(&b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST_WITH_CTX(test_read),
                TEST_WITH_CTX(test_refused),
                TEST_WITH_CTX(test_limits),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

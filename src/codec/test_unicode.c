// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include "codec/unicode.h"

typedef Err Form(Ctx *cx, Str s, Str *ret);

static void test_forms(void **state) {
        Ctx *cx = *state;
        static const struct {
                Form *form;
                const char *in, *out;
        } cases[] = {
                { unicode_nfc, "plain", "plain" },
                { unicode_nfc, "e\xCC\x81", "\xC3\xA9" },
                { unicode_nfc, "\xEF\xAC\x81", "\xEF\xAC\x81" }, /* the ligature fi stays */
                { unicode_nfkc, "\xEF\xAC\x81", "fi" },
                { unicode_nfkc, "\xEF\xBC\xA0", "@" }, /* U+FF20 */
                { unicode_nfkc, "\xEF\xB9\xAB", "@" }, /* U+FE6B */
                { unicode_lower_nfkc, "Ann@Example.COM", "ann@example.com" },
                { unicode_lower_nfkc, "\xEF\xBC\xA1nn\xEF\xBC\xA0x", "ann@x" },
                { unicode_lower_nfkc, "\xC3\x84\xE2\x84\xAA",
                  "\xC3\xA4k" }, /* the Kelvin sign is a k */
                { unicode_fold,
                  "Stra\xC3\x9F"
                  "e",
                  "strasse" },
                { unicode_fold, "STRASSE", "strasse" },
                { unicode_fold, "", "" },
                { unicode_nfc, "", "" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Str out;
                assert_ok(cases[i].form(cx, str_c(cases[i].in), &out));
                assert_true(str_eq_c(out, cases[i].out));
        }
}

static void test_refused(void **state) {
        Ctx *cx = *state;
        static Form *const forms[] = { unicode_nfc, unicode_nfkc, unicode_lower_nfkc,
                                       unicode_fold };
        static const char *const bad[] = { "\xff", "a\xC3", "\xED\xA0\x80", "\xC0\x80",
                                           "\xF4\x90\x80\x80" };
        char *large = calloc(1, UNICODE_MAX + 1);
        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                Str out = STR("untouched");
                for (size_t k = 0; k < ELEMENTSOF(bad); k++)
                        assert_err(forms[i](cx, str_c(bad[k]), &out), ERR_INVALID);
                assert_err(forms[i](cx, str_n(large, UNICODE_MAX + 1), &out), ERR_TOO_LARGE);
                assert_str(out, "untouched");
        }
        /* U+FDFA grows from 3 bytes to 33 under NFKC */
        for (size_t n = 0; n + 3 <= UNICODE_MAX / 2; n += 3)
                memcpy(large + n, "\xEF\xB7\xBA", 3);
        Str out = STR("untouched");
        assert_err(unicode_nfkc(cx, str_c(large), &out), ERR_TOO_LARGE);
        assert_err(unicode_lower_nfkc(cx, str_c(large), &out), ERR_TOO_LARGE);
        assert_str(out, "untouched");
        free(large);
}

static void test_walk(void **state) {
        static const int32_t right[] = { 'a', 0xE4, 0x20AC, 0x1F600, 0xFFFD, 'z', 0xFFFD };
        Str rest = STR("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xFFz\xC3");
        for (size_t i = 0; i < ELEMENTSOF(right); i++)
                assert_int_equal(unicode_next(&rest), right[i]);
        assert_int_equal(unicode_next(&rest), -1);
        for (int32_t c = 0; c < 0x110000; c++) {
                char text[4];
                size_t n = unicode_put(c, text);
                if (c >= 0xD800 && c < 0xE000) {
                        assert_int_equal(n, 0);
                        continue;
                }
                Str s = str_n(text, n);
                assert_true(str_is_utf8(s));
                assert_int_equal(unicode_next(&s), c);
        }
        assert_int_equal(unicode_put(-1, (char[4]){ 0 }), 0);
        assert_int_equal(unicode_put(0x110000, (char[4]){ 0 }), 0);
}

static void test_classes(void **state) {
        static const struct {
                int32_t c;
                const char *classes;
        } cases[] = {
                { 'a', "L" },      { 'Z', "L" },    { '7', "D" },     { ' ', "S" },
                { '\n', "SC" },    { '-', "" },     { '_', "" },      { 0xE4, "L" },
                { 0x301, "L" },    { 0x667, "D" },  { 0xA0, "S" },    { 0x2029, "S" },
                { 0x202E, "C" },   { 0x200F, "C" }, { 0x4E2D, "LI" }, { 0x3042, "LI" },
                { 0xE01, "LI" },   { 0xAC00, "L" }, { 0x85, "SC" },   { 0x1F600, "" },
                { 0x20000, "LI" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int32_t c = cases[i].c;
                char got[8];
                snprintf(got, sizeof got, "%s%s%s%s%s", unicode_is_letter(c) ? "L" : "",
                         unicode_is_digit(c) ? "D" : "", unicode_is_space(c) ? "S" : "",
                         unicode_is_control(c) ? "C" : "", unicode_is_ideograph(c) ? "I" : "");
                assert_string_equal(got, cases[i].classes);
        }
        assert_int_equal(unicode_lower('A'), 'a');
        assert_int_equal(unicode_lower(0xC4), 0xE4);
        assert_int_equal(unicode_lower(0x4E2D), 0x4E2D);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST_WITH_CTX(test_forms),
                TEST_WITH_CTX(test_refused),
                cmocka_unit_test(test_walk),
                cmocka_unit_test(test_classes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

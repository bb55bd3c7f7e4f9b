// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include "codec/when.h"

static void test_parse(void **state) {
        static const struct {
                const char *text;
                int64_t ms;
        } cases[] = {
                { "1970-01-01T00:00:00Z", 0 },
                { "1970-01-01T00:00:00.001z", 1 },
                { "1969-12-31T23:59:59.999Z", -1 },
                { "2026-01-15T12:00:00+01:00", INT64_C(1768474800000) },
                { "2026-01-15 11:00:00.000000-00:00", INT64_C(1768474800000) },
                { "2024-02-29T23:59:59.9999Z", INT64_C(1709251199999) },
                { "2016-12-31T23:59:60Z", INT64_C(1483228799999) },
                { "2016-12-31T23:59:60.5Z", INT64_C(1483228799999) },
                { "1985-04-12t23:20:50.52Z", INT64_C(482196050520) },
                { "1996-12-19T16:39:57-08:00", INT64_C(851042397000) },
                { "0001-01-01T00:00:00Z", WHEN_MIN },
                { "9999-12-31T23:59:59.999Z", WHEN_MAX },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int64_t ms = 77;
                assert_true(when_parse(str_c(cases[i].text), &ms));
                assert_int_equal(ms, cases[i].ms);
        }
        static const char *const bad[] = {
                "",
                "2026",
                "2026-01-15",
                "2026-01-15T12:00:00",
                "2026-01-15T12:00Z",
                "2026-1-15T12:00:00Z",
                "2026-13-01T00:00:00Z",
                "2026-00-01T00:00:00Z",
                "2026-02-29T00:00:00Z",
                "1900-02-29T00:00:00Z",
                "2026-01-32T00:00:00Z",
                "2026-01-00T00:00:00Z",
                "2026-01-15T24:00:00Z",
                "2026-01-15T12:60:00Z",
                "2026-01-15T12:00:61Z",
                "2026-01-15T12:00:00.Z",
                "2026-01-15T12:00:00,5Z",
                "2026-01-15T12:00:00+1:00",
                "2026-01-15T12:00:00+24:00",
                "2026-01-15T12:00:00+0100",
                "2026-01-15T12:00:00Zx",
                " 2026-01-15T12:00:00Z",
                "0000-01-01T00:00:00Z",
                "0001-01-01T00:00:00+00:01",
                "9999-12-31T23:59:59-00:01",
                "+026-01-15T12:00:00Z",
                "2026-01-15T12:00:00Z\n",
        };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                int64_t ms = 77;
                assert_false(when_parse(str_c(bad[i]), &ms));
                assert_int_equal(ms, 77);
        }
        int64_t ms;
        assert_false(when_parse(STR("2026-01-15T12:00:00Z\0"), &ms));
}

static void test_format(void **state) {
        Ctx *cx = *state;
        char text[WHEN_TEXT + 1];
        assert_str(when_format(cx->arena, INT64_C(1768474800001)), "2026-01-15T11:00:00.001Z");
        assert_str(when_format(cx->arena, -1), "1969-12-31T23:59:59.999Z");
        assert_str(when_format(cx->arena, INT64_MAX), "9999-12-31T23:59:59.999Z");
        assert_str(when_format(cx->arena, INT64_MIN), "0001-01-01T00:00:00.000Z");
        TestWorld w = TEST_WORLD(0);
        for (int i = 0; i < 50000; i++) { /* whatever is written reads back */
                uint64_t chance;
                int64_t back;
                w.world.random(&w.world, &chance, sizeof chance);
                int64_t ms = WHEN_MIN + (int64_t)(chance % (uint64_t)(WHEN_MAX - WHEN_MIN + 1));
                when_write(text, ms);
                assert_true(when_parse(str_c(text), &back));
                assert_int_equal(back, ms);
        }
}

/* Day after day over 9999 years, against a calendar that only knows how long a month is. */
static void test_calendar(void **state) {
        Civil c = { 1, 1, 1 };
        int weekday = 0; /* 0001-01-01 was a Monday */
        for (int64_t day = days_of_ms(WHEN_MIN); day <= days_of_ms(WHEN_MAX); day++) {
                Civil got = civil_from_days(day);
                assert_true(got.year == c.year && got.month == c.month && got.day == c.day);
                assert_true(civil_to_days(c) == day && civil_weekday(day) == weekday &&
                            civil_is_valid(c));
                weekday = (weekday + 1) % 7;
                if (++c.day > month_length(c.year, c.month)) {
                        c.day = 1;
                        c.month++;
                }
                if (c.month > 12) {
                        c.month = 1;
                        c.year++;
                }
        }
        assert_int_equal(c.year, 10000);
        assert_int_equal(month_length(2000, 2), 29);
        assert_int_equal(month_length(1900, 2), 28);
        assert_int_equal(month_length(2024, 2), 29);
        assert_int_equal(days_of_ms(-1), -1);
        assert_int_equal(days_of_ms(-DAY_MS), -1);
        assert_int_equal(days_of_ms(DAY_MS), 1);
}

static void test_civil_parse(void **state) {
        Civil c = { 7, 7, 7 };
        assert_false(civil_parse(STR("2026-02-29"), &c));
        assert_false(civil_parse(STR("2026-02-2"), &c));
        assert_false(civil_parse(STR("2026-02-28T"), &c));
        assert_int_equal(c.year, 7);
        assert_true(civil_parse(STR("2024-02-29"), &c));
        assert_true(c.year == 2024 && c.month == 2 && c.day == 29);
}

static void test_http_date(void **state) {
        char text[HTTP_DATE_TEXT + 1];
        int64_t ms = 77;
        http_date_write(text, INT64_C(784111777999)); /* RFC 9110, section 5.6.7 */
        assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_true(http_date_parse(str_c(text), &ms));
        assert_int_equal(ms, INT64_C(784111777000));
        static const char *const bad[] = {
                "",
                "Mon, 06 Nov 1994 08:49:37 GMT",
                "Sunday, 06-Nov-94 08:49:37 GMT",
                "Sun Nov  6 08:49:37 1994",
                "Sun, 6 Nov 1994 08:49:37 GMT",
                "Sun, 06 nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 08:49:37 UTC",
                "Sun, 31 Nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 08:49:37 GMT ",
                "Sun, 06 Nov 1994 24:00:00 GMT",
        };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(http_date_parse(str_c(bad[i]), &ms));
        assert_int_equal(ms, INT64_C(784111777000));
}

static void test_parse_local(void **state) {
        static const char *const same[] = { "2026-01-15T12:30:00", "2026-01-15 12:30:00.000",
                                            "2026-01-15t12:30" };
        static const char *const bad[] = { "2026-01-15T12:30:00Z",
                                           "2026-01-15T",
                                           "2026-01-15T12",
                                           "2026-01-15T24:00",
                                           "2026-1-15",
                                           "2026-02-30",
                                           "2026-01-15T12:30:",
                                           "" };
        int64_t ms, day;
        assert_true(when_parse_local(STR("2026-01-15"), &day));
        for (size_t i = 0; i < ELEMENTSOF(same); i++) {
                assert_true(when_parse_local(str_c(same[i]), &ms));
                assert_int_equal(ms, day + (12 * 60 + 30) * 60000);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(when_parse_local(str_c(bad[i]), &ms));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),     TEST_WITH_CTX(test_format),
                cmocka_unit_test(test_calendar),  cmocka_unit_test(test_civil_parse),
                cmocka_unit_test(test_http_date), cmocka_unit_test(test_parse_local),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

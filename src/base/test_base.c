// SPDX-License-Identifier: MIT
#include "base/testing.h"

#include <math.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metric.h"

static void test_str_numbers(void **state) {
        static const struct {
                const char *text;
                bool ok;
                int64_t v;
        } cases[] = {
                { "0", true, 0 },
                { "-1", true, -1 },
                { "9223372036854775807", true, INT64_MAX },
                { "-9223372036854775808", true, INT64_MIN },
                { "9223372036854775808", false, 0 },
                { "-9223372036854775809", false, 0 },
                { "", false, 0 },
                { "-", false, 0 },
                { "+1", false, 0 },
                { "1 ", false, 0 },
                { "0x1", false, 0 },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int64_t v = 77;
                assert_int_equal(str_to_i64(str_c(cases[i].text), &v), cases[i].ok);
                assert_int_equal(v, cases[i].ok ? cases[i].v : 77);
        }
        double f = 0;
        assert_true(str_to_f64(STR("-1.5e3"), &f));
        assert_true(f == -1500.0);
        assert_false(str_to_f64(STR("inf"), &f) || str_to_f64(STR("1e999"), &f) ||
                     str_to_f64(STR("0x1p3"), &f));
}

static void test_str_utf8(void **state) {
        static const struct {
                const char *text;
                size_t n;
                bool ok;
        } cases[] = {
                { "", 0, true },
                { "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10, true },
                { "\xC0\x80", 2, false },
                { "\xED\xA0\x80", 3, false },
                { "\xF4\x90\x80\x80", 4, false },
                { "\xE0\x80\x80", 3, false },
                { "\xC3", 1, false },
                { "\x80", 1, false },
                { "\xFF", 1, false },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(str_is_utf8(str_n(cases[i].text, cases[i].n)), cases[i].ok);
        assert_int_equal(str_utf8_count(STR("a\xC3\xA9z")), 3);
        assert_int_equal(str_utf8_cut(STR("a\xC3\xA9z"), 2), 1);
}

static void test_str_is_in(void **state) {
        static const char words[] = " sister mother-in-law ";
        assert_true(str_is_in(STR("sister"), words) && str_is_in(STR("Mother-in-Law"), words));
        assert_false(str_is_in(STR("sist"), words) || str_is_in(STR(""), words));
        assert_false(str_is_in(STR("sister mother-in-law"), words + 1));
        assert_false(str_is_in(STR("a word that is longer than any of a list"), words));
}

static void test_str_hash(void **state) {
        /* the authors' own vectors */
        assert_true(str_hash(STR("")) == 0xcbf29ce484222325u);
        assert_true(str_hash(STR("a")) == 0xaf63dc4c8601ec8cu);
        assert_true(str_hash(STR("foobar")) == 0x85944171f73967e8u);
        assert_true(str_hash_from(str_hash(STR("foo")), STR("bar")) == str_hash(STR("foobar")));
        assert_true(str_slot(STR("a"), 1000) == (0xaf63dc4c8601ec8cu ^ 0xaf63dc4cu) % 1000);
}

static void test_str_cut(void **state) {
        Str rest = STR("a,,b");
        Str a = str_cut(&rest, ','), empty = str_cut(&rest, ','), b = str_cut(&rest, ',');
        assert_str(a, "a");
        assert_int_equal(empty.n, 0);
        assert_str(b, "b");
        assert_null(rest.p);
}

static void test_buf_maximum(void **state) {
        _cleanup_(buf_done) Buf b = BUF(10);
        assert_true(buf_add_c(&b, "12345"));
        assert_false(buf_add_c(&b, "678901"));
        assert_true(b.full);
        assert_false(buf_addc(&b, 'x'));
        assert_str(buf_str(&b), "12345");
        buf_clear(&b);
        assert_true(buf_add_i64(&b, INT64_C(-120)));
        assert_str(buf_str(&b), "-120");
        buf_drop(&b, 1);
        assert_str(buf_str(&b), "120");
}

static void test_arena_alignment_and_reuse(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (int round = 0; round < 3; round++) {
                for (size_t n = 1; n < 9000; n = n * 3 + 1) {
                        assert_int_equal((uintptr_t)arena_alloc(a, n) % _Alignof(max_align_t), 0);
                        memset(arena_bytes(a, n), 0xff, n);
                }
                char *zero = arena_alloc(a, 64);
                for (size_t i = 0; i < 64; i++)
                        assert_int_equal(zero[i], 0);
                arena_clear(a);
                assert_int_equal(arena_used(a), 0);
        }
        assert_str(arena_strf(a, "%d-%s", 7, "seven"), "7-seven");
}

static Err failing(Ctx *cx) {
        TRY(RAISE(cx, ERR_CONFLICT, "first %d", 1));
        return OK;
}

static void test_first_failure_stays(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        TestWorld w = TEST_WORLD(0);
        Ctx cx = TEST_CTX(a, &w.world);
        assert_err(failing(&cx), ERR_CONFLICT);
        assert_err(RAISE(&cx, ERR_INTERNAL, "second"), ERR_INTERNAL);
        assert_int_equal(cx.err.code, ERR_CONFLICT);
        assert_string_equal(cx.err.what, "first 1");
        err_clear(&cx);
        for (int i = 0; i < 20; i++)
                assert_err(RAISE_FIELD(&cx, "#/name", "wrong %d", i), ERR_INVALID);
        size_t n = 0;
        for (FieldErr *f = cx.err.fields; f; f = f->next)
                n++;
        assert_int_equal(n, 16);
        assert_str(cx.err.fields->detail, "wrong 0");
}

static void test_error_names_are_unique(void **state) {
        for (int i = 1; i < _ERR_N; i++) {
                assert_in_range(err_info[i].http, 400, 599);
                for (int j = 1; j < i; j++)
                        assert_string_not_equal(err_info[i].name, err_info[j].name);
        }
}

static void test_secret(void **state) {
        _cleanup_(secret_done) Secret s = { 0 };
        secret_set(&s, STR("hunter2"));
        assert_true(secret_eq(secret_str(&s), STR("hunter2")));
        assert_false(secret_eq(secret_str(&s), STR("hunter3")));
        assert_false(secret_eq(secret_str(&s), STR("hunter")));
        secret_set(&s, str_from(secret_str(&s), 6));
        assert_str(secret_str(&s), "2");
}

static void test_metric_text(void **state) {
        Metric *m = metric_counter("mainstay_test_total", "kind,code", "Things tested");
        Cell *c = METRIC_CELL(m, STR("a\"b"), STR("200"));
        assert_ptr_equal(c, METRIC_CELL(m, STR("a\"b"), STR("200")));
        cell_inc(c);
        cell_add(c, 0.5);
        static const double bounds[] = { 0.1, 1 };
        cell_set(metric_one(metric_gauge("mainstay_test_timestamp_seconds", NULL, "Unix time")),
                 1795185152.123);
        Cell *h = metric_one(
                metric_histogram("mainstay_test_seconds", NULL, bounds, 2, "Time spent testing"));
        cell_observe(h, 0.05);
        cell_observe(h, 0.1);
        cell_observe(h, 5);
        _cleanup_(buf_done) Buf out = BUF(1 << 20);
        metric_print(&out, METRIC_TEXT);
        Str s = buf_str(&out);
        assert_true(
                str_contains(s, STR("# TYPE mainstay_test_total counter\n"
                                    "mainstay_test_total{kind=\"a\\\"b\",code=\"200\"} 1.5\n")));
        assert_true(str_contains(s, STR("\nmainstay_test_timestamp_seconds 1795185152.123\n")));
        assert_true(str_contains(
                s, STR("mainstay_test_seconds_bucket{le=\"0.1\"} 2\n"
                       "mainstay_test_seconds_bucket{le=\"1\"} 2\n"
                       "mainstay_test_seconds_bucket{le=\"+Inf\"} 3\n"
                       "mainstay_test_seconds_sum 5.15\nmainstay_test_seconds_count 3\n")));
        buf_clear(&out);
        metric_print(&out, METRIC_OPENMETRICS);
        assert_true(str_contains(buf_str(&out), STR("# TYPE mainstay_test counter\n")));
        assert_true(str_ends(buf_str(&out), STR("# EOF\n")));
}

static void test_log_line_is_one_line(void **state) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        _cleanup_(arena_freep) Arena *a = arena_new();
        TestWorld w = TEST_WORLD(INT64_C(1700000000123));
        Ctx cx = TEST_CTX(a, &w.world);
        log_start(fds[1], LOG_INFO);
        LOG(&cx, LOG_DEBUG, "hidden", "below the level");
        LOG(&cx, LOG_INFO, "test_event", "line\nbreak", L_STR("bad", str_n("\xff\"", 2)),
            L_INT("n", 3), L_TOP_INT("status", 200));
        log_stop();
        close(fds[1]);
        char text[2048];
        ssize_t n = read(fds[0], text, sizeof text - 1);
        close(fds[0]);
        assert_true(n > 0);
        text[n] = '\0';
        assert_string_equal(
                text,
                "{\"ts\":\"2023-11-14T22:13:20.123Z\",\"level\":\"INFO\",\"sev\":9,\"event\":"
                "\"test_event\","
                "\"msg\":\"line\\u000abreak\",\"trace_id\":\"00000000000000000000000000000001\","
                "\"request_id\":\"00000000000000000000000000000001\",\"status\":200,"
                "\"attrs\":{\"bad\":\"\xEF\xBF\xBD\\\"\",\"n\":3}}\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_str_numbers),
                cmocka_unit_test(test_str_utf8),
                cmocka_unit_test(test_str_hash),
                cmocka_unit_test(test_str_is_in),
                cmocka_unit_test(test_str_cut),
                cmocka_unit_test(test_buf_maximum),
                cmocka_unit_test(test_arena_alignment_and_reuse),
                cmocka_unit_test(test_first_failure_stays),
                cmocka_unit_test(test_error_names_are_unique),
                cmocka_unit_test(test_secret),
                cmocka_unit_test(test_metric_text),
                cmocka_unit_test(test_log_line_is_one_line),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "web/breaker.h"

static void fail_times(Breaker *b, int64_t now, int n) {
        for (int i = 0; i < n; i++) {
                assert_true(breaker_allow(b, now));
                breaker_report(b, now, false);
        }
}

static void test_opens_after_five_in_a_row(void **state) {
        Breaker b;
        breaker_init(&b, &(BreakerSettings){ 0 });
        fail_times(&b, 1000, 4);
        assert_true(breaker_allow(&b, 1000));
        breaker_report(&b, 1000, true); /* a success starts the count anew */
        fail_times(&b, 1000, 4);
        assert_int_equal(b.state, BREAKER_CLOSED);
        fail_times(&b, 1000, 1);
        assert_int_equal(b.state, BREAKER_OPEN);
        assert_false(breaker_allow(&b, 1000));
        assert_false(breaker_allow(&b, 30999));
        assert_int_equal(breaker_wait_ms(&b, 30999), 1);
}

static void test_opens_at_half_of_twenty(void **state) {
        Breaker b;
        breaker_init(&b, &(BreakerSettings){ 0 });
        for (int i = 0; i < 19; i++) { /* alternating: never five in a row */
                assert_true(breaker_allow(&b, 1000 + i));
                breaker_report(&b, 1000 + i, i % 2 == 0);
        }
        assert_int_equal(b.state, BREAKER_CLOSED);
        breaker_report(&b, 1020, false);
        assert_int_equal(b.state, BREAKER_OPEN);
}

static void test_window_forgets_after_a_minute(void **state) {
        Breaker b;
        breaker_init(&b, &(BreakerSettings){ 0 });
        for (int i = 0; i < 19; i++)
                breaker_report(&b, 1000, i % 2 == 0);
        breaker_report(&b, 62000, false);
        assert_int_equal(b.state, BREAKER_CLOSED);
}

static void test_half_open_lets_one_probe_through(void **state) {
        Breaker b;
        breaker_init(&b, &(BreakerSettings){ 0 });
        fail_times(&b, 0, 5);
        assert_true(breaker_allow(&b, 30000));
        assert_int_equal(b.state, BREAKER_HALF_OPEN);
        assert_false(breaker_allow(&b, 30000));
        breaker_release(&b); /* it was not made: the next one may */
        assert_true(breaker_allow(&b, 30001));
        breaker_report(&b, 30001, true);
        assert_int_equal(b.state, BREAKER_HALF_OPEN);
        assert_true(breaker_allow(&b, 30002));
        breaker_report(&b, 30002, true);
        assert_int_equal(b.state, BREAKER_CLOSED);
}

static void test_open_time_doubles_to_five_minutes(void **state) {
        static const int64_t expect[] = { 60000, 120000, 240000, 300000, 300000 };
        Breaker b;
        breaker_init(&b, &(BreakerSettings){ 0 });
        fail_times(&b, 0, 5);
        int64_t now = 30000;
        for (size_t i = 0; i < ELEMENTSOF(expect); i++) {
                assert_true(breaker_allow(&b, now));
                breaker_report(&b, now, false);
                assert_int_equal(breaker_wait_ms(&b, now), expect[i]);
                now += expect[i];
        }
        for (int i = 0; i < 2; i++) {
                assert_true(breaker_allow(&b, now));
                breaker_report(&b, now, true);
        }
        fail_times(&b, now, 5); /* closed in between: it starts small again */
        assert_int_equal(breaker_wait_ms(&b, now), 30000);
}

static void test_late_report_does_not_move_an_open_one(void **state) {
        Breaker b;
        breaker_init(&b, &(BreakerSettings){ 0 });
        assert_true(breaker_allow(&b, 0));
        fail_times(&b, 0, 5);
        breaker_report(&b, 100, true);
        assert_int_equal(b.state, BREAKER_OPEN);
        assert_int_equal(breaker_wait_ms(&b, 100), 29900);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_opens_after_five_in_a_row),
                cmocka_unit_test(test_opens_at_half_of_twenty),
                cmocka_unit_test(test_window_forgets_after_a_minute),
                cmocka_unit_test(test_half_open_lets_one_probe_through),
                cmocka_unit_test(test_open_time_doubles_to_five_minutes),
                cmocka_unit_test(test_late_report_does_not_move_an_open_one),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "web/stream_int.h"

typedef struct Seen {
        int gone, drained, woken;
} Seen;

static Seen seen;
static Stream *stream;

static void on_gone(void *arg) { ((Seen *)arg)->gone++; }
static void on_drained(void *arg) { ((Seen *)arg)->drained++; }
static void on_wake(void *arg) { ((Seen *)arg)->woken++; }

static int setup(void **state) {
        seen = (Seen){ 0 };
        StreamSettings set = {
                .backlog_max = 100, .gone = on_gone, .drained = on_drained, .arg = &seen
        };
        stream = stream_new(&set, (StreamWaker){ on_wake, &seen }, 0);
        return 0;
}

static int teardown(void **state) {
        stream = stream_unref(stream);
        return 0;
}

static char bytes[1000];
static SendResult send_n(size_t n) { return stream_send(stream, (Str){ bytes, n }); }

static StreamTake take_n(size_t max, size_t *ret_n) {
        char to[1000];
        *ret_n = 0;
        return stream_take(stream, (StreamRoom){ to, max }, 1000, ret_n);
}

static void test_bytes_come_out_in_order(void **state) {
        char to[64];
        size_t n;
        assert_int_equal(stream_send(stream, STR("hello ")), SEND_OK);
        assert_int_equal(stream_send(stream, STR("world")), SEND_OK);
        assert_int_equal(stream_take(stream, (StreamRoom){ to, 8 }, 0, &n), STREAM_BYTES);
        assert_memory_equal(to, "hello wo", n);
        assert_int_equal(stream_take(stream, (StreamRoom){ to, 8 }, 0, &n), STREAM_BYTES);
        assert_memory_equal(to, "rld", n);
        assert_int_equal(seen.woken, 0); /* nobody waited yet */
}

static void test_wakes_once_per_parking(void **state) {
        size_t n;
        assert_int_equal(take_n(10, &n), STREAM_EMPTY);
        send_n(1);
        send_n(1);
        assert_int_equal(seen.woken, 1);
        assert_int_equal(take_n(10, &n), STREAM_BYTES);
        assert_int_equal(take_n(10, &n), STREAM_EMPTY);
        stream_end(stream);
        assert_int_equal(seen.woken, 2);
        assert_int_equal(take_n(10, &n), STREAM_ENDED);
        assert_int_equal(send_n(1), SEND_GONE);
        stream_lose(stream);
        assert_int_equal(seen.gone, 0); /* it ended itself: nobody left */
}

static void test_full_then_drained(void **state) {
        size_t n;
        assert_int_equal(send_n(100), SEND_OK);
        assert_int_equal(send_n(1), SEND_FULL);
        assert_int_equal(take_n(50, &n), STREAM_BYTES);
        assert_int_equal(seen.drained, 0); /* 51 left: not under half */
        assert_int_equal(take_n(2, &n), STREAM_BYTES);
        assert_int_equal(seen.drained, 1);
        assert_int_equal(send_n(10), SEND_OK);
        assert_int_equal(take_n(100, &n), STREAM_BYTES);
        assert_int_equal(seen.drained, 1);
}

static void test_producer_that_does_not_pause_loses_the_reader(void **state) {
        size_t n;
        assert_int_equal(send_n(150),
                         SEND_FULL); /* one large event with nothing before it is fine */
        assert_int_equal(send_n(50), SEND_FULL);
        assert_int_equal(send_n(1), SEND_GONE); /* over twice the backlog */
        assert_int_equal(seen.gone, 1);
        assert_true(stream_is_gone(stream));
        assert_int_equal(take_n(10, &n), STREAM_LOST);
        stream_lose(stream);
        assert_int_equal(seen.gone, 1);
}

static void test_long_slow_reading_needs_no_more_memory(void **state) {
        size_t n;
        for (int i = 0; i < 100000; i++) { /* never empty, never more than 60 */
                assert_int_equal(send_n(i ? 10 : 50), SEND_OK);
                if (i)
                        assert_int_equal(take_n(10, &n), STREAM_BYTES);
        }
}

static void test_health(void **state) {
        size_t n;
        assert_int_equal(stream_health(stream, 99, 100, 300), STREAM_WELL);
        assert_int_equal(stream_health(stream, 100, 100, 300), STREAM_QUIET);
        stream_comment(stream, STR(":\n\n"));
        assert_int_equal(stream_health(stream, 1000, 100, 300),
                         STREAM_WELL); /* the clock starts at this look */
        assert_int_equal(stream_health(stream, 1299, 1000, 300), STREAM_WELL);
        assert_int_equal(stream_health(stream, 1300, 1000, 300), STREAM_STALLED);
        assert_int_equal(take_n(10, &n), STREAM_BYTES);
        assert_int_equal(n, 3);
        assert_int_equal(stream_health(stream, 9000, 10000, 300), STREAM_WELL);
}

static void test_finish_adds_a_last_event(void **state) {
        size_t n;
        assert_int_equal(send_n(10), SEND_OK);
        stream_finish(stream, STR("bye"));
        assert_int_equal(send_n(10), SEND_GONE);
        assert_int_equal(take_n(100, &n), STREAM_BYTES);
        assert_int_equal(n, 13);
        assert_int_equal(take_n(100, &n), STREAM_ENDED);
}

static void test_lost_connection_tells_once(void **state) {
        size_t n;
        assert_int_equal(take_n(10, &n), STREAM_EMPTY);
        stream_lose(stream);
        stream_lose(stream);
        assert_int_equal(seen.gone, 1);
        assert_int_equal(send_n(1), SEND_GONE);
        stream_end(stream);
        assert_int_equal(seen.woken, 0); /* the connection is not there to be woken */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_bytes_come_out_in_order, setup, teardown),
                cmocka_unit_test_setup_teardown(test_wakes_once_per_parking, setup, teardown),
                cmocka_unit_test_setup_teardown(test_full_then_drained, setup, teardown),
                cmocka_unit_test_setup_teardown(test_producer_that_does_not_pause_loses_the_reader,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_long_slow_reading_needs_no_more_memory, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_health, setup, teardown),
                cmocka_unit_test_setup_teardown(test_finish_adds_a_last_event, setup, teardown),
                cmocka_unit_test_setup_teardown(test_lost_connection_tells_once, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

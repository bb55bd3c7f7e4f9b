// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "web/forwarded.h"
#include "web/limit.h"

enum { DAY_S = 86400 };
static const int64_t noon_ms = (20000LL * DAY_S + DAY_S / 2) * 1000;

static const LimitPolicy user_v[] = {
        { .name = "burst", .quota = 3, .window_s = 60 },
        { .name = "daily", .quota = 5, .window_s = DAY_S, .aligned = true },
};
static const LimitPolicies user = { user_v, ELEMENTSOF(user_v) };

static Arena *arena;
static TestWorld world;
static Ctx cx;
static Limits *limits;

static int setup(void **state) {
        arena = arena_new();
        world = TEST_WORLD(noon_ms);
        cx = TEST_CTX(arena, &world.world);
        return limits_new(&cx, &limits);
}

static int teardown(void **state) {
        limits = limits_free(limits);
        arena = arena_free(arena);
        return 0;
}

static bool take(Str key, int64_t at_ms, LimitResult *r) {
        return limit_take(limits, key, user, at_ms, r);
}

static void test_refused_requests_do_not_count(void **state) {
        LimitResult r;
        for (int i = 0; i < 3; i++)
                assert_true(take(STR("u:1"), noon_ms, &r));
        assert_int_equal(r.each[0].remaining, 0);
        assert_int_equal(r.each[1].remaining, 2);
        for (int i = 0; i < 10; i++) {
                assert_false(take(STR("u:1"), noon_ms + 1000, &r));
                assert_int_equal(r.violated, 1u << 0);
                assert_int_equal(r.retry_after_s, 59);
                assert_int_equal(r.each[1].remaining, 2);
        }
        assert_true(take(STR("u:2"), noon_ms, &r)); /* somebody else is not touched */
        assert_true(take(STR("u:1"), noon_ms + 60000, &r));
        assert_true(take(STR("u:1"), noon_ms + 60000, &r));
        assert_false(take(STR("u:1"), noon_ms + 60000, &r));
        assert_int_equal(r.violated, 1u << 1); /* one is left of the burst, none of the day */
        assert_int_equal(r.retry_after_s, DAY_S / 2 - 60);
        assert_int_equal(r.each[0].remaining, 1);
}

static void test_day_turns_at_midnight(void **state) {
        LimitResult r;
        int64_t late = noon_ms + (DAY_S / 2 - 1) * 1000LL;
        for (int i = 0; i < 5; i++)
                assert_true(take(STR("u:1"), noon_ms + i * 60000LL, &r));
        assert_false(take(STR("u:1"), late, &r));
        assert_int_equal(r.retry_after_s, 1);
        assert_true(take(STR("u:1"), late + 1000, &r));
        assert_int_equal(r.each[1].remaining, 4);
        assert_int_equal(r.each[1].reset_s, DAY_S);
}

static void test_both_violated_waits_for_the_longer(void **state) {
        static const LimitPolicy v[] = { { "a", 1, 10, false }, { "b", 1, 100, false } };
        LimitResult r;
        LimitPolicies p = { v, 2 };
        assert_true(limit_take(limits, STR("k"), p, noon_ms, &r));
        assert_false(limit_take(limits, STR("k"), p, noon_ms, &r));
        assert_int_equal(r.violated, 3);
        assert_int_equal(r.retry_after_s, 100);
}

static void test_unlimited_is_neither_counted_nor_shown(void **state) {
        static const LimitPolicy v[] = { { "burst", 2, 60, false }, { "daily", 0, DAY_S, true } };
        LimitResult r;
        LimitPolicies p = { v, 2 };
        assert_true(limit_take(limits, STR("k"), p, noon_ms, &r));
        assert_str(limit_policy_text(arena, p), "\"burst\";q=2;w=60");
        assert_str(limit_state_text(arena, p, &r), "\"burst\";r=1;t=60");
        p.v++;
        p.n--;
        assert_null(limit_policy_text(arena, p).p);
}

static void test_header_text(void **state) {
        LimitResult r;
        take(STR("u:1"), noon_ms, &r);
        assert_str(limit_policy_text(arena, user), "\"burst\";q=3;w=60,\"daily\";q=5;w=86400");
        assert_str(limit_state_text(arena, user, &r), "\"burst\";r=2;t=60,\"daily\";r=4;t=43200");
}

static void test_a_look_counts_nothing(void **state) {
        LimitResult r;
        limit_peek(limits, STR("u:1"), user, noon_ms, &r); /* before the first request */
        assert_true(r.allowed);
        assert_str(limit_state_text(arena, user, &r), "\"burst\";r=3;t=60,\"daily\";r=5;t=43200");
        for (int i = 0; i < 2; i++)
                take(STR("u:1"), noon_ms, &r);
        for (int i = 0; i < 100; i++)
                limit_peek(limits, STR("u:1"), user, noon_ms + 10000, &r);
        assert_str(limit_state_text(arena, user, &r), "\"burst\";r=1;t=50,\"daily\";r=3;t=43190");
        take(STR("u:1"), noon_ms, &r);
        limit_peek(limits, STR("u:1"), user, noon_ms + 1000, &r);
        assert_false(r.allowed);
        assert_int_equal(r.retry_after_s, 59);
        limit_peek(limits, STR("u:1"), user, noon_ms + 60000, &r); /* the burst is over */
        assert_true(r.allowed);
        assert_int_equal(r.each[0].remaining, 3);
        assert_int_equal(r.each[0].reset_s, 60);
        assert_int_equal(r.each[1].remaining, 2);
        assert_false(take(STR("u:1"), noon_ms + 1000, &r)); /* looking ahead moved nothing */
}

static int known(LimitPolicies p, int n) {
        LimitResult r;
        int refused = 0;
        for (int i = 0; i < n; i++) {
                limit_peek(limits, arena_strf(arena, "u:%d", i), p, noon_ms, &r);
                refused += !r.allowed;
        }
        return refused;
}

static void test_looks_push_nobody_out(void **state) {
        static const LimitPolicy v[] = { { "once", 1, DAY_S, false } };
        enum { KEYS = 100000 }; /* more than there are places */
        LimitPolicies p = { v, 1 };
        LimitResult r;
        for (int i = 0; i < KEYS; i++)
                limit_take(limits, arena_strf(arena, "u:%d", i), p, noon_ms, &r);
        int before = known(p, KEYS);
        assert_in_range(before, KEYS / 2, KEYS);
        known(p, 3 * KEYS);
        assert_int_equal(known(p, KEYS), before);
}

static void test_full_table_forgets_the_least_used(void **state) {
        LimitResult r;
        for (int i = 0; i < 3; i++)
                take(STR("u:heavy"), noon_ms, &r);
        for (int i = 0; i < 200000; i++) /* more keys than places */
                take(arena_strf(arena, "u:%d", i), noon_ms, &r);
        assert_false(take(STR("u:heavy"), noon_ms, &r));
}

static void test_long_keys_stay_apart(void **state) {
        LimitResult r;
        char a[100], b[100];
        memset(a, 'x', sizeof a);
        memset(b, 'x', sizeof b);
        b[99] = 'y';
        for (int i = 0; i < 3; i++)
                assert_true(take((Str){ a, sizeof a }, noon_ms, &r));
        assert_false(take((Str){ a, sizeof a }, noon_ms, &r));
        assert_true(take((Str){ b, sizeof b }, noon_ms, &r));
}

typedef struct Saved {
        LimitCount v[8];
        size_t n;
} Saved;

static void save(void *arg, const LimitCount *c) {
        Saved *s = arg;
        s->v[s->n] = *c;
        s->v[s->n++].key = arena_dup(arena, c->key);
}

static void test_counters_survive_a_restart(void **state) {
        LimitResult r;
        Saved s = { .n = 0 };
        for (int i = 0; i < 3; i++)
                take(STR("u:1"), noon_ms, &r);
        limits_export(limits, save, &s);
        assert_int_equal(s.n, 2);
        limits_export(limits, save, &s); /* nothing moved since */
        assert_int_equal(s.n, 2);

        limits = limits_free(limits);
        assert_ok(limits_new(&cx, &limits));
        for (size_t i = 0; i < s.n; i++)
                limits_import(limits, &s.v[i]);
        assert_false(take(STR("u:1"), noon_ms + 1000, &r));
        assert_int_equal(r.violated, 1);
        assert_true(take(STR("u:1"), noon_ms + 60000, &r));
        assert_int_equal(r.each[1].remaining, 1);
}

/* ---- forwarded ---- */

typedef struct Hop {
        const char *peer, *xff, *fwd, *want;
} Hop;

static void test_forwarded(void **state) {
        static const Hop cases[] = {
                { "10.1.2.3", "198.51.100.7", NULL, "198.51.100.7" },
                { "10.1.2.3", "6.6.6.6, 198.51.100.7", NULL,
                  "198.51.100.7" }, /* the left one is a claim */
                { "10.1.2.3", "198.51.100.7, 10.9.9.9", NULL, "198.51.100.7" },
                { "10.1.2.3", "10.0.0.5, 10.0.0.6", NULL, "10.0.0.5" },
                { "203.0.113.9", "198.51.100.7", NULL, "203.0.113.9" }, /* not a proxy of ours */
                { "10.1.2.3", "junk", NULL, "10.1.2.3" },
                { "10.1.2.3", "198.51.100.7, junk", NULL, "10.1.2.3" },
                { "10.1.2.3", "198.51.100.7:5555", NULL, "198.51.100.7" },
                { "10.1.2.3", NULL, NULL, "10.1.2.3" },
                { "::1", "2001:db8::1", NULL, "2001:db8::1" },
                { "::1", "[2001:db8::1]:443", NULL, "2001:db8::1" },
                { "::ffff:10.1.2.3", "198.51.100.7", NULL, "198.51.100.7" },
                { "::1", NULL, "for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60" },
                { "::1", NULL, "for=6.6.6.6, For=\"[2001:db8:cafe::17]:4711\"",
                  "2001:db8:cafe::17" },
                { "::1", NULL, "for=_hidden", "::1" },
                { "::1", "198.51.100.7", "for=192.0.2.60", "198.51.100.7" },
                { "fd00:1::5", "198.51.100.8", NULL, "198.51.100.8" },
        };
        Str nets[] = { STR("10.0.0.0/8"), STR("::1"), STR("fd00::/15") };
        _cleanup_(proxies_freep) Proxies *p = NULL;
        assert_ok(proxies_new(&cx, (Strs){ nets, ELEMENTSOF(nets) }, &p));
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char buf[ADDRESS_TEXT_MAX];
                Str got = forwarded_client(p, str_c(cases[i].peer), str_c(cases[i].xff),
                                           str_c(cases[i].fwd), buf);
                assert_string_equal(arena_cstr(arena, got), cases[i].want);
        }
        char buf[ADDRESS_TEXT_MAX];
        assert_str(forwarded_client(NULL, STR("10.1.2.3"), STR("1.1.1.1"), STR_NULL, buf),
                   "10.1.2.3");
}

static void test_bad_networks(void **state) {
        static const char *const bad[] = { "",     "10.0.0.0/33", "10.0.0/8",  "::/129",
                                           "host", "10.0.0.0/",   "10.0.0.0/x" };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                Proxies *p = NULL;
                Str one = str_c(bad[i]);
                err_clear(&cx);
                assert_err(proxies_new(&cx, (Strs){ &one, 1 }, &p), ERR_INVALID);
                assert_null(p);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_refused_requests_do_not_count, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_day_turns_at_midnight, setup, teardown),
                cmocka_unit_test_setup_teardown(test_both_violated_waits_for_the_longer, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_unlimited_is_neither_counted_nor_shown, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_header_text, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_look_counts_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_looks_push_nobody_out, setup, teardown),
                cmocka_unit_test_setup_teardown(test_full_table_forgets_the_least_used, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_long_keys_stay_apart, setup, teardown),
                cmocka_unit_test_setup_teardown(test_counters_survive_a_restart, setup, teardown),
                cmocka_unit_test_setup_teardown(test_forwarded, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bad_networks, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

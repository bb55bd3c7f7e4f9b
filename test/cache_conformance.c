// SPDX-License-Identifier: MIT
/* Every driver of the cache seam against the same cases. Time is the test's own, except where
 * threads race. */
#include <pthread.h>

#include "base/testing.h"
#include "store/cache.h"

enum { SMALL = 64 * 1024 };                           /* bytes_max: small enough to fill */

typedef struct Driver {
        const char *name;
        Err (*open)(Ctx *cx, Cache **ret);
        void (*pass_ms)(Ctx *cx, int64_t ms);         /* lets time go by for this driver */
} Driver;

typedef struct Case {
        Arena *arena;
        TestWorld world;
        Ctx cx;
        const Driver *driver;
        Cache *cache;
} Case;

static Err local_open(Ctx *cx, Cache **ret) {
        return cache_open(cx, &(CacheSettings){ .bytes_max = SMALL }, ret);
}
static void local_pass(Ctx *cx, int64_t ms) {
        CONTAINER_OF(cx->world, TestWorld, world)->mono_us += ms * 1000;
}
static const Driver local = { "local", local_open, local_pass };

static int case_begin(void **state) {
        Case *k = calloc(1, sizeof *k);
        k->driver = *state;
        k->arena = arena_new();
        k->world = TEST_WORLD(1700000000000);
        k->cx = TEST_CTX(k->arena, &k->world.world);
        *state = k;
        return (int)k->driver->open(&k->cx, &k->cache);
}

static int case_end(void **state) {
        Case *k = *state;
        cache_close(k->cache);
        arena_free(k->arena);
        free(k);
        return 0;
}

static void pass(Case *k, int64_t ms) { k->driver->pass_ms(&k->cx, ms); }

static void assert_value(Case *k, const char *key, const char *want) {
        Str got = STR_NULL;
        Err e = cache_get(&k->cx, k->cache, str_c(key), &got);
        assert_int_equal(k->cx.err.code, OK);
        if (want) {
                assert_ok(e);
                assert_true(str_eq_c(got, want));
        } else {
                assert_err(e, ERR_NOT_FOUND);
                assert_null(got.p);
        }
}

static void set(Case *k, const char *key, const char *value, int64_t ttl_ms) {
        assert_ok(cache_set(&k->cx, k->cache, str_c(key), str_c(value), ttl_ms));
}

/* ---- values ---- */

static void a_value_lives_its_time(void **state) {
        Case *k = *state;
        assert_value(k, "a", NULL);
        set(k, "a", "1", 1000);
        set(k, "b", "", 1000000);
        assert_value(k, "a", "1");
        pass(k, 900);
        assert_value(k, "a", "1");
        pass(k, 200);
        assert_value(k, "a", NULL);
        assert_value(k, "b", "");
        set(k, "b", "2", 1000);                       /* a new value has a new time */
        pass(k, 1100);
        assert_value(k, "b", NULL);
}

static void delete_forgets(void **state) {
        Case *k = *state;
        set(k, "a", "1", 1000);
        assert_ok(cache_delete(&k->cx, k->cache, STR("a")));
        assert_ok(cache_delete(&k->cx, k->cache, STR("a")));
        assert_value(k, "a", NULL);
}

static void bytes_are_bytes(void **state) {
        Case *k = *state;
        Str key = STR("k\0\1"), value = STR("\0\377v\0"), got = STR_NULL;
        assert_ok(cache_set(&k->cx, k->cache, key, value, 1000));
        assert_ok(cache_get(&k->cx, k->cache, key, &got));
        assert_true(str_eq(got, value));
        assert_err(cache_get(&k->cx, k->cache, STR("k"), &got), ERR_NOT_FOUND);
}

static void sizes_are_limited(void **state) {
        Case *k = *state;
        char *big = arena_alloc(k->arena, CACHE_VALUE_MAX + 1);
        Str long_key = str_n(big, CACHE_KEY_MAX + 1), got = STR_NULL;
        assert_err(cache_get(&k->cx, k->cache, long_key, &got), ERR_TOO_LARGE);
        err_clear(&k->cx);
        assert_err(cache_set(&k->cx, k->cache, STR("k"), str_n(big, CACHE_VALUE_MAX + 1), 1),
                   ERR_TOO_LARGE);
        err_clear(&k->cx);
        assert_err(cache_set(&k->cx, k->cache, STR(""), STR("v"), 1), ERR_TOO_LARGE);
        err_clear(&k->cx);
}

/* ---- leases ---- */

static void one_holds_a_lease(void **state) {
        Case *k = *state;
        Cache *c = k->cache;
        assert_ok(cache_lease(&k->cx, c, STR("turn:1"), STR("me"), 1000));
        assert_err(cache_lease(&k->cx, c, STR("turn:1"), STR("you"), 1000), ERR_CONFLICT);
        assert_err(cache_release(&k->cx, c, STR("turn:1"), STR("you")), ERR_NOT_FOUND);
        assert_err(cache_lease(&k->cx, c, STR("turn:1"), STR("you"), 1000), ERR_CONFLICT);
        assert_int_equal(k->cx.err.code, OK);         /* answers, not failures */
        assert_ok(cache_release(&k->cx, c, STR("turn:1"), STR("me")));
        assert_ok(cache_lease(&k->cx, c, STR("turn:1"), STR("you"), 1000));
}

static void a_lease_runs_out_or_is_made_longer(void **state) {
        Case *k = *state;
        Cache *c = k->cache;
        assert_ok(cache_lease(&k->cx, c, STR("l"), STR("me"), 1000));
        pass(k, 800);
        assert_ok(cache_lease(&k->cx, c, STR("l"), STR("me"), 1000));
        pass(k, 800);
        assert_err(cache_lease(&k->cx, c, STR("l"), STR("you"), 1000), ERR_CONFLICT);
        pass(k, 400);
        assert_ok(cache_lease(&k->cx, c, STR("l"), STR("you"), 1000));
        assert_err(cache_release(&k->cx, c, STR("l"), STR("me")), ERR_NOT_FOUND);
}

/* ---- counters ---- */

static void a_counter_has_one_window(void **state) {
        Case *k = *state;
        CacheCount n = { 0 };
        assert_ok(cache_count(&k->cx, k->cache, STR("n"), (CacheStep){ 1, 1000 }, &n));
        assert_int_equal(n.value, 1);
        assert_true(n.left_ms > 0 && n.left_ms <= 1000);
        pass(k, 600);
        assert_ok(cache_count(&k->cx, k->cache, STR("n"), (CacheStep){ 5, 1000 }, &n));
        assert_int_equal(n.value, 6);
        assert_true(n.left_ms > 0 && n.left_ms <= 400);
        assert_value(k, "n", "6");
        pass(k, 500); /* the second increment did not make it longer */
        assert_ok(cache_count(&k->cx, k->cache, STR("n"), (CacheStep){ 1, 1000 }, &n));
        assert_int_equal(n.value, 1);
}

enum { THREADS = 4, ROUNDS = 500 };
typedef struct Racer { Cache *cache; int64_t won; int id; } Racer;

static void *racer_main(void *arg) {
        Racer *r = arg;
        Arena *arena = arena_new();
        Ctx cx = TEST_CTX(arena, &world_real);
        for (int i = 0; i < ROUNDS; i++, arena_clear(arena)) {
                CacheCount n;
                assert(cache_count(&cx, r->cache, STR("race"), (CacheStep){ 1, 600000 }, &n) == OK);
                Str key = arena_strf(arena, "lease %d", i), me = arena_strf(arena, "%d", r->id);
                r->won += cache_lease(&cx, r->cache, key, me, 600000) == OK;
        }
        arena_free(arena);
        return NULL;
}

static void threads_neither_lose_nor_share(void **state) {
        Case *k = *state;
        Ctx cx = k->cx;
        cx.world = &world_real;
        Cache *cache = NULL;
        assert_ok(cache_open(&cx, &(CacheSettings){ 0 }, &cache));
        Racer r[THREADS];
        pthread_t t[THREADS];
        for (int i = 0; i < THREADS; i++) {
                r[i] = (Racer){ .cache = cache, .id = i };
                pthread_create(&t[i], NULL, racer_main, &r[i]);
        }
        int64_t won = 0;
        for (int i = 0; i < THREADS; i++) {
                pthread_join(t[i], NULL);
                won += r[i].won;
        }
        assert_int_equal(won, ROUNDS);                /* each lease has one holder */
        CacheCount n = { 0 };
        assert_ok(cache_count(&cx, cache, STR("race"), (CacheStep){ 0, 1000 }, &n));
        assert_int_equal(n.value, THREADS * ROUNDS);
        cache_close(cache);
}

/* ---- messages ---- */

typedef struct Inbox { char text[64]; } Inbox;
static void inbox_add(void *arg, Str message) {
        Inbox *b = arg;
        strncat(b->text, message.p, MIN(message.n, sizeof b->text - strlen(b->text) - 1));
}

static void messages_reach_their_channel(void **state) {
        Case *k = *state;
        Inbox one = { "" }, two = { "" }, other = { "" };
        CacheSub *s[3];
        assert_ok(cache_subscribe(&k->cx, k->cache, STR("revoked"),
                                  (CacheListener){ inbox_add, &one }, &s[0]));
        assert_ok(cache_subscribe(&k->cx, k->cache, STR("revoked"),
                                  (CacheListener){ inbox_add, &two }, &s[1]));
        assert_ok(cache_subscribe(&k->cx, k->cache, STR("other"),
                                  (CacheListener){ inbox_add, &other }, &s[2]));
        assert_ok(cache_publish(&k->cx, k->cache, STR("revoked"), STR("a")));
        assert_ok(cache_publish(&k->cx, k->cache, STR("nobody"), STR("x")));
        s[0] = cache_unsubscribe(s[0]);
        assert_ok(cache_publish(&k->cx, k->cache, STR("revoked"), STR("b")));
        assert_string_equal(one.text, "a");
        assert_string_equal(two.text, "ab");
        assert_string_equal(other.text, "");
        cache_unsubscribe(s[1]);
        cache_unsubscribe(s[2]);
}

/* ---- the bound of the in-process driver ---- */

static void what_is_not_used_goes_first_but_never_a_lease(void **state) {
        Case *k = *state;
        assert_ok(cache_lease(&k->cx, k->cache, STR("lease"), STR("me"), 100000));
        set(k, "hot", "1", 100000);
        for (int i = 0; i < 5000; i++) {
                set(k, arena_printf(k->arena, "cold %d", i), "0123456789", 100000);
                assert_value(k, "hot", "1");
        }
        CacheStats st;
        cache_stats(k->cache, &st);
        assert_true(st.bytes <= st.bytes_max && st.bytes_max <= SMALL);
        assert_true(st.dropped > 4000 && st.entries < 1000);
        assert_value(k, "lease", "me");
        assert_value(k, "cold 0", NULL);
        assert_value(k, "cold 4999", "0123456789");
}

static void a_cache_full_of_leases_refuses(void **state) {
        Case *k = *state;
        Err e = OK;
        for (int i = 0; i < 5000 && !e; i++)
                e = cache_lease(&k->cx, k->cache, arena_strf(k->arena, "lease %d", i), STR("me"),
                                1000);
        assert_err(e, ERR_UNAVAILABLE);
        err_clear(&k->cx);
        pass(k, 3000);
        CacheStats st;
        assert_ok(cache_lease(&k->cx, k->cache, STR("again"), STR("me"), 1000));
        for (int i = 0; i < 200; i++) /* each shard turns its wheel when it is touched */
                assert_value(k, arena_printf(k->arena, "touch %d", i), NULL);
        cache_stats(k->cache, &st);
        assert_int_equal(st.entries, 1);
}

static void the_dead_make_room_before_the_living(void **state) {
        Case *k = *state;
        for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 100; i++)
                        set(k, arena_printf(k->arena, "%d/%d", round, i), "0123456789", 300000);
                pass(k, 301500);                      /* longer than one turn of the wheel */
        }
        CacheStats st;
        cache_stats(k->cache, &st);
        assert_int_equal(st.dropped, 0);
}

static void the_failing_driver_fails_everything(void **state) {
        Arena *arena = arena_new();
        Ctx cx = TEST_CTX(arena, &world_real);
        Cache *c = NULL;
        assert_ok(cache_open_failing(&cx, ERR_UNAVAILABLE, &c));
        Str got = STR("before");
        CacheCount n = { 7, 7 };
        CacheSub *sub = (CacheSub *)&cx;
        assert_err(cache_get(&cx, c, STR("k"), &got), ERR_UNAVAILABLE);
        assert_err(cache_set(&cx, c, STR("k"), STR("v"), 1), ERR_UNAVAILABLE);
        assert_err(cache_delete(&cx, c, STR("k")), ERR_UNAVAILABLE);
        assert_err(cache_lease(&cx, c, STR("k"), STR("v"), 1), ERR_UNAVAILABLE);
        assert_err(cache_release(&cx, c, STR("k"), STR("v")), ERR_UNAVAILABLE);
        assert_err(cache_count(&cx, c, STR("k"), (CacheStep){ 1, 1 }, &n), ERR_UNAVAILABLE);
        assert_err(cache_publish(&cx, c, STR("k"), STR("v")), ERR_UNAVAILABLE);
        assert_err(cache_subscribe(&cx, c, STR("k"), (CacheListener){ inbox_add, NULL }, &sub),
                   ERR_UNAVAILABLE);
        assert_str(got, "before");
        assert_int_equal(n.value, 7);
        assert_ptr_equal(sub, &cx);
        cache_close(c);
        arena_free(arena);
}

#define CASE(fn) { #fn, fn }
static const struct { const char *name; CMUnitTestFunction fn; } cases[] = {
        CASE(a_value_lives_its_time),
        CASE(delete_forgets),
        CASE(bytes_are_bytes),
        CASE(sizes_are_limited),
        CASE(one_holds_a_lease),
        CASE(a_lease_runs_out_or_is_made_longer),
        CASE(a_counter_has_one_window),
        CASE(threads_neither_lose_nor_share),
        CASE(messages_reach_their_channel),
};

static int driver_run(const Driver *driver) {
        struct CMUnitTest tests[ELEMENTSOF(cases)];
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                tests[i] = (struct CMUnitTest){ .name = cases[i].name,
                                                .test_func = cases[i].fn,
                                                .setup_func = case_begin,
                                                .teardown_func = case_end,
                                                .initial_state = (void *)(uintptr_t)driver };
        return _cmocka_run_group_tests(driver->name, tests, ELEMENTSOF(tests), NULL, NULL);
}

int main(void) {
#define LOCAL(fn)                                                                                  \
        cmocka_unit_test_prestate_setup_teardown(fn, case_begin, case_end,                         \
                                                 (void *)(uintptr_t)&local)
        static const struct CMUnitTest bounded[] = {
                LOCAL(what_is_not_used_goes_first_but_never_a_lease),
                LOCAL(a_cache_full_of_leases_refuses),
                LOCAL(the_dead_make_room_before_the_living),
                cmocka_unit_test(the_failing_driver_fails_everything),
        };
        return driver_run(&local) +
               cmocka_run_group_tests_name("bounds and failure", bounded, NULL, NULL);
}

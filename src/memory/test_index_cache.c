// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "base/testing.h"
#include "memory/index_cache.h"

/* A store of numbered units per user, and what is to go wrong with it. */
typedef struct Store {
        pthread_mutex_t lock;
        unsigned loads, units;
        Err fail;
        void (*meanwhile)(struct Store *s); /* called in the middle of a load, once */
        IndexCache *cache;
} Store;

typedef struct Fixture {
        Arena *arena;
        TestWorld world;
        Ctx cx;
        Store store;
} Fixture;

static void unit_put(UserIndex *ix, UnitId id, Str text) {
        Unit u = { .kind = UNIT_MEMORY,
                   .id = id,
                   .text = text,
                   .valid_to_ms = UNIT_FOREVER,
                   .retired_ms = UNIT_FOREVER };
        index_put(ix, &u);
}

static Err store_load(Ctx *cx, void *arg, Str user, UserIndex *ix) {
        Store *s = arg;
        (void)pthread_mutex_lock(&s->lock);
        unsigned n = s->units;
        void (*meanwhile)(Store *) = s->meanwhile;
        s->meanwhile = NULL;
        s->loads++;
        (void)pthread_mutex_unlock(&s->lock);
        for (unsigned i = 1; i <= n; i++)
                unit_put(ix, i,
                         arena_strf(cx->arena, "%.*s word%u filler text here", STR_FMT(user), i));
        if (meanwhile)
                meanwhile(s);
        return s->fail ? RAISE(cx, s->fail, "as told") : OK;
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof *f);
        f->arena = arena_new();
        f->world = TEST_WORLD(0);
        f->cx = TEST_CTX(f->arena, &f->world.world);
        f->store.units = 3;
        (void)pthread_mutex_init(&f->store.lock, NULL);
        IndexCacheSettings set = { .rank = rank_defaults,
                                   .load = store_load,
                                   .load_arg = &f->store };
        assert_ok(index_cache_new(&f->cx, &set, &f->store.cache));
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        index_cache_free(f->store.cache);
        (void)pthread_mutex_destroy(&f->store.lock);
        arena_free(f->arena);
        free(f);
        return 0;
}

static size_t hits_of(Ctx *cx, IndexCache *c, Str user, const char *word) {
        _cleanup_(index_unpin) IndexPin pin = { 0 };
        assert_ok(index_pin(cx, c, user, &pin));
        SearchQuery q = { .text = str_c(word), .top_k = 10 };
        Hits hits;
        assert_ok(index_search(cx, pin.ix, &q, &hits));
        return hits.n;
}

static IndexCacheStats stats_of(Fixture *f) {
        IndexCacheStats s;
        index_cache_stats(f->store.cache, &s);
        return s;
}

static void test_builds_once(void **state) {
        Fixture *f = *state;
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ana"), "word2"), 1);
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ana"), "word9"), 0);
        assert_int_equal(f->store.loads, 1);
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ben"), "ana"), 0);
        assert_int_equal(f->store.loads, 2);
        assert_int_equal(stats_of(f).users, 2);
}

static void test_changes_are_seen(void **state) {
        Fixture *f = *state;
        Unit u = { .kind = UNIT_MEMORY, .id = 77, .text = STR("quokka") };
        /* nothing is held: the loader will read it */
        index_cache_put(f->store.cache, STR("ana"), &u);
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ana"), "quokka"), 0);
        index_cache_put(f->store.cache, STR("ana"), &u);
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ana"), "quokka"), 1);
        index_cache_remove(f->store.cache, STR("ana"), 77);
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ana"), "quokka"), 0);
}

static void put_and_remove(Store *s) {
        Str label = STR("tag=x");
        Unit u = { .kind = UNIT_MEMORY, .id = 88, .text = STR("walrus"), .labels = { &label, 1 } };
        index_cache_put(s->cache, STR("ana"), &u);
        index_cache_remove(s->cache, STR("ana"), 2);
}

static void test_changes_during_a_build(void **state) {
        Fixture *f = *state;
        f->store.meanwhile = put_and_remove;
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ana"), "walrus"), 1);
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ana"), "word2"), 0);
        assert_int_equal(f->store.loads, 1);
}

static void more_units(Store *s) {
        s->units = 5;
        index_cache_forget(s->cache, STR("ana"));
}

static void test_forgotten_during_a_build(void **state) {
        Fixture *f = *state;
        f->store.meanwhile = more_units;
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ana"), "word5"), 1);
        assert_int_equal(f->store.loads, 2);
}

static void test_forget_rebuilds(void **state) {
        Fixture *f = *state;
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ana"), "word4"), 0);
        _cleanup_(index_unpin) IndexPin held = { 0 };
        assert_ok(index_pin(&f->cx, f->store.cache, STR("ana"), &held));
        f->store.units = 4;
        index_cache_forget(f->store.cache, STR("ana"));
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ana"), "word4"), 1);
        IndexStats old;
        /* what is pinned stays whole until it is let go */
        index_stats(held.ix, &old);
        assert_int_equal(old.memories, 3);
        index_cache_forget_all(f->store.cache);
        assert_int_equal(stats_of(f).users, 0);
        assert_int_equal(stats_of(f).bytes, 0);
}

static void test_failed_load(void **state) {
        Fixture *f = *state;
        IndexPin pin = { 0 };
        f->store.fail = ERR_STORAGE;
        assert_err(index_pin(&f->cx, f->store.cache, STR("ana"), &pin), ERR_STORAGE);
        assert_null(pin.ix);
        assert_int_equal(stats_of(f).users, 0);
        f->store.fail = OK;
        assert_int_equal(hits_of(&f->cx, f->store.cache, STR("ana"), "word1"), 1);
        char long_id[300];
        memset(long_id, 'u', sizeof long_id);
        assert_err(index_pin(&f->cx, f->store.cache, str_n(long_id, sizeof long_id), &pin),
                   ERR_INVALID);
}

static void test_least_recent_goes(void **state) {
        Fixture *f = *state;
        IndexCacheSettings set = { .rank = rank_defaults,
                                   .load = store_load,
                                   .load_arg = &f->store,
                                   .bytes_max = 64 * 1024 };
        _cleanup_(index_cache_freep) IndexCache *c = NULL;
        assert_ok(index_cache_new(&f->cx, &set, &c));
        _cleanup_(index_unpin) IndexPin held = { 0 };
        assert_ok(index_pin(&f->cx, c, STR("held"), &held));
        IndexCacheStats s;
        for (int i = 0; i < 200; i++) {
                assert_int_equal(hits_of(&f->cx, c, arena_strf(f->arena, "user%d", i), "word1"), 1);
                index_cache_stats(c, &s);
                assert_true(s.bytes <= 64 * 1024);
        }
        assert_true(s.evictions > 100 && s.users > 2);
        unsigned loads = f->store.loads;
        assert_int_equal(hits_of(&f->cx, c, STR("held"), "word1"), 1);
        assert_int_equal(hits_of(&f->cx, c, STR("user199"), "word1"), 1);
        assert_int_equal(f->store.loads, loads);
        assert_int_equal(hits_of(&f->cx, c, STR("user0"), "word1"), 1);
        assert_int_equal(f->store.loads, loads + 1);
}

static void test_one_too_big_is_built_once(void **state) {
        Fixture *f = *state;
        IndexCacheSettings set = {
                .rank = rank_defaults, .load = store_load, .load_arg = &f->store, .bytes_max = 1
        };
        _cleanup_(index_cache_freep) IndexCache *c = NULL;
        assert_ok(index_cache_new(&f->cx, &set, &c));
        for (int i = 0; i < 3; i++)
                assert_int_equal(hits_of(&f->cx, c, STR("ana"), "word1"), 1);
        assert_int_equal(f->store.loads, 1);
        assert_int_equal(hits_of(&f->cx, c, STR("ben"), "word1"), 1);
        IndexCacheStats s;
        index_cache_stats(c, &s);
        assert_int_equal(s.users, 1);
}

static void test_settings_are_checked(void **state) {
        Fixture *f = *state;
        IndexCacheSettings set = { .rank = rank_defaults, .load = store_load };
        set.rank.importance = 0.3;
        IndexCache *c = NULL;
        assert_err(index_cache_new(&f->cx, &set, &c), ERR_INVALID);
        assert_null(c);
}

/* ---- threads: one build for all who ask at once; searches and changes side by side ---- */
enum { THREADS = 4, ROUNDS = 150 };
typedef struct Worker {
        pthread_t thread;
        Fixture *f;
        int no;
} Worker;

static void *worker_search(void *arg) {
        Worker *w = arg;
        for (int i = 0; i < ROUNDS; i++) {
                _cleanup_(arena_freep) Arena *arena = arena_new();
                Ctx cx = { .arena = arena, .world = &world_real };
                Str user = arena_strf(arena, "user%d", i % 3);
                assert(hits_of(&cx, w->f->store.cache, user, "word1") == 1);
                Unit u = { .kind = UNIT_MEMORY,
                           .id = 1000 + w->no,
                           .text = arena_strf(arena, "round%d thread", i) };
                index_cache_put(w->f->store.cache, user, &u);
                if (i % 50 == 49)
                        index_cache_forget(w->f->store.cache, user);
        }
        return NULL;
}

static void workers_run(Fixture *f, void *(*fn)(void *)) {
        Worker w[THREADS];
        for (int i = 0; i < THREADS; i++) {
                w[i] = (Worker){ .f = f, .no = i };
                assert_int_equal(pthread_create(&w[i].thread, NULL, fn, &w[i]), 0);
        }
        for (int i = 0; i < THREADS; i++)
                assert_int_equal(pthread_join(w[i].thread, NULL), 0);
}

static void test_threads(void **state) { workers_run(*state, worker_search); }

static void *worker_ask(void *arg) {
        Worker *w = arg;
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        assert(hits_of(&cx, w->f->store.cache, STR("ana"), "word1") == 1);
        return NULL;
}

static void test_single_flight(void **state) {
        Fixture *f = *state;
        f->store.units = 2000;
        workers_run(f, worker_ask);
        assert_int_equal(f->store.loads, 1);
}

int main(void) {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_builds_once),
                T(test_changes_are_seen),
                T(test_changes_during_a_build),
                T(test_forgotten_during_a_build),
                T(test_forget_rebuilds),
                T(test_failed_load),
                T(test_least_recent_goes),
                T(test_one_too_big_is_built_once),
                T(test_settings_are_checked),
                T(test_single_flight),
                T(test_threads),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

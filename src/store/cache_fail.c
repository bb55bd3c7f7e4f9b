// SPDX-License-Identifier: MIT
/* The driver whose every call fails with one error, for tests of what depends on a cache. */
#include <pthread.h>

#include "store/cache_int.h"

typedef struct FailCache {
        Cache base;
        Err with;
} FailCache;

static Err fail(Ctx *cx, Cache *c) {
        Err with = CONTAINER_OF(c, FailCache, base)->with;
        return RAISE(cx, with, "the failing cache driver was asked to fail");
}

static Err fail_get(Ctx *cx, Cache *c, Str key, Str *ret) { return fail(cx, c); }
static Err fail_set(Ctx *cx, Cache *c, Str key, Str value, int64_t ttl_ms) { return fail(cx, c); }
static Err fail_delete(Ctx *cx, Cache *c, Str key) { return fail(cx, c); }
static Err fail_release(Ctx *cx, Cache *c, Str key, Str holder) { return fail(cx, c); }
static Err fail_count(Ctx *cx, Cache *c, Str key, CacheStep step, CacheCount *ret) {
        return fail(cx, c);
}
static Err fail_publish(Ctx *cx, Cache *c, Str channel, Str message) { return fail(cx, c); }
static Err fail_listen(Ctx *cx, Cache *c, Str channel, bool on) { return fail(cx, c); }
static void fail_stats(Cache *c, CacheStats *ret) { *ret = (CacheStats){ 0 }; }

static void fail_close(Cache *c) {
        cache_done(c);
        free(CONTAINER_OF(c, FailCache, base));
}

static const CacheDriver fail_driver = {
        .name = "failing",
        .close = fail_close,
        .get = fail_get,
        .set = fail_set,
        .delete = fail_delete,
        .lease = fail_set,
        .release = fail_release,
        .count = fail_count,
        .publish = fail_publish,
        .listen = fail_listen,
        .stats = fail_stats,
};

Err cache_open_failing(Ctx *cx, Err with, Cache **ret) {
        assert(with != OK);
        FailCache *f = calloc(1, sizeof *f);
        if (!f)
                abort();
        cache_init(&f->base, &fail_driver);
        f->with = with;
        *ret = &f->base;
        return OK;
}

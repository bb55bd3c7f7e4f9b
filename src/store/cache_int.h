// SPDX-License-Identifier: MIT
#pragma once
/* cache_int: what a driver of the cache seam fills in. Limits of keys and values are checked
 * before. */
#include <pthread.h>

#include "store/cache.h"

typedef struct CacheDriver {
        const char *name;
        void (*close)(Cache *c);
        Err (*get)(Ctx *cx, Cache *c, Str key, Str *ret);
        Err (*set)(Ctx *cx, Cache *c, Str key, Str value, int64_t ttl_ms);
        Err (*delete)(Ctx *cx, Cache *c, Str key);
        Err (*lease)(Ctx *cx, Cache *c, Str key, Str holder, int64_t ttl_ms);
        Err (*release)(Ctx *cx, Cache *c, Str key, Str holder);
        Err (*count)(Ctx *cx, Cache *c, Str key, CacheStep step, CacheCount *ret);
        Err (*publish)(Ctx *cx, Cache *c, Str channel, Str message);
        /* A driver that hears of messages elsewhere starts or stops to listen; NULL when it need
         * not. */
        Err (*listen)(Ctx *cx, Cache *c, Str channel, bool on);
        void (*stats)(Cache *c, CacheStats *ret);
} CacheDriver;

struct Cache {
        const CacheDriver *driver;
        pthread_rwlock_t subs_lock;
        CacheSub *subs;
};

void cache_init(Cache *c, const CacheDriver *driver);
void cache_done(Cache *c);                              /* subscribers must have left */
void cache_deliver(Cache *c, Str channel, Str message); /* calls this process's subscribers */

Err cache_local_open(Ctx *cx, const CacheSettings *set, Cache **ret);

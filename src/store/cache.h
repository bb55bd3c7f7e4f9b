// SPDX-License-Identifier: MIT
#pragma once
/* cache: the seam to state that is short-lived and may be lost: counters of limits, leases, copies
 * of answers. In process by default; shared by all replicas when a server for it is configured.
 *
 * Keys are at most CACHE_KEY_MAX bytes, "room:what:id"; values at most CACHE_VALUE_MAX. Every entry
 * has a time to live. The in-process driver is bounded: when full it drops what was used least
 * recently, but never a lease. Thread safe. Times are of the Ctx's World. */
#include "base/base.h"

enum { CACHE_KEY_MAX = 512, CACHE_VALUE_MAX = 1 << 20 };

typedef struct Cache Cache;
typedef struct CacheSub CacheSub;

typedef struct CacheSettings {
        size_t bytes_max; /* in process: entries and keys; 0 = 16 MiB */
} CacheSettings;

Err cache_open(Ctx *cx, const CacheSettings *set, Cache **ret) _must_check_;
Err cache_open_failing(Ctx *cx, Err with,
                       Cache **ret) _must_check_; /* every call fails, for tests */
Cache *cache_close(Cache *c);
DEFINE_CLEANUP(Cache, cache_close)

/* ERR_NOT_FOUND (not raised): no such key, or its time is over. The value is in the arena. */
Err cache_get(Ctx *cx, Cache *c, Str key, Str *ret) _must_check_;
Err cache_set(Ctx *cx, Cache *c, Str key, Str value, int64_t ttl_ms) _must_check_;
Err cache_delete(Ctx *cx, Cache *c, Str key) _must_check_; /* fine when it is not there */

/* A lease: ERR_CONFLICT (not raised) while another value holds the key. `holder` is unique to the
 * taker. Taking again what the same holder has makes its time longer. */
Err cache_lease(Ctx *cx, Cache *c, Str key, Str holder, int64_t ttl_ms) _must_check_;
/* Gives it back. ERR_NOT_FOUND (not raised): it ran out, and maybe somebody else has it now. */
Err cache_release(Ctx *cx, Cache *c, Str key, Str holder) _must_check_;

/* Adds to the counter of a window that begins with its first step and ends `window_ms` later. */
typedef struct CacheStep {
        int64_t by, window_ms;
} CacheStep;
typedef struct CacheCount {
        int64_t value, left_ms;
} CacheCount;
Err cache_count(Ctx *cx, Cache *c, Str key, CacheStep step, CacheCount *ret) _must_check_;

/* Every listener of the channel in every process gets the message, at most once, on a thread that
 * is not its own: fn is short and neither subscribes nor unsubscribes. */
typedef struct CacheListener {
        void (*fn)(void *arg, Str message);
        void *arg;
} CacheListener;
Err cache_publish(Ctx *cx, Cache *c, Str channel, Str message) _must_check_;
Err cache_subscribe(Ctx *cx, Cache *c, Str channel, CacheListener listener,
                    CacheSub **ret) _must_check_;
CacheSub *cache_unsubscribe(CacheSub *s); /* after it returns fn does not run */

typedef struct CacheStats {
        int64_t entries, bytes, bytes_max, hits, misses, dropped;
} CacheStats;
void cache_stats(Cache *c, CacheStats *ret);

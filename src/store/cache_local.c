// SPDX-License-Identifier: MIT
/* The cache inside this process: shards with a lock each. A shard is a hash table, a list from most
 * to least recently used, and a wheel of the seconds in which entries run out, so that the dead are
 * dropped without a search. */
#include <pthread.h>

#include "crypto/hash.h"
#include "store/cache_int.h"

enum { SHARDS = 16, WHEEL = 256, TABLE_MIN = 64, BYTES_MAX = 16 << 20 };

typedef enum EntryKind { ENTRY_VALUE, ENTRY_COUNT, ENTRY_LEASE } EntryKind;

typedef struct Entry Entry;
struct Entry {
        Entry *chain;
        Entry *newer, *older;   /* by use; a lease is in no such list */
        Entry *due, **due_prev; /* others of the same second of the wheel */
        uint64_t hash;
        int64_t expires_us, count;
        EntryKind kind;
        size_t key_n, value_n;
        char bytes[]; /* key, then value */
};

typedef struct Shard {
        pthread_mutex_t lock;
        Entry **table;
        size_t cap, n, bytes, bytes_max;
        Entry *newest, *oldest;
        Entry *wheel[WHEEL];
        int64_t wheel_s; /* the second the wheel has been turned to */
        int64_t hits, misses, dropped;
} Shard;

typedef struct LocalCache {
        Cache base;
        SipKey key;
        Shard shards[SHARDS];
} LocalCache;

static Str entry_key(const Entry *e) { return str_n(e->bytes, e->key_n); }
static Str entry_value(const Entry *e) { return str_n(e->bytes + e->key_n, e->value_n); }
static size_t entry_bytes(const Entry *e) { return sizeof *e + e->key_n + e->value_n; }

/* ---- the list by use ---- */

static void use_unlink(Shard *s, Entry *e) {
        *(e->newer ? &e->newer->older : &s->newest) = e->older;
        *(e->older ? &e->older->newer : &s->oldest) = e->newer;
}

static void use_first(Shard *s, Entry *e) {
        e->newer = NULL;
        e->older = s->newest;
        *(e->older ? &e->older->newer : &s->oldest) = e;
        s->newest = e;
}

static void entry_touch(Shard *s, Entry *e) {
        if (e->kind == ENTRY_LEASE || s->newest == e)
                return;
        use_unlink(s, e);
        use_first(s, e);
}

/* ---- the wheel ---- */

static void wheel_add(Shard *s, Entry *e) {
        Entry **slot = &s->wheel[(e->expires_us / 1000000 + 1) % WHEEL];
        e->due = *slot;
        e->due_prev = slot;
        if (e->due)
                e->due->due_prev = &e->due;
        *slot = e;
}

static void wheel_unlink(Entry *e) {
        *e->due_prev = e->due;
        if (e->due)
                e->due->due_prev = e->due_prev;
}

/* ---- the table ---- */

static Entry **table_slot(Shard *s, uint64_t hash) { return &s->table[hash & (s->cap - 1)]; }

static void table_grow(Shard *s) {
        size_t was = s->cap;
        Entry **old = s->table;
        s->cap = was ? was * 2 : TABLE_MIN;
        s->table = calloc(s->cap, sizeof *s->table);
        if (!s->table)
                abort();
        for (size_t i = 0; i < was; i++)
                for (Entry *e = old[i], *next; e; e = next) {
                        next = e->chain;
                        e->chain = *table_slot(s, e->hash);
                        *table_slot(s, e->hash) = e;
                }
        free(old);
}

static void entry_drop(Shard *s, Entry *e) {
        Entry **at = table_slot(s, e->hash);
        while (*at != e)
                at = &(*at)->chain;
        *at = e->chain;
        wheel_unlink(e);
        if (e->kind != ENTRY_LEASE)
                use_unlink(s, e);
        s->n--;
        s->bytes -= entry_bytes(e);
        free(e);
}

static void spoke_clear(Shard *s, Entry *e, int64_t now_us) {
        for (Entry *next; e; e = next) {
                next = e->due;
                if (e->expires_us <= now_us) /* others are of a later round */
                        entry_drop(s, e);
        }
}

static void wheel_turn(Shard *s, int64_t now_us) {
        int64_t now_s = now_us / 1000000, from = MAX(s->wheel_s, now_s - WHEEL);
        for (int64_t sec = from + 1; sec <= now_s; sec++)
                spoke_clear(s, s->wheel[sec % WHEEL], now_us);
        s->wheel_s = MAX(s->wheel_s, now_s);
}

static Entry *entry_find(Shard *s, uint64_t hash, Str key, int64_t now_us) {
        Entry *e = *table_slot(s, hash);
        while (e && (e->hash != hash || !str_eq(entry_key(e), key)))
                e = e->chain;
        if (e && e->expires_us <= now_us) {
                entry_drop(s, e);
                e = NULL;
        }
        if (e)
                entry_touch(s, e);
        return e;
}

static bool room_make(Shard *s, size_t need) {
        while (s->bytes + need > s->bytes_max && s->oldest) {
                entry_drop(s, s->oldest);
                s->dropped++;
        }
        return s->bytes + need <= s->bytes_max;
}

typedef struct New {
        EntryKind kind;
        uint64_t hash;
        Str key, value;
        int64_t expires_us, count;
} New;

static Err entry_add(Ctx *cx, Shard *s, const New *x) {
        size_t need = sizeof(Entry) + x->key.n + x->value.n;
        if (!room_make(s, need))
                return RAISE(cx, ERR_UNAVAILABLE,
                             "the cache has no room for %zu bytes beside its leases", need);
        if (s->n >= s->cap)
                table_grow(s);
        Entry *e = calloc(1, need);
        if (!e)
                abort();
        *e = (Entry){ .hash = x->hash,
                      .expires_us = x->expires_us,
                      .count = x->count,
                      .kind = x->kind,
                      .key_n = x->key.n,
                      .value_n = x->value.n,
                      .chain = *table_slot(s, x->hash) };
        memcpy(e->bytes, x->key.p, x->key.n);
        if (x->value.n)
                memcpy(e->bytes + x->key.n, x->value.p, x->value.n);
        *table_slot(s, x->hash) = e;
        wheel_add(s, e);
        if (e->kind != ENTRY_LEASE)
                use_first(s, e);
        s->n++;
        s->bytes += need;
        return OK;
}

/* ---- operations ---- */

typedef struct At {
        Shard *shard;
        Entry *entry;
        uint64_t hash;
        int64_t now_us;
} At;

static At shard_lock(Ctx *cx, Cache *base, Str key) {
        LocalCache *c = CONTAINER_OF(base, LocalCache, base);
        At at = { .hash = siphash(&c->key, key), .now_us = cx_mono_us(cx) };
        at.shard = &c->shards[at.hash >> 60];
        pthread_mutex_lock(&at.shard->lock);
        wheel_turn(at.shard, at.now_us);
        at.entry = entry_find(at.shard, at.hash, key, at.now_us);
        return at;
}

static Err shard_unlock(At at, Err e) {
        pthread_mutex_unlock(&at.shard->lock);
        return e;
}

static Err local_get(Ctx *cx, Cache *c, Str key, Str *ret) {
        At at = shard_lock(cx, c, key);
        at.shard->hits += at.entry != NULL;
        at.shard->misses += at.entry == NULL;
        if (!at.entry)
                return shard_unlock(at, ERR_NOT_FOUND);
        if (at.entry->kind == ENTRY_COUNT)
                *ret = arena_strf(cx->arena, "%lld", (long long)at.entry->count);
        else
                *ret = arena_dup(cx->arena, entry_value(at.entry));
        return shard_unlock(at, OK);
}

static Err local_set(Ctx *cx, Cache *c, Str key, Str value, int64_t ttl_ms) {
        At at = shard_lock(cx, c, key);
        if (at.entry)
                entry_drop(at.shard, at.entry);
        return shard_unlock(at, entry_add(cx, at.shard,
                                          &(New){ ENTRY_VALUE, at.hash, key, value,
                                                  at.now_us + ttl_ms * 1000, 0 }));
}

static Err local_delete(Ctx *cx, Cache *c, Str key) {
        At at = shard_lock(cx, c, key);
        if (at.entry)
                entry_drop(at.shard, at.entry);
        return shard_unlock(at, OK);
}

static Err local_lease(Ctx *cx, Cache *c, Str key, Str holder, int64_t ttl_ms) {
        At at = shard_lock(cx, c, key);
        if (at.entry && !str_eq(entry_value(at.entry), holder))
                return shard_unlock(at, ERR_CONFLICT);
        if (at.entry)
                entry_drop(at.shard, at.entry);
        return shard_unlock(at, entry_add(cx, at.shard,
                                          &(New){ ENTRY_LEASE, at.hash, key, holder,
                                                  at.now_us + ttl_ms * 1000, 0 }));
}

static Err local_release(Ctx *cx, Cache *c, Str key, Str holder) {
        At at = shard_lock(cx, c, key);
        if (!at.entry || !str_eq(entry_value(at.entry), holder))
                return shard_unlock(at, ERR_NOT_FOUND);
        entry_drop(at.shard, at.entry);
        return shard_unlock(at, OK);
}

static Err local_count(Ctx *cx, Cache *c, Str key, CacheStep step, CacheCount *ret) {
        At at = shard_lock(cx, c, key);
        if (at.entry && at.entry->kind != ENTRY_COUNT)
                return shard_unlock(at, RAISE(cx, ERR_INTERNAL,
                                              "cache: the key of a counter holds another thing"));
        CacheCount got = { step.by, step.window_ms };
        if (at.entry) {
                at.entry->count += step.by;
                got = (CacheCount){ at.entry->count,
                                    (at.entry->expires_us - at.now_us + 999) / 1000 };
        } else {
                Err e = entry_add(cx, at.shard,
                                  &(New){ ENTRY_COUNT, at.hash, key, STR_NULL,
                                          at.now_us + step.window_ms * 1000, step.by });
                if (e)
                        return shard_unlock(at, e);
        }
        *ret = got;
        return shard_unlock(at, OK);
}

static Err local_publish(Ctx *cx, Cache *c, Str channel, Str message) {
        cache_deliver(c, channel, message);
        return OK;
}

static void local_stats(Cache *base, CacheStats *ret) {
        LocalCache *c = CONTAINER_OF(base, LocalCache, base);
        *ret = (CacheStats){ 0 };
        for (size_t i = 0; i < SHARDS; i++) {
                Shard *s = &c->shards[i];
                pthread_mutex_lock(&s->lock);
                ret->entries += (int64_t)s->n;
                ret->bytes += (int64_t)s->bytes;
                ret->bytes_max += (int64_t)s->bytes_max;
                ret->hits += s->hits;
                ret->misses += s->misses;
                ret->dropped += s->dropped;
                pthread_mutex_unlock(&s->lock);
        }
}

/* ---- life ---- */

static void shard_done(Shard *s) {
        for (size_t i = 0; i < WHEEL; i++)
                while (s->wheel[i])
                        entry_drop(s, s->wheel[i]);
        free(s->table);
        pthread_mutex_destroy(&s->lock);
}

static void local_close(Cache *base) {
        LocalCache *c = CONTAINER_OF(base, LocalCache, base);
        for (size_t i = 0; i < SHARDS; i++)
                shard_done(&c->shards[i]);
        cache_done(base);
        free(c);
}

static const CacheDriver local_driver = {
        .name = "local",
        .close = local_close,
        .get = local_get,
        .set = local_set,
        .delete = local_delete,
        .lease = local_lease,
        .release = local_release,
        .count = local_count,
        .publish = local_publish,
        .stats = local_stats,
};

Err cache_local_open(Ctx *cx, const CacheSettings *set, Cache **ret) {
        LocalCache *c = calloc(1, sizeof *c);
        if (!c)
                abort();
        cache_init(&c->base, &local_driver);
        cx_random(cx, &c->key, sizeof c->key);
        for (size_t i = 0; i < SHARDS; i++) {
                Shard *s = &c->shards[i];
                pthread_mutex_init(&s->lock, NULL);
                s->bytes_max = (set->bytes_max ? set->bytes_max : (size_t)BYTES_MAX) / SHARDS;
                s->wheel_s = cx_mono_us(cx) / 1000000;
                table_grow(s);
        }
        *ret = &c->base;
        return OK;
}

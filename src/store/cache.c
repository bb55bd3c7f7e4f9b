// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "store/cache_int.h"

struct CacheSub {
        Cache *owner;
        CacheSub *next, **prev;
        CacheListener listener;
        Str channel;
        char text[];
};

Err cache_open(Ctx *cx, const CacheSettings *set, Cache **ret) {
        return cache_local_open(cx, set, ret);
}

Cache *cache_close(Cache *c) {
        if (c)
                c->driver->close(c);
        return NULL;
}

void cache_init(Cache *c, const CacheDriver *driver) {
        c->driver = driver;
        c->subs = NULL;
        pthread_rwlock_init(&c->subs_lock, NULL);
}

void cache_done(Cache *c) {
        assert(!c->subs);
        pthread_rwlock_destroy(&c->subs_lock);
}

/* ---- values ---- */

static Err key_check(Ctx *cx, Str key, Str value, int64_t ttl_ms) {
        if (key.n == 0 || key.n > CACHE_KEY_MAX || value.n > CACHE_VALUE_MAX)
                return RAISE(cx, ERR_TOO_LARGE, "cache: key of %zu and value of %zu bytes", key.n,
                             value.n);
        assert(ttl_ms > 0);
        return OK;
}

Err cache_get(Ctx *cx, Cache *c, Str key, Str *ret) {
        TRY(key_check(cx, key, STR_NULL, 1));
        return c->driver->get(cx, c, key, ret);
}

Err cache_set(Ctx *cx, Cache *c, Str key, Str value, int64_t ttl_ms) {
        TRY(key_check(cx, key, value, ttl_ms));
        return c->driver->set(cx, c, key, value, ttl_ms);
}

Err cache_delete(Ctx *cx, Cache *c, Str key) {
        TRY(key_check(cx, key, STR_NULL, 1));
        return c->driver->delete (cx, c, key);
}

Err cache_lease(Ctx *cx, Cache *c, Str key, Str holder, int64_t ttl_ms) {
        TRY(key_check(cx, key, holder, ttl_ms));
        return c->driver->lease(cx, c, key, holder, ttl_ms);
}

Err cache_release(Ctx *cx, Cache *c, Str key, Str holder) {
        TRY(key_check(cx, key, holder, 1));
        return c->driver->release(cx, c, key, holder);
}

Err cache_count(Ctx *cx, Cache *c, Str key, CacheStep step, CacheCount *ret) {
        TRY(key_check(cx, key, STR_NULL, step.window_ms));
        return c->driver->count(cx, c, key, step, ret);
}

void cache_stats(Cache *c, CacheStats *ret) { c->driver->stats(c, ret); }

/* ---- messages ---- */

Err cache_publish(Ctx *cx, Cache *c, Str channel, Str message) {
        TRY(key_check(cx, channel, message, 1));
        return c->driver->publish(cx, c, channel, message);
}

void cache_deliver(Cache *c, Str channel, Str message) {
        pthread_rwlock_rdlock(&c->subs_lock);
        for (CacheSub *s = c->subs; s; s = s->next)
                if (str_eq(s->channel, channel))
                        s->listener.fn(s->listener.arg, message);
        pthread_rwlock_unlock(&c->subs_lock);
}

static void sub_link(CacheSub *s) {
        Cache *c = s->owner;
        pthread_rwlock_wrlock(&c->subs_lock);
        s->next = c->subs;
        s->prev = &c->subs;
        if (s->next)
                s->next->prev = &s->next;
        c->subs = s;
        pthread_rwlock_unlock(&c->subs_lock);
}

Err cache_subscribe(Ctx *cx, Cache *c, Str channel, CacheListener listener, CacheSub **ret) {
        TRY(key_check(cx, channel, STR_NULL, 1));
        if (c->driver->listen)
                TRY(c->driver->listen(cx, c, channel, true));
        CacheSub *s = calloc(1, sizeof *s + channel.n);
        if (!s)
                abort();
        memcpy(s->text, channel.p, channel.n);
        s->owner = c;
        s->listener = listener;
        s->channel = str_n(s->text, channel.n);
        sub_link(s);
        *ret = s;
        return OK;
}

CacheSub *cache_unsubscribe(CacheSub *s) {
        if (!s)
                return NULL;
        pthread_rwlock_wrlock(&s->owner->subs_lock);
        *s->prev = s->next;
        if (s->next)
                s->next->prev = s->prev;
        pthread_rwlock_unlock(&s->owner->subs_lock);
        free(s);
        return NULL;
}

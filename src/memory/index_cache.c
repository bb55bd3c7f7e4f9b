// SPDX-License-Identifier: MIT
#include "memory/index_cache.h"

#include "memory/index_grow.h"
#include "memory/words_int.h"
#include "sys/thread.h"

enum { BYTES_MAX_DEFAULT = 256 * 1024 * 1024, USER_MAX = 256, PENDING_MAX = 20000, BUILDS_MAX = 8 };

/* A change that came while the index was being built; its strings follow it in the same block. */
typedef struct Pending {
        struct Pending *next;
        UnitId removed;
        Unit put;
} Pending;

typedef enum EntryState { ENTRY_BUILDING = 1, ENTRY_READY } EntryState;
typedef struct Entry {
        struct Entry *chain;         /* same hash */
        struct Entry *newer, *older; /* by last use */
        Str user;
        EntryState state;
        /* forgotten while in use or under construction */
        bool doubted;
        unsigned pins;
        size_t bytes;
        UserIndex *ix; /* NULL until ready */
        Pending *pending, **pending_end;
        size_t pending_n;
} Entry;

struct IndexCache {
        IndexCacheSettings set;
        /* everything below; never held while building or searching */
        pthread_mutex_t lock;
        pthread_cond_t built;
        Entry **table;
        size_t table_n; /* a power of two */
        Entry *newest, *oldest;
        /* dropped, to be freed when the lock is let go (by chain) */
        Entry *dead;
        IndexCacheStats stats;
};

/* ---- life ---- */
Err index_cache_new(Ctx *cx, const IndexCacheSettings *set, IndexCache **ret) {
        if (!rank_is_sane(&set->rank))
                return RAISE(cx, ERR_INVALID,
                             "a ranking parameter is out of its range (boosts: at most 0.25)");
        IndexCache *c = grow_zero(1, sizeof *c);
        c->set = *set;
        if (!c->set.bytes_max)
                c->set.bytes_max = BYTES_MAX_DEFAULT;
        c->table_n = 1024;
        c->table = grow_zero(c->table_n, sizeof(Entry *));
        pthread_mutex_init(&c->lock, NULL);
        cond_init(&c->built);
        *ret = c;
        return OK;
}

static void pending_free(Entry *e) {
        for (Pending *p = e->pending, *next; p; p = next) {
                next = p->next;
                free(p);
        }
        e->pending = NULL;
        e->pending_end = &e->pending;
        e->pending_n = 0;
}

static void entry_free(Entry *e) {
        pending_free(e);
        index_free(e->ix);
        free((void *)(uintptr_t)e->user.p);
        free(e);
}

IndexCache *index_cache_free(IndexCache *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < c->table_n; i++)
                for (Entry *e = c->table[i], *next; e; e = next) {
                        next = e->chain;
                        assert(!e->pins);
                        entry_free(e);
                }
        free(c->table);
        (void)pthread_cond_destroy(&c->built);
        (void)pthread_mutex_destroy(&c->lock);
        free(c);
        return NULL;
}

static void cache_unlock(IndexCache *c) {
        Entry *dead = c->dead;
        c->dead = NULL;
        (void)pthread_mutex_unlock(&c->lock);
        for (Entry *next; dead; dead = next) {
                next = dead->chain;
                entry_free(dead);
        }
}

/* ---- table and order of use; the lock is held ---- */
static void entry_bury(IndexCache *c, Entry *e) {
        e->chain = c->dead;
        c->dead = e;
}

static Entry **entry_place(IndexCache *c, Str user) {
        Entry **at = &c->table[word_hash(user) & (c->table_n - 1)];
        while (*at && !str_eq((*at)->user, user))
                at = &(*at)->chain;
        return at;
}

static void order_unlink(IndexCache *c, Entry *e) {
        *(e->newer ? &e->newer->older : &c->newest) = e->older;
        *(e->older ? &e->older->newer : &c->oldest) = e->newer;
        e->newer = e->older = NULL;
}

static void order_first(IndexCache *c, Entry *e) {
        e->older = c->newest;
        e->newer = NULL;
        *(c->newest ? &c->newest->newer : &c->oldest) = e;
        c->newest = e;
}

static void table_grow(IndexCache *c) {
        if (c->stats.users < c->table_n)
                return;
        Entry **old = c->table;
        size_t old_n = c->table_n;
        c->table_n *= 2;
        c->table = grow_zero(c->table_n, sizeof(Entry *));
        for (size_t i = 0; i < old_n; i++)
                for (Entry *e = old[i], *next; e; e = next) {
                        next = e->chain;
                        Entry **at = &c->table[word_hash(e->user) & (c->table_n - 1)];
                        e->chain = *at;
                        *at = e;
                }
        free(old);
}

static Entry *entry_new(IndexCache *c, Str user) {
        table_grow(c);
        Entry *e = grow_zero(1, sizeof *e);
        char *copy = grow_bytes(NULL, user.n + 1);
        memcpy(copy, user.p, user.n);
        e->user = str_n(copy, user.n);
        e->pending_end = &e->pending;
        e->state = ENTRY_BUILDING;
        *entry_place(c, user) = e;
        order_first(c, e);
        c->stats.users++;
        return e;
}

/* Out of the table; freed now, or by the last unpin. */
static void entry_drop(IndexCache *c, Entry *e) {
        Entry **at = entry_place(c, e->user);
        assert(*at == e);
        *at = e->chain;
        order_unlink(c, e);
        c->stats.users--;
        c->stats.bytes -= e->bytes;
        e->bytes = 0;
        e->doubted = true;
        if (!e->pins)
                entry_bury(c, e);
}

/* The latest one stays even if it is too big alone: it would be built again for each search. */
static void evict(IndexCache *c) {
        for (Entry *e = c->oldest, *newer; e != c->newest && c->stats.bytes > c->set.bytes_max;
             e = newer) {
                newer = e->newer;
                if (e->pins || e->state != ENTRY_READY)
                        continue;
                c->stats.evictions++;
                entry_drop(c, e);
        }
}

static void entry_measure(IndexCache *c, Entry *e) {
        IndexStats stats;
        index_stats(e->ix, &stats);
        c->stats.bytes += stats.bytes - e->bytes;
        e->bytes = stats.bytes;
}

/* ---- building ---- */
static void pending_apply(UserIndex *ix, const Pending *p) {
        for (; p; p = p->next) {
                if (p->removed)
                        (void)index_remove(ix, p->removed);
                else
                        index_put(ix, &p->put);
        }
}

/* One attempt, without the lock. The caller holds a pin. */
static Err entry_load(Ctx *cx, IndexCache *c, Entry *e, UserIndex **ret) {
        _cleanup_(index_freep) UserIndex *ix = index_new(&c->set.rank);
        TRY(c->set.load(cx, c->set.load_arg, e->user, ix));
        *ret = ix;
        ix = NULL;
        return OK;
}

/* Builds until no doubt arose meanwhile. The lock is held on entry and on return, not while
 * loading. */
static Err entry_build(Ctx *cx, IndexCache *c, Entry *e) {
        for (int i = 0; i < BUILDS_MAX; i++) {
                e->doubted = false;
                pending_free(e);
                cache_unlock(c);
                UserIndex *ix = NULL;
                Err err = entry_load(cx, c, e, &ix);
                (void)pthread_mutex_lock(&c->lock);
                if (err)
                        return err;
                if (e->doubted) {
                        index_free(ix);
                        continue;
                }
                pending_apply(ix, e->pending);
                pending_free(e);
                e->ix = ix;
                e->state = ENTRY_READY;
                c->stats.builds++;
                entry_measure(c, e);
                evict(c);
                return OK;
        }
        return RAISE(cx, ERR_UNAVAILABLE,
                     "the index of a user changed faster than it could be built");
}

static Err built_wait(Ctx *cx, IndexCache *c) {
        if (!cx->deadline_us) {
                (void)pthread_cond_wait(&c->built, &c->lock);
                return OK;
        }
        int64_t left_ms = cx_left_ms(cx);
        if (left_ms <= 0)
                return RAISE(cx, ERR_TIMEOUT, "another request still builds the index");
        cond_wait_until(&c->built, &c->lock, thread_mono_us() + left_ms * 1000);
        return OK;
}

static Err entry_get(Ctx *cx, IndexCache *c, Str user, Entry **ret) {
        for (;;) {
                Entry *e = *entry_place(c, user);
                if (e && e->state == ENTRY_READY) {
                        c->stats.hits++;
                        order_unlink(c, e);
                        order_first(c, e);
                        e->pins++;
                        *ret = e;
                        return OK;
                }
                if (e) {
                        TRY(built_wait(cx, c));
                        continue;
                }
                e = entry_new(c, user);
                e->pins++;
                Err err = entry_build(cx, c, e);
                (void)pthread_cond_broadcast(&c->built);
                if (err) {
                        e->pins--;
                        entry_drop(c, e);
                        return err;
                }
                *ret = e;
                return OK;
        }
}

Err index_pin(Ctx *cx, IndexCache *c, Str user, IndexPin *ret) {
        if (user.n > USER_MAX)
                return RAISE(cx, ERR_INVALID, "a user id of %zu bytes", user.n);
        Entry *e = NULL;
        (void)pthread_mutex_lock(&c->lock);
        Err err = entry_get(cx, c, user, &e);
        cache_unlock(c);
        TRY(err);
        *ret = (IndexPin){ .cache = c, .entry = e, .ix = e->ix };
        return OK;
}

void index_unpin(IndexPin *p) {
        Entry *e = p->entry;
        if (!e)
                return;
        IndexCache *c = p->cache;
        (void)pthread_mutex_lock(&c->lock);
        if (!--e->pins && e->doubted)
                entry_bury(c, e);
        evict(c);
        cache_unlock(c);
        *p = (IndexPin){ 0 };
}

/* ---- changes ---- */
static Str pending_str(char **at, Str s) {
        if (!s.p)
                return s;
        memcpy(*at, s.p, s.n);
        Str copy = str_n(*at, s.n);
        *at += s.n;
        return copy;
}

static Pending *pending_put(const Unit *u) {
        size_t bytes = u->text.n + u->extra.n + u->conversation.n + u->speaker.n;
        for (size_t i = 0; i < u->labels.n; i++)
                bytes += sizeof(Str) + u->labels.v[i].n;
        Pending *p = grow_zero(1, sizeof *p + bytes + sizeof(Str));
        Str *labels = (Str *)(void *)(p + 1);
        char *at = (char *)(labels + u->labels.n);
        p->put = *u;
        p->put.text = pending_str(&at, u->text);
        p->put.extra = pending_str(&at, u->extra);
        p->put.conversation = pending_str(&at, u->conversation);
        p->put.speaker = pending_str(&at, u->speaker);
        for (size_t i = 0; i < u->labels.n; i++)
                labels[i] = pending_str(&at, u->labels.v[i]);
        p->put.labels = (Strs){ labels, u->labels.n };
        return p;
}

static void pending_add(Entry *e, Pending *p) {
        if (e->pending_n == PENDING_MAX) { /* rather read the store again */
                e->doubted = true;
                free(p);
                return;
        }
        *e->pending_end = p;
        e->pending_end = &p->next;
        e->pending_n++;
}

/* The user's ready index, pinned; NULL when there is nothing to do now (then *ret_building may
 * hold the one under way). */
static Entry *change_begin(IndexCache *c, Str user, Entry **ret_building) {
        Entry *e = *entry_place(c, user);
        *ret_building = e && e->state == ENTRY_BUILDING ? e : NULL;
        if (!e || e->state != ENTRY_READY)
                return NULL;
        e->pins++;
        return e;
}

static void change_end(IndexCache *c, Entry *e) {
        (void)pthread_mutex_lock(&c->lock);
        e->pins--;
        if (!e->doubted)
                entry_measure(c, e);
        else if (!e->pins)
                entry_bury(c, e);
        evict(c);
        cache_unlock(c);
}

void index_cache_put(IndexCache *c, Str user, const Unit *u) {
        (void)pthread_mutex_lock(&c->lock);
        Entry *building, *e = change_begin(c, user, &building);
        if (building)
                pending_add(building, pending_put(u));
        cache_unlock(c);
        if (!e)
                return;
        index_put(e->ix, u);
        change_end(c, e);
}

void index_cache_remove(IndexCache *c, Str user, UnitId id) {
        (void)pthread_mutex_lock(&c->lock);
        Entry *building, *e = change_begin(c, user, &building);
        if (building) {
                Pending *p = grow_zero(1, sizeof *p);
                p->removed = id;
                pending_add(building, p);
        }
        cache_unlock(c);
        if (!e)
                return;
        (void)index_remove(e->ix, id);
        change_end(c, e);
}

static void entry_forget(IndexCache *c, Entry *e) {
        if (e->state == ENTRY_BUILDING)
                e->doubted = true; /* its builder starts again */
        else
                entry_drop(c, e);
}

void index_cache_forget(IndexCache *c, Str user) {
        (void)pthread_mutex_lock(&c->lock);
        Entry *e = *entry_place(c, user);
        if (e)
                entry_forget(c, e);
        cache_unlock(c);
}

void index_cache_forget_all(IndexCache *c) {
        (void)pthread_mutex_lock(&c->lock);
        for (Entry *e = c->oldest, *newer; e; e = newer) {
                newer = e->newer;
                entry_forget(c, e);
        }
        cache_unlock(c);
}

void index_cache_stats(IndexCache *c, IndexCacheStats *ret) {
        (void)pthread_mutex_lock(&c->lock);
        *ret = c->stats;
        cache_unlock(c);
}

// SPDX-License-Identifier: MIT
#include "web/limit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/buf.h"

enum {
        SETS = 8192, /* a power of two; pages of unused sets are never touched */
        LOCKS = 64,
        KEY_MAX = 63,
};

typedef struct Window {
        int64_t start_s;
        uint32_t count;
        bool moved;
} Window;

typedef struct Entry {
        char key[KEY_MAX + 1];
        uint8_t key_n, n_windows;             /* n_windows 0: free */
        uint32_t spans_s[LIMIT_POLICIES_MAX]; /* to know what has expired without the policies */
        Window windows[LIMIT_POLICIES_MAX];
} Entry;

typedef struct Set {
        Entry ways[LIMIT_WAYS];
} Set;

struct Limits {
        Set *sets;
        uint64_t seed; /* so that nobody can aim keys at one set */
        pthread_mutex_t locks[LOCKS];
        _Atomic uint64_t moved[SETS / 64]; /* a bit per set that counted since the last export */
};

Err limits_new(Ctx *cx, Limits **ret) {
        Limits *l = calloc(1, sizeof *l);
        if (!l)
                abort();
        l->sets = calloc(SETS, sizeof *l->sets);
        if (!l->sets)
                abort();
        cx_random(cx, &l->seed, sizeof l->seed);
        for (size_t i = 0; i < LOCKS; i++)
                pthread_mutex_init(&l->locks[i], NULL);
        *ret = l;
        return OK;
}

Limits *limits_free(Limits *l) {
        if (!l)
                return NULL;
        for (size_t i = 0; i < LOCKS; i++)
                pthread_mutex_destroy(&l->locks[i]);
        free(l->sets);
        free(l);
        return NULL;
}

/* ---- finding a key ---- */

/* A secret start and a finisher: spreads keys, protects nothing but the table. */
static uint64_t mix(uint64_t h, Str s) {
        h = str_hash_from(h, s);
        h = (h ^ (h >> 32)) * 0x9e3779b97f4a7c15u;
        return h ^ (h >> 29);
}

/* Longer keys are stood for by their start and a hash of all. */
static Str key_fit(Str key, uint64_t h, char room[KEY_MAX + 1]) {
        if (key.n <= KEY_MAX)
                return key;
        int n = snprintf(room, KEY_MAX + 1, "%.40s#%016llx", key.p, (unsigned long long)h);
        return (Str){ room, (size_t)n };
}

static bool window_is_over(const Entry *e, size_t i, int64_t now_s) {
        return now_s >= e->windows[i].start_s + e->spans_s[i];
}

static bool entry_is_over(const Entry *e, int64_t now_s) {
        for (size_t i = 0; i < e->n_windows; i++)
                if (e->windows[i].count && !window_is_over(e, i, now_s))
                        return false;
        return true;
}

static uint32_t entry_use(const Entry *e) {
        uint32_t most = 0;
        for (size_t i = 0; i < e->n_windows; i++)
                most = MAX(most, e->windows[i].count);
        return most;
}

static Entry *entry_find(Set *set, Str key) {
        for (Entry *e = set->ways; e < set->ways + LIMIT_WAYS; e++)
                if (e->n_windows && str_eq((Str){ e->key, e->key_n }, key))
                        return e;
        return NULL;
}

static Entry *entry_make(Set *set, Str key, int64_t now_s) {
        Entry *place = NULL;
        for (Entry *e = set->ways; e < set->ways + LIMIT_WAYS; e++) {
                if (!e->n_windows || entry_is_over(e, now_s)) {
                        place = e;
                        break;
                }
                if (!place || entry_use(e) < entry_use(place))
                        place = e;
        }
        *place = (Entry){ .key_n = (uint8_t)key.n };
        memcpy(place->key, key.p, key.n);
        return place;
}

/* Locked until place_leave. */
typedef struct Place {
        Set *set;
        pthread_mutex_t *lock;
        Str key; /* as it is stored */
        char room[KEY_MAX + 1];
} Place;

static void place_enter(Limits *l, Str key, Place *ret) {
        uint64_t h = mix(l->seed, key);
        size_t at = h % SETS;
        ret->key = key_fit(key, h, ret->room);
        ret->set = &l->sets[at];
        ret->lock = &l->locks[at % LOCKS];
        pthread_mutex_lock(ret->lock);
}

static void place_leave(Place *p) { pthread_mutex_unlock(p->lock); }

static Entry *place_entry(Place *p, int64_t now_s) {
        Entry *known = entry_find(p->set, p->key);
        return known ? known : entry_make(p->set, p->key, now_s);
}

/* ---- counting ---- */

static void windows_roll(Entry *e, LimitPolicies p, int64_t now_s) {
        e->n_windows = (uint8_t)MAX(e->n_windows, p.n);
        for (size_t i = 0; i < p.n; i++) {
                uint32_t span = e->spans_s[i] = p.v[i].window_s;
                if (e->windows[i].count && !window_is_over(e, i, now_s))
                        continue;
                e->windows[i] =
                        (Window){ .start_s = p.v[i].aligned ? now_s - now_s % span : now_s };
        }
}

static void judge(const Entry *e, LimitPolicies p, int64_t now_s, LimitResult *r) {
        for (size_t i = 0; i < p.n; i++) {
                if (!p.v[i].quota || e->windows[i].count < p.v[i].quota)
                        continue;
                r->violated |= 1u << i;
                r->retry_after_s =
                        MAX(r->retry_after_s, e->windows[i].start_s + p.v[i].window_s - now_s);
        }
        r->allowed = !r->violated;
}

static void count(Limits *l, const Place *at, Entry *e, LimitPolicies p) {
        size_t set = (size_t)(at->set - l->sets);
        for (size_t i = 0; i < p.n; i++) {
                if (!p.v[i].quota)
                        continue;
                e->windows[i].count++;
                e->windows[i].moved = true;
        }
        atomic_fetch_or_explicit(&l->moved[set / 64], UINT64_C(1) << set % 64,
                                 memory_order_relaxed);
}

static void left(const Entry *e, LimitPolicies p, int64_t now_s, LimitResult *r) {
        for (size_t i = 0; i < p.n; i++) {
                const Window *w = &e->windows[i];
                r->each[i].remaining = p.v[i].quota > w->count ? p.v[i].quota - w->count : 0;
                r->each[i].reset_s = w->start_s + p.v[i].window_s - now_s;
        }
}

bool limit_take(Limits *l, Str key, LimitPolicies p, int64_t now_ms, LimitResult *ret) {
        assert(p.n <= LIMIT_POLICIES_MAX);
        int64_t now_s = now_ms / 1000;
        LimitResult r = { .allowed = false };
        Place at;
        place_enter(l, key, &at);
        Entry *e = place_entry(&at, now_s);
        windows_roll(e, p, now_s);
        judge(e, p, now_s, &r);
        if (r.allowed)
                count(l, &at, e, p);
        left(e, p, now_s, &r);
        place_leave(&at);
        *ret = r;
        return r.allowed;
}

void limit_peek(Limits *l, Str key, LimitPolicies p, int64_t now_ms, LimitResult *ret) {
        assert(p.n <= LIMIT_POLICIES_MAX);
        int64_t now_s = now_ms / 1000;
        LimitResult r = { .allowed = false };
        Entry copy = { .n_windows = 0 };
        Place at;
        place_enter(l, key, &at);
        const Entry *known = entry_find(at.set, at.key);
        if (known)
                copy = *known;
        place_leave(&at);
        windows_roll(&copy, p, now_s);
        judge(&copy, p, now_s, &r);
        left(&copy, p, now_s, &r);
        *ret = r;
}

/* ---- header values ---- */

enum { TEXT_MAX = 512 };

/* On the way of every request, so without a format string. */
static void item_add(Buf *b, const char *before, int64_t v) {
        buf_add_c(b, before);
        buf_add_i64(b, v);
}

static Str items(Arena *a, LimitPolicies p, const LimitResult *r) {
        _cleanup_(buf_done) Buf b = BUF(TEXT_MAX);
        for (size_t i = 0; i < p.n; i++) {
                const LimitPolicy *v = &p.v[i];
                if (!v->quota)
                        continue;
                buf_add_c(&b, b.n ? ",\"" : "\"");
                buf_add_c(&b, v->name);
                item_add(&b, r ? "\";r=" : "\";q=", r ? r->each[i].remaining : v->quota);
                item_add(&b, r ? ";t=" : ";w=", r ? r->each[i].reset_s : v->window_s);
        }
        assert(!b.full);
        return b.n ? arena_dup(a, buf_str(&b)) : STR_NULL;
}

Str limit_policy_text(Arena *a, LimitPolicies p) { return items(a, p, NULL); }

Str limit_state_text(Arena *a, LimitPolicies p, const LimitResult *r) { return items(a, p, r); }

/* ---- write-behind ---- */

typedef struct Export {
        void (*fn)(void *arg, const LimitCount *c);
        void *arg;
} Export;

static void entry_export(Entry *e, Export to) {
        for (size_t i = 0; i < e->n_windows; i++) {
                if (!e->windows[i].moved)
                        continue;
                e->windows[i].moved = false;
                to.fn(to.arg, &(LimitCount){ .key = { e->key, e->key_n },
                                             .policy = i,
                                             .span_s = e->spans_s[i],
                                             .start_s = e->windows[i].start_s,
                                             .count = e->windows[i].count });
        }
}

static void set_export(Limits *l, size_t at, Export to) {
        pthread_mutex_lock(&l->locks[at % LOCKS]);
        for (size_t i = 0; i < LIMIT_WAYS; i++)
                entry_export(&l->sets[at].ways[i], to);
        pthread_mutex_unlock(&l->locks[at % LOCKS]);
}

void limits_export(Limits *l, void (*fn)(void *arg, const LimitCount *c), void *arg) {
        for (size_t word = 0; word < ELEMENTSOF(l->moved); word++) {
                uint64_t bits = atomic_exchange_explicit(&l->moved[word], 0, memory_order_relaxed);
                for (; bits; bits &= bits - 1)
                        set_export(l, word * 64 + (size_t)__builtin_ctzll(bits),
                                   (Export){ fn, arg });
        }
}

void limits_import(Limits *l, const LimitCount *c) {
        if (c->policy >= LIMIT_POLICIES_MAX)
                return;
        Place at;
        place_enter(l, c->key, &at);
        Entry *e = place_entry(&at, c->start_s);
        e->n_windows = (uint8_t)MAX(e->n_windows, c->policy + 1);
        e->spans_s[c->policy] = c->span_s;
        e->windows[c->policy] = (Window){ .start_s = c->start_s, .count = c->count };
        place_leave(&at);
}

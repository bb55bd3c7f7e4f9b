// SPDX-License-Identifier: MIT
#include "identity/token_cache.h"

#include <pthread.h>

enum { SHARDS = 16, WAYS = 4, STRINGS = 6 };

typedef struct Entry {
        TokenHash hash;
        TokenBasis basis;
        uint32_t used;
        size_t n_bytes;
        Principal who; /* its strings point into bytes */
        char bytes[];
} Entry;

typedef struct Shard {
        pthread_mutex_t lock;
        uint32_t clock;
        Entry *(*sets)[WAYS];
        size_t count;
} Shard;

struct TokenCache {
        Changes *changes;
        SipKey key;
        size_t sets; /* of each shard */
        Shard shards[SHARDS];
};

static void principal_strings(Principal *p, Str *ret[STRINGS]) {
        ret[0] = &p->user_id;
        ret[1] = &p->email;
        ret[2] = &p->sid;
        ret[3] = &p->jti;
        ret[4] = &p->key_id;
        ret[5] = &p->full_name;
}

TokenCache *token_cache_new(Ctx *cx, Changes *changes, size_t max) {
        TokenCache *t = calloc(1, sizeof(*t));

        assert(t);
        t->changes = changes;
        t->sets = MAX((size_t)1, max / (SHARDS * WAYS));
        cx_random(cx, &t->key, sizeof(t->key));
        /* one block: so large that the system hands out its pages when they are first used */
        Entry *(*all)[WAYS] = calloc(SHARDS * t->sets, sizeof(*all));
        assert(all);
        for (size_t i = 0; i < SHARDS; i++) {
                pthread_mutex_init(&t->shards[i].lock, NULL);
                t->shards[i].sets = all + i * t->sets;
        }
        return t;
}

TokenCache *token_cache_free(TokenCache *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < SHARDS; i++) {
                for (size_t s = 0; s < t->sets; s++)
                        for (size_t w = 0; w < WAYS; w++)
                                free(t->shards[i].sets[s][w]);
                pthread_mutex_destroy(&t->shards[i].lock);
        }
        free(t->shards[0].sets);
        free(t);
        return NULL;
}

TokenHash token_hash(const TokenCache *t, unsigned kind, Str token) {
        TokenHash h = { 0 };
        SipKey key = t->key;
        size_t n = MIN(token.n, sizeof(h.tail));

        key.k[0] ^= (unsigned char)kind;
        h.sip = siphash(&key, token);
        if (n)
                memcpy(h.tail, token.p + token.n - n, n);
        return h;
}

static bool hash_eq(TokenHash a, TokenHash b) {
        return a.sip == b.sip && !memcmp(a.tail, b.tail, sizeof(a.tail));
}

static Shard *shard_of(TokenCache *t, TokenHash h) { return &t->shards[h.sip % SHARDS]; }
static Entry **set_of(TokenCache *t, TokenHash h) {
        return shard_of(t, h)->sets[h.sip / SHARDS % t->sets];
}

static void entry_drop(Shard *s, Entry **slot) {
        free(*slot);
        *slot = NULL;
        s->count--;
}

static bool entry_is_good(Ctx *cx, TokenCache *t, Entry *e) {
        uint64_t now = change_now(t->changes);

        if (e->who.expires_at_s && cx_now_ms(cx) / 1000 >= e->who.expires_at_s)
                return false;
        if (now == e->basis.seen)
                return true;
        if (change_since(t->changes, e->basis.seen, e->basis.refs, e->basis.n))
                return false;
        e->basis.seen = now;
        return true;
}

static void entry_copy(Ctx *cx, const Entry *e, Principal *ret) {
        char *bytes = arena_bytes(cx->arena, e->n_bytes);
        Str *to[STRINGS];

        memcpy(bytes, e->bytes, e->n_bytes);
        *ret = e->who;
        principal_strings(ret, to);
        for (size_t i = 0; i < STRINGS; i++)
                if (to[i]->p)
                        to[i]->p = bytes + (to[i]->p - e->bytes);
}

bool token_cache_get(Ctx *cx, TokenCache *t, TokenHash h, Principal *ret) {
        Shard *s = shard_of(t, h);
        Entry **set = set_of(t, h);
        bool hit = false;

        pthread_mutex_lock(&s->lock);
        for (size_t w = 0; w < WAYS; w++) {
                Entry *e = set[w];

                if (!e || !hash_eq(e->hash, h))
                        continue;
                hit = entry_is_good(cx, t, e);
                if (hit) {
                        e->used = ++s->clock;
                        entry_copy(cx, e, ret);
                } else
                        entry_drop(s, &set[w]);
                break;
        }
        pthread_mutex_unlock(&s->lock);
        return hit;
}

static Entry *entry_new(TokenHash h, const Principal *who) {
        Principal copy = *who;
        Str *from[STRINGS];
        size_t n = 0;
        Entry *e;

        principal_strings(&copy, from);
        for (size_t i = 0; i < STRINGS; i++)
                n += from[i]->n + 1;
        e = malloc(sizeof(*e) + n);
        assert(e);
        *e = (Entry){ .hash = h };
        n = 0;
        for (size_t i = 0; i < STRINGS; i++) {
                if (!from[i]->p)
                        continue;
                memcpy(e->bytes + n, from[i]->p, from[i]->n);
                e->bytes[n + from[i]->n] = 0;
                from[i]->p = e->bytes + n;
                n += from[i]->n + 1;
        }
        e->n_bytes = n;
        e->who = copy;
        return e;
}

/* The way for a new entry: its own, a free one, else the one not used for longest. */
static Entry **way_choose(Entry **set, TokenHash h) {
        Entry **best = &set[0];

        for (size_t w = 0; w < WAYS; w++) {
                if (set[w] && hash_eq(set[w]->hash, h))
                        return &set[w];
                if (*best && (!set[w] || set[w]->used < (*best)->used))
                        best = &set[w];
        }
        return best;
}

void token_cache_put(TokenCache *t, TokenHash h, const Principal *who, const TokenBasis *basis) {
        Shard *s = shard_of(t, h);
        Entry *e = entry_new(h, who), **way;

        e->basis = *basis;
        pthread_mutex_lock(&s->lock);
        way = way_choose(set_of(t, h), h);
        if (*way)
                entry_drop(s, way);
        e->used = ++s->clock;
        *way = e;
        s->count++;
        pthread_mutex_unlock(&s->lock);
}

size_t token_cache_count(const TokenCache *t) {
        size_t n = 0;

        for (size_t i = 0; i < SHARDS; i++)
                n += t->shards[i].count;
        return n;
}

// SPDX-License-Identifier: MIT
#include "memory/twins.h"

#include <stdlib.h>

enum {
        BAND = 2,
        BANDS = SKETCH_SIZE / BAND,
        CHAINS = BANDS + 1,
        BY_DIGEST = BANDS,
        FIRST_BUCKETS = 16,
        BEST_MAX = 16,
};

/* An entry stands in one chain per band and one by its digest; links are positions + 1, 0 ends a
 * chain. */
typedef struct Entry {
        Twin twin;
        uint32_t next[CHAINS];
        /* number of the search that looked at it last */
        uint32_t seen;
        bool is_gone;
} Entry;

/* Entries in the order of their units. Those that went stay until the next growth, so that
 * positions hold. */
struct Twins {
        Entry *v;
        size_t n, cap, gone;
        uint32_t *heads; /* CHAINS times `buckets` */
        size_t buckets;  /* a power of two, = cap */
        uint32_t searches;
};

static void *must(void *p) {
        if (!p)
                abort();
        return p;
}

static uint32_t *head_of(const Twins *t, const Twin *one, unsigned chain) {
        uint64_t h = one->digest;
        if (chain < BANDS)
                h = (uint64_t)one->sketch.b[chain * BAND] |
                    (uint64_t)one->sketch.b[chain * BAND + 1] << 8;
        h *= UINT64_C(0x9e3779b97f4a7c15);
        return &t->heads[chain * t->buckets + ((h >> 40) & (t->buckets - 1))];
}

static void entry_link(Twins *t, size_t at) {
        for (unsigned c = 0; c < CHAINS; c++) {
                uint32_t *head = head_of(t, &t->v[at].twin, c);
                t->v[at].next[c] = *head;
                *head = (uint32_t)at + 1;
        }
}

static void entries_compact(Twins *t) {
        size_t n = 0;
        for (size_t i = 0; i < t->n; i++)
                if (!t->v[i].is_gone)
                        t->v[n++] = t->v[i];
        t->n = n;
        t->gone = 0;
}

/* New room, everything that is left, and all chains anew. */
static void rebuild(Twins *t, size_t cap) {
        entries_compact(t);
        if (cap != t->cap) {
                t->v = must(reallocarray(t->v, cap, sizeof *t->v));
                t->heads = must(reallocarray(t->heads, cap * CHAINS, sizeof *t->heads));
                t->cap = t->buckets = cap;
        }
        memset(t->heads, 0, t->buckets * CHAINS * sizeof *t->heads);
        for (size_t i = 0; i < t->n; i++)
                entry_link(t, i);
}

Twins *twins_new(void) {
        Twins *t = must(calloc(1, sizeof *t));
        rebuild(t, FIRST_BUCKETS);
        return t;
}

Twins *twins_free(Twins *t) {
        if (t) {
                free(t->v);
                free(t->heads);
        }
        free(t);
        return NULL;
}

/* Position of the unit, or where it belongs. */
static size_t place_of(const Twins *t, int64_t unit) {
        if (!t->n || t->v[t->n - 1].twin.unit < unit) /* nearly always: new ones come last */
                return t->n;
        size_t lo = 0, hi = t->n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (t->v[mid].twin.unit < unit)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo;
}

void twins_put(Twins *t, const Twin *one) {
        if (t->n == t->cap)
                rebuild(t, t->gone * 4 > t->n ? t->cap : t->cap * 2);
        size_t at = place_of(t, one->unit);
        bool is_known = at < t->n && t->v[at].twin.unit == one->unit;
        bool is_last = at == t->n;
        if (is_known) {
                t->gone -= t->v[at].is_gone;
        } else {
                memmove(t->v + at + 1, t->v + at, (t->n - at) * sizeof *t->v);
                t->n++;
        }
        t->v[at] = (Entry){ .twin = *one };
        if (is_last)
                entry_link(t, at);
        else
                rebuild(t, t->cap);
}

void twins_drop(Twins *t, int64_t unit) {
        size_t at = place_of(t, unit);
        if (at == t->n || t->v[at].twin.unit != unit || t->v[at].is_gone)
                return;
        t->v[at].is_gone = true;
        t->gone++;
}

size_t twins_count(const Twins *t) { return t->n - t->gone; }

size_t twins_bytes(const Twins *t) {
        return sizeof *t + t->cap * sizeof *t->v + t->buckets * CHAINS * sizeof *t->heads;
}

int64_t twins_exact(const Twins *t, uint64_t digest) {
        /* the oldest, whatever the order of the chain */
        int64_t least = 0;
        uint32_t i = *head_of(t, &(Twin){ .digest = digest }, BY_DIGEST);
        for (; i; i = t->v[i - 1].next[BY_DIGEST]) {
                const Entry *e = &t->v[i - 1];
                if (e->twin.digest == digest && !e->is_gone && (!least || e->twin.unit < least))
                        least = e->twin.unit;
        }
        return least;
}

typedef struct Best {
        unsigned same;
        int64_t unit;
} Best;

/* Most alike first, then the older. */
static size_t best_insert(Best *best, size_t n, size_t max, Best b) {
        size_t at = n;
        while (at > 0 && (best[at - 1].same < b.same ||
                          (best[at - 1].same == b.same && best[at - 1].unit > b.unit)))
                at--;
        if (at == max)
                return n;
        n = MIN(n + 1, max);
        memmove(best + at + 1, best + at, (n - at - 1) * sizeof *best);
        best[at] = b;
        return n;
}

size_t twins_near(Twins *t, unsigned type, const Sketch *k, int64_t *ret_units, size_t max) {
        Best best[BEST_MAX];
        Twin probe = { .sketch = *k };
        size_t n = 0;
        max = MIN(max, ELEMENTSOF(best));
        t->searches++;
        for (unsigned c = 0; c < BANDS; c++)
                for (uint32_t i = *head_of(t, &probe, c); i; i = t->v[i - 1].next[c]) {
                        Entry *e = &t->v[i - 1];
                        if (e->seen == t->searches || e->is_gone || e->twin.type != type)
                                continue;
                        e->seen = t->searches;
                        unsigned same = sketch_same(&e->twin.sketch, k);
                        if (same >= SKETCH_LIKELY)
                                n = best_insert(best, n, max, (Best){ same, e->twin.unit });
                }
        for (size_t i = 0; i < n; i++)
                ret_units[i] = best[i].unit;
        return n;
}

// SPDX-License-Identifier: MIT
#include "memory/twins.h"

#include <stdlib.h>

enum { LANES = 64, FIRST_BLOCKS = 1, BEST_MAX = 16 };

/* The sketches of a block lie the other way round, the first byte of each, then the second, so
 * that one step of the search compares the same byte of all of them. */
typedef struct Block {
        uint8_t planes[SKETCH_SIZE][LANES];
        uint64_t digests[LANES];
        int64_t units[LANES];
        uint8_t types[LANES];
} Block;

/* In no order; the last one takes the place of one that goes. */
struct Twins {
        Block *v;
        size_t n, cap; /* entries */
        int64_t most;  /* no unit is greater */
};

Twins *twins_new(void) {
        Twins *t = calloc(1, sizeof *t);
        if (!t)
                abort();
        return t;
}

Twins *twins_free(Twins *t) {
        if (t)
                free(t->v);
        free(t);
        return NULL;
}

static void room_make(Twins *t) {
        size_t blocks = t->cap ? t->cap / LANES * 2 : FIRST_BLOCKS;
        t->v = reallocarray(t->v, blocks, sizeof *t->v);
        if (!t->v)
                abort();
        t->cap = blocks * LANES;
}

static Block *block_of(const Twins *t, size_t at) { return &t->v[at / LANES]; }

static Twin entry_get(const Twins *t, size_t at) {
        const Block *b = block_of(t, at);
        size_t i = at % LANES;
        Twin one = { .unit = b->units[i], .digest = b->digests[i], .type = b->types[i] };
        for (size_t j = 0; j < SKETCH_SIZE; j++)
                one.sketch.b[j] = b->planes[j][i];
        return one;
}

static void entry_set(Twins *t, size_t at, const Twin *one) {
        Block *b = block_of(t, at);
        size_t i = at % LANES;
        b->units[i] = one->unit;
        b->digests[i] = one->digest;
        b->types[i] = (uint8_t)one->type;
        for (size_t j = 0; j < SKETCH_SIZE; j++)
                b->planes[j][i] = one->sketch.b[j];
}

/* Its position, or t->n. */
static size_t position_of(const Twins *t, int64_t unit) {
        if (unit > t->most) /* nearly always: it is new */
                return t->n;
        size_t at = 0;
        while (at < t->n && block_of(t, at)->units[at % LANES] != unit)
                at++;
        return at;
}

void twins_put(Twins *t, const Twin *one) {
        size_t at = position_of(t, one->unit);
        if (at == t->cap)
                room_make(t);
        entry_set(t, at, one);
        t->n += at == t->n;
        t->most = MAX(t->most, one->unit);
}

void twins_drop(Twins *t, int64_t unit) {
        size_t at = position_of(t, unit);
        if (at == t->n)
                return;
        Twin last = entry_get(t, --t->n);
        if (at < t->n)
                entry_set(t, at, &last);
}

size_t twins_count(const Twins *t) { return t->n; }

size_t twins_bytes(const Twins *t) { return sizeof *t + t->cap / LANES * sizeof *t->v; }

/* ---- search ---- */

static size_t lanes_used(const Twins *t, size_t block) {
        return MIN((size_t)LANES, t->n - block * LANES);
}

static bool has_digest(const Block *b, uint64_t digest) {
        uint64_t found = 0;
        for (size_t i = 0; i < LANES; i++)
                found |= b->digests[i] == digest;
        return found;
}

int64_t twins_exact(const Twins *t, uint64_t digest) {
        int64_t least = 0; /* the oldest */
        for (size_t k = 0; k * LANES < t->n; k++) {
                const Block *b = &t->v[k];
                if (!has_digest(b, digest))
                        continue;
                for (size_t i = 0; i < lanes_used(t, k); i++)
                        if (b->digests[i] == digest && (!least || b->units[i] < least))
                                least = b->units[i];
        }
        return least;
}

/* Sixteen entries at a time, which every machine can compare in one step. */
typedef uint8_t Step __attribute__((vector_size(16)));
enum { STEP = sizeof(Step) };
typedef struct Wanted {
        Step bytes[SKETCH_SIZE]; /* each byte of a sketch, sixteen times */
} Wanted;

static void wanted_make(const Sketch *k, Wanted *ret) {
        for (size_t j = 0; j < SKETCH_SIZE; j++)
                memset(&ret->bytes[j], k->b[j], STEP);
}

/* How many bytes of each sketch are as wanted; the most of all. */
static unsigned block_compare(const Block *b, const Wanted *w, uint8_t ret_same[LANES]) {
        for (size_t i = 0; i < LANES; i += STEP) {
                Step same = { 0 }, plane;
                for (size_t j = 0; j < SKETCH_SIZE; j++) {
                        memcpy(&plane, &b->planes[j][i], STEP);
                        same -= (Step)(plane == w->bytes[j]); /* equal is -1 */
                }
                memcpy(&ret_same[i], &same, STEP);
        }
        uint8_t most = 0;
        for (size_t i = 0; i < LANES; i++)
                most = MAX(most, ret_same[i]);
        return most;
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

size_t twins_near(const Twins *t, unsigned type, const Sketch *k, int64_t *ret_units, size_t max) {
        Best best[BEST_MAX];
        Wanted wanted;
        uint8_t same[LANES];
        size_t n = 0;
        wanted_make(k, &wanted);
        max = MIN(max, ELEMENTSOF(best));
        for (size_t at = 0; at * LANES < t->n; at++) {
                const Block *b = &t->v[at];
                if (block_compare(b, &wanted, same) < SKETCH_LIKELY)
                        continue;
                for (size_t i = 0; i < lanes_used(t, at); i++)
                        if (same[i] >= SKETCH_LIKELY && b->types[i] == type)
                                n = best_insert(best, n, max, (Best){ same[i], b->units[i] });
        }
        for (size_t i = 0; i < n; i++)
                ret_units[i] = best[i].unit;
        return n;
}

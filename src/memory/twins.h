// SPDX-License-Identifier: MIT
#pragma once
/* twins: the live memories of one user as the search for duplicates sees them, 50 bytes each. A
 * text is found by its digest, and texts like it by their sketches, which are compared all of them:
 * in blocks, byte by byte, a few instructions each. Up to some ten thousand memories that costs no
 * more than an index of sketches (locality-sensitive hashing) does in scattered memory, and at a
 * hundred thousand still a tenth of a millisecond; and four times as many users fit into the same
 * memory. Plain memory, no store; one thread. */
#include "memory/near.h"

typedef struct Twin {
        int64_t unit;
        uint64_t digest;
        unsigned type;
        Sketch sketch;
} Twin;
typedef struct Twins Twins;

Twins *twins_new(void);
Twins *twins_free(Twins *t);
DEFINE_CLEANUP(Twins, twins_free)
void twins_put(Twins *t, const Twin *one); /* replaces the one with this unit */
void twins_drop(Twins *t, int64_t unit);
size_t twins_count(const Twins *t);
size_t twins_bytes(const Twins *t);
int64_t twins_exact(const Twins *t, uint64_t digest); /* a unit, or 0 */
/* Units of this type whose sketch shares SKETCH_LIKELY bytes or more, best first; how many, at most
 * `max`. */
size_t twins_near(const Twins *t, unsigned type, const Sketch *k, int64_t *ret_units, size_t max);

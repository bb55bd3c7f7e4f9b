// SPDX-License-Identifier: MIT
#pragma once
/* near: are two short texts the same thing said again? Character n-grams, 3 to 5 long, on folded
 * text. Pure.
 *
 * A sketch is 32 one-byte minima over the n-grams (Broder 1997, min-wise permutations; one byte
 * each as in Li and König's b-bit variant): two texts whose n-gram sets overlap to J share about
 * 32·J of them. It finds candidates; the cosine decides. Numbers, dates and negations are mixed
 * into every byte: texts that differ in one of these are never the same thing, however alike, and
 * so never become candidates. */
#include "base/base.h"

/* a pair at cosine .85 (J >= .74) shares 15 but for 1 in 5000 */
enum { SKETCH_SIZE = 32, SKETCH_LIKELY = 15 };
#define NEAR_COSINE 0.85

typedef struct Sketch {
        uint8_t b[SKETCH_SIZE];
} Sketch;
/* Seeded by the user's key, so that the stored sketch tells nothing about the text without it. */
void sketch_make(Arena *a, Str folded, uint64_t seed, Sketch *ret);
unsigned sketch_same(const Sketch *a, const Sketch *b);

double near_cosine(Arena *a, Str folded_x, Str folded_y);

/* Never the same, original texts: one is not the other with some plain words more, in the same
 * order. A number, date, name, person or negation more or less always differs; so do texts in
 * other scripts and accents that are not equal. */
bool near_differs(Arena *a, Str x, Str y);
/* `said` has a name, number, date or negation that `known` lacks. */
bool near_adds(Arena *a, Str known, Str said);

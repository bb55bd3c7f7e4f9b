// SPDX-License-Identifier: MIT
#pragma once
/* alias: who is who in what was told: after "My sister is called Anna" what is asked about "my
 * sister" may be told of "Anna", and the other way round. English, pure. */
#include "memory/find.h"

enum { ALIASES_MAX = 4 };
typedef struct Alias {
        Str message;           /* the question with the other word for them */
        const MemoryHit *told; /* the fact that says so */
} Alias;
typedef struct Aliases {
        Alias v[ALIASES_MAX];
        size_t n;
} Aliases;

/* Of one somebody that the question is about, by the facts among the hits. */
Aliases aliases_of(Arena *a, Str message, const MemoryHits *hits);

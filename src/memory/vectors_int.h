// SPDX-License-Identifier: MIT
#pragma once
/* vectors_int: what searching and making vectors share. */
#include <pthread.h>
#include <stdatomic.h>

#include "memory/embed.h"
#include "memory/vectors.h"

enum { BLOCK_SLOTS = 256 };

/* The vectors of one user under one model. */
typedef struct Block {
        Str user_id;
        size_t n, cap, dim;
        int8_t *q;
        float *scale;
        int64_t *unit;
} Block;
/* The lock is held while its block is loaded or scanned: nobody waits but who has the same one. */
typedef struct Slot {
        pthread_mutex_t lock;
        Block block;
} Slot;

struct Vectors {
        Embedder *embedder;
        bool turns; /* of what was said as well */
        Slot slots[BLOCK_SLOTS];
        _Atomic size_t bytes, hand;
};

typedef struct SealedVector {
        int64_t unit;
        Str bytes;
} SealedVector;
Err vector_open(Ctx *cx, const MemoryScope *s, const Keys *k, SealedVector v,
                Str *ret) _must_check_;
static inline const char *vector_field(Ctx *cx, int64_t unit) {
        return arena_printf(cx->arena, "vector:%lld", (long long)unit);
}

/* Into the user's block, when it is there. */
typedef struct LearnedVectors {
        const int64_t *units;
        Vecs vecs;
} LearnedVectors;
void block_learn(Vectors *v, Str user_id, const LearnedVectors *in);

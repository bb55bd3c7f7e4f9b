// SPDX-License-Identifier: MIT
#pragma once
/* vectors: embeddings of memories and turns, when a server for them is configured. Optional in every
 * way: a search without the server is a lexical search that says so, and nothing waits for a vector
 * to be made.
 *
 * Stored sealed, one row per unit, with the model that made it; vectors of different models are
 * never compared. In memory a user's are one block of int8 (a scale per row), scanned whole; the
 * best are looked at again in full precision from the store. A row without a model stands for a
 * memory that has faded: it has no vector and gets none until it matters again. */
#include "memory/memory_int.h"

/* NULL: nothing configured; all functions take it */
typedef struct Vectors Vectors;
Vectors *vectors_new(Ctx *cx, const EmbedSettings *set);
Vectors *vectors_free(Vectors *v);
void vectors_stop(Vectors *v);   /* the server is not asked any more */
void vectors_forget(Vectors *v); /* all blocks: they are loaded again */

/* Adds the nearest units to the search. *ret_degraded: a server is configured and was not there. */
Err vectors_search(Ctx *cx, const MemoryScope *s, const Keys *k, SearchQuery *sq,
                   bool *ret_degraded) _must_check_;

/* Makes the vectors that are missing; how many. Not on a loop thread. */
Err vectors_embed(Ctx *cx, Memory *m, Str user_id, int64_t *ret_count) _must_check_;

/* Inside the write that changed a text: a job will make its vector. */
Err vectors_later(Ctx *cx, const MemoryScope *s) _must_check_;
/* The same for what was said, where that is embedded as well. */
Err vectors_later_turns(Ctx *cx, const MemoryScope *s) _must_check_;

/* Units in order: those with a vector, those whose vector was dropped. */
typedef struct Units {
        int64_t *v;
        size_t n, cap;
} Units;
Err vectors_which(Ctx *cx, const MemoryScope *s, Units *ret_kept, Units *ret_dropped) _must_check_;
bool units_have(const Units *u, int64_t unit);
/* Inside a write. Its row stays, to say that none is to be made. */
Err vector_drop(Ctx *cx, const MemoryScope *s, int64_t unit) _must_check_;

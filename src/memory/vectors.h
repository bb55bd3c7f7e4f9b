// SPDX-License-Identifier: MIT
#pragma once
/* vectors: embeddings of memories, when a server for them is configured. Optional in every way: a
 * search without the server is a lexical search that says so, and nothing waits for a vector to be
 * made.
 *
 * Stored sealed, one row per memory, with the model that made it; vectors of different models are
 * never compared. In memory a user's are one block of int8 (a scale per row), scanned whole; the
 * best are looked at again in full precision from the store. */
#include "memory/memory_int.h"

/* NULL: nothing configured; all functions take it */
typedef struct Vectors Vectors;
Vectors *vectors_new(Ctx *cx, const EmbedSettings *set);
Vectors *vectors_free(Vectors *v);
void vectors_forget(Vectors *v); /* all blocks: they are loaded again */

/* Adds the nearest units to the search. *ret_degraded: a server is configured and was not there. */
Err vectors_search(Ctx *cx, const MemoryScope *s, const Keys *k, SearchQuery *sq,
                   bool *ret_degraded) _must_check_;

/* Makes the vectors that are missing; how many. Not on a loop thread. */
Err vectors_embed(Ctx *cx, Memory *m, Str user_id, int64_t *ret_count) _must_check_;

/* Inside the write that changed a text: a job will make its vector. */
Err vectors_later(Ctx *cx, const MemoryScope *s) _must_check_;

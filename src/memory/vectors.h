// SPDX-License-Identifier: MIT
#pragma once
/* vectors: embeddings of memories, when a service for them is configured. Optional in every way: a search without the service
 * is a lexical search that says so, and nothing waits for a vector to be made. */
#include "memory/memory_int.h"

/* Adds the nearest units to the search. *ret_degraded: a service is configured and was not there. */
Err vectors_search(Ctx *cx, const MemoryScope *s, const Keys *k, SearchQuery *sq, bool *ret_degraded) _must_check_;

/* Makes the vectors that are missing; how many. */
Err vectors_embed(Ctx *cx, Memory *m, Str user_id, int64_t *ret_count) _must_check_;

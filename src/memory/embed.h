// SPDX-License-Identifier: MIT
#pragma once
/* embed: vectors from any OpenAI-compatible server (POST …/embeddings). After a failure it is left
 * alone for a while, so that a search does not wait for a server that is down. */
#include "memory/memory.h"

enum { EMBED_BATCH_MAX = 64, EMBED_DIM_MAX = 4096 };
/* n rows of dim, each of length 1; in the arena */
typedef struct Vecs {
        float *v;
        size_t n, dim;
} Vecs;

typedef struct Embedder Embedder; /* thread safe */
Embedder *embedder_new(Ctx *cx, const EmbedSettings *set);
Embedder *embedder_free(Embedder *e);
void embedder_stop(Embedder *e); /* any thread: what runs ends now, and nothing is asked any more */
Str embedder_model(const Embedder *e);
/* ERR_UPSTREAM, ERR_TIMEOUT, ERR_UNAVAILABLE (resting after a failure). At most EMBED_BATCH_MAX
 * texts; not on a loop thread. */
Err embedder_run(Ctx *cx, Embedder *e, Strs texts, int64_t timeout_ms, Vecs *ret) _must_check_;

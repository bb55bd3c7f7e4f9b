// SPDX-License-Identifier: MIT
#pragma once
/* embed: vectors for a caller's own texts from the provider that has the model. Blocking; on a
 * worker. Behind the same circuit, budget and ledger as the completions. */
#include "chat/chat.h"

typedef struct EmbedAsk {
        Str user_id, model;
        Str input;           /* JSON: a string or an array */
        Str encoding_format; /* "float", "base64" or STR_NULL */
        OptInt dimensions;
} EmbedAsk;
/* `embedding`: JSON, numbers or a string. */
typedef struct EmbedItem {
        int64_t index;
        Str embedding;
} EmbedItem;
typedef struct Embedded {
        List items;
        Str model;
        TokenUsage usage;
} Embedded;

/* ERR_MODEL_NOT_FOUND, ERR_BUDGET, ERR_LLM_UNAVAILABLE, ERR_BAD_REQUEST: the provider refuses it. */
Err chat_embed(Ctx *cx, Chat *chat, const EmbedAsk *ask, Embedded *ret) _must_check_;

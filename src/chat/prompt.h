// SPDX-License-Identifier: MIT
#pragma once
/* prompt: what the model is sent. Pure. Within a budget of tokens the system text stands first,
 * then the profile, the memories, the turns before this one newest first until it is full; the
 * user's message comes on top and is never cut.
 *
 * Memory text is data: it stands in one marked block, its angle brackets are escaped and whatever
 * looks like a role marker or a fence is defused, so that no memory can end the block, speak as
 * another role or change the system text. */
#include "base/base.h"

typedef struct PromptMemory {
        /* speaker: of a turn; STR_NULL for memories */
        Str type, text, speaker;
        int64_t at;
} PromptMemory;
typedef struct PromptTurn {
        Str user, assistant;
} PromptTurn; /* assistant may be STR_NULL */

typedef struct PromptIn {
        Str rules, profile, context, message; /* profile and context may be STR_NULL */
        const PromptMemory *memories;
        size_t n_memories;
        size_t lines_max;
        const PromptTurn *turns;
        size_t n_turns; /* newest first */
        int64_t budget_tokens;
} PromptIn;
typedef struct Prompt {
        Str messages; /* JSON array */
        /* which memories are in it, in prompt order */
        size_t *used;
        size_t n_used;
        size_t turns_used;
        int64_t tokens; /* of everything, the user's message too */
} Prompt;
void prompt_build(Arena *a, const PromptIn *in, Prompt *ret);

/* The block alone, for a conversation that brings its own messages; STR_NULL without memories. */
Str prompt_block(Arena *a, const PromptIn *in, Prompt *ret);

/* one line of harmless text; exposed for its test */
Str prompt_defuse(Arena *a, Str text);
extern const char *const prompt_system_default;

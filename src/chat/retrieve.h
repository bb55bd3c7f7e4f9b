// SPDX-License-Identifier: MIT
#pragma once
/* retrieve: what is remembered that may matter for a message, and what was said just before it. On
 * a worker thread; nothing here fails a turn: without an answer from the index it goes on without
 * memories and says so. */
#include "chat/chat_int.h"
#include "chat/mode.h"
#include "chat/prompt.h"

typedef struct RetrieveAsk {
        /* turn_id: of this turn, which must not come back */
        Str user_id, conversation_id, turn_id, message;
        bool no_memories;
        /* leave out what the recent turns will show anyway */
        bool for_prompt;
} RetrieveAsk;

typedef struct Retrieved {
        const RetrievalMode *mode;
        MemoryHits hits; /* memories and turns, best first */
        PromptTurn *turns;
        size_t n_turns; /* before this one, newest first */
        Str profile;    /* a few sentences; STR_NULL */
        int utc_offset_min;
        bool degraded;
} Retrieved;
void retrieve(Ctx *cx, Chat *chat, const RetrieveAsk *ask, Retrieved *ret);

/* Names of the user's people and animals, of the memories that the message called up. */
Strs retrieved_people(Arena *a, const Retrieved *found);

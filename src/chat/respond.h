// SPDX-License-Identifier: MIT
#pragma once
/* respond: an answer without a language model, from what is stored. Pure and
 * deterministic. Questions get a full sentence and the quotes it rests on, statements an
 * acknowledgement of what was stored; every quote is byte-equal to stored text. */
#include "chat/asking.h"
#include "chat/chat.h"
#include "memory/learn.h"

enum { QUOTES_MAX = 5, SUGGESTIONS = 4 };

typedef struct RespondIn {
        Str message;
        const MemoryHits *hits;
        const Learned *learned; /* what the rules stored from this message */
        OfflineReason reason;
        bool is_broad;    /* "what do you know about me" */
        bool is_schedule; /* "what are my plans" */
        int64_t now_ms;
        int utc_offset_min;
} RespondIn;
/* Citation; UsedMemory */
typedef struct Response {
        Str text;
        List citations;
        List used;
} Response;
void respond(Arena *a, const RespondIn *in, Response *ret);

/* Exactly SUGGESTIONS short follow-ups, from the hits and, where they do not give enough, from what
 * everybody may ask. */
Strs suggest(Arena *a, Str message, const MemoryHits *hits);

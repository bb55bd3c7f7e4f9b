// SPDX-License-Identifier: MIT
#pragma once
/* chat_view: how a turn looks outside, for the resources that show one, and what their handlers
 * share. */
#include "api/route.h"
#include "api/services.h"
#include "chat/chat.h"

typedef struct UsageView {
        int64_t prompt_tokens, completion_tokens, total_tokens;
        bool estimated;
        OptNum cost_usd;
} UsageView;

typedef struct TurnMeta {
        Str provider, model;
        bool offline;
        Str retrieval_mode, retrieval; /* retrieval: "degraded", else absent */
        Strs memories_created, turns_used;
        Str extraction, memory_quota, offline_reason;
        const UsageView *usage;
        Str finish_reason, request, error;
        List citations, attempts;
} TurnMeta;
extern const Shape turn_meta_shape;

/* The answer of POST /api/v1/conversation, and the data of its `done`. */
typedef struct TurnAnswer {
        Str turn_id, user_id, conversation_id;
        int64_t turn_number;
        Str response;
        Strs memories_used;
        int64_t memories_extracted;
        double processing_time_ms;
        const TurnMeta *metadata;
} TurnAnswer;
extern const Shape turn_answer_shape;
TurnAnswer turn_answer(Arena *a, const ChatTurn *t);

typedef struct TurnView {
        Str turn_id, conversation_id, user_id;
        int64_t turn_number;
        Str user_message, assistant_message, state;
        int64_t timestamp;
        const TurnMeta *metadata;
        Strs memories_retrieved, memories_created;
        Str provider, model;
        const UsageView *usage;
} TurnView;
extern const Shape turn_view_shape;
TurnView turn_view(Arena *a, const ChatTurn *t);

/* The answer of POST /api/ai/chat, and the data of its `done`. */
typedef struct AiData {
        Str user_id;
        bool authenticated;
} AiData;
typedef struct AiAnswer {
        Str status, response, conversation_id, session_id;
        Strs suggestions;
        int64_t timestamp;
        Str turn_id;
        Strs memories_used;
        const UsageView *usage;
        const AiData *data;
} AiAnswer;
extern const Shape ai_answer_shape;
AiAnswer ai_answer(Arena *a, const ChatTurn *t);

Strs turn_used_ids(Arena *a, const ChatTurn *t);
UsageView turn_usage(const ChatTurn *t);

/* 1..10000 characters, not blank: ERR_MESSAGE_REQUIRED, ERR_MESSAGE_TOO_LONG. */
Err message_check(Ctx *cx, Str message) _must_check_;
/* ERR_USER_MISMATCH unless absent or the caller's. */
Err caller_check(const Req *rq, Str user_id) _must_check_;
bool wants_stream(const Req *rq, const OptBool *asked);
MemoryScope req_scope(const Req *rq, DbConn *c);
ChatScope req_chat(const Req *rq); /* with the connection of the lane */
/* By our id or by the caller's own; ERR_NOT_FOUND. */
Err conversation_get(const Req *rq, DbConn *c, Str id, Conversation *ret) _must_check_;

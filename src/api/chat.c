// SPDX-License-Identifier: MIT
/* One turn of a conversation, in its two shapes. Table:
 * chat_routes. */
#include "api/chat_relay.h"
#include "codec/json.h"

enum {
        BODY_MAX = 256 * 1024,
        MODEL_MAX = 128,
        SESSION_MAX = 128,
        METADATA_MAX = 8192,
        TEXT_MAX = 100000
};

/* ---- POST /api/v1/conversation ---- */

typedef struct ConversationIn {
        OptInt turn_number, max_tokens;
        Str message, conversation_id, metadata, model, user_id;
        OptBool include_memories, stream;
        OptNum temperature;
} ConversationIn;
static const Shape conversation_in = SHAPE(ConversationIn,
        F_OINT(ConversationIn, turn_number, F_NULL, .min = 0, .max = 1e9,
                .doc = "The next one when absent"),
        F_STR(ConversationIn, message, F_BLANK | F_NULL, .max = TEXT_MAX,
                .doc = "1 to 10000 characters"),
        F_STR(ConversationIn, conversation_id, F_NULL, .max = SESSION_MAX,
                .doc = "The default conversation when absent"),
        F_JSON(ConversationIn, metadata, F_NULL, .max = METADATA_MAX, .one_of = "object"),
        F_OBOOL(ConversationIn, include_memories, F_NULL),
        F_OBOOL(ConversationIn, stream, F_NULL),
        F_STR(ConversationIn, model, F_NULL, .min = 1, .max = MODEL_MAX),
        F_OINT(ConversationIn, max_tokens, F_NULL, .min = 1, .max = 8192),
        F_ONUM(ConversationIn, temperature, F_NULL, .min = 0, .max = 2),
        F_STR(ConversationIn, user_id, F_NULL, .max = 256, .doc = "Only the caller's own"));

/* A model is asked for by its provider's name; "mainstay" and none mean the default. Offline there
 * is nothing to choose. */
static Err model_check(const Req *rq, Str *model) {
        if (!model->p || str_eq_c(*model, "mainstay") || !chat_has_provider(rq->sv->chat)) {
                *model = STR_NULL;
                return OK;
        }
        return chat_has_model(rq->sv->chat, *model)
                       ? OK
                       : RAISE(rq->cx, ERR_MODEL_NOT_FOUND, "no provider has it");
}

static Err conversation_handle(Req *rq, const void *in_, void *ret) {
        const ConversationIn *in = in_;
        TurnAsk ask = { .user_id = rq->who->user_id,
                        .message = in->message,
                        .conversation_id = in->conversation_id,
                        .number = in->turn_number,
                        .metadata = in->metadata,
                        .model = in->model,
                        .max_tokens = in->max_tokens,
                        .temperature = in->temperature,
                        .no_memories = in->include_memories.has && !in->include_memories.v,
                        .no_model = !rq->who->llm_processing,
                        .no_learning = !rq->who->memory_extraction,
                        .stream = wants_stream(rq, &in->stream) };
        TRY(caller_check(rq, in->user_id));
        TRY(message_check(rq->cx, in->message));
        TRY(model_check(rq, &ask.model));
        return relay_start(rq, &relay_conversation, &ask, NULL, 0);
}

/* ---- POST /api/ai/chat ---- */

typedef struct AiIn {
        Str message, context, session_id, conversation_id, timestamp, user_id;
        OptBool stream;
} AiIn;
static const Shape ai_in = SHAPE(AiIn,
        F_JSON(AiIn, message, F_NULL, .max = TEXT_MAX * 4,
                .doc = "A string of 1 to 10000 characters"),
        F_JSON(AiIn, context, F_NULL, .max = 65536, .one_of = "string|object"),
        F_STR(AiIn, session_id, F_NULL, .min = 1, .max = SESSION_MAX),
        F_STR(AiIn, conversation_id, F_NULL, .min = 1, .max = SESSION_MAX),
        F_STR(AiIn, timestamp, F_NULL, .max = 64),
        F_OBOOL(AiIn, stream, F_NULL),
        F_STR(AiIn, user_id, F_NULL, .max = 256));

/* A JSON string as text; anything else as it stands (context) or not at all (message). */
static Err text_of(Ctx *cx, Str json, bool only_text, Str *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        *ret = STR_NULL;
        if (!json.p)
                return OK;
        TRY(json_parse(cx, json, JSON_DEPTH_MAX, &j));
        if (json_kind(json_root(j)) == JSON_STR)
                *ret = arena_dup(cx->arena, json_str(json_root(j)));
        else if (!only_text)
                *ret = json;
        return OK;
}

static Err ai_handle(Req *rq, const void *in_, void *ret) {
        const AiIn *in = in_;
        TurnAsk ask = { .user_id = rq->who->user_id,
                        .is_session = true,
                        .is_second_form = true,
                        .stream = wants_stream(rq, &in->stream),
                        .no_model = !rq->who->llm_processing,
                        .no_learning = !rq->who->memory_extraction,
                        .conversation_id =
                                in->session_id.p ? in->session_id : in->conversation_id };
        TRY(caller_check(rq, in->user_id));
        TRY(text_of(rq->cx, in->message, true, &ask.message));
        TRY(text_of(rq->cx, in->context, false, &ask.context));
        TRY(message_check(rq->cx, ask.message));
        if (in->session_id.p && in->conversation_id.p &&
            !str_eq(in->session_id, in->conversation_id))
                return RAISE_FIELD(rq->cx, "#/session_id", "differs from conversation_id");
        return relay_start(rq, &relay_ai, &ask, NULL, 0);
}

/* ---- GET /api/ai/health ---- */

typedef struct AiComponents {
        Str ai_chat, memory, llm, retrieval;
} AiComponents;
typedef struct AiHealth {
        Str status;
        const AiComponents *components;
        Str authentication;
        int64_t timestamp;
} AiHealth;
#define COMPONENT(m) F_STR(AiComponents, m, F_REQ, .one_of = "operational|degraded|not_configured")
static const Shape ai_components = SHAPE(AiComponents,
        COMPONENT(ai_chat),
        COMPONENT(memory),
        COMPONENT(llm),
        COMPONENT(retrieval));
static const Shape ai_health_shape = SHAPE(AiHealth,
        F_STR(AiHealth, status, F_REQ, .one_of = "operational|degraded"),
        F_OBJ(AiHealth, components, F_REQ, .sub = &ai_components),
        F_STR(AiHealth, authentication, F_REQ),
        F_TIME(AiHealth, timestamp, F_REQ));

static Err ai_health_handle(Req *rq, const void *in, void *ret) {
        AiComponents *c = NEW(rq->cx->arena, AiComponents);
        ProviderViews p;
        chat_providers(rq->cx, rq->sv->chat, &p);
        bool works = false;
        for (size_t i = 0; i < p.n; i++)
                works |= str_eq_c(p.v[i].state, "closed");
        *c = (AiComponents){ STR("operational"), STR("operational"),
                             !p.n    ? STR("not_configured")
                             : works ? STR("operational")
                                     : STR("degraded"),
                             STR("operational") };
        *(AiHealth *)ret = (AiHealth){ !p.n || works ? STR("operational") : STR("degraded"), c,
                                       STR("required"), cx_now_ms(rq->cx) };
        return OK;
}

/* ---- rows ---- */

#define TURN_ERRORS                                                                                \
        ERR_MESSAGE_REQUIRED, ERR_MESSAGE_TOO_LONG, ERR_USER_MISMATCH, ERR_TURN_IN_PROGRESS,       \
                ERR_LLM_UNAVAILABLE, ERR_BUDGET, ERR_BAD_REQUEST

const Route chat_routes[] = {
        {
                .id = "conversation.turn",
                .method = POST,
                .path = "/api/v1/conversation",
                .lane = LANE_STREAM,
                .auth = AUTH_USER,
                .scope = "chat",
                .rate = RATE_WRITE,
                .body_max = BODY_MAX,
                .in = &conversation_in,
                .out = &turn_answer_shape,
                .also = "text/event-stream",
                .errors =
                        ERRORS(TURN_ERRORS, ERR_NOT_FOUND, ERR_TURN_CONFLICT, ERR_MODEL_NOT_FOUND),
                .audit_none = "a person's own conversation",
                .tag = "Chat",
                .mcp_tool = "chat",
                .summary = "Say something and be answered, whole or as a stream",
                .fn = conversation_handle,
        },
        {
                .id = "ai.chat",
                .method = POST,
                .path = "/api/ai/chat",
                .lane = LANE_STREAM,
                .auth = AUTH_USER,
                .scope = "chat",
                .rate = RATE_WRITE,
                .body_max = BODY_MAX,
                .in = &ai_in,
                .out = &ai_answer_shape,
                .also = "text/event-stream",
                .errors = ERRORS(TURN_ERRORS),
                .wire = WIRE_AI,
                .audit_none = "a person's own conversation",
                .tag = "Chat",
                .summary = "The same in the second shape, by session",
                .fn = ai_handle,
        },
        {
                .id = "ai.health",
                .method = GET,
                .path = "/api/ai/health",
                .lane = LANE_INLINE,
                .auth = AUTH_NONE,
                .rate = RATE_NONE,
                .out = &ai_health_shape,
                .audit_none = "public health",
                .tag = "Chat",
                .summary = "What of the chat works",
                .fn = ai_health_handle,
        },
        {},
};

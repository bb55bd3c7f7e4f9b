// SPDX-License-Identifier: MIT
/* The OpenAI-compatible face: chat completions and models. With
 * memory on, one system block with what is remembered goes before the last user message, and that
 * message and the answer are stored. Table: openai_routes. */
#include "api/chat_relay.h"
#include "chat/embed.h"
#include "codec/json.h"
#include "codec/sse.h"

enum {
        BODY_MAX = 1024 * 1024,
        MESSAGES_MAX = 900 * 1024,
        JSON_TEXT_MAX = 256 * 1024,
        MODEL_MAX = 128,
        CHUNK_MAX = 2 * 1024 * 1024
};

/* ---- models ---- */

typedef struct ModelView {
        Str id, object;
        int64_t created;
        Str owned_by;
} ModelView;
static const Shape model_shape = SHAPE(ModelView,
        F_STR(ModelView, id, F_REQ),
        F_STR(ModelView, object, F_REQ, .one_of = "model"),
        F_INT(ModelView, created, F_REQ),
        F_STR(ModelView, owned_by, F_REQ));
typedef struct ModelList {
        Str object;
        List data;
} ModelList;
static const Shape model_list_shape = SHAPE(ModelList,
        F_STR(ModelList, object, F_REQ, .one_of = "list"),
        F_LIST(ModelList, data, F_REQ, .sub = &model_shape));

static ModelView model_view(const Req *rq, Str id, Str owner) {
        return (ModelView){ id, STR("model"), rq->sv->started_ms / 1000, owner };
}

static Err models_handle(Req *rq, const void *in, void *ret) {
        ProviderViews p;
        chat_providers(rq->cx, rq->sv->chat, &p);
        size_t n = 1;
        for (size_t i = 0; i < p.n; i++)
                n += p.v[i].models.n;
        ModelView *v = NEW_ARRAY(rq->cx->arena, ModelView, n);
        v[0] = model_view(rq, STR("mainstay"), STR("mainstay"));
        n = 1;
        for (size_t i = 0; i < p.n; i++)
                for (size_t j = 0; j < p.v[i].models.n; j++)
                        v[n++] = model_view(rq, p.v[i].models.v[j], p.v[i].name);
        *(ModelList *)ret = (ModelList){ STR("list"), { v, n } };
        return OK;
}

static Err model_handle(Req *rq, const void *in, void *ret) {
        ModelList all;
        TRY(models_handle(rq, NULL, &all));
        const ModelView *v = all.data.v;
        for (size_t i = 0; i < all.data.n; i++)
                if (str_eq(v[i].id, rq->path[0])) {
                        *(ModelView *)ret = v[i];
                        return OK;
                }
        return RAISE(rq->cx, ERR_MODEL_NOT_FOUND, "no such model");
}

/* ---- the answer ---- */

typedef struct MessageOut {
        Str role, content, refusal, tool_calls;
} MessageOut;
static const Shape message_out = SHAPE(MessageOut,
        F_STR(MessageOut, role, F_REQ, .one_of = "assistant"),
        F_STR(MessageOut, content, F_NULL),
        F_STR(MessageOut, refusal, F_NULL),
        F_JSON(MessageOut, tool_calls, 0, .one_of = "array"));
typedef struct ChoiceOut {
        int64_t index;
        const MessageOut *message;
        Str logprobs, finish_reason;
} ChoiceOut;
static const Shape choice_out = SHAPE(ChoiceOut,
        F_INT(ChoiceOut, index, F_REQ),
        F_OBJ(ChoiceOut, message, F_REQ, .sub = &message_out),
        F_STR(ChoiceOut, logprobs, F_NULL),
        F_STR(ChoiceOut, finish_reason, F_REQ));
typedef struct UsageOut {
        int64_t prompt_tokens, completion_tokens, total_tokens;
} UsageOut;
static const Shape usage_out = SHAPE(UsageOut,
        F_INT(UsageOut, prompt_tokens, F_REQ),
        F_INT(UsageOut, completion_tokens, F_REQ),
        F_INT(UsageOut, total_tokens, F_REQ));
typedef struct OursOut {
        Str turn_id, conversation_id;
        Strs memories_used;
        bool offline;
} OursOut;
static const Shape ours_out = SHAPE(OursOut,
        F_STR(OursOut, turn_id, F_REQ),
        F_STR(OursOut, conversation_id, F_NULL),
        F_STRS(OursOut, memories_used, F_REQ),
        F_BOOL(OursOut, offline, F_REQ));
typedef struct CompletionOut {
        Str id, object;
        int64_t created;
        Str model;
        List choices;
        const UsageOut *usage;
        const OursOut *mainstay;
} CompletionOut;
static const Shape completion_out = SHAPE(CompletionOut,
        F_STR(CompletionOut, id, F_REQ),
        F_STR(CompletionOut, object, F_REQ, .one_of = "chat.completion"),
        F_INT(CompletionOut, created, F_REQ),
        F_STR(CompletionOut, model, F_REQ),
        F_LIST(CompletionOut, choices, F_REQ, .sub = &choice_out),
        F_OBJ(CompletionOut, usage, F_REQ, .sub = &usage_out),
        F_OBJ(CompletionOut, mainstay, F_REQ, .sub = &ours_out));

static UsageOut usage_of(const ChatTurn *t) {
        return (UsageOut){ t->usage.prompt, t->usage.completion,
                           t->usage.prompt + t->usage.completion };
}

static OursOut ours_of(Arena *a, const ChatTurn *t) {
        return (OursOut){ t->turn_id, t->conversation_id, turn_used_ids(a, t), t->is_offline };
}

static const void *whole(Relay *r, const ChatTurn *t) {
        Arena *a = relay_request_arena(r);
        CompletionOut *out = NEW(a, CompletionOut);
        MessageOut *m = NEW(a, MessageOut);
        ChoiceOut *c = NEW(a, ChoiceOut);
        UsageOut *u = NEW(a, UsageOut);
        OursOut *o = NEW(a, OursOut);
        *m = (MessageOut){ STR("assistant"), t->tool_calls.p && !t->answer.n ? STR_NULL : t->answer,
                           STR_NULL, t->tool_calls };
        *c = (ChoiceOut){ 0, m, STR_NULL, t->finish_reason.p ? t->finish_reason : STR("stop") };
        *u = usage_of(t);
        *o = ours_of(a, t);
        *out = (CompletionOut){ arena_strf(a, "chatcmpl-%.*s", STR_FMT(t->turn_id)),
                                STR("chat.completion"),
                                t->at / 1000,
                                t->model,
                                { c, 1 },
                                u,
                                o };
        return out;
}

/* ---- the stream: bare data lines ---- */

typedef struct Extra {
        bool include_usage;
} Extra;

/* {"id":…,"object":"chat.completion.chunk",…, and open for more */
static void chunk_open(Buf *json, const ChatTurn *t, Str model) {
        buf_addf(json,
                 "{\"id\":\"chatcmpl-%.*s\",\"object\":\"chat.completion.chunk\",\"created\":%lld,"
                 "\"model\":",
                 STR_FMT(t->turn_id), (long long)(t->at / 1000));
        json_write_str(json, model.p ? model : STR("mainstay"));
}

static void chunk_put(Buf *out, Buf *json) {
        buf_addc(json, '}');
        sse_write(out, &(SseEvent){ .data = buf_str(json) });
        buf_clear(json);
}

static void choice_open(Buf *json, const ChatTurn *t, Str model, Str delta, Str finish) {
        chunk_open(json, t, model);
        buf_addf(json,
                 ",\"choices\":[{\"index\":0,\"delta\":{%.*s},\"logprobs\":null,\"finish_reason\":",
                 STR_FMT(delta));
        if (finish.p)
                json_write_str(json, finish);
        else
                buf_add_c(json, "null");
        buf_add_c(json, "}]");
}

static void stream_event(Relay *r, Buf *out, const TurnEvent *ev) {
        _cleanup_(buf_done) Buf json = BUF(CHUNK_MAX);
        _cleanup_(buf_done) Buf delta = BUF(CHUNK_MAX);
        switch (ev->kind) {
        case TURN_EV_MEMORIES: return;
        case TURN_EV_START:
                buf_add_c(&delta, "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
                break;
        case TURN_EV_DELTA:
                if (ev->text.n) {
                        buf_add_c(&delta, "\"content\":");
                        json_write_str(&delta, ev->text);
                }
                if (ev->tool_calls.p)
                        buf_addf(&delta, "%s\"tool_calls\":%.*s", delta.n ? "," : "",
                                 STR_FMT(ev->tool_calls));
                break;
        }
        choice_open(&json, ev->turn, ev->model, delta.n ? buf_str(&delta) : STR(""), STR_NULL);
        chunk_put(out, &json);
}

static void stream_done(Relay *r, Buf *out, const ChatTurn *t, int64_t n) {
        _cleanup_(buf_done) Buf json = BUF(CHUNK_MAX);
        const Extra *extra = relay_extra(r);
        OursOut ours = ours_of(relay_cx(r)->arena, t);
        choice_open(&json, t, t->model, STR(""),
                    t->finish_reason.p ? t->finish_reason : STR("stop"));
        buf_add_c(&json, ",\"mainstay\":");
        json_write(&json, &ours_out, &ours);
        chunk_put(out, &json);
        if (extra->include_usage) {
                UsageOut u = usage_of(t);
                chunk_open(&json, t, t->model);
                buf_add_c(&json, ",\"choices\":[],\"usage\":");
                json_write(&json, &usage_out, &u);
                chunk_put(out, &json);
        }
        buf_add_c(out, "data: [DONE]\n\n");
}

static void stream_fail(Relay *r, Buf *out, Err e, const ChatTurn *t, int64_t n) {
        _cleanup_(buf_done) Buf json = BUF(CHUNK_MAX);
        relay_problem(r, &json, e);
        sse_write(out, &(SseEvent){ .data = buf_str(&json) });
}

static const RelayForm relay_openai = { WIRE_OPENAI, stream_event, stream_done, stream_fail,
                                        whole };

/* ---- the request ---- */

typedef struct CompletionIn {
        Str model, messages, stream_options, stop, tools, tool_choice, response_format, user,
                metadata;
        OptBool stream;
        OptNum temperature, top_p;
        OptInt max_tokens, max_completion_tokens, seed, n;
} CompletionIn;
static const Shape completion_in = SHAPE_OPEN(CompletionIn,
        F_STR(CompletionIn, model, F_REQ, .min = 1, .max = MODEL_MAX,
                .doc = "mainstay, or a configured model"),
        F_JSON(CompletionIn, messages, F_REQ, .max = MESSAGES_MAX, .one_of = "array"),
        F_OBOOL(CompletionIn, stream, F_NULL),
        F_JSON(CompletionIn, stream_options, F_NULL, .max = 4096, .one_of = "object"),
        F_ONUM(CompletionIn, temperature, F_NULL, .min = 0, .max = 2),
        F_ONUM(CompletionIn, top_p, F_NULL, .min = 0, .max = 1),
        F_OINT(CompletionIn, max_tokens, F_NULL, .min = 1, .max = 1000000),
        F_OINT(CompletionIn, max_completion_tokens, F_NULL, .min = 1, .max = 1000000),
        F_JSON(CompletionIn, stop, F_NULL, .max = 4096, .one_of = "string|array"),
        F_OINT(CompletionIn, seed, F_NULL, .min = -9e15, .max = 9e15),
        F_OINT(CompletionIn, n, F_NULL, .min = 1, .max = 1, .doc = "1 only"),
        F_JSON(CompletionIn, tools, F_NULL, .max = JSON_TEXT_MAX, .one_of = "array"),
        F_JSON(CompletionIn, tool_choice, F_NULL, .max = 4096, .one_of = "string|object"),
        F_JSON(CompletionIn, response_format, F_NULL, .max = JSON_TEXT_MAX, .one_of = "object"),
        F_STR(CompletionIn, user, F_NULL, .max = 512, .doc = "A label, not an identity"),
        F_JSON(CompletionIn, metadata, F_NULL, .max = 8192, .one_of = "object"));

static bool role_is_known(Str role) {
        static const char *const roles[] = { "system",    "developer", "user",
                                             "assistant", "tool",      "function" };
        for (size_t i = 0; i < ELEMENTSOF(roles); i++)
                if (str_eq_c(role, roles[i]))
                        return true;
        return false;
}

/* A string, or the text parts of a list, one a line. STR_NULL: neither. */
static Str content_text(Ctx *cx, JsonRef content) {
        _cleanup_(buf_done) Buf out = BUF(MESSAGES_MAX);
        if (json_kind(content) == JSON_STR)
                return arena_dup(cx->arena, json_str(content));
        if (json_kind(content) != JSON_ARR)
                return STR_NULL;
        for (size_t i = 0; i < json_count(content); i++) {
                Str text = json_str(json_get(json_at(content, i), "text"));
                if (text.p && str_eq_c(json_str(json_get(json_at(content, i), "type")), "text"))
                        buf_addf(&out, "%s%.*s", out.n ? "\n" : "", STR_FMT(text));
        }
        return arena_dup(cx->arena, out.n ? buf_str(&out) : STR(""));
}

static Err messages_read(Ctx *cx, Str messages, Str *ret_last) {
        _cleanup_(json_freep) Json *j = NULL;
        TRY(json_parse(cx, messages, JSON_DEPTH_MAX, &j));
        JsonRef list = json_root(j);
        *ret_last = STR_NULL;
        if (!json_count(list))
                return RAISE_FIELD(cx, "#/messages", "must not be empty");
        for (size_t i = 0; i < json_count(list); i++) {
                Str role = json_str(json_get(json_at(list, i), "role"));
                if (!role_is_known(role))
                        return RAISE_FIELD(cx, arena_printf(cx->arena, "#/messages/%zu/role", i),
                                           "is not a role");
                if (str_eq_c(role, "user"))
                        *ret_last = content_text(cx, json_get(json_at(list, i), "content"));
        }
        return ret_last->p ? OK
                           : RAISE_FIELD(cx, "#/messages", "must hold a text message of the user");
}

static Str member_of(Ctx *cx, Str object, const char *name) {
        _cleanup_(json_freep) Json *j = NULL;
        if (!object.p || json_parse(cx, object, JSON_DEPTH_MAX, &j)) {
                err_clear(cx);
                return STR_NULL;
        }
        return arena_dup(cx->arena, json_str(json_get(json_root(j), name)));
}

static bool member_is_true(Ctx *cx, Str object, const char *name) {
        _cleanup_(json_freep) Json *j = NULL;
        if (!object.p || json_parse(cx, object, JSON_DEPTH_MAX, &j)) {
                err_clear(cx);
                return false;
        }
        return json_bool(json_get(json_root(j), name), false);
}

static bool memory_is_on(const Req *rq, Str model) {
        Str said = exchange_header(rq->x, "x-mainstay-memory");
        if (said.p && str_eq_nocase(str_trim(said), STR("off")))
                return false;
        return str_eq_c(model, "mainstay") || (said.p && str_eq_nocase(str_trim(said), STR("on")));
}

static Err model_check(const Req *rq, const CompletionIn *in) {
        bool ours = str_eq_c(in->model, "mainstay");
        if (!ours && !chat_has_model(rq->sv->chat, in->model))
                return RAISE(rq->cx, ERR_MODEL_NOT_FOUND, "no provider has it");
        if (chat_has_provider(rq->sv->chat) && rq->who->llm_processing)
                return OK;
        if (in->tools.p || str_eq_c(member_of(rq->cx, in->response_format, "type"), "json_schema"))
                return RAISE(rq->cx, ERR_UNSUPPORTED_OFFLINE, "tools or a schema without a model");
        return OK;
}

static Str conversation_of(const Req *rq, const CompletionIn *in) {
        Str header = exchange_header(rq->x, "x-conversation-id");
        return header.p ? header : member_of(rq->cx, in->metadata, "conversation_id");
}

static Err completion_handle(Req *rq, const void *in_, void *ret) {
        const CompletionIn *in = in_;
        bool on = memory_is_on(rq, in->model);
        Extra extra = { member_is_true(rq->cx, in->stream_options, "include_usage") };
        TurnAsk ask = { .user_id = rq->who->user_id,
                        .conversation_id = on ? conversation_of(rq, in) : STR_NULL,
                        .is_session = true,
                        .model = str_eq_c(in->model, "mainstay") ? STR_NULL : in->model,
                        .max_tokens = in->max_tokens,
                        .temperature = in->temperature,
                        .no_memories = !on,
                        .no_store = !on,
                        .no_model = !rq->who->llm_processing,
                        .no_learning = !rq->who->memory_extraction,
                        .stream = in->stream.has && in->stream.v,
                        .no_fallback = true,
                        .messages = in->messages,
                        .options = rq->x->body };
        TRY(model_check(rq, in));
        TRY(messages_read(rq->cx, in->messages, &ask.message));
        if (on)
                TRY(message_check(rq->cx, ask.message));
        if (on && ask.conversation_id.n > EXTERNAL_ID_MAX)
                return RAISE_FIELD(rq->cx, "#/metadata/conversation_id", "at most %d bytes",
                                   EXTERNAL_ID_MAX);
        return relay_start(rq, &relay_openai, &ask, &extra, sizeof extra);
}

/* ---- embeddings ---- */

typedef struct EmbedIn {
        Str model, input, encoding_format, user;
        OptInt dimensions;
} EmbedIn;
static const Shape embed_in = SHAPE(EmbedIn,
        F_STR(EmbedIn, model, F_REQ, .min = 1, .max = MODEL_MAX),
        F_JSON(EmbedIn, input, F_REQ, .max = MESSAGES_MAX, .one_of = "string|array"),
        F_STR(EmbedIn, encoding_format, F_NULL, .one_of = "float|base64"),
        F_STR(EmbedIn, user, F_NULL, .max = 512, .doc = "A label, not an identity"),
        F_OINT(EmbedIn, dimensions, F_NULL, .min = 1, .max = 65536));
typedef struct EmbedItemOut {
        Str object;
        int64_t index;
        Str embedding;
} EmbedItemOut;
static const Shape embed_item_out = SHAPE(EmbedItemOut,
        F_STR(EmbedItemOut, object, F_REQ, .one_of = "embedding"),
        F_INT(EmbedItemOut, index, F_REQ),
        F_JSON(EmbedItemOut, embedding, F_REQ, .one_of = "array|string"));
typedef struct EmbedUsage {
        int64_t prompt_tokens, total_tokens;
} EmbedUsage;
static const Shape embed_usage = SHAPE(EmbedUsage,
        F_INT(EmbedUsage, prompt_tokens, F_REQ),
        F_INT(EmbedUsage, total_tokens, F_REQ));
typedef struct EmbedOut {
        Str object, model;
        List data;
        const EmbedUsage *usage;
} EmbedOut;
static const Shape embed_out = SHAPE(EmbedOut,
        F_STR(EmbedOut, object, F_REQ, .one_of = "list"),
        F_STR(EmbedOut, model, F_REQ),
        F_LIST(EmbedOut, data, F_REQ, .sub = &embed_item_out),
        F_OBJ(EmbedOut, usage, F_REQ, .sub = &embed_usage));

static Err embed_handle(Req *rq, const void *in_, void *ret) {
        const EmbedIn *in = in_;
        EmbedAsk ask = { rq->who->user_id, in->model, in->input, in->encoding_format,
                         in->dimensions };
        Embedded got;
        if (!chat_has_provider(rq->sv->chat) || !rq->who->llm_processing)
                return RAISE(rq->cx, ERR_UNSUPPORTED_OFFLINE, "embeddings without a model");
        TRY(chat_embed(rq->cx, rq->sv->chat, &ask, &got));
        const EmbedItem *items = got.items.v;
        EmbedItemOut *v = NEW_ARRAY(rq->cx->arena, EmbedItemOut, got.items.n);
        EmbedUsage *u = NEW(rq->cx->arena, EmbedUsage);
        for (size_t i = 0; i < got.items.n; i++)
                v[i] = (EmbedItemOut){ STR("embedding"), items[i].index, items[i].embedding };
        *u = (EmbedUsage){ got.usage.prompt, got.usage.prompt };
        *(EmbedOut *)ret = (EmbedOut){ STR("list"), got.model, { v, got.items.n }, u };
        return OK;
}

/* ---- rows ---- */

#define COMMON .auth = AUTH_USER, .scope = "chat", .wire = WIRE_OPENAI, .tag = "OpenAI compatible"

static const HeaderDoc completion_headers[] = {
        { "X-Conversation-Id", "Where the turn is stored; unknown: a conversation of this name is "
                               "made. Else metadata.conversation_id, else the default one" },
        { "X-Mainstay-Memory", "on or off; else on for the model mainstay, off for others" },
        {},
};

const Route openai_routes[] = {
        {
                .id = "openai.completion",
                .method = POST,
                .path = "/v1/chat/completions",
                .lane = LANE_STREAM,
                COMMON,
                .rate = RATE_WRITE,
                .body_max = BODY_MAX,
                .in = &completion_in,
                .headers = completion_headers,
                .out = &completion_out,
                .also = "text/event-stream",
                .audit_none = "a person's own conversation",
                .errors = ERRORS(ERR_MESSAGE_REQUIRED, ERR_MESSAGE_TOO_LONG, ERR_MODEL_NOT_FOUND,
                                 ERR_UNSUPPORTED_OFFLINE, ERR_TURN_IN_PROGRESS, ERR_LLM_UNAVAILABLE,
                                 ERR_BUDGET, ERR_BAD_REQUEST),
                .summary = "Chat completion, with memory where asked for",
                .fn = completion_handle,
        },
        {
                .id = "openai.models",
                .method = GET,
                .path = "/v1/models",
                .lane = LANE_INLINE,
                COMMON,
                .rate = RATE_READ,
                .out = &model_list_shape,
                .audit_none = "reads no personal data",
                .summary = "Models that can be asked",
                .fn = models_handle,
        },
        {
                .id = "openai.model",
                .method = GET,
                .path = "/v1/models/{model}",
                .lane = LANE_INLINE,
                COMMON,
                .rate = RATE_READ,
                .out = &model_shape,
                .audit_none = "reads no personal data",
                .errors = ERRORS(ERR_MODEL_NOT_FOUND),
                .summary = "One model",
                .fn = model_handle,
        },
        {
                .id = "openai.embeddings",
                .method = POST,
                .path = "/v1/embeddings",
                .lane = LANE_WORKER,
                COMMON,
                .rate = RATE_WRITE,
                .body_max = BODY_MAX,
                .in = &embed_in,
                .out = &embed_out,
                .audit_none = "stores nothing but its cost",
                .errors = ERRORS(ERR_MODEL_NOT_FOUND, ERR_UNSUPPORTED_OFFLINE, ERR_BUDGET,
                                 ERR_LLM_UNAVAILABLE, ERR_BAD_REQUEST),
                .summary = "Vectors from the provider that has the model",
                .fn = embed_handle,
        },
        {}
};

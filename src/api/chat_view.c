// SPDX-License-Identifier: MIT
#include "api/chat_view.h"

#include "api/identity_view.h"
#include "codec/unicode.h"

enum { MESSAGE_MAX = 10000 };

static const Shape usage_shape = SHAPE(UsageView,
        F_INT(UsageView, prompt_tokens, F_REQ),
        F_INT(UsageView, completion_tokens, F_REQ),
        F_INT(UsageView, total_tokens, F_REQ),
        F_BOOL(UsageView, estimated, F_REQ),
        F_ONUM(UsageView, cost_usd, F_NULL, .doc = "null: no price is known"));

typedef struct CitationView {
        int64_t mark;
        Str memory_id, turn_id, quote;
} CitationView;
static const Shape citation_shape = SHAPE(CitationView,
        F_INT(CitationView, mark, F_REQ),
        F_STR(CitationView, memory_id, F_NULL),
        F_STR(CitationView, turn_id, F_NULL),
        F_STR(CitationView, quote, F_REQ, .doc = "Byte-equal to stored text"));

typedef struct AttemptView {
        Str provider, outcome;
        int64_t ms;
} AttemptView;
static const Shape attempt_shape = SHAPE(AttemptView,
        F_STR(AttemptView, provider, F_REQ),
        F_STR(AttemptView, outcome, F_REQ),
        F_INT(AttemptView, ms, F_REQ));

const Shape turn_meta_shape = SHAPE(TurnMeta,
        F_STR(TurnMeta, provider, F_NULL),
        F_STR(TurnMeta, model, F_NULL),
        F_BOOL(TurnMeta, offline, F_REQ),
        F_STR(TurnMeta, retrieval_mode, F_REQ),
        F_STR(TurnMeta, retrieval, 0, .one_of = "degraded"),
        F_STRS(TurnMeta, memories_created, F_REQ),
        F_STRS(TurnMeta, turns_used, F_REQ),
        F_STR(TurnMeta, extraction, F_REQ, .one_of = "done|pending|failed|off"),
        F_STR(TurnMeta, memory_quota, 0, .one_of = "reached"),
        F_STR(TurnMeta, offline_reason, 0),
        F_OBJ(TurnMeta, usage, F_REQ, .sub = &usage_shape),
        F_STR(TurnMeta, finish_reason, F_NULL),
        F_JSON(TurnMeta, request, F_REQ, .one_of = "object"),
        F_STR(TurnMeta, error, 0),
        F_LIST(TurnMeta, citations, F_REQ, .sub = &citation_shape),
        F_LIST(TurnMeta, attempts, F_REQ, .sub = &attempt_shape));

const Shape turn_answer_shape = SHAPE(TurnAnswer,
        F_STR(TurnAnswer, turn_id, F_REQ, .format = "uuid"),
        F_STR(TurnAnswer, user_id, F_REQ),
        F_STR(TurnAnswer, conversation_id, F_REQ, .format = "uuid"),
        F_INT(TurnAnswer, turn_number, F_REQ),
        F_STR(TurnAnswer, response, F_REQ),
        F_STRS(TurnAnswer, memories_used, F_REQ),
        F_INT(TurnAnswer, memories_extracted, F_REQ),
        F_NUM(TurnAnswer, processing_time_ms, F_REQ),
        F_OBJ(TurnAnswer, metadata, F_REQ, .sub = &turn_meta_shape));

const Shape turn_view_shape = SHAPE(TurnView,
        F_STR(TurnView, turn_id, F_REQ, .format = "uuid"),
        F_STR(TurnView, conversation_id, F_REQ, .format = "uuid"),
        F_STR(TurnView, user_id, F_REQ),
        F_INT(TurnView, turn_number, F_REQ),
        F_STR(TurnView, user_message, F_REQ),
        F_STR(TurnView, assistant_message, F_REQ),
        F_STR(TurnView, state, F_REQ, .one_of = "completed|running|failed|cancelled|interrupted"),
        F_TIME(TurnView, timestamp, F_REQ),
        F_OBJ(TurnView, metadata, F_REQ, .sub = &turn_meta_shape),
        F_STRS(TurnView, memories_retrieved, F_REQ),
        F_STRS(TurnView, memories_created, F_REQ),
        F_STR(TurnView, provider, F_NULL),
        F_STR(TurnView, model, F_NULL),
        F_OBJ(TurnView, usage, F_REQ, .sub = &usage_shape));

static const Shape ai_data_shape = SHAPE(AiData,
        F_STR(AiData, user_id, F_REQ),
        F_BOOL(AiData, authenticated, F_REQ));
const Shape ai_answer_shape = SHAPE(AiAnswer,
        F_STR(AiAnswer, status, F_REQ, .one_of = "success"),
        F_STR(AiAnswer, response, F_REQ),
        F_STR(AiAnswer, conversation_id, F_REQ),
        F_STR(AiAnswer, session_id, F_REQ),
        F_STRS(AiAnswer, suggestions, F_REQ, .min = 4, .max = 4),
        F_TIME(AiAnswer, timestamp, F_REQ),
        F_STR(AiAnswer, turn_id, F_REQ, .format = "uuid"),
        F_STRS(AiAnswer, memories_used, F_REQ),
        F_OBJ(AiAnswer, usage, F_REQ, .sub = &usage_shape),
        F_OBJ(AiAnswer, data, F_REQ, .sub = &ai_data_shape));

Strs turn_used_ids(Arena *a, const ChatTurn *t) {
        const UsedMemory *used = t->used.v;
        Str *v = NEW_ARRAY(a, Str, t->used.n + 1);
        for (size_t i = 0; i < t->used.n; i++)
                v[i] = used[i].memory_id;
        return (Strs){ v, t->used.n };
}

UsageView turn_usage(const ChatTurn *t) {
        const TokenUsage *u = &t->usage;
        return (UsageView){ u->prompt,
                            u->completion,
                            u->prompt + u->completion,
                            u->estimated,
                            { !u->unpriced, u->unpriced ? 0 : (double)u->cost_micro / 1e6 } };
}

static Strs strs_or_none(Strs s) {
        static const Str none[1] = { { "", 0 } };
        return s.v ? s : (Strs){ none, 0 };
}

static const TurnMeta *turn_meta(Arena *a, const ChatTurn *t) {
        TurnMeta *m = NEW(a, TurnMeta);
        UsageView *u = NEW(a, UsageView);
        CitationView *c = NEW_ARRAY(a, CitationView, t->citations.n + 1);
        AttemptView *at = NEW_ARRAY(a, AttemptView, t->attempts.n + 1);
        const Citation *citations = t->citations.v;
        const Attempt *attempts = t->attempts.v;
        for (size_t i = 0; i < t->citations.n; i++)
                c[i] = (CitationView){ citations[i].mark, citations[i].memory_id,
                                       citations[i].turn_id, citations[i].quote };
        for (size_t i = 0; i < t->attempts.n; i++)
                at[i] = (AttemptView){ attempts[i].provider, attempts[i].outcome, attempts[i].ms };
        *u = turn_usage(t);
        *m = (TurnMeta){ .provider = t->provider,
                         .model = t->model,
                         .offline = t->is_offline,
                         .retrieval_mode = t->mode,
                         .retrieval = t->retrieval_degraded ? STR("degraded") : STR_NULL,
                         .memories_created = strs_or_none(t->created),
                         .turns_used = strs_or_none(t->turns_used),
                         .extraction = t->extraction,
                         .memory_quota = t->quota_reached ? STR("reached") : STR_NULL,
                         .offline_reason = str_c(offline_reason_names[t->offline_reason]),
                         .usage = u,
                         .finish_reason = t->finish_reason,
                         .request = t->request.p ? t->request : STR("{}"),
                         .error = t->failure ? str_c(err_info[t->failure].name) : STR_NULL,
                         .citations = { c, t->citations.n },
                         .attempts = { at, t->attempts.n } };
        return m;
}

TurnAnswer turn_answer(Arena *a, const ChatTurn *t) {
        return (TurnAnswer){ .turn_id = t->turn_id,
                             .user_id = t->user_id,
                             .conversation_id = t->conversation_id,
                             .turn_number = t->number,
                             .response = t->answer,
                             .memories_used = turn_used_ids(a, t),
                             .memories_extracted = (int64_t)t->created.n,
                             .processing_time_ms = (double)(t->processing_us / 10) / 100,
                             .metadata = turn_meta(a, t) };
}

TurnView turn_view(Arena *a, const ChatTurn *t) {
        const TurnMeta *m = turn_meta(a, t);
        return (TurnView){ .turn_id = t->turn_id,
                           .conversation_id = t->conversation_id,
                           .user_id = t->user_id,
                           .turn_number = t->number,
                           .user_message = t->message,
                           .assistant_message = t->answer,
                           .state = str_c(turn_state_names[t->state]),
                           .timestamp = t->at,
                           .metadata = m,
                           .memories_retrieved = turn_used_ids(a, t),
                           .memories_created = m->memories_created,
                           .provider = t->provider,
                           .model = t->model,
                           .usage = m->usage };
}

AiAnswer ai_answer(Arena *a, const ChatTurn *t) {
        AiData *data = NEW(a, AiData);
        UsageView *usage = NEW(a, UsageView);
        *data = (AiData){ t->user_id, true };
        *usage = turn_usage(t);
        return (AiAnswer){ .status = STR("success"),
                           .response = t->answer,
                           .conversation_id = t->session_id,
                           .session_id = t->session_id,
                           .suggestions = t->suggestions,
                           .timestamp = t->at,
                           .turn_id = t->turn_id,
                           .memories_used = turn_used_ids(a, t),
                           .usage = usage,
                           .data = data };
}

/* White space of any script, and the byte order mark. */
static bool is_blank(Str text) {
        for (int32_t c; (c = unicode_next(&text)) >= 0;)
                if (!unicode_is_space(c) && c != 0xFEFF)
                        return false;
        return true;
}

Err message_check(Ctx *cx, Str message) {
        if (!message.p || is_blank(message))
                return RAISE(cx, ERR_MESSAGE_REQUIRED, "no message");
        if (str_utf8_count(message) > MESSAGE_MAX)
                return RAISE(cx, ERR_MESSAGE_TOO_LONG, "message of %zu characters",
                             str_utf8_count(message));
        return OK;
}

Err caller_check(const Req *rq, Str user_id) {
        if (user_id.p && !str_eq(user_id, rq->who->user_id))
                return RAISE(rq->cx, ERR_USER_MISMATCH, "user_id of the body is another one");
        return OK;
}

bool wants_stream(const Req *rq, const OptBool *asked) {
        if (asked->has)
                return asked->v;
        Str accept = exchange_header(rq->x, "accept");
        return accept.p && str_contains(accept, STR("text/event-stream"));
}

MemoryScope req_scope(const Req *rq, DbConn *c) {
        return (MemoryScope){ rq->sv->memory, c, rq->who->user_id, "user" };
}

ChatScope req_chat(const Req *rq) { return (ChatScope){ rq->sv->chat, rq->db, rq->who->user_id }; }

Err conversation_get(const Req *rq, DbConn *c, Str id, Conversation *ret) {
        MemoryScope s = req_scope(rq, c);
        Err e = conversation_find(rq->cx, &s, id, ret);
        if (e == ERR_NOT_FOUND)
                e = conversation_find_external(rq->cx, &s, id, ret);
        return e == ERR_NOT_FOUND ? RAISE(rq->cx, e, "no such conversation") : e;
}

// SPDX-License-Identifier: MIT
/* Turns: history, one turn, its stream again, stop it. Table:
 * turn_routes. */
#include "api/chat_relay.h"

/* ---- history ---- */

typedef struct HistoryQuery {
        OptInt limit;
        Str before_turn, conversation_id;
} HistoryQuery;
static const Shape history_query = SHAPE(HistoryQuery,
        F_OINT(HistoryQuery, limit, 0, .min = 1, .max = 100, .doc = "20 when absent"),
        F_STR(HistoryQuery, before_turn, 0, .max = 36,
                .doc = "Only those before it: with conversation_id a turn's number, else its id"),
        F_STR(HistoryQuery, conversation_id, 0, .max = 128));
typedef struct PageQuery {
        OptInt limit;
        Str before_turn;
} PageQuery;
static const Shape page_query = SHAPE(PageQuery,
        F_OINT(PageQuery, limit, 0, .min = 1, .max = 100, .doc = "20 when absent"),
        F_STR(PageQuery, before_turn, 0, .max = 36,
                .doc = "A turn's number: only those before it"));

static Err before_read(Ctx *cx, Str text, OptInt *ret) {
        ret->has = text.p;
        if (!text.p || (str_to_i64(text, &ret->v) && ret->v >= 0))
                return OK;
        return RAISE_FIELD(cx, "?before_turn", "must be a turn number");
}

/* What was said in an imported conversation, one utterance a turn. */
static Err utterances(Req *rq, const Conversation *v, const ChatTurnFilter *f, List *ret) {
        MemoryScope s = req_scope(rq, rq->db);
        Turns said;
        TRY(turn_list(
                rq->cx, &s,
                &(TurnFilter){ v->conversation_id, f->before.has ? f->before.v : 0, f->limit },
                &said));
        TurnView *out = NEW_ARRAY(rq->cx->arena, TurnView, said.n + 1);
        for (size_t i = 0; i < said.n; i++) {
                const Turn *u = &said.v[i];
                bool assistant = str_eq_c(u->role, "assistant");
                ChatTurn t = { .turn_id = u->turn_id,
                               .conversation_id = u->conversation_id,
                               .user_id = rq->who->user_id,
                               .number = u->seq,
                               .state = TURN_COMPLETED,
                               .at = u->at,
                               .mode = STR("default"),
                               .extraction = STR("off"),
                               .message = assistant ? STR("") : u->text,
                               .answer = assistant ? u->text : STR("") };
                out[i] = turn_view(rq->cx->arena, &t);
        }
        *ret = (List){ out, said.n };
        return OK;
}

/* Nothing of it was said to us. */
static Err is_imported(Req *rq, const Conversation *v, bool *ret) {
        int64_t *n;
        TRY(chat_turn_counts(rq->cx, rq->db, rq->who->user_id, (Strs){ &v->conversation_id, 1 },
                             &n));
        *ret = !n[0];
        return OK;
}

static Err page(Req *rq, const ChatTurnFilter *f, const Conversation *v, List *ret) {
        ChatTurns list;
        ChatScope mine = req_chat(rq);
        bool imported = false, at_start = f->before.has && !f->before.v;
        TRY(chat_turn_list(rq->cx, &mine, f, &list));
        if (!list.n && v && !at_start)
                TRY(is_imported(rq, v, &imported));
        if (imported)
                return utterances(rq, v, f, ret);
        TurnView *out = NEW_ARRAY(rq->cx->arena, TurnView, list.n + 1);
        for (size_t i = 0; i < list.n; i++)
                out[i] = turn_view(rq->cx->arena, &list.v[i]);
        *ret = (List){ out, list.n };
        return OK;
}

static Err history_handle(Req *rq, const void *in, void *ret) {
        const HistoryQuery *q = rq->query;
        ChatTurnFilter f = { .limit = q->limit.has ? q->limit.v : 20 };
        Conversation v;
        if (!q->conversation_id.p) {
                f.before_turn = q->before_turn;
                Err e = page(rq, &f, NULL, ret);
                return e == ERR_NOT_FOUND ? RAISE_FIELD(rq->cx, "?before_turn",
                                                        "without conversation_id it must be the "
                                                        "turn_id of one of your turns")
                                          : e;
        }
        TRY(before_read(rq->cx, q->before_turn, &f.before));
        TRY(conversation_get(rq, rq->db, q->conversation_id, &v));
        f.conversation_id = v.conversation_id;
        return page(rq, &f, &v, ret);
}

static Err turns_handle(Req *rq, const void *in, void *ret) {
        const PageQuery *q = rq->query;
        ChatTurnFilter f = { .limit = q->limit.has ? q->limit.v : 20 };
        Conversation v;
        TRY(before_read(rq->cx, q->before_turn, &f.before));
        TRY(conversation_get(rq, rq->db, rq->path[0], &v));
        f.conversation_id = v.conversation_id;
        return page(rq, &f, &v, ret);
}

/* ---- one turn ---- */

static Err get_handle(Req *rq, const void *in, void *ret) {
        ChatTurn t;
        ChatScope mine = req_chat(rq);
        Err e = chat_turn_find(rq->cx, &mine, rq->path[0], &t);
        if (e)
                return e == ERR_NOT_FOUND ? RAISE(rq->cx, e, "no such turn") : e;
        *(TurnView *)ret = turn_view(rq->cx->arena, &t);
        return OK;
}

/* "<turn_id>:<n>"; anything else starts from the beginning. */
static int64_t last_event(const Req *rq) {
        Str id = exchange_header(rq->x, "last-event-id");
        int64_t n;
        if (!id.p || !str_starts(id, rq->path[0]) || id.n <= rq->path[0].n ||
            id.p[rq->path[0].n] != ':' || !str_to_i64(str_from(id, rq->path[0].n + 1), &n) || n < 0)
                return -1;
        return n;
}

static Err stream_handle(Req *rq, const void *in, void *ret) {
        return relay_follow(rq, rq->path[0], last_event(rq));
}

static const HeaderDoc stream_headers[] = {
        { "Last-Event-ID", "The last event that arrived: the stream goes on behind it" },
        {},
};

typedef struct CancelView {
        Str status, turn_id;
} CancelView;
static const Shape cancel_shape = SHAPE(CancelView,
        F_STR(CancelView, status, F_REQ, .one_of = "accepted"),
        F_STR(CancelView, turn_id, F_REQ, .format = "uuid"));

static Err cancel_handle(Req *rq, const void *in, void *ret) {
        TRY(turn_cancel(rq->cx, rq->sv->chat, rq->who->user_id, rq->path[0]));
        *(CancelView *)ret = (CancelView){ STR("accepted"), rq->path[0] };
        return OK;
}

#define COMMON                                                                                     \
        .auth = AUTH_USER, .scope = "chat", .tag = "Conversations",                                \
        .audit_none = "a person's own conversation"

const Route turn_routes[] = {
        {
                .id = "turn.history",
                .method = GET,
                .path = "/api/v1/conversations/history",
                .lane = LANE_READ,
                COMMON,
                .rate = RATE_READ,
                .query = &history_query,
                .out = &turn_view_shape,
                .out_list = true,
                .errors = ERRORS(ERR_NOT_FOUND),
                .summary = "Turns, the latest first",
                .fn = history_handle,
        },
        {
                .id = "turn.list",
                .method = GET,
                .path = "/api/v1/conversations/{conversation_id}/turns",
                .lane = LANE_READ,
                COMMON,
                .rate = RATE_READ,
                .query = &page_query,
                .out = &turn_view_shape,
                .out_list = true,
                .errors = ERRORS(ERR_NOT_FOUND),
                .summary = "Turns of one conversation, the latest first",
                .fn = turns_handle,
        },
        {
                .id = "turn.get",
                .method = GET,
                .path = "/api/v1/turns/{turn_id}",
                .lane = LANE_READ,
                COMMON,
                .rate = RATE_READ,
                .out = &turn_view_shape,
                .errors = ERRORS(ERR_NOT_FOUND),
                .summary = "One turn",
                .fn = get_handle,
        },
        {
                .id = "turn.stream",
                .method = GET,
                .path = "/api/v1/turns/{turn_id}/stream",
                .lane = LANE_STREAM,
                COMMON,
                .rate = RATE_READ,
                .headers = stream_headers,
                                      .out = &turn_answer_shape,
                                      .also = "text/event-stream",
                                      .errors = ERRORS(ERR_NOT_FOUND),
                                      .summary = "A turn's stream again, behind Last-Event-ID",
                .fn = stream_handle,
        },
        {
                .id = "turn.cancel",
                .method = POST,
                .path = "/api/v1/turns/{turn_id}/cancel",
                .lane = LANE_WORKER,
                COMMON,
                .rate = RATE_WRITE,
                .out = &cancel_shape,
                .status = 202,
                .errors = ERRORS(ERR_NOT_FOUND),
                .summary = "Stop a running turn",
                .fn = cancel_handle,
        },
        {},
};

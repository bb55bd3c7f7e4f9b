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

/* An utterance of an imported conversation is a turn of its own. */
static TurnView utterance_view(Req *rq, const Turn *u) {
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
        return turn_view(rq->cx->arena, &t);
}

static List utterance_views(Req *rq, const Turns *said) {
        TurnView *out = NEW_ARRAY(rq->cx->arena, TurnView, said->n + 1);
        for (size_t i = 0; i < said->n; i++)
                out[i] = utterance_view(rq, &said->v[i]);
        return (List){ out, said->n };
}

static List chat_views(Req *rq, const ChatTurns *list) {
        TurnView *out = NEW_ARRAY(rq->cx->arena, TurnView, list->n + 1);
        for (size_t i = 0; i < list->n; i++)
                out[i] = turn_view(rq->cx->arena, &list->v[i]);
        return (List){ out, list->n };
}

/* What was said in an imported conversation. */
static Err utterances(Req *rq, const Conversation *v, const ChatTurnFilter *f, List *ret) {
        MemoryScope s = req_scope(rq, rq->db);
        Turns said;
        TRY(turn_list(
                rq->cx, &s,
                &(TurnFilter){ v->conversation_id, f->before.has ? f->before.v : 0, f->limit },
                &said));
        *ret = utterance_views(rq, &said);
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
        if (!list.n && !at_start)
                TRY(is_imported(rq, v, &imported));
        if (imported)
                return utterances(rq, v, f, ret);
        *ret = chat_views(rq, &list);
        return OK;
}

/* ---- of all conversations, what was imported among the rest ---- */

static Err place_find(Req *rq, Str turn_id, TurnPlace *ret) {
        ChatScope mine = req_chat(rq);
        MemoryScope s = req_scope(rq, rq->db);
        ChatTurn t;
        Turn u = { 0 };
        *ret = TURN_PLACE_FIRST;
        if (!turn_id.p)
                return OK;
        Err e = chat_turn_find(rq->cx, &mine, turn_id, &t);
        if (!e)
                *ret = (TurnPlace){ t.at, t.number, t.turn_id };
        if (e != ERR_NOT_FOUND)
                return e;
        e = turn_find(rq->cx, &s, turn_id, &u);
        if (!e && u.is_imported)
                *ret = (TurnPlace){ u.at, u.seq, u.turn_id };
        else if (!e || e == ERR_NOT_FOUND)
                e = RAISE_FIELD(rq->cx, "?before_turn",
                                "without conversation_id it must be the turn_id of one of your "
                                "turns");
        return e;
}

static bool comes_first(const TurnView *a, const TurnView *b) {
        if (a->timestamp != b->timestamp)
                return a->timestamp > b->timestamp;
        if (a->turn_number != b->turn_number)
                return a->turn_number > b->turn_number;
        return str_cmp(a->turn_id, b->turn_id) < 0;
}

static List merged(Req *rq, List one, List other, size_t limit) {
        const TurnView *a = one.v, *b = other.v;
        size_t n = MIN(one.n + other.n, limit), i = 0, j = 0;
        TurnView *out = NEW_ARRAY(rq->cx->arena, TurnView, n + 1);
        for (size_t k = 0; k < n; k++) {
                bool first = j == other.n || (i < one.n && comes_first(&a[i], &b[j]));
                out[k] = first ? a[i++] : b[j++];
        }
        return (List){ out, n };
}

static Err all_turns(Req *rq, Str before_turn, int64_t limit, List *ret) {
        ChatScope mine = req_chat(rq);
        MemoryScope s = req_scope(rq, rq->db);
        ChatTurnFilter f = { .limit = limit };
        ChatTurns list;
        Turns said;
        TRY(place_find(rq, before_turn, &f.from));
        TRY(chat_turn_list(rq->cx, &mine, &f, &list));
        TRY(turn_list_imported(rq->cx, &s, &f.from, limit, &said));
        *ret = merged(rq, chat_views(rq, &list), utterance_views(rq, &said), (size_t)limit);
        return OK;
}

static Err history_handle(Req *rq, const void *in, void *ret) {
        const HistoryQuery *q = rq->query;
        ChatTurnFilter f = { .limit = q->limit.has ? q->limit.v : 20 };
        Conversation v;
        if (!q->conversation_id.p)
                return all_turns(rq, q->before_turn, f.limit, ret);
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

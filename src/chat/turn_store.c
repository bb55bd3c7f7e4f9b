// SPDX-License-Identifier: MIT
/* turn_store: a turn as a row. How it was answered is one sealed JSON text; the words themselves
 * are memory's, under the turn's id (the user's) and answer_id (the assistant's). */
#include "chat/chat_int.h"
#include "chat/chat_sql.h"
#include "codec/json.h"
#include "codec/uuid.h"
#include "crypto/seal.h"

enum { BODY_MAX = 512 * 1024, PAGE_MAX = 100 };
enum { FLAG_ESTIMATED = 1, FLAG_OFFLINE = 2, FLAG_SECOND_FORM = 4 };

const char *const turn_state_names[_TURN_STATE_N] = { "",       "running",   "completed",
                                                      "failed", "cancelled", "interrupted" };
const char *const offline_reason_names[_OFFLINE_REASON_N] = { NULL, "budget", "consent" };

typedef struct AttemptRow {
        Str provider, outcome;
        int64_t ms;
} AttemptRow;
typedef struct UsedRow {
        Str memory_id;
        double relevance_score;
} UsedRow;
typedef struct Detail {
        Str request, mode, provider, model, finish_reason, extraction, failure, offline_reason,
                tool_calls;
        List used, citations, attempts;
        Strs created, suggestions;
        bool degraded, quota;
} Detail;

static const Shape used_row = SHAPE(UsedRow,
        F_STR(UsedRow, memory_id, F_REQ),
        F_NUM(UsedRow, relevance_score, F_REQ));
static const Shape citation_row = SHAPE(Citation,
        F_INT(Citation, mark, F_REQ),
        F_STR(Citation, memory_id, 0),
        F_STR(Citation, turn_id, 0),
        F_STR(Citation, quote, F_REQ | F_BLANK, .max = 20000));
static const Shape attempt_row = SHAPE(AttemptRow,
        F_STR(AttemptRow, provider, F_REQ),
        F_STR(AttemptRow, outcome, F_REQ),
        F_INT(AttemptRow, ms, F_REQ));
static const Shape detail_shape = SHAPE(Detail,
        F_JSON(Detail, request, 0, .max = 16384),
        F_STR(Detail, mode, 0),
        F_STR(Detail, provider, 0),
        F_STR(Detail, model, 0),
        F_STR(Detail, finish_reason, 0),
        F_STR(Detail, extraction, 0),
        F_STR(Detail, failure, 0),
        F_STR(Detail, offline_reason, 0),
        F_JSON(Detail, tool_calls, 0, .max = 262144),
        F_LIST(Detail, used, 0, .max = 100, .sub = &used_row),
        F_LIST(Detail, citations, 0, .max = 100, .sub = &citation_row),
        F_LIST(Detail, attempts, 0, .max = 100, .sub = &attempt_row),
        F_STRS(Detail, created, 0, .max = 100, .item_max = 64),
        F_STRS(Detail, suggestions, 0, .max = 10, .item_max = 400),
        F_BOOL(Detail, degraded, 0),
        F_BOOL(Detail, quota, 0));


MemoryScope chat_scope(const Chat *chat, DbConn *c, Str user_id) {
        return (MemoryScope){ chat->rooms.memory, c, user_id, "rule" };
}

static Str id_text(Ctx *cx, Str bytes) {
        if (bytes.n != 16)
                return STR_NULL;
        char *text = arena_bytes(cx->arena, UUID_TEXT + 1);
        uuid_write(text, (const unsigned char *)bytes.p);
        return str_n(text, UUID_TEXT);
}

/* ---- the sealed part ---- */

static SealFor seal_for(Ctx *cx, const ChatTurn *t) {
        return (SealFor){ t->user_id,
                          arena_printf(cx->arena, "chat_turn:%.*s", STR_FMT(t->turn_id)) };
}

static Err key_get(Ctx *cx, const ChatScope *s, SealKey *ret) {
        *ret = (SealKey){ 0 };
        return s->chat->set.key(cx, s->c, s->user_id, s->chat->set.key_arg, ret->k);
}

static void detail_of(Ctx *cx, const ChatTurn *t, Detail *d) {
        const UsedMemory *used = t->used.v;
        const Attempt *attempts = t->attempts.v;
        UsedRow *u = NEW_ARRAY(cx->arena, UsedRow, t->used.n + 1);
        AttemptRow *a = NEW_ARRAY(cx->arena, AttemptRow, t->attempts.n + 1);
        for (size_t i = 0; i < t->used.n; i++)
                u[i] = (UsedRow){ used[i].memory_id, used[i].relevance_score };
        for (size_t i = 0; i < t->attempts.n; i++)
                a[i] = (AttemptRow){ attempts[i].provider, attempts[i].outcome, attempts[i].ms };
        *d = (Detail){ .request = t->request,
                       .mode = t->mode,
                       .provider = t->provider,
                       .model = t->model,
                       .finish_reason = t->finish_reason,
                       .extraction = t->extraction,
                       .failure = t->failure ? str_c(err_info[t->failure].name) : STR_NULL,
                       .offline_reason = str_c(offline_reason_names[t->offline_reason]),
                       .tool_calls = t->tool_calls,
                       .used = { u, t->used.n },
                       .citations = t->citations,
                       .attempts = { a, t->attempts.n },
                       .created = t->created,
                       .suggestions = t->suggestions,
                       .degraded = t->retrieval_degraded,
                       .quota = t->quota_reached };
}

static Err body_seal(Ctx *cx, const ChatScope *s, const ChatTurn *t, Str *ret) {
        _cleanup_(buf_done) Buf out = BUF(BODY_MAX);
        _cleanup_(seal_key_done) SealKey key;
        Detail d;
        TRY(key_get(cx, s, &key));
        detail_of(cx, t, &d);
        json_write(&out, &detail_shape, &d);
        if (out.full)
                return RAISE(cx, ERR_TOO_LARGE, "details of a turn over %d bytes", BODY_MAX);
        *ret = seal(cx, &key, seal_for(cx, t), buf_str(&out));
        return OK;
}

static Err failure_parse(Str name) {
        for (int e = 1; e < _ERR_N; e++)
                if (str_eq_c(name, err_info[e].name))
                        return (Err)e;
        return name.p ? ERR_INTERNAL : OK;
}

static OfflineReason offline_reason_parse(Str name) {
        int r = _OFFLINE_REASON_N - 1;
        while (r > OFFLINE_NO_MODEL && !str_eq_c(name, offline_reason_names[r]))
                r--;
        return (OfflineReason)r;
}

static Err detail_read(Ctx *cx, const ChatScope *s, Str body, ChatTurn *t) {
        _cleanup_(seal_key_done) SealKey key;
        Str text;
        Detail d = { 0 };
        TRY(key_get(cx, s, &key));
        TRY(seal_open(cx, &key, seal_for(cx, t), body, &text));
        if (json_read(cx, text, &detail_shape, &d)) {
                err_clear(cx);
                return RAISE(cx, ERR_CORRUPT, "details of turn %.*s do not read",
                             STR_FMT(t->turn_id));
        }
        const UsedRow *u = d.used.v;
        const AttemptRow *a = d.attempts.v;
        UsedMemory *used = NEW_ARRAY(cx->arena, UsedMemory, d.used.n + 1);
        Attempt *attempts = NEW_ARRAY(cx->arena, Attempt, d.attempts.n + 1);
        for (size_t i = 0; i < d.used.n; i++)
                used[i] = (UsedMemory){ .memory_id = u[i].memory_id,
                                        .relevance_score = u[i].relevance_score };
        for (size_t i = 0; i < d.attempts.n; i++)
                attempts[i] = (Attempt){ .provider = a[i].provider,
                                         .outcome = a[i].outcome,
                                         .ms = a[i].ms };
        t->request = d.request;
        t->mode = d.mode;
        t->provider = d.provider;
        t->model = d.model;
        t->finish_reason = d.finish_reason;
        t->extraction = d.extraction;
        t->failure = failure_parse(d.failure);
        t->offline_reason = offline_reason_parse(d.offline_reason);
        t->tool_calls = d.tool_calls;
        t->used = (List){ used, d.used.n };
        t->citations = d.citations;
        t->attempts = (List){ attempts, d.attempts.n };
        t->created = d.created;
        t->suggestions = d.suggestions;
        t->retrieval_degraded = d.degraded;
        t->quota_reached = d.quota;
        return OK;
}

/* ---- reading ---- */

static Err words_read(Ctx *cx, const ChatScope *s, Str answer_id, ChatTurn *t) {
        MemoryScope m = chat_scope(s->chat, s->c, s->user_id);
        Turn said;
        Err e = turn_find(cx, &m, t->turn_id, &said);
        if (e)
                return e == ERR_NOT_FOUND
                        ? RAISE(cx, ERR_CORRUPT, "turn %.*s has no words", STR_FMT(t->turn_id)) : e;
        t->message = said.text;
        t->answer = STR("");
        if (!answer_id.p)
                return OK;
        e = turn_find(cx, &m, answer_id, &said);
        if (!e)
                t->answer = said.text;
        return e == ERR_NOT_FOUND ? OK : e;
}

/* The conversation's external id is what /api/ai/chat calls the session. */
static Err session_read(Ctx *cx, const ChatScope *s, ChatTurn *t) {
        MemoryScope m = chat_scope(s->chat, s->c, s->user_id);
        Conversation v;
        Err e = conversation_find(cx, &m, t->conversation_id, &v);
        t->session_id = !e && v.external_id.p ? v.external_id : t->conversation_id;
        return e == ERR_NOT_FOUND ? OK : e;
}

/* What was used reads as it is now; what is gone meanwhile is left out. */
static Err used_read(Ctx *cx, const ChatScope *s, ChatTurn *t) {
        MemoryScope m = chat_scope(s->chat, s->c, s->user_id);
        UsedMemory *used = (UsedMemory *)(uintptr_t)t->used.v;
        for (size_t i = 0; i < t->used.n; i++) {
                MemoryRow row;
                Err e = memory_get(cx, &m, used[i].memory_id, &row);
                if (e == ERR_MEMORY_NOT_FOUND)
                        err_clear(cx);
                else if (e)
                        return e;
                used[i].type = e ? STR("fact") : row.type;
                used[i].content = e ? STR("") : row.content;
        }
        return OK;
}

static Err row_read(Ctx *cx, const ChatScope *s, const Rows *r, StoredTurn *ret) {
        StoredTurn v = { .ends = row_dup(cx, r, CT_ENDS) };
        Str body = row_dup(cx, r, CT_BODY);
        int64_t flags = row_int(r, CT_FLAGS);
        v.t = (ChatTurn){
                .turn_id = id_text(cx, row_text(r, CT_TURN)),
                .conversation_id = id_text(cx, row_text(r, CT_CONVERSATION)),
                .user_id = s->user_id,
                .number = row_int(r, CT_NUMBER),
                .state = (TurnState)row_int(r, CT_STATE),
                .at = row_int(r, CT_AT),
                .processing_us = row_int(r, CT_TOOK),
                .is_offline = flags & FLAG_OFFLINE,
                .is_second_form = flags & FLAG_SECOND_FORM,
                .usage = { .prompt = row_int(r, CT_PROMPT),
                           .completion = row_int(r, CT_COMPLETION),
                           .cached = row_int(r, CT_CACHED),
                           .cost_micro = row_int(r, CT_COST),
                           .unpriced = row_is_null(r, CT_COST),
                           .estimated = flags & FLAG_ESTIMATED },
        };
        Str answer_id = id_text(cx, row_text(r, CT_ANSWER));
        if (v.t.state < TURN_RUNNING || v.t.state >= _TURN_STATE_N)
                return RAISE(cx, ERR_CORRUPT, "turn %.*s has state %d", STR_FMT(v.t.turn_id),
                             (int)v.t.state);
        TRY(detail_read(cx, s, body, &v.t));
        TRY(words_read(cx, s, answer_id, &v.t));
        *ret = v;
        return OK;
}

static Err row_one(Ctx *cx, const ChatScope *s, const Sql *sql, Args args, StoredTurn *ret) {
        {
                _cleanup_(rows_done) Rows r = { 0 };
                TRY(db_row(cx, s->c, sql, args, &r));
                TRY(row_read(cx, s, &r, ret));
        }
        TRY(session_read(cx, s, &ret->t));
        return used_read(cx, s, &ret->t);
}

Err turn_row_find(Ctx *cx, const ChatScope *s, Str turn_id, StoredTurn *ret) {
        unsigned char id[16];
        if (!uuid_read(turn_id, id))
                return ERR_NOT_FOUND;
        return row_one(cx, s, &sql_chat_by_id, ARGS(v_text(s->user_id), v_blob(str_n(id, 16))),
                       ret);
}

Err turn_row_by_number(Ctx *cx, const ChatScope *s, const ChatTurn *key, StoredTurn *ret) {
        unsigned char id[16];
        if (!uuid_read(key->conversation_id, id))
                return ERR_NOT_FOUND;
        return row_one(cx, s, &sql_chat_by_number,
                       ARGS(v_text(s->user_id), v_blob(str_n(id, 16)), v_int(key->number)), ret);
}

Err turn_last_number(Ctx *cx, DbConn *c, Str user_id, Str conversation_id, int64_t *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        unsigned char id[16];
        if (!uuid_read(conversation_id, id))
                return ERR_NOT_FOUND;
        TRY(db_row(cx, c, &sql_chat_last_number, ARGS(v_text(user_id), v_blob(str_n(id, 16))), &r));
        *ret = row_is_null(&r, 0) ? -1 : row_int(&r, 0);
        return OK;
}

Err chat_turn_find(Ctx *cx, const ChatScope *s, Str turn_id, ChatTurn *ret) {
        StoredTurn v;
        TRY(turn_row_find(cx, s, turn_id, &v));
        *ret = v.t;
        return OK;
}

/* Of all conversations. */
static Err page_all_open(Ctx *cx, const ChatScope *s, const ChatTurnFilter *f, Rows *ret) {
        unsigned char id[16] = { 0 };
        if (f->from.turn_id.p && !uuid_read(f->from.turn_id, id))
                return ERR_NOT_FOUND;
        return db_rows(cx, s->c, &sql_chat_page_all,
                       ARGS(v_text(s->user_id), v_int(f->from.at), v_int(f->from.seq),
                            v_blob(str_n(id, 16)), v_int(f->limit)),
                       ret);
}

static Err page_open(Ctx *cx, const ChatScope *s, const ChatTurnFilter *f, Rows *ret) {
        if (!f->conversation_id.p)
                return page_all_open(cx, s, f, ret);
        unsigned char id[16];
        int64_t before = f->before.has ? f->before.v : INT64_MAX;
        if (!uuid_read(f->conversation_id, id))
                return ERR_NOT_FOUND;
        return db_rows(cx, s->c, &sql_chat_page,
                       ARGS(v_text(s->user_id), v_blob(str_n(id, 16)), v_int(before),
                            v_int(f->limit)),
                       ret);
}

Err chat_turn_list(Ctx *cx, const ChatScope *s, const ChatTurnFilter *f, ChatTurns *ret) {
        ChatTurnFilter page = *f;
        page.limit = MAX(MIN(f->limit ? f->limit : 20, PAGE_MAX), 1);
        ChatTurns list = { NEW_ARRAY(cx->arena, ChatTurn, (size_t)page.limit), 0 };
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(page_open(cx, s, &page, &r));
        for (bool row;;) {
                TRY(rows_next(cx, &r, &row));
                if (!row || list.n == (size_t)page.limit)
                        break;
                StoredTurn v;
                TRY(row_read(cx, s, &r, &v));
                list.v[list.n++] = v.t;
        }
        *ret = list;
        return OK;
}

Err chat_turn_counts(Ctx *cx, DbConn *c, Str user_id, Strs conversation_ids, int64_t **ret) {
        int64_t *v = NEW_ARRAY(cx->arena, int64_t, conversation_ids.n + 1);
        for (size_t i = 0; i < conversation_ids.n; i++) {
                _cleanup_(rows_done) Rows r = { 0 };
                unsigned char id[16];
                if (!uuid_read(conversation_ids.v[i], id))
                        continue;
                TRY(db_row(cx, c, &sql_chat_count, ARGS(v_text(user_id), v_blob(str_n(id, 16))),
                           &r));
                v[i] = row_int(&r, 0);
        }
        *ret = v;
        return OK;
}

/* ---- writing ---- */

typedef struct Ids {
        unsigned char turn[16], conversation[16];
} Ids;

static Err ids_read(Ctx *cx, const ChatTurn *t, Ids *ret) {
        if (!uuid_read(t->turn_id, ret->turn) || !uuid_read(t->conversation_id, ret->conversation))
                return RAISE(cx, ERR_INTERNAL, "a turn without ids");
        return OK;
}

static int64_t flags_of(const ChatTurn *t) {
        return (t->usage.estimated ? FLAG_ESTIMATED : 0) | (t->is_offline ? FLAG_OFFLINE : 0) |
               (t->is_second_form ? FLAG_SECOND_FORM : 0);
}

Err turn_row_insert(Ctx *cx, const ChatScope *s, const ChatTurn *t) {
        Ids id;
        Str body;
        TRY(ids_read(cx, t, &id));
        TRY(body_seal(cx, s, t, &body));
        return db_run(cx, s->c, &sql_chat_insert,
                      ARGS(v_text(s->user_id), v_blob(str_n(id.turn, 16)),
                           v_blob(str_n(id.conversation, 16)), v_int(t->number),
                           v_int(TURN_RUNNING), v_int(t->at), v_blob(body), v_int(flags_of(t))),
                      NULL);
}

Err turn_row_reopen(Ctx *cx, DbConn *c, const ChatTurn *t) {
        Ids id;
        TRY(ids_read(cx, t, &id));
        return db_run(cx, c, &sql_chat_reopen, ARGS(v_text(t->user_id), v_blob(str_n(id.turn, 16))),
                      NULL);
}

Err turn_row_finish(Ctx *cx, const ChatScope *s, const ChatTurn *t, Str answer_id, Str ends) {
        Ids id;
        Str body;
        unsigned char answer[16];
        const TokenUsage *u = &t->usage;
        int64_t changed = 0;
        TRY(ids_read(cx, t, &id));
        TRY(body_seal(cx, s, t, &body));
        bool has_answer = answer_id.p && uuid_read(answer_id, answer);
        TRY(db_run(cx, s->c, &sql_chat_finish,
                   ARGS(v_text(s->user_id), v_blob(str_n(id.turn, 16)), v_int(t->state),
                        has_answer ? v_blob(str_n(answer, 16)) : v_null(), v_int(t->processing_us),
                        v_int(u->prompt), v_int(u->completion), v_int(u->cached),
                        u->unpriced ? v_null() : v_int(u->cost_micro), v_int(flags_of(t)),
                        v_blob(body), v_blob(ends)),
                   &changed));
        return changed ? OK
                       : RAISE(cx, ERR_NOT_FOUND, "turn %.*s went away while it ran",
                               STR_FMT(t->turn_id));
}

Err turn_row_extracted(Ctx *cx, const ChatScope *s, const ChatTurn *t) {
        Ids id;
        Str body;
        TRY(ids_read(cx, t, &id));
        TRY(body_seal(cx, s, t, &body));
        return db_run(cx, s->c, &sql_chat_extracted,
                      ARGS(v_text(s->user_id), v_blob(str_n(id.turn, 16)), v_blob(body)), NULL);
}

Err chat_conversation_clear(Ctx *cx, DbConn *c, Str user_id, Str conversation_id) {
        unsigned char id[16];
        if (!uuid_read(conversation_id, id))
                return ERR_NOT_FOUND;
        return db_run(cx, c, &sql_chat_clear, ARGS(v_text(user_id), v_blob(str_n(id, 16))), NULL);
}

Err chat_erase(Ctx *cx, Chat *chat, DbConn *c, Str user_id) {
        static const Sql *const all[] = { &sql_chat_erase_turns, &sql_chat_erase_usage,
                                          &sql_chat_erase_budget, &sql_chat_erase_alerts,
                                          &sql_chat_erase_jobs };
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                TRY(db_run(cx, c, all[i], ARGS(v_text(user_id)), NULL));
        spend_forget(chat->up.spend, user_id);
        return OK;
}

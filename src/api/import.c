// SPDX-License-Identifier: MIT
/* Import of past conversations: one JSON document, or lines of one
 * conversation each, as many as there are. A few dozen at a time are read, stored and forgotten;
 * what stays is their part of the answer. */
#include "memory/import.h"
#include "api/memory_view.h"
#include "codec/json.h"
#include "codec/when.h"
#include "memory/profile.h"

enum { BODY_MAX = 16 * 1024 * 1024, CONVERSATIONS_MAX = 100000, TURNS_MAX = 20000, BATCH = 64 };

typedef struct TurnIn {
        Str external_id, speaker, role, text, caption, at;
} TurnIn;
typedef struct ConversationIn {
        Str external_id, title, timezone;
        List turns;
} ConversationIn;
typedef struct ImportIn {
        List conversations;
        bool extract;
} ImportIn;
static const Shape turn_in = SHAPE(TurnIn,
        F_STR(TurnIn, external_id, F_NULL, .min = 1, .max = EXTERNAL_ID_MAX),
        F_STR(TurnIn, speaker, F_REQ, .min = 1, .max = TURN_SPEAKER_MAX),
        F_STR(TurnIn, role, F_NULL, .one_of = "user|assistant|other"),
        F_STR(TurnIn, text, F_REQ | F_BLANK, .min = 1, .max = TURN_TEXT_MAX),
        F_STR(TurnIn, caption, F_NULL | F_BLANK, .max = TURN_CAPTION_MAX),
        F_STR(TurnIn, at, F_REQ, .format = "date-time"));
static const Shape conversation_in = SHAPE(ConversationIn,
        F_STR(ConversationIn, external_id, F_NULL, .min = 1, .max = EXTERNAL_ID_MAX),
        F_STR(ConversationIn, title, F_NULL, .max = TITLE_MAX),
        F_STR(ConversationIn, timezone, F_NULL, .max = 64),
        F_LIST(ConversationIn, turns, F_REQ, .sub = &turn_in, .max = TURNS_MAX));
static const Shape import_in = SHAPE(ImportIn,
        F_LIST(ImportIn, conversations, F_REQ, .sub = &conversation_in, .min = 1,
                .max = CONVERSATIONS_MAX),
        F_BOOL(ImportIn, extract, 0));

/* for lines; a document has it inside */
typedef struct ImportQuery {
        bool extract;
} ImportQuery;
static const Shape import_query = SHAPE(ImportQuery,
        F_BOOL(ImportQuery, extract, 0, .doc = "learn from the caller's own turns"));

typedef struct ImportedView {
        Str conversation_id, external_id, code, pointer, detail;
        int64_t turns_added, turns_unchanged, status;
        OptInt line;
} ImportedView;
typedef struct ImportView {
        List conversations;
        int64_t memories_created;
} ImportView;
static const Shape imported_view =
        SHAPE(ImportedView,
        F_STR(ImportedView, conversation_id, F_REQ | F_NULL),
        F_STR(ImportedView, external_id, F_REQ | F_NULL),
        F_INT(ImportedView, turns_added, F_REQ),
        F_INT(ImportedView, turns_unchanged, F_REQ),
        F_INT(ImportedView, status, F_REQ, .doc = "200, or why this one was refused"),
        F_OINT(ImportedView, line, 0, .doc = "of a body of lines, from 1: which one was refused"),
        F_STR(ImportedView, code, 0),
        F_STR(ImportedView, pointer, 0),
        F_STR(ImportedView, detail, 0));
static const Shape import_view = SHAPE(ImportView,
        F_LIST(ImportView, conversations, F_REQ, .sub = &imported_view),
        F_INT(ImportView, memories_created, F_REQ));

/* One conversation of the request: read, or refused with what is wrong. */
typedef struct Slot {
        bool is_ok;
        int64_t line; /* 0: it is of a document */
        ConversationIn in;
        ImportedView view;
} Slot;
/* Some of them, in an arena of their own. */
typedef struct Slots {
        Ctx cx;
        Slot v[BATCH];
        size_t n;
} Slots;

/* An import on its way: what is answered so far. */
typedef struct Taking {
        Req *rq;
        bool extract;
        ImportedView *v;
        size_t n, cap, refused;
        int64_t memories, line; /* line: the one that is read, from 1 */
} Taking;

static Taking *taking_of(Req *rq) {
        const ImportQuery *q = rq->query;
        if (!rq->state) {
                Taking *t = rq->state = NEW(rq->cx->arena, Taking);
                t->rq = rq;
                t->extract = q->extract;
        }
        return rq->state;
}

static Err view_add(Taking *t, const ImportedView *in) {
        Arena *arena = t->rq->cx->arena;
        if (t->n == CONVERSATIONS_MAX)
                return RAISE(t->rq->cx, ERR_TOO_LARGE, "more than %d conversations",
                             CONVERSATIONS_MAX);
        if (t->n == t->cap) {
                ImportedView *more = NEW_ARRAY(arena, ImportedView, t->cap ? t->cap * 2 : BATCH);
                if (t->n)
                        memcpy(more, t->v, t->n * sizeof *more);
                t->v = more;
                t->cap = t->cap ? t->cap * 2 : BATCH;
        }
        ImportedView *v = &t->v[t->n++];
        *v = *in;
        v->conversation_id = arena_dup(arena, in->conversation_id);
        v->external_id = arena_dup(arena, in->external_id);
        v->pointer = arena_dup(arena, in->pointer);
        v->detail = arena_dup(arena, in->detail);
        t->refused += in->status != 200;
        return OK;
}

/* ---- storing ---- */

static const ImportTurn *turns_of(Ctx *cx, const List *in) {
        const TurnIn *t = in->v;
        ImportTurn *v = NEW_ARRAY(cx->arena, ImportTurn, in->n + 1);
        for (size_t i = 0; i < in->n; i++) {
                v[i] = (ImportTurn){ .external_id = t[i].external_id,
                                     .speaker = t[i].speaker,
                                     .role = t[i].role,
                                     .text = t[i].text,
                                     .caption = t[i].caption };
                if (!when_parse(t[i].at, &v[i].at))
                        v[i].is_local = when_parse_local(t[i].at, &v[i].at);
        }
        return v;
}

static void slot_answer(Ctx *cx, Slot *slot, const Imported *r) {
        slot->view = (ImportedView){ .conversation_id = r->conversation_id,
                                     .external_id = r->external_id,
                                     .turns_added = r->turns_added,
                                     .turns_unchanged = r->turns_unchanged,
                                     .status = 200 };
        if (!r->err)
                return;
        slot->view.line = (OptInt){ slot->line > 0, slot->line };
        slot->view.status = err_info[r->err].http;
        slot->view.code = str_c(err_info[r->err].name);
        slot->view.detail =
                r->bad_id.p ? arena_strf(cx->arena, "Turn \"%.*s\" is there with another text",
                                         STR_FMT(r->bad_id))
                            : str_c(err_info[r->err].text);
}

static Err slots_import(Taking *t, Slots *s) {
        ImportConversation v[BATCH];
        Imported results[BATCH];
        size_t n = 0;
        for (size_t i = 0; i < s->n; i++)
                if (s->v[i].is_ok)
                        v[n++] = (ImportConversation){ s->v[i].in.external_id, s->v[i].in.title,
                                                       s->v[i].in.timezone,
                                                       turns_of(&s->cx, &s->v[i].in.turns),
                                                       s->v[i].in.turns.n };
        const Req *rq = t->rq;
        Import im = { rq->sv->memory, rq->who->user_id, v, n, t->extract, results };
        TRY(memory_import(&s->cx, &im));
        for (size_t i = 0, k = 0; i < s->n; i++) {
                if (!s->v[i].is_ok)
                        continue;
                t->memories += results[k].memories_created;
                slot_answer(&s->cx, &s->v[i], &results[k++]);
        }
        return OK;
}

static Err slots_store(Taking *t, Slots *s) {
        Err e = slots_import(t, s);
        for (size_t i = 0; i < s->n && !e; i++)
                e = view_add(t, &s->v[i].view);
        if (e && !t->rq->cx->err.what) /* what went wrong outlives the batch */
                e = RAISE(t->rq->cx, e, "%s", s->cx.err.what ? s->cx.err.what : "import");
        s->n = 0;
        arena_clear(s->cx.arena);
        return e;
}

static void slots_done(Slots *s) { arena_free(s->cx.arena); }

static Slots slots_new(const Req *rq) {
        Slots s = { .cx = *rq->cx };
        s.cx.arena = arena_new();
        return s;
}

/* ---- reading ---- */

/* A turn's time has an offset, or is of a clock in the conversation's time zone. */
static Err times_check(Ctx *cx, const char *where, const ConversationIn *in) {
        const TurnIn *t = in->turns.v;
        int64_t at;
        if (in->timezone.p && !zone_is_known(in->timezone))
                return RAISE_FIELD(cx, arena_printf(cx->arena, "%s/timezone", where),
                                   "must be a time zone, like Europe/Lisbon or UTC+2");
        for (size_t i = 0; i < in->turns.n; i++)
                if (!when_parse(t[i].at, &at) && !when_parse_local(t[i].at, &at))
                        return RAISE_FIELD(cx, arena_printf(cx->arena, "%s/turns/%zu/at", where, i),
                                           "must be a time such as 2026-01-15T12:00:00Z");
        return OK;
}

typedef struct Named {
        Str external_id;
} Named;
static const Shape named = SHAPE_OPEN(Named,
        F_STR(Named, external_id, F_NULL, .max = EXTERNAL_ID_MAX));

/* The name of one that is refused, where it can be read. */
static Str name_read(const Slots *s, Str text) {
        Ctx cx = s->cx; /* what is wrong was said already */
        Named n = { 0 };
        return json_read(&cx, text, &named, &n) ? STR_NULL : n.external_id;
}

/* A bad turn refuses its conversation; the others stand. */
static Err slot_read(Slots *s, Str text) {
        Slot *slot = &s->v[s->n++];
        *slot = (Slot){ .is_ok = true };
        Err e = json_read(&s->cx, text, &conversation_in, &slot->in);
        if (!e)
                e = times_check(&s->cx, "#", &slot->in);
        slot->is_ok = !e;
        if (!e)
                return OK;
        if (e != ERR_INVALID && e != ERR_BAD_JSON)
                return e;
        const FieldErr *field = s->cx.err.fields;
        slot->view = (ImportedView){ .status = err_info[e].http,
                                     .code = str_c(err_info[e].name),
                                     .external_id = name_read(s, text),
                                     .pointer = field ? field->pointer : STR_NULL,
                                     .detail = field ? field->detail : str_c(err_info[e].text) };
        err_clear(&s->cx);
        return OK;
}

static Err line_read(Slots *s, Str text, int64_t line) {
        TRY(slot_read(s, text));
        Slot *slot = &s->v[s->n - 1];
        slot->line = line;
        slot->view.line = (OptInt){ !slot->is_ok, line };
        return OK;
}

/* Each body but the last ends with a line break. */
static Err lines_take(Taking *t, Str body) {
        _cleanup_(slots_done) Slots s = slots_new(t->rq);
        for (Str rest = body; rest.n;) {
                Str line = str_trim(str_cut(&rest, '\n'));
                t->line++;
                if (line.n)
                        TRY(line_read(&s, line, t->line));
                if (s.n == BATCH)
                        TRY(slots_store(t, &s));
        }
        return s.n ? slots_store(t, &s) : OK;
}

/* Conversation by conversation, to find which ones are wrong. */
static Err parts_take(Taking *t, const Json *j) {
        _cleanup_(slots_done) Slots s = slots_new(t->rq);
        JsonRef list = json_get(json_root(j), "conversations");
        t->extract |= json_bool(json_get(json_root(j), "extract"), false);
        for (size_t i = 0; i < json_count(list); i++) {
                TRY(slot_read(&s, json_text(&s.cx, json_at(list, i))));
                if (s.n == BATCH)
                        TRY(slots_store(t, &s));
        }
        return s.n ? slots_store(t, &s) : OK;
}

static Err whole_take(Taking *t, const ImportIn *in) {
        _cleanup_(slots_done) Slots s = slots_new(t->rq);
        const ConversationIn *v = in->conversations.v;
        t->extract |= in->extract;
        for (size_t i = 0; i < in->conversations.n; i++) {
                s.v[s.n++] = (Slot){ .is_ok = true, .in = v[i] };
                if (s.n == BATCH)
                        TRY(slots_store(t, &s));
        }
        return s.n ? slots_store(t, &s) : OK;
}

/* Whole when everything is right. */
static Err document_take(Taking *t, Str body) {
        _cleanup_(json_freep) Json *j = NULL;
        Ctx *cx = t->rq->cx;
        ImportIn in = { 0 };
        Err e = json_read(cx, body, &import_in, &in);
        const ConversationIn *v = in.conversations.v;
        for (size_t i = 0; i < in.conversations.n && !e; i++)
                e = times_check(cx, arena_printf(cx->arena, "#/conversations/%zu", i), &v[i]);
        if (!e)
                return whole_take(t, &in);
        if (e != ERR_INVALID || json_parse(cx, body, JSON_DEPTH_MAX, &j))
                return e;
        JsonRef list = json_get(json_root(j), "conversations");
        bool plain = json_kind(list) == JSON_ARR && json_count(list) > 1 &&
                     json_count(list) <= CONVERSATIONS_MAX && json_count(json_root(j)) <= 2;
        if (!plain)
                return e;
        err_clear(cx);
        return parts_take(t, j);
}

/* ---- the answer ---- */

/* One conversation alone that was refused is an error of the request. */
static Err single_error(Req *rq, const ImportedView *v) {
        Ctx *cx = rq->cx;
        if (v->line.has)
                err_extra_int(cx, "line", v->line.v);
        if (v->status == 409) {
                Err e = RAISE(cx, ERR_CONFLICT, "import conflict");
                cx->err.detail = v->detail;
                return e;
        }
        if (v->status == 422 && v->pointer.p)
                return RAISE_FIELD(cx, arena_cstr(cx->arena, v->pointer), "%.*s",
                                   STR_FMT(v->detail));
        if (v->status != 400)
                return RAISE(cx, ERR_STORAGE, "not stored");
        Err e = RAISE(cx, ERR_BAD_JSON, "a line is not JSON");
        cx->err.detail = arena_strf(cx->arena, "Line %lld is not JSON", (long long)v->line.v);
        return e;
}

static Err import_piece(Req *rq, const void *in, void *ret) {
        return lines_take(taking_of(rq), rq->x->body);
}

static Err import_handle(Req *rq, const void *in, void *ret) {
        Taking *t = taking_of(rq);
        Str type = exchange_header(rq->x, "content-type");
        bool lines = str_contains(type, STR("ndjson"));
        TRY(lines ? lines_take(t, rq->x->body) : document_take(t, rq->x->body));
        if (!t->n)
                return RAISE_FIELD(rq->cx, "#/conversations", "at least one is needed");
        if (t->refused && t->n == 1)
                return single_error(rq, t->v);
        rq->status = t->refused ? 207 : 200;
        *(ImportView *)ret = (ImportView){ { t->v, t->n }, t->memories };
        return OK;
}

const Route import_routes[] = {
        {
                .id = "conversation.import",
                .method = POST,
                .path = "/api/v1/conversations/import",
                .lane = LANE_WORKER,
                .auth = AUTH_USER,
                .scope = "memories:write",
                .rate = RATE_WRITE,
                .query = &import_query,
                .in_raw = true,
                .raw_form = &import_in,
                .line_form = &conversation_in,
                .accepts = "application/json, application/x-ndjson",
                .out = &import_view,
                .body_max = BODY_MAX,
                .also_status = 207,
                .errors = ERRORS(ERR_BAD_JSON, ERR_INVALID, ERR_CONFLICT, ERR_TOO_LARGE),
                .audit_none = "the turns themselves are the record",
                .tag = "Memories",
                .summary = "Store past conversations, searchable when it answers",
                .piece = import_piece,
                .fn = import_handle,
        },
        {}
};

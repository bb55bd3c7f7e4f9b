// SPDX-License-Identifier: MIT
/* Import of past conversations (contracts: memory, import): one JSON document, or one conversation
 * per line. */
#include "memory/import.h"
#include "api/memory_view.h"
#include "codec/json.h"

enum {
        BODY_MAX = 64 * 1024 * 1024,
        JSON_MAX = 16 * 1024 * 1024,
        CONVERSATIONS_MAX = 100000,
        TURNS_MAX = 20000
};

typedef struct TurnIn {
        Str external_id, speaker, role, text, caption;
        int64_t at;
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
        F_TIME(TurnIn, at, F_REQ));
static const Shape conversation_in = SHAPE(ConversationIn,
        F_STR(ConversationIn, external_id, F_NULL, .min = 1, .max = EXTERNAL_ID_MAX),
        F_STR(ConversationIn, title, F_NULL, .max = TITLE_MAX),
        F_STR(ConversationIn, timezone, F_NULL, .max = 64),
        F_LIST(ConversationIn, turns, F_REQ, .sub = &turn_in, .max = TURNS_MAX));
static const Shape import_in = SHAPE(ImportIn,
        F_LIST(ImportIn, conversations, F_REQ, .sub = &conversation_in, .min = 1,
                .max = CONVERSATIONS_MAX),
        F_BOOL(ImportIn, extract, 0));

typedef struct ImportedView {
        Str conversation_id, external_id, code, pointer, detail;
        int64_t turns_added, turns_unchanged, status;
} ImportedView;
typedef struct ImportView {
        List conversations;
        int64_t memories_created;
} ImportView;
static const Shape imported_view = SHAPE(ImportedView,
        F_STR(ImportedView, conversation_id, F_REQ | F_NULL),
        F_STR(ImportedView, external_id, F_REQ | F_NULL),
        F_INT(ImportedView, turns_added, F_REQ),
        F_INT(ImportedView, turns_unchanged, F_REQ),
        F_INT(ImportedView, status, F_REQ, .doc = "200, or why this one was refused"),
        F_STR(ImportedView, code, 0),
        F_STR(ImportedView, pointer, 0),
        F_STR(ImportedView, detail, 0));
static const Shape import_view = SHAPE(ImportView,
        F_LIST(ImportView, conversations, F_REQ, .sub = &imported_view),
        F_INT(ImportView, memories_created, F_REQ));

/* One conversation of the request: read, or refused with what is wrong. */
typedef struct Slot {
        bool is_ok;
        ConversationIn in;
        ImportedView view;
} Slot;
typedef struct Slots {
        Slot *v;
        size_t n, cap;
        bool extract;
} Slots;

static Slot *slot_add(Ctx *cx, Slots *s) {
        if (s->n == s->cap) {
                Slot *more = NEW_ARRAY(cx->arena, Slot, s->cap ? s->cap * 2 : 64);
                if (s->n)
                        memcpy(more, s->v, s->n * sizeof *more);
                s->v = more;
                s->cap = s->cap ? s->cap * 2 : 64;
        }
        return &s->v[s->n++];
}

/* A bad turn refuses its conversation; the others stand. */
static Err slot_read(Ctx *cx, Slots *s, Str text) {
        Slot *slot = slot_add(cx, s);
        Err e = json_read(cx, text, &conversation_in, &slot->in);
        slot->is_ok = !e;
        if (!e)
                return OK;
        if (e != ERR_INVALID && e != ERR_BAD_JSON)
                return e;
        const FieldErr *field = cx->err.fields;
        slot->view = (ImportedView){ .status = err_info[e].http,
                                     .code = str_c(err_info[e].name),
                                     .external_id = slot->in.external_id,
                                     .pointer = field ? field->pointer : STR_NULL,
                                     .detail = field ? field->detail : str_c(err_info[e].text) };
        err_clear(cx);
        return OK;
}

static Err read_lines(Ctx *cx, Str body, Slots *ret) {
        for (Str rest = body; rest.p;) {
                Str line = str_trim(str_cut(&rest, '\n'));
                if (line.n)
                        TRY(slot_read(cx, ret, line));
                if (ret->n > CONVERSATIONS_MAX)
                        return RAISE(cx, ERR_TOO_LARGE, "more than %d conversations",
                                     CONVERSATIONS_MAX);
        }
        return OK;
}

/* Whole when everything is right; else conversation by conversation, to find which ones are. */
static Err read_document(Ctx *cx, Str body, Slots *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        ImportIn in = { 0 };
        Err e = body.n > JSON_MAX ? RAISE(cx, ERR_TOO_LARGE, "document over 16 MiB") : json_read(cx,
                body, &import_in, &in);
        ret->extract = in.extract;
        if (!e) {
                const ConversationIn *v = in.conversations.v;
                for (size_t i = 0; i < in.conversations.n; i++)
                        *slot_add(cx, ret) = (Slot){ .is_ok = true, .in = v[i] };
                return OK;
        }
        if (e != ERR_INVALID || json_parse(cx, body, JSON_DEPTH_MAX, &j))
                return e;
        JsonRef list = json_get(json_root(j), "conversations");
        bool plain = json_kind(list) == JSON_ARR && json_count(list) > 1 &&
                     json_count(list) <= CONVERSATIONS_MAX && json_count(json_root(j)) <= 2;
        if (!plain)
                return e;
        err_clear(cx);
        ret->extract = json_bool(json_get(json_root(j), "extract"), false);
        for (size_t i = 0; i < json_count(list); i++)
                TRY(slot_read(cx, ret, json_text(cx, json_at(list, i))));
        return OK;
}

static const ImportTurn *turns_of(Ctx *cx, const List *in) {
        const TurnIn *t = in->v;
        ImportTurn *v = NEW_ARRAY(cx->arena, ImportTurn, in->n + 1);
        for (size_t i = 0; i < in->n; i++)
                v[i] = (ImportTurn){ t[i].external_id, t[i].speaker, t[i].role,
                                     t[i].text,        t[i].caption, t[i].at };
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
        slot->view.status = err_info[r->err].http;
        slot->view.code = str_c(err_info[r->err].name);
        slot->view.detail =
                r->bad_id.p ? arena_strf(cx->arena, "Turn \"%.*s\" is there with another text",
                                         STR_FMT(r->bad_id))
                            : str_c(err_info[r->err].text);
}

static Err slots_store(Req *rq, Slots *s, int64_t *ret_memories) {
        Ctx *cx = rq->cx;
        ImportConversation *v = NEW_ARRAY(cx->arena, ImportConversation, s->n + 1);
        Imported *results = NEW_ARRAY(cx->arena, Imported, s->n + 1);
        size_t n = 0;
        for (size_t i = 0; i < s->n; i++)
                if (s->v[i].is_ok)
                        v[n++] = (ImportConversation){ s->v[i].in.external_id, s->v[i].in.title,
                                                       s->v[i].in.timezone,
                                                       turns_of(cx, &s->v[i].in.turns),
                                                       s->v[i].in.turns.n };
        Import im = { rq->sv->memory, rq->who->user_id, v, n, s->extract, results };
        TRY(memory_import(cx, &im));
        for (size_t i = 0, k = 0; i < s->n; i++) {
                if (!s->v[i].is_ok)
                        continue;
                slot_answer(cx, &s->v[i], &results[k]);
                s->v[i].is_ok = !results[k].err;
                *ret_memories += results[k++].memories_created;
        }
        return OK;
}

/* One conversation alone that was refused is an error of the request. */
static Err single_error(Req *rq, const Slot *slot) {
        Ctx *cx = rq->cx;
        if (slot->view.status == 409) {
                Err e = RAISE(cx, ERR_CONFLICT, "import conflict");
                cx->err.detail = slot->view.detail;
                return e;
        }
        if (slot->view.status == 422 && slot->view.pointer.p)
                return RAISE_FIELD(cx, arena_cstr(cx->arena, slot->view.pointer), "%.*s",
                                   STR_FMT(slot->view.detail));
        return slot->view.status == 400 ? RAISE(cx, ERR_BAD_JSON, "a line is not JSON") : RAISE(cx,
                ERR_STORAGE, "not stored");
}

static Err import_handle(Req *rq, const void *in, void *ret) {
        Slots s = { 0 };
        ImportView view = { 0 };
        Str type = exchange_header(rq->x, "content-type");
        bool lines = str_contains(type, STR("ndjson"));
        TRY(lines ? read_lines(rq->cx, rq->x->body, &s) : read_document(rq->cx, rq->x->body, &s));
        if (!s.n)
                return RAISE_FIELD(rq->cx, "#/conversations", "at least one is needed");
        TRY(slots_store(rq, &s, &view.memories_created));
        ImportedView *views = NEW_ARRAY(rq->cx->arena, ImportedView, s.n);
        bool all = true;
        for (size_t i = 0; i < s.n; i++) {
                views[i] = s.v[i].view;
                all &= s.v[i].is_ok;
        }
        if (!all && s.n == 1)
                return single_error(rq, &s.v[0]);
        rq->status = all ? 200 : 207;
        view.conversations = (List){ views, s.n };
        *(ImportView *)ret = view;
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
                .in_raw = true,
                .accepts = "application/json, application/x-ndjson",
                .out = &import_view,
                .body_max = BODY_MAX,
                .also_status = 207,
                .errors = ERRORS(ERR_BAD_JSON, ERR_INVALID, ERR_CONFLICT, ERR_TOO_LARGE),
                .audit_none = "the turns themselves are the record",
                .tag = "memories",
                .summary = "Store past conversations, searchable when it answers",
                .fn = import_handle,
        },
        {}
};

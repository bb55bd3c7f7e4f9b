// SPDX-License-Identifier: MIT
/* Conversations: list, make, look at, rename, archive, remove. Table:
 * conversation_routes. */
#include "api/chat_view.h"
#include "api/identity_view.h"
#include "codec/url.h"

enum { METADATA_MAX = 8192, ID_MAX = 128, CURSOR_MAX = 128 };

typedef struct ConversationView {
        Str conversation_id, session_id, title;
        int64_t created_at, updated_at, turn_count;
        bool is_archived;
        Str metadata;
} ConversationView;
static const Shape conversation_shape =
        SHAPE(ConversationView,
        F_STR(ConversationView, conversation_id, F_REQ, .format = "uuid"),
        F_STR(ConversationView, session_id, F_NULL,
                .doc = "The caller's own id, where it gave one"),
        F_STR(ConversationView, title, F_NULL),
        F_TIME(ConversationView, created_at, F_REQ),
        F_TIME(ConversationView, updated_at, F_REQ),
        F_INT(ConversationView, turn_count, F_REQ),
        F_BOOL(ConversationView, is_archived, F_REQ),
        F_JSON(ConversationView, metadata, F_REQ, .one_of = "object"));

/* An imported conversation has no turns of ours: what was said in it counts. */
static ConversationView view_of(const Conversation *v, int64_t turns) {
        return (ConversationView){ v->conversation_id,
                                   v->external_id,
                                   v->title.n ? v->title : STR_NULL,
                                   v->created_at,
                                   v->updated_at,
                                   turns ? turns : v->turn_count,
                                   v->is_archived,
                                   v->metadata.p ? v->metadata : STR("{}") };
}

static Err view_one(Req *rq, const Conversation *v, ConversationView *ret) {
        int64_t *count;
        TRY(chat_turn_counts(rq->cx, rq->db, rq->who->user_id, (Strs){ &v->conversation_id, 1 },
                             &count));
        *ret = view_of(v, count[0]);
        return OK;
}

/* ---- list ---- */

typedef struct ListQuery {
        OptInt limit;
        Str cursor;
        OptBool archived;
} ListQuery;
static const Shape list_query =
        SHAPE(ListQuery,
        F_OINT(ListQuery, limit, 0, .min = 1, .max = 100, .doc = "20 when absent"),
        F_STR(ListQuery, cursor, 0, .max = CURSOR_MAX),
        F_OBOOL(ListQuery, archived, 0));

static Str next_link(Req *rq, const ListQuery *q, Str cursor) {
        Str archived = !q->archived.has ? STR("")
                       : q->archived.v  ? STR("&archived=true")
                                        : STR("&archived=false");
        return arena_strf(
                rq->cx->arena, "</api/v1/conversations?limit=%lld&cursor=%.*s%.*s>; rel=\"next\"",
                (long long)(q->limit.has ? q->limit.v : 20), STR_FMT(cursor), STR_FMT(archived));
}

static Err list_handle(Req *rq, const void *in, void *ret) {
        const ListQuery *q = rq->query;
        ConversationFilter f = { .limit = q->limit.has ? q->limit.v : 20,
                                 .cursor = q->cursor,
                                 .archived = q->archived };
        MemoryScope s = req_scope(rq, rq->db);
        Conversations list;
        Str cursor;
        int64_t *counts;
        TRY(conversation_list(rq->cx, &s, &f, &list, &cursor));
        ConversationView *v = NEW_ARRAY(rq->cx->arena, ConversationView, list.n + 1);
        Str *ids = NEW_ARRAY(rq->cx->arena, Str, list.n + 1);
        for (size_t i = 0; i < list.n; i++)
                ids[i] = list.v[i].conversation_id;
        TRY(chat_turn_counts(rq->cx, rq->db, rq->who->user_id, (Strs){ ids, list.n }, &counts));
        for (size_t i = 0; i < list.n; i++)
                v[i] = view_of(&list.v[i], counts[i]);
        if (cursor.p)
                req_header(rq, STR("Link"), next_link(rq, q, cursor));
        *(List *)ret = (List){ v, list.n };
        return OK;
}

/* ---- one ---- */

typedef struct CreateIn {
        Str title, metadata;
} CreateIn;
static const Shape create_in =
        SHAPE(CreateIn,
        F_STR(CreateIn, title, F_NULL, .max = TITLE_MAX),
        F_JSON(CreateIn, metadata, F_NULL, .max = METADATA_MAX, .one_of = "object"));

static Err create_handle(Req *rq, const void *in_, void *ret) {
        const CreateIn *in = in_;
        MemoryScope s = req_scope(rq, rq->db);
        Conversation v;
        TRY(conversation_create(rq->cx, &s,
                                &(ConversationNew){ .title = in->title, .metadata = in->metadata },
                                &v));
        req_header(rq, STR("Location"),
                   arena_strf(rq->cx->arena, "/api/v1/conversations/%.*s",
                              STR_FMT(v.conversation_id)));
        *(ConversationView *)ret = view_of(&v, 0);
        return OK;
}

static Err get_handle(Req *rq, const void *in, void *ret) {
        Conversation v;
        TRY(conversation_get(rq, rq->db, rq->path[0], &v));
        return view_one(rq, &v, ret);
}

typedef struct ChangeIn {
        Str title, metadata;
        OptBool is_archived;
} ChangeIn;
static const Shape change_in =
        SHAPE(ChangeIn,
        F_STR(ChangeIn, title, F_CLEAR, .max = TITLE_MAX),
        F_OBOOL(ChangeIn, is_archived, 0),
        F_JSON(ChangeIn, metadata, 0, .max = METADATA_MAX, .one_of = "object"));

static Err change_handle(Req *rq, const void *in_, void *ret) {
        const ChangeIn *in = in_;
        MemoryScope s = req_scope(rq, rq->db);
        Conversation v;
        TRY(conversation_get(rq, rq->db, rq->path[0], &v));
        TRY(conversation_change(rq->cx, &s, v.conversation_id,
                                &(ConversationChange){ in->title, in->metadata, in->is_archived },
                                &v));
        return view_one(rq, &v, ret);
}

typedef struct DeleteQuery {
        bool memories;
} DeleteQuery;
static const Shape delete_query =
        SHAPE(DeleteQuery,
        F_BOOL(DeleteQuery, memories, 0, .doc = "Also remove what was drawn from its turns"));
typedef struct Deleted {
        Str status;
        int64_t deleted_count, memories_deleted;
} Deleted;
static const Shape deleted_shape =
        SHAPE(Deleted,
        F_STR(Deleted, status, F_REQ, .one_of = "deleted"),
        F_INT(Deleted, deleted_count, F_REQ),
        F_INT(Deleted, memories_deleted, F_REQ));

typedef struct Removal {
        Req *rq;
        Str conversation_id;
        bool memories, more;
        int64_t count;
} Removal;

static Err removal_write(Ctx *cx, DbConn *c, void *arg) {
        Removal *r = arg;
        ConversationGone gone;
        MemoryScope s = req_scope(r->rq, c);
        TRY(conversation_delete_some(cx, &s, r->conversation_id, r->memories, &gone));
        r->rq->db = c;
        if (!gone.more) {
                TRY(chat_conversation_clear(cx, c, s.user_id, r->conversation_id));
                TRY(own_audit(r->rq, "sensitive_delete", "conversation", r->conversation_id));
        }
        r->rq->db = NULL;
        r->more = gone.more;
        r->count += gone.memories;
        return OK;
}

/* A step at a time, so that a long conversation does not hold up everybody's writes. */
static Err delete_handle(Req *rq, const void *in, void *ret) {
        const DeleteQuery *q = rq->query;
        Removal r = { .rq = rq, .memories = q->memories, .more = true };
        DbConn *c;
        Conversation v;
        TRY(db_read(rq->cx, rq->sv->db, &c));
        TRY(conversation_get(rq, c, rq->path[0], &v));
        r.conversation_id = v.conversation_id;
        while (r.more)
                TRY(db_write(rq->cx, rq->sv->db, removal_write, &r));
        *(Deleted *)ret = (Deleted){ STR("deleted"), 1, r.count };
        return OK;
}

#define COMMON .auth = AUTH_USER, .scope = "chat", .tag = "Conversations"
#define QUIET  .audit_none = "a person's own conversation"

const Route conversation_routes[] = {
        {
                .id = "conversation.list",
                .method = GET,
                .path = "/api/v1/conversations",
                .lane = LANE_READ,
                COMMON,
                QUIET,
                .rate = RATE_READ,
                .query = &list_query,
                .out = &conversation_shape,
                .out_list = true,
                .summary = "Conversations, the latest first",
                .fn = list_handle,
        },
        {
                .id = "conversation.create",
                .method = POST,
                .path = "/api/v1/conversations",
                .lane = LANE_WRITE,
                COMMON,
                QUIET,
                .rate = RATE_WRITE,
                .in = &create_in,
                .out = &conversation_shape,
                .status = 201,
                .body_max = 32 * 1024,
                .summary = "Begin a conversation",
                .fn = create_handle,
        },
        {
                .id = "conversation.get",
                .method = GET,
                .path = "/api/v1/conversations/{conversation_id}",
                .lane = LANE_READ,
                COMMON,
                QUIET,
                .rate = RATE_READ,
                .out = &conversation_shape,
                .errors = ERRORS(ERR_NOT_FOUND),
                .summary = "One conversation",
                .fn = get_handle,
        },
        {
                .id = "conversation.change",
                .method = PATCH,
                .path = "/api/v1/conversations/{conversation_id}",
                .lane = LANE_WRITE,
                COMMON,
                QUIET,
                .rate = RATE_WRITE,
                .in = &change_in,
                .out = &conversation_shape,
                .body_max = 32 * 1024,
                .errors = ERRORS(ERR_NOT_FOUND),
                .summary = "Rename, archive, label",
                .fn = change_handle,
        },
        {
                .id = "conversation.delete",
                .method = DELETE,
                .path = "/api/v1/conversations/{conversation_id}",
                .lane = LANE_WORKER,
                COMMON,
                .audit = "sensitive_delete",
                .rate = RATE_WRITE,
                .query = &delete_query,
                .out = &deleted_shape,
                .errors = ERRORS(ERR_NOT_FOUND),
                .summary = "Remove a conversation and its turns",
                .fn = delete_handle,
        },
        {},
};

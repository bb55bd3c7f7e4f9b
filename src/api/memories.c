// SPDX-License-Identifier: MIT
/* Memories of the caller. */
#include "api/memory_view.h"

#include "codec/etag.h"
#include "identity/audit.h"
#include "identity/identity.h"
#include "memory/jobs.h"

#define TYPES "fact|preference|commitment|instruction|entity|episodic"
enum { WRITE_BODY = 256 * 1024, BATCH_MAX = 100, BATCH_BODY = 1024 * 1024 };

/* ---- create ---- */

typedef struct MemoryIn {
        Str user_id, type, content, context;
        int64_t source_turn, valid_from, valid_to, expires_at;
        OptNum confidence;
        Strs tags, entities;
} MemoryIn;
#define MEMORY_IN_FIELDS(T)                                                                        \
        F_INT(T, source_turn, 0, .min = 0, .max = 1e15),                                           \
                F_ONUM(T, confidence, F_NULL, .min = 0, .max = 1),                                 \
                F_STRS(T, tags, F_NULL, .max = MEMORY_TAGS_MAX, .item_max = MEMORY_TAG_MAX),       \
                F_STRS(T, entities, F_NULL, .max = MEMORY_ENTITIES_MAX, .item_max = 256),          \
                F_JSON(T, context, F_NULL, .max = MEMORY_CONTEXT_MAX),                             \
                F_TIME(T, valid_from, F_NULL), F_TIME(T, valid_to, F_NULL),                        \
                F_TIME(T, expires_at, F_NULL)
static const Shape memory_in =
        SHAPE(MemoryIn,
        F_STR(MemoryIn, user_id, F_NULL, .max = 128),
        F_STR(MemoryIn, type, F_REQ | F_LOWER, .one_of = TYPES),
        F_STR(MemoryIn, content, F_REQ | F_BLANK | F_NFC, .min = 1,
                .max = MEMORY_CONTENT_MAX),
        MEMORY_IN_FIELDS(MemoryIn));

static void etag_header(Req *rq, const MemoryRow *row) {
        req_header(rq, STR("ETag"), memory_etag(rq->cx, row));
}

/* What needs no write is done before the writer is asked for its time. */
static Err create_admit(Req *rq, const void *in_, void *ret) {
        const MemoryIn *in = in_;
        MemoryScope s = req_memory(rq);
        MemoryDraft *draft;
        TRY(req_same_user(rq, in->user_id));
        MemoryNew new = { .type = in->type,
                          .content = in->content,
                          .source_turn = in->source_turn,
                          .confidence = in->confidence.has ? in->confidence.v : -1,
                          .tags = in->tags,
                          .entities = in->entities,
                          .context = in->context,
                          .valid_from = in->valid_from,
                          .valid_to = in->valid_to,
                          .expires_at = in->expires_at };
        TRY(memory_draft(rq->cx, &s, &new, &draft));
        rq->prepared = draft;
        return OK;
}

static Err create_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        MemoryWritten w;
        TRY(memory_add_draft(rq->cx, &s, rq->prepared, &w));
        rq->status = w.event == MEMORY_ADD || w.event == MEMORY_SUPERSEDE ? 201 : 200;
        etag_header(rq, &w.row);
        memory_written_make(rq->cx, &w, ret);
        return OK;
}

/* ---- read ---- */

typedef struct GetQuery {
        Str include;
} GetQuery;
static const Shape get_query = SHAPE(GetQuery, F_STR(GetQuery, include, 0, .one_of = "embedding"));

static Err get_handle(Req *rq, const void *in, void *ret) {
        const GetQuery *q = rq->query;
        MemoryScope s = req_memory(rq);
        MemoryView *v = ret;
        MemoryRow row;
        TRY(memory_get(rq->cx, &s, rq->path[0], &row));
        etag_header(rq, &row);
        memory_view_make(rq->cx, &row, v);
        return q->include.p ? memory_embedding(rq->cx, &s, &row, &v->embedding) : OK;
}

typedef struct ListQuery {
        Str memory_type, tag, status, cursor;
        int64_t as_of, known_at, limit;
} ListQuery;
static const Shape list_query = SHAPE(ListQuery,
        F_STR(ListQuery, memory_type, F_LOWER, .one_of = TYPES),
        F_STR(ListQuery, tag, 0, .max = MEMORY_TAG_MAX),
        F_STR(ListQuery, status, F_LOWER, .one_of = "active|superseded|archived|flagged"),
        F_STR(ListQuery, cursor, 0, .max = 64),
        F_TIME(ListQuery, as_of, 0),
        F_TIME(ListQuery, known_at, 0),
        F_INT(ListQuery, limit, 0, .min = 1, .max = 200, .def = 50));

static Err list_handle(Req *rq, const void *in, void *ret) {
        const ListQuery *q = rq->query;
        MemoryScope s = req_memory(rq);
        MemoryRows rows;
        Str cursor;
        MemoryFilter f = { .type = q->memory_type,
                           .tag = q->tag,
                           .status = q->status,
                           .as_of = q->as_of,
                           .known_at = q->known_at,
                           .limit = q->limit,
                           .cursor = q->cursor };
        TRY(memory_list(rq->cx, &s, &f, &rows, &cursor));
        req_link_next(rq, cursor);
        *(List *)ret = memory_views(rq->cx, &rows);
        return OK;
}

typedef struct VersionView {
        int64_t version, at, valid_from, valid_to;
        Str event, reason, old_content, new_content, actor;
} VersionView;
static const Shape version_view = SHAPE(VersionView,
        F_INT(VersionView, version, F_REQ),
        F_STR(VersionView, event, F_REQ),
        F_STR(VersionView, reason, F_REQ),
        F_STR(VersionView, old_content, F_REQ | F_NULL),
        F_STR(VersionView, new_content, F_REQ | F_NULL),
        F_STR(VersionView, actor, F_REQ),
        F_TIME(VersionView, at, F_REQ),
        F_TIME(VersionView, valid_from, F_REQ | F_NULL),
        F_TIME(VersionView, valid_to, F_REQ | F_NULL));

static Err history_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        MemoryVersions list;
        TRY(memory_history(rq->cx, &s, rq->path[0], &list));
        VersionView *v = NEW_ARRAY(rq->cx->arena, VersionView, list.n + 1);
        for (size_t i = 0; i < list.n; i++) {
                const MemoryVersion *m = &list.v[i];
                v[i] = (VersionView){ m->version,     m->at,          m->valid_from,
                                      m->valid_to,    m->event,       m->reason,
                                      m->old_content, m->new_content, m->actor };
        }
        *(List *)ret = (List){ v, list.n };
        return OK;
}

/* ---- figures ---- */

typedef struct TypeCounts {
        int64_t fact, preference, commitment, instruction, entity, episodic;
} TypeCounts;
typedef struct StatusCounts {
        int64_t active, superseded, archived, flagged;
} StatusCounts;
typedef struct QuotaView {
        OptInt limit;
        int64_t used;
} QuotaView;
typedef struct StatsView {
        Str user_id;
        int64_t total_memories, oldest_memory_turn, newest_memory_turn, total_access_count,
                hot_memories;
        double avg_confidence;
        const TypeCounts *memories_by_type;
        const StatusCounts *by_status;
        const QuotaView *quota;
} StatsView;
static const Shape type_counts = SHAPE(TypeCounts,
        F_INT(TypeCounts, fact, F_REQ),
        F_INT(TypeCounts, preference, F_REQ),
        F_INT(TypeCounts, commitment, F_REQ),
        F_INT(TypeCounts, instruction, F_REQ),
        F_INT(TypeCounts, entity, F_REQ),
        F_INT(TypeCounts, episodic, F_REQ));
static const Shape status_counts = SHAPE(StatusCounts,
        F_INT(StatusCounts, active, F_REQ),
        F_INT(StatusCounts, superseded, F_REQ),
        F_INT(StatusCounts, archived, F_REQ),
        F_INT(StatusCounts, flagged, F_REQ));
static const Shape quota_view = SHAPE(QuotaView,
        F_OINT(QuotaView, limit, F_REQ | F_NULL, .doc = "null: no limit"),
        F_INT(QuotaView, used, F_REQ));
static const Shape stats_view = SHAPE(StatsView,
        F_STR(StatsView, user_id, F_REQ),
        F_INT(StatsView, total_memories, F_REQ),
        F_OBJ(StatsView, memories_by_type, F_REQ, .sub = &type_counts),
        F_NUM(StatsView, avg_confidence, F_REQ),
        F_INT(StatsView, oldest_memory_turn, F_REQ),
        F_INT(StatsView, newest_memory_turn, F_REQ),
        F_INT(StatsView, total_access_count, F_REQ),
        F_INT(StatsView, hot_memories, F_REQ),
        F_OBJ(StatsView, by_status, F_REQ, .sub = &status_counts),
        F_OBJ(StatsView, quota, F_REQ, .sub = &quota_view));

static Err stats_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        MemoryStats st;
        TypeCounts *types = NEW(rq->cx->arena, TypeCounts);
        StatusCounts *statuses = NEW(rq->cx->arena, StatusCounts);
        QuotaView *quota = NEW(rq->cx->arena, QuotaView);
        TRY(memory_stats(rq->cx, &s, &st));
        const int64_t *t = st.by_type, *b = st.by_status;
        *types = (TypeCounts){ t[0], t[1], t[2], t[3], t[4], t[5] };
        *statuses = (StatusCounts){ b[0], b[1], b[2], b[3] };
        *quota = (QuotaView){ { st.quota_limit >= 0, st.quota_limit }, st.quota_used };
        *(StatsView *)ret = (StatsView){
                .user_id = rq->who->user_id,
                .total_memories = st.total,
                .oldest_memory_turn = st.oldest_turn,
                .newest_memory_turn = st.newest_turn,
                .total_access_count = st.access_total,
                .hot_memories = st.hot,
                .avg_confidence = st.avg_confidence,
                .memories_by_type = types,
                .by_status = statuses,
                .quota = quota,
        };
        return OK;
}

/* ---- change and delete ---- */

typedef struct ChangeIn {
        Str content, context, status;
        OptNum confidence;
        Strs tags, entities;
        int64_t valid_to, expires_at;
} ChangeIn;
static const Shape change_in = SHAPE(ChangeIn,
        F_STR(ChangeIn, content, F_BLANK | F_NFC, .min = 1,
                .max = MEMORY_CONTENT_MAX),
        F_ONUM(ChangeIn, confidence, 0, .min = 0, .max = 1),
        F_STRS(ChangeIn, tags, 0, .max = MEMORY_TAGS_MAX, .item_max = MEMORY_TAG_MAX),
        F_STRS(ChangeIn, entities, 0, .max = MEMORY_ENTITIES_MAX, .item_max = 256),
        F_JSON(ChangeIn, context, 0, .max = MEMORY_CONTEXT_MAX),
        F_TIME(ChangeIn, valid_to, F_CLEAR),
        F_TIME(ChangeIn, expires_at, F_CLEAR),
        F_STR(ChangeIn, status, F_LOWER, .one_of = "active|archived",
                .doc = "active settles a flagged memory"));

static MemoryChange change_of(const ChangeIn *in) {
        return (MemoryChange){ .content = in->content,
                               .context = in->context,
                               .status = in->status,
                               .confidence = in->confidence.has ? in->confidence.v : -1,
                               .tags = in->tags,
                               .entities = in->entities,
                               .valid_to = in->valid_to,
                               .expires_at = in->expires_at };
}

static const HeaderDoc match_headers[] = {
        { "If-Match", "Only if the memory still has one of these entity tags, or * for any" },
        {},
};

typedef struct Precondition {
        Str tag;
        bool is_met;
} Precondition;

/* Several fields are one list. */
static bool precondition_read(void *arg, Str name, Str value) {
        Precondition *p = arg;
        if (str_eq_nocase(name, STR("if-match")))
                p->is_met |= etag_matches(value, p->tag);
        return true;
}

/* In the write that it guards. */
static Err precondition_check(Req *rq, const MemoryScope *s) {
        MemoryRow row;
        if (!exchange_header(rq->x, "if-match").p)
                return OK;
        TRY(memory_get(rq->cx, s, rq->path[0], &row));
        Precondition p = { .tag = memory_etag(rq->cx, &row) };
        exchange_headers(rq->x, precondition_read, &p);
        return p.is_met ? OK : RAISE(rq->cx, ERR_PRECONDITION, "its tag is %.*s", STR_FMT(p.tag));
}

static Err update_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        MemoryChange change = change_of(in);
        MemoryWritten w;
        TRY(precondition_check(rq, &s));
        TRY(memory_update(rq->cx, &s, rq->path[0], &change, &w));
        etag_header(rq, &w.row);
        memory_written_make(rq->cx, &w, ret);
        return OK;
}

typedef struct DeletedView {
        Str status;
        int64_t deleted_count;
} DeletedView;
static const Shape deleted_view = SHAPE(DeletedView,
        F_STR(DeletedView, status, F_REQ, .one_of = "deleted"),
        F_INT(DeletedView, deleted_count, F_REQ));

static Err delete_audit(Req *rq, Str target, int64_t count) {
        return audit_append(
                rq->cx, identity_audit(rq->sv->identity), rq->db,
                &(AuditEvent){ .event = "sensitive_delete",
                               .outcome = "success",
                               .actor_type = "user",
                               .actor_id = rq->who->user_id,
                               .owner = rq->who->user_id,
                               .target_type = "memory",
                               .target_id = target,
                               .reason = arena_strf(rq->cx->arena, "%lld", (long long)count) });
}

static Err delete_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        TRY(precondition_check(rq, &s));
        TRY(memory_delete(rq->cx, &s, rq->path[0]));
        *(DeletedView *)ret = (DeletedView){ STR("deleted"), 1 };
        return delete_audit(rq, rq->path[0], 1);
}

typedef struct DeleteQuery {
        Str type, tag;
        int64_t before;
        bool confirm;
} DeleteQuery;
static const Shape delete_query = SHAPE(DeleteQuery,
        F_STR(DeleteQuery, type, F_LOWER, .one_of = TYPES),
        F_STR(DeleteQuery, tag, 0, .max = MEMORY_TAG_MAX),
        F_TIME(DeleteQuery, before, 0),
        F_BOOL(DeleteQuery, confirm, 0, .doc = "must be true"));

typedef struct Sweep {
        Req *rq;
        MemoryMatch which;
        int64_t position, count;
} Sweep;

/* A step at a time, so that a large account does not hold up everybody's writes; the record comes
 * with the last. */
static Err sweep_write(Ctx *cx, DbConn *c, void *arg) {
        Sweep *w = arg;
        MemoryScope s = req_memory(w->rq);
        int64_t position = w->position, step;
        s.c = w->rq->db = c;
        TRY(memory_delete_some(cx, &s, &w->which, &position, &step));
        if (position == MEMORY_AT_END && w->count + step)
                TRY(delete_audit(w->rq, STR_NULL, w->count + step));
        w->rq->db = NULL;
        w->position = position;
        w->count += step;
        return OK;
}

static Err delete_all_handle(Req *rq, const void *in, void *ret) {
        const DeleteQuery *q = rq->query;
        Sweep w = { .rq = rq, .which = { q->type, q->tag, q->before } };
        if (!q->confirm)
                return RAISE_FIELD(rq->cx, "?confirm", "must be true");
        while (w.position != MEMORY_AT_END)
                TRY(db_write(rq->cx, rq->sv->db, sweep_write, &w));
        if (!w.count)
                return RAISE(rq->cx, ERR_MEMORY_NOT_FOUND, "nothing to delete");
        *(DeletedView *)ret = (DeletedView){ STR("deleted"), w.count };
        return OK;
}

/* ---- batch ---- */

typedef struct OperationIn {
        Str op, memory_id, type, content, context;
        int64_t source_turn, valid_from, valid_to, expires_at;
        OptNum confidence;
        Strs tags, entities;
} OperationIn;
typedef struct BatchIn {
        OptBool atomic;
        List operations;
} BatchIn;
static const Shape operation_in =
        SHAPE(OperationIn,
        F_STR(OperationIn, op, F_REQ | F_LOWER, .one_of = "add|update|delete"),
        F_STR(OperationIn, memory_id, 0, .max = MEMORY_ID_LEN),
        F_STR(OperationIn, type, F_LOWER, .one_of = TYPES),
        F_STR(OperationIn, content, F_BLANK | F_NFC, .min = 1,
                .max = MEMORY_CONTENT_MAX),
        MEMORY_IN_FIELDS(OperationIn));
static const Shape batch_in = SHAPE(BatchIn,
        F_OBOOL(BatchIn, atomic, F_NULL, .doc = "true (default): all or none"),
        F_LIST(BatchIn, operations, F_REQ, .sub = &operation_in, .min = 1, .max = BATCH_MAX));

typedef struct ResultView {
        int64_t index, status;
        Str event, memory_id, error, detail;
} ResultView;
typedef struct BatchView {
        List results;
} BatchView;
static const Shape result_view = SHAPE(ResultView,
        F_INT(ResultView, index, F_REQ),
        F_INT(ResultView, status, F_REQ),
        F_STR(ResultView, event, F_REQ | F_NULL),
        F_STR(ResultView, memory_id, F_REQ | F_NULL),
        F_STR(ResultView, error, 0),
        F_STR(ResultView, detail, 0, .doc = "which member, and what is wrong with it"));
static const Shape batch_view = SHAPE(BatchView,
        F_LIST(BatchView, results, F_REQ, .sub = &result_view));

typedef struct Batch {
        Req *rq;
        const OperationIn *ops;
        ResultView *results;
        size_t from, to;
} Batch;

static Err operation_run(Batch *b, const MemoryScope *s, const OperationIn *op, ResultView *ret) {
        Ctx *cx = b->rq->cx;
        MemoryWritten w = { .event = MEMORY_DELETE };
        if (str_eq_c(op->op, "add")) {
                MemoryNew new = { .type = op->type,
                                  .content = op->content,
                                  .source_turn = op->source_turn,
                                  .confidence = op->confidence.has ? op->confidence.v : -1,
                                  .tags = op->tags,
                                  .entities = op->entities,
                                  .context = op->context,
                                  .valid_from = op->valid_from,
                                  .valid_to = op->valid_to,
                                  .expires_at = op->expires_at };
                if (!op->type.p)
                        return RAISE_FIELD(cx, "#/type", "is missing");
                if (!op->content.p)
                        return RAISE_FIELD(cx, "#/content", "is missing");
                TRY(memory_add(cx, s, &new, &w));
        } else if (str_eq_c(op->op, "update")) {
                ChangeIn in = { .content = op->content,
                                .context = op->context,
                                .confidence = op->confidence,
                                .tags = op->tags,
                                .entities = op->entities,
                                .valid_to = op->valid_to,
                                .expires_at = op->expires_at };
                MemoryChange change = change_of(&in);
                TRY(memory_update(cx, s, op->memory_id, &change, &w));
        } else {
                TRY(memory_delete(cx, s, op->memory_id));
                w.row.memory_id = op->memory_id;
        }
        bool created = w.event == MEMORY_ADD || w.event == MEMORY_SUPERSEDE;
        *ret = (ResultView){ .index = ret->index,
                             .status = created ? 201 : 200,
                             .event = str_c(memory_event_names[w.event]),
                             .memory_id = w.row.memory_id };
        return OK;
}

/* What is wrong is told of the operation, not of the request. */
static Err operation_failed(Ctx *cx, size_t i, Err e) {
        for (FieldErr *f = cx->err.fields; f; f = f->next)
                f->pointer = arena_strf(cx->arena, "#/operations/%zu%.*s", i,
                                        STR_FMT(str_from(f->pointer, 1)));
        err_extra_int(cx, "index", (int64_t)i);
        return e;
}

static Err batch_write(Ctx *cx, DbConn *c, void *arg) {
        Batch *b = arg;
        MemoryScope s = req_memory(b->rq);
        s.c = c;
        for (size_t i = b->from; i < b->to; i++) {
                b->results[i].index = (int64_t)i;
                Err e = operation_run(b, &s, &b->ops[i], &b->results[i]);
                if (e)
                        return operation_failed(cx, i, e);
        }
        return OK;
}

static Str field_told(const Ctx *cx) {
        const FieldErr *f = cx->err.fields;
        return f ? arena_strf(cx->arena, "%.*s %.*s", STR_FMT(f->pointer), STR_FMT(f->detail))
                 : STR_NULL;
}

static Err batch_each(Batch *b, size_t n) {
        for (size_t i = 0; i < n; i++) {
                b->from = i;
                b->to = i + 1;
                Err e = db_write(b->rq->cx, b->rq->sv->db, batch_write, b);
                if (e == ERR_STORAGE || e == ERR_UNAVAILABLE || e == ERR_TIMEOUT)
                        return e;
                if (e)
                        b->results[i] = (ResultView){ .index = (int64_t)i,
                                                      .status = err_info[e].http,
                                                      .error = str_c(err_info[e].name),
                                                      .detail = field_told(b->rq->cx) };
                err_clear(b->rq->cx);
        }
        return OK;
}

static Err batch_handle(Req *rq, const void *in_, void *ret) {
        const BatchIn *in = in_;
        size_t n = in->operations.n;
        Batch b = { .rq = rq,
                    .ops = in->operations.v,
                    .results = NEW_ARRAY(rq->cx->arena, ResultView, n),
                    .to = n };
        bool atomic = !in->atomic.has || in->atomic.v;
        if (atomic)
                TRY(db_write(rq->cx, rq->sv->db, batch_write, &b));
        else
                TRY(batch_each(&b, n));
        *(BatchView *)ret = (BatchView){ { b.results, n } };
        return OK;
}

#define MEMORY_ROW .auth = AUTH_USER, .tag = "Memories"
#define READS                                                                                      \
        MEMORY_ROW, .scope = "memories:read", .rate = RATE_READ,                                   \
                    .audit_none = "the caller reads own data"
#define WRITES MEMORY_ROW, .scope = "memories:write", .rate = RATE_MEMORY

#define LIST(id_, path_)                                                                           \
        {                                                                                          \
                .id = id_, .method = GET, .path = path_, .lane = LANE_READ, READS,                 \
                .query = &list_query, .out = &memory_view, .out_list = true,                       \
                .summary = "List memories, newest first", .fn = list_handle,                       \
        }
#define CHANGE(id_, method_)                                                                       \
        {                                                                                          \
                .id = id_, .method = method_, .path = "/api/v1/memories/{memory_id}",              \
                .lane = LANE_WRITE, WRITES, .headers = match_headers, .in = &change_in,            \
                .out = &memory_written_view, .body_max = WRITE_BODY,                               \
                .errors = ERRORS(ERR_MEMORY_NOT_FOUND, ERR_PRECONDITION),                          \
                .audit_none = "kept in the memory's own history", .summary = "Change a memory",    \
                .fn = update_handle,                                                               \
        }

const Route memories_routes[] = {
        {
                .id = "memory.create",
                .method = POST,
                .path = "/api/v1/memories",
                .lane = LANE_WRITE,
                WRITES,
                .in = &memory_in,
                .out = &memory_written_view,
                .body_max = WRITE_BODY,
                .status = 201,
                .also_status = 200,
                .errors = ERRORS(ERR_MEMORY_QUOTA, ERR_USER_MISMATCH),
                .mcp_tool = "add_memory",
                .audit_none = "kept in the memory's own history",
                .summary = "Remember something about the caller",
                .admit = create_admit,
                .fn = create_handle,
        },
        LIST("memory.list", "/api/v1/memories/list"),
        LIST("memory.list_all", "/api/v1/memories"),
        {
                .id = "memory.get",
                .method = GET,
                .path = "/api/v1/memories/{memory_id}",
                .lane = LANE_READ,
                READS,
                .query = &get_query,
                .out = &memory_view,
                .errors = ERRORS(ERR_MEMORY_NOT_FOUND),
                .mcp_tool = "get_memory",
                .summary = "One memory",
                .fn = get_handle,
        },
        CHANGE("memory.replace", PUT),
        CHANGE("memory.update", PATCH),
        {
                .id = "memory.delete",
                .method = DELETE,
                .path = "/api/v1/memories/{memory_id}",
                .lane = LANE_WRITE,
                WRITES,
                .headers = match_headers,
                .out = &deleted_view,
                .errors = ERRORS(ERR_MEMORY_NOT_FOUND, ERR_PRECONDITION),
                .audit = "sensitive_delete",
                .mcp_tool = "delete_memory",
                .summary = "Forget one memory, its history included",
                .fn = delete_handle,
        },
        {
                .id = "memory.delete_all",
                .method = DELETE,
                .path = "/api/v1/memories",
                .lane = LANE_WORKER,
                WRITES,
                .query = &delete_query,
                .out = &deleted_view,
                .errors = ERRORS(ERR_MEMORY_NOT_FOUND),
                .audit = "sensitive_delete",
                .summary = "Forget all memories, or those that match",
                .fn = delete_all_handle,
        },
        {
                .id = "memory.history",
                .method = GET,
                .path = "/api/v1/memories/{memory_id}/history",
                .lane = LANE_READ,
                READS,
                .out = &version_view,
                .out_list = true,
                .errors = ERRORS(ERR_MEMORY_NOT_FOUND),
                .summary = "What was done to a memory, oldest first",
                .fn = history_handle,
        },
        {
                .id = "memory.stats",
                .method = GET,
                .path = "/api/v1/memories/stats",
                .lane = LANE_READ,
                READS,
                .out = &stats_view,
                .summary = "Counts and quota",
                .fn = stats_handle,
        },
        {
                .id = "memory.batch",
                .method = POST,
                .path = "/api/v1/memories/batch",
                .lane = LANE_WORKER,
                WRITES,
                .in = &batch_in,
                .out = &batch_view,
                .body_max = BATCH_BODY,
                .errors = ERRORS(ERR_MEMORY_NOT_FOUND, ERR_MEMORY_QUOTA),
                .audit_none = "kept in the memories' own history",
                .summary = "Several changes at once",
                .fn = batch_handle,
        },
        {},
};

// SPDX-License-Identifier: MIT
/* Routes as the mem0 platform has them, so that its clients work unchanged. */
#include "api/mem0.h"
#include "codec/uuid.h"
#include "memory/jobs.h"
#include "memory/profile.h"

enum { ADD_BODY = 1024 * 1024, BODY = 64 * 1024, BATCH_MAX = 1000, PAGE_MAX = 1000, SWEEP = 200 };

#define ROW(scope_, rate_)                                                                         \
        .auth = AUTH_USER, .tag = "Mem0 compatible", .wire = WIRE_MEM0, .scope = scope_,           \
        .rate = rate_
#define READS  ROW("memories:read", RATE_READ), .audit_none = "the caller reads own data"
#define WRITES ROW("memories:write", RATE_MEMORY), .audit_none = "kept in the memories' own history"

/* ---- ping ---- */

typedef struct PingView {
        Str status, org_id, project_id, user_email;
} PingView;
static const Shape ping_view =
        SHAPE(PingView,
        F_STR(PingView, status, F_REQ),
        F_STR(PingView, org_id, F_REQ),
        F_STR(PingView, project_id, F_REQ),
        F_STR(PingView, user_email, F_REQ | F_NULL));

static Err ping_handle(Req *rq, const void *in, void *ret) {
        *(PingView *)ret =
                (PingView){ STR("ok"), rq->who->user_id, rq->who->user_id, rq->who->email };
        return OK;
}

/* ---- add ---- */

typedef struct AddedView {
        Str event_id, status;
        List results;
} AddedView;
static const Shape added_view =
        SHAPE(AddedView,
        F_STR(AddedView, event_id, F_REQ, .format = "uuid"),
        F_STR(AddedView, status, F_REQ, .one_of = "SUCCEEDED|PENDING"),
        F_LIST(AddedView, results, F_REQ, .sub = &mem0_result));

/* What an event keeps, as members of a list: ids and outcomes, no text. */
static Str event_results(Ctx *cx, const List *results) {
        _cleanup_(buf_done) Buf b = BUF(256 * 1024);
        const Mem0Result *r = results->v;
        for (size_t i = 0; i < results->n; i++) {
                buf_addf(&b, "%s{\"id\":", i ? "," : "");
                if (r[i].id.p)
                        json_write_str(&b, r[i].id);
                else
                        buf_add_c(&b, "null");
                buf_addf(&b, ",\"event\":\"%.*s\",\"reason\":\"%.*s\"}", STR_FMT(r[i].event),
                         STR_FMT(r[i].reason));
        }
        return b.full ? STR("") : arena_dup(cx->arena, buf_str(&b));
}

static Err add_handle(Req *rq, const void *in, void *ret) {
        AddedView v = { .event_id = uuid_new(rq->cx), .status = STR("SUCCEEDED") };
        MemoryScope own = req_memory(rq);
        bool later;
        TRY(mem0_add(rq, in, &v.results));
        Str results = event_results(rq->cx, &v.results);
        TRY(mem0_read_later(rq, in, v.event_id, results, &later));
        if (later)
                v.status = STR("PENDING");
        else
                TRY(memory_job_note(
                        rq->cx, &own,
                        &(MemoryJob){ .job_id = v.event_id,
                                      .kind = STR("event"),
                                      .result = arena_strf(rq->cx->arena, "{\"results\":[%.*s]}",
                                                           STR_FMT(results)) }));
        *(AddedView *)ret = v;
        return OK;
}

typedef struct EventView {
        Str id, status, results;
        double latency;
        int64_t created_at;
} EventView;
static const Shape event_view = SHAPE(EventView,
        F_STR(EventView, id, F_REQ),
        F_STR(EventView, status, F_REQ, .one_of = "PENDING|RUNNING|SUCCEEDED|FAILED"),
        F_JSON(EventView, results, F_REQ),
        F_NUM(EventView, latency, F_REQ),
        F_TIME(EventView, created_at, F_REQ));

/* A job that failed has done what the rules could: that stands in its results. */
static Str event_status(const MemoryJob *job) {
        return str_eq_c(job->state, "done")      ? STR("SUCCEEDED")
               : str_eq_c(job->state, "failed")  ? STR("FAILED")
               : str_eq_c(job->state, "running") ? STR("RUNNING")
                                                 : STR("PENDING");
}

static Err event_handle(Req *rq, const void *in, void *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        MemoryScope s = req_memory(rq);
        MemoryJob job;
        Err e = memory_job_get(rq->cx, &s, rq->path[0], &job);
        if (e)
                return e == ERR_NOT_FOUND ? RAISE(rq->cx, e, "no such event of this user") : e;
        TRY(json_parse(rq->cx, job.result.p ? job.result : STR("{}"), JSON_DEPTH_MAX, &j));
        JsonRef results = json_get(json_root(j), "results");
        *(EventView *)ret = (EventView){
                .id = job.job_id,
                .status = event_status(&job),
                .created_at = job.created_at,
                .latency = (double)(MAX(job.finished_at, job.created_at) - job.created_at) / 1000,
                .results = json_kind(results) == JSON_ARR ? json_text(rq->cx, results) : STR("[]")
        };
        return OK;
}

/* ---- search, list ---- */

typedef struct ResultsView {
        List results;
} ResultsView;
static const Shape results_view =
        SHAPE(ResultsView,
        F_LIST(ResultsView, results, F_REQ, .sub = &mem0_view));

static Err search_v3_handle(Req *rq, const void *in, void *ret) {
        return mem0_search(rq, in, &((ResultsView *)ret)->results);
}
static Err search_list_handle(Req *rq, const void *in, void *ret) {
        return mem0_search(rq, in, ret);
}

typedef struct ListIn {
        Str filters, user_id, agent_id, app_id, run_id, keywords, start_date, end_date;
        Strs categories, fields;
        OptBool show_expired;
} ListIn;
static const Shape list_in = SHAPE_OPEN(ListIn,
        F_JSON(ListIn, filters, F_NULL, .max = 32 * 1024),
        F_STR(ListIn, user_id, F_NULL, .max = 128),
        F_STR(ListIn, agent_id, F_NULL, .max = 128),
        F_STR(ListIn, app_id, F_NULL, .max = 128),
        F_STR(ListIn, run_id, F_NULL, .max = 128),
        F_STR(ListIn, keywords, F_NULL, .max = 1000),
        F_STR(ListIn, start_date, F_NULL, .max = 32),
        F_STR(ListIn, end_date, F_NULL, .max = 32),
        F_STRS(ListIn, categories, F_NULL, .max = 32, .item_max = 64),
        F_STRS(ListIn, fields, F_NULL, .max = 50, .item_max = 64),
        F_OBOOL(ListIn, show_expired, F_NULL));
typedef struct PageQuery {
        int64_t page, page_size;
        Str user_id, agent_id, app_id, run_id, keywords, start_date, end_date;
        Strs categories, fields;
        bool show_expired;
} PageQuery;
static const Shape page_query = SHAPE_OPEN(PageQuery,
        F_INT(PageQuery, page, 0, .min = 1, .max = 1000000, .def = 1),
        F_INT(PageQuery, page_size, 0, .min = 1, .max = PAGE_MAX, .def = 100),
        F_STR(PageQuery, user_id, 0, .max = 128),
        F_STR(PageQuery, agent_id, 0, .max = 128),
        F_STR(PageQuery, app_id, 0, .max = 128),
        F_STR(PageQuery, run_id, 0, .max = 128),
        F_STR(PageQuery, keywords, 0, .max = 1000),
        F_STR(PageQuery, start_date, 0, .max = 32),
        F_STR(PageQuery, end_date, 0, .max = 32),
        F_STRS(PageQuery, categories, 0, .max = 32, .item_max = 64),
        F_STRS(PageQuery, fields, 0, .max = 50, .item_max = 64),
        F_BOOL(PageQuery, show_expired, 0));
typedef struct PageView {
        int64_t count;
        Str next, previous;
        List results;
} PageView;
static const Shape page_view =
        SHAPE(PageView,
        F_INT(PageView, count, F_REQ),
        F_STR(PageView, next, F_REQ | F_NULL),
        F_STR(PageView, previous, F_REQ | F_NULL),
        F_LIST(PageView, results, F_REQ, .sub = &mem0_view));

Str mem0_page_link(Req *rq, int64_t page) {
        _cleanup_(buf_done) Buf b = BUF(16 * 1024);
        buf_addf(&b, "%.*s%.*s?page=%lld", STR_FMT(rq->sv->public_url), STR_FMT(rq->x->path),
                 (long long)page);
        for (Str rest = rq->x->query; rest.p;) {
                Str pair = str_cut(&rest, '&');
                if (pair.n && !str_starts(pair, STR("page=")))
                        buf_addf(&b, "&%.*s", STR_FMT(pair));
        }
        return b.full ? STR_NULL : arena_dup(rq->cx->arena, buf_str(&b));
}

/* A page of what fits the filters and the rest of the request. */
typedef struct Page {
        Str filters;
        Mem0Where where;
        int64_t page, size;
        bool show_expired;
        Strs fields;
} Page;

static Err rows_of(Req *rq, const Page *p, Mem0Rows *ret) {
        _cleanup_(mem0_filter_done) Mem0Filter f = { 0 };
        Str more;
        TRY(mem0_where(rq, &p->where, &more));
        TRY(mem0_filter_parse(rq, p->filters, more, &f));
        f.with_expired = p->show_expired;
        return mem0_rows(rq, &f, ret);
}

static Err page_make(Req *rq, const Page *p, PageView *ret) {
        Mem0Rows rows;
        TRY(mem0_pick(rq, p->fields));
        TRY(rows_of(rq, p, &rows));
        size_t from = MIN((size_t)((p->page - 1) * p->size), rows.n),
               n = MIN(rows.n - from, (size_t)p->size);
        Mem0View *v = NEW_ARRAY(rq->cx->arena, Mem0View, n + 1);
        for (size_t i = 0; i < n; i++)
                mem0_view_make(rq, &rows.v[from + i], &v[i]);
        *ret = (PageView){ .count = (int64_t)rows.n, .results = { v, n } };
        if (from + n < rows.n)
                ret->next = mem0_page_link(rq, p->page + 1);
        if (p->page > 1)
                ret->previous = mem0_page_link(rq, p->page - 1);
        return OK;
}

static Mem0Labels query_labels(const PageQuery *q) {
        return (Mem0Labels){ q->user_id, q->agent_id, q->app_id, q->run_id };
}

static Str either(Str a, Str b) { return a.n ? a : b; }

/* A label may stand in the body or in the query. */
static Err list_post_handle(Req *rq, const void *in_, void *ret) {
        const ListIn *in = in_;
        const PageQuery *q = rq->query;
        Page p = { in->filters,
                   { { either(in->user_id, q->user_id), either(in->agent_id, q->agent_id),
                       either(in->app_id, q->app_id), either(in->run_id, q->run_id) },
                     in->categories.n ? in->categories : q->categories,
                     either(in->keywords, q->keywords),
                     either(in->start_date, q->start_date),
                     either(in->end_date, q->end_date) },
                   q->page,
                   q->page_size,
                   in->show_expired.v || q->show_expired,
                   in->fields.n ? in->fields : q->fields };
        return page_make(rq, &p, ret);
}

static Err list_get_handle(Req *rq, const void *in, void *ret) {
        const PageQuery *q = rq->query;
        Page p = { STR_NULL,
                   { query_labels(q), q->categories, q->keywords, q->start_date, q->end_date },
                   q->page,
                   q->page_size,
                   q->show_expired,
                   q->fields };
        return page_make(rq, &p, ret);
}

/* ---- one memory ---- */

/* In the caller's scope, then in those of the sub-users. */
static Err get_anywhere(Req *rq, Str id, MemoryScope *s, MemoryRow *ret) {
        Strs subs;
        Err e = memory_get(rq->cx, s, id, ret);
        if (e != ERR_MEMORY_NOT_FOUND)
                return e;
        TRY(mem0_sub_users(rq, s->c, &subs));
        for (size_t i = 0; i < subs.n && e == ERR_MEMORY_NOT_FOUND; i++) {
                err_clear(rq->cx);
                s->user_id = subs.v[i];
                e = memory_get(rq->cx, s, id, ret);
        }
        return e;
}

Err mem0_get(Req *rq, Str id, MemoryScope *ret_scope, MemoryRow *ret) {
        *ret_scope = req_memory(rq);
        if (!uuid_is(id)) {
                Err e = RAISE(rq->cx, ERR_BAD_REQUEST, "not a UUID");
                rq->cx->err.detail = STR("memory_id should be a valid UUID");
                return e;
        }
        Err e = get_anywhere(rq, id, ret_scope, ret);
        if (e != ERR_MEMORY_NOT_FOUND)
                return e;
        err_clear(rq->cx);
        e = RAISE(rq->cx, ERR_MEMORY_NOT_FOUND, "in no scope of the caller");
        rq->cx->err.detail = STR("Memory not found!");
        return e;
}

static Err get_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s;
        MemoryRow row;
        TRY(mem0_get(rq, rq->path[0], &s, &row));
        mem0_view_make(rq, &row, ret);
        return OK;
}

static const Shape update_in =
        SHAPE_OPEN(Mem0Change,
        F_STR(Mem0Change, text, F_NULL | F_BLANK, .min = 1, .max = MEMORY_CONTENT_MAX),
        F_JSON(Mem0Change, metadata, F_CLEAR, .max = 6 * 1024, .one_of = "object"),
        F_STR(Mem0Change, expiration_date, F_CLEAR, .max = 32));

/* The metadata of the wire lives in the context, beside the labels; empty: none any more. */
static Err context_with(Req *rq, JsonRef context, Str metadata, Str *ret) {
        _cleanup_(buf_done) Buf b = BUF(MEMORY_CONTEXT_MAX);
        if (metadata.n)
                buf_addf(&b, ",\"metadata\":%.*s", STR_FMT(metadata));
        for (JsonIter it = { 0 }; json_next(context, &it);) {
                if (str_eq_c(it.name, "metadata"))
                        continue;
                buf_addc(&b, ',');
                json_write_str(&b, it.name);
                buf_addf(&b, ":%.*s", STR_FMT(json_text(rq->cx, it.value)));
        }
        if (b.full)
                return RAISE_FIELD(rq->cx, "#/metadata", "over %d bytes", MEMORY_CONTEXT_MAX);
        *ret = arena_strf(rq->cx->arena, "{%.*s}", STR_FMT(str_from(buf_str(&b), b.n > 0)));
        return OK;
}

/* "" is set to nothing, STR_NULL is left as it is. */
static Err change_of(Req *rq, JsonRef context, const Mem0Change *in, MemoryChange *ret) {
        *ret = (MemoryChange){ .content = in->text, .confidence = -1 };
        if (in->metadata.p)
                TRY(context_with(rq, context, in->metadata, &ret->context));
        if (in->expiration_date.p && !in->expiration_date.n)
                ret->expires_at = TIME_CLEARED;
        else if (in->expiration_date.p && !mem0_expires(in->expiration_date, &ret->expires_at))
                return RAISE_FIELD(rq->cx, "#/expiration_date", "must be YYYY-MM-DD");
        return OK;
}

Err mem0_update(Req *rq, Str id, const Mem0Change *in, MemoryRow *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        MemoryScope s;
        MemoryRow row;
        MemoryChange change;
        MemoryWritten w;
        TRY(mem0_get(rq, id, &s, &row));
        TRY(json_parse(rq->cx, row.context, JSON_DEPTH_MAX, &j));
        if (json_bool(json_get(json_root(j), "immutable"), false))
                return RAISE_FIELD(rq->cx, "#/memory_id", "is immutable");
        TRY(change_of(rq, json_root(j), in, &change));
        if (in->text.p || in->metadata.p || in->expiration_date.p) {
                TRY(memory_update(rq->cx, &s, id, &change, &w));
                row = w.row;
        }
        *ret = row;
        return OK;
}

static Err update_handle(Req *rq, const void *in, void *ret) {
        MemoryRow row;
        TRY(mem0_update(rq, rq->path[0], in, &row));
        mem0_view_make(rq, &row, ret);
        return OK;
}

static Err delete_one(Req *rq, Str id) {
        MemoryScope s;
        MemoryRow row;
        TRY(mem0_get(rq, id, &s, &row));
        return memory_delete(rq->cx, &s, id);
}

static Err delete_handle(Req *rq, const void *in, void *ret) {
        TRY(delete_one(rq, rq->path[0]));
        *(Mem0Message *)ret = (Mem0Message){ STR("Memory deleted successfully!") };
        return OK;
}

typedef struct HistoryView {
        Str id, memory_id, input, old_memory, new_memory, event, user_id;
        int64_t created_at, updated_at;
} HistoryView;
const Shape mem0_history_view = SHAPE(HistoryView,
        F_STR(HistoryView, id, F_REQ),
        F_STR(HistoryView, memory_id, F_REQ),
        F_JSON(HistoryView, input, F_REQ),
        F_STR(HistoryView, old_memory, F_REQ | F_NULL),
        F_STR(HistoryView, new_memory, F_REQ | F_NULL),
        F_STR(HistoryView, event, F_REQ),
        F_STR(HistoryView, user_id, F_REQ),
        F_TIME(HistoryView, created_at, F_REQ),
        F_TIME(HistoryView, updated_at, F_REQ));

Err mem0_history_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s;
        MemoryRow row;
        MemoryVersions list;
        TRY(mem0_get(rq, rq->path[0], &s, &row));
        TRY(memory_history(rq->cx, &s, row.memory_id, &list));
        HistoryView *v = NEW_ARRAY(rq->cx->arena, HistoryView, list.n + 1);
        for (size_t i = 0; i < list.n; i++) {
                const MemoryVersion *m = &list.v[i];
                v[i] = (HistoryView){ arena_strf(rq->cx->arena, "%.*s-%lld", STR_FMT(row.memory_id),
                                                 (long long)m->version),
                                      row.memory_id,
                                      STR("[]"),
                                      m->old_content,
                                      m->new_content,
                                      str_eq_c(m->event, "SUPERSEDE")
                                              ? i ? STR("UPDATE") : STR("ADD")
                                              : m->event,
                                      mem0_user(rq, row.user_id),
                                      m->at,
                                      m->at };
        }
        *(List *)ret = (List){ v, list.n };
        return OK;
}

/* ---- many ---- */

typedef struct DeletedView {
        Str message, event_id;
} DeletedView;
static const Shape deleted_view =
        SHAPE(DeletedView,
        F_STR(DeletedView, message, F_REQ),
        F_STR(DeletedView, event_id, F_REQ));

const Shape mem0_delete_query =
        SHAPE(Mem0DeleteQuery,
        F_STR(Mem0DeleteQuery, user_id, 0, .max = 128),
        F_STR(Mem0DeleteQuery, agent_id, 0, .max = 128),
        F_STR(Mem0DeleteQuery, app_id, 0, .max = 128),
        F_STR(Mem0DeleteQuery, run_id, 0, .max = 128),
        F_STR(Mem0DeleteQuery, org_id, 0, .max = 128),
        F_STR(Mem0DeleteQuery, project_id, 0, .max = 128));

static Err delete_all_handle(Req *rq, const void *in, void *ret) {
        const Mem0DeleteQuery *q = rq->query;
        int64_t count;
        TRY(mem0_delete_labelled(rq, &(Mem0Labels){ q->user_id, q->agent_id, q->app_id, q->run_id },
                                 &count));
        *(DeletedView *)ret =
                (DeletedView){ STR("Memories deleted successfully!"), uuid_new(rq->cx) };
        return OK;
}

typedef struct BatchItem {
        Str memory_id, text, metadata;
} BatchItem;
typedef struct BatchIn {
        List memories;
} BatchIn;
static const Shape batch_item = SHAPE_OPEN(BatchItem,
        F_STR(BatchItem, memory_id, F_REQ, .max = 64),
        F_STR(BatchItem, text, F_NULL | F_BLANK, .min = 1, .max = MEMORY_CONTENT_MAX),
        F_JSON(BatchItem, metadata, F_CLEAR, .max = 6 * 1024, .one_of = "object"));
static const Shape batch_in = SHAPE_OPEN(BatchIn,
        F_LIST(BatchIn, memories, F_REQ, .sub = &batch_item, .min = 1, .max = BATCH_MAX));

static Err batch_update_handle(Req *rq, const void *in_, void *ret) {
        const BatchIn *in = in_;
        const BatchItem *v = in->memories.v;
        for (size_t i = 0; i < in->memories.n; i++) {
                MemoryRow row;
                Mem0Change one = { .text = v[i].text, .metadata = v[i].metadata };
                TRY(mem0_update(rq, v[i].memory_id, &one, &row));
        }
        *(Mem0Message *)ret = (Mem0Message){ arena_strf(
                rq->cx->arena, "Successfully updated %zu memories", in->memories.n) };
        return OK;
}

typedef struct BatchStep {
        Req *rq;
        const BatchItem *v;
        size_t n;
} BatchStep;

static Err batch_delete_write(Ctx *cx, DbConn *c, void *arg) {
        const BatchStep *b = arg;
        b->rq->db = c;
        for (size_t i = 0; i < b->n; i++) {
                Err e = delete_one(b->rq, b->v[i].memory_id);
                if (e && e != ERR_MEMORY_NOT_FOUND)
                        return e;
                err_clear(cx); /* named twice, or gone meanwhile */
        }
        return OK;
}

/* All of them are there before the first one goes. */
static Err batch_delete_handle(Req *rq, const void *in_, void *ret) {
        const BatchIn *in = in_;
        const BatchItem *v = in->memories.v;
        MemoryScope s;
        MemoryRow row;
        TRY(db_read(rq->cx, rq->sv->db, &rq->db));
        for (size_t i = 0; i < in->memories.n; i++)
                TRY(mem0_get(rq, v[i].memory_id, &s, &row));
        for (size_t i = 0; i < in->memories.n; i += SWEEP) {
                BatchStep b = { rq, v + i, MIN(in->memories.n - i, (size_t)SWEEP) };
                TRY(db_write(rq->cx, rq->sv->db, batch_delete_write, &b));
        }
        *(Mem0Message *)ret = (Mem0Message){ arena_strf(
                rq->cx->arena, "Successfully deleted %zu memories", in->memories.n) };
        return OK;
}

/* ---- feedback, summary, figures, exports ---- */

typedef struct FeedbackIn {
        Str memory_id, feedback, feedback_reason;
} FeedbackIn;
static const Shape feedback_in =
        SHAPE_OPEN(FeedbackIn,
        F_STR(FeedbackIn, memory_id, F_REQ, .max = 64),
        F_STR(FeedbackIn, feedback, F_NULL, .one_of = "POSITIVE|NEGATIVE|VERY_NEGATIVE"),
        F_STR(FeedbackIn, feedback_reason, F_NULL, .max = 1000));
typedef struct FeedbackView {
        Str id, feedback, feedback_reason;
} FeedbackView;
static const Shape feedback_view =
        SHAPE(FeedbackView,
        F_STR(FeedbackView, id, F_REQ),
        F_STR(FeedbackView, feedback, F_REQ | F_NULL),
        F_STR(FeedbackView, feedback_reason, F_REQ | F_NULL));

static Err feedback_handle(Req *rq, const void *in_, void *ret) {
        const FeedbackIn *in = in_;
        MemoryScope s;
        MemoryRow row;
        TRY(mem0_get(rq, in->memory_id, &s, &row));
        /* A negative word halves the confidence; the search's threshold does the rest. */
        MemoryWritten w;
        if (in->feedback.n && !str_eq_c(in->feedback, "POSITIVE"))
                TRY(memory_update(rq->cx, &s, row.memory_id,
                                  &(MemoryChange){ .confidence = row.confidence / 2 }, &w));
        *(FeedbackView *)ret = (FeedbackView){ row.memory_id, in->feedback, in->feedback_reason };
        return OK;
}

typedef struct SummaryView {
        Str summary;
} SummaryView;
static const Shape summary_view = SHAPE(SummaryView, F_STR(SummaryView, summary, F_REQ));

static Err summary_add(Req *rq, Str user_id, Buf *b) {
        MemoryScope s = req_memory(rq);
        ProfileSummary p;
        s.user_id = user_id;
        TRY(db_read(rq->cx, rq->sv->db, &s.c));
        TRY(profile_summary(rq->cx, &s, &p));
        if (p.name.n)
                buf_addf(b, "Name: %.*s. ", STR_FMT(p.name));
        for (size_t i = 0; i < p.key_facts.n; i++)
                buf_addf(b, "%.*s. ", STR_FMT(p.key_facts.v[i]));
        for (size_t i = 0; i < p.preferences.n; i++)
                buf_addf(b, "%.*s. ", STR_FMT(p.preferences.v[i]));
        return OK;
}

static Err summary_handle(Req *rq, const void *in_, void *ret) {
        _cleanup_(mem0_filter_done) Mem0Filter f = { 0 };
        _cleanup_(buf_done) Buf b = BUF(64 * 1024);
        const ListIn *in = in_;
        DbConn *c;
        Str more;
        Strs scopes;
        TRY(mem0_where(rq, &(Mem0Where){ .labels.user_id = in->user_id }, &more));
        TRY(mem0_filter_parse(rq, in->filters, more, &f));
        TRY(db_read(rq->cx, rq->sv->db, &c));
        TRY(mem0_scopes(rq, &f, c, &scopes));
        for (size_t i = 0; i < scopes.n && !b.full; i++)
                TRY(summary_add(rq, scopes.v[i], &b));
        Str all = b.full ? str_n(b.p, str_utf8_cut(buf_str(&b), b.n)) : buf_str(&b);
        ((SummaryView *)ret)->summary = all.n ? str_trim(arena_dup(rq->cx->arena, all)) : STR("");
        return OK;
}

typedef struct FiguresView {
        int64_t total_memories, total_entities;
} FiguresView;
static const Shape figures_view =
        SHAPE(FiguresView,
        F_INT(FiguresView, total_memories, F_REQ),
        F_INT(FiguresView, total_entities, F_REQ));

static Err figures_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        MemoryStats st;
        Strs subs;
        TRY(memory_stats(rq->cx, &s, &st));
        FiguresView v = { .total_memories = st.total, .total_entities = st.total > 0 };
        TRY(mem0_sub_users(rq, s.c, &subs));
        for (size_t i = 0; i < subs.n; i++) {
                s.user_id = subs.v[i];
                TRY(memory_stats(rq->cx, &s, &st));
                v.total_memories += st.total;
                v.total_entities++;
        }
        *(FiguresView *)ret = v;
        return OK;
}

typedef struct ExportIn {
        Str filters, memory_export_id, schema;
} ExportIn;
static const Shape export_in =
        SHAPE_OPEN(ExportIn,
        F_JSON(ExportIn, filters, F_NULL, .max = 32 * 1024),
        F_STR(ExportIn, memory_export_id, F_NULL, .max = 64),
        F_JSON(ExportIn, schema, F_NULL, .max = 64 * 1024));
typedef struct ExportView {
        Str message, id;
} ExportView;
static const Shape export_view =
        SHAPE(ExportView,
        F_STR(ExportView, message, F_REQ),
        F_STR(ExportView, id, F_REQ));

static Err export_handle(Req *rq, const void *in_, void *ret) {
        _cleanup_(mem0_filter_done) Mem0Filter f = { 0 };
        const ExportIn *in = in_;
        MemoryScope own = req_memory(rq);
        ExportView v = { STR("Memory export request received. The export will be ready in a few "
                             "seconds."),
                         uuid_new(rq->cx) };
        /* refused now rather than when it is fetched */
        TRY(mem0_filter_parse(rq, in->filters, STR_NULL, &f));
        TRY(memory_job_note(rq->cx, &own,
                            &(MemoryJob){ .job_id = v.id,
                                          .kind = STR("export"),
                                          .result = in->filters.n ? in->filters : STR("{}") }));
        *(ExportView *)ret = v;
        return OK;
}

static Err export_get_handle(Req *rq, const void *in_, void *ret) {
        const ExportIn *in = in_;
        MemoryScope own;
        Str filters = in->filters;
        TRY(req_memory_read(rq, &own));
        if (in->memory_export_id.n) {
                MemoryJob job;
                Err e = memory_job_get(rq->cx, &own, in->memory_export_id, &job);
                if (e)
                        return e != ERR_NOT_FOUND
                                       ? e
                                       : RAISE(rq->cx, e, "no such export of this user");
                filters = job.result;
        }
        return page_make(rq, &(Page){ .filters = filters, .page = 1, .size = PAGE_MAX }, ret);
}

#define SEARCH_LIST(id_, path_)                                                                    \
        {                                                                                          \
                .id = id_, .method = POST, .path = path_, .lane = LANE_WORKER, READS,              \
                .in = &mem0_search_in, .out = &mem0_view, .out_list = true, .body_max = BODY,      \
                .errors = ERRORS(ERR_SCOPE), .summary = "Search, bare list",                       \
                .fn = search_list_handle,                                                          \
        }
#define LIST_POST(id_, path_)                                                                      \
        {                                                                                          \
                .id = id_, .method = POST, .path = path_, .lane = LANE_WORKER, READS,              \
                .in = &list_in, .query = &page_query, .out = &page_view, .body_max = BODY,         \
                .errors = ERRORS(ERR_SCOPE), .summary = "List by filters", .fn = list_post_handle, \
        }
#define ADD(id_, path_)                                                                            \
        {                                                                                          \
                .id = id_, .method = POST, .path = path_, .lane = LANE_WRITE, WRITES,              \
                .in = &mem0_add_in, .out = &added_view, .body_max = ADD_BODY,                      \
                .errors = ERRORS(ERR_MEMORY_QUOTA, ERR_SCOPE),                                     \
                .summary = "Remember from messages", .fn = add_handle,                             \
        }
#define ONE(id_, method_)                                                                          \
        .id = id_, .method = method_, .path = "/v1/memories/{memory_id}/",                         \
        .errors = ERRORS(ERR_MEMORY_NOT_FOUND, ERR_BAD_REQUEST)

const Route mem0_routes[] = {
        {
                .id = "mem0.ping",
                .method = GET,
                .path = "/v1/ping/",
                .lane = LANE_INLINE,
                ROW(NULL, RATE_FREE),
                .audit_none = "tells who the caller is",
                .out = &ping_view,
                .summary = "Is the key good?",
                .fn = ping_handle,
        },
        ADD("mem0.add", "/v3/memories/add/"),
        ADD("mem0.add_v1", "/v1/memories/"),
        {
                .id = "mem0.search",
                .method = POST,
                .path = "/v3/memories/search/",
                .lane = LANE_WORKER,
                READS,
                .in = &mem0_search_in,
                .out = &results_view,
                .body_max = BODY,
                .errors = ERRORS(ERR_SCOPE),
                .summary = "Search by filters",
                .fn = search_v3_handle,
        },
        SEARCH_LIST("mem0.search_v2", "/v2/memories/search/"),
        SEARCH_LIST("mem0.search_v1", "/v1/memories/search/"),
        LIST_POST("mem0.list", "/v3/memories/"),
        LIST_POST("mem0.list_v2", "/v2/memories/"),
        {
                .id = "mem0.list_v1",
                .method = GET,
                .path = "/v1/memories/",
                .lane = LANE_WORKER,
                READS,
                .query = &page_query,
                .out = &page_view,
                .errors = ERRORS(ERR_SCOPE),
                .summary = "List by labels",
                .fn = list_get_handle,
        },
        { ONE("mem0.get", GET), .lane = LANE_READ, READS, .out = &mem0_view,
          .summary = "One memory", .fn = get_handle },
        {
                ONE("mem0.update", PUT),
                .lane = LANE_WRITE,
                WRITES,
                .in = &update_in,
                .out = &mem0_view,
                .body_max = BODY,
                .summary = "Change a memory",
                .fn = update_handle,
        },
        { ONE("mem0.delete", DELETE), .lane = LANE_WRITE, WRITES, .out = &mem0_message,
          .summary = "Delete a memory", .fn = delete_handle },
        {
                .id = "mem0.history",
                .method = GET,
                .path = "/v1/memories/{memory_id}/history/",
                .lane = LANE_READ,
                READS,
                .out = &mem0_history_view,
                .out_list = true,
                .errors = ERRORS(ERR_MEMORY_NOT_FOUND, ERR_BAD_REQUEST),
                .summary = "Versions of a memory",
                .fn = mem0_history_handle,
        },
        {
                .id = "mem0.delete_all",
                .method = DELETE,
                .path = "/v1/memories/",
                .lane = LANE_WORKER,
                WRITES,
                .query = &mem0_delete_query,
                .out = &deleted_view,
                .errors = ERRORS(ERR_BAD_REQUEST, ERR_SCOPE),
                .summary = "Delete by labels",
                .fn = delete_all_handle,
        },
        {
                .id = "mem0.batch_update",
                .method = PUT,
                .path = "/v1/batch/",
                .lane = LANE_WRITE,
                WRITES,
                .in = &batch_in,
                .out = &mem0_message,
                .body_max = ADD_BODY,
                .errors = ERRORS(ERR_MEMORY_NOT_FOUND, ERR_BAD_REQUEST),
                .summary = "Change several memories",
                .fn = batch_update_handle,
        },
        {
                .id = "mem0.batch_delete",
                .method = DELETE,
                .path = "/v1/batch/",
                .lane = LANE_WORKER,
                WRITES,
                .in = &batch_in,
                .out = &mem0_message,
                .body_max = BODY * 2,
                .errors = ERRORS(ERR_MEMORY_NOT_FOUND, ERR_BAD_REQUEST),
                .summary = "Delete several memories",
                .fn = batch_delete_handle,
        },
        {
                .id = "mem0.event",
                .method = GET,
                .path = "/v1/event/{event_id}/",
                .lane = LANE_READ,
                READS,
                .out = &event_view,
                .errors = ERRORS(ERR_NOT_FOUND),
                .summary = "What an add did",
                .fn = event_handle,
        },
        {
                .id = "mem0.feedback",
                .method = POST,
                .path = "/v1/feedback/",
                .lane = LANE_WRITE,
                WRITES,
                .in = &feedback_in,
                .out = &feedback_view,
                .body_max = BODY,
                .errors = ERRORS(ERR_MEMORY_NOT_FOUND, ERR_BAD_REQUEST),
                .summary = "Say how good a memory is",
                .fn = feedback_handle,
        },
        {
                .id = "mem0.summary",
                .method = POST,
                .path = "/v1/summary/",
                .lane = LANE_WORKER,
                READS,
                .in = &list_in,
                .out = &summary_view,
                .body_max = BODY,
                .errors = ERRORS(ERR_SCOPE),
                .summary = "A few lines about a user",
                .fn = summary_handle,
        },
        {
                .id = "mem0.stats",
                .method = GET,
                .path = "/v1/stats/",
                .lane = LANE_READ,
                READS,
                .out = &figures_view,
                .summary = "Counts",
                .fn = figures_handle,
        },
        {
                .id = "mem0.export",
                .method = POST,
                .path = "/v1/exports/",
                .lane = LANE_WRITE,
                WRITES,
                .in = &export_in,
                .out = &export_view,
                .body_max = BODY * 2,
                .errors = ERRORS(ERR_SCOPE),
                .status = 201,
                .summary = "Ask for an export",
                .fn = export_handle,
        },
        {
                .id = "mem0.export_get",
                .method = POST,
                .path = "/v1/exports/get/",
                .lane = LANE_WORKER,
                READS,
                .in = &export_in,
                .out = &page_view,
                .body_max = BODY * 2,
                .errors = ERRORS(ERR_NOT_FOUND, ERR_SCOPE),
                .summary = "Fetch an export",
                .fn = export_get_handle,
        },
        {},
};

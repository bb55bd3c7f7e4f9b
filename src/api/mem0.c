// SPDX-License-Identifier: MIT
/* Routes as the mem0 platform has them, so that its clients work unchanged. */
#include "api/mem0.h"
#include "codec/uuid.h"
#include "identity/scope.h"
#include "memory/jobs.h"
#include "memory/profile.h"
#include "memory/reading.h"

enum { ADD_BODY = 1024 * 1024, BODY = 64 * 1024, BATCH_MAX = 1000, PAGE_MAX = 1000, SWEEP = 200 };

#define ROW(scope_, rate_)                                                                         \
        .auth = AUTH_USER, .tag = "Mem0 compatible", .wire = WIRE_MEM0, .scope = scope_,           \
        .rate = rate_
#define READS  ROW("memories:read", RATE_READ), .audit_none = "the caller reads own data"
#define WRITES ROW("memories:write", RATE_WRITE), .audit_none = "kept in the memories' own history"

/* ---- ping ---- */

typedef struct PingView {
        Str status, org_id, project_id, user_email;
} PingView;
static const Shape ping_view = SHAPE(PingView,
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
static const Shape added_view = SHAPE(AddedView,
        F_STR(AddedView, event_id, F_REQ, .format = "uuid"),
        F_STR(AddedView, status, F_REQ, .one_of = "SUCCEEDED|PENDING"),
        F_LIST(AddedView, results, F_REQ, .sub = &mem0_result));

/* What an event keeps, as members of a list: ids and outcomes, no text. */
static Str event_results(Ctx *cx, const List *results) {
        _cleanup_(buf_done) Buf b = BUF(256 * 1024);
        const Mem0Result *r = results->v;
        for (size_t i = 0; i < results->n; i++) {
                buf_addf(&b, "%s{\"id\":", i ? "," : "");
                json_write_str(&b, r[i].id);
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
                TRY(memory_job_note(rq->cx, &own,
                                    &(MemoryJob){ .job_id = v.event_id,
                                                  .kind = STR("event"),
                                                  .result = arena_strf(rq->cx->arena,
                                                                       "{\"results\":[%.*s]}",
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
        *(EventView *)ret =
                (EventView){ .id = job.job_id,
                             .status = event_status(&job),
                             .created_at = job.created_at,
                             .latency = (double)(MAX(job.finished_at, job.created_at) -
                                                 job.created_at) /
                                        1000,
                             .results = json_kind(results) == JSON_ARR ? json_text(rq->cx, results)
                                                                       : STR("[]") };
        return OK;
}

/* ---- search, list ---- */

typedef struct ResultsView {
        List results;
} ResultsView;
static const Shape results_view = SHAPE(ResultsView,
        F_LIST(ResultsView, results, F_REQ, .sub = &mem0_view));

static Err search_v3_handle(Req *rq, const void *in, void *ret) {
        return mem0_search(rq, in, &((ResultsView *)ret)->results);
}
static Err search_list_handle(Req *rq, const void *in, void *ret) {
        return mem0_search(rq, in, ret);
}

typedef struct ListIn {
        Str filters, user_id, agent_id, app_id, run_id;
} ListIn;
static const Shape list_in = SHAPE_OPEN(ListIn,
        F_JSON(ListIn, filters, F_NULL, .max = 32 * 1024),
        F_STR(ListIn, user_id, F_NULL, .max = 128),
        F_STR(ListIn, agent_id, F_NULL, .max = 128),
        F_STR(ListIn, app_id, F_NULL, .max = 128),
        F_STR(ListIn, run_id, F_NULL, .max = 128));
typedef struct PageQuery {
        int64_t page, page_size;
        Str user_id, agent_id, app_id, run_id;
} PageQuery;
static const Shape page_query = SHAPE_OPEN(PageQuery,
        F_INT(PageQuery, page, 0, .min = 1, .max = 1000000, .def = 1),
        F_INT(PageQuery, page_size, 0, .min = 1, .max = PAGE_MAX, .def = 100),
        F_STR(PageQuery, user_id, 0, .max = 128),
        F_STR(PageQuery, agent_id, 0, .max = 128),
        F_STR(PageQuery, app_id, 0, .max = 128),
        F_STR(PageQuery, run_id, 0, .max = 128));
typedef struct PageView {
        int64_t count;
        Str next, previous;
        List results;
} PageView;
static const Shape page_view = SHAPE(PageView,
        F_INT(PageView, count, F_REQ),
        F_STR(PageView, next, F_REQ | F_NULL),
        F_STR(PageView, previous, F_REQ | F_NULL),
        F_LIST(PageView, results, F_REQ, .sub = &mem0_view));

static Str page_link(Req *rq, int64_t page, int64_t size) {
        return arena_strf(rq->cx->arena, "%.*s%.*s?page=%lld&page_size=%lld",
                          STR_FMT(rq->sv->public_url), STR_FMT(rq->x->path), (long long)page,
                          (long long)size);
}

static Err page_make(Req *rq, Str filters, const PageQuery *q, PageView *ret) {
        _cleanup_(mem0_filter_done) Mem0Filter f = { 0 };
        MemoryScope s;
        Mem0Rows rows;
        TRY(mem0_filter_parse(rq, filters, &f));
        TRY(mem0_scope(rq, f.user_id, &s));
        TRY(db_read(rq->cx, rq->sv->db, &s.c));
        TRY(mem0_rows(rq, &s, &f, &rows));
        size_t from = MIN((size_t)((q->page - 1) * q->page_size), rows.n),
               n = MIN(rows.n - from, (size_t)q->page_size);
        Mem0View *v = NEW_ARRAY(rq->cx->arena, Mem0View, n + 1);
        for (size_t i = 0; i < n; i++)
                mem0_view_make(rq, &rows.v[from + i], &v[i]);
        *ret = (PageView){ .count = (int64_t)rows.n, .results = { v, n } };
        if (from + n < rows.n)
                ret->next = page_link(rq, q->page + 1, q->page_size);
        if (q->page > 1)
                ret->previous = page_link(rq, q->page - 1, q->page_size);
        return OK;
}

static Err list_post_handle(Req *rq, const void *in_, void *ret) {
        const ListIn *in = in_;
        Mem0Labels labels = { in->user_id, in->agent_id, in->app_id, in->run_id };
        return page_make(rq, in->filters.n ? in->filters : mem0_filters_from(rq->cx, &labels),
                         rq->query, ret);
}

static Err list_get_handle(Req *rq, const void *in, void *ret) {
        const PageQuery *q = rq->query;
        return page_make(rq,
                         mem0_filters_from(rq->cx, &(Mem0Labels){ q->user_id, q->agent_id,
                                                                  q->app_id, q->run_id }),
                         q, ret);
}

/* ---- one memory ---- */

Err mem0_get(Req *rq, Str id, MemoryScope *ret_scope, MemoryRow *ret) {
        Strs subs;
        *ret_scope = req_memory(rq);
        if (!uuid_is(id)) {
                Err e = RAISE(rq->cx, ERR_BAD_REQUEST, "not a UUID");
                rq->cx->err.detail = STR("memory_id should be a valid UUID");
                return e;
        }
        Err e = memory_get(rq->cx, ret_scope, id, ret);
        if (e != ERR_MEMORY_NOT_FOUND || !(rq->who->scopes & SCOPE_END_USERS))
                return e;
        TRY(memory_sub_users(rq->cx, ret_scope->c, rq->who->user_id, &subs));
        for (size_t i = 0; i < subs.n && e == ERR_MEMORY_NOT_FOUND; i++) {
                err_clear(rq->cx);
                ret_scope->user_id = subs.v[i];
                e = memory_get(rq->cx, ret_scope, id, ret);
        }
        if (e == ERR_MEMORY_NOT_FOUND) {
                err_clear(rq->cx);
                e = RAISE(rq->cx, ERR_MEMORY_NOT_FOUND, "in no scope of the caller");
                rq->cx->err.detail = STR("Memory not found!");
        }
        return e;
}

static Err get_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s;
        MemoryRow row;
        TRY(mem0_get(rq, rq->path[0], &s, &row));
        mem0_view_make(rq, &row, ret);
        return OK;
}

typedef struct UpdateIn {
        Str text, metadata, expiration_date;
} UpdateIn;
static const Shape update_in = SHAPE_OPEN(UpdateIn,
        F_STR(UpdateIn, text, F_NULL | F_BLANK, .min = 1, .max = MEMORY_CONTENT_MAX),
        F_JSON(UpdateIn, metadata, F_NULL, .max = 6 * 1024),
        F_STR(UpdateIn, expiration_date, F_NULL, .max = 32));

/* The metadata of the wire lives in the context, beside the labels. */
static Err context_with(Req *rq, Str context, Str metadata, Str *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        _cleanup_(buf_done) Buf b = BUF(MEMORY_CONTEXT_MAX);
        TRY(json_parse(rq->cx, context, JSON_DEPTH_MAX, &j));
        buf_addf(&b, "{\"metadata\":%.*s", STR_FMT(metadata));
        for (JsonIter it = { 0 }; json_next(json_root(j), &it);) {
                if (str_eq_c(it.name, "metadata"))
                        continue;
                buf_addc(&b, ',');
                json_write_str(&b, it.name);
                buf_addf(&b, ":%.*s", STR_FMT(json_text(rq->cx, it.value)));
        }
        buf_addc(&b, '}');
        if (b.full)
                return RAISE_FIELD(rq->cx, "#/metadata", "over %d bytes", MEMORY_CONTEXT_MAX);
        *ret = arena_dup(rq->cx->arena, buf_str(&b));
        return OK;
}

static Err update_one(Req *rq, Str id, const UpdateIn *in, MemoryWritten *ret) {
        MemoryScope s;
        MemoryRow row;
        MemoryChange change = { .content = in->text, .confidence = -1 };
        TRY(mem0_get(rq, id, &s, &row));
        if (str_contains(row.context, STR("\"immutable\":true")))
                return RAISE_FIELD(rq->cx, "#/memory_id", "is immutable");
        if (in->metadata.n)
                TRY(context_with(rq, row.context, in->metadata, &change.context));
        if (in->expiration_date.n && !mem0_expires(in->expiration_date, &change.expires_at))
                return RAISE_FIELD(rq->cx, "#/expiration_date", "must be YYYY-MM-DD");
        return memory_update(rq->cx, &s, id, &change, ret);
}

static Err update_handle(Req *rq, const void *in, void *ret) {
        MemoryWritten w;
        TRY(update_one(rq, rq->path[0], in, &w));
        mem0_view_make(rq, &w.row, ret);
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
static const Shape deleted_view = SHAPE(DeletedView,
        F_STR(DeletedView, message, F_REQ),
        F_STR(DeletedView, event_id, F_REQ));

/* Some of what is to go, in a write of its own: others write in between. */
typedef struct Sweep {
        Req *rq;
        MemoryScope s;
        const MemoryRow *v;
        size_t n;
        int64_t count;
} Sweep;

static Err sweep_write(Ctx *cx, DbConn *c, void *arg) {
        Sweep *w = arg;
        MemoryScope s = w->s;
        int64_t count = 0;
        s.c = c;
        for (size_t i = 0; i < w->n; i++) {
                Err e = memory_delete(cx, &s, w->v[i].memory_id);
                if (e && e != ERR_MEMORY_NOT_FOUND)
                        return e;
                err_clear(cx); /* gone meanwhile */
                count += !e;
        }
        w->count += count;
        return OK;
}

/* What a model has yet to read would come back otherwise. */
static Err unread_write(Ctx *cx, DbConn *c, void *arg) {
        const Sweep *w = arg;
        MemoryScope s = w->s;
        s.c = c;
        return memory_read_cancel(cx, &s);
}

/* Every memory of this status that fits, a page at a time. */
static Err status_sweep(Sweep *w, const Mem0Filter *f, const char *status) {
        Ctx *cx = w->rq->cx;
        Str cursor = STR_NULL;
        do {
                MemoryFilter page = { .status = str_c(status), .limit = SWEEP, .cursor = cursor };
                MemoryRows rows;
                size_t n = 0;
                TRY(db_read(cx, w->rq->sv->db, &w->s.c));
                TRY(memory_list(cx, &w->s, &page, &rows, &cursor));
                for (size_t i = 0; i < rows.n; i++)
                        if (mem0_filter_fits(w->rq, f, &rows.v[i]))
                                rows.v[n++] = rows.v[i];
                w->v = rows.v;
                w->n = n;
                if (n)
                        TRY(db_write(cx, w->rq->sv->db, sweep_write, w));
        } while (cursor.p);
        return OK;
}

Err mem0_delete_labelled(Req *rq, const Mem0Labels *labels, int64_t *ret_count) {
        _cleanup_(mem0_filter_done) Mem0Filter f = { 0 };
        Sweep w = { .rq = rq };
        TRY(mem0_filter_parse(rq, mem0_filters_from(rq->cx, labels), &f));
        if (!f.has_scope) {
                Err e = RAISE(rq->cx, ERR_BAD_REQUEST, "no scope named");
                rq->cx->err.detail = STR("One of user_id, agent_id, app_id, run_id is required.");
                return e;
        }
        TRY(mem0_scope(rq, f.user_id, &w.s));
        bool all = !labels->agent_id.n && !labels->app_id.n && !labels->run_id.n;
        if (all)
                TRY(db_write(rq->cx, rq->sv->db, unread_write, &w));
        for (size_t i = 0; memory_status_names[i]; i++)
                TRY(status_sweep(&w, &f, memory_status_names[i]));
        *ret_count = w.count;
        return OK;
}

static Err delete_all_handle(Req *rq, const void *in, void *ret) {
        const PageQuery *q = rq->query;
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
        F_JSON(BatchItem, metadata, F_NULL, .max = 6 * 1024));
static const Shape batch_in = SHAPE_OPEN(BatchIn,
        F_LIST(BatchIn, memories, F_REQ, .sub = &batch_item, .min = 1, .max = BATCH_MAX));

static Err batch_update_handle(Req *rq, const void *in_, void *ret) {
        const BatchIn *in = in_;
        const BatchItem *v = in->memories.v;
        for (size_t i = 0; i < in->memories.n; i++) {
                MemoryWritten w;
                UpdateIn one = { .text = v[i].text, .metadata = v[i].metadata };
                TRY(update_one(rq, v[i].memory_id, &one, &w));
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
static const Shape feedback_in = SHAPE_OPEN(FeedbackIn,
        F_STR(FeedbackIn, memory_id, F_REQ, .max = 64),
        F_STR(FeedbackIn, feedback, F_NULL, .max = 32),
        F_STR(FeedbackIn, feedback_reason, F_NULL, .max = 1000));
typedef struct FeedbackView {
        Str id, feedback, feedback_reason;
} FeedbackView;
static const Shape feedback_view = SHAPE(FeedbackView,
        F_STR(FeedbackView, id, F_REQ),
        F_STR(FeedbackView, feedback, F_REQ | F_NULL),
        F_STR(FeedbackView, feedback_reason, F_REQ | F_NULL));

static Err feedback_handle(Req *rq, const void *in_, void *ret) {
        const FeedbackIn *in = in_;
        MemoryScope s;
        MemoryRow row;
        TRY(mem0_get(rq, in->memory_id, &s, &row));
        /* A very negative word halves the confidence; the search's threshold does the rest. */
        MemoryWritten w;
        bool bad = str_eq_nocase(in->feedback, STR("NEGATIVE")) ||
                   str_eq_nocase(in->feedback, STR("VERY_NEGATIVE"));
        if (bad)
                TRY(memory_update(rq->cx, &s, row.memory_id,
                                  &(MemoryChange){ .confidence = row.confidence / 2 }, &w));
        *(FeedbackView *)ret = (FeedbackView){ row.memory_id, in->feedback, in->feedback_reason };
        return OK;
}

typedef struct SummaryView {
        Str summary;
} SummaryView;
static const Shape summary_view = SHAPE(SummaryView, F_STR(SummaryView, summary, F_REQ));

static Err summary_handle(Req *rq, const void *in_, void *ret) {
        _cleanup_(mem0_filter_done) Mem0Filter f = { 0 };
        _cleanup_(buf_done) Buf b = BUF(64 * 1024);
        const ListIn *in = in_;
        MemoryScope s;
        ProfileSummary p;
        TRY(mem0_filter_parse(rq, in->filters, &f));
        TRY(mem0_scope(rq, f.user_id.p ? f.user_id : in->user_id, &s));
        TRY(profile_summary(rq->cx, &s, &p));
        if (p.name.n)
                buf_addf(&b, "Name: %.*s. ", STR_FMT(p.name));
        for (size_t i = 0; i < p.key_facts.n; i++)
                buf_addf(&b, "%.*s. ", STR_FMT(p.key_facts.v[i]));
        for (size_t i = 0; i < p.preferences.n; i++)
                buf_addf(&b, "%.*s. ", STR_FMT(p.preferences.v[i]));
        ((SummaryView *)ret)->summary =
                b.n ? str_trim(arena_dup(rq->cx->arena, buf_str(&b))) : STR("");
        return OK;
}

typedef struct FiguresView {
        int64_t total_memories, total_entities;
} FiguresView;
static const Shape figures_view = SHAPE(FiguresView,
        F_INT(FiguresView, total_memories, F_REQ),
        F_INT(FiguresView, total_entities, F_REQ));

static Err figures_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        MemoryStats st;
        Strs subs;
        TRY(memory_stats(rq->cx, &s, &st));
        FiguresView v = { .total_memories = st.total, .total_entities = st.total > 0 };
        TRY(memory_sub_users(rq->cx, s.c, rq->who->user_id, &subs));
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
static const Shape export_in = SHAPE_OPEN(ExportIn,
        F_JSON(ExportIn, filters, F_NULL, .max = 32 * 1024),
        F_STR(ExportIn, memory_export_id, F_NULL, .max = 64),
        F_JSON(ExportIn, schema, F_NULL, .max = 64 * 1024));
typedef struct ExportView {
        Str message, id;
} ExportView;
static const Shape export_view = SHAPE(ExportView,
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
        TRY(mem0_filter_parse(rq, in->filters, &f));
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
                        return e == ERR_NOT_FOUND ? RAISE(rq->cx, e, "no such export of this user")
                                       : e;
                                       filters = job.result;
        }
        return page_make(rq, filters, &(PageQuery){ .page = 1, .page_size = PAGE_MAX }, ret);
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
                .query = &page_query,
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
                .lane = LANE_READ,
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

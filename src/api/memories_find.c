// SPDX-License-Identifier: MIT
/* Search, and the upkeep of one's own memories: consolidation, clean-up, decay, jobs. */
#include <math.h>

#include "api/memory_view.h"
#include "memory/jobs.h"

#define TYPES "fact|preference|commitment|instruction|entity|episodic"
enum { QUERY_MAX = 1000, TOP_MAX = 100, FILTER_MAX = 50 };

/* ---- search ---- */

typedef struct SearchIn {
        Str user_id, query, type, conversation_id, speaker;
        int64_t top_k, as_of, known_at, from, to;
        Strs types, tags, units, speakers, conversations;
        double min_confidence, min_score;
        bool include_superseded, include_turns, explain;
} SearchIn;
#define SEARCH_FIELDS                                                                              \
        F_STR(SearchIn, user_id, F_NULL, .max = 128),                                              \
                F_STR(SearchIn, query, F_REQ | F_BLANK, .min = 1, .max = QUERY_MAX),               \
                F_INT(SearchIn, top_k, F_NULL, .min = 1, .max = TOP_MAX, .def = 10),               \
                F_STR(SearchIn, type, F_NULL | F_LOWER, .one_of = TYPES),                          \
                F_STRS(SearchIn, types, F_NULL, .max = 6, .item_max = 16,                          \
                       .doc = "any of these types"),                                               \
                F_STRS(SearchIn, tags, F_NULL, .max = MEMORY_TAGS_MAX,                             \
                       .item_max = MEMORY_TAG_MAX),                                                \
                F_NUM(SearchIn, min_confidence, F_NULL, .min = 0, .max = 1, .def = 0.5),           \
                F_NUM(SearchIn, min_score, F_NULL, .min = 0, .max = 1),                            \
                F_TIME(SearchIn, as_of, F_NULL, .doc = "what was true then"),                      \
                F_TIME(SearchIn, known_at, F_NULL, .doc = "what was held to be true then"),        \
                F_TIME(SearchIn, from, F_NULL, .doc = "said, or valid from, not before"),          \
                F_TIME(SearchIn, to, F_NULL, .doc = "and before"),                                 \
                F_STR(SearchIn, conversation_id, F_NULL, .max = EXTERNAL_ID_MAX,                   \
                      .doc = "ours or the caller's id"),                                           \
                F_STRS(SearchIn, conversations, F_NULL, .max = FILTER_MAX,                         \
                       .item_max = EXTERNAL_ID_MAX),                                               \
                F_STR(SearchIn, speaker, F_NULL, .max = TURN_SPEAKER_MAX),                         \
                F_STRS(SearchIn, speakers, F_NULL, .max = FILTER_MAX,                              \
                       .item_max = TURN_SPEAKER_MAX),                                              \
                F_BOOL(SearchIn, include_superseded, F_NULL),                                      \
                F_BOOL(SearchIn, include_turns, F_NULL, .doc = "turns as well as memories"),       \
                F_STRS(SearchIn, units, F_NULL, .max = 2, .item_max = 8,                           \
                       .doc = "\"memory\", \"turn\" or both"),                                     \
                F_BOOL(SearchIn, explain, F_NULL, .def = 1)
static const Shape search_in = SHAPE(SearchIn, SEARCH_FIELDS);

typedef struct BreakdownView {
        double lexical, proximity, conversation, date, named;
        double speaker, when, answer, first_person, question, brief, circle;
        double semantic, importance_boost, confidence_boost, recency_boost, scale;
        Strs matched_terms;
        Str unit;
} BreakdownView;
static const Shape breakdown_view = SHAPE(BreakdownView,
        F_NUM(BreakdownView, lexical, F_REQ, .doc = "the share of the best; added to what follows"),
        F_NUM(BreakdownView, proximity, F_REQ),
        F_NUM(BreakdownView, conversation, F_REQ),
        F_NUM(BreakdownView, date, F_REQ),
        F_NUM(BreakdownView, named, F_REQ),
        F_NUM(BreakdownView, speaker, F_REQ, .doc = "a factor on that sum, as what follows"),
        F_NUM(BreakdownView, when, F_REQ),
        F_NUM(BreakdownView, answer, F_REQ, .doc = "holds a number, a place, a name that is asked for"),
        F_NUM(BreakdownView, first_person, F_REQ),
        F_NUM(BreakdownView, question, F_REQ),
        F_NUM(BreakdownView, brief, F_REQ),
        F_NUM(BreakdownView, circle, F_REQ),
        F_NUM(BreakdownView, semantic, F_REQ, .doc = "added then; the rest are factors again"),
        F_NUM(BreakdownView, importance_boost, F_REQ),
        F_NUM(BreakdownView, confidence_boost, F_REQ),
        F_NUM(BreakdownView, recency_boost, F_REQ),
        F_NUM(BreakdownView, scale, F_REQ, .doc = "of this answer; the product is relevance_score"),
        F_STRS(BreakdownView, matched_terms, F_REQ),
        F_STR(BreakdownView, unit, F_REQ, .one_of = "memory|turn"));

typedef struct HitView {
        Str unit;
        const MemoryView *memory;
        const TurnView *turn;
        double relevance_score, similarity_score, recency_score, access_score;
        const BreakdownView *breakdown;
} HitView;
static const Shape hit_view = SHAPE(HitView,
        F_STR(HitView, unit, F_REQ, .one_of = "memory|turn"),
        F_OBJ(HitView, memory, 0, .sub = &memory_view),
        F_OBJ(HitView, turn, 0, .sub = &turn_unit_view),
        F_NUM(HitView, relevance_score, F_REQ),
        F_NUM(HitView, similarity_score, F_REQ),
        F_NUM(HitView, recency_score, F_REQ),
        F_NUM(HitView, access_score, F_REQ),
        F_OBJ(HitView, breakdown, 0, .sub = &breakdown_view));

static Strs joined(Ctx *cx, Strs list, Str one) {
        if (!one.p)
                return list;
        Str *v = NEW_ARRAY(cx->arena, Str, list.n + 1);
        for (size_t i = 0; i < list.n; i++)
                v[i] = list.v[i];
        v[list.n] = one;
        return (Strs){ v, list.n + 1 };
}

static Err units_of(Ctx *cx, const SearchIn *in, MemoryQuery *q) {
        q->memories = !in->units.n;
        q->turns = in->include_turns;
        for (size_t i = 0; i < in->units.n; i++) {
                bool memory = str_eq_c(in->units.v[i], "memory"),
                     turn = str_eq_c(in->units.v[i], "turn");
                if (!memory && !turn)
                        return RAISE_FIELD(cx, "#/units", "must hold \"memory\" or \"turn\"");
                q->memories |= memory;
                q->turns |= turn;
        }
        return OK;
}

/* Six decimals: what is behind them is the clock moving on. */
static double shown(double v) { return round(v * 1e6) / 1e6; }

/* Nine, so that the product of a dozen is right to six. */
static double exact(double v) { return round(v * 1e9) / 1e9; }

static const BreakdownView *breakdown_fill(Ctx *cx, const Breakdown *d, const Str *unit) {
        const HitParts *p = &d->parts;
        BreakdownView *b = NEW(cx->arena, BreakdownView);
        *b = (BreakdownView){ exact(p->lexical),
                              exact(p->proximity),
                              exact(p->conversation),
                              exact(p->date),
                              exact(p->named),
                              exact(p->speaker),
                              exact(p->when),
                              exact(p->answer),
                              exact(p->first_person),
                              exact(p->question),
                              exact(p->brief),
                              exact(p->circle),
                              exact(p->semantic),
                              exact(p->importance_boost),
                              exact(p->confidence_boost),
                              exact(p->recency_boost),
                              exact(p->scale),
                              d->matched_terms,
                              *unit };
        if (!b->matched_terms.v)
                b->matched_terms.v = unit; /* empty, not absent */
        return b;
}

static const HitView *hit_fill(Ctx *cx, const MemoryHit *h, bool explain, HitView *ret) {
        *ret = (HitView){ .unit = h->memory ? STR("memory") : STR("turn"),
                          .relevance_score = shown(h->relevance),
                          .similarity_score = shown(h->similarity),
                          .recency_score = shown(h->recency),
                          .access_score = shown(h->access) };
        if (h->memory) {
                MemoryView *m = NEW(cx->arena, MemoryView);
                memory_view_make(cx, h->memory, m);
                ret->memory = m;
        } else {
                TurnView *t = NEW(cx->arena, TurnView);
                turn_view_make(h->turn, t);
                ret->turn = t;
        }
        if (explain)
                ret->breakdown = breakdown_fill(cx, &h->breakdown, &ret->unit);
        return ret;
}

static Err search_run(Req *rq, const SearchIn *in, List *ret) {
        MemoryScope s;
        MemoryHits hits;
        TRY(req_same_user(rq, in->user_id));
        TRY(req_memory_read(rq, &s));
        MemoryQuery q = {
                .query = in->query,
                .top_k = in->top_k,
                .types = joined(rq->cx, in->types, in->type),
                .tags = in->tags,
                .speakers = joined(rq->cx, in->speakers, in->speaker),
                .conversations = joined(rq->cx, in->conversations, in->conversation_id),
                .min_confidence = in->min_confidence,
                .min_score = in->min_score,
                .as_of = in->as_of,
                .known_at = in->known_at,
                .from = in->from,
                .to = in->to,
                .include_superseded = in->include_superseded,
        };
        TRY(units_of(rq->cx, in, &q));
        TRY(memory_search(rq->cx, &s, &q, &hits));
        HitView *v = NEW_ARRAY(rq->cx->arena, HitView, hits.n + 1);
        for (size_t i = 0; i < hits.n; i++)
                hit_fill(rq->cx, &hits.v[i], in->explain, &v[i]);
        if (hits.degraded)
                req_header(rq, STR("X-Retrieval-Degraded"), STR("embeddings"));
        *ret = (List){ v, hits.n };
        return OK;
}

static Err search_handle(Req *rq, const void *in, void *ret) { return search_run(rq, in, ret); }
static Err search_get_handle(Req *rq, const void *in, void *ret) {
        return search_run(rq, rq->query, ret);
}

/* ---- upkeep ---- */

typedef struct ConsolidateIn {
        double threshold;
} ConsolidateIn;
typedef struct ConsolidateView {
        int64_t consolidated_count;
} ConsolidateView;
static const Shape consolidate_in = SHAPE(ConsolidateIn,
        F_NUM(ConsolidateIn, threshold, F_NULL, .min = 0.8, .max = 1, .def = 0.9));
static const Shape consolidate_view = SHAPE(ConsolidateView,
        F_INT(ConsolidateView, consolidated_count, F_REQ));

static Err consolidate_handle(Req *rq, const void *in_, void *ret) {
        const ConsolidateIn *in = in_;
        ConsolidateView *v = ret;
        return memory_consolidate(rq->cx, rq->sv->memory, rq->who->user_id, in->threshold,
                                  &v->consolidated_count);
}

typedef struct CleanupQuery {
        int64_t days;
        bool dry_run;
} CleanupQuery;
typedef struct CleanupIn {
        bool dry_run;
} CleanupIn;
typedef struct CleanupView {
        int64_t deleted_count;
} CleanupView;
static const Shape cleanup_query = SHAPE(CleanupQuery,
        F_INT(CleanupQuery, days, 0, .min = 1, .max = 3650, .def = 90),
        F_BOOL(CleanupQuery, dry_run, 0));
static const Shape cleanup_in = SHAPE(CleanupIn, F_BOOL(CleanupIn, dry_run, F_NULL));
static const Shape cleanup_view = SHAPE(CleanupView, F_INT(CleanupView, deleted_count, F_REQ));

static Err cleanup_handle(Req *rq, const void *in_, void *ret) {
        const CleanupQuery *q = rq->query;
        const CleanupIn *in = in_;
        CleanupView *v = ret;
        Cleanup c = { .days = q->days, .dry_run = q->dry_run || in->dry_run };
        return memory_cleanup(rq->cx, rq->sv->memory, rq->who->user_id, &c, &v->deleted_count);
}

typedef struct DecayView {
        int64_t updated_count;
} DecayView;
static const Shape decay_view = SHAPE(DecayView, F_INT(DecayView, updated_count, F_REQ));

static Err decay_handle(Req *rq, const void *in, void *ret) {
        DecayView *v = ret;
        return memory_decay(rq->cx, rq->sv->memory, rq->who->user_id, &v->updated_count);
}

/* ---- jobs ---- */

#define KINDS "decay|cleanup|consolidate|embed"
typedef struct JobIn {
        Str kind;
} JobIn;
typedef struct JobView {
        Str job_id, kind, state, error;
        int64_t attempts, created_at, started_at, finished_at;
        Str result;
} JobView;
static const Shape job_in = SHAPE(JobIn, F_STR(JobIn, kind, F_REQ, .one_of = KINDS));
static const Shape job_view = SHAPE(JobView,
        F_STR(JobView, job_id, F_REQ, .format = "uuid"),
        F_STR(JobView, kind, F_REQ),
        F_STR(JobView, state, F_REQ, .one_of = "queued|running|done|failed"),
        F_INT(JobView, attempts, F_REQ),
        F_TIME(JobView, created_at, F_REQ),
        F_TIME(JobView, started_at, F_REQ | F_NULL),
        F_TIME(JobView, finished_at, F_REQ | F_NULL),
        F_JSON(JobView, result, F_REQ | F_NULL),
        F_STR(JobView, error, F_REQ | F_NULL));

static JobView job_fill(const MemoryJob *j) {
        return (JobView){ j->job_id,     j->kind,       j->state,       j->error, j->attempts,
                          j->created_at, j->started_at, j->finished_at, j->result };
}

static Err job_start_handle(Req *rq, const void *in_, void *ret) {
        const JobIn *in = in_;
        MemoryScope s = req_memory(rq);
        MemoryJob j;
        TRY(memory_job_start(rq->cx, &s, in->kind, &j));
        *(JobView *)ret = job_fill(&j);
        return OK;
}

static Err job_get_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        MemoryJob j;
        Err e = memory_job_get(rq->cx, &s, rq->path[0], &j);
        if (e)
                return e == ERR_NOT_FOUND ? RAISE(rq->cx, e, "no such job of this user") : e;
        *(JobView *)ret = job_fill(&j);
        return OK;
}

static Err job_list_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s = req_memory(rq);
        MemoryJobList list;
        TRY(memory_job_list(rq->cx, &s, &list));
        JobView *v = NEW_ARRAY(rq->cx->arena, JobView, list.n + 1);
        for (size_t i = 0; i < list.n; i++)
                v[i] = job_fill(&list.v[i]);
        *(List *)ret = (List){ v, list.n };
        return OK;
}

#define MEMORY_ROW .auth = AUTH_USER, .tag = "Memories"
#define READS                                                                                      \
        MEMORY_ROW, .scope = "memories:read", .rate = RATE_READ,                                   \
                    .audit_none = "the caller reads own data"
#define UPKEEP                                                                                     \
        MEMORY_ROW, .lane = LANE_WORKER, .scope = "memories:write", .rate = RATE_WRITE,            \
                    .audit_none = "kept in the memories' own history"

const Route memories_find_routes[] = {
        {
                .id = "memory.search",
                .method = POST,
                .path = "/api/v1/memories/search",
                .lane = LANE_WORKER,
                READS,
                .in = &search_in,
                .out = &hit_view,
                .out_list = true,
                .body_max = 32 * 1024,
                .errors = ERRORS(ERR_USER_MISMATCH),
                .mcp_tool = "search_memories",
                .summary =
                        "Search memories and turns, best first, each with the reasons for its rank",
                .fn = search_handle,
        },
        {
                .id = "memory.search_get",
                .method = GET,
                .path = "/api/v1/memories/search",
                .lane = LANE_WORKER,
                READS,
                .query = &search_in,
                .out = &hit_view,
                .out_list = true,
                .errors = ERRORS(ERR_USER_MISMATCH),
                .summary = "The same search by query string",
                .fn = search_get_handle,
        },
        {
                .id = "memory.consolidate",
                .method = POST,
                .path = "/api/v1/memories/consolidate",
                UPKEEP,
                .in = &consolidate_in,
                .out = &consolidate_view,
                .body_max = 1024,
                .summary = "Merge memories that say the same",
                .fn = consolidate_handle,
        },
        {
                .id = "memory.cleanup",
                .method = POST,
                .path = "/api/v1/memories/cleanup",
                UPKEEP,
                .query = &cleanup_query,
                .in = &cleanup_in,
                .out = &cleanup_view,
                .body_max = 1024,
                .summary = "Delete faded memories older than some days",
                .fn = cleanup_handle,
        },
        {
                .id = "memory.decay",
                .method = POST,
                .path = "/api/v1/memories/decay",
                UPKEEP,
                .out = &decay_view,
                .summary = "Bring decay scores up to date",
                .fn = decay_handle,
        },
        {
                .id = "memory.job_start",
                .method = POST,
                .path = "/api/v1/jobs",
                .lane = LANE_WRITE,
                MEMORY_ROW,
                .scope = "memories:write",
                .rate = RATE_WRITE,
                .audit_none = "visible as a job",
                .in = &job_in,
                .out = &job_view,
                .status = 202,
                .body_max = 1024,
                .summary = "Start upkeep in the background",
                .fn = job_start_handle,
        },
        {
                .id = "memory.jobs",
                .method = GET,
                .path = "/api/v1/jobs",
                .lane = LANE_READ,
                READS,
                .out = &job_view,
                .out_list = true,
                .summary = "Background jobs, newest first",
                .fn = job_list_handle,
        },
        {
                .id = "memory.job",
                .method = GET,
                .path = "/api/v1/jobs/{job_id}",
                .lane = LANE_READ,
                READS,
                .out = &job_view,
                .errors = ERRORS(ERR_NOT_FOUND),
                .summary = "One background job",
                .fn = job_get_handle,
        },
        {}
};

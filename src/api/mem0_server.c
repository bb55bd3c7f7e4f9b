// SPDX-License-Identifier: MIT
/* Entities of the platform form, and the routes of mem0's own server ("server form"). */
#include "api/mem0.h"
#include "codec/uuid.h"

enum { ADD_BODY = 1024 * 1024, BODY = 64 * 1024, ENTITIES_MAX = 1000 };

#define ROW(scope_, rate_)                                                                         \
        .auth = AUTH_USER, .tag = "Mem0 compatible", .wire = WIRE_MEM0, .scope = scope_,           \
        .rate = rate_
#define READS  ROW("memories:read", RATE_READ), .audit_none = "the caller reads own data"
#define WRITES ROW("memories:write", RATE_MEMORY), .audit_none = "kept in the memories' own history"

/* ---- entities ---- */

typedef struct EntityView {
        Str id, name, type;
        int64_t total_memories, created_at, updated_at;
} EntityView;
typedef struct EntitiesView {
        int64_t count;
        Str next, previous;
        List results;
} EntitiesView;
static const Shape entity_view = SHAPE(EntityView,
        F_STR(EntityView, id, F_REQ),
        F_STR(EntityView, name, F_REQ),
        F_STR(EntityView, type, F_REQ, .one_of = "user|agent|app|run"),
        F_INT(EntityView, total_memories, F_REQ),
        F_TIME(EntityView, created_at, F_REQ),
        F_TIME(EntityView, updated_at, F_REQ));
static const Shape entities_view = SHAPE(EntitiesView,
        F_INT(EntitiesView, count, F_REQ),
        F_STR(EntitiesView, next, F_REQ | F_NULL),
        F_STR(EntitiesView, previous, F_REQ | F_NULL),
        F_LIST(EntitiesView, results, F_REQ, .sub = &entity_view));
typedef struct EntitiesQuery {
        int64_t page, page_size;
} EntitiesQuery;
static const Shape entities_query =
        SHAPE_OPEN(EntitiesQuery,
        F_INT(EntitiesQuery, page, 0, .min = 1, .max = 1000, .def = 1),
        F_INT(EntitiesQuery, page_size, 0, .min = 1, .max = ENTITIES_MAX, .def = ENTITIES_MAX));

typedef struct Gather {
        Req *rq;
        EntityView *v;
        size_t n;
} Gather;

static void entity_count(Gather *g, Str name, const char *type, const MemoryRow *row) {
        if (!name.n)
                return;
        size_t i = 0;
        while (i < g->n && !(str_eq(g->v[i].name, name) && str_eq_c(g->v[i].type, type)))
                i++;
        if (i == ENTITIES_MAX)
                return;
        if (i == g->n)
                g->v[g->n++] = (EntityView){ name,           name, str_c(type), 0, row->created_at,
                                             row->updated_at };
        EntityView *e = &g->v[i];
        e->total_memories++;
        e->created_at = MIN(e->created_at, row->created_at);
        e->updated_at = MAX(e->updated_at, row->updated_at);
}

static Err entities_count(Mem0Walk *w, const MemoryScope *s, const MemoryRows *rows) {
        Gather *g = w->arg;
        for (size_t i = 0; i < rows->n; i++) {
                Mem0View v;
                mem0_view_make(g->rq, &rows->v[i], &v);
                entity_count(g, v.user_id, "user", &rows->v[i]);
                entity_count(g, v.agent_id, "agent", &rows->v[i]);
                entity_count(g, v.app_id, "app", &rows->v[i]);
                entity_count(g, v.run_id, "run", &rows->v[i]);
        }
        return OK;
}

static Err entities_gather(Gather *g) {
        _cleanup_(mem0_filter_done) Mem0Filter all = { 0 };
        Mem0Walk w = { .rq = g->rq, .f = &all, .rows = entities_count, .arg = g };
        DbConn *c;
        Strs scopes;
        TRY(mem0_filter_parse(g->rq, STR("{\"user_id\":\"*\"}"), STR_NULL, &all));
        TRY(db_read(g->rq->cx, g->rq->sv->db, &c));
        TRY(mem0_scopes(g->rq, &all, c, &scopes));
        for (size_t i = 0; i < scopes.n; i++)
                TRY(mem0_walk(&w, scopes.v[i]));
        return OK;
}

static Err entities_handle(Req *rq, const void *in, void *ret) {
        const EntitiesQuery *q = rq->query;
        Gather g = { rq, NEW_ARRAY(rq->cx->arena, EntityView, ENTITIES_MAX), 0 };
        TRY(entities_gather(&g));
        size_t from = MIN((size_t)((q->page - 1) * q->page_size), g.n),
               n = MIN(g.n - from, (size_t)q->page_size);
        EntitiesView v = { .count = (int64_t)g.n, .results = { g.v + from, n } };
        if (from + n < g.n)
                v.next = mem0_page_link(rq, q->page + 1);
        if (q->page > 1)
                v.previous = mem0_page_link(rq, q->page - 1);
        *(EntitiesView *)ret = v;
        return OK;
}

static Err entity_delete_handle(Req *rq, const void *in, void *ret) {
        Str type = rq->path[0], name = rq->path[1];
        Mem0Labels l = { 0 };
        const struct {
                const char *type;
                Str *label;
        } types[] = { { "user", &l.user_id },
                      { "agent", &l.agent_id },
                      { "app", &l.app_id },
                      { "run", &l.run_id } };
        size_t i = 0;
        while (i < ELEMENTSOF(types) && !str_eq_c(type, types[i].type))
                i++;
        if (i == ELEMENTSOF(types))
                return RAISE(rq->cx, ERR_NOT_FOUND, "entity type is not user, agent, app or run");
        *types[i].label = name;
        int64_t count;
        TRY(mem0_delete_labelled(rq, &l, &count));
        bool went = mem0_gone_take(rq, type, name);
        if (!count && !went)
                return RAISE(rq->cx, ERR_NOT_FOUND, "no such entity of this user");
        *(Mem0Message *)ret = (Mem0Message){ STR("Entity deleted successfully!") };
        return OK;
}

/* ---- server form ---- */

typedef struct ResultsView {
        List results;
} ResultsView;
static const Shape added_view =
        SHAPE(ResultsView,
        F_LIST(ResultsView, results, F_REQ, .sub = &mem0_result));
static const Shape found_view =
        SHAPE(ResultsView,
        F_LIST(ResultsView, results, F_REQ, .sub = &mem0_view));

static Err one_scope(Req *rq, const Mem0Labels *l) {
        if (l->user_id.n || l->agent_id.n || l->app_id.n || l->run_id.n)
                return OK;
        Err e = RAISE(rq->cx, ERR_BAD_REQUEST, "no scope named");
        rq->cx->err.detail =
                STR("At least one identifier (user_id, agent_id, run_id) is required.");
        return e;
}

static Err add_handle(Req *rq, const void *in_, void *ret) {
        const Mem0AddIn *in = in_;
        TRY(one_scope(rq, &(Mem0Labels){ in->user_id, in->agent_id, in->app_id, in->run_id }));
        bool later;
        TRY(mem0_add(rq, in, &((ResultsView *)ret)->results));
        return mem0_read_later(rq, in, uuid_new(rq->cx), STR(""), &later);
}

static Err search_handle(Req *rq, const void *in, void *ret) {
        return mem0_search(rq, in, &((ResultsView *)ret)->results);
}

typedef struct LabelQuery {
        Str user_id, agent_id, app_id, run_id;
} LabelQuery;
static const Shape label_query =
        SHAPE_OPEN(LabelQuery,
        F_STR(LabelQuery, user_id, 0, .max = 128),
        F_STR(LabelQuery, agent_id, 0, .max = 128),
        F_STR(LabelQuery, app_id, 0, .max = 128),
        F_STR(LabelQuery, run_id, 0, .max = 128));

static Err list_handle(Req *rq, const void *in, void *ret) {
        _cleanup_(mem0_filter_done) Mem0Filter f = { 0 };
        const LabelQuery *q = rq->query;
        Mem0Where where = { .labels = { q->user_id, q->agent_id, q->app_id, q->run_id } };
        Mem0Rows rows;
        Str more;
        TRY(one_scope(rq, &where.labels));
        TRY(mem0_where(rq, &where, &more));
        TRY(mem0_filter_parse(rq, STR_NULL, more, &f));
        TRY(mem0_rows(rq, &f, &rows));
        Mem0View *v = NEW_ARRAY(rq->cx->arena, Mem0View, rows.n + 1);
        for (size_t i = 0; i < rows.n; i++)
                mem0_view_make(rq, &rows.v[i], &v[i]);
        ((ResultsView *)ret)->results = (List){ v, rows.n };
        return OK;
}

static Err get_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s;
        MemoryRow row;
        TRY(mem0_get(rq, rq->path[0], &s, &row));
        mem0_view_make(rq, &row, ret);
        return OK;
}

typedef struct PutIn {
        Str text, data;
} PutIn;
static const Shape put_in = SHAPE_OPEN(PutIn,
        F_STR(PutIn, text, F_NULL | F_BLANK, .min = 1, .max = MEMORY_CONTENT_MAX),
        F_STR(PutIn, data, F_NULL | F_BLANK, .min = 1, .max = MEMORY_CONTENT_MAX));

static Err put_handle(Req *rq, const void *in_, void *ret) {
        const PutIn *in = in_;
        MemoryRow row;
        if (!in->text.n && !in->data.n)
                return RAISE_FIELD(rq->cx, "#/text", "is needed");
        TRY(mem0_update(rq, rq->path[0], &(Mem0Change){ .text = in->text.n ? in->text : in->data },
                        &row));
        *(Mem0Message *)ret = (Mem0Message){ STR("Memory updated successfully!") };
        return OK;
}

static Err delete_handle(Req *rq, const void *in, void *ret) {
        MemoryScope s;
        MemoryRow row;
        TRY(mem0_get(rq, rq->path[0], &s, &row));
        TRY(memory_delete(rq->cx, &s, row.memory_id));
        *(Mem0Message *)ret = (Mem0Message){ STR("Memory deleted successfully") };
        return OK;
}

static Err delete_all_handle(Req *rq, const void *in, void *ret) {
        const Mem0DeleteQuery *q = rq->query;
        int64_t count;
        TRY(mem0_delete_labelled(rq, &(Mem0Labels){ q->user_id, q->agent_id, q->app_id, q->run_id },
                                 &count));
        *(Mem0Message *)ret = (Mem0Message){ STR("All relevant memories deleted") };
        return OK;
}

typedef struct Reset {
        const Req *rq;
        int64_t position;
} Reset;

static Err reset_write(Ctx *cx, DbConn *c, void *arg) {
        Reset *r = arg;
        MemoryScope s = req_memory(r->rq);
        int64_t position = r->position, count;
        s.c = c;
        TRY(memory_delete_some(cx, &s, &(MemoryMatch){ 0 }, &position, &count));
        r->position = position;
        return OK;
}

static Err reset_handle(Req *rq, const void *in, void *ret) {
        Reset r = { .rq = rq };
        while (r.position != MEMORY_AT_END)
                TRY(db_write(rq->cx, rq->sv->db, reset_write, &r));
        *(Mem0Message *)ret = (Mem0Message){ STR("All memories reset") };
        return OK;
}

typedef struct ConfigureView {
        Str version, vector_store, llm, embedder;
} ConfigureView;
static const Shape configure_view =
        SHAPE(ConfigureView,
        F_STR(ConfigureView, version, F_REQ),
        F_STR(ConfigureView, vector_store, F_REQ),
        F_STR(ConfigureView, llm, F_REQ),
        F_STR(ConfigureView, embedder, F_REQ));

static Err configure_handle(Req *rq, const void *in, void *ret) {
        *(ConfigureView *)ret =
                (ConfigureView){ rq->sv->version, STR("built-in index"),
                                 rq->sv->llm_configured ? STR("configured") : STR("none"),
                                 STR("by environment") };
        return OK;
}

static Err configure_refuse(Req *rq, const void *in, void *ret) {
        Err e = RAISE(rq->cx, ERR_FORBIDDEN, "configuration by request");
        rq->cx->err.detail = STR("Configuration comes from the environment");
        return e;
}

#define ONE(id_, method_)                                                                          \
        .id = id_, .method = method_, .path = "/memories/{memory_id}/",                            \
        .errors = ERRORS(ERR_MEMORY_NOT_FOUND, ERR_BAD_REQUEST)

const Route mem0_server_routes[] = {
        {
                .id = "mem0.entities",
                .method = GET,
                .path = "/v1/entities/",
                .lane = LANE_WORKER,
                READS,
                .query = &entities_query,
                .out = &entities_view,
                .summary = "Users, agents, apps and runs with memories",
                .fn = entities_handle,
        },
        {
                .id = "mem0.entity_delete",
                .method = DELETE,
                .path = "/v2/entities/{type}/{name}/",
                .lane = LANE_WORKER,
                WRITES,
                .out = &mem0_message,
                .errors = ERRORS(ERR_NOT_FOUND, ERR_SCOPE),
                .summary = "Delete all memories of an entity",
                .fn = entity_delete_handle,
        },
        {
                .id = "mem0.server_add",
                .method = POST,
                .path = "/memories/",
                .lane = LANE_WRITE,
                WRITES,
                .in = &mem0_add_in,
                .out = &added_view,
                .body_max = ADD_BODY,
                .errors = ERRORS(ERR_BAD_REQUEST, ERR_MEMORY_QUOTA, ERR_SCOPE),
                .summary = "Remember from messages",
                .fn = add_handle,
        },
        {
                .id = "mem0.server_list",
                .method = GET,
                .path = "/memories/",
                .lane = LANE_WORKER,
                READS,
                .query = &label_query,
                .out = &found_view,
                .errors = ERRORS(ERR_BAD_REQUEST, ERR_SCOPE),
                .summary = "List by labels",
                .fn = list_handle,
        },
        {
                .id = "mem0.server_delete_all",
                .method = DELETE,
                .path = "/memories/",
                .lane = LANE_WORKER,
                WRITES,
                .query = &mem0_delete_query,
                .out = &mem0_message,
                .errors = ERRORS(ERR_BAD_REQUEST, ERR_SCOPE),
                .summary = "Delete by labels",
                .fn = delete_all_handle,
        },
        { ONE("mem0.server_get", GET), .lane = LANE_READ, READS, .out = &mem0_view,
          .summary = "One memory", .fn = get_handle },
        {
                ONE("mem0.server_update", PUT),
                .lane = LANE_WRITE,
                WRITES,
                .in = &put_in,
                .out = &mem0_message,
                .body_max = BODY,
                .summary = "Change a memory",
                .fn = put_handle,
        },
        { ONE("mem0.server_delete", DELETE), .lane = LANE_WRITE, WRITES, .out = &mem0_message,
          .summary = "Delete a memory", .fn = delete_handle },
        {
                .id = "mem0.server_history",
                .method = GET,
                .path = "/memories/{memory_id}/history/",
                .lane = LANE_READ,
                READS,
                .out = &mem0_history_view,
                .out_list = true,
                .errors = ERRORS(ERR_MEMORY_NOT_FOUND, ERR_BAD_REQUEST),
                .summary = "Versions of a memory",
                .fn = mem0_history_handle,
        },
        {
                .id = "mem0.server_search",
                .method = POST,
                .path = "/search/",
                .lane = LANE_WORKER,
                READS,
                .in = &mem0_search_in,
                .out = &found_view,
                .body_max = BODY,
                .errors = ERRORS(ERR_SCOPE),
                .summary = "Search by filters",
                .fn = search_handle,
        },
        {
                .id = "mem0.server_reset",
                .method = POST,
                .path = "/reset/",
                .lane = LANE_WORKER,
                WRITES,
                .out = &mem0_message,
                .summary = "Delete the caller's own memories",
                .fn = reset_handle,
        },
        {
                .id = "mem0.server_configure",
                .method = GET,
                .path = "/configure/",
                .lane = LANE_INLINE,
                .auth = AUTH_ADMIN,
                .tag = "Mem0 compatible",
                .wire = WIRE_MEM0,
                .scope = "admin",
                .rate = RATE_READ,
                .audit_none = "shows what is configured, nothing secret",
                .out = &configure_view,
                .summary = "What is configured",
                .fn = configure_handle,
        },
        {
                .id = "mem0.server_configure_set",
                .method = POST,
                .path = "/configure/",
                .lane = LANE_INLINE,
                ROW(NULL, RATE_READ),
                .audit_none = "always refused",
                .in_raw = true,
                .body_max = BODY,
                .out = &mem0_message,
                .errors = ERRORS(ERR_FORBIDDEN),
                .summary = "Refused: configuration comes from the environment",
                .fn = configure_refuse,
        },
        {}
};

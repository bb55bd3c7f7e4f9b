// SPDX-License-Identifier: MIT
/* Health, readiness and status. */
#include "ops/health.h"
#include "api/router.h"
#include "api/services.h"
#include "chat/chat.h"
#include "codec/json.h"
#include "codec/url.h"
#include "codec/when.h"
#include "sys/proc.h"
#include "web/server.h"

/* Health speaks of microseconds, which is what probes of other makes show too. */
static Str stamp(const Ctx *cx) {
        char text[WHEN_TEXT + 1];
        when_write(text, cx_now_ms(cx));
        return arena_strf(cx->arena, "%.*s000Z", WHEN_TEXT - 1, text);
}

/* ---- liveness ---- */

typedef struct Alive {
        Str status, timestamp, environment, version;
} Alive;
static const Shape alive_shape = SHAPE(Alive,
        F_STR(Alive, status, F_REQ),
        F_STR(Alive, timestamp, F_REQ, .format = "date-time"),
        F_STR(Alive, environment, F_REQ),
        F_STR(Alive, version, F_REQ));

static Err alive_handle(Req *rq, const void *in, void *ret) {
        *(Alive *)ret =
                (Alive){ STR("alive"), stamp(rq->cx), rq->sv->environment, rq->sv->version };
        return OK;
}

/* ---- readiness ---- */

typedef struct ReadyQuery {
        Strs exclude;
        OptBool verbose, fresh;
} ReadyQuery;
static const Shape ready_query = SHAPE(ReadyQuery,
        F_STRS(ReadyQuery, exclude, 0, .max = 32, .item_max = 64,
                .doc = "Checks to leave out of the verdict; may repeat"),
        F_OBOOL(ReadyQuery, fresh, 0, .doc = "Administrators: probe everything now and wait for it"),
        F_OBOOL(ReadyQuery, verbose, 0, .doc = "Plain text, one line per check"));

typedef struct Ready {
        Str status, timestamp, checks, reason;
} Ready;
static const Shape ready_shape = SHAPE(Ready,
        F_STR(Ready, status, F_REQ, .one_of = "ready|degraded"),
        F_STR(Ready, timestamp, F_REQ, .format = "date-time"),
        F_JSON(Ready, checks, F_REQ, .doc = "One member per check"),
        F_STR(Ready, reason, 0, .one_of = "starting|draining"));

static void check_json(Ctx *cx, const CheckView *v, Buf *out) {
        json_write_str(out, v->name);
        HealthState shown = v->state == HEALTH_STARTING ? HEALTH_DOWN : v->state;
        buf_addf(out, ":{\"status\":\"%s\",\"latency_ms\":%.2f", health_state_names[shown],
                 v->latency_ms);
        if (v->error) {
                buf_add_c(out, ",\"error\":");
                json_write_str(out, str_c(v->error));
        }
        if (v->state == HEALTH_NOT_CONFIGURED && v->message) {
                buf_add_c(out, ",\"message\":");
                json_write_str(out, str_c(v->message));
        }
        buf_add(out, v->extra);
        if (v->slow)
                buf_add_c(out, ",\"slow\":true");
        if (v->checked_at_ms)
                buf_addf(out, ",\"checked_at\":\"%.*s\"",
                         STR_FMT(when_format(cx->arena, v->checked_at_ms)));
        buf_addc(out, '}');
}

static Str checks_json(Ctx *cx, const CheckViews *views, Strs exclude) {
        _cleanup_(buf_done) Buf out = BUF(256 * 1024);
        buf_addc(&out, '{');
        for (size_t i = 0; i < views->n; i++) {
                bool skip = false;
                for (size_t j = 0; j < exclude.n; j++)
                        skip = skip || str_eq(exclude.v[j], views->v[i].name);
                if (skip)
                        continue;
                if (out.n > 1)
                        buf_addc(&out, ',');
                check_json(cx, &views->v[i], &out);
        }
        buf_addc(&out, '}');
        return arena_dup(cx->arena, buf_str(&out));
}

static Str verbose_text(Ctx *cx, const CheckViews *views) {
        _cleanup_(buf_done) Buf out = BUF(64 * 1024);
        for (size_t i = 0; i < views->n; i++) {
                const CheckView *v = &views->v[i];
                bool ok = v->state == HEALTH_UP || v->state == HEALTH_NOT_CONFIGURED;
                buf_addf(&out, "[%c]%.*s %s%s\n", ok ? '+' : '-', STR_FMT(v->name),
                         ok ? "ok" : "failed: ", ok ? "" : v->error);
        }
        return arena_dup(cx->arena, buf_str(&out));
}

static bool check_exists(const CheckViews *views, Str name) {
        for (size_t i = 0; i < views->n; i++)
                if (str_eq(views->v[i].name, name))
                        return true;
        return false;
}

static Str reason_of(const Health *h) {
        switch (health_phase_get(h)) {
        case PHASE_STARTING: return STR("starting");
        case PHASE_DRAINING: return STR("draining");
        case PHASE_SERVING: return STR_NULL;
        }
        return STR_NULL;
}

static Err exclude_check(Ctx *cx, const CheckViews *views, Strs exclude) {
        for (size_t i = 0; i < exclude.n; i++)
                if (!check_exists(views, exclude.v[i]))
                        return RAISE_FIELD(cx, "?exclude", "no check named %.*s",
                                           STR_FMT(exclude.v[i]));
        return OK;
}

/* Probing now is for who may, and not for the loop. */
static Err ready_admit(Req *rq, const void *in, void *ret) {
        const ReadyQuery *q = rq->query;
        rq->waits = q->fresh.has && q->fresh.v;
        if (!rq->waits)
                return OK;
        TRY(req_authenticate(rq));
        return rq->who->scopes & SCOPE_ADMIN ? OK
                                             : RAISE(rq->cx, ERR_FORBIDDEN, "not an administrator");
}

static Err ready_handle(Req *rq, const void *in, void *ret) {
        const ReadyQuery *q = rq->query;
        CheckViews views;
        if (rq->waits)
                health_fresh(rq->cx, rq->sv->health);
        health_view(rq->cx, rq->sv->health, &views);
        TRY(exclude_check(rq->cx, &views, q->exclude));
        bool ready = health_is_ready(rq->sv->health, &views, q->exclude);
        rq->status = ready ? 200 : 503;
        if (q->verbose.has && q->verbose.v)
                return req_raw(rq, STR("text/plain; charset=utf-8"), verbose_text(rq->cx, &views));
        *(Ready *)ret =
                (Ready){ ready ? STR("ready") : STR("degraded"), stamp(rq->cx),
                         checks_json(rq->cx, &views, q->exclude), reason_of(rq->sv->health) };
        return OK;
}

typedef struct OneCheck {
        Str status, timestamp, check;
} OneCheck;
static const Shape one_check = SHAPE(OneCheck,
        F_STR(OneCheck, status, F_REQ, .one_of = "healthy|unhealthy|not_configured|starting"),
        F_STR(OneCheck, timestamp, F_REQ, .format = "date-time"),
        F_JSON(OneCheck, check, F_REQ));

static Err ready_one_handle(Req *rq, const void *in, void *ret) {
        CheckViews views;
        health_view(rq->cx, rq->sv->health, &views);
        for (size_t i = 0; i < views.n; i++) {
                const CheckView *v = &views.v[i];
                if (!str_eq(v->name, rq->path[0]))
                        continue;
                CheckViews just = { .v = &views.v[i], .n = 1 };
                rq->status = v->state == HEALTH_UP || v->state == HEALTH_NOT_CONFIGURED ? 200 : 503;
                *(OneCheck *)ret =
                        (OneCheck){ str_c(health_state_names[v->state]), stamp(rq->cx),
                                    checks_json(rq->cx, &just, (Strs){ NULL, 0 }) };
                return OK;
        }
        return ERR_NOT_FOUND;
}

static Err startup_handle(Req *rq, const void *in, void *ret) {
        bool started = health_phase_get(rq->sv->health) != PHASE_STARTING;
        rq->status = started ? 200 : 503;
        *(Alive *)ret = (Alive){ started ? STR("started") : STR("starting"), stamp(rq->cx),
                                 rq->sv->environment, rq->sv->version };
        return OK;
}

/* ---- the short form some platforms ask for ---- */

typedef struct Brief {
        Str status, database, redis, service, version;
} Brief;
static const Shape brief_shape = SHAPE(Brief,
        F_STR(Brief, status, F_REQ, .one_of = "healthy|unhealthy"),
        F_STR(Brief, database, F_REQ),
        F_STR(Brief, redis, F_REQ),
        F_STR(Brief, service, F_REQ),
        F_STR(Brief, version, F_REQ));

static Str state_of(const CheckViews *views, const char *kind) {
        for (size_t i = 0; i < views->n; i++)
                if (str_eq_c(views->v[i].kind, kind))
                        return str_c(health_state_names[views->v[i].state]);
        return STR("not_configured");
}

static Err brief_handle(Req *rq, const void *in, void *ret) {
        CheckViews views;
        health_view(rq->cx, rq->sv->health, &views);
        bool ready = health_is_ready(rq->sv->health, &views, (Strs){ NULL, 0 });
        Str database = state_of(&views, "sqlite");
        if (str_eq(database, STR("not_configured")))
                database = state_of(&views, "postgres");
        rq->status = ready ? 200 : 503;
        *(Brief *)ret = (Brief){ ready ? STR("healthy") : STR("unhealthy"), database,
                                 state_of(&views, "redis"), STR("mainstay"), rq->sv->version };
        return OK;
}

/* ---- detailed: draft-inadarei-api-health-check-06 ---- */

typedef struct Detailed {
        Str status, version, releaseId, serviceId, description;
        Strs notes;
        Str output, links, checks;
} Detailed;
static const Shape detailed_shape = SHAPE(Detailed,
        F_STR(Detailed, status, F_REQ, .one_of = "pass|warn|fail"),
        F_STR(Detailed, version, F_REQ),
        F_STR(Detailed, releaseId, F_REQ),
        F_STR(Detailed, serviceId, F_REQ),
        F_STR(Detailed, description, F_REQ),
        F_STRS(Detailed, notes, F_REQ),
        F_STR(Detailed, output, 0),
        F_JSON(Detailed, links, F_REQ),
        F_JSON(Detailed, checks, F_REQ));

typedef enum Level { LEVEL_PASS, LEVEL_WARN, LEVEL_FAIL } Level; /* the worse the higher */
static const char *const level_names[] = { "pass", "warn", "fail" };

static Level level_of(const CheckView *v) {
        if (v->state == HEALTH_DOWN || v->state == HEALTH_STARTING)
                return v->critical == CRITICAL_NO ? LEVEL_WARN : LEVEL_FAIL;
        return v->warn ? LEVEL_WARN : LEVEL_PASS;
}

static void entry_json(Buf *out, Str name, const char *what, const char *type, Level level) {
        _cleanup_(buf_done) Buf quoted = BUF(1024);
        json_write_str(&quoted, name);
        Str id = str_n(quoted.p + 1, quoted.n - 2); /* between its quotes */
        buf_addf(out, "%s\"%.*s:%s\":[{\"componentId\":\"%.*s\"", out->n > 1 ? "," : "",
                 STR_FMT(id), what, STR_FMT(id));
        buf_addf(out, ",\"componentType\":\"%s\",\"status\":\"%s\"", type, level_names[level]);
}

/* What holds our data, the machine, or another program. */
static const char *type_of(const CheckView *v) {
        static const char *const others[] = { "openai", "llm", "http", "smtp" };
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (str_eq_c(v->kind, others[i]))
                        return "component";
        return strcmp(v->unit, "ratio") ? "datastore" : "system";
}

static void detail_json(Ctx *cx, const CheckView *v, Buf *out) {
        bool ratio = !strcmp(v->unit, "ratio");
        Level level = level_of(v);
        entry_json(out, v->name, ratio ? "utilization" : "responseTime", type_of(v), level);
        buf_addf(out, ",\"observedValue\":%.4g,\"observedUnit\":\"%s\"", v->observed, v->unit);
        if (level != LEVEL_PASS)
                buf_add_c(out, ",\"affectedEndpoints\":[\"/api/v1\"]");
        if (v->error)
                buf_addf(out, ",\"output\":\"%s\"", v->error);
        buf_addf(out, ",\"time\":\"%.*s\",\"critical\":%s}]",
                 STR_FMT(when_format(cx->arena, v->checked_at_ms)),
                 v->critical == CRITICAL_NO ? "false" : "true");
}

/* Shown whether a check asks for them or not. */
static void measured_json(Req *rq, const CheckViews *views, Buf *out) {
        static const char *const kinds[] = { "memory", "disk" };
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                CheckView v;
                if (check_exists(views, str_c(kinds[i])))
                        continue;
                health_measure(rq->cx, rq->sv->health, kinds[i], &v);
                detail_json(rq->cx, &v, out);
        }
}

static void system_json(Req *rq, Buf *out) {
        Ctx *cx = rq->cx;
        Str now = when_format(cx->arena, cx_now_ms(cx));
        ServerStats stats = { 0 };
        if (*rq->sv->server)
                server_stats(*rq->sv->server, &stats);
        entry_json(out, STR("system"), "uptime", "system", LEVEL_PASS);
        buf_addf(out, ",\"observedValue\":%.3f,\"observedUnit\":\"s\"",
                 (double)(cx_now_ms(cx) - rq->sv->started_ms) / 1000);
        buf_addf(out, ",\"time\":\"%.*s\",\"critical\":false}]", STR_FMT(now));
        entry_json(out, STR("eventloop"), "responseTime", "system", LEVEL_PASS);
        buf_addf(out, ",\"observedValue\":%.3f,\"observedUnit\":\"ms\"",
                 (double)stats.heartbeat_us_oldest / 1000);
        buf_addf(out, ",\"time\":\"%.*s\",\"critical\":true}]", STR_FMT(now));
}

/* The circuit of each language model provider: closed, open or half_open. */
static void circuits_json(Req *rq, Buf *out) {
        Str now = when_format(rq->cx->arena, cx_now_ms(rq->cx));
        ProviderViews p;
        chat_providers(rq->cx, rq->sv->chat, &p);
        for (size_t i = 0; i < p.n; i++) {
                bool closed = str_eq_c(p.v[i].state, "closed");
                entry_json(out, p.v[i].name, "circuit", "component",
                           closed ? LEVEL_PASS : LEVEL_WARN);
                if (!closed)
                        buf_add_c(out, ",\"affectedEndpoints\":[\"/v1\",\"/api/v1/conversation\"]");
                buf_addf(out, ",\"observedValue\":\"%.*s\",\"observedUnit\":\"state\"",
                         STR_FMT(p.v[i].state));
                buf_addf(out, ",\"time\":\"%.*s\",\"critical\":false}]", STR_FMT(now));
        }
}

typedef struct DetailedQuery {
        bool fresh;
        Str group;
} DetailedQuery;
static const Shape detailed_query = SHAPE(DetailedQuery,
        F_STR(DetailedQuery, group, 0, .max = 64, .doc = "Only the checks of this group"),
        F_BOOL(DetailedQuery, fresh, 0, .doc = "Probe everything now and wait for it"));

/* The checks of a group; all of them when none is asked for. */
static Err group_take(Ctx *cx, Str group, CheckViews *views) {
        size_t n = 0;
        for (size_t i = 0; i < views->n; i++)
                if (!group.n || str_eq(views->v[i].group, group))
                        views->v[n++] = views->v[i];
        views->n = n;
        return n ? OK : RAISE_FIELD(cx, "?group", "no check is in a group of this name");
}

/* The worst level of the checks, and what is wrong where it is worst. */
static Level worst_of(const CheckViews *views, Str *ret_output) {
        Level worst = LEVEL_PASS;
        for (size_t i = 0; i < views->n; i++) {
                const CheckView *v = &views->v[i];
                if (level_of(v) <= worst)
                        continue;
                worst = level_of(v);
                *ret_output = v->error ? str_c(v->error) : STR("Below threshold");
        }
        return worst;
}

static Err detailed_handle(Req *rq, const void *in, void *ret) {
        Ctx *cx = rq->cx;
        const DetailedQuery *q = rq->query;
        CheckViews views;
        if (q->fresh)
                health_fresh(cx, rq->sv->health);
        health_view(cx, rq->sv->health, &views);
        TRY(group_take(cx, q->group, &views));
        _cleanup_(buf_done) Buf out = BUF(256 * 1024);
        Str output = STR_NULL;
        Level worst = worst_of(&views, &output);
        buf_addc(&out, '{');
        for (size_t i = 0; i < views.n; i++)
                detail_json(cx, &views.v[i], &out);
        measured_json(rq, &views, &out);
        system_json(rq, &out);
        circuits_json(rq, &out);
        buf_addc(&out, '}');
        rq->status = worst == LEVEL_FAIL ? 503 : 200;
        req_header(rq, STR("Cache-Control"), STR("max-age=5"));
        *(Detailed *)ret = (Detailed){
                .status = str_c(level_names[worst]),
                .version = STR("1"),
                .releaseId = rq->sv->version,
                .serviceId = STR("mainstay"),
                .description = STR("The backend an AI product stands on"),
                .notes = { NULL, 0 },
                .output = output,
                .links = arena_strf(cx->arena, "{\"about\":\"%.*s/docs\"}",
                                    STR_FMT(rq->sv->public_url)),
                .checks = arena_dup(cx->arena, buf_str(&out)),
        };
        return OK;
}

/* ---- history ---- */

typedef struct HistoryQuery {
        Str check;
        int64_t since, limit;
} HistoryQuery;
static const Shape history_query = SHAPE(HistoryQuery,
        F_STR(HistoryQuery, check, 0, .max = 64),
        F_TIME(HistoryQuery, since, 0),
        F_INT(HistoryQuery, limit, 0, .min = 1, .max = 1000, .def = 100));
typedef struct TransitionView {
        Str check, from, to, reason;
        int64_t at;
        double previous_duration_s;
} TransitionView;
static const Shape transition_view = SHAPE(TransitionView,
        F_STR(TransitionView, check, F_REQ),
        F_STR(TransitionView, from, F_REQ),
        F_STR(TransitionView, to, F_REQ),
        F_STR(TransitionView, reason, F_REQ),
        F_TIME(TransitionView, at, F_REQ),
        F_NUM(TransitionView, previous_duration_s, F_REQ));

static Err history_handle(Req *rq, const void *in, void *ret) {
        const HistoryQuery *q = rq->query;
        Transitions found;
        TRY(health_history(rq->cx, rq->db, &(TransitionFilter){ q->check, q->since, q->limit },
                           &found));
        TransitionView *v = NEW_ARRAY(rq->cx->arena, TransitionView, found.n);
        for (size_t i = 0; i < found.n; i++)
                v[i] = (TransitionView){ found.v[i].check, found.v[i].from,
                                         found.v[i].to,    found.v[i].reason,
                                         found.v[i].at,    found.v[i].previous_duration_s };
        *(List *)ret = (List){ v, found.n };
        return OK;
}

/* ---- status ---- */

typedef struct Status {
        Str status, timestamp, environment;
        int64_t port;
        Strs routers_loaded;
        int64_t total_routers, routes_loaded;
        Strs routes_missing;
        Str version;
        double uptime_seconds;
        Str build, config_digest, features;
} Status;
static const Shape status_shape = SHAPE(Status,
        F_STR(Status, status, F_REQ, .one_of = "operational|degraded"),
        F_STR(Status, timestamp, F_REQ, .format = "date-time"),
        F_STR(Status, environment, F_REQ),
        F_INT(Status, port, F_REQ),
        F_STRS(Status, routers_loaded, F_REQ),
        F_INT(Status, total_routers, F_REQ),
        F_INT(Status, routes_loaded, F_REQ),
        F_STRS(Status, routes_missing, F_REQ),
        F_STR(Status, version, F_REQ),
        F_NUM(Status, uptime_seconds, F_REQ),
        F_JSON(Status, build, 0,
                .doc = "Administrators: revision, built_at, compiler, sanitizers, libraries"),
        F_STR(Status, config_digest, 0,
                .doc = "Administrators: SHA-256 over the settings in force, secrets masked"),
        F_JSON(Status, features, 0, .doc = "Administrators: what is switched on"));

/* Tables of rows by what they are about, each named once. */
static Strs routers(Ctx *cx) {
        size_t n_tables = 0, n = 0;
        while (route_tables[n_tables])
                n_tables++;
        Str *names = NEW_ARRAY(cx->arena, Str, n_tables);
        for (size_t t = 0; t < n_tables; t++) {
                Str tag = str_c(route_tables[t]->tag);
                size_t i = 0;
                while (i < n && !str_eq(names[i], tag))
                        i++;
                names[i] = tag;
                n = MAX(n, i + 1);
        }
        return (Strs){ names, n };
}

static Err status_handle(Req *rq, const void *in, void *ret) {
        const Services *sv = rq->sv;
        CheckViews views;
        health_view(rq->cx, sv->health, &views);
        Strs tags = routers(rq->cx);
        bool ready = health_is_ready(sv->health, &views, (Strs){ NULL, 0 });
        Status *s = ret;
        *s = (Status){
                .status = ready ? STR("operational") : STR("degraded"),
                .timestamp = stamp(rq->cx),
                .environment = sv->environment,
                .port = *sv->server ? server_port(*sv->server) : 0,
                .routers_loaded = tags,
                .total_routers = (int64_t)tags.n,
                .routes_loaded = (int64_t)router_count(sv->router),
                .routes_missing = { tags.v, 0 },
                .version = sv->version,
                .uptime_seconds = (double)(cx_now_ms(rq->cx) - sv->started_ms) / 1000,
        };
        if (rq->who && rq->who->scopes & SCOPE_ADMIN) {
                About about;
                sv->about(rq->cx, sv->about_arg, &about);
                s->build = about.build;
                s->config_digest = about.config_digest;
                s->features = about.features;
        }
        return OK;
}

#define HEALTH_ROW                                                                                 \
        .lane = LANE_INLINE, .auth = AUTH_NONE, .rate = RATE_NONE, .tag = "Health",                \
        .audit_none = "reads cached state, nobody's data"
#define ALIVE(id_, path_)                                                                          \
        {                                                                                          \
                .id = id_, .method = GET, .path = path_, HEALTH_ROW, .out = &alive_shape,          \
                .summary = "Is the process alive?", .fn = alive_handle                             \
        }
#define READY(id_, path_)                                                                          \
        {                                                                                          \
                .id = id_, .method = GET, .path = path_, HEALTH_ROW, .query = &ready_query,        \
                .out = &ready_shape, .also = "text/plain", .also_status = 503,                     \
                .summary = "May it get traffic? 503 with the same body when not",                  \
                .admit = ready_admit, .fn = ready_handle                                           \
        }
#define BRIEF(id_, path_)                                                                          \
        {                                                                                          \
                .id = id_, .method = GET, .path = path_, HEALTH_ROW, .out = &brief_shape,          \
                .also_status = 503, .summary = "Readiness in one line", .fn = brief_handle         \
        }
#define STATUS(id_, path_)                                                                         \
        {                                                                                          \
                .id = id_, .method = GET, .path = path_, .lane = LANE_INLINE,                      \
                .auth = AUTH_OPTIONAL, .rate = RATE_NONE, .tag = "Health",                         \
                .out = &status_shape, .audit_none = "the program's own state, nobody's data",      \
                .summary = "What is loaded and since when", .fn = status_handle                    \
        }

const Route health_routes[] = {
        ALIVE("health.alive", "/health"),
        ALIVE("health.livez", "/livez"),
        ALIVE("health.healthz", "/healthz"),
        READY("health.ready", "/health/ready"),
        READY("health.ready_short", "/ready"),
        READY("health.readyz", "/readyz"),
        { .id = "health.ready_one",
          .method = GET,
          .path = "/health/ready/{name}",
          HEALTH_ROW,
          .out = &one_check,
          .also_status = 503,
          .errors = ERRORS(ERR_NOT_FOUND),
          .summary = "One check",
          .fn = ready_one_handle },
        { .id = "health.startup",
          .method = GET,
          .path = "/startupz",
          HEALTH_ROW,
          .out = &alive_shape,
          .also_status = 503,
          .summary = "Has it started? 503 until storage is open",
          .fn = startup_handle },
        BRIEF("health.api", "/api/health"),
        BRIEF("health.api_v1", "/api/v1/health"),
        { .id = "health.detailed",
          .method = GET,
          .path = "/health/detailed",
          .lane = LANE_WORKER,
          .auth = AUTH_ADMIN,
          .scope = "metrics",
          .rate = RATE_NONE,
          .query = &detailed_query,
          .out = &detailed_shape,
          .out_type = "application/health+json",
          .also_status = 503,
          .tag = "Health",
          .audit_none = "reads cached state, nobody's data",
          .summary = "Every check with its measurement",
          .fn = detailed_handle },
        { .id = "health.history",
          .method = GET,
          .path = "/health/history",
          .lane = LANE_READ,
          .auth = AUTH_ADMIN,
          .scope = "metrics",
          .rate = RATE_NONE,
          .query = &history_query,
          .out = &transition_view,
          .out_list = true,
          .tag = "Health",
          .audit_none = "reads the history of checks, nobody's data",
          .summary = "Changes of state, newest first",
          .fn = history_handle },
        STATUS("status", "/status"),
        STATUS("status.api", "/api/status"),
        { .id = NULL },
};

// SPDX-License-Identifier: MIT
#include "ops/health.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "base/metric.h"
#include "ops/health_int.h"
#include "ops/probe.h"
#include "sys/pool.h"
#include "sys/thread.h"
#include "sys/timer.h"

/* a thread for each check, as each may hang; started when they are needed */
enum { TICK_MS = 250, FRESH_MAX_MS = 4500 };

const char *const health_state_names[] = { "starting", "healthy", "unhealthy", "not_configured" };

typedef struct Check {
        CheckSpec spec;
        Health *h;
        PoolJob job;
        bool running;
        int64_t due_us, failures, successes;
        int64_t finished_us, since_ms; /* of the last result; of the present state */
        HealthState state;             /* after hysteresis */
        char error[64];                /* of the last failure */
        const char *message;
        ProbeResult last;
        Buf extra; /* JSON members of the last result */
        double latency_ms;
        int64_t checked_at_ms;
        Cell *status, *duration, *last_success;
} Check;

struct Health {
        Arena *arena;
        ProbeRooms rooms;
        HealthSettings set;
        Pool *pool;
        Timers *timers;
        Timer *timer;
        pthread_mutex_t lock; /* over the checks' results */
        pthread_cond_t idle;
        Check *checks;
        size_t n;
        _Atomic Phase phase;
};

/* ---- results ---- */

static Metric *failures_family(void) {
        return metric_counter("mainstay_health_check_failures_total", "check,reason",
                              "Failed probes");
}

static Metric *transitions_family(void) {
        return metric_counter("mainstay_health_transitions_total", "check,to",
                              "Changes of a check's state");
}

static double status_value(const Check *c) {
        if (c->state == HEALTH_DOWN || c->state == HEALTH_STARTING)
                return 0;
        return c->state == HEALTH_NOT_CONFIGURED || c->last.warn ? 1 : 2;
}

/* What the state becomes with this result (hysteresis). */
static HealthState next_state(Check *c, const ProbeResult *r) {
        if (r->state == HEALTH_DOWN) {
                c->failures++;
                c->successes = 0;
        } else {
                c->successes++;
                c->failures = 0;
        }
        if (c->state == HEALTH_STARTING || r->state == HEALTH_NOT_CONFIGURED ||
            c->state == HEALTH_NOT_CONFIGURED)
                return r->state;
        if (r->state == HEALTH_DOWN)
                return c->failures >= c->spec.fail_after ? HEALTH_DOWN : c->state;
        return c->successes >= c->spec.recover_after ? HEALTH_UP : c->state;
}

static void moved(Ctx *cx, Check *c, HealthState from) {
        int64_t now = cx_now_ms(cx);
        Transition t = {
                .check = c->spec.name,
                .from = str_c(health_state_names[from]),
                .to = str_c(health_state_names[c->state]),
                .reason = c->state == HEALTH_DOWN ? str_c(c->error)
                          : c->message            ? str_c(c->message)
                                                  : STR("ok"),
                .at = now,
                .previous_duration_s = c->since_ms ? (double)(now - c->since_ms) / 1000 : 0,
        };
        c->since_ms = now;
        cell_inc(METRIC_CELL(transitions_family(), c->spec.name, t.to));
        LOG(cx, c->state == HEALTH_DOWN ? LOG_WARN : LOG_INFO, "health_transition",
            "a check changed its state", L_STR("check", t.check), L_STR("from", t.from),
            L_STR("to", t.to), L_STR("reason", t.reason));
        transition_save(cx, c->h->rooms.db, &t);
}

static void result_keep(Check *c, const ProbeResult *r) {
        buf_clear(&c->extra);
        buf_add(&c->extra, r->extra);
        c->last = *r;
        c->last.extra = STR_NULL; /* was the probe's; the copy is in c->extra */
        c->message = r->message;
        if (r->error)
                snprintf(c->error, sizeof c->error, "%s", r->error);
}

/* A tenth more or less, so that many servers do not ask at the same moment. */
static int64_t jittered(const Ctx *cx, int64_t ms) {
        uint32_t chance;
        cx_random(cx, &chance, sizeof chance);
        return ms * 9 / 10 + ms * (chance % 1000) / 5000;
}

static void result_take(Ctx *cx, Check *c, const ProbeResult *r, double ms) {
        Health *h = c->h;
        pthread_mutex_lock(&h->lock);
        HealthState from = c->state;
        c->state = next_state(c, r);
        result_keep(c, r);
        c->latency_ms = round(ms * 100) / 100;
        c->checked_at_ms = cx_now_ms(cx);
        c->finished_us = cx_mono_us(cx);
        c->due_us = c->finished_us + jittered(cx, c->spec.period_ms) * 1000;
        pthread_mutex_unlock(&h->lock);
        cell_set(c->status, status_value(c));
        cell_set(c->duration, ms / 1000);
        if (r->state == HEALTH_UP)
                cell_set(c->last_success, (double)cx_now_ms(cx) / 1000);
        if (r->state == HEALTH_DOWN) {
                cell_inc(METRIC_CELL(failures_family(), c->spec.name, str_c(r->error)));
                LOG(cx, LOG_WARN, "probe_failed", "a probe failed", L_STR("check", c->spec.name),
                    L_STR("error", str_c(r->error)), L_NUM("ms", ms));
        }
        if (c->state != from)
                moved(cx, c, from);
}

static void probe_run(PoolJob *job) {
        Check *c = CONTAINER_OF(job, Check, job);
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        cx.deadline_us = cx_mono_us(&cx) + c->spec.timeout_ms * 1000;
        int64_t start = cx_mono_us(&cx);
        ProbeResult r = { .state = HEALTH_STARTING };
        c->spec.kind->probe(&cx, &c->h->rooms, &c->spec, &r);
        result_take(&cx, c, &r, (double)(cx_mono_us(&cx) - start) / 1000);
        pthread_mutex_lock(&c->h->lock);
        c->running = false;
        pthread_cond_broadcast(&c->h->idle);
        pthread_mutex_unlock(&c->h->lock);
}

static void check_start(Check *c) {
        pthread_mutex_lock(&c->h->lock);
        bool go = !c->running;
        c->running = true;
        pthread_mutex_unlock(&c->h->lock);
        if (!go)
                return;
        c->job = (PoolJob){ .run = probe_run };
        if (!pool_submit(c->h->pool, &c->job)) {
                pthread_mutex_lock(&c->h->lock);
                c->running = false;
                pthread_mutex_unlock(&c->h->lock);
        }
}

static void tick(void *arg) {
        Health *h = arg;
        int64_t now = world_real.mono_us(&world_real);
        for (size_t i = 0; i < h->n; i++) {
                pthread_mutex_lock(&h->lock);
                bool due = !h->checks[i].running && h->checks[i].due_us <= now;
                pthread_mutex_unlock(&h->lock);
                if (due)
                        check_start(&h->checks[i]);
        }
}

void health_fresh(Ctx *cx, Health *h) {
        for (size_t i = 0; i < h->n; i++)
                check_start(&h->checks[i]);
        int64_t until_us = thread_mono_us() + FRESH_MAX_MS * 1000;
        bool more = true;
        pthread_mutex_lock(&h->lock);
        for (size_t i = 0; i < h->n; i++)
                while (more && h->checks[i].running)
                        more = cond_wait_until(&h->idle, &h->lock, until_us);
        pthread_mutex_unlock(&h->lock);
}

/* ---- reading ---- */

static bool is_stale(const Check *c, int64_t now_us) {
        return c->finished_us &&
               now_us - c->finished_us > (3 * c->spec.period_ms + c->spec.timeout_ms) * 1000;
}

static CheckView view_of(Ctx *cx, const Check *c) {
        CheckView v = {
                .name = c->spec.name,
                .kind = str_c(c->spec.kind->name),
                .group = c->spec.group,
                .state = c->state,
                .critical = c->spec.critical,
                .latency_ms = c->latency_ms,
                .error = c->state == HEALTH_DOWN ? arena_cstr(cx->arena, str_c(c->error)) : NULL,
                .message = c->message,
                .extra = arena_dup(cx->arena, buf_str(&c->extra)),
                .checked_at_ms = c->checked_at_ms,
                .observed = c->last.unit ? c->last.observed : c->latency_ms,
                .unit = c->last.unit ? c->last.unit : "ms",
                .slow = c->spec.kind->slow_ms > 0 && c->latency_ms >= c->spec.kind->slow_ms,
        };
        if (c->state == HEALTH_STARTING) {
                v.error = "Starting";
        } else if (is_stale(c, cx_mono_us(cx))) {
                v.state = HEALTH_DOWN;
                v.error = "Stale result";
        }
        v.warn = c->last.warn || v.slow || (v.state == HEALTH_DOWN && v.critical == CRITICAL_NO);
        return v;
}

void health_view(Ctx *cx, Health *h, CheckViews *ret) {
        CheckView *v = NEW_ARRAY(cx->arena, CheckView, h->n);
        pthread_mutex_lock(&h->lock);
        for (size_t i = 0; i < h->n; i++)
                v[i] = view_of(cx, &h->checks[i]);
        pthread_mutex_unlock(&h->lock);
        *ret = (CheckViews){ v, h->n };
}

void health_measure(Ctx *cx, const Health *h, const char *kind, CheckView *ret) {
        CheckSpec spec = { .name = str_c(kind),
                           .kind = probe_kind(str_c(kind)),
                           .target = h->set.data_dir };
        ProbeResult r = { .state = HEALTH_STARTING };
        spec.kind->probe(cx, &h->rooms, &spec, &r);
        *ret = (CheckView){ .name = spec.name,
                            .kind = spec.name,
                            .state = r.state,
                            .error = r.error,
                            .checked_at_ms = cx_now_ms(cx),
                            .observed = r.observed,
                            .unit = r.unit ? r.unit : "ms",
                            .warn = r.warn || r.state == HEALTH_DOWN };
}

static bool is_excluded(Str name, Strs exclude) {
        for (size_t i = 0; i < exclude.n; i++)
                if (str_eq(exclude.v[i], name))
                        return true;
        return false;
}

static bool blocks(const CheckView *v) {
        switch (v->state) {
        case HEALTH_UP: return false;
        case HEALTH_NOT_CONFIGURED: return v->critical == CRITICAL_YES;
        case HEALTH_STARTING:
        case HEALTH_DOWN: return v->critical != CRITICAL_NO;
        }
        return true;
}

bool health_is_ready(const Health *h, const CheckViews *views, Strs exclude) {
        if (atomic_load(&h->phase) != PHASE_SERVING)
                return false;
        for (size_t i = 0; i < views->n; i++)
                if (blocks(&views->v[i]) && !is_excluded(views->v[i].name, exclude))
                        return false;
        return true;
}

void health_phase(Health *h, Phase p) { atomic_store(&h->phase, p); }

Phase health_phase_get(const Health *h) { return atomic_load(&h->phase); }

/* ---- life ---- */

static void check_init(Health *h, Check *c, const CheckSpec *spec) {
        c->spec = *spec;
        c->h = h;
        c->extra = BUF(4096);
        c->status = METRIC_CELL(metric_gauge("mainstay_health_check_status", "check",
                                             "2 healthy, 1 warn or not configured, 0 unhealthy"),
                                spec->name);
        c->duration = METRIC_CELL(metric_gauge("mainstay_health_check_duration_seconds", "check",
                                               "Time of the last probe"),
                                  spec->name);
        c->last_success =
                METRIC_CELL(metric_gauge("mainstay_health_check_last_success_timestamp_seconds",
                                         "check", "When the check last succeeded"),
                            spec->name);
}

Err health_new(Ctx *cx, const HealthRooms *rooms, const HealthSettings *set, Health **ret) {
        Arena *arena = arena_new();
        Health *h = NEW(arena, Health);
        Ctx own = { .arena = arena, .world = cx->world };
        CheckSpec *specs;
        *h = (Health){
                .arena = arena, .set = *set, .timers = rooms->timers, .phase = PHASE_STARTING
        };
        h->rooms = (ProbeRooms){ .db = rooms->db, .client = rooms->client, .set = &h->set };
        pthread_mutex_init(&h->lock, NULL);
        cond_init(&h->idle);
        Err e = checks_parse(&own, set, &specs, &h->n);
        if (!e)
                e = pool_new(&own,
                             &(PoolSettings){
                                     .name = "probes", .threads = CHECKS_MAX, .queue_max = CHECKS_MAX },
                             &h->pool);
        if (e) {
                cx->err = own.err;
                cx->err.what = arena_cstr(cx->arena, str_c(own.err.what));
                cx->err.fields = NULL;
                health_free(h);
                return e;
        }
        h->checks = NEW_ARRAY(arena, Check, h->n);
        for (size_t i = 0; i < h->n; i++)
                check_init(h, &h->checks[i], &specs[i]);
        (void)failures_family(); /* there before the first of each */
        (void)transitions_family();
        *ret = h;
        return OK;
}

Err health_settings_check(Ctx *cx, const HealthSettings *set) {
        CheckSpec *specs;
        size_t n;
        return checks_parse(cx, set, &specs, &n);
}

void health_start(Health *h) { h->timer = timer_every(h->timers, 0, TICK_MS, tick, h); }

Health *health_free(Health *h) {
        if (!h)
                return NULL;
        h->timer = timer_stop(h->timer);
        pool_free(h->pool);
        for (size_t i = 0; h->checks && i < h->n; i++)
                buf_done(&h->checks[i].extra);
        pthread_mutex_destroy(&h->lock);
        pthread_cond_destroy(&h->idle);
        return (Health *)(void *)arena_free(h->arena);
}

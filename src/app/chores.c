// SPDX-License-Identifier: MIT
#include <stdatomic.h>

#include "app/app.h"
#include "base/log.h"
#include "sys/thread.h"

#define STUCK_US (INT64_C(30) * 1000 * 1000)

typedef struct Chore {
        PoolJob job;
        App *app;
        const char *name;
        Err (*fn)(Ctx *cx, App *a);
        Timer *timer;
        atomic_bool busy;
} Chore;

static Err tick_identity(Ctx *cx, App *a) { return identity_tick(cx, a->identity); }
static Err flush_quotas(Ctx *cx, App *a) { return quotas_flush(cx, a->api); }
static Err flush_refusals(Ctx *cx, App *a) { return refusals_flush(cx, a->api); }
static Err count_memories(Ctx *cx, App *a) {
        DbConn *c;
        TRY(db_read(cx, a->db, &c));
        return memory_count(cx, c);
}
static Err expire_answers(Ctx *cx, App *a) { return idempotency_expire(cx, a->db); }

/* An event loop that stands still answers nobody: ending is better, because then somebody starts
 * us again. */
static Err watch_loops(Ctx *cx, App *a) {
        ServerStats s = { .connections = 0 };
        if (a->server)
                server_stats(a->server, &s);
        if (s.heartbeat_us_oldest < STUCK_US)
                return OK;
        LOG(cx, LOG_FATAL, "panic", "an event loop stands still",
            L_INT("for_ms", s.heartbeat_us_oldest / 1000));
        log_stop();
        abort();
}

/* Begun at different moments, so that as a rule one worker and its one connection do them all. */
static const struct {
        const char *name;
        int64_t first_ms, period_ms;
        Err (*fn)(Ctx *cx, App *a);
} table[] = {
        { "identity", 1000, 1000, tick_identity },
        { "quotas", 1250, 1000, flush_quotas },
        { "refusals", 1375, 1000, flush_refusals },
        { "memories", 1500, 60 * 1000, count_memories },
        { "watchdog", 5750, 5000, watch_loops },
        { "idempotency", 60 * 1000, 3600 * 1000, expire_answers },
};

struct Chores {
        Chore each[ELEMENTSOF(table)];
};

static void run(PoolJob *job) {
        Chore *c = CONTAINER_OF(job, Chore, job);
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        Err e = c->fn(&cx, c->app);
        if (e)
                LOG(&cx, LOG_ERROR, "job_failed", err_info[e].text, L_STR("job", str_c(c->name)),
                    L_STR("what", str_c(cx.err.what)), L_STR("where", str_c(cx.err.where)));
        atomic_store(&c->busy, false);
}

static void due(void *arg) {
        Chore *c = arg;
        if (atomic_exchange(&c->busy, true))
                return;
        c->job = (PoolJob){ .run = run };
        if (!pool_submit(c->app->workers, &c->job))
                atomic_store(&c->busy, false);
}

Err chores_start(Ctx *cx, App *a, struct Chores **ret) {
        struct Chores *c = calloc(1, sizeof *c);
        if (!c)
                abort();
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                c->each[i].app = a;
                c->each[i].name = table[i].name;
                c->each[i].fn = table[i].fn;
                c->each[i].timer = timer_every(a->timers, table[i].first_ms, table[i].period_ms,
                                               due, &c->each[i]);
        }
        *ret = c;
        return OK;
}

/* Stops the timers; a run under way ends with the pool, which is freed before the rooms it uses. */
struct Chores *chores_stop(struct Chores *c) {
        for (size_t i = 0; c && i < ELEMENTSOF(table); i++) {
                timer_stop(c->each[i].timer);
                while (atomic_load(&c->each[i].busy))
                        thread_sleep_ms(1);
        }
        free(c);
        return NULL;
}

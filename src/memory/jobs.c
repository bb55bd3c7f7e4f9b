// SPDX-License-Identifier: MIT
#include "memory/jobs.h"

#include "base/log.h"
#include "codec/json.h"
#include "codec/uuid.h"
#include "codec/when.h"
#include "memory/memory_int.h"
#include "memory/memory_sql.h"
#include "memory/touched.h"
#include "memory/vectors.h"
#include "sys/thread.h"

enum {
        EXPIRED_MAX = 100,
        ATTEMPTS_MAX = 5,
        KEEP_DAYS = 7,
        NIGHT_HOUR = 3,
        USERS_PAGE = 500,
        LIST_MAX = 50,
        LOOK_US = 1000 * 1000
};
#define EXPIRY_PAUSE_MS INT64_C(60000)

/* those that can be asked for; then all */
static const char *const kinds_asked[] = { "decay", "cleanup", "consolidate", "embed", NULL };
static const char *const kinds[] = { "decay",    "cleanup", "consolidate", "embed",
                                     "conflict", "read",    NULL };
enum { KIND_CONFLICT = 4, KIND_READ = 5 };

typedef enum Which { WHICH_ALL, WHICH_INSIDE, WHICH_OUTSIDE } Which; /* as sql_job_next */

typedef struct Hand { /* a thread and the jobs it takes */
        Jobs *jobs;
        Which which;
        pthread_t thread;
        bool runs;
} Hand;

struct Jobs {
        Memory *m;
        World *world;
        Hand hands[2];
        pthread_mutex_t lock;
        pthread_cond_t wake;
        _Atomic bool stop;
        /* last look for expired ones; last day whose jobs were queued */
        int64_t expired_at, night;
};

/* ---- rows ---- */

/* In the order of JOB (memory_sql.c). */
enum {
        COL_JOB_ID,
        COL_USER_ID,
        COL_KIND,
        COL_ARGS,
        COL_STATE,
        COL_ATTEMPTS,
        COL_RUN_AT,
        COL_CREATED_AT,
        COL_STARTED_AT,
        COL_FINISHED_AT,
        COL_RESULT,
        COL_ERROR
};

static MemoryJob job_read(Ctx *cx, const Rows *r) {
        return (MemoryJob){ .job_id = row_dup(cx, r, COL_JOB_ID),
                            .user_id = row_dup(cx, r, COL_USER_ID),
                            .kind = row_dup(cx, r, COL_KIND),
                            .args = row_dup(cx, r, COL_ARGS),
                            .state = row_dup(cx, r, COL_STATE),
                            .attempts = row_int(r, COL_ATTEMPTS),
                            .run_at = row_int(r, COL_RUN_AT),
                            .created_at = row_int(r, COL_CREATED_AT),
                            .started_at = row_int(r, COL_STARTED_AT),
                            .finished_at = row_int(r, COL_FINISHED_AT),
                            .result = row_dup(cx, r, COL_RESULT),
                            .error = row_dup(cx, r, COL_ERROR) };
}

static Err job_one(Ctx *cx, DbConn *c, const Sql *sql, Args args, MemoryJob *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_row(cx, c, sql, args, &r));
        *ret = job_read(cx, &r);
        return OK;
}

static Err job_insert(Ctx *cx, DbConn *c, MemoryJob *j) {
        int64_t now = cx_now_ms(cx);
        j->job_id = uuid_new(cx);
        j->state = STR("queued");
        j->run_at = j->created_at = now;
        return db_run(cx, c, &sql_job_insert,
                      ARGS(v_text(j->job_id), v_text(j->user_id), v_text(j->kind), v_text(j->args),
                           v_int(now), v_int(now)),
                      NULL);
}

/* One waiting job of a kind is enough: it will see everything. */
static Err job_queue(Ctx *cx, DbConn *c, Str user_id, Str kind, MemoryJob *ret) {
        Err e = job_one(cx, c, &sql_job_waiting, ARGS(v_text(user_id), v_text(kind)), ret);
        if (e != ERR_NOT_FOUND)
                return e;
        *ret = (MemoryJob){ .user_id = user_id, .kind = kind };
        return job_insert(cx, c, ret);
}

Err memory_job_start(Ctx *cx, const MemoryScope *s, Str kind, MemoryJob *ret) {
        int k = word_index(kinds_asked, kind);
        if (k < 0)
                return RAISE_FIELD(cx, "#/kind", "must be decay, cleanup, consolidate or embed");
        return job_queue(cx, s->c, s->user_id, str_c(kinds_asked[k]), ret);
}

Err memory_job_conflict(Ctx *cx, const MemoryScope *s, int64_t unit) {
        return job_insert(cx, s->c,
                          &(MemoryJob){ .user_id = s->user_id,
                                        .kind = str_c(kinds[KIND_CONFLICT]),
                                        .args = arena_strf(cx->arena, "%lld", (long long)unit) });
}

Err memory_job_note(Ctx *cx, const MemoryScope *s, const MemoryJob *done) {
        int64_t now = cx_now_ms(cx);
        return db_run(cx, s->c, &sql_job_note,
                      ARGS(v_text(done->job_id), v_text(s->user_id), v_text(done->kind), v_int(now),
                           v_text(done->result)),
                      NULL);
}

Err memory_job_get(Ctx *cx, const MemoryScope *s, Str job_id, MemoryJob *ret) {
        return job_one(cx, s->c, &sql_job_get, ARGS(v_text(s->user_id), v_text(job_id)), ret);
}

static Err jobs_read(Ctx *cx, DbConn *c, const Sql *sql, Args args, MemoryJobList *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        MemoryJobList list = { NEW_ARRAY(cx->arena, MemoryJob, LIST_MAX), 0 };
        TRY(db_rows(cx, c, sql, args, &r));
        for (;;) {
                bool got = false;
                TRY(rows_next(cx, &r, &got));
                if (!got || list.n == LIST_MAX)
                        break;
                list.v[list.n++] = job_read(cx, &r);
        }
        *ret = list;
        return OK;
}

Err memory_job_list(Ctx *cx, const MemoryScope *s, MemoryJobList *ret) {
        return jobs_read(cx, s->c, &sql_job_list, ARGS(v_text(s->user_id), v_int(LIST_MAX)), ret);
}

Err jobs_unread(Ctx *cx, const MemoryScope *s, Str after, MemoryJobList *ret) {
        return jobs_read(cx, s->c, &sql_job_unread,
                         ARGS(v_text(s->user_id), v_text(after), v_int(LIST_MAX)), ret);
}

/* ---- access counts and expiry ---- */

typedef struct Flush {
        Touch v[TOUCHED_MAX];
        size_t n;
} Flush;

static Err touched_write(Ctx *cx, DbConn *c, void *arg) {
        const Flush *f = arg;
        for (size_t i = 0; i < f->n; i++) {
                const Touch *t = &f->v[i];
                TRY(db_run(cx, c, &sql_memory_touch,
                           ARGS(v_text((Str){ t->user_id, t->user_n }), v_int(t->unit),
                                v_int(t->at_ms), v_int(t->count)),
                           NULL));
        }
        return OK;
}

static Err touched_flush(Ctx *cx, Memory *m) {
        if (touched_is_empty(m->touched))
                return OK;
        Flush *f = NEW(cx->arena, Flush);
        f->n = touched_take(m->touched, f->v);
        return f->n ? db_write(cx, m->db, touched_write, f) : OK;
}

typedef struct Expired {
        Memory *m;
        Str user_id[EXPIRED_MAX], memory_id[EXPIRED_MAX];
        size_t n;
} Expired;

static Err expired_write(Ctx *cx, DbConn *c, void *arg) {
        const Expired *x = arg;
        for (size_t i = 0; i < x->n; i++) {
                MemoryScope s = { x->m, c, x->user_id[i], "job" };
                Err e = memory_drop(cx, &s, x->memory_id[i]);
                if (e && e != ERR_MEMORY_NOT_FOUND)
                        return e;
                err_clear(cx);
        }
        return OK;
}

static Err expired_delete(Ctx *cx, Memory *m) {
        _cleanup_(rows_done) Rows r = { 0 };
        DbConn *c;
        Expired *x = NEW(cx->arena, Expired);
        x->m = m;
        TRY(db_read(cx, m->db, &c));
        TRY(db_rows(cx, c, &sql_memory_expired, ARGS(v_int(cx_now_ms(cx)), v_int(EXPIRED_MAX)),
                    &r));
        for (;;) {
                bool got = false;
                TRY(rows_next(cx, &r, &got));
                if (!got || x->n == EXPIRED_MAX)
                        break;
                char *id = arena_bytes(cx->arena, UUID_TEXT + 1);
                uuid_write(id, (const unsigned char *)row_text(&r, 1).p);
                x->user_id[x->n] = row_dup(cx, &r, 0);
                x->memory_id[x->n++] = (Str){ id, UUID_TEXT };
        }
        rows_done(&r);
        r = (Rows){ 0 };
        return x->n ? db_write(cx, m->db, expired_write, x) : OK;
}

/* ---- running jobs ---- */

typedef struct Claim {
        Which which;
        MemoryJob job;
        bool found;
} Claim;

static Err job_save(Ctx *cx, DbConn *c, const MemoryJob *j) {
        return db_run(cx, c, &sql_job_state,
                      ARGS(v_text(j->job_id), v_text(j->state), v_int(j->attempts),
                           v_int(j->run_at), j->started_at ? v_int(j->started_at) : v_null(),
                           j->finished_at ? v_int(j->finished_at) : v_null(), v_text(j->result),
                           v_text(j->error), v_text(j->args)),
                      NULL);
}

static Err claim_write(Ctx *cx, DbConn *c, void *arg) {
        Claim *claim = arg;
        Err e = job_one(cx, c, &sql_job_next, ARGS(v_int(cx_now_ms(cx)), v_int(claim->which)),
                        &claim->job);
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        claim->found = true;
        claim->job.state = STR("running");
        claim->job.started_at = cx_now_ms(cx);
        claim->job.attempts++;
        return job_save(cx, c, &claim->job);
}

/* Asked on the read connection first, so that an idle second writes nothing. */
static Err job_is_due(Ctx *cx, Memory *m, Which which, bool *ret) {
        DbConn *c;
        MemoryJob job;
        TRY(db_read(cx, m->db, &c));
        Err e = job_one(cx, c, &sql_job_next, ARGS(v_int(cx_now_ms(cx)), v_int(which)), &job);
        *ret = e == OK;
        return e == ERR_NOT_FOUND ? OK : e;
}

static Err finish_write(Ctx *cx, DbConn *c, void *arg) { return job_save(cx, c, arg); }

static Err unit_of(Ctx *cx, const MemoryJob *j, int64_t *ret) {
        return str_to_i64(j->args, ret) ? OK : RAISE(cx, ERR_INTERNAL, "job without its unit");
}

static Err job_count(Ctx *cx, Memory *m, const MemoryJob *j, int64_t *ret_count) {
        Cleanup standard = { .days = 90 };
        int64_t unit;
        switch (word_index(kinds, j->kind)) {
        case 0: return memory_decay(cx, m, j->user_id, ret_count);
        case 1: return memory_cleanup(cx, m, j->user_id, &standard, ret_count);
        case 2: return memory_consolidate(cx, m, j->user_id, 0.90, ret_count);
        case 3: return vectors_embed(cx, m, j->user_id, ret_count);
        case KIND_CONFLICT:
                TRY(unit_of(cx, j, &unit));
                return memory_confirm(cx, m, j->user_id, unit, ret_count);
        }
        return RAISE(cx, ERR_INTERNAL, "job of unknown kind");
}

static Err job_work(Ctx *cx, Memory *m, const MemoryJob *j, Str *ret_result) {
        int64_t count = 0;
        if (word_index(kinds, j->kind) == KIND_READ)
                return memory_read(cx, m, j, ret_result);
        TRY(job_count(cx, m, j, &count));
        *ret_result = arena_strf(cx->arena, "{\"count\":%lld}", (long long)count);
        return OK;
}

/* For good. What it was to find out stays open. */
static void job_give_up(Ctx *cx, Memory *m, const MemoryJob *j) {
        int64_t unit;
        if (word_index(kinds, j->kind) != KIND_CONFLICT || !str_to_i64(j->args, &unit))
                return;
        if (memory_confirm_failed(cx, m, j->user_id, unit))
                LOG(cx, LOG_WARN, "memory.job.failed", "a failure could not be noted",
                    L_STR("kind", j->kind), L_STR("what", str_c(cx->err.what)));
        err_clear(cx);
}

static Err job_run(Ctx *cx, Memory *m, MemoryJob *j) {
        Str result;
        Err e = job_work(cx, m, j, &result);
        int64_t now = cx_now_ms(cx);
        if (!e) {
                j->state = STR("done");
                j->finished_at = now;
                j->result = result;
                j->error = STR_NULL;
        } else {
                bool again = j->attempts < ATTEMPTS_MAX;
                j->state = again ? STR("queued") : STR("failed");
                j->finished_at = again ? 0 : now;
                /* 4 s, 16 s, 64 s … */
                j->run_at = now + (INT64_C(1000) << MIN(j->attempts * 2, 12));
                j->error = str_c(err_info[e].name);
                LOG(cx, LOG_WARN, "memory.job.failed", "job failed", L_STR("kind", j->kind),
                    L_INT("attempts", j->attempts), L_STR("what", str_c(cx->err.what)));
                err_clear(cx);
                if (!again)
                        job_give_up(cx, m, j);
        }
        if (j->finished_at && word_index(kinds, j->kind) == KIND_READ)
                j->args = STR_NULL; /* the texts have been read, or never will be */
        return db_write(cx, m->db, finish_write, j);
}

/* ---- every night ---- */

typedef struct Night {
        int64_t day;
        Str after;
        const Sql *next; /* whose */
        const char *const *kinds;
        bool first, full;
} Night;

/* The jobs of the next user; *ret: there was one. */
static Err night_user(Ctx *cx, DbConn *c, Night *n, bool *ret) {
        MemoryJob job;
        {
                _cleanup_(rows_done) Rows r = { 0 };
                TRY(db_row(cx, c, n->next, ARGS(v_text(n->after)), &r));
                *ret = !row_is_null(&r, 0);
                n->after = row_dup(cx, &r, 0);
        }
        for (const char *const *kind = n->kinds; *ret && *kind; kind++)
                TRY(job_queue(cx, c, n->after, str_c(*kind), &job));
        return OK;
}

static Err night_write(Ctx *cx, DbConn *c, void *arg) {
        Night *n = arg;
        int64_t changed = 0, now = cx_now_ms(cx);
        if (n->first) {
                Str id = arena_strf(cx->arena, "night-%lld", (long long)n->day);
                TRY(db_run(cx, c, &sql_job_night, ARGS(v_text(id), v_int(now)), &changed));
                /* another process, or we before a restart, did it */
                n->full = changed == 1;
                return OK;
        }
        for (size_t users = 0; users < USERS_PAGE; users++) {
                TRY(night_user(cx, c, n, &n->full));
                if (!n->full)
                        break;
        }
        return OK;
}

typedef struct Prune {
        int64_t before, removed;
} Prune;

static Err prune_write(Ctx *cx, DbConn *c, void *arg) {
        static const Str ended[] = { STR("done"), STR("failed") };
        Prune *p = arg;
        int64_t removed = 0, n = 0;
        for (size_t i = 0; i < ELEMENTSOF(ended); i++, removed += n)
                TRY(db_run(cx, c, &sql_job_prune, ARGS(v_int(p->before), v_text(ended[i])), &n));
        p->removed = removed;
        return OK;
}

static Err jobs_prune(Ctx *cx, Memory *m) {
        Prune p = { .before = cx_now_ms(cx) - KEEP_DAYS * DAY_MS };
        do
                TRY(db_write(cx, m->db, prune_write, &p));
        while (p.removed);
        return OK;
}

static const char *const nightly[] = { "decay", "cleanup", "consolidate", NULL },
                         *const vectors_too[] = { "embed", NULL };

static Err users_queue(Ctx *cx, Memory *m, Night n) {
        n.after = STR("");
        n.full = true;
        while (n.full)
                TRY(db_write(cx, m->db, night_write, &n));
        return OK;
}

static Err night_queue(Ctx *cx, Memory *m, int64_t day) {
        Night n = { .day = day, .first = true };
        TRY(db_write(cx, m->db, night_write, &n));
        if (!n.full)
                return OK;
        TRY(jobs_prune(cx, m));
        TRY(users_queue(cx, m, (Night){ .next = &sql_user_next, .kinds = nightly }));
        return m->vectors ? users_queue(cx, m,
                                        (Night){ .next = &sql_speaker_next, .kinds = vectors_too })
                          : OK;
}

/* ---- the threads ---- */

static Err upkeep(Ctx *cx, Memory *m) {
        Jobs *j = m->jobs;
        int64_t now = cx_now_ms(cx), day = days_of_ms(now);
        TRY(touched_flush(cx, m));
        if (now - j->expired_at >= EXPIRY_PAUSE_MS) {
                TRY(expired_delete(cx, m));
                j->expired_at = now;
        }
        if (day > j->night && now - day * DAY_MS >= NIGHT_HOUR * INT64_C(3600000)) {
                TRY(night_queue(cx, m, day));
                j->night = day;
        }
        return OK;
}

static Err jobs_run(Ctx *cx, Memory *m, Which which) {
        for (;;) {
                Claim claim = { .which = which };
                bool due;
                TRY(job_is_due(cx, m, which, &due));
                if (!due)
                        return OK;
                TRY(db_write(cx, m->db, claim_write, &claim));
                if (!claim.found || m->jobs->stop)
                        return OK;
                TRY(job_run(cx, m, &claim.job));
        }
}

Err memory_tick(Ctx *cx, Memory *m) {
        TRY(upkeep(cx, m));
        return jobs_run(cx, m, WHICH_ALL);
}

static Err reset_write(Ctx *cx, DbConn *c, void *arg) {
        return db_run(cx, c, &sql_job_reset, NO_ARGS, NULL);
}

static bool jobs_wait(Jobs *j) {
        pthread_mutex_lock(&j->lock);
        if (!j->stop)
                cond_wait_until(&j->wake, &j->lock, thread_mono_us() + LOOK_US);
        bool go_on = !j->stop;
        pthread_mutex_unlock(&j->lock);
        return go_on;
}

static Err hand_turn(Ctx *cx, const Hand *h) {
        if (h->which == WHICH_INSIDE)
                TRY(upkeep(cx, h->jobs->m));
        return jobs_run(cx, h->jobs->m, h->which);
}

static void *hand_main(void *arg) {
        const Hand *h = arg;
        _cleanup_(arena_freep) Arena *arena = arena_new();
        while (jobs_wait(h->jobs)) {
                Ctx cx = { .arena = arena,
                           .world = h->jobs->world,
                           .trace_id = "00000000000000000000000000000000" };
                Err e = hand_turn(&cx, h);
                if (e)
                        LOG(&cx, LOG_WARN, "memory.upkeep.failed", "upkeep failed",
                            L_STR("error", str_c(err_info[e].name)),
                            L_STR("what", str_c(cx.err.what)));
                arena_clear(arena);
        }
        return NULL;
}

Jobs *jobs_new(Memory *m) {
        Jobs *j = calloc(1, sizeof *j);
        if (!j)
                abort();
        j->m = m;
        j->hands[0] = (Hand){ .jobs = j, .which = WHICH_INSIDE };
        j->hands[1] = (Hand){ .jobs = j, .which = WHICH_OUTSIDE };
        pthread_mutex_init(&j->lock, NULL);
        cond_init(&j->wake);
        return j;
}

Err memory_start(Ctx *cx, Memory *m) {
        Jobs *j = m->jobs;
        j->world = cx->world;
        /* what ran when the process died starts again */
        TRY(db_write(cx, m->db, reset_write, NULL));
        /* Another model may be configured now: whose vectors are missing is found by each user's job. */
        if (m->vectors)
                TRY(users_queue(cx, m, (Night){ .next = &sql_speaker_next, .kinds = vectors_too }));
        for (size_t i = 0; i < ELEMENTSOF(j->hands); i++) {
                Hand *h = &j->hands[i];
                TRY(thread_start(cx, "memory-jobs", hand_main, h, &h->thread));
                h->runs = true;
        }
        return OK;
}

void memory_stop(Memory *m) {
        Jobs *j = m->jobs;
        pthread_mutex_lock(&j->lock);
        j->stop = true;
        pthread_cond_broadcast(&j->wake);
        pthread_mutex_unlock(&j->lock);
        vectors_stop(m->vectors);
        for (size_t i = 0; i < ELEMENTSOF(j->hands); i++) {
                if (j->hands[i].runs)
                        pthread_join(j->hands[i].thread, NULL);
                j->hands[i].runs = false;
        }
}

Jobs *jobs_free(Jobs *j) {
        if (!j)
                return NULL;
        memory_stop(j->m);
        pthread_cond_destroy(&j->wake);
        pthread_mutex_destroy(&j->lock);
        free(j);
        return NULL;
}

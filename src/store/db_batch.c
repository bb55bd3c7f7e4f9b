// SPDX-License-Identifier: MIT
#include "store/db_batch.h"

#include <unistd.h>

#include "base/log.h"
#include "base/metric.h"

enum {
        BATCH_JOBS = 256,
        BATCH_US = 10000,
        ATTEMPTS = 12,
        PAUSE_US = 1000,  /* after the first lost race; doubles, up to 32 */
        SLOW_US = 500000, /* a commit this long is logged */
        LOG_EVERY_US = 1000000,
};

typedef struct Batch {
        Batcher *by;
        Ctx cx; /* of the steps */
        DbJob *first, **end;
        size_t n;
        int64_t started_us;
        Err lost; /* the answer to all; OK while there is hope */
        const char *why;
} Batch;

static Cell *commit_seconds;
static void metrics_make(void) {
        commit_seconds = metric_one(metric_histogram("mainstay_storage_fsync_duration_seconds",
                                                     NULL, metric_bounds_http, metric_bounds_http_n,
                                                     "Duration of durable commits"));
}

static void batch_lose(Batch *b, Err e, const char *why) {
        b->lost = e;
        b->why = arena_cstr(b->by->arena, str_c(why ? why : "the transaction was rolled back"));
}

static void batch_step(Batch *b, BatchStep step) {
        Err e = b->by->driver->step(&b->cx, b->by->conn, step);
        if (e)
                batch_lose(b, e, b->cx.err.what);
}

/* ---- jobs ---- */

static void job_run(Batch *b, DbJob *job) {
        DbConn *c = b->by->conn;
        job->result = job_late(job);
        if (!job->result)
                batch_step(b, STEP_SAVE);
        if (job->result || b->lost)
                return;
        size_t hooks = c->hooks_n;
        job->result = write_call(job->cx, c, job->fn, job->arg);
        if (b->by->driver->is_lost(c)) {
                batch_lose(b, job->result == ERR_CORRUPT ? ERR_CORRUPT : ERR_STORAGE,
                           job->cx->err.what);
                return;
        }
        if (job->result) {
                batch_step(b, STEP_UNDO);
                hooks_rolled_back(c, hooks);
        }
        if (!b->lost)
                batch_step(b, STEP_RELEASE);
}

static void batch_collect(Batch *b) {
        DbJob *job;
        bool begun = !b->lost;
        while (b->n < BATCH_JOBS && (job = queue_pop(b->by->queue))) {
                *b->end = job;
                b->end = &job->next;
                job->next = NULL;
                b->n++;
                if (begun)
                        job_run(b, job);
                if (begun && (b->lost || thread_mono_us() - b->started_us > BATCH_US))
                        break;
        }
}

static void batch_repeat(Batch *b) {
        for (DbJob *job = b->first; job && !b->lost; job = job->next) {
                err_clear(job->cx);
                job_run(b, job);
        }
}

/* ---- the end of a batch ---- */

static void batch_commit(Batch *b) {
        Batcher *by = b->by;
        int64_t from = thread_mono_us();
        if (!b->lost)
                batch_step(b, STEP_COMMIT);
        if (b->lost) {
                (void)by->driver->step(&b->cx, by->conn, STEP_ABORT);
                hooks_rolled_back(by->conn, 0);
                return;
        }
        int64_t took = thread_mono_us() - from;
        cell_observe(commit_seconds, (double)took / 1e6);
        __atomic_store_n(&by->commit_us, took, __ATOMIC_RELAXED);
        __atomic_fetch_add(&by->commits, 1, __ATOMIC_RELEASE);
        __atomic_fetch_add(&by->writes, (int64_t)b->n, __ATOMIC_RELAXED);
        if (took > SLOW_US)
                LOG(NULL, LOG_WARN, "storage_slow", "commit", L_INT("duration_ms", took / 1000));
        hooks_committed(by->conn);
}

/* Once a second at most: while a disk is full every batch fails. */
static void failure_log(Batch *b) {
        Batcher *by = b->by;
        int64_t now = thread_mono_us();
        by->failed += (int64_t)b->n;
        if (by->failure_logged_us && now - by->failure_logged_us < LOG_EVERY_US)
                return;
        LOG(NULL, LOG_ERROR, "storage_failed", b->why, L_INT("writes", by->failed));
        by->failure_logged_us = now;
        by->failed = 0;
}

static void batch_answer(Batch *b) {
        for (DbJob *job = b->first, *next; job; job = next) {
                next = job->next;
                if (b->lost) {
                        err_clear(job->cx);
                        job->result = b->lost;
                        RAISE(job->cx, job->result, "%s", b->why);
                }
                job_answer(job);
        }
}

void batch_run(Batcher *by) {
        arena_clear(by->arena);
        Batch b = { .by = by,
                    .cx = { .arena = by->arena, .world = &world_real },
                    .started_us = thread_mono_us() };
        b.end = &b.first;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                b.lost = OK;
                err_clear(&b.cx);
                batch_step(&b, STEP_BEGIN);
                attempt ? batch_repeat(&b) : batch_collect(&b);
                batch_commit(&b);
                if (!b.lost || !by->driver->is_race(by->conn))
                        break;
                batch_lose(&b, ERR_UNAVAILABLE, "lost the race with other writers too often");
                usleep((useconds_t)PAUSE_US << MIN(attempt, 5));
        }
        if (b.lost)
                failure_log(&b);
        batch_answer(&b);
}

/* ---- life ---- */

void batcher_init(Batcher *b, const BatchDriver *driver, DbConn *c, size_t queue_max) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, metrics_make);
        *b = (Batcher){ .driver = driver, .conn = c, .queue = &c->db->queue, .arena = arena_new() };
        queue_init(b->queue, queue_max);
}

void batcher_done(Batcher *b) {
        if (!b->arena)
                return;
        queue_done(b->queue);
        arena_free(b->arena);
        b->arena = NULL;
}

int64_t batcher_commits(const Batcher *b) {
        return __atomic_load_n(&b->commits, __ATOMIC_ACQUIRE);
}

void batcher_stats(Batcher *b, DbStats *ret) {
        *ret = (DbStats){
                .commits = batcher_commits(b),
                .writes = __atomic_load_n(&b->writes, __ATOMIC_RELAXED),
                .fsync_s_last = (double)__atomic_load_n(&b->commit_us, __ATOMIC_RELAXED) / 1e6,
        };
        if (!b->queue)
                return;
        ret->queue_depth = (int64_t)queue_depth(b->queue);
        ret->queue_max = (int64_t)b->queue->max;
}

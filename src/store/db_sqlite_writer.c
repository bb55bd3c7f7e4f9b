// SPDX-License-Identifier: MIT
/* The writer of the SQLite driver: one thread, group commit, all checkpoints.
 *
 * A batch is one transaction: each job has a savepoint of its own, so a failing job undoes only
 * itself. Nobody is answered before the one COMMIT, because also a job that failed may have failed
 * over what an earlier one of the same batch wrote. When the transaction is lost (disk full, I/O
 * error), all its jobs get ERR_STORAGE. */
#include "store/db_sqlite_int.h"

#include <sys/stat.h>

#include "base/log.h"
#include "base/metric.h"

enum {
        BATCH_JOBS = 256,
        BATCH_US = 10000,
        WAL_PASSIVE_PAGES = 2048,   /* 8 MiB: checkpoint between two batches */
        WAL_TRUNCATE_PAGES = 32768, /* 128 MiB: readers held it back; start the log anew */
        WAL_IDLE_PAGES = 256,       /* worth a checkpoint in a quiet moment */
        IDLE_US = 200000,
        IDLE_SMALL_US = 5000000,
        SLOW_US = 500000, /* a commit this long is logged */
};

static const Sql sql_begin = { "store.begin", "BEGIN IMMEDIATE" };
static const Sql sql_commit = { "store.commit", "COMMIT" };
static const Sql sql_abort = { "store.abort", "ROLLBACK" };
static const Sql sql_save = { "store.save", "SAVEPOINT job" };
static const Sql sql_undo = { "store.undo", "ROLLBACK TO job" };
static const Sql sql_release = { "store.release", "RELEASE job" };

static Cell *commit_seconds;
static void metrics_make(void) {
        commit_seconds = metric_one(metric_histogram("mainstay_storage_fsync_duration_seconds",
                                                     NULL, metric_bounds_http, metric_bounds_http_n,
                                                     "Duration of durable commits"));
}

/* ---- one batch ---- */

typedef struct Batch {
        DbJob *first, **end;
        size_t n;
        int64_t started_us;
        int rc;                                       /* not OK: the transaction is lost */
        char why[256];
} Batch;

static void batch_lost(Batch *b, int rc, const char *what, const char *why) {
        b->rc = rc;
        snprintf(b->why, sizeof b->why, "%s: %s", what,
                 why ? why : "the transaction was rolled back");
}

static void batch_exec(Batch *b, SqliteConn *c, const Sql *sql) {
        int rc = conn_exec(c, sql);
        if (rc)
                batch_lost(b, rc, sql->name, sqlite3_errmsg(c->db));
}

static void job_run(Writer *w, Batch *b, DbJob *job) {
        SqliteConn *c = w->conn;
        job->result = job_late(job);
        if (!job->result)
                batch_exec(b, c, &sql_save);
        if (job->result || b->rc)
                return;
        size_t hooks = c->base.hooks_n;
        job->result = write_call(job->cx, &c->base, job->fn, job->arg);
        if (sqlite3_get_autocommit(c->db)) { /* a full disk ends the transaction under us */
                batch_lost(b, SQLITE_ABORT, "write", job->cx->err.what);
                return;
        }
        if (job->result) {
                batch_exec(b, c, &sql_undo);
                hooks_rolled_back(&c->base, hooks);
        }
        if (!b->rc)
                batch_exec(b, c, &sql_release);
}

static void batch_fill(Writer *w, Batch *b) {
        DbJob *job;
        bool begun = !b->rc;
        while (b->n < BATCH_JOBS && (job = queue_pop(w->queue))) {
                *b->end = job;
                b->end = &job->next;
                job->next = NULL;
                b->n++;
                if (begun)
                        job_run(w, b, job);
                if (begun && (b->rc || thread_mono_us() - b->started_us > BATCH_US))
                        break;
        }
}

/* Once a second at most: while a disk is full every batch fails. */
static void failure_log(Writer *w, const Batch *b) {
        w->failed += (int64_t)b->n;
        int64_t now = thread_mono_us();
        if (w->failure_logged_us && now - w->failure_logged_us < 1000000)
                return;
        LOG(NULL, LOG_ERROR, "storage_failed", b->why, L_INT("writes", w->failed));
        w->failure_logged_us = now;
        w->failed = 0;
}

static void batch_commit(Writer *w, Batch *b) {
        int64_t from = thread_mono_us();
        if (!b->rc)
                batch_exec(b, w->conn, &sql_commit);
        int64_t took = thread_mono_us() - from;
        if (b->rc && !sqlite3_get_autocommit(w->conn->db))
                conn_exec(w->conn, &sql_abort);
        if (b->rc) {
                hooks_rolled_back(&w->conn->base, 0);
                w->conn->base.hooks_n = 0;
                failure_log(w, b);
                return;
        }
        cell_observe(commit_seconds, (double)took / 1e6);
        __atomic_store_n(&w->fsync_us, took, __ATOMIC_RELAXED);
        __atomic_fetch_add(&w->commits, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&w->writes, (int64_t)b->n, __ATOMIC_RELAXED);
        if (took > SLOW_US)
                LOG(NULL, LOG_WARN, "storage_slow", "commit", L_INT("duration_ms", took / 1000));
        hooks_committed(&w->conn->base);
}

static void batch_answer(Batch *b) {
        for (DbJob *job = b->first, *next; job; job = next) {
                next = job->next;
                if (b->rc) {
                        int kind = b->rc & 0xff;
                        bool damaged = kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB;
                        err_clear(job->cx);
                        job->result = damaged ? ERR_CORRUPT : ERR_STORAGE;
                        RAISE(job->cx, job->result, "%s", b->why);
                }
                job_answer(job);
        }
}

static void batch_run(Writer *w) {
        Batch b = { .started_us = thread_mono_us() };
        b.end = &b.first;
        batch_exec(&b, w->conn, &sql_begin);
        batch_fill(w, &b);
        batch_commit(w, &b);
        batch_answer(&b);
}

/* ---- checkpoints ---- */

static int wal_grew(void *arg, sqlite3 *db, const char *name, int pages) {
        Writer *w = arg;
        if (pages < w->wal_pages)                     /* the log began anew */
                w->wal_next = WAL_PASSIVE_PAGES;
        w->wal_pages = pages;
        w->wal_idle_due = true;
        return SQLITE_OK;
}

/* Never waits for a reader: what it holds back is done in the next quiet moment. */
static void checkpoint(Writer *w, int mode) {
        int pages = 0, moved = 0;
        sqlite3_busy_timeout(w->conn->db, 0);
        int rc = sqlite3_wal_checkpoint_v2(w->conn->db, NULL, mode, &pages, &moved);
        sqlite3_busy_timeout(w->conn->db, BUSY_MS);
        if (rc && rc != SQLITE_BUSY)
                LOG(NULL, LOG_WARN, "storage_checkpoint_failed", sqlite3_errmsg(w->conn->db),
                    L_INT("pages", pages));
        w->wal_next = w->wal_pages + WAL_PASSIVE_PAGES;
        w->wal_idle_due = rc == SQLITE_BUSY;
}

static void checkpoint_if_due(Writer *w, bool idle) {
        if (idle)
                checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE);
        else if (w->wal_pages >= w->wal_next)
                checkpoint(w, w->wal_pages >= WAL_TRUNCATE_PAGES ? SQLITE_CHECKPOINT_TRUNCATE
                                                                 : SQLITE_CHECKPOINT_PASSIVE);
}

/* A small log may wait longer, but not for ever: it still holds what was deleted since. */
static int64_t idle_us(const Writer *w) {
        if (!w->wal_idle_due)
                return INT64_MAX;
        return w->wal_pages >= WAL_IDLE_PAGES ? IDLE_US : IDLE_SMALL_US;
}

static void *writer_main(void *arg) {
        Writer *w = arg;
        for (QueueWait got = QUEUE_WORK; got != QUEUE_STOP;) {
                got = queue_wait(w->queue, idle_us(w));
                if (got == QUEUE_WORK)
                        batch_run(w);
                if (got != QUEUE_STOP)
                        checkpoint_if_due(w, got == QUEUE_IDLE);
        }
        return NULL;
}

/* ---- life ---- */

Err writer_start(Ctx *cx, SqliteDb *s, size_t queue_max) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, metrics_make);
        Writer *w = &s->writer;
        w->queue = &s->base.queue;
        w->wal_next = WAL_PASSIVE_PAGES;
        queue_init(w->queue, queue_max);
        sqlite3_wal_hook(w->conn->db, wal_grew, w);
        Err e = thread_start(cx, "store-writer", writer_main, w, &w->id);
        w->started = e == OK;
        return e;
}

void writer_stop(SqliteDb *s) {
        Writer *w = &s->writer;
        if (w->started) {
                queue_stop(w->queue);
                pthread_join(w->id, NULL);
        }
        w->started = false;
        queue_done(&s->base.queue);
}

Err writer_submit(Ctx *cx, Db *db, DbJob *job) { return queue_push(cx, &db->queue, job); }

void writer_stats(Db *db, DbStats *ret) {
        SqliteDb *s = sqlite_db(db);
        Writer *w = &s->writer;
        struct stat st;
        *ret = (DbStats){
                .wal_bytes = stat(s->wal_path, &st) ? 0 : (int64_t)st.st_size,
                .queue_depth = (int64_t)queue_depth(&db->queue),
                .queue_max = (int64_t)db->queue.max,
                .commits = __atomic_load_n(&w->commits, __ATOMIC_RELAXED),
                .writes = __atomic_load_n(&w->writes, __ATOMIC_RELAXED),
                .fsync_s_last = (double)__atomic_load_n(&w->fsync_us, __ATOMIC_RELAXED) / 1e6,
        };
}

// SPDX-License-Identifier: MIT
/* The writer of the SQLite driver: the steps of a batch, and all checkpoints. */
#include "store/db_sqlite_int.h"

#include <sys/stat.h>

#include "base/log.h"

enum {
        WAL_PASSIVE_PAGES = 8192,   /* 32 MiB: checkpoint between two batches */
        WAL_TRUNCATE_PAGES = 32768, /* 128 MiB: readers held it back; begin anew */
        WAL_IDLE_PAGES = 256,       /* worth a checkpoint in a quiet moment */
        IDLE_US = 200000,
        IDLE_SMALL_US = 5000000,
};

/* ---- the steps of a batch ---- */

static const Sql steps[] = {
        [STEP_BEGIN] = { "store.begin", "BEGIN IMMEDIATE" },
        [STEP_SAVE] = { "store.save", "SAVEPOINT job" },
        [STEP_UNDO] = { "store.undo", "ROLLBACK TO job" },
        [STEP_RELEASE] = { "store.release", "RELEASE job" },
        [STEP_COMMIT] = { "store.commit", "COMMIT" },
        [STEP_ABORT] = { "store.abort", "ROLLBACK" },
};

/* A full disk, for one, rolls the transaction back by itself. */
static bool is_lost(DbConn *c) { return sqlite3_get_autocommit(sqlite_conn(c)->db); }
static bool is_race(DbConn *c) { return false; }

static Err step(Ctx *cx, DbConn *base, BatchStep at) {
        SqliteConn *c = sqlite_conn(base);
        if (at == STEP_ABORT && is_lost(base))
                return OK;
        int rc = conn_exec(c, &steps[at]);
        return rc ? sqlite_fail(cx, c->db, rc, steps[at].name) : OK;
}

static const BatchDriver batch_driver = { .step = step, .is_lost = is_lost, .is_race = is_race };

/* ---- checkpoints ---- */

static int wal_grew(void *arg, sqlite3 *db, const char *name, int pages) {
        Writer *w = arg;
        if (pages < w->wal_pages) /* the log began anew */
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
                got = queue_wait(w->batcher.queue, idle_us(w));
                if (got == QUEUE_WORK)
                        batch_run(&w->batcher);
                if (got != QUEUE_STOP)
                        checkpoint_if_due(w, got == QUEUE_IDLE);
        }
        return NULL;
}

/* ---- life ---- */

Err writer_start(Ctx *cx, SqliteDb *s, size_t queue_max) {
        Writer *w = &s->writer;
        w->wal_next = WAL_PASSIVE_PAGES;
        batcher_init(&w->batcher, &batch_driver, &w->conn->base, queue_max);
        sqlite3_wal_hook(w->conn->db, wal_grew, w);
        Err e = thread_start(cx, "store-writer", writer_main, w, &w->id);
        w->started = e == OK;
        return e;
}

void writer_stop(SqliteDb *s) {
        Writer *w = &s->writer;
        if (w->started) {
                queue_stop(w->batcher.queue);
                pthread_join(w->id, NULL);
        }
        w->started = false;
        batcher_done(&w->batcher);
}

Err writer_submit(Ctx *cx, Db *db, DbJob *job) { return queue_push(cx, &db->queue, job); }

void writer_stats(Db *db, DbStats *ret) {
        SqliteDb *s = sqlite_db(db);
        struct stat st;
        batcher_stats(&s->writer.batcher, ret);
        ret->wal_bytes = stat(s->wal_path, &st) ? 0 : (int64_t)st.st_size;
}

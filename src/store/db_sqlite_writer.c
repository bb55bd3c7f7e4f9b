// SPDX-License-Identifier: MIT
/* The writer of the SQLite driver: the steps of a batch. */
#include "store/db_sqlite_int.h"

#include <sys/stat.h>

#include "base/log.h"

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

static void *writer_main(void *arg) {
        Writer *w = arg;
        for (QueueWait got = QUEUE_WORK; got != QUEUE_STOP;) {
                got = queue_wait(w->batcher.queue, wal_idle_us(&w->wal));
                if (got == QUEUE_WORK)
                        batch_run(&w->batcher);
                if (got != QUEUE_STOP)
                        wal_look(w, got == QUEUE_IDLE);
        }
        return NULL;
}

/* ---- life ---- */

Err writer_start(Ctx *cx, SqliteDb *s, const DbSettings *set) {
        Writer *w = &s->writer;
        batcher_init(&w->batcher, &batch_driver, &w->conn->base, set->queue_max);
        TRY(wal_start(cx, w, set->wal_pages));
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
        wal_stop(w);
        batcher_done(&w->batcher);
}

Err writer_submit(Ctx *cx, Db *db, DbJob *job) { return queue_push(cx, &db->queue, job); }

void writer_stats(Db *db, DbStats *ret) {
        SqliteDb *s = sqlite_db(db);
        struct stat st;
        batcher_stats(&s->writer.batcher, ret);
        ret->wal_bytes = stat(s->wal_path, &st) ? 0 : (int64_t)st.st_size;
}

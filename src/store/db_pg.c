// SPDX-License-Identifier: MIT
/* The PostgreSQL driver: any number of processes on one database. A few threads write, each with a
 * connection of its own, and every other thread reads through one of its own.
 *
 * A write is one SERIALIZABLE transaction, so that what holds under SQLite's single writer holds
 * here too; one that lost a race is rolled back, its hooks with it, and run again. */
#include "store/db_pg_int.h"

#include <unistd.h>

#include "base/log.h"
#include "base/metric.h"

enum {
        THREADS = 8,
        ATTEMPTS = 12,
        PAUSE_US = 2000,
        UNTIL_US = 30000000,
        CONNECT_S = 5,
        LINK_DEAD_MS = 30000
};

/* ---- connections ---- */

static const char session[] =
        "SET default_transaction_read_only = on; SET client_min_messages = warning;"
        "SET synchronous_commit = on; SET timezone = 'UTC';";

Err pg_conn_new(PgDb *s, PgConn **ret) {
        PgConn *c = calloc(1, sizeof *c);
        if (!c)
                abort();
        c->owner = s;
        c->base.db = &s->base;
        *ret = c;
        return OK;
}

PgConn *pg_conn_free(PgConn *c) {
        if (!c)
                return NULL;
        PQfinish(c->pg);
        hooks_done(&c->base);
        arena_free(c->arena);
        free(c);
        return NULL;
}

Err pg_conn_ensure(Ctx *cx, PgConn *c) {
        if (PQstatus(c->pg) == CONNECTION_OK)
                return OK;
        PQfinish(c->pg);
        arena_free(c->arena);
        c->arena = arena_new();
        c->stmts = (SqlTable){ 0 };
        char connect[16], dead[16];
        snprintf(connect, sizeof connect, "%d", CONNECT_S);
        snprintf(dead, sizeof dead, "%d", LINK_DEAD_MS);
        /* The URL comes last: what it says wins. */
        const char *const names[] = { "connect_timeout", "tcp_user_timeout", "application_name",
                                      "dbname", NULL };
        const char *const values[] = { connect, dead, "mainstay", c->owner->url, NULL };
        c->pg = PQconnectdbParams(names, values, 1);
        if (PQstatus(c->pg) != CONNECTION_OK)
                return RAISE(cx, ERR_STORAGE, "cannot connect: %s", PQerrorMessage(c->pg));
        return pg_command(cx, c, session);
}

/* ---- the read lane ---- */

static void reader_unlink(PgConn *c) {
        *c->prev = c->next;
        if (c->next)
                c->next->prev = c->prev;
}

static void reader_exit(void *arg) {
        PgConn *c = arg;
        pthread_mutex_lock(&c->owner->readers_lock);
        reader_unlink(c);
        pthread_mutex_unlock(&c->owner->readers_lock);
        pg_conn_free(c);
}

static Err pg_read(Ctx *cx, Db *db, DbConn **ret) {
        PgDb *s = pg_db(db);
        PgConn *c = pthread_getspecific(s->key);
        if (!c) {
                TRY(pg_conn_new(s, &c));
                pthread_mutex_lock(&s->readers_lock);
                c->next = s->readers;
                c->prev = &s->readers;
                if (c->next)
                        c->next->prev = &c->next;
                s->readers = c;
                pthread_mutex_unlock(&s->readers_lock);
                pthread_setspecific(s->key, c);
        }
        TRY(pg_conn_ensure(cx, c));
        *ret = &c->base;
        return OK;
}

/* ---- the write lane ---- */

static Cell *commit_seconds;
static void metrics_make(void) {
        commit_seconds = metric_one(metric_histogram("mainstay_storage_fsync_duration_seconds",
                                                     NULL, metric_bounds_http, metric_bounds_http_n,
                                                     "Duration of durable commits"));
}

/* A transaction that failed inside ends with a ROLLBACK, which COMMIT reports as its success. */
static Err commit(Ctx *cx, PgConn *c) {
        int64_t from = thread_mono_us();
        if (!PQsendQuery(c->pg, "COMMIT"))
                return pg_fail(cx, c, NULL, "commit");
        PGresult *res = pg_result(c, from + UNTIL_US);
        Err e = OK;
        if (!res)
                e = RAISE(cx, ERR_UNCERTAIN, "the connection broke during COMMIT: %s",
                          PQerrorMessage(c->pg));
        else if (PQresultStatus(res) != PGRES_COMMAND_OK)
                e = pg_fail(cx, c, res, "commit");
        else if (strcmp(PQcmdStatus(res), "COMMIT"))
                e = RAISE(cx, ERR_STORAGE, "a statement of the transaction had failed");
        PQclear(res);
        while ((res = pg_result(c, from + UNTIL_US)))
                PQclear(res);
        PgDb *s = c->owner;
        int64_t took = thread_mono_us() - from;
        __atomic_store_n(&s->commit_us, took, __ATOMIC_RELAXED);
        __atomic_fetch_add(&s->commits, 1, __ATOMIC_RELAXED);
        cell_observe(commit_seconds, (double)took / 1e6);
        return e;
}

static Err attempt(PgConn *c, DbJob *job) {
        Ctx *cx = job->cx;
        c->again = false;
        TRY(pg_conn_ensure(cx, c));
        TRY(pg_command(cx, c, "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"));
        Err e = write_call(cx, &c->base, job->fn, job->arg);
        if (!e && !c->again)
                e = commit(cx, c);
        if (PQstatus(c->pg) == CONNECTION_OK && PQtransactionStatus(c->pg) != PQTRANS_IDLE) {
                Ctx quiet = *cx;                      /* what failed first is what counts */
                if (pg_command(&quiet, c, "ROLLBACK")) {
                        PQfinish(c->pg);
                        c->pg = NULL;
                }
        }
        if (e || c->again)
                hooks_rolled_back(&c->base, 0);
        return e;
}

static void job_run(PgConn *c, DbJob *job) {
        unsigned pause = 1;
        for (int i = 0; i < ATTEMPTS; i++) {
                job->result = job_late(job);
                if (job->result)
                        break;
                job->result = attempt(c, job);
                if (!c->again)
                        break;
                err_clear(job->cx);
                job->result = ERR_UNAVAILABLE;
                pause = pause * 2 +
                        (unsigned)(uintptr_t)job / 64 % 3; /* two that met do not meet again */
                usleep(PAUSE_US / 2 * MIN(pause, 32));
        }
        if (c->again && job->result == ERR_UNAVAILABLE)
                RAISE(job->cx, job->result, "lost the race with other writes %d times", ATTEMPTS);
        __atomic_fetch_add(&c->owner->writes, 1, __ATOMIC_RELAXED);
        if (!job->result)
                hooks_committed(&c->base);
        job_answer(job);
}

static void *writer_main(void *arg) {
        PgDb *s = arg;
        PgConn *c = NULL;
        if (pg_conn_new(s, &c))
                return NULL;
        while (queue_wait(&s->base.queue, INT64_MAX) != QUEUE_STOP) {
                DbJob *job = queue_pop(&s->base.queue);
                if (job)
                        job_run(c, job);
        }
        pg_conn_free(c);
        return NULL;
}

static Err pg_submit(Ctx *cx, Db *db, DbJob *job) { return queue_push(cx, &db->queue, job); }

/* Until the transaction ends no other process migrates. It must see what the one before it did, so
 * it does not keep the snapshot from before it waited. */
static Err pg_schema_lock(Ctx *cx, DbConn *base) {
        PgConn *c = pg_conn(base);
        TRY(pg_command(cx, c, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"));
        return pg_command(cx, c, "SELECT pg_advisory_xact_lock(5570187614)");
}

/* ---- operations ---- */

static Err pg_backup(Ctx *cx, Db *db, const char *to, DbProgress *progress, void *arg) {
        return RAISE(cx, ERR_UNAVAILABLE, "A PostgreSQL database is backed up with pg_dump.");
}

static void pg_stats(Db *db, DbStats *ret) {
        PgDb *s = pg_db(db);
        *ret = (DbStats){
                .queue_depth = (int64_t)queue_depth(&db->queue),
                .queue_max = (int64_t)db->queue.max,
                .commits = __atomic_load_n(&s->commits, __ATOMIC_RELAXED),
                .writes = __atomic_load_n(&s->writes, __ATOMIC_RELAXED),
                .fsync_s_last = (double)__atomic_load_n(&s->commit_us, __ATOMIC_RELAXED) / 1e6,
        };
}

static void pg_close(Db *db) {
        PgDb *s = pg_db(db);
        queue_stop(&db->queue);
        for (unsigned i = 0; i < s->threads; i++)
                pthread_join(s->ids[i], NULL);
        queue_done(&db->queue);
        if (s->keyed)
                pthread_key_delete(s->key);
        for (PgConn *c; (c = s->readers);) {
                reader_unlink(c);
                pg_conn_free(c);
        }
        pthread_mutex_destroy(&s->readers_lock);
        arena_free(s->arena);
}

static const DbDriver pg_driver = {
        .name = "postgresql", .remote = true, .read = pg_read, .submit = pg_submit,
        .backup = pg_backup, .stats = pg_stats, .close = pg_close,
        .run = pg_run, .script = pg_script,
        .rows = pg_rows, .next = pg_next, .finish = pg_finish,
        .is_null = pg_is_null, .get_int = pg_get_int, .get_num = pg_get_num, .get_str = pg_get_str,
        .schema_lock = pg_schema_lock,
};

Err pg_open(Ctx *cx, const DbSettings *set, Db **ret) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, metrics_make);
        Arena *arena = arena_new();
        PgDb *s = NEW(arena, PgDb);
        unsigned threads = set->connections ? set->connections : THREADS;
        *s = (PgDb){ .base = { .driver = &pg_driver }, .arena = arena };
        s->url = arena_printf(arena, "%s", set->path);
        s->ids = NEW_ARRAY(arena, pthread_t, threads);
        queue_init(&s->base.queue, set->queue_max);
        pthread_mutex_init(&s->readers_lock, NULL);
        _cleanup_(db_closep) Db *db = &s->base;
        if (pthread_key_create(&s->key, reader_exit))
                return RAISE(cx, ERR_UNAVAILABLE, "too many thread keys");
        s->keyed = true;
        DbConn *c = NULL;
        TRY(pg_read(cx, db, &c)); /* a server that is not there is noticed now */
        for (; s->threads < threads; s->threads++)
                TRY(thread_start(cx, "store-writer", writer_main, s, &s->ids[s->threads]));
        *ret = db;
        db = NULL;
        return OK;
}

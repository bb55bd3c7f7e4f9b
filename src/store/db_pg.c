// SPDX-License-Identifier: MIT
/* The PostgreSQL driver: any number of processes on one database. One thread of each writes, every
 * other thread reads through a connection of its own.
 *
 * A batch is one SERIALIZABLE transaction, so that what holds under SQLite's single writer holds
 * here too; one that lost a race to another process is rolled back, its hooks with it, and run
 * again. */
#include "store/db_pg_int.h"

enum { COMMIT_US = 30000000, CONNECT_S = 5, LINK_DEAD_MS = 30000 };

/* ---- connections ---- */

static const char session[] =
        "SET default_transaction_read_only = on; SET client_min_messages = warning;"
        "SET synchronous_commit = on; SET timezone = 'UTC';";

static PgConn *pg_conn_new(PgDb *s) {
        PgConn *c = calloc(1, sizeof *c);
        if (!c)
                abort();
        c->owner = s;
        c->base.db = &s->base;
        return c;
}

static PgConn *pg_conn_free(PgConn *c) {
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
                c = pg_conn_new(s);
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

/* A transaction that failed inside ends with a ROLLBACK, which COMMIT reports as its success. */
static Err commit(Ctx *cx, PgConn *c) {
        int64_t until = thread_mono_us() + COMMIT_US;
        if (!PQsendQuery(c->pg, "COMMIT"))
                return pg_fail(cx, c, NULL, "commit");
        Err e = OK;
        PGresult *res = pg_result(c, until);
        if (!res)
                e = RAISE(cx, ERR_UNCERTAIN, "the connection broke during COMMIT: %s",
                          PQerrorMessage(c->pg));
        else if (PQresultStatus(res) != PGRES_COMMAND_OK)
                e = pg_fail(cx, c, res, "commit");
        else if (strcmp(PQcmdStatus(res), "COMMIT"))
                e = RAISE(cx, ERR_STORAGE, "a statement of the transaction had failed");
        PQclear(res);
        while ((res = pg_result(c, until)))
                PQclear(res);
        return e;
}

static void drop_connection(PgConn *c) {
        PQfinish(c->pg);
        c->pg = NULL;
}

#define SCHEMA_KEY "5570187614"

static void schema_unlock(Ctx *cx, PgConn *c) {
        if (c->schema != SCHEMA_LOCKED)
                return;
        c->schema = SCHEMA_FREE;
        if (PQstatus(c->pg) == CONNECTION_OK &&
            pg_command(cx, c, "SELECT pg_advisory_unlock(" SCHEMA_KEY ")"))
                drop_connection(c); /* the lock goes with it */
}

static Err abort_it(Ctx *cx, PgConn *c) {
        bool idle = PQtransactionStatus(c->pg) == PQTRANS_IDLE;
        if (PQstatus(c->pg) == CONNECTION_OK && !idle && pg_command(cx, c, "ROLLBACK"))
                drop_connection(c);
        schema_unlock(cx, c);
        return OK;
}

static Err begin(Ctx *cx, PgConn *c) {
        c->again = false;
        TRY(pg_conn_ensure(cx, c));
        if (c->schema == SCHEMA_WANTED) {
                TRY(pg_command(cx, c, "SELECT pg_advisory_lock(" SCHEMA_KEY ")"));
                c->schema = SCHEMA_LOCKED;
        }
        return pg_command(cx, c, "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE");
}

static Err commit_and_unlock(Ctx *cx, PgConn *c) {
        Err e = commit(cx, c);
        if (!e)
                schema_unlock(cx, c);
        return e;
}

static Err step(Ctx *cx, DbConn *base, BatchStep at) {
        PgConn *c = pg_conn(base);
        switch (at) {
        case STEP_BEGIN: return begin(cx, c);
        case STEP_SAVE: return pg_command(cx, c, "SAVEPOINT job");
        case STEP_UNDO: return pg_command(cx, c, "ROLLBACK TO job");
        case STEP_RELEASE: return pg_command(cx, c, "RELEASE job");
        case STEP_COMMIT: return commit_and_unlock(cx, c);
        case STEP_ABORT: return abort_it(cx, c);
        }
        return ERR_INTERNAL;
}

static bool is_race(DbConn *c) { return pg_conn(c)->again; }
static bool is_lost(DbConn *c) { return is_race(c) || PQstatus(pg_conn(c)->pg) != CONNECTION_OK; }

static const BatchDriver batch_driver = { .step = step, .is_lost = is_lost, .is_race = is_race };

static void *writer_main(void *arg) {
        PgDb *s = arg;
        while (queue_wait(s->batcher.queue, INT64_MAX) != QUEUE_STOP)
                batch_run(&s->batcher);
        return NULL;
}

static Err pg_submit(Ctx *cx, Db *db, DbJob *job) { return queue_push(cx, &db->queue, job); }

/* No other process migrates until the transaction ends. Its snapshot must be younger than the lock,
 * so the first call asks for the batch to run again, behind the lock. */
static Err pg_schema_lock(Ctx *cx, DbConn *base) {
        PgConn *c = pg_conn(base);
        if (c->schema == SCHEMA_LOCKED)
                return OK;
        c->schema = SCHEMA_WANTED;
        c->again = true;
        return RAISE(cx, ERR_UNAVAILABLE, "waits for the lock of the schema");
}

/* ---- operations ---- */

static Err pg_backup(Ctx *cx, Db *db, const char *to, DbProgress *progress, void *arg) {
        return RAISE(cx, ERR_UNAVAILABLE, "A PostgreSQL database is backed up with pg_dump.");
}

static void pg_stats(Db *db, DbStats *ret) { batcher_stats(&pg_db(db)->batcher, ret); }

static void pg_close(Db *db) {
        PgDb *s = pg_db(db);
        if (s->started) {
                queue_stop(s->batcher.queue);
                pthread_join(s->id, NULL);
        }
        batcher_done(&s->batcher);
        if (s->keyed)
                pthread_key_delete(s->key);
        for (PgConn *c; (c = s->readers);) {
                reader_unlink(c);
                pg_conn_free(c);
        }
        pg_conn_free(s->writer);
        pthread_mutex_destroy(&s->readers_lock);
        arena_free(s->arena);
}

static const DbDriver pg_driver = {
        .name = "postgresql",
        .remote = true,
        .read = pg_read,
        .submit = pg_submit,
        .backup = pg_backup,
        .stats = pg_stats,
        .close = pg_close,
        .run = pg_run,
        .script = pg_script,
        .rows = pg_rows,
        .next = pg_next,
        .finish = pg_finish,
        .is_null = pg_is_null,
        .get_int = pg_get_int,
        .get_num = pg_get_num,
        .get_str = pg_get_str,
        .schema_lock = pg_schema_lock,
};

Err pg_open(Ctx *cx, const DbSettings *set, Db **ret) {
        TRY(pg_load(cx));
        Arena *arena = arena_new();
        PgDb *s = NEW(arena, PgDb);
        *s = (PgDb){ .base = { .driver = &pg_driver }, .arena = arena };
        s->url = arena_printf(arena, "%s", set->path);
        s->writer = pg_conn_new(s);
        batcher_init(&s->batcher, &batch_driver, &s->writer->base, set->queue_max);
        pthread_mutex_init(&s->readers_lock, NULL);
        _cleanup_(db_closep) Db *db = &s->base;
        if (pthread_key_create(&s->key, reader_exit))
                return RAISE(cx, ERR_UNAVAILABLE, "too many thread keys");
        s->keyed = true;
        TRY(pg_conn_ensure(cx, s->writer)); /* a server that is not there is noticed now */
        TRY(thread_start(cx, "store-writer", writer_main, s, &s->id));
        s->started = true;
        *ret = db;
        db = NULL;
        return OK;
}

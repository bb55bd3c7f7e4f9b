// SPDX-License-Identifier: MIT
#pragma once
/* db_pg_int: the parts of the PostgreSQL driver. A connection belongs to one thread. */
#include <libpq-fe.h>

#include "store/db_batch.h"
#include "store/db_table.h"

typedef struct PgDb PgDb;
typedef struct PgConn PgConn;

typedef enum SchemaLock { SCHEMA_FREE, SCHEMA_WANTED, SCHEMA_LOCKED } SchemaLock;

struct PgConn {
        DbConn base;
        PgDb *owner;
        PGconn *pg;
        Arena *arena; /* of the statements */
        SqlTable stmts;
        unsigned stmts_n;     /* for their names */
        bool again;           /* the transaction lost a race: run it again */
        SchemaLock schema;    /* of the session, around one batch */
        PgConn *next, **prev; /* among the readers */
};

struct PgDb {
        Db base;
        Arena *arena;
        const char *url;
        bool keyed;
        pthread_key_t key; /* this thread's reader */
        pthread_mutex_t readers_lock;
        PgConn *readers;
        PgConn *writer;
        Batcher batcher;
        pthread_t id;
        bool started;
};

static inline PgDb *pg_db(Db *db) { return CONTAINER_OF(db, PgDb, base); }
static inline PgConn *pg_conn(DbConn *c) { return CONTAINER_OF(c, PgConn, base); }

Err pg_load(Ctx *cx) _must_check_; /* before anything of libpq. ERR_UNAVAILABLE: not installed */

/* Connects when there is no connection or it is broken; prepared statements are forgotten then. */
Err pg_conn_ensure(Ctx *cx, PgConn *c);

/* One or more commands without parameters, that a request's deadline does not cut short. */
Err pg_command(Ctx *cx, PgConn *c, const char *text);
/* The next result, NULL behind the last. At `until_us` the statement is cancelled. */
PGresult *pg_result(PgConn *c, int64_t until_us);
/* The Err of a failed result; ERR_CONFLICT of keys is not raised. */
Err pg_fail(Ctx *cx, PgConn *c, const PGresult *res, const char *what);

Err pg_run(Ctx *cx, DbConn *base, const Sql *sql, Args args, int64_t *ret_changed);
Err pg_script(Ctx *cx, DbConn *base, const char *name, const char *text);
Err pg_rows(Ctx *cx, DbConn *base, const Sql *sql, Args args, void **ret_stmt);
Err pg_next(Ctx *cx, DbConn *base, void *stmt, bool *ret_row);
void pg_finish(DbConn *base, void *stmt);
bool pg_is_null(void *stmt, int col);
int64_t pg_get_int(void *stmt, int col);
double pg_get_num(void *stmt, int col);
Str pg_get_str(void *stmt, int col);

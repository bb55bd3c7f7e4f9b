// SPDX-License-Identifier: MIT
#pragma once
/* db_sqlite_int: the parts of the SQLite driver. Connections are without mutexes: each belongs to
 * one thread at a time. */
#include <sqlite3.h>

#include "store/db_batch.h"
#include "store/db_table.h"

enum { BUSY_MS = 2000 }; /* for another program that looks in */

/* A prepared statement of one connection. A second use of a Sql while the first is open gets a
 * twin. */
typedef struct Stmt Stmt;
struct Stmt {
        sqlite3_stmt *st;
        const Sql *sql;
        Stmt *twin;
        int params_n;
        unsigned char *params; /* bind position - 1 -> the number behind the $ */
        bool busy, ended;
};

typedef struct SqliteConn SqliteConn;
typedef struct SqliteDb SqliteDb;
struct SqliteConn {
        DbConn base;
        SqliteDb *owner;
        sqlite3 *db;
        Arena *arena;             /* of the statements */
        SqlTable stmts;           /* Stmt, then its twins */
        Ctx *cx;                  /* whose deadline the running step keeps; NULL between steps */
        SqliteConn *next, **prev; /* among the readers */
        bool viewing;             /* a transaction of db_view is open, */
        int64_t view_of;          /* begun when this many commits were done */
};

typedef enum MoverState { MOVER_IDLE, MOVER_BUSY, MOVER_DONE } MoverState;

/* The log and its checkpoints. */
typedef struct Wal {
        /* the writer's: */
        int pages, moved; /* frames in the log, and how many of them are in the file too */
        int every, next;  /* a checkpoint after so many frames; when there are this many */
        bool idle_due;    /* written since the last checkpoint of a quiet moment */
        /* the mover's: */
        pthread_t id;
        bool started;
        SqliteConn *conn; /* opened when first needed */
        /* between them: */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        MoverState mover;
        bool stopping;
        int done; /* with MOVER_DONE: frames that are in the file now; -1: it failed */
} Wal;

typedef struct Writer {
        SqliteConn *conn;
        Batcher batcher;
        pthread_t id;
        bool started;
        Wal wal;
} Writer;

struct SqliteDb {
        Db base;
        Arena *arena;
        const char *path, *wal_path;
        size_t cache_kib;
        int lock_fd;
        bool keyed;
        pthread_key_t key; /* this thread's reader */
        pthread_mutex_t readers_lock;
        SqliteConn *readers;
        Writer writer;
};

static inline SqliteDb *sqlite_db(Db *db) { return CONTAINER_OF(db, SqliteDb, base); }
static inline SqliteConn *sqlite_conn(DbConn *c) { return CONTAINER_OF(c, SqliteConn, base); }

/* The Err of a result code. `what` is the statement's name or the step. ERR_CONFLICT is an answer
 * and is not raised. */
Err sqlite_fail(Ctx *cx, sqlite3 *db, int rc, const char *what);

void sqlite_setup(void); /* before anything else of the library */
/* Registers the VFS by which the writer's log is written in large pieces. Result code. */
#define SQLITE_LOG_VFS "mainstay-log"
int sqlite_log_vfs(void);
typedef enum ConnRole { CONN_READER, CONN_WRITER, CONN_MOVER } ConnRole;
Err conn_open(Ctx *cx, SqliteDb *s, ConnRole role, SqliteConn **ret);
SqliteConn *conn_close(SqliteConn *c);
DEFINE_CLEANUP(SqliteConn, conn_close)
int conn_exec(SqliteConn *c, const Sql *sql); /* result code; no parameters, no rows */
Stmt *stmt_get(SqliteConn *c, const Sql *sql, int *ret_rc); /* NULL: *ret_rc says why */
void stmt_put(Stmt *s);
void stmts_done(SqliteConn *c);
extern const DbDriver sqlite_driver;

Err sqlite_run(Ctx *cx, DbConn *c, const Sql *sql, Args args, int64_t *ret_changed);
Err sqlite_script(Ctx *cx, DbConn *c, const char *name, const char *text);
Err sqlite_rows(Ctx *cx, DbConn *c, const Sql *sql, Args args, void **ret_stmt);
Err sqlite_next(Ctx *cx, DbConn *c, void *stmt, bool *ret_row);
void sqlite_finish(DbConn *c, void *stmt);
bool sqlite_is_null(void *stmt, int col);
int64_t sqlite_get_int(void *stmt, int col);
double sqlite_get_num(void *stmt, int col);
Str sqlite_get_str(void *stmt, int col);

Err writer_start(Ctx *cx, SqliteDb *s, const DbSettings *set);
void writer_stop(SqliteDb *s); /* drains, checkpoints, closes the connection */
Err writer_submit(Ctx *cx, Db *db, DbJob *job);
void writer_stats(Db *db, DbStats *ret);

Err wal_start(Ctx *cx, Writer *w, int every) _must_check_; /* 0: the usual */
void wal_stop(Writer *w); /* after the writer's thread has ended */
void wal_look(Writer *w, bool idle); /* between two batches: checkpoints what is due */
int64_t wal_idle_us(const Wal *l);   /* how long without work is a quiet moment */

Err sqlite_backup(Ctx *cx, Db *db, const char *to, DbProgress *progress, void *arg);

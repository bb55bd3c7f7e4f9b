// SPDX-License-Identifier: MIT
#pragma once
/* db: the seam to the database. Domain code names a statement; it never sees an engine, its error
 * codes, or SQL of another room.
 *
 * Reads use the calling thread's own connection. Writes go through db_write or db_submit: each runs
 * in a savepoint of its own inside a batch that is committed once (SQLite: one writer thread, group
 * commit, synchronous=FULL), so a failure rolls back only itself, and the answer comes only after
 * the commit is durable. Writes of a process run one at a time, in the order of one writer; that
 * order is the isolation level. On PostgreSQL a write that lost a race with another process runs
 * again, after its rollback hooks.
 *
 * Statements use $1, $2 and so on, and the subset of SQL that SQLite and PostgreSQL share: TEXT,
 * BIGINT, DOUBLE PRECISION, BYTEA. Texts are in single quotes, never in double ones. */
#include "base/base.h"

typedef struct Db Db;         /* one per process; thread safe */
typedef struct DbConn DbConn; /* lent for the length of a call */

/* static const: its address is its identity, by which each connection keeps it prepared. */
typedef struct Sql {
        const char *name, *text;
} Sql;

typedef enum ValType { VAL_NULL, VAL_INT, VAL_NUM, VAL_TEXT, VAL_BLOB } ValType;
typedef struct Val {
        ValType type;
        union {
                int64_t i;
                double f;
                Str s;
        };
} Val;
static inline Val v_null(void) { return (Val){ .type = VAL_NULL }; }
static inline Val v_int(int64_t i) { return (Val){ .type = VAL_INT, .i = i }; }
static inline Val v_num(double f) { return (Val){ .type = VAL_NUM, .f = f }; }
/* STR_NULL is NULL. */
static inline Val v_text(Str s) { return (Val){ .type = s.p ? VAL_TEXT : VAL_NULL, .s = s }; }
static inline Val v_blob(Str s) { return (Val){ .type = s.p ? VAL_BLOB : VAL_NULL, .s = s }; }
typedef struct Args {
        const Val *v;
        size_t n;
} Args;
#define ARGS(...)                                                                                  \
        ((Args){ (const Val[]){ __VA_ARGS__ }, ELEMENTSOF(((const Val[]){ __VA_ARGS__ })) })
#define NO_ARGS ((Args){ NULL, 0 })

/* ---- statements ----
 * ERR_CONFLICT: a unique or foreign key (not raised: it is an answer; the write may go on).
 * ERR_STORAGE: full, read-only, broken, busy. ERR_CORRUPT: the file is damaged.
 * ERR_TIMEOUT: a read met the deadline of its Ctx. */

/* ret_changed, the number of rows, may be NULL. */
Err db_run(Ctx *cx, DbConn *c, const Sql *sql, Args args, int64_t *ret_changed) _must_check_;

/* An open result: always _cleanup_(rows_done). The same Sql may be open several times. */
typedef struct Rows {
        DbConn *conn;
        void *stmt;
} Rows;
Err db_rows(Ctx *cx, DbConn *c, const Sql *sql, Args args, Rows *ret) _must_check_;
Err rows_next(Ctx *cx, Rows *r, bool *ret_row) _must_check_;
/* The first row, ready to be read. ERR_NOT_FOUND (not raised): there is none. */
Err db_row(Ctx *cx, DbConn *c, const Sql *sql, Args args, Rows *ret) _must_check_;
void rows_done(Rows *r);

bool row_is_null(const Rows *r, int col);
int64_t row_int(const Rows *r, int col); /* 0 for NULL */
double row_num(const Rows *r, int col);
/* Text or bytes, borrowed until the next row; STR_NULL for NULL. */
Str row_text(const Rows *r, int col);
Str row_dup(Ctx *cx, const Rows *r, int col); /* the same, in the arena */

/* ---- lanes ---- */

/* This thread's read connection: sees every acknowledged write. Inside a write: the write's own. */
Err db_read(Ctx *cx, Db *db, DbConn **ret) _must_check_;

/* The same for a thread that reads many times in short order: its reads share one transaction,
 * begun anew after each commit of this process, until db_view_end. That must come soon: an open
 * view keeps the log of the database from being folded. */
Err db_view(Ctx *cx, Db *db, DbConn **ret) _must_check_;
void db_view_end(Db *db); /* of this thread; nothing when it has none */

typedef Err DbFn(Ctx *cx, DbConn *c, void *arg);
/* Runs fn in the write path and waits for the commit. Not from a loop thread, nor from inside
 * another write or its `done` (asserted). ERR_UNAVAILABLE: the queue is full. ERR_TIMEOUT: the
 * deadline passed before its turn came; fn did not run. */
Err db_write(Ctx *cx, Db *db, DbFn *fn, void *arg) _must_check_;

/* The same without waiting. A job must live until `done`, which runs on the writer after the commit
 * or the rollback: it is short and does not call db_write. */
typedef struct DbJob DbJob;
struct DbJob {
        DbFn *fn;
        void *arg;
        Ctx *cx;
        void (*done)(DbJob *job, Err e);
        DbJob *next;
        Err result; /* the store's own */
};
/* ERR_UNAVAILABLE: the queue is full; done is not called then. */
Err db_submit(Ctx *cx, Db *db, DbJob *job) _must_check_;

/* Inside a write: runs when the savepoint is durable, or when it was rolled back (also by a commit
 * that failed). Caches updated inside the write use the second to forget what they learned.
 * Commit hooks run in order, rollback hooks last first, all of them before `done`. */
void db_on_commit(DbConn *c, void (*fn)(void *arg), void *arg);
void db_on_rollback(DbConn *c, void (*fn)(void *arg), void *arg);

/* ---- life ---- */

/* Scripts of several statements; a table of them ends with number 0. `down` NULL: no way back. */
typedef struct Migration {
        int number;
        const char *name, *up, *down;
} Migration;

typedef struct DbSettings {
        const char *path;                   /* SQLite file, or a postgres:// URL */
        size_t queue_max;                   /* waiting writes; 0 = 4096 */
        size_t cache_kib;                   /* of each connection; 0 = 2048, the writer's 8192 */
        int wal_pages;                      /* of SQLite's log, before it is folded; 0 = 16384 */
        const Migration *const *migrations; /* of all rooms, then NULL */
        bool migrate;                       /* apply what is missing; else only check */
        bool beside;                        /* of a running server: to read only */
        int64_t lock_wait_ms;               /* for a predecessor to let go; 0 = refuse */
} DbSettings;

/* Refusals are one clear sentence in cx->err.what. ERR_STORAGE: directory or file. ERR_CORRUPT.
 * ERR_CONFLICT: newer schema, changed migration, another program's file, in use by a process. */
Err db_open(Ctx *cx, const DbSettings *set, Db **ret) _must_check_;
Err db_open_failing(Ctx *cx, Err with, Db **ret) _must_check_; /* every call fails, for tests */
/* The nth statement from now fails, once, for tests: whatever it is part of must leave nothing. */
void db_fail_at(Db *db, int64_t nth, Err with);
Db *db_close(Db *db); /* finishes queued writes, checkpoints */
DEFINE_CLEANUP(Db, db_close)
bool db_is_remote(const Db *db); /* reads wait for a network: not on a loop */

typedef struct MigrationState {
        int number;
        const char *name;
        bool applied;
        int64_t applied_at; /* Unix ms */
} MigrationState;
Err db_migrate_to(Ctx *cx, Db *db, int number) _must_check_; /* up or down; INT_MAX = newest */
Err db_migrate_status(Ctx *cx, Db *db, MigrationState **ret, size_t *ret_n) _must_check_;

/* Consistent copy of the running database into a new file, checked and synced before it has its
 * name. ERR_CONFLICT: the file is there. `progress` may be NULL. */
typedef void DbProgress(void *arg, int64_t pages_done, int64_t pages_all);
Err db_backup(Ctx *cx, Db *db, const char *to, DbProgress *progress, void *arg) _must_check_;
/* Puts a backup in the place of set->path, which no process may have open; checked whole before
 * anything is replaced. ERR_NOT_FOUND: no such file. ERR_CORRUPT: damaged. ERR_CONFLICT: in use,
 * another program's, or of a newer version. */
Err db_restore(Ctx *cx, const DbSettings *set, const char *from) _must_check_;

Err db_ping(Ctx *cx, Db *db) _must_check_; /* reads, and writes to a probe table */
const char *db_library(void);              /* version of the embedded engine, for /status */

typedef struct DbStats {
        int64_t wal_bytes, queue_depth, queue_max, commits, writes;
        double fsync_s_last; /* of the newest commit */
} DbStats;
void db_stats(Db *db, DbStats *ret);

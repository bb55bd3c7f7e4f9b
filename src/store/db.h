// SPDX-License-Identifier: MIT
#pragma once
/* db: the seam to the database. Domain code names a statement; it never sees an engine, its error codes or SQL of another room.
 *
 * Reads use the calling thread's own connection. Writes go through db_write or db_submit: each runs in a savepoint of its own
 * inside a batch that is committed once (SQLite: one writer thread, group commit, synchronous=FULL), so a failure rolls back only
 * itself, and `done`/return happens only after the commit is durable. Single-writer order is the isolation level.
 * Statements use $1, $2 … and the subset of SQL that SQLite and PostgreSQL share: TEXT, BIGINT, DOUBLE PRECISION, BYTEA. */
#include "base/base.h"

typedef struct Db Db;                                 /* one per process; thread safe */
typedef struct DbConn DbConn;                         /* lent for the length of a call; never kept */
typedef struct Sql { const char *name, *text; } Sql;  /* static const: its address is its identity (prepared once per connection) */

typedef enum ValType { VAL_NULL, VAL_INT, VAL_NUM, VAL_TEXT, VAL_BLOB } ValType;
typedef struct Val { ValType type; union { int64_t i; double f; Str s; }; } Val;
static inline Val v_null(void)     { return (Val){ .type = VAL_NULL }; }
static inline Val v_int(int64_t i) { return (Val){ .type = VAL_INT, .i = i }; }
static inline Val v_num(double f)  { return (Val){ .type = VAL_NUM, .f = f }; }
static inline Val v_text(Str s)    { return (Val){ .type = s.p ? VAL_TEXT : VAL_NULL, .s = s }; }   /* STR_NULL is NULL */
static inline Val v_blob(Str s)    { return (Val){ .type = s.p ? VAL_BLOB : VAL_NULL, .s = s }; }
typedef struct Args { const Val *v; size_t n; } Args;
#define ARGS(...) ((Args){ (const Val[]){ __VA_ARGS__ }, ELEMENTSOF(((const Val[]){ __VA_ARGS__ })) })
#define NO_ARGS   ((Args){ NULL, 0 })

/* ---- statements. ERR_CONFLICT: a unique or foreign key (not raised: it is an answer). ERR_STORAGE: full, read-only, broken, busy.
 * ERR_CORRUPT: the file is damaged. ERR_TIMEOUT: a read met the deadline of its Ctx. The same Sql may be open twice. ---- */
Err db_run(Ctx *cx, DbConn *c, const Sql *sql, Args args, int64_t *ret_changed) _must_check_;   /* ret may be NULL */

typedef struct Rows { DbConn *conn; void *stmt; } Rows;      /* open result: always _cleanup_(rows_done) */
Err  db_rows(Ctx *cx, DbConn *c, const Sql *sql, Args args, Rows *ret) _must_check_;
Err  rows_next(Ctx *cx, Rows *r, bool *ret_row) _must_check_;
/* Exactly the first row, ready to be read; ERR_NOT_FOUND when there is none (not raised: absence is an answer). */
Err  db_row(Ctx *cx, DbConn *c, const Sql *sql, Args args, Rows *ret) _must_check_;
void rows_done(Rows *r);
bool    row_is_null(const Rows *r, int col);
int64_t row_int(const Rows *r, int col);              /* 0 for NULL */
double  row_num(const Rows *r, int col);
Str     row_text(const Rows *r, int col);             /* text or blob, borrowed until the next row; STR_NULL for NULL */
Str     row_dup(Ctx *cx, const Rows *r, int col);     /* the same, in the arena */

/* ---- lanes ---- */
/* This thread's read connection: sees every acknowledged write. Inside a write: the write's own connection. */
Err db_read(Ctx *cx, Db *db, DbConn **ret) _must_check_;

typedef Err DbFn(Ctx *cx, DbConn *c, void *arg);
/* Run fn in the write path and wait for the commit. Not from a loop thread, not from inside another write (asserted). */
Err db_write(Ctx *cx, Db *db, DbFn *fn, void *arg) _must_check_;

typedef struct DbJob DbJob;
struct DbJob {
        DbFn *fn; void *arg; Ctx *cx;                 /* must live until done */
        void (*done)(DbJob *job, Err e);              /* on the writer, after the commit (or the rollback); short, no db_write */
        DbJob *next; Err result;                      /* the store's own */
};
/* A job whose deadline passes while it waits is not run: ERR_TIMEOUT. */
Err db_submit(Ctx *cx, Db *db, DbJob *job) _must_check_;     /* ERR_UNAVAILABLE: the queue is full; done is not called then */

/* Inside a write: run when the savepoint is durable, or when it was rolled back (also by a commit that failed).
 * Caches updated inside the write use the second to forget what they learned. Runs before `done`. */
void db_on_commit(DbConn *c, void (*fn)(void *arg), void *arg);
void db_on_rollback(DbConn *c, void (*fn)(void *arg), void *arg);

/* ---- life ---- */
typedef struct Migration { int number; const char *name, *up, *down; } Migration;   /* several statements each; ends with number 0 */
typedef struct MigrationState { int number; const char *name; bool applied; int64_t applied_at; } MigrationState;

typedef struct DbSettings {
        const char *path;                             /* SQLite file; its directory must exist */
        size_t queue_max;                             /* waiting writes; 0 = 4096 */
        size_t cache_kib;                             /* page cache of each connection; 0 = default */
        const Migration *const *migrations;           /* tables of all rooms, NULL-terminated; numbers unique over all */
        bool migrate;                                 /* apply what is missing at open; else only check */
        bool beside;                                  /* next to a running server: no lock, no writer; for db_read and db_backup only */
        int64_t lock_wait_ms;                         /* for the process before this one to let go of the file; 0 = refuse at once */
} DbSettings;

/* ERR_STORAGE / ERR_CORRUPT / ERR_CONFLICT (newer schema, locked by another process), each with one clear sentence in cx->err.what. */
Err db_open(Ctx *cx, const DbSettings *set, Db **ret) _must_check_;
Err db_open_failing(Ctx *cx, Err with, Db **ret) _must_check_;      /* the driver whose every call fails, for tests */
Db *db_close(Db *db);                                 /* finishes queued writes, checkpoints, closes */
DEFINE_CLEANUP(Db, db_close)

Err db_migrate_to(Ctx *cx, Db *db, int number) _must_check_; /* up or down; INT_MAX = newest */
Err db_migrate_status(Ctx *cx, Db *db, MigrationState **ret, size_t *ret_n) _must_check_;
/* Consistent copy of the running database into a new file. `progress` (pages done, pages in all) may be NULL. */
Err db_backup(Ctx *cx, Db *db, const char *to, void (*progress)(void *arg, int64_t done, int64_t all), void *arg) _must_check_;
/* Puts a backup in the place of set->path, which no process may have open; checked whole before anything is replaced.
 * ERR_NOT_FOUND: no such file. ERR_CORRUPT: damaged. ERR_CONFLICT: in use, another program's, or of a newer version. */
Err db_restore(Ctx *cx, const DbSettings *set, const char *from) _must_check_;
Err db_ping(Ctx *cx, Db *db) _must_check_;            /* SELECT 1 on a read connection and one write to the probe table */
typedef struct DbStats { int64_t wal_bytes, queue_depth, queue_max, commits, writes; double fsync_s_last; } DbStats;
void db_stats(Db *db, DbStats *ret);

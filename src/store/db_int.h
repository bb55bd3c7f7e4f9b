// SPDX-License-Identifier: MIT
#pragma once
/* db_int: what a driver of the database seam fills in. Only src/store includes this.
 *
 * A driver embeds Db and DbConn as the first member of its own. db.c keeps what is the same for
 * all: hooks, the mark of the write that runs on this thread, and the migrations. */
#include "store/db_queue.h"

typedef struct Hook {
        void (*fn)(void *arg);
        void *arg;
        bool commit;
} Hook;
typedef struct DbDriver DbDriver;

struct Db {
        const DbDriver *driver;
        const Migration *const *migrations; /* NULL: none */
        bool migrate;
        JobQueue queue;   /* of the driver's writing threads */
        int64_t fault_in; /* atomic: db_fail_at, 0 = off */
        Err fault;
};

struct DbConn {
        Db *db;
        bool writable; /* inside a write */
        int open;      /* Rows not yet done */
        Hook *hooks;
        size_t hooks_n, hooks_cap;
};

struct DbDriver {
        const char *name; /* for messages */
        bool remote;      /* statements cross a network */

        /* Lanes: as the functions of db.h. */
        Err (*read)(Ctx *cx, Db *db, DbConn **ret);
        Err (*view)(Ctx *cx, Db *db, DbConn **ret); /* NULL: read */
        void (*view_end)(Db *db);
        Err (*submit)(Ctx *cx, Db *db, DbJob *job); /* mostly queue_push */
        Err (*backup)(Ctx *cx, Db *db, const char *to, DbProgress *progress, void *arg);
        void (*stats)(Db *db, DbStats *ret);
        void (*close)(Db *db);

        /* Statements. An open statement is the driver's own object; `finish` gives it back. */
        Err (*run)(Ctx *cx, DbConn *c, const Sql *sql, Args args, int64_t *ret_changed);
        Err (*script)(Ctx *cx, DbConn *c, const char *name, const char *text); /* several */
        Err (*rows)(Ctx *cx, DbConn *c, const Sql *sql, Args args, void **ret_stmt);
        Err (*next)(Ctx *cx, DbConn *c, void *stmt, bool *ret_row);
        void (*finish)(DbConn *c, void *stmt);
        bool (*is_null)(void *stmt, int col);
        int64_t (*get_int)(void *stmt, int col);
        double (*get_num)(void *stmt, int col);
        Str (*get_str)(void *stmt, int col);
        /* Inside a write: keeps other processes from migrating until it ends. NULL: the database
         * has one process. */
        Err (*schema_lock)(Ctx *cx, DbConn *c);
};

/* Runs fn as the write of this thread: db_read gives the same connection, db_write is refused.
 * Rolls nothing back. */
Err write_call(Ctx *cx, DbConn *c, DbFn *fn, void *arg);
bool write_is_running(void);

/* The commit hooks in order; then none are left. */
void hooks_committed(DbConn *c);
/* The rollback hooks from the `from`th on, last first; hooks before stay. */
void hooks_rolled_back(DbConn *c, size_t from);
void hooks_done(DbConn *c);

/* Checks the schema, or brings it to the newest when db->migrate. For drivers' open. */
Err schema_check(Ctx *cx, Db *db);
Err sqlite_open(Ctx *cx, const DbSettings *set, Db **ret);
Err sqlite_restore(Ctx *cx, const DbSettings *set, const char *from);
Err pg_open(Ctx *cx, const DbSettings *set, Db **ret);

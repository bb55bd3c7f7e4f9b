// SPDX-License-Identifier: MIT
#include "store/db_int.h"

/* The write that runs on this thread, NULL outside one. */
static __thread DbConn *writing;

static bool is_url(const char *path) {
        Str s = str_c(path);
        return str_starts(s, STR("postgres://")) || str_starts(s, STR("postgresql://"));
}

Err db_open(Ctx *cx, const DbSettings *set, Db **ret) {
        _cleanup_(db_closep) Db *db = NULL;
        TRY((is_url(set->path) ? pg_open : sqlite_open)(cx, set, &db));
        db->migrations = set->migrations;
        db->migrate = set->migrate;
        if (!set->beside)
                TRY(schema_check(cx, db));
        *ret = db;
        db = NULL;
        return OK;
}

Db *db_close(Db *db) {
        if (db)
                db->driver->close(db);
        return NULL;
}

bool db_is_remote(const Db *db) { return db->driver->remote; }

/* ---- lanes ---- */

Err db_read(Ctx *cx, Db *db, DbConn **ret) {
        if (writing && writing->db == db) {
                *ret = writing;
                return OK;
        }
        return db->driver->read(cx, db, ret);
}

Err db_view(Ctx *cx, Db *db, DbConn **ret) {
        if (!db->driver->view || write_is_running())
                return db_read(cx, db, ret);
        return db->driver->view(cx, db, ret);
}

void db_view_end(Db *db) {
        if (db->driver->view_end)
                db->driver->view_end(db);
}

Err db_submit(Ctx *cx, Db *db, DbJob *job) {
        assert(job->fn && job->cx && job->done);
        return db->driver->submit(cx, db, job);
}

bool write_is_running(void) { return writing != NULL; }

Err write_call(Ctx *cx, DbConn *c, DbFn *fn, void *arg) {
        DbConn *before = writing;
        writing = c;
        c->writable = true;
        Err e = fn(cx, c, arg);
        assert(c->open == 0); /* Rows left open would keep the next commit out */
        c->writable = false;
        writing = before;
        return e;
}

/* ---- statements ---- */

void db_fail_at(Db *db, int64_t nth, Err with) {
        db->fault = with;
        __atomic_store_n(&db->fault_in, nth, __ATOMIC_RELEASE);
}

static Err fault(Ctx *cx, Db *db) {
        if (!__atomic_load_n(&db->fault_in, __ATOMIC_ACQUIRE))
                return OK;
        if (__atomic_sub_fetch(&db->fault_in, 1, __ATOMIC_RELAXED))
                return OK;
        return RAISE(cx, db->fault, "a test asked for this failure");
}

Err db_run(Ctx *cx, DbConn *c, const Sql *sql, Args args, int64_t *ret_changed) {
        int64_t changed = 0;
        TRY(fault(cx, c->db));
        TRY(c->db->driver->run(cx, c, sql, args, &changed));
        if (ret_changed)
                *ret_changed = changed;
        return OK;
}

Err db_rows(Ctx *cx, DbConn *c, const Sql *sql, Args args, Rows *ret) {
        void *stmt = NULL;
        TRY(fault(cx, c->db));
        TRY(c->db->driver->rows(cx, c, sql, args, &stmt));
        c->open++;
        *ret = (Rows){ .conn = c, .stmt = stmt };
        return OK;
}

Err rows_next(Ctx *cx, Rows *r, bool *ret_row) {
        return r->conn->db->driver->next(cx, r->conn, r->stmt, ret_row);
}

Err db_row(Ctx *cx, DbConn *c, const Sql *sql, Args args, Rows *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        bool found = false;
        TRY(db_rows(cx, c, sql, args, &r));
        TRY(rows_next(cx, &r, &found));
        if (!found)
                return ERR_NOT_FOUND;
        *ret = r;
        r = (Rows){ 0 };
        return OK;
}

void rows_done(Rows *r) {
        if (r->stmt) {
                r->conn->db->driver->finish(r->conn, r->stmt);
                r->conn->open--;
        }
        *r = (Rows){ 0 };
}

bool row_is_null(const Rows *r, int col) { return r->conn->db->driver->is_null(r->stmt, col); }
int64_t row_int(const Rows *r, int col) { return r->conn->db->driver->get_int(r->stmt, col); }
double row_num(const Rows *r, int col) { return r->conn->db->driver->get_num(r->stmt, col); }
Str row_text(const Rows *r, int col) { return r->conn->db->driver->get_str(r->stmt, col); }
Str row_dup(Ctx *cx, const Rows *r, int col) { return arena_dup(cx->arena, row_text(r, col)); }

/* ---- hooks ---- */

static void hook_add(DbConn *c, void (*fn)(void *arg), void *arg, bool commit) {
        assert(c->writable);
        if (c->hooks_n == c->hooks_cap) {
                c->hooks_cap = c->hooks_cap ? c->hooks_cap * 2 : 64;
                c->hooks = reallocarray(c->hooks, c->hooks_cap, sizeof *c->hooks);
                if (!c->hooks)
                        abort();
        }
        c->hooks[c->hooks_n++] = (Hook){ fn, arg, commit };
}

void db_on_commit(DbConn *c, void (*fn)(void *arg), void *arg) { hook_add(c, fn, arg, true); }
void db_on_rollback(DbConn *c, void (*fn)(void *arg), void *arg) { hook_add(c, fn, arg, false); }

void hooks_committed(DbConn *c) {
        bool before = job_answering(true);
        for (size_t i = 0; i < c->hooks_n; i++)
                if (c->hooks[i].commit)
                        c->hooks[i].fn(c->hooks[i].arg);
        c->hooks_n = 0;
        job_answering(before);
}

void hooks_rolled_back(DbConn *c, size_t from) {
        bool before = job_answering(true);
        for (size_t i = c->hooks_n; i > from; i--)
                if (!c->hooks[i - 1].commit)
                        c->hooks[i - 1].fn(c->hooks[i - 1].arg);
        c->hooks_n = from;
        job_answering(before);
}

void hooks_done(DbConn *c) {
        free(c->hooks);
        c->hooks = NULL;
        c->hooks_n = c->hooks_cap = 0;
}

/* ---- operations ---- */

Err db_backup(Ctx *cx, Db *db, const char *to, DbProgress *progress, void *arg) {
        return db->driver->backup(cx, db, to, progress, arg);
}

Err db_restore(Ctx *cx, const DbSettings *set, const char *from) {
        if (is_url(set->path))
                return RAISE(cx, ERR_UNAVAILABLE,
                             "A PostgreSQL database is restored with pg_restore.");
        return sqlite_restore(cx, set, from);
}

static const Sql probe_read = { "store.probe_read", "SELECT 1" };
static const Sql probe_write = {
        "store.probe_write",
        "INSERT INTO store_probe (id, at) VALUES (1, $1)"
        " ON CONFLICT (id) DO UPDATE SET at = excluded.at",
};

static Err probe_fn(Ctx *cx, DbConn *c, void *arg) {
        return db_run(cx, c, &probe_write, ARGS(v_int(cx_now_ms(cx))), NULL);
}

Err db_ping(Ctx *cx, Db *db) {
        DbConn *c = NULL;
        TRY(db_read(cx, db, &c));
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_row(cx, c, &probe_read, NO_ARGS, &r));
        return db_write(cx, db, probe_fn, NULL);
}

void db_stats(Db *db, DbStats *ret) { db->driver->stats(db, ret); }

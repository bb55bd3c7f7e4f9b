// SPDX-License-Identifier: MIT
/* Statements of the SQLite driver: prepared once per connection, found by the Sql's address. */
#include "store/db_sqlite_int.h"

enum { PARAMS_MAX = 99 };

Err sqlite_fail(Ctx *cx, sqlite3 *db, int rc, const char *what) {
        const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
        switch (rc & 0xff) {
        case SQLITE_CONSTRAINT:
                if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
                    rc == SQLITE_CONSTRAINT_ROWID || rc == SQLITE_CONSTRAINT_FOREIGNKEY)
                        return ERR_CONFLICT;
                return RAISE(cx, ERR_INTERNAL, "%s: %s", what, text);
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return RAISE(cx, ERR_CORRUPT, "%s: %s", what, text);
        case SQLITE_INTERRUPT: return RAISE(cx, ERR_TIMEOUT, "%s: the deadline passed", what);
        case SQLITE_TOOBIG: return RAISE(cx, ERR_TOO_LARGE, "%s: %s", what, text);
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
        case SQLITE_PERM:
        case SQLITE_NOLFS: return RAISE(cx, ERR_STORAGE, "%s: %s", what, text);
        default: return RAISE(cx, ERR_INTERNAL, "%s: %s (%d)", what, text, rc);
        }
}

/* ---- preparing ---- */

/* SQLite numbers $ parameters as they appear: $2 before $1 would be its first. Keep who is who. */
static void params_learn(SqliteConn *c, Stmt *s) {
        int n = sqlite3_bind_parameter_count(s->st);
        assert(n <= PARAMS_MAX);
        s->params_n = n;
        s->params = arena_alloc(c->arena, (size_t)n + 1);
        for (int i = 1; i <= n; i++) {
                const char *name = sqlite3_bind_parameter_name(s->st, i);
                int64_t number = 0;
                bool ok = name && name[0] == '$' && str_to_i64(str_c(name + 1), &number);
                assert(ok && number >= 1 && number <= PARAMS_MAX);
                s->params[i - 1] = (unsigned char)number;
        }
}

static Stmt *stmt_new(SqliteConn *c, const Sql *sql, int *ret_rc) {
        sqlite3_stmt *st = NULL;
        const char *rest = NULL;
        *ret_rc = sqlite3_prepare_v3(c->db, sql->text, -1, SQLITE_PREPARE_PERSISTENT, &st, &rest);
        if (*ret_rc)
                return NULL;
        assert(st && str_is_empty(str_trim(str_c(rest)))); /* one statement, no more */
        Stmt *s = NEW(c->arena, Stmt);
        *s = (Stmt){ .st = st, .sql = sql };
        params_learn(c, s);
        return s;
}

Stmt *stmt_get(SqliteConn *c, const Sql *sql, int *ret_rc) {
        Stmt **at = (Stmt **)sql_table_at(&c->stmts, c->arena, sql);
        while (*at && (*at)->busy)
                at = &(*at)->twin;
        if (!*at)
                *at = stmt_new(c, sql, ret_rc);
        if (*at)
                (*at)->busy = true;
        return *at;
}

void stmt_put(Stmt *s) {
        sqlite3_reset(s->st); /* repeats the error of the step, which was reported there */
        sqlite3_clear_bindings(s->st);
        s->busy = s->ended = false;
}

void stmts_done(SqliteConn *c) {
        for (size_t i = 0; i < c->stmts.cap; i++)
                for (Stmt *s = c->stmts.slots[i].value; s; s = s->twin)
                        sqlite3_finalize(s->st);
        c->stmts = (SqlTable){ 0 };
}

/* ---- running ---- */

static int bind_one(sqlite3_stmt *st, int at, const Val *v, sqlite3_destructor_type keep) {
        switch (v->type) {
        case VAL_NULL: return sqlite3_bind_null(st, at);
        case VAL_INT: return sqlite3_bind_int64(st, at, v->i);
        case VAL_NUM: return sqlite3_bind_double(st, at, v->f);
        case VAL_TEXT: return sqlite3_bind_text64(st, at, v->s.p, v->s.n, keep, SQLITE_UTF8);
        case VAL_BLOB: return sqlite3_bind_blob64(st, at, v->s.p, v->s.n, keep);
        }
        return SQLITE_MISUSE;
}

static int bind_all(Stmt *s, Args args, sqlite3_destructor_type keep) {
        for (int i = 0; i < s->params_n; i++) {
                assert(s->params[i] <= args.n);
                int rc = bind_one(s->st, i + 1, &args.v[s->params[i] - 1], keep);
                if (rc)
                        return rc;
        }
        return SQLITE_OK;
}

static int step(Ctx *cx, SqliteConn *c, Stmt *s) {
        c->cx = cx;
        int rc = sqlite3_step(s->st);
        c->cx = NULL;
        return rc;
}

Err sqlite_run(Ctx *cx, DbConn *base, const Sql *sql, Args args, int64_t *ret_changed) {
        SqliteConn *c = sqlite_conn(base);
        int rc = SQLITE_OK;
        Stmt *s = stmt_get(c, sql, &rc);
        if (!s)
                return sqlite_fail(cx, c->db, rc, sql->name);
        assert(base->writable || sqlite3_stmt_readonly(s->st));
        rc = bind_all(s, args, SQLITE_STATIC);
        if (rc == SQLITE_OK)
                while ((rc = step(cx, c, s)) == SQLITE_ROW)
                        ;
        Err e = OK;
        if (rc == SQLITE_DONE)
                *ret_changed = sqlite3_stmt_readonly(s->st) ? 0 : sqlite3_changes64(c->db);
        else
                e = sqlite_fail(cx, c->db, rc, sql->name);
        stmt_put(s);
        return e;
}

int conn_exec(SqliteConn *c, const Sql *sql) {
        int rc = SQLITE_OK;
        Stmt *s = stmt_get(c, sql, &rc);
        if (!s)
                return rc;
        rc = sqlite3_step(s->st);
        stmt_put(s);
        return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

Err sqlite_script(Ctx *cx, DbConn *base, const char *name, const char *text) {
        SqliteConn *c = sqlite_conn(base);
        sqlite3_db_release_memory(c->db); /* the pages of the migration before */
        int rc = sqlite3_exec(c->db, text, NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                return OK;
        Err e = sqlite_fail(cx, c->db, rc, name);
        return e == ERR_CONFLICT ? RAISE(cx, e, "%s: %s", name, sqlite3_errmsg(c->db)) : e;
}

/* The rows outlive the caller's Args, so texts are copied. */
Err sqlite_rows(Ctx *cx, DbConn *base, const Sql *sql, Args args, void **ret_stmt) {
        SqliteConn *c = sqlite_conn(base);
        int rc = SQLITE_OK;
        Stmt *s = stmt_get(c, sql, &rc);
        if (!s)
                return sqlite_fail(cx, c->db, rc, sql->name);
        assert(base->writable || sqlite3_stmt_readonly(s->st));
        rc = bind_all(s, args, SQLITE_TRANSIENT);
        if (rc) {
                stmt_put(s);
                return sqlite_fail(cx, c->db, rc, sql->name);
        }
        *ret_stmt = s;
        return OK;
}

Err sqlite_next(Ctx *cx, DbConn *base, void *stmt, bool *ret_row) {
        SqliteConn *c = sqlite_conn(base);
        Stmt *s = stmt;
        /* A step behind the end would run it again. */
        int rc = s->ended ? SQLITE_DONE : step(cx, c, s);
        s->ended = rc != SQLITE_ROW;
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
                return sqlite_fail(cx, c->db, rc, s->sql->name);
        *ret_row = rc == SQLITE_ROW;
        return OK;
}

void sqlite_finish(DbConn *c, void *stmt) { stmt_put(stmt); }

/* ---- columns ---- */

bool sqlite_is_null(void *stmt, int col) {
        return sqlite3_column_type(((Stmt *)stmt)->st, col) == SQLITE_NULL;
}
int64_t sqlite_get_int(void *stmt, int col) {
        return sqlite3_column_int64(((Stmt *)stmt)->st, col);
}
double sqlite_get_num(void *stmt, int col) {
        return sqlite3_column_double(((Stmt *)stmt)->st, col);
}

Str sqlite_get_str(void *stmt, int col) {
        sqlite3_stmt *st = ((Stmt *)stmt)->st;
        int type = sqlite3_column_type(st, col);
        if (type == SQLITE_NULL)
                return STR_NULL;
        const void *p = type == SQLITE_BLOB ? sqlite3_column_blob(st, col)
                                            : (const void *)sqlite3_column_text(st, col);
        size_t n = (size_t)sqlite3_column_bytes(st, col);
        return str_n(p ? p : "", p ? n : 0); /* an empty blob has no address */
}

// SPDX-License-Identifier: MIT
/* Statements of the PostgreSQL driver: prepared once per connection and set of parameter types;
 * values travel in binary.
 *
 * A statement that fails would doom its whole transaction. Inside a write each statement that
 * changes something therefore stands in a savepoint; the three commands go out together and cost
 * one round trip. */
#include "store/db_pg_int.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <poll.h>

enum {
        PARAMS_MAX = 99,
        COMMAND_US = 30000000, /* BEGIN, COMMIT, ROLLBACK: not cut by a request's deadline */
        CANCEL_WAIT_US = 5000000,
};

/* Type numbers of the system catalogue (pg_type.dat); they never change. */
enum {
        T_BOOL = 16,
        T_BYTEA = 17,
        T_INT8 = 20,
        T_INT2 = 21,
        T_INT4 = 23,
        T_TEXT = 25,
        T_FLOAT4 = 700,
        T_FLOAT8 = 701,
        T_NUMERIC = 1700
};

typedef struct PgStmt PgStmt;
struct PgStmt {
        PgStmt *other; /* the same Sql with other types */
        char name[16];
        size_t n;
        Oid *types; /* 0: was NULL at first; the server decided */
};

/* ---- errors ---- */

typedef struct State {
        const char *start;
        Err err;
} State;

/* SQLSTATE by class or in full; the first that fits. */
static const State states[] = {
        { "23505", ERR_CONFLICT }, { "23503", ERR_CONFLICT }, { "57014", ERR_TIMEOUT },
        { "22021", ERR_INVALID }, /* a zero byte in a text */
        { "25006", ERR_STORAGE }, /* the server is read-only */
        { "08", ERR_STORAGE },     { "53", ERR_STORAGE },     { "57", ERR_STORAGE },
        { "58", ERR_STORAGE },     { "54", ERR_TOO_LARGE },   { "XX001", ERR_CORRUPT },
        { "XX002", ERR_CORRUPT },
};

Err pg_fail(Ctx *cx, PgConn *c, const PGresult *res, const char *what) {
        const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
        const char *text = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
        if (!state)
                return RAISE(cx, ERR_STORAGE, "%s: %s", what, PQerrorMessage(c->pg));
        if (!strcmp(state, "40001") || !strcmp(state, "40P01"))
                c->again = true;
        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                if (strncmp(state, states[i].start, strlen(states[i].start)))
                        continue;
                if (states[i].err == ERR_CONFLICT)
                        return ERR_CONFLICT;
                return RAISE(cx, states[i].err, "%s: %s (%s)", what, text, state);
        }
        return RAISE(cx, c->again ? ERR_UNAVAILABLE : ERR_INTERNAL, "%s: %s (%s)", what, text,
                     state);
}

/* ---- waiting for results ---- */

static void cancel(PgConn *c) {
        char text[256];
        PGcancel *handle = PQgetCancel(c->pg);
        if (handle)
                PQcancel(handle, text, sizeof text);
        PQfreeCancel(handle);
}

/* False: the time is over. */
static bool readable_wait(PgConn *c, int64_t until_us) {
        struct pollfd p = { .fd = PQsocket(c->pg), .events = POLLIN };
        for (;;) {
                int64_t left = (until_us - thread_mono_us()) / 1000;
                int got = poll(&p, 1, (int)MAX(MIN(left, INT32_MAX), 0));
                if (got > 0 || (got < 0 && errno != EINTR))
                        return true;
                if (left <= 0)
                        return false;
        }
}

PGresult *pg_result(PgConn *c, int64_t until_us) {
        bool cancelled = false;
        while (PQisBusy(c->pg)) {
                if (readable_wait(c, until_us)) {
                        if (!PQconsumeInput(c->pg))
                                return NULL;
                        continue;
                }
                if (cancelled) { /* not even the cancelling was answered */
                        PQfinish(c->pg);
                        c->pg = NULL;
                        return NULL;
                }
                cancel(c);
                cancelled = true;
                until_us = thread_mono_us() + CANCEL_WAIT_US;
        }
        return PQgetResult(c->pg);
}

static int64_t until_of(const Ctx *cx) {
        int64_t left = cx_left_ms(cx);
        return left == INT64_MAX ? INT64_MAX : thread_mono_us() + left * 1000;
}

/* Takes all results of what was sent; the first failure counts. */
static Err results_drain(Ctx *cx, PgConn *c, const char *what, int64_t until_us) {
        Err e = OK;
        for (PGresult *res; (res = pg_result(c, until_us)); PQclear(res)) {
                ExecStatusType status = PQresultStatus(res);
                if (!e && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
                        e = pg_fail(cx, c, res, what);
        }
        if (!e && PQstatus(c->pg) != CONNECTION_OK)
                e = pg_fail(cx, c, NULL, what);
        return e;
}

Err pg_command(Ctx *cx, PgConn *c, const char *text) {
        if (!PQsendQuery(c->pg, text))
                return pg_fail(cx, c, NULL, text);
        return results_drain(cx, c, text, thread_mono_us() + COMMAND_US);
}

Err pg_script(Ctx *cx, DbConn *base, const char *name, const char *text) {
        PgConn *c = pg_conn(base);
        if (!PQsendQuery(c->pg, text))
                return pg_fail(cx, c, NULL, name);
        Err e = results_drain(cx, c, name, INT64_MAX);
        return e == ERR_CONFLICT ? RAISE(cx, e, "%s: a key is taken", name) : e;
}

/* ---- parameters ---- */

typedef struct Params {
        Oid types[PARAMS_MAX];
        const char *values[PARAMS_MAX];
        int lengths[PARAMS_MAX], formats[PARAMS_MAX];
        uint64_t numbers[PARAMS_MAX]; /* in the order of the network */
        int n;
} Params;

static void params_set(Params *p, Args args) {
        assert(args.n <= PARAMS_MAX);
        p->n = (int)args.n;
        for (size_t i = 0; i < args.n; i++) {
                const Val *v = &args.v[i];
                p->formats[i] = 1;
                p->values[i] = NULL;
                p->types[i] = 0;
                p->lengths[i] = (int)sizeof p->numbers[i];
                if (v->type == VAL_INT ||
                    v->type == VAL_NUM) { /* the union holds the bits of both */
                        p->numbers[i] = htobe64((uint64_t)v->i);
                        p->values[i] = (const char *)&p->numbers[i];
                        p->types[i] = v->type == VAL_INT ? T_INT8 : T_FLOAT8;
                } else if (v->type != VAL_NULL) {
                        assert(v->s.n <= INT32_MAX);
                        p->values[i] = v->s.p;
                        p->lengths[i] = (int)v->s.n;
                        p->types[i] = v->type == VAL_TEXT ? T_TEXT : T_BYTEA;
                }
        }
}

/* ---- preparing ---- */

static bool stmt_fits(const PgStmt *s, const Params *p) {
        for (int i = 0; i < p->n; i++)
                if (p->types[i] && p->types[i] != s->types[i])
                        return false;
        return s->n == (size_t)p->n;
}

static Err stmt_get(Ctx *cx, PgConn *c, const Sql *sql, const Params *p, PgStmt **ret) {
        PgStmt **first = (PgStmt **)sql_table_at(&c->stmts, c->arena, sql), *s = *first;
        while (s && !stmt_fits(s, p))
                s = s->other;
        if (!s) {
                s = NEW(c->arena, PgStmt);
                s->n = (size_t)p->n;
                s->types = NEW_ARRAY(c->arena, Oid, s->n + 1);
                memcpy(s->types, p->types, s->n * sizeof(Oid));
                snprintf(s->name, sizeof s->name, "s%u", c->stmts_n++);
                if (!PQsendPrepare(c->pg, s->name, sql->text, p->n, p->types))
                        return pg_fail(cx, c, NULL, sql->name);
                TRY(results_drain(cx, c, sql->name, until_of(cx)));
                s->other = *first;
                *first = s;
        }
        *ret = s;
        return OK;
}

/* ---- running ---- */

typedef struct Run {
        Ctx *cx;
        PgConn *c;
        const char *name;
        PgStmt *stmt;
        Params params;
        int64_t until_us;
} Run;

static bool run_send(Run *r) {
        Params *p = &r->params;
        return PQsendQueryPrepared(r->c->pg, r->stmt->name, p->n, p->values, p->lengths, p->formats,
                                   1);
}

static bool command_send(Run *r, const char *text) {
        return PQsendQueryParams(r->c->pg, text, 0, NULL, NULL, NULL, NULL, 0);
}

static bool result_is_good(const PGresult *res) {
        return PQresultStatus(res) == PGRES_COMMAND_OK || PQresultStatus(res) == PGRES_TUPLES_OK;
}

static Err run_plain(Run *r, PGresult **ret) {
        if (!run_send(r))
                return pg_fail(r->cx, r->c, NULL, r->name);
        PGresult *res = pg_result(r->c, r->until_us);
        Err e = res && result_is_good(res) ? OK : pg_fail(r->cx, r->c, res, r->name);
        Err rest = results_drain(r->cx, r->c, r->name, r->until_us);
        e = e ? e : rest;
        if (e)
                PQclear(res);
        else
                *ret = res;
        return e;
}

/* Three commands, each with its results and a NULL behind them, then the mark of the end. */
static Err guarded_take(Run *r, PGresult **ret) {
        Err e = OK;
        PGresult *res = NULL;
        for (int command = 0; command <= 3; command += res == NULL) {
                res = pg_result(r->c, r->until_us);
                ExecStatusType status = res ? PQresultStatus(res) : PGRES_EMPTY_QUERY;
                bool keep = command == 1 && res && result_is_good(res);
                if (status == PGRES_FATAL_ERROR && !e)
                        e = pg_fail(r->cx, r->c, res, r->name);
                if (keep)
                        *ret = res;
                else
                        PQclear(res);
                if (status == PGRES_PIPELINE_SYNC)
                        return e;
        }
        return e ? e : pg_fail(r->cx, r->c, NULL, r->name);
}

static Err run_guarded(Run *r, PGresult **ret) {
        PGconn *pg = r->c->pg;
        PGresult *res = NULL;
        if (!PQenterPipelineMode(pg) || !command_send(r, "SAVEPOINT one") || !run_send(r) ||
            !command_send(r, "RELEASE one") || !PQpipelineSync(pg))
                return pg_fail(r->cx, r->c, NULL, r->name);
        Err e = guarded_take(r, &res);
        if (r->c->pg && !PQexitPipelineMode(pg) && !e)
                e = pg_fail(r->cx, r->c, NULL, r->name);
        if (!e) {
                *ret = res;
                return OK;
        }
        PQclear(res);
        if (!r->c->again && PQstatus(r->c->pg) == CONNECTION_OK)
                TRY(pg_command(r->cx, r->c, "ROLLBACK TO one; RELEASE one"));
        return e;
}

static bool starts_with(const Sql *sql, const char *word) {
        return str_starts(str_trim(str_c(sql->text)), str_c(word));
}

static Err run(Ctx *cx, PgConn *c, const Sql *sql, Args args, PGresult **ret) {
        Run r = { .cx = cx, .c = c, .name = sql->name, .until_us = until_of(cx) };
        bool reads = starts_with(sql, "SELECT");
        assert(c->base.writable || reads || starts_with(sql, "WITH"));
        params_set(&r.params, args);
        if (PQstatus(c->pg) != CONNECTION_OK)
                return pg_fail(cx, c, NULL, sql->name);
        TRY(stmt_get(cx, c, sql, &r.params, &r.stmt));
        return c->base.writable && !reads ? run_guarded(&r, ret) : run_plain(&r, ret);
}

Err pg_run(Ctx *cx, DbConn *base, const Sql *sql, Args args, int64_t *ret_changed) {
        PGresult *res = NULL;
        TRY(run(cx, pg_conn(base), sql, args, &res));
        int64_t changed = 0;
        if (starts_with(sql, "SELECT") || !str_to_i64(str_c(PQcmdTuples(res)), &changed))
                changed = 0; /* "" for what counts no rows */
        PQclear(res);
        *ret_changed = changed;
        return OK;
}

/* ---- rows ---- */

typedef char Digits[32];
typedef struct PgRows {
        PGresult *res;
        int at, n;
        Digits *digits;
} PgRows; /* at -1: before the first */

Err pg_rows(Ctx *cx, DbConn *base, const Sql *sql, Args args, void **ret_stmt) {
        PGresult *res = NULL;
        TRY(run(cx, pg_conn(base), sql, args, &res));
        PgRows *r = calloc(1, sizeof *r);
        if (!r)
                abort();
        *r = (PgRows){ .res = res, .at = -1, .n = PQntuples(res) };
        *ret_stmt = r;
        return OK;
}

Err pg_next(Ctx *cx, DbConn *base, void *stmt, bool *ret_row) {
        PgRows *r = stmt;
        r->at += r->at < r->n;
        *ret_row = r->at < r->n;
        return OK;
}

void pg_finish(DbConn *base, void *stmt) {
        PgRows *r = stmt;
        PQclear(r->res);
        free(r->digits);
        free(r);
}

/* ---- columns: the binary forms of the types our statements can give ---- */

bool pg_is_null(void *stmt, int col) {
        PgRows *r = stmt;
        return PQgetisnull(r->res, r->at, col);
}

static Str cell(const PgRows *r, int col) {
        return str_n(PQgetvalue(r->res, r->at, col), (size_t)PQgetlength(r->res, r->at, col));
}

/* An unsigned number of n bytes in network order. */
static uint64_t bits(Str s, size_t at, size_t n) {
        uint64_t v = 0;
        for (size_t i = at; i < at + n && i < s.n; i++)
                v = v << 8 | (unsigned char)s.p[i];
        return v;
}

/* numeric: count, weight, sign, scale, then digits of base 10000 (what sum and avg give). */
static double numeric(Str s) {
        int n = (int)bits(s, 0, 2), weight = (int16_t)bits(s, 2, 2);
        double v = 0;
        for (int i = 0; i < n; i++)
                v += (double)bits(s, 8 + 2 * (size_t)i, 2) * pow(10000, weight - i);
        return bits(s, 4, 2) == 0x4000 ? -v : v;
}

typedef struct Number {
        bool whole;
        int64_t i;
        double f;
} Number;

static Number number(const PgRows *r, int col) {
        Str s = cell(r, col);
        Number x = { .whole = true };
        union {
                uint64_t u;
                double d;
        } wide = { .u = bits(s, 0, 8) };
        union {
                uint32_t u;
                float f;
        } narrow = { .u = (uint32_t)bits(s, 0, 4) };
        switch (PQftype(r->res, col)) {
        case T_BOOL: x.i = (int64_t)bits(s, 0, 1); return x;
        case T_INT2: x.i = (int16_t)bits(s, 0, 2); return x;
        case T_INT4: x.i = (int32_t)bits(s, 0, 4); return x;
        case T_INT8: x.i = (int64_t)wide.u; return x;
        case T_FLOAT4: return (Number){ .f = (double)narrow.f };
        case T_FLOAT8: return (Number){ .f = wide.d };
        case T_NUMERIC: return (Number){ .f = numeric(s) };
        default: break;
        }
        if (str_to_i64(s, &x.i))
                return x;
        x.whole = !str_to_f64(s, &x.f); /* neither: 0, as SQLite has it */
        return x;
}

int64_t pg_get_int(void *stmt, int col) {
        if (pg_is_null(stmt, col))
                return 0;
        Number x = number(stmt, col);
        return x.whole ? x.i : (int64_t)x.f;
}

double pg_get_num(void *stmt, int col) {
        if (pg_is_null(stmt, col))
                return 0;
        Number x = number(stmt, col);
        return x.whole ? (double)x.i : x.f;
}

static bool is_number(Oid type) {
        return type == T_BOOL || type == T_INT2 || type == T_INT4 || type == T_INT8 ||
               type == T_FLOAT4 || type == T_FLOAT8 || type == T_NUMERIC;
}

Str pg_get_str(void *stmt, int col) {
        PgRows *r = stmt;
        if (pg_is_null(stmt, col))
                return STR_NULL;
        if (!is_number(PQftype(r->res, col)))
                return cell(r, col);
        if (!r->digits)
                r->digits = calloc((size_t)PQnfields(r->res), sizeof *r->digits);
        if (!r->digits)
                abort();
        Number x = number(r, col);
        if (x.whole)
                snprintf(r->digits[col], sizeof(Digits), "%lld", (long long)x.i);
        else
                snprintf(r->digits[col], sizeof(Digits), "%.17g", x.f);
        return str_c(r->digits[col]);
}

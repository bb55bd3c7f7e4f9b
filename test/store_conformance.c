// SPDX-License-Identifier: MIT
/* Every driver of the database seam against the same cases. A driver is a row of `drivers`; one
 * that cannot run on this machine says why and is skipped. */
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/testing.h"
#include "pg_server.h"
#include "store/db.h"
#include "sys/thread.h"

/* ---- one database per case ---- */

static const Migration tables[] = {
        { 1, "tables",
          "CREATE TABLE account (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, money BIGINT "
          "NOT NULL);"
          "CREATE TABLE entry (id BIGINT PRIMARY KEY, account BIGINT NOT NULL REFERENCES account "
          "(id), amount BIGINT);"
          "CREATE TABLE thing (id BIGINT PRIMARY KEY, i BIGINT, f DOUBLE PRECISION, t TEXT, b "
          "BYTEA);",
          "DROP TABLE thing; DROP TABLE entry; DROP TABLE account;" },
        { 0 },
};
static const Migration *const all_tables[] = { tables, NULL };

typedef struct Driver Driver;
typedef struct Case Case;
struct Driver {
        const char *name;
        Err (*open)(Case *k, Db **ret);
};

struct Case {
        Arena *arena;
        Ctx cx;
        const Driver *driver;
        char dir[64];
        DbSettings set;
        Db *db;
};

static Err sqlite_case_open(Case *k, Db **ret) {
        k->set.path = arena_printf(k->arena, "%s/main.db", k->dir);
        return db_open(&k->cx, &k->set, ret);
}

static const Driver sqlite = { "sqlite", sqlite_case_open };

static Err pg_case_open(Case *k, Db **ret) {
        k->set.path = pg_url();
        return db_open(&k->cx, &k->set, ret);
}

static const Driver postgres = { "postgresql", pg_case_open };

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
        return remove(path);
}

static int case_begin(void **state) {
        Case *k = calloc(1, sizeof *k);
        k->driver = *state;
        k->arena = arena_new();
        k->cx = TEST_CTX(k->arena, &world_real);
        snprintf(k->dir, sizeof k->dir, "/tmp/store-XXXXXX");
        if (!mkdtemp(k->dir))
                return -1;
        k->set = (DbSettings){ .migrations = all_tables, .migrate = true };
        Err e = k->driver->open(k, &k->db);
        if (!e && k->driver != &sqlite)               /* the server is the same for all cases */
                e = db_migrate_to(&k->cx, k->db, 0);
        if (!e)
                e = db_migrate_to(&k->cx, k->db, INT_MAX);
        if (e)
                print_error("%s\n", k->cx.err.what);
        *state = k;
        return e ? -1 : 0;
}

static int case_end(void **state) {
        Case *k = *state;
        db_close(k->db);
        nftw(k->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        arena_free(k->arena);
        free(k);
        return 0;
}

static void reopen(Case *k) {
        db_close(k->db);
        k->db = NULL;
        assert_ok(k->driver->open(k, &k->db));
}

/* ---- statements and the writes made of them ---- */

static const Sql account_add = { "account_add",
                                 "INSERT INTO account (id, name, money) VALUES ($1, $2, $3)" };
static const Sql account_list = { "account_list",
                                  "SELECT id, name, money FROM account ORDER BY id" };
static const Sql account_get = { "account_get", "SELECT name, money FROM account WHERE id = $1" };
static const Sql account_pay = { "account_pay",
                                 "UPDATE account SET money = money + $2 WHERE id = $1" };
static const Sql account_sum = {
        "account_sum", "SELECT CAST(coalesce(sum(money), 0) AS BIGINT), count(*) FROM account"
};
static const Sql account_drop = { "account_drop", "DELETE FROM account WHERE id = $1" };
static const Sql entry_add = { "entry_add",
                               "INSERT INTO entry (id, account, amount) VALUES ($1, $2, $3)" };
static const Sql thing_add = { "thing_add",
                               "INSERT INTO thing (i, f, t, b, id) VALUES ($2, $3, $4, $5, $1)" };
static const Sql thing_get = { "thing_get", "SELECT i, f, t, b FROM thing WHERE id = $1" };

typedef struct Add { int64_t id; const char *name; Err then; int ran; } Add;

static Err add_fn(Ctx *cx, DbConn *c, void *arg) {
        Add *a = arg;
        a->ran++;
        const char *name =
                a->name ? a->name : arena_printf(cx->arena, "name %lld", (long long)a->id);
        TRY(db_run(cx, c, &account_add, ARGS(v_int(a->id), v_text(str_c(name)), v_int(100)), NULL));
        return a->then ? RAISE(cx, a->then, "the case asked for it") : OK;
}

static Err add(Case *k, int64_t id) { return db_write(&k->cx, k->db, add_fn, &(Add){ .id = id }); }

typedef struct Sum { int64_t money, n; } Sum;

static Sum sum_of(Ctx *cx, Db *db) {
        DbConn *c = NULL;
        assert_ok(db_read(cx, db, &c));
        _cleanup_(rows_done) Rows r = { 0 };
        assert_ok(db_row(cx, c, &account_sum, NO_ARGS, &r));
        return (Sum){ row_int(&r, 0), row_int(&r, 1) };
}
static int64_t accounts(Case *k) { return sum_of(&k->cx, k->db).n; }

static bool account_is_there(Case *k, int64_t id) {
        DbConn *c = NULL;
        assert_ok(db_read(&k->cx, k->db, &c));
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(&k->cx, c, &account_get, ARGS(v_int(id)), &r);
        assert_true(e == OK || e == ERR_NOT_FOUND);
        return e == OK;
}

/* ---- values and rows ---- */

typedef struct Thing { int64_t id; Val v[4]; } Thing;

static Err thing_fn(Ctx *cx, DbConn *c, void *arg) {
        Thing *t = arg;
        int64_t changed = 0;
        TRY(db_run(cx, c, &thing_add, ARGS(v_int(t->id), t->v[0], t->v[1], t->v[2], t->v[3]),
                   &changed));
        assert_int_equal(changed, 1);
        return OK;
}

static void assert_val(const Rows *r, int col, Val v) {
        assert_int_equal(row_is_null(r, col), v.type == VAL_NULL);
        switch (v.type) {
        case VAL_NULL: assert_null(row_text(r, col).p); assert_int_equal(row_int(r, col), 0); break;
        case VAL_INT:  assert_int_equal(row_int(r, col), v.i); break;
        case VAL_NUM:  assert_true(row_num(r, col) == v.f); break;
        case VAL_TEXT: case VAL_BLOB:
                assert_non_null(row_text(r, col).p);
                assert_true(str_eq(row_text(r, col), v.s));
        }
}

static void values_come_back_as_they_went(void **state) {
        Case *k = *state;
        Thing cases[] = {
                { 1, { v_null(), v_null(), v_null(), v_null() } },
                { 2,
                  { v_int(INT64_MIN), v_num(-0.1), v_text(STR("Grüße, 世界 🜁")),
                    v_blob(STR("\0\1\377\0")) } },
                { 3, { v_int(INT64_MAX), v_num(1e300), v_text(STR("")), v_blob(STR("")) } },
                { 4, { v_int(0), v_num(0), v_text(STR_NULL), v_blob(STR_NULL) } },
                { 5,
                  { v_int(-1), v_num(3), v_text(STR("it's \"$1\" \\ % ?1")),
                    v_blob(STR("\\x00")) } },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_ok(db_write(&k->cx, k->db, thing_fn, &cases[i]));
                DbConn *c = NULL;
                assert_ok(db_read(&k->cx, k->db, &c));
                _cleanup_(rows_done) Rows r = { 0 };
                assert_ok(db_row(&k->cx, c, &thing_get, ARGS(v_int(cases[i].id)), &r));
                for (int col = 0; col < 4; col++)
                        assert_val(&r, col, cases[i].v[col]);
        }
}

static void absence_is_an_answer(void **state) {
        Case *k = *state;
        DbConn *c = NULL;
        assert_ok(db_read(&k->cx, k->db, &c));
        Rows r = { 0 };
        assert_err(db_row(&k->cx, c, &account_get, ARGS(v_int(77)), &r), ERR_NOT_FOUND);
        assert_null(r.stmt);
        assert_int_equal(k->cx.err.code, OK);
        bool row = true;
        assert_ok(db_rows(&k->cx, c, &account_get, ARGS(v_int(77)), &r));
        for (int i = 0; i < 3; i++) {                 /* behind the end it stays the end */
                assert_ok(rows_next(&k->cx, &r, &row));
                assert_false(row);
        }
        rows_done(&r);
        rows_done(&r);
}

static void one_statement_may_be_open_twice(void **state) {
        Case *k = *state;
        for (int64_t id = 1; id <= 3; id++)
                assert_ok(add(k, id));
        DbConn *c = NULL;
        assert_ok(db_read(&k->cx, k->db, &c));
        _cleanup_(rows_done) Rows outer = { 0 };
        assert_ok(db_rows(&k->cx, c, &account_list, NO_ARGS, &outer));
        int pairs = 0;
        for (bool a = false; rows_next(&k->cx, &outer, &a) == OK && a;) {
                _cleanup_(rows_done) Rows inner = { 0 };
                assert_ok(db_rows(&k->cx, c, &account_list, NO_ARGS, &inner));
                for (bool b = false; rows_next(&k->cx, &inner, &b) == OK && b; pairs++)
                        assert_true(row_int(&outer, 0) >= 1 && row_int(&inner, 0) <= 3);
        }
        assert_int_equal(pairs, 9);
}

static void arguments_need_not_outlive_the_call(void **state) {
        Case *k = *state;
        assert_ok(add(k, 1));
        static const Sql by_name = { "by_name", "SELECT id FROM account WHERE name = $1" };
        DbConn *c = NULL;
        assert_ok(db_read(&k->cx, k->db, &c));
        _cleanup_(rows_done) Rows r = { 0 };
        char name[] = "name 1";
        assert_ok(db_rows(&k->cx, c, &by_name, ARGS(v_text(str_c(name))), &r));
        memset(name, 'x', sizeof name - 1);
        bool row = false;
        assert_ok(rows_next(&k->cx, &r, &row));
        assert_true(row);
}

static Err orphan_fn(Ctx *cx, DbConn *c, void *arg) {
        return db_run(cx, c, &entry_add, ARGS(v_int(1), v_int(404), v_int(5)), NULL);
}

static void a_taken_key_is_a_conflict(void **state) {
        Case *k = *state;
        assert_ok(add(k, 1));
        Add same_id = { .id = 1, .name = "other" }, same_name = { .id = 2, .name = "name 1" };
        assert_err(db_write(&k->cx, k->db, add_fn, &same_id), ERR_CONFLICT);
        assert_err(db_write(&k->cx, k->db, add_fn, &same_name), ERR_CONFLICT);
        assert_err(db_write(&k->cx, k->db, orphan_fn, NULL), ERR_CONFLICT);
        assert_int_equal(k->cx.err.code, OK);         /* an answer, not a failure */
        assert_int_equal(accounts(k), 1);
}

static Err caught_fn(Ctx *cx, DbConn *c, void *arg) {
        Add *a = arg;
        TRY(db_run(cx, c, &account_add, ARGS(v_int(a->id), v_text(STR("kept")), v_int(1)), NULL));
        Err e = db_run(cx, c, &account_add, ARGS(v_int(a->id), v_text(STR("taken")), v_int(1)),
                       NULL);
        assert_int_equal(e, ERR_CONFLICT);
        return db_run(cx, c, &account_pay, ARGS(v_int(a->id), v_int(1)), NULL);
}

static void a_conflict_may_be_handled_inside_the_write(void **state) {
        Case *k = *state;
        assert_ok(db_write(&k->cx, k->db, caught_fn, &(Add){ .id = 9 }));
        assert_int_equal(sum_of(&k->cx, k->db).money, 2);
}

/* ---- lanes ---- */

typedef struct Other { Db *db; Sum got; } Other;

static void *other_main(void *arg) {
        Other *o = arg;
        Arena *arena = arena_new();
        Ctx cx = TEST_CTX(arena, &world_real);
        o->got = sum_of(&cx, o->db);
        arena_free(arena);
        return NULL;
}

static void every_thread_sees_what_was_acknowledged(void **state) {
        Case *k = *state;
        for (int64_t id = 1; id <= 20; id++) {
                assert_ok(add(k, id));
                assert_int_equal(accounts(k), id);
                Other o = { .db = k->db };
                pthread_t t;
                pthread_create(&t, NULL, other_main, &o);
                pthread_join(t, NULL);
                assert_int_equal(o.got.n, id);
        }
}

static int64_t accounts_in_view(Case *k) {
        DbConn *c = NULL;
        assert_ok(db_view(&k->cx, k->db, &c));
        _cleanup_(rows_done) Rows r = { 0 };
        assert_ok(db_row(&k->cx, c, &account_sum, NO_ARGS, &r));
        return row_int(&r, 1);
}

static void a_view_sees_what_was_acknowledged(void **state) {
        Case *k = *state;
        for (int64_t id = 1; id <= 20; id++) {
                assert_ok(add(k, id)); /* with a view open, and with none */
                assert_int_equal(accounts_in_view(k), id);
                assert_int_equal(accounts_in_view(k), id);
                assert_int_equal(accounts(k), id);
                if (id % 2)
                        db_view_end(k->db);
        }
        db_view_end(k->db);
        db_view_end(k->db);
}

/* Rows that are being read go on with the view they began in. */
static void a_view_lasts_as_long_as_its_rows(void **state) {
        Case *k = *state;
        for (int64_t id = 1; id <= 3; id++)
                assert_ok(add(k, id));
        DbConn *c = NULL;
        assert_ok(db_view(&k->cx, k->db, &c));
        Rows r = { 0 };
        bool more = false;
        assert_ok(db_rows(&k->cx, c, &account_list, NO_ARGS, &r));
        assert_ok(rows_next(&k->cx, &r, &more));
        assert_ok(add(k, 4));
        db_view_end(k->db);
        int64_t n = 0;
        for (; more; n++)
                assert_ok(rows_next(&k->cx, &r, &more));
        assert_int_equal(n, 3);
        rows_done(&r);
        assert_int_equal(accounts_in_view(k), 4);
        db_view_end(k->db);
}

static Err self_fn(Ctx *cx, DbConn *c, void *arg) {
        Case *k = arg;
        TRY(add_fn(cx, c, &(Add){ .id = 5 }));
        DbConn *mine = NULL;
        TRY(db_read(cx, k->db, &mine));
        assert_ptr_equal(mine, c);
        assert_true(account_is_there(k, 5));
        return OK;
}

static void a_write_reads_its_own(void **state) {
        Case *k = *state;
        assert_ok(db_write(&k->cx, k->db, self_fn, k));
}

static void a_failed_write_leaves_nothing(void **state) {
        Case *k = *state;
        assert_err(db_write(&k->cx, k->db, add_fn, &(Add){ .id = 1, .then = ERR_FORBIDDEN }),
                   ERR_FORBIDDEN);
        assert_int_equal(accounts(k), 0);
        assert_ok(add(k, 1));
}

/* Whichever statement of a write fails, nothing of it stays. */
static Err three_fn(Ctx *cx, DbConn *c, void *arg) {
        int64_t *done = arg;
        for (int64_t id = 1; id <= 3; id++) {
                TRY(add_fn(cx, c, &(Add){ .id = id }));
                _cleanup_(rows_done) Rows r = { 0 };
                TRY(db_row(cx, c, &account_get, ARGS(v_int(id)), &r));
        }
        *done = 1;
        return OK;
}

static void any_statement_may_fail(void **state) {
        Case *k = *state;
        int64_t done = 0;
        for (int64_t nth = 1; !done; nth++) {
                db_fail_at(k->db, nth, ERR_STORAGE);
                Err e = db_write(&k->cx, k->db, three_fn, &done);
                db_fail_at(k->db, 0, OK);
                assert_err(e, nth <= 6 ? ERR_STORAGE : OK);
                err_clear(&k->cx);
                assert_int_equal(accounts(k), nth <= 6 ? 0 : 3);
        }
}

/* A write that stands in the writer until it is let go, so that what is submitted meanwhile waits.
 */
typedef struct Gate {
        pthread_mutex_t lock;
        pthread_cond_t wake;
        bool inside, open;
        DbJob job;
        Ctx cx;
        int dones;
} Gate;

static Err gate_fn(Ctx *cx, DbConn *c, void *arg) {
        Gate *g = arg;
        pthread_mutex_lock(&g->lock);
        g->inside = true;
        pthread_cond_broadcast(&g->wake);
        while (!g->open)
                pthread_cond_wait(&g->wake, &g->lock);
        pthread_mutex_unlock(&g->lock);
        return OK;
}

static void gate_done(DbJob *job, Err e) {
        Gate *g = CONTAINER_OF(job, Gate, job);
        pthread_mutex_lock(&g->lock);
        g->dones++;
        pthread_cond_broadcast(&g->wake);
        pthread_mutex_unlock(&g->lock);
}

static void gate_shut(Case *k, Gate *g) {
        *g = (Gate){ .lock = PTHREAD_MUTEX_INITIALIZER,
                     .wake = PTHREAD_COND_INITIALIZER,
                     .cx = k->cx };
        g->job = (DbJob){ .fn = gate_fn, .arg = g, .cx = &g->cx, .done = gate_done };
        assert_ok(db_submit(&k->cx, k->db, &g->job));
        pthread_mutex_lock(&g->lock);
        while (!g->inside)
                pthread_cond_wait(&g->wake, &g->lock);
        pthread_mutex_unlock(&g->lock);
}

static void gate_open(Gate *g) {
        pthread_mutex_lock(&g->lock);
        g->open = true;
        pthread_cond_broadcast(&g->wake);
        while (!g->dones)
                pthread_cond_wait(&g->wake, &g->lock);
        pthread_mutex_unlock(&g->lock);
}

enum { JOBS = 12 };
typedef struct Job {
        DbJob job;
        Add add;
        Ctx cx;
        Arena *arena;
        int *left;
        pthread_mutex_t *lock;
        pthread_cond_t *wake;
        Err got;
} Job;

static void job_done(DbJob *job, Err e) {
        Job *j = CONTAINER_OF(job, Job, job);
        pthread_mutex_lock(j->lock);
        j->got = e;
        --*j->left;
        pthread_cond_signal(j->wake);
        pthread_mutex_unlock(j->lock);
}

typedef struct Jobs { Job v[JOBS]; int left; pthread_mutex_t lock; pthread_cond_t wake; } Jobs;

static void jobs_submit(Case *k, Jobs *all) {
        *all = (Jobs){ .left = JOBS,
                       .lock = PTHREAD_MUTEX_INITIALIZER,
                       .wake = PTHREAD_COND_INITIALIZER };
        for (int i = 0; i < JOBS; i++) {
                Job *j = &all->v[i];
                j->arena = arena_new();
                j->cx = TEST_CTX(j->arena, &world_real);
                j->add = (Add){ .id = i + 1, .then = i % 3 == 2 ? ERR_FORBIDDEN : OK };
                j->job = (DbJob){ .fn = add_fn, .arg = &j->add, .cx = &j->cx, .done = job_done };
                j->left = &all->left;
                j->lock = &all->lock;
                j->wake = &all->wake;
                assert_ok(db_submit(&k->cx, k->db, &j->job));
        }
}

static void jobs_wait(Jobs *all) {
        pthread_mutex_lock(&all->lock);
        while (all->left)
                pthread_cond_wait(&all->wake, &all->lock);
        pthread_mutex_unlock(&all->lock);
        for (int i = 0; i < JOBS; i++)
                arena_free(all->v[i].arena);
}

static void a_failing_job_undoes_only_itself(void **state) {
        Case *k = *state;
        Gate g;
        Jobs all;
        gate_shut(k, &g);
        jobs_submit(k, &all);
        gate_open(&g);
        jobs_wait(&all);
        for (int i = 0; i < JOBS; i++) {
                assert_int_equal(all.v[i].got, i % 3 == 2 ? ERR_FORBIDDEN : OK);
                assert_int_equal(account_is_there(k, i + 1), i % 3 != 2);
        }
}

static void close_finishes_what_is_queued(void **state) {
        Case *k = *state;
        Jobs all;
        jobs_submit(k, &all);
        k->db = db_close(k->db);
        assert_int_equal(all.left, 0);
        jobs_wait(&all);
        assert_ok(k->driver->open(k, &k->db));
        assert_int_equal(accounts(k), JOBS - JOBS / 3);
}

/* ---- hooks ---- */

typedef struct Trace { char text[64]; size_t n; } Trace;
typedef struct Mark { Trace *trace; char c; } Mark;

static void mark(void *arg) {
        Mark *m = arg;
        m->trace->text[m->trace->n++] = m->c;
}

typedef struct Hooked { Mark commit[2], rollback[2]; Err then; } Hooked;

static Err hooked_fn(Ctx *cx, DbConn *c, void *arg) {
        Hooked *h = arg;
        for (int i = 0; i < 2; i++) {
                db_on_commit(c, mark, &h->commit[i]);
                db_on_rollback(c, mark, &h->rollback[i]);
        }
        return h->then ? RAISE(cx, h->then, "asked") : OK;
}

static void hooks_run_in_order(void **state) {
        Case *k = *state;
        Trace t = { 0 };
        Hooked h = { .commit = { { &t, 'a' }, { &t, 'b' } },
                     .rollback = { { &t, 'x' }, { &t, 'y' } } };
        assert_ok(db_write(&k->cx, k->db, hooked_fn, &h));
        assert_string_equal(t.text, "ab");
        h.then = ERR_FORBIDDEN;
        assert_err(db_write(&k->cx, k->db, hooked_fn, &h), ERR_FORBIDDEN);
        assert_string_equal(t.text, "abyx");          /* undone last first */
        assert_ok(add(k, 1));
        assert_string_equal(t.text, "abyx");          /* none runs twice */
}

/* ---- limits ---- */

static void a_full_queue_refuses(void **state) {
        Case *k = *state;
        k->set.queue_max = JOBS;
        reopen(k);
        Gate g;
        Jobs all;
        gate_shut(k, &g);
        jobs_submit(k, &all);
        DbStats st;
        db_stats(k->db, &st);
        assert_int_equal(st.queue_depth, JOBS);
        assert_int_equal(st.queue_max, JOBS);
        Add late = { .id = 100 };
        assert_err(db_write(&k->cx, k->db, add_fn, &late), ERR_UNAVAILABLE);
        Job one = { .add = late,
                    .job = { .fn = add_fn, .arg = &one.add, .cx = &k->cx, .done = job_done } };
        assert_err(db_submit(&k->cx, k->db, &one.job), ERR_UNAVAILABLE);
        gate_open(&g);
        jobs_wait(&all);
        assert_int_equal(late.ran, 0);
        assert_ok(add(k, 100));
}

static void a_write_that_waits_too_long_is_not_run(void **state) {
        Case *k = *state;
        Gate g;
        gate_shut(k, &g);
        Add a = { .id = 1 };
        k->cx.deadline_us = cx_mono_us(&k->cx) + 30000;
        assert_err(db_write(&k->cx, k->db, add_fn, &a), ERR_TIMEOUT);
        k->cx.deadline_us = 0;
        gate_open(&g);
        assert_int_equal(a.ran, 0);
        assert_ok(add(k, 2));
        assert_false(account_is_there(k, 1));
}

static void a_read_ends_at_its_deadline(void **state) {
        Case *k = *state;
        static const Sql forever = { "forever",
                                     "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i % 1000 "
                                     "+ 1 FROM c) SELECT count(*) FROM c" };
        DbConn *c = NULL;
        assert_ok(db_read(&k->cx, k->db, &c));
        k->cx.deadline_us = cx_mono_us(&k->cx) + 50000;
        Rows r = { 0 };
        assert_err(db_row(&k->cx, c, &forever, NO_ARGS, &r), ERR_TIMEOUT);
        k->cx.deadline_us = 0;
        assert_int_equal(accounts(k), 0);             /* the connection is fine */
}

/* ---- many at once ---- */

enum { PAYERS = 4, PAYMENTS = 60, LOOKERS = 3, WALLETS = 8 };

typedef struct Payer { Db *db; unsigned seed; int failures; bool *stop; int64_t looked; } Payer;
typedef struct Payment { int64_t from, to, amount; } Payment;

static Err pay_fn(Ctx *cx, DbConn *c, void *arg) {
        Payment *p = arg;
        TRY(db_run(cx, c, &account_pay, ARGS(v_int(p->from), v_int(-p->amount)), NULL));
        return db_run(cx, c, &account_pay, ARGS(v_int(p->to), v_int(p->amount)), NULL);
}

static void *payer_main(void *arg) {
        Payer *p = arg;
        Arena *arena = arena_new();
        Ctx cx = TEST_CTX(arena, &world_real);
        for (unsigned i = 0; i < PAYMENTS; i++, arena_clear(arena)) {
                Payment pay = { 1 + (p->seed + i) % WALLETS, 1 + (p->seed * 3 + i * 5) % WALLETS,
                                7 };
                p->failures += db_write(&cx, p->db, pay_fn, &pay) != OK;
        }
        arena_free(arena);
        return NULL;
}

static void *looker_main(void *arg) {
        Payer *p = arg;
        Arena *arena = arena_new();
        Ctx cx = TEST_CTX(arena, &world_real);
        for (; !__atomic_load_n(p->stop, __ATOMIC_ACQUIRE); p->looked++, arena_clear(arena))
                p->failures += sum_of(&cx, p->db).money != WALLETS * 100;
        arena_free(arena);
        return NULL;
}

static void readers_never_see_half_a_write(void **state) {
        Case *k = *state;
        for (int64_t id = 1; id <= WALLETS; id++)
                assert_ok(add(k, id));
        bool stop = false;
        Payer p[PAYERS + LOOKERS];
        pthread_t t[PAYERS + LOOKERS];
        for (unsigned i = 0; i < PAYERS + LOOKERS; i++) {
                p[i] = (Payer){ .db = k->db, .seed = i, .stop = &stop };
                pthread_create(&t[i], NULL, i < PAYERS ? payer_main : looker_main, &p[i]);
        }
        for (unsigned i = 0; i < PAYERS + LOOKERS; i++) {
                if (i == PAYERS)
                        __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
                pthread_join(t[i], NULL);
                assert_int_equal(p[i].failures, 0);
        }
        assert_int_equal(sum_of(&k->cx, k->db).money, WALLETS * 100);
}

/* What is read inside a write still holds when it writes: no update is lost, whoever wins. */
static const Sql money_set = { "money_set", "UPDATE account SET money = $2 WHERE id = $1" };

typedef struct Raise { int runs; } Raise;

static Err raise_fn(Ctx *cx, DbConn *c, void *arg) {
        Raise *r = arg;
        r->runs++;
        _cleanup_(rows_done) Rows rows = { 0 };
        TRY(db_row(cx, c, &account_get, ARGS(v_int(1)), &rows));
        return db_run(cx, c, &money_set, ARGS(v_int(1), v_int(row_int(&rows, 1) + 1)), NULL);
}

static void *raiser_main(void *arg) {
        Payer *p = arg;
        Arena *arena = arena_new();
        Ctx cx = TEST_CTX(arena, &world_real);
        for (int i = 0; i < PAYMENTS / 2; i++, arena_clear(arena)) {
                Raise r = { 0 };
                Err e = db_write(&cx, p->db, raise_fn, &r);
                p->looked += e == OK;
                p->failures += e != OK && e != ERR_UNAVAILABLE;
                err_clear(&cx);
        }
        arena_free(arena);
        return NULL;
}

static void no_update_is_lost(void **state) {
        Case *k = *state;
        assert_ok(add(k, 1));
        Payer p[PAYERS];
        pthread_t t[PAYERS];
        for (int i = 0; i < PAYERS; i++) { /* as many processes would, where there may be many */
                p[i] = (Payer){ .db = k->db };
                if (db_is_remote(k->db))
                        assert_ok(k->driver->open(k, &p[i].db));
                pthread_create(&t[i], NULL, raiser_main, &p[i]);
        }
        int64_t raised = 0;
        for (int i = 0; i < PAYERS; i++) {
                pthread_join(t[i], NULL);
                if (p[i].db != k->db)
                        db_close(p[i].db);
                assert_int_equal(p[i].failures, 0);
                raised += p[i].looked;
        }
        assert_true(raised >= PAYERS * PAYMENTS / 4);
        assert_int_equal(sum_of(&k->cx, k->db).money, 100 + raised);
}

/* ---- what expressions give ---- */

static void expressions_have_values(void **state) {
        Case *k = *state;
        for (int64_t id = 1; id <= 4; id++)
                assert_ok(add(k, id));
        static const Sql figures = {
                "figures",
                "SELECT sum(money), avg(money), count(*), max(id) > 3, min(name), -2.5 * count(*), "
                "7"
                " FROM account WHERE money >= $1",
        };
        DbConn *c = NULL;
        assert_ok(db_read(&k->cx, k->db, &c));
        const Val least[] = { v_int(100), v_num(99.5), v_int(-1) };
        for (size_t i = 0; i < ELEMENTSOF(least); i++) { /* a parameter may change its type */
                _cleanup_(rows_done) Rows r = { 0 };
                assert_ok(db_row(&k->cx, c, &figures, ARGS(least[i]), &r));
                assert_int_equal(row_int(&r, 0), 400);
                assert_true(row_num(&r, 1) == 100.0);
                assert_int_equal(row_int(&r, 2), 4);
                assert_int_equal(row_int(&r, 3), 1);
                assert_str(row_text(&r, 4), "name 1");
                assert_true(row_num(&r, 5) == -10.0);
                assert_str(row_text(&r, 6), "7");
                assert_str(row_dup(&k->cx, &r, 2), "4");
        }
}

/* ---- life ---- */

static void what_was_written_is_there_after_reopening(void **state) {
        Case *k = *state;
        assert_ok(add(k, 1));
        reopen(k);
        assert_true(account_is_there(k, 1));
        assert_ok(db_ping(&k->cx, k->db));
        DbStats st;
        db_stats(k->db, &st);
        assert_true(st.commits > 0 && st.writes >= st.commits && st.fsync_s_last > 0);
}

static void migrations_go_down_and_up(void **state) {
        Case *k = *state;
        MigrationState *list = NULL;
        size_t n = 0;
        assert_ok(db_migrate_status(&k->cx, k->db, &list, &n));
        assert_int_equal(n, 1);
        assert_true(list[0].applied && list[0].applied_at > 0);
        assert_string_equal(list[0].name, "tables");
        assert_ok(db_migrate_to(&k->cx, k->db, 0));
        assert_ok(db_migrate_status(&k->cx, k->db, &list, &n));
        assert_false(list[0].applied);
        DbConn *c = NULL;
        Rows r = { 0 };
        assert_ok(db_read(&k->cx, k->db, &c));
        assert_int_not_equal(db_row(&k->cx, c, &account_sum, NO_ARGS, &r), OK);
        err_clear(&k->cx);
        assert_ok(db_migrate_to(&k->cx, k->db, INT_MAX));
        assert_ok(add(k, 1));
        assert_int_equal(accounts(k), 1);
}

static Err drop_fn(Ctx *cx, DbConn *c, void *arg) {
        int64_t changed = -1;
        TRY(db_run(cx, c, &account_drop, ARGS(v_int(404)), &changed));
        assert_int_equal(changed, 0);
        TRY(db_run(cx, c, &account_drop, ARGS(v_int(1)), &changed));
        assert_int_equal(changed, 1);
        return OK;
}

static void changes_are_counted(void **state) {
        Case *k = *state;
        assert_ok(add(k, 1));
        assert_ok(db_write(&k->cx, k->db, drop_fn, NULL));
        assert_int_equal(accounts(k), 0);
}

/* ---- PostgreSQL alone ---- */

static Err hang_up_fn(Ctx *cx, DbConn *c, void *arg) {
        static const Sql hang_up = { "hang_up", "SELECT pg_terminate_backend(pg_backend_pid())" };
        TRY(add_fn(cx, c, arg));
        _cleanup_(rows_done) Rows r = { 0 };
        return db_row(cx, c, &hang_up, NO_ARGS, &r);
}

static void a_broken_connection_is_replaced(void **state) {
        Case *k = *state;
        static const Sql hang_up_all = {
                "hang_up_all",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'mainstay' AND pid <> pg_backend_pid()",
        };
        assert_err(db_write(&k->cx, k->db, hang_up_fn, &(Add){ .id = 1 }), ERR_STORAGE);
        err_clear(&k->cx);
        assert_ok(add(k, 2));
        assert_false(account_is_there(k, 1));
        DbConn *c = NULL;
        Rows r = { 0 };
        assert_ok(db_read(&k->cx, k->db, &c));
        assert_ok(db_row(&k->cx, c, &hang_up_all, NO_ARGS, &r));
        rows_done(&r);
        Err e = add(k, 3);                            /* the writer may notice only now */
        assert_true(e == OK || e == ERR_STORAGE);
        err_clear(&k->cx);
        assert_ok(add(k, 4));
}

static void *opener_main(void *arg) {
        Case *k = arg;
        Err e = k->driver->open(k, &k->db);
        return (void *)(uintptr_t)e;
}

static void processes_may_migrate_at_once(void **state) {
        Case *k = *state;
        enum { N = 4 };
        Case each[N];
        pthread_t t[N];
        assert_ok(db_migrate_to(&k->cx, k->db, 0));
        for (int i = 0; i < N; i++) {
                each[i] = (Case){ .arena = arena_new(), .driver = k->driver, .set = k->set };
                each[i].cx = TEST_CTX(each[i].arena, &world_real);
        }
        for (int i = 0; i < N; i++)
                pthread_create(&t[i], NULL, opener_main, &each[i]);
        for (int i = 0; i < N; i++) {
                void *e = NULL;
                pthread_join(t[i], &e);
                assert_int_equal((uintptr_t)e, OK);
                db_close(each[i].db);
                arena_free(each[i].arena);
        }
        assert_ok(add(k, 1));
}

static void a_server_that_is_not_there_is_named(void **state) {
        Case *k = *state;
        DbSettings set = { .path = "postgres:///x?host=/nonexistent" };
        Db *db = NULL;
        assert_err(db_open(&k->cx, &set, &db), ERR_STORAGE);
        assert_non_null(strstr(k->cx.err.what, "/nonexistent"));
        assert_null(db);
}

/* ---- the driver that fails ---- */

static Err never_fn(Ctx *cx, DbConn *c, void *arg) { fail(); return OK; }
static void never_done(DbJob *job, Err e) { fail(); }

static void the_failing_driver_fails_everything(void **state) {
        static const Err with[] = { ERR_STORAGE, ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_CORRUPT };
        for (size_t i = 0; i < ELEMENTSOF(with); i++) {
                Arena *arena = arena_new();
                Ctx cx = TEST_CTX(arena, &world_real);
                Db *db = NULL;
                assert_ok(db_open_failing(&cx, with[i], &db));
                DbConn *c = (DbConn *)&cx;
                MigrationState *list = (MigrationState *)&cx;
                size_t n = 77;
                DbJob job = { .fn = never_fn, .cx = &cx, .done = never_done };
                assert_err(db_read(&cx, db, &c), with[i]);
                assert_err(db_write(&cx, db, never_fn, NULL), with[i]);
                assert_err(db_submit(&cx, db, &job), with[i]);
                assert_err(db_ping(&cx, db), with[i]);
                assert_err(db_backup(&cx, db, "/nonexistent/x", NULL, NULL), with[i]);
                assert_err(db_migrate_to(&cx, db, INT_MAX), with[i]);
                assert_err(db_migrate_status(&cx, db, &list, &n), with[i]);
                assert_ptr_equal(c, &cx);             /* outputs are as they were */
                assert_ptr_equal(list, &cx);
                assert_int_equal(n, 77);
                assert_int_equal(cx.err.code, with[i]);
                db_close(db);
                arena_free(arena);
        }
}

/* ---- all cases against all drivers ---- */

#define CASE(fn) { #fn, fn }
typedef struct Named { const char *name; CMUnitTestFunction fn; } Named;

static const Named cases[] = {
        CASE(values_come_back_as_they_went),
        CASE(absence_is_an_answer),
        CASE(one_statement_may_be_open_twice),
        CASE(arguments_need_not_outlive_the_call),
        CASE(a_taken_key_is_a_conflict),
        CASE(a_conflict_may_be_handled_inside_the_write),
        CASE(changes_are_counted),
        CASE(every_thread_sees_what_was_acknowledged),
        CASE(a_view_sees_what_was_acknowledged),
        CASE(a_view_lasts_as_long_as_its_rows),
        CASE(a_write_reads_its_own),
        CASE(a_failed_write_leaves_nothing),
        CASE(any_statement_may_fail),
        CASE(a_failing_job_undoes_only_itself),
        CASE(close_finishes_what_is_queued),
        CASE(hooks_run_in_order),
        CASE(a_full_queue_refuses),
        CASE(a_write_that_waits_too_long_is_not_run),
        CASE(a_read_ends_at_its_deadline),
        CASE(readers_never_see_half_a_write),
        CASE(no_update_is_lost),
        CASE(expressions_have_values),
        CASE(what_was_written_is_there_after_reopening),
        CASE(migrations_go_down_and_up),
};

static const Named pg_cases[] = {
        CASE(a_broken_connection_is_replaced),
        CASE(processes_may_migrate_at_once),
        CASE(a_server_that_is_not_there_is_named),
};

static int driver_run(const Driver *driver, const Named *list, size_t n) {
        struct CMUnitTest tests[ELEMENTSOF(cases)];
        for (size_t i = 0; i < n; i++)
                tests[i] = (struct CMUnitTest){ .name = list[i].name,
                                                .test_func = list[i].fn,
                                                .setup_func = case_begin,
                                                .teardown_func = case_end,
                                                .initial_state = (void *)(uintptr_t)driver };
        return _cmocka_run_group_tests(driver->name, tests, n, NULL, NULL);
}

int main(void) {
        static const struct CMUnitTest failing[] = {
                cmocka_unit_test(the_failing_driver_fails_everything),
        };
        int failures = driver_run(&sqlite, cases, ELEMENTSOF(cases)) +
                       cmocka_run_group_tests_name("failing", failing, NULL, NULL);
        const char *why_not = pg_start();
        if (why_not)
                print_message("postgresql: skipped: %s\n", why_not);
        else
                failures += driver_run(&postgres, cases, ELEMENTSOF(cases)) +
                            driver_run(&postgres, pg_cases, ELEMENTSOF(pg_cases));
        pg_stop();
        return failures;
}

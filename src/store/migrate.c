// SPDX-License-Identifier: MIT
/* Migrations: the scripts of all rooms in order of their numbers, each in a write of its own,
 * remembered with a checksum of its text so that a script that was changed after it ran is noticed
 * at the next start. */
#include "store/db_int.h"

#include <limits.h>

#include "base/log.h"

static const char schema_tables[] =
        "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT PRIMARY KEY, name TEXT NOT "
        "NULL, applied_at BIGINT NOT NULL, checksum BIGINT NOT NULL);"
        "CREATE TABLE IF NOT EXISTS store_probe (id BIGINT PRIMARY KEY, at BIGINT NOT NULL);";

static const Sql applied_list = {
        "store.migrations",
        "SELECT number, name, applied_at, checksum FROM schema_migrations ORDER BY number "
        "LIMIT 1001",
};
static const Sql applied_add = {
        "store.migration_add",
        "INSERT INTO schema_migrations (number, name, applied_at, checksum) "
        "VALUES ($1, $2, $3, $4)",
};
static const Sql applied_remove = {
        "store.migration_remove",
        "DELETE FROM schema_migrations WHERE number = $1",
};

typedef struct Applied {
        int64_t number, applied_at, checksum;
        Str name;
} Applied;
typedef struct Schema {
        const Migration **known; /* ascending */
        size_t known_n;
        Applied *applied; /* ascending */
        size_t applied_n;
} Schema;

/* Notices an edit, defends against nobody. Kept in the database: str_hash may not change. */
static int64_t checksum(const Migration *m) { return (int64_t)str_hash(str_c(m->up)); }

static int by_number(const void *a, const void *b) {
        const Migration *const *x = a, *const *y = b;
        return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

static size_t known_count(const Db *db) {
        size_t n = 0;
        for (const Migration *const *table = db->migrations; table && *table; table++)
                for (const Migration *m = *table; m->number; m++)
                        n++;
        return n;
}

static void known_load(Ctx *cx, Db *db, Schema *s) {
        s->known = NEW_ARRAY(cx->arena, const Migration *, known_count(db) + 1);
        for (const Migration *const *table = db->migrations; table && *table; table++)
                for (const Migration *m = *table; m->number; m++) {
                        assert(m->number > 0);
                        s->known[s->known_n++] = m;
                }
        qsort(s->known, s->known_n, sizeof *s->known, by_number);
        for (size_t i = 1; i < s->known_n; i++)
                assert(s->known[i - 1]->number != s->known[i]->number);
}

/* One more than is known is enough: an unknown one is then among them. */
static Err applied_load(Ctx *cx, DbConn *c, Schema *s) {
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_rows(cx, c, &applied_list, NO_ARGS, &r));
        s->applied = NEW_ARRAY(cx->arena, Applied, s->known_n + 1);
        s->applied_n = 0;
        for (bool row = false; s->applied_n <= s->known_n;) {
                TRY(rows_next(cx, &r, &row));
                if (!row)
                        return OK;
                s->applied[s->applied_n++] = (Applied){ row_int(&r, 0), row_int(&r, 2),
                                                        row_int(&r, 3), row_dup(cx, &r, 1) };
        }
        return OK;
}

static const Applied *applied_find(const Schema *s, int number) {
        for (size_t i = 0; i < s->applied_n; i++)
                if (s->applied[i].number == number)
                        return &s->applied[i];
        return NULL;
}

static const Migration *known_find(const Schema *s, int64_t number) {
        for (size_t i = 0; i < s->known_n; i++)
                if (s->known[i]->number == number)
                        return s->known[i];
        return NULL;
}

/* Everything applied must be known and unchanged. */
static Err schema_judge(Ctx *cx, const Schema *s) {
        for (size_t i = 0; i < s->applied_n; i++) {
                const Applied *a = &s->applied[i];
                const Migration *m = known_find(s, a->number);
                if (!m)
                        return RAISE(cx, ERR_CONFLICT,
                                     "The database has migration %lld (%.*s), which this version "
                                     "does not know; use a newer version.",
                                     (long long)a->number, STR_FMT(a->name));
                if (checksum(m) != a->checksum)
                        return RAISE(cx, ERR_CONFLICT,
                                     "Migration %d (%s) was changed after it was applied to this "
                                     "database.",
                                     m->number, m->name);
        }
        return OK;
}

static Err schema_load(Ctx *cx, Db *db, DbConn *c, Schema *s) {
        *s = (Schema){ 0 };
        known_load(cx, db, s);
        TRY(applied_load(cx, c, s));
        return schema_judge(cx, s);
}

/* ---- one step, a write of its own ---- */

typedef struct Step {
        int to;
        bool moved;
        const Migration *up; /* the one that was applied */
} Step;

static Err step_up(Ctx *cx, DbConn *c, const Migration *m) {
        TRY(c->db->driver->script(cx, c, m->name, m->up));
        return db_run(cx, c, &applied_add,
                      ARGS(v_int(m->number), v_text(str_c(m->name)), v_int(cx_now_ms(cx)),
                           v_int(checksum(m))),
                      NULL);
}

static Err step_down(Ctx *cx, DbConn *c, const Migration *m) {
        if (!m->down)
                return RAISE(cx, ERR_CONFLICT, "Migration %d (%s) cannot be undone.", m->number,
                             m->name);
        TRY(c->db->driver->script(cx, c, m->name, m->down));
        return db_run(cx, c, &applied_remove, ARGS(v_int(m->number)), NULL);
}

/* The lowest one missing, else the highest one too many. Looked up inside the write: another
 * process may have been here. */
static Err step_fn(Ctx *cx, DbConn *c, void *arg) {
        Step *step = arg;
        Schema s;
        if (c->db->driver->schema_lock)
                TRY(c->db->driver->schema_lock(cx, c));
        TRY(schema_load(cx, c->db, c, &s));
        for (size_t i = 0; i < s.known_n && s.known[i]->number <= step->to; i++)
                if (!applied_find(&s, s.known[i]->number)) {
                        step->moved = true;
                        step->up = s.known[i];
                        return step_up(cx, c, s.known[i]);
                }
        if (s.applied_n && s.applied[s.applied_n - 1].number > step->to) {
                step->moved = true;
                return step_down(cx, c, known_find(&s, s.applied[s.applied_n - 1].number));
        }
        return OK;
}

static Err tables_fn(Ctx *cx, DbConn *c, void *arg) {
        if (c->db->driver->schema_lock)
                TRY(c->db->driver->schema_lock(cx, c));
        return c->db->driver->script(cx, c, "schema tables", schema_tables);
}

Err db_migrate_to(Ctx *cx, Db *db, int number) {
        TRY(db_write(cx, db, tables_fn, NULL));
        for (;;) {
                Step step = { .to = number };
                TRY(db_write(cx, db, step_fn, &step));
                if (!step.moved)
                        return OK;
                if (step.up)
                        LOG(cx, LOG_INFO, "migration_applied", step.up->name,
                            L_INT("number", step.up->number));
        }
}

/* ---- looking ---- */

static Err status_fn(Ctx *cx, DbConn *c, void *arg) { return schema_load(cx, c->db, c, arg); }

Err db_migrate_status(Ctx *cx, Db *db, MigrationState **ret, size_t *ret_n) {
        Schema s;
        TRY(db_write(cx, db, tables_fn, NULL));
        TRY(db_write(cx, db, status_fn, &s));
        MigrationState *list = NEW_ARRAY(cx->arena, MigrationState, s.known_n + 1);
        for (size_t i = 0; i < s.known_n; i++) {
                const Applied *a = applied_find(&s, s.known[i]->number);
                list[i] = (MigrationState){ .number = s.known[i]->number,
                                            .name = s.known[i]->name,
                                            .applied = a != NULL,
                                            .applied_at = a ? a->applied_at : 0 };
        }
        *ret = list;
        *ret_n = s.known_n;
        return OK;
}

Err schema_check(Ctx *cx, Db *db) {
        if (db->migrate)
                return db_migrate_to(cx, db, INT_MAX);
        MigrationState *list = NULL;
        size_t n = 0;
        TRY(db_migrate_status(cx, db, &list, &n));
        return OK;
}

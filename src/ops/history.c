// SPDX-License-Identifier: MIT
#include "base/log.h"
#include "ops/health_int.h"

enum { KEEP = 1000, LIMIT_DEFAULT = 100 };

const Migration ops_migrations[] = {
        {
                .number = 600,
                .name = "health history",
                .up = "CREATE TABLE health_history (check_name TEXT NOT NULL, at BIGINT NOT NULL, "
                      "from_state TEXT NOT NULL, to_state TEXT NOT NULL, reason TEXT NOT NULL, "
                      "previous_duration_s DOUBLE PRECISION NOT NULL);"
                      "CREATE INDEX health_history_at ON health_history (check_name, at);",
                .down = "DROP TABLE health_history;",
        },
        { 0 },
};

static const Sql sql_add = { "health_history_add",
                             "INSERT INTO health_history (check_name, at, from_state, to_state, "
                             "reason, previous_duration_s) VALUES ($1, $2, $3, $4, $5, $6)" };
static const Sql sql_trim = { "health_history_trim",
                              "DELETE FROM health_history WHERE check_name = $1 AND at < ("
                              "SELECT MIN(at) FROM (SELECT at FROM health_history "
                              "WHERE check_name = $1 ORDER BY at DESC LIMIT 1000) AS newest)" };
static const Sql sql_list = {
        "health_history_list",
        "SELECT check_name, from_state, to_state, reason, at, previous_duration_s "
        "FROM health_history WHERE ($1 = '' OR check_name = $1) AND at >= $2 ORDER BY at DESC "
        "LIMIT $3"
};

static Err save(Ctx *cx, DbConn *c, void *arg) {
        const Transition *t = arg;
        TRY(db_run(cx, c, &sql_add,
                   ARGS(v_text(t->check), v_int(t->at), v_text(t->from), v_text(t->to),
                        v_text(t->reason), v_num(t->previous_duration_s)),
                   NULL));
        return db_run(cx, c, &sql_trim, ARGS(v_text(t->check)), NULL);
}

void transition_save(Ctx *cx, Db *db, const Transition *t) {
        if (!db_write(cx, db, save, (void *)t))
                return;
        LOG(cx, LOG_WARN, "health_history_failed", "a transition was not stored",
            L_STR("what", str_c(cx->err.what)));
        err_clear(cx);
}

Err health_history(Ctx *cx, DbConn *c, const TransitionFilter *f, Transitions *ret) {
        int64_t limit = f->limit > 0 ? MIN(f->limit, KEEP) : LIMIT_DEFAULT;
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_rows(cx, c, &sql_list,
                    ARGS(v_text(f->check.p ? f->check : STR("")), v_int(f->since), v_int(limit)),
                    &r));
        Transition *v = NEW_ARRAY(cx->arena, Transition, (size_t)limit);
        size_t n = 0;
        for (bool more;;) {
                TRY(rows_next(cx, &r, &more));
                if (!more || n == (size_t)limit)
                        break;
                v[n++] = (Transition){ .check = row_dup(cx, &r, 0),
                                       .from = row_dup(cx, &r, 1),
                                       .to = row_dup(cx, &r, 2),
                                       .reason = row_dup(cx, &r, 3),
                                       .at = row_int(&r, 4),
                                       .previous_duration_s = row_num(&r, 5) };
        }
        *ret = (Transitions){ v, n };
        return OK;
}

// SPDX-License-Identifier: MIT
/* Deleting by labels: in all scopes that they speak of, in small writes. */
#include "api/mem0.h"
#include "identity/scope.h"
#include "memory/reading.h"

typedef struct Sweep {
        Req *rq;
        const Mem0Filter *f;
        MemoryScope s;
        MemoryRows rows; /* what is to go in this write: others write in between */
        int64_t count;
} Sweep;

static bool row_goes(void *arg, const MemoryRow *row) {
        const Sweep *w = arg;
        return mem0_filter_fits(w->rq, w->f, row);
}

static Err rows_delete(Ctx *cx, DbConn *c, void *arg) {
        Sweep *w = arg;
        MemoryScope s = w->s;
        int64_t count = 0;
        s.c = c;
        for (size_t i = 0; i < w->rows.n; i++) {
                Err e = memory_delete_among(cx, &s, w->rows.v[i].memory_id, row_goes, w);
                if (e && e != ERR_MEMORY_NOT_FOUND)
                        return e;
                err_clear(cx); /* gone meanwhile */
                count += !e;
        }
        w->count += count;
        return OK;
}

static void entities_note(Req *rq, const MemoryRow *row) {
        Mem0View v;
        mem0_view_make(rq, row, &v);
        mem0_gone_note(rq, STR("user"), v.user_id);
        mem0_gone_note(rq, STR("agent"), v.agent_id);
        mem0_gone_note(rq, STR("app"), v.app_id);
        mem0_gone_note(rq, STR("run"), v.run_id);
}

static Err rows_sweep(Mem0Walk *walk, const MemoryScope *s, const MemoryRows *rows) {
        Sweep *w = walk->arg;
        w->s = *s;
        w->rows = *rows;
        TRY(db_write(walk->rq->cx, walk->rq->sv->db, rows_delete, w));
        for (size_t i = 0; i < rows->n; i++)
                entities_note(walk->rq, &rows->v[i]);
        return OK;
}

/* The memories that a reading would make are those of its user and context. */
static bool reading_fits(void *arg, Str user_id, Str context) {
        const Sweep *w = arg;
        const Principal *who = w->rq->who;
        if (!str_eq(user_id, who->user_id) && !(who->scopes & SCOPE_END_USERS))
                return false;
        return mem0_filter_fits(w->rq, w->f,
                                &(MemoryRow){ .user_id = user_id, .context = context });
}

/* What a model has yet to read would come back otherwise. */
static Err readings_cancel(Ctx *cx, DbConn *c, void *arg) {
        Sweep *w = arg;
        MemoryScope s = req_memory(w->rq);
        int64_t count;
        s.c = c;
        TRY(memory_read_cancel_some(cx, &s, reading_fits, w, &count));
        w->count += count;
        return OK;
}

static Err sweep(Sweep *w) {
        Req *rq = w->rq;
        Mem0Walk walk = { .rq = rq, .f = w->f, .with_expired = true, .rows = rows_sweep, .arg = w };
        DbConn *c;
        Strs scopes;
        TRY(db_write(rq->cx, rq->sv->db, readings_cancel, w));
        TRY(db_read(rq->cx, rq->sv->db, &c));
        TRY(mem0_scopes(rq, w->f, c, &scopes));
        for (size_t i = 0; i < scopes.n; i++)
                for (size_t k = 0; memory_status_names[k]; k++) {
                        walk.status = str_c(memory_status_names[k]);
                        TRY(mem0_walk(&walk, scopes.v[i]));
                }
        return OK;
}

Err mem0_delete_labelled(Req *rq, const Mem0Labels *labels, int64_t *ret_count) {
        _cleanup_(mem0_filter_done) Mem0Filter f = { 0 };
        Sweep w = { .rq = rq, .f = &f };
        Str more;
        TRY(mem0_where(rq, &(Mem0Where){ .labels = *labels }, &more));
        TRY(mem0_filter_parse(rq, STR_NULL, more, &f));
        if (!f.has_scope) {
                Err e = RAISE(rq->cx, ERR_BAD_REQUEST, "no scope named");
                rq->cx->err.detail = STR("One of user_id, agent_id, app_id, run_id is required.");
                return e;
        }
        TRY(sweep(&w));
        *ret_count = w.count;
        return OK;
}

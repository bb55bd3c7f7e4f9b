// SPDX-License-Identifier: MIT
/* Where a handler runs. INLINE and READ stay on the loop thread; the others hold the exchange
 * and cross to another one. The answer to a write leaves after its commit. */
#include "api/visit_int.h"

#include "base/log.h"

static Err call(Visit *v) { return v->row->route->fn(&v->rq, v->in, v->ret); }

static Err run_read(Visit *v) {
        TRY(db_view(v->rq.cx, v->api->sv->db, &v->rq.db));
        return call(v);
}

/* ---- WRITE: the handler in a savepoint on the writer ---- */

/* A refusal that has to leave a trace (a stolen token ends its session) commits and then fails. */
static Err call_write(Visit *v) {
        Err e = call(v);
        if (!e || !v->rq.keep)
                return e;
        v->kept = e;
        return OK;
}

static Err run_write(Ctx *cx, DbConn *c, void *arg) {
        Visit *v = arg;
        v->rq.db = c;
        if (!v->idem_key.p)
                return call_write(v);
        TRY(idempotency_begin(v, c));
        if (v->replayed)
                return OK;
        TRY(call_write(v));
        return v->kept ? idempotency_drop(v, c) : idempotency_end(v, c);
}

static void write_answer(Exchange *x) {
        Visit *v = x->user;
        visit_finish(v, v->db_job.result ? v->db_job.result : v->kept);
}

/* The writer is one for all, the loops are many: they write the answer out. */
static void write_done(DbJob *job, Err e) {
        Visit *v = CONTAINER_OF(job, Visit, db_job);
        v->rq.db = NULL;
        exchange_call(v->x, write_answer);
}

static Err start_write(Visit *v) {
        v->db_job = (DbJob){ .fn = run_write, .arg = v, .cx = v->rq.cx, .done = write_done };
        return db_submit(v->rq.cx, v->api->sv->db, &v->db_job);
}

/* ---- WORKER, HASH, STREAM: a thread of a pool, may block ---- */

static Err claim(Ctx *cx, DbConn *c, void *arg) { return idempotency_begin(arg, c); }

static Err settle(Ctx *cx, DbConn *c, void *arg) { return idempotency_end(arg, c); }

static Err give_up(Ctx *cx, DbConn *c, void *arg) { return idempotency_drop(arg, c); }

static Err run_pooled(Visit *v) {
        Db *db = v->api->sv->db;
        if (!v->idem_key.p)
                return call(v);
        TRY(db_write(v->rq.cx, db, claim, v));
        if (v->replayed)
                return OK;
        Err e = call(v);
        if (e) {
                Ctx cx = *v->rq.cx; /* what failed first is what is told */
                if (db_write(&cx, db, give_up, v))
                        LOG(&cx, LOG_ERROR, "idempotency_stuck", "a claim of a key stays for a day",
                            L_STR("what", str_c(cx.err.what)));
                return e;
        }
        return db_write(v->rq.cx, db, settle, v);
}

static void run_worker(PoolJob *job) {
        Visit *v = CONTAINER_OF(job, Visit, pool_job);
        visit_finish(v, run_pooled(v));
}

static void run_stream(PoolJob *job) {
        Visit *v = CONTAINER_OF(job, Visit, pool_job);
        Err e = v->idem_key.p ? idempotency_look(v) : OK;
        if (e || v->replayed) {
                visit_finish(v, e);
                return;
        }
        e = call(v);
        /* OK: it answers, or has answered and the Visit is gone */
        if (e)
                visit_finish(v, e);
}

static Err start_pooled(Visit *v, Pool *pool, void (*run)(PoolJob *job), Err full) {
        v->pool_job = (PoolJob){ .run = run };
        return pool_submit(pool, &v->pool_job) ? OK : RAISE(v->rq.cx, full, "queue full");
}

static Lane lane_of(const Visit *v) { return v->rq.waits ? LANE_WORKER : v->row->route->lane; }

static Err start(Visit *v) {
        const Services *sv = v->api->sv;
        switch (lane_of(v)) {
        case LANE_WRITE: return start_write(v);
        case LANE_WORKER: return start_pooled(v, sv->workers, run_worker, ERR_UNAVAILABLE);
        case LANE_HASH: return start_pooled(v, sv->hashers, run_worker, ERR_HASH_QUEUE);
        case LANE_STREAM: return start_pooled(v, sv->workers, run_stream, ERR_UNAVAILABLE);
        case LANE_INLINE:
        case LANE_READ:
        case LANE_UNSET: break;
        }
        return RAISE(v->rq.cx, ERR_INTERNAL, "route %s has no lane", v->row->route->id);
}

/* What can be done before the lane is not done on it: with a view of the store, to read. */
static Err admit(Visit *v) {
        const Route *r = v->row->route;
        if (r->lane != LANE_WRITE)
                return r->admit(&v->rq, v->in, NULL);
        TRY(db_view(v->rq.cx, v->api->sv->db, &v->rq.db));
        Err e = r->admit(&v->rq, v->in, NULL);
        v->rq.db = NULL;
        return e;
}

static void run(Visit *v) {
        Err refused = v->row->route->admit ? admit(v) : OK;
        Lane lane = lane_of(v);
        if (refused) {
                visit_finish(v, refused);
        } else if (lane == LANE_INLINE) {
                visit_finish(v, call(v));
        } else if (lane == LANE_READ) {
                Err e = run_read(v);
                v->rq.db = NULL;
                visit_finish(v, e);
        } else {
                /* from here on the visit belongs to the other thread */
                exchange_hold(v->x);
                Err e = start(v);
                if (e)
                        visit_finish(v, e);
        }
}

/* ---- somebody new: after the row that authentication has sent to the writer ---- */

static Err row_written(Ctx *cx, DbConn *c, void *arg) { return OK; }

static void run_new(Exchange *x) {
        Visit *v = x->user;
        if (v->db_job.result)
                visit_finish(v, v->db_job.result);
        else
                run(v);
}

static void new_done(DbJob *job, Err e) {
        Visit *v = CONTAINER_OF(job, Visit, db_job);
        exchange_call(v->x, run_new);
}

void visit_run(Visit *v) {
        if (!v->who.is_new) {
                run(v);
                return;
        }
        exchange_hold(v->x);
        v->db_job = (DbJob){ .fn = row_written, .arg = v, .cx = v->rq.cx, .done = new_done };
        Err e = db_submit(v->rq.cx, v->api->sv->db, &v->db_job);
        if (e)
                visit_finish(v, e);
}

// SPDX-License-Identifier: MIT
/* NDJSON bodies of any length (a row with `piece`): whole lines are handed to a worker about half a
 * MiB at a time, and the client waits meanwhile. Nobody waits for a slow client: a worker is taken
 * when lines are there. With an Idempotency-Key the body is taken whole, as its print is needed
 * before anything is done. */
#include "api/visit_int.h"

enum { PIECE = 512 * 1024, LINE_MAX_BYTES = 16 * 1024 * 1024 };

struct Pieces {
        Buf in;
        size_t lines; /* bytes of whole lines at its start */
        Err failed;   /* what still comes is read past */
};

static bool is_ndjson(const Visit *v) {
        Str rest = exchange_header(v->x, "content-type");
        return str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("application/x-ndjson"));
}

void pieces_begin(Visit *v) {
        if (!v->row->route->piece || v->idem_key.p || !is_ndjson(v))
                return;
        v->pieces = NEW(v->x->cx.arena, Pieces);
        v->pieces->in = BUF(LINE_MAX_BYTES + PIECE);
        v->x->in_parts = true;
        v->x->body_max = SIZE_MAX;
}

void pieces_end(Visit *v) {
        if (v->pieces)
                buf_done(&v->pieces->in);
}

static void piece_run(PoolJob *job) {
        Visit *v = CONTAINER_OF(job, Visit, pool_job);
        Pieces *p = v->pieces;
        v->x->body = (Str){ p->in.p, p->lines };
        p->failed = v->row->route->piece(&v->rq, NULL, NULL);
        buf_drop(&p->in, p->lines);
        p->lines = 0;
        exchange_more(v->x);
}

bool pieces_add(Visit *v, Str bytes) {
        Pieces *p = v->pieces;
        if (p->failed)
                return true;
        const char *end = memrchr(bytes.p, '\n', bytes.n);
        if (end)
                p->lines = p->in.n + (size_t)(end - bytes.p) + 1;
        if (!buf_add(&p->in, bytes) || p->in.n - p->lines > LINE_MAX_BYTES) {
                p->failed = RAISE(v->rq.cx, ERR_TOO_LARGE, "a line over %d bytes", LINE_MAX_BYTES);
                return true;
        }
        if (p->in.n < PIECE || !p->lines)
                return true;
        v->pool_job = (PoolJob){ .run = piece_run };
        if (pool_submit(v->api->sv->workers, &v->pool_job))
                return false;
        p->failed = RAISE(v->rq.cx, ERR_UNAVAILABLE, "queue full");
        return true;
}

Err pieces_rest(Visit *v) {
        if (!v->pieces)
                return OK;
        v->x->body = buf_str(&v->pieces->in);
        return v->pieces->failed;
}

// SPDX-License-Identifier: MIT
/* vectors_make: vectors for the units that lack one, by a job. Memories first, then turns, each kind
 * once from its start: what comes meanwhile has a job of its own. */
#include "memory/jobs.h"
#include "memory/memory_sql.h"
#include "memory/vectors_int.h"

#define BATCH_TIMEOUT_MS INT64_C(30000)

typedef struct Wanted {
        int64_t units[EMBED_BATCH_MAX], versions[EMBED_BATCH_MAX]; /* of a memory; 0: a turn */
        Str texts[EMBED_BATCH_MAX];
        size_t n;
} Wanted;

typedef struct Making {
        MemoryScope s;
        Keys k;
        bool turns;    /* the kind it is at */
        int64_t after; /* the last unit of it that was looked at */
        Wanted want;
        Vecs vecs;
} Making;

static void making_done(Making *mk) { keys_done(&mk->k); }

/* ---- which ---- */

static Err text_load(Ctx *cx, Making *mk, int64_t unit) {
        Wanted *w = &mk->want;
        Stored m;
        Turn t;
        Err e = mk->turns ? turn_by_unit(cx, &mk->s, &mk->k, unit, &t)
                          : stored_by_unit(cx, &mk->s, &mk->k, unit, &m);
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        w->units[w->n] = unit;
        w->versions[w->n] = mk->turns ? 0 : m.row.version;
        w->texts[w->n++] = !mk->turns    ? m.row.content
                           : t.caption.n ? arena_strf(cx->arena, "%.*s %.*s", STR_FMT(t.text),
                                                      STR_FMT(t.caption))
                                         : t.text;
        return OK;
}

static Err units_load(Ctx *cx, Making *mk, int64_t *units, size_t *ret_n) {
        _cleanup_(rows_done) Rows r = { 0 };
        size_t n = 0;
        TRY(db_rows(cx, mk->s.c, mk->turns ? &sql_vector_missing_turns : &sql_vector_missing,
                    ARGS(v_text(mk->s.user_id), v_text(embedder_model(mk->s.m->vectors->embedder)),
                         v_int(mk->after), v_int(EMBED_BATCH_MAX)),
                    &r));
        for (;;) {
                bool got = false;
                TRY(rows_next(cx, &r, &got));
                if (!got || n == EMBED_BATCH_MAX)
                        break;
                units[n++] = row_int(&r, 0);
        }
        *ret_n = n;
        return OK;
}

/* False at the end. */
static Err batch_load(Ctx *cx, Making *mk, bool *ret_more) {
        int64_t units[EMBED_BATCH_MAX];
        size_t n;
        TRY(db_read(cx, mk->s.m->db, &mk->s.c));
        TRY(units_load(cx, mk, units, &n));
        *ret_more = n || (!mk->turns && mk->s.m->vectors->turns);
        mk->want.n = 0;
        for (size_t i = 0; i < n; i++)
                TRY(text_load(cx, mk, mk->after = units[i]));
        if (!n) {
                mk->turns = true;
                mk->after = 0;
        }
        return OK;
}

/* ---- making and keeping ---- */

/* Gone, or changed meanwhile? That one has another job. */
static Err still_wanted(Ctx *cx, const MemoryScope *s, const Making *mk, size_t i, bool *ret) {
        const Wanted *w = &mk->want;
        Stored m;
        Turn t;
        Err e = w->versions[i] ? stored_by_unit(cx, s, &mk->k, w->units[i], &m)
                               : turn_by_unit(cx, s, &mk->k, w->units[i], &t);
        *ret = !e && (!w->versions[i] || m.row.version == w->versions[i]);
        return e == ERR_NOT_FOUND ? OK : e;
}

static Err put_write(Ctx *cx, DbConn *c, void *arg) {
        const Making *mk = arg;
        MemoryScope s = { mk->s.m, c, mk->s.user_id, "job" };
        for (size_t i = 0; i < mk->vecs.n; i++) {
                int64_t unit = mk->want.units[i];
                bool wanted;
                TRY(still_wanted(cx, &s, mk, i, &wanted));
                if (!wanted)
                        continue;
                Str bytes = str_n(mk->vecs.v + i * mk->vecs.dim, mk->vecs.dim * sizeof(float));
                Str body = seal(cx, &mk->k.seal, (SealFor){ s.user_id, vector_field(cx, unit) },
                                bytes);
                TRY(db_run(cx, c, &sql_vector_put,
                           ARGS(v_text(s.user_id), v_int(unit),
                                v_text(embedder_model(s.m->vectors->embedder)), v_blob(body)),
                           NULL));
        }
        return OK;
}

static Err batch_make(Ctx *cx, Making *mk) {
        Wanted *w = &mk->want;
        Vectors *v = mk->s.m->vectors;
        TRY(embedder_run(cx, v->embedder, (Strs){ w->texts, w->n }, BATCH_TIMEOUT_MS, &mk->vecs));
        TRY(db_write(cx, mk->s.m->db, put_write, mk));
        block_learn(v, mk->s.user_id, &(LearnedVectors){ w->units, mk->vecs });
        return OK;
}

Err vectors_embed(Ctx *cx, Memory *m, Str user_id, int64_t *ret_count) {
        _cleanup_(making_done) Making mk = { .s = { m, NULL, user_id, "job" } };
        _cleanup_(arena_freep) Arena *batch = arena_new();
        bool more = m->vectors != NULL;
        *ret_count = 0;
        if (!more)
                return OK;
        TRY(db_read(cx, m->db, &mk.s.c));
        TRY(may_leave(cx, &mk.s, &more));
        if (more)
                TRY(keys_get(cx, &mk.s, &mk.k));
        while (more) {
                Ctx bc = *cx;
                bc.arena = batch;
                Err e = batch_load(&bc, &mk, &more);
                if (!e && mk.want.n)
                        e = batch_make(&bc, &mk);
                if (e)
                        return RAISE(cx, e, "embedding: %s", bc.err.what ? bc.err.what : "");
                *ret_count += (int64_t)mk.want.n;
                arena_clear(batch);
        }
        return OK;
}

Err vectors_later(Ctx *cx, const MemoryScope *s) {
        MemoryJob job;
        return s->m->vectors ? memory_job_start(cx, s, STR("embed"), &job) : OK;
}

Err vectors_later_turns(Ctx *cx, const MemoryScope *s) {
        return s->m->vectors && s->m->vectors->turns ? vectors_later(cx, s) : OK;
}

/* ---- one of them; those that are kept no longer ---- */

Err memory_embedding(Ctx *cx, const MemoryScope *s, const MemoryRow *row, Str *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        _cleanup_(rows_done) Rows r = { 0 };
        _cleanup_(buf_done) Buf b = BUF(EMBED_DIM_MAX * 16);
        Str body;
        *ret = STR_NULL;
        Err e = db_row(cx, s->c, &sql_vector_get, ARGS(v_text(s->user_id), v_int(row->unit)), &r);
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        TRY(keys_get(cx, s, &k));
        TRY(vector_open(cx, s, &k, (SealedVector){ row->unit, row_text(&r, 0) }, &body));
        buf_addc(&b, '[');
        for (size_t i = 0; i + sizeof(float) <= body.n; i += sizeof(float)) {
                float x;
                memcpy(&x, body.p + i, sizeof x);
                buf_addf(&b, "%s%.7g", i ? "," : "", (double)x);
        }
        buf_addc(&b, ']');
        *ret = arena_dup(cx->arena, buf_str(&b));
        return OK;
}

static int unit_cmp(const void *a, const void *b) {
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
        return (x > y) - (x < y);
}

bool units_have(const Units *u, int64_t unit) {
        return u->n && bsearch(&unit, u->v, u->n, sizeof unit, unit_cmp);
}

static void units_add(Ctx *cx, Units *u, int64_t unit) {
        if (u->n == u->cap) {
                int64_t *more = NEW_ARRAY(cx->arena, int64_t, u->cap = u->cap * 2 + 64);
                if (u->n)
                        memcpy(more, u->v, u->n * sizeof *more);
                u->v = more;
        }
        u->v[u->n++] = unit;
}

Err vectors_which(Ctx *cx, const MemoryScope *s, Units *ret_kept, Units *ret_dropped) {
        _cleanup_(rows_done) Rows r = { 0 };
        *ret_kept = *ret_dropped = (Units){ 0 };
        TRY(db_rows(cx, s->c, &sql_vector_units, ARGS(v_text(s->user_id)), &r));
        for (;;) {
                bool got = false;
                TRY(rows_next(cx, &r, &got));
                if (!got)
                        return OK;
                units_add(cx, row_text(&r, 1).n ? ret_kept : ret_dropped, row_int(&r, 0));
        }
}

Err vector_drop(Ctx *cx, const MemoryScope *s, int64_t unit) {
        return db_run(cx, s->c, &sql_vector_drop,
                      ARGS(v_text(s->user_id), v_int(unit), v_blob(STR(""))), NULL);
}

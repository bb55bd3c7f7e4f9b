// SPDX-License-Identifier: MIT
#include "memory/vectors.h"

#include <math.h>
#include <pthread.h>

#include "memory/memory_sql.h"
#include "memory/vectors_int.h"

enum { NEAREST_MIN = 60 };
#define BLOCKS_BYTES_MAX ((size_t)256 << 20)
#define QUERY_TIMEOUT_MS INT64_C(2000)

static size_t block_bytes(const Block *b) {
        return b->cap * (b->dim + sizeof *b->scale + sizeof *b->unit);
}

/* All of these under the slot's lock. */
static void block_clear(Vectors *v, Block *b) {
        atomic_fetch_sub(&v->bytes, block_bytes(b));
        free((char *)(uintptr_t)b->user_id.p);
        free(b->q);
        free(b->scale);
        free(b->unit);
        *b = (Block){ 0 };
}

Vectors *vectors_new(Ctx *cx, const EmbedSettings *set) {
        if (!set->client || !set->base_url.n)
                return NULL;
        Vectors *v = calloc(1, sizeof *v);
        if (!v)
                abort();
        v->embedder = embedder_new(cx, set);
        v->turns = !set->no_turns;
        for (size_t i = 0; i < BLOCK_SLOTS; i++)
                pthread_mutex_init(&v->slots[i].lock, NULL);
        return v;
}

void vectors_stop(Vectors *v) {
        if (v)
                embedder_stop(v->embedder);
}

void vectors_forget(Vectors *v) {
        for (size_t i = 0; v && i < BLOCK_SLOTS; i++) {
                pthread_mutex_lock(&v->slots[i].lock);
                block_clear(v, &v->slots[i].block);
                pthread_mutex_unlock(&v->slots[i].lock);
        }
}

Vectors *vectors_free(Vectors *v) {
        if (!v)
                return NULL;
        vectors_forget(v);
        embedder_free(v->embedder);
        for (size_t i = 0; i < BLOCK_SLOTS; i++)
                pthread_mutex_destroy(&v->slots[i].lock);
        free(v);
        return NULL;
}

/* ---- blocks ---- */

static Slot *slot_of(Vectors *v, Str user_id) { return &v->slots[str_slot(user_id, BLOCK_SLOTS)]; }

static void *grown(void *p, size_t n, size_t size) {
        void *q = reallocarray(p, n, size);
        if (!q)
                abort();
        return q;
}

/* Symmetric quantisation: the largest component becomes 127. Returns the scale back. */
static float quantise(const float *x, size_t dim, int8_t *q) {
        float max = 1e-9f;
        for (size_t i = 0; i < dim; i++)
                max = fmaxf(max, fabsf(x[i]));
        for (size_t i = 0; i < dim; i++)
                q[i] = (int8_t)lrintf(x[i] / max * 127);
        return max / 127;
}

static size_t block_find(const Block *b, int64_t unit) { /* n: not there */
        size_t i = 0;
        while (i < b->n && b->unit[i] != unit)
                i++;
        return i;
}

static void block_set(Vectors *v, Block *b, size_t i, int64_t unit, const float *x) {
        if (i == b->cap) {
                size_t before = block_bytes(b);
                b->cap = b->cap ? b->cap * 2 : 64;
                b->q = grown(b->q, b->cap, b->dim);
                b->scale = grown(b->scale, b->cap, sizeof *b->scale);
                b->unit = grown(b->unit, b->cap, sizeof *b->unit);
                atomic_fetch_add(&v->bytes, block_bytes(b) - before);
        }
        b->n = MAX(b->n, i + 1);
        b->unit[i] = unit;
        b->scale[i] = quantise(x, b->dim, b->q + i * b->dim);
}

static void block_drop(Block *b, int64_t unit) {
        size_t i = block_find(b, unit);
        if (i == b->n)
                return;
        size_t last = --b->n;
        memmove(b->q + i * b->dim, b->q + last * b->dim, b->dim);
        b->scale[i] = b->scale[last];
        b->unit[i] = b->unit[last];
}

/* Lanes of 16: the compiler turns the inner loop into vector instructions on any machine. */
static int32_t dot_int8(const int8_t *a, const int8_t *b, size_t n) {
        int32_t lanes[16] = { 0 }, sum = 0;
        size_t i = 0;
        for (; i + 16 <= n; i += 16)
                for (size_t k = 0; k < 16; k++)
                        lanes[k] += (int32_t)a[i + k] * b[i + k];
        for (; i < n; i++)
                sum += (int32_t)a[i] * b[i];
        for (size_t k = 0; k < 16; k++)
                sum += lanes[k];
        return sum;
}

/* ---- store ---- */

Err vector_open(Ctx *cx, const MemoryScope *s, const Keys *k, SealedVector v, Str *ret) {
        return seal_open(cx, &k->seal, (SealFor){ s->user_id, vector_field(cx, v.unit) }, v.bytes,
                         ret);
}

static Err block_fill(Ctx *cx, const MemoryScope *s, const Keys *k, Block *b) {
        Vectors *v = s->m->vectors;
        _cleanup_(arena_freep) Arena *rows = arena_new();
        _cleanup_(rows_done) Rows r = { 0 };
        Ctx rc = *cx;
        rc.arena = rows;
        TRY(db_rows(cx, s->c, &sql_vector_each,
                    ARGS(v_text(s->user_id), v_text(embedder_model(v->embedder))), &r));
        for (;;) {
                bool got = false;
                Str body;
                TRY(rows_next(cx, &r, &got));
                if (!got)
                        return OK;
                TRY(vector_open(&rc, s, k, (SealedVector){ row_int(&r, 0), row_text(&r, 1) },
                                &body));
                size_t dim = body.n / sizeof(float);
                if (!b->dim)
                        b->dim = dim;
                if (dim == b->dim && dim && dim <= EMBED_DIM_MAX) {
                        float x[EMBED_DIM_MAX];
                        memcpy(x, body.p, dim * sizeof *x);
                        block_set(v, b, b->n, row_int(&r, 0), x);
                }
                arena_clear(rows);
        }
}

/* Makes room: others' blocks go, round and round, but for those in use. */
static void blocks_trim(Vectors *v, const Slot *mine) {
        for (size_t i = 0; i < BLOCK_SLOTS && atomic_load(&v->bytes) > BLOCKS_BYTES_MAX; i++) {
                Slot *s = &v->slots[atomic_fetch_add(&v->hand, 1) % BLOCK_SLOTS];
                if (s == mine || pthread_mutex_trylock(&s->lock))
                        continue;
                block_clear(v, &s->block);
                pthread_mutex_unlock(&s->lock);
        }
}

static Err block_get(Ctx *cx, const MemoryScope *s, const Keys *k, Slot *slot) {
        Vectors *v = s->m->vectors;
        Block *b = &slot->block;
        if (!str_eq(b->user_id, s->user_id)) {
                block_clear(v, b);
                Err e = block_fill(cx, s, k, b);
                if (e) {
                        block_clear(v, b);
                        return e;
                }
                char *id = strndup(s->user_id.p, s->user_id.n);
                if (!id)
                        abort();
                b->user_id = (Str){ id, s->user_id.n };
        }
        blocks_trim(v, slot);
        return OK;
}

void block_learn(Vectors *v, Str user_id, const LearnedVectors *in) {
        Slot *slot = slot_of(v, user_id);
        Block *b = &slot->block;
        pthread_mutex_lock(&slot->lock);
        if (str_eq(b->user_id, user_id) && b->dim && b->dim != in->vecs.dim)
                block_clear(v, b);
        for (size_t i = 0; str_eq(b->user_id, user_id) && i < in->vecs.n; i++) {
                b->dim = in->vecs.dim;
                block_set(v, b, block_find(b, in->units[i]), in->units[i],
                          in->vecs.v + i * in->vecs.dim);
        }
        pthread_mutex_unlock(&slot->lock);
}

/* ---- search ---- */

typedef struct Near {
        const float *query;
        size_t dim;
        Similar *best;
        size_t n, max;
} Near;

static void nearest_add(Near *near, Similar s) {
        size_t i = near->n < near->max ? near->n++ : near->max;
        for (; i > 0 && near->best[i - 1].cosine < s.cosine; i--)
                if (i < near->max)
                        near->best[i] = near->best[i - 1];
        if (i < near->max)
                near->best[i] = s;
}

static void block_scan(const Block *b, const float *query, Near *near) {
        int8_t q[EMBED_DIM_MAX];
        float scale = quantise(query, b->dim, q);
        for (size_t i = 0; i < b->n; i++) {
                double c = (double)dot_int8(q, b->q + i * b->dim, b->dim) * scale * b->scale[i];
                if (c > 0 && (near->n < near->max || c > near->best[near->max - 1].cosine))
                        nearest_add(near, (Similar){ b->unit[i], c });
        }
}

static Err rescore_one(Ctx *cx, const MemoryScope *s, const Keys *k, Near *near, Similar *at) {
        _cleanup_(rows_done) Rows r = { 0 };
        Str body;
        TRY(db_row(cx, s->c, &sql_vector_get, ARGS(v_text(s->user_id), v_int(at->id)), &r));
        TRY(vector_open(cx, s, k, (SealedVector){ at->id, row_text(&r, 0) }, &body));
        if (body.n != near->dim * sizeof(float))
                return ERR_NOT_FOUND;
        double c = 0;
        for (size_t d = 0; d < near->dim; d++) {
                float x;
                memcpy(&x, body.p + d * sizeof x, sizeof x);
                c += (double)x * near->query[d];
        }
        at->cosine = c;
        return OK;
}

/* The best again in full precision. What is gone from the store stays out, and leaves the block. */
static Err rescore(Ctx *cx, const MemoryScope *s, const Keys *k, Near *near) {
        Slot *slot = slot_of(s->m->vectors, s->user_id);
        size_t kept = 0;
        for (size_t i = 0; i < near->n; i++) {
                int64_t unit = near->best[i].id;
                Err e = rescore_one(cx, s, k, near, &near->best[i]);
                if (e && e != ERR_NOT_FOUND)
                        return e;
                if (!e) {
                        near->best[kept++] = near->best[i];
                        continue;
                }
                pthread_mutex_lock(&slot->lock);
                if (str_eq(slot->block.user_id, s->user_id))
                        block_drop(&slot->block, unit);
                pthread_mutex_unlock(&slot->lock);
        }
        near->n = kept;
        return OK;
}

static Err nearest(Ctx *cx, const MemoryScope *s, const Keys *k, const Vecs *query, Near *near) {
        Vectors *v = s->m->vectors;
        Slot *slot = slot_of(v, s->user_id);
        pthread_mutex_lock(&slot->lock);
        Err e = block_get(cx, s, k, slot);
        if (!e && slot->block.dim == query->dim)
                block_scan(&slot->block, query->v, near);
        pthread_mutex_unlock(&slot->lock);
        return e;
}

Err vectors_search(Ctx *cx, const MemoryScope *s, const Keys *k, SearchQuery *sq,
                   bool *ret_degraded) {
        Vectors *v = s->m->vectors;
        Vecs query;
        bool may;
        *ret_degraded = false;
        if (!v)
                return OK;
        TRY(may_leave(cx, s, &may));
        if (!may)
                return OK;
        Err e = embedder_run(cx, v->embedder, (Strs){ &sq->text, 1 }, QUERY_TIMEOUT_MS, &query);
        if (e) { /* the words still find what they find */
                err_clear(cx);
                *ret_degraded = true;
                return OK;
        }
        Near near = { .query = query.v,
                      .dim = query.dim,
                      .max = MAX((size_t)NEAREST_MIN, 4 * sq->top_k) };
        near.best = NEW_ARRAY(cx->arena, Similar, near.max);
        TRY(nearest(cx, s, k, &query, &near));
        TRY(rescore(cx, s, k, &near));
        sq->similar = near.best;
        sq->similar_n = near.n;
        return OK;
}

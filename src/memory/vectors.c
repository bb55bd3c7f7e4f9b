// SPDX-License-Identifier: MIT
#include "memory/vectors.h"

#include <math.h>
#include <pthread.h>

#include "memory/embed.h"
#include "memory/jobs.h"
#include "memory/memory_sql.h"

enum { BLOCK_SLOTS = 256, NEAREST_MIN = 60, FIELD_LEN = 48 };
#define BLOCKS_BYTES_MAX ((size_t)256 << 20)
#define QUERY_TIMEOUT_MS INT64_C(2000)
#define BATCH_TIMEOUT_MS INT64_C(30000)

/* The vectors of one user under one model. */
typedef struct Block {
        Str user_id;
        size_t n, cap, dim;
        int8_t *q;
        float *scale;
        int64_t *unit;
} Block;

struct Vectors {
        Embedder *embedder;
        /* over blocks; held while one is scanned: that takes a millisecond or two */
        pthread_mutex_t lock;
        Block blocks[BLOCK_SLOTS];
        size_t bytes, hand;
};

static size_t block_bytes(const Block *b) {
        return b->cap * (b->dim + sizeof *b->scale + sizeof *b->unit);
}

static void block_clear(Vectors *v, Block *b) {
        v->bytes -= block_bytes(b);
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
        pthread_mutex_init(&v->lock, NULL);
        return v;
}

void vectors_forget(Vectors *v) {
        if (!v)
                return;
        pthread_mutex_lock(&v->lock);
        for (size_t i = 0; i < BLOCK_SLOTS; i++)
                block_clear(v, &v->blocks[i]);
        pthread_mutex_unlock(&v->lock);
}

Vectors *vectors_free(Vectors *v) {
        if (!v)
                return NULL;
        vectors_forget(v);
        embedder_free(v->embedder);
        pthread_mutex_destroy(&v->lock);
        free(v);
        return NULL;
}

/* ---- blocks ---- */

static Block *block_of(Vectors *v, Str user_id) {
        uint64_t h = 0xcbf29ce484222325u;
        for (size_t i = 0; i < user_id.n; i++)
                h = (h ^ (unsigned char)user_id.p[i]) * 0x100000001b3u;
        return &v->blocks[(h ^ h >> 32) % BLOCK_SLOTS];
}

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

static void block_put(Vectors *v, Block *b, int64_t unit, const float *x) {
        size_t i = 0;
        while (i < b->n && b->unit[i] != unit)
                i++;
        if (i == b->cap) {
                v->bytes -= block_bytes(b);
                b->cap = b->cap ? b->cap * 2 : 64;
                b->q = grown(b->q, b->cap, b->dim);
                b->scale = grown(b->scale, b->cap, sizeof *b->scale);
                b->unit = grown(b->unit, b->cap, sizeof *b->unit);
                v->bytes += block_bytes(b);
        }
        b->n = MAX(b->n, i + 1);
        b->unit[i] = unit;
        b->scale[i] = quantise(x, b->dim, b->q + i * b->dim);
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

static const char *vector_field(Ctx *cx, int64_t unit) {
        return arena_printf(cx->arena, "vector:%lld", (long long)unit);
}

typedef struct Sealed {
        int64_t unit;
        Str bytes;
} Sealed;

static Err vector_open(Ctx *cx, const MemoryScope *s, const Keys *k, Sealed v, Str *ret) {
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
                TRY(vector_open(&rc, s, k, (Sealed){ row_int(&r, 0), row_text(&r, 1) }, &body));
                size_t dim = body.n / sizeof(float);
                if (!b->dim)
                        b->dim = dim;
                if (dim == b->dim && dim && dim <= EMBED_DIM_MAX) {
                        float x[EMBED_DIM_MAX];
                        memcpy(x, body.p, dim * sizeof *x);
                        block_put(v, b, row_int(&r, 0), x);
                }
                arena_clear(rows);
        }
}

/* Under the lock. */
static Err block_get(Ctx *cx, const MemoryScope *s, const Keys *k, Block **ret) {
        Vectors *v = s->m->vectors;
        Block *b = block_of(v, s->user_id);
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
        for (size_t i = 0; i < BLOCK_SLOTS && v->bytes > BLOCKS_BYTES_MAX; i++)
                if (&v->blocks[v->hand++ % BLOCK_SLOTS] != b)
                        block_clear(v, &v->blocks[(v->hand - 1) % BLOCK_SLOTS]);
        *ret = b;
        return OK;
}

/* ---- search ---- */

static void nearest_add(Similar *best, size_t *n, size_t max, Similar s) {
        size_t i = *n < max ? (*n)++ : max;
        for (; i > 0 && best[i - 1].cosine < s.cosine; i--)
                if (i < max)
                        best[i] = best[i - 1];
        if (i < max)
                best[i] = s;
}

static void block_scan(const Block *b, const float *query, Similar *best, size_t *n, size_t max) {
        int8_t q[EMBED_DIM_MAX];
        float scale = quantise(query, b->dim, q);
        for (size_t i = 0; i < b->n; i++) {
                double c = (double)dot_int8(q, b->q + i * b->dim, b->dim) * scale * b->scale[i];
                if (c > 0 && (*n < max || c > best[max - 1].cosine))
                        nearest_add(best, n, max, (Similar){ b->unit[i], c });
        }
}

typedef struct Near {
        const float *query;
        size_t dim;
        Similar *best;
        size_t n;
} Near;

static Err rescore_one(Ctx *cx, const MemoryScope *s, const Keys *k, Near *near, Similar *at) {
        _cleanup_(rows_done) Rows r = { 0 };
        Str body;
        TRY(db_row(cx, s->c, &sql_vector_get, ARGS(v_text(s->user_id), v_int(at->id)), &r));
        TRY(vector_open(cx, s, k, (Sealed){ at->id, row_text(&r, 0) }, &body));
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

/* The best again in full precision; what is gone from the store stays out. */
static Err rescore(Ctx *cx, const MemoryScope *s, const Keys *k, Near *near) {
        size_t kept = 0;
        for (size_t i = 0; i < near->n; i++) {
                Err e = rescore_one(cx, s, k, near, &near->best[i]);
                if (e && e != ERR_NOT_FOUND)
                        return e;
                if (!e)
                        near->best[kept++] = near->best[i];
        }
        near->n = kept;
        return OK;
}

Err vectors_search(Ctx *cx, const MemoryScope *s, const Keys *k, SearchQuery *sq,
                   bool *ret_degraded) {
        Vectors *v = s->m->vectors;
        Vecs query;
        Block *b;
        *ret_degraded = false;
        if (!v)
                return OK;
        Err e = embedder_run(cx, v->embedder, (Strs){ &sq->text, 1 }, QUERY_TIMEOUT_MS, &query);
        if (e) { /* the words still find what they find */
                err_clear(cx);
                *ret_degraded = true;
                return OK;
        }
        size_t max = MAX((size_t)NEAREST_MIN, 4 * sq->top_k), n = 0, dim = 0;
        Similar *best = NEW_ARRAY(cx->arena, Similar, max);
        pthread_mutex_lock(&v->lock);
        e = block_get(cx, s, k, &b);
        if (!e && b->dim == query.dim) {
                dim = b->dim;
                block_scan(b, query.v, best, &n, max);
        }
        pthread_mutex_unlock(&v->lock);
        TRY(e);
        Near near = { query.v, dim, best, n };
        TRY(rescore(cx, s, k, &near));
        sq->similar = best;
        sq->similar_n = near.n;
        return OK;
}

/* ---- making them ---- */

typedef struct Put {
        MemoryScope s;
        const Keys *k;
        const Stored *v;
        Vecs vecs;
} Put;

static Err put_write(Ctx *cx, DbConn *c, void *arg) {
        Put *p = arg;
        for (size_t i = 0; i < p->vecs.n; i++) {
                int64_t unit = p->v[i].row.unit;
                MemoryScope s = { p->s.m, c, p->s.user_id, "job" };
                Stored now;
                Err e = stored_by_unit(cx, &s, p->k, unit, &now);
                if (e == ERR_NOT_FOUND || (!e && now.row.version != p->v[i].row.version))
                        /* gone or changed meanwhile: the next round sees it */
                        continue;
                TRY(e);
                Str bytes = str_n(p->vecs.v + i * p->vecs.dim, p->vecs.dim * sizeof(float));
                Str body = seal(cx, &p->k->seal, (SealFor){ s.user_id, vector_field(cx, unit) },
                                bytes);
                TRY(db_run(cx, c, &sql_vector_put,
                           ARGS(v_text(s.user_id), v_int(unit),
                                v_text(embedder_model(s.m->vectors->embedder)), v_blob(body)),
                           NULL));
        }
        return OK;
}

static Err missing_load(Ctx *cx, const MemoryScope *s, const Keys *k, Stored *v, size_t *ret_n) {
        _cleanup_(rows_done) Rows r = { 0 };
        int64_t units[EMBED_BATCH_MAX];
        size_t n = 0;
        TRY(db_rows(cx, s->c, &sql_vector_missing,
                    ARGS(v_text(s->user_id), v_text(embedder_model(s->m->vectors->embedder)),
                         v_int(EMBED_BATCH_MAX)),
                    &r));
        for (;;) {
                bool got = false;
                TRY(rows_next(cx, &r, &got));
                if (!got || n == EMBED_BATCH_MAX)
                        break;
                units[n++] = row_int(&r, 0);
        }
        rows_done(&r);
        r = (Rows){ 0 };
        for (size_t i = 0; i < n; i++)
                TRY(stored_by_unit(cx, s, k, units[i], &v[i]));
        *ret_n = n;
        return OK;
}

static void block_learn(Vectors *v, Str user_id, const Put *p) {
        pthread_mutex_lock(&v->lock);
        Block *b = block_of(v, user_id);
        if (str_eq(b->user_id, user_id) && b->dim && b->dim != p->vecs.dim)
                block_clear(v, b);
        for (size_t i = 0; str_eq(b->user_id, user_id) && i < p->vecs.n; i++) {
                b->dim = p->vecs.dim;
                block_put(v, b, p->v[i].row.unit, p->vecs.v + i * p->vecs.dim);
        }
        pthread_mutex_unlock(&v->lock);
}

Err vectors_embed(Ctx *cx, Memory *m, Str user_id, int64_t *ret_count) {
        _cleanup_(keys_done) Keys k = { 0 };
        Put p = { .s = { m, NULL, user_id, "job" }, .k = &k };
        int64_t count = 0;
        *ret_count = 0;
        while (m->vectors) {
                Stored *v = NEW_ARRAY(cx->arena, Stored, EMBED_BATCH_MAX);
                Str *texts = NEW_ARRAY(cx->arena, Str, EMBED_BATCH_MAX);
                size_t n;
                TRY(db_read(cx, m->db, &p.s.c));
                TRY(keys_get(cx, &p.s, &k));
                TRY(missing_load(cx, &p.s, &k, v, &n));
                if (!n)
                        break;
                for (size_t i = 0; i < n; i++)
                        texts[i] = v[i].row.content;
                TRY(embedder_run(cx, m->vectors->embedder, (Strs){ texts, n }, BATCH_TIMEOUT_MS,
                                 &p.vecs));
                p.v = v;
                TRY(db_write(cx, m->db, put_write, &p));
                block_learn(m->vectors, user_id, &p);
                count += (int64_t)n;
                *ret_count = count;
        }
        return OK;
}

Err vectors_later(Ctx *cx, const MemoryScope *s) {
        MemoryJob job;
        return s->m->vectors ? memory_job_start(cx, s, STR("embed"), &job) : OK;
}

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
        TRY(vector_open(cx, s, &k, (Sealed){ row->unit, row_text(&r, 0) }, &body));
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

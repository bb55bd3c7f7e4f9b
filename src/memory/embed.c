// SPDX-License-Identifier: MIT
#include "memory/embed.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "codec/json.h"
#include "memory/count_int.h"
#include "sys/thread.h"
#include "web/client.h"

enum { REST_MS = 15000, RESPONSE_MAX = 16 * 1024 * 1024, TEXT_MAX = 8000, LOOK_US = 100 * 1000 };

struct Embedder {
        Client *client;
        Arena *arena;
        Str url, model, authorization;
        _Atomic int64_t rest_until_us;
        _Atomic bool stop;
};

Embedder *embedder_new(Ctx *cx, const EmbedSettings *set) {
        Embedder *e = calloc(1, sizeof *e);
        if (!e)
                abort();
        e->arena = arena_new();
        e->client = set->client;
        Str base = set->base_url;
        while (base.n && base.p[base.n - 1] == '/')
                base.n--;
        e->url = arena_strf(e->arena, "%.*s/embeddings", STR_FMT(base));
        e->model = arena_dup(e->arena, set->model.n ? set->model : STR("default"));
        if (set->api_key.n)
                e->authorization = arena_strf(e->arena, "Bearer %.*s", STR_FMT(set->api_key));
        return e;
}

Embedder *embedder_free(Embedder *e) {
        if (!e)
                return NULL;
        if (e->authorization.p)
                secret_wipe((char *)(uintptr_t)e->authorization.p, e->authorization.n);
        arena_free(e->arena);
        free(e);
        return NULL;
}

void embedder_stop(Embedder *e) { atomic_store(&e->stop, true); }

Str embedder_model(const Embedder *e) { return e->model; }

static Str request_body(Ctx *cx, const Embedder *e, Strs texts) {
        _cleanup_(buf_done) Buf b = BUF(8 * 1024 * 1024);
        buf_add_c(&b, "{\"model\":");
        json_write_str(&b, e->model);
        buf_add_c(&b, ",\"encoding_format\":\"float\",\"input\":[");
        for (size_t i = 0; i < texts.n; i++) {
                buf_add_c(&b, i ? "," : "");
                json_write_str(&b, str_to(texts.v[i], str_utf8_cut(texts.v[i], TEXT_MAX)));
        }
        buf_add_c(&b, "]}");
        return arena_dup(cx->arena, buf_str(&b));
}

static bool vector_read(JsonRef list, float *v, size_t dim) {
        double length = 0;
        for (size_t i = 0; i < dim; i++) {
                double x = json_num(json_at(list, i), 0);
                v[i] = (float)x;
                length += x * x;
        }
        for (size_t i = 0; i < dim; i++)
                v[i] = (float)(v[i] / sqrt(length));
        return length > 1e-12 && isfinite(length);
}

/* What comes back is foreign: as many rows as asked for, all of one sane length, each index once. */
static Err answer_read(Ctx *cx, Str body, size_t n, Vecs *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        if (json_parse(cx, body, JSON_DEPTH_MAX, &j)) {
                err_clear(cx);
                return RAISE(cx, ERR_UPSTREAM, "embeddings: not JSON");
        }
        JsonRef data = json_get(json_root(j), "data");
        size_t dim = json_count(json_get(json_at(data, 0), "embedding"));
        if (json_count(data) != n || dim == 0 || dim > EMBED_DIM_MAX)
                return RAISE(cx, ERR_UPSTREAM, "embeddings: %zu rows of %zu", json_count(data),
                             dim);
        Vecs out = { NEW_ARRAY(cx->arena, float, n *dim), n, dim };
        bool *seen = NEW_ARRAY(cx->arena, bool, n);
        for (size_t i = 0; i < n; i++) {
                JsonRef row = json_at(data, i), list = json_get(row, "embedding");
                int64_t at = json_int(json_get(row, "index"), (int64_t)i);
                bool ok = at >= 0 && (size_t)at < n && !seen[at] && json_count(list) == dim;
                if (!ok || !vector_read(list, out.v + (size_t)at * dim, dim))
                        return RAISE(cx, ERR_UPSTREAM, "embeddings: bad row %zu", i);
                seen[at] = true;
        }
        *ret = out;
        return OK;
}

/* ---- one call, waited for, that can be ended from elsewhere ---- */

typedef struct Wait {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        Buf body;
        int status;
        Err err;
        bool over;
} Wait;

static bool on_chunk(void *arg, Str bytes) {
        buf_add(&((Wait *)arg)->body, bytes);
        return true;
}

static void on_done(void *arg, Err e, const CallResult *r) {
        Wait *w = arg;
        pthread_mutex_lock(&w->lock);
        w->status = r->status;
        w->err = e;
        w->over = true;
        pthread_cond_signal(&w->changed);
        pthread_mutex_unlock(&w->lock);
}

static void wait_over(Wait *w, const Embedder *e, Call *call) {
        bool cancelled = false;
        pthread_mutex_lock(&w->lock);
        while (!w->over) {
                cond_wait_until(&w->changed, &w->lock, thread_mono_us() + LOOK_US);
                if (w->over || cancelled || !atomic_load(&e->stop))
                        continue;
                call_cancel(call);
                cancelled = true;
        }
        pthread_mutex_unlock(&w->lock);
}

static Err call_wait(Ctx *cx, const Embedder *e, const CallSpec *spec, Wait *w) {
        Call *call;
        const CallEvents ev = { .arg = w, .chunk = on_chunk, .done = on_done };
        if (atomic_load(&e->stop))
                return RAISE(cx, ERR_CANCELLED, "embeddings: stopped");
        TRY(client_start(cx, e->client, spec, &ev, &call));
        wait_over(w, e, call);
        if (w->err)
                return RAISE(cx, w->err, "embeddings: no answer");
        return w->body.full ? RAISE(cx, ERR_UPSTREAM, "embeddings: too much") : OK;
}

static void wait_done(Wait *w) {
        buf_done(&w->body);
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(&w->lock);
}

static Err embedder_call(Ctx *cx, Embedder *e, Strs texts, int64_t timeout_ms, Vecs *ret) {
        const CallHeader headers[] = { { STR("Content-Type"), STR("application/json") },
                                       { STR("Authorization"), e->authorization } };
        CallSpec spec = { .method = "POST",
                          .url = e->url,
                          .headers = headers,
                          .n_headers = e->authorization.p ? 2 : 1,
                          .body = request_body(cx, e, texts),
                          .connect_ms = MIN(timeout_ms, 3000),
                          .first_byte_ms = timeout_ms,
                          .between_ms = timeout_ms,
                          .total_ms = timeout_ms,
                          .response_max = RESPONSE_MAX,
                          .allow_private = true };
        _cleanup_(wait_done) Wait w = { .body = BUF(RESPONSE_MAX) };
        pthread_mutex_init(&w.lock, NULL);
        cond_init(&w.changed);
        TRY(call_wait(cx, e, &spec, &w));
        if (w.status != 200)
                return RAISE(cx, ERR_UPSTREAM, "embeddings: HTTP %d", w.status);
        return answer_read(cx, buf_str(&w.body), texts.n, ret);
}

Err embedder_run(Ctx *cx, Embedder *e, Strs texts, int64_t timeout_ms, Vecs *ret) {
        if (cx_mono_us(cx) < atomic_load(&e->rest_until_us))
                return RAISE(cx, ERR_UNAVAILABLE, "embeddings rest after a failure");
        assert(texts.n > 0 && texts.n <= EMBED_BATCH_MAX);
        int64_t began_us = cx_mono_us(cx);
        Err err = embedder_call(cx, e, texts, timeout_ms, ret);
        count_embedding(cx_mono_us(cx) - began_us);
        if (err) {
                atomic_store(&e->rest_until_us, cx_mono_us(cx) + REST_MS * INT64_C(1000));
                LOG(cx, LOG_WARN, "memory.embeddings.failed", "embeddings server failed",
                    L_STR("what", str_c(cx->err.what)));
        }
        return err;
}

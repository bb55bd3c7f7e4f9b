// SPDX-License-Identifier: MIT
#include "chat/provider.h"

#include <pthread.h>

#include "base/log.h"
#include "base/metric.h"
#include "codec/json.h"

struct Provider {
        /* its own: settings live as long as it does */
        Arena *arena;
        Str name, url, embed_url, base_url, default_model;
        Strs models;
        Secret authorization;
        CallHeader headers[20];
        size_t n_headers;
        Price price;
        int64_t connect_ms, first_byte_ms, between_ms, total_ms, stream_total_ms, slots;

        pthread_mutex_t lock;
        Breaker breaker;
        int64_t running, paused_until_ms;
        SlotWait *first, *last;
        int waiting;
        Cell *state;
};

/* ---- settings ---- */

typedef struct PriceIn {
        double input_per_1m, output_per_1m;
        OptNum cached_input_per_1m;
} PriceIn;
typedef struct ProviderIn {
        Str name, base_url, api_key_env, default_model, headers;
        Strs models;
        const PriceIn *price;
        int64_t connect_ms, first_byte_ms, between_ms, total_ms, stream_total_ms, max_concurrency;
} ProviderIn;
typedef struct ProvidersIn {
        List providers;
} ProvidersIn;

static const Shape price_in = SHAPE(PriceIn,
        F_NUM(PriceIn, input_per_1m, F_REQ, .min = 0, .max = 1e6),
        F_NUM(PriceIn, output_per_1m, F_REQ, .min = 0, .max = 1e6),
        F_ONUM(PriceIn, cached_input_per_1m, 0, .min = 0, .max = 1e6));
static const Shape provider_in = SHAPE(ProviderIn,
        F_STR(ProviderIn, name, F_REQ, .min = 1, .max = 64),
        F_STR(ProviderIn, base_url, F_REQ, .min = 8, .max = 2048),
        F_STR(ProviderIn, api_key_env, 0, .min = 1, .max = 128),
        F_STR(ProviderIn, default_model, 0, .min = 1, .max = 128),
        F_JSON(ProviderIn, headers, 0, .max = 8192),
        F_STRS(ProviderIn, models, 0, .max = 256, .item_max = 128),
        F_OBJ(ProviderIn, price, 0, .sub = &price_in),
        F_INT(ProviderIn, connect_ms, 0, .min = 1, .max = 60000, .def = 3000),
        F_INT(ProviderIn, first_byte_ms, 0, .min = 1, .max = 600000, .def = 15000),
        F_INT(ProviderIn, between_ms, 0, .min = 1, .max = 600000, .def = 20000),
        F_INT(ProviderIn, total_ms, 0, .min = 1, .max = 3600000, .def = 60000),
        F_INT(ProviderIn, stream_total_ms, 0, .min = 1, .max = 3600000, .def = 120000),
        F_INT(ProviderIn, max_concurrency, 0, .min = 1, .max = 100000, .def = 32));
static const Shape providers_in = SHAPE(ProvidersIn,
        F_LIST(ProvidersIn, providers, F_REQ, .max = PROVIDERS_MAX, .sub = &provider_in));

static Metric *m_requests, *m_duration, *m_first, *m_tokens, *m_cost, *m_state;

static void metrics_make(void) {
        m_requests = metric_counter("mainstay_llm_requests_total", "provider,model,outcome",
                                    "Calls to language models");
        m_duration = metric_histogram("mainstay_llm_request_duration_seconds", "provider",
                                      metric_bounds_llm, metric_bounds_llm_n,
                                      "Time a call to a language model took");
        m_first = metric_histogram("mainstay_llm_time_to_first_chunk_seconds", "provider",
                                   metric_bounds_llm, metric_bounds_llm_n,
                                   "Time until the first chunk of an answer");
        m_tokens = metric_counter("mainstay_llm_tokens_total", "provider,model,type",
                                  "Tokens sent and received");
        m_cost = metric_counter("mainstay_llm_cost_usd_total", "provider",
                                "Cost of calls in US dollars");
        m_state = metric_gauge("mainstay_llm_circuit_state", "provider",
                               "0 closed, 1 open, 2 half open");
}

static bool key_is_set(Str key) {
        return key.n &&
               !str_starts(key, STR("your-")); /* "your-openai-api-key" of a copied example */
}

static int64_t micro(double dollars) { return (int64_t)(dollars * 1e6 + 0.5); }

static Err headers_load(Ctx *cx, Provider *p, Str headers) {
        p->headers[p->n_headers++] = (CallHeader){ STR("Content-Type"), STR("application/json") };
        if (p->authorization.n)
                p->headers[p->n_headers++] =
                        (CallHeader){ STR("Authorization"), secret_str(&p->authorization) };
        if (!headers.p)
                return OK;
        _cleanup_(json_freep) Json *j = NULL;
        TRY(json_parse(cx, headers, 4, &j));
        for (JsonIter it = { 0 }; json_next(json_root(j), &it);) {
                if (p->n_headers == ELEMENTSOF(p->headers) || json_kind(it.value) != JSON_STR)
                        return RAISE(cx, ERR_INVALID,
                                     "LLM_PROVIDERS: headers of %.*s: up to 18 strings",
                                     STR_FMT(p->name));
                p->headers[p->n_headers++] =
                        (CallHeader){ arena_dup(p->arena, it.name),
                                      arena_dup(p->arena, json_str(it.value)) };
        }
        return OK;
}

static Strs strs_dup(Arena *a, Strs in) {
        Str *v = NEW_ARRAY(a, Str, in.n + 1);
        for (size_t i = 0; i < in.n; i++)
                v[i] = arena_dup(a, in.v[i]);
        return (Strs){ v, in.n };
}

static Err provider_new(Ctx *cx, const ProviderIn *in, Str key, Provider **ret) {
        Provider *p = calloc(1, sizeof *p);
        if (!p)
                abort();
        Arena *a = p->arena = arena_new();
        *ret = p;
        pthread_mutex_init(&p->lock, NULL);
        breaker_init(&p->breaker, &(BreakerSettings){ 0 });
        p->name = arena_dup(a, in->name);
        Str base = in->base_url;
        while (str_ends(base, STR("/")))
                base.n--;
        p->base_url = arena_dup(a, base);
        p->url = arena_strf(a, "%.*s/chat/completions", STR_FMT(base));
        p->embed_url = arena_strf(a, "%.*s/embeddings", STR_FMT(base));
        p->models = strs_dup(a, in->models);
        p->default_model = in->default_model.p ? arena_dup(a, in->default_model)
                           : p->models.n       ? p->models.v[0]
                                               : STR_NULL;
        if (!p->default_model.p)
                return RAISE(cx, ERR_INVALID, "LLM_PROVIDERS: %.*s names no model",
                             STR_FMT(p->name));
        if (in->price)
                p->price = (Price){ true, micro(in->price->input_per_1m),
                                    micro(in->price->output_per_1m),
                                    micro(in->price->cached_input_per_1m.has
                                                  ? in->price->cached_input_per_1m.v
                                                  : in->price->input_per_1m) };
        p->connect_ms = in->connect_ms;
        p->first_byte_ms = in->first_byte_ms;
        p->between_ms = in->between_ms;
        p->total_ms = in->total_ms;
        p->stream_total_ms = in->stream_total_ms;
        p->slots = in->max_concurrency;
        p->state = METRIC_CELL(m_state, p->name);
        if (key_is_set(key)) {
                char *at = secret_reserve(&p->authorization, key.n + 7);
                memcpy(at, "Bearer ", 7);
                memcpy(at + 7, key.p, key.n);
        }
        return headers_load(cx, p, in->headers);
}

static Provider *provider_free(Provider *p) {
        secret_done(&p->authorization);
        pthread_mutex_destroy(&p->lock);
        arena_free(p->arena);
        free(p);
        return NULL;
}

void providers_free(Providers *p) {
        for (size_t i = 0; i < p->n; i++)
                provider_free(p->v[i]);
        free(p->v);
        *p = (Providers){ 0 };
}

/* The short form as one row of the long one; none: nothing is configured. */
static size_t short_form(Ctx *cx, const ChatSettings *set, ProviderIn *ret, Str *ret_key) {
        bool openai = !set->base_url.n && key_is_set(set->openai_api_key);
        if (!set->base_url.n && !openai)
                return 0;
        *ret_key = set->base_url.n && set->api_key.n ? set->api_key : set->openai_api_key;
        if (set->base_url.n && set->api_key.n && !key_is_set(set->api_key))
                return 0;
        Str model = set->model.n ? set->model : openai ? STR("gpt-4o-mini") : STR("default");
        Str *models = NEW(cx->arena, Str);
        *models = model;
        *ret = (ProviderIn){ .name = openai ? STR("openai") : STR("main"),
                             .base_url = openai ? STR("https://api.openai.com/v1") : set->base_url,
                             .default_model = model,
                             .models = { models, 1 },
                             .connect_ms = 3000,
                             .first_byte_ms = 15000,
                             .between_ms = 20000,
                             .total_ms = 60000,
                             .stream_total_ms = 120000,
                             .max_concurrency = 32 };
        return 1;
}

static Err providers_make(Ctx *cx, const ProviderIn *in, size_t n, Str short_key, Providers *out) {
        out->v = calloc(n + 1, sizeof *out->v);
        if (!out->v)
                abort();
        for (size_t i = 0; i < n; i++) {
                Str key = short_key;
                if (in[i].api_key_env.p)
                        key = str_c(getenv(arena_cstr(cx->arena, in[i].api_key_env)));
                if (in[i].api_key_env.p && !key_is_set(key)) {
                        LOG(cx, LOG_WARN, "config_error", "provider left out: its key is not set",
                            L_STR("provider", in[i].name));
                        continue;
                }
                for (size_t j = 0; j < out->n; j++)
                        if (str_eq(out->v[j]->name, in[i].name))
                                return RAISE(cx, ERR_INVALID, "LLM_PROVIDERS: two are named %.*s",
                                             STR_FMT(in[i].name));
                if (!str_starts(in[i].base_url, STR("http://")) &&
                    !str_starts(in[i].base_url, STR("https://")))
                        return RAISE(cx, ERR_INVALID,
                                     "LLM_PROVIDERS: base_url of %.*s must begin with https:// or "
                                     "http://",
                                     STR_FMT(in[i].name));
                Provider *p = NULL;
                Err e = provider_new(cx, &in[i], key, &p);
                out->v[out->n++] = p;
                TRY(e);
        }
        return OK;
}

Err providers_load(Ctx *cx, const ChatSettings *set, Providers *ret) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, metrics_make);
        ProvidersIn in = { 0 };
        ProviderIn one;
        Str key = STR_NULL;
        if (set->providers.n) {
                Str wrapped =
                        arena_strf(cx->arena, "{\"providers\":%.*s}", STR_FMT(set->providers));
                if (json_read(cx, wrapped, &providers_in, &in)) {
                        const FieldErr *f = cx->err.fields;
                        Str where = f ? f->pointer : STR("is not JSON"),
                            how = f ? f->detail : STR("");
                        err_clear(cx);
                        return RAISE(cx, ERR_INVALID, "LLM_PROVIDERS: %.*s %.*s", STR_FMT(where),
                                     STR_FMT(how));
                }
        } else {
                in.providers = (List){ &one, short_form(cx, set, &one, &key) };
        }
        Providers out = { 0 };
        Err e = providers_make(cx, in.providers.v, in.providers.n, key, &out);
        if (e)
                providers_free(&out);
        else
                *ret = out;
        return e;
}

/* ---- what it is ---- */

Str provider_name(const Provider *p) { return p->name; }
const Price *provider_price(const Provider *p) { return &p->price; }

bool provider_is_free(const Provider *p) {
        return p->price.has && !p->price.input && !p->price.output && !p->price.cached;
}

Str provider_model(const Provider *p, Str asked) {
        if (!asked.p)
                return p->default_model;
        for (size_t i = 0; i < p->models.n; i++)
                if (str_eq(p->models.v[i], asked))
                        return p->models.v[i];
        return str_eq(p->default_model, asked) ? p->default_model : STR_NULL;
}

void provider_view(Ctx *cx, Provider *p, ProviderView *ret) {
        pthread_mutex_lock(&p->lock);
        *ret = (ProviderView){ .name = p->name,
                               .base_url = p->base_url,
                               .models = p->models,
                               .default_model = p->default_model,
                               .state = str_c(breaker_state_names[p->breaker.state]),
                               .running = p->running,
                               .is_free = provider_is_free(p) };
        pthread_mutex_unlock(&p->lock);
}

void provider_spec(Ctx *cx, const Provider *p, bool stream, Str body, CallSpec *ret) {
        *ret = (CallSpec){ .method = "POST",
                           .url = p->url,
                           .headers = p->headers,
                           .n_headers = p->n_headers,
                           .body = body,
                           .connect_ms = p->connect_ms,
                           .first_byte_ms = p->first_byte_ms,
                           .between_ms = p->between_ms,
                           .total_ms = stream ? p->stream_total_ms : p->total_ms,
                           .response_max = stream ? 16 * 1024 * 1024 : 1024 * 1024,
                           .allow_private = true };
}

void provider_models_spec(Ctx *cx, const Provider *p, CallSpec *ret) {
        *ret = (CallSpec){ .method = "GET",
                           .url = arena_strf(cx->arena, "%.*s/models", STR_FMT(p->base_url)),
                           .headers = p->headers,
                           .n_headers = p->n_headers,
                           .connect_ms = p->connect_ms,
                           .allow_private = true };
}

void provider_embed_spec(const Provider *p, Str body, CallSpec *ret) {
        *ret = (CallSpec){ .method = "POST",
                           .url = p->embed_url,
                           .headers = p->headers,
                           .n_headers = p->n_headers,
                           .body = body,
                           .connect_ms = p->connect_ms,
                           .first_byte_ms = p->first_byte_ms,
                           .between_ms = p->between_ms,
                           .total_ms = p->total_ms,
                           .retries = 1,
                           .allow_private = true };
}

bool price_cost(const Price *price, int64_t prompt, int64_t completion, int64_t cached,
                int64_t *ret_micro) {
        if (!price->has)
                return false;
        cached = MIN(cached, prompt);
        double sum = (double)(prompt - cached) * (double)price->input +
                     (double)cached * (double)price->cached +
                     (double)completion * (double)price->output;
        int64_t whole = (int64_t)(sum / 1e6);
        *ret_micro = whole + ((double)whole * 1e6 < sum);
        return true;
}

/* ---- may it be called ---- */

static void state_log(Ctx *cx, Provider *p, BreakerState before) {
        BreakerState now = p->breaker.state;
        if (now == before)
                return;
        static const char *const events[_BREAKER_N] = { "circuit_closed", "circuit_open",
                                                        "circuit_half_open" };
        cell_set(p->state, (double)now);
        LOG(cx, LOG_WARN, events[now], "provider circuit changed", L_STR("provider", p->name));
}

static void wait_unlink(Provider *p, SlotWait *w) {
        *(w->prev ? &w->prev->next : &p->first) = w->next;
        *(w->next ? &w->next->prev : &p->last) = w->prev;
        w->waiting = false;
        p->waiting--;
}

static void wait_append(Provider *p, SlotWait *w) {
        w->next = NULL;
        w->prev = p->last;
        *(p->last ? &p->last->next : &p->first) = w;
        p->last = w;
        w->waiting = true;
        p->waiting++;
}

Slot provider_enter(Provider *p, int64_t now_ms, SlotWait *w) {
        pthread_mutex_lock(&p->lock);
        BreakerState before = p->breaker.state;
        Slot s = SLOT_BUSY;
        if (now_ms < p->paused_until_ms || breaker_wait_ms(&p->breaker, now_ms) > 0) {
                s = SLOT_OPEN;
        } else if (p->running < p->slots) {
                s = breaker_allow(&p->breaker, now_ms) ? SLOT_TAKEN : SLOT_OPEN;
                p->running += s == SLOT_TAKEN;
        } else if (p->waiting < SLOT_QUEUE_MAX) {
                wait_append(p, w);
                s = SLOT_QUEUED;
        }
        state_log(NULL, p, before);
        pthread_mutex_unlock(&p->lock);
        return s;
}

bool provider_leave(Provider *p, SlotWait *w) {
        pthread_mutex_lock(&p->lock);
        bool was = w->waiting;
        if (was)
                wait_unlink(p, w);
        pthread_mutex_unlock(&p->lock);
        return was;
}

void provider_result(Ctx *cx, Provider *p, int64_t now_ms, CallVerdict v) {
        pthread_mutex_lock(&p->lock);
        BreakerState before = p->breaker.state;
        if (v == CALL_NEUTRAL)
                breaker_release(&p->breaker);
        else
                breaker_report(&p->breaker, now_ms, v == CALL_GOOD);
        state_log(cx, p, before);
        p->running--;
        SlotWait *next = p->first;
        /* A circuit that opened meanwhile leaves the waiting to their time limit: they move on to
         * the next provider. */
        if (next && breaker_allow(&p->breaker, now_ms)) {
                wait_unlink(p, next);
                p->running++;
        } else {
                next = NULL;
        }
        pthread_mutex_unlock(&p->lock);
        if (next)
                next->granted(next);
}

void provider_pause(Provider *p, int64_t until_ms) {
        pthread_mutex_lock(&p->lock);
        p->paused_until_ms = MAX(p->paused_until_ms, until_ms);
        pthread_mutex_unlock(&p->lock);
}

int64_t provider_wait_ms(Provider *p, int64_t now_ms) {
        pthread_mutex_lock(&p->lock);
        int64_t ms = MAX(breaker_wait_ms(&p->breaker, now_ms), MAX(p->paused_until_ms - now_ms, 0));
        pthread_mutex_unlock(&p->lock);
        return ms;
}

void provider_observe(Provider *p, Str model, Str outcome, double seconds, double first_chunk_s) {
        cell_inc(METRIC_CELL(m_requests, p->name, model, outcome));
        cell_observe(METRIC_CELL(m_duration, p->name), seconds);
        if (first_chunk_s > 0)
                cell_observe(METRIC_CELL(m_first, p->name), first_chunk_s);
}

void provider_observe_usage(Provider *p, Str model, const TokenUsage *u) {
        cell_add(METRIC_CELL(m_tokens, p->name, model, STR("prompt")), (double)u->prompt);
        cell_add(METRIC_CELL(m_tokens, p->name, model, STR("completion")), (double)u->completion);
        if (!u->unpriced)
                cell_add(METRIC_CELL(m_cost, p->name), (double)u->cost_micro / 1e6);
}

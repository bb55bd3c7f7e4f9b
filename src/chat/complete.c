// SPDX-License-Identifier: MIT
#include "chat/complete.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "codec/sse.h"

enum {
        RETRIES_MAX = 2, /* per provider */
        ANSWER_MAX = 1024 * 1024,
        EVENT_MAX = 256 * 1024,
        /* of a call that names no maximum, for the budget */
        WORST_ANSWER_TOKENS = 4096,
};

typedef enum Phase { PHASE_STEP, PHASE_QUEUED, PHASE_CALLING, PHASE_BACKOFF, PHASE_OVER } Phase;

struct Completion {
        atomic_int refs;
        /* phase, epoch, call, cancelled; the rest belongs to whoever runs it */
        pthread_mutex_t lock;
        Phase phase;
        /* a timer set for another one comes too late */
        unsigned epoch;
        Call *call;
        bool cancelled;

        Upstream *up;
        Arena *arena; /* the asker's */
        Arena *sent;  /* what is asked, until there can be no other try */
        Ctx cx;
        CompletionAsk ask;
        CompletionEvents ev;
        SlotWait slot;

        size_t at; /* which provider */
        int tries; /* failed calls to it */
        Provider *p;
        Str model;
        int64_t reserved, entered_us;

        /* of the running call */
        int status;
        bool is_sse, has_delivered, is_broken, is_ended, has_usage;
        int64_t first_chunk_us;
        SseParser sse;
        Buf whole, text;
        WireAnswer last;

        Attempt *attempts; /* room for n_attempts, rounded up to a power of two */
        size_t n_attempts;
        int64_t retry_after_ms; /* soonest of those that asked */
        bool budget_stopped;
        Err refused; /* the request itself was at fault */
};

static void completion_step(Completion *c);

static Completion *completion_ref(Completion *c) {
        atomic_fetch_add(&c->refs, 1);
        return c;
}

static void call_reset(Completion *c) {
        sse_done(&c->sse);
        buf_done(&c->whole);
        buf_clear(&c->text);
        sse_init(&c->sse, EVENT_MAX);
        c->whole = BUF(ANSWER_MAX);
        c->last = (WireAnswer){ 0 };
        c->status = 0;
        c->is_sse = c->is_broken = c->is_ended = c->has_usage = false;
        c->first_chunk_us = 0;
}

Completion *completion_unref(Completion *c) {
        if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
                return NULL;
        sse_done(&c->sse);
        buf_done(&c->whole);
        buf_done(&c->text);
        pthread_mutex_destroy(&c->lock);
        arena_free(c->sent);
        free(c);
        return NULL;
}

static void phase_set(Completion *c, Phase to) {
        pthread_mutex_lock(&c->lock);
        c->phase = to;
        c->epoch++;
        pthread_mutex_unlock(&c->lock);
}

/* Called from a timer or a slot: is it still the turn of what was set up in this phase? Then it
 * goes on as STEP. */
static bool phase_claim(Completion *c, Phase from, unsigned epoch) {
        pthread_mutex_lock(&c->lock);
        bool mine = c->phase == from && (!epoch || c->epoch == epoch);
        if (mine) {
                c->phase = PHASE_STEP;
                c->epoch++;
        }
        pthread_mutex_unlock(&c->lock);
        return mine;
}

/* ---- accounts ---- */

static void attempts_grow(Completion *c) {
        size_t n = c->n_attempts;
        if (n & (n - 1))
                return;
        Attempt *v = NEW_ARRAY(c->arena, Attempt, n ? n * 2 : 1);
        if (n)
                memcpy(v, c->attempts, n * sizeof *v);
        c->attempts = v;
}

static void attempt_note(Completion *c, Str outcome, bool called, const TokenUsage *usage) {
        if (c->n_attempts == ATTEMPTS_MAX)
                return;
        int64_t ms = (cx_mono_us(&c->cx) - c->entered_us) / 1000;
        attempts_grow(c);
        c->attempts[c->n_attempts++] =
                (Attempt){ provider_name(c->p), c->model, outcome, ms, called, *usage };
        LOG(&c->cx, LOG_INFO, "llm_call", "provider tried", L_STR("provider", provider_name(c->p)),
            L_STR("model", c->model), L_STR("outcome", outcome), L_INT("ms", ms));
        if (called)
                provider_observe(
                        c->p, c->model, outcome, (double)ms / 1000,
                        c->first_chunk_us ? (double)(c->first_chunk_us - c->entered_us) / 1e6 : 0);
}

static void usage_of_call(const Completion *c, TokenUsage *u) {
        if (c->has_usage)
                *u = (TokenUsage){ c->last.prompt_tokens, c->last.completion_tokens,
                                   c->last.cached_tokens, .estimated = false };
        else if (c->has_delivered || c->text.n)
                *u = (TokenUsage){ c->ask.prompt_tokens, tokens_estimate(c->text.n), 0,
                                   .estimated = true };
        else
                *u = (TokenUsage){ 0 };
        bool nothing = !u->prompt && !u->completion; /* costs nothing at any price */
        u->unpriced = !nothing && !price_cost(provider_price(c->p), u->prompt, u->completion,
                                              u->cached, &u->cost_micro);
}

static int64_t worst_cost(const Completion *c) {
        int64_t micro = 0,
                answer = c->ask.max_tokens.has ? c->ask.max_tokens.v : WORST_ANSWER_TOKENS;
        return price_cost(provider_price(c->p), c->ask.prompt_tokens, answer, 0, &micro) ? micro
                                                                                         : 0;
}

static bool budget_reserve(Completion *c) {
        c->reserved = worst_cost(c);
        if (provider_is_free(c->p))
                return true;
        return spend_reserve(c->up->spend, c->ask.user_id, cx_now_ms(&c->cx), c->reserved);
}

static void budget_settle(Completion *c, int64_t cost) {
        if (!provider_is_free(c->p))
                spend_settle(c->up->spend, c->ask.user_id, cx_now_ms(&c->cx), c->reserved, cost);
        c->reserved = 0;
}

/* ---- the end ---- */

static int64_t retry_after_s(const Completion *c) {
        int64_t ms = c->retry_after_ms;
        for (size_t i = 0; i < c->up->providers.n; i++) {
                int64_t wait = provider_wait_ms(c->up->providers.v[i], cx_mono_us(&c->cx) / 1000);
                if (wait > 0 && (ms < 0 || wait < ms))
                        ms = wait;
        }
        return ms < 0 ? 5 : MAX((ms + 999) / 1000, 1);
}

static Err verdict_of_all(const Completion *c) {
        if (c->refused)
                return c->refused;
        bool only_budget = c->budget_stopped;
        for (size_t i = 0; i < c->n_attempts; i++)
                only_budget = only_budget && str_eq_c(c->attempts[i].outcome, "budget");
        return only_budget ? ERR_BUDGET : ERR_LLM_UNAVAILABLE;
}

static void completion_finish(Completion *c, Err e) {
        bool answered = e == OK || c->has_delivered;
        CompletionResult r = {
                .provider = answered ? provider_name(c->p) : STR_NULL,
                .model = answered ? c->model : STR_NULL,
                .finish_reason = c->last.finish_reason,
                .tool_calls = c->last.tool_calls,
                .text = answered && c->text.n ? buf_str(&c->text) : STR(""),
                .attempts = { c->attempts, c->n_attempts },
                .budget_stopped = c->budget_stopped,
                .retry_after_s = e == ERR_LLM_UNAVAILABLE ? retry_after_s(c) : 0,
        };
        if (answered && c->n_attempts)
                r.usage = c->attempts[c->n_attempts - 1].usage;
        phase_set(c, PHASE_OVER);
        c->ev.done(c->ev.arg, e, &r);
        completion_unref(c);
}

/* ---- a call went wrong ---- */

static Str outcome_word(Completion *c, Err e, const CallResult *r) {
        if (c->cancelled)
                return STR("cancelled");
        if (e == ERR_TIMEOUT || (r->error && str_starts(str_c(r->error), STR("Timeout"))))
                return STR("timeout");
        if (c->is_broken || e == ERR_TOO_LARGE || (e == OK && c->status == 200))
                return STR("bad_response");
        if (e)
                return STR("connection");
        return c->status == 401 || c->status == 403 ? STR("auth")
                                                    : arena_strf(c->arena, "http_%d", c->status);
}

static bool may_retry(const Completion *c, Err e, Str outcome) {
        if (c->tries >= RETRIES_MAX || c->has_delivered)
                return false;
        return e == OK ? call_is_retryable(OK, c->status) : str_eq_c(outcome, "connection");
}

static Err error_of_status(int status) {
        return status == 404                                     ? ERR_MODEL_NOT_FOUND
               : status == 400 || status == 413 || status == 422 ? ERR_BAD_REQUEST
                                                                 : OK;
}

static void retry_now(void *arg);

static void next_provider(Completion *c, Str reason) {
        c->at++;
        c->tries = 0;
        if (c->at < c->up->providers.n)
                LOG(&c->cx, LOG_WARN, "llm_failover", "on to the next provider",
                    L_STR("from", provider_name(c->p)), L_STR("reason", reason));
}

typedef struct Retry {
        Completion *c;
        unsigned epoch;
} Retry;

static void retry_drop(void *arg) {
        Retry *r = arg;
        completion_unref(r->c);
        free(r);
}

static void later_step(Completion *c, int64_t ms, void (*fn)(void *arg)) {
        Retry *r = malloc(sizeof *r);
        if (!r)
                abort();
        pthread_mutex_lock(&c->lock);
        *r = (Retry){ completion_ref(c), c->epoch };
        pthread_mutex_unlock(&c->lock);
        later_run(c->up->laters, ms, fn, retry_drop, r);
}

static void retry_now(void *arg) {
        Retry *r = arg;
        if (phase_claim(r->c, PHASE_BACKOFF, r->epoch))
                completion_step(r->c);
        retry_drop(r);
}

/* Where to go after a failed call: the same provider later, the next one, or nowhere. */
static void call_failed(Completion *c, Err e, Str outcome, int64_t retry_after_ms) {
        Err fault = e ? OK : error_of_status(c->status);
        if (c->has_delivered || fault) {
                Err cut = str_eq_c(outcome, "timeout") ? ERR_TIMEOUT : ERR_UPSTREAM;
                c->refused = fault;
                completion_finish(c, fault ? fault : cut);
                return;
        }
        uint32_t chance;
        cx_random(&c->cx, &chance, sizeof chance);
        int64_t wait = retry_wait_ms(c->tries, retry_after_ms, chance);
        if (wait < 0) {
                provider_pause(c->p, cx_mono_us(&c->cx) / 1000 + retry_after_ms);
                c->retry_after_ms = c->retry_after_ms < 0 ? retry_after_ms
                                                          : MIN(c->retry_after_ms, retry_after_ms);
        }
        if (wait >= 0 && may_retry(c, e, outcome)) {
                c->tries++;
                phase_set(c, PHASE_BACKOFF);
                later_step(c, wait, retry_now);
                return;
        }
        next_provider(c, outcome);
        completion_step(c);
}

/* ---- the running call, on the client's thread ---- */

static void begin(Completion *c) {
        if (c->ev.begin)
                c->ev.begin(c->ev.arg, provider_name(c->p), c->model);
}

static void on_head(void *arg, const CallResult *r) {
        Completion *c = arg;
        c->status = r->status;
        c->is_sse = c->ask.stream && r->content_type.p &&
                    str_starts(r->content_type, STR("text/event-stream"));
        if (r->status == 200 && (c->is_sse || !c->ask.stream))
                begin(c);
}

/* One piece of bytes on its way through the parser. */
typedef struct Feed {
        Completion *c;
        Arena *scratch;
        bool go_on;
} Feed;

static void sent_let_go(Completion *c) {
        c->ask.messages = c->ask.options = STR_NULL;
        c->sent = arena_free(c->sent);
}

static Err on_event(void *arg, const SseEvent *ev) {
        Feed *f = arg;
        Completion *c = f->c;
        Ctx cx = c->cx;
        WireAnswer a;
        cx.arena = f->scratch;
        if (c->is_ended)
                return OK;
        TRY(wire_chunk(&cx, ev->data, &a));
        c->is_ended = a.is_end;
        if (a.finish_reason.p)
                c->last.finish_reason = arena_dup(c->arena, a.finish_reason);
        if (a.has_usage) {
                c->has_usage = true;
                c->last.prompt_tokens = a.prompt_tokens;
                c->last.completion_tokens = a.completion_tokens;
                c->last.cached_tokens = a.cached_tokens;
        }
        if (!a.text.n && !a.tool_calls.p)
                return OK;
        if (!c->first_chunk_us)
                c->first_chunk_us = cx_mono_us(&c->cx);
        if (!buf_add(&c->text, a.text))
                return ERR_TOO_LARGE;
        c->has_delivered = true;
        sent_let_go(c);
        f->go_on &= c->ev.delta(c->ev.arg, a.text, a.tool_calls);
        return OK;
}

static bool on_chunk(void *arg, Str bytes) {
        Completion *c = arg;
        if (c->status != 200 || c->is_broken)
                return true;
        if (!c->is_sse) {
                c->is_broken = !buf_add(&c->whole, bytes);
                return true;
        }
        _cleanup_(arena_freep) Arena *scratch = arena_new();
        Feed f = { c, scratch, true };
        Ctx cx = c->cx;
        if (sse_feed(&cx, &c->sse, bytes, on_event, &f)) {
                c->is_broken = true;
                call_cancel(c->call);
        }
        return f.go_on;
}

/* A provider that answers a stream request with one whole object is taken at its word. */
static Err whole_read(Completion *c) {
        WireAnswer a;
        Ctx cx = c->cx;
        TRY(wire_whole(&cx, c->whole.n ? buf_str(&c->whole) : STR(""), &a));
        if (a.text.p && !buf_add(&c->text, a.text))
                return ERR_TOO_LARGE;
        c->last = a;
        c->has_usage = a.has_usage;
        if (c->ask.stream)
                begin(c);
        if (c->ask.stream && c->ev.delta)
                c->ev.delta(c->ev.arg, a.text.p ? a.text : STR(""), a.tool_calls);
        return OK;
}

static bool answer_is_whole(Completion *c, Err e) {
        if (e || c->status != 200 || c->is_broken)
                return false;
        if (!c->is_sse)
                return whole_read(c) == OK;
        return c->is_ended || c->last.finish_reason.p;
}

static void on_done(void *arg, Err e, const CallResult *r) {
        Completion *c = arg;
        pthread_mutex_lock(&c->lock);
        c->call = NULL;
        c->phase = PHASE_STEP;
        c->epoch++;
        bool cancelled = c->cancelled;
        pthread_mutex_unlock(&c->lock);

        bool good = !cancelled && answer_is_whole(c, e);
        Str outcome = good ? STR("ok") : outcome_word(c, e, r);
        bool ours =
                !e && c->status >= 400 && c->status < 500 && c->status != 408 && c->status != 429;
        TokenUsage usage;
        usage_of_call(c, &usage);
        budget_settle(c, usage.unpriced ? 0 : usage.cost_micro);
        provider_observe_usage(c->p, c->model, &usage);
        attempt_note(c, outcome, true, &usage);
        provider_result(&c->cx, c->p, cx_mono_us(&c->cx) / 1000,
                        good                ? CALL_GOOD
                        : cancelled || ours ? CALL_NEUTRAL
                                            : CALL_BAD);
        if (good)
                completion_finish(c, OK);
        else if (cancelled)
                completion_finish(c, ERR_CANCELLED);
        else
                call_failed(c, e, outcome, r->retry_after_ms);
}

/* ---- steps ---- */

static Err call_start_locked(Completion *c, Ctx *cx, const CallSpec *spec) {
        CallEvents ev = { c, on_head, on_chunk, on_done };
        /* on_done waits for it: c->call is set before anything can happen */
        pthread_mutex_lock(&c->lock);
        c->phase = PHASE_CALLING;
        c->epoch++;
        Err e = client_start(cx, c->up->client, spec, &ev, &c->call);
        if (e) {
                c->phase = PHASE_STEP;
                c->call = NULL;
        } else if (c->cancelled) {
                call_cancel(c->call);
        }
        pthread_mutex_unlock(&c->lock);
        return e;
}

/* The slot is ours. false: it could not even be sent; the next provider's turn. */
static bool call_make(Completion *c) {
        /* the client copies what it sends */
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = c->cx;
        cx.arena = arena;
        WireRequest in = { c->model,          c->ask.messages,    c->ask.options,
                           c->ask.max_tokens, c->ask.temperature, c->ask.stream };
        Str body;
        CallSpec spec;
        call_reset(c);
        Err e = wire_request(&cx, &in, &body);
        if (!e) {
                provider_spec(&cx, c->p, c->ask.stream, body, &spec);
                e = call_start_locked(c, &cx, &spec);
        }
        if (!e)
                return true;
        LOG(&cx, LOG_WARN, "llm_call", "not sent", L_STR("provider", provider_name(c->p)),
            L_STR("what", str_c(cx.err.what)));
        budget_settle(c, 0);
        attempt_note(c, STR("not_sent"), false, &(TokenUsage){ 0 });
        provider_result(&c->cx, c->p, cx_mono_us(&c->cx) / 1000, CALL_NEUTRAL);
        next_provider(c, STR("not_sent"));
        return false;
}

static void slot_granted(SlotWait *w) {
        Completion *c = CONTAINER_OF(w, Completion, slot);
        phase_claim(c, PHASE_QUEUED, 0);
        if (!call_make(c))
                completion_step(c);
        completion_unref(c);
}

static void slot_waited(void *arg) {
        Retry *r = arg;
        Completion *c = r->c;
        pthread_mutex_lock(&c->lock);
        bool left =
                c->phase == PHASE_QUEUED && c->epoch == r->epoch && provider_leave(c->p, &c->slot);
        if (left) {
                c->phase = PHASE_STEP;
                c->epoch++;
        }
        pthread_mutex_unlock(&c->lock);
        if (left) {
                budget_settle(c, 0);
                attempt_note(c, STR("busy"), false, &(TokenUsage){ 0 });
                next_provider(c, STR("busy"));
                completion_step(c);
                completion_unref(c); /* the queue's reference */
        }
        retry_drop(r);
}

static bool is_cancelled(Completion *c) {
        pthread_mutex_lock(&c->lock);
        bool yes = c->cancelled;
        pthread_mutex_unlock(&c->lock);
        return yes;
}

/* Enters one provider. true: something is under way. */
static bool provider_try(Completion *c) {
        int64_t now_ms = cx_mono_us(&c->cx) / 1000;
        c->p = c->up->providers.v[c->at];
        c->model = provider_model(c->p, c->ask.model);
        c->entered_us = cx_mono_us(&c->cx);
        if (!c->model.p) {
                c->at++;
                return false;
        }
        if (!budget_reserve(c)) {
                c->budget_stopped = true;
                attempt_note(c, STR("budget"), false, &(TokenUsage){ 0 });
                next_provider(c, STR("budget"));
                return false;
        }
        completion_ref(c); /* the queue's, should it come to that */
        phase_set(c, PHASE_QUEUED);
        Slot s = provider_enter(c->p, now_ms, &c->slot);
        if (s == SLOT_QUEUED) {
                later_step(c, SLOT_WAIT_MS, slot_waited);
                return true;
        }
        phase_set(c, PHASE_STEP);
        completion_unref(c);
        if (s == SLOT_TAKEN)
                return call_make(c);
        budget_settle(c, 0);
        attempt_note(c, s == SLOT_OPEN ? STR("open") : STR("busy"), false, &(TokenUsage){ 0 });
        next_provider(c, STR("unavailable"));
        return false;
}

static void completion_step(Completion *c) {
        while (!is_cancelled(c)) {
                if (c->at >= c->up->providers.n) {
                        completion_finish(c, verdict_of_all(c));
                        return;
                }
                if (provider_try(c))
                        return;
        }
        completion_finish(c, ERR_CANCELLED);
}

/* ---- door ---- */

Completion *completion_new(Ctx *cx, Upstream *up, const CompletionAsk *ask,
                           const CompletionEvents *ev) {
        Completion *c = calloc(1, sizeof *c);
        if (!c)
                abort();
        Arena *a = cx->arena;
        atomic_init(&c->refs, 1);
        pthread_mutex_init(&c->lock, NULL);
        c->up = up;
        c->arena = a;
        c->sent = arena_new_small();
        c->cx = (Ctx){ .arena = a,
                       .world = cx->world,
                       .route = cx->route,
                       .user_id = arena_dup(a, cx->user_id) };
        memcpy(c->cx.trace_id, cx->trace_id, sizeof c->cx.trace_id);
        memcpy(c->cx.span_id, cx->span_id, sizeof c->cx.span_id);
        c->ask = *ask;
        c->ask.model = arena_dup(a, ask->model);
        c->ask.messages = arena_dup(c->sent, ask->messages);
        c->ask.options = arena_dup(c->sent, ask->options);
        c->ask.user_id = arena_dup(a, ask->user_id);
        c->ev = *ev;
        c->slot.granted = slot_granted;
        c->text = BUF(ANSWER_MAX);
        c->retry_after_ms = -1;
        return c;
}

void completion_go(Completion *c) {
        /* the running one's, let go in completion_finish */
        completion_ref(c);
        completion_step(c);
}

void completion_resume(Completion *c) {
        pthread_mutex_lock(&c->lock);
        if (c->call)
                call_resume(c->call);
        pthread_mutex_unlock(&c->lock);
}

void completion_cancel(Completion *c) {
        completion_ref(c);
        pthread_mutex_lock(&c->lock);
        c->cancelled = true;
        if (c->call)
                call_cancel(c->call);
        bool waiting = c->phase == PHASE_BACKOFF;
        bool queued = c->phase == PHASE_QUEUED && provider_leave(c->p, &c->slot);
        if (waiting || queued) {
                c->phase = PHASE_STEP;
                c->epoch++;
        }
        pthread_mutex_unlock(&c->lock);
        if (queued) {
                budget_settle(c, 0);
                completion_unref(c);
        }
        if (waiting || queued)
                completion_finish(c, ERR_CANCELLED);
        completion_unref(c);
}

// SPDX-License-Identifier: MIT
#include "api/chat_relay.h"

#include <stdatomic.h>

#include "api/problem.h"
#include "api/visit_int.h"
#include "codec/json.h"
#include "codec/sse.h"

/* KEPT: of a stream, for whoever sends its key again */
enum { EVENT_MAX = 8 * 1024 * 1024, KEPT_MAX = 2 * 1024 * 1024 };

struct Relay {
        /* the turn's feed, its writes, and the stream once there is one */
        atomic_int refs;
        const RelayForm *form; /* NULL: known with the turn that is followed */
        Arena *arena; /* of the end of a stream, when that is rendered */
        Ctx cx;
        Str public_url;
        void *extra;
        bool wants_stream;
        Req *rq; /* until it is answered */
        Stream *stream;
        TurnFeed *feed;
        Claim *claim; /* of a request with an Idempotency-Key */
        bool is_stored;
        /* of a stream that is followed again: the last event its reader has; -1 none */
        int64_t seen;
};

Ctx *relay_cx(Relay *r) { return &r->cx; }
const void *relay_extra(const Relay *r) { return r->extra; }
Arena *relay_request_arena(Relay *r) { return r->rq->cx->arena; }

static void relay_unref(Relay *r) {
        if (atomic_fetch_sub(&r->refs, 1) > 1)
                return;
        turn_feed_unref(r->feed);
        claim_free(r->claim);
        arena_free(r->arena);
        free(r->extra);
        free(r);
}

void relay_put(Buf *out, const char *event, Str turn_id, int64_t n, Str json) {
        char id[64];
        int len = snprintf(id, sizeof id, "%.*s:%lld", STR_FMT(turn_id), (long long)n);
        sse_write(out,
                  &(SseEvent){ .event = str_c(event), .data = json, .id = str_n(id, (size_t)len) });
}

void relay_problem(Relay *r, Buf *out, Err e) {
        problem_write(out, &r->cx, e, r->form->wire, r->public_url);
}

/* ---- the stream's side ---- */

static void on_gone(void *arg) { turn_leave(((Relay *)arg)->feed); }
static void on_drained(void *arg) { turn_ready(((Relay *)arg)->feed); }
static void on_freed(void *arg) { relay_unref(arg); }

static void provider_headers(Relay *r, Str provider, Str model) {
        Arena *a = r->rq->cx->arena;
        if (provider.p)
                req_header(r->rq, STR("X-Mainstay-Provider"), arena_dup(a, provider));
        if (model.p)
                req_header(r->rq, STR("X-Mainstay-Model"), arena_dup(a, model));
}

static void stream_open(Relay *r, Str provider, Str model) {
        StreamSettings set = {
                .gone = on_gone, .drained = on_drained, .freed = on_freed, .arg = r
        };
        provider_headers(r, provider, model);
        atomic_fetch_add(&r->refs, 1);
        Req *rq = r->rq;
        r->rq = NULL; /* gone with the stream */
        r->stream = req_stream(rq, &set);
}

/* ---- the turn's side: one callback at a time ---- */

static bool relay_send(Relay *r, Buf *out) {
        return !out->n || stream_send(r->stream, buf_str(out)) != SEND_FULL;
}

static void form_find(Relay *r, const ChatTurn *t) {
        if (!r->form)
                r->form = t->is_second_form ? &relay_ai : &relay_conversation;
}

static bool relay_event(void *arg, const TurnEvent *ev) {
        Relay *r = arg;
        form_find(r, ev->turn);
        _cleanup_(buf_done) Buf out = BUF(EVENT_MAX);
        if (!r->stream)
                stream_open(r, ev->provider, ev->model);
        r->form->event(r, &out, ev);
        return relay_send(r, &out);
}

static void err_dup(Ctx *to, const CtxErr *why) {
        Arena *a = to->arena;
        to->err = *why;
        to->err.what = why->what ? arena_cstr(a, str_c(why->what)) : NULL;
        to->err.detail = arena_dup(a, why->detail);
        to->err.fields = NULL;
        ErrExtra **at = &to->err.extra;
        *at = NULL;
        for (const ErrExtra *x = why->extra; x; x = x->next) {
                *at = NEW(a, ErrExtra);
                **at = (ErrExtra){ NULL, x->name, arena_dup(a, x->json) };
                at = &(*at)->next;
        }
}

/* Now: the turn's texts do not outlive its end. */
static Err answer_encode(Relay *r, const ChatTurn *t) {
        Visit *v = visit_of(r->rq);
        v->type = STR_NULL;
        v->ret = (void *)(uintptr_t)r->form->answer(r, t);
        return visit_encode(v);
}

static void answer_whole(Relay *r, Err e, const CtxErr *why, const ChatTurn *t) {
        Req *rq = r->rq;
        if (e && visit_of(rq)->replayed)
                e = OK; /* another request with the same key was first; its answer is this one's */
        else if (e)
                err_dup(rq->cx, why);
        else
                e = answer_encode(r, t);
        if (!e && t && !visit_of(rq)->replayed)
                provider_headers(r, t->provider, t->model);
        r->rq = NULL;
        req_answer(rq, e, visit_of(rq)->ret);
}

static void end_write(Relay *r, Buf *out, Err e, const ChatTurn *t, int64_t n) {
        if (e)
                r->form->fail(r, out, e, t, n);
        else
                r->form->done(r, out, t, n);
}

static void relay_done(void *arg, Err e, const CtxErr *why, const ChatTurn *t, int64_t n) {
        Relay *r = arg;
        form_find(r, t);
        if (!r->stream && (e || !r->wants_stream)) {
                answer_whole(r, e, why, t);
                return;
        }
        _cleanup_(buf_done) Buf out = BUF(EVENT_MAX);
        r->arena = r->cx.arena = arena_new();
        if (!r->stream) /* a follower that had seen all but the end */
                stream_open(r, t->provider, t->model);
        if (e)
                err_dup(&r->cx, why);
        if (r->seen < n)
                end_write(r, &out, e, t, n);
        relay_send(r, &out);
        stream_end(r->stream);
}

static void relay_release(void *arg) {
        Relay *r = arg;
        r->stream = stream_unref(r->stream);
        relay_unref(r);
}

/* ---- the turn's writes: an Idempotency-Key is claimed and settled in them ---- */

static Err keyed_begin(Ctx *cx, DbConn *c, void *arg, const ChatTurn *t) {
        const Relay *r = arg;
        return claim_take(cx, c, r->claim, r->is_stored ? t->turn_id : STR_NULL);
}

/* All its events, whatever the reader has taken of them. */
static void events_write(Ctx *cx, const Relay *r, const TurnTold *told, Buf *out) {
        Relay teller = {
                .form = r->form, .cx = r->cx, .public_url = r->public_url, .extra = r->extra
        };
        teller.cx.arena = cx->arena;
        for (int64_t i = 0; i < told->n; i++) {
                TurnEvent ev = turn_told_event(told, i);
                r->form->event(&teller, out, &ev);
        }
        r->form->done(&teller, out, told->turn, told->n);
}

/* A failed turn may be tried again. One whose events are too many to keep stays claimed: it is
 * answered from what is stored of it. */
static Err keyed_end(Ctx *cx, DbConn *c, void *arg, const TurnTold *told) {
        Relay *r = arg;
        if (told->turn->state == TURN_FAILED)
                return claim_drop(cx, c, r->claim);
        if (!r->wants_stream) {
                TRY(answer_encode(r, told->turn));
                const Visit *v = visit_of(r->rq);
                return claim_settle(cx, c, r->claim, v->type, v->body);
        }
        _cleanup_(buf_done) Buf out = BUF(KEPT_MAX);
        events_write(cx, r, told, &out);
        if (out.full)
                return r->is_stored ? OK : claim_drop(cx, c, r->claim);
        return claim_settle(cx, c, r->claim, STR("text/event-stream"), buf_str(&out));
}

static void keyed_release(void *arg) { relay_unref(arg); }

/* Who sent a key means to ask again: the turn goes on to its end for that. */
static void relay_key(Relay *r, TurnAsk *ask) {
        r->claim = req_claim(r->rq);
        if (!r->claim)
                return;
        r->is_stored = !ask->no_store;
        atomic_fetch_add(&r->refs, 1);
        ask->writes = (TurnWrites){ r, keyed_begin, keyed_end, keyed_release };
        ask->again = claim_left(r->claim);
        ask->no_cancel = true;
}

/* ---- start ---- */

static Relay *relay_new(Req *rq, const RelayForm *form, bool stream) {
        Relay *r = calloc(1, sizeof *r);
        if (!r)
                abort();
        atomic_init(&r->refs, 1);
        r->form = form;
        r->cx = (Ctx){ .world = rq->cx->world };
        memcpy(r->cx.trace_id, rq->cx->trace_id, sizeof r->cx.trace_id);
        memcpy(r->cx.span_id, rq->cx->span_id, sizeof r->cx.span_id);
        r->public_url = rq->sv->public_url;
        r->wants_stream = stream;
        r->seen = -1;
        r->rq = rq;
        return r;
}

static Err relay_end(Relay *r, Err e) {
        if (e)
                relay_unref(r);
        return e;
}

Err relay_start(Req *rq, const RelayForm *form, const TurnAsk *ask, const void *extra,
                size_t extra_size) {
        Relay *r = relay_new(rq, form, ask->stream);
        if (extra) {
                r->extra = malloc(extra_size);
                if (!r->extra)
                        abort();
                memcpy(r->extra, extra, extra_size);
        }
        TurnListener l = { r, relay_release, ask->stream ? relay_event : NULL, relay_done };
        TurnAsk asked = *ask;
        relay_key(r, &asked);
        return relay_end(r, turn_start(rq->cx, rq->sv->chat, &asked, &l, &r->feed));
}

Err relay_follow(Req *rq, Str turn_id, int64_t after) {
        Relay *r = relay_new(rq, NULL, true);
        r->seen = after;
        TurnListener l = { r, relay_release, relay_event, relay_done };
        FollowAsk ask = { rq->who->user_id, turn_id, after };
        return relay_end(r, turn_follow(rq->cx, rq->sv->chat, &ask, &l, &r->feed));
}

/* ---- the two forms of our own ---- */

static void start_event(Buf *out, const TurnEvent *ev) {
        _cleanup_(buf_done) Buf json = BUF(EVENT_MAX);
        const ChatTurn *t = ev->turn;
        buf_addf(&json, "{\"turn_id\":\"%.*s\",\"conversation_id\":", STR_FMT(t->turn_id));
        json_write_str(&json, t->conversation_id);
        buf_addf(&json, ",\"turn_number\":%lld,\"model\":", (long long)t->number);
        json_write_str(&json, ev->model);
        buf_add_c(&json, ",\"provider\":");
        json_write_str(&json, ev->provider);
        buf_addc(&json, '}');
        relay_put(out, "start", t->turn_id, ev->n, buf_str(&json));
}

static void memories_event(Buf *out, const TurnEvent *ev) {
        _cleanup_(buf_done) Buf json = BUF(EVENT_MAX);
        const UsedMemory *used = ev->turn->used.v;
        buf_add_c(&json, "{\"memories_used\":[");
        for (size_t i = 0; i < ev->turn->used.n; i++) {
                buf_add_c(&json, i ? ",{\"memory_id\":" : "{\"memory_id\":");
                json_write_str(&json, used[i].memory_id);
                buf_add_c(&json, ",\"type\":");
                json_write_str(&json, used[i].type);
                buf_add_c(&json, ",\"content\":");
                json_write_str(&json, used[i].content);
                buf_addf(&json, ",\"relevance_score\":%.4f}", used[i].relevance_score);
        }
        buf_add_c(&json, "]}");
        relay_put(out, "memories", ev->turn->turn_id, ev->n, buf_str(&json));
}

static void own_event(Relay *r, Buf *out, const TurnEvent *ev) {
        switch (ev->kind) {
        case TURN_EV_START: start_event(out, ev); return;
        case TURN_EV_MEMORIES: memories_event(out, ev); return;
        case TURN_EV_DELTA: break;
        }
        _cleanup_(buf_done) Buf json = BUF(EVENT_MAX);
        buf_add_c(&json, "{\"text\":");
        json_write_str(&json, ev->text.p ? ev->text : STR(""));
        buf_addc(&json, '}');
        relay_put(out, "delta", ev->turn->turn_id, ev->n, buf_str(&json));
}

static void own_fail(Relay *r, Buf *out, Err e, const ChatTurn *t, int64_t n) {
        _cleanup_(buf_done) Buf json = BUF(EVENT_MAX);
        relay_problem(r, &json, e);
        relay_put(out, "error", t->turn_id, n, buf_str(&json));
}

static void conversation_done(Relay *r, Buf *out, const ChatTurn *t, int64_t n) {
        _cleanup_(buf_done) Buf json = BUF(EVENT_MAX);
        TurnAnswer a = turn_answer(r->cx.arena, t);
        json_write(&json, &turn_answer_shape, &a);
        relay_put(out, "done", t->turn_id, n, buf_str(&json));
}

static const void *conversation_answer(Relay *r, const ChatTurn *t) {
        TurnAnswer *a = NEW(r->rq->cx->arena, TurnAnswer);
        *a = turn_answer(r->rq->cx->arena, t);
        return a;
}

const RelayForm relay_conversation = { WIRE_OWN, own_event, conversation_done, own_fail,
                                       conversation_answer };

/* ---- /api/ai/chat ---- */

static void ai_done(Relay *r, Buf *out, const ChatTurn *t, int64_t n) {
        _cleanup_(buf_done) Buf json = BUF(EVENT_MAX);
        AiAnswer a = ai_answer(r->cx.arena, t);
        json_write(&json, &ai_answer_shape, &a);
        relay_put(out, "done", t->turn_id, n, buf_str(&json));
}

static const void *ai_whole(Relay *r, const ChatTurn *t) {
        AiAnswer *a = NEW(r->rq->cx->arena, AiAnswer);
        *a = ai_answer(r->rq->cx->arena, t);
        return a;
}

const RelayForm relay_ai = { WIRE_AI, own_event, ai_done, own_fail, ai_whole };

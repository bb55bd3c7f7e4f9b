// SPDX-License-Identifier: MIT
#include "chat/live.h"

#include "codec/uuid.h"

/* ---- life ---- */

static void texts_dup(Arena *a, Str *const *texts, size_t n) {
        for (size_t i = 0; i < n; i++)
                *texts[i] = arena_dup(a, *texts[i]);
}

static void ask_dup(Live *live, const TurnAsk *in) {
        TurnAsk *ask = &live->ask;
        *ask = *in;
        Str *const kept[] = { &ask->user_id,  &ask->message, &ask->conversation_id,
                              &ask->metadata, &ask->model,   &ask->again };
        Str *const large[] = { &ask->context, &ask->messages, &ask->options };
        texts_dup(live->arena, kept, ELEMENTSOF(kept));
        texts_dup(live->scratch, large, ELEMENTSOF(large));
}

Live *live_new(Ctx *cx, Chat *chat, const TurnAsk *ask) {
        Live *live = calloc(1, sizeof *live);
        if (!live)
                abort();
        atomic_init(&live->refs, 1);
        pthread_mutex_init(&live->lock, NULL);
        live->chat = chat;
        live->arena = arena_new_small();
        live->scratch = arena_new();
        ask_dup(live, ask);
        live->cx = (Ctx){ .arena = live->arena,
                          .world = cx->world,
                          .route = cx->route,
                          .user_id = live->ask.user_id };
        memcpy(live->cx.trace_id, cx->trace_id, sizeof cx->trace_id);
        memcpy(live->cx.span_id, cx->span_id, sizeof cx->span_id);
        live->started_us = cx_mono_us(cx);
        live->t = (ChatTurn){ .turn_id = uuid_new(&live->cx),
                              .user_id = live->ask.user_id,
                              .message = live->ask.message,
                              .number = -1,
                              .state = TURN_RUNNING,
                              .at = cx_now_ms(cx),
                              .answer = STR(""),
                              .is_second_form = live->ask.is_second_form,
                              .request = live->ask.metadata,
                              .mode = STR("default"),
                              .extraction = STR("done"),
                              .usage = { .unpriced = false } };
        return live;
}

Live *live_ref(Live *live) {
        atomic_fetch_add(&live->refs, 1);
        return live;
}

/* At the end and not only here: who has writes in a turn may hold the turn. */
static void writes_release(Live *live) {
        TurnWrites w = live->ask.writes;
        live->ask.writes = (TurnWrites){ 0 };
        if (w.release)
                w.release(w.arg);
}

Live *live_unref(Live *live) {
        if (!live || atomic_fetch_sub(&live->refs, 1) > 1)
                return NULL;
        completion_unref(live->completion);
        writes_release(live);
        free(live->deltas);
        pthread_mutex_destroy(&live->lock);
        arena_free(live->scratch);
        arena_free(live->arena);
        free(live);
        return NULL;
}

TurnFeed *turn_feed_unref(TurnFeed *f) {
        if (f && atomic_fetch_sub(&f->refs, 1) == 1) {
                live_unref(f->live);
                free(f);
        }
        return NULL;
}

/* One reference is the turn's list, one the caller's. */
TurnFeed *live_feed(Live *live, const TurnListener *l, int64_t from) {
        size_t n = 0;
        pthread_mutex_lock(&live->lock);
        for (const TurnFeed *o = live->feeds; o; o = o->next)
                n++;
        pthread_mutex_unlock(&live->lock);
        if (n >= FEEDS_MAX)
                return NULL;
        TurnFeed *f = calloc(1, sizeof *f);
        if (!f)
                abort();
        atomic_init(&f->refs, 2);
        f->live = live_ref(live);
        f->l = *l;
        f->at = from;
        pthread_mutex_lock(&live->lock);
        f->next = live->feeds;
        live->feeds = f;
        pthread_mutex_unlock(&live->lock);
        return f;
}

/* ---- listeners ---- */

/* The lock is held. false: there is none of this number yet. */
static bool event_at(const Live *live, int64_t n, TurnEvent *ret) {
        *ret = (TurnEvent){
                .n = n, .turn = &live->t, .provider = live->t.provider, .model = live->t.model
        };
        if (n < 2) {
                ret->kind = n == 0 ? TURN_EV_START : TURN_EV_MEMORIES;
                return true;
        }
        if ((size_t)n - 2 >= live->n_deltas)
                return false;
        ret->kind = TURN_EV_DELTA;
        ret->text = live->deltas[n - 2].text;
        ret->tool_calls = live->deltas[n - 2].tool_calls;
        return true;
}

TurnEvent turn_told_event(const TurnTold *told, int64_t number) {
        TurnEvent ev;
        assert(number < told->n);
        pthread_mutex_lock(&told->live->lock);
        event_at(told->live, number, &ev);
        pthread_mutex_unlock(&told->live->lock);
        return ev;
}

/* The lock is held. */
static bool event_next(const TurnFeed *f, TurnEvent *ret) {
        return f->l.event && f->live->started && event_at(f->live, f->at, ret);
}

/* The number of the end's event, whatever a follower says it has. */
static int64_t end_number(const Live *live) {
        return live->started ? (int64_t)live->n_deltas + 2 : 0;
}

/* The lock is held and let go around the callback. false: nothing to do now. */
static bool feed_step(TurnFeed *f) {
        Live *live = f->live;
        TurnEvent ev;
        if (f->gone || f->ended || f->full)
                return false;
        if (event_next(f, &ev)) {
                f->at++;
                /* until it says otherwise; turn_ready may come before it returns */
                f->full = true;
                f->is_ready = false;
                pthread_mutex_unlock(&live->lock);
                bool more = f->l.event(f->l.arg, &ev);
                pthread_mutex_lock(&live->lock);
                f->full = !more && !f->is_ready;
                return true;
        }
        if (!live->over)
                return false;
        f->ended = true;
        int64_t n = end_number(live);
        pthread_mutex_unlock(&live->lock);
        f->l.done(f->l.arg, live->end, &live->cx.err, &live->t, n);
        pthread_mutex_lock(&live->lock);
        return true;
}

/* Callbacks of one listener never overlap: who finds it busy leaves a note. */
static void feed_pump(TurnFeed *f) {
        Live *live = f->live;
        pthread_mutex_lock(&live->lock);
        f->again = true;
        while (!f->busy && f->again) {
                f->busy = true;
                f->again = false;
                while (feed_step(f))
                        ;
                f->busy = false;
        }
        bool release = !f->busy && (f->gone || f->ended) && !f->released;
        f->released |= release;
        pthread_mutex_unlock(&live->lock);
        if (release)
                f->l.release(f->l.arg);
}

/* The lock is held. Listeners that have their end, or are gone, leave the list. */
static TurnFeed *feeds_sweep(Live *live) {
        TurnFeed *out = NULL;
        for (TurnFeed **at = &live->feeds; *at;) {
                TurnFeed *f = *at;
                if (!f->released) {
                        at = &f->next;
                        continue;
                }
                *at = f->next;
                f->next = out;
                out = f;
        }
        return out;
}

void live_pump(Live *live) {
        TurnFeed *now[FEEDS_MAX];
        size_t n = 0;
        pthread_mutex_lock(&live->lock);
        for (TurnFeed *f = live->feeds; f && n < FEEDS_MAX; f = f->next) {
                atomic_fetch_add(&f->refs, 1);
                now[n++] = f;
        }
        pthread_mutex_unlock(&live->lock);
        for (size_t i = 0; i < n; i++)
                feed_pump(now[i]);
        pthread_mutex_lock(&live->lock);
        TurnFeed *out = feeds_sweep(live);
        pthread_mutex_unlock(&live->lock);
        while (out) {
                TurnFeed *f = out;
                out = f->next;
                turn_feed_unref(f);
        }
        for (size_t i = 0; i < n; i++)
                turn_feed_unref(now[i]);
}

bool live_is_heard(Live *live) {
        pthread_mutex_lock(&live->lock);
        bool heard = false;
        for (const TurnFeed *f = live->feeds; f; f = f->next)
                heard |= !f->gone;
        pthread_mutex_unlock(&live->lock);
        return heard;
}

/* The lock is held: there are listeners and none can take more. */
static bool all_full(const Live *live) {
        bool any = false;
        for (const TurnFeed *f = live->feeds; f; f = f->next) {
                if (f->gone || !f->l.event)
                        continue;
                if (!f->full)
                        return false;
                any = true;
        }
        return any;
}

static void resume_if(Live *live) {
        pthread_mutex_lock(&live->lock);
        bool resume = live->paused && !all_full(live);
        if (resume)
                live->paused = false;
        pthread_mutex_unlock(&live->lock);
        if (resume && live->completion)
                completion_resume(live->completion);
}

void turn_ready(TurnFeed *f) {
        Live *live = live_ref(f->live);
        pthread_mutex_lock(&live->lock);
        f->is_ready = true;
        f->full = false;
        pthread_mutex_unlock(&live->lock);
        live_pump(live);
        resume_if(live);
        live_unref(live);
}

void turn_leave(TurnFeed *f) {
        Live *live = live_ref(f->live);
        pthread_mutex_lock(&live->lock);
        f->gone = true;
        pthread_mutex_unlock(&live->lock);
        if (live->chat->set.cancel_on_disconnect && !live->ask.no_cancel && live->completion &&
            !live_is_heard(live))
                completion_cancel(live->completion);
        live_pump(live);
        resume_if(live);
        live_unref(live);
}

/* ---- progress ---- */

void live_start(Live *live) {
        pthread_mutex_lock(&live->lock);
        live->started = true;
        pthread_mutex_unlock(&live->lock);
        live_pump(live);
}

void live_delta_add(Live *live, Str text, Str tool_calls) {
        pthread_mutex_lock(&live->lock);
        if (live->n_deltas == live->cap_deltas) {
                live->cap_deltas = live->cap_deltas ? live->cap_deltas * 2 : 32;
                live->deltas = reallocarray(live->deltas, live->cap_deltas, sizeof *live->deltas);
                if (!live->deltas)
                        abort();
        }
        live->deltas[live->n_deltas++] = (Delta){ text, tool_calls };
        pthread_mutex_unlock(&live->lock);
}

bool live_delta(Live *live, Str text, Str tool_calls) {
        live_delta_add(live, text, tool_calls);
        live_start(live);
        pthread_mutex_lock(&live->lock);
        live->paused = all_full(live);
        bool go_on = !live->paused;
        pthread_mutex_unlock(&live->lock);
        return go_on;
}

void live_end(Live *live, Err e) {
        pthread_mutex_lock(&live->lock);
        live->end = e;
        live->over = true;
        live->started |= e == OK;
        pthread_mutex_unlock(&live->lock);
        writes_release(live);
        live_pump(live);
}

/* ---- gate ---- */

static Live **bucket_of(Chat *chat, Str user_id) {
        return &chat->bucket[str_slot(user_id, LIVE_BUCKETS)];
}

static bool same_conversation(const Live *a, const Live *b) {
        return str_eq(a->t.user_id, b->t.user_id) && a->t.conversation_id.p &&
               b->t.conversation_id.p && str_eq(a->t.conversation_id, b->t.conversation_id);
}

Gate gate_enter(Live *live) {
        static uint64_t order; /* under chat->lock */
        Chat *chat = live->chat;
        int running = 0, waiting = 0;
        bool busy = false;
        pthread_mutex_lock(&chat->lock);
        Live **bucket = bucket_of(chat, live->t.user_id);
        for (const Live *o = *bucket; o; o = o->bucket_next)
                if (str_eq(o->t.user_id, live->t.user_id)) {
                        running += !o->waiting;
                        waiting += o->waiting;
                        busy |= same_conversation(o, live);
                }
        Gate g = chat->stopping                   ? GATE_CLOSED
                 : busy && waiting < WAITING_MAX  ? GATE_WAIT
                 : busy || running >= RUNNING_MAX ? GATE_FULL
                                                  : GATE_RUN;
        if (g == GATE_RUN || g == GATE_WAIT) {
                live->waiting = g == GATE_WAIT;
                live->in_table = true;
                live->order = ++order;
                live->bucket_next = *bucket;
                *bucket = live_ref(live);
                chat->n_lives++;
        }
        pthread_mutex_unlock(&chat->lock);
        return g;
}

/* chat->lock is held. The table's reference is the caller's afterwards. */
static void table_remove(Live *live) {
        Chat *chat = live->chat;
        Live **at = bucket_of(chat, live->t.user_id);
        while (*at != live)
                at = &(*at)->bucket_next;
        *at = live->bucket_next;
        live->in_table = false;
        if (--chat->n_lives == 0)
                pthread_cond_broadcast(&chat->idle);
}

bool gate_give_up(Live *live) {
        pthread_mutex_lock(&live->chat->lock);
        bool waited = live->in_table && live->waiting;
        if (waited)
                table_remove(live);
        pthread_mutex_unlock(&live->chat->lock);
        if (waited)
                live_unref(live);
        return waited;
}

Live *gate_leave(Live *live) {
        Chat *chat = live->chat;
        Live *next = NULL;
        pthread_mutex_lock(&chat->lock);
        for (Live *o = *bucket_of(chat, live->t.user_id); o; o = o->bucket_next)
                if (o->waiting && same_conversation(o, live) && (!next || o->order < next->order))
                        next = o;
        if (next && !chat->stopping)
                next->waiting = false;
        else
                /* when stopping, the waiting run into their time limit */
                next = NULL;
        table_remove(live);
        pthread_mutex_unlock(&chat->lock);
        live_unref(live);
        return next;
}

Live *gate_find(Chat *chat, Str user_id, Str turn_id) {
        Live *found = NULL;
        pthread_mutex_lock(&chat->lock);
        for (Live *o = *bucket_of(chat, user_id); o && !found; o = o->bucket_next)
                if (str_eq(o->t.user_id, user_id) && str_eq(o->t.turn_id, turn_id))
                        found = live_ref(o);
        pthread_mutex_unlock(&chat->lock);
        return found;
}

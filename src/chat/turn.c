// SPDX-License-Identifier: MIT
/* turn: the way of one turn, in the order of this file from bottom to top: start (gate) → run
 * (record, retrieve, ask the model) → answered → store → over. Each step hands the Live to the
 * next; nothing waits on a thread. */
#include "base/log.h"
#include "chat/chat_sql.h"
#include "chat/count_int.h"
#include "chat/ledger.h"
#include "chat/live.h"
#include "chat/month.h"
#include "chat/prompt.h"
#include "chat/respond.h"
#include "codec/uuid.h"
#include "memory/learn.h"

enum { PIECE_BYTES = 24, RETRY_STORE_MS = 100, HITS_KEPT = 8, HIT_TEXT_KEPT = 2048 };

static void turn_run(Live *live);
static void run_later(Live *live);
static void stored_cut(Live *live);

/* ---- over ---- */

static void turn_measure(Live *live, Err e) {
        const ChatTurn *t = &live->t;
        double seconds = (double)(cx_mono_us(&live->cx) - live->started_us) / 1e6;
        count_turn(seconds);
        LOG(&live->cx, LOG_INFO, "turn_completed", "a turn is over", L_STR("turn_id", t->turn_id),
            L_STR("state", e ? str_c(err_info[e].name) : str_c(turn_state_names[t->state])),
            L_STR("provider", t->provider), L_INT("memories", (int64_t)t->used.n),
            L_INT("answer_bytes", (int64_t)t->answer.n), L_NUM("ms", seconds * 1000));
}

static void shown_note(Live *live) {
        const UsedMemory *used = live->t.used.v;
        Str *v = NEW_ARRAY(live->arena, Str, live->t.used.n + 1);
        for (size_t i = 0; i < live->t.used.n; i++)
                v[i] = used[i].content;
        MemoryScope s = chat_scope(live->chat, NULL, live->t.user_id);
        memory_shown(&live->cx, &s, (Strs){ v, live->t.used.n });
}

/* The last step of every turn that passed the gate. Takes the runner's reference. */
static void turn_over(Live *live, Err e) {
        if (!e && live->t.used.n && !live->t.is_replay)
                shown_note(live);
        if (!e && live->t.state == TURN_FAILED)
                e = live->t.failure ? live->t.failure : ERR_LLM_UNAVAILABLE;
        /* storing it may have noted other things since */
        if (e && live->outcome)
                live->cx.err = live->why;
        turn_measure(live, e);
        live_end(live, e);
        Live *next = gate_leave(live);
        if (next)
                run_later(next);
        live_unref(live);
}

static ChatScope scope_of(const Live *live, DbConn *c) {
        return (ChatScope){ live->chat, c, live->t.user_id };
}

/* ---- store ---- */

/* The text in pieces at word boundaries, so that an answer made here streams like one of a model. A
 * write that runs again makes them again. */
static void answer_cut(Live *live) {
        Str rest = live->ask.stream ? live->t.answer : STR("");
        live->n_deltas = 0;
        while (rest.n) {
                size_t n = MIN(rest.n, (size_t)PIECE_BYTES);
                while (n < rest.n && rest.p[n] != ' ' && rest.p[n] != '\n')
                        n++;
                n = MIN(n, rest.n);
                live_delta_add(live, str_to(rest, n), STR_NULL);
                rest = str_from(rest, n);
        }
}

static Str ends_make(Arena *a, const Delta *d, size_t n) {
        if (!n)
                return STR_NULL;
        unsigned char *p = arena_alloc(a, n * 4);
        uint32_t at = 0;
        for (size_t i = 0; i < n; i++) {
                at += (uint32_t)d[i].text.n;
                for (int b = 0; b < 4; b++)
                        p[i * 4 + (size_t)b] = (unsigned char)(at >> (8 * b));
        }
        return str_n(p, n * 4);
}

static void ends_take(Live *live) {
        if (live->ask.stream)
                live->ends = ends_make(live->arena, live->deltas, live->n_deltas);
}

static Err learn(Ctx *cx, const MemoryScope *s, Live *live, Learned *ret) {
        Facts facts = { 0 };
        ExtractContext ec = { .said_at = live->t.at,
                              .utc_offset_min = live->found.utc_offset_min,
                              .previous =
                                      live->found.n_turns ? live->found.turns[0].user : STR_NULL,
                              .people = retrieved_people(cx->arena, &live->found) };
        if (!live->ask.no_learning)
                facts_extract(cx->arena, live->t.message, &ec, &facts);
        MemoryScope by = { s->m, s->c, s->user_id, "rule" };
        TRY(memory_learn(cx, &by, &live->said, &facts, ret));
        live->t.created = ret->created;
        live->t.quota_reached = ret->quota_reached;
        return OK;
}

static void respond_offline(Live *live, const Learned *learned) {
        RespondIn in = { .message = live->t.message,
                         .hits = &live->found.hits,
                         .learned = learned,
                         .reason = live->t.offline_reason,
                         .now_ms = live->t.at,
                         .utc_offset_min = live->found.utc_offset_min,
                         .is_schedule = live->found.mode && live->found.mode->plans_only,
                         .is_broad = live->found.mode == &mode_broad ||
                                     live->found.mode == &mode_everything };
        Response r;
        respond(live->arena, &in, &r);
        live->t.answer = r.text;
        live->t.citations = r.citations;
        live->t.used = r.used;
        live->t.turns_used = (Strs){ 0 };
        live->t.provider = STR("offline");
        live->t.model = STR("mainstay-offline");
        live->t.finish_reason = STR("stop");
        live->t.usage = (TokenUsage){ tokens_estimate(live->t.message.n), tokens_estimate(r.text.n),
                                      0, .estimated = true };
        answer_cut(live);
        ends_take(live);
}

static Err answer_add(Ctx *cx, const MemoryScope *s, Live *live, Str *ret_id) {
        Turn answer;
        if (!live->t.answer.n)
                return OK;
        TurnNew in = { .conversation_id = live->t.conversation_id,
                       .role = STR("assistant"),
                       .text = live->t.answer };
        TRY(turn_add(cx, s, &in, &answer));
        *ret_id = answer.turn_id;
        return OK;
}

static Err usage_store(Ctx *cx, DbConn *c, Live *live) {
        unsigned char id[16];
        if (!uuid_read(live->t.turn_id, id))
                return RAISE(cx, ERR_INTERNAL, "a turn without an id");
        TRY(ledger_add(cx, c,
                       &(LedgerEntry){ live->t.user_id, id, "chat", live->t.attempts,
                                       live->t.state == TURN_COMPLETED }));
        return live->t.attempts.n ? ledger_alerts(cx, live->chat, c, live->t.user_id) : OK;
}

static Err writes_end(Ctx *cx, DbConn *c, Live *live) {
        const TurnWrites *w = &live->ask.writes;
        TurnTold told = { &live->t, (int64_t)live->n_deltas + 2, live };
        return w->end ? w->end(cx, c, w->arg, &told) : OK;
}

static Err answer_store(Ctx *cx, DbConn *c, Live *live) {
        ChatTurn *t = &live->t;
        MemoryScope s = chat_scope(live->chat, c, t->user_id);
        Learned learned = { 0 };
        Str answer_id = STR_NULL;
        TRY(learn(cx, &s, live, &learned));
        if (t->is_offline)
                respond_offline(live, &learned);
        if (!t->suggestions.n)
                t->suggestions = suggest(live->arena, t->message, &live->found.hits);
        t->processing_us = cx_mono_us(cx) - live->started_us;
        if (live->ask.no_learning) {
                t->extraction = STR("off");
        } else if (live->chat->readers && !t->is_offline && t->state == TURN_COMPLETED) {
                t->extraction = STR("pending");
                TRY(reader_enqueue(cx, live->chat, c, t));
        }
        TRY(answer_add(cx, &s, live, &answer_id));
        TRY(usage_store(cx, c, live));
        ChatScope mine = scope_of(live, c);
        return turn_row_finish(cx, &mine, t, answer_id, live->ends);
}

static Err turn_record(Ctx *cx, DbConn *c, void *arg);

/* One write: the answer, the facts of the message, the usage, the state. */
static Err turn_store(Ctx *cx, DbConn *c, void *arg) {
        Live *live = arg;
        if (!live->is_recorded)
                TRY(turn_record(cx, c, live));
        if (live->t.is_replay)
                return OK;
        if (!live->ask.no_store) {
                TRY(answer_store(cx, c, live));
        } else {
                if (live->t.is_offline)
                        respond_offline(live, &(Learned){ 0 });
                TRY(usage_store(cx, c, live));
        }
        return writes_end(cx, c, live);
}

static void store_submit(void *arg);

static void store_done(DbJob *job, Err e) {
        Live *live = CONTAINER_OF(job, Live, job);
        /* not streamed, but followed: one piece, as when it is read again later */
        if (!e && !live->n_deltas && live->t.answer.n)
                live_delta_add(live, live->t.answer, STR_NULL);
        turn_over(live, e);
}

static void store_give_up(void *arg) { turn_over(arg, ERR_UNAVAILABLE); }

/* A full write queue is asked again: what was answered must not be lost for it. */
static void store_submit(void *arg) {
        Live *live = arg;
        live->job = (DbJob){ .fn = turn_store, .arg = live, .cx = &live->cx, .done = store_done };
        Err e = db_submit(&live->cx, live->chat->rooms.db, &live->job);
        if (e == ERR_UNAVAILABLE) {
                err_clear(&live->cx);
                later_run(live->chat->up.laters, RETRY_STORE_MS, store_submit, store_give_up, live);
        } else if (e) {
                turn_over(live, e);
        }
}

/* ---- answered ---- */

static void fail(Live *live, Err e, int64_t retry_after_s) {
        live->t.state = TURN_FAILED;
        live->t.failure = e;
        live->outcome = RAISE(&live->cx, e, "no provider answered");
        live->cx.err.retry_after_s = retry_after_s;
        if (e == ERR_BUDGET) {
                int64_t now = cx_now_ms(&live->cx);
                live->cx.err.retry_after_s = (month_of(now).to - now + 999) / 1000;
                err_extra_json(&live->cx, "violated-policies", STR("[\"budget\"]"));
        }
        live->why = live->cx.err;
}

static bool may_answer_offline(const Live *live, Err e) {
        const ChatSettings *set = &live->chat->set;
        if (live->n_deltas || live->is_raw)
                return false;
        if (e == ERR_BUDGET)
                return set->budget_offline;
        return (e == ERR_LLM_UNAVAILABLE || e == ERR_UPSTREAM || e == ERR_TIMEOUT ||
                e == ERR_BAD_REQUEST || e == ERR_MODEL_NOT_FOUND) &&
               !set->no_last_resort && !live->ask.no_fallback;
}

static void attempts_dup(Live *live, List attempts) {
        const Attempt *in = attempts.v;
        Attempt *v = NEW_ARRAY(live->arena, Attempt, attempts.n + 1);
        for (size_t i = 0; i < attempts.n; i++) {
                v[i] = in[i];
                v[i].provider = arena_dup(live->arena, in[i].provider);
                v[i].model = arena_dup(live->arena, in[i].model);
                v[i].outcome = arena_dup(live->arena, in[i].outcome);
        }
        live->t.attempts = (List){ v, attempts.n };
}

static void answer_take(Live *live, const CompletionResult *r) {
        ChatTurn *t = &live->t;
        Arena *a = live->arena;
        pthread_mutex_lock(&live->lock);
        t->provider = arena_dup(a, r->provider);
        t->model = arena_dup(a, r->model);
        pthread_mutex_unlock(&live->lock);
        t->answer = arena_dup(a, r->text);
        t->finish_reason = arena_dup(a, r->finish_reason);
        t->tool_calls = arena_dup(a, r->tool_calls);
        t->usage = r->usage;
}

static void on_answered(void *arg, Err e, const CompletionResult *r) {
        Live *live = arg;
        attempts_dup(live, r->attempts);
        answer_take(live, r);
        live->t.state = TURN_COMPLETED;
        if (e == ERR_CANCELLED) {
                live->t.state = TURN_CANCELLED;
                live->t.finish_reason = STR("cancelled");
        } else if (e && may_answer_offline(live, e)) {
                live->t.is_offline = true;
                live->t.offline_reason = e == ERR_BUDGET ? OFFLINE_BUDGET : OFFLINE_NO_MODEL;
        } else if (e) {
                fail(live, e, r->retry_after_s);
        }
        ends_take(live);
        store_submit(live);
}

static void on_begin(void *arg, Str provider, Str model) {
        Live *live = arg;
        pthread_mutex_lock(&live->lock);
        live->t.provider = arena_dup(live->arena, provider);
        live->t.model = arena_dup(live->arena, model);
        pthread_mutex_unlock(&live->lock);
        if (live->ask.stream)
                live_start(live);
}

/* From here on there is no other try and no answer from memory. */
static void scratch_let_go(Live *live) {
        live->found.hits = (MemoryHits){ 0 };
        live->scratch = arena_free(live->scratch);
}

static bool on_delta(void *arg, Str text, Str tool_calls) {
        Live *live = arg;
        scratch_let_go(live);
        return live_delta(live, arena_dup(live->arena, text), arena_dup(live->arena, tool_calls));
}

/* ---- run ---- */

static Ctx scratch_cx(Live *live) {
        Ctx cx = live->cx;
        cx.arena = live->scratch;
        return cx;
}

static void lines_of(Live *live, PromptMemory **ret, size_t *ret_n) {
        const MemoryHits *hits = &live->found.hits;
        Ctx cx = scratch_cx(live);
        PromptMemory *v = NEW_ARRAY(cx.arena, PromptMemory, hits->n + 1);
        for (size_t i = 0; i < hits->n; i++) {
                const MemoryHit *h = &hits->v[i];
                if (h->memory)
                        v[i] = (PromptMemory){ h->memory->type,
                                               memory_render(&cx, h->memory, live->t.at), STR_NULL,
                                               h->memory->valid_from };
                else
                        v[i] = (PromptMemory){ STR("turn"), h->turn->text,
                                               h->turn->speaker.n ? h->turn->speaker
                                               : str_eq_c(h->turn->role, "assistant")
                                                       ? STR("the assistant")
                                                       : STR("the user"),
                                               h->turn->at };
        }
        *ret = v;
        *ret_n = hits->n;
}

static void used_take(Live *live, const Prompt *p) {
        UsedMemory *used = NEW_ARRAY(live->arena, UsedMemory, p->n_used + 1);
        Str *turns = NEW_ARRAY(live->arena, Str, p->n_used + 1);
        size_t n = 0, n_turns = 0;
        for (size_t i = 0; i < p->n_used; i++) {
                const MemoryHit *h = &live->found.hits.v[p->used[i]];
                if (h->memory)
                        used[n++] = (UsedMemory){ arena_dup(live->arena, h->memory->memory_id),
                                                  arena_dup(live->arena, h->memory->type),
                                                  arena_dup(live->arena, h->memory->content),
                                                  h->relevance };
                else
                        turns[n_turns++] = arena_dup(live->arena, h->turn->turn_id);
        }
        live->t.used = (List){ used, n };
        live->t.turns_used = (Strs){ turns, n_turns };
}

static Err prompt_make(Live *live, CompletionAsk *ask) {
        const ChatSettings *set = &live->chat->set;
        PromptIn in = { .rules = set->system_text.p ? set->system_text
                                                    : str_c(prompt_system_default),
                        .profile = live->ask.no_memories ? STR_NULL : live->found.profile,
                        .context = live->ask.context,
                        .message = live->t.message,
                        .lines_max = (size_t)live->found.mode->lines,
                        .turns = live->found.turns,
                        .n_turns = live->found.n_turns,
                        .budget_tokens = set->context_tokens ? set->context_tokens : 3000 };
        Prompt p;
        PromptMemory *lines;
        lines_of(live, &lines, &in.n_memories);
        in.memories = lines;
        if (!live->ask.messages.p) {
                prompt_build(live->scratch, &in, &p);
                ask->messages = p.messages;
        } else {
                Ctx cx = scratch_cx(live);
                Str block = prompt_block(live->scratch, &in, &p);
                ask->messages = live->ask.messages;
                if (block.p)
                        TRY(wire_messages_insert(&cx, live->ask.messages, block, &ask->messages));
        }
        ask->prompt_tokens = tokens_estimate(ask->messages.n);
        used_take(live, &p);
        return OK;
}

static Strs strs_first(Arena *a, Strs s) {
        Str *v = NEW(a, Str);
        if (s.n)
                *v = arena_dup(a, s.v[0]);
        return (Strs){ v, MIN(s.n, (size_t)1) };
}

static void hit_keep(Arena *a, const MemoryHit *in, MemoryHit *out) {
        *out = (MemoryHit){ .relevance = in->relevance, .similarity = in->similarity };
        if (in->memory) {
                MemoryRow *m = NEW(a, MemoryRow);
                *m = (MemoryRow){ .memory_id = arena_dup(a, in->memory->memory_id),
                                  .type = arena_dup(a, in->memory->type),
                                  .status = arena_dup(a, in->memory->status),
                                  .subject = arena_dup(a, in->memory->subject),
                                  .content = arena_dup(a, in->memory->content),
                                  .source_turn_id = arena_dup(a, in->memory->source_turn_id),
                                  .recorded_at = in->memory->recorded_at,
                                  .valid_from = in->memory->valid_from,
                                  .valid_to = in->memory->valid_to,
                                  .context = arena_dup(a, in->memory->context),
                                  .entities = strs_first(a, in->memory->entities),
                                  .tags = strs_first(a, in->memory->tags) };
                out->memory = m;
                return;
        }
        Turn *t = NEW(a, Turn);
        *t = (Turn){ .turn_id = arena_dup(a, in->turn->turn_id),
                     .role = arena_dup(a, in->turn->role),
                     .text = arena_dup(a, in->turn->text),
                     .at = in->turn->at };
        out->turn = t;
}

/* What the rest of the turn needs of the search; the few hits that an answer without the model
 * would quote stay until there is one. The request's own messages are on their way. */
static void found_keep(Live *live) {
        Arena *a = arena_new_small();
        Retrieved *f = &live->found;
        live->t.suggestions = suggest(live->arena, live->t.message, &f->hits);
        MemoryHits hits = { NEW_ARRAY(a, MemoryHit, HITS_KEPT), 0, f->hits.degraded };
        for (size_t i = 0; i < f->hits.n && hits.n < HITS_KEPT; i++)
                if (f->hits.v[i].memory || f->hits.v[i].turn->text.n <= HIT_TEXT_KEPT)
                        hit_keep(a, &f->hits.v[i], &hits.v[hits.n++]);
        PromptTurn *before = NEW(live->arena, PromptTurn);
        if (f->n_turns)
                before->user = arena_dup(live->arena, f->turns[0].user);
        f->hits = hits;
        f->turns = before;
        f->n_turns = MIN(f->n_turns, (size_t)1);
        f->profile = STR_NULL;
        live->is_raw = live->ask.messages.p;
        live->ask.messages = live->ask.options = live->ask.context = STR_NULL;
        arena_free(live->scratch);
        live->scratch = a;
}

static Err budget_prepare(Live *live) {
        DbConn *c;
        TRY(db_read(&live->cx, live->chat->rooms.db, &c));
        return spend_prepare(&live->cx, live->chat->up.spend, c, live->t.user_id);
}

/* The completion is known before it goes, so that a cancel cannot miss it. */
static Err model_ask(Live *live) {
        CompletionAsk ask = { .model = live->ask.model,
                              .options = live->ask.options,
                              .max_tokens = live->ask.max_tokens,
                              .temperature = live->ask.temperature,
                              .stream = live->ask.stream,
                              .user_id = live->t.user_id };
        CompletionEvents ev = { live, on_begin, on_delta, on_answered };
        TRY(budget_prepare(live));
        TRY(prompt_make(live, &ask));
        Completion *c = completion_new(&live->cx, &live->chat->up, &ask, &ev);
        found_keep(live);
        pthread_mutex_lock(&live->lock);
        live->completion = c;
        bool cancelled = live->cancelled;
        pthread_mutex_unlock(&live->lock);
        if (cancelled)
                completion_cancel(c);
        completion_go(c);
        return OK;
}

/* An answer that is stored already is given again; one that came to nothing is asked again, under
 * its number. */
static Err turn_replay(Ctx *cx, DbConn *c, Live *live, StoredTurn *old) {
        ChatTurn *t = &live->t;
        if (!str_eq(old->t.message, live->ask.message))
                return RAISE(cx, ERR_TURN_CONFLICT, "turn %lld holds another message",
                             (long long)old->t.number);
        if (old->t.state == TURN_RUNNING)
                return RAISE(cx, ERR_TURN_IN_PROGRESS, "turn %.*s is running",
                             STR_FMT(old->t.turn_id));
        if (old->t.state == TURN_COMPLETED) {
                *t = old->t;
                t->is_replay = true;
                live->ends = old->ends;
                live->n_deltas = 0;
                stored_cut(live);
                return OK;
        }
        t->turn_id = old->t.turn_id;
        t->conversation_id = old->t.conversation_id;
        t->number = old->t.number;
        MemoryScope s = chat_scope(live->chat, c, t->user_id);
        TRY(turn_find(cx, &s, t->turn_id, &live->said));
        return turn_row_reopen(cx, c, t);
}

static Err turn_existing(Ctx *cx, DbConn *c, Live *live, bool *ret_found) {
        StoredTurn old;
        ChatScope mine = scope_of(live, c);
        Err e = live->ask.again.p ? turn_row_find(cx, &mine, live->ask.again, &old) : ERR_NOT_FOUND;
        if (e == ERR_NOT_FOUND && live->ask.number.has)
                e = turn_row_by_number(cx, &mine, &live->t, &old);
        *ret_found = e == OK;
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        return turn_replay(cx, c, live, &old);
}

static Err turn_insert(Ctx *cx, DbConn *c, Live *live) {
        ChatTurn *t = &live->t;
        MemoryScope s = chat_scope(live->chat, c, t->user_id);
        if (!live->ask.number.has) {
                TRY(turn_last_number(cx, c, t->user_id, t->conversation_id, &t->number));
                t->number++;
        }
        TurnNew in = { .conversation_id = t->conversation_id,
                       .turn_id = t->turn_id,
                       .role = STR("user"),
                       .text = t->message,
                       .at = t->at };
        TRY(turn_add(cx, &s, &in, &live->said));
        ChatScope mine = scope_of(live, c);
        Ctx own = scratch_cx(live);
        Err e = turn_row_insert(&own, &mine, t);
        cx->err = own.err;
        return e;
}

/* The first write, or the first part of the only one: the turn is there, as running, with the
 * user's words. */
static Err turn_record(Ctx *cx, DbConn *c, void *arg) {
        Live *live = arg;
        const TurnWrites *w = &live->ask.writes;
        bool found;
        if (live->ask.number.has)
                live->t.number = live->ask.number.v;
        if (!live->ask.no_store) {
                TRY(turn_existing(cx, c, live, &found));
                if (!found)
                        TRY(turn_insert(cx, c, live));
        }
        if (w->begin)
                TRY(w->begin(cx, c, w->arg, &live->t));
        return live->t.is_replay ? writes_end(cx, c, live) : OK;
}

static bool asks_model(const Live *live) {
        return live->chat->up.providers.n > 0 && !live->ask.no_model;
}

static void turn_find_memories(Live *live) {
        RetrieveAsk ask = { .user_id = live->t.user_id,
                            .conversation_id = live->t.conversation_id,
                            .turn_id = live->is_recorded ? live->t.turn_id : STR_NULL,
                            .message = live->t.message,
                            .no_memories = live->ask.no_memories,
                            .for_prompt = asks_model(live) && !live->ask.messages.p };
        Ctx cx = scratch_cx(live);
        retrieve(&cx, live->chat, &ask, &live->found);
        live->t.mode = str_c(live->found.mode->name);
        live->t.retrieval_degraded = live->found.degraded;
}

static Err run_with_model(Live *live) {
        if (!live->ask.no_store || live->ask.writes.begin) {
                TRY(db_write(&live->cx, live->chat->rooms.db, turn_record, live));
                live->is_recorded = true;
        }
        if (live->t.is_replay) {
                turn_over(live, OK);
                return OK;
        }
        turn_find_memories(live);
        Err e = model_ask(live);
        if (!e || !live->is_recorded)
                return e;
        fail(live, e, 0);
        store_submit(live);
        return OK;
}

/* On a worker, past the gate. Without a provider all of it is one write. */
static void turn_run(Live *live) {
        live->cx.deadline_us = 0;
        if (asks_model(live)) {
                Err e = run_with_model(live);
                if (e)
                        turn_over(live, e);
                return;
        }
        turn_find_memories(live);
        live->t.state = TURN_COMPLETED;
        live->t.is_offline = true;
        live->t.offline_reason = live->ask.no_model && live->chat->up.providers.n
                                         ? OFFLINE_CONSENT
                                         : OFFLINE_NO_MODEL;
        store_submit(live);
}

static void run_job(PoolJob *job) { turn_run(CONTAINER_OF(job, Live, pool_job)); }

static void run_again(void *arg) { run_later(arg); }

static void run_drop(void *arg) { turn_over(arg, ERR_UNAVAILABLE); }

static void run_later(Live *live) {
        live->pool_job = (PoolJob){ .run = run_job };
        if (!pool_submit(live->chat->rooms.workers, &live->pool_job))
                later_run(live->chat->up.laters, RETRY_STORE_MS, run_again, run_drop, live);
}

/* ---- start ---- */

typedef struct Resolve {
        Live *live;
        Conversation found;
} Resolve;

static Err conversation_make(Ctx *cx, DbConn *c, void *arg) {
        Resolve *r = arg;
        MemoryScope s = chat_scope(r->live->chat, c, r->live->t.user_id);
        Str id = r->live->ask.conversation_id;
        if (!id.p)
                return conversation_default(cx, &s, &r->found);
        /* made by another request meanwhile? */
        Err e = conversation_find_external(cx, &s, id, &r->found);
        return e == ERR_NOT_FOUND
                       ? conversation_create(cx, &s, &(ConversationNew){ .external_id = id },
                                             &r->found)
                       : e;
}

static Err conversation_look(Ctx *cx, const MemoryScope *s, const TurnAsk *ask, Conversation *ret) {
        if (!ask->conversation_id.p)
                return conversation_default_find(cx, s, ret);
        Err e = conversation_find(cx, s, ask->conversation_id, ret);
        return e == ERR_NOT_FOUND && ask->is_session
                       ? conversation_find_external(cx, s, ask->conversation_id, ret)
                       : e;
}

static Err conversation_resolve(Live *live) {
        Ctx *cx = &live->cx;
        Resolve r = { .live = live };
        DbConn *c;
        TRY(db_read(cx, live->chat->rooms.db, &c));
        MemoryScope s = chat_scope(live->chat, c, live->t.user_id);
        Err e = conversation_look(cx, &s, &live->ask, &r.found);
        if (e == ERR_NOT_FOUND && live->ask.conversation_id.p && !live->ask.is_session)
                return RAISE(cx, ERR_NOT_FOUND, "no such conversation");
        if (e == ERR_NOT_FOUND)
                e = db_write(cx, live->chat->rooms.db, conversation_make, &r);
        if (e)
                return e;
        live->t.conversation_id = r.found.conversation_id;
        live->t.session_id = r.found.external_id.p ? r.found.external_id : r.found.conversation_id;
        return OK;
}

static void wait_over(void *arg) {
        Live *live = arg;
        if (gate_give_up(live)) {
                live_end(live, RAISE(&live->cx, ERR_TURN_IN_PROGRESS,
                                     "waited for another turn of the conversation"));
                live_unref(live); /* the runner's, which it will never be */
        }
        live_unref(live);
}

static void wait_drop(void *arg) { wait_over(arg); }

static Err start_failed(Ctx *cx, Live *live, Err e) {
        cx->err = live->cx.err; /* the turn's arena goes with it */
        cx->err.what = live->cx.err.what ? arena_cstr(cx->arena, str_c(live->cx.err.what)) : NULL;
        cx->err.detail = arena_dup(cx->arena, live->cx.err.detail);
        cx->err.fields = NULL;
        cx->err.extra = NULL;
        return e;
}

Err turn_start(Ctx *cx, Chat *chat, const TurnAsk *ask, const TurnListener *l, TurnFeed **ret) {
        _cleanup_(live_unrefp) Live *live = live_new(cx, chat, ask);
        Err e = ask->no_store ? OK : conversation_resolve(live);
        if (e)
                return start_failed(cx, live, e);
        TurnFeed *f = live_feed(live, l, 0);
        if (ret)
                *ret = f;
        Gate g = gate_enter(live);
        if (g == GATE_RUN) {
                turn_run(live_ref(live));
        } else if (g == GATE_WAIT) {
                live_ref(live); /* the runner's */
                later_run(chat->up.laters, GATE_WAIT_MS, wait_over, wait_drop, live_ref(live));
        } else {
                if (ret)
                        *ret = NULL;
                pthread_mutex_lock(&live->lock);
                live->feeds = NULL;
                pthread_mutex_unlock(&live->lock);
                turn_feed_unref(f);
                turn_feed_unref(f);
                if (g == GATE_CLOSED)
                        return RAISE(cx, ERR_UNAVAILABLE, "the server is stopping");
                cx->err.retry_after_s = 1;
                return RAISE(cx, ERR_RATE_LIMITED, "%d turns of this user run already",
                             RUNNING_MAX);
        }
        if (!ret)
                turn_feed_unref(f);
        return OK;
}

/* ---- follow, cancel ---- */

/* Deltas of a stored answer as they were once sent; one piece when that is not known. */
static void stored_cut(Live *live) {
        const unsigned char *p = (const unsigned char *)live->ends.p;
        Str text = live->t.answer;
        size_t at = 0;
        for (size_t i = 0; i + 4 <= live->ends.n; i += 4) {
                size_t end = (size_t)p[i] | (size_t)p[i + 1] << 8 | (size_t)p[i + 2] << 16 |
                             (size_t)p[i + 3] << 24;
                if (end < at || end > text.n)
                        break;
                live_delta_add(live, str_n(text.p + at, end - at), STR_NULL);
                at = end;
        }
        if (at < text.n)
                live_delta_add(live, str_from(text, at), STR_NULL);
}

static Err end_of_state(const ChatTurn *t) {
        switch (t->state) {
        case TURN_FAILED: return t->failure ? t->failure : ERR_LLM_UNAVAILABLE;
        case TURN_INTERRUPTED:
        case TURN_RUNNING: return ERR_UNAVAILABLE;
        case TURN_COMPLETED:
        case TURN_CANCELLED:
        case _TURN_STATE_N: break;
        }
        return OK;
}

static Err follow_stored(Ctx *cx, Chat *chat, const FollowAsk *ask, Live **ret) {
        _cleanup_(live_unrefp) Live *live =
                live_new(cx, chat, &(TurnAsk){ .user_id = ask->user_id, .stream = true });
        DbConn *c;
        StoredTurn s;
        TRY(db_read(cx, chat->rooms.db, &c));
        ChatScope mine = scope_of(live, c);
        Err e = turn_row_find(&live->cx, &mine, ask->turn_id, &s);
        if (e)
                return e == ERR_NOT_FOUND ? RAISE(cx, e, "no such turn") : start_failed(cx, live,
                        e);
        live->t = s.t;
        live->t.is_replay = true;
        live->ends = s.ends;
        stored_cut(live);
        if (live->n_deltas) /* also of a turn that failed after them */
                live_start(live);
        live_end(live, end_of_state(&s.t));
        *ret = live_ref(live);
        return OK;
}

Err turn_follow(Ctx *cx, Chat *chat, const FollowAsk *ask, const TurnListener *l, TurnFeed **ret) {
        _cleanup_(live_unrefp) Live *live = gate_find(chat, ask->user_id, ask->turn_id);
        if (!live)
                TRY(follow_stored(cx, chat, ask, &live));
        TurnFeed *f = live_feed(live, l, MAX(ask->after + 1, 0));
        if (!f)
                return RAISE(cx, ERR_RATE_LIMITED, "%d follow this turn already", FEEDS_MAX);
        *ret = f;
        live_pump(live);
        return OK;
}

void live_cancel(Live *live) {
        pthread_mutex_lock(&live->lock);
        live->cancelled = true;
        Completion *c = live->completion;
        pthread_mutex_unlock(&live->lock);
        if (c)
                completion_cancel(c);
}

Err turn_cancel(Ctx *cx, Chat *chat, Str user_id, Str turn_id) {
        _cleanup_(live_unrefp) Live *live = gate_find(chat, user_id, turn_id);
        if (live) {
                live_cancel(live);
                return OK;
        }
        DbConn *c;
        StoredTurn s;
        TRY(db_read(cx, chat->rooms.db, &c));
        Err e = turn_row_find(cx, &(ChatScope){ chat, c, user_id }, turn_id, &s);
        return e == ERR_NOT_FOUND ? RAISE(cx, e, "no such turn") : e;
}

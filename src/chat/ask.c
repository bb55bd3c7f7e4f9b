// SPDX-License-Identifier: MIT
#include "chat/ask.h"

#include "chat/chat_int.h"
#include "chat/ledger.h"
#include "codec/json.h"
#include "sys/thread.h"

enum { LOOK_US = 100 * 1000, ANSWER_TOKENS = 512 };

typedef struct Asking {
        Chat *chat;
        const ChatQuestion *q;
        Ctx *cx;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        bool over;
        Err err;
        Str text;
        List attempts;
} Asking;

static void asking_done(Asking *a) {
        pthread_cond_destroy(&a->changed);
        pthread_mutex_destroy(&a->lock);
}

/* On another thread, while the asker waits: its arena is ours. */
static void on_done(void *arg, Err e, const CompletionResult *r) {
        Asking *a = arg;
        Arena *arena = a->cx->arena;
        Attempt *v = NEW_ARRAY(arena, Attempt, r->attempts.n + 1);
        for (size_t i = 0; i < r->attempts.n; i++) {
                v[i] = ((const Attempt *)r->attempts.v)[i];
                v[i].provider = arena_dup(arena, v[i].provider);
                v[i].model = arena_dup(arena, v[i].model);
                v[i].outcome = arena_dup(arena, v[i].outcome);
        }
        pthread_mutex_lock(&a->lock);
        a->err = e;
        a->text = arena_dup(arena, r->text);
        a->attempts = (List){ v, r->attempts.n };
        a->over = true;
        pthread_cond_signal(&a->changed);
        pthread_mutex_unlock(&a->lock);
}

static bool is_stopping(Chat *chat) {
        pthread_mutex_lock(&chat->lock);
        bool stopping = chat->stopping;
        pthread_mutex_unlock(&chat->lock);
        return stopping;
}

static void asking_wait(Asking *a, Completion *c) {
        bool cancelled = false;
        pthread_mutex_lock(&a->lock);
        while (!a->over) {
                cond_wait_until(&a->changed, &a->lock, thread_mono_us() + LOOK_US);
                if (a->over || cancelled || !is_stopping(a->chat))
                        continue;
                cancelled = true;
                pthread_mutex_unlock(&a->lock); /* `done` may come from here */
                completion_cancel(c);
                pthread_mutex_lock(&a->lock);
        }
        pthread_mutex_unlock(&a->lock);
}

static Str messages_of(Ctx *cx, const ChatQuestion *q) {
        _cleanup_(buf_done) Buf b = BUF(256 * 1024);
        buf_add_c(&b, "[{\"role\":\"system\",\"content\":");
        json_write_str(&b, q->rules);
        buf_add_c(&b, "},{\"role\":\"user\",\"content\":");
        json_write_str(&b, q->text);
        buf_add_c(&b, "}]");
        return b.full ? STR_NULL : arena_dup(cx->arena, buf_str(&b));
}

static Err book(Ctx *cx, DbConn *c, void *arg) {
        const Asking *a = arg;
        unsigned char id[16];
        cx_random(cx, id, sizeof id);
        TRY(ledger_add(cx, c,
                       &(LedgerEntry){ a->q->user_id, id, a->q->purpose, a->attempts, true }));
        return ledger_alerts(cx, a->chat, c, a->q->user_id);
}

Err chat_ask(Ctx *cx, Chat *chat, const ChatQuestion *q, Str *ret) {
        _cleanup_(asking_done) Asking a = { .chat = chat, .q = q, .cx = cx };
        pthread_mutex_init(&a.lock, NULL);
        cond_init(&a.changed);
        DbConn *c;
        Str messages = messages_of(cx, q);
        if (!messages.p || is_stopping(chat))
                return RAISE(cx, messages.p ? ERR_CANCELLED : ERR_TOO_LARGE, "not asked");
        TRY(db_read(cx, chat->rooms.db, &c));
        TRY(spend_prepare(cx, chat->up.spend, c, q->user_id));
        CompletionAsk ask = { .messages = messages,
                              .options = q->options,
                              .user_id = q->user_id,
                              .max_tokens = { true, ANSWER_TOKENS },
                              .temperature = { true, 0 },
                              .prompt_tokens = tokens_estimate(messages.n) };
        CompletionEvents ev = { .arg = &a, .done = on_done };
        Completion *running = completion_new(cx, &chat->up, &ask, &ev);
        completion_go(running);
        asking_wait(&a, running);
        completion_unref(running);
        TRY(db_write(cx, chat->rooms.db, book, &a));
        if (a.err)
                return RAISE(cx, a.err, "the model gave no answer");
        *ret = a.text;
        return OK;
}

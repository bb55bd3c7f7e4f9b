// SPDX-License-Identifier: MIT
#include "chat/chat_sql.h"
#include "chat/count_int.h"
#include "chat/live.h"
#include "sys/thread.h"

enum { CANCELLED_WAIT_MS = 5000 };

static void settings_dup(Arena *a, const ChatSettings *in, ChatSettings *ret) {
        *ret = *in;
        Str *texts[] = { &ret->providers, &ret->base_url,       &ret->api_key,
                         &ret->model,     &ret->openai_api_key, &ret->system_text };
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                *texts[i] = arena_dup(a, *texts[i]);
        /* the providers keep what they need as Secrets */
        ret->api_key = ret->openai_api_key = ret->providers = STR_NULL;
}

Err chat_new(Ctx *cx, const ChatRooms *rooms, const ChatSettings *set, Chat **ret) {
        Providers providers;
        chat_counts_make();
        TRY(providers_load(cx, set, &providers));
        Chat *chat = calloc(1, sizeof *chat);
        if (!chat)
                abort();
        chat->arena = arena_new();
        chat->rooms = *rooms;
        settings_dup(chat->arena, set, &chat->set);
        chat->up = (Upstream){ .client = rooms->client,
                               .laters = laters_new(rooms->timers),
                               .spend = spend_new(set->budget_micro),
                               .providers = providers };
        pthread_mutex_init(&chat->lock, NULL);
        cond_init(&chat->idle);
        if (providers.n && !set->no_extraction)
                chat->readers = readers_new(chat);
        *ret = chat;
        return OK;
}

static Err interrupt(Ctx *cx, DbConn *c, void *arg) {
        TRY(db_run(cx, c, &sql_chat_interrupt, NO_ARGS, NULL));
        return db_run(cx, c, &sql_chat_job_requeue, NO_ARGS, NULL);
}

Err chat_start(Ctx *cx, Chat *chat) {
        TRY(db_write(cx, chat->rooms.db, interrupt, NULL));
        return chat->readers ? readers_start(cx, chat->readers) : OK;
}

/* chat->lock is held. */
static void idle_wait(Chat *chat, int64_t ms) {
        int64_t until_us = thread_mono_us() + ms * 1000;
        while (chat->n_lives && cond_wait_until(&chat->idle, &chat->lock, until_us))
                ;
}

static void all_cancel(Chat *chat) {
        for (size_t i = 0; i < LIVE_BUCKETS; i++) {
                Live *list[64];
                size_t n = 0;
                pthread_mutex_lock(&chat->lock);
                for (Live *o = chat->bucket[i]; o && n < ELEMENTSOF(list); o = o->bucket_next)
                        list[n++] = live_ref(o);
                pthread_mutex_unlock(&chat->lock);
                for (size_t j = 0; j < n; j++) {
                        live_cancel(list[j]);
                        live_unref(list[j]);
                }
        }
}

bool chat_wind_down(Chat *chat, int64_t ms) {
        readers_stop(chat->readers);
        pthread_mutex_lock(&chat->lock);
        chat->stopping = true;
        idle_wait(chat, ms);
        bool idle = !chat->n_lives;
        pthread_mutex_unlock(&chat->lock);
        return idle;
}

void chat_stop(Chat *chat, int64_t ms) {
        if (chat_wind_down(chat, ms))
                return;
        all_cancel(chat);
        pthread_mutex_lock(&chat->lock);
        idle_wait(chat, CANCELLED_WAIT_MS);
        pthread_mutex_unlock(&chat->lock);
}

Chat *chat_free(Chat *chat) {
        if (!chat)
                return NULL;
        chat_stop(chat, 0);
        chat->readers = readers_free(chat->readers);
        laters_free(chat->up.laters);
        spend_free(chat->up.spend);
        providers_free(&chat->up.providers);
        pthread_cond_destroy(&chat->idle);
        pthread_mutex_destroy(&chat->lock);
        arena_free(chat->arena);
        free(chat);
        return NULL;
}

bool chat_has_provider(const Chat *chat) { return chat->up.providers.n > 0; }

size_t chat_model_calls(Ctx *cx, const Chat *chat, const CallSpec **ret) {
        const Providers *p = &chat->up.providers;
        CallSpec *v = NEW_ARRAY(cx->arena, CallSpec, p->n + 1);
        for (size_t i = 0; i < p->n; i++)
                provider_models_spec(cx, p->v[i], &v[i]);
        *ret = v;
        return p->n;
}

bool chat_has_model(const Chat *chat, Str model) {
        for (size_t i = 0; i < chat->up.providers.n; i++)
                if (provider_model(chat->up.providers.v[i], model).p)
                        return true;
        return false;
}

void chat_providers(Ctx *cx, Chat *chat, ProviderViews *ret) {
        *ret = (ProviderViews){ NEW_ARRAY(cx->arena, ProviderView, chat->up.providers.n + 1),
                                chat->up.providers.n };
        for (size_t i = 0; i < ret->n; i++)
                provider_view(cx, chat->up.providers.v[i], &ret->v[i]);
}

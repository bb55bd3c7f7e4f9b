// SPDX-License-Identifier: MIT
#pragma once
/* chat: one turn of a conversation, from the message to the stored answer.
 *
 * A turn never holds a thread while a model writes. Its way: wait for the conversation to be free →
 * (with a model) record the turn as running → retrieve and build the prompt on a worker → the
 * provider's chunks arrive on the client's thread and go to the listeners → answer, usage and the
 * facts of the message are stored in one write → `done`. Without a model everything after the
 * retrieval is one write. What was said is memory's (memory/turns.h); how it was answered is kept
 * here. A crash leaves a running turn; chat_start marks it interrupted. */
#include "chat/turn.h"

typedef struct Client Client;
typedef struct Pool Pool;
typedef struct Timers Timers;

typedef struct ChatRooms {
        Db *db;
        Memory *memory;
        Client *client;
        Pool *workers;
        Timers *timers;
} ChatRooms;

typedef struct ChatLetter {
        Str user_id, subject, body;
} ChatLetter;

typedef struct ChatSettings {
        /* LLM_PROVIDERS: JSON list; STR_NULL = the short form */
        Str providers;
        Str base_url, api_key, model; /* LLM_BASE_URL, LLM_API_KEY, LLM_MODEL */
        Str openai_api_key;           /* OPENAI_API_KEY alone: api.openai.com */
        Str system_text;              /* STR_NULL = a built-in one */
        int64_t context_tokens;       /* of a prompt; 0 = 3000 */
        /* server-wide, per month, in micro-dollars; < 0 = none */
        int64_t budget_micro;
        /* BUDGET_ACTION=offline: answer from memories instead of refusing */
        bool budget_offline;
        bool no_last_resort;       /* LLM_FALLBACK_OFFLINE=off */
        bool cancel_on_disconnect; /* on_disconnect=cancel */
        /* LLM_EXTRACTION=off: only rules read facts from messages */
        bool no_extraction;
        /* The data key of a user (as in MemorySettings): what the turn rows hold is sealed with it.
         */
        Err (*key)(Ctx *cx, DbConn *c, Str user_id, void *arg, uint8_t ret_key[32]);
        void *key_arg;
        /* A letter to a user, inside a write (a budget threshold was crossed); NULL = none is sent.
         */
        Err (*letter)(Ctx *cx, DbConn *c, void *arg, const ChatLetter *l);
        void *letter_arg;
} ChatSettings;

extern const Migration chat_migrations[];

Err chat_new(Ctx *cx, const ChatRooms *rooms, const ChatSettings *set, Chat **ret) _must_check_;
/* Once, before the server listens: turns that ran when the process died become interrupted; waiting
 * jobs go on. */
Err chat_start(Ctx *cx, Chat *chat) _must_check_;
/* Drain: no new turn begins (ERR_UNAVAILABLE), then waits up to `ms` for running ones; what is left
 * is cancelled. */
void chat_stop(Chat *chat, int64_t ms);
bool chat_wind_down(Chat *chat, int64_t ms); /* as chat_stop, cancelling none; true: all ended */
Chat *chat_free(Chat *chat);
DEFINE_CLEANUP(Chat, chat_free)

/* ---- providers ---- */
typedef struct ProviderView {
        Str name, base_url, state;
        Strs models;
        Str default_model;
        int64_t running;
        bool is_free;
} ProviderView;
typedef struct ProviderViews {
        ProviderView *v;
        size_t n;
} ProviderViews;
bool chat_has_provider(const Chat *chat);
bool chat_has_model(const Chat *chat, Str model); /* as a provider names it */
void chat_providers(Ctx *cx, Chat *chat, ProviderViews *ret);

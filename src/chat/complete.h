// SPDX-License-Identifier: MIT
#pragma once
/* complete: one answer from whichever provider can give it: order, bulkhead, breaker, retry,
 * failover, budget. Asynchronous throughout: what it waits for is a slot, a timer or
 * bytes, never a thread. Once a delta was delivered there is no other try. */
#include "chat/later.h"
#include "chat/provider.h"
#include "chat/spend.h"
#include "chat/wire.h"

enum { ATTEMPTS_MAX = 24 };

typedef struct Upstream { /* what completions share; one per Chat */
        Client *client;
        Laters *laters;
        Spend *spend;
        Providers providers;
} Upstream;

typedef struct CompletionAsk {
        Str model;             /* STR_NULL: each provider's default */
        Str messages, options; /* as WireRequest */
        OptInt max_tokens;
        OptNum temperature;
        bool stream;
        Str user_id;           /* whose budget */
        int64_t prompt_tokens; /* estimate, for the budget */
} CompletionAsk;

typedef struct CompletionResult {
        Str provider, model, finish_reason, tool_calls; /* provider STR_NULL: none answered */
        /* everything delivered, or the whole answer */
        Str text;
        TokenUsage usage;
        List attempts; /* Attempt */
        bool budget_stopped;
        int64_t retry_after_s;
} CompletionResult;

/* Serialised; from the client's, the timers' or a slot giver's thread; must not block. */
typedef struct CompletionEvents {
        void *arg;
        /* an answer begins: a stream's 200, or all of another one; again after a failover */
        void (*begin)(void *arg, Str provider, Str model);
        /* streams only; false: pause until completion_resume */
        bool (*delta)(void *arg, Str text, Str tool_calls);
        /* Once. ERR_LLM_UNAVAILABLE, ERR_BUDGET, ERR_CANCELLED; ERR_BAD_REQUEST and
         * ERR_MODEL_NOT_FOUND of the provider; ERR_UPSTREAM, ERR_TIMEOUT: it broke off after a
         * delta. */
        void (*done)(void *arg, Err e, const CompletionResult *r);
} CompletionEvents;

typedef struct Completion Completion;
/* The ask is copied; `cx` lends world, trace, user, and its arena until `done` has returned: then
 * nobody else uses that. The reference is the caller's; nothing happens before `go`. */
Completion *completion_new(Ctx *cx, Upstream *up, const CompletionAsk *ask,
                           const CompletionEvents *ev);
void completion_go(Completion *c); /* once */
void completion_resume(Completion *c);
/* `done` follows, unless it was called already */
void completion_cancel(Completion *c);
Completion *completion_unref(Completion *c); /* one that never went is just dropped */

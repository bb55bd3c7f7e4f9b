// SPDX-License-Identifier: MIT
#pragma once
/* provider: one OpenAI-compatible service: where it is, what it costs, whether it may be called
 * now. Each has a circuit breaker and a bulkhead: at most `max_concurrency` calls, up to
 * SLOT_QUEUE_MAX waiting for one to end. Thread safe. */
#include "chat/chat.h"
#include "web/breaker.h"
#include "web/client.h"

enum { SLOT_QUEUE_MAX = 64, SLOT_WAIT_MS = 2000, PROVIDERS_MAX = 16 };

/* micro-dollars per million tokens */
typedef struct Price {
        bool has;
        int64_t input, output, cached;
} Price;

/* Embedded in whoever waits for a slot. */
typedef struct SlotWait SlotWait;
struct SlotWait {
        SlotWait *prev, *next;
        void (*granted)(SlotWait *w);
        bool waiting;
};

typedef struct Provider Provider;
typedef struct Providers {
        Provider **v;
        size_t n;
} Providers;

/* From the settings; *ret is empty when no model is configured. ERR_INVALID: a sentence in
 * cx->err.what names the fault. */
Err providers_load(Ctx *cx, const ChatSettings *set, Providers *ret) _must_check_;
void providers_free(Providers *p);

Str provider_name(const Provider *p);
/* what to ask it for; STR_NULL: it does not have that model */
Str provider_model(const Provider *p, Str asked);
const Price *provider_price(const Provider *p);
/* priced 0: usable when a budget is used up */
bool provider_is_free(const Provider *p);
void provider_view(Ctx *cx, Provider *p, ProviderView *ret);
/* The request to it; the body is the caller's. Strings are borrowed from the provider or in the
 * arena. */
void provider_spec(Ctx *cx, const Provider *p, bool stream, Str body, CallSpec *ret);
/* The same for /embeddings, whole. */
void provider_embed_spec(const Provider *p, Str body, CallSpec *ret);
/* What it has: a request that costs nothing. */
void provider_models_spec(Ctx *cx, const Provider *p, CallSpec *ret);
/* For health: how each provider, in the order of failover, is asked for its models. The list is in
 * the arena and borrows from the chat. */
size_t chat_model_calls(Ctx *cx, const Chat *chat, const CallSpec **ret);

/* OPEN: the circuit is, or it asked for a pause */
typedef enum Slot { SLOT_TAKEN, SLOT_QUEUED, SLOT_BUSY, SLOT_OPEN } Slot;
/* TAKEN and, later, `granted` (on any thread): a call may be made; provider_result must follow. */
Slot provider_enter(Provider *p, int64_t now_ms, SlotWait *w) _must_check_;
/* stop waiting; false: it was granted already */
bool provider_leave(Provider *p, SlotWait *w);
/* How the call went. NEUTRAL says nothing about the provider's health (cancelled, a 4xx of our own
 * making). */
typedef enum CallVerdict { CALL_GOOD, CALL_BAD, CALL_NEUTRAL } CallVerdict;
void provider_result(Ctx *cx, Provider *p, int64_t now_ms, CallVerdict v);
void provider_pause(Provider *p, int64_t until_ms); /* Retry-After beyond our patience */
int64_t provider_wait_ms(Provider *p, int64_t now_ms);
void provider_observe(Provider *p, Str model, Str outcome, double seconds, double first_chunk_s);
void provider_observe_usage(Provider *p, Str model, const TokenUsage *u);
/* Cost in micro-dollars, rounded up; false: no price is known. */
bool price_cost(const Price *price, int64_t prompt, int64_t completion, int64_t cached,
                int64_t *ret_micro);

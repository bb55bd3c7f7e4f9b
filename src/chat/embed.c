// SPDX-License-Identifier: MIT
#include "chat/embed.h"

#include "chat/chat_int.h"
#include "chat/ledger.h"
#include "codec/json.h"

enum { ITEMS_MAX = 2048, RESPONSE_MAX = 32 * 1024 * 1024, REQUEST_MAX = 2 * 1024 * 1024 };

static Provider *provider_of(const Chat *chat, Str model) {
        for (size_t i = 0; i < chat->up.providers.n; i++)
                if (provider_model(chat->up.providers.v[i], model).p)
                        return chat->up.providers.v[i];
        return NULL;
}

static Err request_body(Ctx *cx, const EmbedAsk *ask, Str *ret) {
        _cleanup_(buf_done) Buf out = BUF(REQUEST_MAX);
        buf_add_c(&out, "{\"model\":");
        json_write_str(&out, ask->model);
        buf_addf(&out, ",\"input\":%.*s", STR_FMT(ask->input));
        if (ask->encoding_format.p) {
                buf_add_c(&out, ",\"encoding_format\":");
                json_write_str(&out, ask->encoding_format);
        }
        if (ask->dimensions.has)
                buf_addf(&out, ",\"dimensions\":%lld", (long long)ask->dimensions.v);
        buf_addc(&out, '}');
        if (out.full)
                return RAISE(cx, ERR_TOO_LARGE, "input over %d bytes", REQUEST_MAX);
        *ret = arena_dup(cx->arena, buf_str(&out));
        return OK;
}

static Err answer_read(Ctx *cx, Str body, Embedded *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        if (json_parse(cx, body, 8, &j)) {
                err_clear(cx);
                return RAISE(cx, ERR_LLM_UNAVAILABLE, "the vectors are not JSON");
        }
        JsonRef data = json_get(json_root(j), "data"), usage = json_get(json_root(j), "usage");
        size_t n = json_kind(data) == JSON_ARR ? json_count(data) : 0;
        if (!n || n > ITEMS_MAX)
                return RAISE(cx, ERR_LLM_UNAVAILABLE, "%zu vectors", n);
        EmbedItem *v = NEW_ARRAY(cx->arena, EmbedItem, n);
        for (size_t i = 0; i < n; i++) {
                JsonRef item = json_at(data, i), vector = json_get(item, "embedding");
                if (json_kind(vector) != JSON_ARR && json_kind(vector) != JSON_STR)
                        return RAISE(cx, ERR_LLM_UNAVAILABLE, "no vector at %zu", i);
                v[i] = (EmbedItem){ json_int(json_get(item, "index"), (int64_t)i),
                                    json_text(cx, vector) };
        }
        ret->items = (List){ v, n };
        ret->usage =
                (TokenUsage){ .prompt = MAX(json_int(json_get(usage, "prompt_tokens"), 0), 0) };
        return OK;
}

typedef struct Booking {
        Chat *chat;
        const EmbedAsk *ask;
        Attempt attempt;
} Booking;

static Err book(Ctx *cx, DbConn *c, void *arg) {
        Booking *b = arg;
        unsigned char id[16];
        cx_random(cx, id, sizeof id);
        TRY(ledger_add(
                cx, c,
                &(LedgerEntry){ b->ask->user_id, id, "embedding", { &b->attempt, 1 }, true }));
        return ledger_alerts(cx, b->chat, c, b->ask->user_id);
}

static Err status_error(Ctx *cx, int status) {
        if (status == 400 || status == 413 || status == 422)
                return RAISE(cx, ERR_BAD_REQUEST, "the provider answers %d", status);
        return RAISE(cx, ERR_LLM_UNAVAILABLE, "the provider answers %d", status);
}

/* The slot is ours: one call, its verdict, its vectors. */
static Err embed_call(Ctx *cx, Chat *chat, Provider *p, const EmbedAsk *ask, Embedded *ret) {
        CallSpec spec;
        CallResult r = { 0 };
        Str body;
        Err e = request_body(cx, ask, &body);
        if (!e) {
                provider_embed_spec(p, body, &spec);
                spec.response_max = RESPONSE_MAX;
                e = client_call(cx, chat->rooms.client, &spec, &r);
                if (e) {
                        err_clear(cx);
                        e = RAISE(cx, ERR_LLM_UNAVAILABLE, "vectors: %s",
                                  r.error ? r.error : "not sent");
                }
        }
        if (!e)
                e = r.status == 200 ? answer_read(cx, r.body, ret) : status_error(cx, r.status);
        provider_result(cx, p, cx_mono_us(cx) / 1000,
                        !e                         ? CALL_GOOD
                        : e == ERR_LLM_UNAVAILABLE ? CALL_BAD
                                                   : CALL_NEUTRAL);
        return e;
}

static Err embed_once(Ctx *cx, Chat *chat, Provider *p, const EmbedAsk *ask, Embedded *ret) {
        SlotWait none = { 0 };
        int64_t started_us = cx_mono_us(cx), now_ms = started_us / 1000;
        Slot s = provider_enter(p, now_ms, &none);
        if (s == SLOT_QUEUED && provider_leave(p, &none))
                s = SLOT_BUSY; /* a worker does not wait for a slot */
        if (s == SLOT_BUSY || s == SLOT_OPEN) {
                cx->err.retry_after_s = MAX(provider_wait_ms(p, now_ms) / 1000, 1);
                return RAISE(cx, ERR_LLM_UNAVAILABLE, "the provider is not called now");
        }
        TRY(embed_call(cx, chat, p, ask, ret));
        TokenUsage *u = &ret->usage;
        u->unpriced = !price_cost(provider_price(p), u->prompt, 0, 0, &u->cost_micro);
        Booking b = { chat,
                      ask,
                      { provider_name(p), ask->model, STR("ok"),
                        (cx_mono_us(cx) - started_us) / 1000, true, *u } };
        provider_observe(p, ask->model, STR("ok"), (double)b.attempt.ms / 1000, 0);
        return db_write(cx, chat->rooms.db, book, &b);
}

Err chat_embed(Ctx *cx, Chat *chat, const EmbedAsk *ask, Embedded *ret) {
        Provider *p = provider_of(chat, ask->model);
        DbConn *c;
        int64_t worst = 0;
        if (!p)
                return RAISE(cx, ERR_MODEL_NOT_FOUND, "no provider has it");
        TRY(db_read(cx, chat->rooms.db, &c));
        TRY(spend_prepare(cx, chat->up.spend, c, ask->user_id));
        if (!price_cost(provider_price(p), tokens_estimate(ask->input.n), 0, 0, &worst))
                worst = 0;
        if (!provider_is_free(p) &&
            !spend_reserve(chat->up.spend, ask->user_id, cx_now_ms(cx), worst))
                return RAISE(cx, ERR_BUDGET, "no room for %lld micro-dollars", (long long)worst);
        Embedded out = { .model = ask->model };
        Err e = embed_once(cx, chat, p, ask, &out);
        if (!provider_is_free(p))
                spend_settle(chat->up.spend, ask->user_id, cx_now_ms(cx), worst,
                             e || out.usage.unpriced ? 0 : out.usage.cost_micro);
        if (!e)
                *ret = out;
        return e;
}

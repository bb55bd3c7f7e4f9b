// SPDX-License-Identifier: MIT
#include "chat/wire.h"

#include "codec/json.h"

enum { WIRE_DEPTH = 32, REQUEST_MAX = 8 * 1024 * 1024, TOKENS_MAX = 1000000000 };

int64_t tokens_estimate(size_t bytes) { return (int64_t)((bytes + 3) / 4); }

/* Members that this side decides, whatever the caller sent along. */
static bool is_ours(Str name, const WireRequest *in) {
        static const char *const always[] = { "model",          "messages", "stream",
                                              "stream_options", "user",     "metadata" };
        for (size_t i = 0; i < ELEMENTSOF(always); i++)
                if (str_eq_c(name, always[i]))
                        return true;
        return (in->max_tokens.has &&
                (str_eq_c(name, "max_tokens") || str_eq_c(name, "max_completion_tokens"))) ||
               (in->temperature.has && str_eq_c(name, "temperature"));
}

static Err options_add(Ctx *cx, Buf *out, const WireRequest *in) {
        if (!in->options.p)
                return OK;
        _cleanup_(json_freep) Json *j = NULL;
        TRY(json_parse(cx, in->options, WIRE_DEPTH, &j));
        for (JsonIter it = { 0 }; json_next(json_root(j), &it);) {
                if (is_ours(it.name, in))
                        continue;
                buf_addc(out, ',');
                json_write_str(out, it.name);
                buf_addc(out, ':');
                buf_add(out, json_text(cx, it.value));
        }
        return OK;
}

Err wire_request(Ctx *cx, const WireRequest *in, Str *ret) {
        _cleanup_(buf_done) Buf out = BUF(REQUEST_MAX);
        buf_add_c(&out, "{\"model\":");
        json_write_str(&out, in->model);
        buf_add_c(&out, ",\"messages\":");
        buf_add(&out, in->messages);
        if (in->max_tokens.has)
                buf_addf(&out, ",\"max_tokens\":%lld", (long long)in->max_tokens.v);
        if (in->temperature.has)
                buf_addf(&out, ",\"temperature\":%.6g", in->temperature.v);
        TRY(options_add(cx, &out, in));
        buf_add_c(&out, in->stream ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"
                                   : "}");
        if (out.full)
                return RAISE(cx, ERR_TOO_LARGE, "prompt over %d bytes", REQUEST_MAX);
        *ret = arena_dup(cx->arena, buf_str(&out));
        return OK;
}

Err wire_messages_insert(Ctx *cx, Str messages, Str block, Str *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        _cleanup_(buf_done) Buf out = BUF(REQUEST_MAX);
        TRY(json_parse(cx, messages, WIRE_DEPTH, &j));
        JsonRef list = json_root(j);
        size_t n = json_count(list), last = n;
        for (size_t i = 0; i < n; i++)
                if (str_eq_c(json_str(json_get(json_at(list, i), "role")), "user"))
                        last = i;
        if (json_kind(list) != JSON_ARR || last == n)
                return RAISE_FIELD(cx, "#/messages", "must hold a message of the user");
        for (size_t i = 0; i < n; i++) {
                buf_addc(&out, i ? ',' : '[');
                if (i == last) {
                        buf_add_c(&out, "{\"role\":\"system\",\"content\":");
                        json_write_str(&out, block);
                        buf_add_c(&out, "},");
                }
                buf_add(&out, json_text(cx, json_at(list, i)));
        }
        buf_addc(&out, ']');
        if (out.full)
                return RAISE(cx, ERR_TOO_LARGE, "messages over %d bytes", REQUEST_MAX);
        *ret = arena_dup(cx->arena, buf_str(&out));
        return OK;
}

static bool is_count(int64_t n) { return n >= 0 && n <= TOKENS_MAX; }

/* Numbers that cannot be are as good as none: it is estimated then, never free. */
static void usage_read(JsonRef usage, WireAnswer *a) {
        int64_t prompt = json_int(json_get(usage, "prompt_tokens"), -1);
        int64_t completion = json_int(json_get(usage, "completion_tokens"), -1);
        if (!is_count(prompt) || !is_count(completion))
                return;
        a->has_usage = true;
        a->prompt_tokens = prompt;
        a->completion_tokens = completion;
        a->cached_tokens = MAX(
                json_int(json_get(json_get(usage, "prompt_tokens_details"), "cached_tokens"), 0),
                0);
}

static void message_read(Ctx *cx, JsonRef message, WireAnswer *a) {
        a->text = arena_dup(cx->arena, json_str(json_get(message, "content")));
        JsonRef calls = json_get(message, "tool_calls");
        if (json_kind(calls) == JSON_ARR && json_count(calls))
                a->tool_calls = json_text(cx, calls);
}

/* `part` is "message" of a whole answer or "delta" of a chunk. */
static Err answer_read(Ctx *cx, Str text, const char *part, WireAnswer *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        if (json_parse(cx, text, WIRE_DEPTH, &j)) {
                err_clear(cx);
                return RAISE(cx, ERR_UPSTREAM, "the answer is not JSON");
        }
        JsonRef root = json_root(j), choices = json_get(root, "choices");
        if (json_kind(json_get(root, "error")) == JSON_OBJ)
                return RAISE(cx, ERR_UPSTREAM, "the provider reports an error");
        if (json_kind(choices) != JSON_ARR)
                return RAISE(cx, ERR_UPSTREAM, "the answer has no choices");
        WireAnswer a = { 0 };
        JsonRef first = json_at(choices, 0);
        message_read(cx, json_get(first, part), &a);
        a.finish_reason = arena_dup(cx->arena, json_str(json_get(first, "finish_reason")));
        usage_read(json_get(root, "usage"), &a);
        *ret = a;
        return OK;
}

Err wire_whole(Ctx *cx, Str body, WireAnswer *ret) {
        WireAnswer a;
        TRY(answer_read(cx, body, "message", &a));
        if (!a.text.p && !a.tool_calls.p)
                return RAISE(cx, ERR_UPSTREAM, "the answer has no text");
        if (!a.finish_reason.p)
                a.finish_reason = STR("stop");
        *ret = a;
        return OK;
}

Err wire_chunk(Ctx *cx, Str data, WireAnswer *ret) {
        if (str_eq_c(str_trim(data), "[DONE]")) {
                *ret = (WireAnswer){ .is_end = true };
                return OK;
        }
        return answer_read(cx, data, "delta", ret);
}

// SPDX-License-Identifier: MIT
#pragma once
/* wire: the OpenAI chat completions form, towards a provider. Pure: text in, structs out. Nothing a
 * provider says is passed on as it stands; only the members read here leave this file. */
#include "base/base.h"
#include "codec/shape.h"

typedef struct WireRequest {
        Str model;
        Str messages; /* JSON array */
        /* JSON object of further members, or STR_NULL; its stream and model are ours */
        Str options;
        OptInt max_tokens;
        OptNum temperature;
        bool stream;
} WireRequest;
Err wire_request(Ctx *cx, const WireRequest *in, Str *ret) _must_check_;

/* The messages with one system message more, before the last of the user. ERR_INVALID: not an array
 * of messages. */
Err wire_messages_insert(Ctx *cx, Str messages, Str block, Str *ret) _must_check_;

/* A whole answer, or one chunk of a stream. Everything is in cx->arena. */
typedef struct WireAnswer {
        Str text;               /* STR_NULL: none */
        Str tool_calls;         /* JSON array, or STR_NULL */
        Str finish_reason;      /* STR_NULL: goes on */
        bool has_usage, is_end; /* is_end: [DONE] */
        int64_t prompt_tokens, completion_tokens, cached_tokens;
} WireAnswer;
/* ERR_UPSTREAM: not JSON, not of this form, or the provider's own error. */
Err wire_whole(Ctx *cx, Str body, WireAnswer *ret) _must_check_;
Err wire_chunk(Ctx *cx, Str data, WireAnswer *ret) _must_check_;

int64_t tokens_estimate(size_t bytes); /* bytes / 4 rounded up */

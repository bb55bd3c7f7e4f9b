// SPDX-License-Identifier: MIT
#pragma once
/* sse: event streams (WHATWG HTML, section 9.2) in both directions. The parser takes bytes as they
 * come, cut anywhere, and holds at most `event_max` bytes of an unfinished event. */
#include "base/base.h"

/* event: "message" when the stream names none */
typedef struct SseEvent {
        Str event, data, id;
} SseEvent;

typedef struct SseParser {
        Buf line, data, event, id;
        size_t event_max;
        int64_t retry_ms; /* last `retry:` seen; -1 = none */
        bool after_cr, bom_checked, has_data;
} SseParser;

void sse_init(SseParser *p, size_t event_max);
void sse_done(SseParser *p);
/* Calls `fn` for each complete event; its Strs live until it returns; its failure ends the feed and
 * is returned. ERR_TOO_LARGE: a line or an event passed event_max. A stream that ends in the middle
 * of an event has lost that event. */
typedef Err SseFn(void *arg, const SseEvent *ev);
Err sse_feed(Ctx *cx, SseParser *p, Str bytes, SseFn *fn, void *arg) _must_check_;

/* Absent members are left out; line breaks in data become several data lines; event and id must
 * hold none. */
void sse_write(Buf *out, const SseEvent *ev);
void sse_write_comment(Buf *out, Str text); /* ": text", keeps a stream alive */
void sse_write_retry(Buf *out, int64_t ms);

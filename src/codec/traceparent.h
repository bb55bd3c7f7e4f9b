// SPDX-License-Identifier: MIT
#pragma once
/* traceparent: W3C Trace Context. 00-<32 hex>-<16 hex>-<2 hex>, lower case. */
#include "base/base.h"

enum { TRACEPARENT_TEXT = 55 };
typedef struct TraceParent {
        char trace_id[33], span_id[17];
        bool sampled;
} TraceParent;

/* false: start a new trace (wrong form, all-zero ids, version ff). A higher version is read by its
 * first fields. */
bool traceparent_parse(Str header, TraceParent *ret) _must_check_;
void traceparent_write(char out[TRACEPARENT_TEXT + 1], const TraceParent *tp);

/* The ids of a request: those of the header's trace, or a new trace; always a span of our own. */
void trace_start(Ctx *cx, Str header);

// SPDX-License-Identifier: MIT
#include "codec/fuzz_ctx.h"
#include "codec/traceparent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        FUZZ_CTX(cx);
        TraceParent tp;
        if (traceparent_parse(str_n(data, n), &tp)) {
                char text[TRACEPARENT_TEXT + 1];
                TraceParent again;
                traceparent_write(text, &tp);
                ENSURE(traceparent_parse(str_c(text), &again));
                ENSURE(!strcmp(tp.trace_id, again.trace_id) && !strcmp(tp.span_id, again.span_id));
                ENSURE(tp.sampled == again.sampled);
                ENSURE(!memcmp(data + 3, tp.trace_id, 32) && !memcmp(data + 36, tp.span_id, 16));
        }
        trace_start(cx, str_n(data, n));
        ENSURE(strlen(cx->trace_id) == 32 && strlen(cx->span_id) == 16);
        return 0;
}

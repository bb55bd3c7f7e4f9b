// SPDX-License-Identifier: MIT
/* A stream gives the same events in one piece and in pieces; what is written reads back. */
#include "codec/fuzz_ctx.h"
#include "codec/sse.h"

static Err collect(void *arg, const SseEvent *ev) {
        buf_addf(arg, "[%zu,%zu,%zu]", ev->event.n, ev->data.n, ev->id.n);
        buf_add(arg, ev->event);
        buf_add(arg, ev->data);
        buf_add(arg, ev->id);
        return OK;
}

/* An id lasts until another comes: one that was taken back is written as empty. */
static Err rewrite(void *arg, const SseEvent *ev) {
        SseEvent whole = *ev;
        if (!whole.id.p)
                whole.id = STR("");
        sse_write(arg, &whole);
        return OK;
}

/* Fed in pieces of `step` bytes. */
static Err feed(Ctx *cx, Str s, size_t step, SseFn *fn, Buf *out) {
        SseParser p;
        Err e = OK;
        sse_init(&p, 512);
        for (; s.n && !e; s = str_from(s, step))
                e = sse_feed(cx, &p, str_to(s, step), fn, out);
        sse_done(&p);
        return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        FUZZ_CTX(cx);
        Str s = str_n(data, n);
        size_t step = fuzz_take(&s) % 8u + 1;
        Buf whole = BUF(1 << 22), pieces = BUF(1 << 22), text = BUF(1 << 22), back = BUF(1 << 22);
        Err e = feed(cx, s, s.n + 1, collect, &whole);
        ENSURE(feed(cx, s, step, collect, &pieces) == e);
        ENSURE(str_eq(buf_str(&whole), buf_str(&pieces)));
        ENSURE(feed(cx, s, step, rewrite, &text) == e);
        if (!e) {
                SseParser p;
                sse_init(&p, 1 << 20);
                ENSURE(sse_feed(cx, &p, buf_str(&text), collect, &back) == OK);
                ENSURE(str_eq(buf_str(&whole), buf_str(&back)));
                sse_done(&p);
        }
        buf_done(&whole);
        buf_done(&pieces);
        buf_done(&text);
        buf_done(&back);
        return 0;
}

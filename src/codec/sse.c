// SPDX-License-Identifier: MIT
#include "codec/sse.h"

void sse_init(SseParser *p, size_t event_max) {
        *p = (SseParser){
                .line = BUF(event_max),
                .data = BUF(event_max),
                .event = BUF(event_max),
                .id = BUF(event_max),
                .event_max = event_max,
                .retry_ms = -1,
        };
}

void sse_done(SseParser *p) {
        buf_done(&p->line);
        buf_done(&p->data);
        buf_done(&p->event);
        buf_done(&p->id);
}

static void set(Buf *b, Str value) {
        buf_clear(b);
        buf_add(b, value);
}

static Err event_end(SseParser *p, SseFn *fn, void *arg) {
        Err e = OK;
        if (p->has_data) {
                Str data = buf_str(&p->data);
                SseEvent ev = {
                        .event = p->event.n ? buf_str(&p->event) : STR("message"),
                        .data = str_to(data,
                                       data.n - 1), /* without the line break after the last line */
                        .id = p->id.n ? buf_str(&p->id) : STR_NULL,
                };
                e = fn(arg, &ev);
        }
        buf_clear(&p->data);
        buf_clear(&p->event);
        p->has_data = false;
        return e;
}

static void field(SseParser *p, Str name, Str value) {
        if (str_eq_c(name, "data")) {
                buf_add(&p->data, value);
                buf_addc(&p->data, '\n');
                p->has_data = true;
        } else if (str_eq_c(name, "event")) {
                set(&p->event, value);
        } else if (str_eq_c(name, "id")) {
                if (!value.n || !memchr(value.p, '\0', value.n))
                        set(&p->id, value);
        } else if (str_eq_c(name, "retry")) {
                int64_t ms;
                if (value.n && value.p[0] != '-' && str_to_i64(value, &ms))
                        p->retry_ms = ms;
        }
}

static Err line_end(Ctx *cx, SseParser *p, SseFn *fn, void *arg) {
        if (!p->line.n)
                return event_end(p, fn, arg);
        Str line = buf_str(&p->line), value = line;
        Str name = str_cut(&value, ':');
        if (value.n && value.p[0] == ' ')
                value = str_from(value, 1);
        field(p, name, value.p ? value : STR("")); /* a comment has the empty name: no field */
        buf_clear(&p->line);
        if (p->data.full || p->event.full || p->id.full)
                return RAISE(cx, ERR_TOO_LARGE, "event over %zu bytes", p->event_max);
        return OK;
}

static size_t line_run(Str bytes) {
        size_t n = str_index(bytes, '\n');
        return str_index(str_to(bytes, n), '\r');
}

/* A byte order mark is only one at the very start, and may come in pieces. */
static void bom_drop(SseParser *p) {
        static const char bom[] = "\xEF\xBB\xBF";
        if (p->bom_checked)
                return;
        if (p->line.n >= 3 && !memcmp(p->line.p, bom, 3))
                buf_drop(&p->line, 3);
        p->bom_checked = true;
}

Err sse_feed(Ctx *cx, SseParser *p, Str bytes, SseFn *fn, void *arg) {
        while (bytes.n) {
                if (p->after_cr && bytes.p[0] == '\n') { /* the second half of a CRLF */
                        p->after_cr = false;
                        bytes = str_from(bytes, 1);
                        continue;
                }
                p->after_cr = false;
                size_t n = line_run(bytes);
                if (!buf_add(&p->line, str_to(bytes, n)))
                        return RAISE(cx, ERR_TOO_LARGE, "line over %zu bytes", p->event_max);
                if (n == bytes.n)
                        return OK;
                p->after_cr = bytes.p[n] == '\r';
                bytes = str_from(bytes, n + 1);
                bom_drop(p);
                TRY(line_end(cx, p, fn, arg));
        }
        return OK;
}

/* ---- writing ---- */

static void write_line(Buf *out, Str head, Str text) {
        buf_add(out, head);
        buf_add(out, text);
        buf_addc(out, '\n');
}

static bool is_one_line(Str s) { return line_run(s) == s.n; }

void sse_write(Buf *out, const SseEvent *ev) {
        assert(is_one_line(ev->event) && is_one_line(ev->id));
        if (ev->id.p)
                write_line(out, STR("id: "), ev->id);
        if (ev->event.p)
                write_line(out, STR("event: "), ev->event);
        for (Str rest = ev->data; rest.p;) {
                size_t n = line_run(rest);
                write_line(out, STR("data: "), str_to(rest, n));
                bool crlf = rest.n - n >= 2 && rest.p[n] == '\r' && rest.p[n + 1] == '\n';
                rest = n < rest.n ? str_from(rest, n + (crlf ? 2 : 1)) : STR_NULL;
        }
        buf_addc(out, '\n');
}

void sse_write_comment(Buf *out, Str text) {
        assert(is_one_line(text));
        write_line(out, STR(": "), text);
        buf_addc(out, '\n');
}

void sse_write_retry(Buf *out, int64_t ms) {
        buf_add(out, STR("retry: "));
        buf_add_i64(out, ms);
        buf_add(out, STR("\n\n"));
}

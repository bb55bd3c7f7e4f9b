// SPDX-License-Identifier: MIT
/* Answers: through the library, and past it where it would speak for us or cannot speak. */
#include "web/server_int.h"

#include <linux/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { RAW_MAX = 64 * 1024 };

/* ---- fields ---- */

static bool is_connection(Str name) {
        return name.n == 10 && str_eq_nocase(name, STR("connection"));
}

static size_t fields_size(const Header *h, size_t n) {
        size_t size = 0;
        for (size_t i = 0; i < n; i++)
                size += h[i].name.n + h[i].value.n + 4;
        return size;
}

/* The library copies each field three times into blocks of their own, and an answer has a dozen of
 * them. So it gets one field whose value holds all others: LINE stands for the line breaks, which
 * it would refuse, until they are put back in its copy. No value can hold LINE of itself. */
#define LINE "\x01\x01"

static char *put(char *to, Str s) {
        memcpy(to, s.p, s.n);
        return to + s.n;
}

static char *fields_join(char *to, const Header *h, size_t n) {
        to += gate_value_copy(to, h[0].value);
        for (size_t i = 1; i < n; i++) {
                if (is_connection(h[i].name))
                        continue;
                to = put(to, STR(LINE));
                to = put(to, h[i].name);
                to = put(to, STR(": "));
                to += gate_value_copy(to, h[i].value);
        }
        *to = '\0';
        return to;
}

static void lines_break(char *p) {
        while ((p = strstr(p, LINE))) {
                *p++ = '\r';
                *p++ = '\n';
        }
}

void response_headers(Request *rq, struct MHD_Response *r, const Header *headers, size_t n) {
        if (rq->close || atomic_load_explicit(&rq->loop->server->closing, memory_order_relaxed))
                MHD_add_response_header(r, "Connection", "close");
        if (!n)
                return;
        assert(!is_connection(headers[0].name) && headers[0].value.n);
        const char *name = arena_cstr(rq->x.cx.arena, headers[0].name);
        char *all = arena_bytes(rq->x.cx.arena, fields_size(headers, n) + 1);
        fields_join(all, headers, n);
        if (MHD_add_response_header(r, name, all) == MHD_YES)
                lines_break((char *)(uintptr_t)MHD_get_response_header(r, name));
}

/* ---- through the library ---- */

static struct MHD_Response *response_make(Request *rq, const Answer *a) {
        struct MHD_Response *r = MHD_create_response_from_buffer(
                a->body.n, (void *)(uintptr_t)a->body.p, MHD_RESPMEM_PERSISTENT);
        if (!r)
                abort();
        response_headers(rq, r, a->headers, a->n_headers);
        return r;
}

static void answered_run(Loop *l, Post *p) {
        Request *rq = CONTAINER_OF(p, Request, post);
        answer_queue(rq);
        request_resume(rq);
}

static void raw_write(Request *rq, const Answer *a);

void exchange_answer(Exchange *x, const Answer *a) {
        Request *rq = request_of(x);
        assert(!rq->answered && !rq->stream);
        rq->answered = true;
        rq->close |= a->close;
        x->status = a->status;
        x->bytes_out = a->body.n;
        if (rq->raw) {
                raw_write(rq, a);
                return;
        }
        rq->response = response_make(rq, a);
        if (rq->called) {
                answered_run(rq->loop, &rq->post);
        } else if (rq->held) {
                rq->post.run = answered_run;
                loop_post(rq->loop, &rq->post); /* from here on the request is the loop's */
        }
}

static void call_run(Loop *l, Post *p) {
        Request *rq = CONTAINER_OF(p, Request, post);
        rq->called = true;
        rq->call(&rq->x);
}

void exchange_call(Exchange *x, void (*fn)(Exchange *x)) {
        Request *rq = request_of(x);
        assert(rq->held && !rq->answered);
        rq->call = fn;
        rq->post.run = call_run;
        loop_post(rq->loop, &rq->post); /* from here on the request is the loop's */
}

enum MHD_Result answer_queue(Request *rq) {
        Conn *c = rq->conn;
        rq->phase = PHASE_SEND;
        if (!rq->stream)
                watch_arm(&rq->loop->send, &c->watch, rq->loop->now_us);
        enum MHD_Result ok = MHD_queue_response(c->mhd, (unsigned)rq->x.status, rq->response);
        MHD_destroy_response(rq->response);
        rq->response = NULL;
        return ok;
}

/* ---- past the library ---- */

static void raw_write(Request *rq, const Answer *a) {
        char line[128];
        time_t now = (time_t)(cx_now_ms(&rq->x.cx) / 1000);
        struct tm tm;
        gmtime_r(&now, &tm);
        buf_addf(rq->raw, "HTTP/1.1 %d %s\r\n", a->status,
                 MHD_get_reason_phrase_for((unsigned)a->status));
        if (strftime(line, sizeof line, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm))
                buf_add_c(rq->raw, line);
        buf_add_c(rq->raw, "Connection: close\r\n");
        for (size_t i = 0; i < a->n_headers; i++) {
                char *value = arena_bytes(rq->x.cx.arena, a->headers[i].value.n);
                Str clean = { value, gate_value_copy(value, a->headers[i].value) };
                buf_addf(rq->raw, "%.*s: %.*s\r\n", STR_FMT(a->headers[i].name), STR_FMT(clean));
        }
        buf_addf(rq->raw, "Content-Length: %zu\r\n\r\n", a->body.n);
        if (rq->x.method != HEAD)
                buf_add(rq->raw, a->body);
}

/* The connection's last answer, written to the socket before the library knows of any. Nothing may
 * be sent behind it: with the sending side shut the library's own page cannot leave, and it closes. */
void answer_raw(Conn *c, Err e) {
        Loop *l = c->loop;
        const ServerHooks *h = &l->server->set.hooks;
        Request *rq = c->rq ? c->rq : request_new(c);
        _cleanup_(buf_done) Buf out = BUF(RAW_MAX);
        if (!rq->answered) {
                rq->raw = &out;
                h->refuse(h->arg, &rq->x, e);
                rq->raw = NULL;
        }
        if (out.n && send(c->fd, out.p, out.n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)out.n)
                rq->sent_raw = true;
        c->linger = true;
        shutdown(c->fd, SHUT_WR);
        if (rq == c->rq)
                return;
        rq->phase = PHASE_NONE;
        request_release(rq);
}

/* ---- requests that the library refuses itself ---- */

/* It answers what it cannot parse with a page of its own and asks nobody. But first it logs a line,
 * on this thread, before that page is made. Which connection it means it does not say: it is one
 * that has bytes in the library and no complete request. When only one such is there it is found;
 * with more of them nobody can tell, and the library's page stands. */
enum { LOOKED_MAX = 256 };

typedef enum Part { PART_LINE = 1, PART_HEAD = 2, PART_BODY = 4 } Part;

/* Which part of a request the library can have been at when it refused with this status. */
static unsigned parts_of(unsigned status, const char *page) {
        if (strstr(page, "chunk"))
                return PART_BODY;
        if (status == 414 || status == 505)
                return PART_LINE;
        return status == 400 ? PART_LINE | PART_HEAD | PART_BODY : PART_HEAD | PART_BODY;
}

/* Bytes that came and were taken by the library. */
static uint64_t taken(const Conn *c) {
        struct tcp_info t = { .tcpi_state = 0 };
        socklen_t n = sizeof t;
        int queued = 0;
        if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &t, &n) || ioctl(c->fd, FIONREAD, &queued))
                return 0;
        return (uint64_t)t.tcpi_bytes_received - (uint64_t)(unsigned)queued;
}

static Part part_of(const Conn *c) {
        if (!c->rq)
                return c->unsure || taken(c) > c->parsed ? PART_LINE : 0;
        if (c->rq->phase == PHASE_HEAD)
                return PART_HEAD;
        return c->rq->phase == PHASE_BODY && c->rq->chunked ? PART_BODY : 0;
}

static Conn *refused_conn(const Loop *l, unsigned parts) {
        Conn *found = NULL;
        int looked = 0;
        for (Conn *c = l->conns; c; c = c->next) {
                if (!c->rq && (!(parts & PART_LINE) || ++looked > LOOKED_MAX))
                        continue;
                if (!(part_of(c) & parts))
                        continue;
                if (found)
                        return NULL;
                found = c;
        }
        return looked > LOOKED_MAX ? NULL : found;
}

static Err refused_err(unsigned status) {
        for (Err e = OK + 1; e <= ERR_HTTP_VERSION; e++)
                if (err_info[e].http == (int)status)
                        return e;
        return ERR_BAD_REQUEST;
}

static void on_library_log(void *cls, const char *format, va_list ap) {
        static const char refusal[] = "Error processing request (HTTP response code is %u";
        if (strncmp(format, refusal, sizeof refusal - 1) != 0)
                return;
        unsigned status = va_arg(ap, unsigned);
        Conn *c = refused_conn(cls, parts_of(status, va_arg(ap, const char *)));
        if (c)
                answer_raw(c, refused_err(status));
}

MHD_LogCallback const answer_on_library_log = on_library_log;

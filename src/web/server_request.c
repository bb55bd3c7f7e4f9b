// SPDX-License-Identifier: MIT
/* From the library's callbacks to the hooks: head, body, ready, end. */
#include "web/server_int.h"

#include <errno.h>
#include <limits.h>

enum {
        FIELDS_MAX = 100,
        REQUESTS_KEPT = 64,     /* free requests a loop keeps */
        SKIP_MAX = 64 * 1024,   /* a refused body up to this is read past, to keep the connection */
        PART_STEP = 256 * 1024, /* of a body in parts: to arrive within arrive_ms, each */
};

/* ---- requests are reused, with the first chunk of their arena ---- */

Request *request_new(Conn *c) {
        Loop *l = c->loop;
        Request *rq = l->free;
        Arena *a;
        if (rq) {
                l->free = rq->next_free;
                l->n_free--;
                a = rq->x.cx.arena;
        } else {
                rq = calloc(1, sizeof *rq);
                if (!rq)
                        abort();
                a = arena_new();
        }
        *rq = (Request){ .conn = c, .loop = l, .phase = PHASE_HEAD, .gone = c->half_closed };
        World *w = l->server->set.world;
        rq->x.cx = (Ctx){ .arena = a, .world = w };
        rq->x.started_us = w->mono_us(w);
        memcpy(&rq->x.peer, &c->peer, sizeof c->peer);
        return rq;
}

void request_free(Request *rq) {
        arena_free(rq->x.cx.arena);
        free(rq);
}

static void request_keep(Request *rq) {
        Loop *l = rq->loop;
        if (l->n_free >= REQUESTS_KEPT) {
                request_free(rq);
                return;
        }
        arena_clear(rq->x.cx.arena);
        rq->next_free = l->free;
        l->free = rq;
        l->n_free++;
}

static void late_run(Loop *l, Post *p) { request_keep(CONTAINER_OF(p, Request, post)); }

void request_release(Request *rq) {
        Loop *l = rq->loop;
        if (rq->stream)
                stream_detach(rq);
        if (rq->began) {
                l->server->set.hooks.end(l->server->set.hooks.arg, &rq->x);
                atomic_fetch_sub_explicit(&l->n_begun, 1, memory_order_relaxed);
        }
        buf_done(&rq->chunks);
        rq->conn->rq = NULL;
        rq->post.run = late_run;
        if (!atomic_load_explicit(&rq->post.posted, memory_order_acquire))
                request_keep(rq); /* else when the inbox hands it out */
}

/* ---- the request line ---- */

static Conn *conn_of(struct MHD_Connection *mhd) {
        return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* First sight of a request. The library would now split the query in place and spend its memory on
 * each parameter; nothing here reads those, so the query is copied and ended behind its '?'. */
static void *on_request_line(void *cls, const char *target, struct MHD_Connection *mhd) {
        Conn *c = conn_of(mhd);
        Request *rq = c->rq = request_new(c);
        rq->x.target = arena_dup(rq->x.cx.arena, str_c(target));
        char *mark = strchr((char *)(uintptr_t)target, '?');
        if (mark)
                mark[1] = '\0';
        watch_disarm(&c->look);
        /* the first request is waited for since the connection came, a slow one since it was seen */
        if (c->served && c->watch.queue != &c->loop->late)
                watch_arm(&c->loop->arrive, &c->watch, c->loop->now_us);
        return rq;
}

static size_t no_unescape(void *cls, struct MHD_Connection *mhd, char *s) { return strlen(s); }

/* ---- the head ---- */

/* The library parses in place: every part of the head is a C string inside one buffer, with NULs
 * where separators stood. So the parts must lie one behind the other with nothing between. What
 * lies between is a NUL, a folded line, a bare LF or a blank that a second reader of the same bytes
 * might take for something else. */
typedef struct Walk {
        Request *rq;
        const char *at;
        size_t max;
        bool gaps;
} Walk;

static bool blanks(const char *from, const char *to) {
        for (; from < to; from++)
                if (*from != ' ' && *from != '\t')
                        return false;
        return from == to;
}

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
                                const char *value, size_t value_n) {
        Walk *w = cls;
        Request *rq = w->rq;
        w->gaps |= name != w->at || !value || !blanks(name + name_n + 1, value);
        w->at = value ? value + value_n + 2 : name;
        if (rq->n_fields < w->max)
                rq->fields[rq->n_fields++] = (Header){ { name, name_n }, { value, value_n } };
        return MHD_YES;
}

static void fields_read(Request *rq, Walk *w) {
        int n = MHD_get_connection_values_n(rq->conn->mhd, MHD_HEADER_KIND, NULL, NULL);
        w->max = MIN((size_t)MAX(n, 0), (size_t)FIELDS_MAX + 1);
        rq->fields = (Header *)(void *)arena_alloc(rq->x.cx.arena, w->max * sizeof(Header));
        MHD_get_connection_values_n(rq->conn->mhd, MHD_HEADER_KIND, on_field, w);
}

static Err head_check(Request *rq, const char *method, const char *version, GatePass *pass) {
        size_t method_n = strlen(method), version_n = strlen(version);
        const char *target = method + method_n + 1;
        Walk w = { .rq = rq,
                   .at = version + version_n + 2,
                   .gaps = target + rq->x.target.n + 1 != version };
        fields_read(rq, &w);
        rq->head_size =
                MHD_get_connection_info(rq->conn->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
                        ->header_size;
        w.gaps |= w.at + 2 != method + rq->head_size;

        GateHead head = {
                .method = { method, method_n },
                .target = rq->x.target,
                .version = { version, version_n },
                .fields = rq->fields,
                .n_fields = rq->n_fields,
                .size = rq->head_size,
                .gaps = w.gaps,
        };
        Err e = gate_check(&rq->x.cx, &head, &rq->loop->server->gate, pass);
        if (e)
                return e;
        rq->x.method = pass->method;
        rq->x.target = pass->target;
        rq->x.path = pass->path;
        rq->x.query = pass->query;
        rq->chunked = pass->chunked;
        rq->length = pass->length;
        return OK;
}

static void refuse(Request *rq, Err e) {
        const ServerHooks *h = &rq->loop->server->set.hooks;
        h->refuse(h->arg, &rq->x, e);
        if (!rq->answered)
                exchange_answer(&rq->x, &(Answer){ .status = err_info[e].http });
}

static void begin(Request *rq) {
        const ServerHooks *h = &rq->loop->server->set.hooks;
        rq->began = true;
        rq->x.overload = loop_overload(rq->loop, rq->loop->lag_us);
        rq->close = rq->x.overload == OVERLOAD_CLOSE || rq->x.overload == OVERLOAD_FULL;
        atomic_fetch_add_explicit(&rq->loop->n_begun, 1, memory_order_relaxed);
        h->begin(h->arg, &rq->x);
        if (!rq->answered && (rq->length > rq->x.body_max || (rq->chunked && !rq->x.body_max)))
                refuse(rq, ERR_TOO_LARGE);
}

/* An answer before the body: a small body is read past and the connection goes on. A large one, or
 * one the client holds back (Expect), is not; the connection ends, but not with a reset. */
static enum MHD_Result answer_early(Request *rq) {
        bool expects = exchange_header(&rq->x, "expect").p;
        if (!rq->chunked && !rq->length) {
                rq->phase = PHASE_SKIP; /* nothing to skip: the library's next call sends it */
                return MHD_YES;
        }
        if (!rq->chunked && rq->length <= SKIP_MAX && !expects) {
                rq->phase = PHASE_SKIP;
                return MHD_YES;
        }
        rq->conn->linger = true;
        return answer_queue(rq);
}

static enum MHD_Result head_done(Request *rq, const char *method, const char *version) {
        GatePass pass;
        rq->phase = PHASE_BODY;
        Err e = head_check(rq, method, version, &pass);
        if (e) {
                rq->conn->linger = true;
                refuse(rq, e);
                return answer_queue(rq); /* before the body: the library closes afterwards */
        }
        begin(rq);
        return rq->answered ? answer_early(rq) : MHD_YES;
}

/* ---- the body ---- */

/* A body of known length gets its place at once: pages nobody fills cost nothing. */
static bool body_add(Request *rq, Str bytes) {
        Exchange *x = &rq->x;
        if (rq->chunked) {
                rq->chunks.max = x->body_max;
                return buf_add(&rq->chunks, bytes);
        }
        if (!rq->body_room) {
                rq->body_room = (size_t)rq->length;
                x->body = (Str){ arena_bytes(x->cx.arena, rq->body_room), 0 };
        }
        if (bytes.n > rq->body_room - x->body.n)
                return false;
        memcpy((char *)(uintptr_t)x->body.p + x->body.n, bytes.p, bytes.n);
        x->body.n += bytes.n;
        return true;
}

static void part_pause(Request *rq) {
        Conn *c = rq->conn;
        rq->paused = c->suspended = true;
        watch_disarm(&c->watch);
        rq->loop->n_held++;
        MHD_suspend_connection(c->mhd);
}

static void part_give(Request *rq, Str bytes) {
        const ServerHooks *h = &rq->loop->server->set.hooks;
        uint64_t steps = rq->came / PART_STEP;
        rq->came += bytes.n;
        if (rq->came / PART_STEP > steps)
                watch_arm(&rq->loop->arrive, &rq->conn->watch, rq->loop->now_us);
        if (!h->part(h->arg, &rq->x, bytes))
                part_pause(rq);
}

static void more_run(Loop *l, Post *p) {
        Request *rq = CONTAINER_OF(p, Request, post);
        rq->paused = false;
        watch_arm(&l->arrive, &rq->conn->watch, l->now_us);
        request_resume(rq);
}

void exchange_more(Exchange *x) {
        Request *rq = request_of(x);
        rq->post.run = more_run;
        loop_post(rq->loop, &rq->post);
}

/* The library cannot send an answer in the middle of a body. A chunked body over its limit is
 * answered past the library, and the connection ends. */
static enum MHD_Result body_part(Request *rq, const char *data, size_t *n) {
        Str bytes = { data, *n };
        if (rq->paused) /* the next chunk of what it has read: it keeps it */
                return MHD_YES;
        *n = 0;
        if (rq->phase != PHASE_SKIP && rq->x.in_parts) {
                part_give(rq, bytes);
                return MHD_YES;
        }
        if (rq->phase == PHASE_SKIP || body_add(rq, bytes))
                return MHD_YES;
        rq->conn->linger = true;
        answer_raw(rq->conn, ERR_TOO_LARGE);
        return MHD_NO;
}

static enum MHD_Result body_done(Request *rq) {
        Conn *c = rq->conn;
        const ServerHooks *h = &rq->loop->server->set.hooks;
        watch_disarm(&c->watch);
        if (rq->phase == PHASE_SKIP)
                return answer_queue(rq);
        rq->phase = PHASE_RUN;
        if (rq->chunked)
                rq->x.body = buf_str(&rq->chunks);
        h->ready(h->arg, &rq->x);
        if (rq->held) {
                c->suspended = true;
                rq->loop->n_held++;
                MHD_suspend_connection(c->mhd);
                return MHD_YES;
        }
        if (!rq->answered)
                refuse(rq, ERR_INTERNAL);
        return answer_queue(rq);
}

void request_resume(Request *rq) {
        Conn *c = rq->conn;
        c->suspended = false;
        rq->loop->n_held--;
        MHD_resume_connection(c->mhd);
}

/* The library's call for the head (once), each part of the body, and the end of the body. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *n, void **ctx) {
        Request *rq = *ctx;
        if (rq->phase == PHASE_HEAD)
                return head_done(rq, method, version);
        return *n ? body_part(rq, data, n) : body_done(rq);
}

/* ---- the end ---- */

static void on_completed(void *cls, struct MHD_Connection *mhd, void **ctx,
                         enum MHD_RequestTerminationCode why) {
        Request *rq = *ctx;
        Conn *c = rq->conn;
        *ctx = NULL;
        rq->x.aborted = why != MHD_REQUEST_TERMINATED_COMPLETED_OK && !rq->sent_raw;
        c->served++;
        c->parsed += rq->head_size + rq->length;
        c->unsure |= rq->chunked;
        conn_idle(c);
        request_release(rq);
}

/* ---- the daemon ---- */

extern MHD_NotifyConnectionCallback const loop_on_connection;
extern MHD_LogCallback const answer_on_library_log;

struct MHD_Daemon *request_daemon(Loop *l) {
        /* Resuming happens on the loop's own thread, right before MHD_run_wait: no channel needed.
         * Timeouts are the loop's. Leniency 0 leaves the checks it would do silently to the gate. */
        unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG |
                         (MHD_ALLOW_SUSPEND_RESUME & ~(unsigned)MHD_USE_ITC);
        return MHD_start_daemon(flags, 0, NULL, NULL, on_request, l, MHD_OPTION_EXTERNAL_LOGGER,
                                answer_on_library_log, l, MHD_OPTION_CONNECTION_LIMIT,
                                (unsigned)INT_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, conn_memory,
                                MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_CONNECTION,
                                loop_on_connection, l, MHD_OPTION_URI_LOG_CALLBACK, on_request_line,
                                l, MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, l,
                                MHD_OPTION_NOTIFY_COMPLETED, on_completed, l, MHD_OPTION_END);
}

/* ---- what the hooks ask ---- */

Str exchange_header(const Exchange *x, const char *name) {
        const Request *rq = request_of(x);
        Str want = str_c(name);
        for (size_t i = 0; i < rq->n_fields; i++)
                if (rq->fields[i].name.n == want.n && str_eq_nocase(rq->fields[i].name, want))
                        return str_trim(rq->fields[i].value);
        return STR_NULL;
}

void exchange_headers(const Exchange *x, bool (*fn)(void *arg, Str name, Str value), void *arg) {
        const Request *rq = request_of(x);
        for (size_t i = 0; i < rq->n_fields; i++)
                if (!fn(arg, rq->fields[i].name, str_trim(rq->fields[i].value)))
                        return;
}

void exchange_hold(Exchange *x) {
        Request *rq = request_of(x);
        assert(rq->phase == PHASE_RUN && !rq->answered);
        rq->held = true;
        rq->called = false; /* held once more, out of exchange_call: any thread answers again */
}

bool exchange_is_gone(const Exchange *x) {
        return atomic_load_explicit(&request_of(x)->gone, memory_order_acquire);
}

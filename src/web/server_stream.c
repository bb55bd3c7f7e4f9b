// SPDX-License-Identifier: MIT
/* Streams: from the bounded backlog of stream.c into chunks of the library. */
#include "web/server_int.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>

enum {
        CHUNK_MAX = 16 * 1024,
        BLOCK = 256, /* the library's buffer for HTTP/1.0 clients */
        PAGE = 4096,
        LOOK_US = 1000 * 1000,
        SOCKET_BUFFER = 64 * 1024, /* else the kernel hides megabytes of a slow reader */
};

/* The library lends its whole connection memory as room for one chunk. An idle stream leaves it to
 * the kernel: nothing in it is needed until the next chunk is written there. */
static void room_release(char *p, size_t n) {
        uintptr_t from = ((uintptr_t)p + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
        uintptr_t to = ((uintptr_t)p + n) & ~(uintptr_t)(PAGE - 1);
        if (to > from)
                madvise((void *)from, to - from, MADV_DONTNEED);
}

static ssize_t on_read(void *cls, uint64_t pos, char *to, size_t max) {
        Request *rq = cls;
        Conn *c = rq->conn;
        size_t n = 0;
        StreamRoom room = { to, MIN(max, (size_t)CHUNK_MAX) };
        switch (stream_take(rq->stream, room, rq->loop->now_us, &n)) {
        case STREAM_BYTES: rq->x.bytes_out += n; return (ssize_t)n;
        case STREAM_EMPTY:
                c->suspended = true;
                rq->loop->n_held++;
                MHD_suspend_connection(c->mhd);
                room_release(to, max);
                return 0;
        case STREAM_ENDED: return MHD_CONTENT_READER_END_OF_STREAM;
        case STREAM_LOST: break;
        }
        return MHD_CONTENT_READER_END_WITH_ERROR;
}

struct MHD_Response *stream_response(Request *rq, const Header *headers, size_t n) {
        struct MHD_Response *r =
                MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, rq, NULL);
        if (!r)
                abort();
        response_headers(rq, r, headers, n);
        return r;
}

/* ---- on the loop ---- */

static void woken_run(Loop *l, Post *p) {
        Request *rq = CONTAINER_OF(p, Request, post);
        if (rq->conn->suspended)
                request_resume(rq);
}

static void started_run(Loop *l, Post *p) {
        static const int size = SOCKET_BUFFER;
        Request *rq = CONTAINER_OF(p, Request, post);
        rq->post.run = woken_run;
        rq->next_stream = l->streams;
        if (l->streams)
                l->streams->prev_stream = rq;
        l->streams = rq;
        setsockopt(rq->conn->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        if (atomic_load_explicit(&rq->gone, memory_order_acquire))
                stream_lose(rq->stream);
        answer_queue(rq);
        request_resume(rq);
}

void stream_detach(Request *rq) {
        Loop *l = rq->loop;
        stream_lose(rq->stream);
        rq->stream = stream_unref(rq->stream);
        atomic_fetch_sub_explicit(&l->n_streams, 1, memory_order_relaxed);
        if (rq->phase != PHASE_SEND)
                return; /* ended before it was in the list */
        *(rq->prev_stream ? &rq->prev_stream->next_stream : &l->streams) = rq->next_stream;
        if (rq->next_stream)
                rq->next_stream->prev_stream = rq->prev_stream;
}

static void stream_look(Loop *l, Request *rq) {
        const ServerSettings *set = &l->server->set;
        switch (stream_health(rq->stream, l->now_us, set->heartbeat_ms * 1000,
                              set->stall_ms * 1000)) {
        case STREAM_WELL: break;
        case STREAM_QUIET: stream_comment(rq->stream, STR(":\n\n")); break;
        case STREAM_STALLED:
                if (conn_is_taking(rq->conn)) {
                        stream_moved(rq->stream, l->now_us);
                        break;
                }
                stream_lose(rq->stream);
                conn_cut(rq->conn);
                break;
        }
}

void streams_look(Loop *l) {
        if (l->now_us < l->stream_look_us)
                return;
        l->stream_look_us = l->now_us + MIN(LOOK_US, l->server->set.heartbeat_ms * 1000 / 4);
        for (Request *rq = l->streams; rq; rq = rq->next_stream)
                stream_look(l, rq);
}

/* ---- the producer's door ---- */

static void on_wake(void *arg) {
        Request *rq = arg;
        loop_post(rq->loop, &rq->post);
}

Stream *exchange_stream(Exchange *x, const Header *headers, size_t n, const StreamSettings *set) {
        Request *rq = request_of(x);
        assert(!rq->answered && !rq->stream);
        rq->answered = true;
        /* on the loop itself: else it was held before and the loop reads it */
        if (!rq->held)
                rq->held = true;
        x->status = 200;
        rq->stream = stream_new(set, (StreamWaker){ on_wake, rq }, cx_mono_us(&x->cx));
        rq->response = stream_response(rq, headers, n);
        rq->post.run = started_run;
        atomic_fetch_add_explicit(&rq->loop->n_streams, 1, memory_order_relaxed);
        Stream *producer = stream_ref(rq->stream);
        loop_post(rq->loop, &rq->post); /* from here on the request is the loop's */
        return producer;
}

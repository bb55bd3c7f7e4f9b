// SPDX-License-Identifier: MIT
#pragma once
/* server, inside: loops, connections and requests.
 *
 * Each loop is one thread with an epoll of its own and a libmicrohttpd daemon driven from outside
 * (MHD_run_wait), whose epoll is one descriptor of ours. All state of a connection is touched by
 * its loop alone, so a client that leaves, a deadline and an answer from another thread meet in one
 * place and in order. Other threads reach a loop by one door: loop_post.
 *
 * A connection is watched in our epoll from its first to its last moment, for one event: the client
 * closed its side (EPOLLRDHUP). The library does not look at a suspended connection at all. */
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "web/gate.h"
#include "web/stream_int.h"
#include "web/watch.h"

typedef struct Loop Loop;
typedef struct Conn Conn;
typedef struct Request Request;

/* Work for a loop, pushed by any thread. A Post is in an inbox at most once. */
typedef struct Post Post;
struct Post {
        Post *next;
        atomic_bool posted;
        void (*run)(Loop *l, Post *p);
};

/* What stands behind a descriptor in a loop's epoll. */
typedef struct Source Source;
struct Source {
        void (*ready)(Loop *l, Source *s, uint32_t events);
};

typedef enum Phase {
        PHASE_NONE = 0,
        PHASE_HEAD, /* the request line is here, the head is not complete */
        PHASE_BODY, /* `begin` ran; the body arrives */
        PHASE_SKIP, /* answered at `begin`; a small body is read past */
        PHASE_RUN,  /* `ready` ran; held, or answered just now */
        PHASE_SEND, /* the answer is with the library */
} Phase;

struct Request {
        Exchange x; /* first: the hooks' view */
        Conn *conn;
        Loop *loop;
        Phase phase;
        Header *fields;
        size_t n_fields;
        size_t head_size;
        uint64_t length;  /* of the body, by Content-Length */
        size_t body_room; /* bytes reserved for it in the arena */
        uint64_t came;    /* of a body in parts */
        bool chunked, began, held, answered, close;
        bool paused;      /* `part` has enough for now: what came since waits in the library */
        bool sent_raw;    /* the answer went past the library */
        atomic_bool gone; /* the client closed its side */
        Buf chunks;       /* body of unknown length */
        Buf *raw;         /* answers are written here, not given to the library */
        struct MHD_Response *response;
        Stream *stream;
        Request *prev_stream, *next_stream;
        Post post;
        void (*call)(Exchange *x); /* of exchange_call */
        bool called;               /* it runs: the answer comes from the loop's own inbox */
        Request *next_free;
};

struct Conn {
        Source source;
        Loop *loop;
        struct MHD_Connection *mhd;
        Request *rq;       /* the current one; NULL between requests */
        Watch watch, look; /* look: between requests, does the next one arrive? */
        Conn *prev, *next;
        int fd;
        unsigned served; /* requests answered */
        uint64_t parsed; /* bytes of complete requests, when all lengths are known */
        uint64_t seen;   /* bytes that had come at the last look, when `parsed` does not tell */
        uint64_t acked;  /* TCP acknowledged at the last look: is it still reading? */
        bool unsure;     /* a chunked body: parsed does not count it */
        bool suspended, half_closed;
        bool linger;              /* unread bytes remain: a close would reset the answer away */
        struct sockaddr_in6 peer; /* room for IPv4 as well */
};

struct Loop {
        Server *server;
        pthread_t thread;
        bool started;
        struct MHD_Daemon *mhd;
        int ep, wake_fd;
        /* quiet: only ends the wait (wake_fd, the library's epoll) */
        Source listen_source, quiet_source;
        _Atomic(Post *) inbox;
        int64_t now_us;
        _Atomic int64_t beat_us;
        atomic_size_t n_conns, n_streams, n_begun, n_posting;
        WatchQueue arrive, idle, send, linger;
        WatchQueue look, late; /* see is_arriving */
        Conn *conns;
        Conn *adding; /* being given to the library */
        Request *streams, *free;
        size_t n_free, n_held;
        int64_t stream_look_us, accept_again_us;
        int64_t lag_start_us;
        /* the longest turn of this window, of the last */
        int64_t lag_most_us, lag_before_us;
        _Atomic int64_t lag_us;
        Post stop_post, drain_post;
        bool listening;
};

struct Server {
        ServerSettings set;
        GateLimits gate;
        atomic_int fd; /* -1: given up */
        uint16_t port;
        Loop *loops;
        unsigned n_loops;
        atomic_uint n_listening;
        atomic_bool closing, accepting, freeing;
};

static inline Request *request_of(const Exchange *x) { return (Request *)(uintptr_t)x; }

/* server_loop.c */
/* All are opened before one is started: a connection may be placed on any of them. */
Err loop_open(Ctx *cx, Loop *l) _must_check_;
Err loop_start(Ctx *cx, Loop *l) _must_check_;
void loop_post(Loop *l, Post *p); /* any thread */
bool loop_join(Loop *l);          /* false: an exchange was never answered; nothing is freed */
void conn_cut(Conn *c);           /* the library will notice and close it */
bool conn_is_taking(Conn *c);     /* bytes were acknowledged since this was asked last */
void conn_idle(Conn *c);          /* between requests */
int loop_overload(const Loop *l, int64_t lag_us);
void loop_linger(Loop *l, int fd); /* takes the descriptor */

/* server_request.c: the library's callbacks */
Request *request_new(Conn *c);
void request_free(Request *rq);
void request_release(Request *rq);           /* `end`, and free now or when its Post came out */
void request_resume(Request *rq); /* a held one was answered */
struct MHD_Daemon *request_daemon(Loop *l);  /* NULL: the library refused; errno says why */

/* server_library.c */
extern const size_t conn_memory;

/* server_answer.c */
enum MHD_Result answer_queue(Request *rq); /* give rq->response to the library */
void answer_raw(Conn *c, Err e);           /* past the library, which could not or did not answer */

/* server_stream.c */
void streams_look(Loop *l); /* heartbeats, readers that stopped */
void stream_detach(Request *rq);
struct MHD_Response *stream_response(Request *rq, const Header *headers, size_t n);
void response_headers(Request *rq, struct MHD_Response *r, const Header *headers, size_t n);

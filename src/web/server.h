// SPDX-License-Identifier: MIT
#pragma once
/* server: HTTP/1.1 in front of the program (libmicrohttpd, one epoll loop thread per core).
 *
 * The server gates what the library lets pass (RFC 9112: one Host, one Content-Length, none
 * together with Transfer-Encoding, no NUL, no %00, limits on line, headers and body, a total
 * deadline for each request to arrive) and hands well-formed exchanges to its hooks. An exchange
 * is answered exactly once, from any thread. The order of answers, keep-alive and HEAD are the
 * server's. */
#include <netinet/in.h>

#include "base/base.h"

typedef struct Server Server;
typedef struct Stream Stream;

enum { HEADERS_OUT_MAX = 24 };
typedef struct Header {
        Str name, value;
} Header;

typedef enum Method { M_UNSET = 0, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, _M_N } Method;
extern const char *const method_names[_M_N];

/* One request and its answer. Owned by the server; valid until the `end` hook returned. */
typedef struct Exchange {
        Ctx cx;          /* arena, ids, deadline of this request */
        Method method;   /* M_UNSET: a method we do not know */
        Str target;      /* as sent, origin-form */
        Str path;        /* percent-decoded once, valid UTF-8, no NUL */
        Str query;       /* raw, without '?'; STR_NULL when absent */
        Str body;        /* complete when `ready` runs */
        size_t body_max; /* set by `begin`; 0 = a body is refused with 413 */
        bool in_parts;   /* set by `begin`: the body goes to `part`, and `body` stays empty */
        int overload;    /* the stage when it began: OVERLOAD_… */
        struct sockaddr_storage peer;
        int64_t started_us; /* monotonic */
        int status;         /* of the answer, for `end` */
        size_t bytes_out;
        bool aborted; /* `end`: the client was gone before all was sent */
        void *user;   /* the hooks' own, e.g. the matched route */
} Exchange;

typedef struct ServerHooks {
        void *arg;
        /* Loop thread, headers complete, gate passed. May answer at once (`ready` is then not
         * called), else sets body_max. */
        void (*begin)(void *arg, Exchange *x);
        /* Loop thread, of an exchange in_parts: what came of the body. False: no more of it for
         * now; the client waits until exchange_more. May be NULL when nothing is in_parts. */
        bool (*part)(void *arg, Exchange *x, Str bytes);
        /* Loop thread, body complete. Answers, or calls exchange_hold and answers later from any
         * thread. */
        void (*ready)(void *arg, Exchange *x);
        /* Loop thread, once per exchange that saw `begin`, after the last byte or the loss of the
         * client. */
        void (*end)(void *arg, Exchange *x);
        /* Loop thread: the gate, the parser or a deadline refuses. Answers with a problem.
         * `begin` may not have run; then there is no `end` either. */
        void (*refuse)(void *arg, Exchange *x, Err e);
        /* Loop thread, after each turn: all that was ready was looked at. May be NULL. */
        void (*turned)(void *arg);
} ServerHooks;

/* A header of the request; name is matched without case. STR_NULL when absent. Borrowed from the
 * exchange. */
Str exchange_header(const Exchange *x, const char *name);
/* Each header in turn: return false to stop. */
void exchange_headers(const Exchange *x, bool (*fn)(void *arg, Str name, Str value), void *arg);

/* Loop thread, from `ready`: the answer will come later. After this another thread may answer at
 * any time. */
void exchange_hold(Exchange *x);

/* Any thread, once for each `part` that returned false: the next one may come. */
void exchange_more(Exchange *x);

/* Any thread, while held: `fn` runs on the exchange's loop thread and answers there, so that the
 * thread that has the result does not have to write it out as well; or it holds once more. */
void exchange_call(Exchange *x, void (*fn)(Exchange *x));

/* Any thread, while held: the client closed its side. Work for it may stop; an answer is due all
 * the same. */
bool exchange_is_gone(const Exchange *x);

/* The answer; any thread once held. The headers are copied, control bytes in them become spaces;
 * the body must live in the exchange's arena or be static. `close` ends the connection after it. */
typedef struct Answer {
        int status;
        const Header *headers;
        size_t n_headers;
        Str body;
        bool close;
} Answer;
void exchange_answer(Exchange *x, const Answer *a);

/* ---- streams: a 200 answer whose body is produced bit by bit (server-sent events) ---- */
typedef struct StreamSettings {
        size_t backlog_max; /* bytes for a slow reader; 0 = 64 KiB */
        /* once, any thread: the client left or was cut. May be NULL */
        void (*gone)(void *arg);
        /* any thread: the backlog fell under half after stream_send said "full" */
        void (*drained)(void *arg);
        /* once, the last: no other callback runs or follows. May be NULL */
        void (*freed)(void *arg);
        void *arg;
} StreamSettings;
/* Turns a held exchange into a stream; headers go out at once. Returns a reference for the
 * producer. */
Stream *exchange_stream(Exchange *x, const Header *headers, size_t n, const StreamSettings *set);
Stream *stream_ref(Stream *s);
Stream *stream_unref(Stream *s);
DEFINE_CLEANUP(Stream, stream_unref)
typedef enum SendResult { SEND_OK, SEND_FULL, SEND_GONE } SendResult;
/* Any thread. SEND_FULL: taken, but pause until `drained`; at twice backlog_max the reader is cut.
 * SEND_GONE: not taken. */
SendResult stream_send(Stream *s, Str bytes);
void stream_end(Stream *s); /* after what is waiting was sent; later sends are SEND_GONE */
bool stream_is_gone(const Stream *s);
/* All open streams get `bytes` (a last event) and end: used by the drain. */
void server_end_streams(Server *s, Str bytes);

/* ---- life ---- */
typedef struct ServerSettings {
        Str listen;                   /* "127.0.0.1:8080", "[::1]:0"; ignored when fd >= 0 */
        int fd;                       /* an inherited listening socket, one of server_bind, or -1 */
        unsigned threads;             /* 0 = cores */
        unsigned connections_max;     /* 0 = half of RLIMIT_NOFILE, whose soft limit is raised */
        size_t line_max, headers_max; /* 0 = 8 KiB, 32 KiB */
        int64_t arrive_ms;            /* headers and body together; 0 = 10 000 */
        int64_t idle_ms;              /* keep-alive; 0 = 75 000 */
        int64_t heartbeat_ms;         /* a comment into a stream that says nothing; 0 = 15 000 */
        int64_t stall_ms; /* a reader that takes nothing this long to twice as long is cut; 0 = 30 000 */
        World *world;
        ServerHooks hooks;
} ServerSettings;
/* ERR_CONFLICT: the address is in use. ERR_INVALID: not an address. One clear sentence in
 * cx->err.what. */
Err server_start(Ctx *cx, const ServerSettings *set, Server **ret) _must_check_;
uint16_t server_port(const Server *s);
const char *server_library(void); /* its version, for /status */
/* The address is taken, but nobody is answered before server_start gets the descriptor: who must
 * know the port first asks it here. Fails as server_start does. */
Err server_bind(Ctx *cx, Str address, int *ret_fd) _must_check_;
uint16_t server_fd_port(int fd);
int server_fd(const Server *s); /* the listening socket, to hand to a successor */
void server_stop_accepting(Server *s);
void server_close_idle(Server *s, bool on); /* answers carry Connection: close from now on */
size_t server_in_flight(const Server *s);   /* exchanges between begin and end, streams included */
typedef struct ServerStats {
        int64_t connections, streams, in_flight;
        /* how long ago the slowest loop last came round */
        int64_t heartbeat_us_oldest;
        /* how long what arrives may wait for its turn */
        int64_t lag_us;
        int overload; /* stage */
} ServerStats;

/* Stage 1: connections run out; the server ends each one after its answer. Stage 2: what arrives
 * waits too long for its turn; the hooks refuse what can be refused (`overload` of the exchange),
 * which costs less than doing it late. Stage 3: no connection is left; new ones wait in the
 * kernel. All three end by themselves within half a second. */
enum { OVERLOAD_CLOSE = 1, OVERLOAD_REFUSE = 2, OVERLOAD_FULL = 3 };
void server_stats(const Server *s, ServerStats *ret);
Server *server_free(Server *s); /* closes what is left, joins the loops */
DEFINE_CLEANUP(Server, server_free)

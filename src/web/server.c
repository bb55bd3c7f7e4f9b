// SPDX-License-Identifier: MIT
/* The server as a whole: address, loops, stop. */
#include "web/server_int.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
        LISTEN_QUEUE = 4096,
        LOOPS_MAX = 64,
        FILES_FALLBACK = 1024,
        FILES_MAX = 65536,
};

/* ---- the address ---- */

typedef struct Address {
        struct sockaddr_storage at;
        socklen_t n;
} Address;

/* "host:port" or "[v6]:port", numbers only: a name could resolve to something else tomorrow. */
static Err address_parse(Ctx *cx, Str text, Address *ret) {
        const char *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
        if (!colon)
                return RAISE(cx, ERR_INVALID, "\"%.*s\" is not an address: write host:port",
                             STR_FMT(text));
        Str host = str_to(text, (size_t)(colon - text.p));
        Str port = str_from(text, host.n + 1);
        if (host.n > 1 && host.p[0] == '[' && host.p[host.n - 1] == ']')
                host = (Str){ host.p + 1, host.n - 2 };
        else if (memchr(host.p, ':', host.n))
                return RAISE(cx, ERR_INVALID, "write an IPv6 address as [::1]:8080");
        if (str_eq(host, STR("localhost")))
                host = STR("127.0.0.1");

        int64_t number;
        if (!str_to_i64(port, &number) || number < 0 || number > 65535)
                return RAISE(cx, ERR_INVALID, "\"%.*s\" is not a port", STR_FMT(port));
        struct addrinfo *found = NULL;
        struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                                  .ai_socktype = SOCK_STREAM };
        int e = getaddrinfo(host.n ? arena_cstr(cx->arena, host) : "0.0.0.0",
                            arena_cstr(cx->arena, port), &hints, &found);
        if (e)
                return RAISE(cx, ERR_INVALID, "\"%.*s\" is not an IP address", STR_FMT(host));
        memcpy(&ret->at, found->ai_addr, found->ai_addrlen);
        ret->n = found->ai_addrlen;
        freeaddrinfo(found);
        return OK;
}

static Err address_failed(Ctx *cx, int fd, Str listen) {
        int e = errno;
        if (fd >= 0)
                close(fd);
        if (e == EADDRINUSE)
                return RAISE(cx, ERR_CONFLICT, "%.*s is in use by another process",
                             STR_FMT(listen));
        if (e == EACCES)
                return RAISE(cx, ERR_FORBIDDEN, "no permission to listen on %.*s", STR_FMT(listen));
        return RAISE(cx, ERR_INVALID, "cannot listen on %.*s: %s", STR_FMT(listen), strerror(e));
}

Err server_bind(Ctx *cx, Str address, int *ret_fd) {
        static const int on = 1;
        Address a;
        TRY(address_parse(cx, address, &a));
        int fd = socket(a.at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return address_failed(cx, fd, address);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&a.at, a.n))
                return address_failed(cx, fd, address);
        *ret_fd = fd;
        return OK;
}

static Err address_listen(Ctx *cx, Str address, int *ret_fd) {
        int fd;
        TRY(server_bind(cx, address, &fd));
        if (listen(fd, LISTEN_QUEUE))
                return address_failed(cx, fd, address);
        *ret_fd = fd;
        return OK;
}

uint16_t server_fd_port(int fd) {
        struct sockaddr_storage at;
        socklen_t n = sizeof at;
        if (getsockname(fd, (struct sockaddr *)&at, &n))
                return 0;
        return ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                              : ((struct sockaddr_in *)&at)->sin_port);
}

static Err given_listen(Ctx *cx, int fd) {
        int listening = 0;
        socklen_t n = sizeof listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n) ||
            (!listening && (!server_fd_port(fd) || listen(fd, LISTEN_QUEUE))))
                return RAISE(cx, ERR_INVALID, "descriptor %d is not a listening socket", fd);
        int flags = fcntl(fd, F_GETFL);
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        return OK;
}

/* ---- start ---- */

/* The soft limit is a thousand almost everywhere, for the sake of select(), which nothing here uses. */
static rlim_t files_raise(void) {
        struct rlimit files;
        if (getrlimit(RLIMIT_NOFILE, &files))
                return FILES_FALLBACK;
        rlim_t want = MIN(files.rlim_max, (rlim_t)FILES_MAX);
        if (files.rlim_cur < want) {
                struct rlimit raised = { .rlim_cur = want, .rlim_max = files.rlim_max };
                if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
                        return want;
        }
        return files.rlim_cur;
}

static void defaults(ServerSettings *set) {
        rlim_t files = files_raise();
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        if (!set->threads)
                set->threads = cores > 0 ? (unsigned)cores : 1;
        set->threads = MIN(set->threads, (unsigned)LOOPS_MAX);
        if (!set->connections_max)
                set->connections_max = (unsigned)MIN(files / 2, (rlim_t)FILES_MAX);
        if (!set->line_max)
                set->line_max = 8 * 1024;
        if (!set->headers_max)
                set->headers_max = 32 * 1024;
        if (!set->arrive_ms)
                set->arrive_ms = 10 * 1000;
        if (!set->idle_ms)
                set->idle_ms = 75 * 1000;
        if (!set->heartbeat_ms)
                set->heartbeat_ms = 15 * 1000;
        if (!set->stall_ms)
                set->stall_ms = 30 * 1000;
}

static Server *server_make(const ServerSettings *set) {
        Server *s = calloc(1, sizeof *s);
        if (!s)
                abort();
        s->set = *set;
        defaults(&s->set);
        s->gate = (GateLimits){ .line_max = s->set.line_max,
                                .headers_max = s->set.headers_max,
                                .fields_max = 100 };
        s->fd = -1;
        s->loops = calloc(s->set.threads, sizeof *s->loops);
        if (!s->loops)
                abort();
        for (unsigned i = 0; i < s->set.threads; i++) {
                s->loops[i].server = s;
                s->loops[i].ep = s->loops[i].wake_fd = -1;
        }
        s->n_loops = s->set.threads;
        atomic_init(&s->n_listening, s->n_loops);
        atomic_init(&s->accepting, true);
        return s;
}

Err server_start(Ctx *cx, const ServerSettings *set, Server **ret) {
        _cleanup_(server_freep) Server *s = server_make(set);
        if (set->fd >= 0) {
                TRY(given_listen(cx, set->fd));
                s->fd = set->fd;
        } else {
                int fd = -1;
                TRY(address_listen(cx, set->listen, &fd));
                s->fd = fd;
        }
        s->port = server_fd_port(s->fd);
        for (unsigned i = 0; i < s->n_loops; i++)
                TRY(loop_open(cx, &s->loops[i]));
        for (unsigned i = 0; i < s->n_loops; i++)
                TRY(loop_start(cx, &s->loops[i]));
        *ret = s;
        s = NULL;
        return OK;
}

uint16_t server_port(const Server *s) { return s->port; }

const char *server_library(void) { return MHD_get_version(); }

int server_fd(const Server *s) { return s->fd; }

/* ---- stop ---- */

void server_stop_accepting(Server *s) {
        if (!atomic_exchange(&s->accepting, false))
                return;
        for (unsigned i = 0; i < s->n_loops; i++)
                loop_post(&s->loops[i], &s->loops[i].drain_post);
}

void server_close_idle(Server *s, bool on) { atomic_store(&s->closing, on); }

typedef struct Ending {
        Post post;
        size_t n;
        char bytes[];
} Ending;

static void ending_run(Loop *l, Post *p) {
        Ending *e = CONTAINER_OF(p, Ending, post);
        for (Request *rq = l->streams; rq; rq = rq->next_stream)
                stream_finish(rq->stream, (Str){ e->bytes, e->n });
        free(e);
}

void server_end_streams(Server *s, Str bytes) {
        for (unsigned i = 0; i < s->n_loops; i++) {
                Ending *e = calloc(1, sizeof *e + bytes.n);
                if (!e)
                        abort();
                e->post.run = ending_run;
                e->n = bytes.n;
                memcpy(e->bytes, bytes.p, bytes.n);
                loop_post(&s->loops[i], &e->post);
        }
}

Server *server_free(Server *s) {
        if (!s)
                return NULL;
        server_stop_accepting(s);
        atomic_store(&s->closing, true);
        atomic_store_explicit(&s->freeing, true, memory_order_release);
        for (unsigned i = 0; i < s->n_loops; i++)
                loop_post(&s->loops[i], &s->loops[i].stop_post);
        bool whole = true;
        for (unsigned i = 0; i < s->n_loops; i++)
                whole &= loop_join(&s->loops[i]);
        if (s->fd >= 0)
                close(s->fd);
        if (!whole)
                return NULL; /* a thread still holds an exchange: its memory stays */
        free(s->loops);
        free(s);
        return NULL;
}

/* ---- numbers ---- */

void server_stats(const Server *s, ServerStats *ret) {
        int64_t now = s->set.world->mono_us(s->set.world);
        *ret = (ServerStats){ .connections = 0 };
        for (unsigned i = 0; i < s->n_loops; i++) {
                const Loop *l = &s->loops[i];
                int64_t beat = atomic_load_explicit(&l->beat_us, memory_order_relaxed);
                ret->connections +=
                        (int64_t)atomic_load_explicit(&l->n_conns, memory_order_relaxed);
                ret->streams += (int64_t)atomic_load_explicit(&l->n_streams, memory_order_relaxed);
                ret->in_flight += (int64_t)atomic_load_explicit(&l->n_begun, memory_order_relaxed);
                ret->heartbeat_us_oldest = MAX(ret->heartbeat_us_oldest, now - beat);
                ret->lag_us =
                        MAX(ret->lag_us, atomic_load_explicit(&l->lag_us, memory_order_relaxed));
        }
        ret->overload = loop_overload(&s->loops[0], ret->lag_us);
}

size_t server_in_flight(const Server *s) {
        ServerStats t;
        server_stats(s, &t);
        return (size_t)t.in_flight;
}

// SPDX-License-Identifier: MIT
/* The loop: what happened, then the library's turn, then what is due. */
#include "web/server_int.h"

#include <errno.h>
#include <linux/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum {
        EVENTS_MAX = 128,
        ACCEPT_BATCH = 16,
        TICK_MS = 1000, /* also how often the heartbeat beats */
        LINGER_BYTES_MAX = 16 * 1024 * 1024,
        STOP_HELD_US = 5 * 1000 * 1000,
        STOP_TICK_MS = 10,
        STOP_GRACE_US = 500 * 1000,
        ACCEPT_PAUSE_US = 200 * 1000,
};

/* ---- posts: the one way in for other threads ---- */

static _Thread_local Loop *own_loop;

void loop_post(Loop *l, Post *p) {
        if (atomic_exchange_explicit(&p->posted, true, memory_order_acq_rel))
                return;
        atomic_fetch_add_explicit(&l->n_posting, 1, memory_order_relaxed);
        Post *head = atomic_load_explicit(&l->inbox, memory_order_relaxed);
        do
                p->next = head;
        while (!atomic_compare_exchange_weak_explicit(&l->inbox, &head, p, memory_order_release,
                                                      memory_order_relaxed));
        if (!head && own_loop != l)
                eventfd_write(l->wake_fd, 1); /* only the first of a batch wakes */
        atomic_fetch_sub_explicit(&l->n_posting, 1, memory_order_release);
}

static void inbox_run(Loop *l) {
        Post *p = atomic_exchange_explicit(&l->inbox, NULL, memory_order_acquire);
        Post *in_order = NULL;
        while (p) {
                Post *next = p->next;
                p->next = in_order;
                in_order = p;
                p = next;
        }
        while (in_order) {
                p = in_order;
                in_order = p->next;
                atomic_store_explicit(&p->posted, false, memory_order_release);
                p->run(l, p);
        }
}

/* ---- sources ---- */

static bool source_add(Loop *l, int fd, uint32_t events, Source *s) {
        struct epoll_event e = { .events = events, .data.ptr = s };
        return epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &e) == 0;
}

static void quiet_ready(Loop *l, Source *s, uint32_t events) {}

/* ---- connections ---- */

void conn_cut(Conn *c) { shutdown(c->fd, SHUT_RDWR); }

void conn_idle(Conn *c) {
        c->seen = 0;
        watch_arm(&c->loop->idle, &c->watch, c->loop->now_us);
        watch_arm(&c->loop->look, &c->look, c->loop->now_us);
}

static bool is_streaming(const Conn *c) {
        return c->rq && c->rq->phase == PHASE_SEND && c->rq->stream;
}

static void stream_cut(Conn *c) {
        stream_lose(c->rq->stream);
        conn_cut(c);
        if (c->suspended)
                request_resume(c->rq);
}

/* The client closed its side. Whoever works for it is told; an answer that comes anyway is still
 * sent, as a client may close one side only. The library itself sees it when it reads. */
static void conn_half_closed(Loop *l, Source *s, uint32_t events) {
        Conn *c = CONTAINER_OF(s, Conn, source);
        c->half_closed = true;
        if (c->rq)
                atomic_store_explicit(&c->rq->gone, true, memory_order_release);
        if (is_streaming(c))
                stream_cut(c);
}

static void conn_free(Conn *c) {
        Loop *l = c->loop;
        watch_disarm(&c->watch);
        watch_disarm(&c->look);
        *(c->prev ? &c->prev->next : &l->conns) = c->next;
        if (c->next)
                c->next->prev = c->prev;
        epoll_ctl(l->ep, EPOLL_CTL_DEL, c->fd, NULL);
        if (c->linger)
                loop_linger(l, dup(c->fd));
        atomic_fetch_sub_explicit(&l->n_conns, 1, memory_order_relaxed);
        free(c);
}

static Conn *conn_new(Loop *l, int fd, const struct sockaddr_in6 *peer) {
        Conn *c = calloc(1, sizeof *c);
        if (!c)
                abort();
        *c = (Conn){ .source.ready = conn_half_closed,
                     .loop = l,
                     .fd = fd,
                     .peer = *peer,
                     .next = l->conns };
        if (l->conns)
                l->conns->prev = c;
        l->conns = c;
        atomic_fetch_add_explicit(&l->n_conns, 1, memory_order_relaxed);
        return c;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode what) {
        Loop *l = cls;
        if (what == MHD_CONNECTION_NOTIFY_STARTED) {
                l->adding->mhd = mhd;
                *socket_context = l->adding;
        } else {
                conn_free(*socket_context);
        }
}

MHD_NotifyConnectionCallback const loop_on_connection = on_connection;

static void conn_add(Loop *l, int fd, const struct sockaddr_in6 *peer) {
        static const int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Conn *c = conn_new(l, fd, peer);
        watch_arm(&l->arrive, &c->watch, l->now_us);
        source_add(l, fd, EPOLLRDHUP | EPOLLET, &c->source);
        l->adding = c;
        bool known = MHD_add_connection(l->mhd, fd, (const struct sockaddr *)peer, sizeof *peer) ==
                     MHD_YES;
        if (!known && !c->mhd)
                conn_free(c); /* refused before it was announced; the descriptor is closed */
        l->adding = NULL;
}

/* ---- accepting ---- */

typedef struct Handoff {
        Post post;
        int fd;
        struct sockaddr_in6 peer;
} Handoff;

static void handoff_run(Loop *l, Post *p) {
        Handoff *h = CONTAINER_OF(p, Handoff, post);
        conn_add(l, h->fd, &h->peer);
        free(h);
}

/* The loop with fewest connections takes it: the kernel wakes one loop for most of a burst. */
static void conn_place(Loop *l, int fd, const struct sockaddr_in6 *peer) {
        Server *s = l->server;
        Loop *least = l;
        for (unsigned i = 0; i < s->n_loops; i++)
                if (atomic_load_explicit(&s->loops[i].n_conns, memory_order_relaxed) <
                    atomic_load_explicit(&least->n_conns, memory_order_relaxed))
                        least = &s->loops[i];
        if (least == l || !atomic_load(&s->accepting)) { /* another loop may be gone already */
                conn_add(l, fd, peer);
                return;
        }
        Handoff *h = calloc(1, sizeof *h);
        if (!h)
                abort();
        *h = (Handoff){ .post.run = handoff_run, .fd = fd, .peer = *peer };
        loop_post(least, &h->post);
}

static size_t connections(const Server *s) {
        size_t n = 0;
        for (unsigned i = 0; i < s->n_loops; i++)
                n += atomic_load_explicit(&s->loops[i].n_conns, memory_order_relaxed);
        return n;
}

/* Far above what a busy machine does to a turn: refusing is for when waiting is worse. */
enum { LAG_REFUSE_US = 1000 * 1000 };

int loop_overload(const Loop *l, int64_t lag_us) {
        size_t n = connections(l->server), most = l->server->set.connections_max;
        if (n >= most)
                return OVERLOAD_FULL;
        if (lag_us >= LAG_REFUSE_US)
                return OVERLOAD_REFUSE;
        return n >= most - most / 5 ? OVERLOAD_CLOSE : 0;
}

static void listen_off(Loop *l) {
        if (l->listening)
                epoll_ctl(l->ep, EPOLL_CTL_DEL, l->server->fd, NULL);
        l->listening = false;
}

static void listen_on(Loop *l) {
        bool room = connections(l->server) < l->server->set.connections_max;
        if (l->accept_again_us > l->now_us)
                listen_off(l); /* no descriptors left: a pause, not a busy loop */
        else if (!l->listening && room && atomic_load(&l->server->accepting))
                l->listening =
                        source_add(l, l->server->fd, EPOLLIN | EPOLLEXCLUSIVE, &l->listen_source);
}

/* False when there is nothing more, or no room for it: then the rest waits in the kernel's queue. */
static bool accept_one(Loop *l) {
        struct sockaddr_in6 peer = { .sin6_family = AF_UNSPEC };
        socklen_t n = sizeof peer;
        if (connections(l->server) >= l->server->set.connections_max) {
                listen_off(l);
                return false;
        }
        int fd = accept4(l->server->fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
                conn_place(l, fd, &peer);
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                l->accept_again_us = l->now_us + ACCEPT_PAUSE_US;
        return fd >= 0 || errno == ECONNABORTED || errno == EINTR;
}

static void listen_ready(Loop *l, Source *s, uint32_t events) {
        for (int i = 0; i < ACCEPT_BATCH && accept_one(l); i++)
                ;
}

/* The last loop to stop takes what the kernel had accepted, then gives up the address. A successor
 * that inherited the descriptor keeps it. */
static void drain_run(Loop *l, Post *p) {
        Server *s = l->server;
        listen_off(l);
        if (atomic_fetch_sub(&s->n_listening, 1) != 1)
                return;
        while (accept_one(l))
                ;
        close(atomic_exchange(&s->fd, -1));
}

/* ---- lingering ---- */

/* A socket closed with unread bytes is reset, and the reset overtakes the answer. So the answer's
 * last socket is kept a moment, and what the client still sends is read and forgotten. */
typedef struct Linger {
        Source source;
        Watch watch;
        int fd;
        size_t bytes;
} Linger;

static void linger_free(Linger *g) {
        watch_disarm(&g->watch);
        close(g->fd);
        free(g);
}

static void linger_ready(Loop *l, Source *s, uint32_t events) {
        Linger *g = CONTAINER_OF(s, Linger, source);
        char sink[16 * 1024];
        ssize_t n;
        while ((n = recv(g->fd, sink, sizeof sink, MSG_DONTWAIT)) > 0) {
                g->bytes += (size_t)n;
                if (g->bytes > LINGER_BYTES_MAX)
                        break;
        }
        if (n >= 0 || errno != EAGAIN)
                linger_free(g);
}

void loop_linger(Loop *l, int fd) {
        if (fd < 0)
                return;
        Linger *g = calloc(1, sizeof *g);
        if (!g)
                abort();
        *g = (Linger){ .source.ready = linger_ready, .fd = fd };
        shutdown(fd, SHUT_WR);
        watch_arm(&l->linger, &g->watch, l->now_us);
        if (!source_add(l, fd, EPOLLIN | EPOLLRDHUP, &g->source))
                linger_free(g);
}

/* ---- deadlines ---- */

static bool tcp_state(const Conn *c, struct tcp_info *ret) {
        socklen_t n = sizeof *ret;
        memset(ret, 0, sizeof *ret);
        return getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, ret, &n) == 0;
}

/* Nothing at all was sent: a connection opened early, not a slow request. */
static bool nothing_came(const Conn *c) {
        struct tcp_info t;
        return !c->rq && !c->served && tcp_state(c, &t) && t.tcpi_bytes_received == 0;
}

static void arrive_expired(Conn *c) {
        Request *rq = c->rq;
        /* A long body may take as long as a modest line needs for it. */
        enum { BYTES_PER_S = 256 * 1024 };
        bool whole = rq && rq->began && !rq->x.in_parts;
        int64_t more_us = whole ? (int64_t)(rq->length / BYTES_PER_S) * 1000000 : 0;
        if (more_us && c->loop->now_us < rq->x.started_us + c->loop->arrive.span_us + more_us) {
                watch_arm(&c->loop->arrive, &c->watch, c->loop->now_us);
                return;
        }
        if (!nothing_came(c))
                answer_raw(c, ERR_REQUEST_TIMEOUT);
        conn_cut(c);
}

/* Between requests the library says nothing before a request line is whole. So an idle connection is
 * looked at now and then: when more came than the requests that were answered, a next one has begun,
 * and from then on it has what is left of its time. An empty line alone is none. */
static bool is_arriving(Conn *c) {
        enum { EMPTY_LINE = 2 };
        struct tcp_info t;
        if (!tcp_state(c, &t))
                return false;
        uint64_t known = c->unsure ? c->seen : c->parsed;
        c->seen = t.tcpi_bytes_received;
        return known && c->seen > known + EMPTY_LINE;
}

static void look_expired(Conn *c) {
        if (is_arriving(c))
                watch_arm(&c->loop->late, &c->watch, c->loop->now_us);
        else
                watch_arm(&c->loop->look, &c->look, c->loop->now_us);
}

bool conn_is_taking(Conn *c) {
        struct tcp_info t;
        uint64_t before = c->acked;
        if (!tcp_state(c, &t))
                return false;
        c->acked = t.tcpi_bytes_acked;
        return c->acked != before;
}

/* An answer is not being taken: as long as bytes are acknowledged the client is only slow. */
static void send_expired(Conn *c) {
        if (conn_is_taking(c))
                watch_arm(&c->loop->send, &c->watch, c->loop->now_us);
        else
                conn_cut(c);
}

static void deadlines_run(Loop *l) {
        Watch *w;
        while ((w = watch_expired(&l->arrive, l->now_us)))
                arrive_expired(CONTAINER_OF(w, Conn, watch));
        while ((w = watch_expired(&l->late, l->now_us)))
                arrive_expired(CONTAINER_OF(w, Conn, watch));
        while ((w = watch_expired(&l->look, l->now_us)))
                look_expired(CONTAINER_OF(w, Conn, look));
        while ((w = watch_expired(&l->idle, l->now_us)))
                conn_cut(CONTAINER_OF(w, Conn, watch));
        while ((w = watch_expired(&l->send, l->now_us)))
                send_expired(CONTAINER_OF(w, Conn, watch));
        while ((w = watch_expired(&l->linger, l->now_us)))
                linger_free(CONTAINER_OF(w, Linger, watch));
}

static int wait_ms(const Loop *l) {
        MHD_UNSIGNED_LONG_LONG library;
        if (MHD_get_timeout(l->mhd, &library) == MHD_YES && library == 0)
                return 0;
        if (atomic_load_explicit(&l->inbox, memory_order_relaxed))
                return 0; /* posted by this thread itself */
        const WatchQueue *queues[] = { &l->arrive, &l->late, &l->idle, &l->send, &l->linger };
        /* looks are taken with a tick, so that thousands of them do not wake the loop one by one */
        int64_t next = l->now_us + MIN((int64_t)TICK_MS * 1000, l->look.span_us);
        for (size_t i = 0; i < ELEMENTSOF(queues); i++)
                next = MIN(next, watch_next_us(queues[i]));
        return next <= l->now_us ? 0 : (int)((next - l->now_us) / 1000) + 1;
}

/* ---- the thread ---- */

static int64_t now_us(const Loop *l) {
        World *w = l->server->set.world;
        return w->mono_us(w);
}

/* What comes while a turn runs waits for its end. The longest turn of the last quarter to half
 * second is what a request must expect now. */
static void lag_note(Loop *l, int64_t from_us, int64_t to_us) {
        enum { WINDOW_US = 250 * 1000 };
        if (to_us - l->lag_start_us >= WINDOW_US) {
                l->lag_before_us = to_us - l->lag_start_us < 2 * WINDOW_US ? l->lag_most_us : 0;
                l->lag_most_us = 0;
                l->lag_start_us = to_us;
        }
        l->lag_most_us = MAX(l->lag_most_us, to_us - from_us);
        int64_t lag_us = MAX(l->lag_most_us, l->lag_before_us);
        atomic_store_explicit(&l->lag_us, lag_us, memory_order_relaxed);
}

static void turn(Loop *l, int most_ms) {
        const ServerHooks *hooks = &l->server->set.hooks;
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(l->ep, events, EVENTS_MAX, MIN(wait_ms(l), most_ms));
        l->now_us = now_us(l);
        atomic_store_explicit(&l->beat_us, l->now_us, memory_order_relaxed);
        lag_note(l, l->now_us, l->now_us); /* forgets what is long ago */
        for (int i = 0; i < n; i++) {
                Source *s = events[i].data.ptr;
                s->ready(l, s, events[i].events);
        }
        inbox_run(l);
        listen_on(l);
        MHD_run_wait(l->mhd, 0);
        /* after what has come was read: a loop that was kept waiting blames no client for it */
        deadlines_run(l);
        streams_look(l);
        if (hooks->turned)
                hooks->turned(hooks->arg);
        lag_note(l, l->now_us, now_us(l));
}

/* Everything that can be closed is; held requests belong to other threads until they answer. */
static void close_all(Loop *l) {
        for (Conn *c = l->conns; c; c = c->next) {
                if (is_streaming(c))
                        stream_cut(c);
                else if (!c->suspended)
                        conn_cut(c);
        }
}

/* Accepted a moment ago and not yet answered: its request is on the way. Or some loop still
 * accepts and may hand a connection to this one. */
static bool any_expected(const Loop *l) {
        int64_t since = l->now_us + l->arrive.span_us - STOP_GRACE_US;
        const Watch *w = l->arrive.last;
        return (w && w->due_us > since) || atomic_load(&l->server->n_listening);
}

static void stop(Loop *l) {
        int64_t start = now_us(l);
        do
                turn(l, STOP_TICK_MS);
        while (any_expected(l) && l->now_us < start + STOP_GRACE_US);
        do {
                close_all(l);
                turn(l, STOP_TICK_MS);
        } while (l->n_held && l->now_us < start + STOP_HELD_US);
        close_all(l);
        turn(l, 0);
        if (l->n_held) { /* the library aborts on a suspended connection */
                LOG(NULL, LOG_ERROR, "server_stop", "requests were never answered",
                    L_INT("held", (int64_t)l->n_held));
                return;
        }
        MHD_stop_daemon(l->mhd);
        l->mhd = NULL;
        for (Watch *w; (w = watch_expired(&l->linger, INT64_MAX));)
                linger_free(CONTAINER_OF(w, Linger, watch));
}

static void *loop_main(void *arg) {
        Loop *l = own_loop = arg;
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, NULL);
        l->now_us = now_us(l);
        listen_on(l);
        while (!atomic_load_explicit(&l->server->freeing, memory_order_acquire))
                turn(l, TICK_MS);
        stop(l);
        return NULL;
}

static void stop_run(Loop *l, Post *p) {} /* its arrival ends the wait */

static Err loop_fds(Ctx *cx, Loop *l) {
        l->ep = epoll_create1(EPOLL_CLOEXEC);
        l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (l->ep < 0 || l->wake_fd < 0)
                return RAISE(cx, ERR_UNAVAILABLE, "no descriptors for the event loop: %s",
                             strerror(errno));
        l->mhd = request_daemon(l);
        if (!l->mhd)
                return RAISE(cx, ERR_UNAVAILABLE, "the HTTP library does not start: %s",
                             strerror(errno));
        int library = MHD_get_daemon_info(l->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
        l->quiet_source.ready = quiet_ready;
        l->listen_source.ready = listen_ready;
        if (!source_add(l, l->wake_fd, EPOLLIN | EPOLLET, &l->quiet_source) ||
            !source_add(l, library, EPOLLIN, &l->quiet_source))
                return RAISE(cx, ERR_UNAVAILABLE, "epoll: %s", strerror(errno));
        return OK;
}

Err loop_open(Ctx *cx, Loop *l) {
        const ServerSettings *set = &l->server->set;
        l->arrive.span_us = set->arrive_ms * 1000;
        l->idle.span_us = set->idle_ms * 1000;
        l->look.span_us = l->arrive.span_us / 5;
        /* a look comes up to a tick late, and what it finds may be as old as the look before */
        l->late.span_us =
                l->arrive.span_us - l->look.span_us - MIN((int64_t)TICK_MS * 1000, l->look.span_us);
        l->send.span_us = set->stall_ms * 1000;
        l->linger.span_us = 2 * 1000 * 1000;
        l->stop_post.run = stop_run;
        l->drain_post.run = drain_run;
        return loop_fds(cx, l);
}

Err loop_start(Ctx *cx, Loop *l) {
        int e = pthread_create(&l->thread, NULL, loop_main, l);
        if (e)
                return RAISE(cx, ERR_UNAVAILABLE, "no thread for the event loop: %s", strerror(e));
        l->started = true;
        return OK;
}

bool loop_join(Loop *l) {
        if (l->started)
                pthread_join(l->thread, NULL);
        else if (l->mhd)
                MHD_stop_daemon(l->mhd);
        if (l->n_held)
                return false;
        while (atomic_load_explicit(&l->n_posting, memory_order_acquire))
                sched_yield(); /* its work is done; it has yet to leave loop_post */
        if (l->ep >= 0)
                close(l->ep);
        if (l->wake_fd >= 0)
                close(l->wake_fd);
        for (Request *rq; (rq = l->free);) {
                l->free = rq->next_free;
                request_free(rq);
        }
        return true;
}

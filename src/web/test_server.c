// SPDX-License-Identifier: MIT
/* The server with toy hooks, spoken to through raw sockets. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/testing.h"
#include "web/server.h"

enum {
        ARRIVE_MS = 600,
        IDLE_MS = 900,
        HEARTBEAT_MS = 200,
        STALL_MS = 600,
        PATIENCE_MS = 5000,
        BODY_MAX = 100 * 1000,
        PART_MAX = 50 * 1000,
        LARGE = 24 * 1024 * 1024
};

/* ---- the toy ---- */

static struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        Exchange *held; /* of /hold: answered by the test */
        Stream *stream; /* of /stream */
        int ends, aborts, gones, drains, last_status;
} toy = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static Arena *arena;
static Server *server;
static const Header text[] = { { STR("Content-Type"), STR("text/plain") },
                               { STR("X-Toy"), STR("yes") } };

static void toy_set(void (*fn)(void *p), void *p) {
        pthread_mutex_lock(&toy.lock);
        fn(p);
        pthread_cond_broadcast(&toy.changed);
        pthread_mutex_unlock(&toy.lock);
}

static void reply(Exchange *x, int status, Str body) {
        exchange_answer(
                x, &(Answer){ .status = status, .headers = text, .n_headers = 2, .body = body });
}

static void set_held(void *p) { toy.held = p; }
static void set_stream(void *p) { toy.stream = p; }
static void count_gone(void *p) { toy.gones++; }
static void count_drain(void *p) { toy.drains++; }

static void on_gone(void *arg) { toy_set(count_gone, NULL); }
static void on_drained(void *arg) { toy_set(count_drain, NULL); }

static void *answer_later(void *arg) {
        reply(arg, 200, STR("from a thread"));
        return NULL;
}

/* What came of a body in parts: how much, and a sum that knows the order. */
typedef struct Heard {
        size_t n, since;
        uint64_t sum;
        bool full;
} Heard;

static void *take_more(void *arg) {
        Exchange *x = arg;
        ((Heard *)x->user)->full = false;
        poll(NULL, 0, 1);
        exchange_more(x);
        return NULL;
}

static bool on_part(void *arg, Exchange *x, Str bytes) {
        Heard *h = x->user;
        assert_false(h->full);
        for (size_t i = 0; i < bytes.n; i++)
                h->sum = h->sum * 31 + (unsigned char)bytes.p[i];
        h->n += bytes.n;
        h->since += bytes.n;
        if (h->since < PART_MAX)
                return true;
        pthread_t t;
        h->since = 0;
        h->full = true;
        assert_int_equal(pthread_create(&t, NULL, take_more, x), 0);
        pthread_detach(t);
        return false;
}

static void on_begin(void *arg, Exchange *x) {
        x->body_max = str_eq(x->path, STR("/nobody")) ? 0 : BODY_MAX;
        if (str_eq(x->path, STR("/parts"))) {
                x->user = NEW(x->cx.arena, Heard);
                x->in_parts = true;
                x->body_max = SIZE_MAX;
        }
        if (str_eq(x->path, STR("/refused")))
                reply(x, 401, STR("no"));
}

static void on_ready(void *arg, Exchange *x) {
        if (str_eq(x->path, STR("/echo"))) {
                reply(x, 200, x->body);
        } else if (str_eq(x->path, STR("/parts"))) {
                const Heard *h = x->user;
                reply(x, 200,
                      arena_strf(x->cx.arena, "%zu %llu", h->n, (unsigned long long)h->sum));
        } else if (str_eq(x->path, STR("/thread"))) {
                pthread_t t;
                exchange_hold(x);
                assert_int_equal(pthread_create(&t, NULL, answer_later, x), 0);
                pthread_detach(t);
        } else if (str_eq(x->path, STR("/hold"))) {
                exchange_hold(x);
                toy_set(set_held, x);
        } else if (str_eq(x->path, STR("/stream"))) {
                StreamSettings set = { .backlog_max = 64 * 1024,
                                       .gone = on_gone,
                                       .drained = on_drained };
                toy_set(set_stream, exchange_stream(x, text, 2, &set));
        } else if (str_eq(x->path, STR("/large"))) {
                char *p = arena_bytes(x->cx.arena, LARGE);
                memset(p, 'x', LARGE);
                reply(x, 200, (Str){ p, LARGE });
        } else if (str_eq(x->path, STR("/slow"))) {
                poll(NULL, 0, 1100); /* what no handler on a loop may do */
                reply(x, 200, STR("slow"));
        } else if (str_eq(x->path, STR("/stage"))) {
                reply(x, 200, arena_strf(x->cx.arena, "stage %d", x->overload));
        } else if (str_eq(x->path, STR("/forgot"))) {
                return; /* a hook that answers nothing */
        } else {
                reply(x, 200,
                      arena_strf(x->cx.arena, "%s %.*s?%.*s", method_names[x->method],
                                 STR_FMT(x->path), STR_FMT(x->query)));
        }
}

static void count_end(void *p) {
        const Exchange *x = p;
        toy.ends++;
        toy.aborts += x->aborted;
        toy.last_status = x->status;
}

static void on_end(void *arg, Exchange *x) { toy_set(count_end, x); }

static void on_refuse(void *arg, Exchange *x, Err e) {
        reply(x, err_info[e].http, arena_strf(x->cx.arena, "refused: %s", err_info[e].name));
}

static const ServerHooks hooks = {
        .begin = on_begin, .part = on_part, .ready = on_ready, .end = on_end, .refuse = on_refuse
};

static int setup(void **state) {
        arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        ServerSettings set = { .listen = STR("127.0.0.1:0"),
                               .fd = -1,
                               .threads = 2,
                               .world = &world_real,
                               .hooks = hooks,
                               .arrive_ms = ARRIVE_MS,
                               .idle_ms = IDLE_MS,
                               .heartbeat_ms = HEARTBEAT_MS,
                               .stall_ms = STALL_MS };
        assert_ok(server_start(&cx, &set, &server));
        toy.held = NULL;
        toy.stream = NULL;
        toy.ends = toy.aborts = toy.gones = toy.drains = toy.last_status = 0;
        return 0;
}

static int teardown(void **state) {
        toy.stream = stream_unref(toy.stream);
        server = server_free(server);
        arena = arena_free(arena);
        return 0;
}

/* Waits until the toy's state is as wanted; the test fails when it never is. */
static void await(const int *what, int at_least) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += PATIENCE_MS / 1000;
        int e = 0;
        pthread_mutex_lock(&toy.lock);
        while (*what < at_least && !e)
                e = pthread_cond_timedwait(&toy.changed, &toy.lock, &until);
        int got = *what;
        pthread_mutex_unlock(&toy.lock);
        assert_true(got >= at_least);
}

static void *await_ptr(void *const *what) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += PATIENCE_MS / 1000;
        pthread_mutex_lock(&toy.lock);
        while (!*what && !pthread_cond_timedwait(&toy.changed, &toy.lock, &until))
                ;
        void *got = *what;
        pthread_mutex_unlock(&toy.lock);
        assert_non_null(got);
        return got;
}

/* `end` runs a moment before the request is no longer counted. */
static void await_idle(void) {
        for (int i = 0; i < PATIENCE_MS && server_in_flight(server); i++)
                poll(NULL, 0, 1);
        assert_int_equal(server_in_flight(server), 0);
}

/* ---- the client ---- */

static int64_t mono_ms(void) { return world_real.mono_us(&world_real) / 1000; }

static int dial(void) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_port = htons(server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
        return fd;
}

static int dial_narrow(void) {
        int fd = dial(), small = 4096;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        return fd;
}

static void say_n(int fd, Str s) {
        assert_int_equal(send(fd, s.p, s.n, MSG_NOSIGNAL), (ssize_t)s.n);
}
static void say(int fd, const char *s) { say_n(fd, str_c(s)); }

/* What arrives until `enough` stands in it, the end, or `ms` of silence. */
static Str hear(int fd, const char *enough, int ms) {
        static char got[64 * 1024];
        size_t n = 0;
        struct pollfd p = { .fd = fd, .events = POLLIN };
        while (n < sizeof got - 1 && poll(&p, 1, ms) > 0) {
                ssize_t m = recv(fd, got + n, sizeof got - 1 - n, 0);
                if (m <= 0)
                        break;
                n += (size_t)m;
                got[n] = '\0';
                if (enough && strstr(got, enough))
                        break;
        }
        got[n] = '\0';
        return (Str){ got, n };
}

/* One connection, one message, all that comes back until the server closes. */
static Str talk(Str message) {
        int fd = dial();
        say_n(fd, message);
        Str s = arena_dup(arena, hear(fd, NULL, PATIENCE_MS));
        close(fd);
        return s;
}

static bool is_closed(int fd, int ms) {
        char c;
        struct pollfd p = { .fd = fd, .events = POLLIN };
        return poll(&p, 1, ms) > 0 && recv(fd, &c, 1, 0) <= 0;
}

#define GET_CLOSE(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define GET_KEEP(path)  "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define assert_starts(s, lit)                                                                      \
        do {                                                                                       \
                Str got_ = (s);                                                                    \
                if (!str_starts(got_, STR(lit)))                                                   \
                        fail_msg("got: %.*s", STR_FMT(got_));                                      \
        } while (0)
#define assert_has(s, lit)                                                                         \
        do {                                                                                       \
                Str got_ = (s);                                                                    \
                if (!str_contains(got_, STR(lit)))                                                 \
                        fail_msg("got: %.*s", STR_FMT(got_));                                      \
        } while (0)

/* ---- plain exchanges ---- */

static void test_plain(void **state) {
        Str s = talk(STR(GET_CLOSE("/a%20b?c=d&e=%20f")));
        assert_starts(s, "HTTP/1.1 200 OK\r\n");
        assert_has(s, "\r\nContent-Type: text/plain\r\nX-Toy: yes\r\n");
        assert_has(s, "\r\nConnection: close\r\n");
        assert_has(s, "\r\n\r\nGET /a b?c=d&e=%20f");
        await(&toy.ends, 1);
        assert_int_equal(toy.aborts, 0);
}

static void test_head_and_old_clients(void **state) {
        Str s = talk(STR("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        assert_has(s, "Content-Length: 8\r\n");
        assert_true(str_ends(s, STR("\r\n\r\n")));
        s = talk(STR("GET /old HTTP/1.0\r\n\r\n"));
        assert_has(s, "\r\n\r\nGET /old?");
        s = talk(STR("GET http://x/abs?q HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        assert_has(s, "\r\n\r\nGET /abs?q");
        s = talk(STR("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        assert_has(s, "\r\n\r\nOPTIONS *?");
}

static void test_bodies(void **state) {
        Str s = talk(STR("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: "
                         "close\r\n\r\nhello"));
        assert_true(str_ends(s, STR("\r\n\r\nhello")));
        s = talk(STR("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: "
                     "close\r\n\r\n"
                     "3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"));
        assert_true(str_ends(s, STR("\r\n\r\nhello")));
        s = talk(STR("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: "
                     "close\r\n\r\n"));
        assert_has(s, "Content-Length: 0\r\n");
        int fd = dial();
        say(fd,
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        assert_starts(hear(fd, "\r\n\r\n", PATIENCE_MS), "HTTP/1.1 100 Continue\r\n\r\n");
        say(fd, "hello");
        assert_has(hear(fd, "hello", PATIENCE_MS), "\r\n\r\nhello");
        close(fd);
}

static void test_keep_alive_and_pipelining(void **state) {
        int fd = dial();
        say(fd, GET_KEEP("/1") GET_KEEP("/thread") GET_KEEP("/2") GET_CLOSE("/3"));
        Str s = hear(fd, NULL, PATIENCE_MS);
        const char *one = strstr(s.p, "GET /1?"), *thread = strstr(s.p, "from a thread");
        const char *two = strstr(s.p, "GET /2?"), *three = strstr(s.p, "GET /3?");
        assert_true(one && thread && two && three && one < thread && thread < two && two < three);
        close(fd);
        await(&toy.ends, 4);
}

static void test_hook_that_answers_nothing(void **state) {
        assert_starts(talk(STR(GET_CLOSE("/forgot"))), "HTTP/1.1 500 ");
}

/* ---- what is refused ---- */

typedef struct Bad {
        Str sent;
        const char *status, *code;
} Bad;
#define BAD(s, status_, code_)                                                                     \
        { STR(s), "HTTP/1.1 " status_ " ", code_ }

static void test_malformed(void **state) {
        static const Bad cases[] = {
                BAD("GET / HTTP/1.1\r\n\r\n", "400", "bad_request"),
                BAD("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400", "bad_request"),
                BAD("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", "400", "bad_request"),
                BAD("GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n", "400", "bad_request"),
                BAD("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", "400", "bad_request"),
                BAD("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", "400", "bad_request"),
                BAD("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400", "bad_request"),
                BAD("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "400", "bad_request"),
                BAD("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "400", "bad_request"),
                BAD("GET / HTTP/1.1\nHost: a\n\n", "400", "bad_request"),
                BAD("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", "400", "bad_request"),
                BAD("GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", "400", "bad_request"),
                BAD("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", "400", "bad_request"),
                BAD("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "400", "bad_request"),
                BAD("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", "400", "bad_request"),
                BAD("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
                    "400", "bad_request"),
                BAD("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n0\r\n\r\n",
                    "400", "bad_request"),
                BAD("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n", "400",
                    "bad_request"),
                BAD("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400",
                    "bad_request"),
                BAD("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
                    "413", "too_large"),
                BAD("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501",
                    "not_implemented"),
                BAD("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                    "400", "bad_request"),
                BAD("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505", "http_version_not_supported"),
                BAD("GET / HTTP/1.9\r\nHost: a\r\n\r\n", "505", "http_version_not_supported"),
                BAD("GET / JUNK\r\nHost: a\r\n\r\n", "400", "bad_request"),
                BAD("GET /\r\nHost: a\r\n\r\n", "400", "bad_request"),
                BAD("POST /nobody HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: "
                    "close\r\n\r\nabc",
                    "413", "too_large"),
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Str s = talk(cases[i].sent);
                if (!str_starts(s, str_c(cases[i].status)) ||
                    !str_contains(s, str_c(cases[i].code)))
                        fail_msg("case %zu: %.*s got: %.*s", i, STR_FMT(cases[i].sent), STR_FMT(s));
                assert_has(s, "\r\nX-Toy: yes\r\n");
                assert_has(s, "\r\nConnection: close\r\n");
                assert_null(strstr(s.p + 1, "HTTP/1.1 ")); /* one answer, not two */
        }
        assert_has(talk(STR(GET_CLOSE("/still-well"))), "/still-well");
}

static void test_no_answer_to_no_request(void **state) {
        Str s = talk(STR("nonsense\r\n\r\n"));
        assert_int_equal(s.n, 0);
}

static Str head_of(size_t target, size_t field, size_t count) {
        Buf b = BUF(1024 * 1024);
        buf_add_c(&b, "GET /");
        for (size_t i = 0; i < target; i++)
                buf_addc(&b, 'a');
        buf_add_c(&b, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for (size_t i = 0; i < count; i++) {
                buf_addf(&b, "X-%zu: ", i);
                for (size_t j = 0; j < field; j++)
                        buf_addc(&b, 'b');
                buf_add_c(&b, "\r\n");
        }
        buf_add_c(&b, "\r\n");
        Str s = arena_dup(arena, buf_str(&b));
        buf_done(&b);
        return s;
}

static void test_sizes(void **state) {
        assert_starts(talk(head_of(8000, 10, 1)), "HTTP/1.1 200 ");
        assert_starts(talk(head_of(8300, 10, 1)), "HTTP/1.1 414 ");
        assert_starts(talk(head_of(200000, 10, 1)), "HTTP/1.1 414 ");
        assert_starts(talk(head_of(10, 30000, 1)), "HTTP/1.1 200 ");
        assert_starts(talk(head_of(8000, 3000, 10)), "HTTP/1.1 200 ");
        assert_starts(talk(head_of(10, 34000, 1)), "HTTP/1.1 431 ");
        assert_starts(talk(head_of(10, 300000, 1)), "HTTP/1.1 431 ");
        assert_starts(talk(head_of(10, 10, 98)), "HTTP/1.1 200 ");
        assert_starts(talk(head_of(10, 10, 99)), "HTTP/1.1 431 ");
        assert_starts(talk(head_of(10, 1, 8000)), "HTTP/1.1 431 ");
}

static void test_large_body_is_refused_unread(void **state) {
        int fd = dial();
        say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n");
        Str s = hear(fd, "too_large", PATIENCE_MS);
        assert_starts(s, "HTTP/1.1 413 ");
        assert_has(s, "Connection: close");
        char sink[4096] = ""; /* who sends on is not cut off while it does */
        for (int i = 0; i < 100; i++)
                assert_int_equal(send(fd, sink, sizeof sink, MSG_NOSIGNAL), (ssize_t)sizeof sink);
        assert_true(is_closed(fd, PATIENCE_MS));
        close(fd);
}

static void test_chunked_body_over_its_limit(void **state) {
        Buf b = BUF(1024 * 1024);
        buf_add_c(&b, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 30; i++)
                buf_addf(&b, "1000\r\n%04096d\r\n", 0);
        buf_add_c(&b, "0\r\n\r\n");
        Str s = talk(buf_str(&b));
        assert_starts(s, "HTTP/1.1 413 ");
        buf_done(&b);
        await(&toy.ends, 1);
        assert_int_equal(toy.last_status, 413);
}

static void test_small_refused_body_keeps_the_connection(void **state) {
        int fd = dial();
        say(fd, "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
        assert_starts(hear(fd, "\r\n\r\nno", PATIENCE_MS), "HTTP/1.1 401 ");
        say(fd, GET_CLOSE("/next"));
        assert_has(hear(fd, NULL, PATIENCE_MS), "GET /next?");
        close(fd);
}

/* ---- bodies in parts ---- */

/* Numbered lines: a part that is lost, doubled or out of place changes the sum. */
static void lines_add(Buf *b, size_t n) {
        for (size_t i = 0; i < n; i++)
                buf_addf(b, "line %zu of %zu\n", i, n);
}

static Str sum_of(Str s) {
        uint64_t sum = 0;
        for (size_t i = 0; i < s.n; i++)
                sum = sum * 31 + (unsigned char)s.p[i];
        return arena_strf(arena, "%zu %llu", s.n, (unsigned long long)sum);
}

static void test_body_in_parts(void **state) {
        _cleanup_(buf_done) Buf lines = BUF(8 * 1024 * 1024), b = BUF(16 * 1024 * 1024);
        lines_add(&lines, 60 * 1000); /* twelve times what the toy takes at once */
        Str sum = sum_of(buf_str(&lines));
        buf_addf(&b, "POST /parts HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", lines.n);
        buf_add(&b, buf_str(&lines));
        buf_add_c(&b, GET_CLOSE("/next")); /* what follows is not eaten */
        Str s = talk(buf_str(&b));
        assert_true(str_contains(s, sum));
        assert_has(s, "GET /next?");
}

static void test_chunked_body_in_parts(void **state) {
        _cleanup_(buf_done) Buf lines = BUF(8 * 1024 * 1024), b = BUF(16 * 1024 * 1024);
        lines_add(&lines, 60 * 1000);
        buf_add_c(&b, "POST /parts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                      "Connection: close\r\n\r\n");
        for (Str rest = buf_str(&lines); rest.n;) {
                Str chunk = str_to(rest, 700); /* many in what the library reads at once */
                buf_addf(&b, "%zx\r\n%.*s\r\n", chunk.n, STR_FMT(chunk));
                rest = str_from(rest, chunk.n);
        }
        buf_add_c(&b, "0\r\n\r\n");
        assert_true(str_contains(talk(buf_str(&b)), sum_of(buf_str(&lines))));
}

/* Each quarter MiB has the time of a request; a client that stops does not have more. */
static void test_slow_body_in_parts(void **state) {
        static char piece[200 * 1024];
        memset(piece, 'x', sizeof piece);
        int fd = dial();
        say(fd, "POST /parts HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
        int64_t start = mono_ms();
        for (int i = 0; i < 4; i++) {
                say_n(fd, (Str){ piece, sizeof piece });
                poll(NULL, 0, ARRIVE_MS * 2 / 3);
        }
        assert_true(mono_ms() - start > 2 * ARRIVE_MS);
        assert_false(is_closed(fd, 0));
        assert_starts(hear(fd, NULL, PATIENCE_MS), "HTTP/1.1 408 ");
        close(fd);
        await(&toy.ends, 1);
}

static void test_body_in_parts_left_alone(void **state) {
        static char piece[300 * 1024];
        int fd = dial();
        say(fd, "POST /parts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
        say_n(fd, (Str){ piece, sizeof piece });
        close(fd);
        await(&toy.aborts, 1);
        await_idle();
}

/* ---- time ---- */

static void test_slow_head_and_body(void **state) {
        static const char *const starts[] = {
                "G",
                "GET / HTTP/1.1\r\nHo",
                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe",
        };
        for (size_t i = 0; i < ELEMENTSOF(starts); i++) {
                int fd = dial();
                int64_t start = mono_ms();
                say(fd, starts[i]);
                Str s = hear(fd, NULL, PATIENCE_MS);
                assert_starts(s, "HTTP/1.1 408 ");
                assert_true(mono_ms() - start >= ARRIVE_MS - 50 &&
                            mono_ms() - start < ARRIVE_MS + 1500);
                close(fd);
        }
        int fd = dial(); /* drop by drop is no progress */
        int64_t start = mono_ms();
        for (const char *p = GET_KEEP("/aaaaaaaaaaaaaaaaaaaaaaaa"); *p && !is_closed(fd, 50); p++)
                if (send(fd, p, 1, MSG_NOSIGNAL) < 0)
                        break;
        assert_true(mono_ms() - start < ARRIVE_MS + 1500);
        close(fd);
}

/* The library says nothing of a line that is not whole; its time is bounded all the same. */
static void test_slow_line_after_a_request(void **state) {
        static const char *const firsts[] = {
                GET_KEEP("/1"),
                "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                "2\r\nhi\r\n0\r\n\r\n",
        };
        for (size_t i = 0; i < ELEMENTSOF(firsts); i++) {
                int fd = dial();
                say(fd, firsts[i]);
                assert_has(hear(fd, i ? "hi" : "/1?", PATIENCE_MS), "200");
                poll(NULL, 0, ARRIVE_MS / 3); /* idle for a while: it was looked at */
                int64_t start = mono_ms();
                bool closed = false;
                for (const char *p = GET_KEEP("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"); *p && !closed;
                     p++) {
                        if (send(fd, p, 1, MSG_NOSIGNAL) < 0)
                                break;
                        poll(NULL, 0, 40);
                        closed = mono_ms() - start > 2 * ARRIVE_MS;
                }
                assert_false(closed);
                assert_true(mono_ms() - start >= ARRIVE_MS / 2);
                assert_true(mono_ms() - start < 2 * ARRIVE_MS);
                close(fd);
        }
}

static void test_an_empty_line_is_no_request(void **state) {
        int fd = dial();
        say(fd, GET_KEEP("/1"));
        assert_has(hear(fd, "/1?", PATIENCE_MS), "200");
        say(fd, "\r\n");
        int64_t start = mono_ms();
        assert_int_equal(hear(fd, NULL, PATIENCE_MS).n, 0); /* closed as idle, without a word */
        assert_true(mono_ms() - start > (ARRIVE_MS + IDLE_MS) / 2);
        close(fd);
}

static void test_idle_connections_are_closed(void **state) {
        int fresh = dial(), used = dial();
        say(used, GET_KEEP("/1"));
        assert_has(hear(used, "/1?", PATIENCE_MS), "200");
        assert_int_equal(hear(fresh, NULL, PATIENCE_MS).n, 0); /* silently: nothing was asked */
        assert_int_equal(hear(used, NULL, PATIENCE_MS).n, 0);
        close(fresh);
        close(used);
}

static void test_reader_that_takes_nothing(void **state) {
        int fd = dial_narrow();
        say(fd, GET_KEEP("/large"));
        await(&toy.ends, 1);
        assert_int_equal(toy.aborts, 1);
        close(fd);
}

/* ---- held exchanges ---- */

static void test_held_answer(void **state) {
        int fd = dial();
        say(fd, GET_KEEP("/hold"));
        Exchange *x = await_ptr((void **)&toy.held);
        assert_false(exchange_is_gone(x));
        assert_int_equal(server_in_flight(server), 1);
        reply(x, 202, STR("late"));
        assert_has(hear(fd, "late", PATIENCE_MS), "HTTP/1.1 202 ");
        await(&toy.ends, 1);
        await_idle();
        close(fd);
}

static void test_client_that_leaves_is_noticed(void **state) {
        int fd = dial();
        say(fd, GET_KEEP("/hold"));
        Exchange *x = await_ptr((void **)&toy.held);
        int64_t start = mono_ms();
        close(fd);
        while (!exchange_is_gone(x) && mono_ms() - start < PATIENCE_MS)
                poll(NULL, 0, 1);
        assert_true(exchange_is_gone(x));
        assert_int_equal(toy.ends, 0); /* the exchange is still ours */
        reply(x, 200, STR("to nobody"));
        await(&toy.ends, 1);
}

static void test_half_closed_client_gets_its_answer(void **state) {
        int fd = dial();
        say(fd, GET_KEEP("/hold"));
        Exchange *x = await_ptr((void **)&toy.held);
        shutdown(fd, SHUT_WR);
        reply(x, 200, STR("anyway"));
        assert_has(hear(fd, "anyway", PATIENCE_MS), "200 OK");
        close(fd);
}

enum { MANY = 300 };

static void test_many_held_at_once(void **state) {
        int fds[MANY];
        for (int i = 0; i < MANY; i++)
                say(fds[i] = dial(), GET_KEEP("/thread"));
        for (int i = 0; i < MANY; i++) {
                assert_has(hear(fds[i], "from a thread", PATIENCE_MS), "200 OK");
                close(fds[i]);
        }
        await(&toy.ends, MANY);
}

/* ---- streams ---- */

static Stream *open_stream(int fd) {
        toy.stream = stream_unref(toy.stream);
        say(fd, GET_KEEP("/stream"));
        return await_ptr((void **)&toy.stream);
}

static void test_stream(void **state) {
        int fd = dial();
        Stream *s = open_stream(fd);
        Str head = hear(fd, "\r\n\r\n", PATIENCE_MS);
        assert_has(head,
                   "Transfer-Encoding: chunked\r\n"); /* the head goes out before the first event */
        assert_int_equal(stream_send(s, STR("data: one\n\n")), SEND_OK);
        assert_has(hear(fd, "one\n\n", PATIENCE_MS), "B\r\ndata: one\n\n\r\n");
        assert_has(hear(fd, ":\n\n", PATIENCE_MS), "3\r\n:\n\n\r\n"); /* the heartbeat */
        stream_send(s, STR("data: two\n\n"));
        stream_end(s);
        assert_has(hear(fd, "0\r\n\r\n", PATIENCE_MS), "data: two\n\n\r\n0\r\n\r\n");
        assert_int_equal(stream_send(s, STR("x")), SEND_GONE);
        say(fd, GET_CLOSE("/after")); /* the connection lives on */
        assert_has(hear(fd, NULL, PATIENCE_MS), "GET /after?");
        assert_int_equal(toy.gones, 0);
        close(fd);
        await(&toy.ends, 2);
        assert_int_equal(toy.aborts, 0);
}

static void test_stream_client_leaves(void **state) {
        int fd = dial();
        Stream *s = open_stream(fd);
        hear(fd, "\r\n\r\n", PATIENCE_MS);
        close(fd);
        await(&toy.gones, 1);
        assert_true(stream_is_gone(s));
        await(&toy.ends, 1);
        assert_int_equal(toy.aborts, 1);
        assert_int_equal(stream_send(s, STR("x")), SEND_GONE);
}

static void test_stream_pauses_and_goes_on(void **state) {
        int fd = dial_narrow();
        static char block[8 * 1024];
        Stream *s = open_stream(fd);
        SendResult r = SEND_OK;
        size_t sent = 0, got = 0;
        for (; r == SEND_OK && sent < 4000000; sent += sizeof block)
                r = stream_send(s, (Str){ block, sizeof block });
        assert_int_equal(r, SEND_FULL);
        char sink[4096];
        while (got < sent) {
                ssize_t n = recv(fd, sink, sizeof sink, 0);
                assert_true(n > 0);
                got += (size_t)n;
        }
        await(&toy.drains, 1);
        assert_int_equal(stream_send(s, STR("more")), SEND_OK);
        close(fd);
}

/* Whether `drained` was called once more than seen so far. */
static bool drained(int *seen, int ms) {
        int64_t start = mono_ms();
        int now;
        do {
                pthread_mutex_lock(&toy.lock);
                now = toy.drains;
                pthread_mutex_unlock(&toy.lock);
        } while (now == *seen && mono_ms() - start < ms && poll(NULL, 0, 1) == 0);
        bool more = now > *seen;
        *seen = now;
        return more;
}

/* Sends and pauses as told, until nothing is taken any more: kernel and stream are full. */
static void fill_all(Stream *s) {
        static char block[8 * 1024];
        SendResult r = SEND_OK;
        for (int drains = 0; r == SEND_OK || (r == SEND_FULL && drained(&drains, STALL_MS / 2));)
                r = stream_send(s, (Str){ block, sizeof block });
        assert_int_equal(r, SEND_FULL);
}

static void test_stream_slow_reader_is_not_cut(void **state) {
        int fd = dial_narrow();
        Stream *s = open_stream(fd);
        fill_all(s);
        int64_t start = mono_ms();
        char sink[4096];
        while (mono_ms() - start < 4 * STALL_MS) {
                assert_true(recv(fd, sink, sizeof sink, 0) > 0);
                poll(NULL, 0, STALL_MS / 6);
        }
        assert_false(stream_is_gone(s));
        close(fd);
}

static void test_stream_reader_that_stops_is_cut(void **state) {
        int fd = dial_narrow();
        fill_all(open_stream(fd));
        await(&toy.gones, 1);
        await(&toy.ends, 1);
        close(fd);
}

static void test_streams_end_at_drain(void **state) {
        int fd = dial();
        open_stream(fd);
        hear(fd, "\r\n\r\n", PATIENCE_MS);
        server_close_idle(server, true);
        server_end_streams(server, STR("event: shutdown\nretry: 1000\ndata: {}\n\n"));
        assert_has(hear(fd, "0\r\n\r\n", PATIENCE_MS), "event: shutdown");
        close(fd);
        await(&toy.ends, 1);
        assert_int_equal(toy.aborts, 0);
}

static void test_many_streams_come_and_go(void **state) {
        int fds[MANY];
        for (int i = 0; i < MANY; i++)
                open_stream(fds[i] = dial());
        ServerStats t;
        server_stats(server, &t);
        assert_int_equal(t.streams, MANY);
        for (int i = 0; i < MANY; i++)
                close(fds[i]);
        await(&toy.ends, MANY);
        await_idle();
        server_stats(server, &t);
        assert_int_equal(t.streams, 0);
}

/* ---- overload ---- */

static Server *small_server(unsigned connections_max) {
        Server *s = NULL;
        Ctx cx = { .arena = arena, .world = &world_real };
        ServerSettings set = { .listen = STR("127.0.0.1:0"),
                               .fd = -1,
                               .threads = 1,
                               .connections_max = connections_max,
                               .world = &world_real,
                               .hooks = hooks };
        assert_ok(server_start(&cx, &set, &s));
        return s;
}

static void test_long_turns_are_told(void **state) {
        server_free(server);
        server = small_server(100);
        assert_has(talk(STR(GET_CLOSE("/stage"))), "stage 0");
        assert_has(talk(STR(GET_CLOSE("/slow"))), "slow");
        assert_has(talk(STR(GET_CLOSE("/stage"))), "stage 2");
        ServerStats t;
        server_stats(server, &t);
        assert_true(t.lag_us >= 1000 * 1000);
        poll(NULL, 0, 700);
        assert_has(talk(STR(GET_CLOSE("/stage"))), "stage 0");
}

static void test_connections_run_out(void **state) {
        enum { MOST = 10, KEPT = 7 };
        int fds[MOST];
        server_free(server);
        server = small_server(MOST);
        for (int i = 0; i < KEPT; i++) {
                say(fds[i] = dial(), GET_KEEP("/1"));
                assert_false(
                        str_contains(hear(fds[i], "/1?", PATIENCE_MS), STR("Connection: close")));
        }
        /* four fifths are taken */
        assert_has(talk(STR(GET_KEEP("/8th"))), "Connection: close");
        for (int i = KEPT; i < MOST; i++)
                fds[i] = dial();
        int late = dial();
        say(late, GET_KEEP("/late"));
        struct pollfd p = { .fd = late, .events = POLLIN };
        assert_int_equal(poll(&p, 1, 200), 0); /* waits in the kernel, is not refused */
        close(fds[0]);
        assert_has(hear(late, "/late?", PATIENCE_MS), "200 OK");
        for (int i = 1; i < MOST; i++)
                close(fds[i]);
        close(late);
}

/* ---- start and stop ---- */

static void test_drain(void **state) {
        int busy = dial(), idle = dial();
        say(idle, GET_KEEP("/1"));
        hear(idle, "/1?", PATIENCE_MS);
        say(busy, GET_KEEP("/hold"));
        Exchange *x = await_ptr((void **)&toy.held);
        server_stop_accepting(server);
        server_close_idle(server, true);
        int64_t start = mono_ms();
        while (server_fd(server) >= 0 && mono_ms() - start < PATIENCE_MS)
                poll(NULL, 0, 1);
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_port = htons(server_port(server)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int refused = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(refused, (struct sockaddr *)&at, sizeof at), -1);
        close(refused);
        reply(x, 200, STR("done"));
        assert_has(hear(busy, "done", PATIENCE_MS), "Connection: close");
        say(idle, GET_KEEP("/2"));
        assert_has(hear(idle, "/2?", PATIENCE_MS), "Connection: close");
        assert_true(is_closed(idle, PATIENCE_MS));
        close(busy);
        close(idle);
}

static void test_addresses(void **state) {
        static const struct {
                const char *listen;
                Err want;
        } cases[] = {
                { "[::1]:0", OK },
                { "localhost:0", OK },
                { ":0", OK },
                { "nowhere", ERR_INVALID },
                { "127.0.0.1", ERR_INVALID },
                { "127.0.0.1:x", ERR_INVALID },
                { "127.0.0.1:70000", ERR_INVALID },
                { "300.0.0.1:80", ERR_INVALID },
                { "::1:80", ERR_INVALID },
                { "example.com:80", ERR_INVALID },
                { "192.0.2.1:0", ERR_INVALID },
                { "", ERR_INVALID },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(server_freep) Server *s = NULL;
                Ctx cx = { .arena = arena, .world = &world_real };
                ServerSettings set = { .listen = str_c(cases[i].listen),
                                       .fd = -1,
                                       .threads = 1,
                                       .world = &world_real,
                                       .hooks = hooks };
                assert_int_equal(server_start(&cx, &set, &s), cases[i].want);
                assert_int_equal(!s, cases[i].want != OK);
                assert_int_equal(!cx.err.what, cases[i].want == OK);
        }
}

static void test_busy_port_and_inherited_socket(void **state) {
        Server *second = NULL;
        Ctx cx = { .arena = arena, .world = &world_real };
        ServerSettings set = { .fd = -1,
                               .threads = 1,
                               .world = &world_real,
                               .hooks = hooks,
                               .listen = arena_strf(arena, "127.0.0.1:%u", server_port(server)) };
        assert_err(server_start(&cx, &set, &second), ERR_CONFLICT);
        assert_non_null(strstr(cx.err.what, "is in use"));
        set.fd = dup(server_fd(server));
        assert_ok(server_start(&cx, &set, &second));
        assert_int_equal(server_port(second), server_port(server));
        server_stop_accepting(server); /* the successor serves all that come from now on */
        int64_t start = mono_ms();
        while (server_fd(server) >= 0 && mono_ms() - start < PATIENCE_MS)
                poll(NULL, 0, 1);
        for (int i = 0; i < 20; i++)
                assert_has(talk(STR(GET_CLOSE("/x"))), "200 OK");
        server_free(second);
}

static void *free_server(void *arg) { return server_free(arg); }

static void test_free_waits_for_a_request_on_the_way(void **state) {
        pthread_t t;
        int fd = dial();
        ServerStats s = { .connections = 0 };
        while (!s.connections)
                server_stats(server, &s);
        assert_int_equal(pthread_create(&t, NULL, free_server, server), 0);
        poll(NULL, 0, 50);
        say(fd, GET_KEEP("/on-the-way"));
        assert_has(hear(fd, NULL, PATIENCE_MS), "/on-the-way");
        pthread_join(t, NULL);
        server = NULL;
        close(fd);
}

static void test_free_closes_what_is_left(void **state) {
        int idle = dial(), half = dial(), stream = dial();
        say(idle, GET_KEEP("/1"));
        hear(idle, "/1?", PATIENCE_MS);
        say(half, "GET / HTT");
        open_stream(stream);
        server = server_free(server);
        assert_int_equal(toy.gones, 1);
        assert_true(is_closed(idle, PATIENCE_MS));
        hear(stream, NULL, PATIENCE_MS);
        close(idle);
        close(half);
        close(stream);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_plain),
                TEST(test_head_and_old_clients),
                TEST(test_bodies),
                TEST(test_keep_alive_and_pipelining),
                TEST(test_hook_that_answers_nothing),
                TEST(test_malformed),
                TEST(test_no_answer_to_no_request),
                TEST(test_sizes),
                TEST(test_large_body_is_refused_unread),
                TEST(test_chunked_body_over_its_limit),
                TEST(test_body_in_parts),
                TEST(test_chunked_body_in_parts),
                TEST(test_slow_body_in_parts),
                TEST(test_body_in_parts_left_alone),
                TEST(test_small_refused_body_keeps_the_connection),
                TEST(test_slow_head_and_body),
                TEST(test_slow_line_after_a_request),
                TEST(test_an_empty_line_is_no_request),
                TEST(test_idle_connections_are_closed),
                TEST(test_reader_that_takes_nothing),
                TEST(test_held_answer),
                TEST(test_client_that_leaves_is_noticed),
                TEST(test_half_closed_client_gets_its_answer),
                TEST(test_many_held_at_once),
                TEST(test_stream),
                TEST(test_stream_client_leaves),
                TEST(test_stream_pauses_and_goes_on),
                TEST(test_stream_slow_reader_is_not_cut),
                TEST(test_stream_reader_that_stops_is_cut),
                TEST(test_streams_end_at_drain),
                TEST(test_many_streams_come_and_go),
                TEST(test_long_turns_are_told),
                TEST(test_connections_run_out),
                TEST(test_drain),
                TEST(test_addresses),
                TEST(test_busy_port_and_inherited_socket),
                TEST(test_free_waits_for_a_request_on_the_way),
                TEST(test_free_closes_what_is_left),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

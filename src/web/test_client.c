// SPDX-License-Identifier: MIT
/* The client against a peer of a few lines that answers what the case says; no outside host is
 * touched. */
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/testing.h"
#include "web/client.h"

/* ---- a peer: accepts, reads one request, plays the script for that connection, closes ---- */

typedef struct Script {
        const char *text;
        int wait_ms;
        bool hold;
} Script;
typedef struct Peer {
        int fd;
        uint16_t port;
        pthread_t thread;
        const Script *scripts;
        size_t n;
        int accepted;
        char request[4096];
} Peer;

static void *peer_main(void *arg) {
        Peer *p = arg;
        int held[8], n_held = 0;
        for (size_t i = 0; i < p->n; i++) {
                int fd = accept(p->fd, NULL, NULL);
                if (fd < 0)
                        break;
                p->accepted++;
                ssize_t n = recv(fd, p->request, sizeof p->request - 1, 0);
                p->request[n > 0 ? n : 0] = '\0';
                if (p->scripts[i].wait_ms)
                        usleep((unsigned)p->scripts[i].wait_ms * 1000);
                send(fd, p->scripts[i].text, strlen(p->scripts[i].text), MSG_NOSIGNAL);
                if (p->scripts[i].hold)
                        held[n_held++] = fd;
                else
                        close(fd);
        }
        char end;
        while (n_held > 0) { /* until the client hangs up */
                (void)!recv(held[--n_held], &end, 1, 0);
                close(held[n_held]);
        }
        return NULL;
}

static void peer_start(Peer *p, const Script *scripts, size_t n) {
        *p = (Peer){ .fd = socket(AF_INET, SOCK_STREAM, 0), .scripts = scripts, .n = n };
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof at;
        assert_int_equal(bind(p->fd, (struct sockaddr *)&at, sizeof at), 0);
        assert_int_equal(listen(p->fd, 16), 0);
        assert_int_equal(getsockname(p->fd, (struct sockaddr *)&at, &size), 0);
        p->port = ntohs(at.sin_port);
        assert_int_equal(pthread_create(&p->thread, NULL, peer_main, p), 0);
}

static void peer_stop(Peer *p) {
        shutdown(p->fd, SHUT_RDWR);
        pthread_join(p->thread, NULL);
        close(p->fd);
}

typedef struct Fixture {
        Arena *arena;
        Ctx cx;
        Client *client;
        Peer peer;
} Fixture;

static void fixture_start(Fixture *f, const Script *scripts, size_t n) {
        f->arena = arena_new();
        f->cx = (Ctx){ .arena = f->arena,
                       .world = &world_real,
                       .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
                       .span_id = "00f067aa0ba902b7" };
        assert_ok(client_new(&f->cx, &f->client));
        peer_start(&f->peer, scripts, n);
}

static void fixture_stop(Fixture *f) {
        f->client = client_free(f->client);
        peer_stop(&f->peer);
        arena_free(f->arena);
}

static CallSpec spec_to(Fixture *f, const char *method) {
        return (CallSpec){ .method = method,
                           .allow_private = true,
                           .url = arena_strf(f->arena, "http://127.0.0.1:%u/x", f->peer.port) };
}

#define ANSWER                                                                                     \
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Request-Id: r1\r\nContent-Length: "      \
        "5\r\n\r\nhello"
#define BUSY "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"

static void test_call_answers(void **state) {
        Fixture f;
        fixture_start(&f, (Script[]){ { ANSWER } }, 1);
        CallSpec spec = spec_to(&f, "POST");
        spec.body = STR("{\"a\":1}");
        spec.headers = (CallHeader[]){ { STR("Authorization"), STR("Bearer k") } };
        spec.n_headers = 1;
        CallResult r;
        assert_ok(client_call(&f.cx, f.client, &spec, &r));
        assert_int_equal(r.status, 200);
        assert_str(r.body, "hello");
        assert_str(r.content_type, "text/plain");
        assert_str(r.request_id, "r1");
        assert_null(r.error);
        assert_non_null(strstr(f.peer.request, "POST /x HTTP/1.1\r\n"));
        assert_non_null(strstr(f.peer.request, "Authorization: Bearer k\r\n"));
        assert_non_null(
                strstr(f.peer.request,
                       "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"));
        assert_non_null(strstr(f.peer.request, "\r\n\r\n{\"a\":1}"));
        assert_null(strstr(f.peer.request, "Expect"));
        fixture_stop(&f);
}

static void test_retries_and_reports_the_last_answer(void **state) {
        Fixture f;
        fixture_start(&f, (Script[]){ { BUSY }, { BUSY }, { ANSWER } }, 3);
        CallSpec spec = spec_to(&f, "GET");
        spec.retries = 2;
        CallResult r;
        assert_ok(client_call(&f.cx, f.client, &spec, &r));
        assert_int_equal(r.status, 200);
        assert_int_equal(f.peer.accepted, 3);
        fixture_stop(&f);
}

static void test_no_retry_when_asked_to_wait_too_long(void **state) {
        Fixture f;
        fixture_start(
                &f,
                (Script[]){
                        { "HTTP/1.1 429 Slow\r\nRetry-After: 11\r\nContent-Length: 0\r\n\r\n" } },
                1);
        CallSpec spec = spec_to(&f, "GET");
        spec.retries = 2;
        CallResult r;
        assert_ok(client_call(&f.cx, f.client, &spec, &r));
        assert_int_equal(r.status, 429);
        assert_int_equal(r.retry_after_ms, 11000);
        fixture_stop(&f);
}

/* Each limit and fault: what comes back, and what the text says. */
static void test_faults(void **state) {
        static const struct {
                Script script;
                const char *method;
                int64_t first_byte_ms, between_ms, total_ms;
                Err expect;
                const char *error;
        } cases[] = {
                { { "", .hold = true }, "GET", 100, 0, 0, ERR_TIMEOUT, "Timeout after " },
                { { "", .hold = true }, "GET", 0, 0, 150, ERR_TIMEOUT, "Timeout after " },
                { { "", .hold = true }, "POST", 100, 0, 0, ERR_UNCERTAIN, "Timeout after " },
                { { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", .hold = true },
                  "POST",
                  0,
                  100,
                  0,
                  ERR_TIMEOUT,
                  "Timeout after " },
                { { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc" },
                  "GET",
                  0,
                  0,
                  0,
                  ERR_UPSTREAM,
                  "Bad response" },
                { { "" }, "GET", 0, 0, 0, ERR_UPSTREAM, "Bad response" },
                { { "" }, "POST", 0, 0, 0, ERR_UNCERTAIN, "Bad response" },
                { { "nonsense\r\n\r\n" }, "GET", 0, 0, 0, ERR_UPSTREAM, "Bad response" },
                { { "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
                    "0123456789012345678901234567890123456789" },
                  "GET",
                  0,
                  0,
                  0,
                  ERR_TOO_LARGE,
                  "Answer too large" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Fixture f;
                fixture_start(&f, &cases[i].script, 1);
                CallSpec spec = spec_to(&f, cases[i].method);
                spec.body = strcmp(cases[i].method, "POST") ? STR_NULL : STR("{}");
                spec.first_byte_ms = cases[i].first_byte_ms;
                spec.between_ms = cases[i].between_ms;
                spec.total_ms = cases[i].total_ms;
                spec.response_max = 32;
                CallResult r = { 0 };
                assert_err(client_call(&f.cx, f.client, &spec, &r), cases[i].expect);
                assert_true(str_starts(str_c(r.error), str_c(cases[i].error)));
                fixture_stop(&f);
        }
}

static void test_redirect_is_an_answer(void **state) {
        Fixture f;
        fixture_start(&f,
                      (Script[]){ { "HTTP/1.1 302 Found\r\nLocation: "
                                    "http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n" } },
                      1);
        CallSpec spec = spec_to(&f, "GET");
        CallResult r;
        assert_ok(client_call(&f.cx, f.client, &spec, &r));
        assert_int_equal(r.status, 302);
        fixture_stop(&f);
}

static void test_refused_connection(void **state) {
        Fixture f;
        fixture_start(&f, NULL, 0);
        CallSpec spec = spec_to(&f, "POST");
        peer_stop(&f.peer);
        CallResult r = { 0 };
        assert_err(client_call(&f.cx, f.client, &spec, &r), ERR_UPSTREAM);
        assert_string_equal(r.error, "Connection refused");
        client_free(f.client);
        arena_free(f.arena);
}

/* None of these may reach a socket. */
static void test_policy(void **state) {
        static const struct {
                const char *url;
                bool allow_private;
        } cases[] = {
                { "http://127.0.0.1:1/", false },
                { "https://127.0.0.1:1/", false },
                { "https://[::1]:1/", false },
                { "https://2130706433:1/", false },
                { "https://0x7f.1:1/", false },
                { "https://localhost:1/", false },
                { "https://[::ffff:10.0.0.1]:1/", false },
                { "file:///etc/passwd", true },
                { "ftp://127.0.0.1/", true },
                { "http://user:pw@127.0.0.1:1/", true },
                { "http://user@127.0.0.1:1/", true },
                { "gopher://127.0.0.1/", true },
                { "", true },
                { "http://", true },
                { "//127.0.0.1/", true },
        };
        Fixture f;
        fixture_start(&f, NULL, 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CallSpec spec = { .method = "GET",
                                  .url = str_c(cases[i].url),
                                  .allow_private = cases[i].allow_private };
                CallResult r;
                err_clear(&f.cx);
                assert_err(client_call(&f.cx, f.client, &spec, &r), ERR_FORBIDDEN);
        }
        CallSpec spec = spec_to(&f, "GET");
        spec.headers = (CallHeader[]){ { STR("X-A"), STR("1\r\nX-B: 2") } };
        spec.n_headers = 1;
        CallResult r;
        assert_err(client_call(&f.cx, f.client, &spec, &r), ERR_FORBIDDEN);
        fixture_stop(&f);
}

static void test_addresses(void **state) {
        static const struct {
                const char *text;
                bool is_public;
        } cases[] = {
                { "8.8.8.8", true },
                { "0.0.0.0", false },
                { "10.1.2.3", false },
                { "100.64.0.1", false },
                { "100.128.0.1", true },
                { "127.8.8.8", false },
                { "169.254.169.254", false },
                { "172.16.0.1", false },
                { "172.31.255.255", false },
                { "172.32.0.1", true },
                { "192.168.1.1", false },
                { "198.18.0.1", false },
                { "198.20.0.1", true },
                { "224.0.0.1", false },
                { "255.255.255.255", false },
                { "2606:4700::1", true },
                { "::", false },
                { "::1", false },
                { "fe80::1", false },
                { "fd00::1", false },
                { "ff02::1", false },
                { "::ffff:8.8.8.8", true },
                { "::ffff:192.168.0.1", false },
                { "64:ff9b::a00:1", false },
                { "64:ff9b::808:808", true },
                { "2002:a00:1::", false },
                { "2001::1", false },
                { "2001:db8::1", false },
                { "2001:4860::8888", true },
                { "3fff::1", false },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                union {
                        struct sockaddr any;
                        struct sockaddr_in v4;
                        struct sockaddr_in6 v6;
                } a = { 0 };
                bool six = strchr(cases[i].text, ':');
                a.any.sa_family = six ? AF_INET6 : AF_INET;
                assert_int_equal(inet_pton(a.any.sa_family, cases[i].text,
                                           six ? (void *)&a.v6.sin6_addr : &a.v4.sin_addr),
                                 1);
                assert_int_equal(address_is_public(&a.any), cases[i].is_public);
        }
}

static void test_retry_waits(void **state) {
        assert_int_equal(retry_wait_ms(0, -1, 250), 250);
        assert_int_equal(retry_wait_ms(0, -1, 251), 0); /* full jitter over 0..250 */
        assert_true(retry_wait_ms(1, -1, 0xffffffff) <= 500);
        assert_true(retry_wait_ms(20, -1, 0xffffffff) <= 4000);
        assert_int_equal(retry_wait_ms(0, 10000, 7), 10000);
        assert_int_equal(retry_wait_ms(0, 10001, 7), -1);
        /* 7 s before the date of RFC 9110's example */
        int64_t now = INT64_C(784111770000);
        assert_int_equal(retry_after_parse(STR("3"), STR_NULL, now), 3000);
        assert_int_equal(retry_after_parse(STR("3"), STR("120"), now), 120);
        assert_int_equal(retry_after_parse(STR("Sun, 06 Nov 1994 08:49:37 GMT"), STR_NULL, now),
                         7000);
        assert_int_equal(
                retry_after_parse(STR("Sun, 06 Nov 1994 08:49:37 GMT"), STR_NULL, now + 60000), 0);
        assert_int_equal(retry_after_parse(STR("soon"), STR_NULL, now), -1);
        assert_int_equal(retry_after_parse(STR("-4"), STR("-5"), now), -1);
        assert_int_equal(retry_after_parse(STR_NULL, STR_NULL, now), -1);
}

/* ---- asynchronous ---- */

typedef struct Watch {
        pthread_mutex_t lock;
        pthread_cond_t cond;
        Buf text;
        int chunks, status;
        bool done, pause_first;
        Err e;
} Watch;

static void watch_head(void *arg, const CallResult *r) {
        Watch *w = arg;
        pthread_mutex_lock(&w->lock);
        w->status = r->status;
        pthread_cond_signal(&w->cond);
        pthread_mutex_unlock(&w->lock);
}

static bool watch_chunk(void *arg, Str bytes) {
        Watch *w = arg;
        pthread_mutex_lock(&w->lock);
        buf_add(&w->text, bytes);
        bool go_on = !(w->pause_first && w->chunks == 0);
        w->chunks++;
        pthread_cond_signal(&w->cond);
        pthread_mutex_unlock(&w->lock);
        return go_on;
}

static void watch_done(void *arg, Err e, const CallResult *r) {
        Watch *w = arg;
        pthread_mutex_lock(&w->lock);
        w->e = e;
        w->done = true;
        pthread_cond_signal(&w->cond);
        pthread_mutex_unlock(&w->lock);
}

#define WATCH(pause)                                                                               \
        {                                                                                          \
                .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER,               \
                .text = BUF(1 << 20), .pause_first = (pause)                                       \
        }
#define WAIT_UNTIL(w, cond_)                                                                       \
        do {                                                                                       \
                pthread_mutex_lock(&(w)->lock);                                                    \
                while (!(cond_))                                                                   \
                        pthread_cond_wait(&(w)->cond, &(w)->lock);                                 \
                pthread_mutex_unlock(&(w)->lock);                                                  \
        } while (0)

static void test_stream_pauses_and_goes_on(void **state) {
        static char text[200 * 1024];
        int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                         100 * 1024);
        memset(text + n, 'x', 100 * 1024);
        Fixture f;
        fixture_start(&f, (Script[]){ { text } }, 1);
        Watch w = WATCH(true);
        CallEvents ev = { &w, watch_head, watch_chunk, watch_done };
        CallSpec spec = spec_to(&f, "GET");
        /* must not run while we are the one who waits */
        spec.between_ms = 60;
        Call *call;
        assert_ok(client_start(&f.cx, f.client, &spec, &ev, &call));
        WAIT_UNTIL(&w, w.chunks == 1);
        usleep(200 * 1000);
        assert_int_equal(w.chunks, 1);
        assert_int_equal(client_active(f.client), 1);
        call_resume(call);
        WAIT_UNTIL(&w, w.done);
        assert_ok(w.e);
        assert_int_equal(w.status, 200);
        assert_int_equal(w.text.n, 100 * 1024);
        buf_done(&w.text);
        fixture_stop(&f);
}

static void test_cancel_and_close_end_a_call(void **state) {
        for (int by_close = 0; by_close < 2; by_close++) {
                Fixture f;
                fixture_start(&f,
                              (Script[]){ { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
                                            .hold = true } },
                              1);
                Watch w = WATCH(false);
                CallEvents ev = { &w, watch_head, watch_chunk, watch_done };
                CallSpec spec = spec_to(&f, "GET");
                Call *call;
                assert_ok(client_start(&f.cx, f.client, &spec, &ev, &call));
                WAIT_UNTIL(&w, w.chunks == 1);
                if (by_close)
                        f.client = client_free(f.client);
                else
                        call_cancel(call);
                WAIT_UNTIL(&w, w.done);
                assert_err(w.e, ERR_CANCELLED);
                buf_done(&w.text);
                fixture_stop(&f);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_call_answers),
                cmocka_unit_test(test_retries_and_reports_the_last_answer),
                cmocka_unit_test(test_no_retry_when_asked_to_wait_too_long),
                cmocka_unit_test(test_faults),
                cmocka_unit_test(test_redirect_is_an_answer),
                cmocka_unit_test(test_refused_connection),
                cmocka_unit_test(test_policy),
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_retry_waits),
                cmocka_unit_test(test_stream_pauses_and_goes_on),
                cmocka_unit_test(test_cancel_and_close_end_a_call),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

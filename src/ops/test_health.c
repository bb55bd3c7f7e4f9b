// SPDX-License-Identifier: MIT
#include "base/testing.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "ops/health.h"
#include "sys/thread.h"
#include "sys/timer.h"
#include "web/client.h"

/* A peer that answers each connection with one status, or accepts and never answers (status 0). */
typedef struct Peer {
        int fd;
        uint16_t port;
        _Atomic int status;
        pthread_t thread;
} Peer;

static void *peer_run(void *arg) {
        Peer *p = arg;
        for (int c; (c = accept(p->fd, NULL, NULL)) >= 0;) {
                char text[4096];
                ssize_t n = recv(c, text, sizeof text, 0);
                int status = atomic_load(&p->status);
                if (n > 0 && status) {
                        n = snprintf(text, sizeof text,
                                     "HTTP/1.1 %d X\r\nContent-Length: 2\r\nConnection: close\r\n"
                                     "x-ratelimit-remaining-requests: 7\r\n\r\n{}",
                                     status);
                        (void)!send(c, text, (size_t)n, MSG_NOSIGNAL);
                        close(c);
                } /* else it stays open until the process ends */
        }
        return NULL;
}

static void peer_start(Peer *p, int status) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t n = sizeof at;
        atomic_store(&p->status, status);
        p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(p->fd, (struct sockaddr *)&at, n), 0);
        assert_int_equal(listen(p->fd, 16), 0);
        assert_int_equal(getsockname(p->fd, (struct sockaddr *)&at, &n), 0);
        p->port = ntohs(at.sin_port);
        assert_int_equal(pthread_create(&p->thread, NULL, peer_run, p), 0);
}

static void peer_stop(Peer *p) {
        shutdown(p->fd, SHUT_RDWR);
        pthread_join(p->thread, NULL);
        close(p->fd);
}

typedef struct Fixture {
        Arena *arena;
        Ctx cx;
        Db *db;
        Client *client;
        Timers *timers;
        Peer peer;
} Fixture;

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof *f);
        f->arena = arena_new();
        f->cx = (Ctx){ .arena = f->arena, .world = &world_real };
        assert_ok(db_open_failing(&f->cx, ERR_STORAGE, &f->db));
        assert_ok(client_new(&f->cx, &f->client));
        assert_ok(timers_new(&f->cx, &f->timers));
        peer_start(&f->peer, 200);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        timers_free(f->timers);
        client_free(f->client);
        db_close(f->db);
        peer_stop(&f->peer);
        arena_free(f->arena);
        free(f);
        return 0;
}

static Err open_with(Fixture *f, const char *checks, Health **ret) {
        HealthSettings set = { .checks = str_c(checks), .data_dir = STR("/") };
        err_clear(&f->cx);
        return health_new(&f->cx, &(HealthRooms){ f->db, f->client, f->timers }, &set, ret);
}

static CheckView one(Fixture *f, Health *h) {
        CheckViews v;
        health_fresh(&f->cx, h);
        health_view(&f->cx, h, &v);
        assert_int_equal(v.n, 1);
        return v.v[0];
}

static const char *http_check(Fixture *f, const char *more) {
        return arena_printf(f->arena,
                            "[{\"name\":\"peer\",\"kind\":\"llm\",\"key\":\"k\",\"target\":\"http:/"
                            "/127.0.0.1:%u\"%s}]",
                            f->peer.port, more);
}

static void test_refused_lists(void **state) {
        Fixture *f = *state;
        static const struct {
                const char *checks, *says;
        } cases[] = {
                { "{}", "not a JSON list" },
                { "[{\"name\":\"a\",\"kind\":\"telepathy\"}]", "telepathy" },
                { "[{", "not a JSON list" },
                { "[{\"kind\":\"disk\"}]", "at /0/name is required" },
                { "[{\"name\":\"a\",\"kind\":\"disk\",\"timeout\":1}]", "at /0/timeout" },
                { "[{\"name\":\"a\",\"kind\":\"http\"}]", "its target must be http://" },
                { "[{\"name\":\"a\",\"kind\":\"redis\",\"url\":\"http://a\"}]", "redis://" },
                { "[{\"name\":\"a\",\"kind\":\"mongodb\",\"url\":\"mongodb://a:0\"}]",
                  "mongodb://" },
                { "[{\"name\":\"a\",\"kind\":\"smtp\"}]", "smtp://" },
                { "[{\"name\":\"a\",\"kind\":\"disk\"},{\"name\":\"a\",\"kind\":\"memory\"}]",
                  "two checks" },
                { "[{\"name\":\"a\",\"kind\":\"disk\",\"critical\":\"maybe\"}]", "critical" },
                { "[{\"name\":\"a\",\"kind\":\"disk\",\"period_ms\":1}]", "period_ms" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Health *h = NULL;
                assert_err(open_with(f, cases[i].checks, &h), ERR_INVALID);
                assert_null(h);
                assert_true(str_contains(str_c(f->cx.err.what), str_c(cases[i].says)));
        }
}

static void test_a_failing_store_is_degraded(void **state) {
        Fixture *f = *state;
        _cleanup_(health_freep) Health *h = NULL;
        assert_ok(open_with(f, "[{\"name\":\"db\",\"kind\":\"sqlite\"}]", &h));
        health_phase(h, PHASE_SERVING);
        CheckView v = one(f, h);
        assert_int_equal(v.state, HEALTH_DOWN);
        assert_string_equal(v.error, "Bad response");
        CheckViews views = { &v, 1 };
        assert_false(health_is_ready(h, &views, (Strs){ NULL, 0 }));
        assert_true(health_is_ready(h, &views, (Strs){ (Str[]){ STR("db") }, 1 }));
}

static void test_phase_decides_first(void **state) {
        Fixture *f = *state;
        _cleanup_(health_freep) Health *h = NULL;
        assert_ok(open_with(f, "[{\"name\":\"m\",\"kind\":\"memory\"}]", &h));
        CheckView v = one(f, h);
        CheckViews views = { &v, 1 };
        assert_false(health_is_ready(h, &views, (Strs){ NULL, 0 }));
        health_phase(h, PHASE_SERVING);
        assert_true(health_is_ready(h, &views, (Strs){ NULL, 0 }));
        health_phase(h, PHASE_DRAINING);
        assert_false(health_is_ready(h, &views, (Strs){ NULL, 0 }));
}

static void test_hysteresis(void **state) {
        Fixture *f = *state;
        _cleanup_(health_freep) Health *h = NULL;
        assert_ok(open_with(f, http_check(f, ",\"fail_after\":2,\"recover_after\":2"), &h));
        CheckViews before;
        health_view(&f->cx, h, &before);
        assert_int_equal(before.v[0].state, HEALTH_STARTING);
        static const struct {
                int status;
                HealthState state;
        } steps[] = {
                { 200, HEALTH_UP },   { 500, HEALTH_UP },   { 200, HEALTH_UP },
                { 500, HEALTH_UP },   { 500, HEALTH_DOWN }, { 200, HEALTH_DOWN },
                { 401, HEALTH_DOWN }, { 200, HEALTH_DOWN }, { 200, HEALTH_UP },
                { 429, HEALTH_UP },
        };
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                atomic_store(&f->peer.status, steps[i].status);
                assert_int_equal(one(f, h).state, steps[i].state);
        }
}

static void test_errors_are_told_plainly(void **state) {
        Fixture *f = *state;
        static const struct {
                int status;
                const char *error;
        } cases[] = {
                { 401, "Authentication failed" },
                { 403, "Authentication failed" },
                { 500, "HTTP 500" },
                { 0, "Timeout after 300 ms" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(health_freep) Health *h = NULL;
                atomic_store(&f->peer.status, cases[i].status);
                assert_ok(open_with(f, http_check(f, ",\"timeout_ms\":300"), &h));
                CheckView v = one(f, h);
                assert_int_equal(v.state, HEALTH_DOWN);
                assert_string_equal(v.error, cases[i].error);
        }
}

static void test_rate_limit_is_shown(void **state) {
        Fixture *f = *state;
        _cleanup_(health_freep) Health *h = NULL;
        assert_ok(open_with(f, http_check(f, ""), &h));
        assert_true(str_contains(
                one(f, h).extra,
                STR("\"rate_limit\":{\"remaining\":7,\"limit\":null,\"reset\":null}")));
}

static void test_placeholder_key_is_not_configured(void **state) {
        Fixture *f = *state;
        _cleanup_(health_freep) Health *h = NULL;
        assert_ok(open_with(
                f, "[{\"name\":\"openai\",\"kind\":\"openai\",\"key\":\"your-openai-api-key\"}]",
                &h));
        CheckView v = one(f, h);
        assert_int_equal(v.state, HEALTH_NOT_CONFIGURED);
        assert_string_equal(v.message, "OpenAI API key not configured");
        CheckViews views = { &v, 1 };
        health_phase(h, PHASE_SERVING);
        assert_true(health_is_ready(h, &views, (Strs){ NULL, 0 }));
        v.critical = CRITICAL_YES;
        assert_false(health_is_ready(h, &views, (Strs){ NULL, 0 }));
}

static void test_probes_run_side_by_side(void **state) {
        Fixture *f = *state;
        _cleanup_(health_freep) Health *h = NULL;
        atomic_store(&f->peer.status, 0);
        const char *checks = arena_printf(f->arena,
                                          "[{\"name\":\"a\",\"kind\":\"http\",\"target\":\"http://"
                                          "127.0.0.1:%u\",\"timeout_ms\":400},"
                                          "{\"name\":\"b\",\"kind\":\"http\",\"target\":\"http://"
                                          "127.0.0.1:%u\",\"timeout_ms\":400},"
                                          "{\"name\":\"c\",\"kind\":\"http\",\"target\":\"http://"
                                          "127.0.0.1:%u\",\"timeout_ms\":400}]",
                                          f->peer.port, f->peer.port, f->peer.port);
        assert_ok(open_with(f, checks, &h));
        int64_t start = thread_mono_us();
        health_fresh(&f->cx, h);
        /* one after another it would be 1.2 s */
        assert_in_range(thread_mono_us() - start, 350000, 1000000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_refused_lists, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_failing_store_is_degraded, setup, teardown),
                cmocka_unit_test_setup_teardown(test_phase_decides_first, setup, teardown),
                cmocka_unit_test_setup_teardown(test_hysteresis, setup, teardown),
                cmocka_unit_test_setup_teardown(test_errors_are_told_plainly, setup, teardown),
                cmocka_unit_test_setup_teardown(test_rate_limit_is_shown, setup, teardown),
                cmocka_unit_test_setup_teardown(test_placeholder_key_is_not_configured, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_probes_run_side_by_side, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

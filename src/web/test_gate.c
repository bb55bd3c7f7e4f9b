// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "web/gate.h"
#include "web/watch.h"

static const GateLimits limits = { .line_max = 200, .headers_max = 400, .fields_max = 5 };

typedef struct Case {
        const char *target;
        Err want;
        const char *path, *query;
} Case;

static Arena *arena;
static TestWorld world;

static int setup(void **state) {
        arena = arena_new();
        world = TEST_WORLD(0);
        return 0;
}

static int teardown(void **state) {
        arena = arena_free(arena);
        return 0;
}

static Err check(GateHead h, GatePass *ret) {
        Ctx cx = TEST_CTX(arena, &world.world);
        return gate_check(&cx, &h, &limits, ret);
}

#define FIELDS(...)                                                                                \
        .fields = (Header[]){ __VA_ARGS__ }, .n_fields = ELEMENTSOF(((Header[]){ __VA_ARGS__ }))
#define F(n, v)                                                                                    \
        { STR(n), STR(v) }
#define LINE(m, t) .method = STR(m), .target = STR(t), .version = STR("HTTP/1.1"), .size = 60

static void test_targets(void **state) {
        static const Case cases[] = {
                { "/", OK, "/", NULL },
                { "/a/b?x=1&y=%20", OK, "/a/b", "x=1&y=%20" },
                { "/a?", OK, "/a", "" },
                { "/caf%C3%A9", OK, "/caf\xc3\xa9", NULL },
                { "/a%41%62", OK, "/aAb", NULL },
                { "/%2541", OK, "/%41", NULL },
                { "http://example.com/a?b", OK, "/a", "b" },
                { "https://example.com:8443", OK, "/", NULL },
                { "/...", OK, "/...", NULL },
                { "http:///a", ERR_BAD_REQUEST, NULL, NULL },
                { "http://u ser/a", ERR_BAD_REQUEST, NULL, NULL },
                { "", ERR_BAD_REQUEST, NULL, NULL },
                { "*", ERR_BAD_REQUEST, NULL, NULL },
                { "a", ERR_BAD_REQUEST, NULL, NULL },
                { "/%00", ERR_BAD_REQUEST, NULL, NULL },
                { "/a?b=%00", ERR_BAD_REQUEST, NULL, NULL },
                { "/%", ERR_BAD_REQUEST, NULL, NULL },
                { "/%4", ERR_BAD_REQUEST, NULL, NULL },
                { "/%zz", ERR_BAD_REQUEST, NULL, NULL },
                { "/a?%g1", ERR_BAD_REQUEST, NULL, NULL },
                { "/%ff", ERR_BAD_REQUEST, NULL, NULL },
                { "/%c0%ae", ERR_BAD_REQUEST, NULL, NULL },
                { "/\xc3\xa9", ERR_BAD_REQUEST, NULL, NULL },
                { "/a b", ERR_BAD_REQUEST, NULL, NULL },
                { "/a#b", ERR_BAD_REQUEST, NULL, NULL },
                { "/a\tb", ERR_BAD_REQUEST, NULL, NULL },
                { "/../etc", ERR_BAD_REQUEST, NULL, NULL },
                { "/a/..", ERR_BAD_REQUEST, NULL, NULL },
                { "/a/./b", ERR_BAD_REQUEST, NULL, NULL },
                { "/%2e%2e/x", ERR_BAD_REQUEST, NULL, NULL },
                { "/a/..%2fb", ERR_BAD_REQUEST, NULL, NULL },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                GatePass p = { .method = M_UNSET };
                GateHead h = { LINE("GET", ""), FIELDS(F("Host", "x")) };
                h.target = str_c(cases[i].target);
                assert_int_equal(check(h, &p), cases[i].want);
                if (cases[i].want)
                        continue;
                assert_true(str_eq_c(p.path, cases[i].path));
                assert_true(cases[i].query ? str_eq_c(p.query, cases[i].query) : !p.query.p);
        }
}

static void test_line(void **state) {
        GatePass p;
        GateHead h = { LINE("OPTIONS", "*"), FIELDS(F("Host", "x")) };
        assert_ok(check(h, &p));
        assert_str(p.path, "*");
        h.method = STR("BREW");
        h.target = STR("/");
        assert_ok(check(h, &p));
        assert_int_equal(p.method, M_UNSET);
        h.method = STR("G,T");
        assert_err(check(h, &p), ERR_BAD_REQUEST);
        h.method = STR("get");
        assert_ok(check(h, &p));
        assert_int_equal(p.method, M_UNSET); /* methods are case-sensitive */
        h.method = STR("GET");
        h.version = STR("HTTP/1.2");
        assert_err(check(h, &p), ERR_HTTP_VERSION);
        h.version = STR("HTTP/1.1");
        char *long_target = arena_bytes(arena, 200);
        memset(long_target, 'a', 200);
        long_target[0] = '/';
        h.target = (Str){ long_target, 200 };
        assert_err(check(h, &p), ERR_URI_TOO_LONG);
        h.target.n = 200 - 4 - 3 - 8;
        assert_ok(check(h, &p));
}

static void test_one_host(void **state) {
        GatePass p;
        assert_err(check((GateHead){ LINE("GET", "/"), FIELDS(F("Accept", "*/*")) }, &p),
                   ERR_BAD_REQUEST);
        assert_err(
                check((GateHead){ LINE("GET", "/"), FIELDS(F("Host", "a"), F("host", "a")) }, &p),
                ERR_BAD_REQUEST);
        assert_err(check((GateHead){ LINE("GET", "/"), FIELDS(F("Host", "a b")) }, &p),
                   ERR_BAD_REQUEST);
        assert_err(check((GateHead){ LINE("GET", "/"), FIELDS(F("Host", "a/b")) }, &p),
                   ERR_BAD_REQUEST);
        assert_err(check((GateHead){ LINE("GET", "/"), FIELDS(F("Host", "a@b")) }, &p),
                   ERR_BAD_REQUEST);
        assert_ok(check((GateHead){ LINE("GET", "/"), FIELDS(F("Host", "[::1]:8080")) }, &p));
        GateHead old = { LINE("GET", "/"), FIELDS(F("Accept", "*/*")) };
        old.version = STR("HTTP/1.0");
        assert_ok(check(old, &p));
}

static void test_framing(void **state) {
        static const struct {
                Header a, b;
                Err want;
        } cases[] = {
                { F("Content-Length", "5"), F("A", "b"), OK },
                { F("Content-Length", "5"), F("content-length", "5"), ERR_BAD_REQUEST },
                { F("Content-Length", "5"), F("Transfer-Encoding", "chunked"), ERR_BAD_REQUEST },
                { F("Transfer-Encoding", "chunked"), F("A", "b"), OK },
                { F("Transfer-Encoding", "Chunked"), F("A", "b"), OK },
                { F("Transfer-Encoding", "chunked "), F("A", "b"), ERR_NOT_IMPLEMENTED },
                { F("Transfer-Encoding", "gzip, chunked"), F("A", "b"), ERR_NOT_IMPLEMENTED },
                { F("Transfer-Encoding", "identity"), F("A", "b"), ERR_NOT_IMPLEMENTED },
                { F("Transfer-Encoding", "chunked"), F("Transfer-Encoding", "chunked"),
                  ERR_BAD_REQUEST },
                { F("Content-Length", ""), F("A", "b"), ERR_BAD_REQUEST },
                { F("Content-Length", "+5"), F("A", "b"), ERR_BAD_REQUEST },
                { F("Content-Length", "-1"), F("A", "b"), ERR_BAD_REQUEST },
                { F("Content-Length", "5, 5"), F("A", "b"), ERR_BAD_REQUEST },
                { F("Content-Length", "5 "), F("A", "b"), ERR_BAD_REQUEST },
                { F("Content-Length", "0x5"), F("A", "b"), ERR_BAD_REQUEST },
                { F("Content-Length", "999999999999999999999"), F("A", "b"), ERR_TOO_LARGE },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                GatePass p;
                GateHead h = { LINE("POST", "/"), FIELDS(F("Host", "x"), cases[i].a, cases[i].b) };
                assert_int_equal(check(h, &p), cases[i].want);
        }
        GatePass p;
        GateHead old = { LINE("POST", "/"), FIELDS(F("Transfer-Encoding", "chunked")) };
        old.version = STR("HTTP/1.0");
        assert_err(check(old, &p), ERR_BAD_REQUEST);
        assert_ok(check((GateHead){ LINE("POST", "/"),
                                    FIELDS(F("Host", "x"), F("Content-Length", "0042")) },
                        &p));
        assert_int_equal(p.length, 42);
}

static void test_fields(void **state) {
        GatePass p;
        static const Header bad[] = {
                { STR("A b"), STR("c") },    { STR("A "), STR("c") },    { STR(""), STR("c") },
                { STR("A"), STR("b\001c") }, { STR("A"), STR("b\rc") },  { STR("A"), STR("b\177") },
                { STR("A"), { "b\0c", 3 } }, { STR("A\xc3"), STR("b") },
        };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_err(
                        check((GateHead){ LINE("GET", "/"), FIELDS(F("Host", "x"), bad[i]) }, &p),
                        ERR_BAD_REQUEST);
        assert_ok(check(
                (GateHead){ LINE("GET", "/"), FIELDS(F("Host", "x"), F("A", "b\tc \xc3\xa9")) },
                &p));
        char value[40]; /* wherever it stands */
        for (size_t i = 0; i < sizeof value; i++) {
                memset(value, 'v', sizeof value);
                value[i] = i % 2 ? '\177' : '\037';
                Header f = { STR("A"), { value, sizeof value } };
                assert_err(check((GateHead){ LINE("GET", "/"), FIELDS(F("Host", "x"), f) }, &p),
                           ERR_BAD_REQUEST);
                value[i] = i % 2 ? '\t' : '\240';
                assert_ok(check((GateHead){ LINE("GET", "/"), FIELDS(F("Host", "x"), f) }, &p));
        }
        GateHead h = { LINE("GET", "/"), FIELDS(F("Host", "x"), F("A", "b"), F("A", "b"),
                                                F("A", "b"), F("A", "b"), F("A", "b")) };
        assert_err(check(h, &p), ERR_HEADERS_TOO_LARGE);
        h.n_fields = 5;
        assert_ok(check(h, &p));
        h.size = 402;
        assert_err(check(h, &p), ERR_HEADERS_TOO_LARGE);
        h.size = 60;
        h.gaps = true;
        assert_err(check(h, &p), ERR_BAD_REQUEST);
}

static void test_outputs_untouched_on_failure(void **state) {
        GatePass p = { .path = STR("before") };
        assert_err(check((GateHead){ LINE("GET", "/a"), FIELDS(F("Accept", "x")) }, &p),
                   ERR_BAD_REQUEST);
        assert_str(p.path, "before");
}

static void test_values_out(void **state) {
        char to[16];
        assert_int_equal(gate_value_copy(to, STR("a\r\nb\tc")), 6);
        assert_memory_equal(to, "a  b\tc", 6);
}

static void test_watch_order(void **state) {
        WatchQueue q = { .span_us = 100 };
        Watch a = { 0 }, b = { 0 }, c = { 0 };
        assert_int_equal(watch_next_us(&q), INT64_MAX);
        watch_arm(&q, &a, 0);
        watch_arm(&q, &b, 10);
        watch_arm(&q, &c, 20);
        watch_arm(&q, &a, 30); /* again: now the last */
        assert_int_equal(watch_next_us(&q), 110);
        assert_null(watch_expired(&q, 109));
        assert_ptr_equal(watch_expired(&q, 110), &b);
        watch_disarm(&c);
        watch_disarm(&c);
        assert_null(watch_expired(&q, 129));
        assert_ptr_equal(watch_expired(&q, 130), &a);
        assert_null(watch_expired(&q, INT64_MAX));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_targets, setup, teardown),
                cmocka_unit_test_setup_teardown(test_line, setup, teardown),
                cmocka_unit_test_setup_teardown(test_one_host, setup, teardown),
                cmocka_unit_test_setup_teardown(test_framing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
                cmocka_unit_test_setup_teardown(test_outputs_untouched_on_failure, setup, teardown),
                cmocka_unit_test_setup_teardown(test_values_out, setup, teardown),
                cmocka_unit_test(test_watch_order),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

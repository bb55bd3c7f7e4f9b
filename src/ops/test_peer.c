// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include "ops/peer_int.h"

static const PeerScheme redis = { "redis://", "rediss://", 6379 };
static const PeerScheme mongodb = { "mongodb://", NULL, 27017 };

static void urls_are_read(void **state) {
        Ctx *cx = *state;
        static const struct {
                const char *url, *user, *password, *host, *path;
                int port;
                bool tls;
        } cases[] = {
                { "redis://cache", NULL, NULL, "cache", "", 6379, false },
                { "rediss://cache:7000/3", NULL, NULL, "cache", "3", 7000, true },
                { "redis://:p%40ss@[::1]:1/0?x=1", "", "p@ss", "[::1]", "0", 1, false },
                { "redis://ann:secret@10.0.0.1", "ann", "secret", "10.0.0.1", "", 6379, false },
                { "redis://[::1]", NULL, NULL, "[::1]", "", 6379, false },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                PeerUrl u;
                assert_true(peer_url_parse(cx, str_c(cases[i].url), &redis, &u));
                assert_true(str_eq(u.user, str_c(cases[i].user)));
                assert_true(str_eq(u.password, str_c(cases[i].password)));
                assert_true(str_eq_c(u.host, cases[i].host));
                assert_true(str_eq_c(u.path, cases[i].path));
                assert_int_equal(u.port, cases[i].port);
                assert_int_equal(u.tls, cases[i].tls);
        }
        PeerUrl u;
        assert_true(peer_url_parse(cx, STR("mongodb://a:1,b:2/app?tls=true"), &mongodb, &u));
        assert_str(u.host, "a");
        assert_str(u.path, "app");
        assert_true(u.tls);
}

static void other_urls_are_not(void **state) {
        Ctx *cx = *state;
        static const char *const wrong[] = {
                "",
                "redis:/",
                "redis://",
                "http://a",
                "redis://:",
                "redis://a:0",
                "redis://a:65536",
                "redis://a:b",
                "redis://a b",
                "redis://%zz@a",
                "redis://\\a",
                "redis://[::1",
        };
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                PeerUrl u = { .port = -1 };
                bool good = peer_url_parse(cx, str_c(wrong[i]), &redis, &u);
                if (good && !str_eq(u.host, STR("[::1")))
                        fail_msg("%s", wrong[i]);
        }
}

static void redis_is_asked_and_judged(void **state) {
        Ctx *cx = *state;
        PeerUrl open = { .host = STR("a") }, closed = { .host = STR("a"), .password = STR("pw") };
        assert_true(
                str_starts(redis_ask(cx, &closed), STR("*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n*1\r\n")));
        static const char role[] = "*3\r\n$6\r\nmaster\r\n:3\r\n*1\r\n*2\r\n$2\r\n\r\n\r\n$-1\r\n";
        static const struct {
                const char *says, *error, *role;
                bool with_password;
        } cases[] = {
                { "+PONG\r\n", NULL, "master", false },
                { "+OK\r\n+PONG\r\n", NULL, "master", true },
                { "-WRONGPASS no\r\n-NOAUTH x\r\n", "Authentication failed", NULL, true },
                { "-NOAUTH x\r\n", "Authentication failed", NULL, false },
                { "-LOADING x\r\n", "Bad response", NULL, false },
                { "HTTP/1.1 400\r\n", "Bad response", NULL, false },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const PeerUrl *at = cases[i].with_password ? &closed : &open;
                Str all = arena_strf(cx->arena, "%s%s", cases[i].says, role), got = STR_NULL;
                for (size_t n = 0; n < all.n; n++)
                        assert_false(redis_is_whole(str_to(all, n), at));
                assert_true(redis_is_whole(all, at));
                const char *error = redis_judge(all, at, &got);
                assert_int_equal(!error, !cases[i].error);
                if (error)
                        assert_string_equal(error, cases[i].error);
                else
                        assert_true(str_eq_c(got, cases[i].role));
        }
        Str got = STR_NULL;
        assert_null(redis_judge(STR("+PONG\r\n-NOPERM x\r\n"), &open, &got));
        assert_null(got.p);
}

static Str mongodb_answer(Ctx *cx, Str document) {
        char *p = arena_bytes(cx->arena, 21 + document.n);
        memset(p, 0, 21);
        p[0] = (char)(21 + document.n);
        p[12] = '\xdd';
        p[13] = 7;
        memcpy(p + 21, document.p, document.n);
        return str_n(p, 21 + document.n);
}

static void mongodb_is_asked_and_judged(void **state) {
        Ctx *cx = *state;
        Str ask = mongodb_ask();
        assert_int_equal(ask.n, (unsigned char)ask.p[0]);
        assert_int_equal(ask.n - 21, (unsigned char)ask.p[21]);
        static const struct {
                Str document;
                const char *error;
        } cases[] = {
                { STR("\x11\0\0\0\x01ok\0\0\0\0\0\0\0\xf0\x3f\0"), NULL },
                { STR("\x0d\0\0\0\x10ok\0\x01\0\0\0\0"), NULL },
                { STR("\x1b\0\0\0\x02$t\0\x02\0\0\0x\0\x08"
                      "b\0\x01\x10ok\0\x01\0\0\0\0"),
                  NULL },
                { STR("\x11\0\0\0\x01ok\0\0\0\0\0\0\0\0\0\0"), "Bad response" },
                { STR("\x17\0\0\0\x10ok\0\0\0\0\0\x10"
                      "code\0\x0d\0\0\0\0"),
                  "Authentication failed" },
                { STR("\x05\0\0\0\0"), "Bad response" },
                { STR("\xff\xff\xff\x7f\x02ok\0\xff\xff\xff\x7f"), "Bad response" },
                { STR(""), "Bad response" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Str answer = mongodb_answer(cx, cases[i].document);
                for (size_t n = 0; n < answer.n; n++)
                        assert_false(mongodb_is_whole(str_to(answer, n), NULL));
                assert_true(mongodb_is_whole(answer, NULL));
                const char *error = mongodb_judge(answer);
                assert_int_equal(!error, !cases[i].error);
                if (error)
                        assert_string_equal(error, cases[i].error);
        }
        assert_string_equal(mongodb_judge(STR("\x04\0\0\0")), "Bad response");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST_WITH_CTX(urls_are_read),
                TEST_WITH_CTX(other_urls_are_not),
                TEST_WITH_CTX(redis_is_asked_and_judged),
                TEST_WITH_CTX(mongodb_is_asked_and_judged),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

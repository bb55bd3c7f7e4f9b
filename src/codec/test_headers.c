// SPDX-License-Identifier: MIT
/* What arrives in header fields: trace context, cookies, credentials. */
#include "base/test_ctx.h"

#include "codec/authz.h"
#include "codec/cookie.h"
#include "codec/etag.h"
#include "codec/traceparent.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static void test_traceparent(void **state) {
        static const struct {
                const char *text;
                bool good, sampled;
        } cases[] = {
                { "00-" TRACE "-" SPAN "-01", true, true },
                { "00-" TRACE "-" SPAN "-00", true, false },
                { "00-" TRACE "-" SPAN "-03", true, true },
                { "cc-" TRACE "-" SPAN "-01", true, true },
                { "cc-" TRACE "-" SPAN "-01-what-else", true, true },
                { "cc-" TRACE "-" SPAN "-01-", false, false },
                { "cc-" TRACE "-" SPAN "-01x", false, false },
                { "00-" TRACE "-" SPAN "-01-what-else", false, false },
                { "00-" TRACE "-" SPAN "-1", false, false },
                { "00-" TRACE "-" SPAN "-0A", false, false },
                { "00-" TRACE "-" SPAN, false, false },
                { "ff-" TRACE "-" SPAN "-01", false, false },
                { "0g-" TRACE "-" SPAN "-01", false, false },
                { "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", false, false },
                { "00-00000000000000000000000000000000-" SPAN "-01", false, false },
                { "00-" TRACE "-0000000000000000-01", false, false },
                { "00-" TRACE "0-" SPAN "-01", false, false },
                { " 00-" TRACE "-" SPAN "-01", false, false },
                { "", false, false },
                { "00", false, false },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                TraceParent tp = { .trace_id = "untouched" };
                assert_int_equal(traceparent_parse(str_c(cases[i].text), &tp), cases[i].good);
                assert_string_equal(tp.trace_id, cases[i].good ? TRACE : "untouched");
                assert_int_equal(tp.sampled, cases[i].sampled);
        }
}

static void test_trace_start(void **state) {
        Ctx *cx = *state;
        char first[33], text[TRACEPARENT_TEXT + 1];
        trace_start(cx, STR("00-" TRACE "-" SPAN "-01"));
        assert_string_equal(cx->trace_id, TRACE);
        assert_int_equal(strlen(cx->span_id), 16);
        assert_string_not_equal(cx->span_id, SPAN);
        trace_start(cx, STR_NULL);
        memcpy(first, cx->trace_id, sizeof first);
        trace_start(cx, STR("junk"));
        assert_string_not_equal(first, cx->trace_id);
        TraceParent tp = { .sampled = true };
        memcpy(tp.trace_id, cx->trace_id, sizeof tp.trace_id);
        memcpy(tp.span_id, cx->span_id, sizeof tp.span_id);
        traceparent_write(text, &tp);
        assert_true(traceparent_parse(str_c(text), &tp));
        assert_true(tp.sampled && !strcmp(tp.trace_id, cx->trace_id));
}

static void test_cookies(void **state) {
        Str rest = STR(" a=1; b = \"two\" ;c; ;=x;d=e=f;a=9;g="), name, value;
        static const char *const right[] = { "a=1", "b=two", "d=e=f", "a=9", "g=" };
        size_t n = 0;
        for (; cookie_next(&rest, &name, &value); n++) {
                char pair[32];
                snprintf(pair, sizeof pair, "%.*s=%.*s", STR_FMT(name), STR_FMT(value));
                assert_string_equal(pair, right[n]);
        }
        assert_int_equal(n, ELEMENTSOF(right));
        assert_str(cookie_get(STR("a=1; a=2"), STR("a")), "1");
        assert_null(cookie_get(STR("A=1; ab=2"), STR("a")).p);
        assert_null(cookie_get(STR_NULL, STR("a")).p);
}

static void test_cookie_join(void **state) {
        Ctx *cx = *state;
        static const struct {
                const char *header, *value;
        } cases[] = {
                { "s=whole", "whole" },
                { "s.0=a; s.1=b; s.2=c", "abc" },
                { "s.2=c; x=1; s.0=a; s.1=b", "abc" },
                { "s.0=a; s=whole; s.1=b", "whole" },
                { "s=; s.0=a", "a" },
                { "s.0=a; s.00=x; s.01=y; s.1x=z; s.=w; s.-1=v; sx.1=u; s-x.9=t", "a" },
                { "s.0=a; s.2=c", NULL },
                { "s.1=b", NULL },
                { "s.0=a; s.0=b", NULL },
                { "s.0=a; s.99999999999999999999=z", NULL },
                { "s.0=0; s.1=1; s.2=2; s.3=3; s.4=4; s.5=5; s.6=6; s.7=7", "01234567" },
                { "s.0=0; s.1=1; s.2=2; s.3=3; s.4=4; s.5=5; s.6=6; s.7=7; s.8=8", NULL },
                { "other=1", NULL },
                { "", NULL },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Str got = cookie_join(cx->arena, str_c(cases[i].header), STR("s"));
                assert_true(cases[i].value ? str_eq_c(got, cases[i].value) : !got.p);
        }
        Buf b = BUF(1 << 20);
        for (int i = 0; i < 8; i++)
                buf_addf(&b, "s.%d=%04096d; ", i, 0);
        assert_int_equal(cookie_join(cx->arena, buf_str(&b), STR("s")).n, COOKIE_JOINED_MAX);
        buf_addf(&b, "t.0=%04096d; t.1=%028673d", 0, 0);
        assert_null(cookie_join(cx->arena, buf_str(&b), STR("t")).p);
        buf_clear(&b);
        buf_addf(&b, "s=%032769d", 0);
        assert_null(cookie_join(cx->arena, buf_str(&b), STR("s")).p);
        buf_done(&b);
}

static void test_bearer(void **state) {
        Ctx *cx = *state;
        static const struct {
                Str header;
                const char *token;
        } cases[] = {
                { STR("Bearer abc.def-_~+/=="), "abc.def-_~+/==" },
                { STR("bearer   abc "), "abc" },
                { STR("BEARER abc%2Edef"), "abc.def" },
                { STR("Bearer abc%"), NULL },
                { STR("Bearer abc%zz"), NULL },
                { STR("Bearer abc%00"), NULL },
                { STR("Bearer abc%20def"), NULL },
                { STR("Bearer a b"), NULL },
                { STR("Bearer =="), NULL },
                { STR("Bearer a=b"), NULL },
                { STR("Bearer a,b"), NULL },
                { STR("Bearer a\0b"), NULL },
                { STR("Bearer \xC3\xA4"), NULL },
                { STR("Bearer"), NULL },
                { STR("Bearer "), NULL },
                { STR("Basic YWJj"), NULL },
                { STR("Bearerabc"), NULL },
                { STR(""), NULL },
                { STR_NULL, NULL },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Str token = STR_NULL;
                assert_int_equal(authz_bearer(cx->arena, cases[i].header, &token),
                                 cases[i].token != NULL);
                assert_true(cases[i].token ? str_eq_c(token, cases[i].token) : !token.p);
        }
        Str scheme, rest;
        assert_true(authz_split(STR("Basic  YWJj"), &scheme, &rest));
        assert_str(scheme, "Basic");
        assert_str(rest, "YWJj");
        Buf b = BUF(1 << 20);
        buf_addf(&b, "Bearer %032769d", 0);
        assert_false(authz_bearer(cx->arena, buf_str(&b), &rest));
        buf_done(&b);
}

static void test_api_key(void **state) {
        Ctx *cx = *state;
        char text[API_KEY_TEXT + 1], other[API_KEY_TEXT + 1];
        ApiKeyText key;
        api_key_new(cx, text);
        api_key_new(cx, other);
        assert_string_not_equal(text, other);
        Str whole = str_c(text);
        assert_int_equal(whole.n, API_KEY_TEXT);
        assert_true(api_key_looks_like(whole));
        assert_true(api_key_parse(whole, &key));
        assert_true(str_eq(key.id, str_to(str_from(whole, 3), API_KEY_ID)));
        assert_true(str_eq(key.secret, str_to(str_from(whole, 16), API_KEY_SECRET)));
        for (size_t i = 0; i < API_KEY_TEXT; i++) { /* no typing error passes */
                char old = text[i];
                text[i] = old == 'x' ? 'y' : 'x';
                assert_false(api_key_parse(str_c(text), &key));
                text[i] = old;
        }
        for (size_t i = 0; i + 1 < API_KEY_TEXT; i++) {
                if (text[i] == text[i + 1])
                        continue;
                char old = text[i]; /* nor two neighbours exchanged */
                text[i] = text[i + 1];
                text[i + 1] = old;
                assert_false(api_key_parse(str_c(text), &key));
                text[i + 1] = text[i];
                text[i] = old;
        }
        assert_false(api_key_parse(str_to(whole, API_KEY_TEXT - 1), &key));
        assert_false(api_key_parse(STR_NULL, &key));
        assert_true(api_key_parse(whole, &key));
}

/* 2 = the same and strong, 1 = the same but weak, 0 = another */
static void test_entity_tags(void **state) {
        static const struct {
                const char *list;
                int how;
        } cases[] = {
                { "\"a,b-1\"", 2 },
                { "*", 2 },
                { " * ", 2 },
                { "\"x\", \"a,b-1\"", 2 },
                { ",\"x\" ,,\t\"a,b-1\",", 2 },
                { "W/\"a,b-1\", \"a,b-1\"", 2 },
                { "W/\"a,b-1\"", 1 },
                { "\"x\",W/\"a,b-1\"", 1 },
                { "w/\"a,b-1\"", 0 },
                { "\"a\", \"b-1\"", 0 },
                { "\"x\"", 0 },
                { "a,b-1", 0 },
                { "\"x, \"a,b-1\"", 0 },
                { "\"a,b-1\" \"x\"", 0 },
                { "\"a,b-1\", *", 0 },
                { "\"a,b-1\", \"x", 0 },
                { "\"", 0 },
                { "W/", 0 },
                { "", 0 },
        };
        Str tag = STR("\"a,b-1\"");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(etag_matches(str_c(cases[i].list), tag), cases[i].how == 2);
                assert_int_equal(etag_matches_weakly(str_c(cases[i].list), tag), cases[i].how > 0);
        }
        assert_false(etag_matches(STR_NULL, tag));
        assert_false(etag_matches_weakly(STR_NULL, tag));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_entity_tags), cmocka_unit_test(test_traceparent),
                TEST_WITH_CTX(test_trace_start),    cmocka_unit_test(test_cookies),
                TEST_WITH_CTX(test_cookie_join),    TEST_WITH_CTX(test_bearer),
                TEST_WITH_CTX(test_api_key),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

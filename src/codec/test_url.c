// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include "codec/url.h"

typedef struct Query {
        Str q, kind;
        int64_t limit, since;
        double min;
        bool all;
        OptBool exact;
        Strs tag;
} Query;
static const Shape query_shape = SHAPE(Query,
        F_STR(Query, q, 0, .max = 8),
        F_STR(Query, kind, 0, .one_of = "cat|dog"),
        F_INT(Query, limit, 0, .min = 1, .max = 50, .def = 20),
        F_TIME(Query, since, 0),
        F_NUM(Query, min, 0, .min = 0, .max = 1, .def = 0.5),
        F_BOOL(Query, all, 0),
        F_OBOOL(Query, exact, 0),
        F_STRS(Query, tag, 0, .max = 3, .item_max = 4));

typedef struct Token {
        Str token;
} Token;
static const Shape token_shape = SHAPE(Token, F_STR(Token, token, F_REQ, .min = 1));
static const Shape token_open = SHAPE_OPEN(Token, F_STR(Token, token, F_REQ, .min = 1));

static void test_decode(void **state) {
        Ctx *cx = *state;
        static const struct {
                Str in;
                UrlForm form;
                const char *out;
        } cases[] = {
                { STR("plain"), URL_PATH, "plain" },
                { STR(""), URL_PATH, "" },
                { STR("a%20b"), URL_PATH, "a b" },
                { STR("a+b"), URL_PATH, "a+b" },
                { STR("a+b%2B"), URL_FORM, "a b+" },
                { STR("%C3%a4"), URL_PATH, "\xC3\xA4" },
                { STR("%2525"), URL_PATH, "%25" }, /* once, never twice */
                { STR("%"), URL_PATH, NULL },
                { STR("%4"), URL_PATH, NULL },
                { STR("%4g"), URL_PATH, NULL },
                { STR("%%41"), URL_PATH, NULL },
                { STR("%00"), URL_PATH, NULL },
                { STR("a\0b"), URL_PATH, NULL },
                { STR("%FF"), URL_PATH, NULL },
                { STR("%C0%AF"), URL_PATH, NULL },
                { STR("\xED\xA0\x80"), URL_PATH, NULL },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Str out = STR("untouched");
                bool ok = url_decode(cx->arena, cases[i].in, cases[i].form, &out);
                assert_int_equal(ok, cases[i].out != NULL);
                assert_true(str_eq_c(out, ok ? cases[i].out : "untouched"));
        }
}

static void test_encode(void **state) {
        Buf b = BUF(64);
        url_encode(&b, STR("aZ0-._~ /%\xC3\xA4"));
        assert_string_equal(buf_str(&b).p, "aZ0-._~%20%2F%25%C3%A4");
        buf_done(&b);
}

static void test_query(void **state) {
        Ctx *cx = *state;
        Query q = { 0 };
        assert_ok(query_read(cx, STR_NULL, &query_shape, &q));
        assert_true(q.limit == 20 && q.min == 0.5 && !q.all && !q.q.p && !q.tag.v);
        assert_ok(query_read(cx,
                             STR("q=a+b%26c&limit=50&since=2026-01-15T12:00:00%2B01:00&min=0.25&all"
                                 "&exact=0&tag=x&tag=y%20z&kind=dog&"),
                             &query_shape, &q));
        assert_str(q.q, "a b&c");
        assert_str(q.kind, "dog");
        assert_int_equal(q.limit, 50);
        assert_int_equal(q.since, INT64_C(1768474800000));
        assert_true(q.min == 0.25 && q.all && q.exact.has && !q.exact.v);
        assert_int_equal(q.tag.n, 2);
        assert_str(q.tag.v[1], "y z");
        assert_ok(query_read(cx, STR("limit=&q="), &query_shape, &q));
        assert_int_equal(q.limit, 20);
        assert_str(q.q, "");
}

static void test_query_wrong(void **state) {
        Ctx *cx = *state;
        static const struct {
                const char *query, *pointers;
        } cases[] = {
                { "limit=0", "?limit" },
                { "limit=51", "?limit" },
                { "limit=1.5", "?limit" },
                { "limit=+1", "?limit" },
                { "limit=99999999999999999999", "?limit" },
                { "limit=1&limit=1", "?limit" },
                { "limit=1&limit=2&limit=3", "?limit" },
                { "min=NaN", "?min" },
                { "min=1e999", "?min" },
                { "all=yes", "?all" },
                { "since=now", "?since" },
                { "kind=fish", "?kind" },
                { "q=123456789", "?q" },
                { "q=%07", "?q" },
                { "tag=a&tag=b&tag=c&tag=d", "?tag" },
                { "tag=abcde", "?tag" },
                { "user_id=x&Q=1", "?user_id ?Q" },
                { "=x", "?" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Query q = { .limit = 7 };
                Buf got = BUF(256);
                err_clear(cx);
                assert_err(query_read(cx, str_c(cases[i].query), &query_shape, &q), ERR_INVALID);
                for (FieldErr *e = cx->err.fields; e; e = e->next)
                        buf_addf(&got, "%s%.*s", got.n ? " " : "", STR_FMT(e->pointer));
                assert_string_equal(buf_str(&got).p, cases[i].pointers);
                assert_int_equal(q.limit, 7);
                buf_done(&got);
        }
        static const char *const broken[] = { "q=%", "q=%zz", "q=%00", "q=%ff", "%ff=1" };
        for (size_t i = 0; i < ELEMENTSOF(broken); i++) {
                Query q;
                err_clear(cx);
                assert_err(query_read(cx, str_c(broken[i]), &query_shape, &q), ERR_BAD_REQUEST);
        }
        Buf many = BUF(4096);
        for (int i = 0; i < 257; i++)
                buf_add(&many, STR("&"));
        assert_err(query_read(cx, buf_str(&many), &query_shape, &(Query){ 0 }), ERR_BAD_REQUEST);
        buf_done(&many);
}

static void test_form(void **state) {
        Ctx *cx = *state;
        Token t = { 0 };
        assert_ok(form_read(cx, STR("token=a%2Bb"), &token_shape, &t));
        assert_str(t.token, "a+b");
        assert_err(form_read(cx, STR("token_type_hint=x"), &token_shape, &t), ERR_INVALID);
        assert_str(cx->err.fields->pointer, "#/token");
        assert_str(cx->err.fields->next->pointer, "#/token_type_hint");
        assert_ok(form_read(cx, STR("token_type_hint=x&token=y"), &token_open, &t));
        assert_str(t.token, "y");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST_WITH_CTX(test_decode), cmocka_unit_test(test_encode),
                TEST_WITH_CTX(test_query),  TEST_WITH_CTX(test_query_wrong),
                TEST_WITH_CTX(test_form),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include "codec/sse.h"

static Err collect(void *arg, const SseEvent *ev) {
        buf_addf(arg, "[%.*s|%.*s|%.*s]", STR_FMT(ev->event), STR_FMT(ev->data), STR_FMT(ev->id));
        return OK;
}

static const struct {
        Str stream;
        const char *events;
} cases[] = {
        { STR("data: a\n\n"), "[message|a|]" },
        { STR("data:a\r\n\r\ndata: b\r\rdata:  c\n\n"), "[message|a|][message|b|][message| c|]" },
        { STR("event: delta\ndata: 1\ndata: 2\ndata\nid: 7\n\n"), "[delta|1\n2\n|7]" },
        { STR("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"),
          "[message|a|1][message|b|1][message|c|]" },
        { STR("event: lost\n\ndata: a\n\n"),
          "[message|a|]" }, /* no data, no event; and no name left over */
        { STR(": comment\n:\ndata: a\nunknown: x\nDATA: y\n\n"), "[message|a|]" },
        { STR("data\n\n"), "[message||]" },
        { STR("data: unfinished"), "" },
        { STR("data: unfinished\n"), "" },
        { STR("\xEF\xBB\xBF"
              "data: a\n\n\xEF\xBB\xBF"
              "data: b\n\n"),
          "[message|a|]" },
        { STR("id: a\0b\ndata: x\n\n"), "[message|x|]" },
        { STR("data: {\"a\":1}: x\n\n"), "[message|{\"a\":1}: x|]" },
        { STR("\n\n\r\n\r"), "" },
};

/* Whole, byte by byte, and cut at every place: the same events. */
static void test_parse(void **state) {
        Ctx *cx = *state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Str s = cases[i].stream;
                for (size_t cut = 0; cut <= s.n + 1; cut++) {
                        SseParser p;
                        Buf got = BUF(1024);
                        sse_init(&p, 256);
                        if (cut <= s.n) {
                                assert_ok(sse_feed(cx, &p, str_to(s, cut), collect, &got));
                                assert_ok(sse_feed(cx, &p, str_from(s, cut), collect, &got));
                        }
                        for (size_t k = 0; cut > s.n && k < s.n; k++)
                                assert_ok(sse_feed(cx, &p, str_n(s.p + k, 1), collect, &got));
                        assert_string_equal(buf_str(&got).p, cases[i].events);
                        buf_done(&got);
                        sse_done(&p);
                }
        }
}

static void test_retry(void **state) {
        Ctx *cx = *state;
        SseParser p;
        Buf got = BUF(64);
        sse_init(&p, 64);
        assert_int_equal(p.retry_ms, -1);
        assert_ok(sse_feed(cx, &p, STR("retry: 1500\nretry: x\nretry: -1\nretry: 1 \n"), collect,
                           &got));
        assert_int_equal(p.retry_ms, 1500);
        buf_done(&got);
        sse_done(&p);
}

static void test_limits(void **state) {
        Ctx *cx = *state;
        SseParser p;
        Buf got = BUF(64);
        sse_init(&p, 16);
        assert_err(sse_feed(cx, &p, STR("data: 12345678901234567890"), collect, &got),
                   ERR_TOO_LARGE);
        sse_done(&p);
        sse_init(&p, 16); /* short lines, but one event too large */
        Err e = OK;
        for (int i = 0; i < 10 && !e; i++)
                e = sse_feed(cx, &p, STR("data: 1234\n"), collect, &got);
        assert_int_equal(e, ERR_TOO_LARGE);
        assert_int_equal(got.n, 0);
        sse_done(&p);
        sse_init(&p, 16); /* many events of the full size are fine */
        for (int i = 0; i < 100; i++) {
                buf_clear(&got);
                assert_ok(sse_feed(cx, &p, STR("data: 1234567890\n\n"), collect, &got));
                assert_string_equal(buf_str(&got).p, "[message|1234567890|]");
        }
        buf_done(&got);
        sse_done(&p);
}

static Err refuse(void *arg, const SseEvent *ev) {
        ++*(int *)arg;
        return ERR_CANCELLED;
}

static void test_receiver_ends(void **state) {
        Ctx *cx = *state;
        SseParser p;
        int calls = 0;
        sse_init(&p, 64);
        assert_err(sse_feed(cx, &p, STR("data: a\n\ndata: b\n\n"), refuse, &calls), ERR_CANCELLED);
        assert_int_equal(calls, 1);
        sse_done(&p);
}

static void test_write(void **state) {
        Ctx *cx = *state;
        Buf out = BUF(1024), got = BUF(1024);
        sse_write(&out, &(SseEvent){ .event = STR("delta"),
                                     .data = STR("a\nb\r\nc\rd\n"),
                                     .id = STR("9") });
        assert_string_equal(buf_str(&out).p,
                            "id: 9\nevent: delta\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
        SseParser p;
        sse_init(&p, 1024);
        assert_ok(sse_feed(cx, &p, buf_str(&out), collect, &got));
        assert_string_equal(buf_str(&got).p, "[delta|a\nb\nc\nd\n|9]");
        sse_done(&p);
        buf_clear(&out);
        sse_write(&out, &(SseEvent){ .data = STR("") });
        sse_write_comment(&out, STR("ping"));
        sse_write_retry(&out, 1500);
        assert_string_equal(buf_str(&out).p, "data: \n\n: ping\n\nretry: 1500\n\n");
        buf_done(&out);
        buf_done(&got);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST_WITH_CTX(test_parse),  TEST_WITH_CTX(test_retry),
                TEST_WITH_CTX(test_limits), TEST_WITH_CTX(test_receiver_ends),
                TEST_WITH_CTX(test_write),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

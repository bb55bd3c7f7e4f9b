// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include <zlib.h>

#include "codec/base64.h"
#include "codec/crc32.h"
#include "codec/gzip.h"
#include "codec/radix.h"
#include "codec/uuid.h"

static const struct {
        const char *bytes, *base64, *base64url, *base32;
} rfc4648[] = {
        { "", "", "", "" },
        { "f", "Zg==", "Zg", "MY" },
        { "fo", "Zm8=", "Zm8", "MZXQ" },
        { "foo", "Zm9v", "Zm9v", "MZXW6" },
        { "foob", "Zm9vYg==", "Zm9vYg", "MZXW6YQ" },
        { "fooba", "Zm9vYmE=", "Zm9vYmE", "MZXW6YTB" },
        { "foobar", "Zm9vYmFy", "Zm9vYmFy", "MZXW6YTBOI" },
        { "\xfb\xff\xfe", "+//+", "-__-", "7P774" },
};

static void test_vectors(void **state) {
        Ctx *cx = *state;
        Arena *a = cx->arena;
        for (size_t i = 0; i < ELEMENTSOF(rfc4648); i++) {
                Str bytes = str_c(rfc4648[i].bytes), back;
                assert_true(str_eq_c(base64_encode(a, bytes), rfc4648[i].base64));
                assert_true(str_eq_c(base64url_encode(a, bytes), rfc4648[i].base64url));
                assert_true(str_eq_c(base32_encode(a, bytes), rfc4648[i].base32));
                assert_true(base64_decode(a, str_c(rfc4648[i].base64), &back) &&
                            str_eq(back, bytes));
                assert_true(base64url_decode(a, str_c(rfc4648[i].base64url), &back) &&
                            str_eq(back, bytes));
                assert_true(base32_decode(a, str_c(rfc4648[i].base32), &back) &&
                            str_eq(back, bytes));
        }
        Str back;
        assert_true(base32_decode(a, STR("mzxw6ytboi"), &back));
        assert_str(back, "foobar");
}

static void test_round(void **state) {
        Ctx *cx = *state;
        char bytes[70];
        for (size_t n = 0; n < sizeof bytes; n++) {
                cx_random(cx, bytes, n);
                Str in = str_n(bytes, n), out;
                assert_int_equal(base64url_bytes(base64url_size(n)), n);
                assert_true(base64url_decode(cx->arena, base64url_encode(cx->arena, in), &out) &&
                            str_eq(in, out));
                assert_true(base64_decode(cx->arena, base64_encode(cx->arena, in), &out) &&
                            str_eq(in, out));
                assert_true(base32_decode(cx->arena, base32_encode(cx->arena, in), &out) &&
                            str_eq(in, out));
                char raw[70];
                assert_true(hex_read(hex_encode(cx->arena, in), raw, n) &&
                            str_eq(in, str_n(raw, n)));
        }
}

/* One value has exactly one text: whatever decodes must encode to what was decoded. */
static void test_canonical(void **state) {
        Ctx *cx = *state;
        static const Str bad_url[] = {
                STR("Z"),     STR("Zg=="),      STR("Zh"),    STR("Zm9"),
                STR("Zm9v "), STR("Zm9v\n"),    STR(" Zm9v"), STR("Zm+v"),
                STR("Zm/v"),  STR("Zm9vYmFyZ"), STR("Zm\0v"), STR("Zm9\xC3"),
                STR("."),     STR("A"),         STR("AB"),    STR("ABB"),
        };
        static const Str bad_std[] = {
                STR("Z"),    STR("Zg"),   STR("Zg="),  STR("Zg==="),    STR("Zh=="),   STR("Zm9="),
                STR("Zm-v"), STR("===="), STR("Z==="), STR("Zg==Zg=="), STR("Zm9v\n"),
        };
        static const Str bad_32[] = { STR("M"),  STR("MZ"),       STR("MY======"),
                                      STR("M1"), STR("MZXW6YQA"), STR("MZX") };
        Str out = STR("untouched");
        for (size_t i = 0; i < ELEMENTSOF(bad_url); i++)
                assert_false(base64url_decode(cx->arena, bad_url[i], &out));
        for (size_t i = 0; i < ELEMENTSOF(bad_std); i++)
                assert_false(base64_decode(cx->arena, bad_std[i], &out));
        for (size_t i = 0; i < ELEMENTSOF(bad_32); i++) {
                Str again;
                assert_true(!base32_decode(cx->arena, bad_32[i], &again) ||
                            str_eq(base32_encode(cx->arena, again), bad_32[i]));
        }
        assert_str(out, "untouched");
        char text[3];
        for (int i = 0; i < 1 << 16; i++) { /* every pair of bytes */
                text[0] = (char)i;
                text[1] = (char)(i >> 8);
                Str in = str_n(text, 2);
                if (base64url_decode(cx->arena, in, &out))
                        assert_true(str_eq(base64url_encode(cx->arena, out), in));
        }
}

static void test_hex(void **state) {
        unsigned char out[4] = { 7, 7, 7, 7 };
        assert_true(hex_read(STR("00fF7a"), out, 3));
        assert_memory_equal(out, "\x00\xff\x7a\x07", 4);
        assert_false(hex_read(STR("00fF7"), out, 3));
        assert_false(hex_read(STR("00fF7a0"), out, 3));
        assert_false(hex_read(STR("00fg7a"), out, 3));
        assert_false(hex_read(STR("00 f7a"), out, 3));
        assert_memory_equal(out, "\x00\xff\x7a\x07", 4);
}

static void test_base62_and_crockford(void **state) {
        Ctx *cx = *state;
        char text[200];
        base62_write(text, 6, 0);
        assert_memory_equal(text, "000000", 6);
        base62_write(text, 6, UINT32_MAX);
        assert_memory_equal(text, "4gfFC3", 6);
        base62_write(text, 2, 61);
        assert_memory_equal(text, "0z", 2);
        base62_random(cx, text, sizeof text);
        assert_true(base62_is(str_n(text, sizeof text)));
        assert_false(base62_is(STR("ab-")));
        assert_false(base62_is(STR("ab\0")));
        int counts[256] = { 0 };
        for (int i = 0; i < 310; i++) { /* 62 000 characters, 1000 of each expected */
                base62_random(cx, text, sizeof text);
                for (size_t k = 0; k < sizeof text; k++)
                        counts[(unsigned char)text[k]]++;
        }
        for (int c = 0; c < 256; c++)
                assert_true(!counts[c] || (counts[c] > 850 && counts[c] < 1150));
        assert_int_equal(crockford_encode(cx->arena, STR("0123456789abcdef")).n, 26);
        assert_str(crockford_encode(cx->arena, STR("\xff\xff\xff\xff\xff\x00")), "zzzzzzzz00");
}

static void test_uuid(void **state) {
        Ctx *cx = *state;
        Str a = uuid_new(cx), b = uuid_new(cx);
        assert_int_equal(a.n, UUID_TEXT);
        assert_true(uuid_is(a) && uuid_is(b) && !str_eq(a, b));
        assert_true(a.p[14] == '4' && strchr("89ab", a.p[19]));
        unsigned char bytes[16];
        char text[UUID_TEXT + 1];
        assert_true(uuid_read(STR("F81D4FAE-7dec-11d0-A765-00a0c91e6bf6"), bytes));
        uuid_write(text, bytes);
        assert_string_equal(text, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
        static const char *const bad[] = {
                "",
                "f81d4fae7dec11d0a76500a0c91e6bf6",
                "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
                "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
                "f81d4fae-7dec-11d0-a765-00a0c91e6bf6a",
                "f81d4fae-7dec-11d0-a76500-a0c91e6bf6",
                "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
                "f81d4fae+7dec-11d0-a765-00a0c91e6bf6",
        };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(uuid_is(str_c(bad[i])));
}

static void test_crc32(void **state) {
        assert_int_equal(crc32_of(0, STR("123456789")), 0xCBF43926u);
        assert_int_equal(crc32_of(crc32_of(0, STR("12345")), STR("6789")), 0xCBF43926u);
        assert_int_equal(crc32_of(0, STR_NULL), 0);
}

static void test_gzip_is_undone(void **state) {
        Ctx *cx = *state;
        char plain[20000], back[sizeof plain];
        for (size_t i = 0; i < sizeof plain; i++)
                plain[i] = (char)(i * i >> 6);
        static const size_t sizes[] = { 0, 1, 100, sizeof plain };
        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                Str packed;
                assert_ok(gzip_pack(cx, str_n(plain, sizes[i]), &packed));
                z_stream z = { .next_in = (Bytef *)(uintptr_t)packed.p,
                               .avail_in = (uInt)packed.n,
                               .next_out = (Bytef *)back,
                               .avail_out = sizeof back };
                assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
                assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
                assert_int_equal(z.total_out, sizes[i]);
                assert_memory_equal(back, plain, sizes[i]);
                inflateEnd(&z);
        }
        Str huge = { plain, (size_t)1 << 30 };
        assert_err(gzip_pack(cx, huge, &huge), ERR_TOO_LARGE);
        err_clear(cx);
}

static void test_gzip_when_asked(void **state) {
        static const struct {
                const char *header;
                bool yes;
        } cases[] = {
                { "gzip", true },
                { "deflate, GZIP;q=0.5", true },
                { "br , x-gzip", true },
                { "*", true },
                { "*;q=0.1", true },
                { "gzip;q=0", false },
                { "gzip; q=0.000, *", false },
                { "*;q=0", false },
                { "identity", false },
                { "gzipped", false },
                { "", false },
                { ",;q=,", false },
                { "gzip;level=0", true },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (gzip_is_accepted(str_c(cases[i].header)) != cases[i].yes)
                        fail_msg("%s", cases[i].header);
        assert_false(gzip_is_accepted(STR_NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST_WITH_CTX(test_vectors),
                TEST_WITH_CTX(test_round),
                TEST_WITH_CTX(test_canonical),
                cmocka_unit_test(test_hex),
                TEST_WITH_CTX(test_base62_and_crockford),
                TEST_WITH_CTX(test_uuid),
                cmocka_unit_test(test_crc32),
                TEST_WITH_CTX(test_gzip_is_undone),
                cmocka_unit_test(test_gzip_when_asked),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

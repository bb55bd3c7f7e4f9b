// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include "codec/when.h"
#include "codec/zip.h"

enum { LOCAL_SIZE = 30, CENTRAL_SIZE = 46, END_SIZE = 22, OUT_MAX = 1 << 20 };

typedef struct TestFile {
        Str name, content;
} TestFile;

#define FILE_OF(name_, content_)                                                                   \
        { STR(name_), STR(content_) }

static const TestFile files[] = {
        FILE_OF("profile.json", "{\"a\":1}"),
        FILE_OF("empty", ""),
        FILE_OF("check", "123456789"),
        FILE_OF("gr\xc3\xbc\xc3\x9f"
                "e/\xe6\x97\xa5.txt",
                "\xe6\x9c\xac"),
        FILE_OF("looks like an archive", "PK\x03\x04PK\x01\x02PK\x05\x06\0\0\0"),
};

/* ---- a reader after APPNOTE 4.3, which starts where every reader starts: at the end ---- */

static uint32_t get(Str s, size_t at, size_t n) {
        uint32_t v = 0;
        assert_true(at + n <= s.n);
        for (size_t i = n; i-- > 0;)
                v = v << 8 | (unsigned char)s.p[at + i];
        return v;
}

static Str slice(Str s, size_t at, size_t n) {
        assert_true(at + n <= s.n);
        return (Str){ s.p + at, n };
}

static void assert_same(Str a, Str b) {
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.p, b.p, a.n);
}

typedef struct Found {
        uint32_t flags, method, time, date, crc, size, mode;
        Str name, content;
} Found;

/* One central entry and the local header it points to, which must say the same. */
static size_t entry_read(Str zip, size_t at, Found *ret) {
        assert_int_equal(get(zip, at, 4), 0x02014b50);
        assert_int_equal(get(zip, at + 5, 1), 3); /* attributes are those of Unix */
        assert_int_equal(get(zip, at + 30, 2) + get(zip, at + 32, 2), 0);
        size_t name_n = get(zip, at + 28, 2), local = get(zip, at + 42, 4);
        *ret = (Found){
                .flags = get(zip, at + 8, 2),
                .method = get(zip, at + 10, 2),
                .time = get(zip, at + 12, 2),
                .date = get(zip, at + 14, 2),
                .crc = get(zip, at + 16, 4),
                .size = get(zip, at + 24, 4),
                .mode = get(zip, at + 38, 4) >> 16,
                .name = slice(zip, at + CENTRAL_SIZE, name_n),
        };
        assert_int_equal(get(zip, at + 20, 4), ret->size);
        assert_int_equal(get(zip, local, 4), 0x04034b50);
        assert_same(slice(zip, local + 4, 26), slice(zip, at + 6, 26));
        assert_same(slice(zip, local + LOCAL_SIZE, name_n), ret->name);
        ret->content = slice(zip, local + LOCAL_SIZE + name_n, ret->size);
        return at + CENTRAL_SIZE + name_n;
}

static size_t zip_read(Str zip, Found *ret, size_t max) {
        assert_true(zip.n >= END_SIZE);
        size_t end = zip.n - END_SIZE, n = get(zip, end + 10, 2);
        size_t start = get(zip, end + 16, 4), at = start;
        assert_int_equal(get(zip, end, 4), 0x06054b50);
        assert_int_equal(get(zip, end + 8, 2), n);
        assert_true(n <= max);
        for (size_t i = 0; i < n; i++)
                at = entry_read(zip, at, &ret[i]);
        assert_int_equal(at, end);
        assert_int_equal(get(zip, end + 12, 4), end - start);
        return n;
}

/* ---- cases ---- */

static bool files_write(Buf *out, int64_t at_ms) {
        Zip z;
        zip_begin(&z, out, at_ms);
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                zip_add(&z, files[i].name, files[i].content);
        return zip_end(&z);
}

static void test_every_file_comes_back(void **state) {
        _cleanup_(buf_done) Buf out = BUF(OUT_MAX);
        Found found[ELEMENTSOF(files)];
        assert_true(files_write(&out, 0));
        assert_int_equal(zip_read(buf_str(&out), found, ELEMENTSOF(files)), ELEMENTSOF(files));
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                assert_same(found[i].name, files[i].name);
                assert_same(found[i].content, files[i].content);
                assert_int_equal(found[i].method, 0);
                assert_int_equal(found[i].flags, 0x800); /* names are UTF-8 */
                assert_int_equal(found[i].mode, 0100600);
        }
        assert_int_equal(found[1].crc, 0);
        assert_int_equal(found[2].crc, 0xcbf43926); /* the check value of CRC-32 */
}

static void test_no_file_at_all(void **state) {
        _cleanup_(buf_done) Buf out = BUF(OUT_MAX);
        Found found[1];
        Zip z;
        zip_begin(&z, &out, 0);
        assert_true(zip_end(&z));
        assert_int_equal(out.n, END_SIZE);
        assert_int_equal(zip_read(buf_str(&out), found, 1), 0);
}

static void test_as_many_as_there_may_be(void **state) {
        Ctx *cx = *state;
        _cleanup_(buf_done) Buf out = BUF(OUT_MAX);
        Found found[ZIP_FILES_MAX];
        Zip z;
        zip_begin(&z, &out, 0);
        for (size_t i = 0; i < ZIP_FILES_MAX; i++)
                zip_add(&z, arena_strf(cx->arena, "%zu", i), arena_strf(cx->arena, "%zu!", i));
        assert_true(zip_end(&z));
        assert_int_equal(zip_read(buf_str(&out), found, ZIP_FILES_MAX), ZIP_FILES_MAX);
        assert_str(found[63].name, "63");
        assert_str(found[63].content, "63!");
}

static void test_times(void **state) {
        static const struct {
                const char *when;
                uint32_t year, month, day, hour, minute, second;
        } cases[] = {
                { "1980-01-01T00:00:00Z", 1980, 1, 1, 0, 0, 0 },
                { "2026-11-20T13:47:59.999Z", 2026, 11, 20, 13, 47, 58 }, /* two seconds a step */
                { "2024-02-29T23:59:58Z", 2024, 2, 29, 23, 59, 58 },
                { "2107-12-31T23:59:59Z", 2107, 12, 31, 23, 59, 58 },
                { "1970-01-01T12:00:00Z", 1980, 1, 1, 0, 0, 0 }, /* the format begins later */
                { "2108-01-01T00:00:00Z", 2107, 12, 31, 23, 59, 58 },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(buf_done) Buf out = BUF(OUT_MAX);
                Found f[ELEMENTSOF(files)];
                int64_t at_ms = 0;
                assert_true(when_parse(str_c(cases[i].when), &at_ms));
                assert_true(files_write(&out, at_ms));
                zip_read(buf_str(&out), f, ELEMENTSOF(files));
                assert_int_equal((f->date >> 9) + 1980, cases[i].year);
                assert_int_equal(f->date >> 5 & 15, cases[i].month);
                assert_int_equal(f->date & 31, cases[i].day);
                assert_int_equal(f->time >> 11, cases[i].hour);
                assert_int_equal(f->time >> 5 & 63, cases[i].minute);
                assert_int_equal((f->time & 31) * 2, cases[i].second);
        }
}

static void test_a_buffer_that_is_too_small(void **state) {
        _cleanup_(buf_done) Buf whole = BUF(OUT_MAX);
        assert_true(files_write(&whole, 0));
        for (size_t max = 0; max <= whole.n; max++) {
                _cleanup_(buf_done) Buf out = BUF(max);
                assert_int_equal(files_write(&out, 0), max == whole.n);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_file_comes_back),
                cmocka_unit_test(test_no_file_at_all),
                TEST_WITH_CTX(test_as_many_as_there_may_be),
                cmocka_unit_test(test_times),
                cmocka_unit_test(test_a_buffer_that_is_too_small),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* Whatever is read writes, and whatever was written reads back as the same. */
#include "codec/fuzz_ctx.h"
#include "codec/json.h"

typedef struct Inner {
        Str name;
        int64_t n;
} Inner;
static const Shape inner_shape = SHAPE(Inner,
        F_STR(Inner, name, F_REQ, .min = 1, .max = 8),
        F_INT(Inner, n, 0, .min = -5, .max = 30, .def = 3));
typedef struct Outer {
        Str s, kind, note, meta;
        int64_t i, at;
        double d;
        bool b;
        OptInt oi;
        OptNum on;
        OptBool ob;
        Strs tags;
        const Inner *one;
        List many;
} Outer;
static const Shape outer_shape = SHAPE(Outer,
        F_STR(Outer, s, 0, .max = 20),
        F_STR(Outer, kind, F_LOWER, .one_of = "cat|dog"),
        F_STR(Outer, note, F_NULL | F_BLANK),
        F_JSON(Outer, meta, 0, .max = 4096),
        F_INT(Outer, i, 0),
        F_TIME(Outer, at, F_NULL),
        F_NUM(Outer, d, 0),
        F_BOOL(Outer, b, 0),
        F_OINT(Outer, oi, F_NULL),
        F_ONUM(Outer, on, 0),
        F_OBOOL(Outer, ob, 0),
        F_STRS(Outer, tags, 0, .max = 5, .item_max = 10),
        F_OBJ(Outer, one, 0, .sub = &inner_shape),
        F_LIST(Outer, many, 0, .sub = &inner_shape));

static void by_shape(Ctx *cx, Str text) {
        Outer o = { 0 }, again = { 0 };
        if (json_read(cx, text, &outer_shape, &o))
                return;
        Buf first = BUF(1 << 22), second = BUF(1 << 22);
        json_write(&first, &outer_shape, &o);
        ENSURE(!first.full && str_is_utf8(buf_str(&first)));
        ENSURE(json_read(cx, buf_str(&first), &outer_shape, &again) == OK);
        json_write(&second, &outer_shape, &again);
        ENSURE(str_eq(buf_str(&first), buf_str(&second)));
        buf_done(&first);
        buf_done(&second);
}

static void as_tree(Ctx *cx, Str text) {
        _cleanup_(json_freep) Json *j = NULL, *again = NULL;
        if (json_parse(cx, text, 16, &j))
                return;
        Str first = json_text(cx, json_root(j));
        ENSURE(json_parse(cx, first, 16, &again) == OK);
        ENSURE(str_eq(first, json_text(cx, json_root(again))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        FUZZ_CTX(cx);
        by_shape(cx, str_n(data, n));
        err_clear(cx);
        as_tree(cx, str_n(data, n));
        Buf quoted = BUF(1 << 22);
        json_write_str(&quoted, str_n(data, n)); /* any bytes become a JSON string */
        _cleanup_(json_freep) Json *j = NULL;
        bool has_nul = n && memchr(data, 0, n);
        ENSURE(has_nul || json_parse(cx, buf_str(&quoted), 1, &j) == OK);
        buf_done(&quoted);
        return 0;
}

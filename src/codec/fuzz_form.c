// SPDX-License-Identifier: MIT
/* Query and form bodies: what comes out keeps the bounds of its shape. */
#include "codec/fuzz_ctx.h"
#include "codec/url.h"

typedef struct Query {
        Str q, kind;
        int64_t limit, since;
        double min;
        bool all;
        OptBool exact;
        OptInt n;
        Strs tag;
} Query;
static const Shape query_shape = SHAPE(Query,
        F_STR(Query, q, 0, .max = 8),
        F_STR(Query, kind, F_LOWER, .one_of = "cat|dog"),
        F_INT(Query, limit, 0, .min = 1, .max = 50, .def = 20),
        F_TIME(Query, since, 0),
        F_NUM(Query, min, 0, .min = 0, .max = 1),
        F_BOOL(Query, all, 0),
        F_OBOOL(Query, exact, 0),
        F_OINT(Query, n, 0),
        F_STRS(Query, tag, 0, .max = 3, .item_max = 4));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        FUZZ_CTX(cx);
        Query q = { 0 };
        Err e = query_read(cx, str_n(data, n), &query_shape, &q);
        ENSURE(e == OK || e == ERR_BAD_REQUEST || e == ERR_INVALID);
        ENSURE((e == ERR_INVALID) == (cx->err.fields != NULL));
        if (e == OK) {
                ENSURE(q.limit >= 1 && q.limit <= 50 && q.min >= 0 && q.min <= 1 && q.tag.n <= 3);
                ENSURE(str_is_utf8(q.q) && str_utf8_count(q.q) <= 8);
                ENSURE(!q.kind.p || str_eq_c(q.kind, "cat") || str_eq_c(q.kind, "dog"));
        }
        err_clear(cx);
        ENSURE(form_read(cx, str_n(data, n), &query_shape, &q) == e);
        return 0;
}

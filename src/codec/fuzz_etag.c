// SPDX-License-Identifier: MIT
#include "codec/etag.h"
#include "codec/fuzz_ctx.h"

/* A list that matches strongly matches weakly, too; one more in front of it changes neither. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        Str list = str_n(data, n), tag = STR("\"a\"");
        bool strong = etag_matches(list, tag), weak = etag_matches_weakly(list, tag);
        ENSURE(!strong || weak);
        _cleanup_(buf_done) Buf b = BUF(n + 16);
        buf_add_c(&b, "\"b\" , ");
        buf_add(&b, list);
        Str longer = buf_str(&b);
        bool is_any = str_eq_c(str_trim(list), "*");
        ENSURE(is_any || etag_matches(longer, tag) == strong);
        ENSURE(is_any || etag_matches_weakly(longer, tag) == weak);
        ENSURE(!weak || is_any || str_contains(list, tag));
        return 0;
}

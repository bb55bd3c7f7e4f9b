// SPDX-License-Identifier: MIT
#include "codec/cookie.h"
#include "codec/fuzz_ctx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        FUZZ_CTX(cx);
        Str header = str_n(data, n), rest = header, name, value;
        size_t seen = 0;
        while (cookie_next(&rest, &name, &value)) {
                ENSURE(name.n && name.n + value.n < n + 1);
                ENSURE(cookie_get(header, name).p);
                seen++;
        }
        ENSURE(seen <= n);
        Str joined = cookie_join(cx->arena, header, STR("s")), whole = cookie_get(header, STR("s"));
        ENSURE(joined.n <= COOKIE_JOINED_MAX);
        ENSURE(!whole.n || whole.n > COOKIE_JOINED_MAX || str_eq(joined, whole));
        ENSURE(!joined.p || whole.n || cookie_get(header, STR("s.0")).p);
        return 0;
}

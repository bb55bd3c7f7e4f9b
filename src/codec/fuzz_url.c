// SPDX-License-Identifier: MIT
#include "codec/fuzz_ctx.h"
#include "codec/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        FUZZ_CTX(cx);
        for (UrlForm form = URL_PATH; form <= URL_FORM; form++) {
                Str out, again;
                if (!url_decode(cx->arena, str_n(data, n), form, &out))
                        continue;
                ENSURE(out.n <= n && str_is_utf8(out) && (!out.n || !memchr(out.p, 0, out.n)));
                Buf b = BUF(1 << 22);
                url_encode(&b, out);
                ENSURE(url_decode(cx->arena, buf_str(&b), form, &again) && str_eq(out, again));
                buf_done(&b);
        }
        return 0;
}

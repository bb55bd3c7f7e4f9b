// SPDX-License-Identifier: MIT
#include "codec/authz.h"
#include "codec/fuzz_ctx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        FUZZ_CTX(cx);
        Str token, again;
        if (!authz_bearer(cx->arena, str_n(data, n), &token))
                return 0;
        ENSURE(token.n && token.n <= AUTHZ_TOKEN_MAX);
        for (size_t i = 0; i < token.n; i++)
                ENSURE(token.p[i] > ' ' && token.p[i] < 0x7F && !strchr("%,;\"\\", token.p[i]));
        Str header = arena_strf(cx->arena, "Bearer %.*s", STR_FMT(token));
        ENSURE(authz_bearer(cx->arena, header, &again) && str_eq(token, again));
        return 0;
}

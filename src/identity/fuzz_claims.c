// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "identity/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        TestWorld world = TEST_WORLD(0);
        Ctx cx = TEST_CTX(a, &world.world);
        Claims c;

        if (claims_read(&cx, str_n(data, n), &c) == OK && claims_check(&cx, &c, 1795170600) == OK) {
                assert(c.has_exp && c.exp >= 1795170600 - TOKEN_SKEW_S && c.sub.n > 0 &&
                       c.sub.n <= 255);
                assert(!c.has_iat || (c.iat >= 0 && c.iat <= 1795170600 + TOKEN_FUTURE_S));
        }
        return 0;
}

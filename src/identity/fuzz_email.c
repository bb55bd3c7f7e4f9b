// SPDX-License-Identifier: MIT
/* The normal form of an address: safe in a mail header, and stable under a second pass. */
#include "base/testing.h"
#include "codec/unicode.h"
#include "identity/account.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        TestWorld world = TEST_WORLD(0);
        Ctx cx = TEST_CTX(a, &world.world);
        Str once, twice;
        size_t at;

        if (email_normalize(&cx, str_n(data, n), &once) != OK)
                return 0;
        at = str_index(once, '@');
        assert(once.n <= EMAIL_MAX && at > 0 && at < once.n - 1);
        assert(str_index(str_from(once, at + 1), '@') == once.n - at - 1);
        for (size_t i = 0; i < once.n; i++)
                assert((unsigned char)once.p[i] > ' ' && once.p[i] != 127);
        assert(email_normalize(&cx, once, &twice) == OK && str_eq(once, twice));
        return 0;
}

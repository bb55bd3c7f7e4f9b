// SPDX-License-Identifier: MIT
#pragma once
/* fuzz_ctx: what the fuzz targets of this room share: a Ctx for one input, and a check that stays
 * in every build. */
#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define ENSURE(expr)                                                                               \
        do {                                                                                       \
                if (!(expr)) {                                                                     \
                        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #expr);         \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)
#define FUZZ_CTX(cx)                                                                               \
        _cleanup_(arena_freep) Arena *cx##_arena = arena_new();                                    \
        Ctx cx##_value = { .arena = cx##_arena, .world = &world_real }, *cx = &cx##_value

/* The first byte decides, the rest is the text. */
static inline uint8_t fuzz_take(Str *s) {
        uint8_t c = s->n ? (uint8_t)s->p[0] : 0;
        *s = str_from(*s, 1);
        return c;
}

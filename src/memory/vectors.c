// SPDX-License-Identifier: MIT
#include "memory/vectors.h"

Err vectors_search(Ctx *cx, const MemoryScope *s, const Keys *k, SearchQuery *sq, bool *ret_degraded) {
        *ret_degraded = false;
        return OK;
}

Err memory_embedding(Ctx *cx, const MemoryScope *s, const MemoryRow *row, Str *ret) {
        *ret = STR_NULL;
        return OK;
}

Err vectors_embed(Ctx *cx, Memory *m, Str user_id, int64_t *ret_count) {
        *ret_count = 0;
        return OK;
}

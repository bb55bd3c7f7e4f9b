// SPDX-License-Identifier: MIT
#pragma once
/* index_grow: the heap of an index. Its size is bounded by the cache's ceiling and the store's
 * limits, so like an arena it aborts when the machine refuses. */
#include "base/macros.h"

/* what the allocator adds to a block, about */
enum { GROW_OVERHEAD = 16 };

static inline void *grow_checked(void *p) {
        if (!p)
                abort();
        return p;
}
static inline void *grow_bytes(void *p, size_t n) { return grow_checked(realloc(p, n)); }
static inline void *grow_array(void *p, size_t count, size_t size) {
        return grow_checked(reallocarray(p, count, size));
}
static inline void *grow_zero(size_t count, size_t size) {
        return grow_checked(calloc(count ? count : 1, size));
}
static inline uint32_t grow_cap(uint32_t cap) { return cap < 16 ? 16 : cap + cap / 2; }

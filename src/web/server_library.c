// SPDX-License-Identifier: MIT
/* Two parts of the HTTP library that are done here instead. It is linked from its archive for that
 * (meson.build): what is defined below is not taken from there, and a version whose parts are called
 * otherwise does not link.
 *
 * The memory of a connection. The library's own is cleared after each request, all of it, which is an
 * eighth of what a request costs, and with many connections a quarter, as it no longer fits a cache.
 * This one is as large as the largest head needs, but only what is used is ever touched.
 *
 * The start of GnuTLS, before main: a megabyte of tables and some milliseconds, for a TLS that a
 * proxy speaks (docs/operations.md) and the outbound client brings along. The first function is
 * GnuTLS's own switch for that (GNUTLS_SKIP_GLOBAL_INIT). */
#include "web/server_int.h"

#include <sys/mman.h>

int _gnutls_global_init_skip(void);
int gnutls_global_init(void);
void gnutls_global_deinit(void);

int _gnutls_global_init_skip(void) { return 1; }
int gnutls_global_init(void) { return 0; }
void gnutls_global_deinit(void) {}

/* ---- the memory of a connection: from the front for what may grow, from the end for what stays ---- */

/* A line of 8 KiB, fields of 32, as much again for the cookies among them, a record for each field
 * and cookie, the head of the answer. The half of it is where what arrives is read to. */
const size_t conn_memory = 96 * 1024;

enum { ALIGN = 16, WIPED = 4096 };

struct MemoryPool {
        char *memory;
        size_t size, front, end; /* free: from front to end */
};

void MHD_init_mem_pools_(void);
struct MemoryPool *MHD_pool_create(size_t max);
void MHD_pool_destroy(struct MemoryPool *p);
size_t MHD_pool_get_free(struct MemoryPool *p);
void *MHD_pool_allocate(struct MemoryPool *p, size_t n, bool from_end);
void *MHD_pool_try_alloc(struct MemoryPool *p, size_t n, size_t *ret_missing);
void *MHD_pool_reallocate(struct MemoryPool *p, void *old, size_t old_n, size_t n);
void *MHD_pool_reset(struct MemoryPool *p, void *keep, size_t keep_n, size_t n);

void MHD_init_mem_pools_(void) {}

struct MemoryPool *MHD_pool_create(size_t max) {
        struct MemoryPool *p = malloc(sizeof *p);
        void *memory = mmap(NULL, max, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (!p || memory == MAP_FAILED) {
                free(p);
                return NULL; /* this connection is refused */
        }
        *p = (struct MemoryPool){ .memory = memory, .size = max, .end = max };
        return p;
}

void MHD_pool_destroy(struct MemoryPool *p) {
        if (p)
                munmap(p->memory, p->size);
        free(p);
}

size_t MHD_pool_get_free(struct MemoryPool *p) { return p->end - p->front; }

static size_t aligned(size_t n) { return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1); }

static bool fits(const struct MemoryPool *p, size_t n) {
        return n <= p->size && aligned(n) <= p->end - p->front;
}

void *MHD_pool_allocate(struct MemoryPool *p, size_t n, bool from_end) {
        if (!fits(p, n))
                return NULL;
        if (from_end) {
                p->end -= aligned(n);
                return p->memory + p->end;
        }
        p->front += aligned(n);
        return p->memory + p->front - aligned(n);
}

/* From the end. When there is no room: how much the caller must give back, SIZE_MAX for hopeless. */
void *MHD_pool_try_alloc(struct MemoryPool *p, size_t n, size_t *ret_missing) {
        if (fits(p, n))
                return MHD_pool_allocate(p, n, true);
        bool hopeless = n > p->size || aligned(n) > p->end;
        *ret_missing = hopeless ? SIZE_MAX : aligned(n) - (p->end - p->front);
        return NULL;
}

/* In place when it is the last one at the front, or gets smaller. */
void *MHD_pool_reallocate(struct MemoryPool *p, void *old, size_t old_n, size_t n) {
        size_t at = old ? (size_t)((char *)old - p->memory) : 0;
        bool last = old && aligned(at + old_n) == p->front;
        if (old && n > p->size)
                return NULL;
        if (old && n <= old_n) {
                if (last)
                        p->front = aligned(at + n);
                return old;
        }
        if (last) {
                if (aligned(at + n) > p->end)
                        return NULL;
                p->front = aligned(at + n);
                return old;
        }
        void *fresh = MHD_pool_allocate(p, n, false);
        if (fresh && old_n)
                memcpy(fresh, old, old_n);
        return fresh;
}

/* Everything is free again but `n` bytes at the front, which begin with what is kept: the next
 * request, as far as it has come. Most requests, and the credentials in their heads, are within what
 * is wiped. */
void *MHD_pool_reset(struct MemoryPool *p, void *keep, size_t keep_n, size_t n) {
        if (keep && keep_n && keep != p->memory)
                memmove(p->memory, keep, keep_n);
        if (keep_n < WIPED)
                memset(p->memory + keep_n, 0, WIPED - keep_n);
        p->front = aligned(n);
        p->end = p->size;
        return p->memory;
}

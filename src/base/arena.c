// SPDX-License-Identifier: MIT
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>

enum { CHUNK = 4096, CHUNK_SMALL = 1024 };

typedef struct Chunk {
        struct Chunk *next;
        size_t used, size;
        alignas(max_align_t) char mem[];
} Chunk;
struct Arena {
        Chunk *head;
        size_t handed_out, first; /* first: bytes of the first chunk */
};

static Arena *arena_make(size_t first) {
        Arena *a = calloc(1, sizeof *a);
        if (!a)
                abort();
        a->first = first - sizeof(Chunk);
        return a;
}

Arena *arena_new(void) { return arena_make(CHUNK); }
Arena *arena_new_small(void) { return arena_make(CHUNK_SMALL); }

static void chunks_free(Chunk *c) {
        for (Chunk *next; c; c = next) {
                next = c->next;
                free(c);
        }
}

Arena *arena_free(Arena *a) {
        if (a)
                chunks_free(a->head);
        free(a);
        return NULL;
}

void arena_clear(Arena *a) {
        Chunk *keep = a->head;
        if (keep) {
                /* the first chunk made is the last of the list */
                while (keep->next) {
                        Chunk *next = keep->next;
                        free(keep);
                        keep = next;
                }
                keep->used = 0;
#ifdef ARENA_MALLOC
                free(keep);
                keep = NULL;
#endif
        }
        a->head = keep;
        a->handed_out = 0;
}

static Chunk *chunk_add(Arena *a, size_t size) {
        Chunk *c = malloc(sizeof *c + size);
        if (!c)
                abort();
        c->used = 0;
        c->size = size;
        c->next = a->head;
        a->head = c;
        return c;
}

static void *take(Arena *a, size_t n, size_t align) {
        a->handed_out += n;
#ifdef ARENA_MALLOC
        /* one block each, so that overruns are seen */
        Chunk *c = chunk_add(a, n);
        (void)align;
        return c->mem;
#else
        Chunk *c = a->head;
        size_t at = c ? (c->used + align - 1) & ~(align - 1) : 0;
        if (!c || at > c->size || c->size - at < n) {
                size_t doubled = c ? MIN(c->size * 2, (size_t)256 * 1024) : a->first;
                c = chunk_add(a, MAX(n, doubled));
                at = 0;
        }
        c->used = at + n;
        return c->mem + at;
#endif
}

void *arena_alloc(Arena *a, size_t n) {
        void *p = take(a, n, alignof(max_align_t));
        return memset(p, 0, n);
}

void *arena_array(Arena *a, size_t count, size_t size) {
        size_t n;
        if (__builtin_mul_overflow(count, size, &n))
                abort();
        return arena_alloc(a, n);
}

char *arena_bytes(Arena *a, size_t n) { return take(a, n, 1); }

static Str vformat(Arena *a, const char *fmt, va_list ap) {
        char small[128];
        va_list again;
        va_copy(again, ap);
        int n = vsnprintf(small, sizeof small, fmt, ap);
        if (n < 0)
                abort();
        char *p = arena_bytes(a, (size_t)n + 1);
        if ((size_t)n < sizeof small)
                memcpy(p, small, (size_t)n + 1);
        else
                vsnprintf(p, (size_t)n + 1, fmt, again);
        va_end(again);
        return (Str){ p, (size_t)n };
}

char *arena_printf(Arena *a, const char *fmt, ...) {
        va_list ap;
        va_start(ap, fmt);
        Str s = vformat(a, fmt, ap);
        va_end(ap);
        return (char *)s.p;
}

Str arena_strf(Arena *a, const char *fmt, ...) {
        va_list ap;
        va_start(ap, fmt);
        Str s = vformat(a, fmt, ap);
        va_end(ap);
        return s;
}

Str arena_dup(Arena *a, Str s) {
        if (!s.p)
                return s;
        char *p = arena_bytes(a, s.n + 1);
        memcpy(p, s.p, s.n);
        p[s.n] = '\0';
        return (Str){ p, s.n };
}

const char *arena_cstr(Arena *a, Str s) { return s.p ? arena_dup(a, s).p : ""; }

size_t arena_used(const Arena *a) { return a->handed_out; }

// SPDX-License-Identifier: MIT
#pragma once
/* arena: memory that dies together. One per request, one per long-lived object that wants it.
 * Allocation never fails: sizes are capped where bytes enter, and a refused page aborts the
 * process. Sanitizer builds use one malloc per allocation, so that overruns are seen. Not thread
 * safe. */
#include "base/str.h"

typedef struct Arena Arena;

Arena *arena_new(void);
/* begins with a quarter of the usual room: for what lives long and holds little */
Arena *arena_new_small(void);
Arena *arena_free(Arena *a);
/* forget all, keep the first chunk for the next use */
void arena_clear(Arena *a);
DEFINE_CLEANUP(Arena, arena_free)

void *arena_alloc(Arena *a, size_t n); /* zeroed, aligned for any type */
/* zeroed; aborts when the product overflows */
void *arena_array(Arena *a, size_t count, size_t size);
char *arena_bytes(Arena *a, size_t n); /* unaligned, not zeroed: for text */
char *arena_printf(Arena *a, const char *fmt, ...) _printf_(2, 3);
Str arena_strf(Arena *a, const char *fmt, ...) _printf_(2, 3);
/* NUL behind the end; STR_NULL stays STR_NULL */
Str arena_dup(Arena *a, Str s);
const char *arena_cstr(Arena *a, Str s); /* "" for STR_NULL */
size_t arena_used(const Arena *a);       /* bytes handed out */

#define NEW(arena, T)          ((T *)arena_alloc((arena), sizeof(T)))
#define NEW_ARRAY(arena, T, n) ((T *)arena_array((arena), (n), sizeof(T)))

// SPDX-License-Identifier: MIT
#pragma once
/* buf: a growing byte buffer with a maximum from birth. The first append that would pass the
 * maximum sets `full` and drops its bytes; later ones drop too, so a writer appends freely and
 * checks once at the end. */
#include "base/str.h"

typedef struct Buf {
        char *p;
        size_t n, cap, max;
        bool full;
} Buf;

/* nothing is allocated before the first append */
#define BUF(max_) ((Buf){ .max = (max_) })
void buf_done(Buf *b);  /* frees; the Buf is empty and usable again */
void buf_clear(Buf *b); /* n = 0, keeps the memory */
/* borrowed until the next append; NUL behind the end */
Str buf_str(const Buf *b);

bool buf_add(Buf *b, Str s); /* false when full */
bool buf_add_c(Buf *b, const char *c);
bool buf_addc(Buf *b, char c);
bool buf_addf(Buf *b, const char *fmt, ...) _printf_(2, 3);
bool buf_add_i64(Buf *b, int64_t v);
bool buf_reserve(Buf *b, size_t more); /* room for `more` bytes at p + n */
void buf_drop(Buf *b, size_t n);       /* remove the first n bytes */

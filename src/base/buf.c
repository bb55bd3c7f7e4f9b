// SPDX-License-Identifier: MIT
#include "base/buf.h"

#include <stdarg.h>

void buf_done(Buf *b) {
        free(b->p);
        *b = BUF(b->max);
}

void buf_clear(Buf *b) {
        b->n = 0;
        b->full = false;
}

Str buf_str(const Buf *b) { return (Str){ b->p ? b->p : "", b->n }; }

bool buf_reserve(Buf *b, size_t more) {
        if (b->full || more > b->max - b->n) {
                b->full = true;
                return false;
        }
        size_t need = b->n + more + 1; /* one for the NUL */
        if (need > b->cap) {
                size_t cap = MAX(need, MAX(b->cap * 2, (size_t)256));
                char *p = realloc(b->p, cap);
                if (!p)
                        abort();
                b->p = p;
                b->cap = cap;
        }
        return true;
}

bool buf_add(Buf *b, Str s) {
        if (!buf_reserve(b, s.n))
                return false;
        if (s.n)
                memcpy(b->p + b->n, s.p, s.n);
        b->n += s.n;
        b->p[b->n] = '\0';
        return true;
}

bool buf_add_c(Buf *b, const char *c) { return buf_add(b, str_c(c)); }

bool buf_addc(Buf *b, char c) { return buf_add(b, (Str){ &c, 1 }); }

bool buf_addf(Buf *b, const char *fmt, ...) {
        va_list ap, again;
        va_start(ap, fmt);
        va_copy(again, ap);
        int n = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        bool fits = n >= 0 && buf_reserve(b, (size_t)n);
        if (fits) {
                vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
                b->n += (size_t)n;
        }
        va_end(again);
        return fits;
}

bool buf_add_i64(Buf *b, int64_t v) {
        char digits[20];
        size_t at = sizeof digits;
        uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
        do
                digits[--at] = (char)('0' + u % 10);
        while (u /= 10);
        return (v >= 0 || buf_addc(b, '-')) && buf_add(b, (Str){ digits + at, sizeof digits - at });
}

void buf_drop(Buf *b, size_t n) {
        assert(n <= b->n);
        b->n -= n;
        if (n && b->p)
                memmove(b->p, b->p + n, b->n + 1);
}

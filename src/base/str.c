// SPDX-License-Identifier: MIT
#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static unsigned char lower(char c) { return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c); }

bool str_eq_nocase(Str a, Str b) {
        if (a.n != b.n)
                return false;
        for (size_t i = 0; i < a.n; i++)
                if (lower(a.p[i]) != lower(b.p[i]))
                        return false;
        return true;
}

int str_cmp(Str a, Str b) {
        size_t n = MIN(a.n, b.n);
        int c = n ? memcmp(a.p, b.p, n) : 0;
        return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool str_contains(Str s, Str part) {
        return part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n));
}

size_t str_index(Str s, char c) {
        const char *at = s.n ? memchr(s.p, c, s.n) : NULL;
        return at ? (size_t)(at - s.p) : s.n;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

Str str_trim(Str s) {
        while (s.n && is_space(s.p[0]))
                s = (Str){ s.p + 1, s.n - 1 };
        while (s.n && is_space(s.p[s.n - 1]))
                s.n--;
        return s;
}

bool str_is_in(Str word, const char *words) {
        char key[32];
        if (word.n == 0 || word.n > sizeof key - 3)
                return false;
        key[0] = ' ';
        for (size_t i = 0; i < word.n; i++)
                key[i + 1] = (char)lower(word.p[i]);
        key[word.n + 1] = ' ';
        key[word.n + 2] = '\0';
        return strstr(words, key) != NULL;
}

Str str_cut(Str *rest, char sep) {
        size_t at = str_index(*rest, sep);
        Str head = { rest->p, at };
        *rest = at < rest->n ? (Str){ rest->p + at + 1, rest->n - at - 1 } : STR_NULL;
        return head;
}

bool str_to_i64(Str s, int64_t *ret) {
        bool minus = s.n && s.p[0] == '-';
        size_t i = minus ? 1 : 0;
        if (i == s.n)
                return false;
        int64_t v = 0;
        for (; i < s.n; i++) { /* counts downwards, so that INT64_MIN fits */
                int digit = s.p[i] - '0';
                if (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
                    __builtin_sub_overflow(v, digit, &v))
                        return false;
        }
        if (!minus && v == INT64_MIN)
                return false;
        *ret = minus ? v : -v;
        return true;
}

bool str_to_f64(Str s, double *ret) {
        char text[64];
        if (!s.n || s.n >= sizeof text || is_space(s.p[0]))
                return false;
        for (size_t i = 0; i < s.n; i++) /* no hex, inf, nan */
                if (!strchr("0123456789+-.eE", s.p[i]) || !s.p[i])
                        return false;
        memcpy(text, s.p, s.n);
        text[s.n] = '\0';
        char *end;
        errno = 0;
        double v = strtod(text, &end);
        if (*end || !isfinite(v))
                return false;
        *ret = v;
        return true;
}

/* Length of the well-formed sequence at p (Unicode 15, table 3-7), or 0. */
static size_t utf8_len(const unsigned char *p, size_t n) {
        unsigned char c = p[0];
        if (c < 0x80)
                return 1;
        size_t len = c >= 0xC2 && c <= 0xDF   ? 2
                     : (c & 0xF0) == 0xE0     ? 3
                     : c >= 0xF0 && c <= 0xF4 ? 4
                                              : 0;
        if (!len || n < len)
                return 0;
        for (size_t i = 1; i < len; i++)
                if ((p[i] & 0xC0) != 0x80)
                        return 0;
        bool bad = (c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F) ||
                   (c == 0xF0 && p[1] < 0x90) || (c == 0xF4 && p[1] > 0x8F);
        return bad ? 0 : len;
}

bool str_is_ascii(Str s) {
        unsigned char all = 0;
        for (size_t i = 0; i < s.n; i++)
                all |= (unsigned char)s.p[i];
        return all < 0x80;
}

bool str_is_utf8(Str s) {
        const unsigned char *p = (const unsigned char *)s.p;
        for (size_t i = 0, len; i < s.n; i += len) {
                uint64_t eight = 0;
                if (s.n - i >= sizeof eight)
                        memcpy(&eight, p + i, sizeof eight);
                else
                        eight = UINT64_MAX;
                len = eight & UINT64_C(0x8080808080808080) ? utf8_len(p + i, s.n - i)
                                                           : sizeof eight;
                if (!len)
                        return false;
        }
        return true;
}

size_t str_utf8_count(Str s) {
        size_t n = 0;
        for (size_t i = 0; i < s.n; i++)
                n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
        return n;
}

size_t str_utf8_cut(Str s, size_t max_bytes) {
        if (s.n <= max_bytes)
                return s.n;
        size_t n = max_bytes;
        while (n && ((unsigned char)s.p[n] & 0xC0) == 0x80)
                n--;
        return n;
}

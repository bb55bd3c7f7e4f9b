// SPDX-License-Identifier: MIT
#pragma once
/* str: bytes with a length. A Str never owns; p == NULL means absent, n == 0 with p set means
 * empty. */
#include <string.h>

#include "base/macros.h"

typedef struct Str {
        const char *p;
        size_t n;
} Str;

#define STR(lit)   ((Str){ "" lit, sizeof(lit) - 1 })
#define STR_NULL   ((Str){ NULL, 0 })
#define STR_FMT(s) (int)(s).n, (s).p ? (s).p : "" /* for "%.*s" */

typedef struct Strs {
        const Str *v;
        size_t n;
} Strs; /* a borrowed list */

static inline Str str_c(const char *c) { return c ? (Str){ c, strlen(c) } : STR_NULL; }
static inline Str str_n(const void *p, size_t n) { return (Str){ p, n }; }
static inline bool str_is_empty(Str s) { return s.n == 0; }
static inline bool str_eq(Str a, Str b) {
        return a.n == b.n && (a.n == 0 || !memcmp(a.p, b.p, a.n));
}
static inline bool str_eq_c(Str a, const char *c) { return str_eq(a, str_c(c)); }
static inline bool str_starts(Str s, Str head) {
        return s.n >= head.n && !memcmp(s.p, head.p, head.n);
}
static inline bool str_ends(Str s, Str tail) {
        return s.n >= tail.n && !memcmp(s.p + s.n - tail.n, tail.p, tail.n);
}
static inline Str str_from(Str s, size_t at) {
        return at < s.n ? (Str){ s.p + at, s.n - at } : (Str){ s.p ? s.p + s.n : "", 0 };
}
static inline Str str_to(Str s, size_t n) { return (Str){ s.p, MIN(n, s.n) }; }

bool str_eq_nocase(Str a, Str b); /* ASCII only */
int str_cmp(Str a, Str b);        /* byte order, shorter first */
bool str_contains(Str s, Str part);
size_t str_index(Str s, char c); /* s.n when absent */
Str str_trim(Str s);             /* ASCII white space at both ends */
/* One of the words of " a b c ", which stand in lower case between spaces; in any case, ASCII. */
bool str_is_in(Str word, const char *words);

/* The text before the first `sep`; *rest moves behind it, or to STR_NULL at the end.
 * A list "a,b" gives a, b; "" gives one empty part. Loop while rest->p. */
Str str_cut(Str *rest, char sep);

/* FNV-1a of 64 bits (Fowler, Noll and Vo): spreads keys that nobody chooses; no digest. `h` is
 * what came before, or a start of one's own. */
static inline uint64_t str_hash_from(uint64_t h, Str s) {
        for (size_t i = 0; i < s.n; i++)
                h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
        return h;
}
static inline uint64_t str_hash(Str s) { return str_hash_from(0xcbf29ce484222325u, s); }
/* Its place in a table of n; folded first, as the authors advise. */
static inline size_t str_slot(Str s, size_t n) {
        uint64_t h = str_hash(s);
        return (size_t)((h ^ h >> 32) % n);
}

/* Decimal, no sign for u64, nothing before or behind; false leaves *ret alone. */
bool str_to_i64(Str s, int64_t *ret) _must_check_;
bool str_to_f64(Str s, double *ret) _must_check_; /* finite only */

bool str_is_ascii(Str s);
bool str_is_utf8(Str s);                      /* RFC 3629: no surrogates, no overlongs */
size_t str_utf8_count(Str s);                 /* code points of valid UTF-8 */
size_t str_utf8_cut(Str s, size_t max_bytes); /* longest whole-character prefix, in bytes */

// SPDX-License-Identifier: MIT
#include "codec/cookie.h"

static Str unquoted(Str s) {
        bool quoted = s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
        return quoted ? (Str){ s.p + 1, s.n - 2 } : s;
}

bool cookie_next(Str *rest, Str *name, Str *value) {
        while (rest->p) {
                Str tail = str_cut(rest, ';');
                Str head = str_cut(&tail, '=');
                if (!tail.p)
                        continue;
                *name = str_trim(head);
                *value = unquoted(str_trim(tail));
                if (name->n)
                        return true;
        }
        return false;
}

Str cookie_get(Str header, Str name) {
        Str n, v;
        while (cookie_next(&header, &n, &v))
                if (str_eq(n, name))
                        return v;
        return STR_NULL;
}

/* "0", "1", … without leading zeros; -1 for any other text, so that "session-x.9" or "session.01"
 * is no chunk. */
static int chunk_number(Str cookie, Str name) {
        if (!str_starts(cookie, name) || cookie.n < name.n + 2 || cookie.p[name.n] != '.')
                return -1;
        Str digits = str_from(cookie, name.n + 1);
        int v = 0;
        for (size_t i = 0; i < digits.n; i++) {
                if (digits.p[i] < '0' || digits.p[i] > '9' ||
                    (i == 0 && digits.n > 1 && digits.p[0] == '0'))
                        return -1;
                v = MIN(v * 10 + (digits.p[i] - '0'), COOKIE_CHUNKS_MAX);
        }
        return v;
}

Str cookie_join(Arena *a, Str header, Str name) {
        Str whole = cookie_get(header, name);
        if (whole.n)
                return whole.n <= COOKIE_JOINED_MAX ? whole : STR_NULL;
        Str chunks[COOKIE_CHUNKS_MAX] = { 0 }, n, v;
        int count = 0, last = -1;
        size_t total = 0;
        while (cookie_next(&header, &n, &v)) {
                int i = chunk_number(n, name);
                if (i < 0)
                        continue;
                if (i >= COOKIE_CHUNKS_MAX || chunks[i].p || v.n > COOKIE_JOINED_MAX - total)
                        return STR_NULL;
                chunks[i] = v;
                total += v.n;
                last = MAX(last, i);
                count++;
        }
        if (!count || last + 1 != count) /* none, or a gap */
                return STR_NULL;
        char *out = arena_bytes(a, total + 1), *p = out;
        for (int i = 0; i < count; i++) {
                memcpy(p, chunks[i].p, chunks[i].n);
                p += chunks[i].n;
        }
        *p = '\0';
        return (Str){ out, total };
}

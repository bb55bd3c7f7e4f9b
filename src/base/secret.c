// SPDX-License-Identifier: MIT
#include "base/secret.h"

#include <stdlib.h>

void secret_wipe(void *p, size_t n) {
        if (n)
                explicit_bzero(p, n);
}

void secret_done(Secret *s) {
        if (s->p)
                secret_wipe(s->p, s->n);
        free(s->p);
        *s = (Secret){ 0 };
}

char *secret_reserve(Secret *s, size_t n) {
        secret_done(s);
        s->p = calloc(1, n + 1);
        if (!s->p)
                abort();
        s->n = n;
        return s->p;
}

void secret_set(Secret *s, Str bytes) {
        Secret fresh = { 0 };
        char *p = secret_reserve(&fresh, bytes.n); /* bytes may be part of *s */
        if (bytes.n)
                memcpy(p, bytes.p, bytes.n);
        secret_done(s);
        *s = fresh;
}

bool secret_eq(Str a, Str b) {
        if (a.n != b.n)
                return false;
        volatile unsigned char diff = 0;
        for (size_t i = 0; i < a.n; i++)
                diff = (unsigned char)(diff | ((unsigned char)a.p[i] ^ (unsigned char)b.p[i]));
        return diff == 0;
}

// SPDX-License-Identifier: MIT
#pragma once
/* secret: bytes that are wiped, compared in constant time and printed by nothing. Lives outside
 * arenas. */
#include "base/str.h"

typedef struct Secret {
        char *p;
        size_t n;
} Secret; /* p is NUL-terminated; {0} is empty */

void secret_set(Secret *s, Str bytes);     /* copies; wipes what was there */
char *secret_reserve(Secret *s, size_t n); /* n zero bytes to fill in place */
void secret_done(Secret *s);               /* wipes and frees; fine on {0} */
bool secret_eq(Str a, Str b);              /* time depends on the lengths only */
/* for copies on the stack; never optimised away */
void secret_wipe(void *p, size_t n);
static inline Str secret_str(const Secret *s) { return (Str){ s->p, s->n }; } /* borrowed */

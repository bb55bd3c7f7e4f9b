// SPDX-License-Identifier: MIT
#pragma once
/* shown: digests of the contents that a user's last 20 answers were given with, so that text which
 * comes back by way of the conversation is not learned again. In memory only: after a restart an
 * echo meets the duplicate check instead. */
#include "base/base.h"

typedef struct Shown Shown; /* thread safe */
Shown *shown_new(void);
Shown *shown_free(Shown *s);
void shown_add(Shown *s, Str user_id, const uint64_t *digests, size_t n); /* of one answer */
bool shown_has(Shown *s, Str user_id, uint64_t digest);
void shown_clear(Shown *s);

// SPDX-License-Identifier: MIT
#pragma once
/* cookie: the Cookie header (RFC 6265) and the chunked session cookies of Auth.js. */
#include "base/base.h"

enum { COOKIE_CHUNKS_MAX = 8, COOKIE_JOINED_MAX = 32 * 1024 };

/* One pair after the other: while (cookie_next(&rest, &name, &value)). Pairs without '=' are passed
 * over. */
bool cookie_next(Str *rest, Str *name, Str *value);
Str cookie_get(Str header, Str name); /* the first of that name; STR_NULL when absent */

/* `name`, else `name.0`, `name.1`, … joined in order. STR_NULL when neither is there, or when the
 * chunks are not contiguous from 0, given twice, more than COOKIE_CHUNKS_MAX, or longer than
 * COOKIE_JOINED_MAX. Other cookies never disturb. */
Str cookie_join(Arena *a, Str header, Str name);

// SPDX-License-Identifier: MIT
#pragma once
/* base64: RFC 4648. The URL form has no padding, the standard form needs it. Both decoders take
 * canonical text only: no white space, no foreign characters, no stray bits behind the last byte,
 * so one value has exactly one text. */
#include "base/base.h"

/* of the text of n bytes */
static inline size_t base64url_size(size_t n) { return n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0); }
/* of n characters */
static inline size_t base64url_bytes(size_t n) { return n / 4 * 3 + (n % 4 ? n % 4 - 1 : 0); }

void base64url_write(char *out, Str bytes); /* base64url_size(n) bytes, no NUL */
Str base64url_encode(Arena *a, Str bytes);
/* base64url_bytes(n) bytes; undefined content after false */
bool base64url_read(Str text, void *ret) _must_check_;
bool base64url_decode(Arena *a, Str text, Str *ret) _must_check_;

Str base64_encode(Arena *a, Str bytes);
bool base64_decode(Arena *a, Str text, Str *ret) _must_check_;

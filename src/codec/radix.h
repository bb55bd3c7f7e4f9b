// SPDX-License-Identifier: MIT
#pragma once
/* radix: bytes and numbers in the smaller alphabets: hexadecimal, base32 (RFC 4648 and Crockford),
 * base62. Writers fill exactly the bytes named and add no NUL; arena forms do. Readers are exact
 * about length and alphabet. */
#include "base/base.h"

void hex_write(char *out, Str bytes); /* 2n lower case digits */
Str hex_encode(Arena *a, Str bytes);
bool hex_read(Str text, void *ret, size_t n) _must_check_; /* exactly 2n digits of either case */

/* RFC 4648 without padding (TOTP secrets); the reader takes either case and no stray bits. */
Str base32_encode(Arena *a, Str bytes);
bool base32_decode(Arena *a, Str text, Str *ret) _must_check_;
/* Crockford, lower case, most significant bit first; 16 bytes give 26 characters. */
Str crockford_encode(Arena *a, Str bytes);

enum { BASE62_U32 = 6 }; /* characters that hold any 32-bit number */
/* most significant first, padded with '0'; v must fit */
void base62_write(char *out, size_t n, uint64_t v);
bool base62_is(Str s);                            /* only 0-9 A-Z a-z */
void base62_random(Ctx *cx, char *out, size_t n); /* uniform, log2(62) bits each */

// SPDX-License-Identifier: MIT
#pragma once
/* unicode: normal forms, case folding and character classes (utf8proc, Unicode 15). Input must be
 * valid UTF-8 (str_is_utf8); anything else, and results over UNICODE_MAX bytes, are refused. */
#include "base/base.h"

enum { UNICODE_MAX = 1024 * 1024 };

Err unicode_nfc(Ctx *cx, Str s, Str *ret) _must_check_; /* ERR_INVALID, ERR_TOO_LARGE */
Err unicode_nfkc(Ctx *cx, Str s, Str *ret) _must_check_;
/* NFKC, lower case, NFKC: the form of an e-mail address */
Err unicode_lower_nfkc(Ctx *cx, Str s, Str *ret) _must_check_;
/* full case folding, then NFC: for comparing */
Err unicode_fold(Ctx *cx, Str s, Str *ret) _must_check_;

/* Walks valid UTF-8: the next code point, -1 at the end; a broken byte gives U+FFFD and is stepped
 * over. */
int32_t unicode_next(Str *rest);
/* bytes written; 0 for a value that is no code point */
size_t unicode_put(int32_t c, char out[4]);
int32_t unicode_lower(int32_t c);
bool unicode_is_letter(int32_t c);    /* L*, and the marks that belong to words */
bool unicode_is_digit(int32_t c);     /* Nd */
bool unicode_is_space(int32_t c);     /* Zs, Zl, Zp, tab to carriage return */
bool unicode_is_control(int32_t c);   /* Cc, and the direction overrides of Cf */
bool unicode_is_ideograph(int32_t c); /* written without spaces: Han, kana, Thai, … */

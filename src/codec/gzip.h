// SPDX-License-Identifier: MIT
#pragma once
/* gzip: a body made smaller for who asks for it (RFC 1952; RFC 9110 section 12.5.3). */
#include "base/base.h"

/* The value of Accept-Encoding, or STR_NULL: may the answer be gzip? Named with a weight above 0,
 * or not named and "*" is. */
bool gzip_is_accepted(Str accept_encoding);
/* In the context's arena; fast rather than small. ERR_TOO_LARGE: over 256 MiB. */
Err gzip_pack(Ctx *cx, Str plain, Str *ret) _must_check_;

// SPDX-License-Identifier: MIT
#pragma once
/* url: percent-encoding (RFC 3986) and the readers that turn a query or a form body into a struct
 * by shape.
 *
 * Strict: a bad escape, %00 and text that is not UTF-8 are refused, never passed on half decoded. A
 * reader takes scalars and lists of strings; a scalar member given twice is refused, a list member
 * (FT_STRS) may repeat. An empty value of anything but a string counts as absent, so "?limit=" is
 * the default. Booleans: true, false, 1, 0, and the bare name for true. */
#include "codec/shape.h"

typedef enum UrlForm { URL_PATH, URL_FORM } UrlForm; /* '+' is itself, or a space */

/* The decoded text in the arena (the input itself when there is nothing to decode). false: bad
 * escape, NUL, not UTF-8. */
bool url_decode(Arena *a, Str text, UrlForm form, Str *ret) _must_check_;
void url_encode(Buf *out, Str s); /* all but the unreserved A-Z a-z 0-9 - . _ ~ */

/* ERR_BAD_REQUEST: cannot be decoded. ERR_INVALID: members noted with pointers, "?limit" for a
 * query, "#/token" for a form. */
Err query_read(Ctx *cx, Str raw, const Shape *shape, void *ret) _must_check_;
Err form_read(Ctx *cx, Str raw, const Shape *shape, void *ret) _must_check_;

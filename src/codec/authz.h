// SPDX-License-Identifier: MIT
#pragma once
/* authz: the text of credentials: the Authorization header, and the form of an API key. Only the
 * form is checked here; whether a credential is good is identity's question. */
#include "base/base.h"

enum { AUTHZ_TOKEN_MAX = 32 * 1024 };

/* "Bearer x": scheme and credentials, both not empty, one or more spaces between. */
bool authz_split(Str header, Str *ret_scheme, Str *ret_rest) _must_check_;
/* The Bearer token, percent-decoded where it has escapes. false: another scheme, a bad escape,
 * characters that no token has (RFC 6750 b64token), or longer than AUTHZ_TOKEN_MAX. */
bool authz_bearer(Arena *a, Str header, Str *ret_token) _must_check_;

/* ms_<12>_<43><6>: id, secret, CRC-32 of all before it; base62. */
enum { API_KEY_ID = 12, API_KEY_SECRET = 43, API_KEY_SUM = 6, API_KEY_TEXT = 65 };
typedef struct ApiKeyText {
        Str id, secret;
} ApiKeyText;                                               /* borrowed from the text */
bool api_key_parse(Str text, ApiKeyText *ret) _must_check_; /* false also for a wrong checksum */
bool api_key_looks_like(Str text); /* begins as one: then it is never tried as a token */
void api_key_new(Ctx *cx, char out[API_KEY_TEXT + 1]); /* the caller wipes it */

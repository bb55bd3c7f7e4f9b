// SPDX-License-Identifier: MIT
#pragma once
/* foreign: sessions of a front end that runs Auth.js v5 or NextAuth v4, opened with its secret.
 * Every key a secret gives (one per token format and cookie name) is derived once, at start. */
#include "codec/jose.h"
#include "identity/identity.h"

typedef struct ForeignKeys ForeignKeys;

enum { FOREIGN_BEARER = -1, FOREIGN_COOKIES = 5 };

Err foreign_keys_new(Ctx *cx, const IdentitySettings *set, ForeignKeys **ret) _must_check_;
ForeignKeys *foreign_keys_free(ForeignKeys *f);
DEFINE_CLEANUP(ForeignKeys, foreign_keys_free)

bool foreign_is_configured(const ForeignKeys *f);
bool foreign_has_secret(const ForeignKeys *f,
                        Str secret); /* the same value is used for our own tokens */
/* Cookie names in the order in which they are tried; STR_NULL: skip. */
Str foreign_cookie(const ForeignKeys *f, int i);

/* The payload of a session token, encrypted or signed. `cookie`: the index of the cookie that
 * carried it, or FOREIGN_BEARER. ERR_TOKEN_INVALID: none of the keys that may open it there
 * does. */
Err foreign_open(Ctx *cx, const ForeignKeys *f, Str token, int cookie,
                 Str *ret_payload) _must_check_;

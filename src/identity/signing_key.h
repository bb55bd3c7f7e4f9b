// SPDX-License-Identifier: MIT
#pragma once
/* signing_key: what access tokens are signed with. With JWT_SECRET_KEY one HS256 secret;
 * otherwise ES256 keys of our own, sealed in the database and published as a JWK set. A new key
 * is published SIGNING_LEAD_S before its first use and an old one stays until its last token has
 * expired, so a rotation needs no restart and refuses no token. */
#include "codec/jose.h"
#include "identity/identity.h"

enum { SIGNING_LEAD_S = 600 };

typedef struct SigningKeys SigningKeys;

typedef struct SigningKeyInfo {
        Str kid;
        int64_t created_at, active_from, retired_at; /* ms; retired_at 0 = not retired */
        bool is_current, is_published;
} SigningKeyInfo;

/* ERR_INVALID: the secret is short or known. */
Err signing_keys_new(Ctx *cx, Str jwt_secret, int64_t access_ttl_s, SigningKeys **ret) _must_check_;
SigningKeys *signing_keys_free(SigningKeys *s);
DEFINE_CLEANUP(SigningKeys, signing_keys_free)
SigningKeys *identity_signing_keys(Identity *id);   /* borrowed */
bool signing_keys_are_shared(const SigningKeys *s); /* HS256: nothing is published */

/* Reads what the table has beyond what is known; `id` unseals. */
Err signing_keys_load(Ctx *cx, SigningKeys *s, Identity *id, DbConn *c) _must_check_;
/* Inside a write. `active_from` = now for the first one. */
Err signing_key_add(Ctx *cx, SigningKeys *s, Identity *id, DbConn *c,
                    int64_t active_from) _must_check_;
/* Inside a write: tokens signed by it end now. ERR_NOT_FOUND; ERR_CONFLICT: it is the only one. */
Err signing_key_retire(Ctx *cx, SigningKeys *s, Identity *id, DbConn *c, Str kid) _must_check_;
Err signing_keys_list(Ctx *cx, SigningKeys *s, SigningKeyInfo **ret, size_t *ret_n) _must_check_;

const JoseKey *signing_key_current(Ctx *cx,
                                   SigningKeys *s); /* borrowed for the life of SigningKeys */
/* The key a token may be checked with; NULL: none with this algorithm and name. */
const JoseKey *signing_key_find(Ctx *cx, SigningKeys *s, const JoseHeader *h);
void signing_keys_write(Ctx *cx, SigningKeys *s, Buf *out); /* the JWK set */

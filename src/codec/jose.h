// SPDX-License-Identifier: MIT
#pragma once
/* jose: compact JWS (RFC 7515) and JWE with a shared key (RFC 7516 "dir"), and the JWK forms of our
 * keys.
 *
 * The algorithm comes from the key, never from the token (RFC 8725): a token is good for a key only
 * if its header names exactly that algorithm. Refused before any key is touched: crit, zip, b64,
 * jku, jwk, x5u, x5c, x5t, p2c, p2s; duplicate members; depth over 16; base64url that is not
 * canonical; JWS over 8 KiB, JWE over 32 KiB. A payload is given out only when it is true. */
#include "base/base.h"
#include "crypto/sign.h"

enum { JWS_TEXT_MAX = 8 * 1024, JWE_TEXT_MAX = 32 * 1024, JOSE_DEPTH_MAX = 16 };

typedef enum JoseAlg {
        JOSE_UNSET = 0,
        JOSE_HS256,
        JOSE_ES256, /* JWS */
        JOSE_A256GCM,
        JOSE_A256CBC_HS512, /* JWE, alg "dir" */
} JoseAlg;
typedef struct JoseKey JoseKey; /* immutable, thread safe, wiped on free */

/* Secrets are copied. A key without kid (STR_NULL) names none in its tokens and takes any; that of
 * an ES256 key is then its thumbprint. ERR_INVALID: an empty secret, a point off the curve, a size
 * that does not fit `enc` (A256GCM 32 bytes, A256CBC-HS512 64). */
Err jose_key_hs256(Ctx *cx, Str secret, Str kid, JoseKey **ret) _must_check_;
Err jose_key_es256(Ctx *cx, const Es256Parts *parts, Str kid, JoseKey **ret) _must_check_;
Err jose_key_dir(Ctx *cx, JoseAlg enc, Str key, Str kid, JoseKey **ret) _must_check_;
JoseKey *jose_key_free(JoseKey *k);
DEFINE_CLEANUP(JoseKey, jose_key_free)
JoseAlg jose_key_alg(const JoseKey *k);
Str jose_key_kid(const JoseKey *k); /* STR_NULL when it has none */

/* What a token says about itself; nothing of it is proven yet. Use: to choose the key. Borrowed
 * from the arena. */
typedef enum JoseKind { JOSE_NEITHER, JOSE_JWS, JOSE_JWE } JoseKind; /* by the number of parts */
JoseKind jose_kind(Str token);
typedef struct JoseHeader {
        JoseAlg alg;
        Str kid, typ;
} JoseHeader; /* alg: `enc` for a JWE */
/* ERR_TOKEN_INVALID: any of the refusals above, or an algorithm that is not in JoseAlg. */
Err jose_header(Ctx *cx, Str token, JoseHeader *ret) _must_check_;

/* Sign the payload (JSON text). Header: alg, typ ("at+jwt"; STR_NULL leaves it out), kid. */
Err jws_sign(Ctx *cx, const JoseKey *key, Str typ, Str payload, Str *ret) _must_check_;
/* The payload's bytes in the arena. ERR_TOKEN_INVALID for everything that is not a token signed by
 * this key. */
Err jws_verify(Ctx *cx, const JoseKey *key, Str token, Str *ret_payload) _must_check_;
/* As jws_verify; the plain text is in the arena. */
Err jwe_open(Ctx *cx, const JoseKey *key, Str token, Str *ret_plain) _must_check_;

/* {"keys":[…]}: the public halves; symmetric keys are left out. */
void jwk_set_write(Buf *out, const JoseKey *const *keys, size_t n);
Str jwk_thumbprint(Ctx *cx, const JoseKey *key); /* RFC 7638 with SHA-256, of an ES256 key */
/* How Auth.js names a secret key: the SHA-512 form of the same. */
Str authjs_kid(Ctx *cx, Str key_bytes);

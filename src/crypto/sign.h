// SPDX-License-Identifier: MIT
#pragma once
/* sign: signatures. Ed25519 for what only we read (audit checkpoints), ECDSA P-256 with SHA-256 for
 * tokens others verify. */
#include "base/base.h"

enum { ED25519_SEED = 32, ED25519_PUBLIC = 32, ED25519_SIG = 64, ES256_SIG = 64 };

/* The key pair is a pure function of its 32-byte seed. */
typedef struct Ed25519Key {
        unsigned char public[ED25519_PUBLIC], secret[64];
} Ed25519Key;
void ed25519_key(const unsigned char seed[ED25519_SEED], Ed25519Key *ret);
void ed25519_key_done(Ed25519Key *k);
void ed25519_sign(const Ed25519Key *k, Str msg, unsigned char ret[ED25519_SIG]);
bool ed25519_verify(const unsigned char public[ED25519_PUBLIC], Str msg, Str sig);

/* Raw big-endian coordinates, and the private scalar when there is one. */
typedef struct Es256Parts {
        unsigned char x[32], y[32], d[32];
        bool has_private;
} Es256Parts;
typedef struct Es256Key Es256Key; /* thread safe */
Err es256_generate(Ctx *cx, Es256Parts *ret) _must_check_;
void es256_parts_done(Es256Parts *p); /* wipes */
/* ERR_INVALID: not on the curve */
Err es256_key_new(Ctx *cx, const Es256Parts *parts, Es256Key **ret) _must_check_;
Es256Key *es256_key_free(Es256Key *k);
DEFINE_CLEANUP(Es256Key, es256_key_free)
Err es256_sign(Ctx *cx, const Es256Key *k, Str msg, unsigned char ret[ES256_SIG]) _must_check_;
/* sig = r ‖ s (IEEE P1363), exactly 64 bytes */
bool es256_verify(const Es256Key *k, Str msg, Str sig);

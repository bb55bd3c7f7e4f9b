// SPDX-License-Identifier: MIT
#pragma once
/* hash: digests, MACs and key derivation. SHA-256 uses the processor's instructions where it has
 * them; a keyed MAC state is made once and then costs two block functions less per message. Nothing
 * here fails. */
#include "base/base.h"

enum { SHA1_SIZE = 20, SHA256_SIZE = 32, SHA512_SIZE = 64 };

void sha256(Str bytes, unsigned char ret[SHA256_SIZE]);
void sha512(Str bytes, unsigned char ret[SHA512_SIZE]);

/* A digest over pieces. Plain memory: copy, drop. */
typedef struct Sha256 {
        _Alignas(8) unsigned char state[112];
} Sha256;
void sha256_init(Sha256 *h);
void sha256_add(Sha256 *h, Str bytes);
void sha256_end(Sha256 *h, unsigned char ret[SHA256_SIZE]);

/* HMAC-SHA-256 (RFC 2104). The key state may be used by many threads at once. */
typedef struct HmacKey {
        Sha256 inner, outer;
} HmacKey;
void hmac_key_init(HmacKey *k, Str key);
void hmac_key_done(HmacKey *k);
void hmac_key_sign(const HmacKey *k, Str msg, unsigned char ret[SHA256_SIZE]);
/* constant time; false also for a wrong length */
bool hmac_key_verify(const HmacKey *k, Str msg, Str mac);
void hmac_sha256(Str key, Str msg, unsigned char ret[SHA256_SIZE]);
void hmac_sha1(Str key, Str msg, unsigned char ret[SHA1_SIZE]); /* TOTP only */

/* RFC 5869; n <= 255 * 32. */
void hkdf_sha256(Str secret, Str salt, Str info, void *ret, size_t n);

/* SipHash-2-4: hash tables that strangers fill. */
typedef struct SipKey {
        unsigned char k[16];
} SipKey;
uint64_t siphash(const SipKey *key, Str bytes);

// SPDX-License-Identifier: MIT
/* The digest functions named by type are used on purpose: the newer interface fetches and allocates
 * per message, which costs more than hashing a token does. */
#define OPENSSL_API_COMPAT 0x10100000L
#include "crypto/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "crypto/sodium_int.h"

_Static_assert(sizeof(SHA256_CTX) == sizeof(Sha256), "the state fits");

static SHA256_CTX *state_of(Sha256 *h) { return (SHA256_CTX *)(void *)h->state; }

void sha256(Str bytes, unsigned char ret[SHA256_SIZE]) { SHA256(bytes_of(bytes), bytes.n, ret); }

void sha512(Str bytes, unsigned char ret[SHA512_SIZE]) { SHA512(bytes_of(bytes), bytes.n, ret); }

void sha256_init(Sha256 *h) { SHA256_Init(state_of(h)); }

void sha256_add(Sha256 *h, Str bytes) { SHA256_Update(state_of(h), bytes_of(bytes), bytes.n); }

void sha256_end(Sha256 *h, unsigned char ret[SHA256_SIZE]) { SHA256_Final(ret, state_of(h)); }

/* The state after the first block of either pass, which depends on the key alone. */
void hmac_key_init(HmacKey *k, Str key) {
        unsigned char block[SHA256_CBLOCK] = { 0 };
        if (key.n > sizeof block)
                sha256(key, block);
        else
                memcpy(block, bytes_of(key), key.n);
        for (size_t i = 0; i < sizeof block; i++)
                block[i] ^= 0x36;
        sha256_init(&k->inner);
        sha256_add(&k->inner, str_n(block, sizeof block));
        for (size_t i = 0; i < sizeof block; i++)
                block[i] ^= 0x36 ^ 0x5C;
        sha256_init(&k->outer);
        sha256_add(&k->outer, str_n(block, sizeof block));
        secret_wipe(block, sizeof block);
}

void hmac_key_done(HmacKey *k) { secret_wipe(k, sizeof *k); }

void hmac_key_sign(const HmacKey *k, Str msg, unsigned char ret[SHA256_SIZE]) {
        HmacKey now = *k;
        unsigned char digest[SHA256_SIZE];
        sha256_add(&now.inner, msg);
        sha256_end(&now.inner, digest);
        sha256_add(&now.outer, str_n(digest, sizeof digest));
        sha256_end(&now.outer, ret);
        secret_wipe(&now, sizeof now);
}

bool hmac_key_verify(const HmacKey *k, Str msg, Str mac) {
        unsigned char right[SHA256_SIZE];
        hmac_key_sign(k, msg, right);
        return secret_eq(mac, str_n(right, sizeof right));
}

void hmac_sha256(Str key, Str msg, unsigned char ret[SHA256_SIZE]) {
        HmacKey k;
        hmac_key_init(&k, key);
        hmac_key_sign(&k, msg, ret);
        hmac_key_done(&k);
}

void hmac_sha1(Str key, Str msg, unsigned char ret[SHA1_SIZE]) {
        if (!HMAC(EVP_sha1(), bytes_of(key), (int)key.n, bytes_of(msg), msg.n, ret, NULL))
                abort();
}

void hkdf_sha256(Str secret, Str salt, Str info, void *ret, size_t n) {
        assert(n <= 255 * SHA256_SIZE);
        unsigned char key[SHA256_SIZE], block[SHA256_SIZE], *out = ret;
        HmacKey k;
        hmac_sha256(salt, secret, key); /* extract */
        hmac_key_init(&k, str_n(key, sizeof key));
        for (unsigned char i = 1; n; i++) { /* expand: T(i) = HMAC(T(i-1) ‖ info ‖ i) */
                HmacKey now = k;
                if (i > 1)
                        sha256_add(&now.inner, str_n(block, sizeof block));
                sha256_add(&now.inner, info);
                hmac_key_sign(&now, str_n(&i, 1), block);
                size_t take = MIN(n, sizeof block);
                memcpy(out, block, take);
                out += take;
                n -= take;
        }
        hmac_key_done(&k);
        secret_wipe(key, sizeof key);
        secret_wipe(block, sizeof block);
}

_Static_assert(sizeof(SipKey) == crypto_shorthash_KEYBYTES, "key size");

uint64_t siphash(const SipKey *key, Str bytes) {
        uint64_t h;
        crypto_shorthash((unsigned char *)&h, bytes_of(bytes), bytes.n, key->k);
        return h;
}

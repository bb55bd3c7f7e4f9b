// SPDX-License-Identifier: MIT
#include "crypto/sign.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "crypto/sodium_int.h"

/* ---- Ed25519 ---- */

void ed25519_key(const unsigned char seed[ED25519_SEED], Ed25519Key *ret) {
        sodium_ready();
        crypto_sign_seed_keypair(ret->public, ret->secret, seed);
}

void ed25519_key_done(Ed25519Key *k) { secret_wipe(k, sizeof *k); }

void ed25519_sign(const Ed25519Key *k, Str msg, unsigned char ret[ED25519_SIG]) {
        crypto_sign_detached(ret, NULL, bytes_of(msg), msg.n, k->secret);
}

bool ed25519_verify(const unsigned char public[ED25519_PUBLIC], Str msg, Str sig) {
        sodium_ready();
        return sig.n == ED25519_SIG &&
               crypto_sign_verify_detached(bytes_of(sig), bytes_of(msg), msg.n, public) == 0;
}

/* ---- ES256 ---- */

struct Es256Key {
        EVP_PKEY *pkey;
};

#define DEFINE_CLEANUP_OF(T, f)                                                                    \
        static inline void f##p(T **p) { f(*p); }
DEFINE_CLEANUP_OF(EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP_OF(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DEFINE_CLEANUP_OF(EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_CLEANUP_OF(ECDSA_SIG, ECDSA_SIG_free)
DEFINE_CLEANUP_OF(BIGNUM, BN_clear_free)
DEFINE_CLEANUP_OF(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
DEFINE_CLEANUP_OF(OSSL_PARAM, OSSL_PARAM_free)

static const char *library_says(void) {
        const char *text = ERR_reason_error_string(ERR_get_error());
        ERR_clear_error();
        return text ? text : "no reason given";
}

static bool number_get(const EVP_PKEY *pkey, const char *name, unsigned char ret[32]) {
        _cleanup_(BN_clear_freep) BIGNUM *n = NULL;
        return EVP_PKEY_get_bn_param(pkey, name, &n) && BN_bn2binpad(n, ret, 32) == 32;
}

Err es256_generate(Ctx *cx, Es256Parts *ret) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = EVP_EC_gen("P-256");
        Es256Parts made = { .has_private = true };
        bool fine = pkey && number_get(pkey, OSSL_PKEY_PARAM_EC_PUB_X, made.x) &&
                    number_get(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, made.y) &&
                    number_get(pkey, OSSL_PKEY_PARAM_PRIV_KEY, made.d);
        if (fine)
                *ret = made;
        secret_wipe(&made, sizeof made);
        return fine ? OK : RAISE(cx, ERR_INTERNAL, "P-256 key: %s", library_says());
}

void es256_parts_done(Es256Parts *p) { secret_wipe(p, sizeof *p); }

static OSSL_PARAM *params_of(const Es256Parts *parts) {
        unsigned char point[1 + 32 + 32] = { POINT_CONVERSION_UNCOMPRESSED };
        memcpy(point + 1, parts->x, 32);
        memcpy(point + 33, parts->y, 32);
        _cleanup_(OSSL_PARAM_BLD_freep) OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        _cleanup_(BN_clear_freep) BIGNUM *d = BN_bin2bn(parts->d, 32, NULL);
        if (!build || !d ||
            !OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) ||
            !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
                                              sizeof point) ||
            (parts->has_private && !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d)))
                return NULL;
        return OSSL_PARAM_BLD_to_param(build);
}

/* On the curve, and the private half belongs to the public one. */
static bool pkey_is_sound(EVP_PKEY *pkey, bool has_private) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(pkey, NULL);
        return c && EVP_PKEY_public_check(c) == 1 &&
               (!has_private || EVP_PKEY_pairwise_check(c) == 1);
}

Err es256_key_new(Ctx *cx, const Es256Parts *parts, Es256Key **ret) {
        _cleanup_(OSSL_PARAM_freep) OSSL_PARAM *params = params_of(parts);
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *c =
                EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *pkey = NULL;
        int kind = parts->has_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
        if (!params || !c || EVP_PKEY_fromdata_init(c) != 1 ||
            EVP_PKEY_fromdata(c, &pkey, kind, params) != 1 ||
            !pkey_is_sound(pkey, parts->has_private))
                return RAISE(cx, ERR_INVALID, "not a P-256 key: %s", library_says());
        Es256Key *k = malloc(sizeof *k);
        if (!k)
                abort();
        k->pkey = pkey;
        pkey = NULL;
        *ret = k;
        return OK;
}

Es256Key *es256_key_free(Es256Key *k) {
        if (k)
                EVP_PKEY_free(k->pkey);
        free(k);
        return NULL;
}

Err es256_sign(Ctx *cx, const Es256Key *k, Str msg, unsigned char ret[ES256_SIG]) {
        unsigned char der[80];
        size_t n = sizeof der;
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();
        if (!c || EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, k->pkey) != 1 ||
            EVP_DigestSign(c, der, &n, bytes_of(msg), msg.n) != 1)
                return RAISE(cx, ERR_INTERNAL, "ES256: %s", library_says());
        const unsigned char *at = der;
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
        if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32) != 32 ||
            BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32) != 32)
                return RAISE(cx, ERR_INTERNAL, "ES256: %s", library_says());
        return OK;
}

/* r ‖ s -> the DER form the library takes; its length, 0 on failure. */
static size_t der_of(Str sig, unsigned char der[80]) {
        _cleanup_(ECDSA_SIG_freep) ECDSA_SIG *s = ECDSA_SIG_new();
        BIGNUM *r_part = BN_bin2bn(bytes_of(sig), 32, NULL),
               *s_part = BN_bin2bn(bytes_of(sig) + 32, 32, NULL);
        if (!s || !r_part || !s_part || !ECDSA_SIG_set0(s, r_part, s_part)) {
                BN_free(r_part);
                BN_free(s_part);
                return 0;
        }
        int n = i2d_ECDSA_SIG(s, &der);
        return n > 0 ? (size_t)n : 0;
}

bool es256_verify(const Es256Key *k, Str msg, Str sig) {
        unsigned char der[80];
        size_t n = sig.n == ES256_SIG ? der_of(sig, der) : 0;
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();
        bool good = n && c && EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
                    EVP_DigestVerify(c, der, n, bytes_of(msg), msg.n) == 1;
        ERR_clear_error();
        return good;
}

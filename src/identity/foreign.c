// SPDX-License-Identifier: MIT
#include "identity/foreign.h"

#include "base/log.h"
#include "crypto/hash.h"

enum { SECRETS_MAX = 5, KEYS_MAX = 64 };

/* A key and where its tokens come from: bit i = cookie i. */
typedef struct SessionKey {
        JoseKey *key;
        JoseAlg alg;
        unsigned cookies;
} SessionKey;

struct ForeignKeys {
        Arena *arena;
        Str cookies[FOREIGN_COOKIES];
        Str secrets[SECRETS_MAX];
        size_t n_secrets;
        SessionKey keys[KEYS_MAX];
        size_t n_keys;
};

enum { COOKIE_OWN, COOKIE_AUTHJS_HTTPS, COOKIE_AUTHJS, COOKIE_NEXTAUTH_HTTPS, COOKIE_NEXTAUTH };
enum {
        FROM_OWN = 1 << COOKIE_OWN,
        FROM_NEXTAUTH = 1 << COOKIE_NEXTAUTH_HTTPS | 1 << COOKIE_NEXTAUTH,
        FROM_ANY = (1 << FOREIGN_COOKIES) - 1,
};

static void key_keep(ForeignKeys *f, JoseKey *key, JoseAlg alg, unsigned cookies) {
        assert(f->n_keys < KEYS_MAX);
        f->keys[f->n_keys++] = (SessionKey){ key, alg, cookies };
}

typedef struct Derivation {
        JoseAlg enc;
        Str salt, info;
        unsigned cookies;
} Derivation;

static Err key_derive(Ctx *cx, ForeignKeys *f, Str secret, const Derivation *d) {
        unsigned char okm[64];
        Str bytes = str_n(okm, d->enc == JOSE_A256CBC_HS512 ? 64 : 32);
        JoseKey *key;
        Err e;

        hkdf_sha256(secret, d->salt, d->info, okm, bytes.n);
        e = jose_key_dir(cx, d->enc, bytes,
                         d->enc == JOSE_A256CBC_HS512 ? authjs_kid(cx, bytes) : STR_NULL, &key);
        secret_wipe(okm, sizeof(okm));
        if (!e)
                key_keep(f, key, d->enc, d->cookies);
        return e;
}

/* The salted formats: the cookie's name is salt and part of the info. */
static Err keys_of_cookie(Ctx *cx, ForeignKeys *f, Str secret, int i) {
        Derivation d = { JOSE_A256CBC_HS512, f->cookies[i], STR_NULL, 1u << i };

        if (!d.salt.n)
                return OK;
        d.info = arena_strf(cx->arena, "Auth.js Generated Encryption Key (%.*s)", STR_FMT(d.salt));
        TRY(key_derive(cx, f, secret, &d));
        d.enc = JOSE_A256GCM;
        return key_derive(cx, f, secret, &d);
}

static Err keys_of_secret(Ctx *cx, ForeignKeys *f, Str secret) {
        const Derivation unsalted[] = {
                { JOSE_A256GCM, STR(""), STR("NextAuth.js Generated Encryption Key"),
                  FROM_NEXTAUTH | FROM_OWN },
                { JOSE_A256GCM, STR(""), STR("Auth.js Generated Encryption Key"),
                  FROM_NEXTAUTH | FROM_OWN },
        };
        JoseKey *plain;

        TRY(jose_key_hs256(cx, secret, STR_NULL, &plain));
        key_keep(f, plain, JOSE_HS256, FROM_ANY);
        for (int i = COOKIE_OWN; i <= COOKIE_AUTHJS; i++)
                TRY(keys_of_cookie(cx, f, secret, i));
        for (size_t i = 0; i < ELEMENTSOF(unsalted); i++)
                TRY(key_derive(cx, f, secret, &unsalted[i]));
        return OK;
}

static Err secret_add(Ctx *cx, ForeignKeys *f, const IdentitySettings *set, Str secret,
                      const char *name) {
        if (!secret.n || foreign_has_secret(f, secret))
                return OK;
        if (secret.n < 32 && set->production)
                return RAISE(cx, ERR_INVALID,
                             "%s has fewer than 32 bytes; make one with: openssl rand -base64 33",
                             name);
        if (secret.n < 32)
                LOG(cx, LOG_WARN, "weak_secret",
                    "a secret of Auth.js has fewer than 32 bytes; refused in production",
                    L_STR("setting", str_c(name)));
        f->secrets[f->n_secrets++] = arena_dup(f->arena, secret);
        return keys_of_secret(cx, f, secret);
}

Err foreign_keys_new(Ctx *cx, const IdentitySettings *set, ForeignKeys **ret) {
        _cleanup_(foreign_keys_freep) ForeignKeys *f = calloc(1, sizeof(*f));

        assert(f);
        f->arena = arena_new();
        f->cookies[COOKIE_OWN] = arena_dup(f->arena, set->authjs_cookie);
        f->cookies[COOKIE_AUTHJS_HTTPS] = STR("__Secure-authjs.session-token");
        f->cookies[COOKIE_AUTHJS] = STR("authjs.session-token");
        f->cookies[COOKIE_NEXTAUTH_HTTPS] = STR("__Secure-next-auth.session-token");
        f->cookies[COOKIE_NEXTAUTH] = STR("next-auth.session-token");
        for (size_t i = 0; i < ELEMENTSOF(set->auth_secrets); i++)
                TRY(secret_add(cx, f, set, set->auth_secrets[i], "AUTH_SECRET"));
        TRY(secret_add(cx, f, set, set->nextauth_secret, "NEXTAUTH_SECRET"));
        *ret = f;
        f = NULL;
        return OK;
}

ForeignKeys *foreign_keys_free(ForeignKeys *f) {
        if (!f)
                return NULL;
        for (size_t i = 0; i < f->n_keys; i++)
                jose_key_free(f->keys[i].key);
        for (size_t i = 0; i < f->n_secrets; i++)
                secret_wipe((char *)f->secrets[i].p, f->secrets[i].n);
        arena_free(f->arena);
        free(f);
        return NULL;
}

bool foreign_is_configured(const ForeignKeys *f) { return f->n_secrets > 0; }

bool foreign_has_secret(const ForeignKeys *f, Str secret) {
        for (size_t i = 0; i < f->n_secrets; i++)
                if (secret_eq(f->secrets[i], secret))
                        return true;
        return false;
}

Str foreign_cookie(const ForeignKeys *f, int i) {
        return f->cookies[i].n ? f->cookies[i] : STR_NULL;
}

/* May this key open a token with this header that came this way? A named key must be the one
 * named. */
static bool key_fits(const SessionKey *k, const JoseHeader *h, int cookie) {
        Str kid = jose_key_kid(k->key);

        if (k->alg != h->alg || (cookie != FOREIGN_BEARER && !(k->cookies & 1u << cookie)))
                return false;
        return k->alg == JOSE_HS256 || !h->kid.p || str_eq(kid, h->kid);
}

Err foreign_open(Ctx *cx, const ForeignKeys *f, Str token, int cookie, Str *ret_payload) {
        JoseHeader h;

        TRY(jose_header(cx, token, &h));
        for (size_t i = 0; i < f->n_keys; i++) {
                const SessionKey *k = &f->keys[i];
                Err e;

                if (!key_fits(k, &h, cookie))
                        continue;
                e = k->alg == JOSE_HS256 ? jws_verify(cx, k->key, token, ret_payload)
                                         : jwe_open(cx, k->key, token, ret_payload);
                if (e != ERR_TOKEN_INVALID)
                        return e;
                err_clear(cx);
        }
        return RAISE(cx, ERR_TOKEN_INVALID, "no configured secret opens it");
}

// SPDX-License-Identifier: MIT
#include "crypto/seal.h"

#include "crypto/hash.h"
#include "crypto/sodium_int.h"

enum {
        VERSION = 1,
        ID_AT = 1,
        NONCE_AT = 5,
        CIPHER_AT = 29,
        NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
        TAG_SIZE = crypto_aead_xchacha20poly1305_ietf_ABYTES,
        HEAD_SIZE = NONCE_AT, /* what is authenticated of the record itself */
};
_Static_assert(CIPHER_AT == NONCE_AT + NONCE_SIZE && SEAL_OVERHEAD == CIPHER_AT + TAG_SIZE,
               "record form");

void seal_key_done(SealKey *k) { secret_wipe(k, sizeof *k); }

static void put_u32(unsigned char *p, uint32_t v) {
        for (int i = 3; i >= 0; i--, v >>= 8)
                p[i] = (unsigned char)v;
}

static uint32_t get_u32(const unsigned char *p) {
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Head of the record ‖ length of the owner ‖ owner ‖ field: no two pairs of owner and field give
 * the same bytes. */
static Str aad_of(Ctx *cx, const unsigned char *record, SealFor what) {
        size_t field_n = strlen(what.field), n = HEAD_SIZE + 4 + what.owner.n + field_n;
        char *aad = arena_bytes(cx->arena, n);
        memcpy(aad, record, HEAD_SIZE);
        put_u32((unsigned char *)aad + HEAD_SIZE, (uint32_t)what.owner.n);
        memcpy(aad + HEAD_SIZE + 4, bytes_of(what.owner), what.owner.n);
        memcpy(aad + HEAD_SIZE + 4 + what.owner.n, what.field, field_n);
        return (Str){ aad, n };
}

Str seal(Ctx *cx, const SealKey *key, SealFor what, Str plain) {
        sodium_ready();
        size_t n = plain.n + SEAL_OVERHEAD;
        unsigned char *record = (unsigned char *)arena_bytes(cx->arena, n);
        record[0] = VERSION;
        put_u32(record + ID_AT, key->id);
        cx_random(cx, record + NONCE_AT, NONCE_SIZE);
        Str aad = aad_of(cx, record, what);
        crypto_aead_xchacha20poly1305_ietf_encrypt(record + CIPHER_AT, NULL, bytes_of(plain),
                                                   plain.n, bytes_of(aad), aad.n, NULL,
                                                   record + NONCE_AT, key->k);
        return str_n(record, n);
}

bool seal_key_id(Str record, uint32_t *ret) {
        if (record.n < SEAL_OVERHEAD || record.p[0] != VERSION)
                return false;
        *ret = get_u32(bytes_of(record) + ID_AT);
        return true;
}

/* `out` has room for record.n - SEAL_OVERHEAD bytes. */
static Err open_into(Ctx *cx, const SealKey *key, SealFor what, Str record, char *out) {
        uint32_t id = get_u32(bytes_of(record) + ID_AT);
        if (id != key->id)
                return RAISE(cx, ERR_CORRUPT, "%s: sealed by key %08x, not %08x", what.field, id,
                             key->id);
        const unsigned char *r = bytes_of(record);
        Str aad = aad_of(cx, r, what);
        sodium_ready();
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(
                    (unsigned char *)out, NULL, NULL, r + CIPHER_AT, record.n - CIPHER_AT,
                    bytes_of(aad), aad.n, r + NONCE_AT, key->k) != 0)
                return RAISE(cx, ERR_CORRUPT, "%s: the seal does not fit", what.field);
        return OK;
}

static Err record_check(Ctx *cx, SealFor what, Str record) {
        uint32_t id;
        return seal_key_id(record, &id)
                       ? OK
                       : RAISE(cx, ERR_CORRUPT, "%s: not a sealed record", what.field);
}

Err seal_open(Ctx *cx, const SealKey *key, SealFor what, Str record, Str *ret) {
        TRY(record_check(cx, what, record));
        size_t n = record.n - SEAL_OVERHEAD;
        char *out = arena_bytes(cx->arena, n + 1);
        TRY(open_into(cx, key, what, record, out));
        out[n] = '\0';
        *ret = (Str){ out, n };
        return OK;
}

static void secret_cleanup(Secret *s) { secret_done(s); }

Err seal_open_secret(Ctx *cx, const SealKey *key, SealFor what, Str record, Secret *ret) {
        TRY(record_check(cx, what, record));
        _cleanup_(secret_cleanup) Secret plain = { 0 };
        TRY(open_into(cx, key, what, record, secret_reserve(&plain, record.n - SEAL_OVERHEAD)));
        secret_done(ret);
        *ret = plain;
        plain = (Secret){ 0 };
        return OK;
}

/* ---- keys ---- */

typedef struct Root {
        uint32_t id;
        unsigned char key[SHA256_SIZE];
} Root;
struct Keyring {
        size_t n;
        Root roots[KEYRING_MAX];
};

static const char data_key_field[] = "data-key";

Keyring *keyring_new(void) {
        Keyring *r = calloc(1, sizeof *r);
        if (!r)
                abort();
        return r;
}

Keyring *keyring_free(Keyring *r) {
        if (r)
                secret_wipe(r, sizeof *r);
        free(r);
        return NULL;
}

/* Whatever form the root has, what is kept of it is 32 bytes; its id says nothing about them. */
Err keyring_add(Ctx *cx, Keyring *r, Str root) {
        if (root.n < ROOT_KEY_MIN)
                return RAISE(cx, ERR_INVALID, "a root key needs at least %d bytes", ROOT_KEY_MIN);
        if (r->n == KEYRING_MAX)
                return RAISE(cx, ERR_INVALID, "more than %d root keys", KEYRING_MAX);
        unsigned char id[4];
        Root new = { 0 };
        hkdf_sha256(root, STR_NULL, STR("mainstay root"), new.key, sizeof new.key);
        hkdf_sha256(root, STR_NULL, STR("mainstay root id"), id, sizeof id);
        new.id = get_u32(id);
        for (size_t i = 0; i < r->n; i++)
                if (r->roots[i].id == new.id)
                        return RAISE(cx, ERR_INVALID, "the same root key twice");
        r->roots[r->n++] = new;
        secret_wipe(&new, sizeof new);
        return OK;
}

static void derive(const Root *root, const char *label, SealKey *ret) {
        ret->id = root->id;
        hkdf_sha256(str_n(root->key, sizeof root->key), STR_NULL, str_c(label), ret->k,
                    sizeof ret->k);
}

void keyring_key(const Keyring *r, const char *label, SealKey *ret) {
        assert(r->n);
        derive(&r->roots[0], label, ret);
}

Err keyring_find(Ctx *cx, const Keyring *r, const char *label, uint32_t id, SealKey *ret) {
        for (size_t i = 0; i < r->n; i++)
                if (r->roots[i].id == id) {
                        derive(&r->roots[i], label, ret);
                        return OK;
                }
        return RAISE(cx, ERR_NOT_FOUND, "%s: root key %08x is not on the ring", label, id);
}

Str keyring_seal(Ctx *cx, const Keyring *r, SealFor what, Str plain) {
        _cleanup_(seal_key_done) SealKey key;
        keyring_key(r, what.field, &key);
        return seal(cx, &key, what, plain);
}

Err keyring_open(Ctx *cx, const Keyring *r, SealFor what, Str record, Secret *ret) {
        uint32_t id;
        if (!seal_key_id(record, &id))
                return RAISE(cx, ERR_CORRUPT, "%s: not a sealed record", what.field);
        _cleanup_(seal_key_done) SealKey key = { 0 };
        TRY(keyring_find(cx, r, what.field, id, &key));
        return seal_open_secret(cx, &key, what, record, ret);
}

bool keyring_is_current(const Keyring *r, Str record) {
        uint32_t id;
        return r->n && seal_key_id(record, &id) && id == r->roots[0].id;
}

/* A data key's id is its own, so that a record sealed by a destroyed key is told from one of
 * another. */
static void data_key_set(SealKey *ret, const unsigned char k[32]) {
        unsigned char id[4];
        memcpy(ret->k, k, sizeof ret->k);
        hkdf_sha256(str_n(k, 32), STR_NULL, STR("mainstay data key id"), id, sizeof id);
        ret->id = get_u32(id);
}

Str data_key_new(Ctx *cx, const Keyring *r, Str owner, SealKey *ret) {
        unsigned char k[32];
        cx_random(cx, k, sizeof k);
        data_key_set(ret, k);
        Str record = keyring_seal(cx, r, (SealFor){ owner, data_key_field }, str_n(k, sizeof k));
        secret_wipe(k, sizeof k);
        return record;
}

Err data_key_open(Ctx *cx, const Keyring *r, Str owner, Str record, SealKey *ret) {
        _cleanup_(secret_cleanup) Secret k = { 0 };
        TRY(keyring_open(cx, r, (SealFor){ owner, data_key_field }, record, &k));
        if (k.n != sizeof ret->k)
                return RAISE(cx, ERR_CORRUPT, "a data key of %zu bytes", k.n);
        data_key_set(ret, (const unsigned char *)k.p);
        return OK;
}

Err data_key_rewrap(Ctx *cx, const Keyring *r, Str owner, Str record, Str *ret) {
        _cleanup_(seal_key_done) SealKey key = { 0 };
        TRY(data_key_open(cx, r, owner, record, &key));
        *ret = keyring_seal(cx, r, (SealFor){ owner, data_key_field }, str_n(key.k, sizeof key.k));
        return OK;
}

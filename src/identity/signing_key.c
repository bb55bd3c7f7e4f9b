// SPDX-License-Identifier: MIT
#include "identity/signing_key.h"

#include "base/log.h"
#include "identity/identity_int.h"
#include "identity/token.h"

enum { KEYS_MAX = 64, SECRET_MIN = 32, NAME_REST = 16, PARTS_BYTES = 96 };

typedef struct Signer {
        JoseKey *key;
        int64_t created_at, active_from, retired_at;
} Signer;

/* Keys are only added: those handed out stay valid until the end. */
struct SigningKeys {
        pthread_rwlock_t lock;
        int64_t access_ttl_s;
        JoseKey *shared;
        Signer keys[KEYS_MAX];
        size_t n;
};

/* Names of what a secret is for: refused where little else stands beside them. */
static bool secret_is_name(Str low) {
        static const char *const names[] = { "my-secret", "my_secret", "mysecretkey",
                                             "jwt-secret-key", "jwt_secret_key" };
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                size_t n = strlen(names[i]), rest = low.n;
                for (size_t at = 0; at + n <= low.n; at++)
                        rest -= memcmp(low.p + at, names[i], n) ? 0 : n;
                if (rest < low.n && rest < NAME_REST)
                        return true;
        }
        return false;
}

/* Values from tutorials and templates, whatever stands around them. */
static bool secret_is_known(Ctx *cx, Str secret) {
        static const char *const marks[] = {
                "changeme",
                "change-me",
                "change_me",
                "changethis",
                "change-this",
                "your-secret",
                "your_secret",
                "yoursecret",
                "your-256-bit-secret",
                "your-super-secret",
                "super-secret-jwt",
                "supersecretjwt",
                "secret-key-here",
                "example",
                "insecure",
                "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        };
        char *low = (char *)arena_cstr(cx->arena, secret);
        bool seen[256] = { 0 };
        size_t distinct = 0;

        for (size_t i = 0; i < secret.n; i++) {
                distinct += !seen[(unsigned char)low[i]];
                seen[(unsigned char)low[i]] = true;
                if (low[i] >= 'A' && low[i] <= 'Z')
                        low[i] = (char)(low[i] + 32);
        }
        for (size_t i = 0; i < ELEMENTSOF(marks); i++)
                if (str_contains(str_n(low, secret.n), str_c(marks[i])))
                        return true;
        return distinct < 8 || secret_is_name(str_n(low, secret.n));
}

Err signing_keys_new(Ctx *cx, Str jwt_secret, int64_t access_ttl_s, SigningKeys **ret) {
        _cleanup_(signing_keys_freep) SigningKeys *s = calloc(1, sizeof(*s));

        assert(s);
        pthread_rwlock_init(&s->lock, NULL);
        s->access_ttl_s = access_ttl_s;
        if (jwt_secret.p) {
                if (jwt_secret.n < SECRET_MIN)
                        return RAISE(cx, ERR_INVALID,
                                     "JWT_SECRET_KEY has fewer than %d bytes; make one with: "
                                     "openssl rand -base64 48",
                                     SECRET_MIN);
                if (secret_is_known(cx, jwt_secret))
                        return RAISE(cx, ERR_INVALID,
                                     "JWT_SECRET_KEY is a known example value; make one with: "
                                     "openssl rand -base64 48");
                TRY(jose_key_hs256(cx, jwt_secret, STR_NULL, &s->shared));
        }
        *ret = s;
        s = NULL;
        return OK;
}

SigningKeys *signing_keys_free(SigningKeys *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n; i++)
                jose_key_free(s->keys[i].key);
        jose_key_free(s->shared);
        pthread_rwlock_destroy(&s->lock);
        free(s);
        return NULL;
}

bool signing_keys_are_shared(const SigningKeys *s) { return s->shared != NULL; }

/* ---- rows ---- */

static Signer *signer_find(SigningKeys *s, Str kid) {
        for (size_t i = 0; i < s->n; i++)
                if (str_eq(jose_key_kid(s->keys[i].key), kid))
                        return &s->keys[i];
        return NULL;
}

static Err key_open(Ctx *cx, Identity *id, Str kid, Str sealed, JoseKey **ret) {
        Es256Parts parts = { .has_private = true };
        Str plain;
        Err e;

        TRY(identity_unseal(cx, id, (SealFor){ kid, "signing_key" }, sealed, &plain));
        if (plain.n != PARTS_BYTES)
                return RAISE(cx, ERR_CORRUPT, "signing key of %zu bytes", plain.n);
        memcpy(parts.x, plain.p, 32);
        memcpy(parts.y, plain.p + 32, 32);
        memcpy(parts.d, plain.p + 64, 32);
        e = jose_key_es256(cx, &parts, kid, ret);
        es256_parts_done(&parts);
        secret_wipe((char *)plain.p, plain.n);
        return e;
}

static Err row_take(Ctx *cx, SigningKeys *s, Identity *id, const Rows *r) {
        Str kid = row_dup(cx, r, 0);
        Signer *known = signer_find(s, kid);
        JoseKey *key = NULL;

        if (known) {
                known->retired_at = row_int(r, 4);
                return OK;
        }
        if (s->n == KEYS_MAX)
                return RAISE(cx, ERR_INTERNAL, "more than %d signing keys", KEYS_MAX);
        TRY(key_open(cx, id, kid, row_dup(cx, r, 1), &key));
        s->keys[s->n++] = (Signer){ key, row_int(r, 2), row_int(r, 3), row_int(r, 4) };
        return OK;
}

Err signing_keys_load(Ctx *cx, SigningKeys *s, Identity *id, DbConn *c) {
        _cleanup_(rows_done) Rows r = { 0 };
        bool more = true;
        Err e = OK;

        if (s->shared)
                return OK;
        TRY(db_rows(cx, c, &sql_signing_key_all, NO_ARGS, &r));
        pthread_rwlock_wrlock(&s->lock);
        while (!e && more) {
                e = rows_next(cx, &r, &more);
                if (!e && more)
                        e = row_take(cx, s, id, &r);
        }
        pthread_rwlock_unlock(&s->lock);
        return e;
}

typedef struct Reload {
        Identity *id;
        SigningKeys *keys;
} Reload;

/* After the commit, on the writer: a read connection of this thread has the new rows. When it
 * cannot be read now, identity_tick loads it a second later. */
static void reload(void *arg) {
        const Reload *r = arg;
        _cleanup_(arena_freep) Arena *a = arena_new();
        Ctx cx = { .arena = a, .world = r->id->world };
        DbConn *c;

        if (db_read(&cx, r->id->db, &c) != OK || signing_keys_load(&cx, r->keys, r->id, c) != OK)
                LOG(&cx, LOG_WARN, "signing_keys_not_read", "read again at the next tick",
                    L_STR("what", str_c(cx.err.what)));
        change_note_all(&r->id->changes);
}

static void reload_on_commit(Ctx *cx, SigningKeys *s, Identity *id, DbConn *c) {
        Reload *r = NEW(cx->arena, Reload);

        *r = (Reload){ id, s };
        db_on_commit(c, reload, r);
}

Err signing_key_add(Ctx *cx, SigningKeys *s, Identity *id, DbConn *c, int64_t active_from) {
        _cleanup_(es256_parts_done) Es256Parts parts = { 0 };
        _cleanup_(jose_key_freep) JoseKey *key = NULL;
        char plain[PARTS_BYTES];
        Str kid, sealed;

        TRY(es256_generate(cx, &parts));
        TRY(jose_key_es256(cx, &parts, STR_NULL, &key));
        kid = arena_dup(cx->arena, jose_key_kid(key));
        memcpy(plain, parts.x, 32);
        memcpy(plain + 32, parts.y, 32);
        memcpy(plain + 64, parts.d, 32);
        sealed =
                identity_seal(cx, id, (SealFor){ kid, "signing_key" }, str_n(plain, sizeof(plain)));
        secret_wipe(plain, sizeof(plain));
        TRY(db_run(cx, c, &sql_signing_key_add,
                   ARGS(v_text(kid), v_blob(sealed), v_int(cx_now_ms(cx)), v_int(active_from)),
                   NULL));
        reload_on_commit(cx, s, id, c);
        return OK;
}

Err signing_key_retire(Ctx *cx, SigningKeys *s, Identity *id, DbConn *c, Str kid) {
        int64_t now = cx_now_ms(cx), changed;
        size_t others = 0;

        pthread_rwlock_rdlock(&s->lock);
        for (size_t i = 0; i < s->n; i++)
                others += !s->keys[i].retired_at && s->keys[i].active_from <= now &&
                          !str_eq(jose_key_kid(s->keys[i].key), kid);
        pthread_rwlock_unlock(&s->lock);
        if (!others)
                return RAISE(cx, ERR_CONFLICT,
                             "the only key in use cannot be retired; rotate first");
        TRY(db_run(cx, c, &sql_signing_key_retire, ARGS(v_text(kid), v_int(now)), &changed));
        if (!changed)
                return RAISE(cx, ERR_NOT_FOUND, "no such key in use");
        reload_on_commit(cx, s, id, c);
        return OK;
}

/* ---- choosing ---- */

/* The newest that may be used by now. */
static const Signer *signer_current(const SigningKeys *s, int64_t now_ms) {
        const Signer *best = NULL;

        for (size_t i = 0; i < s->n; i++) {
                const Signer *k = &s->keys[i];

                if (!k->retired_at && k->active_from <= now_ms &&
                    (!best || k->active_from > best->active_from))
                        best = k;
        }
        return best;
}

/* Retired by hand: gone at once. Superseded: until its last token has expired. */
static bool signer_is_published(const SigningKeys *s, const Signer *k, int64_t now_ms) {
        int64_t superseded = INT64_MAX;

        for (size_t i = 0; i < s->n; i++)
                if (!s->keys[i].retired_at && s->keys[i].active_from > k->active_from)
                        superseded = MIN(superseded, s->keys[i].active_from);
        return !k->retired_at &&
               (superseded == INT64_MAX ||
                now_ms < superseded + (s->access_ttl_s + 2 * TOKEN_SKEW_S) * 1000);
}

const JoseKey *signing_key_current(Ctx *cx, SigningKeys *s) {
        const Signer *k;

        if (s->shared)
                return s->shared;
        pthread_rwlock_rdlock(&s->lock);
        k = signer_current(s, cx_now_ms(cx));
        pthread_rwlock_unlock(&s->lock);
        return k ? k->key : NULL;
}

const JoseKey *signing_key_find(Ctx *cx, SigningKeys *s, const JoseHeader *h) {
        const Signer *k;
        bool good;

        if (s->shared)
                return h->alg == JOSE_HS256 ? s->shared : NULL;
        if (h->alg != JOSE_ES256 || !h->kid.p)
                return NULL;
        pthread_rwlock_rdlock(&s->lock);
        k = signer_find(s, h->kid);
        good = k && signer_is_published(s, k, cx_now_ms(cx));
        pthread_rwlock_unlock(&s->lock);
        return good ? k->key : NULL;
}

void signing_keys_write(Ctx *cx, SigningKeys *s, Buf *out) {
        const JoseKey *list[KEYS_MAX];
        size_t n = 0;

        pthread_rwlock_rdlock(&s->lock);
        for (size_t i = 0; i < s->n; i++)
                if (signer_is_published(s, &s->keys[i], cx_now_ms(cx)))
                        list[n++] = s->keys[i].key;
        pthread_rwlock_unlock(&s->lock);
        jwk_set_write(out, list, n);
}

Err signing_keys_list(Ctx *cx, SigningKeys *s, SigningKeyInfo **ret, size_t *ret_n) {
        int64_t now = cx_now_ms(cx);
        SigningKeyInfo *list = NEW_ARRAY(cx->arena, SigningKeyInfo, KEYS_MAX);
        const Signer *current;

        pthread_rwlock_rdlock(&s->lock);
        current = signer_current(s, now);
        for (size_t i = 0; i < s->n; i++) {
                const Signer *k = &s->keys[i];

                list[i] = (SigningKeyInfo){ arena_dup(cx->arena, jose_key_kid(k->key)),
                                            k->created_at,
                                            k->active_from,
                                            k->retired_at,
                                            k == current,
                                            signer_is_published(s, k, now) };
        }
        *ret_n = s->n;
        pthread_rwlock_unlock(&s->lock);
        *ret = list;
        return OK;
}

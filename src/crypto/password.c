// SPDX-License-Identifier: MIT
#include "crypto/password.h"

#include <crypt.h>
#include <errno.h>

#include "crypto/sodium_int.h"

enum { ARGON2_PASSWORD_MAX = 128, BCRYPT_PASSWORD_MAX = 72, SALT_SIZE = 16 };
enum { FOREIGN_MEMORY_KIB = 65536, FOREIGN_PASSES = 16, FOREIGN_COST_MIN = 4, FOREIGN_COST = 15 };

static const char argon2_prefix[] = "$argon2id$";
static const char bcrypt_prefix[] = "$2b$12$";

/* Salt and sum of the dummies. */
#define BCRYPT_NOBODY "LYnqQ0FMbzHDk4dHHC5qAOXqB6DqvYw4EDkYI6Bh0R3aNUb7Tz0Gm"
#define ARGON2_NOBODY "bWFpbnN0YXkgZHVtbXkgIQ$Tm9ib2R5IGtub3dzIGEgcGFzc3dvcmQgZm9yIHRoaXM"

size_t password_max(PasswordAlg alg) {
        return alg == PASSWORD_BCRYPT ? BCRYPT_PASSWORD_MAX : ARGON2_PASSWORD_MAX;
}

static PasswordAlg alg_of(Str hash) {
        if (str_starts(hash, str_c(argon2_prefix)))
                return PASSWORD_ARGON2ID;
        bool is_bcrypt =
                hash.n == 60 && (str_starts(hash, STR("$2b$")) || str_starts(hash, STR("$2a$")) ||
                                 str_starts(hash, STR("$2y$")));
        return is_bcrypt ? PASSWORD_BCRYPT : PASSWORD_UNSET;
}

static struct crypt_data *crypt_data_free(struct crypt_data *d) {
        secret_wipe(d, sizeof *d);
        free(d);
        return NULL;
}
typedef struct crypt_data CryptData;
DEFINE_CLEANUP(CryptData, crypt_data_free)

/* The text for this password and setting ("$2b$12$" and 22 characters of salt), or STR_NULL when
 * the library refuses. */
static Str bcrypt_run(Ctx *cx, Str password, const char *setting) {
        _cleanup_(secret_done) Secret plain = { 0 };
        _cleanup_(crypt_data_freep) CryptData *data = calloc(1, sizeof *data);
        if (!data)
                abort();
        secret_set(&plain, password);
        const char *hash = crypt_rn(plain.p, setting, data, sizeof *data);
        return hash ? arena_dup(cx->arena, str_c(hash)) : STR_NULL;
}

static Err bcrypt_hash(Ctx *cx, Str password, Str *ret) {
        char salt[SALT_SIZE], setting[CRYPT_GENSALT_OUTPUT_SIZE];
        cx_random(cx, salt, sizeof salt);
        if (!crypt_gensalt_rn("$2b$", BCRYPT_COST, salt, sizeof salt, setting, sizeof setting))
                return RAISE(cx, ERR_INTERNAL, "bcrypt: no salt: %d", errno);
        Str hash = bcrypt_run(cx, password, setting);
        if (!hash.p)
                return RAISE(cx, ERR_INTERNAL, "bcrypt: %d", errno);
        *ret = hash;
        return OK;
}

static Err argon2_hash(Ctx *cx, Str password, Str *ret) {
        char hash[crypto_pwhash_STRBYTES];
        sodium_ready();
        if (crypto_pwhash_str_alg(hash, (const char *)bytes_of(password), password.n, ARGON2_PASSES,
                                  (size_t)ARGON2_MEMORY_KIB * 1024,
                                  crypto_pwhash_ALG_ARGON2ID13) != 0)
                return RAISE(cx, ERR_UNAVAILABLE, "argon2id: out of memory");
        *ret = arena_dup(cx->arena, str_c(hash));
        return OK;
}

Err password_hash(Ctx *cx, PasswordAlg alg, Str password, Str *ret) {
        if (password.n > password_max(alg))
                return RAISE(cx, ERR_PASSWORD_LONG, "%zu bytes", password.n);
        if (password.n && memchr(password.p, '\0', password.n))
                return RAISE(cx, ERR_INVALID, "a NUL in the password");
        switch (alg) {
        case PASSWORD_ARGON2ID: return argon2_hash(cx, password, ret);
        case PASSWORD_BCRYPT: return bcrypt_hash(cx, password, ret);
        case PASSWORD_UNSET: break;
        }
        assert(false && "an algorithm must be chosen");
        return ERR_INTERNAL;
}

/* Over the limit or with a NUL no password was ever set: wrong, after the work of a right one. */
static Err bcrypt_verify(Ctx *cx, Str hash, Str password, bool *ret_right) {
        size_t end = password.n ? str_index(password, '\0') : 0;
        bool possible = end == password.n && password.n <= BCRYPT_PASSWORD_MAX;
        Str made = bcrypt_run(cx, str_to(password, MIN(end, (size_t)BCRYPT_PASSWORD_MAX)),
                              arena_cstr(cx->arena, hash));
        if (!made.p)
                return RAISE(cx, ERR_CORRUPT, "bcrypt: not a hash");
        *ret_right = secret_eq(made, hash) && possible;
        return OK;
}

/* The library has one failure for "wrong", "not a hash" and "no memory"; errno tells them apart. */
static Err argon2_verify(Ctx *cx, Str hash, Str password, bool *ret_right) {
        sodium_ready();
        errno = 0;
        int got = crypto_pwhash_str_verify(arena_cstr(cx->arena, hash),
                                           (const char *)bytes_of(password), password.n);
        if (got != 0 && errno == ENOMEM)
                return RAISE(cx, ERR_UNAVAILABLE, "argon2id: out of memory");
        if (got != 0 && errno != EINVAL)
                return RAISE(cx, ERR_CORRUPT, "argon2id: not a hash");
        *ret_right = got == 0 && password.n <= ARGON2_PASSWORD_MAX;
        return OK;
}

Err password_verify(Ctx *cx, Str hash, Str password, bool *ret_right) {
        switch (alg_of(hash)) {
        case PASSWORD_ARGON2ID: return argon2_verify(cx, hash, password, ret_right);
        case PASSWORD_BCRYPT: return bcrypt_verify(cx, hash, password, ret_right);
        case PASSWORD_UNSET: break;
        }
        return RAISE(cx, ERR_CORRUPT, "neither argon2id nor bcrypt");
}

/* The library's word: 0 the parameters are these, 1 others, -1 not a hash. */
static int argon2_differs(Str hash) {
        char text[crypto_pwhash_STRBYTES] = { 0 };
        if (hash.n >= sizeof text)
                return -1;
        memcpy(text, hash.p, hash.n);
        return crypto_pwhash_str_needs_rehash(text, ARGON2_PASSES,
                                              (size_t)ARGON2_MEMORY_KIB * 1024);
}

bool password_needs_rehash(PasswordAlg alg, Str hash) {
        if (alg_of(hash) != alg)
                return true;
        if (alg == PASSWORD_BCRYPT)
                return !str_starts(hash, str_c(bcrypt_prefix));
        return argon2_differs(hash) != 0;
}

Str password_dummy(PasswordAlg alg) {
        if (alg == PASSWORD_BCRYPT)
                return STR("$2b$12$" BCRYPT_NOBODY);
        return STR("$argon2id$v=19$m=19456,t=2,p=1$" ARGON2_NOBODY);
}

/* ---- what a hash costs ---- */

/* "m=19456" with name "m=". */
static bool parameter_is_within(Str text, Str name, int64_t max) {
        int64_t v;
        return str_starts(text, name) && str_to_i64(str_from(text, name.n), &v) && v >= 1 &&
               v <= max;
}

static Str argon2_cost(Str hash) {
        Str rest = str_from(hash, sizeof argon2_prefix - 1), version = str_cut(&rest, '$'),
            all = str_cut(&rest, '$'), memory = str_cut(&all, ','), passes = str_cut(&all, ',');
        bool good = str_eq(version, STR("v=19")) &&
                    parameter_is_within(memory, STR("m="), FOREIGN_MEMORY_KIB) &&
                    parameter_is_within(passes, STR("t="), FOREIGN_PASSES) &&
                    argon2_differs(hash) >= 0; /* whole, so there is a rest */
        return good ? str_to(hash, hash.n - rest.n) : STR_NULL;
}

static Str bcrypt_cost(Str hash) {
        enum { HEAD = 7 };
        int64_t cost;
        if (!str_to_i64((Str){ hash.p + 4, 2 }, &cost) || cost < FOREIGN_COST_MIN ||
            cost > FOREIGN_COST || hash.p[HEAD - 1] != '$')
                return STR_NULL;
        for (size_t i = HEAD; i < hash.n; i++)
                if (hash.p[i] < '.' || hash.p[i] > 'z' || strchr(":;<=>?@[\\]^_`", hash.p[i]))
                        return STR_NULL;
        return str_to(hash, HEAD);
}

Str password_cost(Str hash) {
        switch (alg_of(hash)) {
        case PASSWORD_ARGON2ID: return argon2_cost(hash);
        case PASSWORD_BCRYPT: return bcrypt_cost(hash);
        case PASSWORD_UNSET: break;
        }
        return STR_NULL;
}

Str password_dummy_of(Ctx *cx, Str cost) {
        bool is_argon2 = str_starts(cost, str_c(argon2_prefix));
        return arena_strf(cx->arena, "%.*s%s", STR_FMT(cost),
                          is_argon2 ? ARGON2_NOBODY : BCRYPT_NOBODY);
}

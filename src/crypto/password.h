// SPDX-License-Identifier: MIT
#pragma once
/* password: slow hashes for passwords. argon2id (RFC 9106; 19 MiB, 2 passes, 1 lane) or bcrypt
 * ($2b$, cost 12); either is verified whatever is configured. One call takes 13 to 200 ms and, for
 * argon2id, 19 MiB: only on the hashing pool. */
#include "base/base.h"

typedef enum PasswordAlg { PASSWORD_UNSET = 0, PASSWORD_ARGON2ID, PASSWORD_BCRYPT } PasswordAlg;
enum { PASSWORD_MIN = 8, ARGON2_MEMORY_KIB = 19456, ARGON2_PASSES = 2, BCRYPT_COST = 12 };

size_t password_max(PasswordAlg alg); /* bytes: 128 argon2id, 72 bcrypt */
/* ERR_PASSWORD_LONG: over the limit, never cut. ERR_INVALID: a NUL inside. Modular crypt text in
 * the arena. */
Err password_hash(Ctx *cx, PasswordAlg alg, Str password, Str *ret) _must_check_;
/* Three answers: *ret_right true, false, or an Err (ERR_CORRUPT: not a hash we know; nothing was
 * compared). */
Err password_verify(Ctx *cx, Str hash, Str password, bool *ret_right) _must_check_;
bool password_needs_rehash(PasswordAlg alg, Str hash); /* another algorithm or other parameters */
/* A hash of nobody's password with the parameters of `alg`: equal work for unknown accounts. Static
 * text. */
Str password_dummy(PasswordAlg alg);

/* What verifying `hash` costs, told by its beginning, which ends with '$': "$2b$10$",
 * "$argon2id$v=19$m=19456,t=2,p=1$". Borrowed. STR_NULL: not a whole hash, or one over the limits
 * of hashes from elsewhere (bcrypt cost 15; argon2id 64 MiB, 16 passes). */
Str password_cost(Str hash);
Str password_dummy_of(Ctx *cx, Str cost); /* as password_dummy, at that cost; in the arena */

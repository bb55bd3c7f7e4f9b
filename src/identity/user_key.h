// SPDX-License-Identifier: MIT
#pragma once
/* user_key: one random data key per user, sealed by a key derived from the root key. What memory
 * and chat store of a user is sealed with it; destroying it at erasure makes every copy of that
 * content unreadable, also in the WAL and in backups. */
#include "crypto/seal.h"
#include "store/db.h"

typedef struct UserKeys
        UserKeys;        /* the bounded cache of open keys; thread safe; wiped on eviction */
typedef SealKey UserKey; /* for seal and seal_open; owner = the user's id */

UserKeys *user_keys_new(Ctx *cx, const Keyring *ring,
                        size_t cache_max); /* the ring outlives it; cache_max 0 = 4096 */
UserKeys *user_keys_free(UserKeys *u);
DEFINE_CLEANUP(UserKeys, user_keys_free)

/* Another ring from now on (a rotated root key); nobody else may be using `u`. */
void user_keys_set_ring(UserKeys *u, const Keyring *ring);

/* The key of a user, from memory or through this connection. ERR_NOT_FOUND: no such user, or
 * erased (not raised). ERR_CORRUPT: the row does not open. */
Err user_key_get(Ctx *cx, UserKeys *u, DbConn *c, Str user_id, UserKey *ret) _must_check_;
static inline void user_key_done(UserKey *k) { seal_key_done(k); } /* _cleanup_(user_key_done) */

/* Inside a write. Made together with the user; destroyed at erasure. */
Err user_key_create(Ctx *cx, UserKeys *u, DbConn *c, Str user_id) _must_check_;
Err user_key_destroy(Ctx *cx, UserKeys *u, DbConn *c, Str user_id) _must_check_;

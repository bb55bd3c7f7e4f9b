// SPDX-License-Identifier: MIT
#pragma once
/* operate: what an operator does, from the command line or over the admin routes. */
#include "identity/session.h"
#include "identity/signing_key.h"

Err user_count(Ctx *cx, DbConn *c, int64_t *ret) _must_check_;

/* Keys of our own. Rotation and retirement run inside a write. ERR_CONFLICT: JWT_SECRET_KEY is
 * in use, so there are none. */
Err operate_keys_list(Ctx *cx, Identity *id, SigningKeyInfo **ret, size_t *ret_n) _must_check_;
Err operate_key_rotate(Ctx *cx, const Work *w) _must_check_;
Err operate_key_retire(Ctx *cx, const Work *w, Str kid) _must_check_;

typedef struct UserNew {
        Str email, full_name;
        Str password; /* or a hash from another system: $2a$ $2b$ $2y$ or $argon2id$ */
        Str password_hash;
        Tier tier;
        bool is_admin, is_verified;
        int64_t created_at; /* ms; 0 = now */
} UserNew;
/* Hashes and writes by itself; not on a loop thread. ERR_EMAIL_TAKEN, ERR_INVALID,
 * ERR_PASSWORD_COMMON … */
Err operate_user_create(Ctx *cx, Identity *id, const UserNew *in, User *ret) _must_check_;
/* By address or by id. ERR_NOT_FOUND. */
Err operate_user_find(Ctx *cx, Identity *id, Str who, User *ret) _must_check_;
/* Saves tier, limits, activity and administration; an inactive user's sessions end. */
Err operate_user_save(Ctx *cx, Identity *id, const User *u) _must_check_;
/* The link that sets a new password, to hand over by another way than mail. */
Err operate_user_reset(Ctx *cx, Identity *id, const User *u, Str *ret_link) _must_check_;
/* One JSON line {"email", "password_hash" or "password", "full_name"?, "tier"?, "created_at"?,
 * "is_verified"?}. */
Err operate_user_import(Ctx *cx, Identity *id, Str line, User *ret) _must_check_;

/* A foreign subject ("service" or "authjs") is this user from now on. ERR_INVALID: no such
 * source. */
typedef struct UserLink {
        Str source, subject, user_id;
} UserLink;
Err operate_user_link(Ctx *cx, Identity *id, const UserLink *link) _must_check_;

/* A new root key on top of the file; everything it seals is sealed anew. The server must not
 * run. The old lines of the file may go once no backup sealed under them is needed any more. */
Err operate_root_rotate(Ctx *cx, Identity *id, int64_t *ret_resealed) _must_check_;

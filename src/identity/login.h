// SPDX-License-Identifier: MIT
#pragma once
/* login: passwords in, sessions out. Runs on the hashing pool (one slow hash each), then writes.
 *
 * Whether an address has an account shows in nothing: an unknown one costs the same hash against
 * a dummy, the same reads and the same write, and its failures count in the same table. */
#include "identity/session.h"

typedef struct LoginInput {
        Str email, password;
        bool remember_me;
        Caller from;
} LoginInput;
typedef struct LoginResult {
        bool mfa_required; /* then only mfa_token is set */
        Str mfa_token;
        SessionGrant grant;
} LoginResult;

/* The queue in front of the hashing pool: `enter` where the request is admitted (any thread),
 * `leave` where its work begins. `account` as typed, or a user's id. ERR_HASH_QUEUE. */
Err hash_queue_enter(Ctx *cx, Identity *id, Str ip, Str account) _must_check_;
Err hash_queue_leave(Ctx *cx, Identity *id, Str ip, Str account, int64_t arrived_us) _must_check_;

/* ERR_CREDENTIALS, ERR_LOCKED (with Retry-After, no hash was made), ERR_EMAIL_UNVERIFIED,
 * ERR_STORAGE. */
Err login_password(Ctx *cx, Identity *id, const LoginInput *in, LoginResult *ret) _must_check_;

/* Is this the password of this user? The failure counts as a failed login. ERR_CREDENTIALS,
 * ERR_LOCKED. */
Err password_confirm(Ctx *cx, Identity *id, const User *u, Str password,
                     const Caller *from) _must_check_;

/* password_hash of the configured kind, counted. */
Err password_make(Ctx *cx, Identity *id, Str password, Str *ret) _must_check_;

typedef struct RegisterInput {
        Str email, password, full_name, confirm_password;
        Caller from;
} RegisterInput;
/* Mail configured: OK and *ret_accepted, whether the address is new or not. Otherwise the new
 * user, or ERR_EMAIL_TAKEN. ERR_INVALID, ERR_PASSWORD_LONG, ERR_PASSWORD_COMMON, ERR_FORBIDDEN
 * (registration is closed). */
Err account_register(Ctx *cx, Identity *id, const RegisterInput *in, User *ret,
                     bool *ret_accepted) _must_check_;

/* Inside a write: one more failure of this name, in the counter and in the audit. */
Err login_failed(Ctx *cx, const Work *w, Str account, Str owner, const char *event) _must_check_;
Err login_forgive(Ctx *cx, const Work *w,
                  Str account) _must_check_; /* inside a write: the counter starts again */
/* ERR_LOCKED while the account waits. */
Err lockout_check(Ctx *cx, const Work *w, Str account) _must_check_;

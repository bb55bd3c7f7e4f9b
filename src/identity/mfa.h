// SPDX-License-Identifier: MIT
#pragma once
/* mfa: the second factor: TOTP (RFC 6238) and ten recovery codes. The secret is sealed with the user's key, codes are kept as
 * hashes, a time step counts once. */
#include "identity/login.h"

enum { RECOVERY_CODES = 10, MFA_TTL_S = 300, MFA_TRIES = 5 };

Err mfa_is_on(Ctx *cx, DbConn *c, Str user_id, bool *ret) _must_check_;

/* Inside a write. Enrolment replaces one that was never confirmed; ERR_CONFLICT: one is in use. */
Err mfa_enroll(Ctx *cx, Identity *id, DbConn *c, const User *u, Str *ret_secret, Str *ret_uri) _must_check_;
/* ERR_CODE_INVALID; ERR_CONFLICT: nothing to confirm. */
Err mfa_confirm(Ctx *cx, Identity *id, DbConn *c, Str user_id, Str code, const Caller *from, Str ret_codes[RECOVERY_CODES])
        _must_check_;
Err mfa_remove(Ctx *cx, Identity *id, DbConn *c, Str user_id, Str code, const Caller *from) _must_check_;

/* Inside a write: the first factor was right. */
Err mfa_begin(Ctx *cx, Identity *id, DbConn *c, Str user_id, bool remember, Str *ret_token) _must_check_;

typedef enum MfaVerdict { MFA_OK, MFA_WRONG, MFA_TOKEN_BAD, MFA_WAIT } MfaVerdict;
/* Inside a write that must be committed whatever the verdict (the tries count). MFA_WAIT: the account is locked for a while. */
Err mfa_finish(Ctx *cx, Identity *id, DbConn *c, Str token, Str code, const Caller *from, MfaVerdict *ret,
               SessionGrant *ret_grant) _must_check_;

/* login.c: the last step of every login. */
Err login_finish(Ctx *cx, Identity *id, DbConn *c, User *u, Str account, bool after_failure, bool remember, const Caller *from,
                 SessionGrant *ret) _must_check_;

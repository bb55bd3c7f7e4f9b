// SPDX-License-Identifier: MIT
#pragma once
/* mfa: the second factor: TOTP (RFC 6238) and ten recovery codes. The secret is sealed with the
 * user's key, codes are kept as hashes, a time step counts once. */
#include "identity/login.h"

enum { RECOVERY_CODES = 10, MFA_TTL_S = 300, MFA_TRIES = 5 };

Err mfa_is_on(Ctx *cx, DbConn *c, Str user_id, bool *ret) _must_check_;

/* Inside a write. Enrolment replaces one that was never confirmed; ERR_CONFLICT: one is in use. */
Err mfa_enroll(Ctx *cx, const Work *w, const User *u, Str *ret_secret, Str *ret_uri) _must_check_;
/* ERR_CODE_INVALID; ERR_CONFLICT: nothing to confirm. */
Err mfa_confirm(Ctx *cx, const Work *w, Str user_id, Str code,
                Str ret_codes[RECOVERY_CODES]) _must_check_;
Err mfa_remove(Ctx *cx, const Work *w, Str user_id, Str code) _must_check_;

/* Inside a write: the first factor was right. */
Err mfa_begin(Ctx *cx, const Work *w, Str user_id, bool remember, Str *ret_token) _must_check_;

typedef enum MfaVerdict { MFA_OK, MFA_WRONG, MFA_TOKEN_BAD, MFA_WAIT } MfaVerdict;
typedef struct MfaResult {
        MfaVerdict verdict;
        SessionGrant grant;
} MfaResult; /* grant: with MFA_OK */
/* Inside a write that must be committed whatever the verdict (the tries count). MFA_WAIT: the
 * account is locked for a while. */
Err mfa_finish(Ctx *cx, const Work *w, Str token, Str code, MfaResult *ret) _must_check_;

/* login.c: the last step of every login, inside a write. */
typedef struct LoginEnd {
        User user;
        bool after_failure, remember_me;
} LoginEnd;
Err login_finish(Ctx *cx, const Work *w, LoginEnd *end, SessionGrant *ret) _must_check_;

// SPDX-License-Identifier: MIT
/* The second factor. */
#include "api/identity_view.h"
#include "identity/mfa.h"
#include "identity/recovery.h"

enum { PASSWORD_TEXT_MAX = 16384, CODE_TEXT_MAX = 64, TOKEN_TEXT_MAX = 128 };

/* ---- enrolment ---- */

typedef struct EnrollIn {
        Str password;
} EnrollIn;
static const Shape enroll_in = SHAPE(EnrollIn,
        F_STR(EnrollIn, password, F_SECRET | F_BLANK, .min = 1, .max = PASSWORD_TEXT_MAX,
                .format = "password", .doc = "May be left out within five minutes of signing in"));
typedef struct Enrolled {
        Str secret, otpauth_uri;
} Enrolled;
static const Shape enrolled_shape = SHAPE(Enrolled,
        F_STR(Enrolled, secret, F_REQ | F_SECRET),
        F_STR(Enrolled, otpauth_uri, F_REQ | F_SECRET));

typedef struct Step {
        Req *rq;
        User user;
        Str code;
        Str codes[RECOVERY_CODES];
        Enrolled out;
} Step;

static Err enroll_write(Ctx *cx, DbConn *c, void *arg) {
        Step *s = arg;
        Work w = req_work(s->rq, c);

        TRY(req_user(s->rq, c, &s->user));
        return mfa_enroll(cx, &w, &s->user, &s->out.secret, &s->out.otpauth_uri);
}

static Err enroll_handle(Req *rq, const void *in_, void *ret) {
        const EnrollIn *in = in_;
        Caller from = req_caller(rq);
        Step s = { .rq = rq };

        TRY(hash_begin(rq, rq->who->user_id));
        TRY(presence_confirm(rq->cx, rq->sv->identity, rq->who, in->password, &from));
        TRY(db_write(rq->cx, rq->sv->db, enroll_write, &s));
        *(Enrolled *)ret = s.out;
        return OK;
}

typedef struct CodeIn {
        Str code;
} CodeIn;
static const Shape code_in = SHAPE(CodeIn,
        F_STR(CodeIn, code, F_REQ | F_SECRET, .min = 1, .max = CODE_TEXT_MAX));
typedef struct RecoveryCodes {
        Strs recovery_codes;
} RecoveryCodes;
static const Shape recovery_codes_shape = SHAPE(RecoveryCodes,
        F_STRS(RecoveryCodes, recovery_codes, F_REQ | F_SECRET,
                .doc = "Each works once; shown only here"));

static Err confirm_handle(Req *rq, const void *in_, void *ret) {
        const CodeIn *in = in_;
        Work w = req_work(rq, rq->db);
        Str *codes = NEW_ARRAY(rq->cx->arena, Str, RECOVERY_CODES);

        TRY(mfa_confirm(rq->cx, &w, rq->who->user_id, in->code, codes));
        *(RecoveryCodes *)ret = (RecoveryCodes){ { codes, RECOVERY_CODES } };
        return OK;
}

typedef struct RemoveIn {
        Str password, code;
} RemoveIn;
static const Shape remove_in = SHAPE(RemoveIn,
        F_STR(RemoveIn, password, F_REQ | F_SECRET | F_BLANK, .min = 1, .max = PASSWORD_TEXT_MAX,
                .format = "password"),
        F_STR(RemoveIn, code, F_REQ | F_SECRET, .min = 1, .max = CODE_TEXT_MAX,
                .doc = "Of the device, or a recovery code"));

static Err remove_write(Ctx *cx, DbConn *c, void *arg) {
        Step *s = arg;
        Work w = req_work(s->rq, c);

        return mfa_remove(cx, &w, s->rq->who->user_id, s->code);
}

static Err remove_handle(Req *rq, const void *in_, void *ret) {
        const RemoveIn *in = in_;
        Caller from = req_caller(rq);
        Step s = { .rq = rq, .code = in->code };

        TRY(hash_begin(rq, rq->who->user_id));
        TRY(presence_confirm(rq->cx, rq->sv->identity, rq->who, in->password, &from));
        return db_write(rq->cx, rq->sv->db, remove_write, &s);
}

/* ---- signing in ---- */

typedef struct VerifyIn {
        Str mfa_token, code;
} VerifyIn;
static const Shape verify_in = SHAPE(VerifyIn,
        F_STR(VerifyIn, mfa_token, F_REQ | F_SECRET, .min = 1, .max = TOKEN_TEXT_MAX),
        F_STR(VerifyIn, code, F_REQ | F_SECRET, .min = 1, .max = CODE_TEXT_MAX));

static Err verify_handle(Req *rq, const void *in_, void *ret) {
        const VerifyIn *in = in_;
        Work w = req_work(rq, rq->db);
        MfaResult r;

        TRY(mfa_finish(rq->cx, &w, in->mfa_token, in->code, &r));
        rq->keep = true;
        switch (r.verdict) {
        case MFA_OK: *(TokenPair *)ret = token_pair(rq, &r.grant); return OK;
        case MFA_TOKEN_BAD:
                return RAISE(rq->cx, ERR_LINK_INVALID, "unknown, used or expired mfa_token");
        case MFA_WAIT: return ERR_LOCKED; /* raised where the wait is known */
        case MFA_WRONG: break;
        }
        return RAISE(rq->cx, ERR_CODE_INVALID, "wrong code");
}

const Route auth_mfa_routes[] = {
        {
                .id = "mfa.enroll",
                .method = POST,
                .path = "/api/v1/auth/mfa/totp",
                .lane = LANE_HASH,
                .auth = AUTH_USER,
                .scope = "profile",
                .rate = RATE_FREE,
                .in = &enroll_in,
                .out = &enrolled_shape,
                .body_max = 4 * 1024,
                .errors = ERRORS(ERR_CREDENTIALS, ERR_LOCKED, ERR_CONFLICT, ERR_FORBIDDEN,
                                 ERR_HASH_QUEUE),
                .audit_none = "recorded when it is confirmed",
                .tag = "Auth",
                .summary = "Begin to set up a second factor",
                .admit = admit_user,
                .fn = enroll_handle,
        },
        {
                .id = "mfa.confirm",
                .method = POST,
                .path = "/api/v1/auth/mfa/totp/confirm",
                .lane = LANE_WRITE,
                .auth = AUTH_USER,
                .scope = "profile",
                .rate = RATE_RESET,
                .in = &code_in,
                .out = &recovery_codes_shape,
                .body_max = 4 * 1024,
                .errors = ERRORS(ERR_CODE_INVALID, ERR_CONFLICT),
                .audit = "authn_mfa_enrolled",
                .tag = "Auth",
                .summary = "Confirm the second factor; gives recovery codes",
                .fn = confirm_handle,
        },
        {
                .id = "mfa.remove",
                .method = DELETE,
                .path = "/api/v1/auth/mfa/totp",
                .lane = LANE_HASH,
                .auth = AUTH_USER,
                .scope = "profile",
                .rate = RATE_RESET,
                .in = &remove_in,
                .body_max = 4 * 1024,
                .errors = ERRORS(ERR_CREDENTIALS, ERR_LOCKED, ERR_CODE_INVALID, ERR_CONFLICT,
                                 ERR_HASH_QUEUE),
                .audit = "authn_mfa_removed",
                .tag = "Auth",
                .summary = "Remove the second factor",
                .admit = admit_user,
                .fn = remove_handle,
        },
        {
                .id = "mfa.verify",
                .method = POST,
                .path = "/api/v1/auth/mfa/verify",
                .lane = LANE_WRITE,
                .auth = AUTH_NONE,
                .rate = RATE_LOGIN,
                .in = &verify_in,
                .out = &token_pair_shape,
                .body_max = 4 * 1024,
                .errors = ERRORS(ERR_CODE_INVALID, ERR_LINK_INVALID, ERR_LOCKED),
                .audit = "authn_login_success",
                .tag = "Auth",
                .summary = "Finish signing in with the second factor",
                .fn = verify_handle,
        },
        {}
};

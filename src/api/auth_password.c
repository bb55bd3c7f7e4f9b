// SPDX-License-Identifier: MIT
/* Passwords and addresses that change. */
#include "api/identity_view.h"
#include "identity/recovery.h"

enum { PASSWORD_TEXT_MAX = 16384, EMAIL_TEXT_MAX = 320, TOKEN_TEXT_MAX = 128 };

/* ---- password/change ---- */

typedef struct ChangeIn {
        Str current_password, new_password;
        OptBool end_other_sessions;
} ChangeIn;
static const Shape change_in = SHAPE(ChangeIn,
        F_STR(ChangeIn, current_password, F_REQ | F_SECRET | F_BLANK, .min = 1,
                .max = PASSWORD_TEXT_MAX, .format = "password"),
        F_STR(ChangeIn, new_password, F_REQ | F_SECRET | F_BLANK, .min = 1,
                .max = PASSWORD_TEXT_MAX, .format = "password"),
        F_OBOOL(ChangeIn, end_other_sessions, 0, .doc = "Absent: true"));

static Err change_handle(Req *rq, const void *in_, void *ret) {
        const ChangeIn *in = in_;
        PasswordChange change = {
                .current = in->current_password,
                .new_password = in->new_password,
                .keep_sid = rq->who->sid,
                .end_others = !in->end_other_sessions.has || in->end_other_sessions.v,
                .from = req_caller(rq),
        };

        TRY(hash_begin(rq, rq->who->user_id));
        TRY(password_change(rq->cx, rq->sv->identity, rq->who->user_id, &change));
        *(Status *)ret = (Status){ .status = STR("changed") };
        return OK;
}

/* ---- password/forgot, password/reset ---- */

typedef struct ForgotIn {
        Str email;
} ForgotIn;
static const Shape forgot_in = SHAPE(ForgotIn,
        F_STR(ForgotIn, email, F_REQ, .min = 1, .max = EMAIL_TEXT_MAX, .format = "email"));

static Err forgot_handle(Req *rq, const void *in_, void *ret) {
        const ForgotIn *in = in_;
        Work w = req_work(rq, rq->db);

        TRY(reset_request(rq->cx, &w, in->email));
        *(Status *)ret = (Status){ STR("accepted"),
                                   STR("If the address has an account, a letter is on its way.") };
        return OK;
}

typedef struct ResetIn {
        Str token, new_password;
} ResetIn;
static const Shape reset_in = SHAPE(ResetIn,
        F_STR(ResetIn, token, F_REQ | F_SECRET, .min = 1, .max = TOKEN_TEXT_MAX),
        F_STR(ResetIn, new_password, F_REQ | F_SECRET | F_BLANK, .min = 1, .max = PASSWORD_TEXT_MAX,
                .format = "password"));

static Err reset_admit(Req *rq, const void *in, void *ret) {
        return hash_queue_enter(rq->cx, rq->sv->identity, rq->client_ip, STR_NULL);
}

static Err reset_handle(Req *rq, const void *in_, void *ret) {
        const ResetIn *in = in_;
        Caller from = req_caller(rq);

        TRY(hash_begin(rq, STR_NULL));
        TRY(password_reset(rq->cx, rq->sv->identity, in->token, in->new_password, &from));
        *(Status *)ret = (Status){ .status = STR("changed") };
        return OK;
}

/* ---- email/verify, email/change, email/change/confirm ---- */

typedef struct TokenIn {
        Str token;
} TokenIn;
static const Shape token_in = SHAPE(TokenIn,
        F_STR(TokenIn, token, F_REQ | F_SECRET, .min = 1, .max = TOKEN_TEXT_MAX));

static Err verify_handle(Req *rq, const void *in_, void *ret) {
        const TokenIn *in = in_;
        Work w = req_work(rq, rq->db);

        TRY(email_verify(rq->cx, &w, in->token));
        *(Status *)ret = (Status){ .status = STR("verified") };
        return OK;
}

typedef struct EmailIn {
        Str new_email, current_password;
} EmailIn;
static const Shape email_in = SHAPE(EmailIn,
        F_STR(EmailIn, new_email, F_REQ, .min = 1, .max = EMAIL_TEXT_MAX, .format = "email"),
        F_STR(EmailIn, current_password, F_REQ | F_SECRET | F_BLANK, .min = 1,
                .max = PASSWORD_TEXT_MAX, .format = "password"));

static Err email_handle(Req *rq, const void *in_, void *ret) {
        const EmailIn *in = in_;
        EmailWish wish = { rq->who->user_id, in->new_email, in->current_password, req_caller(rq) };
        bool changed;

        TRY(hash_begin(rq, rq->who->user_id));
        TRY(email_change(rq->cx, rq->sv->identity, &wish, &changed));
        *(Status *)ret = changed ? (Status){ .status = STR("changed") }
                                 : (Status){ STR("pending"),
                                             STR("Confirm the change from both mailboxes.") };
        return OK;
}

static Err confirm_handle(Req *rq, const void *in_, void *ret) {
        const TokenIn *in = in_;
        Work w = req_work(rq, rq->db);
        bool changed;

        TRY(email_change_confirm(rq->cx, &w, in->token, &changed));
        *(Status *)ret = (Status){ .status = changed ? STR("changed") : STR("pending") };
        return OK;
}

const Route auth_password_routes[] = {
        {
                .id = "password.change",
                .method = POST,
                .path = "/api/v1/auth/password/change",
                .lane = LANE_HASH,
                .auth = AUTH_USER,
                .scope = "profile",
                .rate = RATE_FREE,
                .in = &change_in,
                .out = &status_shape,
                .body_max = 16 * 1024,
                .errors = ERRORS(ERR_CREDENTIALS, ERR_LOCKED, ERR_PASSWORD_LONG,
                                 ERR_PASSWORD_COMMON, ERR_HASH_QUEUE),
                .audit = "authn_password_change",
                .tag = "Auth",
                .summary = "Change one's password",
                .admit = admit_user,
                .fn = change_handle,
        },
        {
                .id = "password.forgot",
                .method = POST,
                .path = "/api/v1/auth/password/forgot",
                .lane = LANE_WRITE,
                .auth = AUTH_NONE,
                .rate = RATE_FORGOT,
                .in = &forgot_in,
                .out = &status_shape,
                .status = 202,
                .body_max = 4 * 1024,
                .audit_none = "a wish; its letter is recorded by its use",
                .tag = "Auth",
                .summary = "Ask for a letter that sets a new password",
                .fn = forgot_handle,
        },
        {
                .id = "password.reset",
                .method = POST,
                .path = "/api/v1/auth/password/reset",
                .lane = LANE_HASH,
                .auth = AUTH_NONE,
                .rate = RATE_RESET,
                .in = &reset_in,
                .out = &status_shape,
                .body_max = 16 * 1024,
                .errors = ERRORS(ERR_LINK_INVALID, ERR_PASSWORD_LONG, ERR_PASSWORD_COMMON,
                                 ERR_HASH_QUEUE),
                .audit = "authn_password_change",
                .tag = "Auth",
                .summary = "Set a new password by a mailed token",
                .admit = reset_admit,
                .fn = reset_handle,
        },
        {
                .id = "email.verify",
                .method = POST,
                .path = "/api/v1/auth/email/verify",
                .lane = LANE_WRITE,
                .auth = AUTH_NONE,
                .rate = RATE_RESET,
                .in = &token_in,
                .out = &status_shape,
                .body_max = 4 * 1024,
                .errors = ERRORS(ERR_LINK_INVALID),
                .audit = "user_updated",
                .tag = "Auth",
                .summary = "Verify an address by a mailed token",
                .fn = verify_handle,
        },
        {
                .id = "email.change",
                .method = POST,
                .path = "/api/v1/auth/email/change",
                .lane = LANE_HASH,
                .auth = AUTH_USER,
                .scope = "profile",
                .rate = RATE_FREE,
                .in = &email_in,
                .out = &status_shape,
                .status = 202,
                .body_max = 16 * 1024,
                .errors = ERRORS(ERR_CREDENTIALS, ERR_LOCKED, ERR_EMAIL_TAKEN, ERR_FORBIDDEN,
                                 ERR_HASH_QUEUE),
                .audit = "user_updated",
                .tag = "Auth",
                .summary = "Change one's address; both mailboxes confirm",
                .admit = admit_user,
                .fn = email_handle,
        },
        {
                .id = "email.confirm",
                .method = POST,
                .path = "/api/v1/auth/email/change/confirm",
                .lane = LANE_WRITE,
                .auth = AUTH_NONE,
                .rate = RATE_RESET,
                .in = &token_in,
                .out = &status_shape,
                .body_max = 4 * 1024,
                .errors = ERRORS(ERR_LINK_INVALID, ERR_EMAIL_TAKEN),
                .audit = "user_updated",
                .tag = "Auth",
                .summary = "Confirm a change of address by a mailed token",
                .fn = confirm_handle,
        },
        {}
};

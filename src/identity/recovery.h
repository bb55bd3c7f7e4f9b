// SPDX-License-Identifier: MIT
#pragma once
/* recovery: passwords and addresses that change: by their owner, or by whoever reads the owner's
 * mail. Functions that hash run on the hashing pool and write by themselves; the others run
 * inside a write. */
#include "identity/login.h"

enum {
        RESET_TTL_S = 600,
        RESETS_PER_HOUR = 3,
        EMAIL_CHANGE_TTL_S = 3600,
        RECENT_LOGIN_MS = 300 * 1000
};

typedef struct PasswordChange {
        Str current, new_password;
        bool end_others;
        Str keep_sid;
        Caller from;
} PasswordChange;
/* ERR_CREDENTIALS, ERR_LOCKED, ERR_INVALID, ERR_PASSWORD_LONG, ERR_PASSWORD_COMMON. */
Err password_change(Ctx *cx, Identity *id, Str user_id, const PasswordChange *in) _must_check_;

/* Inside a write: the wish alone. Whether there is such an account is looked up later, so the
 * answer cannot tell. */
Err reset_request(Ctx *cx, const Work *w, Str email) _must_check_;
/* Looks the wishes up and writes the letters. On a worker. */
Err reset_flush(Ctx *cx, Identity *id) _must_check_;
/* Inside a write: a letter to this user, on an administrator's word. ERR_CONFLICT: nobody would
 * get it. */
Err reset_start(Ctx *cx, const Work *w, const User *u, Str *ret_token) _must_check_;
/* ERR_LINK_INVALID and as password_change. All sessions end; a mailbox that received the letter
 * is a verified one. */
Err password_reset(Ctx *cx, Identity *id, Str token, Str new_password,
                   const Caller *from) _must_check_;

/* Inside a write. ERR_LINK_INVALID. What was set before by anybody else does not outlive the
 * verification. */
Err email_verify(Ctx *cx, const Work *w, Str token) _must_check_;

typedef struct EmailWish {
        Str user_id, new_email, password;
        Caller from;
} EmailWish;
/* Asks both addresses. ERR_CREDENTIALS, ERR_LOCKED, ERR_INVALID. Without any way to send letters
 * the change is made at once (*ret_changed); ERR_EMAIL_TAKEN then. */
Err email_change(Ctx *cx, Identity *id, const EmailWish *in, bool *ret_changed) _must_check_;
/* Inside a write. *ret_changed: this was the second of the two. */
Err email_change_confirm(Ctx *cx, const Work *w, Str token, bool *ret_changed) _must_check_;

/* A password that is right, or a sign-in of the last minutes. ERR_FORBIDDEN: neither was shown. */
Err presence_confirm(Ctx *cx, Identity *id, const Principal *who, Str password,
                     const Caller *from) _must_check_;

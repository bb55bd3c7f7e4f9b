// SPDX-License-Identifier: MIT
#pragma once
/* notice: the letters of this room, and the queue they wait in (identity/mail.h). */
#include "identity/account.h"

typedef enum Notice {
        NOTICE_TOKEN_REUSE, /* a session was ended because its refresh token was copied */
        NOTICE_PASSWORD_CHANGED,
        NOTICE_EMAIL_CHANGED,    /* to the old address */
        NOTICE_REGISTERED_TWICE, /* someone tried to register this address */
        LETTER_VERIFY,
        LETTER_RESET,
        LETTER_EMAIL_OLD,
        LETTER_EMAIL_NEW, /* these carry a token */
        _NOTICE_N,
} Notice;

/* Inside a write: to the user's address; accounts without one of ours get none. */
Err notice_send(Ctx *cx, const Work *w, Str user_id, Notice n) _must_check_;
typedef struct LetterTo {
        Str user_id, address;
} LetterTo;
/* Inside a write: to this address, on account of this user; `token` becomes part of a link under
 * PUBLIC_URL. */
Err letter_send(Ctx *cx, const Work *w, const LetterTo *to, Notice n, Str token) _must_check_;
bool mail_is_configured(const Identity *id); /* letters reach their readers */
/* The files in data_dir/mail that were written to this address go too. */
void mail_forget(Ctx *cx, const Identity *id, Str address);

/* Sends a few of the letters that are due: by the configured function, or into data_dir/mail. On
 * a worker. */
Err mail_flush(Ctx *cx, Identity *id) _must_check_;

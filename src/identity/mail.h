// SPDX-License-Identifier: MIT
#pragma once
/* mail: letters to users. Queued in the transaction of their cause, sent afterwards from the
 * queue, sealed while they wait.
 *
 * With a `send` function (SMTP, wired by the application, since this room knows no network) mail
 * is "configured" in the sense of the contract. Without it the letters go to files in
 * data_dir/mail in development, so that every flow works offline. */
#include "base/base.h"

typedef struct Letter {
        Str to, subject, body;
} Letter;
typedef Err MailSendFn(Ctx *cx, void *arg, const Letter *letter); /* blocking; on a worker */

typedef struct MailSettings {
        MailSendFn *send;
        void *arg; /* NULL: not configured */
        Str from;  /* "Mainstay <no-reply@example.com>" */
} MailSettings;

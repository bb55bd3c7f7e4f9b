// SPDX-License-Identifier: MIT
#pragma once
/* client_mail: one letter by SMTP (libcurl; RFC 5321, RFC 5322). Blocking, bounded by its timeout; the
 * queue and its retries are the caller's.
 *
 * TLS is required (STARTTLS for smtp://, from the start for smtps://) unless the server is on a
 * loopback address: a password never crosses a network in the clear. */
#include "base/base.h"

typedef struct MailSpec {
        Str server;         /* "smtp://user:password@host:587" */
        Str from;           /* "Name <address>" or the address */
        Str to;             /* one address */
        Str subject, body;  /* UTF-8; lines end with \n */
        int64_t timeout_ms; /* 0 = 20 s */
} MailSpec;

/* ERR_INVALID: a line break in an address or the subject. ERR_UPSTREAM: refused, unreachable, no TLS.
 * ERR_TIMEOUT. ERR_UNCERTAIN: the letter was handed over and the answer was lost. */
Err mail_send(Ctx *cx, const MailSpec *m) _must_check_;

bool mail_needs_tls(Str server);

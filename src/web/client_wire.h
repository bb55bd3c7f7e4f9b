// SPDX-License-Identifier: MIT
#pragma once
/* client_wire: what else the program asks of servers it depends on (libcurl): a question and an
 * answer over TCP or TLS, a mail server's greeting, an object store's list of buckets. Blocking,
 * each bounded by its timeout, names and TLS included; for targets that the operator named. */
#include "base/base.h"

/* Each returns what went wrong in the words of the checks ("Connection refused", "Timeout
 * after 2000 ms", "Name not resolved", "TLS error", "Bad response"), in the arena or static; NULL:
 * it answered. */

typedef struct WireSpec {
        Str host; /* a name, an IPv4 address or "[::1]" */
        int port;
        bool tls;
        Str ask; /* sent at once */
        /* Is what came the whole answer? */
        bool (*is_whole)(Str answer, const void *arg);
        const void *arg;
        size_t answer_max;
        int64_t timeout_ms;
} WireSpec;
const char *wire_ask(Ctx *cx, const WireSpec *spec, Str *ret_answer);

/* Connects, EHLO, STARTTLS where mail_send would, signs in when the URL names somebody, NOOP, QUIT. */
const char *mail_probe(Ctx *cx, Str server, int64_t timeout_ms, bool *ret_tls);

typedef struct BucketsSpec {
        Str url, region, access_key, secret_key;
        int64_t timeout_ms;
} BucketsSpec;
/* ListBuckets, signed (AWS Signature Version 4). */
const char *buckets_get(Ctx *cx, const BucketsSpec *spec, int *ret_status, Str *ret_body);

/* Version of libcurl that this was built for, for /status. */
const char *client_library(void);

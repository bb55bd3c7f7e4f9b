// SPDX-License-Identifier: MIT
#pragma once
/* peer: as much of Redis's and MongoDB's protocols as a probe needs. Pure; what comes from a peer is
 * bounded by the caller and believed in nothing. */
#include "base/base.h"

typedef struct PeerUrl {
        Str user, password, host, path; /* path without its slash */
        int port;
        bool tls;
} PeerUrl;
/* "redis://:password@host:6379/0", "mongodb://host/name?tls=true". `plain` and `tls` (or NULL) are the
 * schemes, `port` the one that is meant when none is given. False: not such a URL. */
typedef struct PeerScheme {
        const char *plain, *tls;
        int port;
} PeerScheme;
bool peer_url_parse(Ctx *cx, Str url, const PeerScheme *scheme, PeerUrl *ret) _must_check_;

/* [AUTH], PING and ROLE in one go; the answers to all of them are whole, or can no longer be. */
Str redis_ask(Ctx *cx, const PeerUrl *at);
bool redis_is_whole(Str answer, const void *url);
/* What is wrong, as health says it; NULL: it is fine. The role ("master") is borrowed from the
 * answer; STR_NULL: it may not say. */
const char *redis_judge(Str answer, const PeerUrl *at, Str *ret_role);

/* OP_MSG {ping: 1, $db: "admin"} */
Str mongodb_ask(void);
bool mongodb_is_whole(Str answer, const void *none);
const char *mongodb_judge(Str answer);

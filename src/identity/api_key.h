// SPDX-License-Identifier: MIT
#pragma once
/* api_key: long-lived credentials for programs. The secret is shown once
 * and kept as its SHA-256; being random and long, it needs no slow hash. Names are sealed with
 * the user's key. */
#include "identity/session.h"

enum { API_KEYS_MAX = 100, KEY_NAME_MAX = 64, IP_RANGES_MAX = 16 };

typedef struct ApiKey {
        Str key_id, user_id, name;
        Str ip_ranges; /* space separated; "" = any address */
        uint32_t scopes;
        int64_t created_at, expires_at, last_used; /* ms; 0 = never */
        int64_t good_until;                        /* of the secret that was shown; 0 = for ever */
        Str last_used_ip;
} ApiKey;

/* Form, checksum, existence, secret, expiry, address. ERR_TOKEN_INVALID, ERR_TOKEN_EXPIRED.
 * Fills all but the name. */
Err api_key_check(Ctx *cx, DbConn *c, Str text, Str client_ip, ApiKey *ret) _must_check_;

typedef struct ApiKeyNew {
        Str name;
        Strs scopes, ip_ranges;
        int64_t expires_days; /* 0 = never */
} ApiKeyNew;
typedef struct ApiKeyMade {
        ApiKey key;
        Str text;
} ApiKeyMade; /* text: the one time the key is shown */
/* Inside a write. ERR_INVALID: an unknown scope, a bad range. ERR_SCOPE: a scope the
 * creator does not hold, or admin. ERR_CONFLICT: API_KEYS_MAX reached. */
Err api_key_create(Ctx *cx, const Work *w, const Principal *who, const ApiKeyNew *in,
                   ApiKeyMade *ret) _must_check_;
Err api_key_list(Ctx *cx, const Work *w, Str user_id, ApiKey **ret, size_t *ret_n) _must_check_;
/* Inside a write. ERR_NOT_FOUND: not a key of this user. */
Err api_key_delete(Ctx *cx, const Work *w, Str user_id, Str key_id) _must_check_;
typedef struct ApiKeyTurn {
        Str key_id;
        int64_t overlap_s;
} ApiKeyTurn; /* the old secret is good for overlap_s more */
/* ERR_NOT_FOUND. ERR_SCOPE: the key may do more than the caller. */
Err api_key_rotate(Ctx *cx, const Work *w, const Principal *who, const ApiKeyTurn *in,
                   ApiKeyMade *ret) _must_check_;
Err api_key_delete_all(Ctx *cx, const Work *w, Str user_id) _must_check_;

/* "10.0.0.0/8", "2001:db8::/32" or one address. */
bool ip_range_is(Str text);
bool ip_range_has(Str range, Str ip);

// SPDX-License-Identifier: MIT
#pragma once
/* token: the claims of access tokens, ours and those of others. Reading
 * and judging are pure. */
#include "base/base.h"

enum { TOKEN_SKEW_S = 15, TOKEN_FUTURE_S = 60 };

typedef struct Claims {
        Str sub, sid, jti, email, scope, iss,
                use; /* STR_NULL when absent; use: `type` or `token_use` */
        Strs aud;    /* v NULL when absent */
        int64_t iat, exp, nbf;
        bool has_iat, has_exp, has_nbf;
} Claims;

/* ERR_TOKEN_INVALID: not an object, a claim of another type than it must have, a time that is no
 * whole number from 0 to 2^53. */
Err claims_read(Ctx *cx, Str payload, Claims *ret) _must_check_;
/* Times and use. ERR_TOKEN_EXPIRED; ERR_TOKEN_INVALID: no exp, no subject, not yet valid, issued
 * in the future, not for access. */
Err claims_check(Ctx *cx, const Claims *c, int64_t now_s) _must_check_;
bool claims_is_for(const Claims *c, Str audience); /* true when there is no aud */

typedef struct AccessClaims {
        Str user_id, sid, jti, email, tier, scope, iss, aud;
        int64_t iat, exp;
} AccessClaims;
Str claims_write(Ctx *cx, const AccessClaims *c); /* JSON, always in the same order */

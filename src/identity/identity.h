// SPDX-License-Identifier: MIT
#pragma once
/* identity: who is asking. Accounts, sessions, tokens and keys, all turned into one Principal in one place. */
#include "base/base.h"
#include "store/db.h"

typedef enum PrincipalKind { WHO_UNSET = 0, WHO_SESSION, WHO_API_KEY, WHO_FOREIGN, WHO_DEV } PrincipalKind;
typedef enum Tier { TIER_FREE, TIER_PRO, TIER_ENTERPRISE } Tier;

/* The holder of a credential that was valid when it was checked. Borrowed for the request. */
typedef struct Principal {
        PrincipalKind kind;
        Str user_id, email;
        Str sid, jti, key_id;                         /* of the session or the key; STR_NULL when not that kind */
        Tier tier;
        uint32_t scopes;                              /* bits of identity/scope.h */
        bool is_admin;
        int64_t issued_at_s, expires_at_s;            /* 0 = never */
} Principal;

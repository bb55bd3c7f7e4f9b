// SPDX-License-Identifier: MIT
#pragma once
/* tier: what an account may use. */
#include "base/base.h"

typedef enum Tier { TIER_FREE, TIER_PRO, TIER_ENTERPRISE, _TIER_N } Tier;

enum { LIMIT_NONE = -1 }; /* unlimited */
typedef struct TierLimits {
        const char *name;
        int64_t memories, requests_per_day, requests_per_minute;
} TierLimits;

extern const TierLimits tier_limits[_TIER_N];
bool tier_parse(Str name, Tier *ret) _must_check_;

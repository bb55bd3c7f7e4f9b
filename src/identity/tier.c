// SPDX-License-Identifier: MIT
#include "identity/tier.h"

const TierLimits tier_limits[_TIER_N] = {
        [TIER_FREE] = { "free", 10000, 1000, 100 },
        [TIER_PRO] = { "pro", 100000, 10000, 300 },
        [TIER_ENTERPRISE] = { "enterprise", LIMIT_NONE, LIMIT_NONE, 1000 },
};

bool tier_parse(Str name, Tier *ret) {
        for (Tier t = 0; t < _TIER_N; t++)
                if (str_eq_c(name, tier_limits[t].name)) {
                        *ret = t;
                        return true;
                }
        return false;
}

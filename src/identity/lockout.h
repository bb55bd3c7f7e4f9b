// SPDX-License-Identifier: MIT
#pragma once
/* lockout: how long an account waits after failed logins. Pure. The
 * counter belongs to the normal form of the address, whether such an account exists or not, so
 * it tells nothing. */
#include "base/base.h"

enum { LOCKOUT_FREE = 3, LOCKOUT_WAIT_MAX_S = 900, LOCKOUT_DECAY_S = 86400 };

typedef struct Lockout {
        int64_t failures, last_ms, blocked_until_ms;
} Lockout;

int64_t lockout_wait_s(const Lockout *l, int64_t now_ms); /* 0: may try */
Lockout lockout_fail(const Lockout *l, int64_t now_ms);   /* after one more failure */

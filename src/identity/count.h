// SPDX-License-Identifier: MIT
#pragma once
/* count: what this room tells the metrics: each security event by outcome, what a password hash
 * costs, how many sessions are in force. */
#include "crypto/password.h"

/* "authn_login_fail", "failure": words of the contract only, so the number of series is bounded. */
void count_event(const char *event, const char *outcome);
void count_hash(Str hash, int64_t took_us); /* verified or made */
void count_sessions(int64_t active);

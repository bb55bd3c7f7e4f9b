// SPDX-License-Identifier: MIT
#pragma once
/* count: what this room tells the metrics: each security event by outcome, what a password hash
 * costs, how many sessions are in force, whether the audit is being written. */
#include "crypto/password.h"

/* "authn_login_fail", "failure": fixed words only, so the number of series is bounded. */
void count_event(const char *event, const char *outcome);
void count_hash(Str hash, int64_t took_us); /* verified or made */
void count_sessions(int64_t active);
void count_audit_head(int64_t ts_ms); /* of the newest record */
void count_audit_failure(void);

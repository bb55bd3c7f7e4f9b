// SPDX-License-Identifier: MIT
#pragma once
/* totp: time-based one-time passwords (RFC 6238: SHA-1, 6 digits, 30 s). The secret's text form is
 * base32 (codec/radix.h). */
#include "base/base.h"

enum { TOTP_SECRET = 20, TOTP_DIGITS = 6, TOTP_STEP_S = 30 };

/* step = Unix seconds / TOTP_STEP_S */
void totp_code(Str secret, int64_t step, char out[TOTP_DIGITS + 1]);
/* True for a code of the current step, the one before or the one after, if that step is later than
 * last_step. Store *ret_step as the new last_step, so that each step counts once. */
bool totp_verify(Str secret, Str code, int64_t now_s, int64_t last_step,
                 int64_t *ret_step) _must_check_;

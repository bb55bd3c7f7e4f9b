// SPDX-License-Identifier: MIT
#include "identity/lockout.h"

int64_t lockout_wait_s(const Lockout *l, int64_t now_ms) {
        return now_ms < l->blocked_until_ms ? (l->blocked_until_ms - now_ms + 999) / 1000 : 0;
}

/* 1 s, 2 s, 4 s … after the free ones. A day without failures forgets them all; nothing locks
 * for ever. */
Lockout lockout_fail(const Lockout *l, int64_t now_ms) {
        Lockout next = { .failures = 1, .last_ms = now_ms };
        int64_t doublings, wait_s = 0;

        if (now_ms - l->last_ms < INT64_C(1000) * LOCKOUT_DECAY_S)
                next.failures = l->failures + 1;
        doublings = MIN(next.failures - LOCKOUT_FREE - 1, (int64_t)20);
        if (doublings >= 0)
                wait_s = MIN(INT64_C(1) << doublings, (int64_t)LOCKOUT_WAIT_MAX_S);
        next.blocked_until_ms = wait_s ? now_ms + 1000 * wait_s : 0;
        return next;
}

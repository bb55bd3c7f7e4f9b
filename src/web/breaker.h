// SPDX-License-Identifier: MIT
#pragma once
/* breaker: a pure state machine that stops calling what keeps failing. No clock and no lock of its
 * own: the caller passes monotonic milliseconds and serialises.
 *
 * CLOSED → OPEN after `failures_max` failures in a row, or when at least half of at least
 * `window_calls` calls of the last minute failed. OPEN lasts open_ms, doubling up to open_max_ms
 * each time a probe fails. Then HALF_OPEN: one probe at a time; `probes` successes → CLOSED, one
 * failure → OPEN. */
#include "base/base.h"

typedef enum BreakerState {
        BREAKER_CLOSED,
        BREAKER_OPEN,
        BREAKER_HALF_OPEN,
        _BREAKER_N
} BreakerState;
extern const char *const breaker_state_names[_BREAKER_N];

typedef struct BreakerSettings {
        int failures_max, window_calls, probes; /* 0 = 5, 20, 2 */
        int64_t open_ms, open_max_ms;           /* 0 = 30 000, 300 000 */
} BreakerSettings;

enum { BREAKER_BUCKETS = 12, BREAKER_BUCKET_MS = 5000 };
typedef struct Breaker {
        BreakerSettings set;
        BreakerState state;
        int failures, successes; /* in a row; successes only while half open */
        bool probing;
        int64_t open_ms, open_until_ms;
        struct {
                int64_t number;
                int calls, failed;
        } bucket[BREAKER_BUCKETS];
} Breaker;

void breaker_init(Breaker *b, const BreakerSettings *set);
/* May a call be made now? After true exactly one of report and release must follow. */
bool breaker_allow(Breaker *b, int64_t now_ms) _must_check_;
void breaker_report(Breaker *b, int64_t now_ms, bool ok);
/* the call was not made, or says nothing about the peer's health */
void breaker_release(Breaker *b);
/* until a call may be allowed; 0 = now */
int64_t breaker_wait_ms(const Breaker *b, int64_t now_ms);

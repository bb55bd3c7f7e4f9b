// SPDX-License-Identifier: MIT
#include "web/breaker.h"

const char *const breaker_state_names[_BREAKER_N] = { "closed", "open", "half_open" };

void breaker_init(Breaker *b, const BreakerSettings *set) {
        *b = (Breaker){ .set = *set, .state = BREAKER_CLOSED };
        BreakerSettings *s = &b->set;
        s->failures_max = s->failures_max ? s->failures_max : 5;
        s->window_calls = s->window_calls ? s->window_calls : 20;
        s->probes = s->probes ? s->probes : 2;
        s->open_ms = s->open_ms ? s->open_ms : 30000;
        s->open_max_ms = s->open_max_ms ? s->open_max_ms : 300000;
        b->open_ms = s->open_ms;
}

/* The one place where the state moves. */
static void state_move(Breaker *b, BreakerState to, int64_t now_ms) {
        assert(b->state != to);
        assert(to != BREAKER_HALF_OPEN || b->state == BREAKER_OPEN);
        switch (to) {
        case BREAKER_CLOSED:
                b->open_ms = b->set.open_ms;
                memset(b->bucket, 0, sizeof b->bucket);
                break;
        case BREAKER_OPEN:
                if (b->state == BREAKER_HALF_OPEN)
                        b->open_ms = MIN(b->open_ms * 2, b->set.open_max_ms);
                b->open_until_ms = now_ms + b->open_ms;
                break;
        case BREAKER_HALF_OPEN:
        case _BREAKER_N: break;
        }
        b->failures = b->successes = 0;
        b->probing = false;
        b->state = to;
}

bool breaker_allow(Breaker *b, int64_t now_ms) {
        if (b->state == BREAKER_OPEN && now_ms >= b->open_until_ms)
                state_move(b, BREAKER_HALF_OPEN, now_ms);
        switch (b->state) {
        case BREAKER_CLOSED: return true;
        case BREAKER_HALF_OPEN:
                if (b->probing)
                        return false;
                return b->probing = true;
        case BREAKER_OPEN:
        case _BREAKER_N: break;
        }
        return false;
}

static void window_count(Breaker *b, int64_t now_ms, bool ok) {
        int64_t number = now_ms / BREAKER_BUCKET_MS;
        size_t i = (size_t)(number % BREAKER_BUCKETS);
        if (b->bucket[i].number != number) {
                b->bucket[i].number = number;
                b->bucket[i].calls = b->bucket[i].failed = 0;
        }
        b->bucket[i].calls++;
        b->bucket[i].failed += !ok;
}

static bool window_is_bad(const Breaker *b, int64_t now_ms) {
        int64_t oldest = now_ms / BREAKER_BUCKET_MS - BREAKER_BUCKETS + 1;
        int calls = 0, failed = 0;
        for (size_t i = 0; i < BREAKER_BUCKETS; i++)
                if (b->bucket[i].number >= oldest) {
                        calls += b->bucket[i].calls;
                        failed += b->bucket[i].failed;
                }
        return calls >= b->set.window_calls && failed * 2 >= calls;
}

void breaker_report(Breaker *b, int64_t now_ms, bool ok) {
        /* began before it opened: the verdict stands */
        if (b->state == BREAKER_OPEN)
                return;
        if (b->state == BREAKER_HALF_OPEN) {
                b->probing = false;
                if (!ok)
                        state_move(b, BREAKER_OPEN, now_ms);
                else if (++b->successes >= b->set.probes)
                        state_move(b, BREAKER_CLOSED, now_ms);
                return;
        }
        window_count(b, now_ms, ok);
        b->failures = ok ? 0 : b->failures + 1;
        if (b->failures >= b->set.failures_max || (!ok && window_is_bad(b, now_ms)))
                state_move(b, BREAKER_OPEN, now_ms);
}

void breaker_release(Breaker *b) { b->probing = false; }

int64_t breaker_wait_ms(const Breaker *b, int64_t now_ms) {
        return b->state == BREAKER_OPEN ? MAX(b->open_until_ms - now_ms, 0) : 0;
}

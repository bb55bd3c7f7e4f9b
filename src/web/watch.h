// SPDX-License-Identifier: MIT
#pragma once
/* watch: who must be done by when. A queue holds waits of one length, so its order is the order of
 * their ends: arming, disarming and finding the next one cost the same for one and for 10,000.
 * Belongs to one thread. */
#include "base/base.h"

typedef struct Watch Watch;
typedef struct WatchQueue {
        Watch *first, *last;
        int64_t span_us;
} WatchQueue;

struct Watch { /* {0} is not armed */
        Watch *prev, *next;
        WatchQueue *queue;
        int64_t due_us;
};

void watch_arm(WatchQueue *q, Watch *w, int64_t now_us); /* leaves the queue it was in */
void watch_disarm(Watch *w);                             /* fine when not armed */
Watch *watch_expired(WatchQueue *q, int64_t now_us); /* the first one due, disarmed; NULL = none */
int64_t watch_next_us(const WatchQueue *q);          /* when the first is due; INT64_MAX = none */

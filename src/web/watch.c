// SPDX-License-Identifier: MIT
#include "web/watch.h"

void watch_disarm(Watch *w) {
        WatchQueue *q = w->queue;
        if (!q)
                return;
        *(w->prev ? &w->prev->next : &q->first) = w->next;
        *(w->next ? &w->next->prev : &q->last) = w->prev;
        *w = (Watch){ .queue = NULL };
}

void watch_arm(WatchQueue *q, Watch *w, int64_t now_us) {
        watch_disarm(w);
        *w = (Watch){ .prev = q->last, .queue = q, .due_us = now_us + q->span_us };
        *(q->last ? &q->last->next : &q->first) = w;
        q->last = w;
}

Watch *watch_expired(WatchQueue *q, int64_t now_us) {
        Watch *w = q->first;
        if (!w || w->due_us > now_us)
                return NULL;
        watch_disarm(w);
        return w;
}

int64_t watch_next_us(const WatchQueue *q) { return q->first ? q->first->due_us : INT64_MAX; }

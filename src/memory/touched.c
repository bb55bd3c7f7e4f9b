// SPDX-License-Identifier: MIT
#include "memory/touched.h"

#include <pthread.h>

struct Touched {
        pthread_mutex_t lock;
        size_t n;
        Touch v[TOUCHED_MAX];
};

Touched *touched_new(void) {
        Touched *t = calloc(1, sizeof *t);
        if (!t)
                abort();
        pthread_mutex_init(&t->lock, NULL);
        return t;
}

Touched *touched_free(Touched *t) {
        if (!t)
                return NULL;
        pthread_mutex_destroy(&t->lock);
        free(t);
        return NULL;
}

void touched_add(Touched *t, Str user_id, int64_t unit, int64_t at_ms) {
        pthread_mutex_lock(&t->lock);
        /* the same few come back often; further away it is a second row */
        size_t first = t->n > 64 ? t->n - 64 : 0;
        size_t i = t->n;
        while (i > first && (t->v[i - 1].unit != unit ||
                             !str_eq((Str){ t->v[i - 1].user_id, t->v[i - 1].user_n }, user_id)))
                i--;
        if (i > first) {
                t->v[i - 1].count++;
                t->v[i - 1].at_ms = at_ms;
        } else if (t->n < TOUCHED_MAX && user_id.n <= sizeof t->v[0].user_id) {
                Touch *new = &t->v[t->n++];
                *new = (Touch){ .user_n = user_id.n, .unit = unit, .count = 1, .at_ms = at_ms };
                memcpy(new->user_id, user_id.p, user_id.n);
        }
        pthread_mutex_unlock(&t->lock);
}

size_t touched_take(Touched *t, Touch *ret) {
        pthread_mutex_lock(&t->lock);
        size_t n = t->n;
        memcpy(ret, t->v, n * sizeof *ret);
        t->n = 0;
        pthread_mutex_unlock(&t->lock);
        return n;
}

bool touched_is_empty(Touched *t) {
        pthread_mutex_lock(&t->lock);
        bool empty = t->n == 0;
        pthread_mutex_unlock(&t->lock);
        return empty;
}

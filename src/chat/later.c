// SPDX-License-Identifier: MIT
#include "chat/later.h"

#include <pthread.h>

typedef struct Later {
        struct Later *prev, *next;
        Laters *owner;
        Timer *timer;
        void (*fn)(void *arg);
        void (*drop)(void *arg);
        void *arg;
} Later;

struct Laters {
        Timers *timers;
        /* held while a timer is made: its callback may run before we know it */
        pthread_mutex_t lock;
        Later *all;
        bool closed;
};

Laters *laters_new(Timers *timers) {
        Laters *l = calloc(1, sizeof *l);
        if (!l)
                abort();
        l->timers = timers;
        pthread_mutex_init(&l->lock, NULL);
        return l;
}

/* The caller holds the lock. */
static void later_unlink(Later *x) {
        *(x->prev ? &x->prev->next : &x->owner->all) = x->next;
        if (x->next)
                x->next->prev = x->prev;
}

static void later_fire(void *arg) {
        Later *x = arg;
        Laters *l = x->owner;
        pthread_mutex_lock(&l->lock);
        bool closed = l->closed;
        if (!closed)
                later_unlink(x);
        pthread_mutex_unlock(&l->lock);
        /* laters_free waits for us and does the rest */
        if (closed)
                return;
        timer_stop(x->timer);
        x->fn(x->arg);
        free(x);
}

void later_run(Laters *l, int64_t ms, void (*fn)(void *arg), void (*drop)(void *arg), void *arg) {
        Later *x = calloc(1, sizeof *x);
        if (!x)
                abort();
        *x = (Later){ .owner = l, .fn = fn, .drop = drop, .arg = arg };
        pthread_mutex_lock(&l->lock);
        bool closed = l->closed;
        if (!closed) {
                x->next = l->all;
                if (l->all)
                        l->all->prev = x;
                l->all = x;
                x->timer = timer_after(l->timers, ms, later_fire, x);
        }
        pthread_mutex_unlock(&l->lock);
        if (closed) {
                drop(arg);
                free(x);
        }
}

Laters *laters_free(Laters *l) {
        if (!l)
                return NULL;
        pthread_mutex_lock(&l->lock);
        l->closed = true;
        pthread_mutex_unlock(&l->lock);
        while (l->all) {
                Later *x = l->all;
                /* waits for a running later_fire, which then leaves x alone */
                timer_stop(x->timer);
                later_unlink(x);
                x->drop(x->arg);
                free(x);
        }
        pthread_mutex_destroy(&l->lock);
        free(l);
        return NULL;
}

// SPDX-License-Identifier: MIT
#include "sys/timer.h"

#include "sys/thread.h"

/* A binary heap on the time due; each Timer knows its place, so that stopping one is O(log n). */
struct Timer {
        Timers *owner;
        Timer *next, **prev;       /* all of the owner's, armed or not */
        size_t place;              /* 1-based index in the heap; 0 = not armed */
        int64_t due_us, period_us; /* period 0: once */
        void (*fn)(void *arg);
        void *arg;
};

struct Timers {
        pthread_mutex_t lock;
        pthread_cond_t wake, ran;
        Timer **heap;
        size_t n, cap;
        Timer *all;
        Timer *running; /* its fn is being called; NULLed by a stop from inside it */
        bool stopping;
        pthread_t id;
};

static void heap_put(Timers *t, size_t at, Timer *x) {
        t->heap[at - 1] = x;
        x->place = at;
}

static void heap_up(Timers *t, size_t at) {
        Timer *x = t->heap[at - 1];
        for (; at > 1 && t->heap[at / 2 - 1]->due_us > x->due_us; at /= 2)
                heap_put(t, at, t->heap[at / 2 - 1]);
        heap_put(t, at, x);
}

static void heap_down(Timers *t, size_t at) {
        Timer *x = t->heap[at - 1];
        for (size_t kid; (kid = at * 2) <= t->n; at = kid) {
                if (kid < t->n && t->heap[kid]->due_us < t->heap[kid - 1]->due_us)
                        kid++;
                if (x->due_us <= t->heap[kid - 1]->due_us)
                        break;
                heap_put(t, at, t->heap[kid - 1]);
        }
        heap_put(t, at, x);
}

static void heap_add(Timers *t, Timer *x) {
        if (t->n == t->cap) {
                t->cap = t->cap ? t->cap * 2 : 16;
                t->heap = reallocarray(t->heap, t->cap, sizeof *t->heap);
                if (!t->heap)
                        abort();
        }
        t->heap[t->n++] = x;
        heap_up(t, t->n);
}

static void heap_remove(Timers *t, Timer *x) {
        size_t at = x->place;
        if (!at)
                return;
        x->place = 0;
        Timer *last = t->heap[--t->n];
        if (last == x)
                return;
        heap_put(t, at, last);
        heap_up(t, at);
        heap_down(t, last->place);
}

static void timer_forget(Timer *x) {
        *x->prev = x->next;
        if (x->next)
                x->next->prev = x->prev;
        free(x);
}

/* Called and returns with the lock; runs fn without it. */
static void timer_run(Timers *t, Timer *x) {
        heap_remove(t, x);
        t->running = x;
        pthread_mutex_unlock(&t->lock);
        x->fn(x->arg);
        pthread_mutex_lock(&t->lock);
        if (!t->running) { /* it stopped itself */
                timer_forget(x);
                return;
        }
        t->running = NULL;
        pthread_cond_broadcast(&t->ran);
        if (x->period_us && !t->stopping) {
                x->due_us = thread_mono_us() + x->period_us;
                heap_add(t, x);
        }
}

static void *timers_main(void *arg) {
        Timers *t = arg;
        pthread_mutex_lock(&t->lock);
        while (!t->stopping) {
                int64_t due = t->n ? t->heap[0]->due_us : INT64_MAX;
                if (due <= thread_mono_us())
                        timer_run(t, t->heap[0]);
                else
                        cond_wait_until(&t->wake, &t->lock, due);
        }
        pthread_mutex_unlock(&t->lock);
        return NULL;
}

static Timers *timers_release(Timers *t) {
        while (t->all)
                timer_forget(t->all);
        pthread_cond_destroy(&t->wake);
        pthread_cond_destroy(&t->ran);
        pthread_mutex_destroy(&t->lock);
        free(t->heap);
        free(t);
        return NULL;
}

Err timers_new(Ctx *cx, Timers **ret) {
        Timers *t = calloc(1, sizeof *t);
        if (!t)
                abort();
        pthread_mutex_init(&t->lock, NULL);
        cond_init(&t->wake);
        cond_init(&t->ran);
        Err e = thread_start(cx, "timers", timers_main, t, &t->id);
        if (e) {
                timers_release(t);
                return e;
        }
        *ret = t;
        return OK;
}

Timers *timers_free(Timers *t) {
        if (!t)
                return NULL;
        pthread_mutex_lock(&t->lock);
        t->stopping = true;
        pthread_cond_signal(&t->wake);
        pthread_mutex_unlock(&t->lock);
        pthread_join(t->id, NULL);
        return timers_release(t);
}

static Timer *timer_add(Timers *t, int64_t first_ms, int64_t period_ms, void (*fn)(void *arg),
                        void *arg) {
        assert(first_ms >= 0 && period_ms >= 0);
        Timer *x = calloc(1, sizeof *x);
        if (!x)
                abort();
        *x = (Timer){ .owner = t,
                      .due_us = thread_mono_us() + first_ms * 1000,
                      .period_us = period_ms * 1000,
                      .fn = fn,
                      .arg = arg };
        pthread_mutex_lock(&t->lock);
        x->next = t->all;
        x->prev = &t->all;
        if (x->next)
                x->next->prev = &x->next;
        t->all = x;
        heap_add(t, x);
        pthread_cond_signal(&t->wake);
        pthread_mutex_unlock(&t->lock);
        return x;
}

Timer *timer_every(Timers *t, int64_t first_ms, int64_t period_ms, void (*fn)(void *arg),
                   void *arg) {
        assert(period_ms > 0);
        return timer_add(t, first_ms, period_ms, fn, arg);
}

Timer *timer_after(Timers *t, int64_t after_ms, void (*fn)(void *arg), void *arg) {
        return timer_add(t, after_ms, 0, fn, arg);
}

Timer *timer_stop(Timer *x) {
        if (!x)
                return NULL;
        Timers *t = x->owner;
        pthread_mutex_lock(&t->lock);
        if (t->running == x && pthread_equal(t->id, pthread_self())) {
                t->running = NULL; /* timer_run frees it when fn returns */
        } else {
                while (t->running == x)
                        pthread_cond_wait(&t->ran, &t->lock);
                heap_remove(t, x);
                timer_forget(x);
        }
        pthread_mutex_unlock(&t->lock);
        return NULL;
}

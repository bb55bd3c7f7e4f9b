// SPDX-License-Identifier: MIT
#include "sys/pool.h"

#include "sys/thread.h"

/* A thread with nothing to do. The one that was busy last is woken first: its stack, its caches and
 * its database connection are warm, and those of the others need not exist. */
typedef struct Idle {
        struct Idle *next;
        pthread_cond_t wake;
        bool called;
} Idle;

struct Pool {
        Arena *arena;
        const char *name;
        pthread_mutex_t lock;
        PoolJob *head, **tail;
        Idle *idle;
        size_t depth, queue_max;
        bool stopping;
        unsigned threads, threads_max; /* started so far; a thread starts when none is idle */
        pthread_t *ids;
};

/* ---- under the lock ---- */

static bool idle_call(Pool *p) {
        Idle *i = p->idle;
        if (!i)
                return false;
        p->idle = i->next;
        i->called = true;
        pthread_cond_signal(&i->wake);
        return true;
}

static void idle_wait(Pool *p, Idle *self) {
        self->called = false;
        self->next = p->idle;
        p->idle = self;
        while (!self->called)
                pthread_cond_wait(&self->wake, &p->lock);
}

static PoolJob *job_unlink(Pool *p) {
        PoolJob *job = p->head;
        if (job) {
                p->head = job->next;
                if (!p->head)
                        p->tail = &p->head;
                __atomic_store_n(&p->depth, p->depth - 1, __ATOMIC_RELAXED);
        }
        return job;
}

/* ---- the threads ---- */

static PoolJob *job_take(Pool *p, Idle *self) {
        pthread_mutex_lock(&p->lock);
        while (!p->head && !p->stopping)
                idle_wait(p, self);
        PoolJob *job = job_unlink(p);
        pthread_mutex_unlock(&p->lock);
        return job;
}

static void *pool_main(void *arg) {
        Pool *p = arg;
        Idle self = { .next = NULL };
        pthread_cond_init(&self.wake, NULL);
        for (PoolJob *job; (job = job_take(p, &self));)
                job->run(job); /* the job may be gone when this returns */
        pthread_cond_destroy(&self.wake);
        return NULL;
}

static Err pool_grow(Ctx *cx, Pool *p) {
        TRY(thread_start(cx, p->name, pool_main, p, &p->ids[p->threads]));
        p->threads++;
        return OK;
}

/* Without another thread the job waits for the first that is free: there is always one. */
static void pool_try_grow(Pool *p) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        (void)!pool_grow(&cx, p);
}

/* ---- the door ---- */

Err pool_new(Ctx *cx, const PoolSettings *set, Pool **ret) {
        assert(set->threads > 0 && set->queue_max > 0);
        Arena *arena = arena_new();
        _cleanup_(pool_freep) Pool *p = NEW(arena, Pool);
        p->arena = arena;
        p->name = set->name;
        p->tail = &p->head;
        p->queue_max = set->queue_max;
        p->threads_max = set->threads;
        p->ids = NEW_ARRAY(arena, pthread_t, set->threads);
        pthread_mutex_init(&p->lock, NULL);
        TRY(pool_grow(cx, p));
        *ret = p;
        p = NULL;
        return OK;
}

Pool *pool_free(Pool *p) {
        if (!p)
                return NULL;
        pthread_mutex_lock(&p->lock);
        p->stopping = true;
        while (idle_call(p))
                ;
        unsigned threads = p->threads;
        pthread_mutex_unlock(&p->lock);
        for (unsigned i = 0; i < threads; i++)
                pthread_join(p->ids[i], NULL);
        pthread_mutex_destroy(&p->lock);
        arena_free(p->arena);
        return NULL;
}

bool pool_submit(Pool *p, PoolJob *job) {
        job->next = NULL;
        job->queued_us = thread_mono_us();
        pthread_mutex_lock(&p->lock);
        bool room = p->depth < p->queue_max;
        if (room) {
                *p->tail = job;
                p->tail = &job->next;
                __atomic_store_n(&p->depth, p->depth + 1, __ATOMIC_RELAXED);
                if (!idle_call(p) && p->threads < p->threads_max)
                        pool_try_grow(p);
        }
        pthread_mutex_unlock(&p->lock);
        return room;
}

size_t pool_depth(const Pool *p) { return __atomic_load_n(&p->depth, __ATOMIC_RELAXED); }

size_t pool_capacity(const Pool *p) { return p->queue_max; }

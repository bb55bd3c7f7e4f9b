// SPDX-License-Identifier: MIT
#include "sys/pool.h"

#include "sys/thread.h"

struct Pool {
        Arena *arena;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        PoolJob *head, **tail;
        size_t depth, queue_max;
        bool stopping;
        unsigned threads; /* started so far */
        pthread_t *ids;
};

static PoolJob *job_take(Pool *p) {
        pthread_mutex_lock(&p->lock);
        while (!p->head && !p->stopping)
                pthread_cond_wait(&p->wake, &p->lock);
        PoolJob *job = p->head;
        if (job) {
                p->head = job->next;
                if (!p->head)
                        p->tail = &p->head;
                __atomic_store_n(&p->depth, p->depth - 1, __ATOMIC_RELAXED);
        }
        pthread_mutex_unlock(&p->lock);
        return job;
}

static void *pool_main(void *arg) {
        Pool *p = arg;
        for (PoolJob *job; (job = job_take(p));)
                job->run(job); /* the job may be gone when this returns */
        return NULL;
}

Err pool_new(Ctx *cx, const PoolSettings *set, Pool **ret) {
        assert(set->threads > 0 && set->queue_max > 0);
        Arena *arena = arena_new();
        _cleanup_(pool_freep) Pool *p = NEW(arena, Pool);
        p->arena = arena;
        p->tail = &p->head;
        p->queue_max = set->queue_max;
        p->ids = NEW_ARRAY(arena, pthread_t, set->threads);
        pthread_mutex_init(&p->lock, NULL);
        pthread_cond_init(&p->wake, NULL);
        while (p->threads < set->threads) {
                TRY(thread_start(cx, set->name, pool_main, p, &p->ids[p->threads]));
                p->threads++;
        }
        *ret = p;
        p = NULL;
        return OK;
}

Pool *pool_free(Pool *p) {
        if (!p)
                return NULL;
        pthread_mutex_lock(&p->lock);
        p->stopping = true;
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
        for (unsigned i = 0; i < p->threads; i++)
                pthread_join(p->ids[i], NULL);
        pthread_cond_destroy(&p->wake);
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
                pthread_cond_signal(&p->wake);
        }
        pthread_mutex_unlock(&p->lock);
        return room;
}

size_t pool_depth(const Pool *p) { return __atomic_load_n(&p->depth, __ATOMIC_RELAXED); }

size_t pool_capacity(const Pool *p) { return p->queue_max; }

// SPDX-License-Identifier: MIT
#pragma once
/* pool: threads, at most so many and each started when it is first needed, and a bounded queue.
 * Blocking, straight-line work runs here. Crossing moves ownership of the job. */
#include "base/base.h"

typedef struct Pool Pool;
typedef struct PoolJob PoolJob;
struct PoolJob {
        void (*run)(PoolJob *job);
        PoolJob *next;
        int64_t queued_us;
};

typedef struct PoolSettings {
        const char *name;
        unsigned threads;
        size_t queue_max;
} PoolSettings;
Err pool_new(Ctx *cx, const PoolSettings *set, Pool **ret) _must_check_;
Pool *pool_free(Pool *p); /* runs what is queued, then joins */
DEFINE_CLEANUP(Pool, pool_free)
/* The job is the pool's until run is called, then its own again (run may free it). */
bool pool_submit(Pool *p, PoolJob *job) _must_check_; /* false: the queue is full */
size_t pool_depth(const Pool *p);
size_t pool_capacity(const Pool *p);

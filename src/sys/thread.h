// SPDX-License-Identifier: MIT
#pragma once
/* thread: starts a named thread that takes no signals, so that signals reach only the one place
 * that waits for them. */
#include <pthread.h>

#include "base/base.h"

/* `name` is static and at most 15 bytes (the kernel cuts the rest). ERR_UNAVAILABLE: the system
 * gives no more threads. */
Err thread_start(Ctx *cx, const char *name, void *(*fn)(void *), void *arg,
                 pthread_t *ret) _must_check_;

/* What this thread asks of a disk comes after what others ask, where the system can tell. */
void thread_disk_last(void);

/* A condition whose timed waits count on the monotonic clock. */
void cond_init(pthread_cond_t *c);
/* Until signalled or `until_us` (monotonic; INT64_MAX = for ever). False: the time is over. */
bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, int64_t until_us);
int64_t thread_mono_us(void); /* the real clock: waits of threads do not follow a test's World */
void thread_sleep_ms(int64_t ms);

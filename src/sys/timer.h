// SPDX-License-Identifier: MIT
#pragma once
/* timer: periodic and one-shot callbacks on one thread. A callback must be short or hand its work
 * to a Pool. Times are of the real monotonic clock. A late periodic callback is not made up for:
 * the next one is a period away. */
#include "base/base.h"

typedef struct Timers Timers;
typedef struct Timer Timer;
Err timers_new(Ctx *cx, Timers **ret) _must_check_;
Timers *timers_free(Timers *t); /* stops all, joins; not from a callback */
DEFINE_CLEANUP(Timers, timers_free)

/* The Timer stays the caller's until timer_stop, also a one-shot that has run; what is left goes
 * with the Timers. */
Timer *timer_every(Timers *t, int64_t first_ms, int64_t period_ms, void (*fn)(void *arg),
                   void *arg);
Timer *timer_after(Timers *t, int64_t after_ms, void (*fn)(void *arg), void *arg);
/* After it returns fn does not run (it waits for one that is running, unless called from it); NULL
 * is fine; returns NULL. */
Timer *timer_stop(Timer *t);

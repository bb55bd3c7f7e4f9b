// SPDX-License-Identifier: MIT
#pragma once
/* timer: periodic and one-shot callbacks on one thread. A callback must be short or hand its work to a Pool. */
#include "base/base.h"

typedef struct Timers Timers;
typedef struct Timer Timer;
Err     timers_new(Ctx *cx, Timers **ret) _must_check_;
Timers *timers_free(Timers *t);                       /* stops all, joins */
DEFINE_CLEANUP(Timers, timers_free)
Timer  *timer_every(Timers *t, int64_t first_ms, int64_t period_ms, void (*fn)(void *arg), void *arg);
Timer  *timer_after(Timers *t, int64_t after_ms, void (*fn)(void *arg), void *arg);
Timer  *timer_stop(Timer *t);                         /* after it returns fn does not run; NULL is fine; returns NULL */

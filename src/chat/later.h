// SPDX-License-Identifier: MIT
#pragma once
/* later: one-shot callbacks that nobody has to keep. What is still waiting when the list is freed
 * never runs; `drop` then lets go of its argument. */
#include "base/base.h"
#include "sys/timer.h"

typedef struct Laters Laters;
Laters *laters_new(Timers *timers);
Laters *laters_free(Laters *l); /* before the Timers go */
DEFINE_CLEANUP(Laters, laters_free)
void later_run(Laters *l, int64_t ms, void (*fn)(void *arg), void (*drop)(void *arg), void *arg);

// SPDX-License-Identifier: MIT
#pragma once
/* signals: SIGTERM, SIGINT and SIGHUP arrive as calls on one thread, so that nothing runs in a
 * signal handler. SIGPIPE and SIGXFSZ are ignored: a write that fails says so itself. */
#include "base/base.h"

typedef struct Signals Signals;

/* Call before any other thread is started: they inherit that these signals are blocked. */
Err signals_start(Ctx *cx, void (*fn)(void *arg, int signal), void *arg,
                  Signals **ret) _must_check_;
Signals *signals_stop(Signals *s); /* after it returns fn does not run; not from fn */
DEFINE_CLEANUP(Signals, signals_stop)

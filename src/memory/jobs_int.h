// SPDX-License-Identifier: MIT
#pragma once
/* jobs_int: the thread that does what is due. */
#include "memory/memory.h"

typedef struct Jobs Jobs;
Err   jobs_new(Ctx *cx, Memory *m, Jobs **ret) _must_check_;
Jobs *jobs_free(Jobs *j);

// SPDX-License-Identifier: MIT
#pragma once
/* quota: how much of a tier is used. An owner's memories and those of all sub-users count together,
 * whoever of them writes. */
#include "memory/memory_int.h"

typedef struct Quotas Quotas; /* what is known of the owners' counts; the writer's */
Quotas *quotas_new(void);
Quotas *quotas_free(Quotas *q);

/* Live memories of the scope's owner. `own`: those of the scope itself, when it is the owner. */
Err quota_used(Ctx *cx, const MemoryScope *s, int64_t own, int64_t *ret) _must_check_;

/* Inside a write: is there room for one more? ERR_MEMORY_QUOTA with `limit` and `used`. */
Err quota_check(Ctx *cx, const MemoryScope *s, int64_t own) _must_check_;

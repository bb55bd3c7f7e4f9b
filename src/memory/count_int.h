// SPDX-License-Identifier: MIT
#pragma once
/* count: the room's metrics. Cells are found once, at the start. */
#include "memory/memory.h"

typedef enum MemoryOperation {
        OP_ADD,
        OP_UPDATE,
        OP_DELETE,
        OP_GET,
        OP_LIST,
        OP_SEARCH,
        _OP_N
} MemoryOperation;
typedef enum MemoryCache { CACHE_MEMORY, CACHE_HOT, _CACHE_N } MemoryCache;

void memory_counts_make(void);
/* Returns `e`, so that it stands around the call it counts. */
Err count_operation(MemoryOperation op, Err e);
/* Counted when the running write is durable. */
/* After the commit: the metric, and the log line `memory_event`. `id` lives as long as the Ctx. */
void count_written(Ctx *cx, const MemoryScope *s, MemoryEvent event, Str id);
void count_retrieval(int64_t took_us);
void count_embedding(int64_t took_us);
void count_cache(MemoryCache cache, bool hit);

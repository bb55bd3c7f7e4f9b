// SPDX-License-Identifier: MIT
#pragma once
/* weigh: how much a memory matters, and how that fades. Pure
 * arithmetic on the row. */
#include "memory/memory_int.h"

typedef struct Weight {
        MemoryLevel level;
        double score;
} Weight; /* score: 3 decimals */
/* `said` is the clause it was taken from, or STR_NULL. */
Weight weigh_importance(MemoryType type, Str content, Str said, const MemoryRow *row,
                        bool is_scheduled);

/* Exponential loss by level, bonuses for use; the retention steering of the contract, never ranking. */
double weigh_decay(const MemoryRow *row, MemoryLevel level, int64_t now_ms);

typedef enum Retention { KEEP, COMPRESS, ARCHIVE } Retention;
Retention weigh_retention(const MemoryRow *row, MemoryLevel level, double decay, int64_t now_ms);

/* A phrase at word boundaries, any case; typographic apostrophes count as plain ones. */
bool text_has_phrase(Str text, const char *phrase);

// SPDX-License-Identifier: MIT
#pragma once
/* touched: which memories searches returned, gathered and written once a second in one batch, so
 * that reading costs no write. */
#include "base/base.h"

/* waiting; more are dropped: these are counts, not data */
enum { TOUCHED_MAX = 4096 };
typedef struct Touch {
        char user_id[128];
        size_t user_n;
        int64_t unit, count, at_ms;
} Touch;
typedef struct Touched Touched; /* thread safe */
Touched *touched_new(void);
Touched *touched_free(Touched *t);
void touched_add(Touched *t, Str user_id, int64_t unit, int64_t at_ms);
bool touched_is_empty(Touched *t);
/* Moves what waits into `ret` (room for TOUCHED_MAX); returns how many. */
size_t touched_take(Touched *t, Touch *ret);

// SPDX-License-Identifier: MIT
#pragma once
/* mode: what kind of question a message is decides how much is retrieved. Pure;
 * the first row that matches wins. */
#include "base/str.h"

typedef struct RetrievalMode {
        const char *name;
        /* retrieved, and at most this many in the prompt */
        int top_k, lines;
        bool plans_only; /* commitments and episodes only */
        /* opening: this many for the profile's words besides */
        int profile_top;
} RetrievalMode;

extern const RetrievalMode mode_everything, mode_broad;
const RetrievalMode *mode_of(Str message, bool is_first_turn);

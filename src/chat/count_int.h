// SPDX-License-Identifier: MIT
#pragma once
/* count: the metrics of turns and budgets; those of providers are
 * beside the calls. */
#include "base/base.h"

void chat_counts_make(void); /* before the first of the others */
void count_turn(double seconds);
void count_budget(const char *event);

// SPDX-License-Identifier: MIT
#pragma once
/* support: do the words of a text carry a claim about it? Pure. */
#include "base/base.h"

/* At least 60 % of the content words of `claim` stand in `source`, compared by their first letters
 * so that "lives" is carried by "live". A claim without content words is not supported. */
bool is_supported(Arena *a, Str claim, Str source);

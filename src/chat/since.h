// SPDX-License-Identifier: MIT
#pragma once
/* since: what was said after a fact was noted and may have ended it ("Duke died last week"), though
 * no rule read it as such. English, pure. */
#include "chat/choose.h"

/* The newest such words among the hits; false: none. */
bool said_since(Arena *a, const RespondIn *in, const Question *q, const MemoryHit *fact,
                Candidate *ret);

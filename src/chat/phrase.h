// SPDX-License-Identifier: MIT
#pragma once
/* phrase: stored sentences as an answer says them. English, pure. */
#include "base/arena.h"

Str word_first(Str *rest); /* moves behind it; empty at the end */

/* The next sentence, trimmed, and moves behind it; empty at the end. */
Str sentence_first(Str *rest);
bool noun_is_owned(Str word); /* what people have: "birthday", "boss", "car" */

/* "Lives in Lisbon." -> "You live in Lisbon"; false: it does not read as a statement about the
 * user. */
bool second_person(Arena *a, Str content, Str *ret) _must_check_;
/* A plan with its day as it is today: "Dentist tomorrow at 3pm (March 10, 2026 at 03:00 PM)" read
 * two days before -> "Dentist in 2 days, on March 10, 2026 at 03:00 PM". */
Str plan_today(Arena *a, Str content, int64_t now_ms, int utc_offset_min);

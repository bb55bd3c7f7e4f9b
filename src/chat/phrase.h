// SPDX-License-Identifier: MIT
#pragma once
/* phrase: stored sentences as an answer says them. English, pure. */
#include "base/arena.h"

Str word_first(Str *rest); /* moves behind it; empty at the end */

enum { WORDS_MAX = 400 };
typedef struct Words {
        Str v[WORDS_MAX];
        size_t n;
} Words;
void words_read(Str text, Words *ret); /* the first WORDS_MAX; parts of the text */
bool word_is(const Words *w, size_t i, const char *list); /* one of str_is_in's; false behind the end */
Str possessor(Str word);                                  /* "Anna" of "Anna's" */
bool is_possessor(Str word);
bool has_capital(Str word);
bool is_name_like(Str word); /* a capital that may begin somebody's name */

/* The next sentence, trimmed, and moves behind it; empty at the end. */
Str sentence_first(Str *rest);
bool noun_is_owned(Str word); /* what people have: "birthday", "boss", "car" */

/* "Lives in Lisbon." -> "You live in Lisbon"; false: it does not read as a statement about the
 * user. */
bool second_person(Arena *a, Str content, Str *ret) _must_check_;
/* A plan with its day as it is today: "Dentist tomorrow at 3pm (March 10, 2026 at 03:00 PM)" read
 * two days before -> "Dentist in 2 days, on March 10, 2026 at 03:00 PM". */
Str plan_today(Arena *a, Str content, int64_t now_ms, int utc_offset_min);

// SPDX-License-Identifier: MIT
#pragma once
/* dates: days that a question names. English, any case; pure. */
#include "base/str.h"

typedef enum AskedKind {
        ASKED_NOTHING = 0,
        ASKED_DAYS, /* first..last: a day, a month or a year */
        /* a month, perhaps with its day, in whatever year is nearest */
        ASKED_SEASON,
} AskedKind;

typedef struct AskedDate {
        AskedKind kind;
        int64_t first, last; /* days since 1970-01-01, both included */
        int month, day;      /* SEASON; day 0 = the whole month */
        size_t at, end;      /* the phrase in the question */
} AskedDate;

bool date_find_asked(Str question, AskedDate *ret);
/* Also short names (5 Aug 2023), ISO dates, dates in numbers (24.1.2024 and 24-1-2024: the day
 * first; 1/24/2024: the month, unless that is no date), seasons of a year, and what is counted from
 * `today` (last month, 3 weeks ago). */
bool date_find_loose(Str question, int64_t today, AskedDate *ret);
int64_t date_gap(const AskedDate *asked, int64_t day); /* days between, 0 = within */

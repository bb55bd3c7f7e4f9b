// SPDX-License-Identifier: MIT
#pragma once
/* moment: times as people say them ("tomorrow at 3pm", "next Friday", "in two weeks", "since
 * 2019"), resolved against the moment they were said. Pure; months count 30 days where the contract
 * says so. */
#include "base/base.h"

typedef enum MomentKind {
        /* today, tomorrow, next week, in 3 days, next Friday: moves with time */
        MOMENT_RELATIVE,
        MOMENT_PAST, /* yesterday, last week, two years ago */
        /* a bare "Friday": the tense decides; at_ms is the next one */
        MOMENT_WEEKDAY,
        /* March 10, 2026-03-10: the next one when the year is left out */
        MOMENT_DATE,
        MOMENT_MONTH, /* in March, March 2021: its first day */
        MOMENT_YEAR,  /* in 2019 */
} MomentKind;

typedef struct MomentRef {
        int64_t said_at;
        int utc_offset_min;
} MomentRef;
typedef struct Moment {
        MomentKind kind;
        /* the words, in the text; the time of day included */
        Str phrase;
        /* UTC; midnight of the speaker's day without a time */
        int64_t at_ms;
        bool has_time, has_year;
} Moment;

/* The first in the text; false when there is none. */
bool moment_find(Arena *a, Str text, const MomentRef *ref, Moment *ret) _must_check_;

/* "Dentist tomorrow at 3pm" -> "Dentist tomorrow at 3pm (March 10, 2026 at 03:00 PM)". false:
 * nothing to resolve. */
bool moment_annotate(Arena *a, Str text, const MomentRef *ref, Str *ret,
                     int64_t *ret_at) _must_check_;
/* The reverse at reading time: "Dentist (tomorrow - originally on March 10)". The text itself when
 * nothing is annotated. */
Str moment_render(Arena *a, Str text, const MomentRef *now);
/* "March 10, 2026 at 03:00 PM" */
Str moment_format(Arena *a, int64_t at_ms, int utc_offset_min, bool has_time);

// SPDX-License-Identifier: MIT
#pragma once
/* dates_int: words of a text as \b...\b sees them, shared by the readers of dates. */
#include "memory/dates.h"

size_t run_end(Str s, size_t at);
/* where the next word begins, s.n at the end */
size_t run_next(Str s, size_t at);
static inline Str run_at(Str s, size_t at) { return str_n(s.p + at, run_end(s, at) - at); }
/* the word behind exactly one space; empty when there is none */
Str run_after(Str s, Str run);
bool run_is_over(Str s, size_t at);      /* no word goes on at `at` */
bool run_in(Str word, const char *list); /* any case; the list has spaces between */
bool all_digits(Str s);
int digits_value(Str s); /* at most nine of them */
bool is_year(Str run);   /* 1900 to 2099 */
int number_of(Str word); /* 5, five, a; 0 = none */
extern const char month_names[], month_shorts[];

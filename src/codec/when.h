// SPDX-License-Identifier: MIT
#pragma once
/* when: dates and times as text and back, Unix milliseconds UTC, the proleptic Gregorian calendar,
 * years 1 to 9999. Pure arithmetic: no time zone database, no libc calendar calls. */
#include "base/base.h"

/* lengths of what the writers produce, without the NUL */
enum { WHEN_TEXT = 24, HTTP_DATE_TEXT = 29 };
#define WHEN_MIN INT64_C(-62135596800000) /* 0001-01-01T00:00:00.000Z */
#define WHEN_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define DAY_MS   INT64_C(86400000)

/* RFC 3339 with any offset; fractions are cut to milliseconds; a leap second is read as the last
 * millisecond before it. */
bool when_parse(Str text, int64_t *ret_ms) _must_check_;
/* What a clock of some place shows, as if it were UTC: "2026-01-15T12:00:00", also without seconds
 * or without the time. */
bool when_parse_local(Str text, int64_t *ret_ms) _must_check_;
/* "2026-01-15T12:00:00.000Z", always WHEN_TEXT bytes; values outside the range are clamped. */
void when_write(char out[WHEN_TEXT + 1], int64_t ms);
Str when_format(Arena *a, int64_t ms);

/* RFC 9110 IMF-fixdate ("Sun, 06 Nov 1994 08:49:37 GMT"); the obsolete forms are refused. Seconds
 * are the unit of the text. */
bool http_date_parse(Str text, int64_t *ret_ms) _must_check_;
void http_date_write(char out[HTTP_DATE_TEXT + 1], int64_t ms);

/* Days are counted from 1970-01-01. Months 1 to 12, days 1 to 31, weekday 0 = Monday. */
typedef struct Civil {
        int year, month, day;
} Civil;
extern const char *const month_titles[12]; /* "January" … */
int64_t civil_to_days(Civil c); /* month and day may not be out of range */
Civil civil_from_days(int64_t days);
bool civil_is_valid(Civil c);
int civil_weekday(int64_t days);
int month_length(int year, int month);
int64_t days_of_ms(int64_t ms);                      /* floor: also right before 1970 */
bool civil_parse(Str text, Civil *ret) _must_check_; /* "2026-01-15" */

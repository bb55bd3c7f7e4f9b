// SPDX-License-Identifier: MIT
#include "codec/when.h"

enum { ERA_YEARS = 400, ERA_DAYS = 146097, EPOCH_FROM_MARCH_0000 = 719468 };

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/* Years begin in March here, so that the leap day is the last of its year; (153 m + 2) / 5 days lie
 * before month m. */
int64_t civil_to_days(Civil c) {
        int64_t year = c.year - (c.month <= 2);
        int64_t era = floor_div(year, ERA_YEARS), year_of_era = year - era * ERA_YEARS;
        int64_t month = (c.month + 9) % 12; /* March = 0 */
        int64_t day_of_year = (153 * month + 2) / 5 + c.day - 1;
        int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        return era * ERA_DAYS + day_of_era - EPOCH_FROM_MARCH_0000;
}

Civil civil_from_days(int64_t days) {
        int64_t z = days + EPOCH_FROM_MARCH_0000;
        int64_t era = floor_div(z, ERA_DAYS), day_of_era = z - era * ERA_DAYS;
        /* 1460, 36524, 146096: the last day of 4, 100 and 400 years, which belongs to the year
         * before it */
        int64_t year_of_era =
                (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        int64_t day_of_year =
                day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        int64_t month = (5 * day_of_year + 2) / 153;
        Civil c = {
                .month = (int)(month < 10 ? month + 3 : month - 9),
                .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
        };
        c.year = (int)(era * ERA_YEARS + year_of_era + (c.month <= 2));
        return c;
}

int month_length(int year, int month) {
        static const int8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        return lengths[month - 1] + (month == 2 && leap);
}

const char *const month_titles[12] = {
        "January", "February", "March",     "April",   "May",      "June",
        "July",    "August",   "September", "October", "November", "December",
};

bool civil_is_valid(Civil c) {
        return c.year >= 1 && c.year <= 9999 && c.month >= 1 && c.month <= 12 && c.day >= 1 &&
               c.day <= month_length(c.year, c.month);
}

int civil_weekday(int64_t days) {
        return (int)(days + 3 - floor_div(days + 3, 7) * 7); /* 1970-01-01 was a Thursday */
}

int64_t days_of_ms(int64_t ms) { return floor_div(ms, DAY_MS); }

/* ---- reading ---- */

/* Exactly n digits at the front of *s. */
static bool take_digits(Str *s, size_t n, int *ret) {
        if (s->n < n)
                return false;
        int v = 0;
        for (size_t i = 0; i < n; i++) {
                if (s->p[i] < '0' || s->p[i] > '9')
                        return false;
                v = v * 10 + (s->p[i] - '0');
        }
        *s = str_from(*s, n);
        *ret = v;
        return true;
}

static bool take_char(Str *s, const char *any_of) {
        if (!s->n || !s->p[0] || !strchr(any_of, s->p[0]))
                return false;
        *s = str_from(*s, 1);
        return true;
}

static bool take_civil(Str *s, Civil *ret) {
        return take_digits(s, 4, &ret->year) && take_char(s, "-") &&
               take_digits(s, 2, &ret->month) && take_char(s, "-") &&
               take_digits(s, 2, &ret->day) && civil_is_valid(*ret);
}

bool civil_parse(Str text, Civil *ret) {
        Civil c;
        if (!take_civil(&text, &c) || text.n)
                return false;
        *ret = c;
        return true;
}

/* "HH:MM:SS" as milliseconds of the day. A leap second is not a moment of Unix time: the
 * millisecond before stands for it. */
static bool take_clock(Str *s, int64_t *ret) {
        int hour, minute, second;
        if (!take_digits(s, 2, &hour) || !take_char(s, ":") || !take_digits(s, 2, &minute) ||
            !take_char(s, ":") || !take_digits(s, 2, &second) || hour > 23 || minute > 59 ||
            second > 60)
                return false;
        int64_t seconds = hour * 3600 + minute * 60 + MIN(second, 59);
        *ret = seconds * 1000 + (second == 60 ? 999 : 0);
        return true;
}

static bool take_fraction(Str *s, int64_t *clock_ms) {
        if (!take_char(s, "."))
                return true;
        int digit, ms = 0, n = 0;
        for (; take_digits(s, 1, &digit); n++)
                if (n < 3)
                        ms = ms * 10 + digit;
        for (int i = n; i < 3; i++)
                ms *= 10;
        if (*clock_ms % 1000 == 0) /* not behind a leap second */
                *clock_ms += ms;
        return n > 0;
}

static bool take_offset(Str *s, int64_t *ret_ms) {
        *ret_ms = 0;
        if (take_char(s, "Zz"))
                return true;
        int64_t sign = s->n && s->p[0] == '-' ? -1 : 1;
        int hours, minutes;
        if (!take_char(s, "+-") || !take_digits(s, 2, &hours) || !take_char(s, ":") ||
            !take_digits(s, 2, &minutes) || hours > 23 || minutes > 59)
                return false;
        *ret_ms = sign * (hours * 60 + minutes) * 60000;
        return true;
}

bool when_parse(Str text, int64_t *ret_ms) {
        Civil c;
        int64_t clock, offset;
        if (!take_civil(&text, &c) || !take_char(&text, "Tt ") || !take_clock(&text, &clock) ||
            !take_fraction(&text, &clock) || !take_offset(&text, &offset) || text.n)
                return false;
        int64_t ms = civil_to_days(c) * DAY_MS + clock - offset;
        if (ms < WHEN_MIN || ms > WHEN_MAX)
                return false;
        *ret_ms = ms;
        return true;
}

bool when_parse_local(Str text, int64_t *ret_ms) {
        Civil c;
        int64_t clock = 0;
        int hour, minute;
        if (!take_civil(&text, &c))
                return false;
        bool has_time = take_char(&text, "Tt ");
        if (text.n > 5) {
                if (!has_time || !take_clock(&text, &clock) || !take_fraction(&text, &clock))
                        return false;
        } else if (has_time) {
                if (!take_digits(&text, 2, &hour) || !take_char(&text, ":") ||
                    !take_digits(&text, 2, &minute) || hour > 23 || minute > 59)
                        return false;
                clock = (hour * 60 + minute) * 60000;
        }
        if (text.n)
                return false;
        *ret_ms = civil_to_days(c) * DAY_MS + clock;
        return true;
}

/* ---- writing ---- */

static char *put_digits(char *p, int64_t v, int n) {
        for (int i = n - 1; i >= 0; i--, v /= 10)
                p[i] = (char)('0' + v % 10);
        return p + n;
}

static char *put_text(char *p, const char *text, size_t n) {
        return (char *)memcpy(p, text, n) + n;
}

static char *put_clock(char *p, int64_t second_of_day) {
        p = put_digits(p, second_of_day / 3600, 2);
        *p++ = ':';
        p = put_digits(p, second_of_day / 60 % 60, 2);
        *p++ = ':';
        return put_digits(p, second_of_day % 60, 2);
}

void when_write(char out[WHEN_TEXT + 1], int64_t ms) {
        ms = MAX(MIN(ms, WHEN_MAX), WHEN_MIN);
        int64_t days = days_of_ms(ms), rest = ms - days * DAY_MS;
        Civil c = civil_from_days(days);
        char *p = put_digits(out, c.year, 4);
        *p++ = '-';
        p = put_digits(p, c.month, 2);
        *p++ = '-';
        p = put_digits(p, c.day, 2);
        *p++ = 'T';
        p = put_clock(p, rest / 1000);
        *p++ = '.';
        p = put_digits(p, rest % 1000, 3);
        put_text(p, "Z", 2);
}

Str when_format(Arena *a, int64_t ms) {
        char *p = arena_bytes(a, WHEN_TEXT + 1);
        when_write(p, ms);
        return (Str){ p, WHEN_TEXT };
}

/* ---- HTTP ---- */

static const char day_names[] = "MonTueWedThuFriSatSun";
static const char month_abbreviations[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void http_date_write(char out[HTTP_DATE_TEXT + 1], int64_t ms) {
        ms = MAX(MIN(ms, WHEN_MAX), WHEN_MIN);
        int64_t days = days_of_ms(ms);
        Civil c = civil_from_days(days);
        char *p = put_text(out, day_names + 3 * civil_weekday(days), 3);
        p = put_text(p, ", ", 2);
        p = put_digits(p, c.day, 2);
        *p++ = ' ';
        p = put_text(p, month_abbreviations + 3 * (c.month - 1), 3);
        *p++ = ' ';
        p = put_digits(p, c.year, 4);
        *p++ = ' ';
        p = put_clock(p, (ms - days * DAY_MS) / 1000);
        put_text(p, " GMT", 5);
}

static bool take_name(Str *s, const char *names, int count, int *ret) {
        for (int i = 0; i < count; i++)
                if (str_starts(*s, str_n(names + 3 * i, 3))) {
                        *s = str_from(*s, 3);
                        *ret = i;
                        return true;
                }
        return false;
}

static bool take_text(Str *s, Str text) {
        if (!str_starts(*s, text))
                return false;
        *s = str_from(*s, text.n);
        return true;
}

bool http_date_parse(Str text, int64_t *ret_ms) {
        Civil c;
        int weekday, month;
        int64_t clock;
        if (!take_name(&text, day_names, 7, &weekday) || !take_text(&text, STR(", ")) ||
            !take_digits(&text, 2, &c.day) || !take_text(&text, STR(" ")) ||
            !take_name(&text, month_abbreviations, 12, &month) || !take_text(&text, STR(" ")) ||
            !take_digits(&text, 4, &c.year) || !take_text(&text, STR(" ")) ||
            !take_clock(&text, &clock) || !str_eq_c(text, " GMT"))
                return false;
        c.month = month + 1;
        if (!civil_is_valid(c) || civil_weekday(civil_to_days(c)) != weekday)
                return false;
        *ret_ms = civil_to_days(c) * DAY_MS + clock / 1000 * 1000;
        return true;
}

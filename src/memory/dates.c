// SPDX-License-Identifier: MIT
#include "memory/dates.h"

#include "codec/when.h"
#include "memory/dates_int.h"

/* ---- dates in a question ---- */
/* 0 = not part of the form */
typedef struct Parts {
        int year, month, day;
        size_t end;
        bool shorts;
} Parts;
typedef bool FormFn(Str s, size_t at, Parts *p);

static size_t digits_at(Str s, size_t at, size_t max, int *ret) {
        size_t n = 0;
        while (n < max && at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
                n++;
        *ret = digits_value(str_n(s.p + at, n));
        return n;
}

static size_t suffix_at(Str s, size_t at) { /* length of st, nd, rd, th */
        return at + 2 <= s.n && run_in(str_n(s.p + at, 2), "st nd rd th") ? 2 : 0;
}

static bool month_in(Str s, size_t at, const char *names, Parts *p) {
        int m = 1;
        for (Str rest = str_c(names); rest.p; m++) {
                Str name = str_cut(&rest, ' ');
                if (at + name.n <= s.n && str_eq_nocase(str_n(s.p + at, name.n), name)) {
                        p->month = m;
                        p->end = at + name.n;
                        return true;
                }
        }
        return false;
}

/* A month's name; what follows it is the caller's. Short names are whole words, perhaps with a
 * full stop. */
static bool month_at(Str s, size_t at, Parts *p) {
        if (month_in(s, at, month_names, p))
                return true;
        if (!p->shorts || !month_in(s, at, month_shorts, p))
                return false;
        if (p->month == 9 && p->end < s.n && (s.p[p->end] | 0x20) == 't')
                p->end++;
        if (!run_is_over(s, p->end))
                return false;
        p->end += p->end < s.n && s.p[p->end] == '.';
        return true;
}

static bool day_at(Str s, size_t at, Parts *p) { /* 5, 5th */
        size_t n = digits_at(s, at, 2, &p->day);
        p->end = at + n + suffix_at(s, at + n);
        return n > 0;
}

static bool space_at(Str s, Parts *p) { return p->end < s.n && s.p[p->end] == ' ' && ++p->end; }

static bool year_at(Str s, Parts *p) { /* ", 2023" or " 2023" */
        size_t at = p->end;
        if (at < s.n && s.p[at] == ',')
                at++;
        if (at >= s.n || s.p[at] != ' ' || digits_at(s, at + 1, 4, &p->year) != 4)
                return false;
        if (!p->year)
                /* "0000": a form with a year, and no year there is */
                p->year = -1;
        p->end = at + 5;
        return true;
}

static bool form_day_month_year(Str s, size_t at, Parts *p) {
        if (!day_at(s, at, p))
                return false;
        if (p->end + 3 <= s.n && str_eq_nocase(str_n(s.p + p->end, 3), STR(" of")))
                p->end += 3;
        return space_at(s, p) && month_at(s, p->end, p) && year_at(s, p);
}

static bool form_month_day_year(Str s, size_t at, Parts *p) {
        return month_at(s, at, p) && space_at(s, p) && day_at(s, p->end, p) && year_at(s, p);
}

static bool form_month_year(Str s, size_t at, Parts *p) {
        return month_at(s, at, p) && year_at(s, p);
}

static bool form_day_month(Str s, size_t at, Parts *p) {
        return day_at(s, at, p) && space_at(s, p) && month_at(s, p->end, p) &&
               run_is_over(s, p->end);
}

static bool form_month_day(Str s, size_t at, Parts *p) {
        return month_at(s, at, p) && space_at(s, p) && day_at(s, p->end, p) &&
               run_is_over(s, p->end);
}

static bool form_month(Str s, size_t at, Parts *p) {
        Str lead = run_at(s, at);
        if (!run_in(lead, "in during of early late mid"))
                return false;
        p->end = at + lead.n;
        return space_at(s, p) && month_at(s, p->end, p) && run_is_over(s, p->end);
}

static bool form_year(Str s, size_t at, Parts *p) {
        Str run = run_at(s, at);
        if (run.n != 4 || !all_digits(run) || !str_starts(run, STR("20")))
                return false;
        p->year = digits_value(run);
        p->end = at + 4;
        return true;
}

static bool asked_from_parts(const Parts *p, AskedDate *a) {
        if (!p->year) {
                a->kind = ASKED_SEASON;
                a->month = p->month;
                a->day = p->day;
                return true;
        }
        int m1 = p->month ? p->month : 1, m2 = p->month ? p->month : 12;
        Civil first = { p->year, m1, p->day ? p->day : 1 };
        if (!civil_is_valid(first))
                return false;
        Civil last = p->day ? first : (Civil){ p->year, m2, month_length(p->year, m2) };
        a->kind = ASKED_DAYS;
        a->first = civil_to_days(first);
        a->last = civil_to_days(last);
        return true;
}

/* The most exact form wins, wherever it stands; within a form the first place. */
static bool form_find(Str q, bool shorts, AskedDate *ret) {
        static FormFn *const forms[] = {
                form_day_month_year, form_month_day_year, form_month_year, form_day_month,
                form_month_day,      form_month,          form_year
        };
        for (size_t f = 0; f < ELEMENTSOF(forms); f++) {
                for (size_t at = run_next(q, 0); at < q.n; at = run_next(q, run_end(q, at))) {
                        Parts p = { .shorts = shorts };
                        if (!forms[f](q, at, &p))
                                continue;
                        AskedDate a = { .at = at, .end = p.end };
                        bool exact_day =
                                forms[f] == form_day_month_year || forms[f] == form_month_day_year;
                        if ((exact_day && !p.day) || !asked_from_parts(&p, &a))
                                /* no such day: perhaps a looser form reads it */
                                break;
                        *ret = a;
                        return true;
                }
        }
        return false;
}

bool date_find_asked(Str q, AskedDate *ret) { return form_find(q, false, ret); }

/* ---- looser: short names, ISO dates, seasons, and what is counted from today ---- */
static bool days_set(AskedDate *a, int64_t first, int64_t last) {
        a->kind = ASKED_DAYS;
        a->first = first;
        a->last = last;
        return true;
}

static int64_t month_first(int year, int month) { /* month may be out of 1..12 by some years */
        int months = year * 12 + month - 1;
        return civil_to_days((Civil){ months / 12, months % 12 + 1, 1 });
}

static bool iso_at(Str q, size_t at, int64_t today, AskedDate *a) {
        Civil c;
        if (!civil_parse(str_to(str_from(q, at), 10), &c) || !run_is_over(q, at + 10))
                return false;
        a->end = at + 10;
        return days_set(a, civil_to_days(c), civil_to_days(c));
}

static bool numbers_at(Str q, size_t at, int64_t today, AskedDate *a) {
        int first, second, year;
        size_t sign_at = at + digits_at(q, at, 2, &first);
        char sign = sign_at < q.n ? q.p[sign_at] : ' ';
        if (sign_at == at || !strchr("./-", sign))
                return false;
        size_t n = digits_at(q, sign_at + 1, 2, &second), year_at = sign_at + n + 2;
        if (!n || year_at > q.n || q.p[year_at - 1] != sign ||
            digits_at(q, year_at, 4, &year) != 4 || !run_is_over(q, year_at + 4))
                return false;
        Civil day_first = { year, second, first }, month_first = { year, first, second };
        Civil c = sign == '/' && civil_is_valid(month_first) ? month_first : day_first;
        a->end = year_at + 4;
        return civil_is_valid(c) && days_set(a, civil_to_days(c), civil_to_days(c));
}

static bool season_at(Str q, size_t at, int64_t today, AskedDate *a) {
        static const char *const names[] = { "spring", "summer", "autumn", "winter" };
        Str run = run_at(q, at), next = run_after(q, run);
        for (int i = 0; i < 4; i++) {
                if (!str_eq_nocase(run, str_c(names[i])) &&
                    !(i == 2 && str_eq_nocase(run, STR("fall"))))
                        continue;
                if (str_eq_nocase(next, STR("of")))
                        next = run_after(q, next);
                if (!is_year(next))
                        return false;
                a->end = (size_t)(next.p - q.p) + next.n;
                /* winter begins in December of its year */
                int month = 3 + 3 * i, year = digits_value(next);
                return days_set(a, month_first(year, month), month_first(year, month + 3) - 1);
        }
        return false;
}

/* The calendar's week, month or year `back` before the one that holds `today`. */
static bool span_back(Str unit, int64_t today, int back, AskedDate *a) {
        Civil now = civil_from_days(today);
        if (back < 0 || back > 1000)
                return false;
        if (run_in(unit, "day days"))
                return days_set(a, today - back, today - back);
        if (run_in(unit, "week weeks")) {
                int64_t monday = today - civil_weekday(today) - 7 * back;
                return days_set(a, monday, monday + 6);
        }
        if (run_in(unit, "weekend weekends")) {
                int64_t saturday = today - civil_weekday(today) - 7 * back + 5;
                return days_set(a, saturday, saturday + 1);
        }
        if (run_in(unit, "month months"))
                return days_set(a, month_first(now.year, now.month - back),
                                month_first(now.year, now.month - back + 1) - 1);
        if (run_in(unit, "year years") && now.year > back)
                return days_set(a, month_first(now.year - back, 1),
                                month_first(now.year - back + 1, 1) - 1);
        return false;
}

static bool relative_at(Str q, size_t at, int64_t today, AskedDate *a) {
        Str run = run_at(q, at), next = run_after(q, run), third = run_after(q, next);
        a->end = at + run.n;
        if (str_eq_nocase(run, STR("today")) || str_eq_nocase(run, STR("yesterday"))) {
                int64_t day = today - (run.n == 9);
                return days_set(a, day, day);
        }
        a->end = (size_t)(next.p - q.p) + next.n;
        if (str_eq_nocase(run, STR("last")))
                return span_back(next, today, 1, a);
        if (str_eq_nocase(run, STR("this")))
                return span_back(next, today, 0, a);
        a->end = (size_t)(third.p - q.p) + third.n;
        return number_of(run) > 0 && str_eq_nocase(third, STR("ago")) &&
               span_back(next, today, number_of(run), a);
}

typedef bool LooseFn(Str q, size_t at, int64_t today, AskedDate *a);

static bool loose_find(Str q, LooseFn *fn, int64_t today, AskedDate *ret) {
        for (size_t at = run_next(q, 0); at < q.n; at = run_next(q, run_end(q, at))) {
                AskedDate a = { .at = at };
                if (fn(q, at, today, &a)) {
                        *ret = a;
                        return true;
                }
        }
        return false;
}

bool date_find_loose(Str q, int64_t today, AskedDate *ret) {
        return loose_find(q, iso_at, today, ret) || loose_find(q, numbers_at, today, ret) ||
               loose_find(q, season_at, today, ret) || form_find(q, true, ret) ||
               loose_find(q, relative_at, today, ret);
}

static int64_t range_gap(int64_t first, int64_t last, int64_t day) {
        if (day >= first && day <= last)
                return 0;
        return MIN(llabs(day - first), llabs(day - last));
}

int64_t date_gap(const AskedDate *a, int64_t day) {
        if (a->kind == ASKED_DAYS)
                return range_gap(a->first, a->last, day);
        int year = civil_from_days(day).year;
        int64_t best = INT64_MAX;
        /* a day past the 28th is taken as the 28th: every month has it */
        for (int y = year - 1; y <= year + 1; y++) {
                int64_t first = civil_to_days((Civil){ y, a->month, a->day ? MIN(a->day, 28) : 1 });
                int64_t last = a->day ? first : first + month_length(y, a->month) - 1;
                best = MIN(best, range_gap(first, last, day));
        }
        return best;
}

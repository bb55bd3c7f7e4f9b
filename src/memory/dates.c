// SPDX-License-Identifier: MIT
#include "memory/dates.h"

#include "codec/when.h"

/* ---- words of a text, as \b...\b sees them ---- */
static bool is_word_byte(Str s, size_t at) {
        unsigned char c = (unsigned char)s.p[at];
        if (c < 0x80)
                return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
        /* General punctuation (U+2000 to U+206F: quotes, dashes) is three bytes that begin e2 80 or e2 81. */
        for (size_t back = 0; back < 3 && back <= at; back++) {
                const unsigned char *p = (const unsigned char *)s.p + at - back;
                if (*p == 0xe2)
                        return !(at - back + 1 < s.n && (p[1] == 0x80 || p[1] == 0x81));
                if (*p >= 0xc0)
                        break;
        }
        return true;
}

static size_t run_end(Str s, size_t at) {
        while (at < s.n && is_word_byte(s, at))
                at++;
        return at;
}

static Str run_at(Str s, size_t at) {
        return str_n(s.p + at, run_end(s, at) - at);
}

static size_t run_next(Str s, size_t at) {            /* where the next word begins, s.n at the end */
        while (at < s.n && !is_word_byte(s, at))
                at++;
        return at;
}

/* The word behind `run` and exactly one space; empty when there is none. */
static Str run_after(Str s, Str run) {
        size_t end = (size_t)(run.p - s.p) + run.n;
        if (end + 1 >= s.n || s.p[end] != ' ')
                return str_n(s.p + end, 0);
        return run_at(s, end + 1);
}

static bool word_in(Str word, const char *list) {
        for (Str rest = str_c(list); rest.p;)
                if (str_eq_nocase(word, str_cut(&rest, ' ')))
                        return true;
        return false;
}

static bool all_digits(Str s) {
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] < '0' || s.p[i] > '9')
                        return false;
        return s.n > 0;
}

static int digits_value(Str s) {                      /* at most four of them */
        int v = 0;
        for (size_t i = 0; i < s.n; i++)
                v = v * 10 + (s.p[i] - '0');
        return v;
}

/* ---- dates in a question ---- */
static const char month_names[] = "january february march april may june july august september october november december";

static int month_of(Str word) {                       /* 1..12, 0 = none */
        int m = 1;
        for (Str rest = str_c(month_names); rest.p; m++)
                if (str_eq_nocase(word, str_cut(&rest, ' ')))
                        return m;
        return 0;
}

typedef struct Parts { int year, month, day; size_t end; } Parts;    /* 0 = not part of the form */
typedef bool FormFn(Str s, size_t at, Parts *p);

static size_t digits_at(Str s, size_t at, size_t max, int *ret) {
        size_t n = 0;
        while (n < max && at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9')
                n++;
        *ret = digits_value(str_n(s.p + at, n));
        return n;
}

static size_t suffix_at(Str s, size_t at) {           /* length of st, nd, rd, th */
        return at + 2 <= s.n && word_in(str_n(s.p + at, 2), "st nd rd th") ? 2 : 0;
}

static bool is_boundary(Str s, size_t at) {           /* behind a word character */
        return at >= s.n || !is_word_byte(s, at);
}

static bool month_at(Str s, size_t at, Parts *p) {    /* a month's name; what follows it is the caller's */
        int m = 1;
        for (Str rest = str_c(month_names); rest.p; m++) {
                Str name = str_cut(&rest, ' ');
                if (at + name.n <= s.n && str_eq_nocase(str_n(s.p + at, name.n), name)) {
                        p->month = m;
                        p->end = at + name.n;
                        return true;
                }
        }
        return false;
}

static bool day_at(Str s, size_t at, Parts *p) {      /* 5, 5th */
        size_t n = digits_at(s, at, 2, &p->day);
        p->end = at + n + suffix_at(s, at + n);
        return n > 0;
}

static bool space_at(Str s, Parts *p) {
        return p->end < s.n && s.p[p->end] == ' ' && ++p->end;
}

static bool year_at(Str s, Parts *p) {                /* ", 2023" or " 2023" */
        size_t at = p->end;
        if (at < s.n && s.p[at] == ',')
                at++;
        if (at >= s.n || s.p[at] != ' ' || digits_at(s, at + 1, 4, &p->year) != 4)
                return false;
        if (!p->year)
                p->year = -1;                         /* "0000": a form with a year, and no year there is */
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
        return day_at(s, at, p) && space_at(s, p) && month_at(s, p->end, p) && is_boundary(s, p->end);
}

static bool form_month_day(Str s, size_t at, Parts *p) {
        return month_at(s, at, p) && space_at(s, p) && day_at(s, p->end, p) && is_boundary(s, p->end);
}

static bool form_month(Str s, size_t at, Parts *p) {
        Str lead = run_at(s, at);
        if (!word_in(lead, "in during of early late mid"))
                return false;
        p->end = at + lead.n;
        return space_at(s, p) && month_at(s, p->end, p) && is_boundary(s, p->end);
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
bool date_find_asked(Str q, AskedDate *ret) {
        static FormFn *const forms[] = { form_day_month_year, form_month_day_year, form_month_year, form_day_month,
                                         form_month_day, form_month, form_year };
        for (size_t f = 0; f < ELEMENTSOF(forms); f++) {
                for (size_t at = run_next(q, 0); at < q.n; at = run_next(q, run_end(q, at))) {
                        Parts p = { 0 };
                        if (!forms[f](q, at, &p))
                                continue;
                        AskedDate a = { .at = at, .end = p.end };
                        bool exact_day = forms[f] == form_day_month_year || forms[f] == form_month_day_year;
                        if ((exact_day && !p.day) || !asked_from_parts(&p, &a))
                                break;                /* no such day: perhaps a looser form reads it */
                        *ret = a;
                        return true;
                }
        }
        return false;
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
        for (int y = year - 1; y <= year + 1; y++) {  /* a day past the 28th is taken as the 28th: every month has it */
                int64_t first = civil_to_days((Civil){ y, a->month, a->day ? MIN(a->day, 28) : 1 });
                int64_t last = a->day ? first : first + month_length(y, a->month) - 1;
                best = MIN(best, range_gap(first, last, day));
        }
        return best;
}

/* ---- words of time ---- */
static const char units_of_time[] = "day days week weeks month months year years";

static bool is_year(Str run) {
        return run.n == 4 && all_digits(run) && (str_starts(run, STR("19")) || str_starts(run, STR("20")));
}

static bool is_span(Str s, Str run) {                 /* behind "for": [about] a|one|…|N days|weeks|… */
        if (str_eq_nocase(run, STR("about")))
                run = run_after(s, run);
        return (word_in(run, "a one two three four five six seven eight") || all_digits(run)) &&
               word_in(run_after(s, run), units_of_time);
}

static bool is_month_word(Str run) {                  /* "may" is mostly the verb */
        return !str_eq_nocase(run, STR("may")) && month_of(run);
}

static bool time_begins_at(Str s, Str run) {
        Str next = run_after(s, run);
        switch (run.p[0] | 0x20) {
        case 'l':
                return str_eq_nocase(run, STR("last")) &&
                       word_in(next, "night week weekend month year summer winter spring fall autumn monday tuesday "
                                     "wednesday thursday friday saturday sunday mon tue tues wed thur thurs fri sat sun");
        case 'n':
                return (str_eq_nocase(run, STR("next")) && word_in(next, "week weekend month year summer")) ||
                       is_month_word(run) || (word_in(run, "night nights") && str_eq_nocase(next, STR("ago")));
        case 't':
                if (str_eq_nocase(run, STR("the")))
                        return str_eq_nocase(next, STR("other")) && str_eq_nocase(run_after(s, next), STR("day"));
                return word_in(run, "today tonight tomorrow") ||
                       (str_eq_nocase(run, STR("this")) &&
                        word_in(next, "week weekend month year morning summer past"));
        case 'f':
                return (str_eq_nocase(run, STR("for")) && is_span(s, next)) || is_month_word(run);
        case 'd': case 'w': case 'm': case 'y':
                if (str_eq_nocase(next, STR("ago")) && word_in(run, "day days week weeks month months year years "
                                                                    "weekend weekends"))
                        return true;
                return str_eq_nocase(run, STR("yesterday")) || is_month_word(run);
        case 'j': case 'a': case 's': case 'o':
                return is_month_word(run);
        }
        return is_year(run);
}

unsigned text_flags(Str text) {
        unsigned flags = 0;
        for (size_t at = run_next(text, 0); at < text.n;) {
                Str run = run_at(text, at);
                if (!(flags & TEXT_HAS_TIME) && time_begins_at(text, run))
                        flags |= TEXT_HAS_TIME;
                if (!(flags & TEXT_FIRST_PERSON) && run.n <= 3 && word_in(run, "i my me we our"))
                        flags |= TEXT_FIRST_PERSON;
                at = run_next(text, at + run.n);
        }
        if (str_ends(str_trim(text), STR("?")))
                flags |= TEXT_ASKS;
        return flags;
}

bool question_asks_when(Str q) {
        static const char *const heads[] = { "when", "how long", "what date", "what day", "what month", "what year",
                                             "in which month", "in which year", "which month", "which year" };
        for (size_t i = 0; i < ELEMENTSOF(heads); i++) {
                Str head = str_c(heads[i]);
                if (q.n >= head.n && str_eq_nocase(str_to(q, head.n), head))
                        return true;
        }
        return false;
}

// SPDX-License-Identifier: MIT
#include "memory/moment.h"

#include "codec/when.h"

enum { WORDS_MAX = 2048, WORD_MAX = 20 };

static const char *const months[] = { "january",   "february", "march",    "april",
                                      "may",       "june",     "july",     "august",
                                      "september", "october",  "november", "december" };
static const char *const weekdays[] = { "monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday" };
static const char *const numbers[] = { "zero",  "one",   "two",  "three", "four",   "five",  "six",
                                       "seven", "eight", "nine", "ten",   "eleven", "twelve" };

/* Words in lower case with their place; too long ones are cut, which no word of ours is. */
typedef struct Word {
        char s[WORD_MAX + 1];
        uint32_t at, end;
} Word;
typedef struct Words {
        Word *v;
        size_t n;
        Str text;
        const MomentRef *ref;
} Words;

static bool is_word(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (unsigned char)c >= 0x80 || c == ':' || c == '-' || c == '\'';
}

static void words_split(Arena *a, Str text, const MomentRef *ref, Words *ret) {
        *ret = (Words){ .v = NEW_ARRAY(a, Word, MIN(WORDS_MAX, text.n / 2 + 1)),
                        .text = text,
                        .ref = ref };
        size_t max = MIN(WORDS_MAX, text.n / 2 + 1);
        for (size_t i = 0; i < text.n && ret->n < max;) {
                size_t e = i;
                while (e < text.n && is_word(text.p[e]))
                        e++;
                if (e == i) {
                        i++;
                        continue;
                }
                size_t end = e;
                while (end > i && (text.p[end - 1] == ':' || text.p[end - 1] == '-' ||
                                   text.p[end - 1] == '\''))
                        end--;
                Word *w = &ret->v[ret->n++];
                *w = (Word){ .at = (uint32_t)i, .end = (uint32_t)end };
                for (size_t j = i; j < end && j - i < WORD_MAX; j++)
                        w->s[j - i] = text.p[j] >= 'A' && text.p[j] <= 'Z'
                                              ? (char)(text.p[j] | 0x20)
                                              : text.p[j];
                i = e;
        }
}

static const char *word(const Words *w, size_t i) { return i < w->n ? w->v[i].s : ""; }
static bool is(const Words *w, size_t i, const char *s) { return !strcmp(word(w, i), s); }

static bool abbreviates(const char *s, size_t len, const char *whole, size_t least) {
        return least && len >= least && len <= 4 && !strncmp(s, whole, len) && whole[len];
}

static int in_list(const char *s, const char *const *list, size_t n, size_t abbreviated) {
        size_t len = strlen(s);
        for (size_t i = 0; i < n; i++)
                if (*s == *list[i] &&
                    (!strcmp(s, list[i]) || abbreviates(s, len, list[i], abbreviated)))
                        return (int)i;
        return -1;
}

/* "may" the verb is the caller's concern */
static int month_of(const char *s) { return in_list(s, months, 12, 3); }
static int weekday_of(const char *s) {
        int d = in_list(s, weekdays, 7, 3);
        return d >= 0 && strcmp(s, "sun") && strcmp(s, "sat") && strcmp(s, "wed") ? d : -1;
}

static int digits(const char *s, const char **rest) {
        int v = 0;
        const char *p = s;
        for (; *p >= '0' && *p <= '9' && p - s < 4; p++)
                v = v * 10 + (*p - '0');
        *rest = p;
        return p == s ? -1 : v;
}

/* "3", "three", "a", "couple" */
static int count_of(const char *s) {
        const char *rest;
        int v = digits(s, &rest);
        if (v >= 0)
                return *rest ? -1 : v;
        if (!strcmp(s, "a") || !strcmp(s, "an"))
                return 1;
        return in_list(s, numbers, ELEMENTSOF(numbers), 0);
}

/* "5", "5th" as a day of a month */
static int day_of(const char *s) {
        const char *rest;
        int v = digits(s, &rest);
        bool plain = !*rest || !strcmp(rest, "st") || !strcmp(rest, "nd") || !strcmp(rest, "rd") ||
                     !strcmp(rest, "th");
        return plain && v >= 1 && v <= 31 ? v : -1;
}

static int year_of(const char *s) {
        const char *rest;
        int v = digits(s, &rest);
        return !*rest && v >= 1900 && v < 2200 ? v : -1;
}

static int unit_days(const char *s) {
        size_t n = strlen(s);
        n -= n > 1 && s[n - 1] == 's';
        static const struct {
                const char *name;
                int days;
        } units[] = {
                { "day", 1 }, { "week", 7 }, { "month", 30 }, { "year", 365 }, { "fortnight", 14 }
        };
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (n == strlen(units[i].name) && !strncmp(s, units[i].name, n))
                        return units[i].days;
        return 0;
}

/* ---- what may stand at word i; each sets the day, the kind and how many words it took ---- */

typedef struct Found {
        int64_t day;
        MomentKind kind;
        size_t words;
        bool has_year;
} Found;

static int64_t today(const Words *w) {
        return days_of_ms(w->ref->said_at + w->ref->utc_offset_min * INT64_C(60000));
}

static bool find_fixed(const Words *w, size_t i, Found *f) {
        static const struct {
                const char *a, *b, *c, *d;
                int days;
        } fixed[] = {
                { "the", "day", "after", "tomorrow", 2 },
                { "day", "after", "tomorrow", "", 2 },
                { "the", "day", "before", "yesterday", -2 },
                { "day", "before", "yesterday", "", -2 },
                { "today", "", "", "", 0 },
                { "tonight", "", "", "", 0 },
                { "tomorrow", "", "", "", 1 },
                { "yesterday", "", "", "", -1 },
                { "next", "week", "", "", 7 },
                { "next", "month", "", "", 30 },
                { "next", "year", "", "", 365 },
                { "last", "week", "", "", -7 },
                { "last", "month", "", "", -30 },
                { "last", "year", "", "", -365 },
                { "last", "night", "", "", -1 },
                { "this", "morning", "", "", 0 },
                { "this", "afternoon", "", "", 0 },
                { "this", "evening", "", "", 0 },
        };
        for (size_t k = 0; k < ELEMENTSOF(fixed); k++) {
                const char *const p[] = { fixed[k].a, fixed[k].b, fixed[k].c, fixed[k].d };
                size_t n = 0;
                while (n < 4 && *p[n] && is(w, i + n, p[n]))
                        n++;
                if (n < 4 && *p[n])
                        continue;
                *f = (Found){ today(w) + fixed[k].days,
                              fixed[k].days < 0 ? MOMENT_PAST : MOMENT_RELATIVE, n, false };
                return true;
        }
        return false;
}

/* "last summer", "next weekend": the season's or the weekend's first day */
static bool find_season(const Words *w, size_t i, Found *f) {
        static const struct {
                const char *name;
                int month;
        } seasons[] = {
                { "spring", 3 }, { "summer", 6 }, { "autumn", 9 }, { "fall", 9 }, { "winter", 12 }
        };
        bool next = is(w, i, "next"), last = is(w, i, "last"), this = is(w, i, "this");
        int step = next ? 1 : last ? -1 : 0;
        if (!next && !last && !this)
                return false;
        if (is(w, i + 1, "weekend")) {
                int64_t saturday = today(w) + (5 - civil_weekday(today(w)) + 7) % 7;
                *f = (Found){ saturday + 7 * step, last ? MOMENT_PAST : MOMENT_RELATIVE, 2, false };
                return true;
        }
        for (size_t k = 0; k < ELEMENTSOF(seasons); k++) {
                Civil now = civil_from_days(today(w));
                if (!is(w, i + 1, seasons[k].name))
                        continue;
                int year = now.year - (last && now.month < seasons[k].month + 3) +
                           (next && now.month >= seasons[k].month);
                *f = (Found){ civil_to_days((Civil){ year, seasons[k].month, 1 }),
                              last ? MOMENT_PAST : MOMENT_RELATIVE, 2, false };
                return true;
        }
        return false;
}

/* "in 3 days", "in a couple of weeks", "3 days ago", "3 days from now" */
static bool find_counted(const Words *w, size_t i, Found *f) {
        size_t at = i + is(w, i, "in");
        int n = count_of(word(w, at));
        size_t k = at + 1;
        if (n == 1 && is(w, k, "couple")) {
                n = 2;
                k += 1 + is(w, k + 1, "of");
        }
        int days = n > 0 && n < 1000 ? n * unit_days(word(w, k)) : 0;
        if (!days)
                return false;
        bool is_past = is(w, k + 1, "ago"), from_now = is(w, k + 1, "from") && is(w, k + 2, "now");
        if (at == i && !is_past && !from_now)
                return false;
        *f = (Found){ today(w) + (is_past ? -days : days), is_past ? MOMENT_PAST : MOMENT_RELATIVE,
                      k + 1 - i + is_past + 2 * from_now, false };
        return true;
}

static bool find_weekday(const Words *w, size_t i, Found *f) {
        bool next = is(w, i, "next"), last = is(w, i, "last"), this = is(w, i, "this"),
             on = is(w, i, "on");
        size_t at = i + (next || last || this || on);
        int d = weekday_of(word(w, at));
        if (d < 0)
                return false;
        int ahead = (d - civil_weekday(today(w)) + 7) % 7;
        if (ahead == 0 && !this)
                ahead = 7;
        if (last)
                ahead = ahead == 7 ? -7 : ahead - 7;
        *f = (Found){ today(w) + ahead,
                      last           ? MOMENT_PAST
                      : next || this ? MOMENT_RELATIVE
                                     : MOMENT_WEEKDAY,
                      at + 1 - i, false };
        return true;
}

/* "a week from Thursday", "two days from tomorrow" */
static bool find_from(const Words *w, size_t i, Found *f) {
        int n = count_of(word(w, i));
        int days = n > 0 && n < 1000 ? n * unit_days(word(w, i + 1)) : 0;
        Found base;
        if (!days || !is(w, i + 2, "from"))
                return false;
        if (!find_weekday(w, i + 3, &base) && !find_fixed(w, i + 3, &base))
                return false;
        *f = (Found){ base.day + days, MOMENT_RELATIVE, 3 + base.words, false };
        return true;
}

/* year 0: not said; month from 0. */
static bool found_date(const Words *w, Civil said, size_t words, Found *f) {
        bool has_year = said.year > 0;
        Civil now = civil_from_days(today(w));
        Civil c = { has_year ? said.year : now.year, said.month + 1, said.day };
        if (!has_year && civil_is_valid(c) && civil_to_days(c) < today(w))
                c.year++;
        if (!has_year && said.month == 1 && said.day == 29)
                while (!civil_is_valid(c) && c.year < now.year + 9)
                        c.year++;
        if (!civil_is_valid(c))
                return false;
        *f = (Found){ civil_to_days(c), MOMENT_DATE, words, has_year };
        return true;
}

/* "on the 12th", "by the 1st": the next such day; "on the 5th floor" is none. i is at "the". */
static bool find_monthday(const Words *w, size_t i, Found *f) {
        static const char *const leads[] = { "on", "by", "until", "to", "for" };
        static const char *const after[] = { "at", "and",     "for", "in", "with",
                                             "to", "because", "but", "i",  "please" };
        const char *rest, *said = word(w, i + 1);
        int d = day_of(said);
        if (!i || !is(w, i, "the") || d < 0 || digits(said, &rest) != d || !*rest ||
            in_list(word(w, i - 1), leads, ELEMENTSOF(leads), 0) < 0)
                return false;
        bool ends = i + 2 >= w->n || w->text.p[w->v[i + 1].end] != ' ';
        if (!ends && in_list(word(w, i + 2), after, ELEMENTSOF(after), 0) < 0)
                return false;
        Civil c = civil_from_days(today(w));
        c.month += d < c.day;
        c.day = d;
        for (int tries = 0; tries < 3 && !civil_is_valid(c); tries++) {
                c.year += c.month > 12;
                c.month = c.month > 12 ? 1 : c.month;
                c.month += !civil_is_valid(c);
        }
        if (!civil_is_valid(c))
                return false;
        *f = (Found){ civil_to_days(c), MOMENT_DATE, 2, false };
        return true;
}

/* "05.01.2027" is the 5th of January; "13/1/2027" and "1/13/2027" tell, "5/1/2027" does not. */
static bool find_numeric(const Words *w, size_t i, Found *f) {
        if (i + 2 >= w->n || w->v[i].end + 1 != w->v[i + 1].at ||
            w->v[i + 1].end + 1 != w->v[i + 2].at)
                return false;
        char sign = w->text.p[w->v[i].end];
        int a = day_of(word(w, i)), b = day_of(word(w, i + 1)), y = year_of(word(w, i + 2));
        if ((sign != '.' && sign != '/') || w->text.p[w->v[i + 1].end] != sign || a < 0 || b < 0 ||
            y < 0)
                return false;
        bool day_first = sign == '.' || a > 12;
        Civil c = { y, day_first ? b : a, day_first ? a : b };
        if ((!day_first && b <= 12) || !civil_is_valid(c))
                return false;
        *f = (Found){ civil_to_days(c), MOMENT_DATE, 3, true };
        return true;
}

/* "March 10th, 2026", "the 10th of March", "2026-03-10" */
static bool find_date(const Words *w, size_t i, Found *f) {
        size_t at = i + is(w, i, "on");
        Civil iso;
        if (at < w->n && civil_parse(str_c(word(w, at)), &iso))
                return found_date(w, (Civil){ iso.year, iso.month - 1, iso.day }, at + 1 - i, f);
        int m = month_of(word(w, at)), d = day_of(word(w, at + 1));
        if (m >= 0 && d > 0) {
                int y = year_of(word(w, at + 2));
                return found_date(w, (Civil){ y, m, d }, at + 2 + (y > 0) - i, f);
        }
        at += is(w, at, "the");
        d = day_of(word(w, at));
        size_t of = is(w, at + 1, "of");
        m = month_of(word(w, at + 1 + of));
        if (d < 0 || m < 0)
                return false;
        int y = year_of(word(w, at + 2 + of));
        return found_date(w, (Civil){ y, m, d }, at + 2 + of + (y > 0) - i, f);
}

/* "in March", "since March 2021", "in 2019", "March 2021" */
static bool find_span(const Words *w, size_t i, Found *f) {
        bool led = is(w, i, "in") || is(w, i, "since") || is(w, i, "during") || is(w, i, "until") ||
                   is(w, i, "from");
        size_t at = i + led;
        int m = month_of(word(w, at)), y = year_of(word(w, at + (m >= 0)));
        if (m >= 0 && y > 0) {
                *f = (Found){ civil_to_days((Civil){ y, m + 1, 1 }), MOMENT_MONTH, at + 2 - i,
                              true };
                return true;
        }
        if (led && m >= 0) {
                Civil now = civil_from_days(today(w));
                int year = now.year + (m + 1 < now.month && is(w, i, "in"));
                *f = (Found){ civil_to_days((Civil){ year, m + 1, 1 }), MOMENT_MONTH, at + 1 - i,
                              false };
                return true;
        }
        if (!led || y < 0)
                return false;
        *f = (Found){ civil_to_days((Civil){ y, 1, 1 }), MOMENT_YEAR, at + 1 - i, true };
        return true;
}

/* The part of the day behind a bare hour, "in the morning": 0 or 12 hours to add; -1: not said,
 * and only the hours that leave no doubt are taken. */
static int half_of(const Words *w, size_t i, int h, size_t *ret_words) {
        bool in_the = is(w, i, "in") && is(w, i + 1, "the");
        bool night = is(w, i, "at") && is(w, i + 1, "night");
        if (in_the && is(w, i + 2, "morning")) {
                *ret_words += 3;
                return 0;
        }
        if (night || (in_the && (is(w, i + 2, "afternoon") || is(w, i + 2, "evening")))) {
                *ret_words += night ? 2 : 3;
                return 12;
        }
        return h <= 6 ? 12 : h >= 10 ? 0 : -1;
}

/* "at 10", "at half past two", "at 6 in the morning", beside a day */
static int hour_of(const Words *w, size_t i, size_t *ret_words) {
        bool half = is(w, i, "half") && is(w, i + 1, "past");
        size_t at = half ? i + 2 : i;
        int h = count_of(word(w, at));
        *ret_words = at + 1 - i;
        if (h < 1 || h > 12 || unit_days(word(w, at + 1)))
                return -1;
        int add = half_of(w, at + 1, h, ret_words);
        return add < 0 ? -1 : (h % 12 + (h == 12 && !add ? 12 : add)) * 60 + 30 * half;
}

/* Minutes after midnight, or -1: "3pm", "3:30pm", "15:00", "noon"; a bare number only with am or pm
 * behind it. */
static int clock_of(const Words *w, size_t i, size_t *ret_words) {
        const char *rest, *s = word(w, i);
        *ret_words = 1;
        if (!strcmp(s, "noon") || !strcmp(s, "midnight"))
                return *s == 'n' ? 720 : 0;
        int h = digits(s, &rest), min = 0;
        bool is_exact = *rest == ':';
        if (h < 0 || h > 24)
                return -1;
        if (is_exact)
                min = digits(rest + 1, &rest);
        if (min < 0 || min > 59)
                return -1;
        const char *half = rest;
        if (!*rest && (is(w, i + 1, "am") || is(w, i + 1, "pm"))) {
                half = word(w, i + 1);
                *ret_words = 2;
        }
        if (!strcmp(half, "am") || !strcmp(half, "pm"))
                return h < 1 || h > 12 ? -1 : (h % 12 + 12 * (*half == 'p')) * 60 + min;
        return is_exact && !*half && h < 24 ? h * 60 + min : -1;
}

static void moment_fill(const Words *w, size_t i, const Found *f, Moment *ret) {
        size_t end = i + f->words, n = 0, start = i;
        int minutes = is(w, end, "at") ? clock_of(w, end + 1, &n) : -1;
        if (minutes < 0 && is(w, end, "at"))
                minutes = hour_of(w, end + 1, &n);
        if (minutes >= 0) {
                end += 1 + n;
        } else if (i >= 2 && is(w, i - 2, "at") && (minutes = clock_of(w, i - 1, &n)) >= 0) {
                start = i - 2;
        } else if (i >= 3 && is(w, i - 3, "at") && (minutes = clock_of(w, i - 2, &n)) >= 0 &&
                   n == 2) {
                start = i - 3;
        } else {
                minutes = -1;
        }
        int64_t at = f->day * DAY_MS + (minutes > 0 ? minutes * INT64_C(60000) : 0);
        *ret = (Moment){ .kind = f->kind,
                         .at_ms = at - w->ref->utc_offset_min * INT64_C(60000),
                         .has_time = minutes >= 0,
                         .has_year = f->has_year,
                         .phrase = { w->text.p + w->v[start].at,
                                     w->v[end - 1].end - w->v[start].at } };
}

#define HEAD(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)

/* By its first three letters: most words begin none of what is looked for below. */
static bool may_begin(const Word *w) {
        const char *s = w->s;
        switch (HEAD((unsigned char)s[0], (unsigned char)s[1], (unsigned char)s[2])) {
        case HEAD('t', 'h', 'e'):
        case HEAD('d', 'a', 'y'):
        case HEAD('t', 'o', 'd'):
        case HEAD('t', 'o', 'n'):
        case HEAD('t', 'o', 'm'):
        case HEAD('y', 'e', 's'):
        case HEAD('n', 'e', 'x'):
        case HEAD('l', 'a', 's'):
        case HEAD('t', 'h', 'i'):
        case HEAD('i', 'n', 0):
        case HEAD('o', 'n', 0):
        case HEAD('s', 'i', 'n'):
        case HEAD('d', 'u', 'r'):
        case HEAD('u', 'n', 't'):
        case HEAD('f', 'r', 'o'):
        case HEAD('a', 0, 0):
        case HEAD('a', 'n', 0): return true;
        }
        return (s[0] >= '0' && s[0] <= '9') || month_of(s) >= 0 || weekday_of(s) >= 0 ||
               in_list(s, numbers, ELEMENTSOF(numbers), 0) >= 0;
}

bool moment_find(Arena *a, Str text, const MomentRef *ref, Moment *ret) {
        Words w;
        words_split(a, text, ref, &w);
        for (size_t i = 0; i < w.n; i++) {
                Found f;
                if (!may_begin(&w.v[i]))
                        continue;
                if (find_fixed(&w, i, &f) || find_season(&w, i, &f) || find_counted(&w, i, &f) ||
                    find_from(&w, i, &f) || find_numeric(&w, i, &f) || find_monthday(&w, i, &f) ||
                    find_weekday(&w, i, &f) || find_date(&w, i, &f) || find_span(&w, i, &f)) {
                        moment_fill(&w, i, &f, ret);
                        return true;
                }
        }
        return false;
}

/* ---- writing and rendering ---- */

static Str title_month(Arena *a, int month) {
        return arena_strf(a, "%c%s", months[month - 1][0] - 32, months[month - 1] + 1);
}

Str moment_format(Arena *a, int64_t at_ms, int utc_offset_min, bool has_time) {
        int64_t local = at_ms + utc_offset_min * INT64_C(60000), day = days_of_ms(local);
        Civil c = civil_from_days(day);
        Str date = arena_strf(a, "%.*s %d, %d", STR_FMT(title_month(a, c.month)), c.day, c.year);
        if (!has_time)
                return date;
        int minutes = (int)((local - day * DAY_MS) / 60000);
        return arena_strf(a, "%.*s at %02d:%02d %s", STR_FMT(date),
                          minutes / 60 % 12 ? minutes / 60 % 12 : 12, minutes % 60,
                          minutes < 720 ? "AM" : "PM");
}

/* "(March 10, 2026 at 03:00 PM)" at the beginning; returns its length, 0 when it is not there. */
static size_t note_at(Arena *a, Str s, int64_t *ret_day) {
        size_t end = str_index(s, ')');
        if (!str_starts(s, STR("(")) || end == s.n || end > 40)
                return 0;
        MomentRef ref = { 0 };
        Moment m;
        Str inner = { s.p + 1, end - 1 };
        if (!moment_find(a, inner, &ref, &m) || m.kind != MOMENT_DATE || !m.has_year ||
            m.phrase.p != inner.p)
                return 0;
        *ret_day = days_of_ms(m.at_ms);
        return end + 1;
}

bool moment_annotate(Arena *a, Str text, const MomentRef *ref, Str *ret, int64_t *ret_at) {
        Moment m;
        int64_t day;
        if (!moment_find(a, text, ref, &m) || (m.kind != MOMENT_RELATIVE && m.kind != MOMENT_PAST))
                return false;
        Str head = { text.p, (size_t)(m.phrase.p - text.p) + m.phrase.n },
            tail = str_from(text, head.n);
        if (note_at(a, str_trim(tail), &day))
                return false;
        *ret = arena_strf(a, "%.*s (%.*s)%.*s", STR_FMT(head),
                          STR_FMT(moment_format(a, m.at_ms, ref->utc_offset_min, m.has_time)),
                          STR_FMT(tail));
        *ret_at = m.at_ms;
        return true;
}

static Str relative_words(Arena *a, int64_t days) {
        int64_t n = days < 0 ? -days : days;
        if (n <= 1)
                return days == 0 ? STR("today") : days == 1 ? STR("tomorrow") : STR("yesterday");
        const char *unit = n <= 7 ? "days" : n < 14 ? "week" : "weeks";
        n = n <= 7 ? n : n / 7;
        return days > 0 ? arena_strf(a, "in %lld %s", (long long)n, unit)
                        : arena_strf(a, "%lld %s ago", (long long)n, unit);
}

Str moment_render(Arena *a, Str text, const MomentRef *now) {
        Moment m;
        int64_t day;
        Str head = text, note = STR_NULL;
        if (moment_find(a, text, now, &m)) {
                size_t end = (size_t)(m.phrase.p - text.p) + m.phrase.n;
                head = (Str){ text.p, (size_t)(m.phrase.p - text.p) };
                note = str_from(text, end + (end < text.n && text.p[end] == ' '));
        }
        size_t n = note.p ? note_at(a, note, &day) : 0;
        if (!n)
                return text;
        int64_t today_is = days_of_ms(now->said_at + now->utc_offset_min * INT64_C(60000));
        Civil c = civil_from_days(day);
        return arena_strf(a, "%.*s(%.*s - originally on %.*s %d)%.*s", STR_FMT(head),
                          STR_FMT(relative_words(a, day - today_is)),
                          STR_FMT(title_month(a, c.month)), c.day, STR_FMT(str_from(note, n)));
}

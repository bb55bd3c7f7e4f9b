// SPDX-License-Identifier: MIT
#include "memory/dates_int.h"

static bool is_word_byte(Str s, size_t at) {
        unsigned char c = (unsigned char)s.p[at];
        if (c < 0x80)
                return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                       c == '_';
        /* General punctuation (U+2000 to U+206F: quotes, dashes) is three bytes that begin e2 80
         * or e2 81. */
        for (size_t back = 0; back < 3 && back <= at; back++) {
                const unsigned char *p = (const unsigned char *)s.p + at - back;
                if (*p == 0xe2)
                        return !(at - back + 1 < s.n && (p[1] == 0x80 || p[1] == 0x81));
                if (*p >= 0xc0)
                        break;
        }
        return true;
}

size_t run_end(Str s, size_t at) {
        while (at < s.n && is_word_byte(s, at))
                at++;
        return at;
}

size_t run_next(Str s, size_t at) {
        while (at < s.n && !is_word_byte(s, at))
                at++;
        return at;
}

Str run_after(Str s, Str run) {
        size_t end = (size_t)(run.p - s.p) + run.n;
        if (end + 1 >= s.n || s.p[end] != ' ')
                return str_n(s.p + end, 0);
        return run_at(s, end + 1);
}

bool run_in(Str word, const char *list) {
        for (Str rest = str_c(list); rest.p;)
                if (str_eq_nocase(word, str_cut(&rest, ' ')))
                        return true;
        return false;
}

bool all_digits(Str s) {
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] < '0' || s.p[i] > '9')
                        return false;
        return s.n > 0;
}

int digits_value(Str s) {
        int v = 0;
        for (size_t i = 0; i < MIN(s.n, (size_t)9); i++)
                v = v * 10 + (s.p[i] - '0');
        return v;
}

bool run_is_over(Str s, size_t at) { return at >= s.n || !is_word_byte(s, at); }

bool is_year(Str run) {
        return run.n == 4 && all_digits(run) &&
               (str_starts(run, STR("19")) || str_starts(run, STR("20")));
}

const char month_names[] =
        "january february march april may june july august september october november december";

const char month_shorts[] = "jan feb mar apr may jun jul aug sep oct nov dec";

int number_of(Str word) {
        static const char names[] =
                "one two three four five six seven eight nine ten eleven twelve";
        if (all_digits(word))
                return digits_value(word);
        if (run_in(word, "a an"))
                return 1;
        int n = 1;
        for (Str rest = str_c(names); rest.p; n++)
                if (str_eq_nocase(word, str_cut(&rest, ' ')))
                        return n;
        return 0;
}

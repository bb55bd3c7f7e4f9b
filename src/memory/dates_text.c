// SPDX-License-Identifier: MIT
#include "memory/dates_int.h"

/* ---- words of time ---- */
static const char units_of_time[] = "day days week weeks month months year years";

/* behind "for": [about] a|one|…|N days|weeks|… */
static bool is_span(Str s, Str run) {
        if (str_eq_nocase(run, STR("about")))
                run = run_after(s, run);
        return (run_in(run, "a one two three four five six seven eight") || all_digits(run)) &&
               run_in(run_after(s, run), units_of_time);
}

static bool is_month_word(Str run) {                  /* "may" is mostly the verb */
        return !str_eq_nocase(run, STR("may")) && month_of(run);
}

static bool time_begins_at(Str s, Str run) {
        Str next = run_after(s, run);
        switch (run.p[0] | 0x20) {
        case 'l':
                return str_eq_nocase(run, STR("last")) &&
                       run_in(next, "night week weekend month year summer winter spring fall "
                                    "autumn monday tuesday "
                                    "wednesday thursday friday saturday sunday mon tue tues wed "
                                    "thur thurs fri sat sun");
        case 'n':
                return (str_eq_nocase(run, STR("next")) &&
                        run_in(next, "week weekend month year summer")) ||
                       is_month_word(run) ||
                       (run_in(run, "night nights") && str_eq_nocase(next, STR("ago")));
        case 't':
                if (str_eq_nocase(run, STR("the")))
                        return str_eq_nocase(next, STR("other")) &&
                               str_eq_nocase(run_after(s, next), STR("day"));
                return run_in(run, "today tonight tomorrow") ||
                       (str_eq_nocase(run, STR("this")) &&
                        run_in(next, "week weekend month year morning summer past"));
        case 'f':
                return (str_eq_nocase(run, STR("for")) && is_span(s, next)) || is_month_word(run);
        case 'd': case 'w': case 'm': case 'y':
                if (str_eq_nocase(next, STR("ago")) &&
                    run_in(run, "day days week weeks month months year years "
                                "weekend weekends"))
                        return true;
                return str_eq_nocase(run, STR("yesterday")) || is_month_word(run);
        case 'j': case 'a': case 's': case 'o':
                return is_month_word(run);
        }
        return is_year(run);
}

static const char numbers[] =
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen "
        "seventeen eighteen nineteen twenty thirty forty fifty hundred thousand "
        "dozen half twice";
static const char day_names[] =
        "monday tuesday wednesday thursday friday saturday sunday mon tues weds thurs fri";

/* Phrases that tell a time more often than not. */
static bool loose_time_begins_at(Str s, Str run) {
        Str next = run_after(s, run);
        if (run_in(run, "on this next every since until till by") && run_in(next, day_names))
                return true;
        if (run_in(run, "in since during until till by early late mid") &&
            (month_of(next) || is_year(next)))
                return true;
        if (run_in(run, "next last this past coming previous following"))
                return run_in(
                        next,
                        "day days night week weeks weekend weekends month months year years "
                        "morning afternoon evening "
                        "summer winter spring fall autumn few couple semester season christmas");
        if ((run_in(run, numbers) || all_digits(run)) &&
            (run_in(next, units_of_time) || run_in(next, "hours minutes nights weekends")))
                return true;
        if (run_in(run, units_of_time) && run_in(next, "before after later earlier now since"))
                return true;
        return run_in(run, "recently lately nowadays earlier tomorrow yesterday today tonight jan "
                           "feb sept oct nov dec christmas easter "
                           "thanksgiving halloween weekend") ||
               run_in(run, day_names);
}

unsigned text_flags(Str text) {
        unsigned flags = 0;
        for (size_t at = run_next(text, 0); at < text.n;) {
                Str run = run_at(text, at);
                if (!(flags & TEXT_HAS_TIME) && time_begins_at(text, run))
                        flags |= TEXT_HAS_TIME;
                if (!(flags & TEXT_LOOSE_TIME) && loose_time_begins_at(text, run))
                        flags |= TEXT_LOOSE_TIME;
                if (!(flags & TEXT_FIRST_PERSON) && run.n <= 3 && run_in(run, "i my me we our"))
                        flags |= TEXT_FIRST_PERSON;
                at = run_next(text, at + run.n);
        }
        if (str_ends(str_trim(text), STR("?")))
                flags |= TEXT_ASKS;
        return flags;
}

bool question_asks_when(Str q) {
        static const char *const heads[] = { "when",           "how long",      "what date",
                                             "what day",       "what month",    "what year",
                                             "in which month", "in which year", "which month",
                                             "which year" };
        for (size_t i = 0; i < ELEMENTSOF(heads); i++) {
                Str head = str_c(heads[i]);
                if (q.n >= head.n && str_eq_nocase(str_to(q, head.n), head))
                        return true;
        }
        return false;
}

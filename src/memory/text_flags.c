// SPDX-License-Identifier: MIT
/* Every word of every unit passes here: it is looked up in a table of the classes it belongs to. */
#include "memory/text_flags.h"

#include <pthread.h>

#include "memory/dates_int.h"
#include "memory/words_int.h"

enum {
        UNIT = 1 << 0,     /* day, weeks … */
        AGO_UNIT = 1 << 1, /* those, weekends and nights */
        MONTH = 1 << 2,
        MONTH_SURE = 1 << 3, /* all but "may", mostly the verb */
        DAY_NAME = 1 << 4,
        NUMBER = 1 << 5,
        SPAN_NUMBER = 1 << 6, /* for a|one|…|eight weeks */
        NOW = 1 << 7,
        AFTER_LAST = 1 << 8,
        AFTER_NEXT = 1 << 9,
        AFTER_THIS = 1 << 10,
        BEFORE_DAY = 1 << 11,   /* on Tuesday, every Friday */
        BEFORE_MONTH = 1 << 12, /* in May, since 2016 */
        POINTER = 1 << 13,      /* next, past, previous … */
        POINTED = 1 << 14,      /* … week, evening, semester */
        RELATION = 1 << 15,     /* days before, years later */
        LOOSE_UNIT = 1 << 16,
        LOOSE = 1 << 17,
        FIRST_PERSON = 1 << 18,
        BEFORE_PLACE = 1 << 19, /* in Porto, visited Rome */
        ASKS_PLACE = 1 << 20,
        ASKS_NAME = 1 << 21,
};

static const struct {
        unsigned bit;
        const char *words;
} classes[] = {
        { UNIT | AGO_UNIT | LOOSE_UNIT, "day days week weeks month months year years" },
        { AGO_UNIT | LOOSE_UNIT, "weekend weekends night nights" },
        { LOOSE_UNIT, "hours minutes" },
        { MONTH | MONTH_SURE,
          "january february march april june july august september october november "
          "december" },
        { MONTH, "may" },
        { DAY_NAME, "monday tuesday wednesday thursday friday saturday sunday mon tues weds thurs "
                    "fri" },
        { NUMBER, "two three four five six seven eight nine ten eleven twelve thirteen fourteen "
                  "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty hundred "
                  "thousand dozen half twice" },
        { SPAN_NUMBER, "a one two three four five six seven eight" },
        { NOW, "yesterday today tonight tomorrow" },
        { AFTER_LAST,
          "night week weekend month year summer winter spring fall autumn monday tuesday "
          "wednesday thursday friday saturday sunday mon tue tues wed thur thurs fri sat "
          "sun" },
        { AFTER_NEXT, "week weekend month year summer" },
        { AFTER_THIS, "week weekend month year morning summer past" },
        { BEFORE_DAY, "on this next every since until till by" },
        { BEFORE_MONTH, "in since during until till by early late mid" },
        { POINTER, "next last this past coming previous following" },
        { POINTED, "day days night week weeks weekend weekends month months year years morning "
                   "afternoon evening summer winter spring fall autumn few couple semester season "
                   "christmas" },
        { RELATION, "before after later earlier now since" },
        { LOOSE, "recently lately nowadays earlier tomorrow yesterday today tonight jan feb sept "
                 "oct nov dec christmas easter thanksgiving halloween weekend" },
        { FIRST_PERSON, "i my me we our" },
        { BEFORE_PLACE, "in at to from near visit visited around through of" },
        { ASKS_PLACE, "where city cities country countries place places town towns" },
        { ASKS_NAME, "who whose whom name names named called title book books movie movies film films "
                     "song songs band bands artist artists author authors game games shows "
                     "series restaurant restaurants brand brands" },
};

/* ---- the table ---- */
enum { WORD_MAX = 12, PLACES = 512 };
typedef struct Class {
        char word[WORD_MAX];
        uint8_t n;
        unsigned bits;
} Class;
static Class table[PLACES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static Class *class_place(Str word) {
        size_t i = word_hash(word) % PLACES;
        while (table[i].n && !str_eq(str_n(table[i].word, table[i].n), word))
                i = (i + 1) % PLACES;
        return &table[i];
}

static void table_init(void) {
        for (size_t i = 0; i < ELEMENTSOF(classes); i++)
                for (Str rest = str_c(classes[i].words); rest.p;) {
                        Str word = str_cut(&rest, ' ');
                        assert(word.n <= WORD_MAX);
                        Class *c = class_place(word);
                        memcpy(c->word, word.p, word.n);
                        c->n = (uint8_t)word.n;
                        c->bits |= classes[i].bit;
                }
}

static unsigned class_of(Str run) {
        char low[WORD_MAX];
        if (!run.n || run.n > WORD_MAX)
                return 0;
        for (size_t i = 0; i < run.n; i++)
                low[i] = (char)(run.p[i] >= 'A' && run.p[i] <= 'Z' ? run.p[i] | 0x20 : run.p[i]);
        return class_place(str_n(low, run.n))->bits;
}

static bool is(Str run, const char *word) { return str_eq_nocase(run, str_c(word)); }

/* ---- phrases ---- */
/* behind "for": [about] a|one|…|N days|weeks|… */
static bool is_span(Str s, Str run) {
        if (is(run, "about"))
                run = run_after(s, run);
        return ((class_of(run) & SPAN_NUMBER) || all_digits(run)) &&
               (class_of(run_after(s, run)) & UNIT);
}

/* The contract's phrases. `bits` are the classes of the word, `next` the word behind it. */
static bool time_begins_at(Str s, Str run, unsigned bits, Str next) {
        if ((bits & (NOW | MONTH_SURE)) || is_year(run))
                return true;
        if (!next.n)
                return false;
        if (bits & AGO_UNIT)
                return is(next, "ago");
        if (is(run, "last"))
                return class_of(next) & AFTER_LAST;
        if (is(run, "next"))
                return class_of(next) & AFTER_NEXT;
        if (is(run, "this"))
                return class_of(next) & AFTER_THIS;
        if (is(run, "for"))
                return is_span(s, next);
        return is(run, "the") && is(next, "other") && is(run_after(s, next), "day");
}

/* Phrases that tell a time more often than not. */
static bool loose_time_begins_at(Str run, unsigned bits, Str next) {
        if (bits & (LOOSE | DAY_NAME))
                return true;
        if (!next.n || (!bits && !all_digits(run)))
                return false;
        unsigned behind = class_of(next);
        return ((bits & BEFORE_DAY) && (behind & DAY_NAME)) ||
               ((bits & BEFORE_MONTH) && ((behind & MONTH) || is_year(next))) ||
               ((bits & POINTER) && (behind & POINTED)) || ((bits & UNIT) && (behind & RELATION)) ||
               (((bits & NUMBER) || all_digits(run)) && (behind & LOOSE_UNIT));
}

static bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
static bool is_small(char c) { return c >= 'a' && c <= 'z'; }

/* "Porto", not "I", "TV" or "Monday" */
static bool is_proper(Str run) {
        return run.n > 1 && is_capital(run.p[0]) && is_small(run.p[1]) &&
               !(class_of(run) & (MONTH | DAY_NAME | FIRST_PERSON));
}

/* A name begins at `at`: a capital behind a space that begins no sentence, or an opening quote. */
static bool name_begins_at(Str text, size_t at, Str run) {
        static const Str curly = STR("\xe2\x80\x9c");
        Str before = str_to(text, at);
        if (str_ends(before, STR("\"")) || str_ends(before, curly))
                return true;
        return at > 1 && before.p[at - 1] == ' ' && !strchr(".!?:", before.p[at - 2]) &&
               is_proper(run);
}

enum {
        ALL_BUT_TIMES = TEXT_FIRST_PERSON | TEXT_HAS_NUMBER | TEXT_HAS_PLACE | TEXT_HAS_NAME
};
_Static_assert((TEXT_HAS_NAME | (TEXT_HAS_NAME - 1)) <= UINT8_MAX, "a slot keeps them in a byte");

/* What the word tells besides times. */
static unsigned flags_at(Str text, Str run, unsigned bits, Str next) {
        size_t at = (size_t)(run.p - text.p);
        return (bits & FIRST_PERSON ? TEXT_FIRST_PERSON : 0u) |
               ((bits & NUMBER) || all_digits(run) ? TEXT_HAS_NUMBER : 0u) |
               ((bits & BEFORE_PLACE) && is_proper(next) ? TEXT_HAS_PLACE : 0u) |
               (name_begins_at(text, at, run) ? TEXT_HAS_NAME : 0u);
}

unsigned text_flags(Str text) {
        (void)pthread_once(&once, table_init);
        unsigned flags = str_ends(str_trim(text), STR("?")) ? TEXT_ASKS : 0;
        for (size_t at = run_next(text, 0); at < text.n;) {
                Str run = run_at(text, at), next = run_after(text, run);
                unsigned bits = class_of(run);
                if (!(flags & TEXT_HAS_TIME) && time_begins_at(text, run, bits, next))
                        flags |= TEXT_HAS_TIME;
                if (!(flags & TEXT_LOOSE_TIME) && loose_time_begins_at(run, bits, next))
                        flags |= TEXT_LOOSE_TIME;
                if (~flags & ALL_BUT_TIMES)
                        flags |= flags_at(text, run, bits, next);
                at = run_next(text, at + run.n);
        }
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

static bool is_measure(Str run, Str next) { /* how many, how old … */
        return is(run, "how") && run_in(next, "many much old often long");
}

unsigned question_asks(Str q) {
        (void)pthread_once(&once, table_init);
        unsigned asks = 0;
        for (size_t at = run_next(q, 0); at < q.n; at = run_next(q, run_end(q, at))) {
                Str run = run_at(q, at);
                unsigned bits = class_of(run);
                asks |= (bits & ASKS_PLACE ? TEXT_HAS_PLACE : 0u) |
                        (bits & ASKS_NAME ? TEXT_HAS_NAME : 0u) |
                        (is_measure(run, run_after(q, run)) ? TEXT_HAS_NUMBER : 0u);
        }
        return asks;
}

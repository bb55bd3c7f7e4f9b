// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "codec/when.h"
#include "memory/dates.h"
#include "memory/stem.h"
#include "memory/terms.h"
#include "memory/text_flags.h"
#include "memory/words.h"

/* ---- words ---- */
/* terms with spaces between */
static void terms_of(Str text, unsigned skip, char *out, size_t max) {
        TermReader r = term_reader(text);
        size_t n = 0;
        out[0] = '\0';
        for (Term t; term_next(&r, &t);) {
                assert_true(t.at < t.end && t.end <= text.n);
                if (!(t.flags & skip))
                        n += (size_t)snprintf(out + n, max - n, "%s%.*s", n ? " " : "",
                                              STR_FMT(t.term));
        }
}

static void test_terms(void **state) {
        static const struct {
                const char *text, *terms;
        } cases[] = {
                { "", "" },
                { "...", "" },
                { "Dogs RUNNING, ran!", "dog run run" },
                { "sister's don't they've", "sister do they" },
                { "sister\xe2\x80\x99s", "sister" },
                { "rock'n'roll '80s 5'9 o'2", "rock roll 80s five nine o two" },
                { "snake_case a-b x+y", "snake case a b x y" },
                { "caf\xc3\xa9 \xc3\x89"
                  "cole na\xc3\xafve",
                  "cafe ecol naiv" },
                { "\xd0\x9c\xd0\x9e\xd0\xa1\xd0\x9a\xd0\x92\xd0\x90",
                  "\xd0\xbc\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0" },
                { "\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1 \xe4\xba\xac" },
                { "bad\xff\xfe"
                  "bytes",
                  "bad byte" },
                { "children went bought", "child go buy" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char got[256];
                terms_of(str_c(cases[i].text), 0, got, sizeof got);
                assert_string_equal(got, cases[i].terms);
        }
}

static void test_terms_stop(void **state) {
        char got[256];
        terms_of(STR("It's what the dogs of my sister did"), TERM_STOP, got, sizeof got);
        assert_string_equal(got, "what dog sister");
        terms_of(STR("It's what the dogs of my sister did"), TERM_STOP_WORD | TERM_ASK, got,
                 sizeof got);
        assert_string_equal(got, "it dog sister");
}

static void test_long_words_are_cut(void **state) {
        char text[5000];
        memset(text, 'x', sizeof text);
        TermReader r = term_reader(str_n(text, sizeof text));
        Term t;
        assert_true(term_next(&r, &t));
        assert_int_equal(t.word.n, TERM_MAX);
        assert_int_equal(t.end, sizeof text);
        assert_false(term_next(&r, &t));
}

static void synonym_note(void *arg, Str term) {
        char *out = arg;
        size_t n = strlen(out);
        (void)snprintf(out + n, 512 - n, " %.*s ", STR_FMT(term));
}

static void test_synonyms(void **state) {
        char got[512] = "";
        word_synonyms(STR("kitten"), synonym_note, got);
        assert_non_null(strstr(got, " pet "));
        assert_null(strstr(got, " kitten "));
        got[0] = '\0';
        word_synonyms(STR("zebrafish"), synonym_note, got);
        assert_string_equal(got, "");
}

static void test_kinds(void **state) {
        char got[512] = "";
        word_kinds(STR("race"), synonym_note, got);
        assert_non_null(strstr(got, " marathon "));
        got[0] = '\0';
        word_kinds(STR("marathon"), synonym_note, got); /* one way */
        assert_null(strstr(got, " race "));
}

/* ---- dates ---- */
static void asked_check(const char *question, const char *first, const char *last) {
        AskedDate a;
        Civil f, l;
        assert_true(date_find_asked(str_c(question), &a));
        assert_int_equal(a.kind, ASKED_DAYS);
        assert_true(civil_parse(str_c(first), &f));
        assert_true(civil_parse(str_c(last), &l));
        assert_int_equal(a.first, civil_to_days(f));
        assert_int_equal(a.last, civil_to_days(l));
        assert_true(a.at < a.end && a.end <= strlen(question));
}

static void test_asked_days(void **state) {
        asked_check("what on 7 May 2023?", "2023-05-07", "2023-05-07");
        asked_check("on the 3rd of July, 2022", "2022-07-03", "2022-07-03");
        asked_check("ON MAY 7TH, 2023", "2023-05-07", "2023-05-07");
        asked_check("in February 2024", "2024-02-01", "2024-02-29");
        asked_check("in december, 2022", "2022-12-01", "2022-12-31");
        asked_check("during 2022", "2022-01-01", "2022-12-31");
        /* no such day: read as the month */
        asked_check("on 31 February 2023", "2023-02-01", "2023-02-28");
}

static void season_check(const char *question, int month, int day) {
        AskedDate a;
        assert_true(date_find_asked(str_c(question), &a));
        assert_int_equal(a.kind, ASKED_SEASON);
        assert_int_equal(a.month, month);
        assert_int_equal(a.day, day);
}

static void test_asked_seasons(void **state) {
        season_check("on 12 August", 8, 12);
        season_check("on august 12th", 8, 12);
        season_check("early March", 3, 0);
        AskedDate a;
        static const char *const none[] = { "",        "may I ask", "maybe in mayhem", "12345",
                                            "in 1999", "a5 May",    "what 2023x",      "May" };
        for (size_t i = 0; i < ELEMENTSOF(none); i++)
                assert_false(date_find_asked(str_c(none[i]), &a));
}

static void test_gap(void **state) {
        AskedDate a;
        assert_true(date_find_asked(STR("in May 2023"), &a));
        int64_t may1 = civil_to_days((Civil){ 2023, 5, 1 });
        assert_int_equal(date_gap(&a, may1), 0);
        assert_int_equal(date_gap(&a, may1 + 30), 0);
        assert_int_equal(date_gap(&a, may1 + 31), 1);
        assert_int_equal(date_gap(&a, may1 - 4), 4);
        assert_true(date_find_asked(STR("on 30 December"), &a));
        /* the 28th, and the year before */
        assert_int_equal(date_gap(&a, civil_to_days((Civil){ 2023, 1, 2 })), 5);
}

static void test_loose_times(void **state) {
        static const char *const told[] = { "on Tuesday",   "since 2016",      "next Friday",
                                            "in May",       "recently",        "fourteen hours",
                                            "3 days",       "the week before", "this evening",
                                            "Last semester" };
        static const char *const not [] = { "",          "on top",   "in mayhem",  "may I",
                                            "next door", "the days", "sun and sat" };
        for (size_t i = 0; i < ELEMENTSOF(told); i++)
                if (!(text_flags(str_c(told[i])) & TEXT_LOOSE_TIME))
                        fail_msg("%s", told[i]);
        for (size_t i = 0; i < ELEMENTSOF(not ); i++)
                if (text_flags(str_c(not [i])) & TEXT_LOOSE_TIME)
                        fail_msg("%s", not [i]);
}

static void loose_check(const char *question, const char *first, const char *last) {
        AskedDate a;
        Civil f, l;
        int64_t today = civil_to_days((Civil){ 2024, 3, 13 }); /* a Wednesday */
        assert_true(civil_parse(str_c(first), &f));
        assert_true(civil_parse(str_c(last), &l));
        if (!date_find_loose(str_c(question), today, &a) || a.kind != ASKED_DAYS ||
            a.first != civil_to_days(f) || a.last != civil_to_days(l) || a.at >= a.end ||
            a.end > strlen(question))
                fail_msg("%s", question);
}

static void test_loose_dates(void **state) {
        loose_check("on 7 May 2023", "2023-05-07", "2023-05-07");
        loose_check("on 5 Aug. 2023?", "2023-08-05", "2023-08-05");
        loose_check("Sept 12, 2023", "2023-09-12", "2023-09-12");
        loose_check("what on 2023-05-08?", "2023-05-08", "2023-05-08");
        loose_check("on 8.5.2023?", "2023-05-08", "2023-05-08");
        loose_check("what on 24-01-2024?", "2024-01-24", "2024-01-24");
        loose_check("by 1/24/2024", "2024-01-24", "2024-01-24");
        loose_check("by 24/1/2024", "2024-01-24", "2024-01-24");
        loose_check("on 31.2.2024", "2024-01-01", "2024-12-31"); /* no such day: its year */
        loose_check("the summer of 2022", "2022-06-01", "2022-08-31");
        loose_check("in winter 2022", "2022-12-01", "2023-02-28");
        loose_check("yesterday", "2024-03-12", "2024-03-12");
        loose_check("last week", "2024-03-04", "2024-03-10");
        loose_check("last month?", "2024-02-01", "2024-02-29");
        loose_check("this year", "2024-01-01", "2024-12-31");
        loose_check("two months ago", "2024-01-01", "2024-01-31");
        loose_check("3 years ago", "2021-01-01", "2021-12-31");
        loose_check("last weekend", "2024-03-09", "2024-03-10");
        AskedDate a;
        static const char *const none[] = {
                "",         "last one", "this thing",    "summer", "99999999999 days ago",
                "marvel 5", "decide",   "5000 years ago", "1.2.20245", "1.2.", "1.2.3", "5."
        };
        for (size_t i = 0; i < ELEMENTSOF(none); i++)
                if (date_find_loose(str_c(none[i]), 19000, &a))
                        fail_msg("%s", none[i]);
}

static void test_text_flags(void **state) {
        static const struct {
                const char *text;
                unsigned flags;
        } cases[] = {
                { "", 0 },
                { "we met", TEXT_FIRST_PERSON },
                { "I'm here?", TEXT_FIRST_PERSON | TEXT_ASKS },
                { "went there Last Tues.", TEXT_HAS_TIME },
                { "last tuesdays", 0 },
                { "two weekends ago", TEXT_HAS_TIME },
                { "the other day ", TEXT_HAS_TIME },
                { "for about 6 weeks", TEXT_HAS_TIME },
                { "for ages", 0 },
                { "in 1987, yes", TEXT_HAS_TIME },
                { "in 19870", 0 },
                { "it may be", 0 },
                { "in June", TEXT_HAS_TIME },
                { "yesterday\xe2\x80\x99s news ? \n", TEXT_HAS_TIME | TEXT_ASKS },
                { "mine ours weird", 0 },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if ((text_flags(str_c(cases[i].text)) &
                     (TEXT_HAS_TIME | TEXT_FIRST_PERSON | TEXT_ASKS)) != cases[i].flags)
                        fail_msg("%s: %u", cases[i].text, text_flags(str_c(cases[i].text)));
        assert_true(question_asks_when(STR("How long has")));
        assert_true(question_asks_when(STR("In which year")));
        assert_false(question_asks_when(STR("And when")));
        assert_false(question_asks_when(STR("wh")));
}

/* The kinds of answers: as text_flags tells them of a text, or question_asks of a question. */
enum { ANSWERS = TEXT_HAS_NUMBER | TEXT_HAS_PLACE | TEXT_HAS_NAME };
typedef struct AnswerCase {
        const char *text;
        unsigned flags;
} AnswerCase;

static void answers_check(unsigned (*fn)(Str), const AnswerCase *v, size_t n) {
        for (size_t i = 0; i < n; i++)
                if ((fn(str_c(v[i].text)) & ANSWERS) != v[i].flags)
                        fail_msg("%s: %u", v[i].text, fn(str_c(v[i].text)));
}

static void test_answers_held(void **state) {
        static const AnswerCase held[] = {
                { "", 0 },
                { "we have three cats", TEXT_HAS_NUMBER },
                { "it took 40 minutes", TEXT_HAS_NUMBER },
                { "she is from Porto", TEXT_HAS_PLACE | TEXT_HAS_NAME },
                { "Visited Rome", TEXT_HAS_PLACE | TEXT_HAS_NAME },
                { "I start on Monday in May", 0 },
                { "Well. Then I sat down: It was late", 0 },
                { "we read \"dune\" together", TEXT_HAS_NAME },
                { "we read \xe2\x80\x9c""dune\xe2\x80\x9d", TEXT_HAS_NAME },
                { "my sister Julia", TEXT_HAS_NAME },
                { "at TV height", 0 },
                { "at", 0 },
                { "\"", 0 },
        };
        answers_check(text_flags, held, ELEMENTSOF(held));
}

static void test_answers_asked(void **state) {
        static const AnswerCase asked[] = {
                { "", 0 },
                { "How many cats?", TEXT_HAS_NUMBER },
                { "how", 0 },
                { "Where does she live?", TEXT_HAS_PLACE },
                { "Which cities did Ana see?", TEXT_HAS_PLACE },
                { "Who is Julia?", TEXT_HAS_NAME },
                { "How old is who?", TEXT_HAS_NUMBER | TEXT_HAS_NAME },
                { "What did she eat?", 0 },
        };
        answers_check(question_asks, asked, ELEMENTSOF(asked));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_terms),
                cmocka_unit_test(test_terms_stop),
                cmocka_unit_test(test_long_words_are_cut),
                cmocka_unit_test(test_synonyms),
                cmocka_unit_test(test_asked_days),
                cmocka_unit_test(test_asked_seasons),
                cmocka_unit_test(test_gap),
                cmocka_unit_test(test_text_flags),
                cmocka_unit_test(test_answers_held),
                cmocka_unit_test(test_answers_asked),
                cmocka_unit_test(test_loose_times),
                cmocka_unit_test(test_loose_dates),
                cmocka_unit_test(test_kinds),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

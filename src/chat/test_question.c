// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "chat/asking.h"
#include "chat/phrase.h"
#include "chat/question.h"

static const char *list_text(Arena *a, Needs list) {
        Str out = STR("");
        for (size_t i = 0; i < list.n; i++)
                out = arena_strf(a, "%.*s%s%.*s", STR_FMT(out), i ? " " : "",
                                 STR_FMT(list.v[i].term));
        return arena_cstr(a, out);
}

static void test_what_is_asked(void **state) {
        static const struct {
                const char *text;
                QuestionKind kind;
                const char *needs, *helps;
        } cases[] = {
                { "Where do I live?", QUESTION_WHERE, "live", "" },
                { "Who is my sister's husband?", QUESTION_WHO, "sister husband", "" },
                { "What car do I drive?", QUESTION_OPEN, "drive", "car" },
                { "Which city do I live in now?", QUESTION_OPEN, "live", "citi" },
                { "What's my cat's name?", QUESTION_NAME, "cat", "" },
                { "What is my name?", QUESTION_NAME, "name", "" },
                { "How many dogs do I have?", QUESTION_COUNT, "dog", "" },
                { "How old am I?", QUESTION_AGE, "age", "" },
                { "How old is my daughter?", QUESTION_AGE, "daughter", "" },
                { "Can you tell me when my exam is?", QUESTION_WHEN, "exam", "" },
                { "What time is my flight tomorrow?", QUESTION_WHEN, "fli", "" },
                { "Do I have anything on 3 December?", QUESTION_YES_NO, "", "" },
                { "What do I do for a living?", QUESTION_OPEN, "work job", "" },
                { "Tell me about my car", QUESTION_OPEN, "car", "" },
                { "hey, am I still allergic to cats", QUESTION_YES_NO, "allerg cat", "" },
                { "Where am I from?", QUESTION_WHERE, "from", "" },
                { "What do I do?", QUESTION_OPEN, "work job", "" },
                { "What do I do on Fridays?", QUESTION_OPEN, "friday", "" },
                { "Where did I work before Aldi?", QUESTION_WHERE, "work", "" },
                { "What did I eat before the exam?", QUESTION_OPEN, "eat exam", "" },
                { "Where did I use to live?", QUESTION_WHERE, "live", "" },
                { "Am I free on Friday?", QUESTION_YES_NO, "free", "" },
                { "Summarize what you know about me", QUESTION_OPEN, "", "" },
                { "whos my boss", QUESTION_WHO, "boss", "" },
                { "", QUESTION_OPEN, "", "" },
                { "?!", QUESTION_OPEN, "", "" },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Question q;
                question_read(a, str_c(cases[i].text), &q);
                assert_int_equal(q.kind, cases[i].kind);
                assert_string_equal(list_text(a, q.needs), cases[i].needs);
                assert_string_equal(list_text(a, q.helps), cases[i].helps);
        }
}

static void test_how_it_is_asked(void **state) {
        static const struct {
                const char *text;
                int liking;
                bool wants_all, is_now, is_vague, names_day;
        } cases[] = {
                { "What do I like?", 1, true, false, false, false },
                { "What do I hate?", -1, true, false, false, false },
                { "What don't I like?", -1, true, false, false, false },
                { "What's the weather like?", 0, false, false, false, false },
                { "Do I like tea?", 1, false, true, false, false },
                { "Did I like tea?", 1, false, false, false, false },
                { "What pets do I have?", 0, true, false, false, false },
                { "What is my name?", 0, false, false, false, false },
                { "Tell me about my car", 0, true, false, false, false },
                { "Where does she live?", 0, false, false, true, false },
                { "What do I have to do tomorrow?", 0, false, false, false, true },
                { "What did I do yesterday?", 0, false, false, false, false },
                { "What am I allergic to?", 0, true, false, false, false },
                { "Do I have any allergies?", 0, true, true, false, false },
                { "Do I have a dog?", 0, false, true, false, false },
                { "What is my job?", 0, true, false, false, false },
                { "What is my shoe size?", 0, false, false, false, false },
                { "What time do I get up?", 0, false, false, false, false },
                { "What am I doing this weekend?", 0, false, false, false, true },
                { "What did I do this weekend?", 0, false, false, false, false },
                { "Where are we going in October?", 0, false, false, false, true },
                { "Where did we go in October?", 0, false, false, false, false },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Question q;
                question_read(a, str_c(cases[i].text), &q);
                assert_int_equal(q.liking, cases[i].liking);
                assert_int_equal(q.wants_all, cases[i].wants_all);
                assert_int_equal(q.is_now, cases[i].is_now);
                assert_int_equal(q.is_vague, cases[i].is_vague);
                assert_int_equal(q.names_day, cases[i].names_day);
        }
}

static void test_how_much_is_told(void **state) {
        static const struct {
                const char *question, *text;
                double least, most;
                bool fits;
        } cases[] = {
                { "Where do I live?", "Lives in Lisbon.", 1, 1, true },
                { "Where do I live?", "Moved to Munich.", 1, 1, true },
                { "Where do I live?", "Works as a nurse at St. Mary's.", 0, 0.4, true },
                { "What is my cat's name?", "Has 2 dogs: Bella and Max.", 0, 0.4, true },
                { "What is my cat's name?", "I have a cat called Tiger.", 1, 1, true },
                { "How old is my daughter?", "Has a daughter.", 1, 1, false },
                { "How old is my daughter?", "My daughter Emma is six", 1, 1, true },
                { "Do I have children?", "Has a daughter.", 1, 1, true },
                { "Do I have a son?", "Has a daughter.", 0.1, 0.5, true },
                { "Am I married?", "My husband Tom is a carpenter.", 1, 1, true },
                { "What car do I drive?", "I parked the car on level 3.", 0.1, 0.9, true },
                { "Which movie did I watch?", "Can't stand horror movies.", 0.1, 0.7, true },
                { "What's the capital of France?", "Favourite place is Luigi's.", 0, 0.4, true },
                { "Is Mark vegetarian?", "Husband is Mark.", 0, 0.4, true },
                { "Who is my boyfriend?", "Is dating Carlos.", 1, 1, true },
                { "Who is my wife?", "Is married to Julia.", 1, 1, true },
                { "Is Mark vegetarian?", "Mark is vegetarian.", 1, 1, true },
                { "What am I allergic to?", "Has a cat named Mochi.", 0, 0.4, true },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Question q;
                question_read(a, str_c(cases[i].question), &q);
                Cover c = question_cover(&q, str_c(cases[i].text));
                assert_true(c.share >= cases[i].least - 0.001 && c.share <= cases[i].most + 0.001);
                assert_int_equal(question_fits(&q, str_c(cases[i].text)), cases[i].fits);
        }
}

static void test_what_to_search_with(void **state) {
        static const struct {
                const char *in, *out;
        } cases[] = {
                { "Can you tell me where I live, please?", "where I live,  ?" },
                { "What do I do for a living?", "What do I work as, my job ?" },
                { "Am I allergic to anything?", "Am I allergic to  ?" },
                { "When is my birthday?", "When is my birthday? born" },
                { "remind me", "remind me" },
                { "Living for a do", "Living for a do" },
                { "", "" },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_true(str_eq_c(question_query(a, str_c(cases[i].in)), cases[i].out));
}

static void test_the_part_that_asks(void **state) {
        static const struct {
                const char *message, *part;
                bool about_us;
        } cases[] = {
                { "I moved to Rome. Where do I live?", "Where do I live?", false },
                { "quick question: where do i work", "where do i work", false },
                { "Where do I live? Where do I work?", "Where do I live? Where do I work?", false },
                { "I live in Rome.", "I live in Rome.", false },
                { "I work at St. Mary's. Am I a nurse?", "Am I a nurse?", false },
                { "How are you?", "How are you?", true },
                { "Do you love me?", "Do you love me?", true },
                { "What's your favourite colour?", "What's your favourite colour?", true },
                { "Do you know where I live?", "Do you know where I live?", false },
                { "Do you remember the wifi password?", "Do you remember the wifi password?",
                  false },
                { "Can you tell me about Leo?", "Can you tell me about Leo?", false },
                { "", "", false },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Str message = str_c(cases[i].message);
                assert_string_equal(arena_cstr(a, asking_part(message)), cases[i].part);
                assert_int_equal(asks_about_us(message), cases[i].about_us);
        }
}

static void test_second_person(void **state) {
        static const struct {
                const char *in, *out;
        } cases[] = {
                { "Lives in Lisbon.", "You live in Lisbon" },
                { "Works at Siemens as an engineer.", "You work at Siemens as an engineer" },
                { "Is allergic to peanuts.", "You are allergic to peanuts" },
                { "Allergic to peanuts.", "You are allergic to peanuts" },
                { "Has two cats.", "You have two cats" },
                { "Studies law with her sister.", "You study law with your sister" },
                { "Watches films.", "You watch films" },
                { "Does not eat meat.", "You do not eat meat" },
                { "Can't stand horror movies.", "You can't stand horror movies" },
                { "Visited Rome.", "You visited Rome" },
                { "Quit smoking.", "You quit smoking" },
                { "Name is Ann.", "Your name is Ann" },
                { "Sister is called Mia.", "Your sister is called Mia" },
                { "My dog is called Rex.", "Your dog is called Rex" },
                { "Used to live in Paris.", "You used to live in Paris" },
                { "User lives in Faro.", "You live in Faro" },
                { "Reminder to call my mother.", "You asked to be reminded to call your mother" },
                { "Tom is a carpenter.", NULL },
                { "The code is 4471.", NULL },
                { "I am Ann.", NULL },
                { "Paris in spring", NULL },
                { "", NULL },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Str out = STR_NULL;
                bool ok = second_person(a, str_c(cases[i].in), &out);
                assert_int_equal(ok, cases[i].out != NULL);
                if (ok)
                        assert_true(str_eq_c(out, cases[i].out));
        }
}

static void test_plans_as_of_today(void **state) {
        static const int64_t at = INT64_C(1773136800000); /* 10 March 2026, 10:00 */
        static const struct {
                const char *in, *out;
        } cases[] = {
                { "Dentist tomorrow at 3pm (March 12, 2026 at 03:00 PM).",
                  "Dentist in 2 days, on March 12, 2026 at 03:00 PM." },
                { "Exam in two weeks (March 10, 2026).", "Exam today, on March 10, 2026." },
                { "Visits Japan next year (March 10, 2027).",
                  "Visits Japan next year (March 10, 2027)." },
                { "Went to Crete last summer (March 1, 2026).",
                  "Went to Crete last summer (March 1, 2026)." },
                { "Exam in May (May 1, 2026).", "Exam in May (May 1, 2026)." },
                { "Dentist on 3 December 2026.", "Dentist on 3 December 2026." },
                { "Likes tea (green).", "Likes tea (green)." },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_true(str_eq_c(plan_today(a, str_c(cases[i].in), at, 0), cases[i].out));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_is_asked),
                cmocka_unit_test(test_how_it_is_asked),
                cmocka_unit_test(test_how_much_is_told),
                cmocka_unit_test(test_the_part_that_asks),
                cmocka_unit_test(test_second_person),
                cmocka_unit_test(test_what_to_search_with),
                cmocka_unit_test(test_plans_as_of_today),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "chat/question.h"

static void test_whom_a_question_is_about(void **state) {
        static const struct {
                const char *text;
                OwnerKind kind;
                const char *who;
        } cases[] = {
                { "Am I vegan?", OWNER_SELF, "" },
                { "Where do I live?", OWNER_SELF, "" },
                { "What car do we drive?", OWNER_SELF, "" },
                { "What is my name?", OWNER_SELF, "" },
                { "What's my favourite colour?", OWNER_SELF, "" },
                { "What colour is my car?", OWNER_SELF, "" },
                { "List my allergies", OWNER_SELF, "" },
                { "How much do I owe Peter?", OWNER_SELF, "" },
                { "Where does my husband work?", OWNER_OTHER, "husband" },
                { "Who is my sister's husband?", OWNER_OTHER, "sister husband" },
                { "Tell me about my best friend", OWNER_OTHER, "friend" },
                { "what is the name of my cat", OWNER_OTHER, "cat" },
                { "When did my parents marry?", OWNER_OTHER, "parent" },
                { "How old is Leo?", OWNER_OTHER, "Leo" },
                { "When is Leo's birthday?", OWNER_OTHER, "Leo" },
                { "What is the wifi password?", OWNER_ANY, "" },
                { "Who is getting married?", OWNER_ANY, "" },
                { "Where does she live?", OWNER_ANY, "" },
                { "Tell me about my family", OWNER_SELF, "" },
                { "", OWNER_ANY, "" },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Owner o;
                owner_read(a, question_core(a, str_c(cases[i].text)), &o);
                Str who = o.name.p ? o.name : STR("");
                for (size_t k = 0; k < o.nouns.n; k++)
                        who = arena_strf(a, "%.*s%s%.*s", STR_FMT(who), k ? " " : "",
                                         STR_FMT(o.nouns.v[k].term));
                assert_int_equal(o.kind, cases[i].kind);
                assert_string_equal(arena_cstr(a, who), cases[i].who);
        }
}

static void test_what_is_said_of_them(void **state) {
        static const struct {
                const char *question, *text, *part;
                bool is_theirs;
        } cases[] = {
                { "Am I vegan?", "Is vegan.", "Is vegan", true },
                { "Am I vegan?", "My sister is vegan.", "", false },
                { "Am I vegan?", "my sister is vegan", "", false },
                { "Am I vegan?", "Ana is vegan.", "", false },
                { "Am I vegan?", "She is vegan.", "", false },
                { "Am I vegan?", "I have a sister who is vegan.", "I have a sister", true },
                { "Am I vegan?", "Sister is called Mia and she is vegan.", "", false },
                { "Am I married?", "My husband Tom is a carpenter.",
                  "My husband Tom is a carpenter", true },
                { "Where do I live?", "My mother lives in Hull, but I live in Leeds.",
                  "I live in Leeds", true },
                { "Where do I live?", "I live with my wife, my son Leo and my dog.",
                  "I live with my wife, my son Leo and my dog", true },
                { "What is my name?", "Name is Clara.", "Name is Clara", true },
                { "What is my budget?", "Budget is 500 euros.", "Budget is 500 euros", true },
                { "When is my birthday?", "My son's birthday is on May 3.", "", false },
                { "Which meat do I eat?", "Never eats meat.", "Never eats meat", true },
                { "What watch do I have?", "My sister gave me a watch.",
                  "My sister gave me a watch", false },
                { "Where does my husband work?", "Works at Lidl.", "", false },
                { "Where does my husband work?", "My husband works at Lidl.",
                  "My husband works at Lidl", true },
                { "Where does my father live?", "My mother lives in Hull.", "", false },
                { "Where does my mother live?",
                  "My mother lives in Leeds and my father died in 2010.",
                  "My mother lives in Leeds and", true },
                { "Where do my parents live?", "My mother lives in Hull.",
                  "My mother lives in Hull", true },
                { "Where does my sister live?", "My sister is Ana. She lives in Rome.",
                  "My sister is Ana She lives in Rome", true },
                { "What is my wife's name?", "My brother's wife is called Ana.", "", false },
                { "What is my wife's name?", "Tom's wife is called Ana.", "", false },
                { "Who is my brother's wife?", "My brother's wife is called Ana.",
                  "My brother's wife is called Ana", true },
                { "Is Leo vegan?", "Is vegan.", "", false },
                { "Is Leo vegan?", "My son Leo is vegan.", "My son Leo is vegan", true },
                { "What is the code?", "The code is 4471.", "The code is 4471.", true },
                { "Am I vegan?", "", "", false },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Question q;
                question_read(a, str_c(cases[i].question), &q);
                Part p = whose_part(a, &q.owner, &q.needs, str_c(cases[i].text));
                assert_string_equal(arena_cstr(a, p.text), cases[i].part);
                assert_int_equal(p.is_theirs, cases[i].is_theirs);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whom_a_question_is_about),
                cmocka_unit_test(test_what_is_said_of_them),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "chat/alias.h"

typedef struct AliasCase {
        const char *type, *told, *message, *other; /* other NULL: nothing makes them one */
} AliasCase;

static void test_who_is_who(void **state) {
        static const AliasCase cases[] = {
                { "entity", "Sister is called Anna.", "Where does my sister live?",
                  "Where does Anna live?" },
                { "entity", "Sister is called Anna.", "When is my sister's birthday?",
                  "When is Anna's birthday?" },
                { "entity", "Sister is called Anna.", "Where does my older sister live?",
                  "Where does Anna live?" },
                { "entity", "Sister is called Anna.", "Where does Anna live?",
                  "Where does my sister live?" },
                { "entity", "Sister is called Anna.", "When is anna's birthday?", NULL },
                { "entity", "Sister is called Anna.", "Where does my brother live?", NULL },
                { "entity", "Sister is called Anna.", "Where does my sister's husband live?", NULL },
                { "entity", "Sister is called Anna.", "Where do I live?", NULL },
                { "entity", "Wife is Julia.", "Is my wife a nurse?", "Is Julia a nurse?" },
                { "fact", "Wife is German.", "Where does my wife live?", NULL },
                { "entity", "My girlfriend's name is Lea.", "What does my girlfriend hate?",
                  "What does Lea hate?" },
                { "fact", "My brother Max lives in Rome.", "What does my brother do?",
                  "What does Max do?" },
                { "entity", "Has a dog named Bello.", "What does my dog eat?",
                  "What does Bello eat?" },
                { "fact", "Is dating Kim.", "What does my girlfriend eat?", "What does Kim eat?" },
                { "fact", "Married to Kim.", "What does my husband eat?", "What does Kim eat?" },
                { "fact", "Married to Kim.", "What does Kim eat?", "What does my partner eat?" },
                { "entity", "Doctor is Dr. Weiss.", "Where is my doctor's office?",
                  "Where is Weiss's office?" },
                { "fact", "My sister has a dog named Rex.", "What does my dog eat?", NULL },
                { "entity", "Max has a dog named Rex.", "What does my dog eat?", NULL },
                { "entity", "My sister's husband is called Tom.", "What does my husband do?",
                  NULL },
                { "fact", "Sister", "Where does my sister live?", NULL },
                { "fact", "", "Where does my sister live?", NULL },
                { "fact", "Married to", "", NULL },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                MemoryRow row = { .type = str_c(cases[i].type),
                                  .status = STR("active"),
                                  .content = str_c(cases[i].told) };
                MemoryHit hit = { .memory = &row };
                Aliases got = aliases_of(a, str_c(cases[i].message), &(MemoryHits){ &hit, 1, false });
                Str other = got.n ? got.v[0].message : STR("");
                if (got.n != (cases[i].other != NULL) ||
                    (got.n && (!str_eq_c(other, cases[i].other) || got.v[0].told != &hit)))
                        fail_msg("%s %s: %zu %.*s", cases[i].told, cases[i].message, got.n,
                                 STR_FMT(other));
        }
}

static void test_who_is_no_more(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        MemoryRow row = { .type = STR("entity"),
                          .status = STR("superseded"),
                          .content = STR("Wife is Julia.") };
        MemoryHit hits[] = { { .memory = &row }, { .turn = &(Turn){ .text = row.content } } };
        MemoryHits found = { hits, ELEMENTSOF(hits), false };
        assert_int_equal(aliases_of(a, STR("What does my wife do?"), &found).n, 0);
}

/* Two sisters: each is asked of, the same one once. */
static void test_several(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        MemoryRow rows[ALIASES_MAX + 3];
        MemoryHit hits[ELEMENTSOF(rows)];
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                rows[i] = (MemoryRow){ .type = STR("entity"),
                                       .status = STR("active"),
                                       .content = arena_strf(a, "Sister is called An%c.",
                                                             (char)('a' + (int)i / 2)) };
                hits[i] = (MemoryHit){ .memory = &rows[i] };
        }
        MemoryHits found = { hits, ELEMENTSOF(hits), false };
        Aliases got = aliases_of(a, STR("Where does my sister live?"), &found);
        assert_int_equal(got.n, (ELEMENTSOF(rows) + 1) / 2);
        assert_str(got.v[1].message, "Where does Anb live?");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_is_who),
                cmocka_unit_test(test_who_is_no_more),
                cmocka_unit_test(test_several),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

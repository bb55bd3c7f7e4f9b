// SPDX-License-Identifier: MIT
#include "base/testing.h"

#include "memory/twins.h"

enum { MANY = 3000 };

static Twin twin_of(Arena *a, int64_t unit, unsigned type, const char *text) {
        Twin t = { .unit = unit, .type = type, .digest = str_hash(str_c(text)) };
        sketch_make(a, str_c(text), 7, &t.sketch);
        return t;
}

static void test_many_texts_each_found(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        _cleanup_(twins_freep) Twins *t = twins_new();
        for (int i = 1; i <= MANY; i++) {
                Twin one = twin_of(a, i, 0,
                                   arena_printf(a, "the %x of %x went to %x", i * 7919, i * 104729,
                                                i * 13007));
                twins_put(t, &one);
        }
        assert_int_equal(twins_count(t), MANY);
        assert_true(twins_bytes(t) <= 2 * 50 * (size_t)MANY); /* room ahead, but no more */
        for (int i = 1; i <= MANY; i += 97) {
                Twin one = twin_of(a, i, 0,
                                   arena_printf(a, "the %x of %x went to %x", i * 7919, i * 104729,
                                                i * 13007));
                int64_t units[4];
                assert_int_equal(twins_exact(t, one.digest), i);
                assert_true(twins_near(t, 0, &one.sketch, units, 4) >= 1);
                assert_int_equal(units[0], i);
                assert_int_equal(twins_near(t, 1, &one.sketch, units, 4), 0);
                twins_drop(t, i);
                assert_int_equal(twins_exact(t, one.digest), 0);
                assert_true(twins_near(t, 0, &one.sketch, units, 4) == 0 || units[0] != i);
        }
}

static void test_what_is_alike_and_what_never_is(void **state) {
        static const struct {
                const char *text;
                bool found;
        } cases[] = {
                { "the cat likes to sleep on the old red sofa in the kitchen", true },
                { "the cat likes to sleep on the old red sofas in the kitchen", true },
                { "the cat likes to sleep on the old red sofa in the kitchen 2", false },
                { "the cat never likes to sleep on the old red sofa in the kitchen", false },
                { "the cat likes to sleep on the old red sofa in the kitchen today", false },
                { "payments are due at the end of each quarter for all suppliers", false },
        };
        _cleanup_(arena_freep) Arena *a = arena_new();
        _cleanup_(twins_freep) Twins *t = twins_new();
        Twin first = twin_of(a, 1, 3, cases[0].text);
        twins_put(t, &first);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Twin probe = twin_of(a, 2, 3, cases[i].text);
                int64_t unit = 0;
                assert_int_equal(twins_near(t, 3, &probe.sketch, &unit, 1), cases[i].found);
        }
}

static void test_replacing_and_late_units(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        _cleanup_(twins_freep) Twins *t = twins_new();
        Twin nine = twin_of(a, 9, 0, "nine lives of a lazy grey cat");
        Twin four = twin_of(a, 4, 0, "a quartet for strings in d minor");
        twins_put(t, &nine);
        twins_put(t, &four);
        assert_int_equal(twins_exact(t, nine.digest), 9);
        assert_int_equal(twins_exact(t, four.digest), 4);
        Twin other = twin_of(a, 9, 0, "something else entirely was said about boats");
        twins_put(t, &other);
        assert_int_equal(twins_count(t), 2);
        assert_int_equal(twins_exact(t, nine.digest), 0);
        assert_int_equal(twins_exact(t, other.digest), 9);
        twins_drop(t, 9);
        twins_drop(t, 9);
        assert_int_equal(twins_count(t), 1);
        twins_put(t, &other);
        assert_int_equal(twins_exact(t, other.digest), 9);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_many_texts_each_found),
                cmocka_unit_test(test_what_is_alike_and_what_never_is),
                cmocka_unit_test(test_replacing_and_late_units),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

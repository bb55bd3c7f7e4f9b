// SPDX-License-Identifier: MIT
#include "base/testing.h"
#include "identity/lockout.h"
#include "identity/rotation.h"
#include "identity/stuffing.h"

enum { NOW = 1000000000, LATER = 2000000000 };

typedef struct Row {
        const char *name;
        RotationState state;
        uint32_t shown;
        bool mac_ok;
        RotationVerdict verdict;
} Row;

static const Row rows[] = {
        { "fresh", { 5, false, NOW, LATER, LATER }, 5, true, ROTATE_NEXT },
        { "first of a session", { 0, false, NOW, LATER, LATER }, 0, true, ROTATE_NEXT },
        { "retry at once", { 5, false, NOW, LATER, LATER }, 4, true, ROTATE_SAME },
        { "retry at the edge",
          { 5, false, NOW - ROTATION_RETRY_MS, LATER, LATER },
          4,
          true,
          ROTATE_SAME },
        { "retry too late",
          { 5, false, NOW - ROTATION_RETRY_MS - 1, LATER, LATER },
          4,
          true,
          ROTATE_REUSED },
        { "grandparent at once", { 5, false, NOW, LATER, LATER }, 3, true, ROTATE_REUSED },
        { "very old", { 5, false, NOW, LATER, LATER }, 0, true, ROTATE_REUSED },
        { "from the future", { 5, false, NOW, LATER, LATER }, 6, true, ROTATE_UNKNOWN },
        { "forged, fresh", { 5, false, NOW, LATER, LATER }, 5, false, ROTATE_UNKNOWN },
        { "forged, old: nothing is revoked",
          { 5, false, NOW, LATER, LATER },
          1,
          false,
          ROTATE_UNKNOWN },
        { "ended session", { 5, true, NOW, LATER, LATER }, 5, true, ROTATE_UNKNOWN },
        { "ended session, old", { 5, true, NOW, LATER, LATER }, 2, true, ROTATE_UNKNOWN },
        { "idle too long", { 5, false, NOW, NOW, LATER }, 5, true, ROTATE_EXPIRED },
        { "over its absolute life", { 5, false, NOW, LATER, NOW }, 5, true, ROTATE_EXPIRED },
        { "generation 0 has no parent",
          { 0, false, NOW, LATER, LATER },
          UINT32_MAX,
          true,
          ROTATE_UNKNOWN },
        { "the counter never wraps",
          { UINT32_MAX, false, NOW, LATER, LATER },
          UINT32_MAX,
          true,
          ROTATE_EXPIRED },
};

static void decides(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const Row *r = &rows[i];
                RotationVerdict v = rotation_decide(&r->state, r->shown, r->mac_ok, NOW);

                if (v != r->verdict)
                        fail_msg("%s: %d instead of %d", r->name, v, r->verdict);
        }
}

/* A session that lives by the rule, and everyone who holds any token it ever gave: whatever they
 * show in whatever order, at most one line of tokens is alive, and a token older than the
 * previous one ends it. */
static void no_two_lines_live(void **state) {
        TestWorld world = TEST_WORLD(NOW);

        for (int run = 0; run < 2000; run++) {
                RotationState s = { .idle_expires_ms = INT64_MAX,
                                    .expires_ms = INT64_MAX,
                                    .rotated_at_ms = NOW };
                int64_t now = NOW;

                for (int step = 0; step < 30; step++) {
                        uint32_t dice[2], shown;
                        RotationVerdict v;
                        bool old;

                        test_random_(&world.world, dice, sizeof(dice));
                        now += dice[0] % 20000;
                        shown = dice[1] % (s.generation + 2);
                        old = shown + 1 < s.generation ||
                              (shown + 1 == s.generation &&
                               now - s.rotated_at_ms > ROTATION_RETRY_MS);
                        v = rotation_decide(&s, shown, true, now);
                        assert_int_equal(v == ROTATE_REUSED, old && !s.revoked);
                        assert_int_equal(v == ROTATE_NEXT, shown == s.generation && !s.revoked);
                        if (s.revoked)
                                assert_int_equal(v, ROTATE_UNKNOWN);
                        s.revoked = s.revoked || v == ROTATE_REUSED;
                        if (v == ROTATE_NEXT) {
                                s.generation++;
                                s.rotated_at_ms = now;
                        }
                }
        }
}

static void lockout_doubles(void **state) {
        static const int64_t waits[] = { 0,  0,  0,   1,   2,   4,   8,   16,
                                         32, 64, 128, 256, 512, 900, 900, 900 };
        Lockout l = { 0 };
        int64_t now = NOW;

        for (size_t i = 0; i < ELEMENTSOF(waits); i++) {
                l = lockout_fail(&l, now);
                assert_int_equal(lockout_wait_s(&l, now), waits[i]);
                if (waits[i])
                        assert_int_equal(lockout_wait_s(&l, now + 1000 * waits[i] - 1), 1);
                now += 1000 * waits[i];
                assert_int_equal(lockout_wait_s(&l, now), 0);
        }
}

static void lockout_decays_and_never_overflows(void **state) {
        Lockout l = { .failures = 50, .last_ms = NOW },
                many = { .failures = INT64_MAX - 1, .last_ms = NOW };

        assert_int_equal(lockout_fail(&l, NOW + INT64_C(1000) * LOCKOUT_DECAY_S).failures, 1);
        assert_int_equal(lockout_fail(&l, NOW + INT64_C(1000) * LOCKOUT_DECAY_S - 1).failures, 51);
        many = lockout_fail(&many, NOW);
        assert_int_equal(lockout_wait_s(&many, NOW), LOCKOUT_WAIT_MAX_S);
}

static void stuffing_tells_once(void **state) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        TestWorld world = TEST_WORLD(NOW);
        Ctx cx = TEST_CTX(a, &world.world);
        _cleanup_(stuffing_freep) Stuffing *s = stuffing_new(&cx);
        int told = 0;

        for (int i = 0; i < 500; i++) /* one account, again and again */
                assert_false(stuffing_note(s, STR("192.0.2.1"), STR("ann"), NOW));
        for (int i = 0; i < 500; i++) /* many accounts, from one address */
                told += stuffing_note(s, STR("192.0.2.2"), arena_strf(a, "user %d", i), NOW + i);
        assert_int_equal(told, 1);
        for (int i = 0; i < 500; i++) /* many accounts, from as many addresses */
                told += stuffing_note(s, arena_strf(a, "192.0.3.%d", i),
                                      arena_strf(a, "user %d", i), NOW);
        assert_int_equal(told, 1);
        for (int i = 0; i < 500; i++) /* and once more in the next window */
                told += stuffing_note(s, STR("192.0.2.2"), arena_strf(a, "user %d", i),
                                      NOW + INT64_C(1001) * STUFFING_WINDOW_S);
        assert_int_equal(told, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(decides),
                cmocka_unit_test(no_two_lines_live),
                cmocka_unit_test(lockout_doubles),
                cmocka_unit_test(lockout_decays_and_never_overflows),
                cmocka_unit_test(stuffing_tells_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

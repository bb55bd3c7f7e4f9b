// SPDX-License-Identifier: MIT
/* The work of a sign-in, counted in hashes: equal for every address, whatever hash it has. */
#include "base/metric.h"
#include "identity/operate.h"
#include "identity/testing_int.h"

#define PASSWORD STR("correct horse 7 battery")
#define BCRYPT4  "$2b$04$abcdefghijklmnopqrstuuxdHMWXqoHNsTNDwLuQb/2kOU4V8v6pW"
#define BCRYPT5  "$2y$05$abcdefghijklmnopqrstuuYVlArImcY9t8iZB05TaOK0bU6e/ht.G"
#define BCRYPT4A "$2a$04$abcdefghijklmnopqrstuuxdHMWXqoHNsTNDwLuQb/2kOU4V8v6pW"
#define ARGON2                                                                                     \
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

static int begin(void **state) {
        *state = fix_new(&(IdentitySettings){ .jwt_secret = STR(TEST_SECRET) });
        return 0;
}

static int end(void **state) {
        fix_free(*state);
        return 0;
}

static Err import(Fix *f, const char *email, const char *hash) {
        User u;

        err_clear(&f->cx);
        return operate_user_import(
                &f->cx, f->id,
                arena_strf(f->arena, "{\"email\":\"%s\",\"password_hash\":\"%s\"}", email, hash),
                &u);
}

static Err login(Fix *f, const char *email, Str password) {
        LoginInput in = { .email = str_c(email),
                          .password = password,
                          .from = { STR("192.0.2.1"), STR("agent") } };
        LoginResult r;

        err_clear(&f->cx);
        return login_password(&f->cx, f->id, &in, &r);
}

static int hashes(void) { return (int)metric_sum("mainstay_password_hash_duration_seconds"); }

/* Hashes of a sign-in that fails. */
static int failure(Fix *f, const char *email) {
        int before = hashes();

        assert_err(login(f, email, STR("wrong password")), ERR_CREDENTIALS);
        return hashes() - before;
}

static void tick(Fix *f) {
        f->world.now_ms += 3600 * 1000;
        OKF(f, identity_tick(&f->cx, f->id));
}

static void one_kind_one_hash(void **state) {
        Fix *f = *state;

        fix_user(f, "ann@example.com");
        tick(f);
        assert_int_equal(failure(f, "ann@example.com"), 1);
        assert_int_equal(failure(f, "nobody@example.com"), 1);
}

static void every_failure_does_the_work_of_every_kind(void **state) {
        static const char *const who[] = { "ann@example.com", "b4@example.com",
                                           "b4a@example.com", "b5@example.com",
                                           "a2@example.com",  "nobody@example.com",
                                           "no address" };
        Fix *f = *state;

        fix_user(f, "ann@example.com");
        OKF(f, import(f, "b4@example.com", BCRYPT4));
        OKF(f, import(f, "b4a@example.com", BCRYPT4A)); /* the same work under another name */
        OKF(f, import(f, "b5@example.com", BCRYPT5));
        OKF(f, import(f, "a2@example.com", ARGON2));
        tick(f);
        for (size_t i = 0; i < ELEMENTSOF(who); i++)
                assert_int_equal(failure(f, who[i]), 4);
}

static void a_kind_is_known_once_it_was_met(void **state) {
        Fix *f = *state;

        OKF(f, import(f, "b4@example.com", BCRYPT4));
        assert_int_equal(failure(f, "b4@example.com"), 2);
        assert_int_equal(failure(f, "nobody@example.com"), 2);
}

static void the_work_ends_with_the_last_of_its_kind(void **state) {
        Fix *f = *state;
        int before;

        OKF(f, import(f, "b4@example.com", BCRYPT4));
        tick(f);
        assert_int_equal(failure(f, "nobody@example.com"), 2);
        before = hashes();
        OKF(f, login(f, "b4@example.com", PASSWORD)); /* one verified, one made */
        assert_int_equal(hashes() - before, 2);
        tick(f);
        assert_int_equal(failure(f, "nobody@example.com"), 1);
        assert_int_equal(failure(f, "b4@example.com"), 1);
        OKF(f, login(f, "b4@example.com", PASSWORD));
}

static void more_kinds_than_there_is_room_for(void **state) {
        Fix *f = *state;

        for (int m = 0; m < 12; m++)
                OKF(f, import(f, arena_printf(f->arena, "m%d@example.com", m),
                              arena_printf(f->arena,
                                           "$argon2id$v=19$m=%d,t=1,p=1$c29tZXNhbHQ$"
                                           "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                                           64 + m)));
        tick(f);
        assert_int_equal(failure(f, "nobody@example.com"), HASH_KINDS_MAX);
}

static void hashes_that_are_refused(void **state) {
        static const char *const bad[] = {
                "$2b$31$abcdefghijklmnopqrstuuxdHMWXqoHNsTNDwLuQb/2kOU4V8v6pW", /* years */
                "$2b$04$abcdefghijklmnopqrstuuxdHMWXqoHNsTNDwLuQb/2kOU4V8v6p",
                ("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$"
                 "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
                "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
                "$1$md5$xxxx",
        };
        Fix *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_err(import(f, "bad@example.com", bad[i]), ERR_INVALID);
}

int main(void) {
#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
        const struct CMUnitTest tests[] = {
                T(one_kind_one_hash),
                T(every_failure_does_the_work_of_every_kind),
                T(a_kind_is_known_once_it_was_met),
                T(the_work_ends_with_the_last_of_its_kind),
                T(more_kinds_than_there_is_room_for),
                T(hashes_that_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include "crypto/password.h"

static bool is_right(Ctx *cx, Str hash, Str password) {
        bool right = false;
        assert_ok(password_verify(cx, hash, password, &right));
        return right;
}

static void test_round(void **state) {
        Ctx *cx = *state;
        static const struct {
                PasswordAlg alg, other;
                const char *prefix;
        } cases[] = {
                { PASSWORD_ARGON2ID, PASSWORD_BCRYPT, "$argon2id$v=19$m=19456,t=2,p=1$" },
                { PASSWORD_BCRYPT, PASSWORD_ARGON2ID, "$2b$12$" },
        };
        Str password = STR("correct h\xC3\xB6rse");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Str hash, again;
                assert_ok(password_hash(cx, cases[i].alg, password, &hash));
                assert_true(str_starts(hash, str_c(cases[i].prefix)));
                assert_true(is_right(cx, hash, password));
                assert_false(is_right(cx, hash, STR("correct horse")));
                assert_false(is_right(cx, hash, STR("")));
                assert_false(is_right(cx, hash, STR_NULL));
                assert_false(is_right(cx, hash, STR("correct h\xC3\xB6rse\0x")));
                assert_false(password_needs_rehash(cases[i].alg, hash));
                assert_true(password_needs_rehash(cases[i].other, hash));
                assert_ok(password_hash(cx, cases[i].alg, password, &again));
                assert_false(str_eq(hash, again)); /* a salt of its own */
        }
}

static void test_known_hashes(void **state) {
        Ctx *cx = *state;
        /* the crypt_blowfish vector of its author, and argon2id made by the reference tool */
        Str bcrypt = STR("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
        assert_true(is_right(cx, bcrypt, STR("U*U")));
        assert_false(is_right(cx, bcrypt, STR("U*V")));
        assert_true(password_needs_rehash(PASSWORD_BCRYPT, bcrypt));
        Str weak = STR("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
                       "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");
        assert_true(is_right(cx, weak, STR("password")));
        assert_true(password_needs_rehash(PASSWORD_ARGON2ID, weak));
}

static void test_limits(void **state) {
        Ctx *cx = *state;
        char text[200];
        Str hash = STR("untouched");
        memset(text, 'a', sizeof text);
        assert_int_equal(password_max(PASSWORD_BCRYPT), 72);
        assert_int_equal(password_max(PASSWORD_ARGON2ID), 128);
        assert_err(password_hash(cx, PASSWORD_BCRYPT, str_n(text, 73), &hash), ERR_PASSWORD_LONG);
        assert_err(password_hash(cx, PASSWORD_ARGON2ID, str_n(text, 129), &hash),
                   ERR_PASSWORD_LONG);
        err_clear(cx);
        assert_err(password_hash(cx, PASSWORD_BCRYPT, STR("abcd\0efgh"), &hash), ERR_INVALID);
        assert_str(hash, "untouched");
        /* bcrypt reads 72 bytes; a longer password with the same beginning is still wrong */
        assert_ok(password_hash(cx, PASSWORD_BCRYPT, str_n(text, 72), &hash));
        assert_true(is_right(cx, hash, str_n(text, 72)));
        assert_false(is_right(cx, hash, str_n(text, 73)));
        assert_ok(password_hash(cx, PASSWORD_ARGON2ID, str_n(text, 128), &hash));
        assert_true(is_right(cx, hash, str_n(text, 128)));
        assert_false(is_right(cx, hash, str_n(text, 200)));
}

static void test_not_a_hash(void **state) {
        Ctx *cx = *state;
        static const Str bad[] = {
                STR_NULL,
                STR(""),
                STR("plain"),
                STR("$1$abc$def"),
                STR("$argon2id$v=19$m=19456"),
                STR("$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$c29tZXNhbHQ"),
                STR("$2b$12$short"),
                STR("$2b$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                bool right = true;
                err_clear(cx);
                assert_err(password_verify(cx, bad[i], STR("password"), &right), ERR_CORRUPT);
                assert_true(right); /* failed is not "wrong": nothing is said */
                assert_true(password_needs_rehash(PASSWORD_ARGON2ID, bad[i]));
                assert_true(password_needs_rehash(PASSWORD_BCRYPT, bad[i]));
        }
}

static void test_dummy(void **state) {
        Ctx *cx = *state;
        for (PasswordAlg alg = PASSWORD_ARGON2ID; alg <= PASSWORD_BCRYPT; alg++) {
                assert_false(password_needs_rehash(alg, password_dummy(alg))); /* equal work */
                assert_false(is_right(cx, password_dummy(alg), STR("password")));
        }
}

static void test_cost(void **state) {
        Ctx *cx = *state;
        static const struct {
                const char *hash, *cost; /* NULL: none */
        } cases[] = {
                { "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2a$05$" },
                { "$2y$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2y$15$" },
                { "$2b$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", NULL },
                { "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", NULL },
                { "$2b$x5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", NULL },
                { "$2b$105CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", NULL },
                { "$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe=", NULL },
                { "$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", NULL },
                { "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
                  "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                  "$argon2id$v=19$m=256,t=2,p=1$" },
                { "$argon2id$v=19$m=65537,t=2,p=1$c29tZXNhbHQ$"
                  "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                  NULL },
                { "$argon2id$v=19$m=256,t=17,p=1$c29tZXNhbHQ$"
                  "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                  NULL },
                { "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$"
                  "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                  NULL },
                { "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$", NULL },
                { "$argon2id$v=19$m=256,t=2,p=1", NULL },
                { "$argon2id$", NULL },
                { "plain", NULL },
                { "", NULL },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Str cost = password_cost(str_c(cases[i].hash));
                if (!str_eq(cost, str_c(cases[i].cost)))
                        fail_msg("%s: %.*s", cases[i].hash, STR_FMT(cost));
        }
        for (PasswordAlg alg = PASSWORD_ARGON2ID; alg <= PASSWORD_BCRYPT; alg++) {
                Str dummy = password_dummy(alg);
                assert_true(str_eq(password_dummy_of(cx, password_cost(dummy)), dummy));
        }
        Str dear = password_dummy_of(cx, STR("$argon2id$v=19$m=64,t=3,p=1$"));
        assert_true(str_eq(password_cost(dear), STR("$argon2id$v=19$m=64,t=3,p=1$")));
        assert_false(is_right(cx, dear, STR("password"))); /* it is a hash, and nobody's */
        assert_false(is_right(cx, password_dummy_of(cx, STR("$2y$04$")), STR("password")));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST_WITH_CTX(test_round),  TEST_WITH_CTX(test_known_hashes),
                TEST_WITH_CTX(test_limits), TEST_WITH_CTX(test_not_a_hash),
                TEST_WITH_CTX(test_dummy),  TEST_WITH_CTX(test_cost),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* What needs no store: addresses, passwords, scopes, networks, claims, the change table and the
 * token cache. */
#include <pthread.h>
#include <unistd.h>

#include "base/testing.h"
#include "identity/api_key.h"
#include "identity/password_rules.h"
#include "identity/token.h"
#include "identity/token_cache.h"

static Arena *arena;
static TestWorld world = TEST_WORLD(1795170600000);
static Ctx cx;

static int begin(void **state) {
        arena = arena_new();
        cx = TEST_CTX(arena, &world.world);
        return 0;
}

static int end(void **state) {
        arena_free(arena);
        return 0;
}

/* ---- addresses ---- */

static void email_has_one_form(void **state) {
        static const struct {
                const char *in, *out;
        } rows[] = {
                { "ann@example.com", "ann@example.com" },
                { "  Ann@Example.COM\t", "ann@example.com" },
                { "ann\xef\xbc\xa0"
                  "example.com",
                  "ann@example.com" }, /* U+FF20 full width @ */
                { "ann\xef\xb9\xab"
                  "example.com",
                  "ann@example.com" },                               /* U+FE6B small @ */
                { "\xef\xbd\x81nn@example.com", "ann@example.com" }, /* U+FF41 full width a */
                { "\xe2\x84\xaa@example.com", "k@example.com" },     /* U+212A Kelvin sign */
                { "fi@example.com", "fi@example.com" },
                { "\xef\xac\x81@example.com", "fi@example.com" },          /* U+FB01 ligature */
                { "jose\xcc\x81@example.com", "jos\xc3\xa9@example.com" }, /* combining accent */
                { "\xc3\x89@example.com", "\xc3\xa9@example.com" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Str got, again;

                assert_ok(email_normalize(&cx, str_c(rows[i].in), &got));
                if (!str_eq_c(got, rows[i].out))
                        fail_msg("%s gives %.*s", rows[i].in, STR_FMT(got));
                assert_ok(email_normalize(&cx, got, &again));
                assert_true(str_eq(got, again));
        }
}

static void email_refuses(void **state) {
        char longest[400];
        static const char *const rows[] = {
                "",
                "@",
                "a@",
                "@b",
                "plain",
                "a@b@c",
                "a@@b",
                "a b@c.de",
                "a@b c",
                "a@.de",
                "a@b.",
                "a@b..de",
                "a\xef\xbc\xa0"
                "b@c.de",
                "a@b\xef\xb9\xab"
                "c",
                "a\r\nBcc: x@y.z",
                "a\n@b.de",
                "a\x01@b.de",
                "<a@b.de>",
                "a,b@c.de",
                "a@b.de>",
                "\"a\"@b.de",
                "a;b@c.de",
                "a\xe2\x80\x8b@b.de",
                "a\xe2\x80\xae@b.de",
                "a\xc2\xad@b.de",
                "a\xef\xbb\xbf@b.de",
                "a\xe3\x80\x80@b.de",
                "a\xff@b.de",
                "a\xc2\xa0@b.de",
                "a\xf3\xa0\x80\x81@b.de",
        };

        memset(longest, 'a', sizeof(longest));
        memcpy(longest + 245, "@example.com", 13);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Str got;

                if (email_normalize(&cx, str_c(rows[i]), &got) != ERR_INVALID)
                        fail_msg("row %zu is accepted: %s", i, rows[i]);
                assert_non_null(cx.err.fields);
                assert_str(cx.err.fields->pointer, "#/email");
                err_clear(&cx);
        }
        assert_err(email_normalize(&cx, str_c(longest), &(Str){ 0 }), ERR_INVALID);
        err_clear(&cx);
        assert_ok(email_normalize(&cx, str_c(longest + 3), &(Str){ 0 }));
}

/* ---- passwords ---- */

static void password_rules(void **state) {
        _cleanup_(password_rules_freep) PasswordRules *r = NULL, *bcrypt = NULL;
        char long_one[200];
        const struct {
                const char *password, *email;
                Err want;
        } rows[] = {
                { "correct horse battery", "ann@example.com", OK },
                { "short12", "ann@example.com", ERR_INVALID },
                { "password", "ann@example.com", ERR_PASSWORD_COMMON },
                { "PassWord", "ann@example.com", ERR_PASSWORD_COMMON },
                { "12345678", "ann@example.com", ERR_PASSWORD_COMMON },
                { "hgfedcba", "ann@example.com", ERR_PASSWORD_COMMON },
                { "zzzzzzzzz", "ann@example.com", ERR_PASSWORD_COMMON },
                { "ann@example.com", "ann@example.com", ERR_PASSWORD_COMMON },
                { "ANN@EXAMPLE.COM", "ann@example.com", ERR_PASSWORD_COMMON },
                { "annabelle1987!", "annabelle@example.com", ERR_PASSWORD_COMMON },
                { "Mainstay2026!", "ann@example.com", ERR_PASSWORD_COMMON },
                { "ann-and-the-bees", "ann@example.com", OK },
                { "пароль-с-точкой", "ann@example.com", OK },
        };

        assert_ok(password_rules_new(&cx, PASSWORD_ARGON2ID, NULL, &r));
        assert_ok(password_rules_new(&cx, PASSWORD_BCRYPT, NULL, &bcrypt));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Err e = password_check(&cx, r, "#/password", str_c(rows[i].password),
                                       str_c(rows[i].email));

                if (e != rows[i].want)
                        fail_msg("%s: %s", rows[i].password, err_info[e].name);
                err_clear(&cx);
        }
        for (size_t i = 0; i < sizeof(long_one); i++)
                long_one[i] = (char)('a' + i * 7 % 26);
        assert_ok(password_check(&cx, r, "#/password", str_n(long_one, 128), STR_NULL));
        assert_err(password_check(&cx, r, "#/password", str_n(long_one, 129), STR_NULL),
                   ERR_PASSWORD_LONG);
        err_clear(&cx);
        assert_ok(password_check(&cx, bcrypt, "#/password", str_n(long_one, 72), STR_NULL));
        assert_err(password_check(&cx, bcrypt, "#/password", str_n(long_one, 73), STR_NULL),
                   ERR_PASSWORD_LONG);
        err_clear(&cx);
        assert_err(password_check(&cx, r, "#/password", str_n("abcdefg\0hijk", 12), STR_NULL),
                   ERR_INVALID);
}

static void write_file(const char *path, const void *p, size_t n) {
        FILE *f = fopen(path, "wb");

        assert_non_null(f);
        assert_int_equal(fwrite(p, 1, n, f), n);
        fclose(f);
}

static void password_list_file(void **state) {
        _cleanup_(password_rules_freep) PasswordRules *r = NULL, *bad = NULL;
        char path[] = "/tmp/password-list-XXXXXX";
        unsigned char file[12 + 6] = "MSPWLST1", hash[SHA256_SIZE];

        close(mkstemp(path));
        file[11] = 1;
        sha256(STR("tr0ub4dor&3"), hash);
        memcpy(file + 12, hash, 6);
        write_file(path, file, sizeof(file));
        assert_ok(password_rules_new(&cx, PASSWORD_ARGON2ID, path, &r));
        assert_err(password_check(&cx, r, "#/password", STR("tr0ub4dor&3"), STR_NULL),
                   ERR_PASSWORD_COMMON);
        err_clear(&cx);
        assert_err(password_check(&cx, r, "#/password", STR("TR0UB4DOR&3"), STR_NULL),
                   ERR_PASSWORD_COMMON);
        err_clear(&cx);
        assert_ok(password_check(&cx, r, "#/password", STR("tr0ub4dor&4"), STR_NULL));
        write_file(path, file, sizeof(file) - 1);
        assert_err(password_rules_new(&cx, PASSWORD_ARGON2ID, path, &bad), ERR_INVALID);
        err_clear(&cx);
        unlink(path);
        assert_err(password_rules_new(&cx, PASSWORD_ARGON2ID, path, &bad), ERR_INVALID);
}

/* ---- scopes, networks ---- */

static void scopes_round_trip(void **state) {
        assert_int_equal(scope_parse(STR("memories:read")), SCOPE_MEMORIES_READ);
        assert_int_equal(scope_parse(STR("Memories:read")), 0);
        assert_int_equal(scope_parse(STR("")), 0);
        assert_int_equal(scopes_parse(STR("chat  admin nothing")), SCOPE_CHAT | SCOPE_ADMIN);
        assert_int_equal(scopes_parse(scopes_format(&cx, SCOPES_ADMIN)), SCOPES_ADMIN);
        assert_str(scopes_format(&cx, SCOPE_CHAT | SCOPE_PROFILE), "chat profile");
        assert_int_equal(SCOPES_USER & (SCOPE_ADMIN | SCOPE_METRICS | SCOPE_INTROSPECT), 0);
}

static void ip_ranges(void **state) {
        static const struct {
                const char *range, *ip;
                bool in;
        } rows[] = {
                { "10.0.0.0/8", "10.255.1.2", true },
                { "10.0.0.0/8", "11.0.0.1", false },
                { "10.1.2.3", "10.1.2.3", true },
                { "10.1.2.3", "10.1.2.4", false },
                { "10.0.0.0/9", "10.128.0.1", false },
                { "10.0.0.0/9", "10.127.0.1", true },
                { "0.0.0.0/0", "1.2.3.4", true },
                { "0.0.0.0/0", "::1", false },
                { "2001:db8::/32", "2001:db8:1::5", true },
                { "2001:db8::/33", "2001:db8:8000::1", false },
                { "::1", "::1", true },
                { "10.0.0.0/8", "::ffff:10.1.2.3", true },
                { "10.0.0.0/33", "10.0.0.1", false },
                { "nonsense", "10.0.0.1", false },
                { "10.0.0.0/8", "", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (ip_range_has(str_c(rows[i].range), str_c(rows[i].ip)) != rows[i].in)
                        fail_msg("%s has %s", rows[i].range, rows[i].ip);
        assert_true(ip_range_is(STR("192.168.0.0/16")));
        assert_false(ip_range_is(STR("192.168.0.0/")));
        assert_false(ip_range_is(STR("192.168.0.0/-1")));
        assert_false(ip_range_is(STR("192.168.0.0/16/1")));
        assert_false(ip_range_is(STR("1.2.3")));
}

/* ---- claims ---- */

static void claims_types(void **state) {
        static const char *const bad[] = {
                "",
                "[]",
                "\"x\"",
                "1",
                "{",
                "{\"sub\":\"a\",\"sub\":\"b\"}",
                "{\"sub\":true}",
                "{\"sub\":1.5}",
                "{\"sub\":[]}",
                "{\"sub\":\"a\",\"exp\":\"1\"}",
                "{\"sub\":\"a\",\"exp\":1.5}",
                "{\"sub\":\"a\",\"exp\":1e400}",
                "{\"sub\":\"a\",\"exp\":1e3}",
                "{\"sub\":\"a\",\"exp\":null}",
                "{\"sub\":\"a\",\"exp\":-1}",
                "{\"sub\":\"a\",\"iat\":-1}",
                "{\"sub\":\"a\",\"iat\":true}",
                "{\"sub\":\"a\",\"nbf\":\"0\"}",
                "{\"sub\":\"a\",\"exp\":9007199254740992}",
                "{\"sub\":\"a\",\"sid\":1}",
                "{\"sub\":\"a\",\"jti\":{}}",
                "{\"sub\":\"a\",\"iss\":[]}",
                "{\"sub\":\"a\",\"aud\":1}",
                "{\"sub\":\"a\",\"aud\":[1]}",
                "{\"sub\":\"a\",\"scope\":[]}",
                "{\"sub\":\"a\",\"email\":0}",
                "{\"sub\":\"a\",\"type\":0}",
                "{\"user_id\":{}}",
        };
        Claims c;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                if (claims_read(&cx, str_c(bad[i]), &c) != ERR_TOKEN_INVALID)
                        fail_msg("accepted: %s", bad[i]);
                err_clear(&cx);
        }
        assert_ok(claims_read(&cx,
                              STR("{\"sub\":null,\"user_id\":7,\"id\":\"x\",\"aud\":[\"a\",\"b\"],"
                                  "\"exp\":5,\"email\":null}"),
                              &c));
        assert_str(c.sub, "7");
        assert_true(claims_is_for(&c, STR("b")));
        assert_false(claims_is_for(&c, STR("c")));
}

static void claims_times(void **state) {
        const int64_t now = 1000000;
        const struct {
                Claims c;
                Err want;
        } rows[] = {
                { { .sub = STR("a"), .exp = now + 1, .has_exp = true }, OK },
                { { .sub = STR("a"), .exp = now - 10, .has_exp = true }, OK },
                { { .sub = STR("a"), .exp = now - 16, .has_exp = true }, ERR_TOKEN_EXPIRED },
                { { .sub = STR("a") }, ERR_TOKEN_INVALID },
                { { .exp = now + 1, .has_exp = true }, ERR_TOKEN_INVALID },
                { { .sub = STR(""), .exp = now + 1, .has_exp = true }, ERR_TOKEN_INVALID },
                { { .sub = STR("a"),
                    .exp = now + 1,
                    .has_exp = true,
                    .nbf = now + 15,
                    .has_nbf = true },
                  OK },
                { { .sub = STR("a"),
                    .exp = now + 1,
                    .has_exp = true,
                    .nbf = now + 16,
                    .has_nbf = true },
                  ERR_TOKEN_INVALID },
                { { .sub = STR("a"),
                    .exp = now + 1,
                    .has_exp = true,
                    .iat = now + 60,
                    .has_iat = true },
                  OK },
                { { .sub = STR("a"),
                    .exp = now + 1,
                    .has_exp = true,
                    .iat = now + 61,
                    .has_iat = true },
                  ERR_TOKEN_INVALID },
                { { .sub = STR("a"), .exp = now + 1, .has_exp = true, .use = STR("refresh") },
                  ERR_TOKEN_INVALID },
                { { .sub = STR("a"), .exp = now + 1, .has_exp = true, .use = STR("access") }, OK },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (claims_check(&cx, &rows[i].c, now) != rows[i].want)
                        fail_msg("row %zu", i);
                err_clear(&cx);
        }
}

/* ---- changes and the cache ---- */

static Changes changes;

static void changes_reset(void) {
        memset(&changes, 0, sizeof(changes));
        changes_init(&cx, &changes);
}

static void changes_are_seen(void **state) {
        ChangeRef ann, bob;
        uint64_t seen;

        changes_reset();
        ann = change_ref(&changes, CHANGE_USER, STR("ann"));
        bob = change_ref(&changes, CHANGE_SESSION, STR("bob"));
        seen = change_now(&changes);
        assert_false(change_since(&changes, seen, &ann, 1));
        change_note(&changes, ann);
        assert_true(change_since(&changes, seen, &ann, 1));
        assert_false(change_since(&changes, seen, &bob, 1));
        seen = change_now(&changes);
        assert_false(change_since(&changes, seen, &ann, 1));
        change_note_all(&changes);
        assert_true(change_since(&changes, seen, &bob, 1));
}

/* Whatever is noted while others note too is seen by whoever looked before. */
static void *note_many(void *arg) {
        const ChangeRef *ref = arg;

        for (int i = 0; i < 20000; i++) {
                uint64_t seen = change_now(&changes);

                change_note(&changes, *ref);
                if (!change_since(&changes, seen, ref, 1))
                        return (void *)1;
        }
        return NULL;
}

static void changes_from_many_threads(void **state) {
        pthread_t threads[4];
        ChangeRef refs[4];

        changes_reset();
        for (size_t i = 0; i < 4; i++) {
                refs[i].slot = (uint32_t)i / 2; /* two threads on each slot */
                pthread_create(&threads[i], NULL, note_many, &refs[i]);
        }
        for (size_t i = 0; i < 4; i++) {
                void *failed;

                pthread_join(threads[i], &failed);
                assert_null(failed);
        }
}

static void cache_gives_back_and_forgets(void **state) {
        Principal who = { .kind = WHO_SESSION,
                          .user_id = STR("usr_1"),
                          .email = STR("a@b.de"),
                          .sid = STR("ses_1"),
                          .scopes = 5,
                          .expires_at_s = world.now_ms / 1000 + 600 };
        Principal got;
        _cleanup_(token_cache_freep) TokenCache *t = NULL;
        TokenHash h;
        ChangeRef ref;

        changes_reset();
        t = token_cache_new(&cx, &changes, 64);
        h = token_hash(t, 1, STR("token"));
        ref = change_ref(&changes, CHANGE_SESSION, who.sid);
        assert_false(token_cache_get(&cx, t, h, &got));
        token_cache_put(t, h, &who, &(TokenBasis){ change_now(&changes), 1, { ref } });
        assert_true(token_cache_get(&cx, t, h, &got));
        assert_str(got.user_id, "usr_1");
        assert_str(got.sid, "ses_1");
        assert_null(got.jti.p);
        assert_int_equal(got.scopes, 5);
        assert_false(token_cache_get(&cx, t, token_hash(t, 2, STR("token")), &got));
        change_note(&changes, change_ref(&changes, CHANGE_SESSION, STR("another")));
        assert_true(token_cache_get(&cx, t, h, &got));
        change_note(&changes, ref);
        assert_false(token_cache_get(&cx, t, h, &got));
        assert_int_equal(token_cache_count(t), 0);
}

/* A revocation between look-up and put: what was learned before it is never believed after it. */
static void cache_refuses_what_is_older_than_a_change(void **state) {
        Principal who = { .kind = WHO_SESSION, .user_id = STR("usr_1") }, got;
        _cleanup_(token_cache_freep) TokenCache *t = NULL;
        uint64_t seen;
        ChangeRef ref;
        TokenHash h;

        changes_reset();
        t = token_cache_new(&cx, &changes, 64);
        h = token_hash(t, 1, STR("token"));
        ref = change_ref(&changes, CHANGE_USER, who.user_id);
        seen = change_now(&changes);
        change_note(&changes, ref);
        token_cache_put(t, h, &who, &(TokenBasis){ seen, 1, { ref } });
        assert_false(token_cache_get(&cx, t, h, &got));
}

static void cache_is_bounded_and_expires(void **state) {
        Principal who = { .kind = WHO_SESSION,
                          .user_id = STR("usr_1"),
                          .expires_at_s = world.now_ms / 1000 + 10 },
                  got;
        _cleanup_(token_cache_freep) TokenCache *t = NULL;
        TokenHash h;

        changes_reset();
        t = token_cache_new(&cx, &changes, 128);
        for (int i = 0; i < 10000; i++)
                token_cache_put(t, token_hash(t, 1, arena_strf(arena, "token %d", i)), &who,
                                &(TokenBasis){ .seen = change_now(&changes) });
        assert_true(token_cache_count(t) <= 128);
        h = token_hash(t, 1, STR("token 9999"));
        assert_true(token_cache_get(&cx, t, h, &got));
        world.now_ms += 10000;
        assert_false(token_cache_get(&cx, t, h, &got));
        world.now_ms -= 10000;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(email_has_one_form),
                cmocka_unit_test(email_refuses),
                cmocka_unit_test(password_rules),
                cmocka_unit_test(password_list_file),
                cmocka_unit_test(scopes_round_trip),
                cmocka_unit_test(ip_ranges),
                cmocka_unit_test(claims_types),
                cmocka_unit_test(claims_times),
                cmocka_unit_test(changes_are_seen),
                cmocka_unit_test(changes_from_many_threads),
                cmocka_unit_test(cache_gives_back_and_forgets),
                cmocka_unit_test(cache_refuses_what_is_older_than_a_change),
                cmocka_unit_test(cache_is_bounded_and_expires),
        };

        return cmocka_run_group_tests(tests, begin, end);
}

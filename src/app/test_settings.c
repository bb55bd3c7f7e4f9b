// SPDX-License-Identifier: MIT
#include "base/testing.h"

#include <unistd.h>

#include "app/app.h"

typedef struct Fixture {
        Arena *arena;
        TestWorld world;
        Ctx cx;
        char file[64];
} Fixture;

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof *f);
        f->arena = arena_new();
        f->world = TEST_WORLD(0);
        f->cx = TEST_CTX(f->arena, &f->world.world);
        snprintf(f->file, sizeof f->file, "/tmp/mainstay-settings-XXXXXX");
        close(mkstemp(f->file));
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        unlink(f->file);
        arena_free(f->arena);
        free(f);
        return 0;
}

static void file_put(const Fixture *f, const char *text) {
        FILE *out = fopen(f->file, "w");
        assert_non_null(out);
        fputs(text, out);
        fclose(out);
}

static Err load(Fixture *f, const char *text, char *const *env, Settings *ret) {
        file_put(f, text);
        err_clear(&f->cx);
        return settings_load(
                &f->cx, &(SettingsSource){ .file = f->file, .environ = env, .rooms = app_check },
                ret);
}

static bool named(const Fixture *f, const char *pointer, const char *text) {
        for (const FieldErr *e = f->cx.err.fields; e; e = e->next)
                if (str_eq_c(e->pointer, pointer) && str_contains(e->detail, str_c(text)))
                        return true;
        return false;
}

static void test_precedence(void **state) {
        Settings s;
        char *env[] = { "LISTEN=127.0.0.1:1", "PATH=/bin", NULL };
        assert_ok(load(*state, "LISTEN: 127.0.0.1:2\nWORKERS: 3\nREGISTRATION: off\n", env, &s));
        assert_str(s.listen, "127.0.0.1:1");
        assert_int_equal(s.workers, 3);
        assert_true(s.registration_closed);
        assert_str(s.data_dir, "./data");
        assert_str(s.public_url, "http://127.0.0.1:1");
        assert_str(s.log_level, "DEBUG");
}

static void test_every_fault_is_named(void **state) {
        Fixture *f = *state;
        Settings s = { .workers = -1 };
        char *env[] = { "ENVIRONMENT=production",
                        "LIMITS=off",
                        "SKIP_AUTH=true",
                        "CONTEXT_TOKENS=many",
                        "PASSWORD_HASH=md5",
                        "JWT_SECRET_KEY=short",
                        NULL };
        assert_err(load(f, "WORKRS: 4\nWORKERS: 0\n", env, &s), ERR_INVALID);
        assert_int_equal(s.workers, -1);
        assert_true(named(f, "WORKRS", "nearest is WORKERS"));
        assert_true(named(f, "WORKERS", "from 1 to 256"));
        assert_true(named(f, "LIMITS", "production"));
        assert_true(named(f, "SKIP_AUTH", "production"));
        assert_true(named(f, "CONTEXT_TOKENS", "whole number"));
        assert_true(named(f, "PASSWORD_HASH", "argon2id|bcrypt"));
        assert_true(named(f, "JWT_SECRET_KEY", "32 bytes"));
}

/* What only the rooms know is named beside what the table knows, and nothing is made. */
static void test_rooms_are_asked(void **state) {
        Fixture *f = *state;
        Settings s;
        char *env[] = { "WORKERS=0",
                        "LISTEN=nonsense",
                        "DATA_DIR=/dev/null/data",
                        "PUBLIC_URL=ftp://a.example",
                        "SMTP_URL=http://a.example",
                        "TRUSTED_PROXIES=nonsense",
                        "HEALTH_CHECKS=[{",
                        "LLM_PROVIDERS={",
                        "JWT_SECRET_KEY=your-secret-key-your-secret-key-1",
                        NULL };
        assert_err(load(f, "", env, &s), ERR_INVALID);
        for (char **e = env; *e; e++) {
                char *name = arena_printf(f->arena, "%.*s", (int)strcspn(*e, "="), *e);
                if (!named(f, name, ""))
                        fail_msg("%s is not named", name);
        }
        assert_true(named(f, "HEALTH_CHECKS", "not a JSON list"));
        char *good[] = { "DATA_DIR=/tmp/mainstay-settings-none", NULL };
        assert_ok(load(f, "", good, &s));
        assert_int_not_equal(access("/tmp/mainstay-settings-none", F_OK), 0);
}

static void test_value_from_a_file(void **state) {
        Fixture *f = *state;
        Settings s;
        file_put(f, "0123456789abcdef0123456789abcdef\n");
        char *env[] = { arena_printf(f->arena, "JWT_SECRET_KEY_FILE=%s", f->file), NULL };
        assert_ok(settings_load(&f->cx, &(SettingsSource){ .environ = env }, &s));
        assert_str(s.jwt_secret_key, "0123456789abcdef0123456789abcdef");
        char *both[] = { env[0], "JWT_SECRET_KEY=0123456789abcdef0123456789abcdef", NULL };
        assert_err(settings_load(&f->cx, &(SettingsSource){ .environ = both }, &s), ERR_INVALID);
        assert_true(named(f, "JWT_SECRET_KEY", "both"));
}

static void test_a_file_that_is_none(void **state) {
        Fixture *f = *state;
        Settings s;
        char *env[] = { NULL };
        assert_err(load(f, "LISTEN: {a: b}\n", env, &s), ERR_INVALID);
        err_clear(&f->cx);
        assert_err(settings_load(&f->cx,
                                 &(SettingsSource){ .file = "/nonexistent.yaml", .environ = env },
                                 &s),
                   ERR_INVALID);
}

static void test_secrets_are_masked(void **state) {
        Fixture *f = *state;
        Settings s;
        char *env[] = { "LLM_API_KEY=sk-very-secret",
                        "CORS_ORIGINS=https://a.example, https://b.example", NULL };
        assert_ok(load(f, "", env, &s));
        for (int form = SETTINGS_TEXT; form <= SETTINGS_ENV_EXAMPLE; form++) {
                _cleanup_(buf_done) Buf out = BUF(1 << 20);
                settings_print(&f->cx, &s, (SettingsForm)form, &out);
                assert_false(str_contains(buf_str(&out), STR("very-secret")));
                assert_true(str_contains(buf_str(&out), STR("LLM_API_KEY")));
        }
        assert_int_equal(s.cors_origins.n, 2);
        assert_str(s.cors_origins.v[1], "https://b.example");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_precedence, setup, teardown),
                cmocka_unit_test_setup_teardown(test_every_fault_is_named, setup, teardown),
                cmocka_unit_test_setup_teardown(test_rooms_are_asked, setup, teardown),
                cmocka_unit_test_setup_teardown(test_value_from_a_file, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_file_that_is_none, setup, teardown),
                cmocka_unit_test_setup_teardown(test_secrets_are_masked, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

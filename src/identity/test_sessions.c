// SPDX-License-Identifier: MIT
/* Sessions, keys and passwords over the real store. */
#include "codec/radix.h"
#include "crypto/totp.h"
#include "identity/api_key.h"
#include "identity/mfa.h"
#include "identity/once.h"
#include "identity/operate.h"
#include "identity/testing_int.h"

static int begin(void **state) {
        *state = fix_new(&(IdentitySettings){ .jwt_secret = STR(TEST_SECRET) });
        return 0;
}

static int end(void **state) {
        fix_free(*state);
        return 0;
}

/* ---- refresh ---- */

typedef struct Turn {
        Fix *f;
        Str token;
        RotationVerdict verdict;
        SessionGrant grant;
} Turn;

static Err turn_write(Ctx *cx, DbConn *c, void *arg) {
        Turn *t = arg;
        Work w = { t->f->id, c, { STR("192.0.2.9"), STR("x") } };

        return session_refresh(cx, &w, t->token, &t->verdict, &t->grant);
}

static Turn refresh(Fix *f, Str token) {
        Turn t = { f, token };

        OKF(f, db_write(&f->cx, f->db, turn_write, &t));
        return t;
}

static void rotates_and_retries_identically(void **state) {
        Fix *f = *state;
        User u = fix_user(f, "ann@example.com");
        SessionGrant first = fix_session(f, u, false);
        Turn a, b;
        Principal p;

        f->world.now_ms += 5000;
        a = refresh(f, first.refresh_token);
        assert_int_equal(a.verdict, ROTATE_NEXT);
        f->world.now_ms += 29000;
        b = refresh(f, first.refresh_token);
        assert_int_equal(b.verdict, ROTATE_SAME);
        assert_true(str_eq(a.grant.refresh_token, b.grant.refresh_token));
        assert_true(str_eq(a.grant.access_token, b.grant.access_token));
        assert_int_equal(a.grant.expires_in, b.grant.expires_in);
        assert_int_equal(a.grant.refresh_expires_in, b.grant.refresh_expires_in);
        OKF(f, fix_bearer(f, a.grant.access_token, &p));
        assert_true(str_eq(p.user_id, u.user_id));
        assert_true(str_eq(p.sid, first.session_id));
}

static int64_t audit_count(Fix *f, const char *event) {
        AuditRecords list;

        OKF(f, audit_list(&f->cx, f->id->audit, fix_read(f),
                          &(AuditFilter){ .event = str_c(event), .limit = 100 }, &list));
        return (int64_t)list.n;
}

static void reuse_ends_the_session_at_once(void **state) {
        Fix *f = *state;
        User u = fix_user(f, "bob@example.com");
        SessionGrant g = fix_session(f, u, false), other = fix_session(f, u, false);
        Turn second, third;
        Principal p;

        second = refresh(f, g.refresh_token);
        third = refresh(f, second.grant.refresh_token);
        OKF(f, fix_bearer(f, third.grant.access_token, &p));
        assert_int_equal(refresh(f, g.refresh_token).verdict, ROTATE_REUSED);
        assert_err(fix_bearer(f, third.grant.access_token, &p), ERR_TOKEN_INVALID);
        assert_err(fix_bearer(f, g.access_token, &p), ERR_TOKEN_INVALID);
        assert_int_equal(refresh(f, third.grant.refresh_token).verdict, ROTATE_UNKNOWN);
        assert_int_equal(audit_count(f, "authn_token_reuse"), 1);
        OKF(f, fix_bearer(f, other.access_token, &p));
        assert_int_equal(refresh(f, other.refresh_token).verdict, ROTATE_NEXT);
}

static void previous_after_the_window_is_reuse(void **state) {
        Fix *f = *state;
        SessionGrant g = fix_session(f, fix_user(f, "eve@example.com"), false);

        assert_int_equal(refresh(f, g.refresh_token).verdict, ROTATE_NEXT);
        f->world.now_ms += ROTATION_RETRY_MS + 1;
        assert_int_equal(refresh(f, g.refresh_token).verdict, ROTATE_REUSED);
}

static void forged_tokens_change_nothing(void **state) {
        Fix *f = *state;
        SessionGrant g = fix_session(f, fix_user(f, "zoe@example.com"), false);
        Str t = arena_dup(f->arena, g.refresh_token);
        static const char *const bad[] = { "", "mr_", "mr_AAAA", "x", "ms_abc", "mr_!!!!" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(refresh(f, str_c(bad[i])).verdict, ROTATE_UNKNOWN);
        for (size_t i = 3; i < t.n; i++) { /* each character altered in turn */
                char *p = (char *)t.p + i, was = *p;

                *p = was == 'A' ? 'B' : 'A';
                assert_int_equal(refresh(f, t).verdict, ROTATE_UNKNOWN);
                *p = was;
        }
        assert_int_equal(refresh(f, g.access_token).verdict, ROTATE_UNKNOWN);
        assert_int_equal(refresh(f, t).verdict, ROTATE_NEXT);
}

static void lifetimes_idle_slides_absolute_does_not(void **state) {
        Fix *f = *state;
        User u = fix_user(f, "max@example.com");
        SessionGrant g = fix_session(f, u, false), idle = fix_session(f, u, false);
        Str token = g.refresh_token;
        int rounds = 0;

        f->world.now_ms += 12 * 3600 * 1000;
        assert_int_equal(refresh(f, idle.refresh_token).verdict, ROTATE_EXPIRED);
        f->world.now_ms -= 12 * 3600 * 1000;
        for (;;) {
                Turn t = refresh(f, token);

                if (t.verdict != ROTATE_NEXT)
                        break;
                assert_true(t.grant.refresh_expires_in <= 24 * 3600 - rounds * 6 * 3600);
                token = t.grant.refresh_token;
                rounds++;
                f->world.now_ms += 6 * 3600 * 1000;
        }
        assert_int_equal(rounds, 4);
}

static int64_t rows_in(Fix *f, const Sql *count) {
        _cleanup_(rows_done) Rows r = { 0 };

        OKF(f, db_row(&f->cx, fix_read(f), count, NO_ARGS, &r));
        return row_int(&r, 0);
}

/* However many sign in: what has expired goes, a bounded piece at a time. */
static void expired_rows_go(void **state) {
        static const Sql sessions = { "count_sessions", "SELECT COUNT(*) FROM sessions" };
        static const Sql failures = { "count_failures", "SELECT COUNT(*) FROM login_failures" };
        Fix *f = *state;
        User u = fix_user(f, "often@example.com");
        LoginInput wrong = {
                STR("nobody@example.com"), STR("wrong password"), false, { STR("ip"), STR("ua") }
        };
        LoginResult r;

        for (int i = 0; i < 300; i++)
                fix_session(f, u, i % 2);
        assert_err(login_password(&f->cx, f->id, &wrong, &r), ERR_CREDENTIALS);
        err_clear(&f->cx);
        assert_int_equal(rows_in(f, &failures), 1);
        OKF(f, identity_tick(&f->cx, f->id));
        assert_int_equal(rows_in(f, &sessions), 300);
        f->world.now_ms += INT64_C(26) * 3600 * 1000;
        OKF(f, identity_tick(&f->cx, f->id));
        assert_int_equal(rows_in(f, &sessions), 150);
        assert_int_equal(rows_in(f, &failures), 0);
        f->world.now_ms += INT64_C(31) * 86400 * 1000;
        OKF(f, identity_tick(&f->cx, f->id));
        assert_int_equal(rows_in(f, &sessions), 0);
}

/* ---- ending ---- */

typedef struct EndAll {
        Fix *f;
        Str user_id, keep;
        int64_t n;
} EndAll;

static Err end_all_write(Ctx *cx, DbConn *c, void *arg) {
        EndAll *e = arg;
        Work w = fix_work(e->f, c);

        return session_end_all(cx, &w, e->user_id, e->keep, &e->n);
}

static void end_all_keeps_one(void **state) {
        Fix *f = *state;
        User u = fix_user(f, "may@example.com"), v = fix_user(f, "may2@example.com");
        SessionGrant a = fix_session(f, u, false), b = fix_session(f, u, true),
                     c = fix_session(f, v, false);
        EndAll e = { f, u.user_id, b.session_id };
        Principal p;

        OKF(f, fix_bearer(f, a.access_token, &p)); /* now it is in the cache */
        OKF(f, db_write(&f->cx, f->db, end_all_write, &e));
        assert_int_equal(e.n, 1);
        assert_err(fix_bearer(f, a.access_token, &p), ERR_TOKEN_INVALID);
        OKF(f, fix_bearer(f, b.access_token, &p));
        OKF(f, fix_bearer(f, c.access_token, &p));
}

static Err end_other_write(Ctx *cx, DbConn *c, void *arg) {
        EndAll *e = arg;
        Work w = fix_work(e->f, c);

        return session_end(cx, &w, e->user_id, e->keep);
}

static void nobody_ends_anothers_session(void **state) {
        Fix *f = *state;
        User u = fix_user(f, "tom@example.com"), v = fix_user(f, "tim@example.com");
        SessionGrant a = fix_session(f, u, false);
        EndAll e = { f, v.user_id, a.session_id };
        Principal p;

        assert_err(db_write(&f->cx, f->db, end_other_write, &e), ERR_NOT_FOUND);
        OKF(f, fix_bearer(f, a.access_token, &p));
}

static Err disable_write(Ctx *cx, DbConn *c, void *arg) {
        FixStart *s = arg;
        Work w = fix_work(s->f, c);

        return user_save_admin(cx, &w, &s->user);
}

static void admin_changes_bite_at_once(void **state) {
        Fix *f = *state;
        FixStart s = { f, fix_user(f, "kim@example.com") };
        SessionGrant g = fix_session(f, s.user, false);
        Principal p;

        OKF(f, fix_bearer(f, g.access_token, &p));
        assert_int_equal(p.tier, TIER_FREE);
        assert_false(p.scopes & SCOPE_ADMIN);
        s.user.tier = TIER_PRO;
        OKF(f, db_write(&f->cx, f->db, disable_write, &s));
        OKF(f, fix_bearer(f, g.access_token, &p));
        assert_int_equal(p.tier, TIER_PRO);
        assert_int_equal(p.max_memories, 100000);
        s.user.is_active = false;
        OKF(f, db_write(&f->cx, f->db, disable_write, &s));
        assert_err(fix_bearer(f, g.access_token, &p), ERR_FORBIDDEN);
}

/* ---- keys ---- */

typedef struct KeyJob {
        Fix *f;
        Principal who;
        ApiKeyNew in;
        ApiKeyTurn turn;
        ApiKeyMade made;
} KeyJob;

static Err key_create_write(Ctx *cx, DbConn *c, void *arg) {
        KeyJob *k = arg;
        Work w = fix_work(k->f, c);

        return api_key_create(cx, &w, &k->who, &k->in, &k->made);
}
static Err key_rotate_write(Ctx *cx, DbConn *c, void *arg) {
        KeyJob *k = arg;
        Work w = fix_work(k->f, c);

        return api_key_rotate(cx, &w, &k->who, &k->turn, &k->made);
}
static Err key_delete_write(Ctx *cx, DbConn *c, void *arg) {
        KeyJob *k = arg;
        Work w = fix_work(k->f, c);

        return api_key_delete(cx, &w, k->who.user_id, k->turn.key_id);
}

static KeyJob key_job(Fix *f, User u, uint32_t scopes) {
        static const Str words[] = { STR("chat"), STR("keys:manage") };

        return (KeyJob){ .f = f,
                         .who = { .kind = WHO_SESSION, .user_id = u.user_id, .scopes = scopes },
                         .in = { .name = STR("ci"), .scopes = { words, 2 } } };
}

static void key_lives_rotates_and_dies(void **state) {
        Fix *f = *state;
        KeyJob k = key_job(f, fix_user(f, "key@example.com"), SCOPES_USER);
        Principal p;
        Str old;

        OKF(f, db_write(&f->cx, f->db, key_create_write, &k));
        OKF(f, fix_bearer(f, k.made.text, &p));
        assert_int_equal(p.kind, WHO_API_KEY);
        assert_int_equal(p.scopes, SCOPE_CHAT | SCOPE_KEYS_MANAGE);
        k.turn.key_id = k.made.key.key_id;
        old = k.made.text;
        k.turn.overlap_s = 60;
        OKF(f, db_write(&f->cx, f->db, key_rotate_write, &k));
        OKF(f, fix_bearer(f, k.made.text, &p));
        OKF(f, fix_bearer(f, old, &p));
        f->world.now_ms += 60000;
        assert_err(fix_bearer(f, old, &p), ERR_TOKEN_INVALID);
        OKF(f, fix_bearer(f, k.made.text, &p));
        OKF(f, db_write(&f->cx, f->db, key_delete_write, &k));
        assert_err(fix_bearer(f, k.made.text, &p), ERR_TOKEN_INVALID);
}

static void key_gets_no_more_than_its_maker(void **state) {
        Fix *f = *state;
        User u = fix_user(f, "key2@example.com");
        KeyJob less = key_job(f, u, SCOPE_CHAT), full = key_job(f, u, SCOPES_USER),
               admin = key_job(f, u, SCOPES_ADMIN);
        static const Str admin_word = STR("admin");

        assert_err(db_write(&f->cx, f->db, key_create_write, &less), ERR_SCOPE);
        err_clear(&f->cx);
        OKF(f, db_write(&f->cx, f->db, key_create_write, &full));
        less.turn.key_id = full.made.key.key_id;
        assert_err(db_write(&f->cx, f->db, key_rotate_write, &less), ERR_SCOPE);
        err_clear(&f->cx);
        admin.in.scopes = (Strs){ &admin_word, 1 };
        OKF(f, db_write(&f->cx, f->db, key_create_write, &admin));
        admin.who.kind = WHO_API_KEY;
        assert_err(db_write(&f->cx, f->db, key_create_write, &admin), ERR_SCOPE);
}

static void key_expires_and_knows_its_network(void **state) {
        Fix *f = *state;
        KeyJob k = key_job(f, fix_user(f, "key3@example.com"), SCOPES_USER);
        static const Str net = STR("198.51.100.0/24");
        Principal p;

        k.in.expires_days = 1;
        OKF(f, db_write(&f->cx, f->db, key_create_write, &k));
        OKF(f, fix_bearer(f, k.made.text, &p));
        f->world.now_ms += INT64_C(86400000);
        assert_err(fix_bearer(f, k.made.text, &p), ERR_TOKEN_EXPIRED);
        k.in = (ApiKeyNew){ .name = STR("net"), .scopes = k.in.scopes, .ip_ranges = { &net, 1 } };
        OKF(f, db_write(&f->cx, f->db, key_create_write, &k));
        assert_err(fix_bearer(f, k.made.text, &p), ERR_TOKEN_INVALID);
        err_clear(&f->cx);
        OKF(f, identity_authenticate(
                       &f->cx, f->id,
                       &(Credentials){ .x_api_key = k.made.text, .client_ip = STR("198.51.100.7") },
                       &p));
        assert_err(fix_bearer(f, k.made.text, &p), ERR_TOKEN_INVALID);
}

/* ---- passwords ---- */

static LoginInput login_input(const char *email, const char *password) {
        return (LoginInput){
                str_c(email), str_c(password), false, { STR("192.0.2.1"), STR("agent") }
        };
}

static void register_and_login(void **state) {
        Fix *f = *state;
        RegisterInput in = { STR("New@Example.com"),
                             STR("a fine long password"),
                             STR("New"),
                             STR_NULL,
                             { STR("ip"), STR("ua") } };
        LoginInput right = login_input("new@example.com", "a fine long password"),
                   wrong = login_input("NEW@example.com", "nope nope");
        LoginResult r;
        User u, again;
        bool accepted;
        Principal p;

        OKF(f, account_register(&f->cx, f->id, &in, &u, &accepted));
        assert_false(accepted);
        assert_str(u.email, "new@example.com");
        assert_true(str_starts(u.user_id, STR("usr_")));
        assert_int_equal(u.user_id.n, 30);
        assert_err(account_register(&f->cx, f->id, &in, &again, &accepted), ERR_EMAIL_TAKEN);
        err_clear(&f->cx);
        in.email = STR("new\xef\xbc\xa0"
                       "example.com"); /* the same address with a full width @ */
        assert_err(account_register(&f->cx, f->id, &in, &again, &accepted), ERR_EMAIL_TAKEN);
        err_clear(&f->cx);
        assert_err(login_password(&f->cx, f->id, &wrong, &r), ERR_CREDENTIALS);
        err_clear(&f->cx);
        OKF(f, login_password(&f->cx, f->id, &right, &r));
        OKF(f, fix_bearer(f, r.grant.access_token, &p));
        assert_true(str_eq(p.user_id, u.user_id));
        assert_int_equal(audit_count(f, "authn_login_successafterfail"), 1);
}

/* A hash of another system is taken as it is, and replaced when its password is next seen. */
static void imported_hashes_are_upgraded(void **state) {
        Fix *f = *state;
        LoginInput in = login_input("old@example.com", "an old fine password");
        LoginResult r;
        Str hash, line;
        User u, after;

        OKF(f, password_hash(&f->cx, PASSWORD_BCRYPT, in.password, &hash));
        line = arena_strf(
                f->arena,
                "{\"email\":\"Old@Example.com\",\"password_hash\":\"%.*s\",\"tier\":\"pro\"}",
                STR_FMT(hash));
        OKF(f, operate_user_import(&f->cx, f->id, line, &u));
        assert_int_equal(u.tier, TIER_PRO);
        assert_true(u.is_verified);
        assert_err(operate_user_import(&f->cx, f->id, line, &u), ERR_EMAIL_TAKEN);
        err_clear(&f->cx);
        OKF(f, login_password(&f->cx, f->id, &in, &r));
        OKF(f, user_load(&f->cx, &(Work){ .id = f->id, .c = fix_read(f) }, r.grant.user.user_id,
                         &after));
        assert_true(str_starts(after.password_hash, STR("$argon2id$")));
        OKF(f, login_password(&f->cx, f->id, &in, &r));
        static const char *const bad[] = {
                "",
                "{}",
                "[]",
                "{\"email\":\"x@y.z\"}",
                "{\"email\":\"x@y.z\",\"password_hash\":\"$1$md5\"}",
                "{\"email\":\"nobody\",\"password\":\"a fine password\"}",
                "{\"email\":\"x@y.z\",\"password\":\"password\"}",
                "{\"email\":\"x@y.z\",\"password\":\"a fine password\",\"is_admin\":true}",
        };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                if (operate_user_import(&f->cx, f->id, str_c(bad[i]), &u) == OK)
                        fail_msg("imported: %s", bad[i]);
                err_clear(&f->cx);
        }
}

/* The counter of an address that has no account is the counter of one that has. */
static void lockout_is_equal_for_unknown_addresses(void **state) {
        Fix *f = *state;
        static const char *const emails[] = { "lock@example.com", "nobody@example.com" };

        fix_user(f, emails[0]);
        for (size_t i = 0; i < ELEMENTSOF(emails); i++) {
                LoginInput in = login_input(emails[i], "wrong password");
                LoginResult r;

                for (int n = 0; n < 4; n++) {
                        assert_err(login_password(&f->cx, f->id, &in, &r), ERR_CREDENTIALS);
                        err_clear(&f->cx);
                }
                assert_err(login_password(&f->cx, f->id, &in, &r), ERR_LOCKED);
                assert_int_equal(f->cx.err.retry_after_s, 1);
                err_clear(&f->cx);
                f->world.now_ms += 1000;
                assert_err(login_password(&f->cx, f->id, &in, &r), ERR_CREDENTIALS);
                err_clear(&f->cx);
                assert_err(login_password(&f->cx, f->id, &in, &r), ERR_LOCKED);
                assert_int_equal(f->cx.err.retry_after_s, 2);
                err_clear(&f->cx);
        }
}

/* ---- one time tokens, second factor ---- */

typedef struct OnceJob {
        Fix *f;
        Str user_id, data, token;
        OnceInfo info;
} OnceJob;

static Err once_new_write(Ctx *cx, DbConn *c, void *arg) {
        OnceJob *o = arg;
        Work w = fix_work(o->f, c);

        return once_new(cx, &w, &(OnceNew){ ONCE_RESET, o->user_id, o->data, 600 }, &o->token);
}
static Err once_redeem_write(Ctx *cx, DbConn *c, void *arg) {
        OnceJob *o = arg;
        Work w = fix_work(o->f, c);

        return once_redeem(cx, &w, ONCE_RESET, o->token, &o->info);
}
static Err once_redeem_other_write(Ctx *cx, DbConn *c, void *arg) {
        OnceJob *o = arg;
        Work w = fix_work(o->f, c);

        return once_redeem(cx, &w, ONCE_VERIFY, o->token, &o->info);
}

static void once_is_once(void **state) {
        Fix *f = *state;
        OnceJob o = { f, fix_user(f, "once@example.com").user_id, STR("some data") };
        Str first;

        OKF(f, db_write(&f->cx, f->db, once_new_write, &o));
        first = o.token;
        assert_err(db_write(&f->cx, f->db, once_redeem_other_write, &o),
                   ERR_LINK_INVALID); /* another purpose */
        err_clear(&f->cx);
        OKF(f, db_write(&f->cx, f->db, once_new_write, &o));
        o.token = first;
        assert_err(db_write(&f->cx, f->db, once_redeem_write, &o),
                   ERR_LINK_INVALID); /* voided by the newer one */
        err_clear(&f->cx);
        OKF(f, db_write(&f->cx, f->db, once_new_write, &o));
        OKF(f, db_write(&f->cx, f->db, once_redeem_write, &o));
        assert_str(o.info.data, "some data");
        assert_err(db_write(&f->cx, f->db, once_redeem_write, &o), ERR_LINK_INVALID);
        err_clear(&f->cx);
        OKF(f, db_write(&f->cx, f->db, once_new_write, &o));
        f->world.now_ms += 600 * 1000;
        assert_err(db_write(&f->cx, f->db, once_redeem_write, &o), ERR_LINK_INVALID);
}

typedef struct MfaJob {
        Fix *f;
        User user;
        Str code, secret, uri, token;
        Str codes[RECOVERY_CODES];
        MfaResult result;
} MfaJob;

static Err mfa_enroll_write(Ctx *cx, DbConn *c, void *arg) {
        MfaJob *m = arg;
        Work w = fix_work(m->f, c);

        return mfa_enroll(cx, &w, &m->user, &m->secret, &m->uri);
}
static Err mfa_confirm_write(Ctx *cx, DbConn *c, void *arg) {
        MfaJob *m = arg;
        Work w = fix_work(m->f, c);

        return mfa_confirm(cx, &w, m->user.user_id, m->code, m->codes);
}
static Err mfa_begin_write(Ctx *cx, DbConn *c, void *arg) {
        MfaJob *m = arg;
        Work w = fix_work(m->f, c);

        return mfa_begin(cx, &w, m->user.user_id, false, &m->token);
}
static Err mfa_finish_write(Ctx *cx, DbConn *c, void *arg) {
        MfaJob *m = arg;
        Work w = fix_work(m->f, c);

        return mfa_finish(cx, &w, m->token, m->code, &m->result);
}

static Str code_now(MfaJob *m) {
        char text[TOTP_DIGITS + 1];
        Str secret;

        assert_true(base32_decode(m->f->arena, m->secret, &secret));
        totp_code(secret, m->f->world.now_ms / 1000 / TOTP_STEP_S, text);
        return arena_dup(m->f->arena, str_c(text));
}

static MfaVerdict mfa_try(MfaJob *m, Str code) {
        m->code = code;
        OKF(m->f, db_write(&m->f->cx, m->f->db, mfa_finish_write, m));
        return m->result.verdict;
}

static void second_factor(void **state) {
        Fix *f = *state;
        MfaJob m = { .f = f, .user = fix_user(f, "mfa@example.com") };
        Str used;

        OKF(f, db_write(&f->cx, f->db, mfa_enroll_write, &m));
        m.code = STR("000000");
        assert_err(db_write(&f->cx, f->db, mfa_confirm_write, &m), ERR_CODE_INVALID);
        err_clear(&f->cx);
        m.code = used = code_now(&m);
        OKF(f, db_write(&f->cx, f->db, mfa_confirm_write, &m));
        assert_err(db_write(&f->cx, f->db, mfa_enroll_write, &m), ERR_CONFLICT);
        err_clear(&f->cx);
        OKF(f, db_write(&f->cx, f->db, mfa_begin_write, &m));
        assert_int_equal(mfa_try(&m, used), MFA_WRONG); /* each step counts once */
        f->world.now_ms += 30000;
        assert_int_equal(mfa_try(&m, code_now(&m)), MFA_OK);
        assert_int_equal(mfa_try(&m, m.codes[0]), MFA_TOKEN_BAD); /* so does the token */
        OKF(f, db_write(&f->cx, f->db, mfa_begin_write, &m));
        assert_int_equal(mfa_try(&m, m.codes[3]), MFA_OK);
        OKF(f, db_write(&f->cx, f->db, mfa_begin_write, &m));
        assert_int_equal(mfa_try(&m, m.codes[3]), MFA_WRONG);
        for (int i = 1; i < MFA_TRIES; i++)
                assert_int_equal(mfa_try(&m, STR("123456")), MFA_WRONG);
        assert_int_equal(mfa_try(&m, m.codes[4]), MFA_WAIT); /* five tries, then a wait … */
        f->world.now_ms += 60 * 1000;
        assert_int_equal(mfa_try(&m, m.codes[4]), MFA_TOKEN_BAD); /* … with a spent token */
        OKF(f, db_write(&f->cx, f->db, mfa_begin_write, &m));
        assert_int_equal(mfa_try(&m, STR("123456")), MFA_WRONG);
        OKF(f, db_write(&f->cx, f->db, mfa_begin_write, &m));
        assert_int_equal(mfa_try(&m, m.codes[4]), MFA_WAIT); /* a new one waits too */
}

int main(void) {
#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
        const struct CMUnitTest tests[] = {
                T(rotates_and_retries_identically),
                T(reuse_ends_the_session_at_once),
                T(previous_after_the_window_is_reuse),
                T(forged_tokens_change_nothing),
                T(lifetimes_idle_slides_absolute_does_not),
                T(expired_rows_go),
                T(end_all_keeps_one),
                T(nobody_ends_anothers_session),
                T(admin_changes_bite_at_once),
                T(key_lives_rotates_and_dies),
                T(key_gets_no_more_than_its_maker),
                T(key_expires_and_knows_its_network),
                T(register_and_login),
                T(imported_hashes_are_upgraded),
                T(lockout_is_equal_for_unknown_addresses),
                T(once_is_once),
                T(second_factor),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

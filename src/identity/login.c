// SPDX-License-Identifier: MIT
#include "identity/login.h"

#include "identity/identity_int.h"
#include "identity/lockout.h"
#include "identity/mfa.h"
#include "identity/notice.h"
#include "identity/once.h"

enum { VERIFY_TTL_S = 86400, NOTICE_EVERY_MS = 3600 * 1000 };

/* ---- failures ---- */

static Str lockout_name(Ctx *cx, Identity *id, Str account) { return identity_index(cx, id, "lockout", account); }

static Err lockout_load(Ctx *cx, Identity *id, DbConn *c, Str account, Lockout *ret) {
        _cleanup_(rows_done) Rows r = {0};
        Err e = db_row(cx, c, &sql_failures_get, ARGS(v_blob(lockout_name(cx, id, account))), &r);

        if (e && e != ERR_NOT_FOUND)
                return e;
        *ret = e ? (Lockout){0} : (Lockout){ row_int(&r, 0), row_int(&r, 1), row_int(&r, 2) };
        return OK;
}

Err lockout_check(Ctx *cx, Identity *id, DbConn *c, Str account) {
        Lockout l;
        int64_t wait;

        TRY(lockout_load(cx, id, c, account, &l));
        wait = lockout_wait_s(&l, cx_now_ms(cx));
        if (!wait)
                return OK;
        RAISE(cx, ERR_LOCKED, "%lld failures", (long long)l.failures);
        cx->err.retry_after_s = wait;
        return ERR_LOCKED;
}

Err login_failed(Ctx *cx, Identity *id, DbConn *c, Str account, Str owner, const char *event, const Caller *from) {
        Lockout l;

        TRY(lockout_load(cx, id, c, account, &l));
        l = lockout_fail(&l, cx_now_ms(cx));
        TRY(db_run(cx, c, &sql_failures_set,
                   ARGS(v_blob(lockout_name(cx, id, account)), v_int(l.failures), v_int(l.last_ms), v_int(l.blocked_until_ms)),
                   NULL));
        return audit_append(cx, id->audit, c, &(AuditEvent){
                .event = l.blocked_until_ms ? "authn_login_lock" : event, .outcome = "failure", .actor_type = "user",
                .owner = owner.p ? owner : STR(""), .actor_id = owner, .ip = from->ip, .user_agent = from->user_agent });
}

Err login_forgive(Ctx *cx, Identity *id, DbConn *c, Str account) {
        return db_run(cx, c, &sql_failures_clear, ARGS(v_blob(lockout_name(cx, id, account))), NULL);
}

/* ---- the queue ---- */

Err hash_queue_enter(Ctx *cx, Identity *id, Str ip, Str account) {
        return hash_gate_enter(cx, id->gate, ip, str_trim(account));
}

Err hash_queue_leave(Ctx *cx, Identity *id, Str ip, Str account, int64_t arrived_us) {
        hash_thread_yield();
        hash_gate_leave(id->gate, ip, str_trim(account));
        if (cx_mono_us(cx) - arrived_us > INT64_C(1000000) * HASH_WAIT_MAX_S) {
                cx->err.retry_after_s = 1;
                return RAISE(cx, ERR_HASH_QUEUE, "waited too long");
        }
        return OK;
}

/* ---- login ---- */

typedef struct Attempt {
        Identity *id;
        const LoginInput *in;
        Str account;                                  /* the normal form, or what was typed */
        User user;
        bool known;
        Str rehash;                                   /* STR_NULL: the stored hash stays */
        LoginResult result;
} Attempt;

static Err attempt_failed(Ctx *cx, DbConn *c, void *arg) {
        Attempt *a = arg;

        return login_failed(cx, a->id, c, a->account, a->known ? a->user.user_id : STR_NULL, "authn_login_fail", &a->in->from);
}

static Err attempt_succeeded(Ctx *cx, DbConn *c, void *arg) {
        Attempt *a = arg;
        Identity *id = a->id;
        Lockout l;
        bool mfa;

        TRY(lockout_load(cx, id, c, a->account, &l));
        TRY(mfa_is_on(cx, c, a->user.user_id, &mfa));
        if (a->rehash.p)
                TRY(db_run(cx, c, &sql_user_set_password, ARGS(v_text(a->user.user_id), v_text(a->rehash)), NULL));
        if (mfa) {                                    /* the counter is cleared by the second factor, not by the first */
                a->result.mfa_required = true;
                return mfa_begin(cx, id, c, a->user.user_id, a->in->remember_me, &a->result.mfa_token);
        }
        return login_finish(cx, id, c, &a->user, a->account, l.failures > 0, a->in->remember_me, &a->in->from, &a->result.grant);
}

Err login_finish(Ctx *cx, Identity *id, DbConn *c, User *u, Str account, bool after_failure, bool remember, const Caller *from,
                 SessionGrant *ret) {
        TRY(login_forgive(cx, id, c, account));
        u->last_login = cx_now_ms(cx);
        TRY(db_run(cx, c, &sql_user_set_login, ARGS(v_text(u->user_id), v_int(u->last_login)), NULL));
        user_changed(cx, id, c, u->user_id);
        TRY(audit_append(cx, id->audit, c, &(AuditEvent){
                .event = after_failure ? "authn_login_successafterfail" : "authn_login_success", .outcome = "success",
                .actor_type = "user", .actor_id = u->user_id, .ip = from->ip, .user_agent = from->user_agent }));
        return session_start(cx, id, c, u, remember, from, ret);
}

/* An address that cannot be one is tried like any other: it fails after the same work. */
static Str account_name(Ctx *cx, Str typed) {
        Str email;

        if (email_normalize(cx, typed, &email) == OK)
                return email;
        err_clear(cx);
        return str_trim(typed);
}

static Err attempt_begin(Ctx *cx, Attempt *a) {
        DbConn *c;
        Err e;

        TRY(db_read(cx, a->id->db, &c));
        TRY(lockout_check(cx, a->id, c, a->account));
        e = user_load_by_email(cx, a->id, c, a->account, &a->user);
        if (e && e != ERR_NOT_FOUND)
                return e;
        a->known = e == OK && a->user.is_active && a->user.password_hash.n;
        return OK;
}

static Err attempt_verify(Ctx *cx, const Attempt *a, bool *ret_right) {
        PasswordAlg alg = a->id->set.password_hash;
        bool fits = a->in->password.n <= password_max(PASSWORD_ARGON2ID);
        Str password = fits ? a->in->password : STR("over the limit"), hash = a->known ? a->user.password_hash : password_dummy(alg);
        bool right;

        TRY(password_verify(cx, hash, password, &right));
        *ret_right = right && a->known && fits;
        return OK;
}

static Err attempt_rehash(Ctx *cx, Attempt *a) {
        PasswordAlg alg = a->id->set.password_hash;

        if (!password_needs_rehash(alg, a->user.password_hash) || a->in->password.n > password_max(alg))
                return OK;
        return password_hash(cx, alg, a->in->password, &a->rehash);
}

Err login_password(Ctx *cx, Identity *id, const LoginInput *in, LoginResult *ret) {
        Attempt a = { .id = id, .in = in, .account = account_name(cx, in->email) };
        bool right;

        TRY(attempt_begin(cx, &a));
        TRY(attempt_verify(cx, &a, &right));
        if (!right) {
                TRY(db_write(cx, id->db, attempt_failed, &a));
                return RAISE(cx, ERR_CREDENTIALS, a.known ? "wrong password" : "no such account");
        }
        if (!a.user.is_verified && mail_is_configured(id))
                return RAISE(cx, ERR_EMAIL_UNVERIFIED, "address not verified");
        TRY(attempt_rehash(cx, &a));
        TRY(db_write(cx, id->db, attempt_succeeded, &a));
        *ret = a.result;
        return OK;
}

Err password_confirm(Ctx *cx, Identity *id, const User *u, Str password, const Caller *from) {
        LoginInput in = { .email = u->email, .password = password, .from = *from };
        Attempt a = { .id = id, .in = &in, .account = u->email, .user = *u, .known = u->password_hash.n > 0 };
        bool right;
        DbConn *c;

        TRY(db_read(cx, id->db, &c));
        TRY(lockout_check(cx, id, c, a.account));
        TRY(attempt_verify(cx, &a, &right));
        if (right)
                return OK;
        TRY(db_write(cx, id->db, attempt_failed, &a));
        return RAISE(cx, ERR_CREDENTIALS, "wrong password");
}

/* ---- registration ---- */

typedef struct Signup { Identity *id; const RegisterInput *in; User user; Str hash; } Signup;

/* The password belongs to the letter, not to the account: whoever verifies the address sets the password that came with the letter
 * they hold, so an account prepared by someone else is worth nothing. */
static Err verify_letter(Ctx *cx, const Signup *s, DbConn *c, Str user_id) {
        Str token;

        TRY(once_new(cx, s->id, c, ONCE_VERIFY, user_id,
                     arena_strf(cx->arena, "%.*s\n%.*s", STR_FMT(s->hash), STR_FMT(s->user.full_name)), VERIFY_TTL_S, &token));
        return letter_send(cx, s->id, c, user_id, s->user.email, LETTER_VERIFY, token);
}

static Err registered_twice(Ctx *cx, const Signup *s, DbConn *c, const User *known) {
        int64_t now = cx_now_ms(cx);

        if (!known->is_verified)
                return verify_letter(cx, s, c, known->user_id);
        if (now - known->noticed_at < NOTICE_EVERY_MS)
                return OK;
        TRY(db_run(cx, c, &sql_user_set_noticed, ARGS(v_text(known->user_id), v_int(now)), NULL));
        return letter_send(cx, s->id, c, known->user_id, known->email, NOTICE_REGISTERED_TWICE, STR_NULL);
}

static Err signup_write(Ctx *cx, DbConn *c, void *arg) {
        Signup *s = arg;
        Identity *id = s->id;
        User known;
        Err e = user_load_by_email(cx, id, c, s->user.email, &known);

        if (e == OK)
                return mail_is_configured(id) ? registered_twice(cx, s, c, &known)
                                              : RAISE(cx, ERR_EMAIL_TAKEN, "address is taken");
        if (e != ERR_NOT_FOUND)
                return e;
        TRY(user_add(cx, id, c, &s->user));
        TRY(audit_append(cx, id->audit, c, &(AuditEvent){
                .event = "user_created", .outcome = "success", .actor_type = "user", .actor_id = s->user.user_id,
                .target_type = "user", .target_id = s->user.user_id, .ip = s->in->from.ip,
                .user_agent = s->in->from.user_agent }));
        return mail_is_configured(id) ? verify_letter(cx, s, c, s->user.user_id) : OK;
}

static Err register_check(Ctx *cx, Identity *id, const RegisterInput *in, User *u) {
        const TierLimits *t = &tier_limits[TIER_FREE];
        Str email;

        if (id->set.registration_closed)
                return RAISE(cx, ERR_FORBIDDEN, "registration is closed");
        TRY(email_normalize(cx, in->email, &email));
        if (in->confirm_password.p && !secret_eq(in->confirm_password, in->password))
                return RAISE_FIELD(cx, "#/confirm_password", "must be equal to the password");
        TRY(password_check(cx, id->rules, id->set.password_hash, "#/password", in->password, email));
        *u = (User){
                .user_id = user_id_new(cx), .email = email, .full_name = in->full_name.p ? in->full_name : STR(""),
                .source = SOURCE_LOCAL, .tier = TIER_FREE, .is_active = true, .consent_extraction = true, .consent_llm = true,
                .created_at = cx_now_ms(cx), .max_memories = t->memories, .max_requests_per_day = t->requests_per_day,
        };
        return OK;
}

Err account_register(Ctx *cx, Identity *id, const RegisterInput *in, User *ret, bool *ret_accepted) {
        Signup s = { .id = id, .in = in };

        TRY(register_check(cx, id, in, &s.user));
        TRY(password_hash(cx, id->set.password_hash, in->password, &s.hash));
        if (!mail_is_configured(id))
                s.user.password_hash = s.hash;
        TRY(db_write(cx, id->db, signup_write, &s));
        *ret = s.user;
        *ret_accepted = mail_is_configured(id);
        return OK;
}

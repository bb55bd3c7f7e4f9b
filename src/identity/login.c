// SPDX-License-Identifier: MIT
#include "identity/login.h"

#include "base/log.h"
#include "identity/count.h"
#include "identity/identity_int.h"
#include "identity/lockout.h"
#include "identity/mfa.h"
#include "identity/notice.h"
#include "identity/once.h"

enum { VERIFY_TTL_S = 86400, NOTICE_EVERY_MS = 3600 * 1000 };

/* ---- failures ---- */

static Str lockout_name(Ctx *cx, Identity *id, Str account) {
        return identity_index(cx, id, "lockout", account);
}

static Err lockout_load(Ctx *cx, const Work *w, Str account, Lockout *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(cx, w->c, &sql_failures_get, ARGS(v_blob(lockout_name(cx, w->id, account))),
                       &r);

        if (e && e != ERR_NOT_FOUND)
                return e;
        *ret = e ? (Lockout){ 0 } : (Lockout){ row_int(&r, 0), row_int(&r, 1), row_int(&r, 2) };
        return OK;
}

Err lockout_check(Ctx *cx, const Work *w, Str account) {
        Lockout l;
        int64_t wait;

        TRY(lockout_load(cx, w, account, &l));
        wait = lockout_wait_s(&l, cx_now_ms(cx));
        if (!wait)
                return OK;
        count_event("login_delayed", "refused");
        RAISE(cx, ERR_LOCKED, "%lld failures", (long long)l.failures);
        cx->err.retry_after_s = wait;
        return ERR_LOCKED;
}

/* Said once for an address and window, in the log and in the audit. */
static Err stuffing_tell(Ctx *cx, const Work *w, Str account) {
        if (!stuffing_note(w->id->stuffing, w->from.ip, account, cx_now_ms(cx)))
                return OK;
        LOG(cx, LOG_WARN, "credential_stuffing", "many accounts fail from one address",
            L_TOP_STR("client_ip", w->from.ip), L_INT("accounts", STUFFING_ACCOUNTS));
        return audit_append(cx, w->id->audit, w->c,
                            AUDIT_EVENT("authn_login_fail_max", "failure", AUDIT_BY_SYSTEM(STR("")),
                                        AUDIT_FROM(w->from)));
}

Err login_failed(Ctx *cx, const Work *w, Str account, Str owner, const char *event) {
        Lockout l;

        TRY(lockout_load(cx, w, account, &l));
        l = lockout_fail(&l, cx_now_ms(cx));
        TRY(db_run(cx, w->c, &sql_failures_set,
                   ARGS(v_blob(lockout_name(cx, w->id, account)), v_int(l.failures),
                        v_int(l.last_ms), v_int(l.blocked_until_ms)),
                   NULL));
        TRY(audit_append(cx, w->id->audit, w->c,
                         AUDIT_EVENT(l.blocked_until_ms ? "authn_login_lock" : event, "failure",
                                     AUDIT_BY_USER(owner), .owner = owner.p ? owner : STR(""),
                                     AUDIT_FROM(w->from))));
        return stuffing_tell(cx, w, account);
}

Err login_forgive(Ctx *cx, const Work *w, Str account) {
        return db_run(cx, w->c, &sql_failures_clear, ARGS(v_blob(lockout_name(cx, w->id, account))),
                      NULL);
}

/* ---- the queue ---- */

Err hash_queue_enter(Ctx *cx, Identity *id, Str ip, Str account) {
        Err e = hash_gate_enter(cx, id->gate, ip, str_trim(account));

        if (e)
                count_event("hash_queue_full", "refused");
        return e;
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
        Str account; /* the normal form, or what was typed */
        User user;
        bool known;
        Str rehash; /* STR_NULL: the stored hash stays */
        LoginResult result;
} Attempt;

static Err attempt_failed(Ctx *cx, DbConn *c, void *arg) {
        Attempt *a = arg;
        Work w = { a->id, c, a->in->from };

        return login_failed(cx, &w, a->account, a->known ? a->user.user_id : STR_NULL,
                            "authn_login_fail");
}

static Err attempt_succeeded(Ctx *cx, DbConn *c, void *arg) {
        Attempt *a = arg;
        Work w = { a->id, c, a->in->from };
        Lockout l;
        bool mfa;

        TRY(lockout_load(cx, &w, a->account, &l));
        TRY(mfa_is_on(cx, c, a->user.user_id, &mfa));
        if (a->rehash.p)
                TRY(db_run(cx, c, &sql_user_set_password,
                           ARGS(v_text(a->user.user_id), v_text(a->rehash)), NULL));
        if (mfa) { /* the counter is cleared by the second factor, not by the first */
                a->result.mfa_required = true;
                return mfa_begin(cx, &w, a->user.user_id, a->in->remember_me, &a->result.mfa_token);
        }
        return login_finish(cx, &w, &(LoginEnd){ a->user, l.failures > 0, a->in->remember_me },
                            &a->result.grant);
}

Err login_finish(Ctx *cx, const Work *w, LoginEnd *end, SessionGrant *ret) {
        User *u = &end->user;

        TRY(login_forgive(cx, w, u->email));
        u->last_login = cx_now_ms(cx);
        TRY(db_run(cx, w->c, &sql_user_set_login, ARGS(v_text(u->user_id), v_int(u->last_login)),
                   NULL));
        user_changed(cx, w, u->user_id);
        TRY(audit_append(cx, w->id->audit, w->c,
                         AUDIT_EVENT(end->after_failure ? "authn_login_successafterfail"
                                                        : "authn_login_success",
                                     "success", AUDIT_BY_USER(u->user_id), AUDIT_FROM(w->from))));
        return session_start(cx, w, u, end->remember_me, ret);
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
        TRY(lockout_check(cx, &(Work){ a->id, c }, a->account));
        e = user_load_by_email(cx, &(Work){ a->id, c }, a->account, &a->user);
        if (e && e != ERR_NOT_FOUND)
                return e;
        a->known = e == OK && a->user.is_active && a->user.password_hash.n;
        return OK;
}

static Err attempt_verify(Ctx *cx, const Attempt *a, bool *ret_right) {
        PasswordAlg alg = a->id->set.password_hash;
        bool fits = a->in->password.n <= password_max(PASSWORD_ARGON2ID);
        Str password = fits ? a->in->password : STR("over the limit"),
            hash = a->known ? a->user.password_hash : password_dummy(alg);
        int64_t started_us;
        bool right;

        started_us = cx_mono_us(cx);
        TRY(password_verify(cx, hash, password, &right));
        count_hash(hash, cx_mono_us(cx) - started_us);
        *ret_right = right && a->known && fits;
        return *ret_right ? OK : hash_kinds_work(cx, a->id->kinds, hash, password);
}

Err password_make(Ctx *cx, Identity *id, Str password, Str *ret) {
        int64_t started_us = cx_mono_us(cx);

        TRY(password_hash(cx, id->set.password_hash, password, ret));
        count_hash(*ret, cx_mono_us(cx) - started_us);
        return OK;
}

static Err attempt_rehash(Ctx *cx, Attempt *a) {
        PasswordAlg alg = a->id->set.password_hash;

        if (!password_needs_rehash(alg, a->user.password_hash) ||
            a->in->password.n > password_max(alg))
                return OK;
        return password_make(cx, a->id, a->in->password, &a->rehash);
}

Err login_password(Ctx *cx, Identity *id, const LoginInput *in, LoginResult *ret) {
        Attempt a = { .id = id, .in = in, .account = account_name(cx, in->email) };
        bool right;

        TRY(attempt_begin(cx, &a));
        TRY(attempt_verify(cx, &a, &right));
        if (!right) {
                TRY(db_write(cx, id->db, attempt_failed, &a));
                LOG(cx, LOG_INFO, "auth_fail", "a password was wrong or the account unknown");
                return RAISE(cx, ERR_CREDENTIALS, a.known ? "wrong password" : "no such account");
        }
        if (!a.user.is_verified && mail_is_configured(id))
                return RAISE(cx, ERR_EMAIL_UNVERIFIED, "address not verified");
        TRY(attempt_rehash(cx, &a));
        TRY(db_write(cx, id->db, attempt_succeeded, &a));
        LOG(cx, LOG_INFO, "auth_ok", "a password was right", L_STR("user", a.user.user_id),
            L_BOOL("second_factor_needed", a.result.mfa_required));
        *ret = a.result;
        return OK;
}

Err password_confirm(Ctx *cx, Identity *id, const User *u, Str password, const Caller *from) {
        LoginInput in = { .email = u->email, .password = password, .from = *from };
        Attempt a = { .id = id,
                      .in = &in,
                      .account = u->email,
                      .user = *u,
                      .known = u->password_hash.n > 0 };
        bool right;
        DbConn *c;

        TRY(db_read(cx, id->db, &c));
        TRY(lockout_check(cx, &(Work){ id, c }, a.account));
        TRY(attempt_verify(cx, &a, &right));
        if (right)
                return OK;
        TRY(db_write(cx, id->db, attempt_failed, &a));
        return RAISE(cx, ERR_CREDENTIALS, "wrong password");
}

/* ---- registration ---- */

typedef struct Signup {
        Identity *id;
        const RegisterInput *in;
        User user;
        Str hash;
} Signup;

/* The password belongs to the letter: verifying the address brings the one that came with the
 * letter into force. Until then it stands at the account only to tell "not verified" from
 * "incorrect". */
static Err verify_letter(Ctx *cx, const Work *w, const Signup *s, Str user_id) {
        OnceNew new = { ONCE_VERIFY, user_id, .ttl_s = VERIFY_TTL_S };
        Str token;

        new.data =
                arena_strf(cx->arena, "%.*s\n%.*s", STR_FMT(s->hash), STR_FMT(s->user.full_name));
        TRY(once_new(cx, w, &new, &token));
        return letter_send(cx, w, &(LetterTo){ user_id, s->user.email }, LETTER_VERIFY, token);
}

/* An account that was never used and whose letter expired unanswered begins anew. While the letter
 * is open nobody else replaces it, nor the password in it. */
static Err registered_twice(Ctx *cx, const Work *w, const Signup *s, const User *known) {
        int64_t now = cx_now_ms(cx);
        bool open;

        TRY(once_is_open(cx, w->c, ONCE_VERIFY, known->user_id, &open));
        if (!known->is_verified && !known->last_login && !open) {
                TRY(db_run(cx, w->c, &sql_user_set_password,
                           ARGS(v_text(known->user_id), v_text(s->hash)), NULL));
                return verify_letter(cx, w, s, known->user_id);
        }
        if (now - known->noticed_at < NOTICE_EVERY_MS)
                return OK;
        TRY(db_run(cx, w->c, &sql_user_set_noticed, ARGS(v_text(known->user_id), v_int(now)),
                   NULL));
        return letter_send(cx, w, &(LetterTo){ known->user_id, known->email },
                           NOTICE_REGISTERED_TWICE, STR_NULL);
}

static Err signup_write(Ctx *cx, DbConn *c, void *arg) {
        Signup *s = arg;
        Work w = { s->id, c, s->in->from };
        Identity *id = s->id;
        User known;
        Err e = user_load_by_email(cx, &w, s->user.email, &known);

        if (e == OK)
                return mail_is_configured(id) ? registered_twice(cx, &w, s, &known)
                                              : RAISE(cx, ERR_EMAIL_TAKEN, "address is taken");
        if (e != ERR_NOT_FOUND)
                return e;
        TRY(user_add(cx, &w, &s->user));
        TRY(audit_append(cx, id->audit, c,
                         AUDIT_EVENT("user_created", "success", AUDIT_BY_USER(s->user.user_id),
                                     AUDIT_OF("user", s->user.user_id), AUDIT_FROM(s->in->from))));
        return mail_is_configured(id) ? verify_letter(cx, &w, s, s->user.user_id) : OK;
}

static Err register_check(Ctx *cx, Identity *id, const RegisterInput *in, User *u) {
        const TierLimits *t = &tier_limits[TIER_FREE];
        Str email;

        if (id->set.registration_closed)
                return RAISE(cx, ERR_FORBIDDEN, "registration is closed");
        TRY(email_normalize(cx, in->email, &email));
        if (in->confirm_password.p && !secret_eq(in->confirm_password, in->password))
                return RAISE_FIELD(cx, "#/confirm_password", "must be equal to the password");
        TRY(password_check(cx, id->rules, "#/password", in->password, email));
        *u = (User){
                .user_id = user_id_new(cx),
                .email = email,
                .full_name = in->full_name.p ? in->full_name : STR(""),
                .source = SOURCE_LOCAL,
                .tier = TIER_FREE,
                .is_active = true,
                .consent_extraction = true,
                .consent_llm = true,
                .created_at = cx_now_ms(cx),
                .max_memories = t->memories,
                .max_requests_per_day = t->requests_per_day,
        };
        return OK;
}

Err account_register(Ctx *cx, Identity *id, const RegisterInput *in, User *ret,
                     bool *ret_accepted) {
        Signup s = { .id = id, .in = in };

        TRY(register_check(cx, id, in, &s.user));
        TRY(password_make(cx, id, in->password, &s.hash));
        s.user.password_hash = s.hash;
        TRY(db_write(cx, id->db, signup_write, &s));
        *ret = s.user;
        *ret_accepted = mail_is_configured(id);
        return OK;
}

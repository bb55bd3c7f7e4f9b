// SPDX-License-Identifier: MIT
#include "identity/recovery.h"

#include "base/log.h"
#include "identity/api_key.h"
#include "identity/identity_int.h"
#include "identity/notice.h"
#include "identity/once.h"

enum { FLUSH_MAX = 20, HOUR_MS = 3600 * 1000 };

static Err user_audit(Ctx *cx, const Work *w, Str user_id, const char *event, const char *reason) {
        return audit_append(cx, w->id->audit, w->c,
                            AUDIT_EVENT(event, "success", AUDIT_BY_USER(user_id),
                                        AUDIT_OF("user", user_id), AUDIT_FROM(w->from),
                                        .reason = str_c(reason)));
}

static Err user_must_load(Ctx *cx, Identity *id, Str user_id, User *ret) {
        DbConn *c;
        Err e;

        TRY(db_read(cx, id->db, &c));
        e = user_load(cx, &(Work){ id, c }, user_id, ret);
        return e == ERR_NOT_FOUND ? RAISE(cx, ERR_TOKEN_INVALID, "the account is gone") : e;
}

/* ---- changing a password ---- */

typedef struct NewPassword {
        Identity *id;
        User user;
        Str hash, token;
        bool end_others;
        Str keep_sid;
        const Caller *from;
} NewPassword;

static Err password_set(Ctx *cx, DbConn *c, void *arg) {
        const NewPassword *p = arg;
        Work w = { p->id, c, *p->from };
        int64_t ended;

        TRY(db_run(cx, c, &sql_user_set_password, ARGS(v_text(p->user.user_id), v_text(p->hash)),
                   NULL));
        TRY(once_void(cx, c, ONCE_RESET, p->user.user_id));
        TRY(once_void(cx, c, ONCE_MFA, p->user.user_id));
        if (p->end_others)
                TRY(session_end_all(cx, &w, p->user.user_id, p->keep_sid, &ended));
        TRY(user_audit(cx, &w, p->user.user_id, "authn_password_change", NULL));
        return notice_send(cx, &w, p->user.user_id, NOTICE_PASSWORD_CHANGED);
}

static Err change_refused(Ctx *cx, DbConn *c, void *arg) {
        const NewPassword *p = arg;

        return audit_append(cx, p->id->audit, c,
                            AUDIT_EVENT("authn_password_change_fail", "failure",
                                        AUDIT_BY_USER(p->user.user_id), AUDIT_FROM(*p->from)));
}

Err password_change(Ctx *cx, Identity *id, Str user_id, const PasswordChange *in) {
        NewPassword p = {
                .id = id, .end_others = in->end_others, .keep_sid = in->keep_sid, .from = &in->from
        };
        Err e;

        TRY(user_must_load(cx, id, user_id, &p.user));
        TRY(password_check(cx, id->rules, "#/new_password", in->new_password, p.user.email));
        e = password_confirm(cx, id, &p.user, in->current, &in->from);
        if (e == ERR_CREDENTIALS)
                TRY(db_write(cx, id->db, change_refused, &p));
        TRY(e);
        TRY(password_make(cx, id, in->new_password, &p.hash));
        return db_write(cx, id->db, password_set, &p);
}

/* ---- a forgotten one ---- */

Err reset_request(Ctx *cx, const Work *w, Str email) {
        Str request_id = id_new(cx, "rst_");

        return db_run(cx, w->c, &sql_reset_add,
                      ARGS(v_text(request_id),
                           v_blob(identity_seal(cx, w->id, (SealFor){ request_id, "reset_request" },
                                                email)),
                           v_int(cx_now_ms(cx))),
                      NULL);
}

Err reset_start(Ctx *cx, const Work *w, const User *u, Str *ret_token) {
        if (u->source != SOURCE_LOCAL || !u->is_active || !u->email.n)
                return RAISE(cx, ERR_CONFLICT, "this account has no password of ours");
        TRY(once_new(cx, w, &(OnceNew){ ONCE_RESET, u->user_id, STR_NULL, RESET_TTL_S },
                     ret_token));
        return letter_send(cx, w, &(LetterTo){ u->user_id, u->email }, LETTER_RESET, *ret_token);
}

/* Three letters an hour are enough for a person; more would be a way to pester one. */
static Err reset_allowed(Ctx *cx, DbConn *c, Str user_id, bool *ret) {
        int64_t hour = cx_now_ms(cx) / HOUR_MS, changed;

        TRY(db_run(cx, c, &sql_reset_count,
                   ARGS(v_text(user_id), v_int(hour), v_int(RESETS_PER_HOUR)), &changed));
        *ret = changed == 1;
        return OK;
}

static Err reset_serve(Ctx *cx, const Work *w, Str typed) {
        Str email, token;
        bool allowed;
        User u;
        Err e;

        if (email_normalize(cx, typed, &email) != OK) {
                err_clear(cx);
                return OK;
        }
        e = user_load_by_email(cx, w, email, &u);
        if (e == ERR_NOT_FOUND || (!e && !u.is_active))
                return OK;
        TRY(e);
        TRY(reset_allowed(cx, w->c, u.user_id, &allowed));
        return allowed ? reset_start(cx, w, &u, &token) : OK;
}

typedef struct Wish {
        Str request_id, sealed;
} Wish;

static Err wishes_read(Ctx *cx, DbConn *c, Wish out[FLUSH_MAX], size_t *ret_n) {
        _cleanup_(rows_done) Rows r = { 0 };
        size_t n = 0;
        bool more;

        TRY(db_rows(cx, c, &sql_reset_page, ARGS(v_int(FLUSH_MAX)), &r));
        for (;;) {
                TRY(rows_next(cx, &r, &more));
                if (!more || n == FLUSH_MAX)
                        break;
                out[n++] = (Wish){ row_dup(cx, &r, 0), row_dup(cx, &r, 1) };
        }
        *ret_n = n;
        return OK;
}

static Err flush_write(Ctx *cx, DbConn *c, void *arg) {
        Identity *id = arg;
        Work w = { id, c };
        Wish wishes[FLUSH_MAX];
        size_t n;

        TRY(wishes_read(cx, c, wishes, &n));
        for (size_t i = 0; i < n; i++) {
                Str email;

                TRY(identity_unseal(cx, id, (SealFor){ wishes[i].request_id, "reset_request" },
                                    wishes[i].sealed, &email));
                TRY(reset_serve(cx, &w, email));
                TRY(db_run(cx, c, &sql_reset_delete, ARGS(v_text(wishes[i].request_id)), NULL));
        }
        return OK;
}

Err reset_flush(Ctx *cx, Identity *id) {
        Wish wishes[FLUSH_MAX];
        DbConn *c;
        size_t n;

        TRY(db_read(cx, id->db, &c));
        TRY(wishes_read(cx, c, wishes, &n));
        return n ? db_write(cx, id->db, flush_write, id) : OK;
}

/* An account that was never verified may have been prepared by somebody else: only its owner's
 * mailbox counts. */
static Err user_verified(Ctx *cx, const Work *w, const User *u) {
        if (u->is_verified)
                return OK;
        TRY(db_run(cx, w->c, &sql_user_set_verified, ARGS(v_text(u->user_id), v_int(1)), NULL));
        user_changed(cx, w, u->user_id);
        TRY(once_void(cx, w->c, ONCE_VERIFY, u->user_id));
        return api_key_delete_all(cx, w, u->user_id);
}

static Err reset_write(Ctx *cx, DbConn *c, void *arg) {
        NewPassword *p = arg;
        Work w = { p->id, c, *p->from };
        OnceInfo info;

        TRY(once_redeem(cx, &w, ONCE_RESET, p->token, &info));
        TRY(user_load(cx, &w, info.user_id, &p->user));
        TRY(user_verified(cx, &w, &p->user));
        TRY(login_forgive(cx, &w, p->user.email));
        return password_set(cx, c, p);
}

Err password_reset(Ctx *cx, Identity *id, Str token, Str new_password, const Caller *from) {
        NewPassword p = { .id = id, .token = token, .end_others = true, .from = from };
        OnceInfo info;
        DbConn *c;

        TRY(db_read(cx, id->db, &c));
        TRY(once_peek(cx, &(Work){ id, c }, ONCE_RESET, token, &info));
        TRY(user_must_load(cx, id, info.user_id, &p.user));
        TRY(password_check(cx, id->rules, "#/new_password", new_password, p.user.email));
        TRY(password_make(cx, id, new_password, &p.hash));
        return db_write(cx, id->db, reset_write, &p);
}

/* ---- verifying an address ---- */

Err email_verify(Ctx *cx, const Work *w, Str token) {
        OnceInfo info;
        int64_t ended;
        Str hash, rest;
        User u;

        TRY(once_redeem(cx, w, ONCE_VERIFY, token, &info));
        TRY(user_load(cx, w, info.user_id, &u));
        if (u.is_verified)
                return RAISE(cx, ERR_LINK_INVALID, "already verified");
        rest = info.data;
        hash = str_cut(&rest, '\n');
        u.full_name = rest.p ? rest : STR("");
        TRY(user_save_profile(cx, w, &u));
        TRY(db_run(cx, w->c, &sql_user_set_password, ARGS(v_text(u.user_id), v_text(hash)), NULL));
        TRY(user_verified(cx, w, &u));
        TRY(session_end_all(cx, w, u.user_id, STR_NULL, &ended));
        return user_audit(cx, w, u.user_id, "user_updated", "verified");
}

/* ---- another address ---- */

typedef struct EmailChange {
        Identity *id;
        User user;
        Str new_email;
        const Caller *from;
} EmailChange;

/* Where registration tells that an address is taken there is nothing to hide here. */
static Err address_check(Ctx *cx, const Work *w, const EmailChange *e) {
        User owner;
        Err err;

        if (mail_is_configured(w->id))
                return OK;
        err = user_load_by_email(cx, w, e->new_email, &owner);
        if (err == ERR_NOT_FOUND) {
                err_clear(cx);
                return OK;
        }
        if (!err && !str_eq(owner.user_id, e->user.user_id))
                return RAISE(cx, ERR_EMAIL_TAKEN, "address is taken");
        return err;
}

static Err letters_write(Ctx *cx, DbConn *c, void *arg) {
        const EmailChange *e = arg;
        Work w = { e->id, c, *e->from };
        const User *u = &e->user;
        Str old_token, new_token;

        TRY(address_check(cx, &w, e));
        TRY(once_new(cx, &w,
                     &(OnceNew){ ONCE_EMAIL_OLD, u->user_id, e->new_email, EMAIL_CHANGE_TTL_S },
                     &old_token));
        TRY(once_new(cx, &w,
                     &(OnceNew){ ONCE_EMAIL_NEW, u->user_id, e->new_email, EMAIL_CHANGE_TTL_S },
                     &new_token));
        TRY(letter_send(cx, &w, &(LetterTo){ u->user_id, u->email }, LETTER_EMAIL_OLD, old_token));
        return letter_send(cx, &w, &(LetterTo){ u->user_id, e->new_email }, LETTER_EMAIL_NEW,
                           new_token);
}

static Err email_set(Ctx *cx, DbConn *c, void *arg) {
        EmailChange *e = arg;
        Work w = { e->id, c, *e->from };
        Str old = e->user.email;

        e->user.email = e->new_email;
        TRY(user_save_profile(cx, &w, &e->user));
        TRY(letter_send(cx, &w, &(LetterTo){ e->user.user_id, old }, NOTICE_EMAIL_CHANGED,
                        STR_NULL));
        return user_audit(cx, &w, e->user.user_id, "user_updated", "email");
}

Err email_change(Ctx *cx, Identity *id, const EmailWish *in, bool *ret_changed) {
        EmailChange e = { .id = id, .from = &in->from };
        bool letters = mail_is_configured(id);

        TRY(email_normalize(cx, in->new_email, &e.new_email));
        TRY(user_must_load(cx, id, in->user_id, &e.user));
        if (e.user.source != SOURCE_LOCAL)
                return RAISE(cx, ERR_FORBIDDEN, "the address of a foreign account is its source's");
        TRY(password_confirm(cx, id, &e.user, in->password, &in->from));
        TRY(db_write(cx, id->db, letters || !id->set.production ? letters_write : email_set, &e));
        *ret_changed = !letters && id->set.production;
        return OK;
}

static Err other_was_used(Ctx *cx, DbConn *c, Str user_id, const char *kind, bool *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(cx, c, &sql_once_used,
                       ARGS(v_text(user_id), v_text(str_c(kind)), v_int(cx_now_ms(cx))), &r);

        if (e && e != ERR_NOT_FOUND)
                return e;
        *ret = e == OK;
        return OK;
}

Err email_change_confirm(Ctx *cx, const Work *w, Str token, bool *ret_changed) {
        EmailChange change = { .id = w->id, .from = &w->from };
        const char *other = "email_old";
        OnceInfo info;
        bool both;
        Err e = once_redeem(cx, w, ONCE_EMAIL_NEW, token, &info);

        if (e == ERR_LINK_INVALID) {
                err_clear(cx);
                other = "email_new";
                e = once_redeem(cx, w, ONCE_EMAIL_OLD, token, &info);
        }
        TRY(e);
        TRY(other_was_used(cx, w->c, info.user_id, other, &both));
        if (both) {
                TRY(user_load(cx, w, info.user_id, &change.user));
                change.new_email = info.data;
                TRY(email_set(cx, w->c, &change));
                TRY(once_void(cx, w->c, ONCE_EMAIL_OLD, info.user_id));
                TRY(once_void(cx, w->c, ONCE_EMAIL_NEW, info.user_id));
        }
        *ret_changed = both;
        return OK;
}

/* ---- being there ---- */

static Err signed_in_since(Ctx *cx, DbConn *c, const Principal *who, int64_t *ret_ms) {
        _cleanup_(rows_done) Rows r = { 0 };

        if (who->kind != WHO_SESSION) {
                *ret_ms = who->kind == WHO_DEV       ? cx_now_ms(cx)
                          : who->kind == WHO_FOREIGN ? 1000 * who->issued_at_s
                                                     : 0;
                return OK;
        }
        TRY(db_row(cx, c, &sql_session_get, ARGS(v_text(who->sid)), &r));
        *ret_ms = row_int(&r, 5);
        return OK;
}

Err presence_confirm(Ctx *cx, Identity *id, const Principal *who, Str password,
                     const Caller *from) {
        int64_t since;
        DbConn *c;
        User u;

        if (password.p) {
                TRY(user_must_load(cx, id, who->user_id, &u));
                return password_confirm(cx, id, &u, password, from);
        }
        TRY(db_read(cx, id->db, &c));
        TRY(signed_in_since(cx, c, who, &since));
        if (cx_now_ms(cx) - since > RECENT_LOGIN_MS) {
                cx->err.detail = STR("Send the password, or sign in again first");
                return RAISE(cx, ERR_FORBIDDEN, "signed in too long ago");
        }
        return OK;
}

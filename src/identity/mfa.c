// SPDX-License-Identifier: MIT
#include "identity/mfa.h"

#include "codec/radix.h"
#include "crypto/totp.h"
#include "identity/identity_int.h"
#include "identity/once.h"

enum { RECOVERY_BYTES = 10 }; /* 80 bits: 16 characters of base32 */

typedef struct Totp {
        Str user_id, secret;
        bool confirmed;
        int64_t last_step;
} Totp;

/* ERR_NOT_FOUND is not raised. */
static Err totp_load(Ctx *cx, const Work *w, Str user_id, Totp *ret) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        _cleanup_(rows_done) Rows r = { 0 };
        Totp t;

        TRY(db_row(cx, w->c, &sql_totp_get, ARGS(v_text(user_id)), &r));
        t = (Totp){ .user_id = user_id,
                    .secret = row_dup(cx, &r, 0),
                    .confirmed = row_int(&r, 1) > 0,
                    .last_step = row_int(&r, 2) };
        TRY(user_key_get(cx, w->id->keys, w->c, user_id, &key));
        TRY(seal_open(cx, &key, (SealFor){ user_id, "totp" }, t.secret, &t.secret));
        *ret = t;
        return OK;
}

Err mfa_is_on(Ctx *cx, DbConn *c, Str user_id, bool *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(cx, c, &sql_totp_get, ARGS(v_text(user_id)), &r);

        if (e &&
            e != ERR_NOT_FOUND) /* fail closed: an unknown second factor is not an absent one */
                return e;
        *ret = !e && row_int(&r, 1) > 0;
        return OK;
}

/* ---- enrolment ---- */

Err mfa_enroll(Ctx *cx, const Work *w, const User *u, Str *ret_secret, Str *ret_uri) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        unsigned char secret[TOTP_SECRET];
        Str text, sealed;
        bool on;

        TRY(mfa_is_on(cx, w->c, u->user_id, &on));
        if (on)
                return RAISE(cx, ERR_CONFLICT, "a second factor is in use");
        TRY(user_key_get(cx, w->id->keys, w->c, u->user_id, &key));
        cx_random(cx, secret, sizeof(secret));
        text = base32_encode(cx->arena, str_n(secret, sizeof(secret)));
        sealed = seal(cx, &key, (SealFor){ u->user_id, "totp" }, str_n(secret, sizeof(secret)));
        secret_wipe(secret, sizeof(secret));
        TRY(db_run(cx, w->c, &sql_totp_set,
                   ARGS(v_text(u->user_id), v_blob(sealed), v_int(cx_now_ms(cx))), NULL));
        *ret_secret = text;
        *ret_uri = arena_strf(
                cx->arena,
                "otpauth://totp/"
                "Mainstay:%.*s?secret=%.*s&issuer=Mainstay&algorithm=SHA1&digits=6&period=30",
                STR_FMT(u->user_id), STR_FMT(text));
        return OK;
}

static void code_hash(Str code, unsigned char ret[SHA256_SIZE]) { sha256(code, ret); }

/* Shown in groups of four, read back without regard to case or groups. */
static Str recovery_code_new(Ctx *cx, unsigned char ret_hash[SHA256_SIZE]) {
        unsigned char bytes[RECOVERY_BYTES];
        Str text;

        cx_random(cx, bytes, sizeof(bytes));
        text = base32_encode(cx->arena, str_n(bytes, sizeof(bytes)));
        secret_wipe(bytes, sizeof(bytes));
        code_hash(text, ret_hash);
        return arena_strf(cx->arena, "%.4s-%.4s-%.4s-%.4s", text.p, text.p + 4, text.p + 8,
                          text.p + 12);
}

static Err recovery_codes_make(Ctx *cx, DbConn *c, Str user_id, Str ret[RECOVERY_CODES]) {
        unsigned char hash[SHA256_SIZE];

        TRY(db_run(cx, c, &sql_recovery_clear, ARGS(v_text(user_id)), NULL));
        for (size_t i = 0; i < RECOVERY_CODES; i++) {
                ret[i] = recovery_code_new(cx, hash);
                TRY(db_run(cx, c, &sql_recovery_add,
                           ARGS(v_text(user_id), v_blob(str_n(hash, sizeof(hash)))), NULL));
        }
        return OK;
}

static Err recovery_code_use(Ctx *cx, DbConn *c, Str user_id, Str code, bool *ret_right) {
        unsigned char hash[SHA256_SIZE];
        char plain[32];
        size_t n = 0;
        int64_t changed;

        for (size_t i = 0; i < code.n && n < sizeof(plain); i++)
                if (code.p[i] != '-' && code.p[i] != ' ')
                        plain[n++] = (char)(code.p[i] >= 'a' && code.p[i] <= 'z' ? code.p[i] - 32
                                                                                 : code.p[i]);
        code_hash(str_n(plain, n), hash);
        TRY(db_run(cx, c, &sql_recovery_use,
                   ARGS(v_text(user_id), v_blob(str_n(hash, sizeof(hash)))), &changed));
        *ret_right = changed == 1;
        return OK;
}

/* A time step counts once; the update is the decision, so two calls with one code cannot both
 * win. */
static Err totp_use(Ctx *cx, DbConn *c, const Totp *t, Str code, bool *ret_right) {
        int64_t step, changed;

        *ret_right = false;
        if (!totp_verify(t->secret, code, cx_now_ms(cx) / 1000, t->last_step, &step))
                return OK;
        TRY(db_run(cx, c, &sql_totp_step, ARGS(v_text(t->user_id), v_int(step)), &changed));
        *ret_right = changed == 1;
        return OK;
}

static Err code_use(Ctx *cx, const Work *w, Str user_id, Str code, bool *ret_right) {
        Totp t;
        Err e = totp_load(cx, w, user_id, &t);

        if (e == ERR_NOT_FOUND || (!e && !t.confirmed))
                return RAISE(cx, ERR_CONFLICT, "no second factor is in use");
        TRY(e);
        TRY(totp_use(cx, w->c, &t, code, ret_right));
        return *ret_right ? OK : recovery_code_use(cx, w->c, user_id, code, ret_right);
}

static Err mfa_audit(Ctx *cx, const Work *w, Str user_id, const char *event, const char *outcome) {
        return audit_append(
                cx, w->id->audit, w->c,
                AUDIT_EVENT(event, outcome, AUDIT_BY_USER(user_id), AUDIT_FROM(w->from)));
}

Err mfa_confirm(Ctx *cx, const Work *w, Str user_id, Str code, Str ret_codes[RECOVERY_CODES]) {
        Totp t;
        bool right;
        Err e = totp_load(cx, w, user_id, &t);

        if (e == ERR_NOT_FOUND || (!e && t.confirmed))
                return RAISE(cx, ERR_CONFLICT, "nothing to confirm");
        TRY(e);
        TRY(totp_use(cx, w->c, &t, code, &right));
        if (!right)
                return RAISE(cx, ERR_CODE_INVALID, "wrong code");
        TRY(db_run(cx, w->c, &sql_totp_confirm, ARGS(v_text(user_id), v_int(cx_now_ms(cx))), NULL));
        TRY(recovery_codes_make(cx, w->c, user_id, ret_codes));
        return mfa_audit(cx, w, user_id, "authn_mfa_enrolled", "success");
}

Err mfa_remove(Ctx *cx, const Work *w, Str user_id, Str code) {
        bool right;

        TRY(code_use(cx, w, user_id, code, &right));
        if (!right)
                return RAISE(cx, ERR_CODE_INVALID, "wrong code");
        TRY(db_run(cx, w->c, &sql_totp_delete, ARGS(v_text(user_id)), NULL));
        TRY(db_run(cx, w->c, &sql_recovery_clear, ARGS(v_text(user_id)), NULL));
        return mfa_audit(cx, w, user_id, "authn_mfa_removed", "success");
}

/* ---- signing in ---- */

Err mfa_begin(Ctx *cx, const Work *w, Str user_id, bool remember, Str *ret_token) {
        return once_new(
                cx, w,
                &(OnceNew){ ONCE_MFA, user_id, remember ? STR("remember") : STR("-"), MFA_TTL_S },
                ret_token);
}

static Err mfa_wrong(Ctx *cx, const Work *w, const User *u, Str token) {
        TRY(once_count_try(cx, w->c, token));
        return login_failed(cx, w, u->email, u->user_id, "authn_mfa_fail");
}

Err mfa_finish(Ctx *cx, const Work *w, Str token, Str code, MfaResult *ret) {
        OnceInfo info;
        bool right;
        User u;
        Err e = once_peek(cx, w, ONCE_MFA, token, &info);

        if (e == ERR_LINK_INVALID) {
                err_clear(cx);
                ret->verdict = MFA_TOKEN_BAD;
                return OK;
        }
        TRY(e);
        TRY(user_load(cx, w, info.user_id, &u));
        /* tries of one sign-in are counted by its token; before and after them the account waits */
        if (info.tries == 0 || info.tries >= MFA_TRIES)
                e = lockout_check(cx, w, u.email);
        if (e == ERR_LOCKED) {
                ret->verdict = MFA_WAIT;
                return OK;
        }
        TRY(e);
        if (info.tries >= MFA_TRIES) {
                ret->verdict = MFA_TOKEN_BAD;
                return OK;
        }
        TRY(code_use(cx, w, u.user_id, code, &right));
        if (!right) {
                ret->verdict = MFA_WRONG;
                return mfa_wrong(cx, w, &u, token);
        }
        TRY(once_redeem(cx, w, ONCE_MFA, token, &info));
        ret->verdict = MFA_OK;
        return login_finish(cx, w,
                            &(LoginEnd){ u, info.tries > 0, str_eq(info.data, STR("remember")) },
                            &ret->grant);
}

// SPDX-License-Identifier: MIT
#include "identity/mfa.h"

#include "codec/radix.h"
#include "crypto/totp.h"
#include "identity/identity_int.h"
#include "identity/once.h"

enum { RECOVERY_BYTES = 10 };                         /* 80 bits: 16 characters of base32 */

typedef struct Totp { Str secret; bool confirmed; int64_t last_step; } Totp;

/* ERR_NOT_FOUND is not raised. */
static Err totp_load(Ctx *cx, Identity *id, DbConn *c, Str user_id, Totp *ret) {
        _cleanup_(user_key_done) UserKey key = {0};
        _cleanup_(rows_done) Rows r = {0};
        Totp t;

        TRY(db_row(cx, c, &sql_totp_get, ARGS(v_text(user_id)), &r));
        t = (Totp){ .secret = row_dup(cx, &r, 0), .confirmed = row_int(&r, 1) > 0, .last_step = row_int(&r, 2) };
        TRY(user_key_get(cx, id->keys, c, user_id, &key));
        TRY(seal_open(cx, &key, (SealFor){ user_id, "totp" }, t.secret, &t.secret));
        *ret = t;
        return OK;
}

Err mfa_is_on(Ctx *cx, DbConn *c, Str user_id, bool *ret) {
        _cleanup_(rows_done) Rows r = {0};
        Err e = db_row(cx, c, &sql_totp_get, ARGS(v_text(user_id)), &r);

        if (e && e != ERR_NOT_FOUND)                  /* fail closed: an unknown second factor is not an absent one */
                return e;
        *ret = !e && row_int(&r, 1) > 0;
        return OK;
}

/* ---- enrolment ---- */

Err mfa_enroll(Ctx *cx, Identity *id, DbConn *c, const User *u, Str *ret_secret, Str *ret_uri) {
        _cleanup_(user_key_done) UserKey key = {0};
        unsigned char secret[TOTP_SECRET];
        Str text, sealed;
        bool on;

        TRY(mfa_is_on(cx, c, u->user_id, &on));
        if (on)
                return RAISE(cx, ERR_CONFLICT, "a second factor is in use");
        TRY(user_key_get(cx, id->keys, c, u->user_id, &key));
        cx_random(cx, secret, sizeof(secret));
        text = base32_encode(cx->arena, str_n(secret, sizeof(secret)));
        sealed = seal(cx, &key, (SealFor){ u->user_id, "totp" }, str_n(secret, sizeof(secret)));
        secret_wipe(secret, sizeof(secret));
        TRY(db_run(cx, c, &sql_totp_set, ARGS(v_text(u->user_id), v_blob(sealed), v_int(cx_now_ms(cx))), NULL));
        *ret_secret = text;
        *ret_uri = arena_strf(cx->arena, "otpauth://totp/Mainstay:%.*s?secret=%.*s&issuer=Mainstay&algorithm=SHA1&digits=6&period=30",
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
        return arena_strf(cx->arena, "%.4s-%.4s-%.4s-%.4s", text.p, text.p + 4, text.p + 8, text.p + 12);
}

static Err recovery_codes_make(Ctx *cx, DbConn *c, Str user_id, Str ret[RECOVERY_CODES]) {
        unsigned char hash[SHA256_SIZE];

        TRY(db_run(cx, c, &sql_recovery_clear, ARGS(v_text(user_id)), NULL));
        for (size_t i = 0; i < RECOVERY_CODES; i++) {
                ret[i] = recovery_code_new(cx, hash);
                TRY(db_run(cx, c, &sql_recovery_add, ARGS(v_text(user_id), v_blob(str_n(hash, sizeof(hash)))), NULL));
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
                        plain[n++] = (char)(code.p[i] >= 'a' && code.p[i] <= 'z' ? code.p[i] - 32 : code.p[i]);
        code_hash(str_n(plain, n), hash);
        TRY(db_run(cx, c, &sql_recovery_use, ARGS(v_text(user_id), v_blob(str_n(hash, sizeof(hash)))), &changed));
        *ret_right = changed == 1;
        return OK;
}

/* A time step counts once; the update is the decision, so two calls with one code cannot both win. */
static Err totp_use(Ctx *cx, DbConn *c, Str user_id, const Totp *t, Str code, bool *ret_right) {
        int64_t step, changed;

        *ret_right = false;
        if (!totp_verify(t->secret, code, cx_now_ms(cx) / 1000, t->last_step, &step))
                return OK;
        TRY(db_run(cx, c, &sql_totp_step, ARGS(v_text(user_id), v_int(step)), &changed));
        *ret_right = changed == 1;
        return OK;
}

static Err code_use(Ctx *cx, Identity *id, DbConn *c, Str user_id, Str code, bool *ret_right) {
        Totp t;
        Err e = totp_load(cx, id, c, user_id, &t);

        if (e == ERR_NOT_FOUND || (!e && !t.confirmed))
                return RAISE(cx, ERR_CONFLICT, "no second factor is in use");
        TRY(e);
        TRY(totp_use(cx, c, user_id, &t, code, ret_right));
        return *ret_right ? OK : recovery_code_use(cx, c, user_id, code, ret_right);
}

static Err mfa_audit(Ctx *cx, Identity *id, DbConn *c, Str user_id, const char *event, const char *outcome, const Caller *from) {
        return audit_append(cx, id->audit, c, &(AuditEvent){
                .event = event, .outcome = outcome, .actor_type = "user", .actor_id = user_id, .ip = from->ip,
                .user_agent = from->user_agent });
}

Err mfa_confirm(Ctx *cx, Identity *id, DbConn *c, Str user_id, Str code, const Caller *from, Str ret_codes[RECOVERY_CODES]) {
        Totp t;
        bool right;
        Err e = totp_load(cx, id, c, user_id, &t);

        if (e == ERR_NOT_FOUND || (!e && t.confirmed))
                return RAISE(cx, ERR_CONFLICT, "nothing to confirm");
        TRY(e);
        TRY(totp_use(cx, c, user_id, &t, code, &right));
        if (!right)
                return RAISE(cx, ERR_CODE_INVALID, "wrong code");
        TRY(db_run(cx, c, &sql_totp_confirm, ARGS(v_text(user_id), v_int(cx_now_ms(cx))), NULL));
        TRY(recovery_codes_make(cx, c, user_id, ret_codes));
        return mfa_audit(cx, id, c, user_id, "authn_mfa_enrolled", "success", from);
}

Err mfa_remove(Ctx *cx, Identity *id, DbConn *c, Str user_id, Str code, const Caller *from) {
        bool right;

        TRY(code_use(cx, id, c, user_id, code, &right));
        if (!right)
                return RAISE(cx, ERR_CODE_INVALID, "wrong code");
        TRY(db_run(cx, c, &sql_totp_delete, ARGS(v_text(user_id)), NULL));
        TRY(db_run(cx, c, &sql_recovery_clear, ARGS(v_text(user_id)), NULL));
        return mfa_audit(cx, id, c, user_id, "authn_mfa_removed", "success", from);
}

/* ---- signing in ---- */

Err mfa_begin(Ctx *cx, Identity *id, DbConn *c, Str user_id, bool remember, Str *ret_token) {
        return once_new(cx, id, c, ONCE_MFA, user_id, remember ? STR("remember") : STR("-"), MFA_TTL_S, ret_token);
}

static Err mfa_wrong(Ctx *cx, Identity *id, DbConn *c, const User *u, Str token, int64_t tries, const Caller *from) {
        OnceInfo spent;

        TRY(once_count_try(cx, c, token));
        if (tries + 1 >= MFA_TRIES)
                TRY(once_redeem(cx, id, c, ONCE_MFA, token, &spent));
        return login_failed(cx, id, c, u->email, u->user_id, "authn_mfa_fail", from);
}

Err mfa_finish(Ctx *cx, Identity *id, DbConn *c, Str token, Str code, const Caller *from, MfaVerdict *ret, SessionGrant *ret_grant) {
        OnceInfo info;
        bool right;
        User u;
        Err e = once_peek(cx, id, c, ONCE_MFA, token, &info);

        if (e == ERR_LINK_INVALID) {
                err_clear(cx);
                *ret = MFA_TOKEN_BAD;
                return OK;
        }
        TRY(e);
        TRY(user_load(cx, id, c, info.user_id, &u));
        if (info.tries == 0)                          /* tries of one sign-in are counted by its token; later ones wait */
                e = lockout_check(cx, id, c, u.email);
        if (e == ERR_LOCKED) {
                *ret = MFA_WAIT;
                return OK;
        }
        TRY(e);
        TRY(code_use(cx, id, c, u.user_id, code, &right));
        if (!right) {
                *ret = MFA_WRONG;
                return mfa_wrong(cx, id, c, &u, token, info.tries, from);
        }
        TRY(once_redeem(cx, id, c, ONCE_MFA, token, &info));
        *ret = MFA_OK;
        return login_finish(cx, id, c, &u, u.email, info.tries > 0, str_eq(info.data, STR("remember")), from, ret_grant);
}

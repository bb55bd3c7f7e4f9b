// SPDX-License-Identifier: MIT
#include "identity/once.h"

#include "codec/base64.h"
#include "identity/identity_int.h"

enum { TOKEN_BYTES = 32, TOKEN_TEXT_MAX = 128 };

static const char *const kind_names[_ONCE_N] = {
        [ONCE_VERIFY] = "verify",       [ONCE_RESET] = "reset", [ONCE_EMAIL_OLD] = "email_old",
        [ONCE_EMAIL_NEW] = "email_new", [ONCE_MFA] = "mfa",
};

static Str kind_name(OnceKind kind) { return str_c(kind_names[kind]); }

static Str token_hash_text(Ctx *cx, Str token) {
        unsigned char *h = NEW_ARRAY(cx->arena, unsigned char, SHA256_SIZE);

        sha256(token, h);
        return str_n(h, SHA256_SIZE);
}

Err once_void(Ctx *cx, DbConn *c, OnceKind kind, Str user_id) {
        return db_run(cx, c, &sql_once_void, ARGS(v_text(user_id), v_text(kind_name(kind))), NULL);
}

Err once_is_open(Ctx *cx, DbConn *c, OnceKind kind, Str user_id, bool *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(cx, c, &sql_once_open,
                       ARGS(v_text(user_id), v_text(kind_name(kind)), v_int(cx_now_ms(cx))), &r);

        if (e && e != ERR_NOT_FOUND)
                return e;
        *ret = e == OK;
        return OK;
}

Err once_new(Ctx *cx, const Work *w, const OnceNew *in, Str *ret_token) {
        unsigned char bytes[TOKEN_BYTES];
        int64_t now = cx_now_ms(cx);
        Str token, hash, sealed = STR_NULL;
        _cleanup_(user_key_done) UserKey key = { 0 };

        TRY(user_key_get(cx, w->id->keys, w->c, in->user_id, &key));
        if (in->data.p)
                sealed = seal(cx, &key, (SealFor){ in->user_id, kind_names[in->kind] }, in->data);
        cx_random(cx, bytes, sizeof(bytes));
        token = base64url_encode(cx->arena, str_n(bytes, sizeof(bytes)));
        hash = token_hash_text(cx, token);
        TRY(once_void(cx, w->c, in->kind, in->user_id));
        TRY(db_run(cx, w->c, &sql_once_add,
                   ARGS(v_blob(hash), v_text(kind_name(in->kind)), v_text(in->user_id),
                        v_blob(sealed), v_int(now), v_int(now + 1000 * in->ttl_s)),
                   NULL));
        *ret_token = token;
        return OK;
}

static Err refuse(Ctx *cx, const char *why) { return RAISE(cx, ERR_LINK_INVALID, "%s", why); }

Err once_peek(Ctx *cx, const Work *w, OnceKind kind, Str token, OnceInfo *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        _cleanup_(user_key_done) UserKey key = { 0 };
        OnceInfo info;
        Err e;

        if (!token.n || token.n > TOKEN_TEXT_MAX)
                return refuse(cx, "not a token");
        e = db_row(cx, w->c, &sql_once_get,
                   ARGS(v_blob(token_hash_text(cx, token)), v_text(kind_name(kind))), &r);
        if (e == ERR_NOT_FOUND)
                return refuse(cx, "unknown");
        TRY(e);
        if (row_int(&r, 3))
                return refuse(cx, "used");
        if (row_int(&r, 2) <= cx_now_ms(cx))
                return refuse(cx, "expired");
        info = (OnceInfo){ .user_id = row_dup(cx, &r, 0),
                           .tries = row_int(&r, 4),
                           .created_at = row_int(&r, 5) };
        if (!row_is_null(&r, 1)) {
                TRY(user_key_get(cx, w->id->keys, w->c, info.user_id, &key));
                TRY(seal_open(cx, &key, (SealFor){ info.user_id, kind_names[kind] },
                              row_text(&r, 1), &info.data));
        }
        *ret = info;
        return OK;
}

Err once_redeem(Ctx *cx, const Work *w, OnceKind kind, Str token, OnceInfo *ret) {
        int64_t changed;

        TRY(once_peek(cx, w, kind, token, ret));
        TRY(db_run(cx, w->c, &sql_once_use,
                   ARGS(v_blob(token_hash_text(cx, token)), v_int(cx_now_ms(cx))), &changed));
        return changed ? OK : refuse(cx, "used by another call");
}

Err once_count_try(Ctx *cx, DbConn *c, Str token) {
        return db_run(cx, c, &sql_once_try, ARGS(v_blob(token_hash_text(cx, token))), NULL);
}

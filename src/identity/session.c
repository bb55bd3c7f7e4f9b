// SPDX-License-Identifier: MIT
#include "identity/session.h"

#include "codec/base64.h"
#include "codec/radix.h"
#include "identity/identity_int.h"
#include "identity/notice.h"
#include "identity/token.h"

enum {
        ID_BYTES = 16,
        KEY_BYTES = 32,
        HEAD_BYTES = 1 + ID_BYTES + 4,
        TOKEN_BYTES = HEAD_BYTES + SHA256_SIZE,
        VERSION = 1
};

typedef struct Session {
        Str session_id, user_id;
        unsigned char raw_id[ID_BYTES];
        unsigned char key[KEY_BYTES];
        RotationState state;
        bool remember, is_retry;
} Session;

static void session_wipe(Session *s) { secret_wipe(s, sizeof(*s)); }

/* ---- tokens ---- */

static Str session_id_text(Ctx *cx, const unsigned char raw[ID_BYTES]) {
        return arena_strf(cx->arena, "ses_%.*s",
                          STR_FMT(crockford_encode(cx->arena, str_n(raw, ID_BYTES))));
}

static void token_head(unsigned char head[HEAD_BYTES], const unsigned char raw_id[ID_BYTES],
                       uint32_t generation) {
        head[0] = VERSION;
        memcpy(head + 1, raw_id, ID_BYTES);
        for (int i = 0; i < 4; i++)
                head[1 + ID_BYTES + i] = (unsigned char)(generation >> (24 - 8 * i));
}

static Str refresh_token_write(Ctx *cx, const Session *s) {
        unsigned char bytes[TOKEN_BYTES];

        token_head(bytes, s->raw_id, s->state.generation);
        hmac_sha256(str_n(s->key, KEY_BYTES), str_n(bytes, HEAD_BYTES), bytes + HEAD_BYTES);
        return arena_strf(cx->arena, "mr_%.*s",
                          STR_FMT(base64url_encode(cx->arena, str_n(bytes, sizeof(bytes)))));
}

static bool refresh_token_read(Str text, unsigned char ret[TOKEN_BYTES], uint32_t *ret_generation) {
        Str body = str_from(text, 3);
        uint32_t g = 0;

        if (!str_starts(text, STR("mr_")) || body.n != base64url_size(TOKEN_BYTES) ||
            !base64url_read(body, ret) || ret[0] != VERSION)
                return false;
        for (int i = 0; i < 4; i++)
                g = g << 8 | ret[1 + ID_BYTES + i];
        *ret_generation = g;
        return true;
}

/* Follows from the session and its generation, so that the retry of a rotation names the same
 * token. */
static Str token_id(Ctx *cx, const Session *s) {
        unsigned char head[HEAD_BYTES], mac[SHA256_SIZE];

        token_head(head, s->raw_id, s->state.generation);
        head[0] = 'j';
        hmac_sha256(str_n(s->key, KEY_BYTES), str_n(head, HEAD_BYTES), mac);
        return crockford_encode(cx->arena, str_n(mac, 16));
}

static int64_t idle_ttl_s(const Identity *id, bool remember) {
        return remember ? id->set.remember_idle_ttl_s : id->set.idle_ttl_s;
}

/* A retry gets the very token of the answer that was lost, while it is remembered. */
static Err access_token_make(Ctx *cx, Identity *id, const Session *s, const AccessClaims *c,
                             Str *ret) {
        const JoseKey *key = signing_key_current(cx, id->signing);

        if (!key)
                return RAISE(cx, ERR_INTERNAL, "no signing key in use");
        if (s->is_retry && grant_memo_get(cx, id->memo, c->jti, ret))
                return OK;
        TRY(jws_sign(cx, key, STR("at+jwt"), claims_write(cx, c), ret));
        if (s->state.generation)
                grant_memo_put(id->memo, c->jti, *ret);
        return OK;
}

/* All times count from the rotation, not from now: the answer to a retry is the answer that was
 * lost. */
static Err grant_make(Ctx *cx, Identity *id, const Session *s, const User *u, SessionGrant *ret) {
        int64_t iat = s->state.rotated_at_ms / 1000, last = s->state.expires_ms / 1000;
        SessionGrant g = { .user = *u,
                           .session_id = s->session_id,
                           .refresh_token = refresh_token_write(cx, s) };
        AccessClaims c = {
                .user_id = u->user_id,
                .sid = s->session_id,
                .jti = token_id(cx, s),
                .email = u->email,
                .tier = str_c(tier_limits[u->tier].name),
                .scope = scopes_format(cx, u->is_admin ? SCOPES_ADMIN : SCOPES_USER),
                .iss = id->set.issuer,
                .aud = id->set.audience,
                .iat = iat,
                .exp = MIN(iat + id->set.access_ttl_s, last),
        };

        TRY(access_token_make(cx, id, s, &c, &g.access_token));
        g.expires_in = c.exp - iat;
        g.refresh_expires_in = MIN(s->state.idle_expires_ms, s->state.expires_ms) / 1000 - iat;
        *ret = g;
        return OK;
}

/* ---- rows ---- */

static Err client_seal(Ctx *cx, const Work *w, Str user_id, Str *ret) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        Str agent = str_to(w->from.user_agent, str_utf8_cut(w->from.user_agent, 200));

        TRY(user_key_get(cx, w->id->keys, w->c, user_id, &key));
        *ret = seal(cx, &key, (SealFor){ user_id, "session" },
                    arena_strf(cx->arena, "%.*s\n%.*s", STR_FMT(w->from.ip), STR_FMT(agent)));
        return OK;
}

/* In the order of SESSION_COLUMNS. */
enum {
        COL_SESSION_ID,
        COL_USER_ID,
        COL_KEY,
        COL_GENERATION,
        COL_ROTATED_AT,
        COL_CREATED_AT,
        COL_LAST_USED_AT,
        COL_IDLE_EXPIRES_AT,
        COL_EXPIRES_AT,
        COL_REMEMBER_ME,
        COL_CLIENT,
        COL_REVOKED_AT
};

static Err session_read(Ctx *cx, Identity *id, const Rows *r, Session *s) {
        Str key;

        *s = (Session){
                .session_id = row_dup(cx, r, COL_SESSION_ID),
                .user_id = row_dup(cx, r, COL_USER_ID),
                .state = { .generation = (uint32_t)row_int(r, COL_GENERATION),
                           .rotated_at_ms = row_int(r, COL_ROTATED_AT),
                           .idle_expires_ms = row_int(r, COL_IDLE_EXPIRES_AT),
                           .expires_ms = row_int(r, COL_EXPIRES_AT),
                           .revoked = row_int(r, COL_REVOKED_AT) != 0 },
                .remember = row_int(r, COL_REMEMBER_ME),
        };
        TRY(identity_unseal(cx, id, (SealFor){ s->session_id, "session_key" }, row_text(r, COL_KEY),
                            &key));
        if (key.n != KEY_BYTES)
                return RAISE(cx, ERR_CORRUPT, "session key of %zu bytes", key.n);
        memcpy(s->key, key.p, KEY_BYTES);
        secret_wipe((char *)key.p, key.n);
        return OK;
}

Err session_start(Ctx *cx, const Work *w, const User *u, bool remember, SessionGrant *ret) {
        _cleanup_(session_wipe) Session s = { .user_id = u->user_id, .remember = remember };
        int64_t now = cx_now_ms(cx);
        Str client, sealed;

        cx_random(cx, s.raw_id, sizeof(s.raw_id));
        cx_random(cx, s.key, sizeof(s.key));
        s.session_id = session_id_text(cx, s.raw_id);
        s.state.rotated_at_ms = now;
        s.state.expires_ms = now + 1000 * (remember ? w->id->set.remember_absolute_ttl_s
                                                    : w->id->set.absolute_ttl_s);
        s.state.idle_expires_ms = MIN(now + 1000 * idle_ttl_s(w->id, remember), s.state.expires_ms);
        TRY(client_seal(cx, w, u->user_id, &client));
        sealed = identity_seal(cx, w->id, (SealFor){ s.session_id, "session_key" },
                               str_n(s.key, sizeof(s.key)));
        TRY(db_run(cx, w->c, &sql_session_add,
                   ARGS(v_text(s.session_id), v_text(u->user_id), v_blob(sealed), v_int(now),
                        v_int(s.state.idle_expires_ms), v_int(s.state.expires_ms), v_int(remember),
                        v_blob(client)),
                   NULL));
        TRY(audit_append(cx, w->id->audit, w->c,
                         AUDIT_EVENT("session_created", "success", AUDIT_BY_USER(u->user_id),
                                     AUDIT_OF("session", s.session_id), AUDIT_FROM(w->from))));
        return grant_make(cx, w->id, &s, u, ret);
}

/* ---- refresh ---- */

static Err session_audit(Ctx *cx, const Work *w, const Session *s, const char *event,
                         const char *outcome) {
        return audit_append(cx, w->id->audit, w->c,
                            AUDIT_EVENT(event, outcome, AUDIT_BY_USER(s->user_id),
                                        AUDIT_OF("session", s->session_id), AUDIT_FROM(w->from)));
}

static Err rotate_next(Ctx *cx, const Work *w, Session *s) {
        int64_t now = cx_now_ms(cx), changed;

        s->state.generation++;
        s->state.rotated_at_ms = now;
        s->state.idle_expires_ms =
                MIN(now + 1000 * idle_ttl_s(w->id, s->remember), s->state.expires_ms);
        TRY(db_run(cx, w->c, &sql_session_rotate,
                   ARGS(v_text(s->session_id), v_int(s->state.generation), v_int(now),
                        v_int(s->state.idle_expires_ms)),
                   &changed));
        if (!changed) /* another replica was first: the client asks again and gets its answer */
                return RAISE(cx, ERR_UNAVAILABLE, "lost the race for generation %u",
                             s->state.generation);
        return session_audit(cx, w, s, "session_renewed", "success");
}

static Err session_revoke(Ctx *cx, const Work *w, Str user_id, Str session_id,
                          int64_t *ret_changed) {
        TRY(db_run(cx, w->c, &sql_session_revoke,
                   ARGS(v_text(session_id), v_text(user_id), v_int(cx_now_ms(cx))), ret_changed));
        identity_note(cx, w, CHANGE_SESSION, session_id);
        return OK;
}

static Err reuse_punish(Ctx *cx, const Work *w, const Session *s) {
        int64_t changed;

        TRY(session_revoke(cx, w, s->user_id, s->session_id, &changed));
        TRY(session_audit(cx, w, s, "authn_token_reuse", "denied"));
        return notice_send(cx, w, s->user_id, NOTICE_TOKEN_REUSE);
}

static Err session_find(Ctx *cx, const Work *w, const unsigned char token[TOKEN_BYTES],
                        Session *s) {
        _cleanup_(rows_done) Rows r = { 0 };

        TRY(db_row(cx, w->c, &sql_session_get, ARGS(v_text(session_id_text(cx, token + 1))), &r));
        TRY(session_read(cx, w->id, &r, s));
        memcpy(s->raw_id, token + 1, ID_BYTES);
        return OK;
}

static bool mac_is_right(const Session *s, const unsigned char token[TOKEN_BYTES]) {
        unsigned char mac[SHA256_SIZE];

        hmac_sha256(str_n(s->key, KEY_BYTES), str_n(token, HEAD_BYTES), mac);
        return secret_eq(str_n(mac, sizeof(mac)), str_n(token + HEAD_BYTES, SHA256_SIZE));
}

Err session_refresh(Ctx *cx, const Work *w, Str token, RotationVerdict *ret,
                    SessionGrant *ret_grant) {
        _cleanup_(session_wipe) Session s = { 0 };
        unsigned char bytes[TOKEN_BYTES];
        uint32_t generation;
        RotationVerdict verdict = ROTATE_UNKNOWN;
        User u;
        Err e;

        if (!refresh_token_read(token, bytes, &generation)) {
                *ret = verdict;
                return OK;
        }
        e = session_find(cx, w, bytes, &s);
        if (e && e != ERR_NOT_FOUND)
                return e;
        if (!e)
                verdict = rotation_decide(&s.state, generation, mac_is_right(&s, bytes),
                                          cx_now_ms(cx));
        if (verdict == ROTATE_REUSED)
                TRY(reuse_punish(cx, w, &s));
        if (verdict == ROTATE_EXPIRED)
                TRY(session_audit(cx, w, &s, "session_use_after_expire", "denied"));
        if (verdict == ROTATE_NEXT)
                TRY(rotate_next(cx, w, &s));
        if (verdict == ROTATE_NEXT || verdict == ROTATE_SAME) {
                TRY(user_load(cx, w, s.user_id, &u));
                s.is_retry = verdict == ROTATE_SAME;
                TRY(grant_make(cx, w->id, &s, &u, ret_grant));
        }
        *ret = verdict;
        return OK;
}

/* ---- looking and ending ---- */

Err session_check(Ctx *cx, DbConn *c, Str session_id, Str user_id, bool *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(cx, c, &sql_session_get, ARGS(v_text(session_id)), &r);

        if (e && e != ERR_NOT_FOUND)
                return e;
        *ret = !e && str_eq(row_text(&r, COL_USER_ID), user_id) &&
               row_int(&r, COL_REVOKED_AT) == 0 && row_int(&r, COL_EXPIRES_AT) > cx_now_ms(cx);
        return OK;
}

Err session_list(Ctx *cx, const Work *w, Str user_id, SessionInfo **ret, size_t *ret_n) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        _cleanup_(rows_done) Rows r = { 0 };
        SessionInfo *list = NEW_ARRAY(cx->arena, SessionInfo, SESSIONS_LISTED);
        size_t n = 0;
        bool more;
        Err e = user_key_get(cx, w->id->keys, w->c, user_id, &key);

        if (e == ERR_NOT_FOUND) { /* a foreign user that was first seen a moment ago */
                *ret = list;
                *ret_n = 0;
                return OK;
        }
        TRY(e);
        TRY(db_rows(cx, w->c, &sql_session_list,
                    ARGS(v_text(user_id), v_int(cx_now_ms(cx)), v_int(SESSIONS_LISTED)), &r));
        for (;;) {
                Str client;

                TRY(rows_next(cx, &r, &more));
                if (!more || n == SESSIONS_LISTED)
                        break;
                TRY(seal_open(cx, &key, (SealFor){ user_id, "session" }, row_text(&r, COL_CLIENT),
                              &client));
                list[n++] = (SessionInfo){
                        .session_id = row_dup(cx, &r, COL_SESSION_ID),
                        .ip = str_cut(&client, '\n'),
                        .user_agent = client,
                        .created_at = row_int(&r, COL_CREATED_AT),
                        .last_used_at = row_int(&r, COL_LAST_USED_AT),
                        .expires_at = row_int(&r, COL_EXPIRES_AT),
                        .remember_me = row_int(&r, COL_REMEMBER_ME),
                };
        }
        *ret = list;
        *ret_n = n;
        return OK;
}

Err session_end(Ctx *cx, const Work *w, Str user_id, Str session_id) {
        int64_t changed;

        TRY(session_revoke(cx, w, user_id, session_id, &changed));
        if (!changed)
                return RAISE(cx, ERR_NOT_FOUND, "no such session of this user");
        return audit_append(cx, w->id->audit, w->c,
                            AUDIT_EVENT("session_logout", "success", AUDIT_BY_USER(user_id),
                                        AUDIT_OF("session", session_id), AUDIT_FROM(w->from)));
}

static Err note_sessions(Ctx *cx, const Work *w, Str user_id, Str keep) {
        _cleanup_(rows_done) Rows r = { 0 };
        bool more;

        TRY(db_rows(cx, w->c, &sql_session_ids, ARGS(v_text(user_id), v_text(keep)), &r));
        for (;;) {
                TRY(rows_next(cx, &r, &more));
                if (!more)
                        return OK;
                identity_note(cx, w, CHANGE_SESSION, row_text(&r, 0));
        }
}

Err session_end_all(Ctx *cx, const Work *w, Str user_id, Str keep, int64_t *ret_n) {
        int64_t now = cx_now_ms(cx);
        Str except = keep.p ? keep : STR("");

        TRY(note_sessions(cx, w, user_id, except));
        TRY(db_run(cx, w->c, &sql_session_revoke_all,
                   ARGS(v_text(user_id), v_int(now), v_text(except)), ret_n));
        TRY(db_run(cx, w->c, &sql_user_set_epoch, ARGS(v_text(user_id), v_int(now / 1000)), NULL));
        user_changed(cx, w, user_id);
        return OK;
}

static Err token_revoke(Ctx *cx, const Work *w, const Principal *who) {
        int64_t now_s = cx_now_ms(cx) / 1000;

        if (who->jti.p) {
                TRY(db_run(cx, w->c, &sql_revoked_token_add,
                           ARGS(v_blob(identity_index(cx, w->id, "jti", who->jti)),
                                v_int(1000 * (who->expires_at_s + TOKEN_SKEW_S))),
                           NULL));
                identity_note(cx, w, CHANGE_TOKEN, who->jti);
        }
        TRY(db_run(cx, w->c, &sql_user_set_epoch, ARGS(v_text(who->user_id), v_int(now_s)), NULL));
        user_changed(cx, w, who->user_id);
        return audit_append(cx, w->id->audit, w->c,
                            AUDIT_EVENT("authn_token_revoked", "success",
                                        AUDIT_BY_USER(who->user_id), AUDIT_FROM(w->from)));
}

Err principal_logout(Ctx *cx, const Work *w, const Principal *who) {
        switch (who->kind) {
        case WHO_SESSION: return session_end(cx, w, who->user_id, who->sid);
        case WHO_FOREIGN: return token_revoke(cx, w, who);
        case WHO_API_KEY:
                return RAISE(cx, ERR_FORBIDDEN,
                             "an API key has no session; delete the key instead");
        case WHO_DEV:
        case WHO_UNSET: break;
        }
        return OK;
}

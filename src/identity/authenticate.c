// SPDX-License-Identifier: MIT
/* authenticate: from the credential fields of a request to a Principal.
 *
 * One credential decides: Authorization, else X-API-Key, else a session cookie. What was
 * verified before is taken from the token cache; otherwise signature and claims are checked, and
 * then what they name is looked up. Every failure is the same answer. */
#include "base/log.h"
#include "codec/authz.h"
#include "codec/cookie.h"
#include "codec/jose.h"
#include "identity/api_key.h"
#include "identity/count.h"
#include "identity/identity_int.h"
#include "identity/provision.h"
#include "identity/session.h"
#include "identity/token.h"

typedef enum ShownKind { SHOWN_NONE, SHOWN_KEY, SHOWN_BEARER, SHOWN_COOKIE } ShownKind;
typedef struct Shown {
        ShownKind kind;
        Str text;
        int cookie;
} Shown; /* cookie: index, or FOREIGN_BEARER */

/* One verification under way. */
typedef struct Check {
        Identity *id;
        DbConn *c;
        const Shown *shown;
        const Credentials *in;
        Principal who;
        TokenBasis basis;
        bool keep; /* may be believed again without another look-up */
} Check;

static void basis_add(Check *k, ChangeKind kind, Str name) {
        assert(k->basis.n < TOKEN_REFS_MAX);
        k->basis.refs[k->basis.n++] = change_ref(&k->id->changes, kind, name);
}

/* ---- which credential ---- */

static Err shown_authorization(Ctx *cx, Str header, Shown *ret) {
        Str scheme, rest, token;

        if (authz_split(header, &scheme, &rest) && str_eq_nocase(scheme, STR("token")) &&
            api_key_looks_like(rest)) {
                *ret = (Shown){ SHOWN_KEY, rest, FOREIGN_BEARER };
                return OK;
        }
        if (!authz_bearer(cx->arena, header, &token))
                return RAISE(cx, ERR_TOKEN_INVALID,
                             "Authorization is not a well-formed Bearer token");
        *ret = (Shown){ api_key_looks_like(token) ? SHOWN_KEY : SHOWN_BEARER, token,
                        FOREIGN_BEARER };
        return OK;
}

static void shown_cookie(Ctx *cx, const Identity *id, Str header, Shown *ret) {
        for (int i = 0; i < FOREIGN_COOKIES; i++) {
                Str name = foreign_cookie(id->foreign, i);
                Str value = name.p ? cookie_join(cx->arena, header, name) : STR_NULL;

                if (value.n) {
                        *ret = (Shown){ SHOWN_COOKIE, value, i };
                        return;
                }
        }
}

static Err shown_find(Ctx *cx, const Identity *id, const Credentials *in, Shown *ret) {
        Shown s = { .cookie = FOREIGN_BEARER };

        if (in->authorization.p)
                TRY(shown_authorization(cx, in->authorization, &s));
        else if (in->x_api_key.p)
                s = (Shown){ SHOWN_KEY, in->x_api_key, FOREIGN_BEARER };
        else if (in->cookie.p && foreign_is_configured(id->foreign))
                shown_cookie(cx, id, in->cookie, &s);
        *ret = s;
        return OK;
}

/* ---- users ---- */

static void principal_fill(const User *u, Principal *p) {
        uint32_t may = u->is_admin ? SCOPES_ADMIN : SCOPES_USER;

        p->user_id = u->user_id;
        p->email = u->email;
        p->full_name = u->full_name;
        p->is_verified = u->is_verified;
        p->created_at = u->created_at;
        p->last_login = u->last_login;
        p->tier = u->tier;
        p->is_admin = u->is_admin;
        p->scopes &= may;
        p->max_memories = u->max_memories;
        p->max_requests_per_day = u->max_requests_per_day;
        p->llm_processing = u->consent_llm;
        p->memory_extraction = u->consent_extraction;
}

static Err user_admit(Ctx *cx, const User *u, Principal *p) {
        if (!u->is_active)
                return RAISE(cx, ERR_FORBIDDEN, "the account is disabled");
        principal_fill(u, p);
        return OK;
}

/* ---- tokens ---- */

static uint32_t claimed_scopes(const Claims *c) {
        return c->scope.p ? scopes_parse(c->scope) : SCOPES_ADMIN;
}

static Err token_is_revoked(Ctx *cx, const Work *w, const Claims *claims) {
        _cleanup_(rows_done) Rows r = { 0 };
        Err e;

        if (!claims->jti.p)
                return OK;
        e = db_row(cx, w->c, &sql_revoked_token_get,
                   ARGS(v_blob(identity_index(cx, w->id, "jti", claims->jti))), &r);
        if (e == ERR_NOT_FOUND)
                return OK;
        return e ? e : RAISE(cx, ERR_TOKEN_INVALID, "the token is revoked");
}

/* Ours by secret, ours by key, or of the front end. */
typedef struct Opened {
        Claims claims;
        UserSource source;
} Opened;

/* With the key that the header asks for, if there is one. */
static Err verify_own(Ctx *cx, const Identity *id, Str token, const JoseHeader *h, Claims *ret) {
        const JoseKey *key = signing_key_find(cx, id->signing, h);
        Str payload;

        if (!key)
                return RAISE(cx, ERR_TOKEN_INVALID, "no such signing key");
        TRY(jws_verify(cx, key, token, &payload));
        TRY(claims_read(cx, payload, ret));
        if (ret->iss.p && !str_eq(ret->iss, id->set.issuer))
                return RAISE(cx, ERR_TOKEN_INVALID, "another issuer");
        if (!claims_is_for(ret, id->set.audience))
                return RAISE(cx, ERR_TOKEN_INVALID, "for another audience");
        if (ret->iss.p && !str_eq_nocase(h->typ, STR("at+jwt")))
                return RAISE(cx, ERR_TOKEN_INVALID,
                             "our issuer, but not an access token by its type");
        return OK;
}

/* Keys of our own sign only what we issue. */
static Err open_own(Ctx *cx, Identity *id, Str token, const JoseHeader *h, Opened *ret) {
        Claims c;

        TRY(verify_own(cx, id, token, h, &c));
        if (!c.iss.p || !c.sid.p)
                return RAISE(cx, ERR_TOKEN_INVALID, "issuer or session is missing");
        *ret = (Opened){ c, SOURCE_LOCAL };
        return OK;
}

static Err open_shared(Ctx *cx, Identity *id, Str token, const JoseHeader *h, Opened *ret) {
        Claims c;

        TRY(verify_own(cx, id, token, h, &c));
        if (!c.iss.p && id->same_secret)
                *ret = (Opened){ c, SOURCE_AUTHJS };
        else
                *ret = (Opened){ c, c.iss.p && c.sid.p ? SOURCE_LOCAL : SOURCE_SERVICE };
        return OK;
}

static Err open_foreign(Ctx *cx, Identity *id, const Shown *s, Opened *ret) {
        Str payload;
        Claims c;

        TRY(foreign_open(cx, id->foreign, s->text, s->cookie, &payload));
        TRY(claims_read(cx, payload, &c));
        *ret = (Opened){ c, SOURCE_AUTHJS };
        return OK;
}

static Err token_open(Ctx *cx, Identity *id, const Shown *s, Opened *ret) {
        JoseHeader h;
        Err e;

        TRY(jose_header(cx, s->text, &h));
        if (h.alg == JOSE_ES256)
                return open_own(cx, id, s->text, &h, ret);
        if (h.alg != JOSE_HS256 || s->kind == SHOWN_COOKIE)
                return open_foreign(cx, id, s, ret);
        e = open_shared(cx, id, s->text, &h, ret);
        if (e != ERR_TOKEN_INVALID || !foreign_is_configured(id->foreign))
                return e;
        err_clear(cx);
        return open_foreign(cx, id, s, ret);
}

static Err session_of(Ctx *cx, Check *k, const Claims *claims) {
        bool live;

        if (!claims->sid.p)
                return OK;
        basis_add(k, CHANGE_SESSION, claims->sid);
        TRY(session_check(cx, k->c, claims->sid, claims->sub, &live));
        return live ? OK
                    : RAISE(cx, ERR_TOKEN_INVALID, "the session has ended or is not this user's");
}

/* Tokens without a session of ours end by the user's epoch; one that does not say when it was
 * issued cannot be shown to be younger. */
static Err epoch_check(Ctx *cx, const User *u, const Claims *c) {
        if (!c->sid.p && u->epoch_s && (!c->has_iat || c->iat <= u->epoch_s))
                return RAISE(cx, ERR_TOKEN_INVALID, "issued before the user's sessions were ended");
        return OK;
}

static Err user_of_claims(Ctx *cx, Check *k, const Opened *o, User *ret) {
        Work w = { .id = k->id, .c = k->c };
        Subject subject;
        Err e;

        if (o->source == SOURCE_LOCAL) {
                e = user_load(cx, &w, o->claims.sub, ret);
                return e == ERR_NOT_FOUND ? RAISE(cx, ERR_TOKEN_INVALID, "no such user") : e;
        }
        TRY(subject_find(cx, &w, o->source, &o->claims, &subject));
        if (subject.is_new)
                TRY(provision_start(cx, k->id, &subject.user));
        k->who.is_new = subject.is_new;
        *ret = subject.user;
        return OK;
}

static Err token_verify(Ctx *cx, Check *k) {
        Opened o;
        User u;

        TRY(token_open(cx, k->id, k->shown, &o));
        TRY(claims_check(cx, &o.claims, cx_now_ms(cx) / 1000));
        k->who = (Principal){
                .kind = o.source == SOURCE_LOCAL ? WHO_SESSION : WHO_FOREIGN,
                .sid = o.claims.sid,
                .jti = o.claims.jti,
                .scopes = claimed_scopes(&o.claims),
                .issued_at_s = o.claims.iat,
                .expires_at_s = o.claims.exp,
        };
        if (o.source != SOURCE_AUTHJS)
                TRY(session_of(cx, k, &o.claims));
        if (o.claims.jti.p) {
                basis_add(k, CHANGE_TOKEN, o.claims.jti);
                TRY(token_is_revoked(cx, &(Work){ .id = k->id, .c = k->c }, &o.claims));
        }
        TRY(user_of_claims(cx, k, &o, &u));
        basis_add(k, CHANGE_USER, u.user_id);
        TRY(epoch_check(cx, &u, &o.claims));
        k->keep = true;
        return user_admit(cx, &u, &k->who);
}

/* ---- keys ---- */

static Err key_verify(Ctx *cx, Check *k) {
        ApiKey key;
        User u;
        Err e;

        TRY(api_key_check(cx, k->c, k->shown->text, k->in->client_ip, &key));
        e = user_load(cx, &(Work){ .id = k->id, .c = k->c }, key.user_id, &u);
        if (e == ERR_NOT_FOUND)
                return RAISE(cx, ERR_TOKEN_INVALID, "the key's user is gone");
        TRY(e);
        k->who = (Principal){ .kind = WHO_API_KEY,
                              .key_id = key.key_id,
                              .scopes = key.scopes,
                              .issued_at_s = key.created_at / 1000,
                              .expires_at_s = key.good_until / 1000 };
        basis_add(k, CHANGE_KEY, key.key_id);
        basis_add(k, CHANGE_USER, u.user_id);
        k->keep = !key.ip_ranges.n; /* a key bound to addresses is judged with each request */
        return user_admit(cx, &u, &k->who);
}

/* ---- the whole ---- */

static Str origin_of(Str url) {
        size_t scheme = 0;

        while (scheme + 2 < url.n && memcmp(url.p + scheme, "://", 3) != 0)
                scheme++;
        if (scheme + 2 >= url.n)
                return STR_NULL;
        return str_to(url, scheme + 3 + str_index(str_from(url, scheme + 3), '/'));
}

static bool origin_is_allowed(const Identity *id, Str origin) {
        if (!origin.n)
                return false;
        for (size_t i = 0; i < id->set.cors_origins.n; i++)
                if (str_eq(id->set.cors_origins.v[i], origin))
                        return true;
        return str_eq(origin_of(id->set.public_url), origin);
}

static Err shown_verify(Ctx *cx, Identity *id, const Shown *s, const Credentials *in, Check *ret) {
        Check k = { .id = id, .shown = s, .in = in, .basis.seen = change_now(&id->changes) };

        TRY(db_read(cx, id->db, &k.c)); /* fail closed: what cannot be looked up is not accepted */
        TRY(s->kind == SHOWN_KEY ? key_verify(cx, &k) : token_verify(cx, &k));
        *ret = k;
        return OK;
}

static Err shown_admit(Ctx *cx, Identity *id, const Shown *s, const Credentials *in,
                       Principal *ret) {
        TokenHash h =
                token_hash(id->cache, (unsigned)s->kind << 4 | (unsigned)(s->cookie + 1), s->text);
        Principal p = { 0 };

        if (!token_cache_get(cx, id->cache, h, &p)) {
                Check k;

                TRY(shown_verify(cx, id, s, in, &k));
                p = k.who;
                if (k.keep)
                        token_cache_put(id->cache, h, &p, &k.basis);
        }
        if (s->kind == SHOWN_COOKIE && in->changes && !origin_is_allowed(id, in->origin))
                return RAISE(cx, ERR_CSRF, "origin %.*s", STR_FMT(in->origin));
        if (p.kind == WHO_API_KEY)
                key_use_note(id->uses, p.key_id, in->client_ip, cx_now_ms(cx));
        *ret = p;
        return OK;
}

static Err dev_admit(Ctx *cx, Identity *id, const Credentials *in, Principal *ret) {
        Str token, name = STR("dev-user-default");
        Subject s;
        DbConn *c;

        if (in->authorization.p && authz_bearer(cx->arena, in->authorization, &token) &&
            str_starts(token, STR("dev-")) && token.n <= USER_ID_MAX)
                name = token;
        TRY(db_read(cx, id->db, &c));
        TRY(subject_find(cx, &(Work){ id, c }, SOURCE_DEV, &(Claims){ .sub = name }, &s));
        if (s.is_new)
                TRY(provision_start(cx, id, &s.user));
        *ret = (Principal){ .kind = WHO_DEV, .scopes = SCOPES_ADMIN, .is_new = s.is_new };
        principal_fill(&s.user, ret);
        return OK;
}

Err identity_authenticate(Ctx *cx, Identity *id, const Credentials *in, Principal *ret) {
        Shown s;
        Err e;

        if (id->set.skip_auth)
                return dev_admit(cx, id, in, ret);
        e = shown_find(cx, id, in, &s);
        if (!e && s.kind == SHOWN_NONE) {
                *ret = (Principal){ .kind = WHO_UNSET };
                return OK;
        }
        if (!e)
                e = shown_admit(cx, id, &s, in, ret);
        if (e == ERR_TOKEN_INVALID || e == ERR_TOKEN_EXPIRED) {
                count_event("token_rejected", err_info[e].name);
                LOG(cx, LOG_INFO, "token_rejected", "a credential was refused",
                    L_STR("reason", str_c(cx->err.what)), L_TOP_STR("client_ip", in->client_ip));
        }
        return e;
}

Err identity_introspect(Ctx *cx, Identity *id, Str token, Str client_ip, Principal *ret) {
        Shown s = { api_key_looks_like(token) ? SHOWN_KEY : SHOWN_BEARER, token, FOREIGN_BEARER };

        if (!token.n || token.n > AUTHZ_TOKEN_MAX)
                return RAISE(cx, ERR_TOKEN_INVALID, "not a token");
        return shown_admit(cx, id, &s, &(Credentials){ .client_ip = client_ip }, ret);
}

// SPDX-License-Identifier: MIT
#include "identity/token.h"

#include "codec/jose.h"
#include "codec/json.h"

#define TIME_MAX INT64_C(9007199254740991)

static Err invalid(Ctx *cx, const char *claim) {
        return RAISE(cx, ERR_TOKEN_INVALID, "claim %s has a wrong type", claim);
}

/* null counts as absent: Auth.js writes it for what a provider did not say. */
static Err read_text(Ctx *cx, JsonRef o, const char *name, Str *ret) {
        JsonRef v = json_get(o, name);
        JsonKind kind = json_kind(v);

        if (kind == JSON_ABSENT || kind == JSON_NULL)
                return OK;
        if (kind != JSON_STR)
                return invalid(cx, name);
        *ret = arena_dup(cx->arena, json_str(v));
        return OK;
}

static Err read_time(Ctx *cx, JsonRef o, const char *name, int64_t *ret, bool *ret_has) {
        JsonRef v = json_get(o, name);

        if (json_kind(v) == JSON_ABSENT)
                return OK;
        if (json_kind(v) != JSON_INT || json_int(v, -1) < 0 || json_int(v, -1) > TIME_MAX)
                return invalid(cx, name);
        *ret = json_int(v, -1);
        *ret_has = true;
        return OK;
}

/* The first of sub, user_id, id; a number is taken as its decimal text. */
static Err read_subject(Ctx *cx, JsonRef o, Str *ret) {
        static const char *const names[] = { "sub", "user_id", "id" };
        bool found = false;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                JsonRef v = json_get(o, names[i]);
                JsonKind kind = json_kind(v);

                if (kind == JSON_ABSENT || kind == JSON_NULL)
                        continue;
                if (kind != JSON_STR && kind != JSON_INT)
                        return invalid(cx, names[i]);
                if (found)
                        continue;
                *ret = kind == JSON_INT ? arena_strf(cx->arena, "%lld", (long long)json_int(v, 0))
                                        : arena_dup(cx->arena, json_str(v));
                found = true;
        }
        return OK;
}

static Err read_audience(Ctx *cx, JsonRef o, Strs *ret) {
        JsonRef v = json_get(o, "aud");
        size_t n = json_kind(v) == JSON_ARR ? json_count(v) : 1;
        Str *list;

        if (json_kind(v) == JSON_ABSENT || json_kind(v) == JSON_NULL)
                return OK;
        list = NEW_ARRAY(cx->arena, Str, MAX(n, (size_t)1));
        for (size_t i = 0; i < n; i++) {
                JsonRef one = json_kind(v) == JSON_ARR ? json_at(v, i) : v;

                if (json_kind(one) != JSON_STR)
                        return invalid(cx, "aud");
                list[i] = arena_dup(cx->arena, json_str(one));
        }
        *ret = (Strs){ list, n };
        return OK;
}

Err claims_read(Ctx *cx, Str payload, Claims *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        Claims c = { 0 };
        JsonRef o;

        if (json_parse(cx, payload, JOSE_DEPTH_MAX, &j) != OK) {
                err_clear(cx);
                return RAISE(cx, ERR_TOKEN_INVALID, "payload is not JSON");
        }
        o = json_root(j);
        if (json_kind(o) != JSON_OBJ)
                return RAISE(cx, ERR_TOKEN_INVALID, "payload is not an object");
        TRY(read_subject(cx, o, &c.sub));
        TRY(read_text(cx, o, "sid", &c.sid));
        TRY(read_text(cx, o, "jti", &c.jti));
        TRY(read_text(cx, o, "email", &c.email));
        TRY(read_text(cx, o, "scope", &c.scope));
        TRY(read_text(cx, o, "iss", &c.iss));
        TRY(read_text(cx, o, "type", &c.use));
        if (!c.use.p)
                TRY(read_text(cx, o, "token_use", &c.use));
        TRY(read_audience(cx, o, &c.aud));
        TRY(read_time(cx, o, "iat", &c.iat, &c.has_iat));
        TRY(read_time(cx, o, "exp", &c.exp, &c.has_exp));
        TRY(read_time(cx, o, "nbf", &c.nbf, &c.has_nbf));
        *ret = c;
        return OK;
}

Err claims_check(Ctx *cx, const Claims *c, int64_t now_s) {
        if (!c->sub.n || c->sub.n > 255 || memchr(c->sub.p, 0, c->sub.n))
                return RAISE(cx, ERR_TOKEN_INVALID, "no usable subject");
        if (!c->has_exp)
                return RAISE(cx, ERR_TOKEN_INVALID, "no exp");
        if (c->use.p && !str_eq(c->use, STR("access")))
                return RAISE(cx, ERR_TOKEN_INVALID, "not an access token");
        if (c->has_iat && c->iat > now_s + TOKEN_FUTURE_S)
                return RAISE(cx, ERR_TOKEN_INVALID, "issued in the future");
        if (c->has_nbf && c->nbf > now_s + TOKEN_SKEW_S)
                return RAISE(cx, ERR_TOKEN_INVALID, "not yet valid");
        if (now_s > c->exp + TOKEN_SKEW_S)
                return RAISE(cx, ERR_TOKEN_EXPIRED, "expired");
        return OK;
}

bool claims_is_for(const Claims *c, Str audience) {
        for (size_t i = 0; i < c->aud.n; i++)
                if (str_eq(c->aud.v[i], audience))
                        return true;
        return c->aud.v == NULL;
}

static void add_text(Buf *b, const char *name, Str value) {
        buf_addf(b, "%s\"%s\":", b->n > 1 ? "," : "", name);
        json_write_str(b, value);
}

Str claims_write(Ctx *cx, const AccessClaims *c) {
        _cleanup_(buf_done) Buf b = BUF(8192);

        buf_addc(&b, '{');
        add_text(&b, "sub", c->user_id);
        add_text(&b, "user_id", c->user_id);
        add_text(&b, "sid", c->sid);
        add_text(&b, "jti", c->jti);
        add_text(&b, "email", c->email);
        add_text(&b, "tier", c->tier);
        add_text(&b, "scope", c->scope);
        add_text(&b, "iss", c->iss);
        add_text(&b, "aud", c->aud);
        buf_addf(&b, ",\"iat\":%lld,\"exp\":%lld}", (long long)c->iat, (long long)c->exp);
        return arena_dup(cx->arena, buf_str(&b));
}

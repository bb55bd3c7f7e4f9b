// SPDX-License-Identifier: MIT
/* What this server offers, and what a token is (RFC 7662). */
#include "api/identity_view.h"
#include "crypto/password.h"

/* ---- status ---- */

typedef struct PasswordPolicy {
        int64_t min_bytes, max_bytes;
        Str algorithm;
} PasswordPolicy;
static const Shape password_policy_shape = SHAPE(PasswordPolicy,
        F_INT(PasswordPolicy, min_bytes, F_REQ),
        F_INT(PasswordPolicy, max_bytes, F_REQ),
        F_STR(PasswordPolicy, algorithm, F_REQ, .one_of = "argon2id|bcrypt"));

typedef struct AuthStatus {
        Strs methods;
        bool registration_open, email_delivery;
        const PasswordPolicy *password_policy;
} AuthStatus;
static const Shape auth_status_shape = SHAPE(AuthStatus,
        F_STRS(AuthStatus, methods, F_REQ),
        F_BOOL(AuthStatus, registration_open, F_REQ),
        F_BOOL(AuthStatus, email_delivery, F_REQ),
        F_OBJ(AuthStatus, password_policy, F_REQ, .sub = &password_policy_shape));

static Err status_handle(Req *rq, const void *in, void *ret) {
        PasswordPolicy *policy = NEW(rq->cx->arena, PasswordPolicy);
        Str *methods = NEW_ARRAY(rq->cx->arena, Str, 4);
        IdentityOffer offer;
        size_t n = 0;

        identity_offer(rq->sv->identity, &offer);
        methods[n++] = STR("password");
        methods[n++] = STR("api_key");
        methods[n++] = STR("totp");
        if (offer.authjs)
                methods[n++] = STR("authjs");
        *policy = (PasswordPolicy){ PASSWORD_MIN, (int64_t)password_max(offer.password_hash),
                                    offer.password_hash == PASSWORD_BCRYPT ? STR("bcrypt")
                                                                           : STR("argon2id") };
        *(AuthStatus *)ret = (AuthStatus){
                { methods, n }, offer.registration_open, offer.email_delivery, policy
        };
        return OK;
}

/* ---- introspect ---- */

typedef struct IntrospectIn {
        Str token, token_type_hint;
} IntrospectIn;
static const Shape introspect_in = SHAPE(IntrospectIn,
        F_STR(IntrospectIn, token, F_REQ | F_SECRET, .min = 1, .max = 32 * 1024),
        F_STR(IntrospectIn, token_type_hint, 0, .max = 64));

typedef struct Introspected {
        bool active;
        Str sub, user_id, username, scope, tier, sid, jti;
        OptInt iat, exp;
        Str iss, aud, token_type;
} Introspected;
static const Shape introspected_shape = SHAPE(Introspected,
        F_BOOL(Introspected, active, F_REQ),
        F_STR(Introspected, sub, 0),
        F_STR(Introspected, user_id, 0),
        F_STR(Introspected, username, 0),
        F_STR(Introspected, scope, 0),
        F_STR(Introspected, tier, 0),
        F_STR(Introspected, sid, 0),
        F_STR(Introspected, jti, 0),
        F_OINT(Introspected, iat, 0),
        F_OINT(Introspected, exp, 0),
        F_STR(Introspected, iss, 0),
        F_STR(Introspected, aud, 0),
        F_STR(Introspected, token_type, 0));

static Introspected introspected(Req *rq, const Principal *p) {
        IdentityOffer offer;

        identity_offer(rq->sv->identity, &offer);
        return (Introspected){
                .active = true,
                .sub = p->user_id,
                .user_id = p->user_id,
                .username = p->email.n ? p->email : STR_NULL,
                .scope = scopes_format(rq->cx, p->scopes),
                .tier = str_c(tier_limits[p->tier].name),
                .sid = p->sid,
                .jti = p->jti,
                .iat = { p->issued_at_s > 0, p->issued_at_s },
                .exp = { p->expires_at_s > 0, p->expires_at_s },
                .iss = p->kind == WHO_SESSION ? offer.issuer : STR_NULL,
                .aud = p->kind == WHO_SESSION ? offer.audience : STR_NULL,
                .token_type = p->kind == WHO_API_KEY ? STR("api_key") : STR("Bearer"),
        };
}

/* Whatever is not good now is only "not active": the reason is nobody's business (RFC 7662
 * section 2.2). A store that fails is not an answer about the token. */
static Err introspect_handle(Req *rq, const void *in_, void *ret) {
        const IntrospectIn *in = in_;
        Principal p;
        Err e = identity_introspect(rq->cx, rq->sv->identity, in->token, rq->client_ip, &p);

        if (e == ERR_TOKEN_INVALID || e == ERR_TOKEN_EXPIRED || e == ERR_FORBIDDEN) {
                err_clear(rq->cx);
                *(Introspected *)ret = (Introspected){ .active = false };
                return OK;
        }
        TRY(e);
        *(Introspected *)ret = introspected(rq, &p);
        return OK;
}

#define STATUS(id_, path_)                                                                         \
        {                                                                                          \
                .id = id_, .method = GET, .path = path_, .lane = LANE_INLINE, .auth = AUTH_NONE,   \
                .rate = RATE_NONE, .out = &auth_status_shape, .audit_none = "public",              \
                .tag = "Auth", .summary = "How one can sign in here", .fn = status_handle          \
        }

const Route auth_status_routes[] = {
        STATUS("auth.status", "/api/v1/auth/status"),
        STATUS("auth.status.alias", "/api/auth/status"),
        {
                .id = "auth.introspect",
                .method = POST,
                .path = "/api/v1/auth/introspect",
                .lane = LANE_READ,
                .auth = AUTH_USER,
                .scope = "introspect",
                .rate = RATE_FREE,
                /* RFC 6749 section 3.2: what is not known is passed over */
                .query = &query_ignored,
                .in = &introspect_in,
                .accepts = "application/x-www-form-urlencoded",
                .out = &introspected_shape,
                .body_max = 40 * 1024,
                .audit_none = "reads nothing but the token",
                .tag = "Auth",
                .summary = "Is this token good? (RFC 7662)",
                .fn = introspect_handle,
        },
        {},
};

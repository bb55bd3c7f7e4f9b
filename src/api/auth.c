// SPDX-License-Identifier: MIT
/* Signing up, in and out. */
#include "api/identity_view.h"
#include "codec/json.h"
#include "identity/login.h"
#include "identity/mfa.h"

enum { PASSWORD_TEXT_MAX = 16384, EMAIL_TEXT_MAX = 320, TOKEN_TEXT_MAX = 8192 };

/* ---- register ---- */

typedef struct RegisterIn {
        Str email, password, full_name, confirm_password;
} RegisterIn;
static const Shape register_in = SHAPE(RegisterIn,
        F_STR(RegisterIn, email, F_REQ, .min = 1, .max = EMAIL_TEXT_MAX, .format = "email"),
        F_STR(RegisterIn, password, F_REQ | F_SECRET | F_BLANK, .min = 1, .max = PASSWORD_TEXT_MAX,
                .format = "password", .doc = "8 to 128 bytes (72 with bcrypt)"),
        F_STR(RegisterIn, full_name, 0, .min = 1, .max = FULL_NAME_MAX),
        F_STR(RegisterIn, confirm_password, F_SECRET | F_BLANK, .max = PASSWORD_TEXT_MAX,
                .format = "password"));

static Err register_admit(Req *rq, const void *in_, void *ret) {
        const RegisterIn *in = in_;

        return hash_queue_enter(rq->cx, rq->sv->identity, rq->client_ip, in->email);
}

/* With mail configured nobody learns whether the address was new: one answer for both. */
static Err register_accepted(Req *rq) {
        static const char text[] =
                "{\"status\":\"accepted\",\"message\":\"Check your mailbox to continue.\"}";

        rq->status = 202;
        return req_raw(rq, STR("application/json"), str_c(text));
}

static Err register_handle(Req *rq, const void *in_, void *ret) {
        const RegisterIn *in = in_;
        RegisterInput input = { in->email, in->password, in->full_name, in->confirm_password,
                                req_caller(rq) };
        bool accepted;
        User u;

        TRY(hash_begin(rq, in->email));
        TRY(account_register(rq->cx, rq->sv->identity, &input, &u, &accepted));
        if (accepted)
                return register_accepted(rq);
        *(UserView *)ret = user_view(rq->cx, &u);
        return OK;
}

/* ---- login ---- */

typedef struct LoginIn {
        Str email, password;
        bool remember_me;
} LoginIn;
static const Shape login_in = SHAPE(LoginIn,
        F_STR(LoginIn, email, F_REQ, .min = 1, .max = EMAIL_TEXT_MAX, .format = "email"),
        F_STR(LoginIn, password, F_REQ | F_SECRET | F_BLANK, .min = 1, .max = PASSWORD_TEXT_MAX,
                .format = "password"),
        F_BOOL(LoginIn, remember_me, 0, .doc = "A session of weeks instead of a day"));

static Err login_admit(Req *rq, const void *in_, void *ret) {
        const LoginIn *in = in_;

        return hash_queue_enter(rq->cx, rq->sv->identity, rq->client_ip, in->email);
}

static Err login_handle(Req *rq, const void *in_, void *ret) {
        static const Str methods[] = { STR("totp"), STR("recovery_code") };
        const LoginIn *in = in_;
        LoginInput input = { in->email, in->password, in->remember_me, req_caller(rq) };
        LoginResult r;

        TRY(hash_begin(rq, in->email));
        TRY(login_password(rq->cx, rq->sv->identity, &input, &r));
        if (r.mfa_required)
                *(TokenPair *)ret = (TokenPair){ .mfa_required = { true, true },
                                                 .mfa_token = r.mfa_token,
                                                 .methods = { methods, ELEMENTSOF(methods) } };
        else
                *(TokenPair *)ret = token_pair(rq, &r.grant);
        return OK;
}

/* ---- refresh ---- */

typedef struct RefreshIn {
        Str refresh_token;
} RefreshIn;
static const Shape refresh_in = SHAPE(RefreshIn,
        F_STR(RefreshIn, refresh_token, F_REQ | F_SECRET, .min = 1, .max = TOKEN_TEXT_MAX));

static Err refresh_handle(Req *rq, const void *in_, void *ret) {
        const RefreshIn *in = in_;
        Work w = req_work(rq, rq->db);
        RotationVerdict verdict;
        SessionGrant grant;

        TRY(session_refresh(rq->cx, &w, in->refresh_token, &verdict, &grant));
        rq->keep = true;
        switch (verdict) {
        case ROTATE_NEXT:
        case ROTATE_SAME: *(TokenPair *)ret = token_pair(rq, &grant); return OK;
        case ROTATE_REUSED:
                return RAISE(rq->cx, ERR_REFRESH_REUSED, "an older generation was shown");
        case ROTATE_EXPIRED:
        case ROTATE_UNKNOWN: break;
        }
        return RAISE(rq->cx, ERR_REFRESH_INVALID, "unknown, ended or expired");
}

/* ---- logout ---- */

static Err logout_handle(Req *rq, const void *in, void *ret) {
        Work w = req_work(rq, rq->db);

        return principal_logout(rq->cx, &w, rq->who);
}

typedef struct LogoutAllIn {
        bool keep_current;
} LogoutAllIn;
static const Shape logout_all_in = SHAPE(LogoutAllIn, F_BOOL(LogoutAllIn, keep_current, 0));
typedef struct LogoutAll {
        int64_t revoked_sessions;
} LogoutAll;
static const Shape logout_all_shape = SHAPE(LogoutAll, F_INT(LogoutAll, revoked_sessions, F_REQ));

static Err logout_all_handle(Req *rq, const void *in_, void *ret) {
        const LogoutAllIn *in = in_;
        const Principal *who = rq->who;
        Work w = req_work(rq, rq->db);
        int64_t n;

        TRY(session_end_all(rq->cx, &w, who->user_id, in->keep_current ? who->sid : STR_NULL, &n));
        TRY(audit_append(rq->cx, identity_audit(rq->sv->identity), rq->db,
                         AUDIT_EVENT("authn_token_revoked", "success", AUDIT_BY_USER(who->user_id),
                                     AUDIT_OF("user", who->user_id), AUDIT_FROM(w.from),
                                     .reason = STR("logout_all"))));
        *(LogoutAll *)ret = (LogoutAll){ n };
        return OK;
}

/* ---- tokens looked at ---- */

typedef struct Validated {
        bool valid;
        Str user_id, email, tier, scope;
        OptInt exp;
} Validated;
static const Shape validated_shape = SHAPE(Validated,
        F_BOOL(Validated, valid, F_REQ),
        F_STR(Validated, user_id, F_REQ),
        F_STR(Validated, email, F_REQ | F_NULL),
        F_STR(Validated, tier, F_REQ),
        F_STR(Validated, scope, F_REQ),
        F_OINT(Validated, exp, F_REQ | F_NULL, .doc = "Unix seconds; null: never"));

static Err validate_handle(Req *rq, const void *in, void *ret) {
        const Principal *w = rq->who;

        *(Validated *)ret = (Validated){
                .valid = true,
                .user_id = w->user_id,
                .email = w->email.n ? w->email : STR_NULL,
                .tier = str_c(tier_limits[w->tier].name),
                .scope = scopes_format(rq->cx, w->scopes),
                .exp = { w->expires_at_s > 0, w->expires_at_s },
        };
        return OK;
}

static Err jwks_handle(Req *rq, const void *in, void *ret) {
        _cleanup_(buf_done) Buf out = BUF(64 * 1024);

        identity_jwks(rq->cx, rq->sv->identity, &out);
        req_header(rq, STR("Cache-Control"), STR("max-age=300"));
        *(Str *)ret = arena_dup(rq->cx->arena, buf_str(&out));
        return OK;
}

/* Every operation under /api/v1/auth; some also under /api/auth, for clients made for that path. */
#define REGISTER(id_, path_)                                                                       \
        {                                                                                          \
                .id = id_, .method = POST, .path = path_, .lane = LANE_HASH, .auth = AUTH_NONE,    \
                .rate = RATE_REGISTER, .in = &register_in, .out = &user_view_shape, .status = 201, \
                .also_status = 202, .also = "application/json", .body_max = 16 * 1024,             \
                .errors = ERRORS(ERR_EMAIL_TAKEN, ERR_PASSWORD_LONG, ERR_PASSWORD_COMMON,          \
                                 ERR_HASH_QUEUE, ERR_FORBIDDEN),                                   \
                .audit = "user_created", .tag = "Auth", .summary = "Create an account",            \
                .admit = register_admit, .fn = register_handle                                     \
        }
#define LOGIN(id_, path_)                                                                          \
        {                                                                                          \
                .id = id_, .method = POST, .path = path_, .lane = LANE_HASH, .auth = AUTH_NONE,    \
                .rate = RATE_LOGIN, .in = &login_in, .out = &token_pair_shape,                     \
                .body_max = 16 * 1024,                                                             \
                .errors =                                                                          \
                        ERRORS(ERR_CREDENTIALS, ERR_LOCKED, ERR_EMAIL_UNVERIFIED, ERR_HASH_QUEUE), \
                .audit = "authn_login_success", .tag = "Auth",                                     \
                .summary = "Sign in with a password", .admit = login_admit, .fn = login_handle     \
        }
#define REFRESH(id_, path_)                                                                        \
        {                                                                                          \
                .id = id_, .method = POST, .path = path_, .lane = LANE_WRITE, .auth = AUTH_NONE,   \
                .rate = RATE_REFRESH, .query = &query_ignored, .in = &refresh_in,                  \
                .out = &token_pair_shape, .body_max = 16 * 1024,                                   \
                .errors = ERRORS(ERR_REFRESH_INVALID, ERR_REFRESH_REUSED),                         \
                .audit = "session_renewed", .tag = "Auth",                                         \
                .summary = "Exchange a refresh token for its successor", .fn = refresh_handle      \
        }
#define LOGOUT(id_, path_)                                                                         \
        {                                                                                          \
                .id = id_, .method = POST, .path = path_, .lane = LANE_WRITE, .auth = AUTH_USER,   \
                .rate = RATE_FREE, .errors = ERRORS(ERR_FORBIDDEN), .audit = "session_logout",     \
                .tag = "Auth", .summary = "End this session", .fn = logout_handle                  \
        }
#define VALIDATE(id_, path_)                                                                       \
        {                                                                                          \
                .id = id_, .method = POST, .path = path_, .lane = LANE_INLINE, .auth = AUTH_USER,  \
                .rate = RATE_FREE, .out = &validated_shape,                                        \
                .audit_none = "reads nothing but the token", .tag = "Auth",                        \
                .summary = "What the shown credential is good for", .fn = validate_handle          \
        }
#define JWKS(id_, path_)                                                                           \
        {                                                                                          \
                .id = id_, .method = GET, .path = path_, .lane = LANE_INLINE, .auth = AUTH_NONE,   \
                .rate = RATE_NONE, .produces = "application/json", .audit_none = "public keys",    \
                .tag = "Auth", .summary = "Public keys that verify our access tokens (JWK set)",   \
                .fn = jwks_handle                                                                  \
        }

const Route auth_routes[] = {
        REGISTER("auth.register", "/api/v1/auth/register"),
        REGISTER("auth.register.alias", "/api/auth/register"),
        LOGIN("auth.login", "/api/v1/auth/login"),
        LOGIN("auth.login.alias", "/api/auth/login"),
        REFRESH("auth.refresh", "/api/v1/auth/refresh"),
        REFRESH("auth.refresh.alias", "/api/auth/refresh"),
        LOGOUT("auth.logout", "/api/v1/auth/logout"),
        LOGOUT("auth.logout.alias", "/api/auth/logout"),
        VALIDATE("auth.validate", "/api/v1/auth/validate-token"),
        VALIDATE("auth.validate.alias", "/api/auth/validate-token"),
        JWKS("auth.jwks", "/api/v1/auth/jwks"),
        JWKS("auth.jwks.well_known", "/.well-known/jwks.json"),
        {
                .id = "auth.logout_all",
                .method = POST,
                .path = "/api/v1/auth/logout-all",
                .lane = LANE_WRITE,
                .auth = AUTH_USER,
                .rate = RATE_FREE,
                .body_max = 1024,
                .in = &logout_all_in,
                .out = &logout_all_shape,
                .audit = "authn_token_revoked",
                .tag = "Auth",
                .summary = "End all sessions",
                .fn = logout_all_handle,
        },
        {},
};

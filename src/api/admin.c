// SPDX-License-Identifier: MIT
/* What administrators do with accounts and signing keys.
 * Everything here is audited. */
#include "api/identity_view.h"
#include "codec/base64.h"
#include "identity/operate.h"
#include "identity/recovery.h"

enum { PAGE_MAX = 200, EMAIL_TEXT_MAX = 320, CURSOR_MAX = 512 };
#define LIMIT_MAX 1e15

static Err admin_audit(Req *rq, DbConn *c, const char *event, Str user_id, const char *what) {
        Caller from = req_caller(rq);

        return audit_append(rq->cx, identity_audit(rq->sv->identity), c,
                            AUDIT_EVENT(event, "success", AUDIT_BY_USER(rq->who->user_id),
                                        .owner = user_id, AUDIT_OF("user", user_id),
                                        AUDIT_FROM(from), .reason = str_c(what)));
}

static Err target_load(Req *rq, DbConn *c, User *ret) {
        Work w = req_work(rq, c);
        Err e = user_load(rq->cx, &w, rq->path[0], ret);

        return e == ERR_NOT_FOUND ? RAISE(rq->cx, ERR_NOT_FOUND, "no such user") : e;
}

/* ---- list, get ---- */

typedef struct UsersQuery {
        Str email, tier;
        OptBool is_active;
        int64_t limit;
        Str cursor;
} UsersQuery;
static const Shape users_query = SHAPE(UsersQuery,
        F_STR(UsersQuery, email, 0, .max = EMAIL_TEXT_MAX, .doc = "The whole address"),
        F_STR(UsersQuery, tier, 0, .one_of = "free|pro|enterprise"),
        F_OBOOL(UsersQuery, is_active, 0),
        F_INT(UsersQuery, limit, 0, .min = 1, .max = PAGE_MAX, .def = 50),
        F_STR(UsersQuery, cursor, 0, .max = CURSOR_MAX));
typedef struct Users {
        List users;
        int64_t total;
        Str next_cursor;
} Users;
static const Shape users_shape = SHAPE(Users,
        F_LIST(Users, users, F_REQ, .sub = &user_view_shape),
        F_INT(Users, total, F_REQ, .doc = "All accounts"),
        F_STR(Users, next_cursor, F_REQ | F_NULL));

/* A cursor is the place of the last user shown: time of creation and id. */
static Err cursor_read(Ctx *cx, Str text, UserFilter *f) {
        Str plain, rest;

        if (!text.p)
                return OK;
        if (base64url_decode(cx->arena, text, &plain)) {
                rest = plain;
                if (str_to_i64(str_cut(&rest, ':'), &f->after_ms) && rest.p) {
                        f->after_id = rest;
                        return OK;
                }
        }
        return RAISE_FIELD(cx, "?cursor", "is not one that was given out");
}

static Str cursor_write(Ctx *cx, const User *last) {
        return base64url_encode(cx->arena,
                                arena_strf(cx->arena, "%lld:%.*s", (long long)last->created_at,
                                           STR_FMT(last->user_id)));
}

static Err users_handle(Req *rq, const void *in, void *ret) {
        const UsersQuery *q = rq->query;
        UserFilter f = { .tier = -1,
                         .is_active = q->is_active.has ? q->is_active.v : -1,
                         .limit = (int)q->limit,
                         .after_ms = INT64_MIN };
        Work w = req_work(rq, rq->db);
        Users *out = ret;
        UserView *views;
        User *list;
        Tier tier;
        size_t n;

        if (q->email.p)
                TRY(email_normalize(rq->cx, q->email, &f.email));
        if (q->tier.p && tier_parse(q->tier, &tier))
                f.tier = (int)tier;
        TRY(cursor_read(rq->cx, q->cursor, &f));
        TRY(user_list(rq->cx, &w, &f, &list, &n));
        TRY(user_count(rq->cx, rq->db, &out->total));
        views = NEW_ARRAY(rq->cx->arena, UserView, n + 1);
        for (size_t i = 0; i < n; i++)
                views[i] = user_view(rq->cx, &list[i]);
        out->users = (List){ views, n };
        out->next_cursor = n == (size_t)f.limit ? cursor_write(rq->cx, &list[n - 1]) : STR_NULL;
        return OK;
}

static Err user_handle(Req *rq, const void *in, void *ret) {
        User u;

        TRY(target_load(rq, rq->db, &u));
        *(UserView *)ret = user_view(rq->cx, &u);
        return OK;
}

/* ---- change ---- */

typedef struct UserPatch {
        Str tier;
        OptBool is_active, is_admin;
        OptInt max_memories, max_requests_per_day;
} UserPatch;
static const Shape user_patch = SHAPE(UserPatch,
        F_STR(UserPatch, tier, 0, .one_of = "free|pro|enterprise"),
        F_OBOOL(UserPatch, is_active, 0),
        F_OBOOL(UserPatch, is_admin, 0),
        F_OINT(UserPatch, max_memories, F_CLEAR, .min = -1, .max = LIMIT_MAX,
                .doc = "null or -1: unlimited"),
        F_OINT(UserPatch, max_requests_per_day, F_CLEAR, .min = -1, .max = LIMIT_MAX,
                .doc = "null or -1: unlimited"));

static Err patch_apply(Ctx *cx, const UserPatch *in, User *u) {
        if (in->tier.p && !tier_parse(in->tier, &u->tier))
                return RAISE_FIELD(cx, "#/tier", "is no tier");
        if (in->is_active.has)
                u->is_active = in->is_active.v;
        if (in->is_admin.has)
                u->is_admin = in->is_admin.v;
        if (in->max_memories.has) {
                u->own_max_memories = true;
                u->max_memories = in->max_memories.v;
        }
        if (in->max_requests_per_day.has) {
                u->own_max_requests = true;
                u->max_requests_per_day = in->max_requests_per_day.v;
        }
        return OK;
}

/* An administrator who locks himself out is a mistake, not a wish. */
static Err patch_check(Req *rq, const UserPatch *in, const User *u) {
        bool own = str_eq(u->user_id, rq->who->user_id);
        bool gives_up =
                (in->is_active.has && !in->is_active.v) || (in->is_admin.has && !in->is_admin.v);

        return own && gives_up ? RAISE(rq->cx, ERR_CONFLICT, "one's own account") : OK;
}

static Err user_patch_handle(Req *rq, const void *in_, void *ret) {
        const UserPatch *in = in_;
        Work w = req_work(rq, rq->db);
        int64_t ended;
        User u;

        TRY(target_load(rq, rq->db, &u));
        TRY(patch_check(rq, in, &u));
        TRY(patch_apply(rq->cx, in, &u));
        TRY(user_save_admin(rq->cx, &w, &u));
        if (!u.is_active)
                TRY(session_end_all(rq->cx, &w, u.user_id, STR_NULL, &ended));
        TRY(admin_audit(rq, rq->db,
                        in->is_admin.has ? "privilege_permissions_changed" : "authz_change",
                        u.user_id, "admin"));
        TRY(target_load(rq, rq->db, &u)); /* the limits of another tier */
        *(UserView *)ret = user_view(rq->cx, &u);
        return OK;
}

typedef struct Revoked {
        int64_t revoked_sessions;
} Revoked;
static const Shape revoked_shape = SHAPE(Revoked, F_INT(Revoked, revoked_sessions, F_REQ));

static Err user_revoke_handle(Req *rq, const void *in, void *ret) {
        Work w = req_work(rq, rq->db);
        Revoked out;
        User u;

        TRY(target_load(rq, rq->db, &u));
        TRY(session_end_all(rq->cx, &w, u.user_id, STR_NULL, &out.revoked_sessions));
        TRY(admin_audit(rq, rq->db, "authn_token_revoked", u.user_id, "admin"));
        *(Revoked *)ret = out;
        return OK;
}

/* The token goes to the user's mailbox only: an administrator never holds what sets a password. */
static Err user_reset_handle(Req *rq, const void *in, void *ret) {
        Work w = req_work(rq, rq->db);
        Str token;
        User u;

        TRY(target_load(rq, rq->db, &u));
        TRY(reset_start(rq->cx, &w, &u, &token));
        TRY(admin_audit(rq, rq->db, "authz_admin", u.user_id, "start-reset"));
        *(Status *)ret = (Status){ .status = STR("accepted") };
        return OK;
}

/* ---- signing keys ---- */

typedef struct KeyInfo {
        Str kid;
        int64_t created_at, active_from, retired_at;
        bool is_current, is_published;
} KeyInfo;
static const Shape key_info_shape = SHAPE(KeyInfo,
        F_STR(KeyInfo, kid, F_REQ),
        F_TIME(KeyInfo, created_at, F_REQ),
        F_TIME(KeyInfo, active_from, F_REQ),
        F_TIME(KeyInfo, retired_at, F_REQ | F_NULL),
        F_BOOL(KeyInfo, is_current, F_REQ),
        F_BOOL(KeyInfo, is_published, F_REQ));

static Err keys_handle(Req *rq, const void *in, void *ret) {
        SigningKeyInfo *list;
        KeyInfo *views;
        size_t n;

        TRY(operate_keys_list(rq->cx, rq->sv->identity, &list, &n));
        views = NEW_ARRAY(rq->cx->arena, KeyInfo, n + 1);
        for (size_t i = 0; i < n; i++)
                views[i] =
                        (KeyInfo){ list[i].kid,        list[i].created_at, list[i].active_from,
                                   list[i].retired_at, list[i].is_current, list[i].is_published };
        *(List *)ret = (List){ views, n };
        return OK;
}

static Err key_rotate_handle(Req *rq, const void *in, void *ret) {
        Work w = req_work(rq, rq->db);

        TRY(operate_key_rotate(rq->cx, &w));
        TRY(admin_audit(rq, rq->db, "authz_admin", STR(""), "key-rotate"));
        *(Status *)ret = (Status){ STR("accepted"),
                                   STR("The new key is published now and used in ten minutes.") };
        return OK;
}

static Err key_retire_handle(Req *rq, const void *in, void *ret) {
        Work w = req_work(rq, rq->db);

        TRY(operate_key_retire(rq->cx, &w, rq->path[0]));
        return admin_audit(rq, rq->db, "authz_admin", STR(""), "key-retire");
}

#define ADMIN .auth = AUTH_ADMIN, .scope = "admin", .rate = RATE_FREE, .tag = "Admin"

const Route admin_routes[] = {
        { .id = "admin.users",
          .method = GET,
          .path = "/api/v1/admin/users",
          .lane = LANE_READ,
          ADMIN,
          .query = &users_query,
          .out = &users_shape,
          .audit_none = "reading is in the access log",
          .summary = "List accounts",
          .fn = users_handle },
        { .id = "admin.user",
          .method = GET,
          .path = "/api/v1/admin/users/{user_id}",
          .lane = LANE_READ,
          ADMIN,
          .out = &user_view_shape,
          .errors = ERRORS(ERR_NOT_FOUND),
          .audit_none = "reading is in the access log",
          .summary = "One account",
          .fn = user_handle },
        { .id = "admin.user.patch",
          .method = PATCH,
          .path = "/api/v1/admin/users/{user_id}",
          .lane = LANE_WRITE,
          ADMIN,
          .in = &user_patch,
          .out = &user_view_shape,
          .body_max = 4 * 1024,
          .errors = ERRORS(ERR_NOT_FOUND, ERR_CONFLICT),
          .audit = "authz_change",
          .summary = "Change tier, limits, activity or administration",
          .fn = user_patch_handle },
        { .id = "admin.user.revoke",
          .method = POST,
          .path = "/api/v1/admin/users/{user_id}/revoke-sessions",
          .lane = LANE_WRITE,
          ADMIN,
          .out = &revoked_shape,
          .errors = ERRORS(ERR_NOT_FOUND),
          .audit = "authn_token_revoked",
          .summary = "End all sessions of a user",
          .fn = user_revoke_handle },
        { .id = "admin.user.reset",
          .method = POST,
          .path = "/api/v1/admin/users/{user_id}/start-reset",
          .lane = LANE_WRITE,
          ADMIN,
          .out = &status_shape,
          .status = 202,
          .errors = ERRORS(ERR_NOT_FOUND, ERR_CONFLICT),
          .audit = "authz_admin",
          .summary = "Send a user the letter that sets a new password",
          .fn = user_reset_handle },
        { .id = "admin.keys",
          .method = GET,
          .path = "/api/v1/admin/keys",
          .lane = LANE_READ,
          ADMIN,
          .out = &key_info_shape,
          .out_list = true,
          .audit_none = "reading is in the access log",
          .summary = "Signing keys",
          .fn = keys_handle },
        { .id = "admin.key.rotate",
          .method = POST,
          .path = "/api/v1/admin/keys/rotate",
          .lane = LANE_WRITE,
          ADMIN,
          .out = &status_shape,
          .status = 202,
          .errors = ERRORS(ERR_CONFLICT),
          .audit = "authz_admin",
          .summary = "Publish a new signing key, used in ten minutes",
          .fn = key_rotate_handle },
        { .id = "admin.key.retire",
          .method = POST,
          .path = "/api/v1/admin/keys/{kid}/retire",
          .lane = LANE_WRITE,
          ADMIN,
          .errors = ERRORS(ERR_NOT_FOUND, ERR_CONFLICT),
          .audit = "authz_admin",
          .summary = "Take a signing key out at once, with every token it signed",
          .fn = key_retire_handle },
        {}
};

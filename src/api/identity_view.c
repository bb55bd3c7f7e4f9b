// SPDX-License-Identifier: MIT
#include "api/identity_view.h"

#include "identity/login.h"

static const Shape consents_shape = SHAPE(Consents,
        F_BOOL(Consents, memory_extraction, F_REQ, .doc = "Chat may store new memories"),
        F_BOOL(Consents, llm_processing, F_REQ, .doc = "Messages may go to a language model"));

const Shape user_view_shape = SHAPE(UserView,
        F_STR(UserView, user_id, F_REQ),
        F_STR(UserView, email, F_REQ | F_NULL),
        F_STR(UserView, full_name, F_REQ | F_NULL),
        F_STR(UserView, tier, F_REQ, .one_of = "free|pro|enterprise"),
        F_BOOL(UserView, is_active, F_REQ),
        F_BOOL(UserView, is_verified, F_REQ),
        F_BOOL(UserView, is_admin, F_REQ),
        F_TIME(UserView, created_at, F_REQ),
        F_TIME(UserView, last_login, F_REQ | F_NULL),
        F_OINT(UserView, max_memories, F_REQ | F_NULL, .doc = "null: unlimited"),
        F_OINT(UserView, max_requests_per_day, F_REQ | F_NULL, .doc = "null: unlimited"),
        F_OBJ(UserView, consents, F_REQ, .sub = &consents_shape));

static OptInt limit_view(int64_t v) { return (OptInt){ v != LIMIT_NONE, v }; }
static Str or_null(Str s) { return s.n ? s : STR_NULL; }

UserView user_view(Ctx *cx, const User *u) {
        Consents *c = NEW(cx->arena, Consents);

        *c = (Consents){ u->consent_extraction, u->consent_llm };
        return (UserView){
                .user_id = u->user_id,
                .email = or_null(u->email),
                .full_name = or_null(u->full_name),
                .tier = str_c(tier_limits[u->tier].name),
                .is_active = u->is_active,
                .is_verified = u->is_verified,
                .is_admin = u->is_admin,
                .created_at = u->created_at,
                .last_login = u->last_login,
                .max_memories = limit_view(u->max_memories),
                .max_requests_per_day = limit_view(u->max_requests_per_day),
                .consents = c,
        };
}

const Shape token_pair_shape = SHAPE(TokenPair,
        F_OBOOL(TokenPair, mfa_required, 0,
                .doc = "A second factor is needed: POST /auth/mfa/verify"),
        F_STR(TokenPair, mfa_token, 0),
        F_STRS(TokenPair, methods, 0),
        F_STR(TokenPair, access_token, 0),
        F_STR(TokenPair, refresh_token, 0),
        F_STR(TokenPair, token_type, 0, .one_of = "bearer"),
        F_OINT(TokenPair, expires_in, 0, .doc = "Seconds"),
        F_OINT(TokenPair, refresh_expires_in, 0, .doc = "Seconds"),
        F_STR(TokenPair, user_id, 0),
        F_OBJ(TokenPair, user, 0, .sub = &user_view_shape));

TokenPair token_pair(Req *rq, const SessionGrant *g) {
        UserView *u = NEW(rq->cx->arena, UserView);

        *u = user_view(rq->cx, &g->user);
        return (TokenPair){
                .access_token = g->access_token,
                .refresh_token = g->refresh_token,
                .token_type = STR("bearer"),
                .expires_in = { true, g->expires_in },
                .refresh_expires_in = { true, g->refresh_expires_in },
                .user_id = g->user.user_id,
                .user = u,
        };
}

const Shape status_shape = SHAPE(Status,
        F_STR(Status, status, F_REQ),
        F_STR(Status, message, 0));

Caller req_caller(const Req *rq) {
        return (Caller){ rq->client_ip, exchange_header(rq->x, "user-agent") };
}

Work req_work(const Req *rq, DbConn *c) { return (Work){ rq->sv->identity, c, req_caller(rq) }; }

Err own_audit(Req *rq, const char *event, const char *target_type, Str target_id) {
        bool by_key = rq->who->kind == WHO_API_KEY;
        Caller from = req_caller(rq);

        return audit_append(rq->cx, identity_audit(rq->sv->identity), rq->db,
                            AUDIT_EVENT(event, "success", .actor_type = by_key ? "api_key" : "user",
                                        .actor_id = by_key ? rq->who->key_id : rq->who->user_id,
                                        .owner = rq->who->user_id, AUDIT_OF(target_type, target_id),
                                        AUDIT_FROM(from)));
}

Err admit_user(Req *rq, const void *in, void *ret) {
        return hash_queue_enter(rq->cx, rq->sv->identity, rq->client_ip, rq->who->user_id);
}

Err hash_begin(Req *rq, Str account) {
        return hash_queue_leave(rq->cx, rq->sv->identity, rq->client_ip, account,
                                rq->x->started_us);
}

User principal_user(const Principal *p) {
        return (User){
                .user_id = p->user_id,
                .email = p->email,
                .full_name = p->full_name,
                .tier = p->tier,
                .is_active = true,
                .is_verified = p->is_verified,
                .is_admin = p->is_admin,
                .consent_extraction = p->memory_extraction,
                .consent_llm = p->llm_processing,
                .created_at = p->created_at,
                .last_login = p->last_login,
                .max_memories = p->max_memories,
                .max_requests_per_day = p->max_requests_per_day,
        };
}

Err req_user(Req *rq, DbConn *c, User *ret) {
        Work w = req_work(rq, c);
        Err e = user_load(rq->cx, &w, rq->who->user_id, ret);

        if (e != ERR_NOT_FOUND)
                return e;
        if (rq->who->kind != WHO_FOREIGN && rq->who->kind != WHO_DEV)
                return RAISE(rq->cx, ERR_TOKEN_INVALID, "the account is gone");
        *ret = principal_user(rq->who);
        return OK;
}

// SPDX-License-Identifier: MIT
#pragma once
/* identity_view: the shapes that several identity resources share, and small things every
 * handler of them needs. */
#include "api/route.h"
#include "api/services.h"
#include "identity/session.h"

typedef struct Consents {
        bool memory_extraction, llm_processing;
} Consents;

typedef struct UserView {
        Str user_id, email, full_name, tier;
        bool is_active, is_verified, is_admin;
        int64_t created_at, last_login;
        OptInt max_memories, max_requests_per_day;
        const Consents *consents;
} UserView;
extern const Shape user_view_shape;
UserView user_view(Ctx *cx, const User *u);

typedef struct TokenPair {
        OptBool mfa_required; /* then only mfa_token and methods come with it */
        Str mfa_token;
        Strs methods;
        Str access_token, refresh_token, token_type, user_id;
        OptInt expires_in, refresh_expires_in;
        const UserView *user;
} TokenPair;
extern const Shape token_pair_shape;
TokenPair token_pair(Req *rq, const SessionGrant *g);

typedef struct Status {
        Str status;
        Str message;
} Status;
extern const Shape status_shape;

Caller req_caller(const Req *rq);
/* Inside the write of what the caller did to something of its own. */
Err own_audit(Req *rq, const char *event, const char *target_type, Str target_id) _must_check_;
Work req_work(const Req *rq, DbConn *c);

/* Rows of LANE_HASH: .admit = admit_user for signed-in callers, and the first line of the
 * handler. */
Err admit_user(Req *rq, const void *in, void *ret);
Err hash_begin(Req *rq, Str account) _must_check_;

/* The account as it was when the credential was verified. */
User principal_user(const Principal *p);
/* The account of the caller, read now. A foreign user's row may still wait in the writer's
 * queue: then what it will hold. */
Err req_user(Req *rq, DbConn *c, User *ret) _must_check_;

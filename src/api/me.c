// SPDX-License-Identifier: MIT
/* The caller's own account (contracts/identity.md sections 2 and 10). */
#include "api/identity_view.h"

/* From what was verified with the credential: it is looked up again after any change of the account. */
static Err me_handle(Req *rq, const void *in, void *ret) {
        const Principal *p = rq->who;
        User u = { .user_id = p->user_id, .email = p->email, .full_name = p->full_name, .tier = p->tier,
                   .is_active = true, .is_verified = p->is_verified, .is_admin = p->is_admin,
                   .consent_extraction = p->memory_extraction, .consent_llm = p->llm_processing,
                   .created_at = p->created_at, .last_login = p->last_login, .max_memories = p->max_memories,
                   .max_requests_per_day = p->max_requests_per_day };

        *(UserView *)ret = user_view(rq->cx, &u);
        return OK;
}

#define ME(id_, path_) \
        { .id = id_, .method = GET, .path = path_, .lane = LANE_INLINE, .auth = AUTH_USER, \
          .rate = RATE_FREE, .out = &user_view_shape, .audit_none = "one's own account", \
          .tag = "account", .summary = "The account of the caller", .fn = me_handle }

const Route me_routes[] = {
        ME("me.get", "/api/v1/me"),
        ME("me.get.auth", "/api/v1/auth/me"),
        ME("me.get.alias", "/api/auth/me"),
        {}
};

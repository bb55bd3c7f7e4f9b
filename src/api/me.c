// SPDX-License-Identifier: MIT
/* The caller's own account (contracts/identity.md sections 2 and 10). */
#include "api/identity_view.h"

static Err me_handle(Req *rq, const void *in, void *ret) {
        User u;

        TRY(req_user(rq, rq->db, &u));
        *(UserView *)ret = user_view(rq->cx, &u);
        return OK;
}

#define ME(id_, path_) \
        { .id = id_, .method = GET, .path = path_, .lane = LANE_READ, .auth = AUTH_USER, \
          .rate = RATE_FREE, .out = &user_view_shape, .audit_none = "one's own account", \
          .tag = "account", .summary = "The account of the caller", .fn = me_handle }

const Route me_routes[] = {
        ME("me.get", "/api/v1/me"),
        ME("me.get.auth", "/api/v1/auth/me"),
        ME("me.get.alias", "/api/auth/me"),
        {}
};

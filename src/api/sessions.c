// SPDX-License-Identifier: MIT
/* The caller's sessions. */
#include "api/identity_view.h"

typedef struct SessionView {
        Str session_id;
        int64_t created_at, last_used_at, expires_at;
        Str ip, user_agent;
        bool remember_me, current;
} SessionView;
static const Shape session_view_shape = SHAPE(SessionView,
        F_STR(SessionView, session_id, F_REQ),
        F_TIME(SessionView, created_at, F_REQ),
        F_TIME(SessionView, last_used_at, F_REQ),
        F_TIME(SessionView, expires_at, F_REQ),
        F_STR(SessionView, ip, F_REQ),
        F_STR(SessionView, user_agent, F_REQ | F_NULL),
        F_BOOL(SessionView, remember_me, F_REQ),
        F_BOOL(SessionView, current, F_REQ, .doc = "The session of this very request"));

typedef struct SessionList {
        List sessions;
} SessionList;
static const Shape session_list_shape = SHAPE(SessionList,
        F_LIST(SessionList, sessions, F_REQ, .sub = &session_view_shape));

static Err session_list_handle(Req *rq, const void *in, void *ret) {
        Work w = req_work(rq, rq->db);
        SessionInfo *list;
        SessionView *views;
        size_t n;

        TRY(session_list(rq->cx, &w, rq->who->user_id, &list, &n));
        views = NEW_ARRAY(rq->cx->arena, SessionView, n + 1);
        for (size_t i = 0; i < n; i++)
                views[i] = (SessionView){
                        .session_id = list[i].session_id,
                        .created_at = list[i].created_at,
                        .last_used_at = list[i].last_used_at,
                        .expires_at = list[i].expires_at,
                        .ip = list[i].ip,
                        .user_agent = list[i].user_agent.n ? list[i].user_agent : STR_NULL,
                        .remember_me = list[i].remember_me,
                        .current = str_eq(list[i].session_id, rq->who->sid),
                };
        *(SessionList *)ret = (SessionList){ { views, n } };
        return OK;
}

static Err session_delete_handle(Req *rq, const void *in, void *ret) {
        Work w = req_work(rq, rq->db);

        return session_end(rq->cx, &w, rq->who->user_id, rq->path[0]);
}

const Route sessions_routes[] = {
        {
                .id = "session.list",
                .method = GET,
                .path = "/api/v1/auth/sessions",
                .lane = LANE_READ,
                .auth = AUTH_USER,
                .scope = "profile",
                .rate = RATE_FREE,
                .out = &session_list_shape,
                .audit_none = "one's own sessions",
                .tag = "Auth",
                .summary = "List one's sessions",
                .fn = session_list_handle,
        },
        {
                .id = "session.delete",
                .method = DELETE,
                .path = "/api/v1/auth/sessions/{session_id}",
                .lane = LANE_WRITE,
                .auth = AUTH_USER,
                .scope = "profile",
                .rate = RATE_FREE,
                .errors = ERRORS(ERR_NOT_FOUND),
                .audit = "session_logout",
                .tag = "Auth",
                .summary = "End one of one's sessions",
                .fn = session_delete_handle,
        },
        {},
};

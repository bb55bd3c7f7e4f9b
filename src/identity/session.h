// SPDX-License-Identifier: MIT
#pragma once
/* session: one row per login. Refresh tokens are not stored: version ‖ session id ‖ generation ‖
 * MAC under the session's own key, so a table of sessions gives nobody a token and no number of
 * refreshes makes a table grow. See rotation.h for the rule. */
#include "identity/account.h"
#include "identity/rotation.h"

typedef struct SessionGrant {
        User user;
        Str session_id, access_token, refresh_token;
        int64_t expires_in, refresh_expires_in; /* seconds, from the moment of issue */
} SessionGrant;

/* Inside a write. A new session id at each login. */
Err session_start(Ctx *cx, const Work *w, const User *u, bool remember,
                  SessionGrant *ret) _must_check_;

/* Inside a write that must be committed whatever the verdict: a reused token has ended its
 * session by then. *ret_grant is set for ROTATE_NEXT and ROTATE_SAME. */
Err session_refresh(Ctx *cx, const Work *w, Str token, RotationVerdict *ret,
                    SessionGrant *ret_grant) _must_check_;

typedef struct SessionInfo {
        Str session_id, ip, user_agent;
        int64_t created_at, last_used_at, expires_at;
        bool remember_me;
} SessionInfo;
enum { SESSIONS_LISTED = 200 };
Err session_list(Ctx *cx, const Work *w, Str user_id, SessionInfo **ret,
                 size_t *ret_n) _must_check_;

/* Inside a write; in force for the next request after its commit. ERR_NOT_FOUND: not a live
 * session of this user. */
Err session_end(Ctx *cx, const Work *w, Str user_id, Str session_id) _must_check_;
/* All but `keep` (STR_NULL: all). Tokens without a session of ours end too, by the user's epoch. */
Err session_end_all(Ctx *cx, const Work *w, Str user_id, Str keep, int64_t *ret_n) _must_check_;

/* Inside a write: the credential of this principal ends, as far as it is one that can. A session
 * of ours by its row; a foreign token by its id and, since its front end makes new ones all the
 * time, by the user's epoch. ERR_FORBIDDEN: an API key. */
Err principal_logout(Ctx *cx, const Work *w, const Principal *who) _must_check_;

/* Is this session in force for this user now? */
Err session_check(Ctx *cx, DbConn *c, Str session_id, Str user_id, bool *ret) _must_check_;

// SPDX-License-Identifier: MIT
#pragma once
/* account: users as rows. Address and name are sealed with the user's own key; the address is
 * found by a keyed hash of its normal form, so the database file alone tells nobody who has an
 * account. */
#include "identity/identity.h"

typedef struct Caller {
        Str ip, user_agent;
} Caller;

/* What the functions of this room work with: the room, a connection (inside a write the write's
 * own), and who asks. */
typedef struct Work {
        Identity *id;
        DbConn *c;
        Caller from;
} Work;

enum { EMAIL_MAX = 254, FULL_NAME_MAX = 200, USER_ID_MAX = 255 };

/* Where an account comes from: signed up here, or first seen in a token of a sister service or
 * of Auth.js. */
typedef enum UserSource {
        SOURCE_LOCAL,
        SOURCE_SERVICE,
        SOURCE_AUTHJS,
        SOURCE_DEV,
        _SOURCE_N
} UserSource;
extern const char *const user_source_names[_SOURCE_N];

typedef struct User {
        Str user_id, email, full_name;
        Str password_hash; /* STR_NULL: no password can be right */
        UserSource source;
        Tier tier;
        bool is_active, is_verified, is_admin;
        bool consent_extraction, consent_llm;
        int64_t created_at, last_login; /* ms; 0 = never */
        int64_t epoch_s; /* tokens without a session that are not younger are refused */
        int64_t max_memories, max_requests_per_day; /* effective; LIMIT_NONE = unlimited */
        bool own_max_memories, own_max_requests;    /* set for this user, not by the tier */
        int64_t erase_at, noticed_at;
} User;

/* Trim, NFKC, lower case, then exactly one @, a local part, a domain, at most EMAIL_MAX bytes,
 * no controls, no white space. ERR_INVALID with #/email. Two addresses are the same account
 * exactly when this form is the same. */
Err email_normalize(Ctx *cx, Str text, Str *ret) _must_check_;

Str user_id_new(Ctx *cx);                /* usr_ + 26 */
Str id_new(Ctx *cx, const char *prefix); /* prefix + 26 Crockford characters, 128 random bits */

/* ERR_NOT_FOUND is not raised: absence is an answer. */
Err user_load(Ctx *cx, const Work *w, Str user_id, User *ret) _must_check_;
Err user_load_by_email(Ctx *cx, const Work *w, Str email, User *ret) _must_check_;

/* Inside a write. ERR_EMAIL_TAKEN, ERR_CONFLICT (user id). Makes the user's data key too. */
Err user_add(Ctx *cx, const Work *w, const User *u) _must_check_;
Err user_save_profile(Ctx *cx, const Work *w, const User *u) _must_check_;
Err user_save_consents(Ctx *cx, const Work *w, const User *u) _must_check_;
/* Tier, limits, active, administrator. Notes the change, so that tokens in use follow at once. */
Err user_save_admin(Ctx *cx, const Work *w, const User *u) _must_check_;

typedef struct UserFilter {
        Str email;
        int tier, is_active;
        int limit;
        int64_t after_ms;
        Str after_id;
} UserFilter; /* -1 = any */
Err user_list(Ctx *cx, const Work *w, const UserFilter *f, User **ret, size_t *ret_n) _must_check_;

/* Inside a write: after its commit, everything that was verified for this user is looked up
 * again. */
void user_changed(Ctx *cx, const Work *w, Str user_id);

// SPDX-License-Identifier: MIT
#pragma once
/* identity: who is asking. Accounts, sessions, tokens and keys, all turned into one Principal in
 * one place.
 *
 * A token is verified once; the outcome is kept in a bounded cache of verified tokens. What a
 * token depends on (user, session, key, token id) is named in the change table
 * (identity/change.h): whoever ends or alters one of these notes it there after the commit and
 * before the answer, and the very next request that comes with such a token is looked up again. */
#include "crypto/password.h"
#include "identity/audit.h"
#include "identity/mail.h"
#include "identity/scope.h"
#include "identity/tier.h"
#include "identity/user_key.h"
#include "store/db.h"

typedef enum PrincipalKind {
        WHO_UNSET = 0,
        WHO_SESSION,
        WHO_API_KEY,
        WHO_FOREIGN,
        WHO_DEV
} PrincipalKind;

/* The holder of a credential that was valid when it was checked. Borrowed for the request. */
typedef struct Principal {
        PrincipalKind kind;
        Str user_id, email, full_name;
        Str sid, jti, key_id; /* of the session or the key; STR_NULL when not that kind */
        Tier tier;
        uint32_t scopes; /* bits of identity/scope.h */
        bool is_admin, is_verified;
        bool is_new;                       /* first seen just now: the row waits for the writer */
        int64_t issued_at_s, expires_at_s; /* 0 = never */
        int64_t created_at, last_login;    /* of the account, ms; 0 = never */
        int64_t max_memories,
                max_requests_per_day; /* the tier's, or the user's own; LIMIT_NONE = unlimited */
        bool llm_processing, memory_extraction; /* the user's consents */
} Principal;

typedef struct Identity Identity; /* one per process; thread safe */

typedef struct IdentitySettings {
        const char *data_dir; /* root.key, mail/ and exports/ live here unless named otherwise */
        const char *
                /* NULL: $CREDENTIALS_DIRECTORY/root.key, then data_dir/root.key (made at first
                 * start) */
                root_key_file;
        bool root_key_in_settings; /* the room's own: set when root_key was */
        Str root_key;              /* 64 hexadecimal digits or 43 base64url; goes before the file */
        Str jwt_secret;            /* HS256 when set; else ES256 with keys of our own */
        Str auth_secrets[4];       /* AUTH_SECRET_3, _2, _1, AUTH_SECRET; empty ones are skipped */
        Str nextauth_secret;
        Str authjs_cookie;    /* a custom cookie name; STR_NULL = the usual four */
        Str issuer, audience; /* STR_NULL = "mainstay" */
        Str public_url;       /* links in mails; its origin may use cookies */
        Strs cors_origins;    /* further origins that may use cookies */
        bool production, skip_auth, registration_closed;
        int64_t access_ttl_s;               /* 0 = 600 */
        int64_t idle_ttl_s, absolute_ttl_s; /* without remember_me; 0 = 12 h, 24 h */
        int64_t remember_idle_ttl_s, remember_absolute_ttl_s; /* 0 = 14 d, 30 d */
        int64_t erasure_grace_s;
        PasswordAlg password_hash; /* PASSWORD_UNSET = argon2id */
        unsigned hash_slots;       /* 0 = cores; memory ceiling = slots x 19 MiB */
        const char *
                /* compact list made by tools/password-list; NULL = the built-in one */
                password_list;
        size_t cache_max; /* verified tokens kept; 0 = 16384 */
        MailSettings mail;
} IdentitySettings;

/* ERR_INVALID: a setting that must not be (weak secret, SKIP_AUTH in production). ERR_CORRUPT:
 * the root key is missing or is not the one that sealed this database; nothing was changed. One
 * clear sentence in cx->err.what. Not on a loop thread. */
Err identity_new(Ctx *cx, Db *db, const IdentitySettings *set, Identity **ret) _must_check_;
Identity *identity_free(Identity *id);
DEFINE_CLEANUP(Identity, identity_free)

/* Every migration of this room, for DbSettings.migrations. */
extern const Migration identity_migrations[];

/* The credential fields of a request as they were sent. */
typedef struct Credentials {
        Str authorization, x_api_key, cookie, origin;
        Str client_ip; /* text form, after TRUSTED_PROXIES */
        bool changes;  /* POST, PUT, PATCH, DELETE: a cookie then needs an allowed Origin */
} Credentials;

/* Any thread, must not block: memory, and on a miss this thread's read connection. No credential
 * at all: OK and kind WHO_UNSET. ERR_TOKEN_EXPIRED, ERR_TOKEN_INVALID (one text, the reason goes
 * to the log), ERR_CSRF, ERR_FORBIDDEN (inactive account), ERR_STORAGE (fail closed: a
 * credential that cannot be looked up is not accepted). */
Err identity_authenticate(Ctx *cx, Identity *id, const Credentials *in,
                          Principal *ret) _must_check_;

/* The holder of this token if it were shown now; the token alone, no cookie. Errors as above. */
Err identity_introspect(Ctx *cx, Identity *id, Str token, Str client_ip,
                        Principal *ret) _must_check_;
void identity_jwks(Ctx *cx, Identity *id, Buf *out); /* the public signing keys, a JWK set */

/* What the outside may know of the settings. */
typedef struct IdentityOffer {
        bool registration_open, email_delivery, authjs;
        PasswordAlg password_hash;
        Str issuer, audience, public_url;
} IdentityOffer;
void identity_offer(const Identity *id, IdentityOffer *ret);

UserKeys *identity_user_keys(Identity *id);         /* borrowed */
Audit *identity_audit(Identity *id);                /* borrowed */
bool identity_skips_auth(const Identity *id);       /* answers carry X-Mainstay-Skip-Auth: true */
unsigned identity_hash_threads(const Identity *id); /* for the pool behind LANE_HASH */
/* How many memories this user may have; LIMIT_NONE = unlimited. ERR_NOT_FOUND: no such user (not
 * raised). */
Err identity_memory_quota(Ctx *cx, Identity *id, DbConn *c, Str user_id,
                          int64_t *ret_max) _must_check_;
/* May this user's texts go to a server outside (consents.llm_processing)? No such user: no. */
Err identity_llm_consent(Ctx *cx, Identity *id, DbConn *c, Str user_id, bool *ret) _must_check_;
/* Inside a write: a letter of another room to this user (`to` is not looked at). Accounts without a
 * verified address of ours get none. */
Err identity_letter(Ctx *cx, Identity *id, DbConn *c, Str user_id, const Letter *l) _must_check_;
/* Housekeeping: expired rows, last-used times, queued mails, due erasures, key rotation. Called
 * about once a second by a timer's worker; does a bounded piece each time. */
Err identity_tick(Ctx *cx, Identity *id) _must_check_;

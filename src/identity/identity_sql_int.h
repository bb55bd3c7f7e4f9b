// SPDX-License-Identifier: MIT
#pragma once
/* Every statement of the room, once. Who reads the rows of a list of columns has an enum in its
 * order. */
#include "store/db.h"

#define USER_COLUMNS                                                                               \
        "u.user_id, u.source, u.profile, u.password_hash, u.tier, u.is_active, "                   \
        "u.is_verified, u.is_admin, u.created_at, u.last_login, u.epoch_s, u.max_memories, "       \
        "u.max_requests_per_day, u.consent_extraction, u.consent_llm, u.erase_at, "                \
        "u.noticed_at "
#define SESSION_COLUMNS                                                                            \
        "session_id, user_id, key, generation, rotated_at, created_at, last_used_at, "             \
        "idle_expires_at, expires_at, remember_me, client, revoked_at "
#define AUDIT_COLUMNS                                                                              \
        "seq, ts, event, outcome, actor_type, actor_id, target_type, target_id, client, "          \
        "trace_id, reason, owner, prev_hash, hash "
#define KEY_COLUMNS                                                                                \
        "key_id, user_id, secret_hash, name, scopes, ip_ranges, created_at, expires_at, "          \
        "last_used, last_used_ip, old_hash, old_expires_at "

#define IDENTITY_SQL(X)                                                                            \
        /* secrets of the installation */                                                          \
        X(meta_get, "SELECT value FROM identity_meta WHERE name = $1")                             \
        X(meta_set, "INSERT INTO identity_meta (name, value) VALUES ($1, $2) ON CONFLICT "         \
                    "(name) DO UPDATE SET value = excluded.value")                                 \
        X(user_key_get, "SELECT sealed FROM user_keys WHERE user_id = $1")                         \
        X(user_key_add, "INSERT INTO user_keys (user_id, sealed) VALUES ($1, $2)")                 \
        X(user_key_delete, "DELETE FROM user_keys WHERE user_id = $1")                             \
        X(user_key_page, "SELECT user_id, sealed FROM user_keys WHERE user_id > $1 ORDER BY "      \
                         "user_id LIMIT $2")                                                       \
        X(user_key_reseal, "UPDATE user_keys SET sealed = $2 WHERE user_id = $1")                  \
        X(signing_key_all, "SELECT kid, sealed, created_at, active_from, retired_at FROM "         \
                           "signing_keys ORDER BY active_from")                                    \
        X(signing_key_add, "INSERT INTO signing_keys (kid, sealed, created_at, active_from) "      \
                           "VALUES ($1, $2, $3, $4)")                                              \
        X(signing_key_retire, "UPDATE signing_keys SET retired_at = $2 WHERE kid = $1 AND "        \
                              "retired_at = 0")                                                    \
        /* accounts */                                                                             \
        X(user_get, "SELECT " USER_COLUMNS "FROM users u WHERE u.user_id = $1")                    \
        X(user_memories, "SELECT tier, max_memories FROM users WHERE user_id = $1")                \
        X(user_by_email, "SELECT " USER_COLUMNS "FROM users u WHERE u.email_hash = $1")            \
        X(user_add,                                                                                \
          "INSERT INTO users (user_id, source, email_hash, profile, password_hash, "               \
          "tier, is_active, is_verified, is_admin, created_at) VALUES ($1, $2, $3, $4, $5, "       \
          "$6, $7, $8, $9, $10)")                                                                  \
        X(user_set_profile, "UPDATE users SET profile = $2, email_hash = $3 WHERE user_id = $1")   \
        X(user_set_password, "UPDATE users SET password_hash = $2 WHERE user_id = $1")             \
        /* a hash of none of these beginnings */                                                   \
        X(user_other_hash,                                                                         \
          "SELECT password_hash FROM users WHERE password_hash > '' "                              \
          "AND substr(password_hash, 1, length($1)) <> $1 "                                        \
          "AND substr(password_hash, 1, length($2)) <> $2 "                                        \
          "AND substr(password_hash, 1, length($3)) <> $3 "                                        \
          "AND substr(password_hash, 1, length($4)) <> $4 "                                        \
          "AND substr(password_hash, 1, length($5)) <> $5 "                                        \
          "AND substr(password_hash, 1, length($6)) <> $6 "                                        \
          "AND substr(password_hash, 1, length($7)) <> $7 "                                        \
          "AND substr(password_hash, 1, length($8)) <> $8 LIMIT 1")                                \
        X(user_set_login, "UPDATE users SET last_login = $2 WHERE user_id = $1")                   \
        X(user_set_epoch, "UPDATE users SET epoch_s = $2 WHERE user_id = $1 AND epoch_s < $2")     \
        X(user_set_verified, "UPDATE users SET is_verified = $2 WHERE user_id = $1")               \
        X(user_set_consents, "UPDATE users SET consent_extraction = $2, consent_llm = $3 "         \
                             "WHERE user_id = $1")                                                 \
        X(user_set_noticed, "UPDATE users SET noticed_at = $2 WHERE user_id = $1")                 \
        X(user_set_erase, "UPDATE users SET erase_at = $2, is_active = $3 WHERE user_id = $1")     \
        X(user_set_admin, "UPDATE users SET tier = $2, is_active = $3, is_admin = $4, "            \
                          "max_memories = $5, max_requests_per_day = $6 WHERE user_id = $1")       \
        X(user_page,                                                                               \
          "SELECT " USER_COLUMNS "FROM users u WHERE (u.created_at > $1 OR "                       \
          "(u.created_at = $1 AND u.user_id > $2)) AND ($3 < 0 OR u.tier = $3) AND ($4 < 0 OR "    \
          "u.is_active = $4) ORDER BY u.created_at, u.user_id LIMIT $5")                           \
        X(user_count, "SELECT COUNT(*) FROM users")                                                \
        X(user_due, "SELECT user_id FROM users WHERE erase_at > 0 AND erase_at <= $1 LIMIT $2")    \
        X(user_delete, "DELETE FROM users WHERE user_id = $1")                                     \
        X(link_set, "INSERT INTO user_links (source, subject, user_id) VALUES ($1, $2, $3) ON "    \
                    "CONFLICT (source, subject) DO UPDATE SET user_id = excluded.user_id")         \
        X(link_get, "SELECT user_id FROM user_links WHERE source = $1 AND subject = $2")           \
        X(link_list, "SELECT source, subject FROM user_links WHERE user_id = $1 LIMIT 1000")       \
        X(link_delete_user, "DELETE FROM user_links WHERE user_id = $1")                           \
        /* failed logins */                                                                        \
        X(failures_get, "SELECT failures, last_at, blocked_until FROM login_failures WHERE "       \
                        "account = $1")                                                            \
        X(failures_set,                                                                            \
          "INSERT INTO login_failures (account, failures, last_at, "                               \
          "blocked_until) VALUES ($1, $2, $3, $4) ON CONFLICT (account) DO UPDATE SET "            \
          "failures = excluded.failures, last_at = excluded.last_at, blocked_until = "             \
          "excluded.blocked_until")                                                                \
        X(failures_clear, "DELETE FROM login_failures WHERE account = $1")                         \
        X(failures_expire, "DELETE FROM login_failures WHERE account IN (SELECT account FROM "     \
                           "login_failures WHERE last_at < $1 LIMIT $2)")                          \
        /* sessions */                                                                             \
        X(session_add,                                                                             \
          "INSERT INTO sessions (session_id, user_id, key, generation, "                           \
          "rotated_at, created_at, last_used_at, idle_expires_at, expires_at, remember_me, "       \
          "client) VALUES ($1, $2, $3, 0, $4, $4, $4, $5, $6, $7, $8)")                            \
        X(session_get, "SELECT " SESSION_COLUMNS "FROM sessions WHERE session_id = $1")            \
        X(session_list,                                                                            \
          "SELECT " SESSION_COLUMNS "FROM sessions WHERE user_id = $1 AND "                        \
          "revoked_at = 0 AND idle_expires_at > $2 AND expires_at > $2 ORDER BY created_at "       \
          "DESC LIMIT $3")                                                                         \
        X(session_rotate,                                                                          \
          "UPDATE sessions SET generation = $2, rotated_at = $3, last_used_at "                    \
          "= $3, idle_expires_at = $4 WHERE session_id = $1 AND generation = $2 - 1 AND "          \
          "revoked_at = 0")                                                                        \
        X(session_revoke, "UPDATE sessions SET revoked_at = $3 WHERE session_id = $1 AND "         \
                          "user_id = $2 AND revoked_at = 0")                                       \
        X(session_ids, "SELECT session_id FROM sessions WHERE user_id = $1 AND revoked_at = 0 "    \
                       "AND session_id <> $2")                                                     \
        X(session_revoke_all, "UPDATE sessions SET revoked_at = $2 WHERE user_id = $1 AND "        \
                              "revoked_at = 0 AND session_id <> $3")                               \
        X(session_expire, "DELETE FROM sessions WHERE session_id IN (SELECT session_id FROM "      \
                          "sessions WHERE expires_at < $1 LIMIT $2)")                              \
        X(session_active,                                                                          \
          "SELECT COUNT(*) FROM sessions WHERE revoked_at = 0 AND idle_expires_at > $1")           \
        X(session_delete_user, "DELETE FROM sessions WHERE user_id = $1")                          \
        X(revoked_token_get, "SELECT 1 FROM revoked_tokens WHERE token = $1")                      \
        X(revoked_token_add, "INSERT INTO revoked_tokens (token, expires_at) VALUES ($1, $2) "     \
                             "ON CONFLICT (token) DO NOTHING")                                     \
        X(revoked_token_expire, "DELETE FROM revoked_tokens WHERE token IN (SELECT token FROM "    \
                                "revoked_tokens WHERE expires_at < $1 LIMIT $2)")                  \
        /* API keys */                                                                             \
        X(key_add, "INSERT INTO api_keys (key_id, user_id, secret_hash, name, scopes, "            \
                   "ip_ranges, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")   \
        X(key_get, "SELECT " KEY_COLUMNS "FROM api_keys WHERE key_id = $1")                        \
        X(key_list, "SELECT " KEY_COLUMNS "FROM api_keys WHERE user_id = $1 ORDER BY "             \
                    "created_at DESC, key_id LIMIT $2")                                            \
        X(key_count, "SELECT COUNT(*) FROM api_keys WHERE user_id = $1")                           \
        X(key_rotate, "UPDATE api_keys SET old_hash = secret_hash, old_expires_at = $4, "          \
                      "secret_hash = $3 WHERE key_id = $1 AND user_id = $2")                       \
        X(key_used, "UPDATE api_keys SET last_used = $2, last_used_ip = $3 WHERE key_id = $1")     \
        X(key_delete, "DELETE FROM api_keys WHERE key_id = $1 AND user_id = $2")                   \
        X(key_ids, "SELECT key_id FROM api_keys WHERE user_id = $1")                               \
        X(key_delete_user, "DELETE FROM api_keys WHERE user_id = $1")                              \
        /* tokens that are mailed, second factors */                                               \
        X(once_add, "INSERT INTO one_time_tokens (hash, kind, user_id, data, created_at, "         \
                    "expires_at) VALUES ($1, $2, $3, $4, $5, $6)")                                 \
        X(once_get, "SELECT user_id, data, expires_at, used_at, tries, created_at FROM "           \
                    "one_time_tokens WHERE hash = $1 AND kind = $2")                               \
        X(once_use, "UPDATE one_time_tokens SET used_at = $2 WHERE hash = $1 AND used_at = 0")     \
        X(once_try, "UPDATE one_time_tokens SET tries = tries + 1 WHERE hash = $1")                \
        X(once_void, "DELETE FROM one_time_tokens WHERE user_id = $1 AND kind = $2")               \
        X(once_delete_user, "DELETE FROM one_time_tokens WHERE user_id = $1")                      \
        X(once_expire, "DELETE FROM one_time_tokens WHERE hash IN (SELECT hash FROM "              \
                       "one_time_tokens WHERE expires_at < $1 LIMIT $2)")                          \
        X(once_used, "SELECT 1 FROM one_time_tokens WHERE user_id = $1 AND kind = $2 AND "         \
                     "used_at > 0 AND expires_at > $3")                                            \
        X(once_open, "SELECT 1 FROM one_time_tokens WHERE user_id = $1 AND kind = $2 AND "         \
                     "used_at = 0 AND expires_at > $3")                                            \
        X(reset_add, "INSERT INTO reset_requests (request_id, sealed, created_at) VALUES ($1, "    \
                     "$2, $3)")                                                                    \
        X(reset_page, "SELECT request_id, sealed FROM reset_requests ORDER BY created_at "         \
                      "LIMIT $1")                                                                  \
        X(reset_delete, "DELETE FROM reset_requests WHERE request_id = $1")                        \
        X(reset_count,                                                                             \
          "UPDATE users SET reset_count = CASE WHEN reset_hour = $2 THEN "                         \
          "reset_count + 1 ELSE 1 END, reset_hour = $2 WHERE user_id = $1 AND (reset_hour <> "     \
          "$2 OR reset_count < $3)")                                                               \
        X(totp_get, "SELECT secret, confirmed_at, last_step FROM mfa_totp WHERE user_id = $1")     \
        X(totp_set, "INSERT INTO mfa_totp (user_id, secret, created_at) VALUES ($1, $2, $3) "      \
                    "ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = "  \
                    "excluded.created_at, confirmed_at = 0, last_step = 0")                        \
        X(totp_confirm, "UPDATE mfa_totp SET confirmed_at = $2 WHERE user_id = $1")                \
        X(totp_step, "UPDATE mfa_totp SET last_step = $2 WHERE user_id = $1 AND last_step < $2")   \
        X(totp_delete, "DELETE FROM mfa_totp WHERE user_id = $1")                                  \
        X(recovery_add, "INSERT INTO mfa_recovery (user_id, code_hash) VALUES ($1, $2)")           \
        X(recovery_use, "DELETE FROM mfa_recovery WHERE user_id = $1 AND code_hash = $2")          \
        X(recovery_clear, "DELETE FROM mfa_recovery WHERE user_id = $1")                           \
        /* letters */                                                                              \
        X(mail_add, "INSERT INTO mail_queue (mail_id, user_id, sealed, created_at, next_at) "      \
                    "VALUES ($1, $2, $3, $4, $4)")                                                 \
        X(mail_due, "SELECT mail_id, user_id, sealed, attempts FROM mail_queue WHERE next_at "     \
                    "<= $1 ORDER BY next_at LIMIT $2")                                             \
        X(mail_later, "UPDATE mail_queue SET attempts = attempts + 1, next_at = $2 WHERE "         \
                      "mail_id = $1")                                                              \
        X(mail_delete_user, "DELETE FROM mail_queue WHERE user_id = $1")                           \
        X(mail_delete, "DELETE FROM mail_queue WHERE mail_id = $1")                                \
        /* audit */                                                                                \
        X(audit_head, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")                     \
        X(audit_newest, "SELECT ts FROM audit ORDER BY seq DESC LIMIT 1")                          \
        X(audit_add, "INSERT INTO audit (" AUDIT_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, "      \
                     "$7, $8, $9, $10, $11, $12, $13, $14)")                                       \
        X(audit_page,                                                                              \
          "SELECT " AUDIT_COLUMNS "FROM audit WHERE seq < $1 AND ts >= $2 AND ts < $3 AND "        \
          "($4 = '' OR event = $4) AND ($5 = '' OR outcome = $5) ORDER BY seq DESC LIMIT $6")      \
        X(audit_page_owner,                                                                        \
          "SELECT " AUDIT_COLUMNS "FROM audit WHERE owner = $7 AND seq < $1 AND ts >= $2 AND "     \
          "ts < $3 AND ($4 = '' OR event = $4) AND ($5 = '' OR outcome = $5) ORDER BY seq "        \
          "DESC LIMIT $6")                                                                         \
        X(audit_forward,                                                                           \
          "SELECT " AUDIT_COLUMNS "FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2")               \
        X(audit_at, "SELECT hash FROM audit WHERE seq = $1")                                       \
        X(audit_old, "SELECT MAX(o.seq) FROM (SELECT seq, ts FROM audit ORDER BY seq LIMIT $2) o " \
                     "WHERE o.ts < $1")                                                            \
        X(audit_prune, "DELETE FROM audit WHERE seq <= $1")                                        \
        X(checkpoint_add, "INSERT INTO audit_checkpoints (kind, seq, ts, hash, signature) "        \
                          "VALUES ($1, $2, $3, $4, $5)")                                           \
        X(checkpoint_all, "SELECT seq, ts, hash, signature FROM audit_checkpoints WHERE kind "     \
                          "= $1 ORDER BY seq")                                                     \
        X(checkpoint_last, "SELECT seq FROM audit_checkpoints WHERE kind = 'head' ORDER BY "       \
                           "seq DESC LIMIT 1")                                                     \
        X(checkpoint_prune, "DELETE FROM audit_checkpoints WHERE seq <= $1")                       \
        /* export and erasure */                                                                   \
        X(export_add, "INSERT INTO export_jobs (job_id, user_id, status, created_at) VALUES "      \
                      "($1, $2, 'queued', $3)")                                                    \
        X(export_get, "SELECT status, created_at, bytes, sha256, expires_at FROM export_jobs "     \
                      "WHERE job_id = $1 AND user_id = $2")                                        \
        X(export_recent, "SELECT status, created_at FROM export_jobs WHERE user_id = $1 AND "      \
                         "created_at > $2")                                                        \
        X(export_queued, "SELECT job_id, user_id FROM export_jobs WHERE status IN ('queued', "     \
                         "'running') ORDER BY created_at LIMIT 1")                                 \
        X(export_set, "UPDATE export_jobs SET status = $2, bytes = $3, sha256 = $4, "              \
                      "expires_at = $5 WHERE job_id = $1")                                         \
        X(export_old, "SELECT job_id FROM export_jobs WHERE status = 'ready' AND expires_at < "    \
                      "$1 LIMIT $2")                                                               \
        X(export_ids, "SELECT job_id FROM export_jobs WHERE user_id = $1")                         \
        X(export_delete_user, "DELETE FROM export_jobs WHERE user_id = $1")                        \
        X(erasure_add, "INSERT INTO erasures (receipt, person, requested_at, erase_at) VALUES "    \
                       "($1, $2, $3, $4)")                                                         \
        X(erasure_of_user, "SELECT requested_at FROM erasures WHERE person = $1 ORDER BY "         \
                           "requested_at DESC LIMIT 1")                                            \
        X(erasure_get, "SELECT completed_at, erase_at FROM erasures WHERE receipt = $1")           \
        X(erasure_done, "UPDATE erasures SET completed_at = $2 WHERE person = $1 AND "             \
                        "completed_at = 0")                                                        \
        X(erasure_cancel, "DELETE FROM erasures WHERE person = $1 AND completed_at = 0")

#define X(id, text) extern const Sql sql_##id;
IDENTITY_SQL(X)
#undef X

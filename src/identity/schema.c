// SPDX-License-Identifier: MIT
/* schema: the tables of identity. Names, addresses, labels and client notes are sealed with the
 * user's data key, so that its destruction covers them too; addresses are found by a keyed hash.
 * What must be compared (hashes, counters, times) is plain. */
#include "identity/identity.h"

static const char accounts_up[] =
        "CREATE TABLE identity_meta (name TEXT PRIMARY KEY, value BYTEA NOT NULL);"
        "CREATE TABLE users ( user_id TEXT PRIMARY KEY, source TEXT NOT NULL, email_hash BYTEA,  "
        "profile BYTEA NOT NULL, password_hash TEXT, tier BIGINT NOT NULL, is_active BIGINT  NOT "
        "NULL, is_verified BIGINT NOT NULL, is_admin BIGINT NOT NULL, created_at BIGINT  NOT NULL, "
        "last_login BIGINT NOT NULL DEFAULT 0, epoch_s BIGINT NOT NULL DEFAULT 0,  max_memories "
        "BIGINT, max_requests_per_day BIGINT, consent_extraction BIGINT NOT NULL  DEFAULT 1, "
        "consent_llm BIGINT NOT NULL DEFAULT 1, erase_at BIGINT NOT NULL DEFAULT 0,  noticed_at "
        "BIGINT NOT NULL DEFAULT 0, reset_hour BIGINT NOT NULL DEFAULT 0,  reset_count BIGINT NOT "
        "NULL DEFAULT 0);CREATE UNIQUE INDEX users_email ON users (email_hash);"
        "CREATE INDEX users_created ON users (created_at, user_id);"
        "CREATE INDEX users_erase ON users (erase_at) WHERE erase_at > 0;"
        "CREATE TABLE user_keys (user_id TEXT PRIMARY KEY, sealed BYTEA NOT NULL);"
        "CREATE TABLE user_links (source TEXT NOT NULL, subject TEXT NOT NULL, user_id TEXT NOT  "
        "NULL, PRIMARY KEY (source, subject));CREATE INDEX user_links_user ON user_links (user_id);"
        "CREATE TABLE login_failures (account BYTEA PRIMARY KEY, failures BIGINT NOT NULL,  "
        "last_at BIGINT NOT NULL, blocked_until BIGINT NOT NULL);"
        "CREATE INDEX login_failures_last ON login_failures (last_at);";
static const char accounts_down[] = "DROP TABLE login_failures;DROP TABLE user_links;"
                                    "DROP TABLE user_keys;DROP TABLE users;"
                                    "DROP TABLE identity_meta;";

static const char credentials_up[] =
        "CREATE TABLE sessions ( session_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, key BYTEA  "
        "NOT NULL, generation BIGINT NOT NULL, rotated_at BIGINT NOT NULL, created_at BIGINT  NOT "
        "NULL, last_used_at BIGINT NOT NULL, idle_expires_at BIGINT NOT NULL, expires_at  BIGINT "
        "NOT NULL, remember_me BIGINT NOT NULL, client BYTEA NOT NULL, revoked_at  BIGINT NOT NULL "
        "DEFAULT 0);CREATE INDEX sessions_user ON sessions (user_id, created_at);"
        "CREATE INDEX sessions_expires ON sessions (expires_at);"
        "CREATE TABLE api_keys ( key_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, secret_hash  "
        "BYTEA NOT NULL, name BYTEA NOT NULL, scopes BIGINT NOT NULL, ip_ranges TEXT NOT NULL,  "
        "created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, last_used BIGINT NOT NULL  "
        "DEFAULT 0, last_used_ip TEXT, old_hash BYTEA, old_expires_at BIGINT NOT NULL DEFAULT  0);"
        "CREATE INDEX api_keys_user ON api_keys (user_id, created_at);"
        "CREATE TABLE signing_keys (kid TEXT PRIMARY KEY, sealed BYTEA NOT NULL, created_at  "
        "BIGINT NOT NULL, active_from BIGINT NOT NULL, retired_at BIGINT NOT NULL DEFAULT 0);"
        "CREATE TABLE revoked_tokens (token BYTEA PRIMARY KEY, expires_at BIGINT NOT NULL);"
        "CREATE INDEX revoked_tokens_expires ON revoked_tokens (expires_at);"
        "CREATE TABLE one_time_tokens (hash BYTEA PRIMARY KEY, kind TEXT NOT NULL, user_id TEXT  "
        "NOT NULL, data BYTEA, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at  "
        "BIGINT NOT NULL DEFAULT 0, tries BIGINT NOT NULL DEFAULT 0);"
        "CREATE INDEX one_time_tokens_user ON one_time_tokens (user_id, kind);"
        "CREATE INDEX one_time_tokens_expires ON one_time_tokens (expires_at);"
        "CREATE TABLE reset_requests (request_id TEXT PRIMARY KEY, sealed BYTEA NOT NULL,  "
        "created_at BIGINT NOT NULL);CREATE TABLE mfa_totp (user_id TEXT PRIMARY KEY, secret BYTEA "
        "NOT NULL, created_at  BIGINT NOT NULL, confirmed_at BIGINT NOT NULL DEFAULT 0, last_step "
        "BIGINT NOT NULL  DEFAULT 0);CREATE TABLE mfa_recovery (user_id TEXT NOT NULL, code_hash "
        "BYTEA NOT NULL, PRIMARY  KEY (user_id, code_hash));";
static const char credentials_down[] = "DROP TABLE mfa_recovery;DROP TABLE mfa_totp;"
                                       "DROP TABLE reset_requests;DROP TABLE one_time_tokens;"
                                       "DROP TABLE revoked_tokens;DROP TABLE signing_keys;"
                                       "DROP TABLE api_keys;DROP TABLE sessions;";

static const char records_up[] =
        "CREATE TABLE audit ( seq BIGINT PRIMARY KEY, ts BIGINT NOT NULL, event TEXT NOT NULL,  "
        "outcome TEXT NOT NULL, actor_type TEXT NOT NULL, actor_id TEXT NOT NULL, target_type  "
        "TEXT NOT NULL, target_id TEXT NOT NULL, client BYTEA NOT NULL, trace_id TEXT NOT  NULL, "
        "reason TEXT NOT NULL, owner TEXT NOT NULL, prev_hash BYTEA NOT NULL, hash BYTEA  NOT "
        "NULL);CREATE INDEX audit_owner ON audit (owner, seq);CREATE INDEX audit_ts ON audit (ts);"
        "CREATE TABLE audit_checkpoints (kind TEXT NOT NULL, seq BIGINT NOT NULL, ts BIGINT NOT  "
        "NULL, hash BYTEA NOT NULL, signature BYTEA NOT NULL, PRIMARY KEY (kind, seq));"
        "CREATE TABLE mail_queue (mail_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, sealed BYTEA  "
        "NOT NULL, created_at BIGINT NOT NULL, attempts BIGINT NOT NULL DEFAULT 0, next_at  BIGINT "
        "NOT NULL);CREATE INDEX mail_queue_next ON mail_queue (next_at);"
        "CREATE INDEX mail_queue_user ON mail_queue (user_id);"
        "CREATE TABLE export_jobs (job_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, status TEXT  "
        "NOT NULL, created_at BIGINT NOT NULL, bytes BIGINT NOT NULL DEFAULT 0, sha256 TEXT,  "
        "expires_at BIGINT NOT NULL DEFAULT 0);CREATE INDEX export_jobs_user ON export_jobs "
        "(user_id, created_at);CREATE TABLE erasures (receipt TEXT PRIMARY KEY, person BYTEA NOT "
        "NULL, requested_at  BIGINT NOT NULL, erase_at BIGINT NOT NULL, completed_at BIGINT NOT "
        "NULL DEFAULT 0);CREATE INDEX erasures_person ON erasures (person);";
static const char records_down[] = "DROP TABLE erasures;DROP TABLE export_jobs;"
                                   "DROP TABLE mail_queue;DROP TABLE audit_checkpoints;"
                                   "DROP TABLE audit;";

const Migration identity_migrations[] = {
        { 200, "accounts", accounts_up, accounts_down },
        { 210, "credentials", credentials_up, credentials_down },
        { 220, "identity_records", records_up, records_down },
        { 0 },
};

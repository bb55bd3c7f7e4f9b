// SPDX-License-Identifier: MIT
#include "memory/memory_sql.h"

#include "memory/memory.h"

/* ---- memories ---- */

#define MEMORY                                                                                     \
        "unit, memory_id, type, status, level, attribute, subject_mac, value_mac, content_mac, "   \
        "sketch, body, valid_from, valid_to, recorded_at, retired_at, expires_at, superseded_by, " \
        "source_kind, source_turn_id, source_conversation_id, source_turn, created_at, "           \
        "updated_at, last_accessed, access_count, last_confirmed, version, confidence, decay, "    \
        "importance"

const Sql sql_memory_insert = {
        "memory_insert",
        "INSERT INTO memory (user_id, " MEMORY
        ", id_is_drawn) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
        "$11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, "
        "$29, $30, $31, 0)"
};
const Sql sql_memory_save = {
        "memory_save",
        "UPDATE memory SET status = $3, level = $4, attribute = $5, subject_mac = $6, value_mac = "
        "$7, content_mac = $8, sketch = $9, body = $10, valid_from = $11, valid_to = $12, "
        "retired_at = $13, expires_at = $14, superseded_by = $15, updated_at = $16, last_confirmed "
        "= $17, version = $18, confidence = $19, decay = $20, importance = $21 WHERE user_id = $1 "
        "AND unit = $2"
};
const Sql sql_memory_delete = { "memory_delete",
                                "DELETE FROM memory WHERE user_id = $1 AND unit = $2" };
const Sql sql_memory_confirm = {
        "memory_confirm",
        "UPDATE memory SET last_confirmed = $3, confidence = $4 WHERE user_id = $1 AND unit = $2"
};
const Sql sql_memory_by_drawn_id = {
        "memory_by_drawn_id",
        "SELECT " MEMORY " FROM memory WHERE user_id = $1 AND memory_id = $2 AND id_is_drawn = 1"
};
const Sql sql_memory_by_unit = { "memory_by_unit",
                                 "SELECT " MEMORY " FROM memory WHERE user_id = $1 "
                                 "AND unit = $2" };
const Sql sql_memory_by_subject = { "memory_by_subject",
                                    "SELECT " MEMORY
                                    " FROM memory WHERE user_id = $1 AND subject_mac = $2 "
                                    "ORDER BY valid_from DESC, unit DESC LIMIT 200" };
const Sql sql_memory_by_source = {
        "memory_by_source",
        "SELECT " MEMORY " FROM memory WHERE user_id = $1 AND source_conversation_id = $2 LIMIT 200"
};
const Sql sql_memory_page = {
        "memory_page",
        "SELECT " MEMORY " FROM memory WHERE user_id = $1 AND unit < $2 ORDER BY unit DESC LIMIT $3"
};
const Sql sql_memory_touch = {
        "memory_touch",
        "UPDATE memory SET last_accessed = $3, access_count = access_count + $4 WHERE user_id = $1 "
        "AND unit = $2"
};
const Sql sql_memory_stats = {
        "memory_stats",
        "SELECT type, status, COUNT(*), SUM(confidence), MIN(source_turn), MAX(source_turn), "
        "SUM(access_count), SUM(CASE WHEN access_count >= 5 THEN 1 ELSE 0 END) FROM memory "
        "WHERE user_id = $1 GROUP BY type, status"
};
const Sql sql_memory_count_owner = { "memory_count_owner",
                                     "SELECT COUNT(*) FROM memory WHERE (user_id = $1 "
                                     "OR (user_id >= $1 || '/' AND user_id < $1 || '0')) "
                                     "AND status IN " STATUS_LIVE };
const Sql sql_memory_count_all = { "memory_count_all", "SELECT COUNT(*) FROM memory" };
const Sql sql_memory_expired = {
        "memory_expired",
        "SELECT user_id, memory_id FROM memory WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2"
};
const Sql sql_memory_decay = { "memory_decay",
                               "UPDATE memory SET decay = $3 WHERE user_id = $1 AND unit = $2" };
const Sql sql_tombstone_add = {
        "tombstone_add",
        "INSERT INTO memory_tombstone (user_id, memory_id, deleted_at) VALUES ($1, $2, $3) "
        "ON CONFLICT DO NOTHING"
};
const Sql sql_last_unit = { "last_unit", "SELECT (SELECT MAX(unit) FROM memory "
                                         "WHERE user_id = $1), (SELECT MAX(unit) FROM turn "
                                         "WHERE user_id = $1)" };
const Sql sql_shelf = { "shelf", "SELECT unit, type, content_mac, sketch FROM memory WHERE user_id "
                                 "= $1 AND status IN " STATUS_LIVE " ORDER BY unit" };

#define VERSION "version, event, reason, actor, at, valid_from, valid_to, body"
const Sql sql_version_add = {
        "version_add",
        "INSERT INTO memory_version (user_id, memory_id, version, event, reason, actor, at, "
        "valid_from, valid_to, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
};
const Sql sql_version_list = { "version_list",
                               "SELECT " VERSION
                               " FROM memory_version WHERE user_id = $1 AND memory_id = $2 "
                               "ORDER BY version LIMIT 1000" };
const Sql sql_version_after = { "version_after",
                                "SELECT " VERSION
                                " FROM memory_version WHERE user_id = $1 AND memory_id = $2 "
                                "AND at > $3 ORDER BY version LIMIT 1" };
const Sql sql_version_delete = { "version_delete", "DELETE FROM memory_version WHERE user_id = $1 "
                                                   "AND memory_id = $2" };

/* ---- conversations and turns ---- */

#define CONVERSATION                                                                               \
        "conversation_id, external_id, body, created_at, updated_at, turn_count, is_archived, "    \
        "is_default"
const Sql sql_conversation_insert = { "conversation_insert",
                                      "INSERT INTO conversation (user_id, " CONVERSATION ") VALUES "
                                      "($1, $2, $3, $4, $5, $6, $7, $8, $9)" };
const Sql sql_conversation_save = { "conversation_save",
                                    "UPDATE conversation SET body = $3, updated_at = $4, "
                                    "is_archived = $5 WHERE user_id = $1 "
                                    "AND conversation_id = $2" };
const Sql sql_conversation_by_id = {
        "conversation_by_id",
        "SELECT " CONVERSATION " FROM conversation WHERE user_id = $1 AND conversation_id = $2"
};
const Sql sql_conversation_by_external = {
        "conversation_by_external",
        "SELECT " CONVERSATION " FROM conversation WHERE user_id = $1 AND external_id = $2"
};
const Sql sql_conversation_default = { "conversation_default",
                                       "SELECT " CONVERSATION " FROM conversation "
                                       "WHERE user_id = $1 AND is_default = 1" };
const Sql sql_conversation_page = {
        "conversation_page",
        "SELECT " CONVERSATION " FROM conversation WHERE user_id = $1 AND (updated_at < $2 "
        "OR (updated_at = $2 AND conversation_id < $3)) AND ($4 < 0 OR is_archived = $4) "
        "ORDER BY updated_at DESC, conversation_id DESC LIMIT $5"
};
const Sql sql_conversation_delete = {
        "conversation_delete",
        "DELETE FROM conversation WHERE user_id = $1 AND conversation_id = $2"
};
const Sql sql_conversation_grow = { "conversation_grow",
                                    "UPDATE conversation SET turn_count = turn_count + $3, "
                                    "updated_at = $4 WHERE user_id = $1 AND conversation_id = $2" };
const Sql sql_conversation_stats = {
        "conversation_stats",
        "SELECT COUNT(*), MAX(updated_at) FROM conversation WHERE user_id = $1"
};

#define TURN                                                                                       \
        "unit, turn_id, conversation_id, seq, external_id, role, body, at, recorded_at, "          \
        "is_imported"
const Sql sql_turn_insert = { "turn_insert", "INSERT INTO turn (user_id, " TURN ") VALUES ($1, $2, "
                                             "$3, $4, $5, $6, $7, $8, $9, $10, $11)" };
const Sql sql_turn_by_id = { "turn_by_id",
                             "SELECT " TURN " FROM turn WHERE user_id = $1 AND turn_id = $2" };
const Sql sql_turn_by_unit = { "turn_by_unit",
                               "SELECT " TURN " FROM turn WHERE user_id = $1 AND unit = $2" };
const Sql sql_turn_by_external = {
        "turn_by_external",
        "SELECT " TURN " FROM turn WHERE user_id = $1 AND conversation_id = $2 AND external_id = $3"
};
const Sql sql_turn_page = { "turn_page",
                            "SELECT " TURN " FROM turn WHERE user_id = $1 AND conversation_id = $2 "
                            "AND seq < $3 ORDER BY seq DESC LIMIT $4" };
const Sql sql_turn_page_all = {
        "turn_page_all",
        "SELECT " TURN " FROM turn WHERE user_id = $1 AND unit < $2 ORDER BY unit DESC LIMIT $3"
};
const Sql sql_turn_page_imported = {
        "turn_page_imported",
        "SELECT " TURN " FROM turn WHERE user_id = $1 AND is_imported = 1 AND at <= $2 "
        "AND (at < $2 OR seq < $3 OR (seq = $3 AND turn_id > $4)) "
        "ORDER BY at DESC, seq DESC, turn_id LIMIT $5"
};
const Sql sql_turn_last = { "turn_last",
                            "SELECT unit, seq FROM turn WHERE user_id = $1 AND conversation_id = "
                            "$2 ORDER BY seq DESC LIMIT $3" };
const Sql sql_turn_delete_from = {
        "turn_delete_from",
        "DELETE FROM turn WHERE user_id = $1 AND conversation_id = $2 AND seq >= $3"
};
const Sql sql_turn_last_seq = {
        "turn_last_seq",
        "SELECT COALESCE(MAX(seq), 0) FROM turn WHERE user_id = $1 AND conversation_id = $2"
};

/* ---- profile, jobs, vectors ---- */

const Sql sql_profile_get = { "profile_get", "SELECT body, created_at, updated_at FROM profile "
                                             "WHERE user_id = $1" };
const Sql sql_profile_put = {
        "profile_put",
        "INSERT INTO profile (user_id, body, created_at, updated_at) VALUES ($1, $2, $3, $3) "
        "ON CONFLICT (user_id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at"
};

#define JOB                                                                                        \
        "job_id, user_id, kind, args, state, attempts, run_at, created_at, started_at, "           \
        "finished_at, result, error"
const Sql sql_job_insert = {
        "job_insert",
        "INSERT INTO memory_job (job_id, user_id, kind, args, state, attempts, run_at, created_at) "
        "VALUES ($1, $2, $3, $4, 'queued', 0, $5, $6)"
};
/* The oldest due one of a user who has none running. $2: 0 = of any kind, 1 = of those that stay in
 * the house, 2 = of those that ask somebody outside. */
const Sql sql_job_next = {
        "job_next",
        "SELECT " JOB " FROM memory_job j WHERE state = 'queued' AND run_at <= $1 AND ($2 = 0 OR "
        "(kind IN ('embed', 'conflict', 'read')) = ($2 = 2)) AND NOT EXISTS ("
        "SELECT 1 FROM memory_job r WHERE r.user_id = j.user_id AND r.state = 'running') "
        "ORDER BY run_at, job_id LIMIT 1"
};
const Sql sql_job_state = { "job_state", "UPDATE memory_job SET state = $2, attempts = $3, run_at "
                                         "= $4, started_at = $5, finished_at = $6, result = $7, "
                                         "error = $8, args = $9 WHERE job_id = $1" };
/* Of the user, or of one of the sub-users. */
const Sql sql_job_get = { "job_get",
                          "SELECT " JOB " FROM memory_job WHERE (user_id = $1 OR (user_id "
                          ">= $1 || '/' AND user_id < $1 || '0')) AND job_id = $2" };
const Sql sql_job_read = {
        "job_read",
        "INSERT INTO memory_job (job_id, user_id, kind, args, state, attempts, run_at, created_at, "
        "result) VALUES ($1, $2, 'read', $3, 'queued', 0, $4, $4, $5)"
};
const Sql sql_job_read_cancel = { "job_read_cancel",
                                  "DELETE FROM memory_job WHERE user_id = $1 AND kind = 'read' "
                                  "AND state IN ('queued', 'running')" };
/* Of the user and of the sub-users. */
const Sql sql_job_unread = { "job_unread",
                             "SELECT " JOB " FROM memory_job WHERE (user_id = $1 OR (user_id >= $1 "
                             "|| '/' AND user_id < $1 || '0')) AND kind = 'read' AND state IN "
                             "('queued', 'running') AND job_id > $2 ORDER BY job_id LIMIT $3" };
const Sql sql_job_delete = { "job_delete", "DELETE FROM memory_job WHERE job_id = $1" };
const Sql sql_job_list = {
        "job_list",
        "SELECT " JOB " FROM memory_job WHERE user_id = $1 ORDER BY created_at DESC, job_id DESC "
        "LIMIT $2"
};
const Sql sql_job_reset = { "job_reset",
                            "UPDATE memory_job SET state = 'queued' WHERE state = 'running'" };
const Sql sql_job_waiting = {
        "job_waiting",
        "SELECT " JOB " FROM memory_job WHERE user_id = $1 AND kind = $2 AND state = 'queued' "
        "LIMIT 1"
};
/* One row per night marks that its jobs were queued. */
const Sql sql_job_night = {
        "job_night", "INSERT INTO memory_job (job_id, user_id, kind, state, attempts, run_at, "
                     "created_at, finished_at) VALUES ($1, '', 'night', 'done', 0, $2, $2, $2) "
                     "ON CONFLICT DO NOTHING"
};
const Sql sql_job_note = {
        "job_note",
        "INSERT INTO memory_job (job_id, user_id, kind, state, attempts, run_at, created_at, "
        "finished_at, result) VALUES ($1, $2, $3, 'done', 1, $4, $4, $4, $5)"
};
/* A thousand at a time: a night's jobs of many users are many. */
const Sql sql_job_prune = { "job_prune",
                            "DELETE FROM memory_job WHERE job_id IN (SELECT job_id FROM memory_job "
                            "WHERE state = $2 AND run_at < $1 LIMIT 1000)" };

const Sql sql_vector_put = {
        "vector_put",
        "INSERT INTO memory_vector (user_id, unit, model, body) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (user_id, unit) DO UPDATE SET model = excluded.model, body = excluded.body"
};
const Sql sql_vector_get = { "vector_get", "SELECT body FROM memory_vector WHERE user_id = $1 "
                                           "AND unit = $2 AND model <> ''" };
const Sql sql_vector_delete = { "vector_delete", "DELETE FROM memory_vector WHERE user_id = $1 "
                                                 "AND unit = $2" };
const Sql sql_vector_each = { "vector_each",
                              "SELECT unit, body FROM memory_vector WHERE user_id = $1 "
                              "AND model = $2" };
/* Neither one of this model nor the mark that none is wanted. */
const Sql sql_vector_missing = {
        "vector_missing",
        "SELECT m.unit FROM memory m LEFT JOIN memory_vector v ON v.user_id = m.user_id "
        "AND v.unit = m.unit AND v.model IN ($2, '') WHERE m.user_id = $1 "
        "AND m.unit > $3 AND m.status IN " STATUS_LIVE " AND v.unit IS NULL "
        "ORDER BY m.unit LIMIT $4"
};
const Sql sql_vector_missing_turns = {
        "vector_missing_turns",
        "SELECT t.unit FROM turn t LEFT JOIN memory_vector v ON v.user_id = t.user_id "
        "AND v.unit = t.unit AND v.model = $2 WHERE t.user_id = $1 AND t.unit > $3 "
        "AND v.unit IS NULL ORDER BY t.unit LIMIT $4"
};
const Sql sql_vector_units = {
        "vector_units", "SELECT unit, model FROM memory_vector WHERE user_id = $1 ORDER BY unit"
};
const Sql sql_vector_drop = { "vector_drop", "UPDATE memory_vector SET model = '', body = $3 "
                                             "WHERE user_id = $1 AND unit = $2" };
const Sql sql_vector_delete_turns = {
        "vector_delete_turns",
        "DELETE FROM memory_vector WHERE user_id = $1 AND unit IN (SELECT unit FROM turn WHERE "
        "user_id = $1 AND conversation_id = $2 AND seq >= $3)"
};
/* One seek each, however much lies between. NULL: there is no further one. */
const Sql sql_user_next = { "memory_user_next",
                            "SELECT MIN(user_id) FROM memory WHERE user_id > $1" };
const Sql sql_speaker_next = {
        "memory_speaker_next",
        "SELECT MIN(u) FROM (SELECT MIN(user_id) AS u FROM memory WHERE user_id > $1 UNION ALL "
        "SELECT MIN(user_id) AS u FROM turn WHERE user_id > $1) AS either"
};

/* The next sub-user of an owner: one seek each, however many memories lie between. */
const Sql sql_scope_next = {
        "scope_next",
        "SELECT user_id FROM memory WHERE user_id > $1 AND user_id < $2 ORDER BY user_id LIMIT 1"
};

#define ERASE(table)                                                                               \
        {                                                                                          \
                "erase_" table,                                                                    \
                        "DELETE FROM " table                                                       \
                        " WHERE user_id = $1 OR (user_id >= $1 || '/' AND user_id < $1 || '0')"    \
        }
const Sql sql_erase[8] = {
        ERASE("memory"), ERASE("memory_version"), ERASE("memory_tombstone"), ERASE("conversation"),
        ERASE("turn"),   ERASE("profile"),        ERASE("memory_job"),       ERASE("memory_vector")
};

/* ---- tables ---- */

static const char memory_up[] =
        "CREATE TABLE memory (user_id TEXT NOT NULL, unit BIGINT NOT NULL, memory_id BYTEA NOT "
        "NULL, type BIGINT NOT NULL, status BIGINT NOT NULL, level BIGINT NOT NULL, attribute "
        "BIGINT NOT NULL, subject_mac BYTEA, value_mac BYTEA, content_mac BYTEA NOT NULL, sketch "
        "BYTEA NOT NULL, body BYTEA NOT NULL, valid_from BIGINT NOT NULL, valid_to BIGINT, "
        "recorded_at BIGINT NOT NULL, retired_at BIGINT, expires_at BIGINT, superseded_by BYTEA, "
        "source_kind BIGINT NOT NULL, source_turn_id BYTEA, source_conversation_id BYTEA, "
        "source_turn BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, "
        "last_accessed BIGINT, access_count BIGINT NOT NULL, last_confirmed BIGINT, version BIGINT "
        "NOT NULL, confidence DOUBLE PRECISION NOT NULL, decay DOUBLE PRECISION NOT NULL, "
        "importance DOUBLE PRECISION NOT NULL, PRIMARY KEY (user_id, unit));"
        "CREATE UNIQUE INDEX memory_id ON memory (user_id, memory_id);"
        "CREATE INDEX memory_subject ON memory (user_id, subject_mac) "
        "WHERE subject_mac IS NOT NULL;CREATE INDEX memory_source ON memory (user_id, "
        "source_conversation_id) WHERE source_conversation_id IS NOT NULL;"
        "CREATE INDEX memory_expiry ON memory (expires_at) WHERE expires_at IS NOT NULL;"
        "CREATE TABLE memory_version (user_id TEXT NOT NULL, memory_id BYTEA NOT NULL, version "
        "BIGINT NOT NULL, event TEXT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL, at "
        "BIGINT NOT NULL, valid_from BIGINT, valid_to BIGINT, body BYTEA NOT NULL, "
        "PRIMARY KEY (user_id, memory_id, version));"
        "CREATE TABLE memory_tombstone (user_id TEXT NOT NULL, memory_id BYTEA NOT NULL, "
        "deleted_at BIGINT NOT NULL, PRIMARY KEY (user_id, memory_id));";
static const char turns_up[] =
        "CREATE TABLE conversation (user_id TEXT NOT NULL, conversation_id BYTEA NOT NULL, "
        "external_id TEXT, body BYTEA NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT "
        "NULL, turn_count BIGINT NOT NULL, is_archived BIGINT NOT NULL, is_default BIGINT NOT "
        "NULL, PRIMARY KEY (user_id, conversation_id));"
        "CREATE UNIQUE INDEX conversation_external ON conversation (user_id, external_id) "
        "WHERE external_id IS NOT NULL;CREATE UNIQUE INDEX conversation_one_default ON "
        "conversation (user_id) WHERE is_default = 1;"
        "CREATE INDEX conversation_recent ON conversation (user_id, updated_at, conversation_id);"
        "CREATE TABLE turn (user_id TEXT NOT NULL, unit BIGINT NOT NULL, turn_id BYTEA NOT NULL, "
        "conversation_id BYTEA NOT NULL, seq BIGINT NOT NULL, external_id TEXT, role BIGINT NOT "
        "NULL, body BYTEA NOT NULL, at BIGINT NOT NULL, recorded_at BIGINT NOT NULL, "
        "PRIMARY KEY (user_id, unit));CREATE UNIQUE INDEX turn_id ON turn (user_id, turn_id);"
        "CREATE UNIQUE INDEX turn_place ON turn (user_id, conversation_id, seq);"
        "CREATE UNIQUE INDEX turn_external ON turn (user_id, conversation_id, external_id) "
        "WHERE external_id IS NOT NULL;";
static const char around_up[] =
        "CREATE TABLE profile (user_id TEXT NOT NULL PRIMARY KEY, body BYTEA NOT NULL, created_at "
        "BIGINT NOT NULL, updated_at BIGINT NOT NULL);"
        "CREATE TABLE memory_job (job_id TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, kind "
        "TEXT NOT NULL, args TEXT, state TEXT NOT NULL, attempts BIGINT NOT NULL, run_at BIGINT "
        "NOT NULL, created_at BIGINT NOT NULL, started_at BIGINT, finished_at BIGINT, result TEXT, "
        "error TEXT);CREATE INDEX memory_job_due ON memory_job (state, run_at);"
        "CREATE INDEX memory_job_user ON memory_job (user_id, state);"
        "CREATE TABLE memory_vector (user_id TEXT NOT NULL, unit BIGINT NOT NULL, model TEXT NOT "
        "NULL, body BYTEA NOT NULL, PRIMARY KEY (user_id, unit));";

/* Ids were random and had an index; now they lead to their rows (memory_id.h). */
static const char ids_up[] =
        "ALTER TABLE memory ADD COLUMN id_is_drawn BIGINT NOT NULL DEFAULT 1; DROP INDEX "
        "memory_id; "
        "CREATE UNIQUE INDEX memory_drawn_id ON memory (user_id, memory_id) WHERE id_is_drawn = 1;";
static const char ids_down[] =
        "DROP INDEX memory_drawn_id; ALTER TABLE memory DROP COLUMN id_is_drawn; "
        "CREATE UNIQUE INDEX memory_id ON memory (user_id, memory_id);";

/* Those that were there before are marked by chat/, which knows the others. */
static const char imported_up[] =
        "ALTER TABLE turn ADD COLUMN is_imported BIGINT NOT NULL DEFAULT 0; "
        "CREATE INDEX turn_imported ON turn (user_id, at DESC, seq DESC, turn_id) "
        "WHERE is_imported = 1;";
static const char imported_down[] =
        "DROP INDEX turn_imported; ALTER TABLE turn DROP COLUMN is_imported;";

const Migration memory_migrations[] = {
        { 300, "memory", memory_up,
          "DROP TABLE memory_tombstone; DROP TABLE memory_version; DROP TABLE memory;" },
        { 301, "turns", turns_up, "DROP TABLE turn; DROP TABLE conversation;" },
        { 302, "profile, jobs, vectors", around_up,
          "DROP TABLE memory_vector; DROP TABLE memory_job; DROP TABLE profile;" },
        { 303, "ids lead to rows", ids_up, ids_down },
        { 304, "imported turns", imported_up, imported_down },
        { 0 },
};

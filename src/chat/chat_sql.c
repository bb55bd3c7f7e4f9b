// SPDX-License-Identifier: MIT
#include "chat/chat_sql.h"

#include "chat/chat.h"

/* ---- schema ---- */

static const char turns_up[] =
        "CREATE TABLE chat_turn ( user_id TEXT NOT NULL, turn_id BYTEA NOT NULL, conversation_id "
        "BYTEA NOT NULL, number BIGINT NOT NULL, state BIGINT NOT NULL, at BIGINT NOT NULL, "
        "answer_id BYTEA, took_us BIGINT NOT NULL DEFAULT 0, prompt BIGINT NOT NULL DEFAULT 0, "
        "completion BIGINT NOT NULL DEFAULT 0, cached BIGINT NOT NULL DEFAULT 0, cost_micro "
        "BIGINT, flags BIGINT NOT NULL DEFAULT 0, body BYTEA NOT NULL, ends BYTEA, "
        "PRIMARY KEY (user_id, turn_id));CREATE UNIQUE INDEX chat_turn_number ON chat_turn "
        "(user_id, conversation_id, number);CREATE INDEX chat_turn_at ON chat_turn (user_id, at, "
        "turn_id);CREATE INDEX chat_turn_running ON chat_turn (state) WHERE state = 1;"
        "CREATE TABLE chat_job ( user_id TEXT NOT NULL, turn_id BYTEA NOT NULL, state BIGINT NOT "
        "NULL, tries BIGINT NOT NULL, due_at BIGINT NOT NULL, PRIMARY KEY (user_id, turn_id));"
        "CREATE INDEX chat_job_due ON chat_job (state, due_at);";
static const char turns_down[] = "DROP TABLE chat_job; DROP TABLE chat_turn;";

static const char usage_up[] =
        "CREATE TABLE chat_usage ( user_id TEXT NOT NULL, usage_id BYTEA NOT NULL, at BIGINT NOT "
        "NULL, turn_id BYTEA, provider TEXT NOT NULL, model TEXT NOT NULL, purpose TEXT NOT NULL, "
        "prompt BIGINT NOT NULL, completion BIGINT NOT NULL, cached BIGINT NOT NULL, cost_micro "
        "BIGINT, estimated BIGINT NOT NULL, completed BIGINT NOT NULL, outcome TEXT NOT NULL, "
        "PRIMARY KEY (user_id, usage_id));CREATE INDEX chat_usage_month ON chat_usage (user_id, "
        "at);CREATE INDEX chat_usage_all ON chat_usage (at, cost_micro);"
        "CREATE TABLE chat_budget ( user_id TEXT PRIMARY KEY, limit_micro BIGINT NOT NULL, warning "
        "BIGINT NOT NULL, critical BIGINT NOT NULL, auto_stop BIGINT NOT NULL);"
        "CREATE TABLE chat_alert ( user_id TEXT NOT NULL, month BIGINT NOT NULL, level BIGINT NOT "
        "NULL, at BIGINT NOT NULL, PRIMARY KEY (user_id, month, level));";
static const char usage_down[] =
        "DROP TABLE chat_alert; DROP TABLE chat_budget; DROP TABLE chat_usage;";

/* What was imported before turns were marked: conversations in which nothing was said to us. */
static const char imported_up[] =
        "UPDATE turn SET is_imported = 1 WHERE NOT EXISTS (SELECT 1 FROM chat_turn c WHERE "
        "c.user_id = turn.user_id AND c.conversation_id = turn.conversation_id);";
static const char imported_down[] = "UPDATE turn SET is_imported = 0 WHERE is_imported = 1;";

const Migration chat_migrations[] = {
        { 400, "chat_turns", turns_up, turns_down },
        { 410, "chat_usage", usage_up, usage_down },
        { 420, "imported turns", imported_up, imported_down },
        { 0 },
};

/* ---- turns ---- */

#define COLS                                                                                       \
        "turn_id, conversation_id, number, state, at, answer_id, took_us, prompt, completion, "    \
        "cached, cost_micro, flags, "                                                              \
        "body, ends"

const Sql sql_chat_insert = {
        "chat_insert",
        "INSERT INTO chat_turn (user_id, turn_id, conversation_id, number, state, at, body, "
        "flags) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
};
const Sql sql_chat_finish = {
        "chat_finish",
        "UPDATE chat_turn SET state = $3, answer_id = $4, took_us = $5, prompt = $6, completion = "
        "$7, cached = $8, cost_micro = $9, flags = $10, body = $11, ends = $12 WHERE user_id = $1 "
        "AND turn_id = $2 AND state = 1"
};
const Sql sql_chat_extracted = {
        "chat_extracted", "UPDATE chat_turn SET body = $3 WHERE user_id = $1 AND turn_id = $2"
};
const Sql sql_chat_by_id = { "chat_by_id",
                             "SELECT " COLS " FROM chat_turn WHERE user_id = $1 AND turn_id = $2" };
const Sql sql_chat_by_number = {
        "chat_by_number",
        "SELECT " COLS " FROM chat_turn WHERE user_id = $1 AND conversation_id = $2 AND number = $3"
};
const Sql sql_chat_page = { "chat_page",
                            "SELECT " COLS
                            " FROM chat_turn WHERE user_id = $1 AND conversation_id = $2 "
                            "AND number < $3 ORDER BY number DESC LIMIT $4" };
const Sql sql_chat_page_all = { "chat_page_all",
                                "SELECT " COLS " FROM chat_turn WHERE user_id = $1 AND at <= $2 "
                                "AND (at < $2 OR number < $3 OR (number = $3 AND turn_id > $4)) "
                                "ORDER BY at DESC, number DESC, turn_id LIMIT $5" };
const Sql sql_chat_last_number = {
        "chat_last_number",
        "SELECT MAX(number) FROM chat_turn WHERE user_id = $1 AND conversation_id = $2"
};
const Sql sql_chat_count = {
        "chat_count", "SELECT COUNT(*) FROM chat_turn WHERE user_id = $1 AND conversation_id = $2"
};
const Sql sql_chat_clear = { "chat_clear",
                             "DELETE FROM chat_turn WHERE user_id = $1 AND conversation_id = $2" };
const Sql sql_chat_interrupt = { "chat_interrupt",
                                 "UPDATE chat_turn SET state = 5 WHERE state = 1" };
/* A turn that came to nothing is asked again under its number. */
const Sql sql_chat_reopen = {
        "chat_reopen",
        "UPDATE chat_turn SET state = 1 WHERE user_id = $1 AND turn_id = $2 AND state IN (3, 4, 5)"
};

/* ---- usage ---- */

const Sql sql_usage_add = {
        "usage_add",
        "INSERT INTO chat_usage (user_id, usage_id, at, turn_id, provider, model, purpose, prompt, "
        "completion, cached, cost_micro, estimated, completed, outcome) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
};
const Sql sql_usage_sum = {
        "usage_sum",
        "SELECT SUM(cost_micro), SUM(CASE WHEN completed = 1 THEN cost_micro ELSE 0 END), SUM(CASE "
        "WHEN cost_micro IS NULL THEN 1 ELSE 0 END) FROM chat_usage WHERE user_id = $1 "
        "AND at >= $2 AND at < $3"
};
const Sql sql_usage_sum_all = {
        "usage_sum_all", "SELECT SUM(cost_micro) FROM chat_usage WHERE at >= $1 AND at < $2"
};
const Sql sql_usage_by_provider = {
        "usage_by_provider",
        "SELECT provider, SUM(cost_micro), COUNT(*), SUM(prompt + completion) FROM chat_usage "
        "WHERE user_id = $1 AND at >= $2 AND at < $3 GROUP BY provider "
        "ORDER BY SUM(cost_micro) DESC, provider LIMIT 100"
};
const Sql sql_usage_by_day = {
        "usage_by_day",
        "SELECT at / 86400000, SUM(cost_micro) FROM chat_usage WHERE user_id = $1 AND at >= $2 "
        "AND at < $3 GROUP BY at / 86400000 ORDER BY 2 DESC, 1 LIMIT 1"
};

const Sql sql_budget_get = {
        "budget_get",
        "SELECT limit_micro, warning, critical, auto_stop FROM chat_budget WHERE user_id = $1"
};
const Sql sql_budget_set = {
        "budget_set",
        "INSERT INTO chat_budget (user_id, limit_micro, warning, critical, auto_stop) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE "
        "SET limit_micro = excluded.limit_micro, warning = excluded.warning, critical = "
        "excluded.critical, auto_stop = excluded.auto_stop"
};
const Sql sql_alert_add = {
        "alert_add", "INSERT INTO chat_alert (user_id, month, level, at) VALUES ($1, $2, $3, $4) "
                     "ON CONFLICT DO NOTHING"
};
const Sql sql_alert_list = {
        "alert_list",
        "SELECT level, at FROM chat_alert WHERE user_id = $1 AND month = $2 ORDER BY level"
};

/* ---- jobs: what a model still has to read ---- */

const Sql sql_chat_job_add = {
        "chat_job_add",
        "INSERT INTO chat_job (user_id, turn_id, state, tries, due_at) VALUES ($1, $2, 0, 0, $3) "
        "ON CONFLICT DO NOTHING"
};
const Sql sql_chat_job_next = {
        "chat_job_next",
        "SELECT user_id, turn_id, tries FROM chat_job WHERE state = 0 AND due_at <= $1 "
        "ORDER BY due_at LIMIT $2"
};
const Sql sql_chat_job_later = {
        "chat_job_later",
        "UPDATE chat_job SET state = $3, tries = $4, due_at = $5 WHERE user_id = $1 "
        "AND turn_id = $2"
};
const Sql sql_chat_job_done = { "chat_job_done",
                                "DELETE FROM chat_job WHERE user_id = $1 AND turn_id = $2" };
const Sql sql_chat_job_requeue = { "chat_job_requeue",
                                   "UPDATE chat_job SET state = 0 WHERE state = 1" };

/* ---- erasure ---- */

const Sql sql_chat_erase_turns = { "chat_erase_turns", "DELETE FROM chat_turn WHERE user_id = $1" };
const Sql sql_chat_erase_usage = { "chat_erase_usage",
                                   "DELETE FROM chat_usage WHERE user_id = $1" };
const Sql sql_chat_erase_budget = { "chat_erase_budget",
                                    "DELETE FROM chat_budget WHERE user_id = $1" };
const Sql sql_chat_erase_alerts = { "chat_erase_alerts",
                                    "DELETE FROM chat_alert WHERE user_id = $1" };
const Sql sql_chat_erase_jobs = { "chat_erase_jobs", "DELETE FROM chat_job WHERE user_id = $1" };

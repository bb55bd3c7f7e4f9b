// SPDX-License-Identifier: MIT
#pragma once
/* chat_sql: the statements of this room; the text of each is in chat_sql.c only. Ids are 16 bytes,
 * times Unix ms. */
#include "store/db.h"

extern const Sql sql_chat_insert, sql_chat_finish, sql_chat_extracted, sql_chat_by_id,
        sql_chat_by_number, sql_chat_page, sql_chat_page_all, sql_chat_last_number, sql_chat_count,
        sql_chat_clear, sql_chat_interrupt, sql_chat_reopen;
extern const Sql sql_usage_add, sql_usage_sum, sql_usage_sum_all, sql_usage_by_provider,
        sql_usage_by_day;
extern const Sql sql_budget_get, sql_budget_set, sql_alert_add, sql_alert_list;
extern const Sql sql_chat_job_add, sql_chat_job_next, sql_chat_job_later, sql_chat_job_done,
        sql_chat_job_requeue;
extern const Sql sql_chat_erase_turns, sql_chat_erase_usage, sql_chat_erase_budget,
        sql_chat_erase_alerts, sql_chat_erase_jobs;

/* Columns of the chat_turn statements, in order. */
enum {
        CT_TURN,
        CT_CONVERSATION,
        CT_NUMBER,
        CT_STATE,
        CT_AT,
        CT_ANSWER,
        CT_TOOK,
        CT_PROMPT,
        CT_COMPLETION,
        CT_CACHED,
        CT_COST,
        CT_FLAGS,
        CT_BODY,
        CT_ENDS
};

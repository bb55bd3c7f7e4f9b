// SPDX-License-Identifier: MIT
#pragma once
/* memory_sql: every statement of this room. The owner comes first in each. */
#include "store/db.h"

#define STATUS_LIVE "(0, 3)" /* active and flagged: see MemoryStatus */

/* memories */
extern const Sql sql_memory_insert, sql_memory_save, sql_memory_delete, sql_memory_confirm,
        sql_memory_by_drawn_id, sql_memory_by_unit, sql_memory_by_subject, sql_memory_by_source,
        sql_memory_page, sql_memory_touch, sql_memory_stats, sql_memory_count_owner,
        sql_memory_count_all, sql_memory_expired, sql_memory_decay, sql_tombstone_add,
        sql_last_unit, sql_shelf;
extern const Sql sql_version_add, sql_version_list, sql_version_after, sql_version_delete;
/* conversations and turns */
extern const Sql sql_conversation_insert, sql_conversation_save, sql_conversation_by_id,
        sql_conversation_by_external, sql_conversation_default, sql_conversation_page,
        sql_conversation_delete, sql_conversation_grow, sql_conversation_stats;
extern const Sql sql_turn_page_imported, sql_turn_insert, sql_turn_by_id, sql_turn_by_unit,
        sql_turn_by_external, sql_turn_page, sql_turn_page_all, sql_turn_delete_from, sql_turn_last,
        sql_turn_last_seq;
/* profile, jobs, vectors */
extern const Sql sql_profile_get, sql_profile_put;
extern const Sql sql_job_read, sql_job_read_cancel, sql_job_unread, sql_job_delete, sql_job_insert,
        sql_job_next, sql_job_state, sql_job_get, sql_job_list, sql_job_reset, sql_job_prune,
        sql_job_waiting, sql_job_night, sql_job_note;
extern const Sql sql_vector_get, sql_vector_put, sql_vector_delete, sql_vector_each,
        sql_vector_missing, sql_vector_missing_turns, sql_vector_units, sql_vector_drop,
        sql_vector_delete_turns;
extern const Sql sql_user_next, sql_speaker_next, sql_scope_next, sql_erase[8];

// SPDX-License-Identifier: MIT
#pragma once
/* db_table: what a connection keeps for each Sql, found by the Sql's address. */
#include "store/db.h"

typedef struct SqlSlot {
        const Sql *sql;
        void *value;
} SqlSlot;
typedef struct SqlTable {
        SqlSlot *slots;
        size_t cap, n;
} SqlTable; /* {0} is empty */

/* The place for this Sql's value, NULL in it at first; valid until the next call. */
void **sql_table_at(SqlTable *t, Arena *arena, const Sql *sql);

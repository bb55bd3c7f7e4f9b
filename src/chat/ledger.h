// SPDX-License-Identifier: MIT
#pragma once
/* ledger: writing what calls cost, inside the write that stores what they were for. */
#include "chat/usage.h"

/* One row per attempt that was called. `completed`: the turn they were for has its answer. */
typedef struct LedgerEntry {
        Str user_id;
        const unsigned char *turn_id; /* 16 bytes */
        const char *purpose;          /* chat, extraction, conflict, embedding */
        List attempts;
        bool completed;
} LedgerEntry;
Err ledger_add(Ctx *cx, DbConn *c, const LedgerEntry *e) _must_check_;
/* Notes each threshold that this month's sum has newly passed: event, metric, a letter. */
Err ledger_alerts(Ctx *cx, Chat *chat, DbConn *c, Str user_id) _must_check_;

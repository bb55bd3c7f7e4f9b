// SPDX-License-Identifier: MIT
#pragma once
/* usage: what the models cost. One ledger row per provider call, written with its turn; budgets per
 * user and for the whole server; a call's worst case is reserved before it is made and settled
 * afterwards, so parallel calls cannot overspend. Money is in integer micro-dollars; months are
 * UTC. */
#include "chat/chat.h"

typedef struct Budget {
        bool has;
        int64_t limit_micro, warning, critical; /* thresholds in percent */
        bool auto_stop;
} Budget;
Err budget_get(Ctx *cx, DbConn *c, Str user_id, Budget *ret) _must_check_;
/* Inside a write. ERR_INVALID names the member: 0 < warning < critical <= 100. */
Err budget_set(Ctx *cx, Chat *chat, DbConn *c, Str user_id, const Budget *in) _must_check_;

typedef struct UsageShare {
        Str provider;
        int64_t cost_micro, requests, tokens;
        bool unpriced; /* all of them */
} UsageShare;
typedef struct UsageAlert {
        Str type, message;
        int64_t at;
} UsageAlert;
typedef struct UsageMonth {
        int64_t total_micro, completed_micro, unpriced, peak_micro;
        Str peak_day, most_used;      /* STR_NULL without any cost */
        int days, elapsed, remaining; /* of the month; remaining 0 for a past one */
        int64_t reset_at;             /* first moment of the next month */
        /* the tighter of the user's and the server's */
        Budget budget;
        List shares, alerts; /* UsageShare, UsageAlert */
} UsageMonth;
/* `month` "YYYY-MM" or STR_NULL for the current one. ERR_INVALID: not a month. */
Err usage_month(Ctx *cx, const ChatScope *s, Str month, UsageMonth *ret) _must_check_;

// SPDX-License-Identifier: MIT
#pragma once
/* spend: what each user has spent this month, plus what running calls may still cost. Filled from
 * the ledger when a user is first seen; a reservation and its settlement are atomic, so parallel
 * calls see each other. In memory, bounded. */
#include "chat/usage.h"

typedef struct Spend Spend;
Spend *spend_new(int64_t server_limit_micro); /* < 0: no server-wide limit */
Spend *spend_free(Spend *s);

/* Reads what spend_reserve needs; on a thread that may use the store, before the call is asked for.
 */
Err spend_prepare(Ctx *cx, Spend *s, DbConn *c, Str user_id) _must_check_;
/* Room for `micro` more? false: the budget of the user or of the server would be passed. */
bool spend_reserve(Spend *s, Str user_id, int64_t now_ms, int64_t micro) _must_check_;
void spend_settle(Spend *s, Str user_id, int64_t now_ms, int64_t reserved_micro,
                  int64_t cost_micro);
/* the budget or the ledger changed behind our back */
void spend_forget(Spend *s, Str user_id);

// SPDX-License-Identifier: MIT
#pragma once
/* grant_memo: the access tokens of the last rotations. ECDSA signs differently each time, so the
 * answer to a retry is taken from here, to be the lost answer byte for byte. Small and forgetful: a
 * token that is not here any more is signed again, with the same id and times. */
#include "base/base.h"

typedef struct GrantMemo GrantMemo;

GrantMemo *grant_memo_new(Ctx *cx);
GrantMemo *grant_memo_free(GrantMemo *m); /* wipes */
DEFINE_CLEANUP(GrantMemo, grant_memo_free)

/* `token_id` names session and generation at once. */
void grant_memo_put(GrantMemo *m, Str token_id, Str access_token);
bool grant_memo_get(Ctx *cx, GrantMemo *m, Str token_id, Str *ret) _must_check_;

// SPDX-License-Identifier: MIT
#pragma once
/* provision: users that are first seen in a token of somebody else. The row is written by the
 * single writer in the order in which it was asked for, so every write of the request that
 * brought the token already finds it; the request does not wait for it. */
#include "identity/account.h"
#include "identity/token.h"

typedef struct Subject {
        User user;
        bool is_new;
} Subject;

/* Who is meant by this subject of this source. Links made by an administrator go first.
 * ERR_TOKEN_INVALID: the subject looks like one of our own ids, belongs to another source, or
 * was erased after the token was issued. */
Err subject_find(Ctx *cx, const Work *w, UserSource source, const Claims *claims,
                 Subject *ret) _must_check_;
/* Any thread; does not wait. ERR_UNAVAILABLE: the writer is overloaded. */
Err provision_start(Ctx *cx, Identity *id, const User *u) _must_check_;
/* Until no row is on its way any more: before the Identity goes. */
void provision_drain(Identity *id);

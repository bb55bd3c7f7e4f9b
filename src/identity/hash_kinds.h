// SPDX-License-Identifier: MIT
#pragma once
/* hash_kinds: what the password hashes of this database cost. Accounts that came from elsewhere may
 * have hashes of another kind than new ones, so the time of one hash would tell where an account
 * came from, and so that there is one. A sign-in that fails therefore does the work of every kind
 * once, whoever it names. When the last account of a kind has signed in and has a hash of the
 * configured kind, that work ends too. */
#include "crypto/password.h"
#include "store/db.h"

typedef struct HashKinds HashKinds; /* thread safe */
enum { HASH_KINDS_MAX = 8 };        /* further ones are not made up for */

HashKinds *hash_kinds_new(PasswordAlg configured);
HashKinds *hash_kinds_free(HashKinds *k);

/* The kinds that accounts have now. Reads every account: now and then, not on a loop thread. */
Err hash_kinds_load(Ctx *cx, HashKinds *k, DbConn *c) _must_check_;
/* The work of every kind but that of `tried`, which was verified just now. As slow as that. */
Err hash_kinds_work(Ctx *cx, HashKinds *k, Str tried, Str password) _must_check_;

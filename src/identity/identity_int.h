// SPDX-License-Identifier: MIT
#pragma once
/* The one object behind the door, and what its parts share. */
#include <pthread.h>

#include "crypto/hash.h"
#include "crypto/seal.h"
#include "identity/account.h"
#include "identity/change.h"
#include "identity/foreign.h"
#include "identity/grant_memo.h"
#include "identity/hash_gate.h"
#include "identity/hash_kinds.h"
#include "identity/identity.h"
#include "identity/identity_sql_int.h"
#include "identity/key_use.h"
#include "identity/password_rules.h"
#include "identity/personal.h"
#include "identity/signing_key.h"
#include "identity/stuffing.h"
#include "identity/token_cache.h"

struct Identity {
        Arena *arena; /* of the settings' texts */
        Db *db;
        World *world;
        IdentitySettings set;
        Keyring *ring;
        UserKeys *keys;
        Audit *audit;
        Changes changes;
        TokenCache *cache;
        SigningKeys *signing;
        ForeignKeys *foreign;
        bool same_secret; /* JWT_SECRET_KEY is also a secret of the front end */
        HashGate *gate;
        HashKinds *kinds;
        Stuffing *stuffing;
        GrantMemo *memo;
        KeyUses *uses;
        PasswordRules *rules;
        PersonalPart parts[PERSONAL_PARTS_MAX];
        size_t n_parts;
        /* Derived from the store key, which is itself random and sealed by the root key: a new
         * root key changes none of them. */
        SealKey seal;
        HmacKey index_mac; /* e-mail addresses, lockout names, token names */
        HmacKey link_mac;  /* signed download links */
        pthread_mutex_t
                lock; /* of `provisions`: users whose row is still on its way to the writer */
        pthread_cond_t provisioned;
        size_t provisions;
        /* identity_tick's own */
        int64_t next_sweep_ms, next_checkpoint_ms, next_warning_ms, next_kinds_ms;
};

/* Sealed under the installation, not under a user. */
static inline Str identity_seal(Ctx *cx, Identity *id, SealFor what, Str plain) {
        return seal(cx, &id->seal, what, plain);
}
static inline Err identity_unseal(Ctx *cx, Identity *id, SealFor what, Str record, Str *ret) {
        return seal_open(cx, &id->seal, what, record, ret);
}

/* A keyed hash under which something is found without being stored. 32 bytes in the arena. */
Str identity_index(Ctx *cx, Identity *id, const char *what, Str value);

/* Inside a write: note the change after the commit. */
void identity_note(Ctx *cx, const Work *w, ChangeKind kind, Str name);

/* root_key.c: the keyring from the settings, and the store key from the database. */
Err root_key_load(Ctx *cx, const IdentitySettings *set, bool may_create,
                  Keyring **ret) _must_check_;
/* Puts a new key on top of the file; the ring then holds it and the old ones. ERR_CONFLICT: the
 * key does not come from a file. */
Err root_key_rotate(Ctx *cx, const IdentitySettings *set, Keyring **ret) _must_check_;

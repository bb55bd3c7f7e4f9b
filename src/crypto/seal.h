// SPDX-License-Identifier: MIT
#pragma once
/* seal: encryption at rest. XChaCha20-Poly1305 records that open only for what they were made for.
 *
 * Record: version 1 ‖ key id (4) ‖ nonce (24) ‖ cipher text ‖ tag (16). Version, key id, owner and
 * field are authenticated with it, so a record moved to another row or column does not open.
 *
 * Keys: a Keyring holds the root keys, the current one first. From a root, HKDF with a label gives
 * each purpose its own key. What belongs to a user is sealed under that user's own random data key,
 * which is itself sealed under the root: destroying that one record makes the user's data
 * unreadable everywhere, and a rotation of the root rewraps only data keys. */
#include "base/base.h"

enum { SEAL_OVERHEAD = 1 + 4 + 24 + 16, KEYRING_MAX = 8, ROOT_KEY_MIN = 32 };

typedef struct SealKey {
        uint32_t id;
        unsigned char k[32];
} SealKey;
void seal_key_done(SealKey *k); /* wipes */

/* Whose and what: the user's id and the column, for example { user_id, "memory.text" }. */
typedef struct SealFor {
        Str owner;
        const char *field;
} SealFor;

Str seal(Ctx *cx, const SealKey *key, SealFor what, Str plain); /* a record in the arena */
/* ERR_CORRUPT: another key, owner or field, or changed bytes. */
Err seal_open(Ctx *cx, const SealKey *key, SealFor what, Str record, Str *ret) _must_check_;
Err seal_open_secret(Ctx *cx, const SealKey *key, SealFor what, Str record,
                     Secret *ret) _must_check_;
bool seal_key_id(Str record, uint32_t *ret) _must_check_; /* false: not a record */

typedef struct Keyring Keyring; /* once its keys are added: immutable, thread safe */
Keyring *keyring_new(void);
Keyring *keyring_free(Keyring *r); /* wipes */
DEFINE_CLEANUP(Keyring, keyring_free)
/* The first added is the current one; the others still open. ERR_INVALID: shorter than
 * ROOT_KEY_MIN, there already, or too many. */
Err keyring_add(Ctx *cx, Keyring *r, Str root) _must_check_;

/* The current key of a purpose ("refresh-mac", "audit-sign", …). A few µs: keep it. */
void keyring_key(const Keyring *r, const char *label, SealKey *ret);
/* The key of that purpose under the root with this id. ERR_NOT_FOUND: it is not on the ring. */
Err keyring_find(Ctx *cx, const Keyring *r, const char *label, uint32_t id,
                 SealKey *ret) _must_check_;

/* Sealed directly under the root, with the field as label: for the few things that are nobody's. */
Str keyring_seal(Ctx *cx, const Keyring *r, SealFor what, Str plain);
/* Opens with whichever root sealed it. ERR_CORRUPT as seal_open; ERR_NOT_FOUND: no such root. */
Err keyring_open(Ctx *cx, const Keyring *r, SealFor what, Str record, Secret *ret) _must_check_;
bool keyring_is_current(const Keyring *r, Str record); /* false: rewrap it */

/* A user's data key: new and random, with the record to store; and back. */
Str data_key_new(Ctx *cx, const Keyring *r, Str owner, SealKey *ret);
Err data_key_open(Ctx *cx, const Keyring *r, Str owner, Str record, SealKey *ret) _must_check_;
/* The same key, sealed under the current root. */
Err data_key_rewrap(Ctx *cx, const Keyring *r, Str owner, Str record, Str *ret) _must_check_;

// SPDX-License-Identifier: MIT
#pragma once
/* seal: encryption at rest. XChaCha20-Poly1305 records that open only for the owner and field they were made for.
 *
 * Record: version 1 ‖ key id (4) ‖ nonce (24) ‖ cipher text ‖ tag (16). The version, the key id, owner and field are
 * authenticated with it, so a record moved to another row or column does not open.
 *
 * Keys: a Keyring holds the root keys, the current one first. From a root, HKDF with a label gives each purpose its own key.
 * What belongs to a user is sealed under that user's own random data key, which is itself sealed under the root: destroying
 * that one record makes the user's data unreadable everywhere, and a rotation of the root rewraps only data keys. */
#include "base/base.h"

enum { SEAL_OVERHEAD = 1 + 4 + 24 + 16, KEYRING_MAX = 8, ROOT_KEY_MIN = 32 };

typedef struct SealKey { uint32_t id; unsigned char k[32]; } SealKey;     /* wipe with seal_key_done */
void seal_key_done(SealKey *k);

Str  seal(Ctx *cx, const SealKey *key, Str owner, const char *field, Str plain);     /* a record in the arena */
/* ERR_CORRUPT: another key, owner or field, or changed bytes. */
Err  seal_open(Ctx *cx, const SealKey *key, Str owner, const char *field, Str record, Str *ret) _must_check_;
Err  seal_open_secret(Ctx *cx, const SealKey *key, Str owner, const char *field, Str record, Secret *ret) _must_check_;
bool seal_key_id(Str record, uint32_t *ret);          /* which key it wants; false: not a record */

typedef struct Keyring Keyring;                       /* immutable after its keys are added, then thread safe */
Keyring *keyring_new(void);
Keyring *keyring_free(Keyring *r);                    /* wipes */
DEFINE_CLEANUP(Keyring, keyring_free)
/* The first added is the current one; the others still open. ERR_INVALID: shorter than ROOT_KEY_MIN, twice, or too many. */
Err  keyring_add(Ctx *cx, Keyring *r, Str root) _must_check_;

/* The current key of a purpose ("refresh-mac", "signing-key", …). A few µs: keep it. */
void keyring_key(const Keyring *r, const char *label, SealKey *ret);
/* The key of that purpose under the root with this id. ERR_NOT_FOUND: that root is not on the ring. */
Err  keyring_find(Ctx *cx, const Keyring *r, const char *label, uint32_t id, SealKey *ret) _must_check_;
/* Opens with whichever root sealed it. ERR_CORRUPT as seal_open, or no such root. */
Err  keyring_open(Ctx *cx, const Keyring *r, const char *label, Str owner, const char *field, Str record,
                  Secret *ret) _must_check_;
bool keyring_is_current(const Keyring *r, Str record);            /* false: rewrap it */

/* A user's data key: new and random, with the record to store; and back. */
Str  data_key_new(Ctx *cx, const Keyring *r, Str owner, SealKey *ret);
Err  data_key_open(Ctx *cx, const Keyring *r, Str owner, Str record, SealKey *ret) _must_check_;
/* The same key under the current root. */
Err  data_key_rewrap(Ctx *cx, const Keyring *r, Str owner, Str record, Str *ret) _must_check_;

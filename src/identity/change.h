// SPDX-License-Identifier: MIT
#pragma once
/* change: which users, sessions, keys and token ids were altered lately, so that what was
 * verified before is looked up again.
 *
 * A fixed table of sequence numbers, indexed by a hash of the name. Noting writes the newest
 * number into one slot; asking reads a few slots. Two names in one slot only cause a needless
 * look-up, and nothing is ever forgotten. No locks.
 *
 * Order: a reader takes change_now before it reads the store; a writer notes after its commit
 * and before its answer. So whatever a reader learned before the commit is older than the note. */
#include <stdatomic.h>

#include "base/base.h"
#include "crypto/hash.h"

enum { CHANGE_SLOTS = 1 << 15 };

typedef enum ChangeKind {
        CHANGE_USER = 'u',
        CHANGE_SESSION = 's',
        CHANGE_KEY = 'k',
        CHANGE_TOKEN = 'j'
} ChangeKind;
typedef struct ChangeRef {
        uint32_t slot;
} ChangeRef;

typedef struct Changes {
        SipKey key;
        _Atomic uint64_t now, floor;
        _Atomic uint64_t slots[CHANGE_SLOTS];
} Changes;

void changes_init(Ctx *cx, Changes *c); /* zeroed by the caller */
ChangeRef change_ref(const Changes *c, ChangeKind kind, Str id);
void change_note(Changes *c, ChangeRef ref);
void change_note_all(Changes *c); /* everything may have changed */
static inline uint64_t change_now(Changes *c) {
        return atomic_load_explicit(&c->now, memory_order_acquire);
}
bool change_since(Changes *c, uint64_t seen, const ChangeRef *refs, size_t n);

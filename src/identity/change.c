// SPDX-License-Identifier: MIT
#include "identity/change.h"

void changes_init(Ctx *cx, Changes *c) {
        cx_random(cx, &c->key, sizeof(c->key));
        atomic_store(&c->now, 1);
}

ChangeRef change_ref(const Changes *c, ChangeKind kind, Str id) {
        SipKey key = c->key;

        key.k[0] ^= (unsigned char)kind;
        return (ChangeRef){ (uint32_t)(siphash(&key, id) % CHANGE_SLOTS) };
}

static void raise_to(_Atomic uint64_t *slot, uint64_t seq) {
        uint64_t old = atomic_load(slot);

        while (old < seq && !atomic_compare_exchange_weak(slot, &old, seq))
                ;
}

/* The slot is written before `now` moves on: a reader that sees the new `now` sees the slot too. */
static void note(Changes *c, _Atomic uint64_t *slot) {
        for (;;) {
                uint64_t old = atomic_load(&c->now), seq = old + 1;

                raise_to(slot, seq);
                if (atomic_compare_exchange_strong(&c->now, &old, seq))
                        return;
        }
}

void change_note(Changes *c, ChangeRef ref) { note(c, &c->slots[ref.slot]); }
void change_note_all(Changes *c) { note(c, &c->floor); }

bool change_since(Changes *c, uint64_t seen, const ChangeRef *refs, size_t n) {
        if (atomic_load(&c->floor) > seen)
                return true;
        for (size_t i = 0; i < n; i++)
                if (atomic_load(&c->slots[refs[i].slot]) > seen)
                        return true;
        return false;
}

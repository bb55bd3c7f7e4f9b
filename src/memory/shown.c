// SPDX-License-Identifier: MIT
#include "memory/shown.h"

#include <pthread.h>

enum { SLOTS = 1024, TURNS = 20, PER_TURN = 32 };

typedef struct Slot {
        /* digest of the id; another user in the slot takes it over */
        uint64_t user;
        unsigned next;
        uint64_t v[TURNS][PER_TURN];
        uint8_t n[TURNS];
} Slot;
struct Shown {
        pthread_mutex_t lock;
        Slot *slots[SLOTS];
};

Shown *shown_new(void) {
        Shown *s = calloc(1, sizeof *s);
        if (!s)
                abort();
        pthread_mutex_init(&s->lock, NULL);
        return s;
}

void shown_clear(Shown *s) {
        pthread_mutex_lock(&s->lock);
        for (size_t i = 0; i < SLOTS; i++) {
                free(s->slots[i]);
                s->slots[i] = NULL;
        }
        pthread_mutex_unlock(&s->lock);
}

Shown *shown_free(Shown *s) {
        if (!s)
                return NULL;
        shown_clear(s);
        pthread_mutex_destroy(&s->lock);
        free(s);
        return NULL;
}

void shown_add(Shown *s, Str user_id, const uint64_t *digests, size_t n) {
        uint64_t user = str_hash(user_id);
        pthread_mutex_lock(&s->lock);
        Slot **at = &s->slots[user % SLOTS];
        if (!*at && !(*at = calloc(1, sizeof **at)))
                abort();
        if ((*at)->user != user)
                **at = (Slot){ .user = user };
        unsigned turn = (*at)->next++ % TURNS;
        (*at)->n[turn] = (uint8_t)MIN(n, (size_t)PER_TURN);
        for (size_t i = 0; i < (*at)->n[turn]; i++)
                (*at)->v[turn][i] = digests[i];
        pthread_mutex_unlock(&s->lock);
}

static bool slot_has(const Slot *slot, uint64_t digest) {
        for (size_t t = 0; t < TURNS; t++)
                for (size_t i = 0; i < slot->n[t]; i++)
                        if (slot->v[t][i] == digest)
                                return true;
        return false;
}

bool shown_has(Shown *s, Str user_id, uint64_t digest) {
        uint64_t user = str_hash(user_id);
        pthread_mutex_lock(&s->lock);
        const Slot *slot = s->slots[user % SLOTS];
        bool has = slot && slot->user == user && slot_has(slot, digest);
        pthread_mutex_unlock(&s->lock);
        return has;
}

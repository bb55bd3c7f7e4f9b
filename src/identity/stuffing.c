// SPDX-License-Identifier: MIT
#include "identity/stuffing.h"

#include <pthread.h>

#include "crypto/hash.h"

enum { PLACES = 1024 };

/* Each account sets one of 256 bits; how many are set tells how many there were, nearly. */
typedef struct Place {
        uint64_t ip;
        int64_t since_ms;
        uint64_t seen[4];
        bool told;
} Place;

struct Stuffing {
        pthread_mutex_t lock;
        SipKey key;
        Place places[PLACES];
};

Stuffing *stuffing_new(Ctx *cx) {
        Stuffing *s = calloc(1, sizeof(*s));

        assert(s);
        pthread_mutex_init(&s->lock, NULL);
        cx_random(cx, &s->key, sizeof(s->key));
        return s;
}

Stuffing *stuffing_free(Stuffing *s) {
        if (s)
                pthread_mutex_destroy(&s->lock);
        free(s);
        return NULL;
}

static int accounts_seen(const Place *p) {
        int n = 0;

        for (size_t i = 0; i < ELEMENTSOF(p->seen); i++)
                n += __builtin_popcountll(p->seen[i]);
        return n;
}

bool stuffing_note(Stuffing *s, Str ip, Str account, int64_t now_ms) {
        uint64_t who = siphash(&s->key, ip), what = siphash(&s->key, account) % 256;
        Place *p = &s->places[who % PLACES];
        bool crossed;

        pthread_mutex_lock(&s->lock);
        if (p->ip != who || now_ms - p->since_ms > INT64_C(1000) * STUFFING_WINDOW_S)
                *p = (Place){ .ip = who, .since_ms = now_ms };
        p->seen[what / 64] |= UINT64_C(1) << what % 64;
        crossed = !p->told && accounts_seen(p) >= STUFFING_ACCOUNTS;
        p->told = p->told || crossed;
        pthread_mutex_unlock(&s->lock);
        return crossed;
}

// SPDX-License-Identifier: MIT
#include "identity/grant_memo.h"

#include <pthread.h>

#include "crypto/hash.h"

enum { PLACES = 512, ID_MAX = 32, TOKEN_MAX = 2048 };

typedef struct Place {
        uint8_t n_id;
        char id[ID_MAX];
        Secret token;
} Place;

struct GrantMemo {
        pthread_mutex_t lock;
        SipKey key;
        Place places[PLACES];
};

GrantMemo *grant_memo_new(Ctx *cx) {
        GrantMemo *m = calloc(1, sizeof(*m));

        assert(m);
        pthread_mutex_init(&m->lock, NULL);
        cx_random(cx, &m->key, sizeof(m->key));
        return m;
}

GrantMemo *grant_memo_free(GrantMemo *m) {
        if (!m)
                return NULL;
        for (size_t i = 0; i < PLACES; i++)
                secret_done(&m->places[i].token);
        pthread_mutex_destroy(&m->lock);
        free(m);
        return NULL;
}

static Place *place_of(GrantMemo *m, Str token_id) {
        return &m->places[siphash(&m->key, token_id) % PLACES];
}

void grant_memo_put(GrantMemo *m, Str token_id, Str access_token) {
        Place *p = place_of(m, token_id);

        if (token_id.n > ID_MAX || access_token.n > TOKEN_MAX)
                return;
        pthread_mutex_lock(&m->lock);
        secret_set(&p->token, access_token);
        p->n_id = (uint8_t)token_id.n;
        memcpy(p->id, token_id.p, token_id.n);
        pthread_mutex_unlock(&m->lock);
}

bool grant_memo_get(Ctx *cx, GrantMemo *m, Str token_id, Str *ret) {
        Place *p = place_of(m, token_id);
        bool found;

        pthread_mutex_lock(&m->lock);
        found = p->token.n && str_eq(str_n(p->id, p->n_id), token_id);
        if (found)
                *ret = arena_dup(cx->arena, secret_str(&p->token));
        pthread_mutex_unlock(&m->lock);
        return found;
}

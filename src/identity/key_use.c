// SPDX-License-Identifier: MIT
#include "identity/key_use.h"

#include <pthread.h>

#include "codec/authz.h"
#include "identity/identity_sql_int.h"

enum { USES_MAX = 1024, IP_MAX = 45 };

typedef struct KeyUse {
        char key_id[API_KEY_ID];
        uint8_t n_ip;
        char ip[IP_MAX];
        int64_t at_ms;
} KeyUse;

struct KeyUses {
        pthread_mutex_t lock;
        size_t n;
        KeyUse v[USES_MAX];
};

KeyUses *key_uses_new(void) {
        KeyUses *u = calloc(1, sizeof(*u));

        assert(u);
        pthread_mutex_init(&u->lock, NULL);
        return u;
}

KeyUses *key_uses_free(KeyUses *u) {
        if (u)
                pthread_mutex_destroy(&u->lock);
        free(u);
        return NULL;
}

static KeyUse *use_find(KeyUses *u, Str key_id) {
        for (size_t i = 0; i < u->n; i++)
                if (!memcmp(u->v[i].key_id, key_id.p, API_KEY_ID))
                        return &u->v[i];
        return u->n < USES_MAX ? &u->v[u->n++] : NULL;
}

void key_use_note(KeyUses *u, Str key_id, Str ip, int64_t now_ms) {
        KeyUse *k;

        assert(key_id.n == API_KEY_ID);
        pthread_mutex_lock(&u->lock);
        k = use_find(u, key_id);
        if (k) {
                memcpy(k->key_id, key_id.p, API_KEY_ID);
                k->n_ip = (uint8_t)MIN(ip.n, (size_t)IP_MAX);
                if (k->n_ip)
                        memcpy(k->ip, ip.p, k->n_ip);
                k->at_ms = now_ms;
        }
        pthread_mutex_unlock(&u->lock);
}

bool key_uses_is_empty(KeyUses *u) {
        bool empty;

        pthread_mutex_lock(&u->lock);
        empty = u->n == 0;
        pthread_mutex_unlock(&u->lock);
        return empty;
}

Err key_uses_store(Ctx *cx, KeyUses *u, DbConn *c) {
        KeyUse *copy = NEW_ARRAY(cx->arena, KeyUse, USES_MAX);
        size_t n;

        pthread_mutex_lock(&u->lock);
        n = u->n;
        memcpy(copy, u->v, n * sizeof(*copy));
        u->n = 0;
        pthread_mutex_unlock(&u->lock);
        for (size_t i = 0; i < n; i++)
                TRY(db_run(cx, c, &sql_key_used,
                           ARGS(v_text(str_n(copy[i].key_id, API_KEY_ID)), v_int(copy[i].at_ms),
                                v_text(str_n(copy[i].ip, copy[i].n_ip))),
                           NULL));
        return OK;
}

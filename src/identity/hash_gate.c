// SPDX-License-Identifier: MIT
#include "identity/hash_gate.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crypto/hash.h"

typedef struct Place {
        uint64_t ip, account;
        int64_t since_us;
} Place; /* account 0: none */

struct HashGate {
        pthread_mutex_t lock;
        SipKey key;
        size_t n;
        Place v[HASH_WAITING_MAX];
};

HashGate *hash_gate_new(Ctx *cx) {
        HashGate *g = calloc(1, sizeof(*g));

        assert(g);
        pthread_mutex_init(&g->lock, NULL);
        cx_random(cx, &g->key, sizeof(g->key));
        return g;
}

HashGate *hash_gate_free(HashGate *g) {
        if (g)
                pthread_mutex_destroy(&g->lock);
        free(g);
        return NULL;
}

static Place place_of(const HashGate *g, Str ip, Str account) {
        return (Place){ .ip = siphash(&g->key, ip),
                        .account = account.p ? siphash(&g->key, account) | 1 : 0 };
}

/* Twice the longest wait: whoever is still here by then was lost. */
static void expire(HashGate *g, int64_t now_us) {
        for (size_t i = 0; i < g->n;)
                if (now_us - g->v[i].since_us > INT64_C(2000000) * HASH_WAIT_MAX_S)
                        g->v[i] = g->v[--g->n];
                else
                        i++;
}

Err hash_gate_enter(Ctx *cx, HashGate *g, Str ip, Str account) {
        Place p = place_of(g, ip, account);
        size_t same_ip = 0, same_account = 0;
        bool ok;

        p.since_us = cx_mono_us(cx);
        pthread_mutex_lock(&g->lock);
        expire(g, p.since_us);
        for (size_t i = 0; i < g->n; i++) {
                same_ip += g->v[i].ip == p.ip;
                same_account += p.account && g->v[i].account == p.account;
        }
        ok = g->n < HASH_WAITING_MAX && same_ip < HASH_WAITING_IP &&
             same_account < HASH_WAITING_ACCOUNT;
        if (ok)
                g->v[g->n++] = p;
        pthread_mutex_unlock(&g->lock);
        if (ok)
                return OK;
        cx->err.retry_after_s = 1;
        return RAISE(cx, ERR_HASH_QUEUE, "%zu waiting from this address, %zu for this account",
                     same_ip, same_account);
}

void hash_gate_leave(HashGate *g, Str ip, Str account) {
        Place p = place_of(g, ip, account);

        pthread_mutex_lock(&g->lock);
        for (size_t i = 0; i < g->n; i++)
                if (g->v[i].ip == p.ip && g->v[i].account == p.account) {
                        g->v[i] = g->v[--g->n];
                        break;
                }
        pthread_mutex_unlock(&g->lock);
}

/* On Linux the nice value belongs to the thread. A refusal costs nothing but the advantage. */
void hash_thread_yield(void) {
        enum { HASH_NICE = 10 };
        static _Thread_local bool done;

        if (!done)
                setpriority(PRIO_PROCESS, (id_t)gettid(), HASH_NICE);
        done = true;
}

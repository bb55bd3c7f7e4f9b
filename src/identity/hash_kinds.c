// SPDX-License-Identifier: MIT
#include "identity/hash_kinds.h"

#include <pthread.h>

#include "identity/count.h"
#include "identity/identity_sql_int.h"

enum { COST_MAX = 63 };

typedef struct Kind {
        char cost[COST_MAX + 1]; /* of password_cost */
        size_t n;
} Kind;
typedef struct KindList {
        Kind v[HASH_KINDS_MAX];
        size_t n;
} KindList;

struct HashKinds {
        pthread_mutex_t lock;
        Kind configured;
        KindList now;
};

static Str cost_of(const Kind *k) { return (Str){ k->cost, k->n }; }

static void list_add(KindList *l, Str cost) {
        for (size_t i = 0; i < l->n; i++)
                if (str_eq(cost_of(&l->v[i]), cost))
                        return;
        if (!cost.n || cost.n > COST_MAX || l->n == HASH_KINDS_MAX)
                return;
        memcpy(l->v[l->n].cost, cost.p, cost.n);
        l->v[l->n++].n = cost.n;
}

HashKinds *hash_kinds_new(PasswordAlg configured) {
        HashKinds *k = calloc(1, sizeof(*k));

        assert(k);
        pthread_mutex_init(&k->lock, NULL);
        list_add(&k->now, password_cost(password_dummy(configured)));
        k->configured = k->now.v[0];
        return k;
}

HashKinds *hash_kinds_free(HashKinds *k) {
        if (k)
                pthread_mutex_destroy(&k->lock);
        free(k);
        return NULL;
}

/* One more hash of a kind that is not in the list yet; STR_NULL: there is none. */
static Err next_kind(Ctx *cx, DbConn *c, const KindList *known, Str *ret_cost) {
        _cleanup_(rows_done) Rows r = { 0 };
        Val args[HASH_KINDS_MAX];
        Err e;

        for (size_t i = 0; i < HASH_KINDS_MAX; i++)
                args[i] = v_text(cost_of(&known->v[i < known->n ? i : 0]));
        e = db_row(cx, c, &sql_user_other_hash, (Args){ args, HASH_KINDS_MAX }, &r);
        if (e && e != ERR_NOT_FOUND)
                return e;
        *ret_cost = e ? STR_NULL : arena_dup(cx->arena, password_cost(row_text(&r, 0)));
        return OK;
}

Err hash_kinds_load(Ctx *cx, HashKinds *k, DbConn *c) {
        KindList l = { .v = { k->configured }, .n = 1 };
        size_t before = 0;

        while (l.n > before && l.n < HASH_KINDS_MAX) {
                Str cost;

                before = l.n;
                TRY(next_kind(cx, c, &l, &cost));
                list_add(&l, cost);
        }
        pthread_mutex_lock(&k->lock);
        k->now = l;
        pthread_mutex_unlock(&k->lock);
        return OK;
}

/* "$2a$10$" and "$2b$10$" are the same work. */
static bool is_same_work(Str a, Str b) {
        bool are_bcrypt = str_starts(a, STR("$2")) && str_starts(b, STR("$2"));

        return are_bcrypt ? str_eq(str_from(a, 3), str_from(b, 3)) : str_eq(a, b);
}

static bool is_done(const KindList *l, size_t i, Str tried) {
        Str cost = cost_of(&l->v[i]);

        for (size_t j = 0; j < i; j++)
                if (is_same_work(cost_of(&l->v[j]), cost))
                        return true;
        return is_same_work(tried, cost);
}

Err hash_kinds_work(Ctx *cx, HashKinds *k, Str tried, Str password) {
        Str done = password_cost(tried);
        KindList l;
        bool right;

        pthread_mutex_lock(&k->lock);
        list_add(&k->now, done);
        l = k->now;
        pthread_mutex_unlock(&k->lock);
        for (size_t i = 0; i < l.n; i++) {
                Str dummy = password_dummy_of(cx, cost_of(&l.v[i]));
                int64_t started_us = cx_mono_us(cx);

                if (is_done(&l, i, done))
                        continue;
                TRY(password_verify(cx, dummy, password, &right));
                count_hash(dummy, cx_mono_us(cx) - started_us);
        }
        return OK;
}

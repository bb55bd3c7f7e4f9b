// SPDX-License-Identifier: MIT
#include "identity/user_key.h"

#include <pthread.h>

#include "crypto/hash.h"
#include "identity/identity_sql_int.h"

enum { WAYS = 4, SHARDS = 8, USER_ID_KEPT = 64 };

/* Ids longer than USER_ID_KEPT (only foreign ones can be) are looked up each time. */
typedef struct Slot {
        uint32_t used;
        uint8_t n;
        char user_id[USER_ID_KEPT];
        UserKey key;
} Slot;
typedef struct Shard {
        pthread_mutex_t lock;
        uint32_t clock;
        Slot (*sets)[WAYS];
} Shard;

struct UserKeys {
        const Keyring *ring;
        SipKey sip;
        size_t sets; /* of each shard */
        Shard shards[SHARDS];
};

UserKeys *user_keys_new(Ctx *cx, const Keyring *ring, size_t cache_max) {
        UserKeys *u = calloc(1, sizeof(*u));

        assert(u);
        u->ring = ring;
        u->sets = MAX((size_t)1, (cache_max ? cache_max : 4096) / (SHARDS * WAYS));
        cx_random(cx, &u->sip, sizeof(u->sip));
        /* one block: so large that the system hands out its pages when they are first used */
        Slot(*all)[WAYS] = calloc(SHARDS * u->sets, sizeof(*all));
        assert(all);
        for (size_t i = 0; i < SHARDS; i++) {
                pthread_mutex_init(&u->shards[i].lock, NULL);
                u->shards[i].sets = all + i * u->sets;
        }
        return u;
}

UserKeys *user_keys_free(UserKeys *u) {
        if (!u)
                return NULL;
        for (size_t i = 0; i < SHARDS; i++) {
                secret_wipe(u->shards[i].sets, u->sets * sizeof(*u->shards[i].sets));
                pthread_mutex_destroy(&u->shards[i].lock);
        }
        free(u->shards[0].sets);
        free(u);
        return NULL;
}

void user_keys_set_ring(UserKeys *u, const Keyring *ring) { u->ring = ring; }

static Slot *slot_find(Slot *set, Str user_id) {
        for (size_t w = 0; w < WAYS; w++)
                if (set[w].n && str_eq(str_n(set[w].user_id, set[w].n), user_id))
                        return &set[w];
        return NULL;
}

static Shard *shard_lock(UserKeys *u, Str user_id, Slot **ret_set) {
        uint64_t h = siphash(&u->sip, user_id);
        Shard *s = &u->shards[h % SHARDS];

        pthread_mutex_lock(&s->lock);
        *ret_set = s->sets[h / SHARDS % u->sets];
        return s;
}

static bool cache_get(UserKeys *u, Str user_id, UserKey *ret) {
        Slot *set, *hit;
        Shard *s = shard_lock(u, user_id, &set);

        hit = slot_find(set, user_id);
        if (hit) {
                hit->used = ++s->clock;
                *ret = hit->key;
        }
        pthread_mutex_unlock(&s->lock);
        return hit != NULL;
}

static void cache_put(UserKeys *u, Str user_id, const UserKey *key) {
        Slot *set, *slot;
        Shard *s;

        if (user_id.n > USER_ID_KEPT)
                return;
        s = shard_lock(u, user_id, &set);
        slot = slot_find(set, user_id);
        for (size_t w = 0; !slot && w < WAYS; w++)
                if (!set[w].n)
                        slot = &set[w];
        if (!slot) {
                slot = &set[0];
                for (size_t w = 1; w < WAYS; w++)
                        if (set[w].used < slot->used)
                                slot = &set[w];
        }
        secret_wipe(slot, sizeof(*slot));
        *slot = (Slot){ .used = ++s->clock, .n = (uint8_t)user_id.n, .key = *key };
        memcpy(slot->user_id, user_id.p, user_id.n);
        pthread_mutex_unlock(&s->lock);
}

static void cache_forget(UserKeys *u, Str user_id) {
        Slot *set, *slot;
        Shard *s = shard_lock(u, user_id, &set);

        slot = slot_find(set, user_id);
        if (slot)
                secret_wipe(slot, sizeof(*slot));
        pthread_mutex_unlock(&s->lock);
}

Err user_key_get(Ctx *cx, UserKeys *u, DbConn *c, Str user_id, UserKey *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        UserKey key;

        if (cache_get(u, user_id, ret))
                return OK;
        TRY(db_row(cx, c, &sql_user_key_get, ARGS(v_text(user_id)), &r));
        TRY(data_key_open(cx, u->ring, user_id, row_text(&r, 0), &key));
        cache_put(u, user_id, &key);
        *ret = key;
        user_key_done(&key);
        return OK;
}

typedef struct Forget {
        UserKeys *u;
        Str user_id;
} Forget;

static void forget(void *arg) {
        const Forget *f = arg;

        cache_forget(f->u, f->user_id);
}

static Forget *forget_new(Ctx *cx, UserKeys *u, Str user_id) {
        Forget *f = NEW(cx->arena, Forget);

        *f = (Forget){ u, arena_dup(cx->arena, user_id) };
        return f;
}

/* A key that was cached inside a write which then rolled back would open nothing, and hide the
 * one made by the next attempt. */
Err user_key_create(Ctx *cx, UserKeys *u, DbConn *c, Str user_id) {
        UserKey key;
        Str sealed = data_key_new(cx, u->ring, user_id, &key);

        user_key_done(&key);
        db_on_rollback(c, forget, forget_new(cx, u, user_id));
        return db_run(cx, c, &sql_user_key_add, ARGS(v_text(user_id), v_blob(sealed)), NULL);
}

Err user_key_destroy(Ctx *cx, UserKeys *u, DbConn *c, Str user_id) {
        db_on_commit(c, forget, forget_new(cx, u, user_id));
        return db_run(cx, c, &sql_user_key_delete, ARGS(v_text(user_id)), NULL);
}

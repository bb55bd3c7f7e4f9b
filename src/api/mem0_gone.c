// SPDX-License-Identifier: MIT
/* Entities that went along with others. mem0 has them apart from the memories, and its client
 * deletes all that it listed, one by one: the agent of a user who has just been deleted is no
 * mistake of the caller. What is forgotten here is answered as unknown. */
#include "api/mem0.h"

#include <pthread.h>

#include "crypto/hash.h"

enum { SLOTS = 1024 };
#define REMEMBERED_MS INT64_C(600000)

static struct {
        pthread_mutex_t lock;
        struct {
                uint64_t digest;
                int64_t at;
        } v[SLOTS];
} gone = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t digest_of(const Req *rq, Str type, Str name) {
        unsigned char full[SHA256_SIZE];
        uint64_t digest;
        Sha256 h;
        sha256_init(&h);
        sha256_add(&h, rq->who->user_id);
        sha256_add(&h, STR("\n"));
        sha256_add(&h, type);
        sha256_add(&h, STR("\n"));
        sha256_add(&h, name);
        sha256_end(&h, full);
        memcpy(&digest, full, sizeof digest);
        return digest;
}

void mem0_gone_note(Req *rq, Str type, Str name) {
        if (!name.n)
                return;
        uint64_t digest = digest_of(rq, type, name);
        int64_t now = cx_now_ms(rq->cx);
        pthread_mutex_lock(&gone.lock);
        gone.v[digest % SLOTS].digest = digest;
        gone.v[digest % SLOTS].at = now;
        pthread_mutex_unlock(&gone.lock);
}

bool mem0_gone_take(Req *rq, Str type, Str name) {
        uint64_t digest = digest_of(rq, type, name);
        int64_t since = cx_now_ms(rq->cx) - REMEMBERED_MS;
        pthread_mutex_lock(&gone.lock);
        bool is_there =
                gone.v[digest % SLOTS].digest == digest && gone.v[digest % SLOTS].at > since;
        if (is_there)
                gone.v[digest % SLOTS].at = 0;
        pthread_mutex_unlock(&gone.lock);
        return is_there;
}

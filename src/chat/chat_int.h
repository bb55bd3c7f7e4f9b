// SPDX-License-Identifier: MIT
#pragma once
/* chat_int: what the files of this room share. */
#include <pthread.h>
#include <stdatomic.h>

#include "chat/chat.h"
#include "chat/complete.h"
#include "chat/spend.h"
#include "sys/pool.h"

enum { LIVE_BUCKETS = 1024, RUNNING_MAX = 4, WAITING_MAX = 16, GATE_WAIT_MS = 5000 };

struct Chat {
        Arena *arena;
        ChatRooms rooms;
        ChatSettings set;
        Upstream up;
        struct Readers *readers; /* extraction by a model; NULL without one */

        /* of the table of running and waiting turns */
        pthread_mutex_t lock;
        pthread_cond_t idle;
        Live *bucket[LIVE_BUCKETS];
        size_t n_lives;
        bool stopping;
};

/* ---- rows (turn_store.c) ---- */
/* ends: where each delta ended, 4 bytes each, little endian */
typedef struct StoredTurn {
        ChatTurn t;
        Str ends;
} StoredTurn;

Err turn_row_insert(Ctx *cx, const ChatScope *s, const ChatTurn *t) _must_check_;
Err turn_row_finish(Ctx *cx, const ChatScope *s, const ChatTurn *t, Str answer_id,
                    Str ends) _must_check_;
Err turn_row_extracted(Ctx *cx, const ChatScope *s, const ChatTurn *t) _must_check_;
Err turn_row_reopen(Ctx *cx, DbConn *c, const ChatTurn *t) _must_check_;
/* Both: ERR_NOT_FOUND. */
Err turn_row_find(Ctx *cx, const ChatScope *s, Str turn_id, StoredTurn *ret) _must_check_;
Err turn_row_by_number(Ctx *cx, const ChatScope *s, const ChatTurn *key,
                       StoredTurn *ret) _must_check_;
Err turn_last_number(Ctx *cx, DbConn *c, Str user_id, Str conversation_id,
                     int64_t *ret) _must_check_;
MemoryScope chat_scope(const Chat *chat, DbConn *c, Str user_id);

/* ---- model extraction (reader.c) ---- */
struct Readers *readers_new(Chat *chat);
struct Readers *readers_free(struct Readers *r);
void readers_stop(struct Readers *r); /* takes no more jobs */
Err readers_start(Ctx *cx, struct Readers *r) _must_check_;
/* inside the write of the turn */
Err reader_enqueue(Ctx *cx, Chat *chat, DbConn *c, const ChatTurn *t) _must_check_;

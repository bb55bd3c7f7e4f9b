// SPDX-License-Identifier: MIT
#pragma once
/* live: a turn while it runs, and who listens to it. Its parts belong to one thread at a time as
 * the turn moves on (worker, client's thread, writer); what listeners read (deltas, the end) is
 * under its lock.
 *
 * Also the gate: turns of one conversation run one after the other, a user runs at most RUNNING_MAX
 * at once. */
#include <stdatomic.h>

#include "chat/chat_int.h"
#include "chat/mode.h"
#include "chat/retrieve.h"
#include "sys/pool.h"

enum { FEEDS_MAX = 8 }; /* listeners of one turn */
typedef struct Delta {
        Str text, tool_calls;
} Delta;

struct TurnFeed {
        atomic_int refs;
        Live *live;
        TurnFeed *next; /* of the same turn */
        TurnListener l;
        int64_t at; /* number of the next event */
        bool full, is_ready, busy, again, gone, ended, released;
};

struct Live {
        atomic_int refs;
        pthread_mutex_t lock;
        Chat *chat;
        Arena *arena;
        Ctx cx; /* the turn's own: it outlives the request */
        TurnAsk ask;
        ChatTurn t;
        int64_t started_us;
        bool is_recorded; /* the turn is recorded as running */
        /* the user's words as memory has them, once recorded */
        Turn said;
        /* what only the asking needs: a request's own messages, then what was found; let go when
         * the first words of a model are there */
        Arena *scratch;
        Retrieved found;
        const RetrievalMode *mode;
        Completion *completion;
        bool is_raw; /* the model got the request's own messages */
        DbJob job;
        PoolJob pool_job;
        Err outcome; /* of the answering, before it is stored */
        CtxErr why;  /* the public parts of it */
        Str ends;    /* as in StoredTurn */

        /* under lock */
        TurnFeed *feeds;
        Delta *deltas;
        size_t n_deltas, cap_deltas;
        bool started, over, paused, cancelled;
        Err end;

        /* the gate's, under chat->lock */
        Live *bucket_next;
        bool in_table, waiting;
        uint64_t order;
};

Live *live_new(Ctx *cx, Chat *chat, const TurnAsk *ask);
Live *live_ref(Live *live);
Live *live_unref(Live *live);
DEFINE_CLEANUP(Live, live_unref)

/* `from`: number of the first event wanted. NULL: too many listen already. */
TurnFeed *live_feed(Live *live, const TurnListener *l, int64_t from);
/* provider and model are known: `start` and `memories` may go out */
void live_start(Live *live);
/* text in the turn's arena; nobody hears it before live_start or live_end */
void live_delta_add(Live *live, Str text, Str tool_calls);
/* false: all listeners are full */
bool live_delta(Live *live, Str text, Str tool_calls);
void live_end(Live *live, Err e); /* t is final */
void live_pump(Live *live);
bool live_is_heard(Live *live);
void live_cancel(Live *live); /* turn.c: stop asking the model */

/* ---- gate ---- */
typedef enum Gate { GATE_RUN, GATE_WAIT, GATE_FULL, GATE_CLOSED } Gate;
Gate gate_enter(Live *live);
bool gate_give_up(Live *live); /* stop waiting; false: it runs already */
/* the next of this conversation, now running; NULL: none */
Live *gate_leave(Live *live);
Live *gate_find(Chat *chat, Str user_id, Str turn_id); /* a reference, or NULL */

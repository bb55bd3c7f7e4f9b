// SPDX-License-Identifier: MIT
#pragma once
/* turn: starting a turn, hearing it, saying it again, and reading what is stored of it. chat.h is
 * the service it belongs to. */
#include "codec/shape.h"
#include "memory/find.h"
#include "memory/turns.h"

typedef struct Chat Chat; /* one per process; thread safe */

/* Whose data, through which connection. */
typedef struct ChatScope {
        Chat *chat;
        DbConn *c;
        Str user_id;
} ChatScope;

typedef enum TurnState {
        TURN_RUNNING = 1,
        TURN_COMPLETED,
        TURN_FAILED,
        TURN_CANCELLED,
        TURN_INTERRUPTED,
        _TURN_STATE_N,
} TurnState;
extern const char *const turn_state_names[_TURN_STATE_N];

/* Why no model answered: none was there, or it was not asked on purpose. */
typedef enum OfflineReason {
        OFFLINE_NO_MODEL,
        OFFLINE_BUDGET,
        OFFLINE_CONSENT,
        _OFFLINE_REASON_N,
} OfflineReason;
extern const char *const offline_reason_names[_OFFLINE_REASON_N]; /* NULL for no model */

typedef struct TokenUsage {
        int64_t prompt, completion, cached;
        bool estimated, unpriced;
        int64_t cost_micro;
} TokenUsage;
typedef struct UsedMemory {
        Str memory_id, type, content;
        double relevance_score;
} UsedMemory;
typedef struct Citation {
        int64_t mark;
        Str memory_id, turn_id, quote;
} Citation;
/* One look at a provider. `called` false: it was passed over (circuit open, busy, budget). */
typedef struct Attempt {
        Str provider, model, outcome;
        int64_t ms;
        bool called;
        TokenUsage usage;
} Attempt;

typedef struct ChatTurn {
        Str turn_id, conversation_id, user_id;
        /* the conversation's external id, else its own */
        Str session_id;
        int64_t number;
        TurnState state;
        Str message, answer;
        int64_t at, processing_us;
        Str provider, model, finish_reason; /* STR_NULL until known */
        Str mode;                           /* retrieval mode: "default", "opening", … */
        Str extraction;                     /* "done", "pending", "off" */
        bool is_offline, retrieval_degraded, quota_reached, is_replay;
        /* who follows it hears its end in the second of our two forms, as who asked did */
        bool is_second_form;
        OfflineReason offline_reason;
        Err failure; /* state failed: why */
        TokenUsage usage;
        List used, citations, attempts; /* UsedMemory, Citation, Attempt */
        Strs created, suggestions, turns_used;
        /* the caller's metadata, JSON text; STR_NULL = none */
        Str request;
        /* /v1: JSON text of the message's tool_calls; STR_NULL = none */
        Str tool_calls;
} ChatTurn;
typedef struct ChatTurns {
        ChatTurn *v;
        size_t n;
} ChatTurns;

/* What belongs into the turn's own writes, so that both are durable or neither is: on the writer,
 * perhaps more than once; a failure undoes the write and ends the turn. `begin` is part of the
 * first one, `end` of the last, with the turn as it will be told. `release`: neither comes any
 * more. */
typedef struct Live Live;
typedef struct TurnTold {
        const ChatTurn *turn;
        int64_t n; /* events before `done`; streamed turns only: see turn_told_event */
        Live *live;
} TurnTold;
typedef struct TurnWrites {
        void *arg;
        Err (*begin)(Ctx *cx, DbConn *c, void *arg, const ChatTurn *t);
        Err (*end)(Ctx *cx, DbConn *c, void *arg, const TurnTold *told);
        void (*release)(void *arg);
} TurnWrites;

typedef struct TurnAsk {
        Str user_id, message;
        Str conversation_id; /* STR_NULL: the default conversation */
        /* conversation_id may be an external id; unknown: it is made */
        bool is_session;
        bool is_second_form; /* as in ChatTurn */
        OptInt number;
        Str metadata, context; /* JSON object, text; optional */
        Str model;
        OptInt max_tokens;
        OptNum temperature;
        bool no_memories; /* retrieve nothing */
        /* leave no trace but the usage (/v1 with memory off) */
        bool no_store;
        bool stream;
        bool no_cancel;             /* goes on although nobody listens any more */
        bool no_fallback;           /* no offline answer when providers fail */
        bool no_model, no_learning; /* the person does not consent to it */
        /* /v1: JSON array as sent; JSON object of members to pass on */
        Str messages, options;
        /* the turn of an earlier try: an answer is given again, else it goes on under its number */
        Str again;
        TurnWrites writes;
} TurnAsk;

typedef enum TurnEventKind { TURN_EV_START = 1, TURN_EV_MEMORIES, TURN_EV_DELTA } TurnEventKind;
typedef struct TurnEvent {
        TurnEventKind kind;
        /* 0 start, 1 memories, 2… deltas; `done` comes as number n + 1 */
        int64_t n;
        const ChatTurn *turn; /* ids and `used`; the rest only in `done` */
        Str provider, model;  /* as far as known */
        Str text, tool_calls; /* of a delta */
} TurnEvent;
/* Callbacks come one at a time, from any thread, and must not block. `event` false: feed no more
 * until turn_ready. `done` comes once: e OK (t complete, durable), or why it failed; `why` has the
 * public parts of the failure. `release` is the very last: after `done`, or after turn_leave. */
typedef struct TurnListener {
        void *arg;
        void (*release)(void *arg);
        bool (*event)(void *arg, const TurnEvent *ev); /* NULL: only the end is wanted */
        void (*done)(void *arg, Err e, const CtxErr *why, const ChatTurn *t, int64_t n);
} TurnListener;
typedef struct TurnFeed TurnFeed; /* one listener on one turn */
/* Inside TurnWrites.end: event number 0 … n - 1, as listeners hear it. */
TurnEvent turn_told_event(const TurnTold *told, int64_t number);

/* Worker thread. A failure returned here comes instead of all callbacks. *ret (may be NULL) is set
 * before the first callback and belongs to the caller: turn_feed_unref. ERR_RATE_LIMITED: too many
 * running turns of the user. */
Err turn_start(Ctx *cx, Chat *chat, const TurnAsk *ask, const TurnListener *l,
               TurnFeed **ret) _must_check_;
/* Follow a running or stored turn from event `after` + 1 on (-1: all). ERR_NOT_FOUND. */
typedef struct FollowAsk {
        Str user_id, turn_id;
        int64_t after;
} FollowAsk;
Err turn_follow(Ctx *cx, Chat *chat, const FollowAsk *ask, const TurnListener *l,
                TurnFeed **ret) _must_check_;
void turn_ready(TurnFeed *f); /* the listener can take more */
/* the listener is gone: only `release` still comes */
void turn_leave(TurnFeed *f);
TurnFeed *turn_feed_unref(TurnFeed *f);

/* A running turn ends as cancelled; one that is over stays as it is. ERR_NOT_FOUND. */
Err turn_cancel(Ctx *cx, Chat *chat, Str user_id, Str turn_id) _must_check_;

/* ERR_NOT_FOUND */
Err chat_turn_find(Ctx *cx, const ChatScope *s, Str turn_id, ChatTurn *ret) _must_check_;
/* Newest first; conversation_id STR_NULL = all of the user's. Of one conversation: those below the
 * number; of all: those behind the place. */
typedef struct ChatTurnFilter {
        Str conversation_id;
        OptInt before;
        TurnPlace from;
        int64_t limit;
} ChatTurnFilter;
Err chat_turn_list(Ctx *cx, const ChatScope *s, const ChatTurnFilter *f,
                   ChatTurns *ret) _must_check_;
/* Turns of each conversation, in the order of the ids. */
Err chat_turn_counts(Ctx *cx, DbConn *c, Str user_id, Strs conversation_ids,
                     int64_t **ret) _must_check_;
/* Inside the write that removes a conversation or a person. */
Err chat_conversation_clear(Ctx *cx, DbConn *c, Str user_id, Str conversation_id) _must_check_;
Err chat_erase(Ctx *cx, Chat *chat, DbConn *c, Str user_id) _must_check_;

// SPDX-License-Identifier: MIT
#pragma once
/* relay: between a turn and its exchange. Renders the turn's events as server-sent events, or its
 * end as one answer; a slow reader stops the turn's feed, a reader that left leaves it. A failure
 * before the first event is an ordinary problem. */
#include "api/chat_view.h"

typedef struct Relay Relay;

/* How one of the wire forms looks. `out` takes whole events. */
typedef struct RelayForm {
        Wire wire; /* of its problems */
        void (*event)(Relay *r, Buf *out, const TurnEvent *ev);
        void (*done)(Relay *r, Buf *out, const ChatTurn *t, int64_t n);
        /* the failure is in relay_cx */
        void (*fail)(Relay *r, Buf *out, Err e, const ChatTurn *t, int64_t n);
        /* not streamed: a struct of route->out, in the request's arena */
        const void *(*answer)(Relay *r, const ChatTurn *t);
} RelayForm;
extern const RelayForm relay_conversation, relay_ai;

/* Starts the turn; from here the request is answered by the relay. A failure is the handler's to
 * return. `extra` is the form's own and lives in relay_arena; it may be NULL. */
Err relay_start(Req *rq, const RelayForm *form, const TurnAsk *ask, const void *extra,
                size_t extra_size) _must_check_;
/* Our own turns, each in the form in which it was asked. */
Err relay_follow(Req *rq, Str turn_id, int64_t after) _must_check_;

/* of the relay: arena for one event, ids, the last failure */
Ctx *relay_cx(Relay *r);
Arena *relay_request_arena(Relay *r); /* inside `answer` */
const void *relay_extra(const Relay *r);
/* one event with its id */
void relay_put(Buf *out, const char *event, Str turn_id, int64_t n, Str json);
void relay_problem(Relay *r, Buf *out, Err e);

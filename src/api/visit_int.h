// SPDX-License-Identifier: MIT
#pragma once
/* visit: what one request carries through api/: the exchange, its row, who came, what was
 * decoded, what comes back. Lives in the exchange's arena from `begin` to `end`. */
#include "api/api.h"
#include "api/problem.h"
#include "sys/pool.h"

struct Api {
        const Services *sv;
        const Router *router;
        ApiSettings set;
        Limits *limits;
        struct Refusals *refusals;
        Strs origins;
};

typedef struct Pieces Pieces;
typedef struct Visit {
        Req rq; /* first: a handler's Req is its Visit */
        Api *api;
        Exchange *x;
        Row *row; /* NULL: no such route */
        Match match;
        Principal who;
        Str client_ip;
        /* echoed in Access-Control-Allow-Origin; STR_NULL = no CORS */
        Str origin_allowed;
        Str ratelimit_policy, ratelimit; /* header values; STR_NULL = none */
        const void *in;
        void *ret;
        Err err; /* how it ended, for the log */
        /* of a write that failed and was kept; OK = none */
        Err kept;
        bool answered;
        DbJob db_job;
        PoolJob pool_job;
        /* the answer's bytes and their type: of req_raw, of an earlier request, or once encoded */
        Str type, body;
        bool replayed; /* they are those of an earlier request */
        Str idem_key;  /* Idempotency-Key; STR_NULL = none */
        unsigned char idem_print[32];
        /* STREAM rows: the turn that an earlier try with this key left; STR_NULL = none */
        Str idem_left;
        Pieces *pieces; /* of a body that comes so; NULL = it comes whole */
} Visit;

static inline Visit *visit_of(Req *rq) { return (Visit *)(void *)rq; }

/* exchange.c */
void visit_fail(Visit *v, Err e); /* the problem answer */
void visit_succeed(Visit *v);     /* v->ret as the row says */
void visit_send(Visit *v, int status, Str type, Str body);
void visit_finish(Visit *v, Err e); /* one of the two */

/* lanes.c: run the handler where its row says. Ends in visit_finish, now or later. */
void visit_run(Visit *v);

/* pieces.c: a row with `piece`. Begin when the head is judged; add as the body comes (false: wait);
 * what is left when it is all there; end. */
void pieces_begin(Visit *v);
bool pieces_add(Visit *v, Str bytes);
Err pieces_rest(Visit *v) _must_check_;
void pieces_end(Visit *v);

/* limits.c: ERR_RATE_LIMITED with Retry-After; sets the header values either way. */
Err visit_limit(Visit *v) _must_check_;
/* What is left, for the answer to a request that was refused before it counted. */
void visit_limit_tell(Visit *v);

/* idempotency.c: the Idempotency-Key of a request. `begin` claims the
 * key, or finds the stored answer and makes it this one; `end` stores the answer, in the
 * write of its effect; `drop` frees a claim that came to nothing. */
Err idempotency_read_key(Visit *v) _must_check_;
Err idempotency_begin(Visit *v, DbConn *c) _must_check_; /* v->replayed: nothing to do */
Err idempotency_end(Visit *v, DbConn *c) _must_check_;
Err idempotency_drop(Visit *v, DbConn *c) _must_check_;
/* STREAM rows, before the handler, reading only: v->replayed, v->idem_left, or it is running. */
Err idempotency_look(Visit *v) _must_check_;

/* The key of a STREAM row, whose effect is a turn of chat that may outlive the request: claimed in
 * the turn's first write and settled in its last. A try that a crash cut off is known by its turn,
 * which is not running any more. */
typedef struct Claim Claim;
Claim *req_claim(Req *rq); /* NULL: there is no key */
Claim *claim_free(Claim *claim);
Str claim_left(const Claim *claim); /* the turn to go on with; STR_NULL = none */
/* All inside a write. Take fails when somebody else has it; when that one has been answered, the
 * answer is the visit's now (replayed). `turn_id` STR_NULL: the turn is not stored. */
Err claim_take(Ctx *cx, DbConn *c, Claim *claim, Str turn_id) _must_check_;
Err claim_settle(Ctx *cx, DbConn *c, const Claim *claim, Str type, Str body) _must_check_;
Err claim_drop(Ctx *cx, DbConn *c, const Claim *claim) _must_check_;

/* exchange.c: v->type and v->body from v->ret as the row says, unless they are there already. */
Err visit_encode(Visit *v) _must_check_;

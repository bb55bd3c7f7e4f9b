// SPDX-License-Identifier: MIT
#pragma once
/* route: one row per operation, many readers (dispatch, auth, limits, validation, OpenAPI, metrics, audit, the test run).
 * Rows stand at the end of the file that holds their handlers. A row with an empty required column stops the start. */
#include "codec/shape.h"
#include "identity/identity.h"
#include "store/db.h"
#include "web/server.h"

typedef enum Auth {
        AUTH_UNSET = 0,
        AUTH_NONE,                                    /* public; a credential is not looked at */
        AUTH_OPTIONAL,                                /* absent: anonymous; present but bad: 401 */
        AUTH_USER,
        AUTH_ADMIN,
} Auth;
typedef enum Rate {
        RATE_UNSET = 0,
        RATE_NONE,                                    /* health, metrics, static: exempt */
        RATE_READ, RATE_WRITE,                        /* per user: tier burst and daily quota */
        RATE_FREE,                                    /* authenticated but not counted (/me, /auth/…) */
        RATE_LOGIN, RATE_REGISTER, RATE_REFRESH, RATE_FORGOT, RATE_RESET,   /* per client address */
} Rate;
typedef enum Lane {
        LANE_UNSET = 0,
        LANE_INLINE,                                  /* loop thread, memory only */
        LANE_READ,                                    /* loop thread, rq->db is its read connection */
        LANE_WRITE,                                   /* writer, rq->db is the write connection, in a savepoint; no outbound call, no hash */
        LANE_WORKER,                                  /* worker thread: may block; reads by db_read, writes by db_write */
        LANE_HASH,                                    /* as WORKER, on the password hashing pool; a full queue is ERR_HASH_QUEUE */
        LANE_STREAM,                                  /* worker thread; returning OK means req_answer or req_stream follows later */
} Lane;

typedef enum Wire {
        WIRE_OWN = 0,                                 /* problem+json as it is */
        WIRE_AI,                                      /* /api/ai/chat: status_text, message, retry_suggested … (chat.md 3) */
        WIRE_MEM0,                                    /* + "error": string (memory.md 10) */
        WIRE_OPENAI,                                  /* + "error": {message,type,param,code}; value errors are 400 (chat.md 9) */
} Wire;

typedef struct Services Services;                     /* api/services.h: the opened rooms */
typedef struct Route Route;

typedef struct Req {
        Ctx *cx;
        const Services *sv;
        DbConn *db;                                   /* by lane; NULL on INLINE, WORKER, STREAM */
        const Principal *who;                         /* NULL when anonymous */
        const Route *route;
        Exchange *x;
        Str client_ip;                                /* text; the peer, or what a trusted proxy says */
        Str path[4];                                  /* the {…} segments in order */
        const void *query;                            /* struct of route->query, or NULL */
        int status;                                   /* starts as route->status; a handler may change it */
        Header headers[HEADERS_OUT_MAX];              /* added by the handler: req_header */
        size_t n_headers;
} Req;

typedef Err HandlerFn(Req *rq, const void *in, void *ret);

struct Route {
        const char *id;                               /* "memory.create": stable */
        Method method;                                /* GET rows answer HEAD too */
        const char *path;                             /* "/api/v1/memories/{memory_id}"; fixed words win over {…} */
        Lane lane;
        Auth auth; const char *scope;                 /* scope: NULL = any */
        Rate rate;
        const Shape *query, *in, *out;                /* out NULL: no body (204) or raw (see produces) */
        bool out_list;                                /* ret is a List of out */
        bool in_raw;                                  /* a body of its own type: the handler reads x->body */
        const char *accepts;                          /* media type of the body; NULL = application/json */
        const char *produces;                         /* raw: ret is a Str of this type; NULL = application/json by shape */
        const char *also;                             /* a second type it may answer with (req_raw) */
        size_t body_max;
        int status;                                   /* of success; 0 = 200, or 204 without out */
        const Err *errors;                            /* beyond those that the other columns imply */
        const char *audit, *audit_none;               /* one of: event name, or why there is none */
        const char *mcp_tool;
        const char *tag, *summary;                    /* OpenAPI */
        Wire wire;                                    /* extra error members for clients made for another server */
        HandlerFn *admit;                             /* loop thread, values decoded, before the lane: a cheap refusal; NULL = none */
        HandlerFn *fn;
};
#define ERRORS(...) (const Err[]){ __VA_ARGS__, OK }

void req_header(Req *rq, Str name, Str value);        /* value must live in the arena or be static */

/* For a public row that needs a credential in some cases: looks at it now; rq->who is set, or ERR_UNAUTHENTICATED and the like. */
Err  req_authenticate(Req *rq);

/* Instead of `ret`: bytes of a type of their own (static type; body in the arena or static). Returns OK. */
Err  req_raw(Req *rq, Str type, Str body);

/* LANE_STREAM only, exactly one of them, from any thread; the request's arena is the caller's alone until then.
 * The answer as if the handler had returned it (`ret`: struct of route->out, a List or a Str as the row says). */
void req_answer(Req *rq, Err e, const void *ret);
/* A 200 text/event-stream with the usual headers. The Req is gone with the stream: copy what is needed before. */
Stream *req_stream(Req *rq, const StreamSettings *set);

extern const Route *const route_tables[];             /* api/routes.c: every table, NULL-terminated */

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
        LANE_HASH,                                    /* as LANE_WORKER on the password pool (identity_hash_threads): a login storm queues only here */
        LANE_STREAM,                                  /* worker thread: answers itself later through rq->x (held) */
} Lane;

typedef struct Services Services;                     /* api/services.h: the opened rooms */
typedef struct Route Route;

typedef struct Req {
        Ctx *cx;
        const Services *sv;
        DbConn *db;                                   /* by lane; NULL on INLINE, WORKER, STREAM */
        const Principal *who;                         /* NULL when anonymous */
        const Route *route;
        Exchange *x;
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
        size_t body_max;
        int status;                                   /* of success; 0 = 200, or 204 without out */
        const Err *errors;                            /* beyond those that the other columns imply */
        const char *audit, *audit_none;               /* one of: event name, or why there is none */
        const char *mcp_tool;
        const char *tag, *summary;                    /* OpenAPI */
        bool wire_errors;                             /* mem0 / OpenAI compatible error members are added */
        HandlerFn *fn;
};
#define ERRORS(...) (const Err[]){ __VA_ARGS__, OK }

void req_header(Req *rq, Str name, Str value);        /* value must live in the arena or be static */

extern const Route *const route_tables[];             /* api/routes.c: every table, NULL-terminated */

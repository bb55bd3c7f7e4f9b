// SPDX-License-Identifier: MIT
#pragma once
/* route: one row per operation, many readers (dispatch, auth, limits, validation, OpenAPI,
 * metrics, audit, the test run). Rows stand at the end of the file that holds their handlers. A
 * row with an empty required column stops the start. */
#include "codec/shape.h"
#include "identity/identity.h"
#include "store/db.h"
#include "web/server.h"

typedef enum Auth {
        AUTH_UNSET = 0,
        AUTH_NONE,     /* public; a credential is not looked at */
        AUTH_OPTIONAL, /* absent: anonymous; present but bad: 401 */
        AUTH_USER,
        AUTH_ADMIN,
} Auth;
typedef enum Rate {
        RATE_UNSET = 0,
        RATE_NONE, /* health, metrics, static: exempt */
        /* per user: burst and daily quota of the tier */
        RATE_READ,
        RATE_WRITE,
        RATE_MEMORY, /* and sixty changes of memories a minute */
        RATE_FREE,   /* authenticated but not counted (/me, /auth/…) */
        /* per client address */
        RATE_LOGIN,
        RATE_REGISTER,
        RATE_REFRESH,
        RATE_FORGOT,
        RATE_RESET,
} Rate;
typedef enum Lane {
        LANE_UNSET = 0,
        LANE_INLINE, /* loop thread, memory only */
        /* loop thread, rq->db is its read connection */
        LANE_READ,
        /* writer, rq->db is the write connection, in a savepoint; no outbound call, no hash */
        LANE_WRITE,
        /* worker thread: may block; reads by db_read, writes by db_write */
        LANE_WORKER,
        /* as WORKER, on the password hashing pool; a full queue is ERR_HASH_QUEUE */
        LANE_HASH,
        /* worker thread; returning OK means req_answer or req_stream follows later */
        LANE_STREAM,
} Lane;

typedef enum Wire {
        WIRE_OWN = 0, /* problem+json as it is */
        /* /api/ai/chat: status_text, message, retry_suggested … */
        WIRE_AI,
        WIRE_MEM0, /* + "error": string */
        /* + "error": {message,type,param,code}; value errors are 400 */
        WIRE_OPENAI,
} Wire;

typedef struct Services Services; /* api/services.h: the opened rooms */
typedef struct Route Route;

typedef struct Req {
        Ctx *cx;
        const Services *sv;
        DbConn *db;           /* by lane; NULL on INLINE, WORKER, STREAM */
        const Principal *who; /* NULL when anonymous */
        const Route *route;
        Exchange *x;
        /* text; the peer, or what a trusted proxy says */
        Str client_ip;
        Str path[4];       /* the {…} segments in order */
        const void *query; /* struct of route->query, or NULL */
        /* instead of route->out, for this answer: some of its members */
        const Shape *out;
        /* starts as route->status; a handler may change it */
        int status;
        /* LANE_WRITE: set by the handler: what it wrote stays although it returns an error */
        bool keep;
        /* INLINE rows, set by `admit`: this time the handler blocks, and runs on a worker */
        bool waits;
        void *prepared;                  /* by the row's `admit`, for its handler */
        void *state;                     /* the handler's own, from piece to piece */
        Header headers[HEADERS_OUT_MAX]; /* added by the handler: req_header */
        size_t n_headers;
} Req;

typedef Err HandlerFn(Req *rq, const void *in, void *ret);

/* A header field that a handler looks at; a list of them ends with {}. */
typedef struct HeaderDoc {
        const char *name, *doc;
} HeaderDoc;

struct Route {
        const char *id; /* "memory.create": stable */
        Method method;  /* GET rows answer HEAD too */
        /* "/api/v1/memories/{memory_id}"; fixed words win over {…} */
        const char *path;
        Lane lane;
        Auth auth;
        const char *scope; /* scope: NULL = any */
        Rate rate;
        /* query NULL: see route_refuses_query; out NULL: no body (204) or raw (see produces) */
        const Shape *query, *in, *out;
        const HeaderDoc *headers; /* for the document; NULL = none */
        bool out_list; /* ret is a List of out */
        /* a body of its own type: the handler reads x->body */
        bool in_raw;
        /* its form, and that of an NDJSON line, for the document alone; NULL = any */
        const Shape *raw_form, *line_form;
        /* media type of the body; NULL = application/json */
        const char *accepts;
        /* raw: ret is a Str of this type; NULL = application/json by shape */
        const char *produces;
        const char *out_type; /* of an answer by shape; NULL = application/json */
        /* a second type it may answer with (req_raw) */
        const char *also;
        size_t body_max;
        int status; /* of success; 0 = 200, or 204 without out */
        /* the same answer may also have this one (202, 503); 304 comes without a body */
        int also_status;
        /* beyond those that the other columns imply */
        const Err *errors;
        const char *audit, *audit_none; /* one of: event name, or why there is none */
        const char *mcp_tool;
        const char *tag, *summary; /* OpenAPI */
        /* extra error members for clients made for another server */
        Wire wire;
        /* loop thread, values decoded, before the lane: a cheap refusal, or work that needs no write
         * and is left in rq->prepared. WRITE rows have rq->db here, to read. NULL = none */
        HandlerFn *admit;
        /* WORKER rows: an NDJSON body may have any length; its whole lines come to this (x->body),
         * again and again, and the last of them to `fn`. body_max is for the others. NULL = none */
        HandlerFn *piece;
        HandlerFn *fn;
};
#define ERRORS(...)                                                                                \
        (const Err[]) { __VA_ARGS__, OK }

/* value must live in the arena or be static */
void req_header(Req *rq, Str name, Str value);

/* For a public row that needs a credential in some cases: looks at it now; rq->who is set, or
 * ERR_UNAUTHENTICATED and the like. */
Err req_authenticate(Req *rq);

/* Instead of `ret`: bytes of a type of their own (static type; body in the arena or static).
 * Returns OK. */
Err req_raw(Req *rq, Str type, Str body);

/* LANE_STREAM only, exactly one of them, from any thread; the request's arena is the caller's
 * alone until then. The answer as if the handler had returned it (`ret`: struct of route->out, a
 * List or a Str as the row says). */
void req_answer(Req *rq, Err e, const void *ret);
/* A 200 text/event-stream with the usual headers. The Req is gone with the stream: copy what is
 * needed before. */
Stream *req_stream(Req *rq, const StreamSettings *set);

/* The query of a row where it is not looked at. */
extern const Shape query_ignored;
/* A row without a query refuses any parameter. Not so those that probes, scrapers and browsers
 * ask, who add their own, nor those of other servers' clients. */
bool route_refuses_query(const Route *r);

/* Idempotency-Key means something here. */
bool route_takes_key(const Route *r);

/* api/routes.c: every table, NULL-terminated */
extern const Route *const route_tables[];

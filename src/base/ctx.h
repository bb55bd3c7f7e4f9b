// SPDX-License-Identifier: MIT
#pragma once
/* ctx: what every call carries: memory, time and chance, the deadline, who and which request,
 * and the first failure.
 *
 * RAISE notes where and why once; TRY passes a failure on unchanged. The private text goes to
 * the log with the request id; clients see only the text of the error list, the field errors and
 * the extra members. */
#include "base/arena.h"
#include "base/err.h"

/* Time and chance, so that tests can set them. */
typedef struct World World;
struct World {
        int64_t (*now_ms)(World *w);                 /* wall clock, Unix milliseconds UTC */
        int64_t (*mono_us)(World *w);                /* monotonic, microseconds */
        void (*random)(World *w, void *p, size_t n); /* unpredictable bytes */
};
extern World world_real;

/* RFC 6901 pointer with '#' */
typedef struct FieldErr {
        struct FieldErr *next;
        Str pointer, detail;
} FieldErr;
typedef struct ErrExtra {
        struct ErrExtra *next;
        const char *name;
        Str json;
} ErrExtra;

typedef struct CtxErr {
        Err code;
        const char *where, *what; /* private: for the log */
        FieldErr *fields;         /* public: which members are wrong, and how */
        /* public: further members of the problem, as JSON text */
        ErrExtra *extra;
        int64_t retry_after_s; /* public: 0 when there is nothing to say */
        /* public: replaces the list's text when set */
        Str detail;
} CtxErr;

typedef struct Ctx {
        Arena *arena;
        World *world;
        int64_t deadline_us; /* monotonic; 0 = none */
        CtxErr err;
        char trace_id[33], span_id[17]; /* W3C trace context; request id = trace id */
        const char *route;              /* route id; NULL before routing */
        Str user_id;                    /* STR_NULL before authentication */
} Ctx;

Err err_raise(Ctx *cx, Err code, const char *where, const char *fmt, ...) _printf_(4, 5);
#define _STR2(x)             #x
#define _STR1(x)             _STR2(x)
#define RAISE(cx, code, ...) err_raise((cx), (code), __FILE_NAME__ ":" _STR1(__LINE__), __VA_ARGS__)
#define TRY(expr)                                                                                  \
        do {                                                                                       \
                Err _e = (expr);                                                                   \
                if (_e)                                                                            \
                        return _e;                                                                 \
        } while (0)

/* ERR_INVALID with one member named: RAISE_FIELD(cx, "#/email", "must contain one @"). Call it
 * again for the next one. */
Err err_field(Ctx *cx, Err code, const char *where, Str pointer, const char *fmt, ...)
        _printf_(5, 6);
#define RAISE_FIELD(cx, pointer, ...)                                                              \
        err_field((cx), ERR_INVALID, __FILE_NAME__ ":" _STR1(__LINE__), str_c(pointer), __VA_ARGS__)
void err_extra_int(Ctx *cx, const char *name, int64_t v);
void err_extra_json(Ctx *cx, const char *name, Str json);
/* the failure was handled; the next one may be noted */
void err_clear(Ctx *cx);

static inline int64_t cx_now_ms(const Ctx *cx) { return cx->world->now_ms(cx->world); }
static inline int64_t cx_mono_us(const Ctx *cx) { return cx->world->mono_us(cx->world); }
static inline void cx_random(const Ctx *cx, void *p, size_t n) {
        cx->world->random(cx->world, p, n);
}
/* until the deadline, >= 0; INT64_MAX when there is none */
int64_t cx_left_ms(const Ctx *cx);

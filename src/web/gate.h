// SPDX-License-Identifier: MIT
#pragma once
/* gate: what a request head must be before anything else looks at it (RFC 9112, RFC 9110 section
 * 5).
 *
 * The HTTP library splits the head into parts; the gate judges the parts. It is stricter than the
 * standard where leniency is known to let two servers read one message differently: no folded
 * fields, no bare LF, no list in Content-Length, no Content-Length beside Transfer-Encoding. Pure:
 * no clock, no I/O, no library. */
#include "web/server.h"

typedef struct GateLimits {
        size_t line_max, headers_max, fields_max;
} GateLimits;

typedef struct GateHead {
        Str method, target, version; /* as sent; version is "HTTP/1.0" or "HTTP/1.1" */
        const Header *fields;        /* in order; values without leading blanks */
        size_t n_fields;
        size_t size; /* bytes of the whole head, with its empty line */
        bool gaps;   /* bytes between the parts that belong to none */
} GateHead;

typedef struct GatePass {
        Method method; /* M_UNSET: a method we do not know */
        Str target;    /* origin-form, or "*" */
        Str path;      /* decoded once */
        Str query;     /* raw; STR_NULL when absent */
        bool chunked;
        uint64_t length; /* of the body; 0 when chunked or none */
} GatePass;

/* ERR_BAD_REQUEST, ERR_URI_TOO_LONG, ERR_HEADERS_TOO_LARGE, ERR_TOO_LARGE (a Content-Length beyond
 * any number), ERR_NOT_IMPLEMENTED (a transfer coding), ERR_HTTP_VERSION. The private text says
 * which rule. */
Err gate_check(Ctx *cx, const GateHead *h, const GateLimits *lim, GatePass *ret) _must_check_;

Method method_parse(Str s);

/* A field value as an answer may carry it: control bytes become spaces. Returns its length. */
size_t gate_value_copy(char *to, Str value);

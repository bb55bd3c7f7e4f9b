// SPDX-License-Identifier: MIT
#pragma once
/* router: the route tables compiled once into a tree of path segments. Fixed words win over {…}.
 * A path in a row that ends with '/' matches with and without it. Also the home of what is kept
 * per row while running: scope bits, metric cells. */
#include <stdatomic.h>

#include "api/route.h"
#include "base/metric.h"

typedef struct Row {
        const Route *route;
        uint32_t scope; /* bit of route->scope; 0 = any */
        Cell *duration;
        _Atomic(Cell *) by_status[32]; /* requests_total cells, found on first use */
} Row;

typedef struct Router Router;

/* Checks every row (a required column empty, an unknown scope, two rows for one method and path:
 * ERR_INVALID naming the row). */
Err router_new(Ctx *cx, const Route *const *tables, Router **ret) _must_check_;
Router *router_free(Router *r);
DEFINE_CLEANUP(Router, router_free)

typedef struct Match {
        /* NULL: no such path, or not with this method */
        Row *row;
        bool path_known; /* the path exists: 405 with `allow` */
        unsigned allow;  /* bits 1 << Method */
        Wire wire;       /* of the path's rows */
        Str params[4];
        size_t n_params;
} Match;
void router_match(const Router *r, Method method, Str path, Match *ret);
Str router_allow(Ctx *cx, unsigned allow); /* "GET, HEAD, POST" */
size_t router_count(const Router *r);
void row_count(Row *row, int status, double seconds); /* HEAD counts as the GET of its row */

/* Requests of the last minute and the share of them that failed on our side (5xx). */
void recent_count(int64_t now_us, bool is_error);
double recent_error_rate(int64_t now_us);

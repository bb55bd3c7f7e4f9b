// SPDX-License-Identifier: MIT
#include "api/router.h"

#include "identity/scope.h"

typedef struct Node Node;
struct Node {
        Str word;              /* of the segment leading here */
        Node *children, *next; /* fixed words */
        Node *param;           /* {…} */
        Row *rows[_M_N];
        bool slash_optional;
};

struct Router {
        Arena *arena;
        Node root;
        Row *rows;
        size_t n_rows;
};

static const char *missing_column(const Route *r) {
        if (!r->method)
                return "method";
        if (!r->path || r->path[0] != '/')
                return "path";
        if (!r->lane)
                return "lane";
        if (!r->auth)
                return "auth";
        if (!r->rate)
                return "rate";
        if (!r->fn)
                return "fn";
        if (!r->tag)
                return "tag";
        if (!r->summary)
                return "summary";
        if ((r->in || r->in_raw) && !r->body_max)
                return "body_max";
        if (r->piece && (r->lane != LANE_WORKER || !r->in_raw))
                return "lane or in_raw of piece";
        if (!r->audit == !r->audit_none)
                return "audit or audit_none";
        return NULL;
}

static Node *child_get(Router *r, Node *at, Str word) {
        if (word.n && word.p[0] == '{') {
                if (!at->param)
                        at->param = NEW(r->arena, Node);
                return at->param;
        }
        for (Node *c = at->children; c; c = c->next)
                if (str_eq(c->word, word))
                        return c;
        Node *c = NEW(r->arena, Node);
        c->word = word;
        c->next = at->children;
        at->children = c;
        return c;
}

static Node *node_for(Router *r, const char *path) {
        Str rest = str_c(path + 1);
        Node *at = &r->root;
        while (rest.p) {
                Str word = str_cut(&rest, '/');
                if (!word.n && !rest.p && at != &r->root)
                        at->slash_optional = true;
                else
                        at = child_get(r, at, word);
        }
        return at;
}

static Metric *requests_family(void) {
        return metric_counter("mainstay_http_requests_total", "method,route,code",
                              "HTTP requests answered");
}

static Metric *duration_family(void) {
        return metric_histogram("mainstay_http_request_duration_seconds", "method,route",
                                metric_bounds_http, metric_bounds_http_n,
                                "Time from the first byte of a request to its answer");
}

static Err row_add(Ctx *cx, Router *r, const Route *route) {
        const char *missing = missing_column(route);
        if (missing)
                return RAISE(cx, ERR_INVALID, "route %s: the column %s is empty", route->id,
                             missing);
        uint32_t scope = route->scope ? scope_parse(str_c(route->scope)) : 0;
        if (route->scope && !scope)
                return RAISE(cx, ERR_INVALID, "route %s: unknown scope %s", route->id,
                             route->scope);
        Node *node = node_for(r, route->path);
        if (node->rows[route->method])
                return RAISE(cx, ERR_INVALID, "route %s: %s has two rows", route->id, route->path);
        Row *row = &r->rows[r->n_rows++];
        row->route = route;
        row->scope = scope;
        row->duration = METRIC_CELL(duration_family(), str_c(method_names[route->method]),
                                    str_c(route->id));
        node->rows[route->method] = row;
        return OK;
}

/* Every row must be reached by its own path: a fixed word may not hide it. */
static Err self_test(Ctx *cx, const Router *r) {
        for (size_t i = 0; i < r->n_rows; i++) {
                const Route *route = r->rows[i].route;
                Match m;
                router_match(r, route->method, str_c(route->path), &m);
                if (m.row != &r->rows[i])
                        return RAISE(cx, ERR_INVALID, "route %s: %s leads elsewhere", route->id,
                                     route->path);
        }
        return OK;
}

static size_t rows_in(const Route *const *tables) {
        size_t n = 0;
        for (const Route *const *t = tables; *t; t++)
                for (const Route *route = *t; route->id; route++)
                        n++;
        return n;
}

Err router_new(Ctx *cx, const Route *const *tables, Router **ret) {
        Arena *arena = arena_new();
        _cleanup_(router_freep) Router *r = NEW(arena, Router);
        r->arena = arena;
        r->rows = NEW_ARRAY(arena, Row, rows_in(tables));
        (void)requests_family(); /* there before the first request */
        for (const Route *const *t = tables; *t; t++)
                for (const Route *route = *t; route->id; route++)
                        TRY(row_add(cx, r, route));
        TRY(self_test(cx, r));
        *ret = r;
        r = NULL;
        return OK;
}

Router *router_free(Router *r) {
        if (r)
                arena_free(r->arena);
        return NULL;
}

static const Node *find(const Node *at, Str rest, Match *m) {
        if (!rest.p)
                return at;
        Str tail = rest;
        Str word = str_cut(&tail, '/');
        if (!word.n && !tail.p && at->slash_optional)
                return at;
        for (const Node *c = at->children; c; c = c->next)
                if (str_eq(c->word, word)) {
                        const Node *hit = find(c, tail, m);
                        if (hit)
                                return hit;
                }
        if (!at->param || !word.n || m->n_params == ELEMENTSOF(m->params))
                return NULL;
        m->params[m->n_params++] = word;
        const Node *hit = find(at->param, tail, m);
        if (!hit)
                m->n_params--;
        return hit;
}

void router_match(const Router *r, Method method, Str path, Match *ret) {
        *ret = (Match){ .row = NULL };
        const Node *node =
                path.n && path.p[0] == '/' ? find(&r->root, str_from(path, 1), ret) : NULL;
        if (!node)
                return;
        for (int m = GET; m < _M_N; m++)
                if (node->rows[m]) {
                        ret->allow |= 1u << m;
                        ret->wire = node->rows[m]->route->wire;
                }
        if (ret->allow & (1u << GET))
                ret->allow |= 1u << HEAD;
        ret->path_known = ret->allow != 0;
        ret->row = node->rows[method == HEAD && !node->rows[HEAD] ? GET : method];
}

Str router_allow(Ctx *cx, unsigned allow) {
        Str s = STR_NULL;
        for (int m = GET; m < _M_N; m++)
                if (allow & (1u << m))
                        s = s.p ? arena_strf(cx->arena, "%.*s, %s", STR_FMT(s), method_names[m])
                                : str_c(method_names[m]);
        return s;
}

size_t router_count(const Router *r) { return r->n_rows; }

/* What we answer with; anything else is counted as 500. */
static const int statuses[] = { 200, 201, 202, 204, 207, 302, 304, 400, 401, 403,
                                404, 405, 406, 408, 409, 411, 412, 413, 414, 415,
                                421, 422, 429, 431, 499, 500, 501, 502, 503, 504 };
static_assert(ELEMENTSOF(statuses) <= ELEMENTSOF(((Row *)0)->by_status), "a slot for each");

static unsigned slot_of(int status) {
        for (unsigned i = 0; i < ELEMENTSOF(statuses); i++)
                if (statuses[i] == status)
                        return i;
        return slot_of(500);
}

static Cell *status_cell(const Route *route, int status) {
        char code[8];
        snprintf(code, sizeof code, "%d", status);
        return METRIC_CELL(requests_family(), str_c(method_names[route->method]), str_c(route->id),
                           str_c(code));
}

void row_count(Row *row, int status, double seconds) {
        unsigned i = slot_of(status);
        _Atomic(Cell *) *slot = &row->by_status[i];
        Cell *c = atomic_load_explicit(slot, memory_order_acquire);
        if (!c) {
                c = status_cell(row->route, statuses[i]);
                atomic_store_explicit(slot, c, memory_order_release);
        }
        cell_inc(c);
        cell_observe(row->duration, seconds);
}

/* ---- the last minute, for who reads JSON and keeps no series ---- */

enum { RECENT_S = 60, RECENT_SLOTS = 64 };
static struct {
        _Atomic int64_t second;
        _Atomic uint32_t requests, errors;
} recent[RECENT_SLOTS];

/* Two threads that meet at the turn of a second may lose a count: it is a rate. */
void recent_count(int64_t now_us, bool is_error) {
        int64_t second = now_us / 1000000;
        size_t i = (size_t)second % RECENT_SLOTS;
        if (atomic_exchange_explicit(&recent[i].second, second, memory_order_relaxed) != second) {
                atomic_store_explicit(&recent[i].requests, 0, memory_order_relaxed);
                atomic_store_explicit(&recent[i].errors, 0, memory_order_relaxed);
        }
        atomic_fetch_add_explicit(&recent[i].requests, 1, memory_order_relaxed);
        if (is_error)
                atomic_fetch_add_explicit(&recent[i].errors, 1, memory_order_relaxed);
}

double recent_error_rate(int64_t now_us) {
        int64_t oldest = now_us / 1000000 - RECENT_S;
        double requests = 0, errors = 0;
        for (size_t i = 0; i < RECENT_SLOTS; i++)
                if (atomic_load_explicit(&recent[i].second, memory_order_relaxed) > oldest) {
                        requests += atomic_load_explicit(&recent[i].requests, memory_order_relaxed);
                        errors += atomic_load_explicit(&recent[i].errors, memory_order_relaxed);
                }
        return requests > 0 ? errors / requests : 0;
}

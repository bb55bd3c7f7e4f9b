// SPDX-License-Identifier: MIT
/* Lists and searches over the scopes that a filter speaks of. */
#include "api/mem0.h"

#include <stdlib.h>

#include "codec/when.h"

enum { ROWS_MAX = 20000, PAGE = 200, UNITS_MAX = 100000 };

/* ---- what stands beside the filters ---- */

static void member_write(Buf *b, const char *name) {
        buf_addf(b, "%s\"%s\":", b->n > 1 ? "," : "", name);
}

void mem0_labels_write(Buf *b, const Mem0Labels *l) {
        const struct {
                const char *name;
                Str v;
        } all[] = {
                { "user_id", l->user_id },
                { "agent_id", l->agent_id },
                { "app_id", l->app_id },
                { "run_id", l->run_id },
        };
        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                if (!all[i].v.n)
                        continue;
                member_write(b, all[i].name);
                json_write_str(b, all[i].v);
        }
}

/* A bare day as the end is the whole of it. */
static Err days_write(Req *rq, Buf *b, const Mem0Where *w) {
        int64_t from = WHEN_MIN, to = WHEN_MAX;
        if (w->start_date.n && !mem0_date(w->start_date, &from))
                return RAISE_FIELD(rq->cx, "#/start_date", "must be a date or a time");
        if (w->end_date.n && !mem0_date(w->end_date, &to))
                return RAISE_FIELD(rq->cx, "#/end_date", "must be a date or a time");
        if (w->end_date.n == 10)
                to += DAY_MS - 1;
        if (!w->start_date.n && !w->end_date.n)
                return OK;
        member_write(b, "created_at");
        buf_addf(b, "{\"gte\":\"%.*s\",\"lte\":\"%.*s\"}",
                 STR_FMT(when_format(rq->cx->arena, from)),
                 STR_FMT(when_format(rq->cx->arena, to)));
        return OK;
}

Err mem0_where(Req *rq, const Mem0Where *w, Str *ret) {
        _cleanup_(buf_done) Buf b = BUF(32 * 1024);
        buf_addc(&b, '{');
        mem0_labels_write(&b, &w->labels);
        TRY(days_write(rq, &b, w));
        if (w->keywords.n) {
                member_write(&b, "keywords");
                json_write_str(&b, w->keywords);
        }
        for (size_t i = 0; i < w->categories.n; i++) {
                if (i)
                        buf_addc(&b, ',');
                else
                        member_write(&b, "categories");
                buf_add_c(&b, i ? "" : "[");
                json_write_str(&b, w->categories.v[i]);
        }
        buf_add_c(&b, w->categories.n ? "]}" : "}");
        if (b.full)
                return RAISE(rq->cx, ERR_TOO_LARGE, "conditions over 32 KiB");
        *ret = arena_dup(rq->cx->arena, buf_str(&b));
        return OK;
}

/* ---- lists ---- */

Err mem0_walk(Mem0Walk *w, Str user_id) {
        Req *rq = w->rq;
        MemoryScope s = req_memory(rq);
        Str cursor = STR_NULL;
        s.user_id = user_id;
        do {
                MemoryFilter page = { .status = w->status,
                                      .as_of = w->as_of,
                                      .with_expired = w->with_expired,
                                      .limit = PAGE,
                                      .cursor = cursor };
                MemoryRows rows;
                size_t n = 0;
                TRY(db_read(rq->cx, rq->sv->db, &s.c));
                TRY(memory_list(rq->cx, &s, &page, &rows, &cursor));
                for (size_t i = 0; i < rows.n; i++)
                        if (mem0_filter_fits(rq, w->f, &rows.v[i]))
                                rows.v[n++] = rows.v[i];
                rows.n = n;
                if (n)
                        TRY(w->rows(w, &s, &rows));
        } while (cursor.p && !w->is_enough);
        return OK;
}

typedef struct Gathered {
        Mem0Rows rows;
        size_t cap;
} Gathered;

static Err rows_gather(Mem0Walk *w, const MemoryScope *s, const MemoryRows *page) {
        Gathered *g = w->arg;
        if (g->rows.n + page->n > g->cap) {
                size_t cap = g->cap * 2 + page->n;
                MemoryRow *more = NEW_ARRAY(w->rq->cx->arena, MemoryRow, cap);
                if (g->rows.n)
                        memcpy(more, g->rows.v, g->rows.n * sizeof *more);
                g->rows.v = more;
                g->cap = cap;
        }
        memcpy(g->rows.v + g->rows.n, page->v, page->n * sizeof *page->v);
        g->rows.n += page->n;
        w->is_enough = g->rows.n >= ROWS_MAX;
        return OK;
}

static int newer_first(const void *a_, const void *b_) {
        const MemoryRow *a = a_, *b = b_;
        if (a->created_at != b->created_at)
                return a->created_at < b->created_at ? 1 : -1;
        return str_cmp(b->memory_id, a->memory_id);
}

Err mem0_rows(Req *rq, const Mem0Filter *f, Mem0Rows *ret) {
        Gathered g = { .rows.v = NEW_ARRAY(rq->cx->arena, MemoryRow, 1) };
        Mem0Walk w = { .rq = rq,
                       .f = f,
                       .with_expired = f->with_expired,
                       .rows = rows_gather,
                       .arg = &g };
        DbConn *c;
        Strs scopes;
        TRY(db_read(rq->cx, rq->sv->db, &c));
        TRY(mem0_scopes(rq, f, c, &scopes));
        for (size_t i = 0; i < scopes.n && !w.is_enough; i++)
                TRY(mem0_walk(&w, scopes.v[i]));
        if (scopes.n > 1)
                qsort(g.rows.v, g.rows.n, sizeof *g.rows.v, newer_first);
        *ret = g.rows;
        return OK;
}

/* ---- search ---- */

typedef struct Search {
        Req *rq;
        const Mem0Filter *f;
        MemoryQuery q;
        size_t top_k;
        MemoryHit *v; /* of all scopes */
        size_t n;
} Search;

/* The hits that fit, at most top_k of this scope. */
static size_t hits_take(Search *s, const MemoryHits *hits) {
        size_t n = 0;
        for (size_t i = 0; i < hits->n && n < s->top_k; i++)
                if (mem0_filter_fits(s->rq, s->f, hits->v[i].memory))
                        s->v[s->n + n++] = hits->v[i];
        return n;
}

typedef struct Units {
        int64_t *v;
        size_t n, cap;
} Units;

static Err units_gather(Mem0Walk *w, const MemoryScope *s, const MemoryRows *page) {
        Units *u = w->arg;
        if (u->n + page->n > u->cap) {
                size_t cap = u->cap * 2 + page->n;
                int64_t *more = NEW_ARRAY(w->rq->cx->arena, int64_t, cap);
                if (u->n)
                        memcpy(more, u->v, u->n * sizeof *more);
                u->v = more;
                u->cap = cap;
        }
        for (size_t i = 0; i < page->n; i++)
                u->v[u->n++] = page->v[i].unit;
        w->is_enough = u->n >= UNITS_MAX;
        return OK;
}

static int unit_order(const void *a, const void *b) {
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
        return (x > y) - (x < y);
}

/* So many that do not fit came first that the end of the list was not seen: once more, among those
 * that do. */
static Err search_fitting(Search *s, const MemoryScope *scope, MemoryHits *hits) {
        Units u = { 0 };
        Mem0Walk w = { .rq = s->rq,
                       .f = s->f,
                       .as_of = s->q.now,
                       .with_expired = s->q.include_expired || s->q.now,
                       .rows = units_gather,
                       .arg = &u };
        MemoryQuery q = s->q;
        TRY(mem0_walk(&w, scope->user_id));
        if (u.n)
                qsort(u.v, u.n, sizeof *u.v, unit_order);
        else
                u.v = NEW_ARRAY(s->rq->cx->arena, int64_t, 1);
        q.only = u.v;
        q.only_n = u.n;
        q.top_k = FIND_TOP_MAX;
        return memory_search(s->rq->cx, scope, &q, hits);
}

static Err search_scope(Search *s, Str user_id) {
        MemoryScope scope = req_memory(s->rq);
        MemoryHits hits;
        scope.user_id = user_id;
        TRY(db_read(s->rq->cx, s->rq->sv->db, &scope.c));
        TRY(memory_search(s->rq->cx, &scope, &s->q, &hits));
        size_t n = hits_take(s, &hits);
        if (n < s->top_k && n < hits.n && hits.is_cut) {
                TRY(search_fitting(s, &scope, &hits));
                n = hits_take(s, &hits);
        }
        s->n += n;
        return OK;
}

static int better_first(const void *a_, const void *b_) {
        const MemoryHit *a = a_, *b = b_;
        if (a->relevance > b->relevance || a->relevance < b->relevance)
                return a->relevance < b->relevance ? 1 : -1;
        return str_cmp(a->memory->memory_id, b->memory->memory_id);
}

static void hits_view(Search *s, List *ret) {
        Mem0View *v = NEW_ARRAY(s->rq->cx->arena, Mem0View, s->n + 1);
        for (size_t i = 0; i < s->n; i++) {
                const MemoryHit *h = &s->v[i];
                Mem0Breakdown *b = NEW(s->rq->cx->arena, Mem0Breakdown);
                *b = (Mem0Breakdown){ h->breakdown.parts.semantic, h->breakdown.parts.lexical, 0 };
                mem0_view_make(s->rq, h->memory, &v[i]);
                v[i].score = (OptNum){ true, h->relevance };
                v[i].score_breakdown = b;
        }
        *ret = (List){ v, s->n };
}

/* Several scopes, each with its best, the best of all of them first. */
static Err search_all(Search *s, Strs scopes) {
        s->v = NEW_ARRAY(s->rq->cx->arena, MemoryHit, 2 * s->top_k + 1);
        for (size_t i = 0; i < scopes.n; i++) {
                TRY(search_scope(s, scopes.v[i]));
                if (scopes.n > 1)
                        qsort(s->v, s->n, sizeof *s->v, better_first);
                s->n = MIN(s->n, s->top_k);
        }
        return OK;
}

static bool seconds_read(double v, int64_t *ret_ms) {
        if (!(v >= 1 && v <= (double)MEM0_SECONDS_MAX))
                return false;
        *ret_ms = (int64_t)(v * 1000);
        return true;
}

/* From when the search is made. Of a day the end: what was said on it has been said. */
static Err reference_read(Req *rq, Str text, int64_t *ret_ms) {
        _cleanup_(json_freep) Json *j = NULL;
        *ret_ms = 0;
        if (!text.n)
                return OK;
        TRY(json_parse(rq->cx, text, JSON_DEPTH_MAX, &j));
        Str date = json_str(json_root(j));
        bool ok = date.p ? mem0_date(date, ret_ms)
                         : seconds_read(json_num(json_root(j), 0), ret_ms);
        if (!ok)
                return RAISE_FIELD(rq->cx, "#/reference_date",
                                   "must be a date, a time or seconds since 1970");
        if (date.n == 10)
                *ret_ms += DAY_MS - 1;
        return OK;
}

Err mem0_search(Req *rq, const Mem0SearchIn *in, List *ret) {
        _cleanup_(mem0_filter_done) Mem0Filter f = { 0 };
        Mem0Where where = { { in->user_id, in->agent_id, in->app_id, in->run_id } };
        int64_t top_k = in->top_k.has ? in->top_k.v : in->limit.has ? in->limit.v : 10;
        Search s = { .rq = rq, .f = &f, .top_k = (size_t)top_k };
        DbConn *c;
        Strs scopes;
        Str more;
        int64_t reference;
        TRY(mem0_pick(rq, in->fields));
        TRY(reference_read(rq, in->reference_date, &reference));
        TRY(mem0_where(rq, &where, &more));
        TRY(mem0_filter_parse(rq, in->filters, more, &f));
        if (!f.has_scope)
                return RAISE_FIELD(rq->cx, "#/filters",
                                   "one of user_id, agent_id, app_id, run_id is needed");
        s.q = (MemoryQuery){ .query = in->query,
                             .top_k = MIN(top_k * 4 + 50, (int64_t)FIND_TOP_MAX),
                             .tags = in->categories,
                             .include_expired = in->show_expired,
                             .now = reference,
                             .min_score = in->threshold.has ? in->threshold.v : 0.1 };
        TRY(db_read(rq->cx, rq->sv->db, &c));
        TRY(mem0_scopes(rq, &f, c, &scopes));
        TRY(search_all(&s, scopes));
        hits_view(&s, ret);
        return OK;
}

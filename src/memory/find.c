// SPDX-License-Identifier: MIT
#include "memory/find.h"

#include <math.h>

#include "memory/count_int.h"
#include "memory/memory_int.h"
#include "memory/moment.h"
#include "memory/touched.h"
#include "memory/vectors.h"

enum { QUERY_MAX = 1000, KNOWN_AT_EXTRA = 60 };

typedef struct Find {
        Ctx *cx;
        const MemoryScope *s;
        const MemoryQuery *q;
        Keys keys;
        int64_t now, as_of;
        size_t top_k;
        SearchQuery search;
} Find;

static void find_done(Find *f) { keys_done(&f->keys); }

static uint32_t bits_of(const char *const *names, Strs words) {
        uint32_t bits = 0;
        for (size_t i = 0; i < words.n; i++) {
                int w = word_index(names, words.v[i]);
                bits |= w >= 0 ? UINT32_C(1) << w : 0;
        }
        return bits;
}

static Strs labels_of(Ctx *cx, Strs tags) {
        Str *v = NEW_ARRAY(cx->arena, Str, tags.n ? tags.n : 1);
        for (size_t i = 0; i < tags.n; i++)
                v[i] = arena_strf(cx->arena, "tag=%.*s", STR_FMT(tags.v[i]));
        return tags.n ? (Strs){ v, tags.n } : (Strs){ 0 };
}

/* Conversations may be named by our id or by the caller's; an unknown one matches nothing. */
static Err conversations_of(Ctx *cx, const MemoryScope *s, Strs in, Strs *ret) {
        Str *v = NEW_ARRAY(cx->arena, Str, in.n ? in.n : 1);
        for (size_t i = 0; i < in.n; i++) {
                Conversation c;
                Err e = conversation_find(cx, s, in.v[i], &c);
                if (e == ERR_NOT_FOUND)
                        e = conversation_find_external(cx, s, in.v[i], &c);
                if (e && e != ERR_NOT_FOUND)
                        return e;
                v[i] = e ? STR("none") : c.conversation_id;
        }
        *ret = in.n ? (Strs){ v, in.n } : (Strs){ 0 };
        return OK;
}

static Err exclude_of(Ctx *cx, const MemoryScope *s, const Keys *k, Strs ids, SearchFilter *f) {
        UnitId *v = NEW_ARRAY(cx->arena, UnitId, ids.n ? ids.n : 1);
        size_t n = 0;
        for (size_t i = 0; i < ids.n; i++) {
                Turn t;
                Stored m;
                Err e = turn_find(cx, s, ids.v[i], &t);
                if (e == OK)
                        v[n++] = t.unit;
                else if (e == ERR_NOT_FOUND && (e = stored_by_id(cx, s, k, ids.v[i], &m)) == OK)
                        v[n++] = m.row.unit;
                if (e == ERR_MEMORY_NOT_FOUND)
                        err_clear(cx);
                else if (e)
                        return e;
        }
        f->exclude = v;
        f->exclude_n = n;
        return OK;
}

static Err find_check(Find *f) {
        const MemoryQuery *q = f->q;
        if (!str_is_utf8(q->query) || str_trim(q->query).n == 0 ||
            str_utf8_count(q->query) > QUERY_MAX)
                return RAISE_FIELD(f->cx, "#/query", "must be 1 to %d characters", QUERY_MAX);
        if (q->from && q->to && q->from >= q->to)
                return RAISE_FIELD(f->cx, "#/to", "must be after from");
        f->top_k = (size_t)(q->top_k > 0 ? MIN(q->top_k, (int64_t)FIND_TOP_MAX) : 10);
        f->now = q->now ? q->now : cx_now_ms(f->cx);
        f->as_of = q->as_of ? q->as_of : f->now;
        return OK;
}

static bool is_allowed(const UnitView *v, void *arg) {
        const MemoryQuery *q = arg;
        size_t from = 0, to = q->only_n;
        while (from < to) {
                size_t middle = from + (to - from) / 2;
                if (q->only[middle] == view_id(v))
                        return true;
                if (q->only[middle] < view_id(v))
                        from = middle + 1;
                else
                        to = middle;
        }
        return false;
}

static Err find_filter(Find *f) {
        const MemoryQuery *q = f->q;
        SearchFilter *sf = &f->search.filter;
        bool past = q->now || q->as_of || q->known_at || q->include_superseded;
        sf->kinds = (q->memories || !q->turns ? UNIT_MEMORY : 0u) | (q->turns ? UNIT_TURN : 0u);
        sf->types = bits_of(memory_type_names, q->types);
        if (q->types.n && !sf->types)
                return RAISE_FIELD(f->cx, "#/type", "is not a type of memory");
        sf->statuses =
                1u << STATUS_ACTIVE | 1u << STATUS_FLAGGED | (past ? 1u << STATUS_SUPERSEDED : 0);
        sf->labels = labels_of(f->cx, q->tags);
        sf->speakers = q->speakers;
        sf->from_ms = q->from;
        sf->to_ms = q->to;
        sf->min_confidence = q->min_confidence < 0 ? 0.5 : q->min_confidence;
        /* What was known at a moment in the past did not know its end: tested on the rows, below. */
        sf->as_of_ms = q->include_superseded || q->known_at ? 0 : f->as_of;
        sf->turns_ahead = !q->as_of; /* an import may be of another clock */
        sf->predicate = q->only ? is_allowed : NULL;
        sf->predicate_arg = (void *)(uintptr_t)q;
        TRY(conversations_of(f->cx, f->s, q->conversations, &sf->conversations));
        return exclude_of(f->cx, f->s, &f->keys, q->exclude, sf);
}

/* The index proposes, the store decides: whether the row is there, whose it is and whether it holds. */
static Err hit_memory(Find *f, UnitId unit, MemoryHit *hit, bool *ret_ok) {
        Stored *m = NEW(f->cx->arena, Stored);
        Err e = stored_by_unit(f->cx, f->s, &f->keys, unit, m);
        *ret_ok = false;
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        const MemoryRow *r = &m->row;
        bool holds = f->q->include_superseded || stored_holds(m, f->as_of, f->q->known_at);
        bool over = !f->q->include_expired && r->expires_at && r->expires_at <= f->now;
        if (!holds || over)
                return OK;
        TRY(stored_as_known(f->cx, f->s, &f->keys, f->q->known_at, m));
        hit->memory = r;
        hit->access = fmin(log1p((double)r->access_count) / 5, 1);
        *ret_ok = true;
        return OK;
}

static Err hit_turn(Find *f, UnitId unit, MemoryHit *hit, bool *ret_ok) {
        Turn *t = NEW(f->cx->arena, Turn);
        Conversation c;
        Err e = turn_by_unit(f->cx, f->s, &f->keys, unit, t);
        if (e == OK)
                e = conversation_find(f->cx, f->s, t->conversation_id, &c);
        *ret_ok = e == OK;
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        t->conversation_external_id = c.external_id;
        hit->turn = t;
        return OK;
}

/* Of a conversation where the words were said, but not about them: context for a turn, noise for a fact. */
static bool is_bystander(const Hit *h) {
        const HitParts *p = &h->parts;
        return h->kind == UNIT_MEMORY && p->conversation > 0 &&
               p->lexical + p->proximity + p->date + p->semantic <= 0;
}

static Err hit_make(Find *f, const Hit *h, MemoryHit *ret, bool *ret_ok) {
        *ret = (MemoryHit){ .relevance = h->relevance,
                            .similarity = h->similarity,
                            .recency = h->recency,
                            .breakdown = { h->parts, h->matched } };
        if (h->relevance < f->q->min_score || is_bystander(h)) {
                *ret_ok = false;
                return OK;
        }
        return h->kind == UNIT_MEMORY ? hit_memory(f, h->id, ret, ret_ok)
                                      : hit_turn(f, h->id, ret, ret_ok);
}

static Err hits_make(Find *f, const Hits *found, MemoryHits *ret) {
        MemoryHits hits = { .v = NEW_ARRAY(f->cx->arena, MemoryHit, f->top_k) };
        for (size_t i = 0; i < found->n && hits.n < f->top_k; i++) {
                bool ok;
                TRY(hit_make(f, &found->v[i], &hits.v[hits.n], &ok));
                if (ok && hits.v[hits.n].memory)
                        touched_add(f->s->m->touched, f->s->user_id, found->v[i].id,
                                    cx_now_ms(f->cx));
                hits.n += ok;
        }
        hits.degraded = ret->degraded;
        hits.is_cut = hits.n == f->top_k || found->n == f->search.top_k;
        *ret = hits;
        return OK;
}

static Err search(Ctx *cx, const MemoryScope *s, const MemoryQuery *q, MemoryHits *ret) {
        _cleanup_(find_done) Find f = { .cx = cx, .s = s, .q = q };
        _cleanup_(index_unpin) IndexPin pin = { 0 };
        Hits found;
        MemoryHits hits = { 0 };
        TRY(find_check(&f));
        TRY(keys_get(cx, s, &f.keys));
        TRY(find_filter(&f));
        TRY(index_pin(cx, s->m->cache, s->user_id, &pin));
        f.search.text = q->query;
        f.search.now_ms = f.now;
        /* some will not do */
        f.search.top_k = q->known_at ? 4 * f.top_k + KNOWN_AT_EXTRA : 2 * f.top_k + 16;
        TRY(vectors_search(cx, s, &f.keys, &f.search, &hits.degraded));
        TRY(index_search(cx, pin.ix, &f.search, &found));
        TRY(hits_make(&f, &found, &hits));
        *ret = hits;
        return OK;
}

Err memory_search(Ctx *cx, const MemoryScope *s, const MemoryQuery *q, MemoryHits *ret) {
        int64_t began_us = cx_mono_us(cx);
        Err e = search(cx, s, q, ret);
        count_retrieval(cx_mono_us(cx) - began_us);
        return count_operation(OP_SEARCH, e);
}

Str memory_render(Ctx *cx, const MemoryRow *row, int64_t now_ms) {
        return moment_render(cx->arena, row->content, &(MomentRef){ .said_at = now_ms });
}

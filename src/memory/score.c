// SPDX-License-Identifier: MIT
/* The scorer: words first, then the other signals, then the best of them
 * with their boosts. */
#include <math.h>

#include "memory/index_grow.h"
#include "memory/score_int.h"

typedef struct Pick {
        uint32_t slot;
        double score, cosine;
} Pick; /* cosine: already weighted */

/* ---- the best k, kept as a heap with the worst on top ---- */
typedef struct Best {
        const UserIndex *ix;
        Pick *v;
        size_t n, max;
} Best;

/* Does a come before b in the answer? */
static bool comes_before(const UserIndex *ix, const Pick *a, const Pick *b) {
        if (a->score != b->score)
                return a->score > b->score;
        const Cold *x = &ix->colds[a->slot], *y = &ix->colds[b->slot];
        return x->at_ms != y->at_ms ? x->at_ms > y->at_ms : x->id < y->id;
}

static void best_sink(Best *b, size_t i, size_t n) {
        for (size_t child; (child = 2 * i + 1) < n; i = child) {
                if (child + 1 < n && comes_before(b->ix, &b->v[child], &b->v[child + 1]))
                        child++;
                if (!comes_before(b->ix, &b->v[i], &b->v[child]))
                        return;
                Pick t = b->v[i];
                b->v[i] = b->v[child];
                b->v[child] = t;
        }
}

static void best_add(Best *b, Pick p) {
        if (b->n == b->max) {
                if (!b->max || !comes_before(b->ix, &p, &b->v[0]))
                        return;
                b->v[0] = p;
                best_sink(b, 0, b->n);
                return;
        }
        size_t i = b->n++;
        for (; i && comes_before(b->ix, &b->v[(i - 1) / 2], &p); i = (i - 1) / 2)
                b->v[i] = b->v[(i - 1) / 2];
        b->v[i] = p;
}

static void best_sort(Best *b) { /* best first */
        for (size_t n = b->n; n > 1;) {
                Pick t = b->v[--n];
                b->v[n] = b->v[0];
                b->v[0] = t;
                best_sink(b, 0, n);
        }
}

static Best best_new(const Search *s, size_t max) {
        max = MIN(max, (size_t)s->ix->units + s->in->similar_n);
        return (Best){ .ix = s->ix, .v = NEW_ARRAY(s->arena, Pick, max + 1), .max = max };
}

/* ---- working memory: one block, zeroed ---- */
static void *block_take(char **at, size_t count, size_t size) {
        void *p = *at;
        *at += (count * size + 15) & ~(size_t)15;
        return p;
}

static void *search_prepare(Search *s) {
        size_t slots = s->ix->slots_n, sessions = s->ix->sessions_n, speakers = s->ix->speakers.n;
        size_t chains = s->ix->conversations.n;
        size_t bytes = slots * (2 * sizeof(uint32_t) + 3 * sizeof(double) + 1) +
                       sessions * (2 * sizeof(uint32_t) + sizeof(double)) +
                       chains * (sizeof(double) + 1) + speakers + 16 * 16;
        char *block = grow_zero(1, bytes), *at = block;
        s->units.tf = block_take(&at, slots, sizeof(int32_t));
        s->units.touched = block_take(&at, slots, sizeof(uint32_t));
        s->units.score = block_take(&at, slots, sizeof(double));
        s->proximity = block_take(&at, slots, sizeof(double));
        s->total = block_take(&at, slots, sizeof(double));
        s->eligible = block_take(&at, slots, 1);
        s->sessions.tf = block_take(&at, sessions, sizeof(int32_t));
        s->sessions.touched = block_take(&at, sessions, sizeof(uint32_t));
        s->sessions.score = block_take(&at, sessions, sizeof(double));
        s->chain = block_take(&at, chains, sizeof(double));
        s->is_named = block_take(&at, speakers, 1);
        s->is_circle = block_take(&at, chains, 1);
        return block;
}

static void block_free(void **p) { free(*p); }

static bool name_is_asked(const Query *q, Str first) {
        for (uint32_t i = 0; i < q->named_n; i++)
                if (str_eq(q->named[i], first))
                        return true;
        return false;
}

/* Who the question names, and the conversations in which one of them speaks. */
static void named_mark(Search *s) {
        const UserIndex *ix = s->ix;
        for (uint32_t no = 0; s->q.named_n && no < ix->speakers.n; no++)
                if (ix->speakers.refs[no])
                        s->is_named[no] = name_is_asked(
                                &s->q, name_first(s->arena, dict_text(&ix->speakers, no)));
        for (uint32_t slot = 0; s->q.named_n && slot < ix->slots_n; slot++)
                if (ix->slots[slot].speaker && s->is_named[ix->slots[slot].speaker - 1])
                        s->is_circle[ix->colds[slot].conversation] = 1;
}

/* ---- ranking ---- */
/* The date as a term: as rare as the units it fits. */
static void date_weigh(Search *s) {
        uint32_t df = 0;
        if (s->q.date.kind == ASKED_NOTHING)
                return;
        for (uint32_t slot = 0; slot < s->ix->slots_n; slot++)
                df += s->ix->slots[slot].kind && !unit_gap(s, slot);
        s->q.date_idf = log(1 + (s->ix->units - df + 0.5) / (df + 0.5));
}

static double boosts_of(const Search *s, uint32_t slot) {
        HitParts p;
        unit_boosts(s, slot, &p);
        return p.importance_boost * p.confidence_boost * p.recency_boost;
}

static double total_of(const Search *s, uint32_t slot) {
        HitParts p = unit_parts(s, slot);
        return s->total[slot] = parts_total(&p);
}

/* The best by total, or by total with boosts; *ret_max is the largest total. Most units are passed
 * over by their bound: they could be neither. */
static void words_rank(const Search *s, bool boosted, Best *best, double *ret_max) {
        const RankParams *r = s->ix->rank;
        double most = boosted ? (1 + r->importance) * (1 + r->confidence) * (1 + r->recency) : 1;
        double max = 0;
        for (uint32_t slot = 0; slot < s->ix->slots_n; slot++) {
                double bound = unit_bound(s, slot);
                bool full = best->n == best->max && best->n;
                if (bound <= 0 || (full && bound <= max && bound * most < best->v[0].score) ||
                    !unit_is_eligible(s, slot))
                        continue;
                double total = total_of(s, slot);
                if (total <= 0)
                        continue;
                max = MAX(max, total);
                best_add(best, (Pick){ .slot = slot,
                                       .score = boosted ? total * boosts_of(s, slot) : total });
        }
        for (size_t i = 0; i < best->n; i++)
                best->v[i].score /= max;
        *ret_max = max;
}

/* Union of the best by words and the nearest by embedding: s' = (1 - w) · s / max + w · cosine /
 * max. */
static double cosine_of(const Search *s, uint32_t slot) {
        UnitId id = s->ix->colds[slot].id;
        for (size_t i = 0; i < s->in->similar_n; i++)
                if (s->in->similar[i].id == id)
                        return s->in->similar[i].cosine;
        return s->in->cosine ? s->in->cosine(s->in->cosine_arg, id) : 0;
}

static Best union_take(Search *s, double *ret_max) {
        Best words = best_new(s, MAX(4 * s->in->top_k, (size_t)60));
        words_rank(s, false, &words, ret_max);
        Best all = best_new(s, words.n + s->in->similar_n);
        for (size_t i = 0; i < words.n; i++) {
                all.v[all.n++] = words.v[i];
                s->eligible[words.v[i].slot] = ELIGIBLE_TAKEN;
        }
        for (size_t i = 0; i < s->in->similar_n && all.n < all.max; i++) {
                uint32_t slot = slot_find(s->ix, s->in->similar[i].id);
                if (slot == NO_SLOT || !unit_is_eligible(s, slot))
                        continue;
                s->eligible[slot] = ELIGIBLE_TAKEN;
                double total = total_of(s, slot);
                all.v[all.n++] =
                        (Pick){ .slot = slot, .score = *ret_max > 0 ? total / *ret_max : 0 };
        }
        return all;
}

static void rank_with_cosines(Search *s, Best *best) {
        double max;
        Best all = union_take(s, &max);
        double w = s->ix->rank->semantic, cosine_max = 0, top = 0;
        s->words_share = max > 0 ? (1 - w) / max : 0;
        for (size_t i = 0; i < all.n; i++) {
                all.v[i].cosine = MAX(cosine_of(s, all.v[i].slot), 0);
                cosine_max = MAX(cosine_max, all.v[i].cosine);
        }
        for (size_t i = 0; i < all.n; i++) {
                Pick *p = &all.v[i];
                p->cosine = cosine_max > 0 ? w * p->cosine / cosine_max : 0;
                p->score = (1 - w) * p->score + p->cosine;
                top = MAX(top, p->score);
        }
        for (size_t i = 0; i < all.n && top > 0; i++) {
                all.v[i].score = all.v[i].score / top * boosts_of(s, all.v[i].slot);
                best_add(best, all.v[i]);
        }
}

static void rank_by_age(Search *s, Best *best) {
        for (uint32_t slot = 0; slot < s->ix->slots_n; slot++) {
                Pick p = { .slot = slot };
                bool full = best->n == best->max && best->n;
                if ((!full || comes_before(s->ix, &p, &best->v[0])) && unit_is_eligible(s, slot))
                        best_add(best, p);
        }
}

/* ---- the answer ---- */
/* The cosine in the units of the words' parts; they do not count when it is all that counts. */
static void semantic_tell(const Search *s, double cosine, HitParts *p) {
        p->semantic = s->words_share > 0 ? cosine / s->words_share : cosine;
        if (s->in->similar_n && s->words_share <= 0)
                p->lexical = p->proximity = p->conversation = p->date = p->named = 0;
}

static double parts_worth(const HitParts *p) {
        return (parts_total(p) + p->semantic) * p->importance_boost * p->confidence_boost *
               p->recency_boost;
}

static Hit hit_of(const Search *s, const Pick *p) {
        const Cold *c = &s->ix->colds[p->slot];
        Hit h = {
                .id = c->id,
                .kind = (UnitKind)s->ix->slots[p->slot].kind,
                .score = s->total[p->slot],
                .final = p->score,
                .recency = unit_recency(s, p->slot),
                .parts = unit_parts(s, p->slot),
        };
        unit_boosts(s, p->slot, &h.parts);
        semantic_tell(s, p->cosine, &h.parts);
        h.similarity = unit_share(s, p->slot, &h.matched);
        if (s->in->similar_n)
                h.similarity = MAX(h.similarity, MIN(cosine_of(s, p->slot), 1));
        return h;
}

static Hits hits_of(const Search *s, const Best *best) {
        Hits hits = { NEW_ARRAY(s->arena, Hit, best->n + 1), best->n };
        double similarity_max = 0;
        for (size_t i = 0; i < best->n; i++) {
                hits.v[i] = hit_of(s, &best->v[i]);
                similarity_max = MAX(similarity_max, hits.v[i].similarity);
        }
        if (!hits.n || hits.v[0].final <= 0)
                return hits;
        double scale = similarity_max / parts_worth(&hits.v[0].parts);
        for (size_t i = 0; i < hits.n; i++) {
                hits.v[i].relevance = hits.v[i].final / hits.v[0].final * similarity_max;
                hits.v[i].parts.scale = scale;
        }
        return hits;
}

static Hits search_run(Search *s) {
        _cleanup_(block_free) _unused_ void *block = search_prepare(s);
        Best best = best_new(s, s->in->top_k);
        s->gap = &(Gap){ 0 };
        filter_open(s);
        named_mark(s);
        if (query_is_empty(&s->q) && !s->in->similar_n) {
                rank_by_age(s, &best);
        } else {
                terms_tally(s);
                date_weigh(s);
                double max;
                if (s->in->similar_n)
                        rank_with_cosines(s, &best);
                else
                        words_rank(s, true, &best, &max);
        }
        best_sort(&best);
        return hits_of(s, &best);
}

Err index_search(Ctx *cx, UserIndex *ix, const SearchQuery *in, Hits *ret) {
        (void)pthread_rwlock_rdlock(&ix->lock);
        Search s = { .arena = cx->arena, .ix = ix, .in = in };
        query_parse(cx->arena, ix, in, &s.q);
        Hits hits = search_run(&s);
        (void)pthread_rwlock_unlock(&ix->lock);
        *ret = hits;
        return OK;
}

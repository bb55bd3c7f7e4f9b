// SPDX-License-Identifier: MIT
/* Words: BM25 over units with their context and over sessions, and pairs of words that stand
 * together. */
#include <math.h>

#include "memory/index_grow.h"
#include "memory/score_int.h"

/* how far apart the two words of a pair may stand */
enum { PAIR_IN_TEXT = 3, PAIR_IN_QUESTION = 2 };

static double idf(double n, double df) { return log(1 + (n - df + 0.5) / (df + 0.5)); }

static inline void tally_add(Tally *t, uint32_t doc, int64_t weight) {
        if (weight <= 0)
                return;
        if (!t->tf[doc])
                t->touched[t->touched_n++] = doc;
        t->tf[doc] += (int32_t)weight;
}

/* A hit counts for its unit, for the neighbours that see it as context, and for its session. */
static void hit_spread(Search *s, const Posting *p) {
        const UserIndex *ix = s->ix;
        Tally *t = &s->units;
        uint32_t slot = p->slot;
        tally_add(t, slot, p->base * (int64_t)WEIGHT_ONE + p->extra * ix->extra_w);
        if (ix->slots[slot].session == NO_NUMBER)
                return;
        tally_add(&s->sessions, ix->slots[slot].session, p->base);
        uint32_t prev = context_prev(ix, slot), next = context_next(ix, slot);
        if (prev != NO_SLOT) {
                tally_add(t, prev, p->base * ix->near_w);
                if ((prev = context_prev(ix, prev)) != NO_SLOT)
                        tally_add(t, prev, p->base * ix->near2_w);
        }
        if (next != NO_SLOT) {
                tally_add(t, next, p->base * ix->near_w + p->ask * ix->ask_w);
                if ((next = context_next(ix, next)) != NO_SLOT)
                        tally_add(t, next, p->base * ix->near2_w);
        }
}

static void units_settle(Search *s, QueryTerm *term) {
        const RankParams *p = s->ix->rank;
        Tally *t = &s->units;
        double avg = (double)s->ix->length_sum / MAX(s->ix->units, 1u);
        double scale = p->k1 * p->b / (avg > 0 ? avg : 1), floor_ = p->k1 * (1 - p->b);
        term->idf = idf(s->ix->units, t->touched_n);
        double gain = term->idf * term->weight * (p->k1 + 1);
        for (uint32_t i = 0; i < t->touched_n; i++) {
                uint32_t slot = t->touched[i];
                double f = t->tf[slot] / (double)WEIGHT_ONE;
                t->score[slot] += gain * f / (f + floor_ + scale * s->ix->slots[slot].length);
                t->tf[slot] = 0;
        }
        t->touched_n = 0;
}

static void sessions_settle(Search *s, const QueryTerm *term) {
        const RankParams *p = s->ix->rank;
        Tally *t = &s->sessions;
        double avg = (double)s->ix->session_terms / MAX(s->ix->sessions_live, 1u);
        double scale = p->conversation_k1 * p->conversation_b / (avg > 0 ? avg : 1);
        double floor_ = p->conversation_k1 * (1 - p->conversation_b);
        double gain =
                idf(s->ix->sessions_live, t->touched_n) * term->weight * (p->conversation_k1 + 1);
        for (uint32_t i = 0; i < t->touched_n; i++) {
                uint32_t no = t->touched[i];
                double f = t->tf[no];
                t->score[no] += gain * f / (f + floor_ + scale * (double)s->ix->sessions[no].terms);
                t->max = MAX(t->max, t->score[no]);
                t->tf[no] = 0;
        }
        t->touched_n = 0;
}

/* ---- pairs ---- */
/* True when terms a and b stand within PAIR_IN_TEXT of each other among the unit's terms. */
static bool unit_has_pair(const Cold *c, uint32_t a, uint32_t b) {
        int64_t at_a = INT64_MIN / 2, at_b = INT64_MIN / 2;
        const uint8_t *p = c->terms;
        for (int64_t i = 0; i < c->base; i++) {
                uint32_t no = varint_get(&p);
                if (no == a)
                        at_a = i;
                else if (no == b)
                        at_b = i;
                else
                        continue;
                if (llabs(at_a - at_b) <= PAIR_IN_TEXT)
                        return true;
        }
        return false;
}

static void pair_tally(Search *s, const QueryTerm *a, const QueryTerm *b) {
        const UserIndex *ix = s->ix;
        if (a->no < 0 || b->no < 0 || a->no == b->no)
                return;
        uint32_t *found = s->units.touched, n = 0; /* free between terms */
        PostingReader ra = postings_read(&ix->postings[a->no]),
                      rb = postings_read(&ix->postings[b->no]);
        Posting pa, pb;
        for (bool more = posting_next(&ra, &pa) && posting_next(&rb, &pb); more;) {
                if (pa.slot == pb.slot &&
                    unit_has_pair(&ix->colds[pa.slot], (uint32_t)a->no, (uint32_t)b->no))
                        found[n++] = pa.slot;
                more = pa.slot <= pb.slot ? posting_next(&ra, &pa) : posting_next(&rb, &pb);
        }
        double gain = n ? ix->rank->proximity * log(1 + (double)ix->units / n) / 6 : 0;
        for (uint32_t i = 0; i < n; i++)
                s->proximity[found[i]] += gain;
}

static void pairs_tally(Search *s) {
        const Query *q = &s->q;
        for (uint32_t a = 0; a < q->words_n && s->ix->rank->proximity > 0; a++)
                for (uint32_t b = a + 1;
                     b < (a < q->date_at ? q->date_at : q->words_n) && b <= a + PAIR_IN_QUESTION;
                     b++)
                        pair_tally(s, &q->terms[q->words[a]], &q->terms[q->words[b]]);
}

static void chains_settle(Search *s) {
        for (uint32_t no = 0; no < s->ix->sessions_n; no++) {
                const Session *session = &s->ix->sessions[no];
                if (session->turns)
                        s->chain[session->chain] =
                                MAX(s->chain[session->chain], s->sessions.score[no]);
        }
}

static void list_spread(Search *s, uint32_t no) {
        PostingReader r = postings_read(&s->ix->postings[no]);
        for (Posting p; posting_next(&r, &p);)
                hit_spread(s, &p);
}

void terms_tally(Search *s) {
        for (uint32_t i = 0; i < s->q.terms_n; i++) {
                QueryTerm *term = &s->q.terms[i];
                if (term->no >= 0)
                        list_spread(s, (uint32_t)term->no);
                for (uint32_t k = 0; k < term->also_n; k++)
                        list_spread(s, term->also[k]);
                units_settle(s, term);
                sessions_settle(s, term);
        }
        for (uint32_t slot = 0; slot < s->ix->slots_n; slot++)
                if (s->units.score[slot] > s->units.max && unit_is_eligible(s, slot))
                        s->units.max = s->units.score[slot];
        pairs_tally(s);
        chains_settle(s);
}

// SPDX-License-Identifier: MIT
#include <math.h>

#include "memory/score_int.h"

enum { BRIEF_WORDS = 6 };

static double share_of(double v, double max) { return max > 0 ? v / max : 0; }

static double conversation_part(const Search *s, uint32_t slot) {
        uint32_t session = s->ix->slots[slot].session;
        double v = 0;
        if (s->sessions.max <= 0)
                return 0;
        if (session != NO_NUMBER) {
                v = s->sessions.score[session];
        } else {
                uint32_t chain = s->ix->colds[slot].conversation;
                v = chain != NO_NUMBER ? s->chain[chain] : 0;
        }
        return s->ix->rank->conversation * share_of(v, s->sessions.max);
}

static const Gap *gap_get(const Search *s, uint32_t slot) {
        int64_t day = s->ix->slots[slot].day;
        if (!s->gap->known || s->gap->day != day) {
                int64_t days = date_gap(&s->q.date, day);
                *s->gap = (Gap){ day, days, exp(-(double)days / s->ix->rank->date_tau_days), true };
        }
        return s->gap;
}

int64_t unit_gap(const Search *s, uint32_t slot) { return gap_get(s, slot)->days; }

static double date_part(const Search *s, uint32_t slot) {
        if (s->q.date.kind == ASKED_NOTHING)
                return 0;
        return s->ix->rank->date * gap_get(s, slot)->fade;
}

static double when_factor(const Search *s, const Slot *u) {
        return !s->q.asks_when              ? 1
               : u->flags & TEXT_HAS_TIME   ? 1 + s->ix->rank->when
               : u->flags & TEXT_LOOSE_TIME ? 1 + s->ix->rank->when_loose
                                            : 1;
}

/* The unit holds what the question asks for. */
static double answer_factor(const Search *s, const Slot *u) {
        const RankParams *p = s->ix->rank;
        unsigned held = s->q.asks & u->flags;
        return (held & TEXT_HAS_NUMBER ? 1 + p->number : 1) *
               (held & TEXT_HAS_PLACE ? 1 + p->place : 1) *
               (held & TEXT_HAS_NAME ? 1 + p->proper : 1);
}

static double manner_factors(const Search *s, const Slot *u) {
        return (u->flags & TEXT_FIRST_PERSON ? 1 + s->ix->rank->first_person : 1) *
               (u->flags & TEXT_ASKS ? 1 - s->ix->rank->is_question : 1);
}

/* A turn with few words of its own: what it scores comes from around it. */
static double brief_factor(const Search *s, uint32_t slot) {
        double words = s->ix->colds[slot].base;
        if (s->ix->slots[slot].kind != UNIT_TURN)
                return 1;
        return words < BRIEF_WORDS ? 1 - s->ix->rank->brief * (1 - words / BRIEF_WORDS) : 1;
}

/* Said by the one person the question names; "my dog" is the user's. */
static bool is_by_named(const Search *s, uint32_t slot) {
        uint16_t speaker = s->ix->slots[slot].speaker;
        return (speaker && s->q.named_n == 1 && s->is_named[speaker - 1]) ||
               (s->q.asks_self && s->ix->colds[slot].role == ROLE_USER);
}

/* Of a conversation without anybody the question names. */
static double circle_factor(const Search *s, uint32_t slot) {
        uint32_t no = s->ix->colds[slot].conversation;
        bool outside = s->q.named_n && s->ix->slots[slot].kind == UNIT_TURN && !s->is_circle[no];
        return outside ? 1 - s->ix->rank->circle : 1;
}

HitParts unit_parts(const Search *s, uint32_t slot) {
        const RankParams *p = s->ix->rank;
        const Slot *u = &s->ix->slots[slot];
        bool by_named = is_by_named(s, slot);
        return (HitParts){
                .lexical = share_of(s->units.score[slot], s->units.max),
                .proximity = s->proximity[slot],
                .conversation = conversation_part(s, slot),
                .date = date_part(s, slot),
                .named = by_named ? p->named : 0,
                .speaker = by_named ? 1 + p->speaker : 1,
                .when = when_factor(s, u),
                .answer = answer_factor(s, u),
                .first_person = u->flags & TEXT_FIRST_PERSON ? 1 + p->first_person : 1,
                .brief = brief_factor(s, slot),
                .circle = circle_factor(s, slot),
                .question = u->flags & TEXT_ASKS ? 1 - p->is_question : 1,
                .importance_boost = 1,
                .confidence_boost = 1,
                .recency_boost = 1,
        };
}

double parts_total(const HitParts *p) {
        return (p->lexical + p->proximity + p->conversation + p->date + p->named) * p->speaker *
               p->when * p->answer * p->question * p->first_person * p->brief * p->circle;
}

/* Who may be whom the question means is taken for that one; what the unit is short of, for whole. */
double unit_bound(const Search *s, uint32_t slot) {
        const RankParams *p = s->ix->rank;
        const Slot *u = &s->ix->slots[slot];
        bool may_be_named =
                s->q.asks_self || (s->q.named_n == 1 && u->speaker && s->is_named[u->speaker - 1]);
        double sum = share_of(s->units.score[slot], s->units.max) + s->proximity[slot] +
                     conversation_part(s, slot) + date_part(s, slot) +
                     (may_be_named ? p->named : 0);
        /* rounding must not make it less than what it bounds */
        return sum * (may_be_named ? 1 + p->speaker : 1) * when_factor(s, u) *
               answer_factor(s, u) * manner_factors(s, u) * (1 + 1e-9);
}

/* By the minute: the same question a moment later has the same answer. */
double unit_recency(const Search *s, uint32_t slot) {
        int64_t now_ms = s->in->now_ms - s->in->now_ms % 60000;
        double days = (double)(now_ms - s->ix->colds[slot].at_ms) / 86400e3;
        return exp2(-MAX(days, 0) / s->ix->rank->recency_half_days);
}

void unit_boosts(const Search *s, uint32_t slot, HitParts *p) {
        const RankParams *rank = s->ix->rank;
        const Fact *f = s->ix->colds[slot].fact;
        p->importance_boost = f ? 1 + rank->importance * (2 * f->importance - 1) : 1;
        p->confidence_boost = f ? 1 + rank->confidence * (2 * f->confidence - 1) : 1;
        p->recency_boost = 1 + rank->recency * (2 * unit_recency(s, slot) - 1);
}

/* ---- how much of the question is in the unit's own words ---- */
static bool term_is(const QueryTerm *t, uint32_t no) {
        for (uint32_t i = 0; i < t->also_n; i++)
                if (t->also[i] == no)
                        return true;
        return t->no == (int64_t)no;
}

static void terms_found(const Search *s, uint32_t slot, uint8_t *found) {
        const Cold *c = &s->ix->colds[slot];
        const uint8_t *p = c->terms;
        for (uint32_t i = 0; i < c->base; i++) {
                uint32_t no = varint_get(&p);
                for (uint32_t k = 0; k < s->q.terms_n; k++)
                        if (!found[k] && term_is(&s->q.terms[k], no))
                                found[k] = 1;
        }
}

/* A synonym, or a member of the class asked for, is half the word. */
static double term_share(const Query *q, const uint8_t *found, uint32_t term) {
        if (found[term])
                return 1;
        for (uint32_t k = q->asked_n; k < q->terms_n; k++)
                if (found[k] && q->terms[k].origin == term)
                        return 0.5;
        return 0;
}

double unit_share(const Search *s, uint32_t slot, Strs *ret_matched) {
        const Query *q = &s->q;
        uint8_t *found = NEW_ARRAY(s->arena, uint8_t, q->terms_n + 1);
        Str *matched = NEW_ARRAY(s->arena, Str, q->asked_n + 1);
        size_t matched_n = 0;
        double have = 0, all = 0;
        terms_found(s, slot, found);
        for (uint32_t i = 0; i < q->asked_n; i++) {
                have += q->terms[i].idf * term_share(q, found, i);
                all += q->terms[i].idf;
                if (found[i])
                        matched[matched_n++] = q->terms[i].word;
        }
        if (q->date.kind != ASKED_NOTHING) {
                all += q->date_idf;
                have += unit_gap(s, slot) ? 0 : q->date_idf;
        }
        *ret_matched = (Strs){ matched, matched_n };
        return share_of(have, all);
}

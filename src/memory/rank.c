// SPDX-License-Identifier: MIT
#include "memory/rank.h"

const RankParams rank_defaults = {
        .k1 = 0.9, .b = 0.2,
        .caption = 0.7, .near = 0.45, .near2 = 0.1, .question = 0.8,
        .conversation = 0.5, .conversation_k1 = 1.2, .conversation_b = 0.75,
        .date = 0.8, .date_tau_days = 10,
        .speaker = 0.5, .when = 0.5, .first_person = 0.2, .is_question = 0.2,
        .synonym = 0.15, .proximity = 0.1,
        .semantic = 0.3,
        .importance = 0.1, .confidence = 0.1, .recency = 0.1, .recency_half_days = 30,
        .session_gap_s = 6 * 3600,
};

RankParams rank_reference(void) {
        RankParams p = rank_defaults;
        p.importance = p.confidence = p.recency = 0;
        p.session_gap_s = 0;
        return p;
}

static bool within(double v, double low, double high) {
        return v >= low && v <= high;                 /* false for NaN */
}

bool rank_is_sane(const RankParams *p) {
        const double weights[] = { p->k1, p->caption, p->near, p->near2, p->question, p->conversation, p->conversation_k1,
                                   p->date, p->speaker, p->when, p->first_person, p->synonym, p->proximity };
        for (size_t i = 0; i < ELEMENTSOF(weights); i++)
                if (!within(weights[i], 0, 10))
                        return false;
        return within(p->b, 0, 1) && within(p->conversation_b, 0, 1) && within(p->semantic, 0, 1) &&
               within(p->is_question, 0, 1) && within(p->importance, 0, 0.25) && within(p->confidence, 0, 0.25) &&
               within(p->recency, 0, 0.25) && within(p->date_tau_days, 0.01, 1e5) &&
               within(p->recency_half_days, 0.01, 1e5) && within(p->session_gap_s, 0, 1e9);
}

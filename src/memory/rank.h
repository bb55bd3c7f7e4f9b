// SPDX-License-Identifier: MIT
#pragma once
/* rank: the numbers of the scorer (contracts: retrieval). Each is a setting; rank_defaults holds the contract's values
 * and, behind them, further signals of the same kind (0 = off). */
#include "base/macros.h"

typedef struct RankParams {
        double k1, b;                                 /* BM25 over units */
        double caption, near, near2, question;        /* extra weight of context words */
        double conversation, conversation_k1, conversation_b;
        double date, date_tau_days;
        double speaker, when, first_person, is_question;      /* factors 1 + x (is_question: 1 - x) */
        double synonym, proximity;
        double semantic;                              /* weight of the cosine */
        double importance, confidence, recency;       /* boosts, at most 0.25 */
        double recency_half_days;
        double session_gap_s;                         /* a longer silence cuts a conversation into sessions; 0 = never */
} RankParams;

extern const RankParams rank_defaults;
RankParams rank_reference(void);                      /* the contract's formula alone, no boosts: what the differential test pins */
bool rank_is_sane(const RankParams *p);               /* ranges; a boost above 0.25 is not */

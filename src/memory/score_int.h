// SPDX-License-Identifier: MIT
#pragma once
/* score_int: one search on its way: the question, one place per unit for what it has earned so
 * far. */
#include "memory/score_query.h"

/* a BM25 sum over documents: units, or sessions */
typedef struct Tally {
        /* weight of the current term; zero between terms */
        int32_t *tf;
        uint32_t *touched, touched_n;
        double *score, max;
} Tally;

typedef struct Search {
        Arena *arena;
        const UserIndex *ix;
        const SearchQuery *in;
        Query q;
        Tally units, sessions;     /* by slot; by session number */
        double *proximity, *total; /* by slot */
        /* with embeddings: what a total is multiplied with before its cosine is added */
        double words_share;
        /* by conversation: its best session, for memories */
        double *chain;
        uint8_t *eligible; /* by slot */
        /* by speaker: is one whom the question names */
        uint8_t *is_named;
        /* by conversation: one of them speaks there */
        uint8_t *is_circle;
} Search;

/* score_filter.c: which units may be in the answer. Sets `eligible`. */
void filter_mark(Search *s);

/* score_terms.c: words. Sets units, sessions, proximity, chain and the idf of the query's terms. */
void terms_tally(Search *s);

/* score_parts.c: the other signals of one unit. */
HitParts unit_parts(const Search *s, uint32_t slot);
/* sum of the additive parts times the factors before the boosts */
double parts_total(const HitParts *p);
void unit_boosts(const Search *s, uint32_t slot, HitParts *p);
double unit_recency(const Search *s, uint32_t slot);
/* Share of the question found in the unit's own text, by idf; and which words. */
double unit_share(const Search *s, uint32_t slot, Strs *ret_matched);

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

/* how far a day is from the date asked for: neighbours are mostly of one day */
typedef struct Gap {
        int64_t day, days;
        double fade;
        bool known;
} Gap;

/* of a unit, looked up when it is first needed */
enum { ELIGIBLE_UNKNOWN, ELIGIBLE, ELIGIBLE_TAKEN, ELIGIBLE_NOT };

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
        struct Wanted *wanted;
        Gap *gap;
        /* by speaker: is one whom the question names */
        uint8_t *is_named;
        /* by conversation: one of them speaks there */
        uint8_t *is_circle;
} Search;

/* score_filter.c: which units may be in the answer. */
void filter_open(Search *s);
bool unit_is_eligible(const Search *s, uint32_t slot);

/* score_terms.c: words. Sets units, sessions, proximity, chain and the idf of the query's terms. */
void terms_tally(Search *s);

/* score_parts.c: the other signals of one unit. */
HitParts unit_parts(const Search *s, uint32_t slot);
/* At least parts_total of it, from what is at hand for every unit; 0: it scores nothing. */
double unit_bound(const Search *s, uint32_t slot);
int64_t unit_gap(const Search *s, uint32_t slot); /* days from the date asked for */
/* sum of the additive parts times the factors before the boosts */
double parts_total(const HitParts *p);
void unit_boosts(const Search *s, uint32_t slot, HitParts *p);
double unit_recency(const Search *s, uint32_t slot);
/* Share of the question found in the unit's own text, by idf; and which words. */
double unit_share(const Search *s, uint32_t slot, Strs *ret_matched);

// SPDX-License-Identifier: MIT
#pragma once
/* words: the word lists of retrieval: stop words, question words, irregular forms, synonyms.
 * General English only, nothing from anybody's data. Lists are text, turned into tables on first
 * use. */
#include "base/arena.h"

/* lemma: STR_NULL when regular; flags of terms.h */
typedef struct WordInfo {
        Str lemma;
        unsigned flags;
} WordInfo;
WordInfo word_info(Str word); /* lower case, as written */

/* Terms that mean nearly the same, in groups. Calls fn for each other member of every group
 * `term` is in. */
typedef void SynonymFn(void *arg, Str term);
void word_synonyms(Str term, SynonymFn *fn, void *arg);
/* What a term can stand for when it is asked about: "instrument" -> cello, violin … Calls fn for
 * each. */
void word_kinds(Str term, SynonymFn *fn, void *arg);

/* The lists as text, for the differential test: one group or list per line. */
extern const char *const word_stops,
        *const word_asks, *const word_plains, *const word_irregulars,
                                                      *const word_synonym_groups,
                                                              *const word_kind_groups;

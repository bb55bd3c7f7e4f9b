// SPDX-License-Identifier: MIT
#pragma once
/* score_query: what a question looks for, read once before any unit is looked at. */
#include "memory/dates.h"
#include "memory/index_int.h"
#include "memory/text_flags.h"

/* the rest of a longer question is not looked for */
enum { QUERY_WORDS_MAX = 256, QUERY_TERMS_MAX = 1024, QUERY_NAMES_MAX = 8 };

typedef struct QueryTerm {
        /* as asked (or the synonym), and what is indexed */
        Str word, term;
        /* in the index's dictionary; DICT_NONE: no unit has it */
        int64_t no;
        const uint32_t *also;
        uint32_t also_n; /* further terms that count as this one */
        double weight, idf;
        /* the term it is a synonym of; itself when asked for */
        uint32_t origin;
} QueryTerm;

typedef struct Query {
        /* distinct; the first `asked_n` are the question's own words */
        QueryTerm *terms;
        uint32_t terms_n, asked_n;
        /* the question's words in order, as places in `terms` */
        uint32_t words[QUERY_WORDS_MAX], words_n;
        uint32_t date_at; /* from there on they are the date's, which stand beside no other */
        AskedDate date;
        /* the date counts as one more term where shares are told */
        double date_idf;
        /* asks_self: "my", "I": whoever is the user */
        bool asks_when, asks_self;
        unsigned asks; /* TEXT_HAS_… flags: what the answer is likely to have */
        /* lower-case first names of the participants that the question names */
        Str named[QUERY_NAMES_MAX];
        uint32_t named_n;
} Query;

void query_parse(Arena *arena, const UserIndex *ix, const SearchQuery *in, Query *ret);
static inline bool query_is_empty(const Query *q) {
        return !q->terms_n && q->date.kind == ASKED_NOTHING;
}

Str name_lower(Arena *arena, Str name); /* trimmed */
/* "Ana Lima" -> "ana"; empty for roles ("user", "assistant") */
Str name_first(Arena *arena, Str speaker);

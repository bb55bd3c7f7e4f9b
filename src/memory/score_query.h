// SPDX-License-Identifier: MIT
#pragma once
/* score_query: what a question looks for, read once before any unit is looked at. */
#include "memory/dates.h"
#include "memory/index_int.h"

enum { QUERY_WORDS_MAX = 256, QUERY_TERMS_MAX = 4096 };       /* the rest of a longer question is not looked for */

typedef struct QueryTerm {
        Str word, term;                               /* as asked (or the synonym), and what is indexed */
        int64_t no;                                   /* in the index's dictionary; DICT_NONE: no unit has it */
        double weight, idf;
        uint32_t origin;                              /* the term it is a synonym of; itself when asked for */
} QueryTerm;

typedef struct Query {
        QueryTerm *terms;                             /* distinct; the first `asked_n` are the question's own words */
        uint32_t terms_n, asked_n;
        uint32_t words[QUERY_WORDS_MAX], words_n;     /* the question's words in order, as places in `terms` */
        AskedDate date;
        double date_idf;                              /* the date counts as one more term where shares are told */
        bool asks_when;
        Str named;                                    /* lower-case first name, when exactly one participant is named */
} Query;

void query_parse(Arena *arena, const UserIndex *ix, Str text, Query *ret);
static inline bool query_is_empty(const Query *q) { return !q->terms_n && q->date.kind == ASKED_NOTHING; }

Str  name_lower(Arena *arena, Str name);            /* trimmed */
Str  name_first(Arena *arena, Str speaker);           /* "Ana Lima" -> "ana"; empty for roles ("user", "assistant") */

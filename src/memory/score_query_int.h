// SPDX-License-Identifier: MIT
#pragma once
/* score_query_int: the steps of reading a question. */
#include "memory/score_query.h"

/* First names of those who speak in the index, each once; the first few hundred. */
enum { NAMES_MAX = 512 };
typedef struct Names {
        Str *v;
        size_t n;
} Names;
Names names_known(Arena *arena, const UserIndex *ix);
bool names_have(const Names *names, Str s);
void names_asked(Arena *arena, const Names *names, Str text, Query *q);

typedef struct Reading {
        Arena *arena;
        const UserIndex *ix;
        Query *q;
        uint32_t origin; /* of the term that is looked at */
} Reading;
/* At most QUERY_TERMS_MAX: the caller has checked. Returns its place. */
uint32_t term_add(Reading *r, Str word, Str term, double weight);

/* Classes, families, words joined and split: terms that count as one of the question's own. */
void further_add(Reading *r);

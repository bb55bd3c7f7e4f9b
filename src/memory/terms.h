// SPDX-License-Identifier: MIT
#pragma once
/* terms: text into the words that are looked for. A word is letters and digits, with one
 * apostrophe part at most ("don't"); case, accents on Latin letters, possessives and n't are
 * dropped, irregular forms become their lemma, and English words their Snowball stem. Scripts
 * without spaces give one word per character. Bytes that are no UTF-8 are gaps between words. */
#include "base/arena.h"

/* bytes; the rest of a longer word is ignored */
enum { TERM_MAX = 64 };

typedef enum TermFlags {
        /* the word, or what it comes down to, says nothing ("the", "it's") */
        TERM_STOP = 1,
        TERM_STOP_WORD = 2, /* the word as written is a stop word */
        /* a word that makes a question ("which", "did") */
        TERM_ASK = 4,
        /* a word that says little in a question ("want", "go") */
        TERM_PLAIN = 8,
} TermFlags;

typedef struct Term {
        /* lower case as written; what is indexed. Until the next call */
        Str word, term;
        size_t at, end; /* bytes of the text it stands at */
        unsigned flags;
} Term;

typedef struct TermReader {
        Str text;
        size_t at;
        char word[TERM_MAX + 4], term[TERM_MAX];
} TermReader;

static inline TermReader term_reader(Str text) { return (TermReader){ .text = text }; }
bool term_next(TermReader *r, Term *ret); /* false at the end; ret is then as it was */

Str term_of(Str word, char out[TERM_MAX]); /* a lower-case word alone */

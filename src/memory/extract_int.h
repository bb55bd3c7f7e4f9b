// SPDX-License-Identifier: MIT
#pragma once
/* extract_int: sentences, patterns and the rule table.
 *
 * A pattern is words separated by spaces. Adverbs between words are always passed over.
 *   live|lives   one of these        too?   may be missing
 *   %S  whom it is about: I, we, "my sister Ana", "Ana" where she is known; later in a sentence
 *       also "and", and in the sentence behind one about her also "she"
 * All others are captures, $1, $2 … in the templates of the row:
 *   %K  a relative or friend          %A  an animal             %H  a spouse or partner
 *   %N  a name                        %M  with a capital        %G  a nationality
 *   %L  names: "Rex and Bella"        %Q  with capitals
 *   %P  a place                       %O  an organisation       %D  a number
 *   %J  a job                         %W  a job by its ending
 *   %U  a medicine                    %V  its dose: words up to the next clause
 *   %T  a thing                       %C  the rest of the clause
 *   %X  one to three words of something owned: "favourite colour" */
#include "memory/extract.h"

enum { CAPTURES_MAX = 4, SENTENCE_MAX = 160, SENTENCES_MAX = 400 };

typedef enum TokenFlags {
        T_CAPITAL = 1,
        T_NUMBER = 2,
        T_COMMA = 4, /* a comma follows */
        T_BREAK = 8, /* ; : ( ) or a dash follows */
} TokenFlags;
/* raw: in the text; low: ASCII lower case, "n't" = "not" */
typedef struct Token {
        Str raw, low;
        unsigned flags;
} Token;
typedef struct Sentence {
        Token *v;
        size_t n;
        bool is_question;
} Sentence;

/* The next sentence of *rest; false at the end. Quotations and code are left out. The tokens of
 * the one before (ret->v, at first NULL) are overwritten. */
bool sentence_next(Arena *a, Str *rest, Sentence *ret) _must_check_;
/* the slice of the text; to > from */
Str tokens_text(const Sentence *s, size_t from, size_t to);
static inline Str low_at(const Sentence *s, size_t i) { return i < s->n ? s->v[i].low : STR(""); }
static inline bool is_at(const Sentence *s, size_t i, const char *w) {
        return str_eq_c(low_at(s, i), w);
}
static inline unsigned flags_before(const Sentence *s, size_t i) {
        return i ? s->v[i - 1].flags : 0;
}

typedef enum RuleFlags {
        R_MORE = 1, /* further rows may match at the same place */
        R_NEGATED = 2,
        R_PAST = 4,
        R_LIST = 8,   /* $1 may be several things: one fact each */
        R_DATED = 16, /* only with a date in the clause */
        R_SELF = 32,  /* only about the speaker */
        R_START = 64, /* only at the start of a sentence */
        R_PLAN = 128, /* a date in the clause is when it happens */
        R_END = 256,  /* nothing but a break may follow */
        /* the clause names something that takes place: an exam, a flight */
        R_EVENT = 512,
        R_NOTE = 1024, /* only in a sentence without its subject: "Based in Berlin" */
        R_WEAK = 2048, /* gives way to another value that is known */
        R_VERB = 8192, /* $1 begins with what somebody can be told to do */
        R_WHEN = 4096, /* as R_END, but a time may follow: "last week", "for two years" */
} RuleFlags;
typedef struct Rule {
        const char *pattern, *content, *type;
        Attribute attribute;
        const char *subject, *value; /* templates; subject NULL: whom %S names */
        int percent;                 /* confidence */
        unsigned flags;
        const char *tag;
} Rule;
/* ends with pattern NULL; the first that matches a place wins */
extern const Rule extract_rules[];

typedef struct Match {
        size_t start, end; /* tokens */
        /* "self" and ""; "sister Ana" and "My sister Ana" */
        Str subject, subject_text;
        Str captures[CAPTURES_MAX];
        Str worded[CAPTURES_MAX]; /* the same with its article: "a nurse" */
        char kinds[CAPTURES_MAX];
        size_t n_captures;
        Str first; /* of the words of $1, in lower case */
} Match;
/* "sister Ana" and "My sister Ana" */
typedef struct Person {
        Str subject, text;
} Person;
/* Whom "she", "he" and "they" in the next sentence mean; without a subject: nobody, or one of
 * several. */
typedef struct People {
        Person she, he, they;
        unsigned women, men, groups; /* who may be meant: a friend counts as both */
} People;
typedef struct Matcher {
        Arena *a;
        const Sentence *s;
        /* "Lives in Lisbon.": the subject may be left out at the start */
        bool is_note;
        Str last_subject, last_subject_text; /* for "… and work at Acme" */
        People people;                       /* for "She works at Acme." */
        Strs names;                          /* for "Ana works at Acme." */
} Matcher;
/* ---- captures (extract_take.c) ---- */
extern const char pronoun_words[]; /* " a b c " */
bool is_plural_kin(Str kin); /* "parents" */
bool is_woman(Str kin);
bool is_man(Str kin);
/* Where the capture of this kind that begins at token i ends; i when there is none. */
size_t take_kind(const Sentence *s, char kind, size_t i);
/* "a small house near the river in Graz": where "Graz" begins; i when nothing leads to a name. */
size_t place_start(const Sentence *s, size_t i);
Str number_text(Arena *a, const Sentence *s, size_t i, size_t e); /* "thirty-four" -> "34" */
Str name_text(Arena *a, Str raw);                                 /* "anna" -> "Anna" */

/* The rows that could match somewhere in this sentence, in their order; ends with NULL. */
const Rule **rules_possible(Arena *a, const Sentence *s);
bool rule_match(const Matcher *m, const Rule *rule, size_t at, Match *ret) _must_check_;
/* `before`: those of the sentence before. */
People people_of(Arena *a, const Sentence *s, const People *before);

/* ---- how a sentence is meant (extract_frame.c) ---- */
bool is_hypothetical(const Sentence *s, size_t at); /* "if I …", "she said I …", "should I …" */
bool asks(const Sentence *s);
/* "I live in Berlin, is it far?": leaves the statement; false when there is none before it. */
bool question_cut(Sentence *s);
/* Tokens of "please remember that"; of "could you please" before "keep it short"; 0: none. */
size_t remember_prefix(const Sentence *s);
size_t request_prefix(const Sentence *s);
bool corrects(const Sentence *s, size_t from);
/* The next part of a message that is the person's own: no quoted lines, no pasted mail. */
bool passage_next(Str *rest, Str *ret) _must_check_;
/* When the sentence gives a text to work on, *rest moves behind that text. */
bool pasted_skip(const Sentence *s, Str text, Str *rest) _must_check_;

// SPDX-License-Identifier: MIT
#pragma once
/* whose: whom a question is about, and which part of a text is about them, so that what is so of
 * somebody else does not answer. A sentence is read as clauses, each about whom its subject names;
 * without a subject ("Lives in Lisbon.") it is about the user. English, pure. */
#include "base/arena.h"

typedef enum OwnerKind {
        OWNER_ANY = 1, /* nobody in particular */
        OWNER_SELF,    /* I, we, my something */
        OWNER_OTHER,   /* my sister, Leo */
} OwnerKind;

/* A term, those that say the same here, and those that come near. */
typedef struct Need {
        Str term;
        Strs same, near;
} Need;
typedef struct Needs {
        Need *v;
        size_t n;
} Needs;

typedef struct Owner {
        OwnerKind kind;
        Needs nouns; /* "my sister's husband": sister, husband */
        Str name;    /* "Leo"; without it STR_NULL */
} Owner;
void owner_read(Arena *a, Str question, Owner *ret);

/* The clauses of a text that may tell of the owner, in their order; empty when none does. */
typedef struct Part {
        Str text;
        bool is_theirs; /* it surely is about them, so that it may say yes or no */
} Part;
Part whose_part(Arena *a, const Owner *owner, const Needs *asked, Str text);

/* Of possessions and the like: "name", "birthday". A kind of person or animal is none. */
bool is_somebody(Str word);

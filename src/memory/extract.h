// SPDX-License-Identifier: MIT
#pragma once
/* extract: facts in what a person says, by rules. Pure: no clock, no store; the same text gives the
 * same facts.
 *
 * Only statements about the speaker and the speaker's people count; questions, hypotheses and
 * reported speech do not. A content is a short sentence without its subject ("Lives in Lisbon.")
 * that keeps the speaker's own words. */
#include "base/base.h"

enum { FACTS_MAX = 64 }; /* of one text */

/* What a fact is about, where one value excludes another. ATTR_PREFERENCE has its object as subject. */
typedef enum Attribute {
        ATTR_NONE,
        ATTR_NAME,
        ATTR_AGE,
        ATTR_LOCATION,
        ATTR_JOB,
        ATTR_WORKPLACE,
        ATTR_RELATIONSHIP,
        ATTR_TIMEZONE,
        ATTR_PREFERENCE,
        ATTR_BIRTHDAY,
        ATTR_GENDER,
        ATTR_LANGUAGE,
        ATTR_EDUCATION,
        ATTR_PARTNER_NAME,
        ATTR_PET_NAME,
        ATTR_OTHER,
        _ATTR_N,
} Attribute;
extern const char *const attribute_names[_ATTR_N]; /* "location", …; "" for ATTR_NONE */
Attribute attribute_parse(Str name);               /* ATTR_NONE when unknown */

typedef struct Fact {
        /* fact, preference, commitment, instruction, entity, episodic */
        Str type;
        Str content; /* 1..2000 characters */
        Attribute attribute;
        /* "self", a person ("sister", "sister Ana"), a preference's object ("ramen") */
        Str subject;
        /* as said: "Lisbon"; for preferences "like" or "dislike" */
        Str value;
        double confidence; /* 0..1; what is stored from chat is >= 0.7 */
        Strs tags, entities;
        /* "I don't live in Paris any more": ends, opens nothing */
        bool is_negated;
        bool is_correction; /* "actually it's …" */
        bool is_weak;       /* "I'm Groot": gives way to another value that is known */
        /* "I used to live in …", "in 2019 I moved …" */
        bool is_past;
        /* from "since 2019", "in March 2021"; 0 = not said */
        int64_t valid_from;
        int64_t scheduled_at; /* of a dated plan; 0 = none */
        /* the clause it was taken from, inside the text */
        Str quote;
} Fact;
typedef struct Facts {
        Fact *v;
        size_t n;
        bool is_cut; /* the text says more than that, or is too long to be read to the end */
} Facts;

typedef struct ExtractContext {
        int64_t said_at;    /* reference for relative dates, Unix ms */
        int utc_offset_min; /* of the speaker */
        /* what was said before: resolves "actually it's …"; may be STR_NULL */
        Str previous;
        /* names of the speaker's people and animals: "Leo and Mia"; a statement may begin with one */
        Strs people;
} ExtractContext;

/* At most FACTS_MAX, in the order of the text; everything lives in the arena or in `text`. */
void facts_extract(Arena *a, Str text, const ExtractContext *ec, Facts *ret);

/* " sister boss cats ": who may stand behind "my", as str_is_in reads it. */
extern const char kin_words[], animal_words[];

/* The attribute, subject and value that one explicit sentence states ("I moved to Porto last
 * week"); false when none. */
bool fact_attribute(Arena *a, Str content, Fact *ret) _must_check_;

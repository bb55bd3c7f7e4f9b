// SPDX-License-Identifier: MIT
#pragma once
/* question: what a question asks for, and how much of that a text says. For answers without a
 * language model; English, pure. */
#include "chat/whose.h"

typedef enum QuestionKind {
        QUESTION_OPEN = 1, /* what, which, tell me about … */
        QUESTION_WHO,
        QUESTION_NAME, /* what is … called */
        QUESTION_WHERE,
        QUESTION_WHEN,
        QUESTION_COUNT,
        QUESTION_AGE,
        QUESTION_YES_NO,
} QuestionKind;

typedef struct Question {
        QuestionKind kind;
        Owner owner;        /* whom it is about */
        Needs needs, helps; /* what an answer must speak of; the kind of thing that is asked for */
        int liking;         /* 1: what is liked, -1: what is not, 0: neither */
        bool wants_all;     /* one thing is not the whole answer */
        bool is_vague;      /* of somebody who is not named: "where does she live" */
        bool names_day;     /* "tomorrow", "this weekend": days to come */
        bool is_plans;      /* "what's coming up", "am I free" */
        bool is_latest;     /* "what did I tell you last" */
        bool is_past;       /* "where did I live before": what no longer holds, too */
        Needs later;        /* "before Aldi": what it was before, which is no answer */
        /* about now, so that a fact can say yes or no */
        bool is_now;
} Question;
void question_read(Arena *a, Str message, Question *ret);

/* Without what people say to us rather than about the thing ("can you tell me"), and idioms in
 * plainer words. The message itself when nothing is left. */
Str question_core(Arena *a, Str message);
/* The same, with other words in which an answer may stand: to search with. */
Str question_query(Arena *a, Str message);

/* It asks for plans, of whatever kind; `in_schedule`: the message speaks of appointments. */
bool question_is_about_plans(const Question *q, bool in_schedule);
/* Of the plans only these: "which appointments do I have". */
bool question_takes_plan(const Question *q, Str text);

/* Where its answers are kept, for what is not found by its words; false: nowhere in particular. */
typedef struct Keeping {
        const char *type, *tag; /* NULL: any */
} Keeping;
bool question_kept_in(const Question *q, Str message, Keeping *ret);

/* Days from today: "this week", "the weekend". */
typedef enum Span { SPAN_NONE, SPAN_WEEK, SPAN_WEEKEND, SPAN_NEXT_WEEKEND, SPAN_MONTH } Span;
Span span_of(Str message);

Need need_of(Arena *a, Str term);
/* How well the text speaks of it: 0, a little, 1; *literal is left alone when in that very term. */
double need_told(const Need *need, Str text, bool *literal);
/* 0 … 1: how much of what is asked for the text speaks of. */
typedef struct Cover {
        double needs, share; /* share: with what helps */
        bool is_literal;     /* in the question's own words */
} Cover;
Cover question_cover(const Question *q, Str text);
/* The text holds what the kind of question asks for: a name, a place, a number, a time. */
bool question_fits(const Question *q, Str text);

/* False: it cannot be the answer, however near it comes: of one's own name only what gives it. */
bool question_takes(const Question *q, Str text);

/* "does not", "never", "no longer", "dislikes". */
bool text_denies(Str text);
bool text_likes(Str text); /* speaks of liking or not liking */
/* what was or may be, not what is */
bool text_is_past_or_wish(Str text);
bool text_is_formerly(Str text); /* "used to live": not so now */
bool text_is_past(Str text);     /* "used to live", "worked at" */

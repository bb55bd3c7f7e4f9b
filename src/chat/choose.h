// SPDX-License-Identifier: MIT
#pragma once
/* choose: which of what was found answers a question, best first, each thing once. Pure. */
#include "chat/question.h"
#include "chat/respond.h"

/* Of what is asked for: all of it, an answer, worth mentioning. */
#define COVER_ALL  0.99
#define COVER_HALF 0.45
#define COVER_SOME 0.2
/* two covers are as good as each other */
#define COVER_SAME 0.01
typedef enum Tier { TIER_SOME, TIER_HALF, TIER_ALL } Tier;

typedef struct Candidate {
        const MemoryHit *hit;
        Str text; /* what of it answers: a fact, or the best sentences of a turn */
        double relevance, score;
        double weight; /* 0: it cannot answer */
        Cover cover;
        Tier tier;
        bool fits, denies, is_past, is_theirs; /* surely about whom the question is about */
        int64_t at; /* of a plan: when, 0 = it names no time; of what is over: until when */
} Candidate;
typedef struct Choice {
        Candidate *v;
        size_t n;
} Choice;

/* Those of at least this relevance. */
void choose(Arena *a, const RespondIn *in, const Question *q, double least, Choice *ret);
/* Plans of the time that the question names, or from today on, by date. */
void choose_plans(Arena *a, const RespondIn *in, const Question *q, Choice *ret);

/* What was told last, newest first. */
void choose_latest(Arena *a, const RespondIn *in, Choice *ret);

/* Our own answers and the user's questions tell nothing new. */
bool hit_tells(const MemoryHit *h, Str message);
bool is_over(const RespondIn *in, const MemoryHit *h); /* a fact that holds no longer */
Str hit_text(const MemoryHit *h);
int64_t hit_at(const MemoryHit *h);

// SPDX-License-Identifier: MIT
#pragma once
/* rank: the numbers of the scorer. The first block is the contract's formula; the second holds
 * further signals of the same kind, each off at 0. One row per number: name, default, least,
 * most, what it does. */
#include "base/str.h"

#define RANK_CONTRACT(X)                                                                           \
        X(k1, 0.9, 0, 10, "BM25 over units: how fast repetition stops counting")                   \
        X(b, 0.2, 0, 1, "BM25 over units: how much length matters")                                \
        X(caption, 0.7, 0, 10, "added weight of captions, tags and entities")                      \
        X(near, 0.45, 0, 10, "weight of the words one turn away")                                  \
        X(near2, 0.1, 0, 10, "weight of the words two turns away")                                 \
        X(question, 0.8, 0, 10, "added weight of the question a turn answers")                     \
        X(conversation, 0.5, 0, 10, "weight of the conversation's own score")                      \
        X(conversation_k1, 1.2, 0, 10, "BM25 over conversations: k1")                              \
        X(conversation_b, 0.75, 0, 1, "BM25 over conversations: b")                                \
        X(date, 0.8, 0, 10, "weight of a date named in the question")                              \
        X(date_tau_days, 10, 0.01, 1e5, "days after which a date counts 1/e")                      \
        X(speaker, 0.5, 0, 10, "gain of units by the one person named")                            \
        X(when, 0.5, 0, 10, "gain of units with a time phrase when a time is asked for")           \
        X(first_person, 0.2, 0, 10, "gain of units in the first person")                           \
        X(is_question, 0.2, 0, 1, "loss of units that end with a question mark")                   \
        X(synonym, 0.15, 0, 10, "weight of a synonym in the question")                             \
        X(proximity, 0.1, 0, 10, "weight of pairs of words that stand together")                   \
        X(semantic, 0.3, 0, 1, "share of the embedding's cosine")                                  \
        X(importance, 0.1, 0, 0.25, "boost by importance")                                         \
        X(confidence, 0.1, 0, 0.25, "boost by confidence")                                         \
        X(recency, 0.1, 0, 0.25, "boost by recency")                                               \
        X(recency_half_days, 30, 0.01, 1e5, "days after which recency is half")

#define RANK_FURTHER(X)                                                                            \
        X(session_gap_s, 21600, 0, 1e9, "a longer silence ends a session; 0 = never")              \
        X(kind, 0.5, 0, 10, "weight of what a class can stand for (pet: hamster, dog …)")          \
        X(family, 0.2, 0, 10, "weight of words that begin alike (therapy, therapist)")             \
        X(joined, 0.5, 0, 10, "weight of two words as one, and one as two (road trip)")            \
        X(plain, 0.5, 0, 1, "loss of words that say little in a question (want, go)")              \
        X(name_drop, 1, 0, 1, "1: names are dropped from the question whatever their stem")        \
        X(named, 0.04, 0, 1, "start of units by the one person named, if no word fits")            \
        X(when_loose, 0.3, 0, 10, "as `when`, for looser phrases (on Tuesday, since 2016)")        \
        X(date_loose, 1, 0, 1, "1: also reads short, seasonal and relative dates asked for")       \
        X(date_words, 0.2, 0, 10, "weight of the words of a date asked for, as words")             \
        X(number, 0.4, 0, 10, "gain of units with a number, if one is asked for (how many)")       \
        X(place, 0.4, 0, 10, "gain of units with a place, if one is asked for (where)")            \
        X(proper, 0.3, 0, 10, "gain of units with a name, if one is asked for (who, which book)")  \
        X(circle, 0.6, 0, 1, "loss of turns where nobody speaks whom the question names")          \
        X(brief, 0.2, 0, 1, "loss of turns with few words of their own")

typedef struct RankParams {
#define X(name, value, least, most, text) double name;
        RANK_CONTRACT(X)
        RANK_FURTHER(X)
#undef X
} RankParams;

extern const RankParams rank_defaults;
/* the contract's formula alone, no boosts: what the differential test pins */
RankParams rank_reference(void);
bool rank_is_sane(const RankParams *p); /* every number within its range */
/* "near=0.5,date=1": changes what is named. False, and *p as it was: an unknown name or a value
 * out of range. */
bool rank_parse(Str text, RankParams *p) _must_check_;

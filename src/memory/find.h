// SPDX-License-Identifier: MIT
#pragma once
/* find: search over memories and turns. Ranking is the index's (index.h); every text comes from the
 * store by id, under the user's key, and its validity is checked again, so nothing uncommitted,
 * foreign or deleted can be in an answer. */
#include "memory/index.h"
#include "memory/turns.h"

enum { FIND_TOP_MAX = 1000 };

typedef struct MemoryQuery {
        /* 1..1000 characters (from chat: the first 1000 of the message) */
        Str query;
        int64_t top_k;    /* 0 = 10 */
        Strs types, tags; /* any of; v == NULL: all */
        /* turns: ids or external ids; v == NULL: all */
        Strs speakers, conversations;
        /* unit ids that must not come back (the current turn) */
        Strs exclude;
        /* unit ids in ascending order: nothing else; NULL = any */
        const int64_t *only;
        size_t only_n;
        double min_confidence; /* < 0 = 0.5 */
        double min_score;
        int64_t as_of, known_at; /* 0 = now */
        int64_t now; /* as if it were this moment: what holds, expires, is "last week"; 0 = it is now */
        int64_t from, to;        /* valid_from / at within; 0 = open */
        bool include_superseded, include_expired;
        bool memories, turns; /* which units; both false = memories */
} MemoryQuery;

typedef struct Breakdown {
        HitParts parts; /* they multiply out to the relevance */
        Strs matched_terms;
} Breakdown;
typedef struct MemoryHit {
        const MemoryRow *memory; /* exactly one of the two is set */
        const Turn *turn;
        double relevance, similarity, recency, access;
        Breakdown breakdown;
} MemoryHit;
/* degraded: embeddings were not there. is_cut: there may be more. */
typedef struct MemoryHits {
        MemoryHit *v;
        size_t n;
        bool degraded, is_cut;
} MemoryHits;

Err memory_search(Ctx *cx, const MemoryScope *s, const MemoryQuery *q,
                  MemoryHits *ret) _must_check_;

/* The content as it reads now: dates of plans rendered relative ("(tomorrow - originally on March 10)"). */
Str memory_render(Ctx *cx, const MemoryRow *row, int64_t now_ms);

// SPDX-License-Identifier: MIT
#pragma once
/* index: the words of one user, in memory, for searching: every turn and every memory is a unit.
 *
 * Nothing here reads the store: units are put in by whoever loads or writes, in any order, and
 * removed for good (their words leave the lists). Putting a unit whose id is known replaces it.
 * Searches run in parallel, a put or remove waits for them. What is kept per unit is its terms and
 * a small record, never its text: about 100 bytes for a short turn.
 *
 * A unit's score sees its neighbours. That context is not stored: lists
 * hold own words only, and a search spreads each hit to the turns before and after it, so a turn
 * that arrives later costs nothing here. */
#include "base/base.h"
#include "memory/rank.h"

/* the store's number of the unit within its user, > 0 */
typedef int64_t UnitId;
typedef enum UnitKind { UNIT_TURN = 1, UNIT_MEMORY = 2 } UnitKind; /* also bits of a mask */
typedef enum UnitRole { ROLE_OTHER, ROLE_USER, ROLE_ASSISTANT } UnitRole;
#define UNIT_FOREVER INT64_MAX

/* Everything is borrowed for the length of the call. Fields of the other kind stay zero
 * (valid_to/retired: UNIT_FOREVER). */
typedef struct Unit {
        UnitKind kind;
        UnitId id;
        Str text;
        /* caption of a turn; tags and entities of a memory, as words */
        Str extra;
        /* turn: when it was said.  memory: valid_from */
        int64_t at_ms;
        /* id of the turn's, or of the memory's source turn's; may be empty */
        Str conversation;
        int utc_offset_min; /* whose calendar day `at_ms` falls on */

        /* turn: place in its conversation; equal ones keep the order of arrival */
        int64_t ordinal;
        Str speaker; /* turn: "Ana Lima"; may be empty */
        UnitRole role;

        unsigned type, status;         /* memory: the caller's numbers, 0..31 */
        double importance, confidence; /* memory: 0..1 */
        int64_t valid_to_ms, recorded_ms, retired_ms;
        /* exact strings to filter by: "tag=home", "agent_id=a1" … */
        Strs labels;
} Unit;

typedef struct UserIndex UserIndex; /* thread safe */

UserIndex *index_new(const RankParams *rank); /* `rank` must outlive the index */
UserIndex *index_free(UserIndex *ix);
DEFINE_CLEANUP(UserIndex, index_free)

void index_put(UserIndex *ix, const Unit *u);
bool index_remove(UserIndex *ix, UnitId id); /* false: not there */

typedef struct IndexStats {
        size_t turns, memories, conversations, terms, bytes;
} IndexStats;
void index_stats(UserIndex *ix, IndexStats *ret);

/* ---- searching ---- */
typedef struct UnitView UnitView; /* one unit, while a predicate looks at it */
typedef bool UnitPredicate(const UnitView *v, void *arg);
UnitId view_id(const UnitView *v);
UnitKind view_kind(const UnitView *v);
unsigned view_type(const UnitView *v);
unsigned view_status(const UnitView *v);
int64_t view_at_ms(const UnitView *v);
int64_t view_recorded_ms(const UnitView *v);
double view_confidence(const UnitView *v);
Str view_conversation(const UnitView *v);
bool view_has_label(const UnitView *v, Str label);

typedef struct SearchFilter {
        unsigned kinds;           /* UNIT_… bits; 0 = all */
        uint32_t types, statuses; /* bit per number, memories only; 0 = all */
        /* units with any of them; v NULL = any unit */
        Strs labels;
        Strs conversations; /* ids, any of them; v NULL = any */
        /* turns of any of these (whole or first name, any case); v NULL = any */
        Strs speakers;
        const UnitId *exclude;
        size_t exclude_n;              /* never these */
        int64_t from_ms, to_ms;        /* from <= at_ms < to; 0 = open */
        double min_confidence;         /* memories only */
        int64_t as_of_ms, known_at_ms; /* 0 = not asked; see index_search */
        bool turns_ahead;              /* as_of_ms is not asked of turns */
        /* asked last, under the lock: quick, no store, no other index call */
        UnitPredicate *predicate;
        void *predicate_arg;
} SearchFilter;

typedef struct Similar {
        UnitId id;
        double cosine;
} Similar;

typedef struct SearchQuery {
        Str text;
        int64_t now_ms; /* for recency */
        size_t top_k;
        SearchFilter filter;
        /* nearest by embedding, if there are any (at least 4·top_k, 60) */
        const Similar *similar;
        size_t similar_n;
        /* of a unit not in the list; may be NULL: 0 */
        double (*cosine)(void *arg, UnitId id);
        void *cosine_arg;
} SearchQuery;

/* additive parts before the factors, each on the contract's scale */
/* relevance = ((lexical + proximity + conversation + date + named) × speaker × when × answer ×
 * first_person × question × brief × circle + semantic)
 * × importance_boost × confidence_boost × recency_boost × scale */
typedef struct HitParts {
        double lexical, proximity, conversation, date, named;
        /* factors, 1 = no effect */
        double speaker, when, answer, first_person, question, brief, circle;
        double semantic; /* as much as words of that worth */
        double importance_boost, confidence_boost, recency_boost; /* factors */
        double scale; /* the same for all hits of an answer */
} HitParts;

typedef struct Hit {
        UnitId id;
        UnitKind kind;
        /* before normalising and boosts: comparable within one search only */
        double score;
        double final; /* rel × boosts: what orders the list */
        /* relevance_score, similarity_score, recency_score */
        double relevance, similarity, recency;
        HitParts parts;
        /* words of the query found in the unit's own text, in query order */
        Strs matched;
} Hit;

typedef struct Hits {
        Hit *v;
        size_t n;
} Hits;

/* Best first, at most top_k, in the arena. Only units that score are in it; ties: newer first,
 * then id. A query without a word to look for (and no date) gives the newest units with
 * relevance 0. A turn counts for an as_of at or after it was said; a memory for valid_from <=
 * as_of < valid_to (as_of 0: no such test, pass `now` to leave out what is over) and recorded <=
 * known_at < retired. */
Err index_search(Ctx *cx, UserIndex *ix, const SearchQuery *q, Hits *ret) _must_check_;

// SPDX-License-Identifier: MIT
#pragma once
/* index_int: how an index lies in memory. Units live in numbered slots; a freed slot is used
 * again. Slots of one conversation are a chain in order; the chain is cut into sessions where a
 * long silence lies, and context (neighbours, conversation score) ends at the cut. Weights of
 * terms are whole ten-thousandths, so that sums do not depend on order. */
#include <pthread.h>

#include "memory/index.h"
#include "memory/index_dict.h"
#include "memory/index_postings.h"

#define NO_SLOT   UINT32_MAX
#define NO_NUMBER UINT32_MAX
enum { WEIGHT_ONE = 10000, UNIT_TERMS_MAX = 16384, SPEAKERS_MAX = UINT16_MAX };

/* What a search reads of every unit it meets. */
typedef struct Slot {
        uint32_t prev, next; /* in the conversation; NO_SLOT at the ends */
        uint32_t session;    /* NO_NUMBER for memories and free slots */
        /* weight of all terms, context included; days since 1970 */
        int32_t length, day;
        uint16_t speaker;    /* number + 1, 0 = none */
        uint8_t kind, flags; /* kind 0 = free; TextFlags of the text */
} Slot;

typedef struct Fact { /* what only memories have */
        double importance, confidence;
        int64_t valid_to_ms, recorded_ms, retired_ms;
        uint32_t *labels, labels_n;
        uint8_t type, status;
} Fact;

/* The rest. */
typedef struct Cold {
        UnitId id;
        int64_t at_ms, ordinal;
        /* term numbers in order, text before extra; variable-length numbers */
        uint8_t *terms;
        uint32_t terms_bytes, conversation; /* conversation NO_NUMBER = none */
        /* terms in all; in `extra`; in question sentences */
        uint16_t base, extra, ask;
        uint8_t role;
        Fact *fact; /* NULL for turns */
} Cold;

typedef struct Chain {
        uint32_t first, last;
} Chain; /* of one conversation */
typedef struct Session {
        uint32_t chain, turns;
        int64_t terms;
} Session; /* turns 0 = free */

struct UserIndex {
        const RankParams *rank;
        pthread_rwlock_t lock;

        Slot *slots; /* parallel arrays, slots_n long */
        Cold *colds;
        /* slot_free: first free slot (chained by next) or NO_SLOT */
        uint32_t slots_n, slots_cap, slot_free;
        uint32_t *by_id, by_id_n; /* open addressing: slot + 1 */

        Dict terms, speakers, conversations, labels;
        PostingList *postings; /* by term number */
        Chain *chains;         /* by conversation number */
        Session *sessions;
        uint32_t postings_cap, chains_cap, sessions_n, sessions_cap, session_free;

        uint32_t units, turns, sessions_live;
        int64_t length_sum, session_terms;       /* over units; over turns */
        int64_t near_w, near2_w, extra_w, ask_w; /* the rank's weights in ten-thousandths */
        size_t heap_bytes;                       /* postings, term lists, facts */
};

/* Neighbours in the same session. */
static inline uint32_t context_prev(const UserIndex *ix, uint32_t s) {
        uint32_t p = ix->slots[s].prev;
        return p != NO_SLOT && ix->slots[p].session == ix->slots[s].session ? p : NO_SLOT;
}
static inline uint32_t context_next(const UserIndex *ix, uint32_t s) {
        uint32_t p = ix->slots[s].next;
        return p != NO_SLOT && ix->slots[p].session == ix->slots[s].session ? p : NO_SLOT;
}

/* index_chain.c: a turn's place among the others. */
void chain_insert(UserIndex *ix, uint32_t slot);
void chain_remove(UserIndex *ix, uint32_t slot);
/* of one unit, from its and its neighbours' counts */
void length_refresh(UserIndex *ix, uint32_t slot);

uint32_t slot_find(const UserIndex *ix, UnitId id); /* NO_SLOT when absent */

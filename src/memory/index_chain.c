// SPDX-License-Identifier: MIT
/* Conversations as chains of slots, cut into sessions. A turn that comes or goes touches the few
 * slots around it; one that parts a session or joins two cuts the conversation anew. */
#include "memory/index_grow.h"
#include "memory/index_int.h"

static int64_t base_of(const UserIndex *ix, uint32_t slot) {
        return slot == NO_SLOT ? 0 : ix->colds[slot].base;
}

void length_refresh(UserIndex *ix, uint32_t s) {
        const Cold *c = &ix->colds[s];
        int64_t length = c->base * (int64_t)WEIGHT_ONE + c->extra * ix->extra_w;
        uint32_t p = context_prev(ix, s), n = context_next(ix, s);
        if (p != NO_SLOT) {
                length += base_of(ix, p) * ix->near_w + ix->colds[p].ask * ix->ask_w;
                length += base_of(ix, context_prev(ix, p)) * ix->near2_w;
        }
        if (n != NO_SLOT)
                length += base_of(ix, n) * ix->near_w +
                          base_of(ix, context_next(ix, n)) * ix->near2_w;
        length = MIN(length, INT32_MAX);
        ix->length_sum += length - ix->slots[s].length;
        ix->slots[s].length = (int32_t)length;
}

static void length_refresh_around(UserIndex *ix, uint32_t s) {
        uint32_t at = s;
        for (int i = 0; i < 2 && ix->slots[at].prev != NO_SLOT; i++)
                at = ix->slots[at].prev;
        for (int i = 0; i < 5 && at != NO_SLOT; i++, at = ix->slots[at].next)
                length_refresh(ix, at);
}

/* ---- sessions ---- */
static uint32_t session_new(UserIndex *ix, uint32_t chain) {
        uint32_t no = ix->session_free;
        if (no != NO_NUMBER) {
                ix->session_free = ix->sessions[no].chain;
        } else {
                if (ix->sessions_n == ix->sessions_cap) {
                        ix->sessions_cap = grow_cap(ix->sessions_cap);
                        ix->sessions =
                                grow_array(ix->sessions, ix->sessions_cap, sizeof *ix->sessions);
                }
                no = ix->sessions_n++;
        }
        ix->sessions[no] = (Session){ .chain = chain };
        ix->sessions_live++;
        return no;
}

static void session_enter(UserIndex *ix, uint32_t no, uint32_t slot) {
        ix->slots[slot].session = no;
        ix->sessions[no].turns++;
        ix->sessions[no].terms += ix->colds[slot].base;
        ix->session_terms += ix->colds[slot].base;
}

static void session_leave(UserIndex *ix, uint32_t slot) {
        uint32_t no = ix->slots[slot].session;
        Session *s = &ix->sessions[no];
        ix->slots[slot].session = NO_NUMBER;
        s->terms -= ix->colds[slot].base;
        ix->session_terms -= ix->colds[slot].base;
        if (--s->turns)
                return;
        *s = (Session){ .chain = ix->session_free };
        ix->session_free = no;
        ix->sessions_live--;
}

static bool is_cut(const UserIndex *ix, uint32_t before, uint32_t after) {
        double gap = (double)(ix->colds[after].at_ms - ix->colds[before].at_ms);
        return ix->rank->session_gap_s > 0 && gap > ix->rank->session_gap_s * 1000;
}

static void chain_cut(UserIndex *ix, uint32_t chain) {
        const Chain *c = &ix->chains[chain];
        for (uint32_t s = c->first; s != NO_SLOT; s = ix->slots[s].next)
                if (ix->slots[s].session != NO_NUMBER)
                        session_leave(ix, s);
        uint32_t no = NO_NUMBER;
        for (uint32_t s = c->first; s != NO_SLOT; s = ix->slots[s].next) {
                if (no == NO_NUMBER || is_cut(ix, ix->slots[s].prev, s))
                        no = session_new(ix, chain);
                session_enter(ix, no, s);
        }
        for (uint32_t s = c->first; s != NO_SLOT; s = ix->slots[s].next)
                length_refresh(ix, s);
}

/* ---- chains ---- */
static void chain_link(UserIndex *ix, Chain *c, uint32_t after, uint32_t slot) {
        Slot *s = &ix->slots[slot];
        s->prev = after;
        s->next = after == NO_SLOT ? c->first : ix->slots[after].next;
        *(s->prev == NO_SLOT ? &c->first : &ix->slots[s->prev].next) = slot;
        *(s->next == NO_SLOT ? &c->last : &ix->slots[s->next].prev) = slot;
}

/* Behind which slot it belongs. Loaders come from either end, so both are looked at first. */
static uint32_t chain_find(const UserIndex *ix, const Chain *c, int64_t ordinal) {
        if (c->first != NO_SLOT && ix->colds[c->first].ordinal > ordinal)
                return NO_SLOT;
        uint32_t after = c->last;
        while (after != NO_SLOT && ix->colds[after].ordinal > ordinal)
                after = ix->slots[after].prev;
        return after;
}

/* The session a slot between these two belongs to; false when sessions have to be cut anew. */
static bool session_choose(UserIndex *ix, uint32_t slot, uint32_t *ret_session) {
        uint32_t prev = ix->slots[slot].prev, next = ix->slots[slot].next;
        bool with_prev = prev != NO_SLOT && !is_cut(ix, prev, slot);
        bool with_next = next != NO_SLOT && !is_cut(ix, slot, next);
        uint32_t before = prev == NO_SLOT ? NO_NUMBER : ix->slots[prev].session;
        uint32_t behind = next == NO_SLOT ? NO_NUMBER : ix->slots[next].session;
        bool inside = before != NO_NUMBER && before == behind;
        if (inside ? !(with_prev && with_next) : with_prev && with_next)
                return false; /* it parts one session, or joins two */
        *ret_session = with_prev   ? before
                       : with_next ? behind
                                   : session_new(ix, ix->colds[slot].conversation);
        return true;
}

void chain_insert(UserIndex *ix, uint32_t slot) {
        uint32_t chain = ix->colds[slot].conversation, session;
        Chain *c = &ix->chains[chain];
        chain_link(ix, c, chain_find(ix, c, ix->colds[slot].ordinal), slot);
        if (!session_choose(ix, slot, &session)) {
                chain_cut(ix, chain);
                return;
        }
        session_enter(ix, session, slot);
        length_refresh_around(ix, slot);
}

void chain_remove(UserIndex *ix, uint32_t slot) {
        uint32_t chain = ix->colds[slot].conversation;
        Slot *s = &ix->slots[slot];
        uint32_t prev = s->prev, next = s->next;
        *(prev == NO_SLOT ? &ix->chains[chain].first : &ix->slots[prev].next) = next;
        *(next == NO_SLOT ? &ix->chains[chain].last : &ix->slots[next].prev) = prev;
        session_leave(ix, slot);
        s->prev = s->next = NO_SLOT;
        if (prev == NO_SLOT && next == NO_SLOT)
                return;
        bool both = prev != NO_SLOT && next != NO_SLOT;
        if (both &&
            is_cut(ix, prev, next) == (ix->slots[prev].session == ix->slots[next].session)) {
                chain_cut(ix, chain); /* a silence opened, or closed */
                return;
        }
        if (prev != NO_SLOT)
                length_refresh_around(ix, prev);
        if (next != NO_SLOT)
                length_refresh_around(ix, next);
}

// SPDX-License-Identifier: MIT
#pragma once
/* index_postings: the list of a term: in which units it stands, and how often. Packed: the
 * distance to the unit before and one bit "once, in the text, in no question" in a
 * variable-length number; the three counts follow when the bit is not set. */
#include "base/macros.h"

/* base counts extra too; ask: in question sentences */
typedef struct Posting {
        uint32_t slot, base, extra, ask;
} Posting;

/* cap 0: the bytes are in `small` */
typedef struct PostingList {
        uint8_t small[12];
        uint32_t n, cap, last;
} PostingList;
void postings_done(PostingList *l);
void postings_put(PostingList *l, const Posting *p); /* p->slot is not in the list yet */
void postings_remove(PostingList *l, uint32_t slot); /* it is in the list */
size_t postings_bytes(const PostingList *l);         /* on the heap */

typedef struct PostingReader {
        const uint8_t *p, *end;
        uint32_t slot;
} PostingReader;
PostingReader postings_read(const PostingList *l);
bool posting_next(PostingReader *r, Posting *ret); /* rising slots */

/* Variable-length numbers, low seven bits first. */
static inline size_t varint_put(uint8_t *p, uint32_t v) {
        size_t n = 0;
        for (; v >= 0x80; v >>= 7)
                p[n++] = (uint8_t)(v | 0x80);
        p[n++] = (uint8_t)v;
        return n;
}
static inline uint32_t varint_get(const uint8_t **p) {
        uint32_t v = *(*p)++;
        if (v < 0x80)
                return v;
        v &= 0x7f;
        for (unsigned shift = 7;; shift += 7) {
                uint32_t b = *(*p)++;
                v |= (b & 0x7f) << shift;
                if (b < 0x80)
                        return v;
        }
}
enum { VARINT_MAX = 5 };

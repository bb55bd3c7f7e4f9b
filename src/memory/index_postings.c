// SPDX-License-Identifier: MIT
#include "memory/index_postings.h"

#include <string.h>

#include "memory/index_grow.h"

enum { ENTRY_MAX = 4 * VARINT_MAX };

static uint8_t *list_bytes(const PostingList *l) {
        if (!l->cap)
                return (uint8_t *)(uintptr_t)l->small;
        uint8_t *p;
        memcpy(&p, l->small, sizeof p);
        return p;
}

void postings_done(PostingList *l) {
        if (l->cap) {
                explicit_bzero(list_bytes(l), l->n);
                free(list_bytes(l));
        }
        *l = (PostingList){ 0 };
}

size_t postings_bytes(const PostingList *l) { return l->cap ? l->cap + GROW_OVERHEAD : 0; }

static void list_reserve(PostingList *l, uint32_t more) {
        uint32_t have = l->cap ? l->cap : (uint32_t)sizeof l->small;
        if (l->n + more <= have)
                return;
        /* long lists grow by a quarter */
        uint32_t cap = MAX((l->n + more + 15) & ~7u, l->n + l->n / 4);
        uint8_t *p = l->cap ? grow_bytes(list_bytes(l), cap) : grow_bytes(NULL, cap);
        if (!l->cap)
                memcpy(p, l->small, l->n);
        memcpy(l->small, &p, sizeof p);
        l->cap = cap;
}

static size_t entry_put(uint8_t *out, uint32_t distance, const Posting *p) {
        bool once = p->base == 1 && !p->extra && !p->ask;
        size_t n = varint_put(out, distance << 1 | once);
        if (once)
                return n;
        n += varint_put(out + n, p->base);
        n += varint_put(out + n, p->extra);
        return n + varint_put(out + n, p->ask);
}

/* The first distance counts from the place before slot 0, so that no distance is 0. */
static void list_append(PostingList *l, const Posting *p) {
        uint8_t entry[ENTRY_MAX];
        uint32_t n = (uint32_t)entry_put(entry, l->n ? p->slot - l->last : p->slot + 1, p);
        list_reserve(l, n);
        memcpy(list_bytes(l) + l->n, entry, n);
        l->n += n;
        l->last = p->slot;
}

void postings_put(PostingList *l, const Posting *p) {
        if (!l->n || p->slot > l->last) {
                list_append(l, p);
                return;
        }
        PostingList old = *l;
        *l = (PostingList){ 0 };
        bool done = false;
        PostingReader r = postings_read(&old);
        for (Posting q; posting_next(&r, &q); list_append(l, &q))
                if (!done && q.slot > p->slot) {
                        list_append(l, p);
                        done = true;
                }
        postings_done(&old);
}

void postings_remove(PostingList *l, uint32_t slot) {
        PostingList old = *l;
        *l = (PostingList){ 0 };
        PostingReader r = postings_read(&old);
        for (Posting q; posting_next(&r, &q);)
                if (q.slot != slot)
                        list_append(l, &q);
        postings_done(&old);
}

PostingReader postings_read(const PostingList *l) {
        const uint8_t *p = list_bytes(l);
        return (PostingReader){ p, p + l->n, UINT32_MAX };
}

bool posting_next(PostingReader *r, Posting *ret) {
        if (r->p >= r->end)
                return false;
        uint32_t v = varint_get(&r->p);
        r->slot += v >> 1;
        *ret = (Posting){ .slot = r->slot, .base = 1 };
        if (!(v & 1)) {
                ret->base = varint_get(&r->p);
                ret->extra = varint_get(&r->p);
                ret->ask = varint_get(&r->p);
        }
        return true;
}

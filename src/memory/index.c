// SPDX-License-Identifier: MIT
#include "memory/index.h"

#include "codec/when.h"
#include "memory/text_flags.h"
#include "memory/index_grow.h"
#include "memory/index_int.h"
#include "memory/terms.h"

/* ---- life ---- */
static int64_t weight_of(double w) { return (int64_t)(w * WEIGHT_ONE + 0.5); }

UserIndex *index_new(const RankParams *rank) {
        UserIndex *ix = grow_zero(1, sizeof *ix);
        ix->rank = rank;
        ix->slot_free = NO_SLOT;
        ix->session_free = NO_NUMBER;
        ix->near_w = weight_of(rank->near);
        ix->near2_w = weight_of(rank->near2);
        ix->extra_w = weight_of(rank->caption);
        ix->ask_w = weight_of(rank->question);

        /* A writer waits for the searches that run, not for those that come after it. */
        pthread_rwlockattr_t attr;
        if (pthread_rwlockattr_init(&attr) ||
            pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) ||
            pthread_rwlock_init(&ix->lock, &attr))
                abort();
        (void)pthread_rwlockattr_destroy(&attr);
        return ix;
}

static void fact_free(Fact *f) {
        if (f)
                free(f->labels);
        free(f);
}

UserIndex *index_free(UserIndex *ix) {
        if (!ix)
                return NULL;
        for (uint32_t i = 0; i < ix->slots_n; i++) {
                free(ix->colds[i].terms);
                fact_free(ix->colds[i].fact);
        }
        for (uint32_t i = 0; i < ix->terms.n; i++)
                postings_done(&ix->postings[i]);
        dict_done(&ix->terms);
        dict_done(&ix->speakers);
        dict_done(&ix->conversations);
        dict_done(&ix->labels);
        free(ix->slots);
        free(ix->colds);
        free(ix->by_id);
        free(ix->postings);
        free(ix->chains);
        free(ix->sessions);
        (void)pthread_rwlock_destroy(&ix->lock);
        free(ix);
        return NULL;
}

/* ---- ids ---- */
static uint32_t id_place(const UserIndex *ix, UnitId id) {
        uint64_t h = (uint64_t)id * 0x9e3779b97f4a7c15u;
        uint32_t i = (uint32_t)(h >> 32) & (ix->by_id_n - 1);
        while (ix->by_id[i] && ix->colds[ix->by_id[i] - 1].id != id)
                i = (i + 1) & (ix->by_id_n - 1);
        return i;
}

uint32_t slot_find(const UserIndex *ix, UnitId id) {
        uint32_t no = ix->by_id_n ? ix->by_id[id_place(ix, id)] : 0;
        return no ? no - 1 : NO_SLOT;
}

static void id_table_build(UserIndex *ix, uint32_t places) {
        free(ix->by_id);
        ix->by_id_n = places;
        ix->by_id = grow_zero(places, sizeof *ix->by_id);
        for (uint32_t s = 0; s < ix->slots_n; s++)
                if (ix->slots[s].kind)
                        ix->by_id[id_place(ix, ix->colds[s].id)] = s + 1;
}

/* the slot's kind is not set yet: a rebuild leaves it out */
static void id_add(UserIndex *ix, uint32_t slot) {
        if ((ix->units + 1) * 4 > ix->by_id_n * 3)
                id_table_build(ix, ix->by_id_n ? ix->by_id_n * 2 : 64);
        ix->by_id[id_place(ix, ix->colds[slot].id)] = slot + 1;
}

static void id_remove(UserIndex *ix, UnitId id) {
        uint32_t mask = ix->by_id_n - 1, i = id_place(ix, id);
        ix->by_id[i] = 0;
        /* enter those behind the gap anew */
        for (uint32_t j = (i + 1) & mask; ix->by_id[j]; j = (j + 1) & mask) {
                uint32_t no = ix->by_id[j];
                ix->by_id[j] = 0;
                ix->by_id[id_place(ix, ix->colds[no - 1].id)] = no;
        }
}

static uint32_t slot_new(UserIndex *ix) {
        uint32_t s = ix->slot_free;
        if (s != NO_SLOT) {
                ix->slot_free = ix->slots[s].next;
        } else {
                if (ix->slots_n == ix->slots_cap) {
                        ix->slots_cap = grow_cap(ix->slots_cap);
                        ix->slots = grow_array(ix->slots, ix->slots_cap, sizeof *ix->slots);
                        ix->colds = grow_array(ix->colds, ix->slots_cap, sizeof *ix->colds);
                }
                s = ix->slots_n++;
        }
        ix->slots[s] = (Slot){ .prev = NO_SLOT, .next = NO_SLOT, .session = NO_NUMBER };
        ix->colds[s] = (Cold){ .conversation = NO_NUMBER };
        return s;
}

/* ---- the words of one unit ---- */
typedef struct Word {
        uint32_t term, at;
        uint8_t is_extra, asks;
} Word;
typedef struct Words {
        Word *v;
        uint32_t n, cap;
} Words;

static void words_done(Words *w) { free(w->v); }

static void words_add(Words *w, Word word) {
        if (w->n == w->cap) {
                w->cap = grow_cap(w->cap);
                w->v = grow_array(w->v, w->cap, sizeof *w->v);
        }
        w->v[w->n++] = word;
}

/* Where the sentence that holds byte `at` ends: behind . ! or ? with white space after it. */
static size_t sentence_end(Str text, size_t at) {
        for (; at < text.n; at++)
                if (strchr(".!?", text.p[at]) && text.p[at] && at + 1 < text.n &&
                    strchr(" \t\n\r\v\f", text.p[at + 1]) && text.p[at + 1])
                        return at + 1;
        return text.n;
}

static void words_read(UserIndex *ix, Str text, bool is_extra, Words *w) {
        TermReader r = term_reader(text);
        size_t begin = 0, end = 0;
        bool asks = false, can_ask = !is_extra && str_index(text, '?') < text.n;
        for (Term t; w->n < UNIT_TERMS_MAX && term_next(&r, &t);) {
                if (can_ask && t.at >= end) {
                        begin = t.at;
                        end = sentence_end(text, t.at);
                        asks = str_index(str_n(text.p + begin, end - begin), '?') < end - begin;
                }
                if (t.flags & TERM_STOP)
                        continue;
                words_add(w, (Word){ .is_extra = is_extra,
                                     .asks = asks,
                                     .at = w->n,
                                     .term = dict_add(&ix->terms, t.term) });
        }
}

static int word_by_term(const void *a, const void *b) {
        const Word *x = a, *y = b;
        return x->term != y->term ? (x->term < y->term ? -1 : 1) : (x->at < y->at ? -1 : 1);
}

static void terms_keep(UserIndex *ix, Cold *c, const Words *w) {
        uint8_t *p = c->terms = grow_bytes(NULL, w->n ? w->n * (size_t)VARINT_MAX : 1);
        for (uint32_t i = 0; i < w->n; i++) {
                p += varint_put(p, w->v[i].term);
                c->extra = (uint16_t)(c->extra + w->v[i].is_extra);
                c->ask = (uint16_t)(c->ask + w->v[i].asks);
        }
        c->base = (uint16_t)w->n;
        c->terms_bytes = (uint32_t)(p - c->terms);
        c->terms = grow_bytes(c->terms, MAX(c->terms_bytes, 1u));
        ix->heap_bytes += c->terms_bytes + GROW_OVERHEAD;
}

static void posting_add(UserIndex *ix, uint32_t term, const Posting *p) {
        PostingList *l = &ix->postings[term];
        ix->heap_bytes -= postings_bytes(l);
        postings_put(l, p);
        ix->heap_bytes += postings_bytes(l);
}

static void postings_reserve(UserIndex *ix) { /* one list per term number */
        if (ix->postings_cap >= ix->terms.cap)
                return;
        ix->postings = grow_array(ix->postings, ix->terms.cap, sizeof *ix->postings);
        memset(ix->postings + ix->postings_cap, 0,
               (ix->terms.cap - ix->postings_cap) * sizeof *ix->postings);
        ix->postings_cap = ix->terms.cap;
}

/* Every word took a reference to its term; a unit keeps one per distinct term, so that
 * references count units. */
static void words_post(UserIndex *ix, uint32_t slot, Words *w) {
        postings_reserve(ix);
        if (w->n)
                qsort(w->v, w->n, sizeof *w->v, word_by_term);
        for (uint32_t i = 0; i < w->n;) {
                Posting p = { .slot = slot };
                uint32_t term = w->v[i].term;
                for (; i < w->n && w->v[i].term == term; i++) {
                        if (p.base++)
                                dict_drop(&ix->terms, term);
                        p.extra += w->v[i].is_extra;
                        p.ask += w->v[i].asks;
                }
                posting_add(ix, term, &p);
        }
}

static int number_cmp(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
        return x < y ? -1 : x > y;
}

static void words_unpost(UserIndex *ix, uint32_t slot) {
        Cold *c = &ix->colds[slot];
        uint32_t n = 0, *terms = grow_array(NULL, c->base + 1u, sizeof *terms);
        for (const uint8_t *p = c->terms; n < c->base;)
                terms[n++] = varint_get(&p);
        qsort(terms, n, sizeof *terms, number_cmp);
        for (uint32_t i = 0; i < n; i++) {
                if (i && terms[i] == terms[i - 1])
                        continue;
                PostingList *l = &ix->postings[terms[i]];
                ix->heap_bytes -= postings_bytes(l);
                postings_remove(l, slot);
                ix->heap_bytes += postings_bytes(l);
                dict_drop(&ix->terms, terms[i]);
        }
        free(terms);
        ix->heap_bytes -= c->terms_bytes + GROW_OVERHEAD;
        explicit_bzero(c->terms, c->terms_bytes);
        free(c->terms);
        c->terms = NULL;
}

/* ---- one unit ---- */
static Fact *fact_new(UserIndex *ix, const Unit *u) {
        Fact *f = grow_zero(1, sizeof *f);
        *f = (Fact){ .importance = u->importance,
                     .confidence = u->confidence,
                     .type = (uint8_t)(u->type & 31),
                     .status = (uint8_t)(u->status & 31),
                     .recorded_ms = u->recorded_ms,
                     .valid_to_ms = u->valid_to_ms,
                     .retired_ms = u->retired_ms };
        f->labels = grow_array(NULL, u->labels.n + 1, sizeof *f->labels);
        for (size_t i = 0; i < u->labels.n; i++)
                f->labels[f->labels_n++] = dict_add(&ix->labels, u->labels.v[i]);
        ix->heap_bytes += sizeof *f + (u->labels.n + 1) * sizeof *f->labels + 2 * GROW_OVERHEAD;
        return f;
}

static void fact_drop(UserIndex *ix, Fact *f) {
        ix->heap_bytes -= sizeof *f + (f->labels_n + 1) * sizeof *f->labels + 2 * GROW_OVERHEAD;
        for (uint32_t i = 0; i < f->labels_n; i++)
                dict_drop(&ix->labels, f->labels[i]);
        fact_free(f);
}

static uint16_t speaker_add(UserIndex *ix, Str name) {
        name = str_trim(name);
        if (str_is_empty(name) ||
            (ix->speakers.live >= SPEAKERS_MAX - 1 && dict_find(&ix->speakers, name) < 0))
                return 0;
        return (uint16_t)(dict_add(&ix->speakers, name) + 1);
}

static uint32_t conversation_add(UserIndex *ix, Str id) {
        uint32_t no = dict_add(&ix->conversations, id);
        if (ix->chains_cap < ix->conversations.cap) {
                ix->chains = grow_array(ix->chains, ix->conversations.cap, sizeof *ix->chains);
                ix->chains_cap = ix->conversations.cap;
        }
        if (ix->conversations.refs[no] == 1)
                ix->chains[no] = (Chain){ NO_SLOT, NO_SLOT };
        return no;
}

static void turn_enter(UserIndex *ix, uint32_t slot, const Unit *u) {
        ix->slots[slot].speaker = speaker_add(ix, u->speaker);
        ix->colds[slot].ordinal = u->ordinal;
        ix->colds[slot].role = (uint8_t)u->role;
        ix->turns++;
        chain_insert(ix, slot);
}

static void unit_remove(UserIndex *ix, uint32_t slot) {
        Slot *s = &ix->slots[slot];
        Cold *c = &ix->colds[slot];
        if (s->kind == UNIT_TURN) {
                chain_remove(ix, slot);
                ix->turns--;
        }
        if (c->conversation != NO_NUMBER)
                dict_drop(&ix->conversations, c->conversation);
        if (s->speaker)
                dict_drop(&ix->speakers, s->speaker - 1u);
        if (c->fact)
                fact_drop(ix, c->fact);
        words_unpost(ix, slot);
        id_remove(ix, c->id);
        ix->length_sum -= s->length;
        ix->units--;
        *c = (Cold){ 0 };
        *s = (Slot){ .next = ix->slot_free, .session = NO_NUMBER };
        ix->slot_free = slot;
}

static void unit_add(UserIndex *ix, const Unit *u) {
        _cleanup_(words_done) Words words = { 0 };
        words_read(ix, u->text, false, &words);
        words_read(ix, u->extra, true, &words);

        uint32_t slot = slot_new(ix);
        Slot *s = &ix->slots[slot];
        Cold *c = &ix->colds[slot];
        c->id = u->id;
        c->at_ms = u->at_ms;
        s->day = (int32_t)days_of_ms(u->at_ms + u->utc_offset_min * INT64_C(60000));
        s->flags = (uint8_t)text_flags(u->text);
        id_add(ix, slot);
        s->kind = (uint8_t)u->kind;
        ix->units++;

        terms_keep(ix, c, &words);
        words_post(ix, slot, &words);
        if (u->kind == UNIT_TURN || u->conversation.n)
                c->conversation = conversation_add(ix, u->conversation);
        if (u->kind == UNIT_TURN) {
                turn_enter(ix, slot, u);
        } else {
                c->fact = fact_new(ix, u);
                length_refresh(ix, slot);
        }
}

void index_put(UserIndex *ix, const Unit *u) {
        assert(u->kind == UNIT_TURN || u->kind == UNIT_MEMORY);
        (void)pthread_rwlock_wrlock(&ix->lock);
        uint32_t old = slot_find(ix, u->id);
        if (old != NO_SLOT)
                unit_remove(ix, old);
        unit_add(ix, u);
        (void)pthread_rwlock_unlock(&ix->lock);
}

bool index_remove(UserIndex *ix, UnitId id) {
        (void)pthread_rwlock_wrlock(&ix->lock);
        uint32_t slot = slot_find(ix, id);
        if (slot != NO_SLOT)
                unit_remove(ix, slot);
        (void)pthread_rwlock_unlock(&ix->lock);
        return slot != NO_SLOT;
}

static size_t bytes_of(const UserIndex *ix) {
        return sizeof *ix + ix->slots_cap * (sizeof *ix->slots + sizeof *ix->colds) +
               ix->by_id_n * sizeof *ix->by_id + dict_bytes(&ix->terms) +
               dict_bytes(&ix->speakers) + dict_bytes(&ix->conversations) +
               dict_bytes(&ix->labels) + ix->postings_cap * sizeof *ix->postings +
               ix->chains_cap * sizeof *ix->chains + ix->sessions_cap * sizeof *ix->sessions +
               ix->heap_bytes;
}

void index_stats(UserIndex *ix, IndexStats *ret) {
        (void)pthread_rwlock_rdlock(&ix->lock);
        *ret = (IndexStats){ .turns = ix->turns,
                             .memories = ix->units - ix->turns,
                             .terms = ix->terms.live,
                             .conversations = ix->conversations.live,
                             .bytes = bytes_of(ix) };
        (void)pthread_rwlock_unlock(&ix->lock);
}

// SPDX-License-Identifier: MIT
#include "memory/index_dict.h"

#include "memory/index_grow.h"
#include "memory/words_int.h"

void dict_done(Dict *d) {
        for (uint32_t i = 0; i < d->n; i++)
                if (d->refs[i] && d->text[i].n > sizeof d->text[i].small)
                        free((void *)(uintptr_t)dict_text(d, i).p);
        free(d->text);
        free(d->refs);
        free(d->table);
        *d = (Dict){ 0 };
}

Str dict_text(const Dict *d, uint32_t no) {
        const DictText *t = &d->text[no];
        if (t->n <= sizeof t->small)
                return str_n(t->small, t->n);
        const char *p;
        memcpy(&p, t->small, sizeof p);
        return str_n(p, t->n);
}

static void text_set(Dict *d, uint32_t no, Str s) {
        DictText *t = &d->text[no];
        t->n = (uint16_t)s.n;
        char *p = t->small;
        if (s.n > sizeof t->small) {
                p = grow_bytes(NULL, s.n);
                memcpy(t->small, &p, sizeof p);
                d->text_bytes += s.n + GROW_OVERHEAD;
        }
        memcpy(p, s.p, s.n);
}

static void text_wipe(Dict *d, uint32_t no) {
        DictText *t = &d->text[no];
        if (t->n > sizeof t->small) {
                char *p = (char *)(uintptr_t)dict_text(d, no).p;
                explicit_bzero(p, t->n);
                free(p);
                d->text_bytes -= t->n + GROW_OVERHEAD;
        }
        *t = (DictText){ 0 };
}

/* ---- the table: open addressing, at most two thirds full ---- */
static uint32_t place_of(const Dict *d, Str s) { /* where s is, or where it would go */
        uint32_t i = word_hash(s) & (d->table_n - 1);
        while (d->table[i] && !str_eq(dict_text(d, d->table[i] - 1), s))
                i = (i + 1) & (d->table_n - 1);
        return i;
}

static void table_grow(Dict *d) {
        if (d->table && (d->live + 1) * 3 <= d->table_n * 2)
                return;
        free(d->table);
        d->table_n = d->table_n ? d->table_n * 2 : 64;
        d->table = grow_zero(d->table_n, sizeof *d->table);
        for (uint32_t no = 0; no < d->n; no++)
                if (d->refs[no])
                        d->table[place_of(d, dict_text(d, no))] = no + 1;
}

/* Closes the gap at i: entries behind it that could not stand at their own place move up (Knuth
 * 6.4, algorithm R). */
static void table_remove(Dict *d, uint32_t i) {
        uint32_t mask = d->table_n - 1;
        d->table[i] = 0;
        for (uint32_t j = (i + 1) & mask; d->table[j]; j = (j + 1) & mask) {
                uint32_t home = word_hash(dict_text(d, d->table[j] - 1)) & mask;
                if (((j - home) & mask) < ((j - i) & mask))
                        continue;
                d->table[i] = d->table[j];
                d->table[j] = 0;
                i = j;
        }
}

static uint32_t number_new(Dict *d) {
        if (d->free_head) {
                uint32_t no = d->free_head - 1;
                memcpy(&d->free_head, d->text[no].small, sizeof d->free_head);
                return no;
        }
        if (d->n == d->cap) {
                d->cap = grow_cap(d->cap);
                d->text = grow_array(d->text, d->cap, sizeof *d->text);
                d->refs = grow_array(d->refs, d->cap, sizeof *d->refs);
        }
        return d->n++;
}

uint32_t dict_add(Dict *d, Str s) {
        if (!s.p)
                s = STR("");
        s = str_to(s, DICT_TEXT_MAX);
        table_grow(d);
        uint32_t i = place_of(d, s);
        if (d->table[i]) {
                d->refs[d->table[i] - 1]++;
                return d->table[i] - 1;
        }
        uint32_t no = number_new(d);
        text_set(d, no, s);
        d->refs[no] = 1;
        d->live++;
        d->table[i] = no + 1;
        return no;
}

void dict_drop(Dict *d, uint32_t no) {
        assert(d->refs[no]);
        if (--d->refs[no])
                return;
        table_remove(d, place_of(d, dict_text(d, no)));
        text_wipe(d, no);
        memcpy(d->text[no].small, &d->free_head, sizeof d->free_head);
        d->free_head = no + 1;
        d->live--;
}

int64_t dict_find(const Dict *d, Str s) {
        if (!d->table)
                return DICT_NONE;
        return (int64_t)d->table[place_of(d, str_to(s, DICT_TEXT_MAX))] - 1;
}

size_t dict_bytes(const Dict *d) {
        return d->cap * (sizeof *d->text + sizeof *d->refs) + d->table_n * sizeof *d->table +
               d->text_bytes;
}

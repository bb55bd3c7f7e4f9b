// SPDX-License-Identifier: MIT
#include "memory/words.h"

#include <pthread.h>

#include "memory/terms.h"
#include "memory/words_int.h"

/* ---- one table for all lists: word -> flags and lemma ---- */
typedef struct Entry { Str word; WordInfo info; } Entry;
enum { ENTRIES = 4096 };                              /* power of two, at most half full: see word_table_init */
static Entry entries[ENTRIES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static Entry *entry_at(Str word) {
        size_t i = word_hash(word) & (ENTRIES - 1);
        while (entries[i].word.p && !str_eq(entries[i].word, word))
                i = (i + 1) & (ENTRIES - 1);
        return &entries[i];
}

static Entry *entry_add(Str word) {
        static size_t used;
        Entry *e = entry_at(word);
        if (!e->word.p) {
                assert(++used <= ENTRIES / 2);
                e->word = word;
        }
        return e;
}

static void flag_add(const char *list, unsigned flag) {
        for (Str rest = str_c(list); rest.p;)
                entry_add(str_cut(&rest, ' '))->info.flags |= flag;
}

/* Each group: the lemma first. A form that two groups claim belongs to the first. */
static void irregulars_add(void) {
        for (Str groups = str_c(word_irregulars); groups.p;) {
                Str group = str_cut(&groups, '\n'), lemma = str_cut(&group, ' ');
                while (group.p) {
                        Entry *e = entry_add(str_cut(&group, ' '));
                        if (!e->info.lemma.p)
                                e->info.lemma = lemma;
                }
        }
}

static void word_table_init(void) {
        flag_add(word_stops, TERM_STOP_WORD);
        flag_add(word_asks, TERM_ASK);
        irregulars_add();
}

WordInfo word_info(Str word) {
        (void)pthread_once(&once, word_table_init);
        return entry_at(word)->info;
}

/* ---- synonyms: terms, not words, so they are stemmed on first use ---- */
enum { GROUPS_MAX = 512, MEMBERS_MAX = 2048, CHAINS = 1024 };
typedef struct Member { char text[TERM_MAX]; Str term; uint16_t group; uint16_t next; } Member;
static Member members[MEMBERS_MAX];
static size_t members_n;
static uint16_t group_first[GROUPS_MAX + 1], chains[CHAINS];          /* chains: member + 1, 0 = end */
static pthread_once_t synonyms_once = PTHREAD_ONCE_INIT;

static void member_add(Str word, size_t group) {
        assert(members_n < MEMBERS_MAX);
        Member *m = &members[members_n];
        m->term = term_of(word, m->text);
        for (size_t i = group_first[group]; i < members_n; i++)
                if (str_eq(members[i].term, m->term))
                        return;                       /* "marry" and "married" in one group */
        uint16_t *chain = &chains[word_hash(m->term) % CHAINS];
        m->group = (uint16_t)group;
        m->next = *chain;
        *chain = (uint16_t)++members_n;
}

static void synonyms_init(void) {
        size_t group = 0;
        for (Str rest = str_c(word_synonym_groups); rest.p; group++) {
                assert(group < GROUPS_MAX);
                group_first[group] = (uint16_t)members_n;
                for (Str line = str_cut(&rest, '\n'); line.p;)
                        member_add(str_cut(&line, ' '), group);
        }
        for (; group <= GROUPS_MAX; group++)
                group_first[group] = (uint16_t)members_n;
}

void word_synonyms(Str term, SynonymFn *fn, void *arg) {
        (void)pthread_once(&synonyms_once, synonyms_init);
        for (uint16_t i = chains[word_hash(term) % CHAINS]; i; i = members[i - 1].next) {
                const Member *m = &members[i - 1];
                if (!str_eq(m->term, term))
                        continue;
                for (size_t k = group_first[m->group]; k < group_first[m->group + 1]; k++)
                        if (&members[k] != m)
                                fn(arg, members[k].term);
        }
}

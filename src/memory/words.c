// SPDX-License-Identifier: MIT
#include "memory/words.h"

#include <pthread.h>

#include "memory/terms.h"
#include "memory/words_int.h"

/* ---- one table for all lists: word -> flags and lemma ---- */
typedef struct Entry {
        Str word;
        WordInfo info;
} Entry;
/* power of two, at most half full: see word_table_init */
enum { ENTRIES = 4096 };
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
        flag_add(word_plains, TERM_PLAIN);
        irregulars_add();
}

WordInfo word_info(Str word) {
        (void)pthread_once(&once, word_table_init);
        return entry_at(word)->info;
}

/* ---- groups of terms, stemmed on first use. "a b c": each leads to the others; "a b: c d": a
 * and b lead to c and d ---- */
enum { GROUPS_MAX = 512, MEMBERS_MAX = 4096, CHAINS = 2048 };
typedef struct Member {
        char text[TERM_MAX];
        uint8_t n;
        bool leads;
        uint16_t group, next;
} Member;
typedef struct Thesaurus {
        Member members[MEMBERS_MAX];
        uint16_t members_n, group_first[GROUPS_MAX + 1];
        /* those that lead, by hash: member + 1, 0 = end */
        uint16_t chains[CHAINS];
} Thesaurus;
static Thesaurus synonyms, kinds;
static pthread_once_t thesauri_once = PTHREAD_ONCE_INIT;

static Str member_term(const Member *m) { return str_n(m->text, m->n); }

static void member_add(Thesaurus *t, Str word, size_t group, bool leads) {
        assert(t->members_n < MEMBERS_MAX);
        Member *m = &t->members[t->members_n];
        Str term = term_of(word, m->text);
        m->n = (uint8_t)term.n;
        for (size_t i = t->group_first[group]; i < t->members_n; i++)
                if (str_eq(member_term(&t->members[i]), term))
                        return; /* "marry" and "married" in one group */
        m->group = (uint16_t)group;
        m->leads = leads;
        t->members_n++;
        if (!leads)
                return;
        uint16_t *chain = &t->chains[word_hash(term) % CHAINS];
        m->next = *chain;
        *chain = t->members_n;
}

static void group_add(Thesaurus *t, Str line, size_t group) {
        t->group_first[group] = t->members_n;
        bool one_way = str_index(line, ':') < line.n;
        Str heads = str_cut(&line, ':');
        while (heads.p)
                member_add(t, str_cut(&heads, ' '), group, true);
        for (Str rest = str_from(line, 1); one_way && rest.p;)
                member_add(t, str_cut(&rest, ' '), group, false);
}

static void thesaurus_init(Thesaurus *t, const char *text) {
        size_t group = 0;
        for (Str rest = str_c(text); rest.p; group++) {
                assert(group < GROUPS_MAX);
                group_add(t, str_cut(&rest, '\n'), group);
        }
        for (; group <= GROUPS_MAX; group++)
                t->group_first[group] = t->members_n;
}

static void thesauri_init(void) {
        thesaurus_init(&synonyms, word_synonym_groups);
        thesaurus_init(&kinds, word_kind_groups);
}

static bool group_is_one_way(const Thesaurus *t, size_t group) {
        return !t->members[t->group_first[group + 1] - 1].leads;
}

static void group_tell(const Thesaurus *t, const Member *of, SynonymFn *fn, void *arg) {
        bool one_way = group_is_one_way(t, of->group);
        for (size_t k = t->group_first[of->group]; k < t->group_first[of->group + 1]; k++)
                if (&t->members[k] != of && !(one_way && t->members[k].leads))
                        fn(arg, member_term(&t->members[k]));
}

static void thesaurus_ask(const Thesaurus *t, Str term, SynonymFn *fn, void *arg) {
        (void)pthread_once(&thesauri_once, thesauri_init);
        for (uint16_t i = t->chains[word_hash(term) % CHAINS]; i; i = t->members[i - 1].next)
                if (str_eq(member_term(&t->members[i - 1]), term))
                        group_tell(t, &t->members[i - 1], fn, arg);
}

void word_synonyms(Str term, SynonymFn *fn, void *arg) { thesaurus_ask(&synonyms, term, fn, arg); }

void word_kinds(Str term, SynonymFn *fn, void *arg) { thesaurus_ask(&kinds, term, fn, arg); }

// SPDX-License-Identifier: MIT
#include "codec/when.h"
#include "memory/score_query_int.h"
#include "memory/terms.h"
#include "memory/words.h"

static uint32_t term_place(const Query *q, Str term) {
        uint32_t i = 0;
        while (i < q->terms_n && !str_eq(q->terms[i].term, term))
                i++;
        return i;
}

uint32_t term_add(Reading *r, Str word, Str term, double weight) {
        Query *q = r->q;
        q->terms[q->terms_n] = (QueryTerm){
                .word = arena_dup(r->arena, word),
                .term = arena_dup(r->arena, term),
                .weight = weight,
                .origin = r->origin,
                .no = term.n ? dict_find(&r->ix->terms, term) : DICT_NONE,
        };
        return q->terms_n++;
}

static void word_add(Reading *r, const Term *t, double weight) {
        Query *q = r->q;
        if (q->words_n == QUERY_WORDS_MAX)
                return;
        uint32_t i = term_place(q, t->term);
        r->origin = i;
        if (i == q->terms_n)
                (void)term_add(r, t->word, t->term, weight);
        else
                q->terms[i].weight += weight;
        q->words[q->words_n++] = i;
}

static void synonym_add(void *arg, Str term) {
        Reading *r = arg;
        if (r->q->terms_n < QUERY_TERMS_MAX && dict_find(&r->ix->terms, term) >= 0 &&
            term_place(r->q, term) == r->q->terms_n)
                (void)term_add(r, term, term, r->ix->rank->synonym);
}

static bool is_name(const RankParams *p, const Names *names, const Term *t) {
        if (names_have(names, t->term))
                return true;
        Str bare = str_ends(t->word, STR("'s")) ? str_to(t->word, t->word.n - 2) : t->word;
        return p->name_drop > 0 && names_have(names, bare);
}

static void words_add(Reading *r, Str text, const Names *names, double weight) {
        const RankParams *p = r->ix->rank;
        TermReader reader = term_reader(text);
        for (Term t; term_next(&reader, &t);)
                if (!(t.flags & (TERM_STOP_WORD | TERM_ASK)) && !is_name(p, names, &t))
                        word_add(r, &t, t.flags & TERM_PLAIN ? weight * (1 - p->plain) : weight);
}

/* The question without its date phrase, a space in its place. */
static Str text_undated(Arena *arena, Str text, const AskedDate *date) {
        if (date->kind == ASKED_NOTHING)
                return text;
        return arena_strf(arena, "%.*s %.*s", STR_FMT(str_to(text, date->at)),
                          STR_FMT(str_from(text, date->end)));
}

/* Who tells of a day names it as the question does: "on the 10th of February". */
static Str text_date(Str text, const AskedDate *date) {
        return date->kind == ASKED_NOTHING ? STR("")
                                           : str_n(text.p + date->at, date->end - date->at);
}

static bool date_find(const RankParams *p, const SearchQuery *in, AskedDate *ret) {
        if (p->date_loose > 0)
                return date_find_loose(in->text, days_of_ms(in->now_ms), ret);
        return date_find_asked(in->text, ret);
}

void query_parse(Arena *arena, const UserIndex *ix, const SearchQuery *in, Query *ret) {
        Str text = in->text;
        *ret = (Query){ .terms = NEW_ARRAY(arena, QueryTerm, QUERY_TERMS_MAX) };
        Reading r = { .arena = arena, .ix = ix, .q = ret };
        Names names = names_known(arena, ix), nobody = { 0 };
        (void)date_find(ix->rank, in, &ret->date);
        names_asked(arena, &names, text, ret);
        ret->asks_when = question_asks_when(text);
        ret->asks = question_asks(text);
        ret->asks_self = !ret->named_n && (text_flags(text) & TEXT_FIRST_PERSON);

        Str rest = text_undated(arena, text, &ret->date);
        words_add(&r, rest, &names, 1);
        if (!ret->terms_n && ret->date.kind == ASKED_NOTHING)
                /* nothing but a name: then the name is what is looked for */
                words_add(&r, rest, &nobody, 1);
        ret->asked_n = ret->terms_n;
        ret->date_at = ret->words_n;
        if (ix->rank->date_words > 0)
                words_add(&r, text_date(text, &ret->date), &nobody, ix->rank->date_words);
        for (r.origin = 0; r.origin < ret->asked_n && ix->rank->synonym > 0; r.origin++)
                word_synonyms(ret->terms[r.origin].term, synonym_add, &r);
        further_add(&r);
}

// SPDX-License-Identifier: MIT
#include "memory/score_query.h"

#include "codec/unicode.h"
#include "codec/when.h"
#include "memory/terms.h"
#include "memory/words.h"

/* ---- names ---- */
static Str lower(Arena *arena, Str s) {
        /* a broken byte becomes three, no character more */
        char *out = arena_bytes(arena, s.n * 3 + 4), *p = out;
        for (int32_t c; (c = unicode_next(&s)) >= 0;)
                p += unicode_put(unicode_lower(c), p);
        return str_n(out, (size_t)(p - out));
}

Str name_lower(Arena *arena, Str name) {
        return lower(arena, str_trim(name));
}

Str name_first(Arena *arena, Str speaker) {
        static const char *const roles[] = { "user", "assistant", "system", "human",
                                             "ai",   "bot",       "other",  "tool" };
        Str first = str_trim(speaker);
        first = lower(arena, str_to(first, str_index(first, ' ')));
        for (size_t i = 0; i < ELEMENTSOF(roles); i++)
                if (str_eq_c(first, roles[i]))
                        return STR("");
        return first;
}

static bool is_wordy_byte(char c) {
        unsigned char u = (unsigned char)c;
        return (u >= '0' && u <= '9') || ((u | 0x20) >= 'a' && (u | 0x20) <= 'z') || u == '_' ||
               u >= 0x80;
}

static bool is_edge(Str s, size_t at) {               /* \b */
        bool before = at > 0 && is_wordy_byte(s.p[at - 1]),
             behind = at < s.n && is_wordy_byte(s.p[at]);
        return before != behind;
}

static bool has_whole(Str s, Str part) {
        for (size_t at = 0; part.n && at + part.n <= s.n; at++)
                if (!memcmp(s.p + at, part.p, part.n) && is_edge(s, at) && is_edge(s, at + part.n))
                        return true;
        return false;
}

typedef struct Names { Str *v; size_t n; } Names;

static bool names_have(const Names *names, Str s) {
        for (size_t i = 0; i < names->n; i++)
                if (str_eq(names->v[i], s))
                        return true;
        return false;
}

/* First names of everybody who speaks in the index, each once. */
static Names names_known(Arena *arena, const UserIndex *ix) {
        Names names = { NEW_ARRAY(arena, Str, ix->speakers.n + 1), 0 };
        for (uint32_t i = 0; i < ix->speakers.n; i++) {
                if (!ix->speakers.refs[i])
                        continue;
                Str first = name_first(arena, dict_text(&ix->speakers, i));
                if (first.n && !names_have(&names, first))
                        names.v[names.n++] = first;
        }
        return names;
}

static void names_asked(const Names *names, Str lowered, Query *q) {
        for (size_t i = 0; i < names->n && q->named_n < QUERY_NAMES_MAX; i++)
                if (has_whole(lowered, names->v[i]))
                        q->named[q->named_n++] = names->v[i];
}

/* ---- terms ---- */
typedef struct Reading { Arena *arena; const UserIndex *ix; Query *q; uint32_t origin; } Reading;

static uint32_t term_place(const Query *q, Str term) {
        uint32_t i = 0;
        while (i < q->terms_n && !str_eq(q->terms[i].term, term))
                i++;
        return i;
}

static uint32_t term_add(Reading *r, Str word, Str term, double weight, uint32_t origin) {
        Query *q = r->q;
        q->terms[q->terms_n] = (QueryTerm){
                .word = arena_dup(r->arena, word),
                .term = arena_dup(r->arena, term),
                .weight = weight,
                .origin = origin,
                .no = term.n ? dict_find(&r->ix->terms, term) : DICT_NONE,
        };
        return q->terms_n++;
}

static void word_add(Reading *r, const Term *t, double weight) {
        Query *q = r->q;
        if (q->words_n == QUERY_WORDS_MAX)
                return;
        uint32_t i = term_place(q, t->term);
        if (i == q->terms_n)
                term_add(r, t->word, t->term, weight, i);
        else
                q->terms[i].weight += weight;
        q->words[q->words_n++] = i;
}

static void synonym_add(void *arg, Str term) {
        Reading *r = arg;
        if (r->q->terms_n < QUERY_TERMS_MAX && term_place(r->q, term) == r->q->terms_n)
                term_add(r, term, term, r->ix->rank->synonym, r->origin);
}

static bool is_name(const RankParams *p, const Names *names, const Term *t) {
        if (names_have(names, t->term))
                return true;
        Str bare = str_ends(t->word, STR("'s")) ? str_to(t->word, t->word.n - 2) : t->word;
        return p->name_drop > 0 && names_have(names, bare);
}

static void words_add(Reading *r, Str text, const Names *names) {
        const RankParams *p = r->ix->rank;
        TermReader reader = term_reader(text);
        for (Term t; term_next(&reader, &t);)
                if (!(t.flags & (TERM_STOP_WORD | TERM_ASK)) && !is_name(p, names, &t))
                        word_add(r, &t, t.flags & TERM_PLAIN ? 1 - p->plain : 1);
}

/* ---- further terms that count as one of the question's ---- */
enum { ALSO_MAX = 256, FAMILY_STEM = 5, FAMILY_TAIL = 5 };
typedef struct Also { const Reading *r; uint32_t v[ALSO_MAX], n; } Also;

static void also_add(Also *a, int64_t no) {
        if (no < 0 || a->n == ALSO_MAX)
                return;
        for (uint32_t i = 0; i < a->n; i++)
                if (a->v[i] == (uint32_t)no)
                        return;
        for (uint32_t i = 0; i < a->r->q->asked_n; i++)
                if (a->r->q->terms[i].no == no)
                        return;
        a->v[a->n++] = (uint32_t)no;
}

static void also_settle(Reading *r, const Also *a, double weight) {
        Query *q = r->q;
        if (!a->n || q->terms_n == QUERY_TERMS_MAX)
                return;
        uint32_t i = term_add(r, q->terms[r->origin].word, STR(""), weight, r->origin),
                 *also = NEW_ARRAY(r->arena, uint32_t, a->n);
        memcpy(also, a->v, a->n * sizeof *also);
        q->terms[i].also = also;
        q->terms[i].also_n = a->n;
}

static void kind_note(void *arg, Str term) {
        Also *a = arg;
        also_add(a, dict_find(&a->r->ix->terms, term));
}

/* "therapi", "therapist", "therapeut": the same five letters at least, and not much behind them. */
static bool has_digit(Str s) {
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] >= '0' && s.p[i] <= '9')
                        return true;
        return false;
}

static void family_note(Also *a, Str term) {
        const Dict *d = &a->r->ix->terms;
        if (term.n < FAMILY_STEM || has_digit(term))
                return;
        for (uint32_t no = 0; no < d->n; no++) {
                if (!d->refs[no])
                        continue;
                Str other = dict_text(d, no);
                size_t same = 0;
                while (same < term.n && same < other.n && term.p[same] == other.p[same])
                        same++;
                if (same >= FAMILY_STEM && same + 3 >= term.n && same + FAMILY_TAIL >= other.n &&
                    !str_eq(other, term) && !has_digit(other))
                        also_add(a, no);
        }
}

static void joined_note(Reading *r, Also *a) {
        const Query *q = r->q;
        char out[TERM_MAX];
        for (uint32_t i = 0; i + 1 < q->words_n; i++) {
                if (q->words[i] != r->origin)
                        continue;
                Str both = arena_strf(r->arena, "%.*s%.*s", STR_FMT(q->terms[q->words[i]].word),
                                      STR_FMT(q->terms[q->words[i + 1]].word));
                if (both.n <= TERM_MAX)
                        also_add(a, dict_find(&r->ix->terms, term_of(both, out)));
        }
}

static void split_note(Reading *r, Str word) {        /* both halves must be known words */
        char out1[TERM_MAX], out2[TERM_MAX];
        for (size_t i = 3; i + 3 <= word.n; i++) {
                int64_t a = dict_find(&r->ix->terms, term_of(str_to(word, i), out1));
                int64_t b = dict_find(&r->ix->terms, term_of(str_from(word, i), out2));
                if (a < 0 || b < 0)
                        continue;
                Also one = { .r = r }, two = { .r = r };
                also_add(&one, a);
                also_add(&two, b);
                also_settle(r, &one, r->ix->rank->joined);
                also_settle(r, &two, r->ix->rank->joined);
                return;
        }
}

static void further_add(Reading *r) {
        const RankParams *p = r->ix->rank;
        const QueryTerm asked = r->q->terms[r->origin];
        Also kind = { .r = r }, family = { .r = r }, joined = { .r = r };
        if (p->kind > 0)
                word_kinds(asked.term, kind_note, &kind);
        if (p->family > 0)
                family_note(&family, asked.term);
        if (p->joined > 0)
                joined_note(r, &joined);
        if (p->joined > 0 && asked.no < 0 && asked.word.n <= TERM_MAX)
                split_note(r, asked.word);
        also_settle(r, &kind, p->kind * asked.weight);
        also_settle(r, &family, p->family);
        also_settle(r, &joined, p->joined);
}

/* The question without its date phrase, a space in its place. */
static Str text_undated(Arena *arena, Str text, const AskedDate *date) {
        if (date->kind == ASKED_NOTHING)
                return text;
        return arena_strf(arena, "%.*s %.*s", STR_FMT(str_to(text, date->at)),
                          STR_FMT(str_from(text, date->end)));
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
        names_asked(&names, lower(arena, text), ret);
        ret->asks_when = question_asks_when(text);
        ret->asks_self = !ret->named_n && (text_flags(text) & TEXT_FIRST_PERSON);

        Str rest = text_undated(arena, text, &ret->date);
        words_add(&r, rest, &names);
        if (!ret->terms_n && ret->date.kind == ASKED_NOTHING)
                /* nothing but a name: then the name is what is looked for */
                words_add(&r, rest, &nobody);
        ret->asked_n = ret->terms_n;
        for (r.origin = 0; r.origin < ret->asked_n && ix->rank->synonym > 0; r.origin++)
                word_synonyms(ret->terms[r.origin].term, synonym_add, &r);
        for (r.origin = 0; r.origin < ret->asked_n; r.origin++)
                further_add(&r);
}

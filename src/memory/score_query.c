// SPDX-License-Identifier: MIT
#include "memory/score_query.h"

#include "codec/unicode.h"
#include "memory/terms.h"
#include "memory/words.h"

/* ---- names ---- */
static Str lower(Arena *arena, Str s) {
        char *out = arena_bytes(arena, s.n * 3 + 4), *p = out;        /* a broken byte becomes three, no character more */
        for (int32_t c; (c = unicode_next(&s)) >= 0;)
                p += unicode_put(unicode_lower(c), p);
        return str_n(out, (size_t)(p - out));
}

Str name_lower(Arena *arena, Str name) {
        return lower(arena, str_trim(name));
}

Str name_first(Arena *arena, Str speaker) {
        static const char *const roles[] = { "user", "assistant", "system", "human", "ai", "bot", "other", "tool" };
        Str first = str_trim(speaker);
        first = lower(arena, str_to(first, str_index(first, ' ')));
        for (size_t i = 0; i < ELEMENTSOF(roles); i++)
                if (str_eq_c(first, roles[i]))
                        return STR("");
        return first;
}

static bool is_wordy_byte(char c) {
        unsigned char u = (unsigned char)c;
        return (u >= '0' && u <= '9') || ((u | 0x20) >= 'a' && (u | 0x20) <= 'z') || u == '_' || u >= 0x80;
}

static bool is_edge(Str s, size_t at) {               /* \b */
        bool before = at > 0 && is_wordy_byte(s.p[at - 1]), behind = at < s.n && is_wordy_byte(s.p[at]);
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

static Str name_asked(const Names *names, Str lowered) {
        Str found = STR("");
        for (size_t i = 0; i < names->n; i++) {
                if (!has_whole(lowered, names->v[i]))
                        continue;
                if (found.n)
                        return STR("");
                found = names->v[i];
        }
        return found;
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
                .word = arena_dup(r->arena, word), .term = arena_dup(r->arena, term), .weight = weight, .origin = origin,
                .no = dict_find(&r->ix->terms, term),
        };
        return q->terms_n++;
}

static void word_add(Reading *r, const Term *t) {
        Query *q = r->q;
        if (q->words_n == QUERY_WORDS_MAX)
                return;
        uint32_t i = term_place(q, t->term);
        if (i == q->terms_n)
                term_add(r, t->word, t->term, 1, i);
        else
                q->terms[i].weight += 1;
        q->words[q->words_n++] = i;
}

static void synonym_add(void *arg, Str term) {
        Reading *r = arg;
        if (r->q->terms_n < QUERY_TERMS_MAX && term_place(r->q, term) == r->q->terms_n)
                term_add(r, term, term, r->ix->rank->synonym, r->origin);
}

static void words_add(Reading *r, Str text, const Names *names) {
        TermReader reader = term_reader(text);
        for (Term t; term_next(&reader, &t);)
                if (!(t.flags & (TERM_STOP_WORD | TERM_ASK)) && !names_have(names, t.term))
                        word_add(r, &t);
}

/* The question without its date phrase, a space in its place. */
static Str text_undated(Arena *arena, Str text, const AskedDate *date) {
        if (date->kind == ASKED_NOTHING)
                return text;
        return arena_strf(arena, "%.*s %.*s", STR_FMT(str_to(text, date->at)), STR_FMT(str_from(text, date->end)));
}

void query_parse(Arena *arena, const UserIndex *ix, Str text, Query *ret) {
        *ret = (Query){ .terms = NEW_ARRAY(arena, QueryTerm, QUERY_TERMS_MAX) };
        Reading r = { .arena = arena, .ix = ix, .q = ret };
        Names names = names_known(arena, ix), nobody = { 0 };
        (void)date_find_asked(text, &ret->date);
        ret->named = name_asked(&names, lower(arena, text));
        ret->asks_when = question_asks_when(text);

        Str rest = text_undated(arena, text, &ret->date);
        words_add(&r, rest, &names);
        if (!ret->terms_n && ret->date.kind == ASKED_NOTHING)
                words_add(&r, rest, &nobody);         /* nothing but a name: then the name is what is looked for */
        ret->asked_n = ret->terms_n;
        for (r.origin = 0; r.origin < ret->asked_n && ix->rank->synonym > 0; r.origin++)
                word_synonyms(ret->terms[r.origin].term, synonym_add, &r);
}

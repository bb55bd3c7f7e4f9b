// SPDX-License-Identifier: MIT
#include "chat/alias.h"

#include "chat/phrase.h"
#include "chat/question.h"

/* behind "my" an adjective or two: "my older sister" */
enum { PHRASE_MAX = 3 };

static const char titles[] = " dr mr mrs ms miss prof professor frau herr ";
static const char spouses[] = " wife husband spouse partner fiance fiancee fiancé fiancée ";
static const char sweethearts[] = " girlfriend boyfriend partner ";

/* Somebody by what they are to the user, and by name. */
typedef struct Introduction {
        Str noun; /* "sister"; or a list of what they may be, " wife husband " */
        Str name;
        bool is_list;
} Introduction;

/* "Anna", "Weiss" of "Dr. Weiss"; empty when no name stands there. */
static Str name_at(const Words *w, size_t i) {
        if (word_is(w, i, titles))
                i++;
        return i < w->n && is_name_like(w->v[i]) ? possessor(w->v[i]) : STR("");
}

/* Behind the noun at i: "… is called Anna", "…'s name is Anna", "my … Anna". */
static Str named_behind(const Words *w, size_t i, bool is_entity) {
        if (is_possessor(w->v[i]))
                return word_is(w, i + 1, " name ") && word_is(w, i + 2, " is ") ? name_at(w, i + 3)
                                                                                : STR("");
        if (word_is(w, i + 1, " called named "))
                return name_at(w, i + 2);
        if (word_is(w, i + 1, " is ") && word_is(w, i + 2, " called named "))
                return name_at(w, i + 3);
        if (word_is(w, i + 1, " is ")) /* of a fact it may be "Wife is German." */
                return is_entity ? name_at(w, i + 2) : STR("");
        return name_at(w, i + 1);
}

/* "My sister's husband", "My sister has a dog", "Max has a dog": not the user's own. */
static bool is_of_somebody(const Words *w, size_t at) {
        if (at && (is_possessor(w->v[at - 1]) || word_is(w, at - 1, " his her its their ")))
                return true;
        for (size_t i = 0; i < at; i++)
                if (is_somebody(w->v[i]) || (i == 0 && word_is(w, 1, " has had ")))
                        return true;
        return false;
}

/* False: the fact names nobody. */
static bool introduction_read(const MemoryRow *m, Introduction *ret) {
        Words w;
        words_read(m->content, &w);
        for (size_t i = 0; i < w.n; i++) {
                *ret = (Introduction){ .noun = possessor(w.v[i]) };
                if (is_somebody(w.v[i]) && !is_of_somebody(&w, i))
                        ret->name = named_behind(&w, i, str_eq_c(m->type, "entity"));
                if (ret->name.n)
                        return true;
        }
        size_t i = word_is(&w, 0, " is "); /* "Is dating Kim." */
        bool is_spouse = word_is(&w, i, " married engaged ") && word_is(&w, i + 1, " to ");
        *ret = (Introduction){ .noun = is_spouse ? str_c(spouses) : str_c(sweethearts),
                               .name = name_at(&w, is_spouse ? i + 2 : i + 1),
                               .is_list = true };
        return ret->name.n && (is_spouse || word_is(&w, i, " dating "));
}

static bool is_noun_of(const Introduction *who, Str word, const Need *asked) {
        bool literal;
        if (who->is_list)
                return str_is_in(word, who->noun.p);
        return need_told(asked, who->noun, &literal) >= 1;
}

static Str replaced(Arena *a, Str message, Str part, Str with) {
        size_t at = (size_t)(part.p - message.p);
        return arena_strf(a, "%.*s%.*s%.*s", STR_FMT(str_to(message, at)), STR_FMT(with),
                          STR_FMT(str_from(message, at + part.n)));
}

/* "my sister" of "Where does my sister live?" is Anna; STR_NULL when it is not her. */
static Str with_name(Arena *a, Str message, const Words *w, const Need *asked,
                     const Introduction *who) {
        bool literal;
        for (size_t i = 0; i < w->n; i++)
                for (size_t k = i + 1; word_is(w, i, " my our ") && k <= i + PHRASE_MAX && k < w->n;
                     k++) {
                        Str noun = possessor(w->v[k]);
                        if (!is_somebody(noun) || need_told(asked, noun, &literal) < 1 ||
                            !is_noun_of(who, noun, asked))
                                continue;
                        Str all = str_n(w->v[i].p, (size_t)(noun.p + noun.n - w->v[i].p));
                        return replaced(a, message, all, who->name);
                }
        return STR_NULL;
}

static Str without_capital(Arena *a, Str word) {
        char first = has_capital(word) ? (char)(word.p[0] | 0x20) : word.p[0];
        return arena_strf(a, "%c%.*s", first, STR_FMT(str_from(word, 1)));
}

static Str with_noun(Arena *a, Str message, const Words *w, Str name, const Introduction *who) {
        Str noun = who->is_list ? STR("partner") : without_capital(a, who->noun);
        for (size_t i = 0; i < w->n && str_eq_nocase(name, who->name); i++) {
                Str word = possessor(w->v[i]);
                if (str_eq_nocase(word, name))
                        return replaced(a, message, word,
                                        arena_strf(a, "my %.*s", STR_FMT(noun)));
        }
        return STR_NULL;
}

static void alias_add(Aliases *to, Str message, const MemoryHit *told) {
        if (!message.p || to->n == ALIASES_MAX)
                return;
        for (size_t i = 0; i < to->n; i++)
                if (str_eq_nocase(to->v[i].message, message))
                        return;
        to->v[to->n++] = (Alias){ message, told };
}

Aliases aliases_of(Arena *a, Str message, const MemoryHits *hits) {
        Aliases all = { 0 };
        Question q;
        Words w;
        question_read(a, message, &q);
        words_read(message, &w);
        if (q.owner.kind != OWNER_OTHER || q.owner.nouns.n > 1)
                return all;
        for (size_t i = 0; i < hits->n; i++) {
                const MemoryRow *m = hits->v[i].memory;
                Introduction who;
                if (!m || !str_eq_c(m->status, "active") || !introduction_read(m, &who))
                        continue;
                Str other = q.owner.nouns.n
                                    ? with_name(a, message, &w, &q.owner.nouns.v[0], &who)
                                    : with_noun(a, message, &w, q.owner.name, &who);
                alias_add(&all, other, &hits->v[i]);
        }
        return all;
}

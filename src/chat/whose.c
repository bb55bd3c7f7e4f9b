// SPDX-License-Identifier: MIT
#include "chat/whose.h"

#include <ctype.h>

#include "base/buf.h"
#include "chat/phrase.h"
#include "chat/question.h"
#include "memory/extract.h"
#include "memory/terms.h"

enum { PHRASE_MAX = 5, NOUNS_MAX = 3, OPENER_MAX = 6, PART_MAX = 64 * 1024 };

static const char self_words[] = " i i'm i've i'd i'll im ive we we're we've we'd we'll ";
static const char self_objects[] = " i i'm i've i'd i'll me myself we us ";
static const char my_words[] = " my our ";
static const char pronouns[] = " he she they he's she's they're who his her their ";
static const char possessives[] = " his her their your ";
static const char articles[] = " the a an ";
static const char connectors[] = " and but while because although whereas so that ";
static const char subject_verbs[] =
        " is isn't are aren't was wasn't were has hasn't have had does doesn't do did will would "
        "can can't could works lives likes loves hates plays studies speaks wants needs goes got "
        "moved went drives eats drinks owns runs died became started turned called works said says "
        "thinks ";
static const char prepositions[] = " in on at to for with from of about by than as or and but ";
static const char auxiliaries[] =
        " do does did don't doesn't didn't am is are isn't aren't was were wasn't weren't have has "
        "had haven't hasn't hadn't will can could should would may might what's who's where's "
        "when's how's ";
static const char asking[] = " what which who whom whose where when why how what's who's where's "
                             "when's how's ";
/* Of whom is asked more freely than they are introduced. */
static const char more_somebodies[] =
        " mummy parent sibling toddler grandparent grandchild auntie housemate supervisor landlady "
        "wives bestie girl boy guy bunnies ponies ";

/* ---- words ---- */

/* Also in the plural. */
static bool is_of_kind(Str word, const char *list) {
        Str w = possessor(word);
        return str_is_in(w, list) || (str_ends(w, STR("s")) && str_is_in(str_to(w, w.n - 1), list));
}

bool is_somebody(Str word) {
        return is_of_kind(word, kin_words) || is_of_kind(word, animal_words) ||
               is_of_kind(word, more_somebodies);
}

/* ---- whom a question is about ---- */

static void noun_add(Arena *a, Owner *to, Str word) {
        char low[TERM_MAX], stem[TERM_MAX];
        Str noun = possessor(word);
        if (noun.n > sizeof low || to->nouns.n == NOUNS_MAX)
                return;
        for (size_t i = 0; i < noun.n; i++)
                low[i] = (char)tolower((unsigned char)noun.p[i]);
        to->nouns.v[to->nouns.n++] = need_of(a, arena_dup(a, term_of(str_n(low, noun.n), stem)));
}

/* "my older sister's husband": everybody named up to the verb. */
static void relatives_read(Arena *a, const Words *w, size_t at, Owner *ret) {
        *ret = (Owner){ .kind = OWNER_SELF, .nouns = { NEW_ARRAY(a, Need, NOUNS_MAX), 0 } };
        for (size_t i = at; i < w->n && i < at + PHRASE_MAX; i++) {
                if (word_is(w, i, subject_verbs) || word_is(w, i, prepositions))
                        break;
                if (is_somebody(w->v[i]))
                        noun_add(a, ret, w->v[i]);
        }
        if (ret->nouns.n)
                ret->kind = OWNER_OTHER;
}

/* "I", "my sister", "Leo" at this word; ANY otherwise. */
static Owner owner_at(Arena *a, const Words *w, size_t i) {
        Owner o = { .kind = OWNER_ANY };
        if (word_is(w, i, self_words))
                o.kind = OWNER_SELF;
        else if (word_is(w, i, my_words))
                relatives_read(a, w, i + 1, &o);
        else if (i && i < w->n && is_name_like(w->v[i]))
                o = (Owner){ .kind = OWNER_OTHER, .name = possessor(w->v[i]) };
        return o;
}

/* Behind the first word of "where does", "what colour is"; `n` when there is none. */
static size_t subject_at(const Words *w) {
        size_t i = 0;
        while (i < w->n && i < OPENER_MAX && !word_is(w, i, asking) && !word_is(w, i, auxiliaries))
                i++;
        for (size_t k = i; k < w->n && k < i + OPENER_MAX; k++)
                if (word_is(w, k, auxiliaries))
                        return k + 1;
        return w->n;
}

void owner_read(Arena *a, Str question, Owner *ret) {
        Words *w = NEW(a, Words);
        words_read(question, w);
        size_t at = subject_at(w);
        Owner o = owner_at(a, w, at);
        /* "the name of my cat", "tell me about my cat", and who is spoken of when nobody does */
        bool is_open = at >= w->n || word_is(w, at, articles);
        for (size_t i = is_open && at < w->n ? at : 0; is_open && o.kind == OWNER_ANY && i < w->n;
             i++)
                o = owner_at(a, w, i);
        *ret = o;
}

/* ---- whom a clause is about ---- */

typedef enum Subject {
        SUBJECT_UNKNOWN,
        SUBJECT_SELF,
        SUBJECT_OTHER,
        SUBJECT_PRONOUN,
} Subject;

/* Words from..to of a text. head: those that name somebody, "My husband Tom". */
typedef struct Clause {
        size_t from, to, head;
        Subject subject;
} Clause;

static Str clause_text(const Words *w, size_t from, size_t to) {
        const Str last = w->v[to - 1];
        return str_n(w->v[from].p, (size_t)(last.p + last.n - w->v[from].p));
}

/* "Tom is", "Leo's"; not "Is vegan". */
static bool names_subject(const Words *w, size_t i) {
        return i < w->n && is_name_like(w->v[i]) && !word_is(w, i, subject_verbs) &&
               !word_is(w, i, articles) && !noun_is_owned(w->v[i]) &&
               (is_possessor(w->v[i]) || word_is(w, i + 1, subject_verbs));
}

/* "callum is", "bernie minds" as people type it; not "dinner is", "birthday is". */
static bool speaks_of_another(const Words *w, size_t i) {
        static const char verbs[] = " is isn't was wasn't has hasn't had lives works likes loves "
                                    "hates plays studies speaks wants needs goes drives eats drinks "
                                    "owns runs died said says thinks ";
        static const char things[] = " it this that there here what which everything nothing "
                                     "something anything everyone life work school time breakfast "
                                     "lunch dinner today tomorrow yesterday favourite favorite ";
        return i < w->n && !has_capital(w->v[i]) && word_is(w, i + 1, verbs) &&
               !word_is(w, i, verbs) && !word_is(w, i, things) && !word_is(w, i, articles) &&
               !noun_is_owned(w->v[i]);
}

/* The word that names somebody near `i`; `to` when none does. */
static size_t somebody_at(const Words *w, size_t i, size_t to) {
        for (size_t k = i; k < to && k < i + PHRASE_MAX; k++) {
                if (word_is(w, k, subject_verbs) || word_is(w, k, prepositions))
                        return to;
                if (is_somebody(w->v[k]))
                        return k;
        }
        return to;
}

static void clause_read(const Words *w, Clause *c) {
        size_t at = c->from;
        while (at < c->to && word_is(w, at, connectors))
                at++;
        bool is_mine = word_is(w, at, my_words);
        size_t who = is_mine || (at < c->to && has_capital(w->v[at]))
                             ? somebody_at(w, at + is_mine, c->to)
                             : c->to;
        c->head = c->from;
        c->subject = SUBJECT_UNKNOWN;
        if (word_is(w, at, pronouns))
                c->subject = SUBJECT_PRONOUN;
        else if (who < c->to && (is_mine || !word_is(w, at, self_words)))
                c->subject = SUBJECT_OTHER;
        else if (word_is(w, at, self_words) || is_mine)
                c->subject = SUBJECT_SELF;
        else if (names_subject(w, at) || speaks_of_another(w, at))
                c->subject = SUBJECT_OTHER, who = at;
        else if (at == 0 && has_capital(w->v[0]) && !word_is(w, 0, " the a an this that there it "))
                c->subject = SUBJECT_SELF;
        if (c->subject != SUBJECT_OTHER)
                return;
        c->head = who + 1;
        while (c->head < c->to && !is_possessor(w->v[c->head - 1]) && is_name_like(w->v[c->head]))
                c->head++;
        /* "Tom is my brother", "My sister gave me a watch": of the user, too */
        for (size_t i = c->head; i < c->to; i++)
                if (word_is(w, i, self_objects) || (!is_mine && word_is(w, i, my_words)))
                        c->subject = SUBJECT_UNKNOWN;
}

/* Behind a comma or "and", somebody who does something. */
static bool begins_clause(const Words *w, size_t i) {
        const char *before = w->v[i - 1].p + w->v[i - 1].n;
        bool is_apart = false, is_new = false;
        for (; before < w->v[i].p; before++) {
                is_apart |= strchr(",;:(-\n", *before) != NULL;
                is_new |= strchr(".!?\n", *before) != NULL;
        }
        if (is_new || word_is(w, i, " who "))
                return true;
        if (!is_apart && !word_is(w, i - 1, connectors))
                return false;
        if (word_is(w, i, self_words) || word_is(w, i, pronouns) || names_subject(w, i))
                return true;
        for (size_t k = i + 1; word_is(w, i, my_words) && k < w->n && k < i + PHRASE_MAX; k++)
                if (word_is(w, k, subject_verbs))
                        return true;
        return false;
}

static size_t clause_end(const Words *w, size_t from) {
        size_t i = from + 1;
        while (i < w->n && !begins_clause(w, i))
                i++;
        return i;
}

/* ---- which part of a text is about them ---- */

static bool is_name_of(Str word, Str name) {
        return str_eq_nocase(possessor(word), name) && has_capital(word);
}

/* Spoken of as the asker's own, not as "Tom's wife". */
static bool clause_mentions(const Owner *o, const Words *w, const Clause *c) {
        bool literal;
        for (size_t i = c->from; o->name.p && i < c->to; i++)
                if (is_name_of(w->v[i], o->name))
                        return true;
        for (size_t k = 0; k < o->nouns.n; k++) {
                bool found = false;
                for (size_t i = c->from; i < c->to && !found; i++) {
                        double told = need_told(&o->nouns.v[k], w->v[i], &literal);
                        bool taken = k == 0 && i &&
                                     (is_possessor(w->v[i - 1]) || word_is(w, i - 1, possessives));
                        found = !taken && (told >= 1 || (told > 0 && c->subject == SUBJECT_SELF));
                }
                if (!found)
                        return false;
        }
        return o->nouns.n > 0;
}

/* "My husband Tom" tells of the user's being married, "My sister" nothing of what she is. */
static double head_tells(const Needs *asked, const Words *w, const Clause *c) {
        double sum = 0;
        bool literal;
        for (size_t i = 0; i < asked->n; i++)
                sum += need_told(&asked->v[i], clause_text(w, c->from, c->head), &literal);
        return asked->n ? sum / (double)asked->n : 0;
}

static bool is_for_self(const Needs *asked, const Words *w, const Clause *c, bool *sure) {
        double told = c->subject == SUBJECT_OTHER ? head_tells(asked, w, c) : 0;
        *sure = c->subject == SUBJECT_SELF || told > 0.99;
        return c->subject == SUBJECT_SELF || c->subject == SUBJECT_UNKNOWN || told > 0;
}

Part whose_part(Arena *a, const Owner *owner, const Needs *asked, Str text) {
        if (owner->kind == OWNER_ANY)
                return (Part){ text, true };
        _cleanup_(buf_done) Buf out = BUF(PART_MAX);
        Words *w = NEW(a, Words);
        bool kept = false, is_theirs = false;
        words_read(text, w);
        for (Clause c = { 0 }; c.from < w->n; c.from = c.to) {
                bool sure = true;
                c.to = clause_end(w, c.from);
                clause_read(w, &c);
                if (owner->kind == OWNER_SELF)
                        kept = is_for_self(asked, w, &c, &sure);
                else
                        kept = clause_mentions(owner, w, &c) ||
                               (kept && c.subject == SUBJECT_PRONOUN);
                if (!kept)
                        continue;
                buf_addf(&out, "%.*s ", STR_FMT(clause_text(w, c.from, c.to)));
                is_theirs |= sure;
        }
        return (Part){ str_trim(arena_dup(a, buf_str(&out))), is_theirs };
}

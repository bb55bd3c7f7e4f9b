// SPDX-License-Identifier: MIT
#include "chat/question.h"

#include <ctype.h>

#include "base/buf.h"
#include "chat/phrase.h"
#include "memory/dates.h"
#include "memory/moment.h"
#include "memory/terms.h"
#include "memory/words.h"

/* READ_MAX: bytes of a text that are looked at; the point of a longer one stands at its begin */
enum { TOKENS_MAX = 48, NEEDS_MAX = 12, READ_MAX = 2000 };
#define HELP_WEIGHT 0.8
#define NEAR_WEIGHT 0.3
/* of whom the question is about, but not of what it asks */
#define BESIDE_SHARE 0.4

/* ---- words of the message ---- */

typedef struct Token {
        Str word, term;
        unsigned flags;
} Token;
typedef struct Tokens {
        Token v[TOKENS_MAX];
        size_t n;
} Tokens;

/* "lives" says where somebody is far more often than it is several lives. */
static bool word_next(TermReader *r, Term *ret) {
        if (!term_next(r, ret))
                return false;
        if (str_eq_c(ret->word, "lives"))
                ret->term = STR("live");
        return true;
}

/* Words that make a question or say little in it, also as "what's". */
static unsigned flags_of(const Term *t) {
        return t->flags | (word_info(t->term).flags & (TERM_ASK | TERM_STOP_WORD));
}

/* Without those of a time that the question names (`skip`). */
static void tokens_read(Arena *a, Str text, Str skip, Tokens *ret) {
        TermReader r = term_reader(text);
        ret->n = 0;
        for (Term t; ret->n < TOKENS_MAX && word_next(&r, &t);) {
                const char *at = text.p + t.at;
                if (skip.p && at >= skip.p && at < skip.p + skip.n)
                        continue;
                ret->v[ret->n++] =
                        (Token){ arena_dup(a, t.word), arena_dup(a, t.term), flags_of(&t) };
        }
}

static const char auxiliaries[] =
        " do does did don't doesn't didn't am is are isn't aren't was were wasn't weren't have has "
        "had haven't hasn't hadn't will can could should would may might ";
static const char now_auxiliaries[] = " do does am is are ";
static const char past_auxiliaries[] = " did didn't was wasn't were weren't had ";
static const char leads[] = " hi hello hey ok okay so and but please well now thanks ";
/* Said around the thing, not of it. */
static const char empty_words[] =
        " anything something everything nothing anyone anybody someone somebody everyone ever "
        "still currently now again also really actually exactly already today tomorrow yesterday "
        "week weekend month year next last tell told know knew remember recall say said mention "
        "mentioned thing things kind type sort please about list show name names named called "
        "call old many much lot any more new time day date long soon often usually ";
static const char likes[] = " like likes liked love loves loved enjoy enjoys prefer prefers "
                            "favourite favorite favourites favorites adore adores fond ";
static const char dislikes[] = " hate hates hated dislike dislikes detest detests avoid avoids ";

/* ---- the same in other words ---- */

typedef struct Idiom {
        const char *from, *to;
} Idiom;
static const Idiom idioms[] = {
        { "whats", "what's" },
        { "whos", "who's" },
        { "wheres", "where's" },
        { "whens", "when's" },
        { "hows", "how's" },
        { "can you tell me", "" },
        { "could you tell me", "" },
        { "would you tell me", "" },
        { "please tell me", "" },
        { "tell me", "" },
        { "remind me", "" },
        { "do you know", "" },
        { "do you remember", "" },
        { "can you recall", "" },
        { "can you remember", "" },
        { "did i tell you", "" },
        { "did i say", "" },
        { "have i told you", "" },
        { "i told you", "" },
        { "i mentioned", "" },
        { "did i mention", "" },
        { "please", "" },
        { "everything you know about", "" },
        { "everything about", "" },
        { "what do you know about", "" },
        { "what do you remember about", "" },
        { "anything", "" },
        { "something", "" },
        { "do for a living", "work as, my job" },
        { "do for work", "work as, my job" },
        { "earn my living", "work as, my job" },
        { "what is my job", "work as, my job" },
        { "what's my job", "work as, my job" },
        { "my occupation", "work as, my job" },
        { "my profession", "work as, my job" },
};

/* What is asked for so is told in other words: they are looked for, too. */
static const Idiom wider[] = {
        { "how old am i", "my age, born, birthday" },
        { "my birthday", "born" },
        { "dislike", "hate, not like, can't stand" },
        { "do i hate", "dislike, not like, can't stand" },
        { "do i own", "have, bought" },
};

static bool is_at(Str s, size_t i, Str phrase) {
        return (!i || !isalnum((unsigned char)s.p[i - 1])) && i + phrase.n <= s.n &&
               str_eq_nocase(str_n(s.p + i, phrase.n), phrase) &&
               (i + phrase.n == s.n || !isalnum((unsigned char)s.p[i + phrase.n]));
}

static const Idiom *idiom_at(Str s, size_t i) {
        for (size_t k = 0; k < ELEMENTSOF(idioms); k++)
                if (is_at(s, i, str_c(idioms[k].from)))
                        return &idioms[k];
        return NULL;
}

Str question_core(Arena *a, Str message) {
        _cleanup_(buf_done) Buf out = BUF(message.n * 2 + 64);
        bool said = false;
        for (size_t i = 0; i < message.n;) {
                const Idiom *idiom = idiom_at(message, i);
                if (!idiom) {
                        unsigned char c = (unsigned char)message.p[i++];
                        said |= isalnum(c) || c >= 0x80;
                        buf_addc(&out, (char)c);
                        continue;
                }
                said |= *idiom->to;
                buf_addf(&out, "%s ", idiom->to);
                i += strlen(idiom->from);
        }
        return str_trim(said ? arena_dup(a, buf_str(&out)) : message);
}

Str question_query(Arena *a, Str message) {
        Str core = question_core(a, message);
        for (size_t k = 0; k < ELEMENTSOF(wider); k++)
                for (size_t i = 0; i < core.n; i++)
                        if (is_at(core, i, str_c(wider[k].from)))
                                return arena_strf(a, "%.*s %s", STR_FMT(core), wider[k].to);
        return core;
}

/* ---- what kind, and about what ---- */

static bool word_is(const Tokens *t, size_t i, const char *list) {
        return i < t->n && word_is_in(t->v[i].word, list);
}

static size_t lead_skip(const Tokens *t) {
        size_t i = 0;
        while (word_is(t, i, leads))
                i++;
        return i;
}

static bool speaks_of(const Tokens *t, const char *list) {
        for (size_t i = 0; i < t->n; i++)
                if (word_is_in(t->v[i].word, list))
                        return true;
        return false;
}

static QuestionKind kind_of(const Tokens *t, size_t i) {
        if (word_is(t, i, " how "))
                return word_is(t, i + 1, " many much ")         ? QUESTION_COUNT
                       : word_is(t, i + 1, " old ")             ? QUESTION_AGE
                       : word_is(t, i + 1, " soon long often ") ? QUESTION_WHEN
                                                                : QUESTION_OPEN;
        if (word_is(t, i, " what which what's ") && word_is(t, i + 1, " time day date year month "))
                return QUESTION_WHEN;
        if (word_is(t, i, " who who's whose whom "))
                return QUESTION_WHO;
        if (word_is(t, i, " where where's "))
                return QUESTION_WHERE;
        if (word_is(t, i, " when when's "))
                return QUESTION_WHEN;
        if (word_is(t, i, auxiliaries))
                return QUESTION_YES_NO;
        return speaks_of(t, " name names named called nickname ") ? QUESTION_NAME : QUESTION_OPEN;
}

/* "what is the weather like" does not speak of liking. */
static bool is_how_like(const Tokens *t, size_t i) {
        return i + 1 == t->n && str_eq_c(t->v[i].word, "like") &&
               !speaks_of(t, " do does did don't doesn't didn't would ");
}

static int liking_of(const Tokens *t) {
        bool denied = speaks_of(t, " not don't doesn't didn't never ");
        for (size_t i = 0; i < t->n; i++) {
                Str word = t->v[i].word;
                if (word_is_in(word, dislikes) || (denied && word_is_in(word, likes)))
                        return -1;
                if (word_is_in(word, likes) && !is_how_like(t, i))
                        return 1;
        }
        return 0;
}

static bool says_something(const Token *t) {
        return !(t->flags & (TERM_STOP | TERM_STOP_WORD | TERM_ASK)) &&
               !word_is_in(t->word, empty_words) && !word_is_in(t->word, likes) &&
               !word_is_in(t->word, dislikes);
}

static bool is_plural(Str word) {
        return (word.n > 3 && word.p[word.n - 1] == 's' && word.p[word.n - 2] != 's') ||
               word_is_in(word, " children people kids family plans hobbies ");
}

/* Words between "which" and the verb name the kind of thing: "which car do I drive". */
static size_t class_end(const Tokens *t, size_t i) {
        if (!word_is(t, i, " what which "))
                return i;
        for (size_t k = i + 1; k < t->n && k < i + 5; k++)
                if (word_is(t, k, auxiliaries))
                        return k;
        return i;
}

/* ---- the same in other terms ---- */

/* "a: b c": who asks for a is told by b and c. Narrower than the synonyms of retrieval, where a
 * near miss costs little. */
static const char *const told_by[] = {
        "child: son daughter baby",
        "sibling: brother sister twin",
        "parent: mother father",
        "spouse: husband wife",
        "partner: husband wife girlfriend boyfriend spouse",
        "marry: husband wife spouse wedding",
        "wedding: marry",
        "job: work employ career",
        "work: job employ",
        "live: move reside home",
        "home: live move",
        "address: live",
        "age: old born birthday year",
        "birthday: born birth",
        "car: drive",
        "name: call",
        "own: have",
        "boss: manager supervisor",
        "eat: allergic vegetarian vegan diet food",
        "holiday: vacation trip",
        "vacation: holiday trip",
        "trip: holiday vacation",
        "meet: meeting appointment",
        "appointment: meeting dentist doctor",
        "speak: language",
        "study: university degree school",
        "sick: ill",
        "flat: apartment",
        "apartment: flat",
        "allergy: allergic",
        "allergic: allergy",
        "pet: dog cat",
        "email: mail address",
        "phone: number",
        "language: speak",
        "alive: die dead live",
        "travel: visit trip holiday fly",
};

/* Also the name of a kind of thing ("a living", "the watch"), but hardly where it is needed. */
static const char doings[] = "live watch read write cook bake travel look work study play";

enum { TERMS_MAX = 256 };
typedef struct Terms {
        Str *v;
        size_t n;
} Terms;

/* The terms of the thesauri live as long as the program. */
static void term_take(void *arg, Str term) {
        Terms *t = arg;
        if (t->n < TERMS_MAX)
                t->v[t->n++] = term;
}

static bool is_doing(Str need) {
        char stem[TERM_MAX];
        for (Str rest = str_c(doings); rest.p;)
                if (str_eq(term_of(str_cut(&rest, ' '), stem), need))
                        return true;
        return false;
}

static void told_by_take(Arena *a, Str need, Terms *to) {
        char stem[TERM_MAX];
        for (size_t i = 0; i < ELEMENTSOF(told_by); i++) {
                Str rest = str_c(told_by[i]), head = str_cut(&rest, ':');
                if (!str_eq(term_of(head, stem), need))
                        continue;
                for (rest = str_from(rest, 1); rest.p;)
                        term_take(to, arena_dup(a, term_of(str_cut(&rest, ' '), stem)));
        }
}

Need need_of(Arena *a, Str term) {
        Terms same = { NEW_ARRAY(a, Str, TERMS_MAX), 0 },
              near = { NEW_ARRAY(a, Str, TERMS_MAX), 0 };
        told_by_take(a, term, &same);
        if (!is_doing(term))
                word_kinds(term, term_take, &same);
        word_synonyms(term, term_take, &near);
        return (Need){ term, { same.v, same.n }, { near.v, near.n } };
}

static void need_add(Arena *a, Needs *to, Str term) {
        for (size_t i = 0; i < to->n; i++)
                if (str_eq(to->v[i].term, term))
                        return;
        to->v[to->n++] = need_of(a, term);
}

static void terms_take(Arena *a, const Tokens *t, size_t from, Question *q) {
        size_t class = class_end(t, from);
        q->needs.v = NEW_ARRAY(a, Need, t->n + 1);
        q->helps.v = NEW_ARRAY(a, Need, t->n + 1);
        for (size_t i = from; i < t->n && q->needs.n < NEEDS_MAX; i++) {
                const Token *w = &t->v[i];
                if (!says_something(w))
                        continue;
                if (i < class)
                        need_add(a, &q->helps, w->term);
                else if (!(w->flags & TERM_PLAIN))
                        need_add(a, &q->needs, w->term);
        }
        for (size_t i = class; !q->needs.n && !q->helps.n && i < t->n; i++)
                if (says_something(&t->v[i]))
                        need_add(a, &q->helps, t->v[i].term);
}

/* A question of nothing but its kind: "what is my name", "how old am I". */
static void need_of_kind(Arena *a, Question *q) {
        if (q->needs.n)
                return;
        if (q->kind == QUESTION_NAME)
                need_add(a, &q->needs, STR("name"));
        else if (q->kind == QUESTION_AGE)
                need_add(a, &q->needs, STR("age"));
}

static bool wants_all(const Tokens *t, size_t i, const Question *q) {
        if (q->kind != QUESTION_OPEN && q->kind != QUESTION_WHO)
                return false;
        if (q->liking && !q->needs.n)
                return true;
        if (!word_is(t, i, " what which who what's ") || speaks_of(t, " about happened happening "))
                return true;
        for (size_t k = i + 1; k < t->n; k++)
                if (says_something(&t->v[k]) && is_plural(t->v[k].word))
                        return true;
        return false;
}

static bool is_to_come(const Moment *m) {
        return m->kind == MOMENT_RELATIVE || m->kind == MOMENT_WEEKDAY || m->kind == MOMENT_DATE;
}

void question_read(Arena *a, Str message, Question *ret) {
        Tokens *t = NEW(a, Tokens);
        Moment m = { .phrase = STR_NULL };
        Str core = question_core(a, message);
        bool has_time = moment_find(a, core, &(MomentRef){ 0, 0 }, &m);
        tokens_read(a, core, has_time ? m.phrase : STR_NULL, t);
        size_t i = lead_skip(t);
        Question q = { .kind = kind_of(t, i), .liking = liking_of(t) };
        terms_take(a, t, i, &q);
        q.is_now = q.kind == QUESTION_YES_NO && word_is(t, i, now_auxiliaries);
        q.wants_all = wants_all(t, i, &q);
        q.is_vague = speaks_of(t, " he she they him her them his hers their theirs ");
        q.names_day = has_time && is_to_come(&m) && !word_is(t, i, past_auxiliaries) &&
                      !word_is(t, i + 1, past_auxiliaries);
        need_of_kind(a, &q);
        owner_read(a, core, &q.owner);
        *ret = q;
}

bool question_is_about_plans(const Question *q) {
        static const char *const words[] = { "plan",     "schedule", "calendar", "appointment",
                                             "deadline", "meeting",  "remind",   "reminder",
                                             "event",    "agenda",   "due" };
        char stem[TERM_MAX];
        for (size_t i = 0; i < q->needs.n; i++) {
                bool general = false;
                for (size_t k = 0; k < ELEMENTSOF(words) && !general; k++)
                        general = str_eq(term_of(str_c(words[k]), stem), q->needs.v[i].term);
                if (!general)
                        return false;
        }
        return true;
}

/* ---- how much of it a text says ---- */

static bool has_term(Strs list, Str term) {
        for (size_t i = 0; i < list.n; i++)
                if (str_eq(list.v[i], term))
                        return true;
        return false;
}

double need_told(const Need *need, Str text, bool *literal) {
        TermReader r = term_reader(str_to(text, READ_MAX));
        double best = 0;
        for (Term t; word_next(&r, &t);) {
                if (str_eq(need->term, t.term))
                        return 1;
                if (has_term(need->same, t.term))
                        best = 1;
                else if (best < NEAR_WEIGHT && has_term(need->near, t.term))
                        best = NEAR_WEIGHT;
        }
        *literal = false;
        return best;
}

static double told(const Needs *needs, Str text, bool *literal) {
        double sum = 0;
        for (size_t i = 0; i < needs->n; i++)
                sum += need_told(&needs->v[i], text, literal);
        return sum;
}

static bool is_of_owner(const Question *q, Str term) {
        for (size_t i = 0; i < q->owner.nouns.n; i++)
                if (str_eq(q->owner.nouns.v[i].term, term))
                        return true;
        return false;
}

/* It speaks of whom the question is about, and says nothing of what is asked. */
static bool is_beside(const Question *q, Str text) {
        size_t n = 0;
        bool literal;
        for (size_t i = 0; i < q->needs.n; i++) {
                if (is_of_owner(q, q->needs.v[i].term))
                        continue;
                if (need_told(&q->needs.v[i], text, &literal) > 0)
                        return false;
                n++;
        }
        return n > 0 && n < q->needs.n;
}

Cover question_cover(const Question *q, Str text) {
        Cover c = { 1, 1, true };
        bool ignored = true;
        double needs = told(&q->needs, text, &c.is_literal),
               helps = told(&q->helps, text, &ignored);
        double of = (double)q->needs.n + HELP_WEIGHT * (double)q->helps.n;
        if (q->needs.n)
                c.needs = needs / (double)q->needs.n;
        if (of > 0)
                c.share = (needs + HELP_WEIGHT * helps) / of;
        if (is_beside(q, text)) {
                c.needs = MIN(c.needs, BESIDE_SHARE);
                c.share = MIN(c.share, BESIDE_SHARE);
        }
        return c;
}

/* ---- what the kind of question asks for ---- */

static bool has_word(Str text, const char *list) {
        TermReader r = term_reader(str_to(text, READ_MAX));
        for (Term t; word_next(&r, &t);)
                if (word_is_in(t.word, list))
                        return true;
        return false;
}

static bool has_number(Str text) {
        for (size_t i = 0; i < text.n; i++)
                if (isdigit((unsigned char)text.p[i]))
                        return true;
        return has_word(text, " one two three four five six seven eight nine ten eleven twelve "
                              "twenty thirty ");
}

/* A capital inside a sentence, "I" apart. */
static bool has_name(Str text) {
        for (size_t i = 1; i < text.n; i++) {
                unsigned char c = (unsigned char)text.p[i], before = (unsigned char)text.p[i - 1];
                bool alone = i + 1 == text.n || !isalpha((unsigned char)text.p[i + 1]);
                bool begins = i < 2 || strchr(".!?", text.p[i - 2]);
                if (isupper(c) && !isalnum(before) && !begins && !(c == 'I' && alone))
                        return true;
        }
        return false;
}

static bool has_place(Str text) {
        static const Str words[] = { STR(" at "),     STR(" in "),    STR(" near "),
                                     STR(" from "),   STR(" on "),    STR(" to "),
                                     STR(" behind "), STR(" under "), STR(" next to ") };
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (str_contains(text, words[i]))
                        return true;
        return false;
}

/* How people give their names; what is called something else is not theirs. */
static const char *const name_starts[] = { "name is ",     "first name ", "full name ",
                                           "family name ", "last name ",  "nickname is ",
                                           "surname is " };
static const char *const name_says[] = { "my name",        "my first name", "my full name",
                                         "my last name",   "my nickname",   "my surname",
                                         "my family name", "i am called",   "i'm called",
                                         "call me",        "i go by" };

static bool gives_own_name(Str text) {
        for (size_t i = 0; i < ELEMENTSOF(name_starts); i++)
                if (text.n && is_at(text, 0, str_trim(str_c(name_starts[i]))))
                        return true;
        for (size_t k = 0; k < ELEMENTSOF(name_says); k++)
                for (size_t i = 0; i < text.n; i++)
                        if (is_at(text, i, str_c(name_says[k])))
                                return true;
        return false;
}

bool question_takes(const Question *q, Str text) {
        bool bare = q->owner.kind == OWNER_SELF && q->needs.n == 1 && !q->helps.n;
        if (bare && str_eq_c(q->needs.v[0].term, "name"))
                return gives_own_name(text);
        if (bare && q->kind == QUESTION_WHEN && str_eq_c(q->needs.v[0].term, "birthday"))
                return question_fits(q, text);
        return true;
}

bool question_fits(const Question *q, Str text) {
        switch (q->kind) {
        case QUESTION_WHO:
        case QUESTION_NAME: return has_name(text);
        case QUESTION_WHERE: return has_place(text);
        case QUESTION_WHEN: return text_flags(text) & (TEXT_HAS_TIME | TEXT_LOOSE_TIME);
        case QUESTION_COUNT:
        case QUESTION_AGE: return has_number(text);
        case QUESTION_OPEN:
        case QUESTION_YES_NO: break;
        }
        return true;
}

bool text_denies(Str text) {
        return has_word(text, " not never no without dislikes dislike hates hate don't doesn't "
                              "didn't isn't wasn't aren't can't cannot won't stopped ");
}

bool text_likes(Str text) {
        return has_word(text, likes) || has_word(text, dislikes) ||
               str_contains(text, STR(" stand "));
}

bool text_is_past_or_wish(Str text) {
        return has_word(text, " used was were had formerly once wants want plans plan hopes hope "
                              "wish might may would will ");
}

// SPDX-License-Identifier: MIT
#include "chat/question.h"

#include <ctype.h>

#include "base/buf.h"
#include "chat/phrase.h"
#include "memory/moment.h"
#include "memory/terms.h"
#include "memory/text_flags.h"
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
        "call old many much lot any more new time day date long soon often usually summarize "
        "summarise summary describe give before previously previous former formerly earlier use ";
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
        { "use to", "" },
        { "anything", "" },
        { "something", "" },
        { "what should you call me", "what is my nickname or name" },
        { "what do you call me", "what is my nickname or name" },
        { "getting married", "married" },
        { "do for a living", "work as, my job" },
        { "do for work", "work as, my job" },
        { "earn my living", "work as, my job" },
        { "what is my job", "work as, my job" },
        { "what's my job", "work as, my job" },
        { "my occupation", "work as, my job" },
        { "my profession", "work as, my job" },
};

/* The whole question, but for its punctuation. */
static const Idiom whole[] = {
        { "what do i do", "what do I work as, my job" },
        { "what do i do now", "what do I work as, my job" },
        { "so what do i do", "what do I work as, my job" },
};

/* What is asked for so is told in other words: they are looked for, too. */
static const Idiom wider[] = {
        { "how old am i", "my age, born, birthday" },
        { "my birthday", "born" },
        { "dislike", "hate, not like, can't stand" },
        { "do i hate", "dislike, not like, can't stand" },
        { "do i own", "have, bought" },
        { "allergies", "allergic" },
};

static bool is_at(Str s, size_t i, Str phrase) {
        return (!i || !isalnum((unsigned char)s.p[i - 1])) && i + phrase.n <= s.n &&
               str_eq_nocase(str_n(s.p + i, phrase.n), phrase) &&
               (i + phrase.n == s.n || !isalnum((unsigned char)s.p[i + phrase.n]));
}

static bool text_has_phrase(Str text, const char *phrase) {
        for (size_t i = 0; i < text.n; i++)
                if (is_at(text, i, str_c(phrase)))
                        return true;
        return false;
}

static bool has_phrase(Str text, const char *const *list) {
        for (; *list; list++)
                if (text_has_phrase(text, *list))
                        return true;
        return false;
}

static const Idiom *idiom_at(Str s, size_t i) {
        for (size_t k = 0; k < ELEMENTSOF(idioms); k++)
                if (is_at(s, i, str_c(idioms[k].from)))
                        return &idioms[k];
        return NULL;
}

static Str punctuation_cut(Str s) {
        s = str_trim(s);
        while (s.n && strchr("?!. ", s.p[s.n - 1]))
                s.n--;
        return s;
}

Str question_core(Arena *a, Str message) {
        for (size_t i = 0; i < ELEMENTSOF(whole); i++)
                if (str_eq_nocase(punctuation_cut(message), str_c(whole[i].from)))
                        return str_c(whole[i].to);
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
                if (text_has_phrase(core, wider[k].from))
                        return arena_strf(a, "%.*s %s", STR_FMT(core), wider[k].to);
        return core;
}

/* ---- what kind, and about what ---- */

static bool token_is(const Tokens *t, size_t i, const char *list) {
        return i < t->n && str_is_in(t->v[i].word, list);
}

static size_t lead_skip(const Tokens *t) {
        size_t i = 0;
        while (token_is(t, i, leads))
                i++;
        return i;
}

static bool speaks_of(const Tokens *t, const char *list) {
        for (size_t i = 0; i < t->n; i++)
                if (str_is_in(t->v[i].word, list))
                        return true;
        return false;
}

static QuestionKind kind_of(const Tokens *t, size_t i) {
        if (token_is(t, i, " how "))
                return token_is(t, i + 1, " many much ")         ? QUESTION_COUNT
                       : token_is(t, i + 1, " old ")             ? QUESTION_AGE
                       : token_is(t, i + 1, " soon long often ") ? QUESTION_WHEN
                                                                : QUESTION_OPEN;
        if (token_is(t, i, " what which what's ") && token_is(t, i + 1, " time day date year month "))
                return QUESTION_WHEN;
        if (token_is(t, i, " who who's whose whom "))
                return QUESTION_WHO;
        if (token_is(t, i, " where where's "))
                return QUESTION_WHERE;
        if (token_is(t, i, " when when's "))
                return QUESTION_WHEN;
        if (token_is(t, i, auxiliaries))
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
                if (str_is_in(word, dislikes) || (denied && str_is_in(word, likes)))
                        return -1;
                if (str_is_in(word, likes) && !is_how_like(t, i))
                        return 1;
        }
        return 0;
}

static bool says_something(const Token *t) {
        return !(t->flags & (TERM_STOP | TERM_STOP_WORD | TERM_ASK)) &&
               !str_is_in(t->word, empty_words) && !str_is_in(t->word, likes) &&
               !str_is_in(t->word, dislikes);
}

static bool is_plural(Str word) {
        return (word.n > 3 && word.p[word.n - 1] == 's' && word.p[word.n - 2] != 's') ||
               str_is_in(word, " children people kids family plans hobbies ");
}

/* Words between "which" and the verb name the kind of thing: "which car do I drive". */
static size_t class_end(const Tokens *t, size_t i) {
        if (!token_is(t, i, " what which "))
                return i;
        for (size_t k = i + 1; k < t->n && k < i + 5; k++)
                if (token_is(t, k, auxiliaries))
                        return k;
        return i;
}

/* ---- the same in other terms ---- */

/* "a: b c": who asks for a is told by b and c. Narrower than the synonyms of retrieval, where a
 * near miss costs little. */
static const char *const told_by[] = {
        "child: son daughter baby twin",
        "kid: son daughter baby twin child",
        "wife: spouse marry partner",
        "husband: spouse marry partner",
        "boyfriend: partner date",
        "girlfriend: partner date",
        "train: prepare",
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
        "appointment: meeting dentist doctor vet therapist haircut hairdresser checkup interview",
        "speak: language",
        "study: university degree school",
        "sick: ill",
        "medication: take medicine",
        "medicine: take medication",
        "pill: take medicine",
        "flat: apartment",
        "apartment: flat",
        "goal: want dream hope aim plan",
        "employer: work employ",
        "from: born hometown grow origin",
        "reminder: remind",
        "deadline: due submit",
        "pet: dog cat",
        "email: mail address",
        "phone: number",
        "language: speak",
        "alive: die dead live",
        "travel: visit trip holiday fly",
};

/* Also the name of a kind of thing ("a living", "the watch"), but hardly where it is needed. */
static const char doings[] = "live watch read write cook bake travel look work study play allergic";

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

static const char state_words[] =
        " live lived living work worked working study studied drive drove job employer home ";

/* Where "before Aldi" begins, of what may be so and then no longer; n when nowhere. */
static size_t later_at(const Tokens *t) {
        for (size_t i = 1; speaks_of(t, state_words) && i + 1 < t->n; i++)
                if (token_is(t, i, " before "))
                        return i;
        return t->n;
}

static void later_take(Arena *a, const Tokens *t, Question *q) {
        q->later.v = NEW_ARRAY(a, Need, t->n + 1);
        for (size_t i = later_at(t); i < t->n; i++)
                if (says_something(&t->v[i]))
                        need_add(a, &q->later, t->v[i].term);
}

static void terms_take(Arena *a, const Tokens *t, size_t from, Question *q) {
        size_t class = class_end(t, from), end = later_at(t);
        q->needs.v = NEW_ARRAY(a, Need, t->n + 1);
        q->helps.v = NEW_ARRAY(a, Need, t->n + 1);
        for (size_t i = from; i < end && q->needs.n < NEEDS_MAX; i++) {
                const Token *w = &t->v[i];
                if (!says_something(w))
                        continue;
                if (i < class)
                        need_add(a, &q->helps, w->term);
                else if (!(w->flags & TERM_PLAIN))
                        need_add(a, &q->needs, w->term);
        }
        for (size_t i = class; !q->needs.n && !q->helps.n && i < end; i++)
                if (says_something(&t->v[i]))
                        need_add(a, &q->helps, t->v[i].term);
}

/* A question of nothing but its kind: "what is my name", "how old am I". */
static void need_of_kind(Arena *a, const Tokens *t, Question *q) {
        if (q->needs.n)
                return;
        if (q->kind == QUESTION_WHERE && token_is(t, t->n - 1, " from "))
                need_add(a, &q->needs, STR("from"));
        if (q->kind == QUESTION_NAME)
                need_add(a, &q->needs, STR("name"));
        else if (q->kind == QUESTION_AGE)
                need_add(a, &q->needs, STR("age"));
}

static bool has_plural(const Tokens *t, size_t i) {
        for (; i < t->n; i++)
                if (says_something(&t->v[i]) && is_plural(t->v[i].word))
                        return true;
        return false;
}

static bool wants_all(const Tokens *t, size_t i, const Question *q) {
        if (q->kind == QUESTION_YES_NO)
                return speaks_of(t, " any ") && has_plural(t, i + 1);
        if (q->kind != QUESTION_OPEN && q->kind != QUESTION_WHO)
                return false;
        if (q->liking && !q->needs.n)
                return true;
        if (!token_is(t, i, " what which who what's ") || speaks_of(t, " about happened happening "))
                return true;
        /* "what am I allergic to", but not "what is my job" */
        if (token_is(t, i, " what which ") && token_is(t, i + 1, auxiliaries) &&
            !token_is(t, i + 1, " is was isn't wasn't ") && q->needs.n)
                return true;
        return has_plural(t, i + 1);
}

static const char plan_words[] = " plan plans planned planning schedule scheduled calendar agenda "
                                 "upcoming happening free busy available booked appointment "
                                 "appointments meeting meetings deadline deadlines reminders ";
static const char past_words[] = " before previously previous former formerly earlier used ";
static const char *const coming[] = { "coming up", "ahead of me", NULL };
static const char *const latest[] = { "tell you last",
                                      "told you last",
                                      "say last",
                                      "tell you today",
                                      "told you today",
                                      "last thing i",
                                      "tell you just now",
                                      "just tell you",
                                      "tell you recently",
                                      "last tell you",
                                      NULL };

static bool is_to_come(const Moment *m) {
        return m->kind == MOMENT_RELATIVE || m->kind == MOMENT_WEEKDAY ||
               m->kind == MOMENT_DATE || m->kind == MOMENT_MONTH;
}

void question_read(Arena *a, Str message, Question *ret) {
        Tokens *t = NEW(a, Tokens);
        Moment m = { .phrase = STR_NULL };
        Str core = question_core(a, message);
        bool has_time = moment_find(a, core, &(MomentRef){ 0, 0 }, &m);
        tokens_read(a, core, has_time ? m.phrase : STR_NULL, t);
        size_t i = lead_skip(t);
        bool is_over = token_is(t, i, past_auxiliaries) || token_is(t, i + 1, past_auxiliaries);
        Question q = { .kind = kind_of(t, i), .liking = liking_of(t) };
        terms_take(a, t, i, &q);
        q.is_now = q.kind == QUESTION_YES_NO && token_is(t, i, now_auxiliaries);
        q.wants_all = wants_all(t, i, &q);
        q.is_vague = speaks_of(t, " he she they him her them his hers their theirs ");
        q.names_day = !is_over && ((has_time && is_to_come(&m)) || span_of(message));
        q.is_plans = !is_over && (speaks_of(t, plan_words) || has_phrase(core, coming));
        q.is_latest = has_phrase(message, latest);
        q.is_past = speaks_of(t, past_words) || (is_over && speaks_of(t, state_words));
        later_take(a, t, &q);
        need_of_kind(a, t, &q);
        owner_read(a, core, &q.owner);
        *ret = q;
}

/* Plans of whatever kind are asked for with these; the second ones also name a kind. */
static const char general_plans[] = "plan schedule calendar event agenda due free busy available "
                                    "booked happen happening come coming upcoming do go";
static const char kinds_of_plans[] = "appointment deadline meeting remind reminder";

static bool is_term_of(Str term, const char *list) {
        char stem[TERM_MAX];
        for (Str rest = str_c(list); rest.p;)
                if (str_eq(term_of(str_cut(&rest, ' '), stem), term))
                        return true;
        return false;
}

bool question_is_about_plans(const Question *q, bool in_schedule) {
        if (!in_schedule && !q->names_day && !q->is_plans)
                return false;
        for (size_t i = 0; i < q->needs.n; i++)
                if (!is_term_of(q->needs.v[i].term, general_plans) &&
                    !is_term_of(q->needs.v[i].term, kinds_of_plans))
                        return false;
        return true;
}

static bool all_told(const Needs *list, Str text) {
        bool literal;
        for (size_t i = 0; i < list->n; i++)
                if (is_term_of(list->v[i].term, kinds_of_plans) &&
                    need_told(&list->v[i], text, &literal) < 1)
                        return false;
        return true;
}

bool question_takes_plan(const Question *q, Str text) {
        return all_told(&q->needs, text) && all_told(&q->helps, text);
}

static const struct {
        const char *phrase;
        Keeping in;
} keepings[] = {
        { "am i from", { NULL, "home" } },         { "do i come from", { NULL, "home" } },
        { "my goals", { "commitment", "goal" } },  { "my goal", { "commitment", "goal" } },
        { "my dreams", { "commitment", "goal" } }, { "what do i do", { NULL, "work" } },
        { "my employer", { NULL, "work" } },       { "my allergies", { NULL, "health" } },
        { "medications", { NULL, "health" } },     { "medication", { NULL, "health" } },
        { "medicines", { NULL, "health" } },       { "medicine", { NULL, "health" } },
        { "my pills", { NULL, "health" } },
};

bool question_kept_in(const Question *q, Str message, Keeping *ret) {
        for (size_t k = 0; k < ELEMENTSOF(keepings); k++)
                if (text_has_phrase(message, keepings[k].phrase)) {
                        *ret = keepings[k].in;
                        return true;
                }
        if (!q->liking || q->needs.n)
                return false;
        *ret = (Keeping){ "preference", NULL };
        return true;
}

static const struct {
        const char *phrase;
        Span span;
} spans[] = {
        { "this week", SPAN_WEEK },
        { "rest of the week", SPAN_WEEK },
        { "next weekend", SPAN_NEXT_WEEKEND },
        { "weekend", SPAN_WEEKEND },
        { "this month", SPAN_MONTH },
};

Span span_of(Str message) {
        for (size_t k = 0; k < ELEMENTSOF(spans); k++)
                if (text_has_phrase(message, spans[k].phrase))
                        return spans[k].span;
        return SPAN_NONE;
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
        char stem[TERM_MAX], low[TERM_MAX];
        Str name = str_to(q->owner.name, TERM_MAX);
        for (size_t i = 0; i < name.n; i++)
                low[i] = (char)tolower((unsigned char)name.p[i]);
        if (name.n && str_eq(term_of(str_n(low, name.n), stem), term))
                return true;
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
                if (str_is_in(t.word, list))
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
                if (text_has_phrase(text, name_says[k]))
                        return true;
        return false;
}

static const char *const origins[] = { "is from",      "am from",  "i'm from", "come from",
                                       "comes from",   "are from", "born",     "originally",
                                       "grew up",      "raised",   "hometown", "native",
                                       "home town is", NULL };

bool question_takes(const Question *q, Str text) {
        bool literal;
        for (size_t i = 0; i < q->later.n; i++)
                if (need_told(&q->later.v[i], text, &literal) >= 1)
                        return false;
        bool bare = q->owner.kind == OWNER_SELF && q->needs.n == 1 && !q->helps.n;
        if (bare && str_eq_c(q->needs.v[0].term, "name"))
                return gives_own_name(text);
        if (q->needs.n && str_eq_c(q->needs.v[0].term, "from"))
                return has_phrase(text, origins);
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

bool text_is_past(Str text) {
        return has_word(text, " used was were had formerly once lived worked studied drove "
                              "previously former ");
}

bool text_is_formerly(Str text) { return has_word(text, " used formerly previously former "); }

bool text_is_past_or_wish(Str text) {
        return has_word(text, " used was were had formerly once wants want plans plan hopes hope "
                              "wish might may would will ");
}

// SPDX-License-Identifier: MIT
#include "memory/extract_int.h"

#include <pthread.h>

static const char kin[] =
        " wife husband partner fiance fiancee fiancé fiancée girlfriend boyfriend spouse mother "
        "mom "
        "mum mommy father dad daddy "
        "sister brother son daughter child kid baby grandmother grandma grandfather grandpa "
        "granddaughter grandson aunt uncle "
        "cousin niece nephew stepmother stepfather stepsister stepbrother stepson stepdaughter "
        "twin "
        "friend roommate flatmate "
        "neighbor neighbour boss manager colleague coworker co-worker mentor teacher doctor "
        "therapist "
        "dentist landlord ex "
        "mother-in-law father-in-law sister-in-law brother-in-law godmother godfather assistant "
        "coach "
        "kids children sons "
        "daughters sisters brothers parents grandparents twins friends cousins ";
static const char animals[] =
        " dog cat puppy kitten rabbit bunny hamster parrot bird fish goldfish turtle tortoise "
        "horse "
        "pony snake lizard gecko "
        "guinea-pig ferret rat mouse chicken budgie canary pet dogs cats rabbits birds horses "
        "chickens kittens puppies "
        "parrots hamsters turtles fishes pets ";
static const char adverbs[] =
        " also really currently now still just actually truly absolutely definitely honestly "
        "totally "
        "mostly recently already "
        "personally finally generally simply genuinely especially particularly quite very so super "
        "extremely completely "
        "severely highly deathly mildly seriously terribly originally presently proudly happily "
        "basically obviously certainly ";
static const char kin_adjectives[] =
        " older younger elder little big best good close dear late new "
        "oldest youngest eldest own twin ";
static const char pronouns[] = " i we he she they it you this that there who which what my our his "
                               "her their your ";

static const char stop_place[] =
        " with for since as from to at by because and or but now where which who when while so if "
        "in "
        "on last next this "
        "yesterday today tomorrow recently again too though alone together currently anymore any "
        "until till over about "
        "before after during then i we my he she it they is are was were not please ago right "
        "these "
        "these-days ";
static const char stop_org[] = " as in since for with now on but where which who when while so if "
                               "because and or until till "
                               "last next this "
                               "yesterday today tomorrow recently again too though currently "
                               "anymore any before after during "
                               "then i we my he she "
                               "it they is was please right doing these ";
static const char stop_job[] = " at for in with and but since who that where on now by which so "
                               "because i we my while when "
                               "from but until these "
                               "currently though anymore any ";
static const char stop_thing[] =
        " but because since although though however while when whenever if unless until which who "
        "whereas then than "
        "anymore ";
static const char stop_clause[] = " but however although though whereas because ";
static const char trailing[] =
        " too also lately though please now anymore anyway haha lol btw tbh really most either "
        "currently recently well much "
        "lot all days moment right today thanks as a at so very these the by to be honest any more "
        "longer again ";
static const char not_name[] =
        " the a an not in on at very so too my your his her their our this that it and or but is "
        "are "
        "was for with from to "
        "what who where when why how just really also still here there now about like going trying "
        "looking working sure "
        "sorry happy sad tired fine good ok okay well great not allergic married single engaged "
        "divorced busy hungry ";
static const char number_words[] =
        " one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen "
        "nineteen twenty thirty forty fifty sixty seventy eighty ninety ";

static Str low_at(const Sentence *s, size_t i) { return i < s->n ? s->v[i].low : STR(""); }
static bool is_at(const Sentence *s, size_t i, const char *w) { return str_eq_c(low_at(s, i), w); }
static unsigned flags_before(const Sentence *s, size_t i) { return i ? s->v[i - 1].flags : 0; }

bool is_hypothetical(const Sentence *s, size_t at) {
        size_t back = at > 3 ? at - 3 : 0;
        if (at &&
            word_in(s->v[at - 1].low, " do did does should would could can may might must will "
                                      "where what which who how "
                                      "why am are is was were shall whose "))
                return true;
        for (size_t i = at; i > back; i--) {
                Str w = s->v[i - 1].low;
                if (word_in(w, " if whether unless suppose imagine pretend wish wishes assuming "
                               "hypothetically "))
                        return true;
                bool reports =
                        word_in(w, " said says told tells thinks thought claims claimed asked "
                                   "asks believes believed ");
                if (reports && !(i >= 2 && is_at(s, i - 2, "i")))
                        return true;
                if (i < at && s->v[i - 1].flags & (T_COMMA | T_BREAK) && !reports)
                        return false;
        }
        return false;
}

/* ---- captures ---- */

/* Does the word begin a clause of its own? Used behind "and" and commas. */
static bool begins_clause(const Sentence *s, size_t i) {
        Str w = low_at(s, i);
        return word_in(w, pronouns) ||
               word_in(w,
                       " also am is are was were have has had live lives work works like likes "
                       "love loves hate hates dislike "
                       "enjoy enjoys prefer want wants need can could do does did don't will would "
                       "am moved started got went "
                       "visited bought thanks please so because especially right ok yes no how "
                       "what maybe then please "
                       "always never usually can't not study plan play speak know use ");
}

/* token i follows a comma inside a list of things */
static size_t list_comma(const Sentence *s, size_t i) {
        return !begins_clause(s, i) &&
               !word_in(low_at(s, i), " but and or though thanks please too right which who "
                                      "");
}

static size_t take_place(const Sentence *s, size_t i) {
        size_t e = i;
        for (; e < s->n && e - i < 6; e++) {
                bool comma = e > i && flags_before(s, e) & T_COMMA;
                if (e > i && flags_before(s, e) & T_BREAK)
                        break;
                if (comma && !(s->v[e].flags & T_CAPITAL && !begins_clause(s, e)))
                        break;
                if (word_in(s->v[e].low, stop_place) || word_in(s->v[e].low, number_words))
                        break;
        }
        return e;
}

static size_t take_until(const Sentence *s, size_t i, const char *stops, size_t max) {
        size_t e = i;
        for (; e < s->n && e - i < max; e++) {
                bool conjoined = word_in(s->v[e].low, " and & ") && e > i && e + 1 < s->n &&
                                 s->v[e + 1].flags & T_CAPITAL && !begins_clause(s, e + 1);
                if ((e > i && flags_before(s, e) & (T_COMMA | T_BREAK)) ||
                    (word_in(s->v[e].low, stops) && !conjoined))
                        break;
        }
        return e;
}

static size_t take_thing(const Sentence *s, size_t i, const char *stops, size_t max) {
        size_t e = i;
        for (; e < s->n && e - i < max; e++) {
                Str w = s->v[e].low;
                if (e > i && flags_before(s, e) & T_BREAK)
                        break;
                if (e > i && flags_before(s, e) & T_COMMA && !list_comma(s, e) &&
                    !is_at(s, e, "and") && !is_at(s, e, "or"))
                        break;
                if (word_in(w, " and or ") && (e + 1 >= s->n || begins_clause(s, e + 1)))
                        break;
                if (word_in(w, stops) || (e > i && word_in(w, " so ") && begins_clause(s, e + 1)))
                        break;
        }
        return e;
}

static size_t trim_tail(const Sentence *s, size_t i, size_t e) {
        while (e > i && word_in(s->v[e - 1].low, trailing))
                e--;
        return e;
}

static size_t take_name(const Sentence *s, size_t i) {
        size_t e = i;
        while (e < s->n && e - i < 3 && s->v[e].flags & T_CAPITAL && !is_at(s, e, "i") &&
               !is_at(s, e, "my") && (e == i || !(flags_before(s, e) & (T_COMMA | T_BREAK))))
                e++;
        if (e == i && i < s->n && !word_in(s->v[i].low, not_name) && !(s->v[i].flags & T_NUMBER) &&
            s->v[i].low.n > 1)
                e = i + 1; /* "my name is anna" */
        return e;
}

/* By its last word: "a software engineer" is a job, "a night owl" and "an Italian" are not. */
static bool is_job_word(Str w) {
        static const char *const endings[] = { "er",  "or",    "ist",    "ian", "eer",
                                               "ant", "smith", "wright", "man", "woman" };
        if (word_in(w, " nurse chef student pilot dj ceo cto cfo vp coach host judge clerk cook "
                       "midwife freelancer intern "
                       "architect vet guide athlete cashier surgeon model poet artisan barista "))
                return true;
        if (word_in(w,
                    " lover beginner believer member mother father brother sister daughter number "
                    "matter winner loser sufferer "
                    "survivor owner user follower newcomer foreigner teenager smoker drinker riser "
                    "christian vegetarian italian "
                    "brazilian canadian indian russian australian austrian belgian egyptian "
                    "hungarian iranian norwegian peruvian "
                    "ukrainian romanian asian human woman man outsider customer subscriber buyer "
                    "sinner dreamer gamer reader "
                    "supporter hater amateur stranger perfectionist person minimalist pessimist "
                    "optimist realist feminist "
                    "atheist racist tourist traveler traveller cancer taker keeper tester better "
                    "other another "))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(endings); i++)
                if (w.n > 4 && str_ends(w, str_c(endings[i])))
                        return true;
        return false;
}

static size_t take_job_word(const Sentence *s, size_t i) {
        size_t e = take_until(s, i, stop_job, 5);
        return e > i && is_job_word(s->v[e - 1].low) ? e : i;
}

static size_t take_nationality(const Sentence *s, size_t i) {
        Str w = low_at(s, i);
        bool fits = i < s->n && s->v[i].flags & T_CAPITAL &&
                    (str_ends(w, STR("ese")) || str_ends(w, STR("ish")) ||
                     str_ends(w, STR("ian")) || str_ends(w, STR("ican")) ||
                     word_in(w, " german french greek dutch korean african european moroccan swiss "
                                "thai czech serb croat turk "
                                "slovak catholic muslim israeli iraqi pakistani cuban chilean "
                                "filipino icelandic kiwi "));
        return fits ? i + 1 : i;
}

static size_t take_names(const Sentence *s, size_t i) {
        size_t e = take_name(s, i);
        while (e > i && e < s->n) {
                size_t next = e + (is_at(s, e, "and") || is_at(s, e, "&"));
                if (next == e && !(flags_before(s, e) & T_COMMA))
                        break;
                if (next >= s->n || !(s->v[next].flags & T_CAPITAL) || begins_clause(s, next))
                        break;
                e = take_name(s, next);
        }
        return e;
}

static size_t take_number(const Sentence *s, size_t i) {
        if (i < s->n && s->v[i].flags & T_NUMBER)
                return i + 1;
        size_t e = i;
        while (e < s->n && e - i < 2 && word_in(s->v[e].low, number_words))
                e++;
        bool dashed = e == i && i < s->n && str_index(s->v[i].low, '-') < s->v[i].low.n &&
                      word_in(str_to(s->v[i].low, str_index(s->v[i].low, '-')), number_words);
        return e + dashed;
}

/* "thirty-four" -> 34; 0 when it is none */
static int number_value(Str low) {
        static const char *const words[] = {
                "one",     "two",     "three",     "four",     "five",     "six",      "seven",
                "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen", "fourteen",
                "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",   "thirty",
                "forty",   "fifty",   "sixty",     "seventy",  "eighty",   "ninety"
        };
        for (int i = 0; i < (int)ELEMENTSOF(words); i++)
                if (str_eq_c(low, words[i]))
                        return i < 20 ? i + 1 : (i - 17) * 10;
        return 0;
}

static Str number_text(Arena *a, const Sentence *s, size_t i, size_t e) {
        if (s->v[i].flags & T_NUMBER)
                return s->v[i].raw;
        int v = 0;
        for (; i < e; i++) {
                Str rest = s->v[i].low;
                while (rest.p)
                        v += number_value(str_cut(&rest, '-'));
        }
        return arena_strf(a, "%d", v);
}

static Str name_text(Arena *a, Str raw) {
        if (raw.p[0] < 'a' || raw.p[0] > 'z')
                return raw;
        return arena_strf(a, "%c%.*s", raw.p[0] - 32, STR_FMT(str_from(raw, 1)));
}

static size_t take_kind(const Sentence *s, char kind, size_t i) {
        switch (kind) {
        case 'N': return take_name(s, i);
        case 'M': return i < s->n && s->v[i].flags & T_CAPITAL ? take_name(s, i) : i;
        case 'G': return take_nationality(s, i);
        case 'W': return take_job_word(s, i);
        case 'L': return take_names(s, i);
        case 'Q': return i < s->n && s->v[i].flags & T_CAPITAL ? take_names(s, i) : i;
        case 'P': return take_place(s, i);
        case 'O': return take_until(s, i, stop_org, 6);
        case 'J': return take_until(s, i, stop_job, 6);
        case 'T': return trim_tail(s, i, take_thing(s, i, stop_thing, 14));
        case 'C': return take_thing(s, i, stop_clause, 40);
        case 'X': return take_until(s, i, " is are was 's i my ", 3);
        case 'D': return take_number(s, i);
        case 'K': return i < s->n && word_in(s->v[i].low, kin) ? i + 1 : i;
        case 'A': return i < s->n && word_in(s->v[i].low, animals) ? i + 1 : i;
        }
        return i;
}

/* ---- subjects ---- */

static bool subject_named(const Matcher *m, size_t at, Match *ret, size_t *ret_end) {
        const Sentence *s = m->s;
        if (!is_at(s, at, "my"))
                return false;
        size_t k = at + 1;
        while (word_in(low_at(s, k), kin_adjectives) && k - at < 3)
                k++;
        if (!word_in(low_at(s, k), kin) && !word_in(low_at(s, k), animals))
                return false;
        size_t e = k + 1;
        while (e < s->n && e - k < 3 && s->v[e].flags & T_CAPITAL &&
               !word_in(s->v[e].low, pronouns) && !(flags_before(s, e) & T_BREAK))
                e++;
        ret->subject = s->v[k].low;
        ret->subject_text = arena_strf(m->a, "My%.*s", STR_FMT(str_from(tokens_text(s, at, e), 2)));
        *ret_end = e;
        return true;
}

static bool subject_match(const Matcher *m, size_t at, Match *ret, size_t *ret_end) {
        const Sentence *s = m->s;
        ret->subject = STR("self");
        ret->subject_text = STR("");
        *ret_end = at + 1;
        if (is_at(s, at, "i") || is_at(s, at, "we") ||
            (m->is_note && at == 0 && is_at(s, 0, "user")))
                return true;
        if (m->is_note && at == 0 && is_at(s, 0, "the") && is_at(s, 1, "user")) {
                *ret_end = 2;
                return true;
        }
        if (subject_named(m, at, ret, ret_end))
                return true;
        if (at && m->last_subject.p && word_in(s->v[at].low, " and but then ") && at + 1 < s->n &&
            !word_in(s->v[at + 1].low, pronouns)) {
                ret->subject = m->last_subject;
                ret->subject_text = m->last_subject_text;
                return true;
        }
        *ret_end = at;
        return m->is_note && at == 0;
}

/* ---- patterns ---- */

/* The element at *p, cut off; false at the end. */
static bool element_next(const char **p, Str *ret) {
        while (**p == ' ')
                (*p)++;
        const char *b = *p;
        while (**p && **p != ' ')
                (*p)++;
        *ret = (Str){ b, (size_t)(*p - b) };
        return ret->n > 0;
}

static bool literal_fits(Str element, Str low) {
        if (str_ends(element, STR("?")))
                element.n--;
        for (Str rest = element; rest.p;)
                if (str_eq(str_cut(&rest, '|'), low))
                        return true;
        return false;
}

/* A capture stops where the word that the pattern wants next stands. */
static size_t stop_before(const Sentence *s, const char *p, size_t i, size_t e) {
        Str next;
        if (!element_next(&p, &next) || next.p[0] == '%' || str_ends(next, STR("?")))
                return e;
        for (size_t k = i + 1; k < e; k++)
                if (literal_fits(next, s->v[k].low))
                        return k;
        return e;
}

static bool capture(const Matcher *m, char kind, const char *p, Match *ret) {
        const Sentence *s = m->s;
        size_t e = take_kind(s, kind, ret->end);
        if (e > ret->end && strchr("TJWOPX", kind))
                e = stop_before(s, p, ret->end, e);
        if (e == ret->end || ret->n_captures == CAPTURES_MAX)
                return false;
        Str text = tokens_text(s, ret->end, e);
        ret->captures[ret->n_captures] = kind == 'D'   ? number_text(m->a, s, ret->end, e)
                                         : kind == 'N' ? name_text(m->a, text)
                                                       : text;
        Str before = ret->end ? s->v[ret->end - 1].low : STR("");
        bool article =
                ret->end > ret->start && strchr("JWT", kind) && word_in(before, " a an the my ");
        ret->worded[ret->n_captures] =
                article ? tokens_text(s, ret->end - 1, e) : ret->captures[ret->n_captures];
        ret->kinds[ret->n_captures++] = kind;
        ret->end = e;
        return true;
}

/* "User's name is …" is "my name is …" in a note; 0: nobody is named. */
static size_t note_owner(const Sentence *s) {
        size_t k = is_at(s, 0, "the");
        return is_at(s, k, "user") && is_at(s, k + 1, "'s") ? k + 2 : 0;
}

static bool literal(const Matcher *m, Str element, bool is_first, Match *ret) {
        const Sentence *s = m->s;
        size_t i = ret->end;
        while (!is_first && i < s->n && word_in(s->v[i].low, adverbs) &&
               !literal_fits(element, s->v[i].low))
                i++;
        bool broken = i > ret->start && flags_before(s, i) & T_BREAK && !is_first;
        if (i < s->n && !broken && literal_fits(element, s->v[i].low)) {
                ret->end = i + 1;
                return true;
        }
        if (m->is_note && is_first && str_eq_c(element, "my") && ret->end == 0) {
                ret->end = note_owner(s);
                return true;
        }
        return str_ends(element, STR("?"));
}

bool rule_match(const Matcher *m, const Rule *rule, size_t at, Match *ret) {
        Match t = { .start = at, .end = at, .subject = STR("self"), .subject_text = STR("") };
        const char *p = rule->pattern;
        Str element;
        if (rule->flags & R_NOTE && !m->is_note)
                return false;
        for (bool first = true; element_next(&p, &element); first = false) {
                if (element.p[0] != '%') {
                        if (!literal(m, element, first, &t))
                                return false;
                } else if (element.p[1] == 'S') {
                        if (!subject_match(m, t.end, &t, &t.end))
                                return false;
                } else {
                        while (t.end < m->s->n && strchr("KA", element.p[1]) &&
                               word_in(low_at(m->s, t.end), kin_adjectives))
                                t.end++;
                        if (!capture(m, element.p[1], p, &t))
                                return false;
                }
        }
        if (rule->flags & R_SELF && !str_eq_c(t.subject, "self"))
                return false;
        if (rule->flags & R_END && t.end < m->s->n &&
            !(flags_before(m->s, t.end) & (T_COMMA | T_BREAK)) &&
            !word_in(low_at(m->s, t.end), " and but from "))
                return false;
        *ret = t;
        return t.end > t.start;
}

/* ---- which rules can match at all ---- */

/* A rule needs a word of each of its literals somewhere in the sentence. The words of all rules
 * stand in one table and a sentence is the set of those it has, so that most rules fall out before
 * they are tried at any place. */
enum { RULES_MAX = 512, SLOTS = 2048, NEEDS_SIZE = 8192 };

typedef struct RuleSet {
        uint64_t bits[RULES_MAX / 64];
} RuleSet;

typedef struct Said {
        uint64_t bits[SLOTS / 64];
} Said;

static Str slots[SLOTS];           /* open addressing; a word's number is its slot */
static uint16_t needs[NEEDS_SIZE]; /* per rule: count, words; count, words; 0 */
static const uint16_t *needs_of[RULES_MAX];
static RuleSet beginnings[SLOTS]; /* rules whose first literal a word is, by its number */
static RuleSet always;            /* rules that need no word */

static unsigned slot_of(Str word) {
        uint32_t h = 0x811c9dc5u;
        for (size_t i = 0; i < word.n; i++)
                h = (h ^ (unsigned char)word.p[i]) * 0x01000193u;
        unsigned at = (h ^ h >> 15) % SLOTS;
        while (slots[at].p && !str_eq(slots[at], word))
                at = (at + 1) % SLOTS;
        return at;
}

static uint16_t *need_add(uint16_t *at, Str element) {
        uint16_t *count = at++;
        for (Str rest = element; rest.p; (*count)++) {
                Str word = str_cut(&rest, '|');
                *at = (uint16_t)slot_of(word);
                slots[*at++] = word;
        }
        return at;
}

static void rule_put(RuleSet *set, size_t rule) {
        set->bits[rule / 64] |= UINT64_C(1) << rule % 64;
}

static void need_begin(const uint16_t *need, size_t rule) {
        if (!*need)
                rule_put(&always, rule);
        for (unsigned i = 1; i <= *need; i++)
                rule_put(&beginnings[need[i]], rule);
}

static void needs_make(void) {
        uint16_t *at = needs;
        for (size_t r = 0; extract_rules[r].pattern; r++) {
                assert(r < RULES_MAX);
                needs_of[r] = at;
                const char *p = extract_rules[r].pattern;
                Str element;
                for (bool first = true; element_next(&p, &element); first = false) {
                        bool may_miss =
                                str_ends(element, STR("?")) || (first && str_eq_c(element, "my"));
                        if (element.p[0] != '%' && !may_miss)
                                at = need_add(at, element);
                }
                *at++ = 0;
                assert(at < needs + NEEDS_SIZE - 256);
                need_begin(needs_of[r], r);
        }
}

static bool rule_is_possible(const uint16_t *need, const Said *said) {
        while (*need) {
                const uint16_t *end = need + 1 + *need;
                bool found = false;
                while (!found && ++need < end)
                        found = said->bits[*need / 64] >> *need % 64 & 1;
                if (!found)
                        return false;
                need = end;
        }
        return true;
}

const Rule **rules_possible(Arena *a, const Sentence *s) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, needs_make);
        Said said = { { 0 } };
        RuleSet begun = always;
        for (size_t i = 0; i < s->n; i++) {
                unsigned at = slot_of(s->v[i].low);
                if (!slots[at].p)
                        continue;
                said.bits[at / 64] |= UINT64_C(1) << at % 64;
                for (size_t w = 0; w < ELEMENTSOF(begun.bits); w++)
                        begun.bits[w] |= beginnings[at].bits[w];
        }
        const Rule **list = NEW_ARRAY(a, const Rule *, RULES_MAX + 1);
        size_t n = 0;
        for (size_t w = 0; w < ELEMENTSOF(begun.bits); w++)
                for (uint64_t left = begun.bits[w]; left; left &= left - 1) {
                        size_t r = w * 64 + (size_t)__builtin_ctzll(left);
                        if (rule_is_possible(needs_of[r], &said))
                                list[n++] = &extract_rules[r];
                }
        list[n] = NULL;
        return list;
}

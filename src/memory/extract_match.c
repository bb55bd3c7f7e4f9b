// SPDX-License-Identifier: MIT
#include "memory/extract_int.h"

#include <pthread.h>

static const char adverbs[] =
        " also really currently now still just actually truly absolutely definitely honestly "
        "totally mostly recently already personally finally generally simply genuinely especially "
        "particularly quite very so super extremely completely severely highly deathly mildly "
        "seriously terribly originally presently proudly happily basically obviously certainly ";
static const char kin_adjectives[] =
        " older younger elder little big best good close dear late new oldest youngest eldest own "
        "twin ";
/* ---- subjects ---- */

static bool subject_named(const Matcher *m, size_t at, Match *ret, size_t *ret_end) {
        const Sentence *s = m->s;
        static const char telling[] =
                " older younger elder little big oldest youngest eldest twin ";
        if (!is_at(s, at, "my") && !is_at(s, at, "our"))
                return false;
        size_t k = at + 1;
        while (str_is_in(low_at(s, k), kin_adjectives) && k - at < 3)
                k++;
        size_t animal = take_kind(s, 'A', k);
        if (!str_is_in(low_at(s, k), kin_words) && animal == k)
                return false;
        k = animal > k ? animal - 1 : k;
        size_t e = k + 1;
        while (e < s->n && e - k < 3 && s->v[e].flags & T_CAPITAL &&
               !str_is_in(s->v[e].low, pronoun_words) && !(flags_before(s, e) & T_BREAK))
                e++;
        bool told = e == k + 1 && str_is_in(s->v[k - 1].low, telling);
        ret->subject = e > k + 1 ? tokens_text(s, k, e)
                       : told    ? tokens_text(s, k - 1, e)
                                 : s->v[k].low;
        ret->subject_text = arena_strf(m->a, "My %.*s", STR_FMT(tokens_text(s, at + 1, e)));
        *ret_end = e;
        return true;
}

/* A name that is no place and no time: not "in Leeds", "12 June". */
static bool names_somebody(const Sentence *s, size_t i) {
        static const char times[] =
                " january february march april may june july august september october november "
                "december monday tuesday wednesday thursday friday saturday sunday christmas "
                "easter ";
        return i && s->v[i].flags & T_CAPITAL && !is_at(s, i, "i") &&
               !str_is_in(s->v[i].low, times) &&
               !str_is_in(s->v[i - 1].low, " in at from to near of on for until since by ") &&
               !(s->v[i - 1].flags & T_CAPITAL);
}

/* "sister Ana" and "older sister" are a sister. */
static Str kin_of(Str subject) {
        Str rest = subject, first = str_cut(&rest, ' ');
        return rest.n && !str_is_in(first, kin_words) && !str_is_in(first, animal_words) ? rest
                                                                                         : first;
}

static void person_found(const Match *at, People *found) {
        Person p = { at->subject, at->subject_text };
        Str kin = kin_of(at->subject);
        if (is_plural_kin(kin)) {
                found->they = p;
                found->groups++;
                return;
        }
        if (!is_man(kin)) {
                found->she = p;
                found->women++;
        }
        if (!is_woman(kin)) {
                found->he = p;
                found->men++;
        }
}

People people_of(Arena *a, const Sentence *s, const People *before) {
        Matcher m = { .a = a, .s = s };
        People found = { .she = { STR_NULL, STR_NULL } };
        bool she_goes_on = false, he_goes_on = false, they_go_on = false;
        for (size_t i = 0; i < s->n; i++) {
                Match at;
                size_t end;
                she_goes_on |= is_at(s, i, "she");
                he_goes_on |= is_at(s, i, "he");
                they_go_on |= is_at(s, i, "they");
                if (subject_named(&m, i, &at, &end)) {
                        person_found(&at, &found);
                        i = end - 1;
                } else if (names_somebody(s, i)) {
                        return (People){ .women = 0 };
                }
        }
        if (!found.women && she_goes_on)
                found.she = before->she;
        if (!found.men && he_goes_on)
                found.he = before->he;
        if (!found.groups && they_go_on)
                found.they = before->they;
        if (found.women > 1)
                found.she.subject = STR_NULL;
        if (found.men > 1)
                found.he.subject = STR_NULL;
        if (found.groups > 1)
                found.they.subject = STR_NULL;
        return found;
}

/* One of the words of a name that is known; not "my Leo", "Uncle Leo". */
static bool is_known_name(const Matcher *m, size_t at) {
        const Token *t = at < m->s->n ? &m->s->v[at] : NULL;
        bool begins = !at || flags_before(m->s, at) & (T_COMMA | T_BREAK) ||
                      str_is_in(m->s->v[at - 1].low, " and but because so that then ");
        if (!t || !(t->flags & T_CAPITAL) || !begins)
                return false;
        for (size_t i = 0; i < m->names.n; i++)
                for (Str rest = m->names.v[i]; rest.p;) {
                        Str word = str_cut(&rest, ' ');
                        while (word.n && strchr(",;", word.p[word.n - 1]))
                                word.n--;
                        if (str_eq(word, t->raw))
                                return true;
                }
        return false;
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
        const Person *meant = is_at(s, at, "she")    ? &m->people.she
                              : is_at(s, at, "he")   ? &m->people.he
                              : is_at(s, at, "they") ? &m->people.they
                                                     : NULL;
        if (is_known_name(m, at)) {
                ret->subject = ret->subject_text = s->v[at].raw;
                return true;
        }
        if (meant && meant->subject.n) {
                ret->subject = meant->subject;
                ret->subject_text = meant->text;
                return true;
        }
        if (at && m->last_subject.p && str_is_in(s->v[at].low, " and but then ") && at + 1 < s->n &&
            !str_is_in(s->v[at + 1].low, pronoun_words)) {
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
        if (kind == 'P')
                ret->end = place_start(s, ret->end);
        size_t e = take_kind(s, kind, ret->end);
        if (e > ret->end && strchr("TJWOPX", kind))
                e = stop_before(s, p, ret->end, e);
        if (e == ret->end || ret->n_captures == CAPTURES_MAX)
                return false;
        Str text = tokens_text(s, ret->end, e);
        if (!ret->n_captures)
                ret->first = s->v[ret->end].low;
        ret->captures[ret->n_captures] = kind == 'D'   ? number_text(m->a, s, ret->end, e)
                                         : kind == 'N' ? name_text(m->a, text)
                                         : kind == 'A' ? s->v[e - 1].low
                                                       : text;
        Str before = ret->end ? s->v[ret->end - 1].low : STR("");
        bool article =
                ret->end > ret->start && strchr("JWT", kind) && str_is_in(before, " a an the my ");
        ret->worded[ret->n_captures] = article       ? tokens_text(s, ret->end - 1, e)
                                       : kind == 'A' ? text
                                                     : ret->captures[ret->n_captures];
        ret->kinds[ret->n_captures++] = kind;
        ret->end = e;
        return true;
}

/* "User's name is …" is "my name is …" in a note; 0: nobody is named. */
static size_t note_owner(const Sentence *s) {
        size_t k = is_at(s, 0, "the");
        return is_at(s, k, "user") && is_at(s, k + 1, "'s") ? k + 2 : 0;
}

/* "I've quit", "I do love": the verb that counts is the one behind. Returns its token, or i. */
static size_t behind_helper(const Sentence *s, size_t i, Str element) {
        bool perfect = str_is_in(low_at(s, i), " have has "),
             stressed = str_is_in(low_at(s, i), " do does ");
        if ((!perfect && !stressed) || literal_fits(element, s->v[i].low))
                return i;
        size_t k = i + 1;
        while (k < s->n && str_is_in(s->v[k].low, adverbs))
                k++;
        Str w = low_at(s, k);
        bool past = str_ends(w, STR("ed")) ||
                    str_is_in(w, " quit left got become begun broken broke lost won sold bought "
                                 "met taken split ");
        bool base =
                str_is_in(w, " love like hate enjoy live work want need prefer play have speak ");
        return k < s->n && (perfect ? past : base) && literal_fits(element, w) ? k : i;
}

static bool literal(const Matcher *m, Str element, bool is_first, Match *ret) {
        const Sentence *s = m->s;
        size_t i = ret->end;
        while (!is_first && i < s->n && str_is_in(s->v[i].low, adverbs) &&
               !literal_fits(element, s->v[i].low))
                i++;
        if (!is_first)
                i = behind_helper(s, i, element);
        bool broken = i > ret->start && flags_before(s, i) & T_BREAK && !is_first;
        bool ours = str_eq_c(element, "my") && is_at(s, i, "our");
        if (i < s->n && !broken && (ours || literal_fits(element, s->v[i].low))) {
                ret->end = i + 1;
                return true;
        }
        if (m->is_note && is_first && str_eq_c(element, "my") && ret->end == 0) {
                ret->end = note_owner(s);
                return true;
        }
        return str_ends(element, STR("?"));
}

static bool ends_at(const Sentence *s, size_t end, bool when) {
        static const char times[] = " last yesterday today recently again tonight this now in on "
                                    "at since for ago two three four five six a few about before "
                                    "after years months weeks because so though who living by ";
        return end >= s->n || flags_before(s, end) & (T_COMMA | T_BREAK) ||
               str_is_in(s->v[end].low, " and but from ") ||
               (when && (str_is_in(s->v[end].low, times) || s->v[end].flags & T_NUMBER));
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
                        while (t.end < m->s->n && strchr("KAH", element.p[1]) &&
                               str_is_in(low_at(m->s, t.end), kin_adjectives))
                                t.end++;
                        if (!capture(m, element.p[1], p, &t))
                                return false;
                }
        }
        if (rule->flags & R_SELF && !str_eq_c(t.subject, "self"))
                return false;
        if (rule->flags & (R_END | R_WHEN) && !ends_at(m->s, t.end, rule->flags & R_WHEN))
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

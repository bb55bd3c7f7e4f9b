// SPDX-License-Identifier: MIT
#include "memory/extract.h"

#include "codec/when.h"
#include "memory/extract_int.h"
#include "memory/moment.h"

enum { VALUE_MAX = 200, CONTENT_BYTES_MAX = 1500, LIST_MAX = 8, NOTE_FACTS_MAX = 24 };

const char *const attribute_names[_ATTR_N] = {
        [ATTR_NONE] = "",
        [ATTR_NAME] = "name",
        [ATTR_AGE] = "age",
        [ATTR_LOCATION] = "location",
        [ATTR_JOB] = "job",
        [ATTR_WORKPLACE] = "workplace",
        [ATTR_RELATIONSHIP] = "relationship",
        [ATTR_TIMEZONE] = "timezone",
        [ATTR_PREFERENCE] = "preference",
        [ATTR_BIRTHDAY] = "birthday",
        [ATTR_GENDER] = "gender",
        [ATTR_LANGUAGE] = "language",
        [ATTR_EDUCATION] = "education",
        [ATTR_PARTNER_NAME] = "partner_name",
        [ATTR_PET_NAME] = "pet_name",
        [ATTR_OTHER] = "other",
};

Attribute attribute_parse(Str name) {
        for (int i = ATTR_NONE + 1; i < _ATTR_N; i++)
                if (str_eq_c(name, attribute_names[i]))
                        return (Attribute)i;
        return ATTR_NONE;
}

/* One text on its way through the rules. */
typedef struct Reader {
        Arena *a;
        const ExtractContext *ec;
        Facts *out;
        size_t max; /* of them */
        Sentence s;
        /* first token that counts: behind "please remember that" */
        size_t from;
        bool is_remembered, is_correction;
        Matcher m;
        People people; /* of the sentence before */
        Strs names;    /* of the speaker's people */
        const Rule **rules; /* those that can match in this sentence */
} Reader;

/* ---- templates ---- */

static Str template_fill(Arena *a, const char *t, const Str *captures, size_t n) {
        _cleanup_(buf_done) Buf b = BUF(CONTENT_BYTES_MAX + 256);
        for (; t && *t; t++) {
                size_t i = t[0] == '$' && t[1] >= '1' && t[1] <= '9' ? (size_t)(t[1] - '0') : 0;
                if (i && i <= n)
                        buf_add(&b, captures[i - 1]);
                else
                        buf_addc(&b, *t);
                t += i > 0;
        }
        return t ? arena_dup(a, buf_str(&b)) : STR_NULL;
}

/* "lives in Rome" -> "live in Rome", for "my parents"; templates have the verb of one person. */
static Str verb_plural(Arena *a, Str subject, Str text) {
        static const struct {
                const char *one, *many;
        } verbs[] = { { "is", "are" },     { "has", "have" }, { "was", "were" },
                      { "does", "do" },    { "goes", "go" },  { "studies", "study" },
                      { "wishes", "wish" } };
        Str last = subject;
        while (str_index(last, ' ') < last.n)
                last = str_from(last, str_index(last, ' ') + 1);
        size_t no = str_starts(text, STR("no longer ")) ? 10 : 0;
        Str head = str_to(text, no), rest = str_from(text, no);
        Str verb = str_to(rest, str_index(rest, ' ')), tail = str_from(rest, verb.n);
        if (!is_plural_kin(last))
                return text;
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (str_eq_c(verb, verbs[i].one))
                        return arena_strf(a, "%.*s%s%.*s", STR_FMT(head), verbs[i].many,
                                          STR_FMT(tail));
        bool third = verb.n > 2 && verb.p[verb.n - 1] == 's' && verb.p[verb.n - 2] != 's';
        return third ? arena_strf(a, "%.*s%.*s%.*s", STR_FMT(head),
                                  STR_FMT(str_to(verb, verb.n - 1)), STR_FMT(tail))
                     : text;
}

static Str sentence_made(Arena *a, Str subject, Str text) {
        while (text.n && strchr(" ,.;:!-", text.p[text.n - 1]))
                text.n--;
        text = str_trim(text);
        if (subject.n) {
                text = verb_plural(a, subject, text);
                return arena_strf(a, "%.*s%s%.*s.", STR_FMT(subject),
                                  str_starts(text, STR("'s ")) ? "" : " ", STR_FMT(text));
        }
        bool lower = text.n && text.p[0] >= 'a' && text.p[0] <= 'z';
        return arena_strf(a, "%c%.*s.",
                          lower    ? text.p[0] - 32
                          : text.n ? text.p[0]
                                   : ' ',
                          STR_FMT(str_from(text, 1)));
}

/* What was said, without the speaker: "I am meeting Ana on Friday" -> "Is meeting Ana on Friday". */
static Str clause_text(Reader *r, const Match *m) {
        Str whole = tokens_text(&r->s, m->start, m->end);
        Str first = low_at(&r->s, m->start);
        if (m->end - m->start < 2 ||
            !(str_eq_c(first, "i") || str_eq_c(first, "we") || str_eq_c(first, "and")))
                return whole;
        static const struct {
                const char *said, *kept;
        } verbs[] = { { "am", "is" },        { "are", "is" },         { "have", "has" },
                      { "need", "needs" },   { "want", "wants" },     { "will", "will" },
                      { "would", "would" },  { "fly", "flies" },      { "leave", "leaves" },
                      { "start", "starts" }, { "travel", "travels" }, { "take", "takes" } };
        Str rest = tokens_text(&r->s, m->start + 1, m->end), verb = low_at(&r->s, m->start + 1);
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (str_eq_c(verb, verbs[i].said) && m->end - m->start > 2)
                        return arena_strf(r->a, "%s %.*s", verbs[i].kept,
                                          STR_FMT(tokens_text(&r->s, m->start + 2, m->end)));
        return rest;
}

/* ---- time ---- */

static MomentRef ref_of(const Reader *r) {
        return (MomentRef){ r->ec->said_at, r->ec->utc_offset_min };
}

/* The date in the sentence; a bare weekday lies behind for what happened and ahead for what is planned. */
static bool sentence_moment(Reader *r, const Rule *rule, Moment *ret) {
        MomentRef ref = ref_of(r);
        Str text = tokens_text(&r->s, r->from, r->s.n);
        if (!moment_find(r->a, text, &ref, ret))
                return false;
        if (rule->flags & R_PAST &&
            (ret->kind == MOMENT_WEEKDAY || (ret->kind == MOMENT_DATE && !ret->has_year)) &&
            ret->at_ms > r->ec->said_at)
                ret->at_ms -= ret->kind == MOMENT_WEEKDAY ? 7 * DAY_MS : 365 * DAY_MS;
        /* "on Monday", said on a Monday about what happened: the last one */
        if (rule->flags & R_PAST && ret->kind == MOMENT_WEEKDAY &&
            ret->at_ms > r->ec->said_at - DAY_MS)
                ret->at_ms -= 7 * DAY_MS;
        return true;
}

/* "for five years" behind a statement -> when it began; 0 when nothing is said. */
static int64_t duration_before(Reader *r, size_t i) {
        if (!str_eq_c(low_at(&r->s, i), "for") || i + 2 >= r->s.n)
                return 0;
        Str text = arena_strf(r->a, "%.*s ago", STR_FMT(tokens_text(&r->s, i + 1, i + 3)));
        MomentRef ref = ref_of(r);
        Moment m;
        return moment_find(r->a, text, &ref, &m) && m.kind == MOMENT_PAST ? m.at_ms : 0;
}

static int64_t since_when(Reader *r, const Match *m) {
        MomentRef ref = ref_of(r);
        Moment t;
        size_t end = m->end - str_is_in(low_at(&r->s, m->end - 1), " for since ");
        if (end >= r->s.n)
                return 0;
        int64_t began = duration_before(r, end);
        if (began)
                return began;
        size_t to = MIN(r->s.n, end + 5);
        bool close = moment_find(r->a, tokens_text(&r->s, end, to), &ref, &t) &&
                     t.phrase.p <= r->s.v[MIN(end + 1, r->s.n - 1)].raw.p;
        return close && t.kind != MOMENT_WEEKDAY && t.at_ms <= r->ec->said_at ? t.at_ms : 0;
}

/* ---- emission ---- */

static Strs strs_one(Arena *a, Str s) {
        Str *v = NEW(a, Str);
        *v = s;
        return s.n ? (Strs){ v, 1 } : (Strs){ 0 };
}

static bool has_capital(Str s) {
        return s.n && ((s.p[0] >= 'A' && s.p[0] <= 'Z') || (unsigned char)s.p[0] == 0xc3);
}

/* Of the message itself, too: "My wife Ana is 34. Ana works at Acme." */
static void names_add(Reader *r, Strs names) {
        Str *v = NEW_ARRAY(r->a, Str, r->names.n + names.n + 1);
        if (r->names.n)
                memcpy(v, r->names.v, r->names.n * sizeof *v);
        for (size_t i = 0; i < names.n; i++)
                v[r->names.n + i] = names.v[i];
        r->names = (Strs){ v, r->names.n + names.n };
}

static Strs entities_of(Arena *a, const Match *m) {
        Str *v = NEW_ARRAY(a, Str, CAPTURES_MAX);
        size_t n = 0;
        for (size_t i = 0; i < m->n_captures; i++)
                if (strchr("NMLQPO", m->kinds[i]) && has_capital(m->captures[i]))
                        v[n++] = m->captures[i];
        return n ? (Strs){ v, n } : (Strs){ 0 };
}

static Str value_trimmed(Str v) {
        v = str_trim(v);
        while (v.n && strchr(" ,.;:!-", v.p[v.n - 1]))
                v.n--;
        return str_to(v, str_utf8_cut(v, VALUE_MAX));
}

static bool is_new(const Facts *out, Str content) {
        for (size_t i = 0; i < out->n; i++)
                if (str_eq_nocase(out->v[i].content, content))
                        return false;
        return true;
}

/* Words of the clause from token i on: not behind a break or the next statement. */
static bool clause_has(const Reader *r, size_t i, const char *words) {
        for (; i < r->s.n && !str_is_in(r->s.v[i].low, " and but ") &&
               !(i && r->s.v[i - 1].flags & T_BREAK);
             i++)
                if (str_is_in(r->s.v[i].low, words))
                        return true;
        return false;
}

/* "I'm living in Paris this month", "for a week": a stay, not a home. */
static bool is_stay(const Reader *r, const Match *m) {
        static const char spans[] = " day days night nights week weeks weekend month months summer "
                                    "winter while semester term ";
        if (str_is_in(low_at(&r->s, m->start + 1), " have has "))
                return false;
        for (size_t i = m->end; i + 1 < r->s.n && i < m->end + 4; i++)
                if (str_is_in(low_at(&r->s, i), " this for ") && clause_has(r, i + 1, spans))
                        return true;
        return false;
}

/* "I also work at a bar on weekends": beside the job there is. */
static bool is_sideline(const Reader *r, const Match *m) {
        return clause_has(r, m->start,
                          " also part-time weekends weekend sometimes occasionally side evenings "
                          "saturdays sundays ");
}

/* The line that the fact goes on; one that is true beside others is on none. */
static Attribute attribute_of(const Reader *r, const Rule *rule, const Match *m) {
        bool works = rule->attribute == ATTR_JOB || rule->attribute == ATTR_WORKPLACE;
        bool ends = rule->flags & R_NEGATED;
        return works && !ends && is_sideline(r, m) ? ATTR_NONE : rule->attribute;
}

/* No age of 900, no 30th of February. */
static bool is_possible(Reader *r, const Fact *f, Str value) {
        static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun",
                                              "jul", "aug", "sep", "oct", "nov", "dec" };
        int64_t age;
        if (f->attribute == ATTR_AGE)
                return !str_to_i64(value, &age) || (age >= 1 && age <= 130);
        if (f->attribute != ATTR_BIRTHDAY)
                return true;
        MomentRef ref = ref_of(r);
        Moment t;
        bool dated = moment_find(r->a, value, &ref, &t), digits = false, named = false;
        for (size_t i = 0; i < value.n; i++) {
                digits |= value.p[i] >= '0' && value.p[i] <= '9';
                for (size_t k = 0; k < ELEMENTSOF(months); k++)
                        named |= str_eq_nocase(str_to(str_from(value, i), 3), str_c(months[k]));
        }
        return digits && named ? dated && t.kind == MOMENT_DATE : dated || digits;
}

/* What an instruction is about: of two about the same the later one counts. */
static const struct {
        const char *subject, *values;
} topics[] = {
        { "answer language",
          " english german french spanish portuguese italian dutch polish russian ukrainian "
          "chinese japanese korean arabic hebrew turkish greek swedish norwegian danish finnish "
          "czech hungarian romanian hindi vietnamese thai indonesian latin catalan british "
          "american " },
        { "answer length",
          " short shorter brief briefly concise concisely terse long longer detailed lengthy " },
        { "answer emojis", " emoji emojis " },
        { "answer units", " metric imperial celsius fahrenheit kilometers kilometres miles " },
};

static void instruction_topic(Reader *r, const Match *m, Fact *f) {
        bool no = false, answers = clause_has(r, m->start,
                                              " answer answers reply replies respond response "
                                              "responses write speak talk keep use be give ");
        for (size_t i = m->start; answers && i < m->end; i++) {
                Str w = r->s.v[i].low;
                no |= str_is_in(w, " not never no without avoid stop ");
                for (size_t k = 0; k < ELEMENTSOF(topics) && !f->attribute; k++) {
                        bool led = k > 0 || str_is_in(low_at(&r->s, i - 1), " in speak to ");
                        if (i == m->start || !led || !str_is_in(w, topics[k].values))
                                continue;
                        f->attribute = ATTR_OTHER;
                        f->subject = str_c(topics[k].subject);
                        f->value = no ? arena_strf(r->a, "no %.*s", STR_FMT(w)) : w;
                }
        }
}

/* "pet kittens" -> "pet cat": many, or young, are of the same kind. */
static Str pet_kind(Arena *a, Str subject) {
        static const struct {
                const char *said, *kind;
        } kinds[] = { { "cats", "cat" },         { "kitten", "cat" },       { "kittens", "cat" },
                      { "dogs", "dog" },         { "puppy", "dog" },        { "puppies", "dog" },
                      { "bunny", "rabbit" },     { "rabbits", "rabbit" },   { "birds", "bird" },
                      { "horses", "horse" },     { "chickens", "chicken" }, { "parrots", "parrot" },
                      { "hamsters", "hamster" }, { "turtles", "turtle" },   { "fishes", "fish" } };
        Str animal = str_starts(subject, STR("pet ")) ? str_from(subject, 4) : STR("");
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (str_eq_nocase(animal, str_c(kinds[i].said)))
                        return arena_strf(a, "pet %s", kinds[i].kind);
        return subject;
}

static void emit(Reader *r, const Rule *rule, const Match *m, Str text, Str value) {
        if (text.n == 0 || text.n > CONTENT_BYTES_MAX)
                return;
        Fact f = { .type = str_c(rule->type),
                   .attribute = attribute_of(r, rule, m),
                   .confidence = rule->percent / 100.0,
                   .content = sentence_made(r->a, rule->content ? m->subject_text : STR(""), text),
                   .tags = strs_one(r->a, str_c(rule->tag)),
                   .entities = entities_of(r->a, m),
                   .is_negated = (rule->flags & R_NEGATED) != 0,
                   .is_past = (rule->flags & R_PAST) != 0,
                   .is_correction = r->is_correction && !(rule->flags & R_WEAK),
                   .is_weak = (rule->flags & R_WEAK) != 0,
                   .quote = tokens_text(&r->s, m->start, m->end) };
        if (!is_possible(r, &f, value))
                return;
        if (r->is_remembered)
                f.confidence = MAX(f.confidence, 0.95);
        f.subject = rule->subject ? value_trimmed(template_fill(r->a, rule->subject, m->captures,
                                                                m->n_captures))
                                  : m->subject;
        f.subject = pet_kind(r->a, f.subject);
        if (rule->attribute == ATTR_PREFERENCE || rule->attribute == ATTR_OTHER ||
            rule->attribute == ATTR_PET_NAME)
                if (!str_eq_c(m->subject, "self")) /* "my sister loves tea" is hers */
                        f.subject = arena_strf(r->a, "%.*s: %.*s", STR_FMT(m->subject),
                                               STR_FMT(f.subject));
        f.value = value_trimmed(value);
        if (str_eq_c(f.type, "instruction"))
                instruction_topic(r, m, &f);
        Moment t;
        if (rule->flags & R_PLAN && sentence_moment(r, rule, &t))
                f.scheduled_at = t.at_ms;
        if (rule->attribute != ATTR_NONE && rule->attribute != ATTR_PREFERENCE &&
            !(rule->flags & (R_NEGATED | R_PAST)))
                f.valid_from = since_when(r, m);
        if (!is_new(r->out, f.content))
                return;
        if (r->out->n == r->max) {
                r->out->is_cut = true;
                return;
        }
        r->out->v[r->out->n++] = f;
        if (str_eq_c(str_c(rule->tag), "family") || str_eq_c(str_c(rule->tag), "pet"))
                names_add(r, f.entities);
}

/* "pizza, pasta and sushi" -> three; a list with a long item is left whole. */
static size_t list_split(Str s, Str *ret) {
        size_t n = 0;
        Str rest = s;
        while (rest.n) {
                size_t cut = rest.n, next = rest.n;
                for (size_t i = 0; i < rest.n && cut == rest.n; i++) {
                        Str t = str_from(rest, i);
                        if (t.p[0] == ',')
                                cut = i, next = i + 1;
                        else if (str_starts(t, STR(" and ")) || str_starts(t, STR(" or ")))
                                cut = i, next = i + (t.p[1] == 'a' ? 5 : 4);
                }
                Str item = str_trim(str_to(rest, cut));
                if (str_starts(item, STR("and ")) || str_starts(item, STR("or ")))
                        item = str_trim(str_from(item, item.p[0] == 'a' ? 4 : 3));
                if (item.n > 40 || n == LIST_MAX)
                        return 0;
                if (item.n)
                        ret[n++] = item;
                rest = str_from(rest, next);
        }
        return n;
}

static void emit_filled(Reader *r, const Rule *rule, const Match *m) {
        Str value = template_fill(r->a, rule->value, m->captures, m->n_captures);
        emit(r, rule, m, template_fill(r->a, rule->content, m->worded, m->n_captures), value);
}

/* "meat on Wednesdays and Fridays" is one thing */
static bool names_weekday(const Str *items, size_t n) {
        static const char *const days[] = { "monday", "tuesday",  "wednesday", "thursday",
                                            "friday", "saturday", "sunday" };
        for (size_t i = 1; i < n; i++)
                for (size_t d = 0; d < ELEMENTSOF(days); d++)
                        if (str_eq_nocase(str_to(items[i], strlen(days[d])), str_c(days[d])))
                                return true;
        return false;
}

static void emit_list(Reader *r, const Rule *rule, const Match *m) {
        Str items[LIST_MAX];
        size_t n = list_split(m->captures[0], items);
        Match one = *m;
        if (n < 2 || names_weekday(items, n)) {
                emit_filled(r, rule, m);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                one.captures[0] = one.worded[0] = items[i];
                emit_filled(r, rule, &one);
        }
}

/* The clause as it was said, with the day it means when that is a bare weekday or stands before it. */
static void emit_clause(Reader *r, const Rule *rule, const Match *m) {
        Str text = clause_text(r, m);
        Moment t;
        if (rule->flags & (R_PLAN | R_PAST) && sentence_moment(r, rule, &t)) {
                const Token *last = &r->s.v[m->end - 1];
                if (t.phrase.p < r->s.v[m->start].raw.p || t.phrase.p >= last->raw.p + last->raw.n)
                        text = arena_strf(r->a, "%.*s %c%.*s", STR_FMT(text), t.phrase.p[0] | 0x20,
                                          STR_FMT(str_from(t.phrase, 1)));
                if (t.kind == MOMENT_WEEKDAY)
                        text = arena_strf(
                                r->a, "%.*s (%.*s)", STR_FMT(text),
                                STR_FMT(moment_format(r->a, t.at_ms, r->ec->utc_offset_min,
                                                      t.has_time)));
        }
        emit(r, rule, m, text, template_fill(r->a, rule->value, m->captures, m->n_captures));
}

static const char events[] =
        " appointment meeting interview exam test flight deadline reservation date call party "
        "wedding trip presentation surgery checkup check-up class lesson concert game match race "
        "conference visit dinner lunch shift event ceremony session vacation holiday train show "
        "birthday marathon ";

static bool names_event(const Reader *r, const Match *m) {
        for (size_t i = m->start; i < m->end; i++)
                if (str_is_in(r->s.v[i].low, events))
                        return true;
        return false;
}

/* "I love it", "I like how you put that": about the conversation, not about the person. */
static bool is_about_talk(const Rule *rule, const Match *m) {
        if (!str_eq_c(str_c(rule->type), "preference") || !m->n_captures)
                return false;
        return str_is_in(m->first, " it that this these those them you your yours how what when "
                                   "where why him her if all ");
}

static bool begins_with_order(const Match *m) {
        static const char orders[] =
                " answer reply respond use write call give keep include ask mention suggest "
                "recommend speak show say tell explain start end begin finish add avoid be put "
                "format sign send refer assume remind address talk translate provide cite check "
                "confirm follow do make convert list spell quote offer repeat apologise apologize "
                "skip leave stop speak make remember round sort number ";
        return str_is_in(m->first, orders);
}

static bool rule_allowed(Reader *r, const Rule *rule, size_t at, const Match *m) {
        Moment t;
        if (rule->flags & R_START && at != r->from)
                return false;
        if (rule->flags & R_EVENT && !names_event(r, m))
                return false;
        if (rule->flags & R_DATED && !sentence_moment(r, rule, &t))
                return false;
        bool plans = rule->flags & R_DATED && rule->flags & R_PLAN;
        if (plans && (t.kind == MOMENT_PAST ||
                      clause_has(r, m->start, " every each usually always often never sometimes ")))
                return false;
        if (rule->attribute == ATTR_LOCATION && !(rule->flags & R_NEGATED) && is_stay(r, m))
                return false;
        if (rule->flags & R_VERB && !begins_with_order(m))
                return false;
        return !is_about_talk(rule, m);
}

static bool has_clause(const Rule *rule) { return strstr(rule->pattern, "%C") != NULL; }

/* Tries the table at one place; returns where to look next. */
static size_t read_at(Reader *r, size_t at) {
        size_t next = at + 1;
        for (const Rule **at_rule = r->rules; *at_rule; at_rule++) {
                const Rule *rule = *at_rule;
                Match m;
                if (!rule_match(&r->m, rule, at, &m) || !rule_allowed(r, rule, at, &m) ||
                    is_hypothetical(&r->s, at))
                        continue;
                if (rule->percent && rule->content && rule->flags & R_LIST)
                        emit_list(r, rule, &m);
                else if (rule->percent && rule->content)
                        emit_filled(r, rule, &m);
                else if (rule->percent)
                        emit_clause(r, rule, &m);
                if (has_clause(rule))
                        next = MAX(next, m.end);
                bool lasting = !str_eq_c(str_c(rule->type), "commitment") &&
                               !str_eq_c(str_c(rule->type), "instruction") &&
                               !(rule->flags & R_PAST);
                r->m.last_subject = lasting ? m.subject : STR_NULL;
                r->m.last_subject_text = m.subject_text;
                if (!(rule->flags & R_MORE))
                        break;
        }
        return next;
}

/* ---- requests to remember, corrections ---- */

/* "Actually it's Porto": the attribute of what was said before, with the new value. */
static void read_correction(Reader *r) {
        Facts before = { 0 };
        ExtractContext ec = { .said_at = r->ec->said_at, .utc_offset_min = r->ec->utc_offset_min };
        size_t i = r->from;
        while (i < r->s.n &&
               str_is_in(low_at(&r->s, i), " no actually sorry oops correction i meant mean it "
                                           "it's 's is was wait that "))
                i++;
        if (!r->ec->previous.n || i == r->from || i >= r->s.n)
                return;
        facts_extract(r->a, r->ec->previous, &ec, &before);
        for (size_t k = before.n; k > 0; k--) {
                Fact f = before.v[k - 1];
                const char *at = f.attribute && f.value.n
                                         ? memmem(f.content.p, f.content.n, f.value.p, f.value.n)
                                         : NULL;
                if (!at || r->out->n == r->max)
                        continue;
                Str value = value_trimmed(tokens_text(&r->s, i, r->s.n)),
                    head = { f.content.p, (size_t)(at - f.content.p) };
                f.content = arena_strf(r->a, "%.*s%.*s%.*s", STR_FMT(head), STR_FMT(value),
                                       STR_FMT(str_from(f.content, head.n + f.value.n)));
                f.value = value;
                f.is_correction = true;
                f.valid_from = 0;
                f.entities = strs_one(r->a, has_capital(value) ? value : STR_NULL);
                f.quote = tokens_text(&r->s, r->from, r->s.n);
                r->out->v[r->out->n++] = f;
                return;
        }
}

static void read_remembered(Reader *r) {
        static const Rule note = { .type = "fact", .percent = 95, .tag = "remember" };
        static const Rule task = {
                .type = "commitment", .percent = 90, .flags = R_PLAN, .tag = "reminder"
        };
        bool is_task = str_eq_c(low_at(&r->s, r->from), "to");
        Match m = { .start = r->from + is_task,
                    .end = r->s.n,
                    .subject = STR("self"),
                    .subject_text = STR("") };
        if (m.end - m.start < 2)
                return;
        emit(r, is_task ? &task : &note, &m, tokens_text(&r->s, m.start, m.end), STR_NULL);
}

static void read_request(Reader *r, size_t from) {
        r->from = from;
        (void)read_at(r, from);
}

static void read_sentence(Reader *r) {
        size_t before = r->out->n, request = request_prefix(&r->s);
        r->from = remember_prefix(&r->s);
        r->is_remembered = r->from > 0;
        if (!r->is_remembered && !request && asks(&r->s) && !question_cut(&r->s))
                return;
        r->is_correction = corrects(&r->s, r->from);
        r->m = (Matcher){ .a = r->a, .s = &r->s, .people = r->people, .names = r->names };
        r->rules = rules_possible(r->a, &r->s);
        if (!r->is_remembered && request) {
                read_request(r, request);
                return;
        }
        for (size_t at = r->from; at < r->s.n && !r->out->is_cut;)
                at = read_at(r, at);
        if (r->out->n > before)
                return;
        if (r->is_remembered)
                read_remembered(r);
        else if (r->is_correction || str_eq_c(low_at(&r->s, 0), "no"))
                read_correction(r);
}

static void read_passage(Reader *r, Str text) {
        Str rest = text;
        size_t n = 0;
        r->people = (People){ .women = 0 };
        r->s.v = NULL; /* has room for the text it was made for */
        for (; n < SENTENCES_MAX && !r->out->is_cut && sentence_next(r->a, &rest, &r->s); n++)
                if (!pasted_skip(&r->s, text, &rest)) {
                        read_sentence(r);
                        r->people = people_of(r->a, &r->s, &r->people);
                }
        r->out->is_cut |= n == SENTENCES_MAX && str_trim(rest).n > 0;
}

void facts_extract(Arena *a, Str text, const ExtractContext *ec, Facts *ret) {
        Facts out = { .v = NEW_ARRAY(a, Fact, FACTS_MAX) };
        Reader r = { .a = a, .ec = ec, .out = &out, .max = FACTS_MAX, .names = ec->people };
        Str passage;
        for (size_t n = 0; n < SENTENCES_MAX && !out.is_cut && passage_next(&text, &passage); n++)
                read_passage(&r, passage);
        *ret = out;
}

bool fact_attribute(Arena *a, Str content, Fact *ret) {
        ExtractContext ec = { 0 };
        Facts out = { .v = NEW_ARRAY(a, Fact, NOTE_FACTS_MAX) };
        Reader r = { .a = a, .ec = &ec, .out = &out, .max = NOTE_FACTS_MAX };
        Str rest = content;
        if (!sentence_next(a, &rest, &r.s) || r.s.is_question)
                return false;
        r.is_correction = corrects(&r.s, 0);
        r.m = (Matcher){ .a = a, .s = &r.s, .is_note = true };
        r.rules = rules_possible(a, &r.s);
        for (size_t at = 0; at < r.s.n && !out.is_cut;)
                at = read_at(&r, at);
        for (size_t i = 0; i < out.n; i++)
                if (out.v[i].attribute != ATTR_NONE) {
                        *ret = out.v[i];
                        return true;
                }
        return false;
}

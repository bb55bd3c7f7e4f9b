// SPDX-License-Identifier: MIT
/* profile_rules: what one memory says for the profile. */
#include "memory/moment.h"
#include "memory/profile_int.h"
#include "memory/weigh.h"

#include <ctype.h>

typedef struct Words {
        const char *category, *words;
} Words;
static const Words categories[] = {
        { "foods",
          " food foods pizza pasta sushi ramen rice curry chocolate cheese bread cake coffee tea "
          "wine beer juice water milk meat fish chicken beef pork salad soup steak burger burgers "
          "tacos noodles fruit fruits apple apples banana bananas mango mangoes berries vegetables "
          "mushrooms mushroom coriander cilantro olives onions garlic tofu eggs cookies cookie "
          "dessert desserts ice-cream icecream sandwiches sandwich seafood shellfish peanuts nuts "
          "spicy breakfast lunch dinner dish dishes cuisine cooking baking kebab dumplings paella "
          "tapas croissants honey avocado tomatoes potatoes fries broccoli spinach kale alcohol "
          "whisky whiskey cocktails snack snacks " },
        { "music", " music song songs band bands jazz rock pop classical metal techno blues opera "
                   "hip-hop rap reggae folk country indie album albums singer concert concerts "
                   "guitar piano violin drums radiohead beatles mozart bach " },
        { "movies", " movie movies film films cinema series show shows anime documentary "
                    "documentaries netflix tv actor " },
        { "books",
          " book books novel novels reading poetry author authors fiction sci-fi comics manga " },
        { "sports",
          " sport sports football soccer basketball tennis swimming running cycling hiking "
          "climbing yoga skiing surfing golf baseball rugby cricket volleyball boxing gym dancing "
          "marathon marathons snowboarding sailing walking " },
        { "colors",
          " color colour colors colours blue red green yellow purple orange pink black white " },
        { "animals", " animal animals dog dogs cat cats bird birds horses pets puppies kittens "
                     "spiders snakes " },
        { "places", " city cities beach beaches mountains sea ocean forest travel travelling "
                    "traveling country countries place places restaurant park lakes desert " },
        { NULL, NULL },
};
static const char skills[] =
        " python javascript typescript java rust go golang c c++ c# kotlin swift ruby php perl "
        "scala "
        "haskell elixir erlang clojure "
        "react angular vue svelte node node.js django flask rails spring docker kubernetes "
        "terraform "
        "ansible aws azure gcp linux "
        "sql postgresql postgres mysql sqlite mongodb redis kafka spark hadoop tensorflow pytorch "
        "pandas numpy html css sass git "
        "graphql matlab r julia excel photoshop figma blender unity unreal arduino bash lua dart "
        "flutter fortran cobol ";

/* The next word of *rest: letters, digits and what may stand inside a name of a technology. */
static bool next_word(Str *rest, Str *ret) {
        size_t i = 0;
        while (i < rest->n && !isalnum((unsigned char)rest->p[i]) &&
               (unsigned char)rest->p[i] < 0x80)
                i++;
        size_t b = i;
        while (i < rest->n && (isalnum((unsigned char)rest->p[i]) ||
                               (unsigned char)rest->p[i] >= 0x80 || strchr("+#.-'", rest->p[i])))
                i++;
        size_t e = i;
        while (e > b && strchr(".-'", rest->p[e - 1]))
                e--;
        *ret = (Str){ rest->p + b, e - b };
        *rest = str_from(*rest, i);
        return e > b;
}

static void suggest(Suggestions *s, Str field, Str item, Str value) {
        value = str_trim(value);
        while (value.n && strchr(".!, ", value.p[value.n - 1]))
                value.n--;
        item = item.p ? value : STR_NULL;
        if (value.n && str_utf8_count(value) <= PROFILE_VALUE_MAX && s->n < ELEMENTSOF(s->v))
                s->v[s->n++] = (Suggestion){ field, item, value, false };
}

static void suggest_text(Suggestions *s, const char *field, Str value) {
        suggest(s, str_c(field), STR_NULL, value);
}
/* What is said elsewhere is the better source. */
static void suggest_if_unset(Suggestions *s, const char *field, Str value) {
        size_t before = s->n;
        suggest_text(s, field, value);
        if (s->n > before)
                s->v[before].if_unset = true;
}
static void suggest_item(Suggestions *s, const char *field, Str value) {
        suggest(s, str_c(field), STR(""), value);
}

static Str category_of(Str thing) {
        Str rest = thing, w;
        while (next_word(&rest, &w))
                for (const Words *c = categories; c->category; c++)
                        if (str_is_in(w, c->words))
                                return str_c(c->category);
        return STR("other");
}

static Str without_article(Str s) {
        static const Str heads[] = {
                { "the ", 4 }, { "a ", 2 }, { "an ", 3 }, { "eating ", 7 }, { "drinking ", 9 }
        };
        for (size_t i = 0; i < ELEMENTSOF(heads); i++)
                if (str_starts(s, heads[i]))
                        return str_from(s, heads[i].n);
        return s;
}

/* ---- by attribute ---- */

static void suggest_preference(Ctx *cx, const Stored *m, Suggestions *s) {
        Str subject = m->row.subject, value = m->row.value;
        bool likes = str_eq_c(value, "like"), dislikes = str_eq_c(value, "dislike");
        if (str_starts(subject, STR("favourite "))) {
                Str kind = str_from(subject, 10), category = category_of(kind);
                if (str_eq_c(category, "other"))
                        category = kind;
                suggest(s, arena_strf(cx->arena, "likes.%.*s", STR_FMT(category)), STR(""), value);
        } else if (likes || dislikes) {
                Str thing = without_article(subject);
                suggest(s,
                        arena_strf(cx->arena, "%s.%.*s", likes ? "likes" : "dislikes",
                                   STR_FMT(category_of(thing))),
                        STR(""), thing);
        }
}

static Str relationship_word(Str text, Str value) {
        static const char *const engaged[] = { "fiance",  "fiancee", "fiancé",
                                               "fiancée", "engaged", NULL };
        static const char *const married[] = { "married", "wife", "husband", "spouse", NULL };
        static const char *const together[] = { "boyfriend", "girlfriend", "dating",
                                                "in a relationship", NULL };
        for (size_t i = 0; engaged[i]; i++)
                if (text_has_phrase(text, engaged[i]))
                        return STR("engaged");
        for (size_t i = 0; married[i]; i++)
                if (text_has_phrase(text, married[i]) && !text_has_phrase(text, "not married"))
                        return STR("married");
        for (size_t i = 0; together[i]; i++)
                if (text_has_phrase(text, together[i]))
                        return STR("in_relationship");
        return value.n ? value : STR("unknown");
}

static void suggest_age(const Stored *m, Suggestions *s) {
        int64_t age;
        if (str_to_i64(m->row.value, &age) && age >= 1 && age <= 130)
                suggest_text(s, "age", m->row.value);
}

static void suggest_self(Ctx *cx, const Stored *m, Suggestions *s) {
        Str v = m->row.value;
        switch (attribute_parse(m->row.attribute)) {
        case ATTR_NAME: suggest_text(s, "name", v); break;
        case ATTR_AGE: suggest_age(m, s); break;
        case ATTR_LOCATION: suggest_text(s, "location", v); break;
        case ATTR_JOB: suggest_text(s, "profession", v); break;
        case ATTR_WORKPLACE: suggest_text(s, "workplace", v); break;
        case ATTR_TIMEZONE: suggest_text(s, "timezone", v); break;
        case ATTR_GENDER: suggest_text(s, "gender", v); break;
        case ATTR_LANGUAGE: suggest_text(s, "language", v); break;
        case ATTR_EDUCATION: suggest_text(s, "education", v); break;
        case ATTR_RELATIONSHIP:
                suggest_text(s, "relationship_status", relationship_word(m->row.content, v));
                break;
        case ATTR_PARTNER_NAME:
                suggest_text(s, "partner_name", v);
                suggest_if_unset(s, "relationship_status",
                                 relationship_word(m->row.content, STR_NULL));
                break;
        case ATTR_NONE:
        case ATTR_PREFERENCE:
        case ATTR_BIRTHDAY:
        case ATTR_PET_NAME:
        case ATTR_OTHER:
        case _ATTR_N: break;
        }
}

/* ---- by words ---- */

static bool has_tag(const MemoryRow *r, const char *tag) {
        for (size_t i = 0; i < r->tags.n; i++)
                if (str_eq_c(r->tags.v[i], tag))
                        return true;
        return false;
}

/* The text behind a cue: "… from Porto and …" -> "Porto". Up to the next mark or connecting word. */
static Str behind(Str content, const char *cue) {
        const char *at = memmem(content.p, content.n, cue, strlen(cue));
        if (!at)
                return STR_NULL;
        Str rest = str_from(content, (size_t)(at - content.p) + strlen(cue)), scan = rest, w;
        size_t end = 0;
        for (int n = 0; n < 4 && next_word(&scan, &w) &&
                        !str_is_in(w, " and but with since where who as in on at for to ");
             n++) {
                end = (size_t)(w.p + w.n - rest.p);
                if (end < rest.n && strchr(",.;!?", rest.p[end]))
                        break;
        }
        return str_trim(str_to(rest, end));
}

/* Names that are words as well count with a capital that is not the sentence's. */
static bool is_everyday(const Stored *m, Str w) {
        return str_is_in(w, " go spring swift excel spark node unity dart r c julia ") &&
               (w.p == m->row.content.p || w.p[0] < 'A' || w.p[0] > 'Z');
}

static void suggest_skills(const Stored *m, Suggestions *s) {
        Str rest = m->row.content, w;
        while (next_word(&rest, &w) && s->n < 8)
                if (str_is_in(w, skills) && !is_everyday(m, w))
                        suggest_item(s, "skills", w);
}

static void suggest_years(const Stored *m, Suggestions *s) {
        const char *at = memmem(m->row.content.p, m->row.content.n, " years of experience", 20);
        if (!at)
                return;
        const char *b = at;
        while (b > m->row.content.p && isdigit((unsigned char)b[-1]))
                b--;
        suggest_text(s, "experience_years", (Str){ b, (size_t)(at - b) });
}

static void suggest_manner(const Stored *m, Suggestions *s) {
        Str c = m->row.content;
        bool answers = text_has_phrase(c, "answers") || text_has_phrase(c, "answer") ||
                       text_has_phrase(c, "responses") || text_has_phrase(c, "replies") ||
                       text_has_phrase(c, "reply") || text_has_phrase(c, "respond");
        static const char *const brief[] = { "short",   "brief",     "briefly",
                                             "concise", "concisely", NULL };
        for (size_t i = 0; answers && brief[i]; i++)
                if (text_has_phrase(c, brief[i]))
                        suggest_text(s, "prefers_short_responses", STR("true"));
        static const char *const tones[] = { "friendly", "professional", "humorous", NULL };
        for (size_t i = 0; tones[i]; i++)
                if (text_has_phrase(c, tones[i]))
                        suggest_text(s, "tone_preference", str_c(tones[i]));
}

static void suggest_tagged(const Stored *m, Suggestions *s) {
        const MemoryRow *r = &m->row;
        bool plain = str_eq_c(r->attribute, "other") || !r->attribute.p;
        if (has_tag(r, "family") && plain && m->type != TYPE_COMMITMENT)
                suggest_item(s, "family", r->content);
        if (has_tag(r, "hobby"))
                suggest_item(s, "hobbies",
                             without_article(
                                     str_trim(str_from(r->content, str_index(r->content, ' ')))));
        if (has_tag(r, "interest"))
                suggest_item(s, "interests", r->subject.p ? r->subject : r->content);
        if (has_tag(r, "routine"))
                suggest_item(s, "routines", r->content);
}

static bool is_capital(Str w) { return w.p[0] >= 'A' && w.p[0] <= 'Z'; }

/* "My wife is Rosa", "my fiance Jo". */
static void suggest_partner(const Stored *m, Suggestions *s) {
        static const char partners[] = " wife husband partner spouse fiance fiancee fiancé "
                                       "fiancée girlfriend boyfriend ";
        Str rest = m->row.content, w;
        bool mine = false, found = false;
        while (next_word(&rest, &w) && !found) {
                found = mine && str_is_in(w, partners);
                mine = str_is_in(w, " my user's ");
        }
        while (found && str_is_in(w, " is named called "))
                if (!next_word(&rest, &w))
                        return;
        if (!found || !w.n || !is_capital(w))
                return;
        suggest_text(s, "partner_name", w);
        suggest_if_unset(s, "relationship_status", relationship_word(m->row.content, STR_NULL));
}

static void suggest_words(const Stored *m, Suggestions *s) {
        const MemoryRow *r = &m->row;
        bool ruled = str_eq_c(r->source_kind, "rule");
        if (m->type == TYPE_ENTITY && !r->attribute.p)
                suggest_partner(m, s);
        if (m->type == TYPE_FACT) {
                suggest_skills(m, s);
                suggest_years(m, s);
        }
        if (m->type == TYPE_ENTITY || m->type == TYPE_FACT) {
                suggest_text(s, "location", behind(r->content, "located in "));
                if (text_has_phrase(r->content, "i'm from") ||
                    text_has_phrase(r->content, "i am from") ||
                    str_starts(r->content, STR("Is from ")))
                        suggest_if_unset(s, "location", behind(r->content, "from "));
                suggest_text(s, "workplace", behind(r->content, "company is "));
                suggest_text(s, "workplace", behind(r->content, "employer is "));
        }
        if (m->type == TYPE_COMMITMENT && (!ruled || has_tag(r, "goal")))
                suggest_item(s, "goals", r->content);
        if (m->type == TYPE_INSTRUCTION || m->type == TYPE_PREFERENCE)
                suggest_manner(m, s);
}

void profile_suggest(Ctx *cx, const Stored *m, Suggestions *ret) {
        *ret = (Suggestions){ .n = 0 };
        bool self = !m->row.subject.p || str_eq_c(m->row.subject, "self");
        if (m->row.attribute.p && self)
                suggest_self(cx, m, ret);
        if (str_eq_c(m->row.subject, "nickname"))
                suggest_if_unset(ret, "name", m->row.value);
        if (str_eq_c(m->row.attribute, "preference") && !str_contains(m->row.subject, STR(": ")))
                suggest_preference(cx, m, ret);
        if (!m->row.attribute.p || self || m->type == TYPE_INSTRUCTION ||
            str_eq_c(m->row.attribute, "preference"))
                suggest_words(m, ret);
        suggest_tagged(m, ret);
}

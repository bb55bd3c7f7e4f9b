// SPDX-License-Identifier: MIT
#include "chat/phrase.h"

#include <ctype.h>

#include "base/buf.h"
#include "memory/moment.h"

enum { TEXT_MAX = 64 * 1024 };

/* ---- words ---- */

static bool is_word_char(char c) {
        return isalnum((unsigned char)c) || c == '\'' || (unsigned char)c >= 0x80;
}

Str word_first(Str *rest) {
        size_t from = 0, n;
        while (from < rest->n && !is_word_char(rest->p[from]))
                from++;
        for (n = from; n < rest->n && is_word_char(rest->p[n]); n++)
                ;
        Str word = str_n(rest->p + from, n - from);
        *rest = str_from(*rest, n);
        return word;
}

/* Capitals that begin no name of somebody. */
static const char no_names[] =
        " i monday tuesday wednesday thursday friday saturday sunday january february march april "
        "may june july august september october november december usually always never often "
        "sometimes rarely still currently also ";

void words_read(Str text, Words *ret) {
        ret->n = 0;
        for (Str rest = text, w; ret->n < WORDS_MAX && (w = word_first(&rest)).n;) {
                while (w.n && w.p[0] == '\'')
                        w = str_from(w, 1);
                if (w.n)
                        ret->v[ret->n++] = w;
        }
}

bool word_is(const Words *w, size_t i, const char *list) {
        return i < w->n && str_is_in(w->v[i], list);
}

Str possessor(Str word) {
        if (str_ends(word, STR("'s")))
                return str_to(word, word.n - 2);
        return str_ends(word, STR("'")) ? str_to(word, word.n - 1) : word;
}

bool is_possessor(Str word) { return possessor(word).n < word.n; }

bool has_capital(Str word) { return word.n && isupper((unsigned char)word.p[0]); }

bool is_name_like(Str word) {
        return has_capital(word) && word.n > 1 && !str_is_in(possessor(word), no_names);
}

/* ---- sentences ---- */

/* A dot behind these ends none. */
static const char shortened[] = " st mr mrs ms dr prof jr sr no nr vs eg ie approx a.m p.m ";

static bool ends_sentence(Str text, size_t i) {
        size_t from = i;
        if (text.p[i] == '\n')
                return true;
        if (!strchr(".!?", text.p[i]) || (i + 1 < text.n && !isspace((unsigned char)text.p[i + 1])))
                return false;
        if (text.p[i] != '.')
                return true;
        while (from && !isspace((unsigned char)text.p[from - 1]))
                from--;
        Str word = str_n(text.p + from, i - from);
        return !str_is_in(word, shortened) && (word.n > 1 || !isalpha((unsigned char)*word.p));
}

Str sentence_first(Str *rest) {
        Str s;
        do {
                size_t n = 0;
                while (n < rest->n && !ends_sentence(*rest, n))
                        n++;
                s = str_trim(str_to(*rest, n + 1));
                *rest = str_from(*rest, n + 1);
        } while (!s.n && rest->n);
        return s;
}

/* ---- third person to second ---- */

typedef struct Verb {
        const char *third, *second;
} Verb;
static const Verb irregular[] = {
        { "is", "are" },     { "isn't", "are not" },   { "was", "were" },   { "has", "have" },
        { "does", "do" },    { "doesn't", "do not" },  { "goes", "go" },    { "wants", "want" },
        { "plans", "plan" }, { "wasn't", "were not" }, { "hopes", "hope" },
};
/* These stand as they are; so does a past tense in -ed. */
static const char same[] =
        " can can't cannot will won't would could should used had went got bought grew never no "
        "longer always usually often sometimes quit lost found left met broke sold won made took "
        "gave came saw heard wrote ate drove flew spent taught thought told became began caught "
        "chose felt forgot held kept knew led paid ran said sang sent slept spoke swam woke wore "
        "once ";
/* What "is" is left out before: "Allergic to peanuts." */
static const char states[] =
        " allergic married engaged single divorced widowed vegetarian vegan born retired pregnant "
        "afraid intolerant lactose interested from based located left-handed right-handed fluent "
        "unemployed self-employed disabled tired excited worried ";
/* Base forms that a note may begin with; "Paris" and "Pets" are none. What is not here is quoted as
 * it stands. */
static const char verbs[] =
        " attend avoid bake bike believe brew build buy call camp care celebrate climb coach "
        "collect commute cook cycle dance dislike do draw dream drink drive eat enjoy exercise "
        "fear feel fish fly follow garden get give go grow hate have help hike hope host hunt keep "
        "knit know lead learn like listen live look love make manage meet mentor miss need own "
        "paint play practise practice prefer program read recommend rent repair restore ride run "
        "sail see sell sew sing skate ski sleep smoke speak spend stay study suffer support surf "
        "swim take teach think train translate travel try understand use visit volunteer wake walk "
        "want watch weigh wish work worry write ";
/* What a person has: "Boss is called Ingrid"; "Tom is a carpenter" is about somebody else. */
static const char owned[] =
        " name age birthday phone mobile email e-mail address number nickname password title job "
        "boss manager colleague assistant employer company office team friend neighbour neighbor "
        "roommate flatmate landlord doctor dentist therapist teacher coach tutor partner "
        "girlfriend boyfriend fiance fiancee wife husband mother mom mum father dad parents sister "
        "brother sisters brothers son daughter children kids twin aunt uncle cousin niece nephew "
        "grandmother grandfather grandma grandpa family dog dogs cat cats pet pets horse car bike "
        "house home flat apartment garden favourite favorite hobby hobbies hometown wedding "
        "anniversary exam flight trip holiday vacation meeting appointment interview shoe height "
        "weight blood timezone nationality religion degree school university wifi wi-fi first last "
        "middle maiden best eldest oldest youngest older younger new old mother-in-law "
        "father-in-law ";

bool noun_is_owned(Str word) { return str_is_in(word, owned); }

static bool stem_put(Buf *out, Str stem, const char *ending) {
        char low[24];
        if (stem.n + strlen(ending) >= sizeof low)
                return false;
        for (size_t i = 0; i < stem.n; i++)
                low[i] = (char)tolower((unsigned char)stem.p[i]);
        size_t n = stem.n + (size_t)snprintf(low + stem.n, sizeof low - stem.n, "%s", ending);
        return str_is_in(str_n(low, n), verbs) && buf_add(out, str_n(low, n));
}

static bool verb_second(Str word, Buf *out) {
        for (size_t i = 0; i < ELEMENTSOF(irregular); i++)
                if (str_eq_nocase(word, str_c(irregular[i].third)))
                        return buf_add_c(out, irregular[i].second);
        bool stands = str_is_in(word, same) || (word.n > 4 && str_ends(word, STR("ed")));
        if (stands)
                return buf_addc(out, (char)tolower((unsigned char)word.p[0])) &&
                       buf_add(out, str_from(word, 1));
        return (str_ends(word, STR("s")) && stem_put(out, str_to(word, word.n - 1), "")) ||
               (str_ends(word, STR("es")) && stem_put(out, str_to(word, word.n - 2), "")) ||
               (str_ends(word, STR("ies")) && stem_put(out, str_to(word, word.n - 3), "y"));
}

static const char *possessive(Str word) {
        if (str_is_in(word, " his her their my "))
                return isupper((unsigned char)word.p[0]) ? "Your" : "your";
        if (str_is_in(word, " himself herself themselves themself myself "))
                return "yourself";
        return NULL;
}

/* The rest of the sentence, possessives turned. */
static void rest_add(Buf *out, Str rest) {
        while (rest.n) {
                size_t gap = 0;
                while (gap < rest.n && !is_word_char(rest.p[gap]))
                        gap++;
                buf_add(out, str_to(rest, gap));
                rest = str_from(rest, gap);
                size_t n = 0;
                while (n < rest.n && is_word_char(rest.p[n]))
                        n++;
                const char *turned = n ? possessive(str_to(rest, n)) : NULL;
                if (turned)
                        buf_add_c(out, turned);
                else
                        buf_add(out, str_to(rest, n));
                rest = str_from(rest, n);
        }
}

/* "Name is Ann", "Sister is called Mia", "Birthday is on May 3": the user's something. */
static bool noun_is(Str content) {
        Str rest = content, first = word_first(&rest);
        Str thing = str_ends(first, STR("'s")) ? str_to(first, first.n - 2) : first;
        if (!first.n || !isupper((unsigned char)first.p[0]) || !str_is_in(thing, owned))
                return false;
        for (int i = 0; i < 3 && rest.n; i++)
                if (str_is_in(word_first(&rest), " is are was were has works lives likes plays "))
                        return true;
        return false;
}

static bool starts_second(Str whole, Str first, Buf *out) {
        if (str_is_in(first, states)) {
                buf_addf(out, "You are %c%.*s", tolower((unsigned char)first.p[0]),
                         STR_FMT(str_from(first, 1)));
                return true;
        }
        if (str_is_in(first, " my "))
                return buf_add_c(out, "Your");
        if (noun_is(whole)) {
                buf_addf(out, "Your %c%.*s", tolower((unsigned char)first.p[0]),
                         STR_FMT(str_from(first, 1)));
                return true;
        }
        buf_add_c(out, "You ");
        return first.n && verb_second(first, out);
}

bool second_person(Arena *a, Str content, Str *ret) {
        static const Str reminder = STR("Reminder to ");
        _cleanup_(buf_done) Buf out = BUF(TEXT_MAX);
        Str rest = str_trim(content);
        while (str_ends(rest, STR(".")))
                rest.n--;
        if (str_starts(rest, reminder)) {
                buf_add_c(&out, "You asked to be reminded to ");
                rest_add(&out, str_from(rest, reminder.n));
                *ret = arena_dup(a, buf_str(&out));
                return true;
        }
        Str whole = rest, first = word_first(&rest);
        if (str_eq_c(first, "User"))
                return second_person(a, rest, ret);
        /* "I am Ann" as it was typed, and sentences about other things */
        if (str_is_in(first, " i the a an this that there it ") ||
            !starts_second(whole, first, &out))
                return false;
        rest_add(&out, rest);
        *ret = arena_dup(a, buf_str(&out));
        return true;
}

/* ---- days ---- */

static const char units[] = " week month year weekend ";
static const char seasons[] = " spring summer autumn fall winter ";
static const char months[] = " january february march april may june july august september october "
                             "november december ";

/* "next week", "last summer", "in May", "in 2019" are no days that could be counted to. */
static bool is_span(Str phrase) {
        bool has_span = false, has_day = false;
        for (Str rest = phrase, w; (w = word_first(&rest)).n;) {
                Str after = rest;
                bool is_digit = isdigit((unsigned char)w.p[0]);
                has_span |=
                        str_is_in(w, seasons) || str_is_in(w, months) || (is_digit && w.n == 4) ||
                        (str_is_in(w, " next this last ") && str_is_in(word_first(&after), units));
                has_day |= is_digit && w.n < 4;
        }
        return has_span && !has_day;
}

Str plan_today(Arena *a, Str content, int64_t now_ms, int utc_offset_min) {
        static const Str mark = STR(" - originally on ");
        Str now = moment_render(a, content, &(MomentRef){ now_ms, utc_offset_min });
        size_t at = 0;
        while (at + mark.n <= now.n && !str_starts(str_from(now, at), mark))
                at++;
        if (at + mark.n > now.n || str_eq(now, content))
                return content;
        size_t open = at;
        while (open && now.p[open] != '(')
                open--;
        Str head = str_to(now, open), words = str_n(now.p + open + 1, at - open - 1);
        Str note = str_from(content, open), phrase = str_cut(&note, '('), day;
        day = str_cut(&note, ')');
        if (!note.p || is_span(phrase))
                return content;
        return arena_strf(a, "%.*s%.*s, on %.*s%.*s", STR_FMT(head), STR_FMT(words), STR_FMT(day),
                          STR_FMT(note));
}

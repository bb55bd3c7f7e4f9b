// SPDX-License-Identifier: MIT
#include "chat/respond.h"

#include <ctype.h>

#include "codec/when.h"
#include "memory/dates.h"
#include "memory/moment.h"

#define RELEVANT  0.2
#define KIN_SHARE 0.3
#define NEARLY    0.5
#define SURE      0.6
/* beside an acknowledgement only what is close */
#define RELATED 0.5
enum { TEXT_MAX = 64 * 1024, RELATED_MAX = 2 };

/* ---- reading the message ---- */

static const char asking_words[] =
        " who whom whose what what's where where's when when's which why how how's who's do "
        "does did is are am was were can could will would shall should have has had may might ";
static const char request_words[] =
        " tell list show remind recall summarize summarise give describe find search explain ";

static bool in_list(Str word, const char *list) {
        char key[24];
        if (word.n == 0 || word.n > sizeof key - 3)
                return false;
        key[0] = ' ';
        for (size_t i = 0; i < word.n; i++)
                key[i + 1] = (char)tolower((unsigned char)word.p[i]);
        key[word.n + 1] = ' ';
        key[word.n + 2] = '\0';
        return strstr(list, key) != NULL;
}

static bool is_word_char(char c) {
        return isalnum((unsigned char)c) || c == '\'' || (unsigned char)c >= 0x80;
}

static Str word_first(Str *rest) {
        size_t from = 0, n;
        while (from < rest->n && !is_word_char(rest->p[from]))
                from++;
        for (n = from; n < rest->n && is_word_char(rest->p[n]); n++)
                ;
        Str word = str_n(rest->p + from, n - from);
        *rest = str_from(*rest, n);
        return word;
}

/* "remind me to …" and "tell Ann …" are not questions to us */
static bool is_reminder(Str word, Str rest) {
        Str next = word_first(&rest);
        Str after = word_first(&rest);
        return (str_eq_nocase(word, STR("remind")) && str_eq_nocase(next, STR("me")) &&
                str_eq_nocase(after, STR("to"))) ||
               (in_list(word, " tell give show ") && !in_list(next, " me us "));
}

bool message_asks(Str message) {
        Str rest = str_trim(message);
        if (str_ends(rest, STR("?")))
                return true;
        Str first = word_first(&rest);
        while (in_list(first, " hi hello hey ok okay so and but please well now thanks "))
                first = word_first(&rest);
        return in_list(first, asking_words) ||
               (in_list(first, request_words) && !is_reminder(first, rest));
}

/* ---- third person to second ---- */

typedef struct Verb {
        const char *third, *second;
} Verb;
static const Verb irregular[] = {
        { "is", "are" },          { "isn't", "are not" }, { "was", "were" },
        { "has", "have" },        { "does", "do" },       { "doesn't", "do not" },
        { "goes", "go" },         { "can", "can" },       { "cannot", "cannot" },
        { "will", "will" },       { "wants", "want" },    { "used", "used" },
        { "lived", "lived" },     { "worked", "worked" }, { "moved", "moved" },
        { "studied", "studied" }, { "plans", "plan" },    { "had", "had" },
        { "went", "went" },       { "got", "got" },       { "bought", "bought" },
        { "grew", "grew" },       { "never", "never" },
};
/* What "is" is left out before: "Allergic to peanuts." */
static const char states[] =
        " allergic married engaged single divorced widowed vegetarian vegan born retired "
        "pregnant afraid intolerant lactose interested from based located left-handed "
        "right-handed fluent ";
/* Base forms that a note may begin with; "Paris" and "Pets" are none. What is not here is quoted as
 * it stands. */
static const char verbs[] =
        " attend avoid bake bike believe build buy call camp care climb coach collect commute "
        "cook cycle dance dislike do draw dream drink drive eat enjoy exercise fear feel fish "
        "fly follow garden get give go grow hate have help hike hope hunt keep knit know lead "
        "learn like listen live look love make manage meet mentor miss need own paint play "
        "practise practice prefer program read rent ride run sail see sell sing skate ski "
        "sleep smoke speak spend stay study suffer support surf swim take teach think train "
        "travel try understand use visit volunteer wake walk want watch weigh wish work write ";

static bool stem_put(Buf *out, Str stem, const char *ending) {
        char low[24];
        if (stem.n + strlen(ending) >= sizeof low)
                return false;
        for (size_t i = 0; i < stem.n; i++)
                low[i] = (char)tolower((unsigned char)stem.p[i]);
        size_t n = stem.n + (size_t)snprintf(low + stem.n, sizeof low - stem.n, "%s", ending);
        return in_list(str_n(low, n), verbs) && buf_add(out, str_n(low, n));
}

static bool verb_second(Str word, Buf *out) {
        for (size_t i = 0; i < ELEMENTSOF(irregular); i++)
                if (str_eq_nocase(word, str_c(irregular[i].third)))
                        return buf_add_c(out, irregular[i].second);
        return (str_ends(word, STR("s")) && stem_put(out, str_to(word, word.n - 1), "")) ||
               (str_ends(word, STR("es")) && stem_put(out, str_to(word, word.n - 2), "")) ||
               (str_ends(word, STR("ies")) && stem_put(out, str_to(word, word.n - 3), "y"));
}

static const char *possessive(Str word) {
        if (in_list(word, " his her their my "))
                return isupper((unsigned char)word.p[0]) ? "Your" : "your";
        if (in_list(word, " himself herself themselves themself myself "))
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
        Str rest = content;
        for (int i = 0; i < 4 && rest.n; i++) {
                Str w = word_first(&rest);
                if (i && in_list(w, " is are was were has works lives likes "))
                        return true;
        }
        return false;
}

bool second_person(Arena *a, Str content, Str *ret) {
        _cleanup_(buf_done) Buf out = BUF(TEXT_MAX);
        Str rest = str_trim(content);
        while (str_ends(rest, STR(".")))
                rest.n--;
        Str whole = rest, first = word_first(&rest);
        if (in_list(first, " i ")) /* "I am Ann" as it was typed */
                return false;
        if (in_list(first, states)) {
                buf_addf(&out, "You are %c%.*s", tolower((unsigned char)first.p[0]),
                         STR_FMT(str_from(first, 1)));
                rest_add(&out, rest);
        } else if (in_list(first, " my ")) {
                buf_add_c(&out, "Your");
                rest_add(&out, rest);
        } else if (str_eq_c(first, "User")) {
                return second_person(a, rest, ret);
        } else if (in_list(first, " the a an this that there it ")) {
                return false;
        } else {
                _cleanup_(buf_done) Buf verb = BUF(128);
                if (first.n && verb_second(first, &verb)) {
                        buf_addf(&out, "You %.*s", STR_FMT(buf_str(&verb)));
                        rest_add(&out, rest);
                } else if (isupper((unsigned char)first.p[0]) && noun_is(whole)) {
                        buf_addf(&out, "Your %c", tolower((unsigned char)whole.p[0]));
                        rest_add(&out, str_from(whole, 1));
                } else {
                        return false;
                }
        }
        *ret = arena_dup(a, buf_str(&out));
        return true;
}

/* ---- the answer ---- */

static const char *const month_names[] = {
        "January", "February", "March",     "April",   "May",      "June",
        "July",    "August",   "September", "October", "November", "December",
};

static Str day_text(Arena *a, int64_t ms) {
        Civil c = civil_from_days(days_of_ms(ms));
        return arena_strf(a, "%d %s %d", c.day, month_names[c.month - 1], c.year);
}

static Str hit_text(const MemoryHit *h) { return h->memory ? h->memory->content : h->turn->text; }
static int64_t hit_at(const MemoryHit *h) {
        return h->memory ? h->memory->valid_from : h->turn->at;
}

/* Our own answers and the user's questions tell nothing new. */
static bool tells_something(const MemoryHit *h, Str message) {
        if (h->memory)
                return true;
        return str_eq_c(h->turn->role, "assistant") == false && !message_asks(h->turn->text) &&
               !str_eq(str_trim(h->turn->text), str_trim(message));
}

/* Where the other of the two stands: a fact, or the words it was taken from. n: nowhere. */
static size_t place_of_kin(const MemoryHit *h, const MemoryHit *const *list, size_t n) {
        for (size_t i = 0; i < n; i++) {
                const MemoryHit *o = list[i];
                const MemoryHit *fact = h->memory ? h : o, *words = h->memory ? o : h;
                if (fact->memory && words->turn &&
                    str_eq(fact->memory->source_turn_id, words->turn->turn_id))
                        return i;
        }
        return n;
}

static bool was_superseded(const Learned *l, const MemoryHit *h) {
        for (size_t i = 0; l && h->memory && i < l->n; i++)
                for (size_t j = 0; j < l->v[i].superseded.n; j++)
                        if (str_eq(l->v[i].superseded.v[j], h->memory->memory_id))
                                return true;
        return false;
}

/* relevance_score among what can answer at all: the user's own questions and our answers rank high
 * and say nothing. */
static double scale_of(const RespondIn *in) {
        double relevance = 0, similarity = 0;
        for (size_t i = 0; i < in->hits->n; i++) {
                const MemoryHit *h = &in->hits->v[i];
                if (!tells_something(h, in->message))
                        continue;
                relevance = MAX(relevance, h->relevance);
                similarity = MAX(similarity, h->similarity);
        }
        return relevance > 0 && similarity > relevance ? similarity / relevance : 1;
}

/* Its own words, not those around it, answer the question. */
static bool is_to_the_point(const RespondIn *in, const MemoryHit *h, double relevance,
                            double least) {
        return in->is_broad || (relevance >= least && (h->similarity > 0 || relevance >= SURE));
}

/* The best ones that say something, each thing once: a fact that is nearly as good takes the place
 * of the words it came from. */
static size_t choose(const RespondIn *in, double least, size_t max, const MemoryHit **list) {
        size_t n = 0;
        double scale = scale_of(in);
        for (size_t i = 0; i < in->hits->n; i++) {
                const MemoryHit *h = &in->hits->v[i];
                if (!is_to_the_point(in, h, h->relevance * scale, least) ||
                    !tells_something(h, in->message) || was_superseded(in->learned, h))
                        continue;
                size_t kin = place_of_kin(h, list, n);
                if (kin == n && n < max)
                        list[n++] = h;
                else if (kin < n && h->memory && h->relevance >= KIN_SHARE * list[kin]->relevance)
                        list[kin] = h;
        }
        return n;
}

static bool names_place(Str text) {
        static const Str words[] = { STR(" at "),   STR(" in "), STR(" near "),
                                     STR(" from "), STR(" on "), STR(" behind ") };
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (str_contains(text, words[i]))
                        return true;
        return false;
}

static bool names_time(Str text) { return text_flags(text) & TEXT_HAS_TIME; }

/* Of those that are about as good, one that names what the question word asks for comes first. */
static void order_by_question(Str message, const MemoryHit **list, size_t n) {
        Str rest = message, word = word_first(&rest);
        bool (*names)(Str text) = in_list(word, " where where's ") ? names_place
                                  : in_list(word, " when when's ") ? names_time
                                                                   : NULL;
        for (size_t i = 0; names && i < n; i++)
                if (names(hit_text(list[i])) && list[i]->relevance >= NEARLY * list[0]->relevance) {
                        const MemoryHit *first = list[i];
                        memmove(list + 1, list, i * sizeof *list);
                        list[0] = first;
                        return;
                }
}

static bool asks_when(Str message) {
        Str rest = message, first = word_first(&rest);
        return str_eq_nocase(first, STR("when")) || str_eq_nocase(first, STR("when's"));
}

/* Dates of plans as they read today. */
static Str content_today(Arena *a, const MemoryRow *row, int64_t now_ms) {
        return moment_render(a, row->content, &(MomentRef){ now_ms, 0 });
}

static void sentence_add(Arena *a, Buf *out, const RespondIn *in, const MemoryHit *h, size_t mark) {
        Str you, day = day_text(a, hit_at(h));
        if (h->turn)
                buf_addf(out, "On %.*s you said: \"%.*s\" [%zu].", STR_FMT(day),
                         STR_FMT(h->turn->text), mark);
        else if (!second_person(a, content_today(a, h->memory, in->now_ms), &you))
                buf_addf(out, "You told me: \"%.*s\" [%zu].", STR_FMT(h->memory->content), mark);
        else if (asks_when(in->message))
                buf_addf(out, "%.*s [%zu]; I noted that on %.*s.", STR_FMT(you), mark,
                         STR_FMT(day));
        else
                buf_addf(out, "%.*s [%zu].", STR_FMT(you), mark);
}

static void quotes_add(Arena *a, Buf *out, const MemoryHit *const *list, size_t n, Response *ret) {
        Citation *c = NEW_ARRAY(a, Citation, n + 1);
        UsedMemory *used = NEW_ARRAY(a, UsedMemory, n + 1);
        size_t n_used = 0;
        for (size_t i = 0; i < n; i++) {
                const MemoryHit *h = list[i];
                Str day = day_text(a, hit_at(h));
                buf_addf(out, "\n[%zu] \"%.*s\" (%.*s)", i + 1, STR_FMT(hit_text(h)), STR_FMT(day));
                c[i] = (Citation){ .mark = (int64_t)i + 1, .quote = hit_text(h) };
                if (h->turn) {
                        c[i].turn_id = h->turn->turn_id;
                        continue;
                }
                c[i].memory_id = h->memory->memory_id;
                c[i].turn_id = h->memory->source_turn_id;
                used[n_used++] = (UsedMemory){ h->memory->memory_id, h->memory->type,
                                               h->memory->content, h->relevance };
        }
        ret->citations = (List){ c, n };
        ret->used = (List){ used, n_used };
}

/* "I have noted: …", one line per fact; false when nothing new was stored. */
static bool learned_add(Buf *out, const Learned *l) {
        bool any = false;
        for (size_t i = 0; l && i < l->n; i++) {
                const MemoryWritten *w = &l->v[i];
                if (w->event == MEMORY_NOOP && !w->row.content.p)
                        continue;
                if (any)
                        buf_addc(out, '\n');
                if (w->event == MEMORY_ADD || w->event == MEMORY_SUPERSEDE)
                        buf_addf(out, "I have noted: \"%.*s\"", STR_FMT(w->row.content));
                else
                        buf_addf(out, "I knew that already: \"%.*s\"", STR_FMT(w->row.content));
                if (w->superseded.n)
                        buf_add_c(out, " (it takes the place of what I had before)");
                any = true;
        }
        return any;
}

static const char *opening(const char *reason) {
        if (reason && !strcmp(reason, "budget"))
                return "The budget for language models is used up, so no language model is asked; "
                       "this answer comes from your "
                       "stored memories.";
        if (reason && !strcmp(reason, "consent"))
                return "You chose that no language model reads your messages; this answer comes "
                       "from your stored memories.";
        return "No language model is available; this answer comes from your stored memories.";
}

static void question_answer(Arena *a, Buf *out, const RespondIn *in, Response *ret) {
        const MemoryHit *list[QUOTES_MAX];
        size_t n = choose(in, RELEVANT, QUOTES_MAX, list);
        order_by_question(in->message, list, n);
        if (!n) {
                buf_add_c(out, "I have nothing stored that answers this.");
                _cleanup_(buf_done) Buf learned = BUF(TEXT_MAX);
                buf_add_c(out,
                          learned_add(&learned, in->learned) ? "\n" : " I have kept your message.");
                buf_add(out, learned.n ? buf_str(&learned) : STR(""));
                return;
        }
        size_t sentences = in->is_broad ? n : 1;
        for (size_t i = 0; i < sentences; i++) {
                if (i)
                        buf_addc(out, ' ');
                sentence_add(a, out, in, list[i], i + 1);
        }
        buf_addc(out, '\n');
        quotes_add(a, out, list, n, ret);
}

static void statement_answer(Arena *a, Buf *out, const RespondIn *in, Response *ret) {
        const MemoryHit *list[RELATED_MAX];
        if (!learned_add(out, in->learned))
                buf_add_c(out,
                          "I have kept your message; it holds no fact that I could read from it.");
        size_t n = choose(in, RELATED, RELATED_MAX, list);
        if (!n)
                return;
        buf_add_c(out, "\n\nThis may belong to it:");
        quotes_add(a, out, list, n, ret);
}

void respond(Arena *a, const RespondIn *in, Response *ret) {
        _cleanup_(buf_done) Buf out = BUF(TEXT_MAX * 4);
        Response r = { 0 };
        buf_add_c(&out, opening(in->reason));
        buf_add_c(&out, "\n\n");
        if (message_asks(in->message) || in->is_broad)
                question_answer(a, &out, in, &r);
        else
                statement_answer(a, &out, in, &r);
        r.text = arena_dup(a, buf_str(&out));
        *ret = r;
}

/* ---- suggestions ---- */

static bool suggestion_add(Str *v, size_t *n, Str s) {
        for (size_t i = 0; i < *n; i++)
                if (str_eq(v[i], s))
                        return false;
        v[(*n)++] = s;
        return true;
}

static Str hit_topic(const MemoryHit *h) {
        if (!h->memory)
                return STR_NULL;
        return h->memory->entities.n ? h->memory->entities.v[0]
               : h->memory->tags.n   ? h->memory->tags.v[0]
                                     : STR_NULL;
}

Strs suggest(Arena *a, Str message, const MemoryHits *hits) {
        static const Str usual[] = { STR("What do you know about me?"),
                                     STR("What are my plans for next week?"),
                                     STR("What do I like?"), STR("What did I tell you last?"),
                                     STR("Where do I live?") };
        Str *v = NEW_ARRAY(a, Str, SUGGESTIONS);
        size_t n = 0;
        for (size_t i = 0; i < hits->n && n < 2; i++) {
                Str topic = hit_topic(&hits->v[i]);
                if (topic.n && topic.n < 60)
                        suggestion_add(
                                v, &n,
                                arena_strf(a, "What do you know about %.*s?", STR_FMT(topic)));
        }
        for (size_t i = 0; n < SUGGESTIONS; i++)
                if (!str_eq_nocase(usual[i], str_trim(message)))
                        suggestion_add(v, &n, usual[i]);
        return (Strs){ v, n };
}

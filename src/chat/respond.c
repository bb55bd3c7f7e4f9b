// SPDX-License-Identifier: MIT
#include "chat/respond.h"

#include <ctype.h>

#include "chat/alias.h"
#include "chat/choose.h"
#include "chat/phrase.h"
#include "chat/since.h"
#include "codec/when.h"

#define RELEVANT 0.2
/* of what a question may be wrong about: it names something that was never said */
#define RELEVANT_NOT 0.1
/* beside an acknowledgement only what is close */
#define RELATED 0.5
/* shares of the best that are worth a quote beside it */
#define COVER_NEAR 0.6
#define SCORE_NEAR 0.5
#define SCORE_ALSO 0.25
enum { TEXT_MAX = 64 * 1024, RELATED_MAX = 2, LATEST_MAX = 3 };

/* ---- sentences ---- */

static Str day_text(Arena *a, int64_t ms) {
        Civil c = civil_from_days(days_of_ms(ms));
        return arena_strf(a, "%d %s %d", c.day, month_titles[c.month - 1], c.year);
}

/* A question and what was chosen for it. */
typedef struct Asked {
        const RespondIn *in;
        Question question;
        Choice list;
        size_t left_out; /* plans beyond those */
} Asked;

/* It begins with the name of whom it is about: "Mark", "Mark: diet". */
static bool is_of_other(const MemoryRow *m) {
        Str who = str_to(m->subject, str_index(m->subject, ':'));
        return who.n && isupper((unsigned char)who.p[0]) && str_starts(m->content, who);
}

static Str without_stop(Str s) { return str_ends(s, STR(".")) ? str_to(s, s.n - 1) : s; }

static void sentence_add(Arena *a, Buf *out, const Asked *q, size_t i) {
        const RespondIn *in = q->in;
        const Candidate *c = &q->list.v[i];
        const MemoryHit *h = c->hit;
        size_t mark = i + 1;
        Str you, day = day_text(a, hit_at(h));
        if (h->turn) {
                buf_addf(out, "On %.*s you said: \"%.*s\" [%zu].", STR_FMT(day), STR_FMT(c->text),
                         mark);
                return;
        }
        if (is_over(in, h)) {
                day = day_text(a, h->memory->valid_to ? h->memory->valid_to : hit_at(h));
                buf_addf(out, "Until %.*s I had noted: \"%.*s\" [%zu].", STR_FMT(day),
                         STR_FMT(c->text), mark);
                return;
        }
        Str now = plan_today(a, h->memory->content, in->now_ms, in->utc_offset_min);
        if (is_of_other(h->memory)) /* "Julia works at UKE." */
                buf_addf(out, "%.*s [%zu].", STR_FMT(without_stop(now)), mark);
        else if (!second_person(a, now, &you))
                buf_addf(out, "You told me: \"%.*s\" [%zu].", STR_FMT(h->memory->content), mark);
        else if (q->question.kind == QUESTION_WHEN && !c->fits)
                buf_addf(out, "%.*s [%zu]; I noted that on %.*s.", STR_FMT(you), mark,
                         STR_FMT(day));
        else
                buf_addf(out, "%.*s [%zu].", STR_FMT(you), mark);
}

static void quotes_add(Arena *a, Buf *out, const Choice *list, Response *ret) {
        Citation *c = NEW_ARRAY(a, Citation, list->n + 1);
        UsedMemory *used = NEW_ARRAY(a, UsedMemory, list->n + 1);
        size_t n_used = 0;
        for (size_t i = 0; i < list->n; i++) {
                const MemoryHit *h = list->v[i].hit;
                Str text = list->v[i].text, day = day_text(a, hit_at(h));
                buf_addf(out, "\n[%zu] \"%.*s\" (%.*s)", i + 1, STR_FMT(text), STR_FMT(day));
                c[i] = (Citation){ .mark = (int64_t)i + 1, .quote = text };
                if (h->turn) {
                        c[i].turn_id = h->turn->turn_id;
                        continue;
                }
                c[i].memory_id = h->memory->memory_id;
                c[i].turn_id = h->memory->source_turn_id;
                used[n_used++] = (UsedMemory){ h->memory->memory_id, h->memory->type,
                                               h->memory->content, h->relevance };
        }
        ret->citations = (List){ c, list->n };
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

static const char *const openings[_OFFLINE_REASON_N] = {
        [OFFLINE_NO_MODEL] =
                "No language model is available; this answer comes from your stored memories.",
        [OFFLINE_BUDGET] = "The budget for language models is used up, so no language model is "
                           "asked; this answer comes from your stored memories.",
        [OFFLINE_CONSENT] = "You chose that no language model reads your messages; this answer "
                            "comes from your stored memories.",
};

/* ---- a question ---- */

static void nothing_add(Buf *out) {
        buf_add_c(out, "I have nothing stored that answers this. I have kept your message.");
}

/* "Do I like tea?" may be answered so by a fact in the question's own words. */
static const char *yes_or_no(const Asked *q) {
        const Candidate *best = &q->list.v[0];
        Str text = best->text;
        if (!q->question.is_now || !best->hit->memory || !best->cover.is_literal ||
            best->tier < TIER_ALL || !best->is_theirs || text_is_past_or_wish(text))
                return "";
        return text_denies(text) == (q->question.liking < 0) ? "Yes. " : "No. ";
}

/* What "how many" and "how old" ask for is there. */
static bool has_figure(const Asked *q) {
        return q->list.v[0].fits ||
               (q->question.kind != QUESTION_AGE && q->question.kind != QUESTION_COUNT);
}

/* "Where do I live" is not told by where I do not. */
static bool wants_what_is(const Asked *q) {
        return q->question.kind == QUESTION_WHERE || q->question.kind == QUESTION_WHO ||
               q->question.kind == QUESTION_NAME;
}

static const char *introduction(const Asked *q) {
        const Cover *cover = &q->list.v[0].cover;
        if (q->in->is_broad)
                return "";
        if (q->question.is_past && !q->list.v[0].is_past)
                return "I have nothing stored of what was before; this is what I know. ";
        if (q->question.kind == QUESTION_YES_NO && cover->needs < COVER_ALL)
                return "I have nothing stored that says so; this comes closest. ";
        if (wants_what_is(q) && (q->list.v[0].denies ||
                                 (!q->question.is_past && text_is_formerly(q->list.v[0].text))))
                return "I do not know that; I only have this. ";
        if (cover->share < COVER_HALF || !has_figure(q) || q->question.is_vague)
                return "I have nothing stored that says exactly that; this comes closest. ";
        return yes_or_no(q);
}

/* How many of the first say as much as the best does. */
static size_t sentences_of(const Asked *q) {
        const Candidate *v = q->list.v;
        if (q->in->is_broad)
                return q->list.n;
        size_t n = 1;
        while (q->question.wants_all && n < q->list.n && v[n].is_past == v[0].is_past &&
               v[n].cover.share >= v[0].cover.share - COVER_SAME &&
               v[n].score >= SCORE_ALSO * v[0].score)
                n++;
        return n;
}

/* Beside a fact that says all of it, the words of other days may say what was so then. */
static bool is_worth_a_quote(const Asked *q, const Candidate *c, const Candidate *best) {
        if (q->in->is_broad)
                return true;
        if (best->hit->memory && best->tier == TIER_ALL && c->hit->turn && !q->question.wants_all)
                return false;
        return c->cover.share >= best->cover.share - COVER_SAME ||
               (c->cover.share >= COVER_NEAR * best->cover.share &&
                c->score >= SCORE_NEAR * best->score);
}

/* What says as much first, then what is worth a quote beside it. */
static void list_trim(Asked *q) {
        Choice *list = &q->list;
        const Candidate best = list->v[0];
        double same = best.cover.share - COVER_SAME;
        size_t n = 0;
        for (size_t i = 0; i < list->n; i++) {
                Candidate c = list->v[i];
                if (!is_worth_a_quote(q, &c, &best))
                        continue;
                size_t at = n++;
                for (; c.cover.share >= same && at && list->v[at - 1].cover.share < same; at--)
                        list->v[at] = list->v[at - 1];
                list->v[at] = c;
        }
        list->n = MIN(n, (size_t)QUOTES_MAX);
}

static void sentences_add(Arena *a, Buf *out, const Asked *q, size_t n, Response *ret) {
        for (size_t i = 0; i < n; i++) {
                if (i)
                        buf_addc(out, ' ');
                sentence_add(a, out, q, i);
        }
        if (q->left_out)
                buf_addf(out, " And %zu more.", q->left_out);
        buf_addc(out, '\n');
        quotes_add(a, out, &q->list, ret);
}

static void plans_answer(Arena *a, Buf *out, Asked *q, Response *ret) {
        choose_plans(a, q->in, &q->question, &q->list);
        size_t n = MIN(q->list.n, (size_t)QUOTES_MAX);
        q->left_out = q->list.n - n;
        q->list.n = n;
        if (n)
                sentences_add(a, out, q, n, ret);
        else
                buf_add_c(out, "I have no plans stored for that time. I have kept your message.");
}

static void latest_answer(Arena *a, Buf *out, Asked *q, Response *ret) {
        choose_latest(a, q->in, &q->list);
        q->list.n = MIN(q->list.n, (size_t)LATEST_MAX);
        if (q->list.n)
                sentences_add(a, out, q, q->list.n, ret);
        else
                nothing_add(out);
}

static bool has_learned(const RespondIn *in) { return in->learned && in->learned->created.n; }

/* "I moved to Leeds. Where do I live?": the acknowledgement is the answer. */
static bool was_just_told(Arena *a, const RespondIn *in, const Question *q) {
        for (size_t i = 0; has_learned(in) && i < in->learned->n; i++) {
                Part part = whose_part(a, &q->owner, &q->needs, in->learned->v[i].row.content);
                if (part.text.n && q->needs.n && question_cover(q, part.text).needs >= COVER_HALF)
                        return true;
        }
        return false;
}

static void asked_read(Arena *a, bool is_broad, Str message, Asked *q) {
        question_read(a, message, &q->question);
        if (is_broad) { /* all about the person, or all about something */
                q->question.kind = QUESTION_OPEN;
                q->question.wants_all = true;
        }
}

static void asked_choose(Arena *a, Asked *q) {
        choose(a, q->in, &q->question, q->question.is_now ? RELEVANT_NOT : RELEVANT, &q->list);
}

static bool says_something(const Asked *q) {
        return q->list.n && (q->in->is_broad || q->list.v[0].cover.share >= COVER_SOME);
}

/* That Anna is my sister is not what either of them does. */
static void told_drop(Choice *list, const MemoryHit *told) {
        size_t n = 0;
        for (size_t i = 0; i < list->n; i++)
                if (list->v[i].hit != told)
                        list->v[n++] = list->v[i];
        list->n = n;
}

static bool says_half(const Choice *list) {
        return list->n && list->v[0].cover.share >= COVER_HALF;
}

static bool says_more(const Choice *x, const Choice *than) {
        return says_half(x) &&
               (!than->n || x->v[0].cover.share > than->v[0].cover.share + COVER_SAME);
}

static bool has_hit(const Choice *list, const MemoryHit *hit) {
        for (size_t i = 0; i < list->n; i++)
                if (list->v[i].hit == hit)
                        return true;
        return false;
}

static void choice_join(Arena *a, Choice *to, const Choice *more) {
        Choice all = { NEW_ARRAY(a, Candidate, to->n + more->n + 1), 0 };
        for (size_t i = 0; i < to->n; i++)
                all.v[all.n++] = to->v[i];
        for (size_t i = 0; i < more->n; i++)
                if (!has_hit(to, more->v[i].hit))
                        all.v[all.n++] = more->v[i];
        *to = all;
}

/* Asked of "Anna" instead of "my sister": what that says more takes its place, or comes along where
 * all is asked for. Returns the fact that makes them one, or NULL. */
static const MemoryHit *alias_choose(Arena *a, bool is_broad, Asked *q) {
        const MemoryHit *told = NULL;
        Aliases known = aliases_of(a, asking_part(q->in->message), q->in->hits);
        for (size_t i = 0; i < known.n; i++) {
                Asked other = { .in = q->in };
                asked_read(a, is_broad, known.v[i].message, &other);
                asked_choose(a, &other);
                told_drop(&other.list, known.v[i].told);
                if (is_broad) {
                        choice_join(a, &q->list, &other.list);
                        continue;
                }
                Asked own = *q;
                choice_join(a, &own.list, &(Choice){ 0 });
                told_drop(&own.list, known.v[i].told);
                if (says_more(&other.list, &own.list))
                        *q = other, told = known.v[i].told;
                else if (says_half(&own.list))
                        *q = own;
        }
        return told;
}

/* As the last quote; returns how many stand before it. */
static size_t introduction_add(Asked *q, const MemoryHit *told) {
        told_drop(&q->list, told);
        q->list.n = MIN(q->list.n, (size_t)QUOTES_MAX - 1);
        q->list.v[q->list.n++] = (Candidate){ .hit = told, .text = hit_text(told) };
        return q->list.n - 1;
}

/* A fact that later words may have ended: they are said, and the fact is only quoted. */
static bool changed_answer(Arena *a, Buf *out, Asked *q, Response *ret) {
        const MemoryHit *fact = q->list.v[0].hit;
        Candidate since;
        bool asks_more = q->in->is_broad || q->question.is_past ||
                         (q->question.wants_all && q->list.n > 1);
        if (asks_more || !fact->memory || is_over(q->in, fact) ||
            !said_since(a, q->in, &q->question, fact, &since))
                return false;
        q->list.v[1] = q->list.v[0];
        q->list.v[0] = since;
        q->list.n = 2;
        buf_add_c(out, "What I had noted may no longer hold. ");
        sentences_add(a, out, q, 1, ret);
        return true;
}

static void question_answer(Arena *a, Buf *out, const RespondIn *in, Response *ret) {
        RespondIn own = *in;
        Asked q = { .in = &own };
        asked_read(a, in->is_broad, asking_part(in->message), &q);
        own.is_broad = in->is_broad && !q.question.needs.n;
        if (q.question.is_latest) {
                latest_answer(a, out, &q, ret);
                return;
        }
        if (question_is_about_plans(&q.question, in->is_schedule)) {
                plans_answer(a, out, &q, ret);
                return;
        }
        asked_choose(a, &q);
        const MemoryHit *told = NULL;
        if (q.question.kind != QUESTION_WHO && q.question.kind != QUESTION_NAME)
                told = alias_choose(a, in->is_broad, &q);
        if (!says_something(&q)) {
                if (!was_just_told(a, in, &q.question))
                        nothing_add(out);
                return;
        }
        list_trim(&q);
        if (changed_answer(a, out, &q, ret))
                return;
        buf_add_c(out, introduction(&q));
        size_t n = sentences_of(&q);
        if (told)
                n = MIN(n, introduction_add(&q, told));
        sentences_add(a, out, &q, n, ret);
}

/* What was told with it first. */
static void told_and_asked_answer(Arena *a, Buf *out, const RespondIn *in, Response *ret) {
        _cleanup_(buf_done) Buf said = BUF(TEXT_MAX * 4);
        bool told = has_learned(in) && learned_add(out, in->learned);
        question_answer(a, &said, in, ret);
        if (told && said.n)
                buf_add_c(out, "\n\n");
        buf_add(out, buf_str(&said));
}

/* ---- anything else ---- */

static const char about_us[] =
        "I am Mainstay's built-in responder. I keep what you tell me and answer from it, with the "
        "stored words that an answer rests on; I know nothing else.";

typedef struct Courtesy {
        const char *said, *reply; /* said: whole messages, between bars */
} Courtesy;
static const Courtesy courtesies[] = {
        { "|thanks|thank you|thanks a lot|thank you very much|many thanks|thx|cheers|ok thanks|",
          "You are welcome." },
        { "|hi|hello|hey|hi there|hello there|hey there|good morning|good afternoon|good evening|",
          "Hello. Tell me something to remember, or ask about what you have told me." },
        { "|bye|goodbye|good night|see you|see you later|see you tomorrow|",
          "Goodbye. What you told me is kept." },
        { "|how are you|how are you doing|how is it going|how's it going|what's up|",
          "I am ready: tell me something to remember, or ask about what you have told me." },
        { "|who are you|what are you|what is your name|what's your name|are you human|"
          "are you a bot|are you an ai|what can you do|what do you do|how do you work|help|"
          "help me|",
          about_us },
        { "|ok|okay|good|great|nice|cool|fine|perfect|alright|all right|", "All right." },
};

static const char after_words[] = " today then now tonight again there mate friend buddy ";

/* key: "|how are you today", n bytes; without its last words when they add nothing. */
static const char *courtesy_find(char *key, size_t n) {
        for (;;) {
                key[n] = '|';
                key[n + 1] = '\0';
                for (size_t i = 0; i < ELEMENTSOF(courtesies); i++)
                        if (strstr(courtesies[i].said, key))
                                return courtesies[i].reply;
                size_t end = n;
                while (n && key[n - 1] != ' ')
                        n--;
                if (!n || !str_is_in(str_n(key + n, end - n), after_words))
                        return NULL;
                n--;
        }
}

static const char *courtesy_of(Str message) {
        char key[80] = "|";
        size_t n = 1;
        for (Str rest = message, w; (w = word_first(&rest)).n;) {
                if (n + w.n + 2 > sizeof key)
                        return NULL;
                for (size_t i = 0; i < w.n; i++)
                        key[n++] = (char)tolower((unsigned char)w.p[i]);
                key[n++] = ' ';
        }
        return n < 2 ? NULL : courtesy_find(key, n - 1);
}

/* "Forget my address", "please delete that" */
static bool asks_to_forget(Str message) {
        Str rest = message, w = word_first(&rest);
        while (w.n && str_is_in(w, " please can could would you just now ok and "))
                w = word_first(&rest);
        return w.n && str_is_in(w, " forget delete erase remove ");
}

static void statement_answer(Arena *a, Buf *out, const RespondIn *in, Response *ret) {
        Asked q = { .in = in };
        if (!learned_add(out, in->learned))
                buf_add_c(out, asks_to_forget(in->message)
                                       ? "I delete nothing on being told so in a conversation; each "
                                         "memory, a conversation or all of it can be deleted by "
                                         "itself. I have kept your message."
                                       : "I have kept your message word for word; it holds no fact "
                                         "that I could read from it.");
        question_read(a, in->message, &q.question);
        choose(a, in, &q.question, RELATED, &q.list);
        if (!q.list.n || q.list.v[0].cover.share < COVER_SOME)
                return;
        q.list.n = MIN(q.list.n, (size_t)RELATED_MAX);
        buf_add_c(out, "\n\nThis may belong to it:");
        quotes_add(a, out, &q.list, ret);
}

void respond(Arena *a, const RespondIn *in, Response *ret) {
        _cleanup_(buf_done) Buf out = BUF(TEXT_MAX * 4);
        const char *courtesy = courtesy_of(in->message);
        bool asks = message_asks(in->message);
        Response r = { 0 };
        buf_add_c(&out, openings[in->reason]);
        buf_add_c(&out, "\n\n");
        if (!courtesy && asks && asks_about_us(question_core(a, in->message)))
                courtesy = about_us;
        if (courtesy && !(in->learned && in->learned->n))
                buf_add_c(&out, courtesy);
        else if (asks)
                told_and_asked_answer(a, &out, in, &r);
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

// SPDX-License-Identifier: MIT
#include "chat/choose.h"

#include "chat/phrase.h"
#include "codec/when.h"
#include "memory/moment.h"

#define KIN_SHARE 0.3
#define SURE      0.6
#define LIKING_SHARE 0.5
/* what was said may have changed since; a fact was kept up to date */
#define WORDS_WEIGHT 0.4
/* what used to be so, where what is so is asked for */
#define FORMERLY_WEIGHT 0.5
enum { CANDIDATES_MAX = 200, SHORT_MAX = 200 };

/* ---- what may answer ---- */

Str hit_text(const MemoryHit *h) { return h->memory ? h->memory->content : h->turn->text; }
int64_t hit_at(const MemoryHit *h) { return h->memory ? h->memory->valid_from : h->turn->at; }

bool hit_tells(const MemoryHit *h, Str message) {
        if (h->memory)
                return true;
        if (str_eq_c(h->turn->role, "assistant") ||
            str_eq(str_trim(h->turn->text), str_trim(message)))
                return false;
        for (Str rest = h->turn->text, s; (s = sentence_first(&rest)).n;)
                if (!message_asks(s))
                        return true;
        return false;
}

static bool are_kin(const MemoryHit *x, const MemoryHit *y) {
        const MemoryHit *fact = x->memory ? x : y, *words = x->memory ? y : x;
        return fact->memory && words->turn &&
               str_eq(fact->memory->source_turn_id, words->turn->turn_id);
}

static bool has_id(const Learned *l, Str memory_id) {
        for (size_t i = 0; l && i < l->n; i++)
                for (size_t j = 0; j < l->v[i].superseded.n; j++)
                        if (str_eq(l->v[i].superseded.v[j], memory_id))
                                return true;
        return false;
}

bool is_over(const RespondIn *in, const MemoryHit *h) {
        const MemoryRow *m = h->memory;
        return m && (str_eq_c(m->status, "superseded") || m->valid_from > in->now_ms ||
                     (m->valid_to && m->valid_to <= in->now_ms));
}

/* A fact that holds no longer, and words of which nothing holds that was taken from them. */
static bool is_of_the_past(const RespondIn *in, const MemoryHit *h) {
        bool over = false;
        if (h->memory)
                return is_over(in, h);
        for (size_t i = 0; i < in->hits->n; i++) {
                const MemoryHit *o = &in->hits->v[i];
                if (!o->memory || !are_kin(o, h))
                        continue;
                if (!is_over(in, o))
                        return false;
                over = true;
        }
        return over;
}

/* By what was just said: the fact, and the words it was taken from. */
static bool was_superseded(const RespondIn *in, const MemoryHit *h) {
        if (h->memory)
                return has_id(in->learned, h->memory->memory_id);
        for (size_t i = 0; i < in->hits->n; i++) {
                const MemoryHit *o = &in->hits->v[i];
                if (o->memory && are_kin(o, h) && has_id(in->learned, o->memory->memory_id))
                        return true;
        }
        return false;
}

/* relevance_score among what can answer at all: the user's own questions and our answers rank high
 * and say nothing. */
static double scale_of(const RespondIn *in) {
        double relevance = 0, similarity = 0;
        for (size_t i = 0; i < in->hits->n; i++) {
                const MemoryHit *h = &in->hits->v[i];
                if (!hit_tells(h, in->message))
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

/* "What do I like" is not answered by what is not liked, nor by what is neither. */
static double liking_weight(const Question *q, Str text) {
        if (q->liking && !q->needs.n && !text_likes(text))
                return 0;
        if (q->kind == QUESTION_YES_NO)
                return 1;
        if (q->liking && !q->needs.n)
                return text_denies(text) == (q->liking < 0) ? 1 : 0;
        return q->liking >= 0 && text_denies(text) ? 0.5 : 1;
}

/* What a text says of whom the question is about; all of it where all is asked for. */
static Part part_of(Arena *a, const RespondIn *in, const Question *q, Str text) {
        if (in->is_broad)
                return (Part){ text, true };
        return whose_part(a, &q->owner, &q->needs, text);
}

static void judge(Arena *a, const RespondIn *in, const Question *q, Str text, Candidate *ret) {
        Part part = part_of(a, in, q, text);
        *ret = (Candidate){ .text = text, .is_theirs = part.is_theirs };
        if (!part.text.n)
                return;
        ret->cover = question_cover(q, part.text);
        /* "what food do I hate": what is hated may be a food that we do not know as one */
        if (q->liking && !q->needs.n)
                ret->cover.share = MAX(ret->cover.share, LIKING_SHARE);
        ret->fits = question_fits(q, part.text);
        ret->denies = text_denies(part.text);
        ret->is_past = text_is_past(part.text);
        ret->weight = question_takes(q, part.text) ? liking_weight(q, part.text) : 0;
}

static bool is_better_part(const Candidate *x, const Candidate *than) {
        if ((x->weight > 0) != (than->weight > 0))
                return x->weight > 0;
        double more = x->cover.share - than->cover.share;
        if (more > COVER_SAME || more < -COVER_SAME)
                return more > 0;
        return x->fits && !than->fits;
}

/* The sentence that says most, with the next one where the two say more. One that asks says
 * nothing; what is short is quoted whole. */
static void judge_turn(Arena *a, const RespondIn *in, const Question *q, Str text, Candidate *ret) {
        Candidate best = { .text = text }, c;
        Str before = STR_NULL;
        bool asks = false;
        for (Str rest = text, s; (s = sentence_first(&rest)).n;) {
                if (message_asks(s)) {
                        asks = true;
                        before = STR_NULL;
                        continue;
                }
                Str both = before.p ? str_n(before.p, (size_t)(s.p + s.n - before.p)) : s;
                judge(a, in, q, s, &c);
                if (is_better_part(&c, &best))
                        best = c;
                judge(a, in, q, both, &c);
                if (before.p && is_better_part(&c, &best))
                        best = c;
                before = s;
        }
        if (!asks && text.n <= SHORT_MAX)
                best.text = text;
        *ret = best;
}

static bool wants_fact(const Question *q) {
        return q->kind != QUESTION_YES_NO && q->kind != QUESTION_OPEN && !q->liking;
}

/* weight 0: it cannot answer. */
static Candidate candidate_of(Arena *a, const RespondIn *in, const Question *q, const MemoryHit *h,
                              double relevance) {
        Candidate c;
        if (h->memory)
                judge(a, in, q, h->memory->content, &c);
        else
                judge_turn(a, in, q, h->turn->text, &c);
        c.hit = h;
        c.relevance = relevance;
        c.is_past |= is_over(in, h);
        c.at = is_over(in, h) ? h->memory->valid_to : 0;
        c.score = relevance * (0.25 + c.cover.share * c.cover.share) * (c.fits ? 1 : 0.6) *
                  (h->memory ? 1 : WORDS_WEIGHT) * c.weight;
        if (!q->is_past && text_is_formerly(c.text))
                c.score *= FORMERLY_WEIGHT;
        c.tier = !h->memory && q->is_now       ? TIER_SOME
                 : c.cover.needs >= COVER_ALL  ? TIER_ALL
                 : c.cover.needs >= COVER_HALF ? TIER_HALF
                                               : TIER_SOME;
        /* where somebody does not live is no answer while anything else is */
        if ((c.denies && wants_fact(q)) || (q->is_past && !c.is_past))
                c.tier = TIER_SOME;
        return c;
}

/* A fact that says as much takes the place of the words it came from. */
static bool is_better_kin(const Candidate *x, const Candidate *than) {
        const Candidate *fact = x->hit->memory ? x : than, *words = x->hit->memory ? than : x;
        bool fact_wins = fact->cover.share >= words->cover.share - COVER_SAME &&
                         fact->fits >= words->fits &&
                         fact->relevance >= KIN_SHARE * words->relevance;
        return fact_wins == (x == fact);
}

static void choice_add(Choice *list, const Candidate *c) {
        for (size_t i = 0; i < list->n; i++)
                if (are_kin(list->v[i].hit, c->hit)) {
                        if (is_better_kin(c, &list->v[i]))
                                list->v[i] = *c;
                        return;
                }
        if (list->n < CANDIDATES_MAX)
                list->v[list->n++] = *c;
}

static bool is_name(const Candidate *c) { return str_starts(c->text, STR("Name is")); }

static bool goes_before(const RespondIn *in, const Candidate *x, const Candidate *y) {
        if (in->is_broad && is_name(x) != is_name(y))
                return is_name(x);
        if (in->is_broad && !x->hit->memory != !y->hit->memory)
                return x->hit->memory != NULL;
        if (!in->is_broad && x->tier != y->tier)
                return x->tier > y->tier;
        if (x->at && y->at) /* of what is over the latest */
                return x->at > y->at;
        return x->score > y->score;
}

static void choice_sort(const RespondIn *in, Choice *list) {
        for (size_t i = 1; i < list->n; i++) {
                Candidate c = list->v[i];
                size_t at = i;
                for (; at && goes_before(in, &c, &list->v[at - 1]); at--)
                        list->v[at] = list->v[at - 1];
                list->v[at] = c;
        }
}

/* Every word of `part` is one of `whole`: it tells nothing more. */
static bool is_within(Str part, Str whole) {
        for (Str rest = part, w; (w = word_first(&rest)).n;) {
                bool found = false;
                for (Str all = whole, o; !found && (o = word_first(&all)).n;)
                        found = str_eq_nocase(w, o);
                if (!found)
                        return false;
        }
        return true;
}

/* The shorter of two that say the same, or the later of two alike. */
static bool is_repeat(const Choice *list, size_t i) {
        const Candidate *c = &list->v[i];
        for (size_t j = 0; j < list->n; j++) {
                Str text = c->text, other = list->v[j].text;
                if (j != i && list->v[j].hit->memory && list->v[j].cover.share >= c->cover.share &&
                    is_within(text, other) && (j < i || !is_within(other, text)))
                        return true;
        }
        return false;
}

static void repeats_drop(Arena *a, Choice *list) {
        Choice kept = { NEW_ARRAY(a, Candidate, list->n + 1), 0 };
        for (size_t i = 0; i < list->n; i++)
                if (!list->v[i].hit->memory || !is_repeat(list, i))
                        kept.v[kept.n++] = list->v[i];
        *list = kept;
}

void choose(Arena *a, const RespondIn *in, const Question *q, double least, Choice *ret) {
        double scale = scale_of(in);
        *ret = (Choice){ NEW_ARRAY(a, Candidate, CANDIDATES_MAX), 0 };
        for (size_t i = 0; i < in->hits->n; i++) {
                const MemoryHit *h = &in->hits->v[i];
                double relevance = h->relevance * scale;
                if (!is_to_the_point(in, h, relevance, least) || !hit_tells(h, in->message) ||
                    was_superseded(in, h) || (!q->is_past && is_of_the_past(in, h)))
                        continue;
                Candidate c = candidate_of(a, in, q, h, relevance);
                if (c.weight > 0)
                        choice_add(ret, &c);
        }
        choice_sort(in, ret);
        repeats_drop(a, ret);
}

/* ---- plans ---- */

/* 0: it names no time. */
static int64_t plan_at(Arena *a, const RespondIn *in, const MemoryHit *h) {
        static const Str mark = STR("\"scheduled_date\":\"");
        int64_t at;
        Moment m;
        Str rest = h->memory && h->memory->context.p ? h->memory->context : STR("");
        while (rest.n >= mark.n && !str_starts(rest, mark))
                rest = str_from(rest, 1);
        if (rest.n >= mark.n) {
                rest = str_from(rest, mark.n);
                return when_parse(str_cut(&rest, '"'), &at) ? at : 0;
        }
        MomentRef said = { hit_at(h), in->utc_offset_min };
        return moment_find(a, hit_text(h), &said, &m) && m.kind != MOMENT_PAST ? m.at_ms : 0;
}

typedef struct Window {
        int64_t from, to;
} Window;

static bool phrase_has(Str phrase, const char *word) {
        for (Str rest = phrase, w; (w = word_first(&rest)).n;)
                if (str_eq_nocase(w, str_c(word)))
                        return true;
        return false;
}

/* Of the days of a span those that are still to come. */
static Window window_of_span(Span span, int64_t day) {
        Civil c = civil_from_days(day);
        int64_t monday = day - civil_weekday(day), from = day, to = monday + 7;
        if (span == SPAN_MONTH)
                to = day - c.day + 1 + month_length(c.year, c.month);
        else if (span == SPAN_WEEKEND)
                from = MAX(day, monday + 5);
        else if (span == SPAN_NEXT_WEEKEND)
                from = monday + 12, to = monday + 14;
        return (Window){ from, to };
}

/* The days that the question names; from today on when it names none. */
static Window window_of(Arena *a, const RespondIn *in) {
        MomentRef now = { in->now_ms, in->utc_offset_min };
        int64_t offset = in->utc_offset_min * INT64_C(60000);
        int64_t day = days_of_ms(in->now_ms + offset), days = 1;
        Span span = span_of(in->message);
        Moment m;
        if (span) {
                Window w = window_of_span(span, day);
                return (Window){ w.from * DAY_MS - offset, w.to * DAY_MS - offset };
        }
        if (!moment_find(a, in->message, &now, &m))
                return (Window){ day * DAY_MS - offset, INT64_MAX };
        day = days_of_ms(m.at_ms + offset);
        if (phrase_has(m.phrase, "week")) {
                day -= civil_weekday(day);
                days = 7;
        } else if (phrase_has(m.phrase, "month") || m.kind == MOMENT_MONTH) {
                Civil c = civil_from_days(day);
                day -= c.day - 1;
                days = month_length(c.year, c.month);
        } else if (m.kind == MOMENT_YEAR) {
                days = 366;
        }
        return (Window){ day * DAY_MS - offset, (day + days) * DAY_MS - offset };
}

static void plan_add(Choice *list, const Candidate *c) {
        size_t at = list->n;
        if (list->n == CANDIDATES_MAX)
                return;
        for (list->n++; at && c->at < list->v[at - 1].at; at--)
                list->v[at] = list->v[at - 1];
        list->v[at] = *c;
}

/* Of words: what was taken from them is there, too. */
static bool has_fact(const RespondIn *in, const MemoryHit *h) {
        for (size_t i = 0; h->turn && i < in->hits->n; i++)
                if (are_kin(&in->hits->v[i], h))
                        return true;
        return false;
}

void choose_plans(Arena *a, const RespondIn *in, const Question *q, Choice *ret) {
        Window w = window_of(a, in);
        *ret = (Choice){ NEW_ARRAY(a, Candidate, CANDIDATES_MAX), 0 };
        for (size_t i = 0; i < in->hits->n; i++) {
                const MemoryHit *h = &in->hits->v[i];
                Candidate c = { .hit = h,
                                .text = hit_text(h),
                                .cover = question_cover(q, hit_text(h)),
                                .fits = question_fits(q, hit_text(h)) };
                c.at = plan_at(a, in, h);
                if (c.at >= w.from && c.at < w.to && question_takes_plan(q, c.text) &&
                    !has_fact(in, h) && hit_tells(h, in->message) && !was_superseded(in, h) &&
                    !is_of_the_past(in, h))
                        plan_add(ret, &c);
        }
}

/* ---- what was told last ---- */

void choose_latest(Arena *a, const RespondIn *in, Choice *ret) {
        *ret = (Choice){ NEW_ARRAY(a, Candidate, CANDIDATES_MAX), 0 };
        for (size_t i = 0; i < in->hits->n; i++) {
                const MemoryHit *h = &in->hits->v[i];
                Candidate c = { .hit = h, .text = hit_text(h), .at = -hit_at(h) };
                if (h->turn && hit_tells(h, in->message))
                        plan_add(ret, &c);
        }
}

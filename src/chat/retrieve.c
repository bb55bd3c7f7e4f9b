// SPDX-License-Identifier: MIT
#include "chat/retrieve.h"

#include "base/log.h"
#include "chat/alias.h"
#include "chat/choose.h"
#include "codec/when.h"
#include "memory/moment.h"
#include "memory/profile.h"

enum {
        RECENT_MAX = 60,
        RECENT_SHOWN = 12,
        QUERY_MAX = 1000,
        /* a responder leaves out questions and its own answers */
        OFFLINE_MORE = 3,
        /* with fewer that tell something there is a second look at more */
        TELLING_FEW = 12,
        TURNS_MANY = 200,
        LATEST_TURNS = 60,
        NAMED_FACTS = 3,
        KEPT_MAX = 50
};

/* of what is found by where it is kept */
#define KEPT_RELEVANCE   0.5
#define LATEST_RELEVANCE 0.1

static Str query_of(Ctx *cx, Str message) {
        Str s = question_query(cx->arena, message);
        while (str_utf8_count(s) > QUERY_MAX)
                s = str_to(s, str_utf8_cut(s, s.n - (str_utf8_count(s) - QUERY_MAX)));
        return s;
}

/* ---- what was said before ---- */

static void turns_pair(Ctx *cx, const Turns *said, Str turn_id, Retrieved *ret) {
        PromptTurn *v = NEW_ARRAY(cx->arena, PromptTurn, said->n + 1);
        size_t n = 0;
        for (size_t i = 0; i < said->n; i++) {
                const Turn *t = &said->v[i];
                if (str_eq(t->turn_id, turn_id))
                        continue;
                bool assistant = str_eq_c(t->role, "assistant");
                /* newest first: the answer comes before its question */
                if (assistant || !n || v[n - 1].user.p)
                        v[n++] = (PromptTurn){ .assistant = assistant ? t->text : STR_NULL };
                if (!assistant)
                        v[n - 1].user = t->text;
        }
        while (n && !v[n - 1].user.p) /* an answer whose question is further back */
                n--;
        for (size_t i = 0; i < n; i++)
                if (!v[i].user.p)
                        v[i].user = STR("");
        ret->turns = v;
        ret->n_turns = n;
}

/* ---- memories ---- */

/* "in March", "last year": facts as they stood then. 0: no such phrase, or one of the future. */
static int64_t as_of_of(Ctx *cx, Str message, int utc_offset_min) {
        Moment m;
        int64_t now = cx_now_ms(cx);
        if (!moment_find(cx->arena, message, &(MomentRef){ now, utc_offset_min }, &m))
                return 0;
        Civil day = civil_from_days(days_of_ms(m.at_ms));
        if (m.kind == MOMENT_MONTH && m.at_ms > now && !m.has_year)
                day.year--;
        int64_t at = m.at_ms;
        if (m.kind == MOMENT_MONTH)
                at = (civil_to_days(
                              (Civil){ day.year, day.month, month_length(day.year, day.month) }) +
                      1) * DAY_MS -
                     1;
        else if (m.kind == MOMENT_YEAR)
                at = civil_to_days((Civil){ day.year + 1, 1, 1 }) * DAY_MS - 1;
        else if (m.kind != MOMENT_PAST && m.kind != MOMENT_DATE)
                return 0;
        return at < now ? at : 0;
}

static Str hit_id(const MemoryHit *h) {
        return h->memory ? h->memory->memory_id : h->turn->turn_id;
}

static MemoryHit *hit_find(const MemoryHits *list, Str id) {
        for (size_t i = 0; i < list->n; i++)
                if (str_eq(hit_id(&list->v[i]), id))
                        return &list->v[i];
        return NULL;
}

/* `more` behind what is there, each once. */
static void hits_merge(Ctx *cx, MemoryHits *into, const MemoryHits *more) {
        MemoryHit *v = NEW_ARRAY(cx->arena, MemoryHit, into->n + more->n + 1);
        MemoryHits all = { v, into->n, into->degraded || more->degraded };
        if (into->n)
                memcpy(v, into->v, into->n * sizeof *v);
        for (size_t i = 0; i < more->n; i++)
                if (!hit_find(&all, hit_id(&more->v[i])))
                        v[all.n++] = more->v[i];
        *into = all;
}

static const Str plan_types[] = { STR("commitment"), STR("episodic") };

static Err search(Ctx *cx, const MemoryScope *s, const MemoryQuery *q, MemoryHits *into) {
        MemoryHits more;
        if (!q->query.n)
                return OK;
        TRY(memory_search(cx, s, q, &more));
        hits_merge(cx, into, &more);
        return OK;
}

/* `more` are worth as much as they say, also where they stand lower already. */
static void hits_raise(MemoryHits *list, const MemoryHits *more) {
        for (size_t i = 0; i < more->n; i++) {
                MemoryHit *h = hit_find(list, hit_id(&more->v[i]));
                if (!h || h->relevance >= more->v[i].relevance)
                        continue;
                h->relevance = more->v[i].relevance;
                h->similarity = MAX(h->similarity, more->v[i].similarity);
        }
}

/* Found by where they are kept: plans by their time, likes by their kind, not in the words of the
 * question. */
static Err kept_add(Ctx *cx, const MemoryScope *s, const MemoryFilter *f, double relevance,
                    MemoryHits *into) {
        MemoryRows rows;
        Str cursor;
        TRY(memory_list(cx, s, f, &rows, &cursor));
        MemoryHits more = { NEW_ARRAY(cx->arena, MemoryHit, rows.n + 1), rows.n, false };
        for (size_t i = 0; i < rows.n; i++)
                more.v[i] = (MemoryHit){ .memory = &rows.v[i],
                                         .relevance = relevance,
                                         .similarity = relevance };
        hits_merge(cx, into, &more);
        hits_raise(into, &more);
        return OK;
}

static Err latest_add(Ctx *cx, const MemoryScope *s, MemoryHits *into) {
        Turns said;
        TRY(turn_list(cx, s, &(TurnFilter){ .limit = LATEST_TURNS }, &said));
        MemoryHits more = { NEW_ARRAY(cx->arena, MemoryHit, said.n + 1), said.n, false };
        for (size_t i = 0; i < said.n; i++)
                more.v[i] = (MemoryHit){ .turn = &said.v[i] };
        hits_merge(cx, into, &more);
        return OK;
}

/* "Summarize what you know about me": not in these words is it told. */
static const Str all_about_me = STR("Who am I?");

static bool asks_for_all(Ctx *cx, const RetrievalMode *mode, Str asked) {
        Question q;
        if (mode != &mode_broad || !message_asks(asked))
                return false;
        question_read(cx->arena, asked, &q);
        return !q.needs.n && !q.is_latest;
}

/* What the kind of the question asks for, besides what its words find. */
static Err kind_add(Ctx *cx, const MemoryScope *s, const RetrievalMode *mode,
                    const RetrieveAsk *ask, MemoryHits *into) {
        Str asked = asking_part(ask->message);
        Question what;
        Keeping in;
        if (!message_asks(asked))
                return OK;
        question_read(cx->arena, asked, &what);
        if (what.is_latest && !ask->for_prompt)
                TRY(latest_add(cx, s, into));
        if (!ask->for_prompt && asks_for_all(cx, mode, asked))
                TRY(kept_add(cx, s, &(MemoryFilter){ .limit = KEPT_MAX }, LATEST_RELEVANCE, into));
        if (!ask->for_prompt && question_kept_in(&what, asked, &in))
                TRY(kept_add(cx, s,
                             &(MemoryFilter){ .type = str_c(in.type),
                                              .tag = str_c(in.tag),
                                              .limit = KEPT_MAX },
                             KEPT_RELEVANCE, into));
        if (!question_is_about_plans(&what, mode->plans_only))
                return OK;
        return kept_add(cx, s, &(MemoryFilter){ .type = plan_types[0], .limit = mode->top_k }, 0,
                        into);
}

/* Those that tell something. */
static MemoryHits telling_of(Ctx *cx, const MemoryHits *all, Str message) {
        MemoryHits some = { NEW_ARRAY(cx->arena, MemoryHit, all->n + 1), 0, all->degraded };
        for (size_t i = 0; i < all->n; i++)
                if (hit_tells(&all->v[i], message))
                        some.v[some.n++] = all->v[i];
        return some;
}

/* The user's own questions, asked again and again, and our answers to them are nearest to a
 * question, and say nothing: facts have places of their own, and where few words that tell
 * something were found there is a second look. Facts that no longer hold come along: so it was,
 * and what was said of them holds no more. */
static bool is_of_people(const MemoryRow *m) {
        for (size_t i = 0; i < m->tags.n; i++)
                if (str_eq_c(m->tags.v[i], "family") || str_eq_c(m->tags.v[i], "pet"))
                        return true;
        return false;
}

/* What else was said of those whom the best facts name: it may have ended them. */
static Err names_search(Ctx *cx, const MemoryScope *s, const MemoryQuery *q, MemoryHits *into) {
        _cleanup_(buf_done) Buf names = BUF(QUERY_MAX);
        MemoryQuery said = *q;
        size_t seen = 0;
        for (size_t i = 0; i < into->n && seen < NAMED_FACTS; i++) {
                const MemoryRow *m = into->v[i].memory;
                if (!m)
                        continue;
                seen++;
                for (size_t k = 0; is_of_people(m) && k < m->entities.n; k++)
                        buf_addf(&names, "%.*s ", STR_FMT(m->entities.v[k]));
        }
        if (!names.n)
                return OK;
        said.query = arena_dup(cx->arena, str_trim(buf_str(&names)));
        said.memories = false;
        return search(cx, s, &said, into);
}

static Err offline_add(Ctx *cx, const MemoryScope *s, const MemoryQuery *q, Str message,
                       MemoryHits *into) {
        MemoryQuery facts = *q, words = *q;
        MemoryHits found;
        bool full = into->n >= (size_t)q->top_k;
        *into = telling_of(cx, into, message);
        facts.turns = false;
        facts.include_superseded = true;
        TRY(search(cx, s, &facts, into));
        TRY(names_search(cx, s, q, into));
        if (!full || into->n >= TELLING_FEW)
                return OK;
        words.memories = false;
        words.top_k = TURNS_MANY;
        TRY(memory_search(cx, s, &words, &found));
        found = telling_of(cx, &found, message);
        hits_merge(cx, into, &found);
        return OK;
}

/* What was told of "Anna" for what is asked about "my sister". */
static Err alias_search(Ctx *cx, const MemoryScope *s, const MemoryQuery *q, Str asked,
                        MemoryHits *into) {
        Aliases known = aliases_of(cx->arena, asked, into);
        for (size_t i = 0; i < known.n; i++) {
                MemoryQuery other = *q;
                MemoryHits found;
                other.query = query_of(cx, known.v[i].message);
                if (!other.query.n)
                        continue;
                TRY(memory_search(cx, s, &other, &found));
                hits_merge(cx, into, &found);
                hits_raise(into, &found);
        }
        return OK;
}

static Err profile_text(Ctx *cx, const MemoryScope *s, Str *ret_text, Str *ret_query) {
        ProfileSummary p;
        _cleanup_(buf_done) Buf text = BUF(8192);
        _cleanup_(buf_done) Buf query = BUF(8192);
        TRY(profile_summary(cx, s, &p));
        if (p.name.n)
                buf_addf(&text, "Name: %.*s. ", STR_FMT(p.name));
        for (size_t i = 0; i < p.key_facts.n; i++)
                buf_addf(&text, "%.*s. ", STR_FMT(p.key_facts.v[i]));
        for (size_t i = 0; i < p.preferences.n; i++)
                buf_addf(&text, "%.*s. ", STR_FMT(p.preferences.v[i]));
        for (size_t i = 0; i < p.key_facts.n; i++)
                buf_addf(&query, "%.*s ", STR_FMT(p.key_facts.v[i]));
        *ret_text = text.n ? arena_dup(cx->arena, buf_str(&text)) : STR_NULL;
        *ret_query = query.n ? arena_dup(cx->arena, buf_str(&query)) : STR_NULL;
        return OK;
}

static Err memories_find(Ctx *cx, const MemoryScope *s, const RetrieveAsk *ask, Strs exclude,
                         Retrieved *r) {
        Str about;
        int64_t then = as_of_of(cx, ask->message, r->utc_offset_min);
        /* a model is told what the rest of the message may be about, too */
        Str asked = ask->for_prompt ? ask->message : asking_part(ask->message);
        MemoryQuery q = { .query = asks_for_all(cx, r->mode, asked) ? all_about_me
                                                                    : query_of(cx, asked),
                          .top_k = r->mode->top_k * (ask->for_prompt ? 1 : OFFLINE_MORE),
                          .exclude = exclude,
                          .min_confidence = -1,
                          .memories = true,
                          .turns = true };
        TRY(profile_text(cx, s, &r->profile, &about));
        if (r->mode->plans_only)
                q.types = (Strs){ plan_types, ELEMENTSOF(plan_types) };
        if (then) {
                MemoryQuery past = q;
                past.as_of = then;
                past.turns = false;
                TRY(search(cx, s, &past, &r->hits));
        }
        TRY(search(cx, s, &q, &r->hits));
        if (!ask->for_prompt && q.query.n)
                TRY(offline_add(cx, s, &q, ask->message, &r->hits));
        if (r->mode->profile_top && about.p) {
                MemoryQuery me = q;
                me.query = query_of(cx, about);
                me.top_k = r->mode->profile_top;
                me.turns = false;
                TRY(search(cx, s, &me, &r->hits));
        }
        TRY(alias_search(cx, s, &q, asked, &r->hits));
        return kind_add(cx, s, r->mode, ask, &r->hits);
}

static Strs exclude_of(Ctx *cx, const RetrieveAsk *ask, const Turns *said) {
        Str *v = NEW_ARRAY(cx->arena, Str, RECENT_SHOWN + 2);
        size_t n = 0;
        if (ask->turn_id.p)
                v[n++] = ask->turn_id;
        for (size_t i = 0; ask->for_prompt && i < MIN(said->n, RECENT_SHOWN); i++)
                v[n++] = said->v[i].turn_id;
        return (Strs){ v, n };
}

static Err retrieve_all(Ctx *cx, Chat *chat, const RetrieveAsk *ask, Retrieved *r) {
        DbConn *c;
        Turns said = { 0 };
        TRY(db_read(cx, chat->rooms.db, &c));
        MemoryScope s = chat_scope(chat, c, ask->user_id);
        if (ask->conversation_id.p)
                TRY(turn_list(cx, &s,
                              &(TurnFilter){ .conversation_id = ask->conversation_id,
                                             .limit = RECENT_MAX },
                              &said));
        turns_pair(cx, &said, ask->turn_id, r);
        r->mode = mode_of(ask->message, r->n_turns == 0);
        if (ask->no_memories)
                return OK;
        TRY(profile_utc_offset(cx, &s, cx_now_ms(cx), &r->utc_offset_min));
        return memories_find(cx, &s, ask, exclude_of(cx, ask, &said), r);
}

void retrieve(Ctx *cx, Chat *chat, const RetrieveAsk *ask, Retrieved *ret) {
        *ret = (Retrieved){ .mode = mode_of(ask->message, false) };
        Err e = retrieve_all(cx, chat, ask, ret);
        if (e) {
                LOG(cx, LOG_WARN, "retrieval_failed", "the turn goes on without memories",
                    L_STR("error", str_c(err_info[e].name)), L_STR("what", str_c(cx->err.what)));
                err_clear(cx);
                ret->hits = (MemoryHits){ 0 };
                ret->degraded = true;
        }
        ret->degraded |= ret->hits.degraded;
}

/* ---- people ---- */

Strs retrieved_people(Arena *a, const Retrieved *found) {
        const MemoryHits *hits = &found->hits;
        size_t n = 0, most = 0;
        for (size_t i = 0; i < hits->n; i++)
                most += hits->v[i].memory ? hits->v[i].memory->entities.n + 1 : 0;
        Str *v = NEW_ARRAY(a, Str, most + 1);
        for (size_t i = 0; i < hits->n; i++) {
                const MemoryRow *m = hits->v[i].memory;
                if (!m || !is_of_people(m))
                        continue;
                for (size_t k = 0; k < m->entities.n; k++)
                        v[n++] = m->entities.v[k];
                if (m->subject.n && !str_eq_c(m->subject, "self"))
                        v[n++] = m->subject;
        }
        return (Strs){ v, n };
}

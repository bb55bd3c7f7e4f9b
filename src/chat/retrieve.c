// SPDX-License-Identifier: MIT
#include "chat/retrieve.h"

#include "base/log.h"
#include "chat/question.h"
#include "chat/respond.h"
#include "codec/when.h"
#include "memory/moment.h"
#include "memory/profile.h"

enum {
        RECENT_MAX = 60,
        RECENT_SHOWN = 12,
        QUERY_MAX = 1000,
        /* a responder leaves out questions and its own answers */
        OFFLINE_MORE = 3
};

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

static bool has_hit(const MemoryHits *list, Str id) {
        for (size_t i = 0; i < list->n; i++)
                if (str_eq(hit_id(&list->v[i]), id))
                        return true;
        return false;
}

/* `more` behind what is there, each once. */
static void hits_merge(Ctx *cx, MemoryHits *into, const MemoryHits *more) {
        MemoryHit *v = NEW_ARRAY(cx->arena, MemoryHit, into->n + more->n + 1);
        MemoryHits all = { v, into->n, into->degraded || more->degraded };
        if (into->n)
                memcpy(v, into->v, into->n * sizeof *v);
        for (size_t i = 0; i < more->n; i++)
                if (!has_hit(&all, hit_id(&more->v[i])))
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

static bool asks_for_plans(Ctx *cx, const RetrievalMode *mode, Str message) {
        Question q;
        if (!message_asks(message))
                return false;
        question_read(cx->arena, asking_part(message), &q);
        return (mode->plans_only || q.names_day) && question_is_about_plans(&q);
}

/* Plans are asked for by their time, not in their words: the latest, too, up to as many as the mode
 * takes. */
static Err plans_add(Ctx *cx, const MemoryScope *s, const RetrievalMode *mode, MemoryHits *into) {
        MemoryRows rows;
        Str cursor;
        TRY(memory_list(cx, s, &(MemoryFilter){ .type = plan_types[0], .limit = mode->top_k },
                        &rows, &cursor));
        MemoryHits more = { NEW_ARRAY(cx->arena, MemoryHit, rows.n + 1), rows.n, false };
        for (size_t i = 0; i < rows.n; i++)
                more.v[i] = (MemoryHit){ .memory = &rows.v[i] };
        hits_merge(cx, into, &more);
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
        MemoryQuery q = { .query = query_of(cx, asked),
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
        if (r->mode->profile_top && about.p) {
                MemoryQuery me = q;
                me.query = query_of(cx, about);
                me.top_k = r->mode->profile_top;
                me.turns = false;
                TRY(search(cx, s, &q, &r->hits));
                return search(cx, s, &me, &r->hits);
        }
        TRY(search(cx, s, &q, &r->hits));
        return asks_for_plans(cx, r->mode, ask->message) ? plans_add(cx, s, r->mode, &r->hits) : OK;
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

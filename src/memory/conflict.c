// SPDX-License-Identifier: MIT
/* conflict: what a new fact does to older ones about the same subject and attribute. Everything of
 * one subject is a line of intervals; a new value closes the open one, goes into the past where it
 * belongs there, or both are flagged. */
#include "codec/when.h"
#include "memory/memory_int.h"
#include "memory/weigh.h"

typedef enum Strategy { SUPERSEDE, NEWER_WINS, EVOLVE, FLAG, INTO_PAST } Strategy;

/* One new fact against the line of its subject, newest first. */
typedef struct Line {
        Ctx *cx;
        const MemoryScope *s;
        const Keys *k;
        Pending *p;
        StoredList rows;
        Verdict *v;
} Line;

static bool is_live(const Stored *m) {
        return (m->status == STATUS_ACTIVE || m->status == STATUS_FLAGGED) && !m->row.retired_at;
}

static bool same_value(const Stored *a, const Stored *b) {
        return !memcmp(&a->value_mac, &b->value_mac, sizeof(Mac));
}

static bool is_open_at(const Stored *m, int64_t t) {
        return !m->row.valid_to || m->row.valid_to > t;
}

static bool same_source(const MemoryRow *a, const MemoryRow *b) {
        return str_eq(a->source_conversation_id, b->source_conversation_id);
}

/* Ages agree when the years between the two statements explain the difference, give or take one
 * birthday. */
static bool age_explained(const Stored *old, const Stored *new) {
        int64_t a = 0, b = 0;
        if (!str_to_i64(old->row.value, &a) || !str_to_i64(new->row.value, &b))
                return false;
        double years =
                (double)(new->row.valid_from - old->row.valid_from) / (365.25 * (double)DAY_MS);
        double over = (double)(b - a) - years;
        return b >= a && over > -1.0 && over < 1.0;
}

static Strategy strategy_of(const Pending *p, const Stored *old) {
        const Stored *new = &p->m;
        Attribute a = attribute_parse(new->row.attribute);
        if (p->is_correction)
                return SUPERSEDE;
        if (new->row.valid_from < old->row.valid_from)
                return INTO_PAST;
        bool unsure_order = !p->has_valid_from && new->row.source_turn > 0 &&
                            same_source(&new->row, &old->row) &&
                            new->row.source_turn < old->row.source_turn;
        if (unsure_order || (a == ATTR_BIRTHDAY))
                return FLAG;
        if (a == ATTR_OTHER && str_starts(new->row.subject, STR("event ")))
                return NEWER_WINS;
        if (a == ATTR_AGE)
                return age_explained(old, new) ? NEWER_WINS : FLAG;
        if (a == ATTR_PREFERENCE) {
                bool is_opposite =
                        (str_eq_c(old->row.value, "like") && str_eq_c(new->row.value, "dislike")) ||
                        (str_eq_c(old->row.value, "dislike") && str_eq_c(new->row.value, "like"));
                return is_opposite ? SUPERSEDE : EVOLVE;
        }
        return SUPERSEDE;
}

static const char *reason_of(Strategy st, const Pending *p) {
        Attribute a = attribute_parse(p->m.row.attribute);
        switch (st) {
        case NEWER_WINS: return "temporal_update";
        case FLAG: return "factual_contradiction";
        case INTO_PAST: return "inserted_into_past";
        case EVOLVE: return "preference_change";
        case SUPERSEDE: break;
        }
        if (p->is_correction)
                return "correction";
        return a == ATTR_LOCATION     ? "location_change"
               : a == ATTR_PREFERENCE ? "preference_change"
                                      : "status_change";
}

static Str quoted_id(Line *l, const Stored *m) { return json_quoted(l->cx, m->row.memory_id); }

static void superseded_add(Line *l, const Stored *old) {
        Strs list = { NEW_ARRAY(l->cx->arena, Str, l->v->superseded.n + 1),
                      l->v->superseded.n + 1 };
        if (l->v->superseded.n)
                memcpy((Str *)list.v, l->v->superseded.v, l->v->superseded.n * sizeof *list.v);
        ((Str *)list.v)[list.n - 1] = old->row.memory_id;
        l->v->superseded = l->p->m.row.supersedes = list;
}

/* The new one knows what it replaces. */
static Err succeed(Line *l, const Stored *old) {
        MemoryRow *n = &l->p->m.row;
        Str before = old->row.value.p ? old->row.value : old->row.content;
        Member previous = { "previous_value", json_quoted(l->cx, before) };
        superseded_add(l, old);
        l->v->supersedes = true;
        return json_with(l->cx, n->context, &previous, 1, &n->context);
}

static Err announce(Line *l, Stored *old) {
        old->row.superseded_by = l->p->m.row.memory_id;
        TRY(succeed(l, old));
        return stored_change(l->cx, l->s, l->k, old,
                             &(Change){ MEMORY_UPDATE, "ends_later", old->row.content });
}

/* Old: closed at the moment the new one begins. */
static Err supersede(Line *l, Stored *old, const char *reason) {
        MemoryRow *o = &old->row, *n = &l->p->m.row;
        int64_t now = cx_now_ms(l->cx);
        /* the same moment, or a correction: it never was so */
        if (n->valid_from <= o->valid_from)
                n->valid_from = o->valid_from;
        o->valid_to = o->valid_to && o->valid_to < n->valid_from ? o->valid_to : n->valid_from;
        if (n->valid_from > now) /* until then the old one is what holds */
                return announce(l, old);
        o->retired_at = now;
        o->superseded_by = n->memory_id;
        o->importance_score = 0.3;
        old->status = STATUS_SUPERSEDED;
        old->level = LEVEL_LOW;
        const Member marks[] = { { "superseded_by", quoted_id(l, &l->p->m) },
                                 { "superseded_at", json_time(l->cx, now) },
                                 { "resolution", STR("\"outdated_information\"") } };
        TRY(json_with(l->cx, o->context, marks, ELEMENTSOF(marks), &o->context));
        TRY(succeed(l, old));
        return stored_change(l->cx, l->s, l->k, old,
                             &(Change){ MEMORY_SUPERSEDE, reason, o->content });
}

static Err evolve(Line *l, Stored *old) {
        Member to = { "evolved_to", quoted_id(l, &l->p->m) },
               from = { "evolved_from", quoted_id(l, old) };
        TRY(json_with(l->cx, old->row.context, &to, 1, &old->row.context));
        TRY(json_with(l->cx, l->p->m.row.context, &from, 1, &l->p->m.row.context));
        return stored_change(l->cx, l->s, l->k, old,
                             &(Change){ MEMORY_UPDATE, "preference_change", old->row.content });
}

static Err flag(Line *l, Stored *old) {
        Stored *new = &l->p->m;
        Member mine = { "potential_conflict", quoted_id(l, old) },
               theirs = { "potential_conflict", quoted_id(l, new) };
        TRY(json_with(l->cx, new->row.context, &mine, 1, &new->row.context));
        TRY(json_with(l->cx, old->row.context, &theirs, 1, &old->row.context));
        new->status = old->status = STATUS_FLAGGED;
        return stored_change(l->cx, l->s, l->k, old,
                             &(Change){ MEMORY_UPDATE, "factual_contradiction", old->row.content });
}

/* Between its neighbours on the line: it ends where the next one begins, and the one before ends
 * where it begins. */
static Err into_past(Line *l) {
        MemoryRow *n = &l->p->m.row;
        Stored *before = NULL, *after = NULL;
        for (size_t i = 0; i < l->rows.n; i++) { /* newest first */
                Stored *m = &l->rows.v[i];
                if (m->row.valid_from > n->valid_from)
                        after = m;
                else if (!before)
                        before = m;
        }
        if (after && (!n->valid_to || n->valid_to > after->row.valid_from))
                n->valid_to = after->row.valid_from;
        if (!before || !is_open_at(before, n->valid_from) || same_value(before, &l->p->m))
                return OK;
        if (before->row.valid_from == n->valid_from) /* neither may be without a time of its own */
                return flag(l, before);
        before->row.valid_to = n->valid_from;
        return stored_change(l->cx, l->s, l->k, before,
                             &(Change){ MEMORY_UPDATE, "earlier_end_known", before->row.content });
}

/* The value is known already; so is the rest, when it names nothing new and is said in our own
 * words, or in hardly other or fewer ones. */
static bool adds_nothing(Line *l, const Stored *old) {
        Str known = old->row.content, said = l->p->m.row.content;
        Str with_value = arena_strf(l->cx->arena, "%.*s %.*s", STR_FMT(known),
                                    STR_FMT(l->p->m.row.value)); /* "Lisbon, Portugal" is Lisbon */
        return !near_adds(l->cx->arena, with_value, said) &&
               (l->p->is_extracted || !near_differs(l->cx->arena, known, said) ||
                str_utf8_count(said) <= str_utf8_count(known));
}

static Err settle_one(Line *l, Stored *old) {
        Strategy st = strategy_of(l->p, old);
        l->v->reason = reason_of(st, l->p);
        switch (st) {
        case SUPERSEDE:
        case NEWER_WINS: return supersede(l, old, l->v->reason);
        case EVOLVE: return evolve(l, old);
        case FLAG: return flag(l, old);
        case INTO_PAST: return into_past(l);
        }
        return OK;
}

void leave_line(Stored *m) {
        m->has_subject = false;
        m->row.attribute = m->row.subject = m->row.value = STR_NULL;
}

/* "I moved last week" against what was recorded this week: the statement is the newer one. A change
 * is about the time that it was about, unless another one has begun since. */
static void begin_when_said(Pending *p, const Stored *old) {
        MemoryRow *n = &p->m.row;
        bool has_begun = p->is_extracted || old->row.valid_from <= p->said_at;
        bool is_over = n->valid_to && n->valid_to <= p->said_at;
        if (p->is_current && has_begun && !is_over && n->valid_from <= old->row.valid_from)
                n->valid_from = MAX(n->valid_from, p->said_at);
}

/* "No longer lives in Paris": closes Paris if that is the open value, "doesn't live there any more"
 * whatever is open; the sentence itself is kept. */
static Err settle_ending(Line *l) {
        Stored *new = &l->p->m;
        Err e = OK;
        for (size_t i = 0; i < l->rows.n && !e; i++) {
                Stored *old = &l->rows.v[i];
                if (!is_live(old) || (new->row.value.n && !same_value(old, new)) ||
                    !is_open_at(old, new->row.valid_from))
                        continue;
                begin_when_said(l->p, old);
                e = supersede(l, old, l->v->reason = "status_ended");
        }
        leave_line(new);
        return e;
}

/* One whose text was changed stands on the line already. */
static void others_keep(Line *l) {
        size_t n = 0;
        for (size_t i = 0; i < l->rows.n; i++)
                if (l->rows.v[i].row.unit != l->p->m.row.unit)
                        l->rows.v[n++] = l->rows.v[i];
        l->rows.n = n;
}

/* The line of another attribute of the same subject. */
static Err line_beside(Line *l, Attribute a) {
        const Stored *new = &l->p->m;
        Stored at = { .row = { .content = new->row.content,
                               .attribute = str_c(attribute_names[a]),
                               .subject = new->row.subject,
                               .value = STR("-") },
                      .has_subject = true };
        TRY(stored_identify(l->cx, l->k, &at));
        TRY(stored_by_subject(l->cx, l->s, l->k, &at.subject_mac, &l->rows));
        others_keep(l);
        return OK;
}

/* "Is married to Ann", "Wife is Ann": Ann; STR_NULL when nobody is named. */
static Str partner_of(Line *l, const MemoryRow *r) {
        Attribute a = attribute_parse(r->attribute);
        Fact read;
        if (a == ATTR_PARTNER_NAME)
                return r->value;
        bool named = a == ATTR_RELATIONSHIP && fact_attribute(l->cx->arena, r->content, &read) &&
                     read.attribute == a && read.entities.n;
        return named ? read.entities.v[0] : STR_NULL;
}

typedef enum Role { ROLE_OPEN, ROLE_TOGETHER, ROLE_ENGAGED, ROLE_MARRIED } Role;

/* "My wife's name is Ann": married. */
static Role role_of(const MemoryRow *r) {
        static const struct {
                const char *word;
                Role role;
        } words[] = { { "wife", ROLE_MARRIED },       { "husband", ROLE_MARRIED },
                      { "hubby", ROLE_MARRIED },      { "spouse", ROLE_MARRIED },
                      { "fiance", ROLE_ENGAGED },     { "fiancee", ROLE_ENGAGED },
                      { "fianc\u00e9", ROLE_ENGAGED }, { "fianc\u00e9e", ROLE_ENGAGED },
                      { "girlfriend", ROLE_TOGETHER }, { "boyfriend", ROLE_TOGETHER },
                      { "gf", ROLE_TOGETHER },        { "bf", ROLE_TOGETHER } };
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (text_has_phrase(r->content, words[i].word))
                        return words[i].role;
        return ROLE_OPEN;
}

/* Somebody else (both are named, and neither is the other with a further name), or the same one as
 * something else: the girlfriend has become the wife. */
static bool is_other_partner(Line *l, const Stored *old) {
        const MemoryRow *new = &l->p->m.row;
        Str x = partner_of(l, &old->row), y = partner_of(l, new);
        size_t n = MIN(x.n, y.n);
        Role was = role_of(&old->row), is = role_of(new);
        bool same = str_eq_nocase(str_to(x, n), str_to(y, n)) &&
                    (x.n == y.n || (x.n > n ? x.p[n] : y.p[n]) == ' ');
        return n && (!same || (was && is && was != is));
}

/* The name of a partner and being married stand on two lines: with another partner, or with none
 * any more, both change. */
static Err settle_partner(Line *l) {
        static const char over[] = "single divorced widowed";
        Stored *new = &l->p->m;
        bool names = attribute_parse(new->row.attribute) == ATTR_PARTNER_NAME,
             is_over = !names && str_contains(str_c(over), new->row.value);
        Attribute beside = names ? ATTR_RELATIONSHIP : ATTR_PARTNER_NAME;
        if (!names && attribute_parse(new->row.attribute) != ATTR_RELATIONSHIP)
                return OK;
        TRY(line_beside(l, beside));
        for (size_t i = 0; i < l->rows.n; i++) {
                Stored *old = &l->rows.v[i];
                if (!is_live(old) || !is_open_at(old, new->row.valid_from) ||
                    !(is_over || is_other_partner(l, old)))
                        continue;
                begin_when_said(l->p, old);
                if (new->row.valid_from >= old->row.valid_from)
                        TRY(supersede(l, old,
                                      l->v->reason = is_over ? "status_ended" : "status_change"));
        }
        return OK;
}

/* ---- animals: of one kind there may be several, each with a name ---- */

static bool is_pet(const Stored *m) {
        Str s = m->row.subject;
        return str_starts(s, STR("pet ")) || str_contains(s, STR(": pet "));
}

/* "Tom and Jerry", "2 of them" */
static bool is_several(Str value) {
        return str_contains(value, STR(" and ")) || str_contains(value, STR(",")) ||
               str_contains(value, STR(" & ")) || str_contains(value, STR(" of them"));
}

/* Keeps those of the line that the ending may be about. */
static void gone_keep(Line *l, Str name) {
        size_t n = 0;
        for (size_t i = 0; i < l->rows.n; i++) {
                Stored *m = &l->rows.v[i];
                bool meant = !name.n || str_eq_nocase(m->row.value, name) ||
                             (is_several(m->row.value) && str_contains(m->row.value, name));
                if (is_live(m) && is_open_at(m, l->p->m.row.valid_from) && meant)
                        l->rows.v[n++] = *m;
        }
        l->rows.n = n;
}

/* The one that is there ends; which of several it was is for the person to say. */
static Err pet_end(Line *l, Str name) {
        Err e = OK;
        TRY(line_beside(l, ATTR_PET_NAME));
        gone_keep(l, name);
        if (l->rows.n == 1 && !is_several(l->rows.v[0].row.value)) {
                begin_when_said(l->p, &l->rows.v[0]);
                return supersede(l, &l->rows.v[0], l->v->reason = "status_ended");
        }
        if (l->rows.n)
                l->v->reason = "factual_contradiction";
        for (size_t i = 0; i < l->rows.n && !e; i++)
                e = flag(l, &l->rows.v[i]);
        return e;
}

/* "Has a cat." and "No longer has a cat." beside the names. */
static Err pet_had(Line *l, const char *value) {
        TRY(line_beside(l, ATTR_OTHER));
        for (size_t i = 0; i < l->rows.n; i++) {
                Stored *m = &l->rows.v[i];
                if (!is_live(m) || !is_open_at(m, l->p->m.row.valid_from) ||
                    !str_eq_c(m->row.value, value))
                        continue;
                begin_when_said(l->p, m);
                if (l->p->m.row.valid_from >= m->row.valid_from)
                        TRY(supersede(l, m, l->v->reason = "status_change"));
        }
        return OK;
}

static Err settle_pet(Line *l) {
        const Stored *new = &l->p->m;
        bool names = attribute_parse(new->row.attribute) == ATTR_PET_NAME;
        if (!is_pet(new))
                return OK;
        if (names && !l->p->is_ending)
                return pet_had(l, "no");
        if (!names)
                return str_eq_c(new->row.value, "no") ? pet_end(l, STR("")) : OK;
        Str name = new->row.value;
        TRY(pet_end(l, name));
        if (new->status != STATUS_FLAGGED)
                TRY(pet_had(l, "yes"));
        leave_line(&l->p->m);
        return OK;
}

/* What was only hinted at does not stand against what is known: a name is none then, and any other
 * sentence is kept on no line. */
static void give_way(Line *l, const Stored *known) {
        if (attribute_parse(known->row.attribute) == ATTR_NAME)
                l->v->known_unit = known->row.unit;
        leave_line(&l->p->m);
}

Err conflict_settle(Ctx *cx, const MemoryScope *s, const Keys *k, Pending *p, Verdict *ret) {
        Line l = { .cx = cx, .s = s, .k = k, .p = p, .v = ret };
        TRY(stored_by_subject(cx, s, k, &p->m.subject_mac, &l.rows));
        others_keep(&l);
        Attribute a = attribute_parse(p->m.row.attribute);
        if (p->is_ending)
                return a == ATTR_PET_NAME ? settle_pet(&l) : settle_ending(&l);
        bool is_over = p->m.row.valid_to && p->m.row.valid_to <= cx_now_ms(cx);
        for (size_t i = 0; i < l.rows.n; i++) {
                Stored *old = &l.rows.v[i];
                if (!is_live(old) || !is_open_at(old, p->m.row.valid_from) ||
                    (is_over && p->m.row.valid_from >= old->row.valid_from))
                        continue;
                begin_when_said(p, old);
                if (same_value(old, &p->m) && !is_other_partner(&l, old)) {
                        if (adds_nothing(&l, old) && stored_covers(old, &p->m.row, cx_now_ms(cx)) &&
                            p->m.row.valid_from >= old->row.valid_from) {
                                ret->known_unit = old->row.unit;
                                return OK;
                        }
                        continue;
                }
                if (a == ATTR_PET_NAME) /* another one */
                        continue;
                if (p->is_weak) {
                        give_way(&l, old);
                        return OK;
                }
                bool is_past = strategy_of(p, old) == INTO_PAST;
                TRY(settle_one(&l, old));
                if (is_past)
                        return OK;
        }
        TRY(settle_partner(&l));
        return settle_pet(&l);
}

static Err confirmed_old(Line *l, Stored *old) {
        Strategy st = strategy_of(l->p, old);
        MemoryRow *n = &l->p->m.row;
        l->v->reason = reason_of(st, l->p);
        switch (st) {
        case SUPERSEDE:
        case NEWER_WINS: return supersede(l, old, l->v->reason);
        case EVOLVE: return evolve(l, old);
        case FLAG: return flag(l, old);
        case INTO_PAST: /* it came later and is about before */
                if (!n->valid_to || n->valid_to > old->row.valid_from)
                        n->valid_to = old->row.valid_from;
                return OK;
        }
        return OK;
}

Err conflict_confirmed(Ctx *cx, const MemoryScope *s, const Keys *k, const Contradiction *pair) {
        Verdict v = { 0 };
        Pending p = { .m = *pair->new };
        Line l = { .cx = cx, .s = s, .k = k, .p = &p, .v = &v };
        Member why = { "conflict_reason", json_quoted(cx, pair->reason) };
        TRY(json_with(cx, pair->old->row.context, &why, 1, &pair->old->row.context));
        TRY(json_with(cx, p.m.row.context, &why, 1, &p.m.row.context));
        /* as if it had been read; it stays unread */
        p.m.row.attribute = str_c(attribute_names[pair->attribute]);
        TRY(confirmed_old(&l, pair->old));
        p.m.row.attribute = pair->new->row.attribute;
        *pair->new = p.m;
        return stored_change(cx, s, k, pair->new,
                             &(Change){ MEMORY_UPDATE, v.reason, pair->new->row.content });
}

/* ---- when a successor is deleted ---- */

/* By this one, where it begins: not by its own end, nor as something that never was so, nor as the
 * same thing twice. */
static bool was_closed_by(const Stored *old, const Stored *gone) {
        const MemoryRow *o = &old->row, *g = &gone->row;
        return old->has_subject && str_eq(o->superseded_by, g->memory_id) &&
               o->valid_to == g->valid_from && o->valid_from < o->valid_to &&
               !str_contains(o->context, STR("\"consolidated_into\""));
}

/* What the others on the line leave open now: until when, 0 = for good; false: nothing. */
static bool gap_find(const StoredList *line, const Stored *old, int64_t now, int64_t *ret_until) {
        int64_t until = 0;
        for (size_t i = 0; i < line->n; i++) {
                const Stored *m = &line->v[i];
                int64_t from = m->row.valid_from;
                if (m->row.unit == old->row.unit || m->row.retired_at || !is_open_at(m, now))
                        continue;
                if (from <= now)
                        return false;
                until = until ? MIN(until, from) : from;
        }
        *ret_until = until;
        return true;
}

static Err reopen(Ctx *cx, const MemoryScope *s, const Keys *k, Stored *old, int64_t until) {
        MemoryRow *o = &old->row;
        const Member marks[] = { { "superseded_by", STR_NULL },
                                 { "superseded_at", STR_NULL },
                                 { "resolution", STR_NULL } };
        TRY(json_with(cx, o->context, marks, ELEMENTSOF(marks), &o->context));
        if (o->retired_at)
                old->unheld = (Span){ o->retired_at, cx_now_ms(cx) };
        o->retired_at = 0;
        o->superseded_by = STR_NULL;
        o->valid_to = old->valid_to_said;
        if (until && (!o->valid_to || until < o->valid_to))
                o->valid_to = until;
        old->status = STATUS_ACTIVE;
        Weight w = weigh_importance(old->type, o->content, STR_NULL, o,
                                    str_contains(o->context, STR("\"scheduled_date\"")));
        old->level = w.level;
        o->importance_score = w.score;
        TRY(profile_on_gone(cx, s, k, old, GONE_DELETED)); /* it is not what was before */
        return stored_change(cx, s, k, old,
                             &(Change){ MEMORY_UPDATE, "successor_deleted", o->content });
}

/* It may have been deleted itself. */
static Err closed_find(Ctx *cx, const MemoryScope *s, const Keys *k, Str memory_id, Stored *ret) {
        Err e = stored_by_id(cx, s, k, memory_id, ret);
        if (e == ERR_MEMORY_NOT_FOUND)
                err_clear(cx);
        return e == ERR_MEMORY_NOT_FOUND ? ERR_NOT_FOUND : e;
}

Err conflict_reopen(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *gone,
                    const Goes *goes) {
        Stored old;
        StoredList line;
        int64_t until, now = cx_now_ms(cx);
        /* what was corrected is wrong without the correction, too */
        bool corrected = str_eq_c(str_c(gone->birth_reason), "correction");
        if (corrected || !is_live(gone) || !is_open_at(gone, now))
                return OK;
        for (size_t i = 0; i < gone->row.supersedes.n; i++) {
                Err e = closed_find(cx, s, k, gone->row.supersedes.v[i], &old);
                if (e && e != ERR_NOT_FOUND)
                        return e;
                if (e || !was_closed_by(&old, gone) ||
                    (goes->fits && goes->fits(goes->arg, &old.row)))
                        continue;
                TRY(stored_by_subject(cx, s, k, &old.subject_mac, &line));
                if (gap_find(&line, &old, now, &until))
                        TRY(reopen(cx, s, k, &old, until));
        }
        return OK;
}

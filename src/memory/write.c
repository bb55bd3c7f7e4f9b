// SPDX-License-Identifier: MIT
/* write: the write path of the contract, in its order: validate, exact duplicate, near duplicate,
 * conflict, quota, importance, store. One transaction, no outbound call. */
#include "codec/json.h"
#include "codec/shape.h"
#include "codec/unicode.h"
#include "codec/uuid.h"
#include "memory/count_int.h"
#include "memory/memory_id.h"
#include "memory/memory_sql.h"
#include "memory/moment.h"
#include "memory/profile.h"
#include "memory/quota.h"
#include "memory/reading.h"
#include "memory/vectors.h"
#include "memory/weigh.h"

enum { NEAR_CANDIDATES = 4, DELETE_STEP = 200 };

/* ---- validate ---- */

static Err content_check(Ctx *cx, Str content, Str *ret) {
        Str nfc;
        if (!str_is_utf8(content) || memchr(content.p, 0, content.n))
                return RAISE_FIELD(cx, "#/content", "must be valid UTF-8 without NUL");
        TRY(unicode_nfc(cx, content, &nfc));
        size_t n = str_utf8_count(nfc);
        if (str_trim(nfc).n == 0 || n > MEMORY_CONTENT_MAX)
                return RAISE_FIELD(cx, "#/content", "must be 1 to %d characters, not all blank",
                                   MEMORY_CONTENT_MAX);
        *ret = nfc;
        return OK;
}

static Err words_check(Ctx *cx, const char *pointer, Strs list, size_t max) {
        if (list.n > max)
                return RAISE_FIELD(cx, pointer, "at most %zu", max);
        for (size_t i = 0; i < list.n; i++)
                if (list.v[i].n == 0 ||
                    str_utf8_count(list.v[i]) > (max == MEMORY_TAGS_MAX ? MEMORY_TAG_MAX : 256))
                        return RAISE_FIELD(cx, pointer, "item %zu is empty or too long", i);
        return OK;
}

static Err context_check(Ctx *cx, Str context, Str *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        if (!context.p) {
                *ret = STR("{}");
                return OK;
        }
        if (context.n > MEMORY_CONTEXT_MAX)
                return RAISE_FIELD(cx, "#/context", "at most %d bytes", MEMORY_CONTEXT_MAX);
        TRY(json_parse(cx, context, JSON_DEPTH_MAX, &j));
        if (json_kind(json_root(j)) != JSON_OBJ)
                return RAISE_FIELD(cx, "#/context", "must be an object");
        *ret = context;
        return OK;
}

static Strs strs_unique(Ctx *cx, Strs a, Strs b) {
        Str *v = NEW_ARRAY(cx->arena, Str, a.n + b.n + 1);
        size_t n = 0;
        for (size_t i = 0; i < a.n + b.n; i++) {
                Str s = i < a.n ? a.v[i] : b.v[i - a.n];
                bool is_new = true;
                for (size_t j = 0; j < n && is_new; j++)
                        is_new = !str_eq(v[j], s);
                if (is_new)
                        v[n++] = s;
        }
        return (Strs){ v, n };
}

/* ---- the new row ---- */

static Err pending_times(Ctx *cx, const MemoryNew *in, Pending *p) {
        MemoryRow *r = &p->m.row;
        int64_t now = cx_now_ms(cx);
        r->recorded_at = r->created_at = r->updated_at = now;
        r->valid_from = in->valid_from ? in->valid_from : in->said_at ? in->said_at : now;
        r->valid_to = p->m.valid_to_said = in->valid_to;
        r->expires_at = in->expires_at;
        p->has_valid_from = in->valid_from != 0;
        p->said_at = in->said_at ? in->said_at : now;
        if (in->valid_to && in->valid_to <= r->valid_from)
                return RAISE_FIELD(cx, "#/valid_to", "must be after valid_from");
        return OK;
}

/* What the sentence says about what: given by the caller of this room, or read from the content. */
static void pending_attribute(Ctx *cx, const MemoryNew *in, const Fact *fact, Pending *p) {
        MemoryRow *r = &p->m.row;
        Fact read;
        if (!fact && !in->verbatim && !in->attribute.p &&
            fact_attribute(cx->arena, in->content, &read))
                fact = &read;
        if (in->attribute.p) {
                r->attribute = in->attribute;
                r->subject = in->subject.p ? in->subject : STR("self");
                r->value = in->value;
        } else if (fact && fact->attribute != ATTR_NONE && !fact->is_past) {
                r->attribute = str_c(attribute_names[fact->attribute]);
                r->subject = fact->subject;
                r->value = fact->value;
                p->is_ending = fact->is_negated;
                p->is_correction = fact->is_correction;
                p->is_weak = fact->is_weak;
        }
        p->m.has_subject = r->attribute.p && r->value.p && (r->value.n || p->is_ending);
}

/* A plan whose date needs no note in the text: "on March 5". */
static Err pending_dated(Ctx *cx, const Fact *fact, MemoryRow *r, bool *ret_scheduled) {
        if (!fact || !fact->scheduled_at)
                return OK;
        *ret_scheduled = true;
        return json_with(cx, r->context,
                         &(Member){ "scheduled_date", json_time(cx, fact->scheduled_at) }, 1,
                         &r->context);
}

static Err pending_schedule(Ctx *cx, const MemoryScope *s, const MemoryNew *in, Pending *p,
                            bool *ret_scheduled) {
        MemoryRow *r = &p->m.row;
        MomentRef ref = { .said_at = in->said_at ? in->said_at : cx_now_ms(cx) };
        int64_t at;
        Str text;
        *ret_scheduled = false;
        if (in->verbatim)
                return OK;
        if (!moment_find(cx->arena, r->content, &ref, &(Moment){ 0 }))
                return pending_dated(cx, p->fact, r, ret_scheduled);
        TRY(profile_utc_offset(cx, s, ref.said_at, &ref.utc_offset_min));
        if (!moment_annotate(cx->arena, r->content, &ref, &text, &at) ||
            str_utf8_count(text) > MEMORY_CONTENT_MAX)
                return pending_dated(cx, p->fact, r, ret_scheduled);
        r->content = text;
        *ret_scheduled = true;
        return json_with(cx, r->context, &(Member){ "scheduled_date", json_time(cx, at) }, 1,
                         &r->context);
}

static Err pending_make(Ctx *cx, const MemoryScope *s, const MemoryNew *in, const Fact *fact,
                        Pending *p) {
        MemoryRow *r = &p->m.row;
        int type = word_index(memory_type_names, in->type);
        if (type < 0)
                return RAISE_FIELD(cx, "#/type",
                                   "must be one of fact, preference, commitment, "
                                   "instruction, entity, episodic");
        p->m.type = (MemoryType)type;
        TRY(content_check(cx, in->content, &r->content));
        TRY(words_check(cx, "#/tags", in->tags, MEMORY_TAGS_MAX));
        TRY(words_check(cx, "#/entities", in->entities, MEMORY_ENTITIES_MAX));
        TRY(context_check(cx, in->context, &r->context));
        r->user_id = s->user_id;
        r->type = str_c(memory_type_names[type]);
        r->status = str_c(memory_status_names[STATUS_ACTIVE]);
        r->confidence = in->confidence < 0 ? 1.0 : in->confidence;
        if (r->confidence > 1)
                return RAISE_FIELD(cx, "#/confidence", "must be 0 to 1");
        r->tags = strs_unique(cx, in->tags, (Strs){ 0 });
        r->entities = strs_unique(cx, in->entities, (Strs){ 0 });
        r->source_kind = in->source_kind.p ? in->source_kind : STR("user");
        r->source_turn_id = in->source_turn_id;
        r->source_conversation_id = in->source_conversation_id;
        r->source_turn = in->source_turn;
        r->decay_score = 1;
        r->version = 1;
        p->is_extracted = fact != NULL;
        p->is_verbatim = in->verbatim;
        p->is_current = fact != NULL;
        TRY(pending_times(cx, in, p));
        pending_attribute(cx, in, fact, p);
        return OK;
}

static uint64_t u64_of(const unsigned char *b) {
        uint64_t v;
        memcpy(&v, b, sizeof v);
        return v;
}

/* Values are compared without case, article or what follows a comma: "Lisbon, Portugal" is Lisbon. */
static Str value_key(Attribute a, Str folded) {
        if (a == ATTR_LOCATION)
                folded = str_to(folded, str_index(folded, ','));
        if (str_starts(folded, STR("the ")))
                folded = str_from(folded, 4);
        while (folded.n && strchr(".!?, ", folded.p[folded.n - 1]))
                folded.n--;
        return folded;
}

Err stored_identify(Ctx *cx, const Keys *k, Stored *m) {
        Str folded, subject, value;
        TRY(content_fold(cx, m->row.content, &folded));
        mac_of(k, arena_printf(cx->arena, "content/%d", (int)m->type), folded, &m->content_mac);
        sketch_make(cx->arena, folded, u64_of(k->mac), &m->sketch);
        if (!m->has_subject)
                return OK;
        TRY(content_fold(cx, m->row.subject, &subject));
        TRY(content_fold(cx, m->row.value, &value));
        Attribute a = attribute_parse(m->row.attribute);
        mac_of(k, arena_printf(cx->arena, "subject/%d", (int)a), value_key(ATTR_NONE, subject),
               &m->subject_mac);
        mac_of(k, "value", value_key(a, value), &m->value_mac);
        return OK;
}

/* ---- duplicates ---- */

static MemoryWritten written(Ctx *cx, const MemoryScope *s, MemoryEvent event, const char *reason,
                             const Stored *m) {
        count_written(cx, s, event, m->row.memory_id);
        return (MemoryWritten){ .event = event, .reason = reason, .row = m->row };
}

static Err confirm(Ctx *cx, const MemoryScope *s, Stored *m, double confidence) {
        m->last_confirmed = cx_now_ms(cx);
        m->row.confidence = MAX(m->row.confidence, confidence);
        return db_run(cx, s->c, &sql_memory_confirm,
                      ARGS(v_text(s->user_id), v_int(m->row.unit), v_int(m->last_confirmed),
                           v_num(m->row.confidence)),
                      NULL);
}

bool stored_covers(const Stored *old, const MemoryRow *new, int64_t now_ms) {
        const MemoryRow *o = &old->row;
        if (o->expires_at &&
            (o->expires_at <= now_ms || !new->expires_at || new->expires_at > o->expires_at))
                return false;
        if (new->valid_to)
                return o->valid_from <= new->valid_from &&
                       (!o->valid_to || new->valid_to <= o->valid_to);
        int64_t from = MAX(new->valid_from, now_ms);
        return o->valid_from <= from && (!o->valid_to || o->valid_to > from);
}

static Err exact_find(Ctx *cx, const MemoryScope *s, const Keys *k, const Pending *p, Stored *ret) {
        Shelf *shelf;
        TRY(shelf_get(cx, s, &shelf));
        int64_t unit = shelf_find_exact(shelf, u64_of(p->m.content_mac.b));
        if (!unit)
                return ERR_NOT_FOUND;
        TRY(stored_by_unit(cx, s, k, unit, ret));
        bool is_same = !memcmp(&ret->content_mac, &p->m.content_mac, sizeof(Mac));
        return is_same && stored_covers(ret, &p->m.row, cx_now_ms(cx)) ? OK : ERR_NOT_FOUND;
}

/* A like is of one thing, and two wordings of the thing are two subjects: what differs in them is
 * for near_differs to judge. */
static bool is_same_fact(const Stored *a, const Stored *b) {
        if (!a->has_subject || !b->has_subject)
                return true;
        bool is_subject = !memcmp(&a->subject_mac, &b->subject_mac, sizeof(Mac)) ||
                          (attribute_parse(a->row.attribute) == ATTR_PREFERENCE &&
                           str_eq(a->row.attribute, b->row.attribute));
        return is_subject && !memcmp(&a->value_mac, &b->value_mac, sizeof(Mac));
}

static Err near_find(Ctx *cx, const MemoryScope *s, const Keys *k, const Pending *p, Stored *ret) {
        Shelf *shelf;
        int64_t units[NEAR_CANDIDATES];
        Str mine, theirs;
        TRY(shelf_get(cx, s, &shelf));
        size_t n = shelf_find_near(shelf, p->m.type, &p->m.sketch, units, NEAR_CANDIDATES);
        for (size_t i = 0; i < n; i++) {
                TRY(stored_by_unit(cx, s, k, units[i], ret));
                TRY(content_fold(cx, p->m.row.content, &mine));
                TRY(content_fold(cx, ret->row.content, &theirs));
                if (is_same_fact(ret, &p->m) &&
                    stored_covers(ret, &p->m.row, cx_now_ms(cx)) &&
                    near_cosine(cx->arena, mine, theirs) >= NEAR_COSINE &&
                    !near_differs(cx->arena, p->m.row.content, ret->row.content))
                        return OK;
        }
        return ERR_NOT_FOUND;
}

static void shelve(Ctx *cx, const MemoryScope *s, Shelf *shelf, const Stored *m) {
        shelf_change(cx, s);
        if (m->status == STATUS_ACTIVE || m->status == STATUS_FLAGGED)
                shelf_put(shelf, m->row.unit, m->type, u64_of(m->content_mac.b), &m->sketch);
        else
                shelf_drop(shelf, m->row.unit);
}

/* Saves a changed row with its version, and tells shelf, index and profile. */
Err stored_change(Ctx *cx, const MemoryScope *s, const Keys *k, Stored *m, const Change *why) {
        Shelf *shelf;
        bool is_text = why->old_content.p && !str_eq(why->old_content, m->row.content);
        TRY(stored_save(cx, s, k, m));
        MemoryVersion v = { .event = str_c(memory_event_names[why->event]),
                            .reason = str_c(why->reason),
                            .old_content = is_text ? why->old_content : m->row.content,
                            .new_content = m->row.content };
        TRY(version_add(cx, s, k, m, &v));
        TRY(shelf_get(cx, s, &shelf));
        shelve(cx, s, shelf, m);
        index_later(cx, s, m);
        if (is_text)
                TRY(db_run(cx, s->c, &sql_vector_delete,
                           ARGS(v_text(s->user_id), v_int(m->row.unit)), NULL));
        if (is_text)
                TRY(vectors_later(cx, s));
        return m->status == STATUS_ACTIVE || m->status == STATUS_FLAGGED
                       ? profile_on_memory(cx, s, k, m)
                       : profile_on_gone(cx, s, k, m, GONE_SUPERSEDED);
}

void stored_absorb(Ctx *cx, Stored *into, const Stored *from) {
        MemoryRow *r = &into->row;
        r->tags = strs_unique(cx, r->tags, from->row.tags);
        r->entities = strs_unique(cx, r->entities, from->row.entities);
        r->tags.n = MIN(r->tags.n, (size_t)MEMORY_TAGS_MAX);
        r->entities.n = MIN(r->entities.n, (size_t)MEMORY_ENTITIES_MAX);
        r->confidence = MAX(r->confidence, from->row.confidence);
}

static Err merge_into(Ctx *cx, const MemoryScope *s, const Keys *k, const Pending *p, Stored *old) {
        MemoryRow *r = &old->row;
        Str before = r->content;
        stored_absorb(cx, old, &p->m);
        if (str_utf8_count(p->m.row.content) > str_utf8_count(r->content))
                r->content = p->m.row.content;
        old->last_confirmed = cx_now_ms(cx);
        TRY(stored_identify(cx, k, old));
        return stored_change(cx, s, k, old,
                             &(Change){ MEMORY_UPDATE, "near_duplicate_merged", before });
}

/* ---- insert ---- */

/* Its place and its id, which those that it supersedes point to. */
static Err number_take(Ctx *cx, const MemoryScope *s, const Keys *k, Stored *m) {
        Shelf *shelf;
        TRY(shelf_get(cx, s, &shelf));
        m->row.unit = shelf_next_unit(shelf);
        memory_id_make(cx, k, m->row.unit, m->id);
        char *text = arena_bytes(cx->arena, UUID_TEXT + 1);
        uuid_write(text, m->id);
        m->row.memory_id = (Str){ text, UUID_TEXT };
        return OK;
}

static Err insert_new(Ctx *cx, const MemoryScope *s, const Keys *k, Pending *p, const Verdict *v) {
        Shelf *shelf;
        Stored *m = &p->m;
        TRY(shelf_get(cx, s, &shelf));
        if (!v->supersedes)
                TRY(quota_check(cx, s, shelf_active(shelf)));
        m->birth = v->supersedes ? MEMORY_SUPERSEDE : MEMORY_ADD;
        m->birth_reason = v->reason ? v->reason : "new_memory";
        m->row.status = str_c(memory_status_names[m->status]);
        m->row.importance_level = str_c(memory_level_names[m->level]);
        TRY(stored_insert(cx, s, k, m));
        shelve(cx, s, shelf, m);
        index_later(cx, s, m);
        TRY(vectors_later(cx, s));
        return profile_on_memory(cx, s, k, m);
}

static Err pending_store(Ctx *cx, const MemoryScope *s, const Keys *k, Pending *p,
                         MemoryWritten *ret) {
        Verdict v = { 0 };
        Stored old;
        bool ends = p->is_ending && p->m.has_subject;
        if (ends) { /* "I quit my job" once more ends another one */
                TRY(number_take(cx, s, k, &p->m));
                TRY(conflict_settle(cx, s, k, p, &v));
        }
        Err e = v.supersedes ? ERR_NOT_FOUND : exact_find(cx, s, k, p, &old);
        if (e == OK) {
                TRY(confirm(cx, s, &old, p->m.row.confidence));
                *ret = written(cx, s, MEMORY_NOOP, "exact_duplicate", &old);
                return OK;
        }
        if (e == ERR_NOT_FOUND && !v.supersedes)
                e = near_find(cx, s, k, p, &old);
        if (e == OK) {
                TRY(merge_into(cx, s, k, p, &old));
                *ret = written(cx, s, MEMORY_UPDATE, "near_duplicate_merged", &old);
                return OK;
        }
        if (e != ERR_NOT_FOUND)
                return e;
        if (!ends)
                TRY(number_take(cx, s, k, &p->m));
        if (p->m.has_subject)
                TRY(conflict_settle(cx, s, k, p, &v));
        if (v.known_unit) {
                TRY(stored_by_unit(cx, s, k, v.known_unit, &old));
                if (!p->is_weak)
                        TRY(confirm(cx, s, &old, p->m.row.confidence));
                *ret = written(cx, s, MEMORY_NOOP, "already_known", &old);
                return OK;
        }
        TRY(insert_new(cx, s, k, p, &v));
        *ret = written(cx, s, v.supersedes ? MEMORY_SUPERSEDE : MEMORY_ADD, p->m.birth_reason, &p->m);
        ret->superseded = v.superseded;
        return OK;
}

static Err draft_make(Ctx *cx, const MemoryScope *s, const MemoryNew *in, const Fact *fact,
                      Pending *p) {
        _cleanup_(keys_done) Keys k = { 0 };
        bool is_scheduled;
        p->fact = fact;
        TRY(pending_make(cx, s, in, fact, p));
        TRY(keys_get(cx, s, &k));
        TRY(pending_schedule(cx, s, in, p, &is_scheduled));
        Weight w = weigh_importance(p->m.type, p->m.row.content, fact ? fact->quote : STR_NULL,
                                    &p->m.row, is_scheduled);
        p->m.level = w.level;
        p->m.row.importance_score = w.score;
        return stored_identify(cx, &k, &p->m);
}

Err memory_draft(Ctx *cx, const MemoryScope *s, const MemoryNew *in, MemoryDraft **ret) {
        Pending *p = NEW(cx->arena, Pending);
        TRY(draft_make(cx, s, in, NULL, p));
        *ret = p;
        return OK;
}

static Err draft_store(Ctx *cx, const MemoryScope *s, Pending *d, MemoryWritten *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        TRY(keys_get(cx, s, &k));
        TRY(pending_store(cx, s, &k, d, ret));
        return ret->event == MEMORY_ADD && !d->is_verbatim ? conflict_later(cx, s, &d->m) : OK;
}

Err memory_add_draft(Ctx *cx, const MemoryScope *s, MemoryDraft *d, MemoryWritten *ret) {
        return count_operation(OP_ADD, draft_store(cx, s, d, ret));
}

Err memory_add_pending(Ctx *cx, const MemoryScope *s, const MemoryNew *in, const Fact *fact,
                       MemoryWritten *ret) {
        Pending p = { 0 };
        TRY(draft_make(cx, s, in, fact, &p));
        return memory_add_draft(cx, s, &p, ret);
}

Err memory_add(Ctx *cx, const MemoryScope *s, const MemoryNew *in, MemoryWritten *ret) {
        return memory_add_pending(cx, s, in, NULL, ret);
}

/* ---- update and delete ---- */

/* The day that was planned, in other words: dropped when they name none, and kept when they name it
 * as before, for "tomorrow" was said then. */
static Err change_planned(Ctx *cx, const MemoryScope *s, Str before, MemoryRow *r) {
        MomentRef ref = { .said_at = cx_now_ms(cx) };
        Moment was, is;
        Member day = { "scheduled_date", STR_NULL };
        TRY(profile_utc_offset(cx, s, ref.said_at, &ref.utc_offset_min));
        bool named = moment_find(cx->arena, r->content, &ref, &is);
        if (named && moment_find(cx->arena, before, &ref, &was) && str_eq(was.phrase, is.phrase))
                return OK;
        if (named)
                day.value = json_time(cx, is.at_ms);
        return json_with(cx, r->context, &day, 1, &r->context);
}

static bool is_planned(const MemoryRow *r) {
        return str_contains(r->context, STR("\"scheduled_date\""));
}

/* Read and dated as if it were said now. */
static Err change_text(Ctx *cx, const MemoryScope *s, const MemoryChange *in, Pending *p) {
        MemoryRow *r = &p->m.row;
        MemoryNew said = { .content = in->content };
        Str before = r->content;
        bool is_dated;
        TRY(content_check(cx, in->content, &r->content));
        r->attribute = r->subject = r->value = STR_NULL;
        pending_attribute(cx, &said, NULL, p);
        TRY(pending_schedule(cx, s, &said, p, &is_dated));
        return is_dated || in->context.p || !is_planned(r) ? OK
                                                           : change_planned(cx, s, before, r);
}

/* What is over, or put away, contradicts nothing. */
static Err change_settle(Ctx *cx, const MemoryScope *s, const Keys *k, Pending *p,
                         Verdict *ret) {
        Strs known = p->m.row.supersedes;
        if (!p->m.has_subject)
                return OK;
        if (p->m.row.retired_at || p->m.status == STATUS_ARCHIVED) {
                if (p->is_ending)
                        leave_line(&p->m);
                return OK;
        }
        TRY(stored_identify(cx, k, &p->m));
        TRY(conflict_settle(cx, s, k, p, ret));
        p->m.row.supersedes = strs_unique(cx, known, ret->superseded);
        return OK;
}

static Err change_status(Ctx *cx, const MemoryScope *s, const MemoryChange *in, Stored *m) {
        int status = word_index(memory_status_names, in->status);
        bool ok = status == STATUS_ACTIVE
                          ? m->status == STATUS_FLAGGED || m->status == STATUS_ARCHIVED ||
                                    m->status == STATUS_ACTIVE
                          : status == STATUS_ARCHIVED && m->status != STATUS_SUPERSEDED;
        if (!ok)
                return RAISE_FIELD(cx, "#/status", "a memory that is %s cannot become that",
                                   memory_status_names[m->status]);
        if (status == STATUS_ACTIVE && m->status == STATUS_ARCHIVED) { /* counts again */
                Shelf *shelf;
                TRY(shelf_get(cx, s, &shelf));
                TRY(quota_check(cx, s, shelf_active(shelf)));
        }
        m->status = (MemoryStatus)status;
        return json_with(cx, m->row.context, &(Member){ "potential_conflict", STR_NULL }, 1,
                         &m->row.context);
}

static Err change_apply(Ctx *cx, const MemoryScope *s, const MemoryChange *in, Pending *p) {
        Stored *m = &p->m;
        MemoryRow *r = &m->row;
        if (in->tags.v) {
                TRY(words_check(cx, "#/tags", in->tags, MEMORY_TAGS_MAX));
                r->tags = strs_unique(cx, in->tags, (Strs){ 0 });
        }
        if (in->entities.v) {
                TRY(words_check(cx, "#/entities", in->entities, MEMORY_ENTITIES_MAX));
                r->entities = strs_unique(cx, in->entities, (Strs){ 0 });
        }
        if (in->context.p)
                TRY(context_check(cx, in->context, &r->context));
        if (in->content.p)
                TRY(change_text(cx, s, in, p));
        if (in->confidence >= 0)
                r->confidence = in->confidence;
        if (in->status.p)
                TRY(change_status(cx, s, in, m));
        if (in->valid_to && in->valid_to != TIME_CLEARED && in->valid_to <= r->valid_from)
                return RAISE_FIELD(cx, "#/valid_to", "must be after valid_from");
        if (in->valid_to)
                r->valid_to = m->valid_to_said = in->valid_to == TIME_CLEARED ? 0 : in->valid_to;
        if (in->expires_at)
                r->expires_at = in->expires_at == TIME_CLEARED ? 0 : in->expires_at;
        return OK;
}

static Err change_store(Ctx *cx, const MemoryScope *s, const Keys *k, Stored *m, Str before) {
        Weight w = weigh_importance(m->type, m->row.content, STR_NULL, &m->row, is_planned(&m->row));
        if (m->status != STATUS_SUPERSEDED) {
                m->level = w.level;
                m->row.importance_score = w.score;
        }
        TRY(stored_identify(cx, k, m));
        TRY(profile_on_gone(cx, s, k, m, GONE_CHANGED));
        return stored_change(cx, s, k, m, &(Change){ MEMORY_UPDATE, "updated", before });
}

static Err update(Ctx *cx, const MemoryScope *s, Str memory_id, const MemoryChange *in,
                  MemoryWritten *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        Pending p = { .said_at = cx_now_ms(cx), .is_current = true, .has_valid_from = true };
        Verdict v = { 0 };
        TRY(keys_get(cx, s, &k));
        TRY(stored_by_id(cx, s, &k, memory_id, &p.m));
        Str before = p.m.row.content;
        TRY(change_apply(cx, s, in, &p));
        if (in->confidence > 1)
                return RAISE_FIELD(cx, "#/confidence", "must be 0 to 1");
        if (in->content.p)
                TRY(change_settle(cx, s, &k, &p, &v));
        TRY(change_store(cx, s, &k, &p.m, before));
        *ret = written(cx, s, MEMORY_UPDATE, "updated", &p.m);
        ret->superseded = v.superseded;
        return in->content.p && !v.supersedes ? conflict_later(cx, s, &p.m) : OK;
}

Err memory_update(Ctx *cx, const MemoryScope *s, Str memory_id, const MemoryChange *in,
                  MemoryWritten *ret) {
        return count_operation(OP_UPDATE, update(cx, s, memory_id, in, ret));
}

/* The successor quotes the old value; what is forgotten is forgotten there as well. */
static Err unquote(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *gone) {
        Stored next;
        if (!gone->row.superseded_by.p)
                return OK;
        Err e = stored_by_id(cx, s, k, gone->row.superseded_by, &next);
        if (e == ERR_MEMORY_NOT_FOUND) {
                err_clear(cx);
                return OK;
        }
        TRY(e);
        if (!str_contains(next.row.context, STR("\"previous_value\"")))
                return OK;
        TRY(json_with(cx, next.row.context, &(Member){ "previous_value", STR_NULL }, 1,
                      &next.row.context));
        return stored_save(cx, s, k, &next);
}

static Err delete_one(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *m,
                      const Goes *goes) {
        Shelf *shelf;
        TRY(stored_remove(cx, s, m));
        count_written(cx, s, MEMORY_DELETE, m->row.memory_id);
        TRY(unquote(cx, s, k, m));
        TRY(shelf_get(cx, s, &shelf));
        shelf_change(cx, s);
        shelf_drop(shelf, m->row.unit);
        unindex_later(cx, s, m->row.unit);
        TRY(profile_on_gone(cx, s, k, m, GONE_DELETED));
        return conflict_reopen(cx, s, k, m, goes);
}

static Err delete_by_id(Ctx *cx, const MemoryScope *s, Str memory_id, const Goes *goes) {
        _cleanup_(keys_done) Keys k = { 0 };
        Stored m;
        TRY(keys_get(cx, s, &k));
        TRY(stored_by_id(cx, s, &k, memory_id, &m));
        return delete_one(cx, s, &k, &m, goes);
}

Err memory_delete_among(Ctx *cx, const MemoryScope *s, Str memory_id, MemoryGoes *goes, void *arg) {
        return count_operation(OP_DELETE, delete_by_id(cx, s, memory_id, &(Goes){ goes, arg }));
}

Err memory_delete(Ctx *cx, const MemoryScope *s, Str memory_id) {
        return memory_delete_among(cx, s, memory_id, NULL, NULL);
}

static bool goes_always(void *arg, const MemoryRow *row) { return true; }

Err memory_drop(Ctx *cx, const MemoryScope *s, Str memory_id) {
        return memory_delete_among(cx, s, memory_id, goes_always, NULL);
}

static bool strs_has(Strs list, Str s) {
        for (size_t i = 0; i < list.n; i++)
                if (str_eq(list.v[i], s))
                        return true;
        return false;
}

static bool row_matches(void *arg, const MemoryRow *r) {
        const MemoryMatch *which = arg;
        return (!which->type.p || str_eq_nocase(r->type, which->type)) &&
               (!which->tag.p || strs_has(r->tags, which->tag)) &&
               (!which->before || r->created_at < which->before);
}

Err memory_delete_some(Ctx *cx, const MemoryScope *s, const MemoryMatch *which, int64_t *position,
                       int64_t *ret_count) {
        _cleanup_(keys_done) Keys k = { 0 };
        StoredList page;
        int64_t next = MEMORY_AT_END, count = 0;
        MemoryMatch match = *which;
        if (!*position && !which->type.p && !which->tag.p && !which->before)
                TRY(memory_read_cancel(cx, s)); /* or a model would bring some of it back */
        TRY(keys_get(cx, s, &k));
        TRY(stored_page(cx, s, &k, (Page){ *position, DELETE_STEP }, &page));
        for (size_t i = 0; i < page.n; i++) {
                if (!row_matches(&match, &page.v[i].row))
                        continue;
                TRY(delete_one(cx, s, &k, &page.v[i], &(Goes){ row_matches, &match }));
                count++;
        }
        if (page.n == DELETE_STEP)
                next = page.v[page.n - 1].row.unit;
        *position = next;
        *ret_count = count;
        return OK;
}

Err memory_delete_all(Ctx *cx, const MemoryScope *s, const MemoryMatch *which, int64_t *ret_count) {
        int64_t position = 0, count = 0, step;
        while (position != MEMORY_AT_END) {
                TRY(memory_delete_some(cx, s, which, &position, &step));
                count += step;
        }
        *ret_count = count;
        return OK;
}

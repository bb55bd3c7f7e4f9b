// SPDX-License-Identifier: MIT
#include "memory/profile.h"

#include <ctype.h>
#include <math.h>

#include "codec/json.h"
#include "memory/memory_sql.h"
#include "memory/profile_int.h"

enum {
        WEIGHT_ALL = 19,
        SUMMARY_FACTS = 10,
        SUMMARY_PREFERENCES = 5,
        SUMMARY_SKILLS = 5,
        SUMMARY_ITEMS = 3,
        DAY_MINUTES = 24 * 60,
        NAME_MAX_CHARACTERS = 64
};
#define VALUE_BOUNDS "1 to 300 characters" /* PROFILE_VALUE_MAX */

#define TEXT(m, w)                                                                                 \
        { #m, PF_TEXT, offsetof(Profile, m), w }
#define INT(m, w)                                                                                  \
        { #m, PF_INT, offsetof(Profile, m), w }
#define BOOL(m)                                                                                    \
        { #m, PF_BOOL, offsetof(Profile, m), 0 }
#define LIST(m, w)                                                                                 \
        { #m, PF_LIST, offsetof(Profile, m), w }
#define MAP(m)                                                                                     \
        { #m, PF_MAP, offsetof(Profile, m), 0 }
const ProfileField profile_fields[] = {
        /* user_id is the 27th */
        TEXT(name, 2),
        INT(age, 2),
        TEXT(gender, 1),
        TEXT(language, 0),
        TEXT(location, 2),
        TEXT(education, 1),
        TEXT(profession, 2),
        TEXT(workplace, 1),
        INT(experience_years, 1),
        LIST(skills, 1),
        TEXT(relationship_status, 1),
        TEXT(partner_name, 1),
        LIST(family, 0),
        LIST(interests, 1),
        LIST(hobbies, 1),
        LIST(goals, 1),
        LIST(personality_traits, 0),
        TEXT(writing_style, 1),
        BOOL(prefers_short_responses),
        BOOL(uses_emojis),
        TEXT(tone_preference, 0),
        MAP(likes),
        MAP(dislikes),
        TEXT(timezone, 0),
        LIST(active_hours, 0),
        { "routines", PF_TEXTS, offsetof(Profile, routines), 0 },
        { NULL },
};

const ProfileField *profile_field(Str name) {
        Str head = str_to(name, str_index(name, '.'));
        for (const ProfileField *f = profile_fields; f->name; f++)
                if (str_eq_c(head, f->name))
                        return f;
        return NULL;
}

/* ---- in step with memories ---- */

/* The whole profile is read for one memory: it is not kept until the end of the request. */
static Ctx passing(const Ctx *cx, Arena *arena) {
        Ctx pc = *cx;
        pc.arena = arena;
        return pc;
}

static Err passed(Ctx *cx, const Ctx *pc, Err e) {
        return e ? RAISE(cx, e, "profile: %s", pc->err.what ? pc->err.what : "") : OK;
}

static int64_t earliest(int64_t a, int64_t b) { return a && b ? MIN(a, b) : a ? a : b; }

/* True when it changed something. */
static bool suggestion_apply(Ctx *cx, Entries *e, const Stored *m, const Suggestion *sg) {
        Entry *at = entry_make(cx, e, sg->field, sg->item);
        if (!at || (sg->if_unset && at->n_claims))
                return false;
        int64_t now = cx_now_ms(cx);
        Claim new = { .value = sg->value,
                      .memory_id = m->row.memory_id,
                      .kind = m->row.source_kind,
                      .confidence = m->row.confidence,
                      .first_seen = m->row.valid_from,
                      .last_confirmed = now,
                      .from = m->row.valid_from > now ? m->row.valid_from : 0,
                      .until = earliest(m->row.valid_to, m->row.expires_at) };
        const Claim *old = entry_current(at);
        bool changes = old && old->memory_id.p && !str_eq(old->memory_id, new.memory_id) &&
                       !str_eq_nocase(old->value, new.value);
        if (changes)
                entry_past(cx, at, old, new.first_seen);
        if (old && str_eq_nocase(old->value, new.value))
                new.first_seen = MIN(old->first_seen, new.first_seen);
        entry_claim(cx, at, &new);
        return true;
}

static Err suggestions_apply(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *m) {
        Suggestions sg;
        Entries e;
        bool changed = false;
        profile_suggest(cx, m, &sg);
        if (!sg.n)
                return OK;
        TRY(entries_load(cx, s, k, &e));
        for (size_t i = 0; i < sg.n; i++)
                changed |= suggestion_apply(cx, &e, m, &sg.v[i]);
        return changed ? entries_save(cx, s, k, &e) : OK;
}

Err profile_on_memory(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *m) {
        if (m->row.valid_to && m->row.valid_to <= cx_now_ms(cx))
                return OK; /* it was so once */
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx pc = passing(cx, arena);
        return passed(cx, &pc, suggestions_apply(&pc, s, k, m));
}

/* What the memory claimed goes; the next best claim takes its place. True when anything changed. */
static bool entry_retract(Ctx *cx, Entry *e, const Stored *m, ProfileGone how) {
        size_t n = 0, past = 0;
        int64_t now = cx_now_ms(cx);
        bool changed = false;
        for (size_t i = 0; i < e->n_claims; i++) {
                Claim c = e->claims[i];
                if (!str_eq(c.memory_id, m->row.memory_id)) {
                        e->claims[n++] = c;
                        continue;
                }
                changed = true;
                if (how == GONE_SUPERSEDED)
                        entry_past(cx, e, &c, m->row.valid_to ? m->row.valid_to : now);
        }
        e->n_claims = n;
        for (size_t i = 0; how == GONE_DELETED && i < e->n_past; i++) {
                bool mine = str_eq(e->past[i].memory_id, m->row.memory_id);
                changed |= mine;
                if (!mine)
                        e->past[past++] = e->past[i];
        }
        if (how == GONE_DELETED)
                e->n_past = past;
        return changed;
}

static Err claims_retract(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *m,
                          ProfileGone how) {
        Entries e;
        bool changed = false;
        TRY(entries_load(cx, s, k, &e));
        for (size_t i = 0; i < e.n; i++)
                changed |= entry_retract(cx, &e.v[i], m, how);
        return changed ? entries_save(cx, s, k, &e) : OK;
}

Err profile_on_gone(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *m,
                    ProfileGone how) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx pc = passing(cx, arena);
        return passed(cx, &pc, claims_retract(&pc, s, k, m, how));
}

/* ---- reading ---- */

static void *member(Profile *p, const ProfileField *f) { return (char *)p + f->offset; }

static Str value_of(const Entries *e, const char *field) {
        const Entry *at = entry_find(e, str_c(field), STR_NULL);
        const Claim *c = at ? entry_current(at) : NULL;
        return c ? c->value : STR_NULL;
}

static Strs items_of(Ctx *cx, const Entries *e, Str field) {
        Str *v = NEW_ARRAY(cx->arena, Str, ITEMS_MAX);
        size_t n = 0;
        for (size_t i = 0; i < e->n && n < ITEMS_MAX; i++) {
                const Claim *c = str_eq(e->v[i].field, field) && e->v[i].item.p
                                         ? entry_current(&e->v[i])
                                         : NULL;
                if (c)
                        v[n++] = c->value;
        }
        return (Strs){ v, n };
}

static void list_write(Buf *b, Strs list) {
        buf_addc(b, '[');
        for (size_t i = 0; i < list.n; i++) {
                buf_add_c(b, i ? "," : "");
                json_write_str(b, list.v[i]);
        }
        buf_addc(b, ']');
}

/* {"foods":["ramen"]} from entries of "likes.foods". */
static Str map_of(Ctx *cx, const Entries *e, const char *name) {
        _cleanup_(buf_done) Buf b = BUF(2 * 1024 * 1024);
        Str head = arena_strf(cx->arena, "%s.", name);
        buf_addc(&b, '{');
        for (size_t i = 0; i < e->n; i++) {
                bool seen = false,
                     mine = str_starts(e->v[i].field, head) && entry_current(&e->v[i]);
                for (size_t j = 0; mine && j < i && !seen; j++)
                        seen = str_eq(e->v[j].field, e->v[i].field) && entry_current(&e->v[j]);
                if (!mine || seen)
                        continue;
                buf_add_c(&b, b.n > 1 ? "," : "");
                json_write_str(&b, str_from(e->v[i].field, head.n));
                buf_addc(&b, ':');
                list_write(&b, items_of(cx, e, e->v[i].field));
        }
        buf_addc(&b, '}');
        return arena_dup(cx->arena, buf_str(&b));
}

static Str texts_of(Ctx *cx, const Entries *e, const char *name) {
        _cleanup_(buf_done) Buf b = BUF(2 * 1024 * 1024);
        buf_addc(&b, '{');
        for (size_t i = 0; i < e->n; i++) {
                const Claim *c = str_eq_c(e->v[i].field, name) ? entry_current(&e->v[i]) : NULL;
                if (!c)
                        continue;
                buf_add_c(&b, b.n > 1 ? "," : "");
                json_write_str(&b, e->v[i].item);
                buf_addc(&b, ':');
                json_write_str(&b, c->value);
        }
        buf_addc(&b, '}');
        return arena_dup(cx->arena, buf_str(&b));
}

static void field_fill(Ctx *cx, const Entries *e, const ProfileField *f, Profile *p) {
        Str v = value_of(e, f->name);
        int64_t n;
        switch (f->kind) {
        case PF_TEXT: *(Str *)member(p, f) = v; break;
        case PF_INT:
                *(OptInt *)member(p, f) =
                        (OptInt){ str_to_i64(v, &n), v.p && str_to_i64(v, &n) ? n : 0 };
                break;
        case PF_BOOL:
                *(OptBool *)member(p, f) = (OptBool){ v.p != NULL, str_eq_c(v, "true") };
                break;
        case PF_LIST: *(Strs *)member(p, f) = items_of(cx, e, str_c(f->name)); break;
        case PF_MAP: *(Str *)member(p, f) = map_of(cx, e, f->name); break;
        case PF_TEXTS: *(Str *)member(p, f) = texts_of(cx, e, f->name); break;
        }
}

static bool field_is_filled(Profile *p, const ProfileField *f) {
        switch (f->kind) {
        case PF_TEXT: return ((Str *)member(p, f))->n > 0;
        case PF_INT: return ((OptInt *)member(p, f))->has;
        case PF_BOOL: return ((OptBool *)member(p, f))->has;
        case PF_LIST: return ((Strs *)member(p, f))->n > 0;
        case PF_MAP:
        case PF_TEXTS: return ((Str *)member(p, f))->n > 2;
        }
        return false;
}

static double completeness(Profile *p) {
        int filled = 0;
        for (const ProfileField *f = profile_fields; f->name; f++)
                filled += field_is_filled(p, f) ? f->weight : 0;
        return round(1000.0 * filled / WEIGHT_ALL) / 10;
}

/* ---- provenance ---- */

/* As the field has it: a number, true or false, else text. */
static void value_write(Buf *b, const Entry *e, Str value) {
        const ProfileField *f = profile_field(e->field);
        int64_t n;
        buf_add_c(b, "\"value\":");
        if (f && f->kind == PF_INT && str_to_i64(value, &n))
                buf_addf(b, "%lld", (long long)n);
        else if (f && f->kind == PF_BOOL)
                buf_add_c(b, str_eq_c(value, "true") ? "true" : "false");
        else
                json_write_str(b, value);
}

static void source_write(Ctx *cx, Buf *b, const Entry *e, const Claim *c) {
        value_write(b, e, c->value);
        buf_addf(b, ",\"confidence\":%.3g,\"source_memory_id\":", c->confidence);
        if (c->memory_id.p)
                json_write_str(b, c->memory_id);
        else
                buf_add_c(b, "null");
        buf_add_c(b, ",\"source_kind\":");
        json_write_str(b, c->kind);
        buf_addf(b, ",\"first_seen\":%.*s,\"last_confirmed\":%.*s",
                 STR_FMT(json_time(cx, c->first_seen)), STR_FMT(json_time(cx, c->last_confirmed)));
}

static void previous_write(Ctx *cx, Buf *b, const Entry *e) {
        buf_add_c(b, ",\"previous\":[");
        for (size_t i = 0; i < e->n_past; i++) {
                buf_add_c(b, i ? ",{" : "{");
                value_write(b, e, e->past[i].value);
                buf_addf(b, ",\"from\":%.*s,\"to\":%.*s}", STR_FMT(json_time(cx, e->past[i].from)),
                         STR_FMT(json_time(cx, e->past[i].to)));
        }
        buf_addc(b, ']');
}

/* What memories say against the person's own word. */
static void flagged_write(Buf *b, const Entry *e, const Claim *current) {
        size_t n = 0;
        for (size_t i = 0; !current->memory_id.p && i < e->n_claims; i++) {
                const Claim *c = &e->claims[i];
                if (!c->memory_id.p || str_eq_nocase(c->value, current->value))
                        continue;
                buf_add_c(b, n++ ? ",{" : ",\"flagged\":[{");
                value_write(b, e, c->value);
                buf_add_c(b, ",\"source_memory_id\":");
                json_write_str(b, c->memory_id);
                buf_addc(b, '}');
        }
        if (n)
                buf_addc(b, ']');
}

static Str provenance_of(Ctx *cx, const Entries *e) {
        _cleanup_(buf_done) Buf b = BUF(2 * 1024 * 1024);
        buf_addc(&b, '{');
        for (size_t i = 0; i < e->n; i++) {
                const Entry *at = &e->v[i];
                const Claim *c = entry_current(at);
                if (!c && !at->n_past)
                        continue;
                buf_add_c(&b, b.n > 1 ? "," : "");
                json_write_str(&b, at->item.p ? arena_strf(cx->arena, "%.*s[%.*s]",
                                                           STR_FMT(at->field), STR_FMT(at->item))
                                              : at->field);
                buf_add_c(&b, ":{");
                if (c)
                        source_write(cx, &b, at, c);
                else
                        buf_add_c(&b, "\"value\":null");
                previous_write(cx, &b, at);
                if (c)
                        flagged_write(&b, at, c);
                buf_addc(&b, '}');
        }
        buf_addc(&b, '}');
        return arena_dup(cx->arena, buf_str(&b));
}

static Err conversations_fill(Ctx *cx, const MemoryScope *s, Profile *p) {
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_row(cx, s->c, &sql_conversation_stats, ARGS(v_text(s->user_id)), &r));
        p->total_conversations = row_int(&r, 0);
        p->last_conversation = row_int(&r, 1);
        return OK;
}

static Err profile_load(Ctx *cx, const MemoryScope *s, Entries *e, Profile *p) {
        _cleanup_(keys_done) Keys k = { 0 };
        TRY(keys_get(cx, s, &k));
        TRY(entries_load_now(cx, s, &k, e));
        *p = (Profile){ .user_id = s->user_id,
                        .created_at = e->created_at,
                        .updated_at = e->updated_at };
        for (const ProfileField *f = profile_fields; f->name; f++)
                field_fill(cx, e, f, p);
        if (!p->language.p)
                p->language = STR("English");
        int offset = 0;
        if (p->timezone.p && !zone_offset(p->timezone, cx_now_ms(cx), &offset))
                offset = 0;
        TRY(profile_manner(cx, s, offset, p));
        p->profile_completeness = completeness(p);
        return conversations_fill(cx, s, p);
}

Err profile_get(Ctx *cx, const MemoryScope *s, bool provenance, Profile *ret) {
        Entries e;
        Profile p;
        TRY(profile_load(cx, s, &e, &p));
        if (provenance)
                p.provenance = provenance_of(cx, &e);
        *ret = p;
        return OK;
}

Err profile_utc_offset(Ctx *cx, const MemoryScope *s, int64_t at_ms, int *ret_min) {
        _cleanup_(keys_done) Keys k = { 0 };
        Entries e;
        TRY(keys_get(cx, s, &k));
        TRY(entries_load_now(cx, s, &k, &e));
        Str zone = value_of(&e, "timezone");
        if (!zone.p || !zone_offset(zone, at_ms, ret_min))
                *ret_min = 0;
        return OK;
}

/* ---- the person's own word ---- */

static Err person_sets(Ctx *cx, Entries *e, Str field, Str item, Str value) {
        int64_t now = cx_now_ms(cx);
        Entry *at = entry_make(cx, e, arena_dup(cx->arena, field), arena_dup(cx->arena, item));
        Str name = str_to(field, str_index(field, '.'));
        if (!at)
                return RAISE_FIELD(cx, arena_printf(cx->arena, "#/%.*s", STR_FMT(name)),
                                   "a profile holds at most %d values", ENTRIES_MAX);
        const Claim *old = entry_current(at);
        Claim new = { .value = arena_dup(cx->arena, value),
                      .kind = STR("user"),
                      .confidence = 1,
                      .first_seen = now,
                      .last_confirmed = now };
        if (old && !str_eq(old->value, value))
                entry_past(cx, at, old, now);
        at->n_claims = 0; /* what rules said before is settled */
        entry_claim(cx, at, &new);
        return OK;
}

static bool belongs(Str field, const ProfileField *f) {
        Str name = str_c(f->name);
        return str_eq(field, name) ||
               (str_starts(field, name) && field.n > name.n && field.p[name.n] == '.');
}

static size_t field_empty(Entries *e, const ProfileField *f) {
        size_t n = 0, cleared = 0;
        for (size_t i = 0; i < e->n; i++) {
                bool mine = belongs(e->v[i].field, f);
                cleared += mine && e->v[i].n_claims;
                if (!mine)
                        e->v[n++] = e->v[i];
        }
        e->n = n;
        return cleared;
}

static Str scalar_text(Ctx *cx, JsonRef v) {
        return json_kind(v) == JSON_STR ? json_str(v) : json_text(cx, v);
}

static bool value_fits(Str v) { return v.n && str_utf8_count(v) <= PROFILE_VALUE_MAX; }

/* "09:00", to "24:00"; -1: none */
static int clock_minutes(Str s) {
        int64_t h, m;
        if (s.n != 5 || s.p[2] != ':' || !isdigit((unsigned char)s.p[0]) ||
            !isdigit((unsigned char)s.p[3]) || !str_to_i64(str_to(s, 2), &h) ||
            !str_to_i64(str_from(s, 3), &m) || m > 59 || h * 60 + m > DAY_MINUTES)
                return -1;
        return (int)(h * 60 + m);
}

/* "09:00-12:00"; "22:00-02:00" is over midnight. */
static bool hours_fit(Str v) {
        size_t dash = str_index(v, '-');
        int from = clock_minutes(str_to(v, dash)), to = clock_minutes(str_from(v, dash + 1));
        return from >= 0 && from < DAY_MINUTES && to >= 0 && from != to;
}

static Err item_bad(Ctx *cx, const ProfileField *f, size_t i, const char *why) {
        return RAISE_FIELD(cx,
                           f->kind == PF_LIST ? arena_printf(cx->arena, "#/%s/%zu", f->name, i)
                                              : arena_printf(cx->arena, "#/%s", f->name),
                           "%s", why);
}

static Err items_set(Ctx *cx, Entries *e, const ProfileField *f, Str field, JsonRef list) {
        bool are_hours = !strcmp(f->name, "active_hours");
        if (json_kind(list) != JSON_ARR || json_count(list) > ITEMS_MAX)
                return RAISE_FIELD(cx, arena_printf(cx->arena, "#/%s", f->name),
                                   "must hold lists of at most %d", ITEMS_MAX);
        for (size_t i = 0; i < json_count(list); i++) {
                Str v = str_trim(json_str(json_at(list, i)));
                if (!value_fits(v))
                        return item_bad(cx, f, i, "items are texts of " VALUE_BOUNDS);
                if (are_hours && !hours_fit(v))
                        return item_bad(cx, f, i, "must be hours, like 09:00-12:00");
                TRY(person_sets(cx, e, field, v, v));
        }
        return OK;
}

static Err map_set(Ctx *cx, Entries *e, const ProfileField *f, JsonRef map) {
        for (JsonIter it = { 0 }; json_next(map, &it);) {
                if (it.name.n == 0 || str_utf8_count(it.name) > NAME_MAX_CHARACTERS)
                        return RAISE_FIELD(cx, arena_printf(cx->arena, "#/%s", f->name),
                                           "names have 1 to %d characters", NAME_MAX_CHARACTERS);
                if (f->kind == PF_TEXTS) {
                        Str v = json_str(it.value);
                        if (!value_fits(v))
                                return RAISE_FIELD(cx, "#/routines",
                                                   "values are texts of " VALUE_BOUNDS);
                        TRY(person_sets(cx, e, str_c(f->name), it.name, v));
                } else {
                        TRY(items_set(cx, e, f,
                                      arena_strf(cx->arena, "%s.%.*s", f->name, STR_FMT(it.name)),
                                      it.value));
                }
        }
        return OK;
}

static Err field_set(Ctx *cx, Entries *e, const ProfileField *f, JsonRef v) {
        if (json_kind(v) == JSON_NULL) {
                field_empty(e, f);
                return OK;
        }
        switch (f->kind) {
        case PF_TEXT:
        case PF_INT:
        case PF_BOOL: {
                Str text = str_trim(scalar_text(cx, v));
                if (!value_fits(text))
                        return RAISE_FIELD(cx, arena_printf(cx->arena, "#/%s", f->name),
                                           "must have " VALUE_BOUNDS);
                if (!strcmp(f->name, "timezone") && !zone_is_known(text))
                        return RAISE_FIELD(cx, "#/timezone",
                                           "must be a time zone, like Europe/Lisbon or UTC+2");
                return person_sets(cx, e, str_c(f->name), STR_NULL, text);
        }
        case PF_LIST: field_empty(e, f); return items_set(cx, e, f, str_c(f->name), v);
        case PF_MAP:
        case PF_TEXTS: field_empty(e, f); return map_set(cx, e, f, v);
        }
        return OK;
}

Err profile_patch(Ctx *cx, const MemoryScope *s, Str patch) {
        _cleanup_(keys_done) Keys k = { 0 };
        _cleanup_(json_freep) Json *j = NULL;
        Entries e;
        TRY(json_parse(cx, patch, JSON_DEPTH_MAX, &j));
        TRY(keys_get(cx, s, &k));
        TRY(entries_load(cx, s, &k, &e));
        for (JsonIter it = { 0 }; json_next(json_root(j), &it);) {
                const ProfileField *f = profile_field(it.name);
                if (!f || !str_eq_c(it.name, f->name))
                        return RAISE_FIELD(cx, arena_printf(cx->arena, "#/%.*s", STR_FMT(it.name)),
                                           "is not a field of the profile");
                TRY(field_set(cx, &e, f, it.value));
        }
        return entries_save(cx, s, &k, &e);
}

Err profile_clear(Ctx *cx, const MemoryScope *s, Str field) {
        _cleanup_(keys_done) Keys k = { 0 };
        Entries e;
        const ProfileField *f = profile_field(field);
        if (!f || !str_eq_c(field, f->name))
                return ERR_NOT_FOUND;
        TRY(keys_get(cx, s, &k));
        TRY(entries_load(cx, s, &k, &e));
        return field_empty(&e, f) ? entries_save(cx, s, &k, &e) : ERR_NOT_FOUND;
}

/* ---- summary ---- */

typedef struct Lines {
        Str v[SUMMARY_FACTS];
        size_t n, max;
} Lines;

static void line(Ctx *cx, Lines *l, const char *head, Str value, const char *tail) {
        if (value.n && l->n < l->max)
                l->v[l->n++] = arena_strf(cx->arena, "%s%.*s%s", head, STR_FMT(value), tail);
}

static Str joined(Ctx *cx, Strs list, size_t max) {
        _cleanup_(buf_done) Buf b = BUF(64 * 1024);
        for (size_t i = 0; i < MIN(list.n, max); i++) {
                buf_add_c(&b, i ? ", " : "");
                buf_add(&b, list.v[i]);
        }
        return arena_dup(cx->arena, buf_str(&b));
}

static Strs lines_kept(Ctx *cx, const Lines *l) {
        Str *v = NEW_ARRAY(cx->arena, Str, l->n + 1);
        memcpy(v, l->v, l->n * sizeof *v);
        return (Strs){ v, l->n };
}

static Strs facts_of(Ctx *cx, const Profile *p) {
        Lines l = { .max = SUMMARY_FACTS };
        if (p->age.has)
                line(cx, &l, "Is ", arena_strf(cx->arena, "%lld", (long long)p->age.v),
                     " years old");
        line(cx, &l, "Lives in ", p->location, "");
        line(cx, &l, "Works as ", p->profession, "");
        line(cx, &l, "Works at ", p->workplace, "");
        line(cx, &l, "Education: ", p->education, "");
        line(cx, &l, "Relationship: ", p->relationship_status, "");
        line(cx, &l, "Partner: ", p->partner_name, "");
        line(cx, &l, "Skills: ", joined(cx, p->skills, SUMMARY_SKILLS), "");
        line(cx, &l, "Family: ", joined(cx, p->family, SUMMARY_ITEMS), "");
        line(cx, &l, "Goals: ", joined(cx, p->goals, SUMMARY_ITEMS), "");
        return lines_kept(cx, &l);
}

static Strs preferences_of(Ctx *cx, const Entries *e, const Profile *p) {
        Lines l = { .max = SUMMARY_PREFERENCES };
        static const struct {
                const char *head, *text;
        } maps[] = { { "likes.", "Likes" }, { "dislikes.", "Dislikes" } };
        for (size_t k = 0; k < ELEMENTSOF(maps); k++)
                for (size_t i = 0; i < e->n; i++) {
                        Str field = e->v[i].field;
                        bool first =
                                str_starts(field, str_c(maps[k].head)) && entry_current(&e->v[i]);
                        for (size_t j = 0; first && j < i; j++)
                                first = !str_eq(e->v[j].field, field) || !entry_current(&e->v[j]);
                        if (first)
                                line(cx, &l,
                                     arena_printf(cx->arena, "%s %.*s: ", maps[k].text,
                                                  STR_FMT(str_from(field, strlen(maps[k].head)))),
                                     joined(cx, items_of(cx, e, field), SUMMARY_ITEMS), "");
                }
        line(cx, &l, "Hobbies: ", joined(cx, p->hobbies, SUMMARY_ITEMS), "");
        return lines_kept(cx, &l);
}

static Str style_of(Ctx *cx, const Profile *p) {
        Lines l = { .max = 4 };
        line(cx, &l, "", p->writing_style, " writing");
        line(cx, &l, "", p->tone_preference, " tone");
        if (p->prefers_short_responses.has && p->prefers_short_responses.v)
                line(cx, &l, "", STR("short answers"), "");
        if (p->uses_emojis.has && p->uses_emojis.v)
                line(cx, &l, "", STR("emojis"), "");
        return l.n ? joined(cx, (Strs){ l.v, l.n }, l.n) : STR_NULL;
}

Err profile_summary(Ctx *cx, const MemoryScope *s, ProfileSummary *ret) {
        Entries e;
        Profile p;
        TRY(profile_load(cx, s, &e, &p));
        *ret = (ProfileSummary){ .user_id = p.user_id,
                                 .name = p.name,
                                 .key_facts = facts_of(cx, &p),
                                 .preferences = preferences_of(cx, &e, &p),
                                 .communication_style = style_of(cx, &p),
                                 .profile_completeness = p.profile_completeness };
        return OK;
}

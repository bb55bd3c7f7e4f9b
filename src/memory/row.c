// SPDX-License-Identifier: MIT
/* row: memories to and from their table. What says something about the person is in one sealed
 * body; what SQL must compare is a keyed digest; the rest is plain columns. */
#include "codec/uuid.h"
#include "memory/memory_id.h"
#include "memory/memory_sql.h"

#include <stdio.h>

enum { BODY_MAX = 256 * 1024, FIELD_LEN = 48 };

static const char *const source_kinds[] = {
        "user", "rule", "llm", "import", "consolidation", NULL
};

/* The sealed body is bound to its row: "memory:<uuid>". */
static void field_name(char out[FIELD_LEN], const char *table, const unsigned char id[16]) {
        char text[UUID_TEXT + 1];
        uuid_write(text, id);
        snprintf(out, FIELD_LEN, "%s:%s", table, text);
}

static Str uuid_text(Ctx *cx, Str bytes) {
        if (bytes.n != 16)
                return STR_NULL;
        char *text = arena_bytes(cx->arena, UUID_TEXT + 1);
        uuid_write(text, (const unsigned char *)bytes.p);
        return (Str){ text, UUID_TEXT };
}

static Val v_uuid(Ctx *cx, Str text) {
        if (!text.p)
                return v_null();
        unsigned char *b = arena_alloc(cx->arena, 16);
        return uuid_read(text, b) ? v_blob(str_n(b, 16)) : v_null();
}

static Val v_time(int64_t ms) { return ms ? v_int(ms) : v_null(); }

/* ---- body ---- */

static void pack_list(Buf *b, char tag, Strs list) {
        for (size_t i = 0; i < list.n; i++)
                pack_add(b, tag, list.v[i]);
}

static Err body_seal(Ctx *cx, const Keys *k, const Stored *m, Str *ret) {
        _cleanup_(buf_done) Buf b = BUF(BODY_MAX);
        const MemoryRow *r = &m->row;
        pack_add(&b, 'c', r->content);
        pack_list(&b, 't', r->tags);
        pack_list(&b, 'e', r->entities);
        pack_list(&b, 'p', r->supersedes);
        pack_add(&b, 'x', str_eq_c(r->context, "{}") ? STR_NULL : r->context);
        pack_add(&b, 's', r->subject);
        pack_add(&b, 'v', r->value);
        pack_add(&b, m->birth == MEMORY_SUPERSEDE ? 'B' : 'b', str_c(m->birth_reason));
        if (m->valid_to_said)
                pack_add(&b, 'o', str_n(&m->valid_to_said, sizeof m->valid_to_said));
        if (m->unheld.until)
                pack_add(&b, 'u', str_n(&m->unheld, sizeof m->unheld));
        if (b.full)
                return RAISE(cx, ERR_TOO_LARGE, "memory body over %d bytes", BODY_MAX);
        char field[FIELD_LEN];
        field_name(field, "memory", m->id);
        *ret = seal(cx, &k->seal, (SealFor){ r->user_id, field }, buf_str(&b));
        secret_wipe(b.p, b.n);
        return OK;
}

/* Lists of a body hold at most the 64 entities of the contract, or the ids that one memory superseded. */
typedef struct Gather {
        Str v[256];
        size_t n;
} Gather;

static Strs gathered(Ctx *cx, const Gather *g) {
        Str *v = NEW_ARRAY(cx->arena, Str, g->n ? g->n : 1);
        memcpy(v, g->v, g->n * sizeof *v);
        return (Strs){ v, g->n };
}

static void gather(Gather *g, Str v) {
        if (g->n < ELEMENTSOF(g->v))
                g->v[g->n++] = v;
}

static void body_field(Stored *m, char tag, Str v) {
        switch (tag) {
        case 'c': m->row.content = v; break;
        case 'x': m->row.context = v; break;
        case 's': m->row.subject = v; break;
        case 'v': m->row.value = v; break;
        case 'o': memcpy(&m->valid_to_said, v.p, MIN(v.n, sizeof m->valid_to_said)); break;
        case 'u': memcpy(&m->unheld, v.p, MIN(v.n, sizeof m->unheld)); break;
        case 'b': m->birth = MEMORY_ADD, m->birth_reason = v.p; break;
        case 'B': m->birth = MEMORY_SUPERSEDE, m->birth_reason = v.p; break;
        }
}

static Err body_open(Ctx *cx, const Keys *k, Str sealed, Stored *m) {
        char field[FIELD_LEN];
        field_name(field, "memory", m->id);
        Str body, v;
        TRY(seal_open(cx, &k->seal, (SealFor){ m->row.user_id, field }, sealed, &body));
        Gather tags, entities, supersedes; /* large: only what is counted is set */
        tags.n = entities.n = supersedes.n = 0;
        m->row.context = STR("{}");
        m->birth = MEMORY_ADD;
        m->birth_reason = "new_memory";
        char tag;
        while (unpack_next(&body, &tag, &v)) {
                Str held = tag == 'b' || tag == 'B' ? arena_dup(cx->arena, v) : v;
                if (tag == 't')
                        gather(&tags, held);
                else if (tag == 'e')
                        gather(&entities, held);
                else if (tag == 'p')
                        gather(&supersedes, held);
                else
                        body_field(m, tag, held);
        }
        m->row.tags = gathered(cx, &tags);
        m->row.entities = gathered(cx, &entities);
        m->row.supersedes = gathered(cx, &supersedes);
        return OK;
}

/* ---- columns ---- */

/* In the order of MEMORY (memory_sql.c). */
enum {
        COL_UNIT,
        COL_MEMORY_ID,
        COL_TYPE,
        COL_STATUS,
        COL_LEVEL,
        COL_ATTRIBUTE,
        COL_SUBJECT_MAC,
        COL_VALUE_MAC,
        COL_CONTENT_MAC,
        COL_SKETCH,
        COL_BODY,
        COL_VALID_FROM,
        COL_VALID_TO,
        COL_RECORDED_AT,
        COL_RETIRED_AT,
        COL_EXPIRES_AT,
        COL_SUPERSEDED_BY,
        COL_SOURCE_KIND,
        COL_SOURCE_TURN_ID,
        COL_SOURCE_CONVERSATION_ID,
        COL_SOURCE_TURN,
        COL_CREATED_AT,
        COL_UPDATED_AT,
        COL_LAST_ACCESSED,
        COL_ACCESS_COUNT,
        COL_LAST_CONFIRMED,
        COL_VERSION,
        COL_CONFIDENCE,
        COL_DECAY,
        COL_IMPORTANCE
};

static void mac_load(Mac *m, Str bytes) {
        if (bytes.n == sizeof m->b)
                memcpy(m->b, bytes.p, sizeof m->b);
}

static void columns_plain(Ctx *cx, const Rows *r, Stored *m) {
        MemoryRow *w = &m->row;
        m->type = (MemoryType)MIN(row_int(r, COL_TYPE), _TYPE_N - 1);
        m->status = (MemoryStatus)MIN(row_int(r, COL_STATUS), _STATUS_N - 1);
        m->level = (MemoryLevel)MIN(row_int(r, COL_LEVEL), _LEVEL_N - 1);
        w->type = str_c(memory_type_names[m->type]);
        w->status = str_c(memory_status_names[m->status]);
        w->importance_level = str_c(memory_level_names[m->level]);
        int64_t attribute = row_int(r, COL_ATTRIBUTE);
        w->attribute =
                attribute > 0 && attribute < _ATTR_N ? str_c(attribute_names[attribute]) : STR_NULL;
        w->superseded_by = uuid_text(cx, row_text(r, COL_SUPERSEDED_BY));
        w->source_kind = str_c(source_kinds[MIN((size_t)row_int(r, COL_SOURCE_KIND),
                                                ELEMENTSOF(source_kinds) - 2)]);
        w->source_turn_id = uuid_text(cx, row_text(r, COL_SOURCE_TURN_ID));
        w->source_conversation_id = uuid_text(cx, row_text(r, COL_SOURCE_CONVERSATION_ID));
        w->confidence = row_num(r, COL_CONFIDENCE);
        w->decay_score = row_num(r, COL_DECAY);
        w->importance_score = row_num(r, COL_IMPORTANCE);
}

static void columns_times(const Rows *r, Stored *m) {
        MemoryRow *w = &m->row;
        w->valid_from = row_int(r, COL_VALID_FROM);
        w->valid_to = row_int(r, COL_VALID_TO);
        w->recorded_at = row_int(r, COL_RECORDED_AT);
        w->retired_at = row_int(r, COL_RETIRED_AT);
        w->expires_at = row_int(r, COL_EXPIRES_AT);
        w->source_turn = row_int(r, COL_SOURCE_TURN);
        w->created_at = row_int(r, COL_CREATED_AT);
        w->updated_at = row_int(r, COL_UPDATED_AT);
        w->last_accessed = row_int(r, COL_LAST_ACCESSED);
        w->access_count = row_int(r, COL_ACCESS_COUNT);
        m->last_confirmed = row_int(r, COL_LAST_CONFIRMED);
        w->version = row_int(r, COL_VERSION);
}

static Err stored_read(Ctx *cx, const MemoryScope *s, const Keys *k, const Rows *r, Stored *ret) {
        Stored m = { .row.user_id = s->user_id, .row.unit = row_int(r, COL_UNIT) };
        Str id = row_text(r, COL_MEMORY_ID), sketch = row_text(r, COL_SKETCH);
        if (id.n != sizeof m.id || sketch.n != sizeof m.sketch.b)
                return RAISE(cx, ERR_CORRUPT, "memory unit %lld", (long long)m.row.unit);
        memcpy(m.id, id.p, sizeof m.id);
        memcpy(m.sketch.b, sketch.p, sizeof m.sketch.b);
        m.row.memory_id = uuid_text(cx, id);
        m.has_subject = !row_is_null(r, COL_SUBJECT_MAC);
        mac_load(&m.subject_mac, row_text(r, COL_SUBJECT_MAC));
        mac_load(&m.value_mac, row_text(r, COL_VALUE_MAC));
        mac_load(&m.content_mac, row_text(r, COL_CONTENT_MAC));
        columns_plain(cx, r, &m);
        columns_times(r, &m);
        TRY(body_open(cx, k, row_text(r, COL_BODY), &m));
        *ret = m;
        return OK;
}

typedef struct By {
        const Sql *sql;
        Val key;
} By;

static Err stored_one(Ctx *cx, const MemoryScope *s, const Keys *k, By by, Stored *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_row(cx, s->c, by.sql, ARGS(v_text(s->user_id), by.key), &r));
        return stored_read(cx, s, k, &r, ret);
}

Err stored_by_id(Ctx *cx, const MemoryScope *s, const Keys *k, Str memory_id, Stored *ret) {
        unsigned char id[16];
        if (!uuid_read(memory_id, id))
                return RAISE(cx, ERR_MEMORY_NOT_FOUND, "not a UUID");
        Err e = stored_by_unit(cx, s, k, memory_id_unit(k, id), ret);
        if (e == ERR_NOT_FOUND || (!e && memcmp(ret->id, id, sizeof id)))
                e = stored_one(cx, s, k, (By){ &sql_memory_by_drawn_id, v_blob(str_n(id, 16)) },
                               ret);
        return e == ERR_NOT_FOUND ? RAISE(cx, ERR_MEMORY_NOT_FOUND, "no such memory of this user")
                                  : e;
}

Err stored_by_unit(Ctx *cx, const MemoryScope *s, const Keys *k, int64_t unit, Stored *ret) {
        return stored_one(cx, s, k, (By){ &sql_memory_by_unit, v_int(unit) }, ret);
}

static Err stored_all(Ctx *cx, const MemoryScope *s, const Keys *k, Rows *rows, StoredList *ret) {
        StoredList list = { 0 };
        size_t cap = 0;
        for (;;) {
                bool got = false;
                TRY(rows_next(cx, rows, &got));
                if (!got)
                        break;
                if (list.n == cap) {
                        Stored *more = NEW_ARRAY(cx->arena, Stored, cap ? cap * 2 : 8);
                        if (list.n)
                                memcpy(more, list.v, list.n * sizeof *more);
                        list.v = more;
                        cap = cap ? cap * 2 : 8;
                }
                TRY(stored_read(cx, s, k, rows, &list.v[list.n]));
                list.n++;
        }
        *ret = list;
        return OK;
}

Err stored_by_subject(Ctx *cx, const MemoryScope *s, const Keys *k, const Mac *subject,
                      StoredList *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_rows(cx, s->c, &sql_memory_by_subject,
                    ARGS(v_text(s->user_id), v_blob(mac_str(subject))), &r));
        return stored_all(cx, s, k, &r, ret);
}

Err stored_by_source(Ctx *cx, const MemoryScope *s, const Keys *k,
                     const unsigned char conversation[16], StoredList *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_rows(cx, s->c, &sql_memory_by_source,
                    ARGS(v_text(s->user_id), v_blob(str_n(conversation, 16))), &r));
        return stored_all(cx, s, k, &r, ret);
}

Err stored_page(Ctx *cx, const MemoryScope *s, const Keys *k, Page page, StoredList *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_rows(cx, s->c, &sql_memory_page,
                    ARGS(v_text(s->user_id), v_int(page.before ? page.before : INT64_MAX),
                         v_int(page.limit)),
                    &r));
        return stored_all(cx, s, k, &r, ret);
}

/* ---- writing ---- */

static Val v_mac(const Mac *m, bool is_set) { return is_set ? v_blob(mac_str(m)) : v_null(); }

Err stored_insert(Ctx *cx, const MemoryScope *s, const Keys *k, Stored *m) {
        const MemoryRow *r = &m->row;
        Str body;
        TRY(body_seal(cx, k, m, &body));
        int kind = word_index(source_kinds, r->source_kind);
        return db_run(
                cx, s->c, &sql_memory_insert,
                ARGS(v_text(s->user_id), v_int(r->unit), v_blob(str_n(m->id, 16)), v_int(m->type),
                     v_int(m->status), v_int(m->level), v_int(attribute_parse(r->attribute)),
                     v_mac(&m->subject_mac, m->has_subject), v_mac(&m->value_mac, m->has_subject),
                     v_mac(&m->content_mac, true), v_blob(str_n(m->sketch.b, SKETCH_SIZE)),
                     v_blob(body), v_int(r->valid_from), v_time(r->valid_to), v_int(r->recorded_at),
                     v_time(r->retired_at), v_time(r->expires_at), v_uuid(cx, r->superseded_by),
                     v_int(MAX(kind, 0)), v_uuid(cx, r->source_turn_id),
                     v_uuid(cx, r->source_conversation_id), v_int(r->source_turn),
                     v_int(r->created_at), v_int(r->updated_at), v_time(r->last_accessed),
                     v_int(r->access_count), v_time(m->last_confirmed), v_int(r->version),
                     v_num(r->confidence), v_num(r->decay_score), v_num(r->importance_score)),
                NULL);
}

Err stored_save(Ctx *cx, const MemoryScope *s, const Keys *k, Stored *m) {
        MemoryRow *r = &m->row;
        r->version++;
        r->updated_at = cx_now_ms(cx);
        r->status = str_c(memory_status_names[m->status]);
        r->importance_level = str_c(memory_level_names[m->level]);
        Str body;
        TRY(body_seal(cx, k, m, &body));
        int64_t changed = 0;
        TRY(db_run(cx, s->c, &sql_memory_save,
                   ARGS(v_text(s->user_id), v_int(r->unit), v_int(m->status), v_int(m->level),
                        v_int(attribute_parse(r->attribute)),
                        v_mac(&m->subject_mac, m->has_subject),
                        v_mac(&m->value_mac, m->has_subject), v_mac(&m->content_mac, true),
                        v_blob(str_n(m->sketch.b, SKETCH_SIZE)), v_blob(body), v_int(r->valid_from),
                        v_time(r->valid_to), v_time(r->retired_at), v_time(r->expires_at),
                        v_uuid(cx, r->superseded_by), v_int(r->updated_at),
                        v_time(m->last_confirmed), v_int(r->version), v_num(r->confidence),
                        v_num(r->decay_score), v_num(r->importance_score)),
                   &changed));
        return changed == 1 ? OK : RAISE(cx, ERR_MEMORY_NOT_FOUND, "gone while it was changed");
}

Err stored_remove(Ctx *cx, const MemoryScope *s, const Stored *m) {
        Val user = v_text(s->user_id), id = v_blob(str_n(m->id, 16));
        TRY(db_run(cx, s->c, &sql_memory_delete, ARGS(user, v_int(m->row.unit)), NULL));
        TRY(db_run(cx, s->c, &sql_version_delete, ARGS(user, id), NULL));
        TRY(db_run(cx, s->c, &sql_vector_delete, ARGS(user, v_int(m->row.unit)), NULL));
        return db_run(cx, s->c, &sql_tombstone_add, ARGS(user, id, v_int(cx_now_ms(cx))), NULL);
}

/* ---- versions ---- */

Err version_add(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *m,
                const MemoryVersion *v) {
        _cleanup_(buf_done) Buf b = BUF(BODY_MAX);
        pack_add(&b, 'a', v->old_content);
        pack_add(&b, 'z', v->new_content);
        char field[FIELD_LEN];
        field_name(field, "version", m->id);
        Str body = seal(cx, &k->seal, (SealFor){ s->user_id, field }, buf_str(&b));
        return db_run(cx, s->c, &sql_version_add,
                      ARGS(v_text(s->user_id), v_blob(str_n(m->id, 16)), v_int(m->row.version),
                           v_text(v->event), v_text(v->reason),
                           v_text(str_c(s->actor ? s->actor : "user")), v_int(cx_now_ms(cx)),
                           v_time(m->row.valid_from), v_time(m->row.valid_to), v_blob(body)),
                      NULL);
}

/* In the order of VERSION (memory_sql.c). */
enum {
        VERSION_NUMBER,
        VERSION_EVENT,
        VERSION_REASON,
        VERSION_ACTOR,
        VERSION_AT,
        VERSION_VALID_FROM,
        VERSION_VALID_TO,
        VERSION_BODY
};

static Err version_read(Ctx *cx, const Keys *k, const Stored *m, const Rows *r,
                        MemoryVersion *ret) {
        char field[FIELD_LEN], tag;
        field_name(field, "version", m->id);
        Str body, part;
        TRY(seal_open(cx, &k->seal, (SealFor){ m->row.user_id, field }, row_text(r, VERSION_BODY),
                      &body));
        MemoryVersion v = { .version = row_int(r, VERSION_NUMBER),
                            .event = row_dup(cx, r, VERSION_EVENT),
                            .reason = row_dup(cx, r, VERSION_REASON),
                            .actor = row_dup(cx, r, VERSION_ACTOR),
                            .at = row_int(r, VERSION_AT),
                            .valid_from = row_int(r, VERSION_VALID_FROM),
                            .valid_to = row_int(r, VERSION_VALID_TO) };
        while (unpack_next(&body, &tag, &part))
                *(tag == 'a' ? &v.old_content : &v.new_content) = part;
        *ret = v;
        return OK;
}

enum { VERSIONS_MAX = 1000 };

/* The birth of a memory is not written a second time: it follows from the row and the oldest change. */
static MemoryVersion version_birth(const Stored *m, const MemoryVersion *oldest) {
        bool is_changed = oldest && oldest->old_content.p;
        return (MemoryVersion){ .version = 1,
                                .event = str_c(memory_event_names[m->birth]),
                                .reason = str_c(m->birth_reason),
                                .actor = m->row.source_kind,
                                .at = m->row.created_at,
                                .valid_from = m->row.valid_from,
                                .valid_to = m->valid_to_said,
                                .new_content = is_changed ? oldest->old_content : m->row.content };
}

Err memory_history(Ctx *cx, const MemoryScope *s, Str memory_id, MemoryVersions *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        _cleanup_(rows_done) Rows r = { 0 };
        Stored m;
        TRY(keys_get(cx, s, &k));
        TRY(stored_by_id(cx, s, &k, memory_id, &m));
        TRY(db_rows(cx, s->c, &sql_version_list, ARGS(v_text(s->user_id), v_blob(str_n(m.id, 16))),
                    &r));
        MemoryVersions list = { NEW_ARRAY(cx->arena, MemoryVersion, VERSIONS_MAX + 1), 1 };
        for (;;) {
                bool got = false;
                TRY(rows_next(cx, &r, &got));
                if (!got || list.n > VERSIONS_MAX)
                        break;
                TRY(version_read(cx, &k, &m, &r, &list.v[list.n]));
                list.n++;
        }
        list.v[0] = version_birth(&m, list.n > 1 ? &list.v[1] : NULL);
        *ret = list;
        return OK;
}

/* What the first change after that moment replaced. */
Err stored_as_known(Ctx *cx, const MemoryScope *s, const Keys *k, int64_t known_at, Stored *m) {
        _cleanup_(rows_done) Rows r = { 0 };
        MemoryVersion next;
        if (!known_at || m->row.version == 1 || m->row.updated_at <= known_at)
                return OK;
        Err e = db_row(cx, s->c, &sql_version_after,
                       ARGS(v_text(s->user_id), v_blob(str_n(m->id, 16)), v_int(known_at)), &r);
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        TRY(version_read(cx, k, m, &r, &next));
        if (next.old_content.p)
                m->row.content = next.old_content;
        return OK;
}

bool stored_holds(const Stored *m, int64_t as_of, int64_t known_at) {
        const MemoryRow *r = &m->row;
        if (known_at && (r->recorded_at > known_at || (r->retired_at && r->retired_at <= known_at)))
                return false;
        if (known_at && m->unheld.from <= known_at && known_at < m->unheld.until)
                return false;
        /* Before its retirement nobody knew that it would end. */
        bool unknown_end = known_at && r->retired_at && known_at < r->retired_at;
        int64_t valid_to = unknown_end ? m->valid_to_said : r->valid_to;
        return !as_of || (r->valid_from <= as_of && (!valid_to || as_of < valid_to));
}

Str memory_etag(Ctx *cx, const MemoryRow *row) {
        return arena_strf(cx->arena, "\"%.8s-%lld\"", row->memory_id.p, (long long)row->version);
}

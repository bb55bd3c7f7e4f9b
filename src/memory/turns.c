// SPDX-License-Identifier: MIT
#include "memory/turns.h"

#include "codec/json.h"
#include "codec/uuid.h"
#include "codec/when.h"
#include "memory/memory_int.h"
#include "memory/memory_sql.h"
#include "memory/vectors.h"

#include <stdio.h>

enum { BODY_MAX = 1280 * 1024, FIELD_LEN = 56, PAGE_MAX = 1000, DELETE_STEP = 500 };

static const char *const role_names[] = { "user", "assistant", "other", NULL };

static Str uuid_dup(Ctx *cx, Str bytes) {
        if (bytes.n != 16)
                return STR_NULL;
        char *text = arena_bytes(cx->arena, UUID_TEXT + 1);
        uuid_write(text, (const unsigned char *)bytes.p);
        return (Str){ text, UUID_TEXT };
}

static const char *field_of(Ctx *cx, const char *table, Str id) {
        return arena_printf(cx->arena, "%s:%.*s", table, STR_FMT(id));
}

/* ---- conversations ---- */

static Str conversation_seal(Ctx *cx, const MemoryScope *s, const Keys *k, const Conversation *v) {
        _cleanup_(buf_done) Buf b = BUF(BODY_MAX);
        pack_add(&b, 't', v->title);
        pack_add(&b, 'z', v->timezone);
        pack_add(&b, 'x', v->metadata);
        return seal(cx, &k->seal,
                    (SealFor){ s->user_id, field_of(cx, "conversation", v->conversation_id) },
                    buf_str(&b));
}

/* In the order of CONVERSATION (memory_sql.c). */
enum {
        CONV_ID,
        CONV_EXTERNAL_ID,
        CONV_BODY,
        CONV_CREATED_AT,
        CONV_UPDATED_AT,
        CONV_TURN_COUNT,
        CONV_IS_ARCHIVED,
        CONV_IS_DEFAULT
};

static Err conversation_read(Ctx *cx, const MemoryScope *s, const Keys *k, const Rows *r,
                             Conversation *ret) {
        Conversation v = { .conversation_id = uuid_dup(cx, row_text(r, CONV_ID)),
                           .external_id = row_dup(cx, r, CONV_EXTERNAL_ID),
                           .created_at = row_int(r, CONV_CREATED_AT),
                           .updated_at = row_int(r, CONV_UPDATED_AT),
                           .turn_count = row_int(r, CONV_TURN_COUNT),
                           .is_archived = row_int(r, CONV_IS_ARCHIVED) != 0,
                           .is_default = row_int(r, CONV_IS_DEFAULT) != 0,
                           .metadata = STR("{}") };
        Str body, part;
        char tag;
        TRY(seal_open(cx, &k->seal,
                      (SealFor){ s->user_id, field_of(cx, "conversation", v.conversation_id) },
                      row_text(r, CONV_BODY), &body));
        while (unpack_next(&body, &tag, &part))
                *(tag == 't' ? &v.title : tag == 'z' ? &v.timezone : &v.metadata) = part;
        *ret = v;
        return OK;
}

static Err conversation_one(Ctx *cx, const MemoryScope *s, const Sql *sql, Args args,
                            Conversation *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_row(cx, s->c, sql, args, &r));
        TRY(keys_get(cx, s, &k));
        return conversation_read(cx, s, &k, &r, ret);
}

Err conversation_find(Ctx *cx, const MemoryScope *s, Str conversation_id, Conversation *ret) {
        unsigned char id[16];
        if (!uuid_read(conversation_id, id))
                return ERR_NOT_FOUND;
        return conversation_one(cx, s, &sql_conversation_by_id,
                                ARGS(v_text(s->user_id), v_blob(str_n(id, 16))), ret);
}

Err conversation_find_external(Ctx *cx, const MemoryScope *s, Str external_id, Conversation *ret) {
        return conversation_one(cx, s, &sql_conversation_by_external,
                                ARGS(v_text(s->user_id), v_text(external_id)), ret);
}

Err conversation_create(Ctx *cx, const MemoryScope *s, const ConversationNew *in,
                        Conversation *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        unsigned char id[16];
        int64_t now = cx_now_ms(cx);
        Conversation v = { .conversation_id = uuid_new(cx),
                           .external_id = in->external_id,
                           .title = in->title,
                           .timezone = in->timezone,
                           .metadata = in->metadata.p ? in->metadata : STR("{}"),
                           .created_at = now,
                           .updated_at = now,
                           .is_default = in->is_default };
        TRY(keys_get(cx, s, &k));
        if (!uuid_read(v.conversation_id, id))
                return RAISE(cx, ERR_INTERNAL, "new id is not a UUID");
        TRY(db_run(cx, s->c, &sql_conversation_insert,
                   ARGS(v_text(s->user_id), v_blob(str_n(id, 16)), v_text(v.external_id),
                        v_blob(conversation_seal(cx, s, &k, &v)), v_int(now), v_int(now), v_int(0),
                        v_int(0), v_int(v.is_default)),
                   NULL));
        *ret = v;
        return OK;
}

Err conversation_default_find(Ctx *cx, const MemoryScope *s, Conversation *ret) {
        return conversation_one(cx, s, &sql_conversation_default, ARGS(v_text(s->user_id)), ret);
}

Err conversation_default(Ctx *cx, const MemoryScope *s, Conversation *ret) {
        Err e = conversation_default_find(cx, s, ret);
        if (e != ERR_NOT_FOUND)
                return e;
        return conversation_create(cx, s, &(ConversationNew){ .is_default = true }, ret);
}

/* "<updated_at>.<uuid>" */
static bool cursor_parse(Str cursor, int64_t *ret_at, unsigned char ret_id[16]) {
        if (!cursor.p) {
                *ret_at = INT64_MAX;
                memset(ret_id, 0xff, 16);
                return true;
        }
        Str rest = cursor, at = str_cut(&rest, '.');
        return rest.p && str_to_i64(at, ret_at) && uuid_read(rest, ret_id);
}

Err conversation_list(Ctx *cx, const MemoryScope *s, const ConversationFilter *f,
                      Conversations *ret, Str *ret_cursor) {
        _cleanup_(keys_done) Keys k = { 0 };
        _cleanup_(rows_done) Rows r = { 0 };
        int64_t before;
        unsigned char id[16];
        if (!cursor_parse(f->cursor, &before, id))
                return RAISE_FIELD(cx, "?cursor", "is not one that was given out");
        size_t limit = (size_t)(f->limit > 0 ? MIN(f->limit, 200) : 50);
        TRY(keys_get(cx, s, &k));
        TRY(db_rows(cx, s->c, &sql_conversation_page,
                    ARGS(v_text(s->user_id), v_int(before), v_blob(str_n(id, 16)),
                         v_int(f->archived.has ? f->archived.v : -1), v_int((int64_t)limit + 1)),
                    &r));
        Conversations list = { NEW_ARRAY(cx->arena, Conversation, limit), 0 };
        Str cursor = STR_NULL;
        for (;;) {
                bool got = false;
                TRY(rows_next(cx, &r, &got));
                if (!got)
                        break;
                if (list.n == limit) {
                        const Conversation *last = &list.v[limit - 1];
                        cursor = arena_strf(cx->arena, "%lld.%.*s", (long long)last->updated_at,
                                            STR_FMT(last->conversation_id));
                        break;
                }
                TRY(conversation_read(cx, s, &k, &r, &list.v[list.n]));
                list.n++;
        }
        *ret = list;
        *ret_cursor = cursor;
        return OK;
}

Err conversation_change(Ctx *cx, const MemoryScope *s, Str conversation_id,
                        const ConversationChange *in, Conversation *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        Conversation v;
        unsigned char id[16];
        TRY(conversation_find(cx, s, conversation_id, &v));
        TRY(keys_get(cx, s, &k));
        if (in->title.p)
                v.title = in->title;
        if (in->metadata.p)
                v.metadata = in->metadata;
        if (in->is_archived.has)
                v.is_archived = in->is_archived.v;
        v.updated_at = cx_now_ms(cx);
        if (!uuid_read(v.conversation_id, id))
                return RAISE(cx, ERR_CORRUPT, "stored id is not a UUID");
        TRY(db_run(cx, s->c, &sql_conversation_save,
                   ARGS(v_text(s->user_id), v_blob(str_n(id, 16)),
                        v_blob(conversation_seal(cx, s, &k, &v)), v_int(v.updated_at),
                        v_int(v.is_archived)),
                   NULL));
        *ret = v;
        return OK;
}

/* The last of its turns, as many as a step takes; *ret: how many. */
static Err turns_delete(Ctx *cx, const MemoryScope *s, Str id, int64_t *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Val user = v_text(s->user_id), conversation = v_blob(id);
        int64_t n = 0, from = 0;
        TRY(db_rows(cx, s->c, &sql_turn_last, ARGS(user, conversation, v_int(DELETE_STEP)), &r));
        for (;; n++) {
                bool got = false;
                TRY(rows_next(cx, &r, &got));
                if (!got)
                        break;
                unindex_later(cx, s, row_int(&r, 0));
                from = row_int(&r, 1);
        }
        rows_done(&r);
        r = (Rows){ 0 };
        *ret = n;
        if (!n)
                return OK;
        Args these = ARGS(user, conversation, v_int(from));
        TRY(db_run(cx, s->c, &sql_vector_delete_turns, these, NULL));
        TRY(db_run(cx, s->c, &sql_turn_delete_from, these, NULL));
        return db_run(cx, s->c, &sql_conversation_grow,
                      ARGS(user, conversation, v_int(-n), v_int(cx_now_ms(cx))), NULL);
}

static bool is_drawn_from(void *arg, const MemoryRow *row) {
        return str_eq(row->source_conversation_id, *(const Str *)arg);
}

static Err drawn_delete(Ctx *cx, const MemoryScope *s, const unsigned char id[16], int64_t *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        StoredList drawn;
        TRY(keys_get(cx, s, &k));
        TRY(stored_by_source(cx, s, &k, id, &drawn));
        for (size_t i = 0; i < drawn.n; i++) {
                const MemoryRow *row = &drawn.v[i].row;
                Str conversation = row->source_conversation_id;
                TRY(memory_delete_among(cx, s, row->memory_id, is_drawn_from, &conversation));
        }
        *ret = (int64_t)drawn.n;
        return OK;
}

Err conversation_delete_some(Ctx *cx, const MemoryScope *s, Str conversation_id, bool memories,
                             ConversationGone *ret) {
        unsigned char id[16];
        int64_t turns = 0, changed = 0;
        ConversationGone gone = { 0 };
        if (!uuid_read(conversation_id, id))
                return ERR_NOT_FOUND;
        TRY(turns_delete(cx, s, str_n(id, 16), &turns));
        if (!turns && memories)
                TRY(drawn_delete(cx, s, id, &gone.memories));
        gone.more = turns || gone.memories;
        if (!gone.more) {
                TRY(db_run(cx, s->c, &sql_conversation_delete,
                           ARGS(v_text(s->user_id), v_blob(str_n(id, 16))), &changed));
                if (!changed)
                        return ERR_NOT_FOUND;
        }
        *ret = gone;
        return OK;
}

/* ---- turns ---- */

static Str turn_seal(Ctx *cx, const MemoryScope *s, const Keys *k, const Turn *t) {
        _cleanup_(buf_done) Buf b = BUF(BODY_MAX);
        pack_add(&b, 's', t->speaker);
        pack_add(&b, 't', t->text);
        pack_add(&b, 'c', t->caption);
        return seal(cx, &k->seal, (SealFor){ s->user_id, field_of(cx, "turn", t->turn_id) },
                    buf_str(&b));
}

/* In the order of TURN (memory_sql.c). */
enum {
        TURN_UNIT,
        TURN_ID,
        TURN_CONVERSATION_ID,
        TURN_SEQ,
        TURN_EXTERNAL_ID,
        TURN_ROLE,
        TURN_BODY,
        TURN_AT,
        TURN_RECORDED_AT,
        TURN_IS_IMPORTED
};

static Err turn_read(Ctx *cx, const MemoryScope *s, const Keys *k, const Rows *r, Turn *ret) {
        int64_t role = row_int(r, TURN_ROLE);
        Turn t = { .unit = row_int(r, TURN_UNIT),
                   .turn_id = uuid_dup(cx, row_text(r, TURN_ID)),
                   .conversation_id = uuid_dup(cx, row_text(r, TURN_CONVERSATION_ID)),
                   .seq = row_int(r, TURN_SEQ),
                   .external_id = row_dup(cx, r, TURN_EXTERNAL_ID),
                   .role = str_c(role_names[role >= 0 && role < 3 ? role : 2]),
                   .at = row_int(r, TURN_AT),
                   .recorded_at = row_int(r, TURN_RECORDED_AT),
                   .is_imported = row_int(r, TURN_IS_IMPORTED) != 0 };
        Str body, part;
        char tag;
        TRY(seal_open(cx, &k->seal, (SealFor){ s->user_id, field_of(cx, "turn", t.turn_id) },
                      row_text(r, TURN_BODY), &body));
        while (unpack_next(&body, &tag, &part))
                *(tag == 's' ? &t.speaker : tag == 't' ? &t.text : &t.caption) = part;
        *ret = t;
        return OK;
}

Err turn_insert(Ctx *cx, const MemoryScope *s, const Keys *k, const Turn *t) {
        unsigned char id[16], conversation[16];
        if (!uuid_read(t->turn_id, id) || !uuid_read(t->conversation_id, conversation))
                return RAISE_FIELD(cx, "#/turn_id", "must be a UUID");
        TRY(db_run(cx, s->c, &sql_turn_insert,
                   ARGS(v_text(s->user_id), v_int(t->unit), v_blob(str_n(id, 16)),
                        v_blob(str_n(conversation, 16)), v_int(t->seq), v_text(t->external_id),
                        v_int(MAX(word_index(role_names, t->role), 0)),
                        v_blob(turn_seal(cx, s, k, t)), v_int(t->at), v_int(t->recorded_at),
                        v_int(t->is_imported)),
                   NULL));
        index_turn_later(cx, s, t);
        return OK;
}

typedef struct By {
        const Sql *sql;
        Args args;
} By;

static Err turn_one(Ctx *cx, const MemoryScope *s, const Keys *k, By by, Turn *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_row(cx, s->c, by.sql, by.args, &r));
        return turn_read(cx, s, k, &r, ret);
}

Err turn_find(Ctx *cx, const MemoryScope *s, Str turn_id, Turn *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        unsigned char id[16];
        if (!uuid_read(turn_id, id))
                return ERR_NOT_FOUND;
        TRY(keys_get(cx, s, &k));
        return turn_one(cx, s, &k,
                        (By){ &sql_turn_by_id, ARGS(v_text(s->user_id), v_blob(str_n(id, 16))) },
                        ret);
}

Err turn_by_unit(Ctx *cx, const MemoryScope *s, const Keys *k, int64_t unit, Turn *ret) {
        return turn_one(cx, s, k, (By){ &sql_turn_by_unit, ARGS(v_text(s->user_id), v_int(unit)) },
                        ret);
}

Err turn_by_external(Ctx *cx, const MemoryScope *s, const Keys *k, const TurnKey *key, Turn *ret) {
        return turn_one(cx, s, k,
                        (By){ &sql_turn_by_external,
                              ARGS(v_text(s->user_id), v_blob(str_n(key->conversation, 16)),
                                   v_text(key->external_id)) },
                        ret);
}

/* The same id or external id again: fine with the same words, a conflict with others. */
static Err turn_existing(Ctx *cx, const MemoryScope *s, const Keys *k, const TurnNew *in,
                         Turn *ret) {
        unsigned char id[16];
        Err e = ERR_NOT_FOUND;
        if (in->turn_id.p && uuid_read(in->turn_id, id))
                e = turn_one(
                        cx, s, k,
                        (By){ &sql_turn_by_id, ARGS(v_text(s->user_id), v_blob(str_n(id, 16))) },
                        ret);
        if (e == ERR_NOT_FOUND && in->external_id.p) {
                TurnKey key = { .external_id = in->external_id };
                if (uuid_read(in->conversation_id, key.conversation))
                        e = turn_by_external(cx, s, k, &key, ret);
        }
        if (e)
                return e;
        if (!str_eq(ret->text, in->text))
                return RAISE(cx, ERR_CONFLICT, "turn id taken by another text");
        return OK;
}

Err turn_add(Ctx *cx, const MemoryScope *s, const TurnNew *in, Turn *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        unsigned char conversation[16];
        Conversation v;
        Shelf *shelf;
        TRY(conversation_find(cx, s, in->conversation_id, &v));
        if (!uuid_read(v.conversation_id, conversation))
                return RAISE(cx, ERR_CORRUPT, "stored id is not a UUID");
        TRY(keys_get(cx, s, &k));
        Err e = turn_existing(cx, s, &k, in, ret);
        if (e != ERR_NOT_FOUND)
                return e;
        TRY(shelf_get(cx, s, &shelf));
        int64_t now = cx_now_ms(cx);
        Turn t = { .unit = shelf_next_unit(shelf),
                   .turn_id = in->turn_id.p ? in->turn_id : uuid_new(cx),
                   .conversation_id = v.conversation_id,
                   .external_id = in->external_id,
                   .role = in->role,
                   .speaker = in->speaker,
                   .text = in->text,
                   .caption = in->caption,
                   .at = in->at ? in->at : now,
                   .recorded_at = now,
                   .conversation_external_id = v.external_id };
        TRY(turn_last_seq(cx, s, conversation, &t.seq));
        t.seq++;
        TRY(turn_insert(cx, s, &k, &t));
        TRY(db_run(cx, s->c, &sql_conversation_grow,
                   ARGS(v_text(s->user_id), v_blob(str_n(conversation, 16)), v_int(1), v_int(now)),
                   NULL));
        TRY(vectors_later_turns(cx, s));
        *ret = t;
        return OK;
}

Err turn_last_seq(Ctx *cx, const MemoryScope *s, const unsigned char conversation[16],
                  int64_t *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_row(cx, s->c, &sql_turn_last_seq,
                   ARGS(v_text(s->user_id), v_blob(str_n(conversation, 16))), &r));
        *ret = row_int(&r, 0);
        return OK;
}

static Err turns_read(Ctx *cx, const MemoryScope *s, Rows *r, size_t limit, Turns *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        Turns list = { NEW_ARRAY(cx->arena, Turn, limit), 0 };
        TRY(keys_get(cx, s, &k));
        for (;;) {
                bool got = false;
                TRY(rows_next(cx, r, &got));
                if (!got || list.n == limit)
                        break;
                TRY(turn_read(cx, s, &k, r, &list.v[list.n]));
                list.n++;
        }
        *ret = list;
        return OK;
}

static size_t page_size(int64_t limit) { return (size_t)(limit > 0 ? MIN(limit, PAGE_MAX) : 20); }

Err turn_list(Ctx *cx, const MemoryScope *s, const TurnFilter *f, Turns *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        unsigned char id[16];
        Val user = v_text(s->user_id), before = v_int(f->before ? f->before : INT64_MAX);
        size_t limit = page_size(f->limit);
        if (f->conversation_id.p && !uuid_read(f->conversation_id, id))
                return ERR_NOT_FOUND;
        if (f->conversation_id.p)
                TRY(db_rows(cx, s->c, &sql_turn_page,
                            ARGS(user, v_blob(str_n(id, 16)), before, v_int((int64_t)limit)), &r));
        else
                TRY(db_rows(cx, s->c, &sql_turn_page_all, ARGS(user, before, v_int((int64_t)limit)),
                            &r));
        return turns_read(cx, s, &r, limit, ret);
}

Err turn_list_imported(Ctx *cx, const MemoryScope *s, const TurnPlace *from, int64_t max,
                       Turns *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        unsigned char id[16] = { 0 };
        size_t limit = page_size(max);
        if (from->turn_id.p && !uuid_read(from->turn_id, id))
                return ERR_NOT_FOUND;
        TRY(db_rows(cx, s->c, &sql_turn_page_imported,
                    ARGS(v_text(s->user_id), v_int(from->at), v_int(from->seq),
                         v_blob(str_n(id, 16)), v_int((int64_t)limit)),
                    &r));
        return turns_read(cx, s, &r, limit, ret);
}

// SPDX-License-Identifier: MIT
#include "api/memory_view.h"

#include "codec/url.h"

static const Shape source_view = SHAPE(SourceView,
        F_STR(SourceView, turn_id, F_REQ | F_NULL, .format = "uuid"),
        F_STR(SourceView, conversation_id, F_REQ | F_NULL, .format = "uuid"),
        F_STR(SourceView, kind, F_REQ, .one_of = "user|rule|llm|import|consolidation"));

static const Shape metadata_view = SHAPE(MetadataView,
        F_INT(MetadataView, source_turn, F_REQ),
        F_TIME(MetadataView, created_at, F_REQ),
        F_TIME(MetadataView, updated_at, F_REQ),
        F_TIME(MetadataView, last_accessed, F_REQ | F_NULL),
        F_INT(MetadataView, access_count, F_REQ),
        F_NUM(MetadataView, confidence, F_REQ),
        F_NUM(MetadataView, decay_score, F_REQ),
        F_NUM(MetadataView, importance_score, F_REQ),
        F_STR(MetadataView, importance_level, F_REQ, .one_of = "low|medium|high|critical"),
        F_STRS(MetadataView, tags, F_REQ),
        F_STRS(MetadataView, entities, F_REQ),
        F_JSON(MetadataView, context, F_REQ));

#define MEMORY_FIELDS                                                                              \
        F_STR(MemoryView, memory_id, F_REQ, .format = "uuid"), F_STR(MemoryView, user_id, F_REQ),  \
                F_STR(MemoryView, type, F_REQ,                                                     \
                      .one_of = "fact|preference|commitment|instruction|entity|episodic"),         \
                F_STR(MemoryView, content, F_REQ),                                                 \
                F_STR(MemoryView, status, F_REQ, .one_of = "active|superseded|archived|flagged"),  \
                F_TIME(MemoryView, valid_from, F_REQ),                                             \
                F_TIME(MemoryView, valid_to, F_REQ | F_NULL),                                      \
                F_TIME(MemoryView, recorded_at, F_REQ),                                            \
                F_TIME(MemoryView, retired_at, F_REQ | F_NULL), F_TIME(MemoryView, expires_at, 0), \
                F_STRS(MemoryView, supersedes, F_REQ),                                             \
                F_STR(MemoryView, superseded_by, F_REQ | F_NULL),                                  \
                F_OBJ(MemoryView, source, F_REQ, .sub = &source_view),                             \
                F_OBJ(MemoryView, metadata, F_REQ, .sub = &metadata_view),                         \
                F_JSON(MemoryView, embedding, 0,                                                   \
                       .doc = "With ?include=embedding, when there is one")

const Shape memory_view = SHAPE(MemoryView, MEMORY_FIELDS);
const Shape memory_written_view = { .name = "MemoryWritten",
                                    .size = sizeof(MemoryView),
                                    .fields = (const Field[]){
                                            MEMORY_FIELDS,
                                            F_STR(MemoryView, event, F_REQ,
                                                  .one_of = "ADD|UPDATE|NOOP|SUPERSEDE"),
                                            F_STR(MemoryView, reason, F_REQ),
                                            F_STRS(MemoryView, superseded, F_REQ),
                                            { .type = FT_END },
                                    } };

const Shape turn_unit_view = SHAPE(TurnView,
        F_STR(TurnView, turn_id, F_REQ, .format = "uuid"),
        F_STR(TurnView, external_id, F_REQ | F_NULL),
        F_STR(TurnView, conversation_id, F_REQ, .format = "uuid"),
        F_STR(TurnView, conversation_external_id, F_REQ | F_NULL),
        F_STR(TurnView, speaker, F_REQ | F_NULL),
        F_STR(TurnView, role, F_REQ, .one_of = "user|assistant|other"),
        F_TIME(TurnView, at, F_REQ),
        F_STR(TurnView, text, F_REQ | F_BLANK),
        F_STR(TurnView, caption, F_BLANK));

static Strs list_or_empty(Strs s) { return s.v ? s : (Strs){ (const Str[]){ STR("") }, 0 }; }

void memory_view_make(Ctx *cx, const MemoryRow *r, MemoryView *ret) {
        SourceView *source = NEW(cx->arena, SourceView);
        MetadataView *meta = NEW(cx->arena, MetadataView);
        *source = (SourceView){ r->source_turn_id, r->source_conversation_id, r->source_kind };
        *meta = (MetadataView){
                .source_turn = r->source_turn,
                .created_at = r->created_at,
                .updated_at = r->updated_at,
                .last_accessed = r->last_accessed,
                .access_count = r->access_count,
                .confidence = r->confidence,
                .decay_score = r->decay_score,
                .importance_score = r->importance_score,
                .importance_level = r->importance_level,
                .tags = list_or_empty(r->tags),
                .entities = list_or_empty(r->entities),
                .context = r->context,
        };
        *ret = (MemoryView){
                .memory_id = r->memory_id,
                .user_id = r->user_id,
                .type = r->type,
                .content = r->content,
                .status = r->status,
                .valid_from = r->valid_from,
                .valid_to = r->valid_to,
                .recorded_at = r->recorded_at,
                .retired_at = r->retired_at,
                .expires_at = r->expires_at,
                .supersedes = list_or_empty(r->supersedes),
                .superseded_by = r->superseded_by,
                .source = source,
                .metadata = meta,
        };
}

void memory_written_make(Ctx *cx, const MemoryWritten *w, MemoryView *ret) {
        memory_view_make(cx, &w->row, ret);
        ret->event = str_c(memory_event_names[w->event]);
        ret->reason = str_c(w->reason);
        ret->superseded = list_or_empty(w->superseded);
}

List memory_views(Ctx *cx, const MemoryRows *rows) {
        MemoryView *v = NEW_ARRAY(cx->arena, MemoryView, rows->n + 1);
        for (size_t i = 0; i < rows->n; i++)
                memory_view_make(cx, &rows->v[i], &v[i]);
        return (List){ v, rows->n };
}

void turn_view_make(const Turn *t, TurnView *ret) {
        *ret = (TurnView){ t->turn_id,
                           t->external_id,
                           t->conversation_id,
                           t->conversation_external_id,
                           t->speaker,
                           t->role,
                           t->at,
                           t->text,
                           t->caption };
}

MemoryScope req_memory(const Req *rq) {
        return (MemoryScope){ rq->sv->memory, rq->db, rq->who->user_id, "user" };
}

Err req_memory_read(Req *rq, MemoryScope *ret) {
        MemoryScope s = req_memory(rq);
        TRY(db_read(rq->cx, rq->sv->db, &s.c));
        *ret = s;
        return OK;
}

Err req_same_user(Req *rq, Str user_id) {
        if (!user_id.p || str_eq(user_id, rq->who->user_id))
                return OK;
        return RAISE(rq->cx, ERR_USER_MISMATCH, "user_id of somebody else in the request");
}

void req_link_next(Req *rq, Str cursor) {
        if (!cursor.p)
                return;
        _cleanup_(buf_done) Buf b = BUF(16 * 1024);
        buf_addf(&b, "<%.*s?cursor=", STR_FMT(rq->x->path));
        url_encode(&b, cursor);
        for (Str rest = rq->x->query; rest.p;) {
                Str pair = str_cut(&rest, '&');
                if (pair.n && !str_starts(pair, STR("cursor=")))
                        buf_addf(&b, "&%.*s", STR_FMT(pair));
        }
        buf_add_c(&b, ">; rel=\"next\"");
        if (!b.full)
                req_header(rq, STR("Link"), arena_dup(rq->cx->arena, buf_str(&b)));
}

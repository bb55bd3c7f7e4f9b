// SPDX-License-Identifier: MIT
#pragma once
/* memory_view: how memories and turns look on the wire. */
#include "api/route.h"
#include "api/services.h"
#include "memory/find.h"

typedef struct SourceView {
        Str turn_id, conversation_id, kind;
} SourceView;
typedef struct MetadataView {
        int64_t source_turn, created_at, updated_at, last_accessed, access_count;
        double confidence, decay_score, importance_score;
        Str importance_level;
        Strs tags, entities;
        Str context;
} MetadataView;
typedef struct MemoryView {
        Str memory_id, user_id, type, content, status;
        int64_t valid_from, valid_to, recorded_at, retired_at, expires_at;
        Strs supersedes;
        Str superseded_by;
        const SourceView *source;
        const MetadataView *metadata;
        Str embedding;     /* JSON; only when asked for */
        Str event, reason; /* answers to writes */
        Strs superseded;
} MemoryView;
extern const Shape memory_view, memory_written_view;

void memory_view_make(Ctx *cx, const MemoryRow *row, MemoryView *ret);
void memory_written_make(Ctx *cx, const MemoryWritten *w, MemoryView *ret);
List memory_views(Ctx *cx, const MemoryRows *rows);

typedef struct TurnView {
        Str turn_id, external_id, conversation_id, conversation_external_id, speaker, role;
        int64_t at;
        Str text, caption;
} TurnView;
extern const Shape turn_unit_view;
void turn_view_make(const Turn *t, TurnView *ret);

/* the caller's own, on the connection of the lane */
MemoryScope req_memory(const Req *rq);
/* on a worker: with its read connection */
Err req_memory_read(Req *rq, MemoryScope *ret) _must_check_;
/* A `user_id` in the request must be the caller's: ERR_USER_MISMATCH. */
Err req_same_user(Req *rq, Str user_id) _must_check_;
/* Link: <…>; rel="next" with this query but another cursor. */
void req_link_next(Req *rq, Str cursor);

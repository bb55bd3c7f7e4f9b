// SPDX-License-Identifier: MIT
#include "api/mem0.h"
#include "codec/radix.h"
#include "codec/when.h"
#include "crypto/hash.h"

/* 2200-01-01: what is beyond is no time in seconds. */
#define MEM0_SECONDS_MAX 7258118400

/* ---- shapes ---- */

static const Shape breakdown =
        SHAPE(Mem0Breakdown,
        F_NUM(Mem0Breakdown, semantic, F_REQ),
        F_NUM(Mem0Breakdown, bm25, F_REQ),
        F_NUM(Mem0Breakdown, entity, F_REQ));
const Shape mem0_view = SHAPE(Mem0View,
        F_STR(Mem0View, id, F_REQ, .format = "uuid"),
        F_STR(Mem0View, memory, F_REQ),
        F_STR(Mem0View, user_id, F_REQ | F_NULL),
        F_STR(Mem0View, agent_id, F_REQ | F_NULL),
        F_STR(Mem0View, app_id, F_REQ | F_NULL),
        F_STR(Mem0View, run_id, F_REQ | F_NULL),
        F_STR(Mem0View, hash, F_REQ),
        F_JSON(Mem0View, metadata, F_REQ | F_NULL),
        F_STRS(Mem0View, categories, F_REQ),
        F_TIME(Mem0View, created_at, F_REQ),
        F_TIME(Mem0View, updated_at, F_REQ),
        F_STR(Mem0View, expiration_date, F_REQ | F_NULL),
        F_ONUM(Mem0View, score, 0),
        F_OBJ(Mem0View, score_breakdown, 0, .sub = &breakdown));

static const Shape data_view = SHAPE(Mem0Data, F_STR(Mem0Data, memory, F_REQ));
const Shape mem0_result = SHAPE(Mem0Result,
        F_STR(Mem0Result, id, F_REQ | F_NULL),
        F_STR(Mem0Result, memory, F_REQ | F_NULL),
        F_STR(Mem0Result, event, F_REQ, .one_of = "ADD|UPDATE|NOOP|DELETE"),
        F_STR(Mem0Result, reason, 0),
        F_OBJ(Mem0Result, data, 0, .sub = &data_view));
const Shape mem0_message = SHAPE(Mem0Message, F_STR(Mem0Message, message, F_REQ));

const Shape mem0_add_in = SHAPE_OPEN(Mem0AddIn,
        F_JSON(Mem0AddIn, messages, F_REQ, .max = 512 * 1024,
                .doc = "[{role, content}], or one text"),
        F_STR(Mem0AddIn, user_id, F_NULL, .max = 128),
        F_STR(Mem0AddIn, agent_id, F_NULL, .max = 128),
        F_STR(Mem0AddIn, app_id, F_NULL, .max = 128),
        F_STR(Mem0AddIn, run_id, F_NULL, .max = 128),
        F_JSON(Mem0AddIn, metadata, F_NULL, .max = 6 * 1024, .one_of = "object"),
        F_STR(Mem0AddIn, expiration_date, F_NULL, .max = 32),
        F_OBOOL(Mem0AddIn, infer, F_NULL),
        F_OBOOL(Mem0AddIn, immutable, F_NULL),
        F_OINT(Mem0AddIn, timestamp, F_NULL, .min = 1, .max = MEM0_SECONDS_MAX,
                .doc = "when it was said, in seconds since 1970"));

const Shape mem0_search_in = SHAPE_OPEN(Mem0SearchIn,
        F_STR(Mem0SearchIn, query, F_REQ | F_BLANK, .min = 1, .max = 1000),
        F_JSON(Mem0SearchIn, filters, F_NULL, .max = 32 * 1024),
        F_STR(Mem0SearchIn, user_id, F_NULL, .max = 128),
        F_STR(Mem0SearchIn, agent_id, F_NULL, .max = 128),
        F_STR(Mem0SearchIn, app_id, F_NULL, .max = 128),
        F_STR(Mem0SearchIn, run_id, F_NULL, .max = 128),
        F_STR(Mem0SearchIn, reference_date, F_NULL, .max = 32),
        F_OINT(Mem0SearchIn, top_k, F_NULL, .min = 1, .max = 1000),
        F_OINT(Mem0SearchIn, limit, F_NULL, .min = 1, .max = 1000),
        F_ONUM(Mem0SearchIn, threshold, F_NULL, .min = 0, .max = 1),
        F_BOOL(Mem0SearchIn, rerank, F_NULL),
        F_BOOL(Mem0SearchIn, show_expired, F_NULL),
        F_STRS(Mem0SearchIn, fields, F_NULL, .max = 50, .item_max = 64),
        F_STRS(Mem0SearchIn, categories, F_NULL, .max = 32, .item_max = 64));

/* ---- rows ---- */

static Str label_of(Req *rq, JsonRef context, const char *name) {
        return arena_dup(rq->cx->arena, json_str(json_get(context, name)));
}

static Str content_hash(Arena *a, Str content) {
        unsigned char full[SHA256_SIZE];
        Sha256 h;
        sha256_init(&h);
        sha256_add(&h, content);
        sha256_end(&h, full);
        return hex_encode(a, str_n(full, 16));
}

int64_t mem0_created_at(const MemoryRow *row, JsonRef context) {
        int64_t said_s = json_int(json_get(context, "timestamp"), 0);
        return said_s ? said_s * 1000 : row->created_at;
}

void mem0_view_make(Req *rq, const MemoryRow *row, Mem0View *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        Arena *a = rq->cx->arena;
        *ret = (Mem0View){ .id = row->memory_id,
                           .memory = row->content,
                           .user_id = mem0_user(rq, row->user_id),
                           .hash = content_hash(a, row->content),
                           .categories = row->tags,
                           .created_at = row->created_at,
                           .updated_at = row->updated_at };
        if (!ret->categories.v)
                ret->categories.v = &ret->id; /* empty, not absent */
        if (row->expires_at) {
                Civil c = civil_from_days(days_of_ms(row->expires_at - DAY_MS));
                ret->expiration_date = arena_strf(a, "%04d-%02d-%02d", c.year, c.month, c.day);
        }
        if (json_parse(rq->cx, row->context, JSON_DEPTH_MAX, &j)) {
                err_clear(rq->cx);
                return;
        }
        JsonRef context = json_root(j), metadata = json_get(context, "metadata");
        ret->created_at = mem0_created_at(row, context);
        ret->agent_id = label_of(rq, context, "agent_id");
        ret->app_id = label_of(rq, context, "app_id");
        ret->run_id = label_of(rq, context, "run_id");
        if (json_kind(metadata) == JSON_OBJ)
                ret->metadata = json_text(rq->cx, metadata);
}

bool mem0_expires(Str date, int64_t *ret_ms) {
        int64_t ms;
        if (!mem0_date(date, &ms))
                return false;
        *ret_ms = (days_of_ms(ms) + 1) * DAY_MS;
        return true;
}

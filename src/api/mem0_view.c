// SPDX-License-Identifier: MIT
#include "api/mem0.h"
#include "codec/radix.h"
#include "codec/when.h"
#include "crypto/hash.h"

/* ---- shapes ---- */

static const Shape breakdown =
        SHAPE(Mem0Breakdown,
        F_NUM(Mem0Breakdown, semantic, F_REQ),
        F_NUM(Mem0Breakdown, bm25, F_REQ),
        F_NUM(Mem0Breakdown, entity, F_REQ));
/* Nothing is required: a request may ask for some of it. */
const Shape mem0_view = SHAPE(Mem0View,
        F_STR(Mem0View, id, 0, .format = "uuid"),
        F_STR(Mem0View, memory, 0),
        F_STR(Mem0View, user_id, F_NULL),
        F_STR(Mem0View, agent_id, F_NULL),
        F_STR(Mem0View, app_id, F_NULL),
        F_STR(Mem0View, run_id, F_NULL),
        F_STR(Mem0View, hash, 0),
        F_JSON(Mem0View, metadata, F_NULL),
        F_STRS(Mem0View, categories, 0),
        F_TIME(Mem0View, created_at, 0),
        F_TIME(Mem0View, updated_at, 0),
        F_STR(Mem0View, expiration_date, F_NULL),
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
        F_JSON(Mem0SearchIn, reference_date, F_NULL, .max = 64,
                .doc = "the moment to search from: seconds since 1970, a day (its end) or a time"),
        F_OINT(Mem0SearchIn, top_k, F_NULL, .min = 1, .max = 1000),
        F_OINT(Mem0SearchIn, limit, F_NULL, .min = 1, .max = 1000),
        F_ONUM(Mem0SearchIn, threshold, F_NULL, .min = 0, .max = 1),
        F_BOOL(Mem0SearchIn, rerank, F_NULL),
        F_BOOL(Mem0SearchIn, show_expired, F_NULL),
        F_STRS(Mem0SearchIn, fields, F_NULL, .max = 50, .item_max = 64),
        F_STRS(Mem0SearchIn, categories, F_NULL, .max = 32, .item_max = 64));

/* ---- some of the members ---- */

static size_t fields_count(const Shape *shape) {
        size_t n = 0;
        while (shape->fields[n].type != FT_END)
                n++;
        return n;
}

static bool strs_has(Strs list, const char *name) {
        for (size_t i = 0; i < list.n; i++)
                if (str_eq_c(list.v[i], name))
                        return true;
        return false;
}

static const Shape *shape_with(Arena *a, const Shape *of, const Field *fields) {
        Shape *s = NEW(a, Shape);
        *s = *of;
        s->fields = fields;
        return s;
}

static const Shape *view_pick(Arena *a, Strs names) {
        Field *v = NEW_ARRAY(a, Field, fields_count(&mem0_view) + 1);
        size_t n = 0;
        for (const Field *f = mem0_view.fields; f->type != FT_END; f++)
                if (strs_has(names, f->name))
                        v[n++] = *f;
        v[n] = (Field){ .type = FT_END };
        return shape_with(a, &mem0_view, v);
}

static Err names_check(Req *rq, Strs names) {
        for (size_t i = 0; i < names.n; i++) {
                const Field *f = mem0_view.fields;
                while (f->type != FT_END && !str_eq_c(names.v[i], f->name))
                        f++;
                if (f->type == FT_END)
                        return RAISE_FIELD(rq->cx, "#/fields", "%.*s is no member of a memory",
                                           STR_FMT(names.v[i]));
        }
        return OK;
}

Err mem0_pick(Req *rq, Strs names) {
        const Shape *whole = rq->route->out;
        Arena *a = rq->cx->arena;
        TRY(names_check(rq, names));
        if (!names.n)
                return OK;
        const Shape *some = view_pick(a, names);
        size_t n = fields_count(whole);
        Field *v = NEW_ARRAY(a, Field, n + 1);
        memcpy(v, whole->fields, (n + 1) * sizeof *v);
        for (size_t i = 0; i < n; i++)
                if (v[i].sub == &mem0_view)
                        v[i].sub = some;
        rq->out = whole == &mem0_view ? some : shape_with(a, whole, v);
        return OK;
}

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

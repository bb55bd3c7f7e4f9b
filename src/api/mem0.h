// SPDX-License-Identifier: MIT
#pragma once
/* mem0: what the mem0-compatible routes share: whose data a request
 * means, labels, filters, and the form of a memory on their wire. A user_id that is not the
 * caller's names a sub-user inside the caller's own data. */
#include "api/memory_view.h"
#include "codec/json.h"

typedef struct Mem0Labels {
        Str user_id, agent_id, app_id, run_id;
} Mem0Labels;

/* Scope and label of a user_id; STR_NULL or the caller's own id is the caller. ERR_SCOPE without
 * end_users. */
Err mem0_scope(Req *rq, Str user_id, MemoryScope *ret) _must_check_;
Str mem0_user(const Req *rq, Str scope); /* "usr_1/ann" -> "ann" */

/* A filter: {"AND":[…]}, {"OR":[…]}, {"NOT":[…]}, or conditions by field. Checked once, then asked
 * for each row. */
typedef struct Mem0Filter {
        Json *j;
        JsonRef root;
        Str user_id;
        bool has_scope;
} Mem0Filter;
Err mem0_filter_parse(Req *rq, Str json, Mem0Filter *ret) _must_check_;
void mem0_filter_done(Mem0Filter *f);
bool mem0_filter_fits(Req *rq, const Mem0Filter *f, const MemoryRow *row);

typedef struct Mem0Breakdown {
        double semantic, bm25, entity;
} Mem0Breakdown;
typedef struct Mem0View {
        Str id, memory, user_id, agent_id, app_id, run_id, hash, metadata, expiration_date;
        Strs categories;
        int64_t created_at, updated_at;
        OptNum score;
        const Mem0Breakdown *score_breakdown;
} Mem0View;
extern const Shape mem0_view;
void mem0_view_make(Req *rq, const MemoryRow *row, Mem0View *ret);

typedef struct Mem0Data {
        Str memory;
} Mem0Data;
typedef struct Mem0Result {
        Str id, memory, event, reason;
        const Mem0Data *data;
} Mem0Result;
extern const Shape mem0_result;
typedef struct Mem0Message {
        Str message;
} Mem0Message;
extern const Shape mem0_message;

/* One add: messages and labels in, what happened out. */
typedef struct Mem0AddIn {
        Str messages, user_id, agent_id, app_id, run_id, metadata, expiration_date;
        OptBool infer, immutable;
        OptInt timestamp;
} Mem0AddIn;
extern const Shape mem0_add_in;
Err mem0_add(Req *rq, const Mem0AddIn *in, List *ret_results) _must_check_;
/* Leaves the person's words to the model, as a job of this id that begins with what the rules found.
 * False: there is nothing for it to read, or nobody to read it. */
Err mem0_read_later(Req *rq, const Mem0AddIn *in, Str job_id, Str results, bool *ret) _must_check_;

typedef struct Mem0SearchIn {
        Str query, filters, user_id, agent_id, app_id, run_id, reference_date;
        OptInt top_k, limit;
        OptNum threshold;
        bool rerank, show_expired;
        Strs fields, categories;
} Mem0SearchIn;
extern const Shape mem0_search_in;
Err mem0_search(Req *rq, const Mem0SearchIn *in, List *ret) _must_check_;

/* All rows that fit, newest first. */
typedef struct Mem0Rows {
        MemoryRow *v;
        size_t n;
} Mem0Rows;
Err mem0_rows(Req *rq, const MemoryScope *s, const Mem0Filter *f, Mem0Rows *ret) _must_check_;
Str mem0_filters_from(Ctx *cx, const Mem0Labels *labels); /* JSON of the labels that are set */

/* in any scope of the caller */
Err mem0_get(Req *rq, Str id, MemoryScope *ret_scope, MemoryRow *ret) _must_check_;
extern const Shape mem0_history_view;
Err mem0_history_handle(Req *rq, const void *in, void *ret) _must_check_;
/* Whatever its status. ERR_BAD_REQUEST without any label. In steps, on a worker. */
Err mem0_delete_labelled(Req *rq, const Mem0Labels *labels, int64_t *ret_count) _must_check_;
bool mem0_expires(Str date, int64_t *ret_ms) _must_check_;

// SPDX-License-Identifier: MIT
#pragma once
/* mem0: what the mem0-compatible routes share: whose data a request
 * means, labels, filters, and the form of a memory on their wire. A user_id that is not the
 * caller's names a sub-user inside the caller's own data. */
#include "api/memory_view.h"
#include "codec/json.h"

/* 2200-01-01: what is beyond is no time in seconds. */
#define MEM0_SECONDS_MAX 7258118400

typedef struct Mem0Labels {
        Str user_id, agent_id, app_id, run_id;
} Mem0Labels;

/* Scope and label of a user_id; STR_NULL or the caller's own id is the caller. ERR_SCOPE without
 * end_users. */
Err mem0_scope(Req *rq, Str user_id, MemoryScope *ret) _must_check_;
Str mem0_user(const Req *rq, Str scope); /* "usr_1/ann" -> "ann" */
/* Those that the caller may see: none without end_users. */
Err mem0_sub_users(Req *rq, DbConn *c, Strs *ret) _must_check_;

/* ---- filters ---- */

typedef enum Mem0Kind {
        MEM0_LABEL,
        MEM0_TIME,
        MEM0_TAGS,
        MEM0_ID,
        MEM0_CONTENT,
        MEM0_METADATA
} Mem0Kind;
typedef struct Mem0Field {
        const char *name;
        Mem0Kind kind;
} Mem0Field;
typedef enum Mem0Operator {
        MEM0_NO_OPERATOR = 0,
        MEM0_EQ,
        MEM0_NE,
        MEM0_IN, /* the last that asks for equality */
        MEM0_GT,
        MEM0_GTE,
        MEM0_LT,
        MEM0_LTE,
        MEM0_CONTAINS,
        MEM0_ICONTAINS
} Mem0Operator;
const Mem0Field *mem0_field(Str name); /* NULL: none */
Mem0Operator mem0_operator(Str name);
bool mem0_has_operators(JsonRef v); /* an object of operators, and of nothing else */
bool mem0_is_logic(Str name);
bool mem0_date(Str text, int64_t *ret_ms) _must_check_; /* a day (its begin) or a time */

/* {"AND":[…]}, {"OR":[…]}, {"NOT":[…]}, or conditions by field; and what else the request says, in
 * the same form. Checked once, then asked for each row: both must fit. */
typedef struct Mem0Filter {
        Json *j;
        JsonRef filters, more;
        Strs named;     /* scopes of the sub-users in it */
        bool has_scope; /* it speaks of a user, an agent, an app or a run */
        bool with_expired;
} Mem0Filter;
/* ERR_INVALID with the pointer to what is wrong; ERR_SCOPE when it names a sub-user. */
Err mem0_filter_parse(Req *rq, Str filters, Str more, Mem0Filter *ret) _must_check_;
void mem0_filter_done(Mem0Filter *f);
bool mem0_filter_fits(Req *rq, const Mem0Filter *f, const MemoryRow *row);
/* May it fit a memory of this scope? STR_NULL: of one that it does not name. */
bool mem0_filter_may_fit(Req *rq, const Mem0Filter *f, Str user_id);
/* The scopes that it may find something in. Without any scope in it: the caller's. */
Err mem0_scopes(Req *rq, const Mem0Filter *f, DbConn *c, Strs *ret) _must_check_;

/* What stands beside the filters, as a filter. */
typedef struct Mem0Where {
        Mem0Labels labels;
        Strs categories;
        Str keywords, start_date, end_date;
} Mem0Where;
Err mem0_where(Req *rq, const Mem0Where *w, Str *ret) _must_check_;
/* Members of the labels that are set: "\"agent_id\":\"a1\"" */
void mem0_labels_write(Buf *b, const Mem0Labels *labels);

/* ---- what is found ---- */

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
/* `fields` of a request: of each memory in this answer these members alone; none = all. */
Err mem0_pick(Req *rq, Strs names) _must_check_;
/* When it was said, if the caller told; mem0's filters mean that. */
int64_t mem0_created_at(const MemoryRow *row, JsonRef context);

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

/* Page by page through one scope: those that fit. */
typedef struct Mem0Walk {
        Req *rq;
        const Mem0Filter *f;
        Str status; /* STR_NULL = active and flagged */
        int64_t as_of; /* 0 = now */
        bool with_expired, is_enough;
        Err (*rows)(struct Mem0Walk *w, const MemoryScope *s, const MemoryRows *rows);
        void *arg;
} Mem0Walk;
Err mem0_walk(Mem0Walk *w, Str user_id) _must_check_;

/* All rows that fit, newest first. */
typedef struct Mem0Rows {
        MemoryRow *v;
        size_t n;
} Mem0Rows;
Err mem0_rows(Req *rq, const Mem0Filter *f, Mem0Rows *ret) _must_check_;

/* The same request, another page. */
Str mem0_page_link(Req *rq, int64_t page);

/* in any scope of the caller */
Err mem0_get(Req *rq, Str id, MemoryScope *ret_scope, MemoryRow *ret) _must_check_;
/* Members as MemoryChange's: STR_NULL = leave, "" = none. ERR_INVALID when it is immutable. */
typedef struct Mem0Change {
        Str text, metadata, expiration_date;
} Mem0Change;
Err mem0_update(Req *rq, Str id, const Mem0Change *in, MemoryRow *ret) _must_check_;
extern const Shape mem0_history_view;
Err mem0_history_handle(Req *rq, const void *in, void *ret) _must_check_;
/* Closed: who names a condition that is not known here wants to delete less. */
typedef struct Mem0DeleteQuery {
        Str user_id, agent_id, app_id, run_id;
        Str org_id, project_id; /* clients send them along */
} Mem0DeleteQuery;
extern const Shape mem0_delete_query;
/* Whatever its status, and what a model has yet to read. ERR_BAD_REQUEST without any label. In
 * steps, on a worker. Counts memories and readings. */
Err mem0_delete_labelled(Req *rq, const Mem0Labels *labels, int64_t *ret_count) _must_check_;
/* An entity whose last memory may have gone with another; and whether it is one of these, once. */
void mem0_gone_note(Req *rq, Str type, Str name);
bool mem0_gone_take(Req *rq, Str type, Str name);
bool mem0_expires(Str date, int64_t *ret_ms) _must_check_;

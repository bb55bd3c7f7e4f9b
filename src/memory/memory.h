// SPDX-License-Identifier: MIT
#pragma once
/* memory: what the system knows about a person. Facts with two time axes, exact and near duplicates
 * merged, contradictions superseded in one transaction, everything explainable: each write says
 * what it did and why.
 *
 * A scope names whose data and which connection. Functions that change things take a scope whose
 * connection is the write connection and run inside a write (LANE_WRITE handler or db_write); the
 * others take the thread's read connection. Texts are sealed with the user's data key: the files
 * and backups hold no plain text, and erasing the key erases them. */
#include "store/db.h"

typedef struct Memory Memory; /* one per process; thread safe */

enum {
        MEMORY_CONTENT_MAX = 2000, /* code points */
        MEMORY_TAGS_MAX = 32,
        MEMORY_TAG_MAX = 64,
        MEMORY_ENTITIES_MAX = 64,
        MEMORY_CONTEXT_MAX = 8192,
        MEMORY_ID_LEN = 36, /* UUID v4 as text */
};

typedef struct MemoryScope {
        Memory *m;
        DbConn *c;
        Str user_id; /* the owner, or "owner/sub-user" */
        /* history: "user", "rule", "llm", "import", "job" */
        const char *actor;
} MemoryScope;

typedef enum MemoryEvent {
        MEMORY_ADD = 1,
        MEMORY_UPDATE,
        MEMORY_NOOP,
        MEMORY_SUPERSEDE,
        MEMORY_DELETE
} MemoryEvent;
extern const char *const memory_event_names[];

/* One memory as it is stored. Times are Unix ms, 0 = none. */
typedef struct MemoryRow {
        /* number inside the user's data; the index knows it by this */
        int64_t unit;
        Str memory_id, user_id, type, content, status;
        int64_t valid_from, valid_to, recorded_at, retired_at, expires_at;
        Strs supersedes;
        Str superseded_by;
        Str source_kind, source_turn_id, source_conversation_id;
        int64_t source_turn, created_at, updated_at, last_accessed, access_count, version;
        double confidence, decay_score, importance_score;
        Str importance_level;
        Strs tags, entities;
        Str context; /* JSON object */
        /* what it says about what; STR_NULL when not understood */
        Str attribute, subject, value;
} MemoryRow;
typedef struct MemoryRows {
        MemoryRow *v;
        size_t n;
} MemoryRows;

/* ---- writing ---- */
typedef struct MemoryNew {
        Str type, content;
        int64_t source_turn;
        double confidence; /* < 0: 1.0 */
        Strs tags, entities;
        Str context;                              /* JSON object or STR_NULL */
        int64_t valid_from, valid_to, expires_at; /* 0 = now, none, none */
        Str source_kind, source_turn_id, source_conversation_id;
        Str attribute, subject, value; /* STR_NULL: read from the content */
        int64_t said_at;               /* reference for "tomorrow"; 0 = now */
        /* no temporal rendering, no conflict handling (mem0 infer=false) */
        bool verbatim;
} MemoryNew;
typedef struct MemoryWritten {
        MemoryEvent event;
        const char *reason;
        MemoryRow row;
        Strs superseded; /* ids closed by this write */
} MemoryWritten;
/* ERR_INVALID with the member named; ERR_MEMORY_QUOTA with `limit` and `used`. */
Err memory_add(Ctx *cx, const MemoryScope *s, const MemoryNew *in, MemoryWritten *ret) _must_check_;

/* The same in two steps: all that needs no write first (rules, digests, the sealed body), on any
 * thread, so that little is left to do while others wait to write. */
typedef struct Pending MemoryDraft;
Err memory_draft(Ctx *cx, const MemoryScope *s, const MemoryNew *in,
                 MemoryDraft **ret) _must_check_;
Err memory_add_draft(Ctx *cx, const MemoryScope *s, MemoryDraft *d,
                     MemoryWritten *ret) _must_check_;

typedef struct MemoryChange {
        Str content, context;         /* STR_NULL = leave */
        double confidence;            /* < 0 = leave */
        Strs tags, entities;          /* v == NULL = leave */
        int64_t valid_to, expires_at; /* 0 = leave, INT64_MIN (TIME_CLEARED) = none */
        /* "active" resolves a flagged one; STR_NULL = leave */
        Str status;
} MemoryChange;
/* ERR_MEMORY_NOT_FOUND, ERR_INVALID. */
Err memory_update(Ctx *cx, const MemoryScope *s, Str memory_id, const MemoryChange *in,
                  MemoryWritten *ret) _must_check_;

/* Real: text, index terms, vector and history text go; a tombstone without content stays. What it
 * alone had superseded holds again, when nothing else does. ERR_MEMORY_NOT_FOUND. */
Err memory_delete(Ctx *cx, const MemoryScope *s, Str memory_id) _must_check_;
/* The same for one of several: what goes as well does not hold again. */
typedef bool MemoryGoes(void *arg, const MemoryRow *row);
Err memory_delete_among(Ctx *cx, const MemoryScope *s, Str memory_id, MemoryGoes *goes,
                        void *arg) _must_check_;
/* all members optional */
typedef struct MemoryMatch {
        Str type, tag;
        int64_t before;
} MemoryMatch;
/* One step of it: the memories from *position downwards (0 = from the newest), a few hundred. Moves
 * *position; MEMORY_AT_END when there are no more. For an account of any size without holding up
 * other writers. */
#define MEMORY_AT_END INT64_C(-1)
Err memory_delete_some(Ctx *cx, const MemoryScope *s, const MemoryMatch *which, int64_t *position,
                       int64_t *ret_count) _must_check_;
Err memory_delete_all(Ctx *cx, const MemoryScope *s, const MemoryMatch *which,
                      int64_t *ret_count) _must_check_;

/* Everything of an account and its sub-users, conversations and profile included (account deletion). */
Err memory_erase(Ctx *cx, Memory *m, DbConn *c, Str owner_id) _must_check_;

/* ---- reading. Absent and foreign are the same ERR_MEMORY_NOT_FOUND. ---- */
Err memory_get(Ctx *cx, const MemoryScope *s, Str memory_id, MemoryRow *ret) _must_check_;

typedef struct MemoryFilter {
        /* STR_NULL = any; no status = active and flagged */
        Str type, tag, status;
        int64_t as_of, known_at; /* 0 = now */
        int64_t limit;           /* 1..200; 0 = 50 */
        Str cursor;              /* from ret_cursor of the page before */
        bool with_expired;
} MemoryFilter;
Err memory_list(Ctx *cx, const MemoryScope *s, const MemoryFilter *f, MemoryRows *ret,
                Str *ret_cursor) _must_check_;

typedef struct MemoryVersion {
        int64_t version, at, valid_from, valid_to;
        Str event, reason, old_content, new_content, actor;
} MemoryVersion;
typedef struct MemoryVersions {
        MemoryVersion *v;
        size_t n;
} MemoryVersions;
Err memory_history(Ctx *cx, const MemoryScope *s, Str memory_id, MemoryVersions *ret) _must_check_;

typedef struct MemoryStats {
        int64_t total, by_type[6], by_status[4]; /* memory_type_names, memory_status_names */
        double avg_confidence;
        /* limit < 0: none */
        int64_t oldest_turn, newest_turn, access_total, hot, quota_limit, quota_used;
} MemoryStats;
/* NULL-terminated */
extern const char *const memory_type_names[7], *const memory_status_names[5];
Err memory_stats(Ctx *cx, const MemoryScope *s, MemoryStats *ret) _must_check_;

Str memory_etag(Ctx *cx, const MemoryRow *row);
/* JSON array of the memory's vector, STR_NULL when it has none. */
Err memory_embedding(Ctx *cx, const MemoryScope *s, const MemoryRow *row, Str *ret) _must_check_;

/* The sub-users of an owner who have memories ("owner/ann"), in order; at most 1000. */
Err memory_sub_users(Ctx *cx, DbConn *c, Str owner_id, Strs *ret) _must_check_;

/* ---- service ---- */
/* Any OpenAI-compatible server; no client or no base_url: none. base_url ends before "/embeddings". */
typedef struct EmbedSettings {
        struct Client *client;
        Str base_url, model, api_key;
        bool no_turns; /* memories alone */
} EmbedSettings;

typedef struct MemorySettings {
        /* The data key of an owner, made on first use when `c` is a write connection. Wired to
         * identity by app/. */
        Err (*key)(Ctx *cx, DbConn *c, Str owner_id, void *arg, uint8_t ret_key[32]);
        /* How many active memories the owner may hold; < 0 = no limit. NULL = no limit. */
        Err (*quota)(Ctx *cx, DbConn *c, Str owner_id, void *arg, int64_t *ret_max);
        /* May the owner's texts go to a server outside (a model, embeddings)? NULL = yes. */
        Err (*may_leave)(Ctx *cx, DbConn *c, Str owner_id, void *arg, bool *ret);
        void *arg;              /* for those above */
        size_t index_bytes_max; /* all users' indexes together; 0 = 256 MiB */
        EmbedSettings embed;
        bool retention_off; /* clean-up and archiving do nothing */
        /* changed ranking numbers, "near=0.5,kind=0.3" (rank.h); or empty */
        Str rank;
} MemorySettings;
Err memory_new(Ctx *cx, Db *db, const MemorySettings *set, Memory **ret) _must_check_;
/* the background threads of jobs.h */
Err memory_start(Ctx *cx, Memory *m) _must_check_;
void memory_stop(Memory *m); /* ends them; memory_free does, too */

/* One question to a language model, by a background job. Blocking; an error that may pass is tried
 * again later. */
typedef struct MemoryAsk {
        Str user_id;         /* whose texts these are, and whose budget */
        const char *purpose; /* extraction, conflict */
        Str rules, text;     /* what to do; the data */
        Str options;     /* JSON object of request members: response_format */
} MemoryAsk;
typedef struct MemoryModel {
        Err (*ask)(Ctx *cx, void *arg, const MemoryAsk *in, Str *ret_text);
        void *arg;
} MemoryModel;
/* Before memory_start. Without it the rules alone decide. */
void memory_use_model(Memory *m, const MemoryModel *model);
Memory *memory_free(Memory *m);
DEFINE_CLEANUP(Memory, memory_free)

/* The metrics that are read rather than counted: before they are printed, and, as it asks the
 * store, now and then. */
void memory_measure(Memory *m);
Err memory_count(Ctx *cx, DbConn *c) _must_check_;

extern const Migration memory_migrations[];

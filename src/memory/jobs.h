// SPDX-License-Identifier: MIT
#pragma once
/* jobs: upkeep of memories. Each can be called directly (blocking, not on a loop thread) or be
 * started as a job: a durable row that a background thread takes up, at most one of a user at a
 * time, retried with growing pauses, and safe to kill, because every step is a transaction of its
 * own and finds its work anew. Every night each user gets them all. Those that ask a server outside
 * have a thread of their own and hold up no others. */
#include "memory/memory.h"

/* Merges clusters at n-gram cosine >= threshold (same type and attribute): one survivor, the rest
 * superseded. */
Err memory_consolidate(Ctx *cx, Memory *m, Str user_id, double threshold,
                       int64_t *ret_count) _must_check_;

typedef struct Cleanup {
        int64_t days;
        bool dry_run;
} Cleanup;
Err memory_cleanup(Ctx *cx, Memory *m, Str user_id, const Cleanup *what,
                   int64_t *ret_count) _must_check_;

/* Brings decay scores up to date; drops the vectors of what has faded, archives it later, and counts
 * the scores that were written. */
Err memory_decay(Ctx *cx, Memory *m, Str user_id, int64_t *ret_count) _must_check_;

typedef struct MemoryJob {
        /* kind: decay, cleanup, consolidate, embed; conflict (args: a unit), read (args: sealed) */
        Str job_id, user_id, kind, args, state, error;
        Str result; /* JSON object when done */
        int64_t attempts, run_at, created_at, started_at, finished_at;
} MemoryJob;
typedef struct MemoryJobList {
        MemoryJob *v;
        size_t n;
} MemoryJobList;
/* a write */
Err memory_job_start(Ctx *cx, const MemoryScope *s, Str kind, MemoryJob *ret) _must_check_;
/* A model says whether the memory contradicts others (confirm.c). A write. */
Err memory_job_conflict(Ctx *cx, const MemoryScope *s, int64_t unit) _must_check_;
/* A job that is done already: job_id, kind and result (JSON, no text of memories) are the caller's.
 * A write. */
Err memory_job_note(Ctx *cx, const MemoryScope *s, const MemoryJob *done) _must_check_;
/* ERR_NOT_FOUND */
Err memory_job_get(Ctx *cx, const MemoryScope *s, Str job_id, MemoryJob *ret) _must_check_;
/* newest 50 */
Err memory_job_list(Ctx *cx, const MemoryScope *s, MemoryJobList *ret) _must_check_;

/* One round of all that is due: access counts, expired memories, queued jobs. The background threads
 * do this each second. */
Err memory_tick(Ctx *cx, Memory *m) _must_check_;

/* confirm.c: asks the model about a memory whose value nobody could read, against those that share
 * its cue; settles what it confirms. Counts those. */
Err memory_confirm(Ctx *cx, Memory *m, Str user_id, int64_t unit, int64_t *ret_count) _must_check_;
/* The last try has failed: the rules' word stands, and the history says so. */
Err memory_confirm_failed(Ctx *cx, Memory *m, Str user_id, int64_t unit) _must_check_;

/* reading.c: asks the model what the job's texts state, and remembers it. The result is the job's
 * with what came of it. */
Err memory_read(Ctx *cx, Memory *m, const MemoryJob *job, Str *ret_result) _must_check_;

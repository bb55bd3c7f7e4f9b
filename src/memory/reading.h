// SPDX-License-Identifier: MIT
#pragma once
/* reading: facts that a model reads in what a person said. The rules have been there before it; what
 * it adds goes through the same write path. */
#include "memory/learn.h"

/* What the model is told, and the members of the request that fix the form of its answer. */
extern const char reading_rules[], reading_options[];
/* The facts of the answer: of a known kind, sure enough, and in the person's own words (`said`). The
 * rest is counted. ERR_BAD_JSON. In the arena. */
Err reading_parse(Ctx *cx, Str answer, Str said, Facts *ret, int *ret_dropped) _must_check_;

bool memory_can_read(const Memory *m); /* there is a model */

/* Texts for a job of this id to read; sealed until it has. `results`: the members of a JSON array,
 * what is known of the event already. Inside a write. */
typedef struct Reading {
        Strs texts;
        Str context;                 /* JSON object of every memory that comes of it */
        int64_t said_at, expires_at; /* 0 = now, never */
        Str results;
} Reading;
Err memory_read_later(Ctx *cx, const MemoryScope *s, Str job_id, const Reading *in) _must_check_;
/* What waits to be read, or is being read, is not: its person deletes everything. A write. */
Err memory_read_cancel(Ctx *cx, const MemoryScope *s) _must_check_;
/* Only those of the user and the sub-users that fit. A write. */
typedef bool ReadingFits(void *arg, Str user_id, Str context);
Err memory_read_cancel_some(Ctx *cx, const MemoryScope *s, ReadingFits *fits, void *arg,
                            int64_t *ret_count) _must_check_;

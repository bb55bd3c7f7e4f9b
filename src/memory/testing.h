// SPDX-License-Identifier: MIT
#pragma once
/* testing: a memory service on a fresh database, with a clock that stands still and one key per user. */
#include "base/testing.h"
#include "memory/memory_int.h"

typedef struct Fix {
        TestWorld world;
        Arena *arena;
        Ctx cx;
        Db *db;
        Memory *m;
        int64_t quota; /* < 0: none */
        char dir[64];
} Fix;

#define FIX_NOW INT64_C(1773133200000) /* Tuesday 2026-03-10 09:00:00 UTC */

Fix *fix_new(void);
Fix *fix_free(Fix *f);
/* the service anew on the same database: caches cold */
void fix_reopen(Fix *f);
DEFINE_CLEANUP(Fix, fix_free)

/* Runs fn inside one write for the user. */
typedef Err FixFn(Ctx *cx, const MemoryScope *s, void *arg);
Err fix_write(Fix *f, const char *user, FixFn *fn, void *arg);
MemoryScope fix_scope(Fix *f, const char *user); /* on the read connection */

Err fix_add(Fix *f, const char *user, const MemoryNew *in, MemoryWritten *ret);
/* One line of a conversation: stored, extracted and learned, as chat does it. */
Err fix_say(Fix *f, const char *user, const char *text, Learned *ret);
void fix_advance(Fix *f, double days);

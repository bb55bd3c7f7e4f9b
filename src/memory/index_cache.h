// SPDX-License-Identifier: MIT
#pragma once
/* index_cache: the indexes of many users within a bounded memory. The least recently used user goes
 * first; an index is built again from the store, by the loader, when its user next asks.
 *
 * Read-your-writes: tell the cache about every committed change from db_on_commit, before the
 * write answers. A change that meets an index under construction is kept and applied behind the
 * loader (puts replace, so seeing it twice is harmless); a change to a user without an index
 * needs nothing: the loader will read it. A half-built index is never handed out. */
#include "memory/index.h"

typedef struct IndexCache IndexCache; /* one per process; thread safe */

/* Put every unit of the user into `ix`. Runs on the thread that asked, with its read connection. */
typedef Err IndexLoadFn(Ctx *cx, void *arg, Str user, UserIndex *ix);

typedef struct IndexCacheSettings {
        /* for all users together; 0 = 256 MiB. The latest may exceed it */
        size_t bytes_max;
        RankParams rank;
        IndexLoadFn *load;
        void *load_arg;
} IndexCacheSettings;

Err index_cache_new(Ctx *cx, const IndexCacheSettings *set, IndexCache **ret) _must_check_;
IndexCache *index_cache_free(IndexCache *c); /* nothing may be pinned */
DEFINE_CLEANUP(IndexCache, index_cache_free)

/* An index held while it is used: always _cleanup_(index_unpin). */
typedef struct IndexPin {
        IndexCache *cache;
        void *entry;
        UserIndex *ix;
} IndexPin;

/* The user's index, built now if need be; one thread builds, the others wait for it within their
 * deadline (ERR_TIMEOUT). A loader's failure is passed on and nothing is kept. */
Err index_pin(Ctx *cx, IndexCache *c, Str user, IndexPin *ret) _must_check_;
void index_unpin(IndexPin *p);

void index_cache_put(IndexCache *c, Str user, const Unit *u);
void index_cache_remove(IndexCache *c, Str user, UnitId id);
/* in doubt (rollback, another replica wrote): build anew next time */
void index_cache_forget(IndexCache *c, Str user);
void index_cache_forget_all(IndexCache *c);

typedef struct IndexCacheStats {
        size_t users, bytes;
        uint64_t hits, builds, evictions;
} IndexCacheStats;
void index_cache_stats(IndexCache *c, IndexCacheStats *ret);

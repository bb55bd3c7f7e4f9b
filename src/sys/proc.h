// SPDX-License-Identifier: MIT
#pragma once
/* proc: what the system says of this process and its limits: for metrics, health, admission. */
#include "base/base.h"

typedef struct ProcStats {
        int64_t rss_bytes, virtual_bytes, threads;
        int64_t fds, fds_max; /* open now; the soft limit */
        double cpu_s;         /* user and system time so far */
        int64_t started_ms;   /* wall clock; 0 when the system does not say */
} ProcStats;
Err proc_stats(Ctx *cx, ProcStats *ret) _must_check_;

/* The smallest memory limit of our control groups (v2, then v1); 0 = none. */
int64_t proc_memory_limit(void);
/* What we can have at most: that limit, or the memory of the machine when it is smaller. */
int64_t proc_memory_max(void);
/* Share of the file system of `path` that is free for us, 0..1. */
Err disk_free_ratio(Ctx *cx, const char *path, double *ret) _must_check_;
int64_t fds_limit_raise(void); /* soft limit up to the hard one; the limit now */

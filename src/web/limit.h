// SPDX-License-Identifier: MIT
#pragma once
/* limit: how often somebody may ask. Counters per key (a user, a client address) in a table of
 * fixed size; several policies of one key are judged and counted in one step, and a refused
 * request counts for none of them.
 *
 * The table is set-associative: a key has LIMIT_WAYS places. When all are taken, an expired one
 * goes first, else the one that has used least, so that many fresh keys push each other out and
 * not somebody who is near a limit. */
#include "base/base.h"

enum { LIMIT_POLICIES_MAX = 3, LIMIT_WAYS = 8 };

typedef struct LimitPolicy {
        const char *name; /* "burst": static, no quotes */
        uint32_t quota;   /* 0 = unlimited: not counted, not shown */
        uint32_t window_s;
        bool aligned; /* to multiples of window_s (a UTC day); else from the first request */
} LimitPolicy;
/* at most LIMIT_POLICIES_MAX */
typedef struct LimitPolicies {
        const LimitPolicy *v;
        size_t n;
} LimitPolicies;

typedef struct LimitResult {
        bool allowed;
        unsigned violated;     /* bit i: policy i refused */
        int64_t retry_after_s; /* until the last violated window ends; 0 when allowed */
        /* after this step */
        struct {
                uint32_t remaining;
                int64_t reset_s;
        } each[LIMIT_POLICIES_MAX];
} LimitResult;

typedef struct Limits Limits; /* thread safe */
Err limits_new(Ctx *cx, Limits **ret) _must_check_;
Limits *limits_free(Limits *l);
DEFINE_CLEANUP(Limits, limits_free)

/* Counts one request of `key` against all policies, or none. The same key must always come with
 * the same policies in one order, of which the last may be left out (their quotas may change): put
 * the class into it ("u:" user id, "login:" address). Never fails: a full table forgets someone. */
bool limit_take(Limits *l, Str key, LimitPolicies p, int64_t now_ms, LimitResult *ret);

/* What limit_take would judge, without counting and without taking a place in the table: for
 * answers to requests that are free. `each` is what is left now. */
void limit_peek(Limits *l, Str key, LimitPolicies p, int64_t now_ms, LimitResult *ret);

/* Header values (IETF httpapi ratelimit fields), in the arena; STR_NULL when no policy has a quota.
 * "burst";q=100;w=60,"daily";q=1000;w=86400   and   "burst";r=99;t=60,"daily";r=999;t=43200 */
Str limit_policy_text(Arena *a, LimitPolicies p);
Str limit_state_text(Arena *a, LimitPolicies p, const LimitResult *r);

/* Write-behind: every counter that moved since the last export, and the way back at start. Windows
 * are told by their start (Unix time) and length. Keys over 63 bytes come out shortened. `fn` runs
 * under a lock: it notes the values and does the slow part later. */
typedef struct LimitCount {
        Str key;
        size_t policy;
        uint32_t span_s, count;
        int64_t start_s;
} LimitCount;
void limits_export(Limits *l, void (*fn)(void *arg, const LimitCount *c), void *arg);
void limits_import(Limits *l, const LimitCount *c);

// SPDX-License-Identifier: MIT
#pragma once
/* probe: one look at one dependency, blocking, bounded by its timeout. A row per kind. */
#include "ops/health.h"

typedef struct CheckSpec CheckSpec;
typedef struct ProbeRooms {
        Db *db;
        Client *client;
        const HealthSettings *set;
} ProbeRooms;
typedef struct ProbeResult {
        HealthState state;
        const char *error, *message; /* static text */
        Str extra;                   /* in cx->arena */
        double observed;
        const char *unit; /* NULL: the latency in ms */
        bool warn;
} ProbeResult;

typedef struct ProbeKind {
        const char *name;
        int64_t timeout_ms, period_ms;
        /* latency from which it counts as slow; 0 = never */
        double slow_ms;
        Critical critical;
        void (*probe)(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec, ProbeResult *ret);
        /* NULL: needs no target, or any will do */
        bool (*is_target)(Ctx *cx, Str target);
        const char *target_form; /* for the refusal */
} ProbeKind;
const ProbeKind *probe_kind(Str name); /* NULL: no such kind */

struct CheckSpec {
        Str name, group, target, key, bucket, region; /* target: URL or path */
        const ProbeKind *kind;
        Critical critical;
        int64_t timeout_ms, period_ms, fail_after, recover_after;
};

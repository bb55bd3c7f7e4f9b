// SPDX-License-Identifier: MIT
#pragma once
/* health: is what we depend on there? Probes run in the background, each with its own deadline;
 * whoever asks reads the last result, so health answers are fast whatever the dependencies do.
 *
 * A check turns unhealthy after `fail_after` failures in a row and healthy after `recover_after`
 * successes; the very first result counts at once. A result older than three periods and the
 * timeout is stale, which is unhealthy. */
#include "base/base.h"
#include "store/db.h"
#include "web/client.h"

typedef struct Health Health; /* one per process; thread safe */
typedef struct Timers Timers;

typedef enum HealthState {
        HEALTH_STARTING,
        HEALTH_UP,
        HEALTH_DOWN,
        HEALTH_NOT_CONFIGURED
} HealthState;
typedef enum Critical { CRITICAL_NO, CRITICAL_YES, CRITICAL_IF_CONFIGURED } Critical;

typedef struct HealthSettings {
        /* HEALTH_CHECKS: JSON list; STR_NULL = what is in use */
        Str checks;
        Str data_dir, smtp_url; /* targets of the default checks */
        /* providers of language models, each asked for its list of models, which costs nothing */
        const CallSpec *models;
        size_t n_models;
        double disk_fail, disk_warn; /* free share; 0 = 0.10, 0.20 */
} HealthSettings;

/* What is probed, and what probes with; all outlive the Health. */
typedef struct HealthRooms {
        Db *db;
        Client *client;
        Timers *timers;
} HealthRooms;

/* ERR_INVALID: an unknown kind, a name twice, a value out of range; the sentence names the
 * check. Probes begin with health_start. */
Err health_new(Ctx *cx, const HealthRooms *rooms, const HealthSettings *set,
               Health **ret) _must_check_;
/* The same refusals without a Health. */
Err health_settings_check(Ctx *cx, const HealthSettings *set) _must_check_;
void health_start(Health *h);
Health *health_free(Health *h);
DEFINE_CLEANUP(Health, health_free)

/* What the process itself adds to the verdict. */
typedef enum Phase { PHASE_STARTING, PHASE_SERVING, PHASE_DRAINING } Phase;
void health_phase(Health *h, Phase p);
Phase health_phase_get(const Health *h);

typedef struct CheckView {
        Str name, kind, group;
        HealthState state;
        Critical critical;
        double latency_ms; /* of the last finished probe, 2 decimals */
        /* one of the contract's texts; NULL unless HEALTH_DOWN */
        const char *error;
        const char *message; /* HEALTH_NOT_CONFIGURED: why */
        /* further JSON members, each with a leading comma */
        Str extra;
        int64_t checked_at_ms; /* 0 = never */
        /* for detailed: what is measured, "ms" or "ratio" */
        double observed;
        const char *unit;
        bool slow, warn;
} CheckView;
typedef struct CheckViews {
        CheckView *v;
        size_t n;
} CheckViews;
void health_view(Ctx *cx, Health *h, CheckViews *ret);
bool health_is_ready(const Health *h, const CheckViews *views, Strs exclude);
/* One round of every probe now, waiting for all of them, but not longer than 4.5 s. Worker threads
 * only. */
void health_fresh(Ctx *cx, Health *h);
/* A probe of this kind now, for what is always shown although no check asks for it: "disk" or
 * "memory". Reads the system, waits for nobody. */
void health_measure(Ctx *cx, const Health *h, const char *kind, CheckView *ret);

typedef struct Transition {
        Str check, from, to, reason;
        int64_t at;
        double previous_duration_s;
} Transition;
typedef struct Transitions {
        Transition *v;
        size_t n;
} Transitions;
typedef struct TransitionFilter {
        Str check;
        int64_t since, limit;
} TransitionFilter;
Err health_history(Ctx *cx, DbConn *c, const TransitionFilter *f, Transitions *ret) _must_check_;
extern const Migration ops_migrations[];
/* "starting", "healthy", "unhealthy", "not_configured" */
extern const char *const health_state_names[];

// SPDX-License-Identifier: MIT
#include "identity/count.h"

#include <pthread.h>

#include "base/metric.h"

static Metric *events, *hashes, *sessions, *audit_head;
static Cell *audit_failures;

static void families_make(void) {
        static const double seconds[] = { 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5 };

        events = metric_counter("mainstay_auth_events_total", "event,outcome",
                                "Security events of accounts and credentials");
        hashes = metric_histogram("mainstay_password_hash_duration_seconds", "algorithm", seconds,
                                  ELEMENTSOF(seconds), "Time of one password hash");
        sessions = metric_gauge("mainstay_sessions_active", NULL, "Sessions in force");
        audit_head = metric_gauge("mainstay_audit_chain_head_timestamp_seconds", NULL,
                                  "Time of the newest audit record, Unix time");
        audit_failures = metric_one(metric_counter("mainstay_audit_append_failures_total", NULL,
                                                   "Audit records that could not be written"));
}

static void families(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, families_make);
}

void count_event(const char *event, const char *outcome) {
        families();
        cell_inc(METRIC_CELL(events, str_c(event), str_c(outcome)));
}

void count_hash(Str hash, int64_t took_us) {
        bool is_argon2 = str_starts(hash, STR("$argon2"));

        families();
        cell_observe(METRIC_CELL(hashes, is_argon2 ? STR("argon2id") : STR("bcrypt")),
                     (double)took_us / 1e6);
}

void count_sessions(int64_t active) {
        families();
        cell_set(metric_one(sessions), (double)active);
}

void count_audit_head(int64_t ts_ms) {
        families();
        cell_set(metric_one(audit_head), (double)ts_ms / 1000);
}

void count_audit_failure(void) {
        families();
        cell_inc(audit_failures);
}

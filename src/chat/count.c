// SPDX-License-Identifier: MIT
#include "chat/count_int.h"

#include <pthread.h>

#include "base/metric.h"

static Cell *turns;
static Metric *budgets;

static void families_make(void) {
        turns = metric_one(metric_histogram("mainstay_conversation_turn_duration_seconds", NULL,
                                            metric_bounds_llm, metric_bounds_llm_n,
                                            "Time from the message to the stored answer"));
        budgets = metric_counter("mainstay_budget_events_total", "event",
                                 "Budget thresholds that were crossed");
}

void chat_counts_make(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, families_make);
}

void count_turn(double seconds) { cell_observe(turns, seconds); }

void count_budget(const char *event) { cell_inc(METRIC_CELL(budgets, str_c(event))); }

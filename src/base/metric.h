// SPDX-License-Identifier: MIT
#pragma once
/* metric: one registry of counters, gauges and histograms, printed as Prometheus text or
 * OpenMetrics. A family is made once; a cell is one set of label values. Cells live as long as
 * the process, so callers keep pointers. Updating a cell is a relaxed atomic and never blocks.
 * Labels never hold user ids, paths with ids or free text. */
#include "base/buf.h"

typedef struct Metric Metric; /* a family */
typedef struct Cell Cell;     /* one time series, or one histogram */

/* Names and help are static text; `labels` is a comma list ("method,route,code") or NULL. */
Metric *metric_counter(const char *name, const char *labels, const char *help);
Metric *metric_gauge(const char *name, const char *labels, const char *help);
/* `bounds` ascending, without +Inf, static; values are in the unit of the name (seconds). */
Metric *metric_histogram(const char *name, const char *labels, const double *bounds, size_t n,
                         const char *help);

/* The cell for these label values (as many as labels), made on first use. Takes a lock: keep the
 * pointer on hot paths. */
Cell *metric_cell(Metric *m, const Str *values);
#define METRIC_CELL(m, ...) metric_cell((m), (const Str[]){ __VA_ARGS__ })
/* a family without labels */
static inline Cell *metric_one(Metric *m) { return metric_cell(m, NULL); }

void cell_inc(Cell *c);
void cell_add(Cell *c, double v);     /* counters: v >= 0 */
void cell_set(Cell *c, double v);     /* gauges */
void cell_observe(Cell *c, double v); /* histograms */
double cell_get(const Cell *c);       /* value; for a histogram the count */

/* Runs before each print, to set gauges that are read rather than counted. */
void metric_collect(void (*fn)(void *arg), void *arg);

typedef enum MetricFormat { METRIC_TEXT, METRIC_OPENMETRICS } MetricFormat;
void metric_print(Buf *out, MetricFormat format);
/* over all cells (histograms: their counts); 0 for an unknown name */
double metric_sum(const char *name);
/* histograms: the sum of what was observed, over all cells */
double metric_observed(const char *name);

extern const double metric_bounds_http[];
extern const size_t metric_bounds_http_n;
extern const double metric_bounds_llm[];
extern const size_t metric_bounds_llm_n;

// SPDX-License-Identifier: MIT
#include "base/metric.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { COLLECT_MAX = 32 };

typedef enum MetricType { COUNTER, GAUGE, HISTOGRAM } MetricType;

struct Cell {
        Cell *next;
        Str labels; /* "method=\"GET\",code=\"200\"" or empty */
        /* the value is whole + part: counting by one stays one atomic add */
        _Atomic int64_t whole;
        _Atomic double part;
        const Metric *family;
        /* histograms: one per bound, not cumulative */
        _Atomic int64_t buckets[];
};

struct Metric {
        Metric *next;
        MetricType type;
        const char *name, *labels, *help;
        const double *bounds;
        size_t n_bounds;
        Cell *cells;
};

static struct {
        pthread_mutex_t lock;
        Metric *families;
        struct {
                void (*fn)(void *arg);
                void *arg;
        } collect[COLLECT_MAX];
        size_t n_collect;
} reg = { .lock = PTHREAD_MUTEX_INITIALIZER };

const double metric_bounds_http[] = { .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025,
                                      .05,    .1,    .25,    .5,    1,    2.5,   5,    10 };
const size_t metric_bounds_http_n = ELEMENTSOF(metric_bounds_http);
const double metric_bounds_llm[] = { .01,  .02,  .04,  .08,   .16,   .32,   .64,
                                     1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92 };
const size_t metric_bounds_llm_n = ELEMENTSOF(metric_bounds_llm);

static void *must_calloc(size_t n) {
        void *p = calloc(1, n);
        if (!p)
                abort();
        return p;
}

/* Registering the same name again gives the same family. */
static Metric *family_add(Metric want) {
        pthread_mutex_lock(&reg.lock);
        Metric **at = &reg.families;
        while (*at && strcmp((*at)->name, want.name) < 0)
                at = &(*at)->next;
        Metric *m = *at;
        if (!m || strcmp(m->name, want.name) != 0) {
                m = must_calloc(sizeof *m);
                *m = want;
                m->next = *at;
                *at = m;
        }
        pthread_mutex_unlock(&reg.lock);
        return m;
}

Metric *metric_counter(const char *name, const char *labels, const char *help) {
        return family_add(
                (Metric){ .type = COUNTER, .name = name, .labels = labels, .help = help });
}

Metric *metric_gauge(const char *name, const char *labels, const char *help) {
        return family_add((Metric){ .type = GAUGE, .name = name, .labels = labels, .help = help });
}

Metric *metric_histogram(const char *name, const char *labels, const double *bounds, size_t n,
                         const char *help) {
        return family_add((Metric){ .type = HISTOGRAM,
                                    .name = name,
                                    .labels = labels,
                                    .help = help,
                                    .bounds = bounds,
                                    .n_bounds = n });
}

static void add_label_value(Buf *b, Str v) {
        for (size_t i = 0; i < v.n; i++) {
                char c = v.p[i];
                if (c == '\\' || c == '"')
                        buf_addc(b, '\\');
                buf_add(b, c == '\n' ? STR("\\n") : (Str){ &c, 1 });
        }
}

static void labels_format(Buf *b, const char *names, const Str *values) {
        Str rest = str_c(names);
        for (size_t i = 0; rest.p; i++) {
                Str name = str_cut(&rest, ',');
                buf_addf(b, "%s%.*s=\"", i ? "," : "", STR_FMT(name));
                add_label_value(b, values[i]);
                buf_addc(b, '"');
        }
}

static Cell *cell_make(Metric *m, Str labels) {
        Cell *c = must_calloc(sizeof *c + m->n_bounds * sizeof c->buckets[0]);
        char *text = must_calloc(labels.n + 1);
        memcpy(text, labels.p, labels.n);
        c->labels = (Str){ text, labels.n };
        c->family = m;
        return c;
}

Cell *metric_cell(Metric *m, const Str *values) {
        _cleanup_(buf_done) Buf key = BUF(4096);
        if (m->labels)
                labels_format(&key, m->labels, values);
        pthread_mutex_lock(&reg.lock);
        Cell **at = &m->cells;
        while (*at && str_cmp((*at)->labels, buf_str(&key)) < 0)
                at = &(*at)->next;
        Cell *c = *at;
        if (!c || !str_eq(c->labels, buf_str(&key))) {
                c = cell_make(m, buf_str(&key));
                c->next = *at;
                *at = c;
        }
        pthread_mutex_unlock(&reg.lock);
        return c;
}

void cell_inc(Cell *c) { atomic_fetch_add_explicit(&c->whole, 1, memory_order_relaxed); }

static void part_add(Cell *c, double v) {
        double old = atomic_load_explicit(&c->part, memory_order_relaxed);
        while (!atomic_compare_exchange_weak_explicit(&c->part, &old, old + v, memory_order_relaxed,
                                                      memory_order_relaxed))
                ;
}

void cell_add(Cell *c, double v) { part_add(c, v); }

void cell_set(Cell *c, double v) { atomic_store_explicit(&c->part, v, memory_order_relaxed); }

void cell_observe(Cell *c, double v) {
        const Metric *m = c->family;
        size_t i = 0;
        while (i < m->n_bounds && v > m->bounds[i])
                i++;
        if (i < m->n_bounds)
                atomic_fetch_add_explicit(&c->buckets[i], 1, memory_order_relaxed);
        cell_inc(c);
        part_add(c, v);
}

static double value_of(const Cell *c) {
        return (double)atomic_load_explicit(&c->whole, memory_order_relaxed) +
               atomic_load_explicit(&c->part, memory_order_relaxed);
}

double cell_get(const Cell *c) {
        if (c->family->type == HISTOGRAM)
                return (double)atomic_load_explicit(&c->whole, memory_order_relaxed);
        return value_of(c);
}

void metric_collect(void (*fn)(void *arg), void *arg) {
        pthread_mutex_lock(&reg.lock);
        assert(reg.n_collect < COLLECT_MAX);
        reg.collect[reg.n_collect].fn = fn;
        reg.collect[reg.n_collect++].arg = arg;
        pthread_mutex_unlock(&reg.lock);
}

static void add_num(Buf *out, double v) {
        if (v == floor(v) && fabs(v) < 1e15)
                buf_add_i64(out, (int64_t)v);
        else
                /* nine digits of a Unix time would be ten seconds */
                buf_addf(out, fabs(v) < 1e6 ? "%.9g" : "%.15g", v);
}

static void add_series(Buf *out, Str name, const char *suffix, Str labels, double v) {
        buf_addf(out, "%.*s%s", STR_FMT(name), suffix);
        if (labels.n)
                buf_addf(out, "{%.*s}", STR_FMT(labels));
        buf_addc(out, ' ');
        add_num(out, v);
        buf_addc(out, '\n');
}

static void print_histogram(Buf *out, const Cell *c) {
        const Metric *m = c->family;
        Str name = str_c(m->name);
        int64_t sum = 0;
        const char *comma = c->labels.n ? "," : "";
        for (size_t i = 0; i < m->n_bounds; i++) {
                sum += atomic_load_explicit(&c->buckets[i], memory_order_relaxed);
                buf_addf(out, "%s_bucket{%.*s%sle=\"%g\"} %lld\n", m->name, STR_FMT(c->labels),
                         comma, m->bounds[i], (long long)sum);
        }
        int64_t count = MAX(atomic_load_explicit(&c->whole, memory_order_relaxed), sum);
        buf_addf(out, "%s_bucket{%.*s%sle=\"+Inf\"} %lld\n", m->name, STR_FMT(c->labels), comma,
                 (long long)count);
        add_series(out, name, "_sum", c->labels,
                   atomic_load_explicit(&c->part, memory_order_relaxed));
        add_series(out, name, "_count", c->labels, (double)count);
}

static void print_family(Buf *out, const Metric *m, MetricFormat format) {
        static const char *const types[] = { "counter", "gauge", "histogram" };
        Str name = str_c(m->name);
        /* OpenMetrics names a counter's family without _total */
        Str family = name;
        if (format == METRIC_OPENMETRICS && m->type == COUNTER && str_ends(name, STR("_total")))
                family.n -= strlen("_total");
        buf_addf(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", STR_FMT(family), m->help, STR_FMT(family),
                 types[m->type]);
        for (const Cell *c = m->cells; c; c = c->next) {
                if (m->type == HISTOGRAM)
                        print_histogram(out, c);
                else
                        add_series(out, name, "", c->labels, value_of(c));
        }
}

void metric_print(Buf *out, MetricFormat format) {
        for (size_t i = 0; i < reg.n_collect; i++)
                reg.collect[i].fn(reg.collect[i].arg);
        pthread_mutex_lock(&reg.lock);
        for (const Metric *m = reg.families; m; m = m->next)
                print_family(out, m, format); /* also one without a series: it can be asked for */
        pthread_mutex_unlock(&reg.lock);
        if (format == METRIC_OPENMETRICS)
                buf_add_c(out, "# EOF\n");
}

static double sum_over(const char *name, double (*value)(const Cell *c)) {
        double sum = 0;
        pthread_mutex_lock(&reg.lock);
        for (const Metric *m = reg.families; m; m = m->next)
                for (const Cell *c = strcmp(m->name, name) ? NULL : m->cells; c; c = c->next)
                        sum += value(c);
        pthread_mutex_unlock(&reg.lock);
        return sum;
}

static double part_of(const Cell *c) {
        return atomic_load_explicit(&c->part, memory_order_relaxed);
}

double metric_sum(const char *name) { return sum_over(name, cell_get); }

double metric_observed(const char *name) { return sum_over(name, part_of); }

// SPDX-License-Identifier: MIT
#include "memory/count_int.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "base/metric.h"
#include "memory/memory_int.h"
#include "memory/memory_sql.h"

enum { STATUS_OK, STATUS_REFUSED, STATUS_FAILED, _STATUSES };

static const char *const operations[_OP_N] = { "add", "update", "delete", "get", "list", "search" };
static const char *const statuses[_STATUSES] = { "ok", "refused", "failed" };
static const char *const caches[_CACHE_N] = { "memory", "hot" };

static Cell *of_operation[_OP_N][_STATUSES], *of_event[MEMORY_DELETE + 1], *of_cache[_CACHE_N][2];
static Cell *retrieval, *embedding, *stored;
static atomic_bool is_changed = true; /* since the memories were last counted */

static void events_make(void) {
        Metric *m = metric_counter("mainstay_memory_events_total", "event",
                                   "What writes did to memories");
        for (int i = MEMORY_ADD; i <= MEMORY_DELETE; i++)
                of_event[i] = METRIC_CELL(m, str_c(memory_event_names[i]));
}

static void cells_make(void) {
        Metric *m = metric_counter("mainstay_memory_operations_total", "operation,status",
                                   "Operations on memories");
        for (size_t i = 0; i < _OP_N; i++)
                for (size_t j = 0; j < _STATUSES; j++)
                        of_operation[i][j] =
                                METRIC_CELL(m, str_c(operations[i]), str_c(statuses[j]));
        m = metric_counter("mainstay_cache_requests_total", "cache,result",
                           "Looks into a cache of memories");
        for (size_t i = 0; i < _CACHE_N; i++)
                for (size_t j = 0; j < 2; j++)
                        of_cache[i][j] =
                                METRIC_CELL(m, str_c(caches[i]), j ? STR("hit") : STR("miss"));
        events_make();
        retrieval = metric_one(metric_histogram("mainstay_memory_retrieval_duration_seconds", NULL,
                                                metric_bounds_http, metric_bounds_http_n,
                                                "Time of one search"));
        embedding = metric_one(metric_histogram("mainstay_embedding_duration_seconds", NULL,
                                                metric_bounds_llm, metric_bounds_llm_n,
                                                "Time of one call to the embeddings server"));
        stored = metric_one(metric_gauge("mainstay_memories", NULL, "Memories kept, of all users"));
}

void memory_counts_make(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, cells_make);
}

Err count_operation(MemoryOperation op, Err e) {
        int status = !e ? STATUS_OK : err_info[e].http < 500 ? STATUS_REFUSED : STATUS_FAILED;
        cell_inc(of_operation[op][status]);
        return e;
}

typedef struct Written {
        const Ctx *cx;
        MemoryEvent event;
        Str id;
} Written;

static void committed(void *arg) {
        const Written *w = arg;
        cell_inc(of_event[w->event]);
        atomic_store_explicit(&is_changed, true, memory_order_relaxed);
        LOG(w->cx, LOG_DEBUG, "memory_event", memory_event_names[w->event],
            L_STR("memory_id", w->id));
}

void count_written(Ctx *cx, const MemoryScope *s, MemoryEvent event, Str id) {
        Written *w = NEW(cx->arena, Written);
        *w = (Written){ cx, event, id };
        db_on_commit(s->c, committed, w);
}

void count_retrieval(int64_t took_us) { cell_observe(retrieval, (double)took_us / 1e6); }

void count_embedding(int64_t took_us) { cell_observe(embedding, (double)took_us / 1e6); }

void count_cache(MemoryCache cache, bool hit) { cell_inc(of_cache[cache][hit]); }

static void cell_reach(Cell *c, uint64_t v) { cell_add(c, MAX((double)v - cell_get(c), 0)); }

void memory_measure(Memory *m) {
        IndexCacheStats s;
        index_cache_stats(m->cache, &s);
        cell_reach(of_cache[CACHE_MEMORY][true], s.hits);
        cell_reach(of_cache[CACHE_MEMORY][false], s.builds);
}

Err memory_count(Ctx *cx, DbConn *c) {
        if (!atomic_exchange(&is_changed, false))
                return OK;
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_row(cx, c, &sql_memory_count_all, NO_ARGS, &r));
        cell_set(stored, (double)row_int(&r, 0));
        return OK;
}

// SPDX-License-Identifier: MIT
#include "app/about.h"
#include "base/metric.h"
#include "sys/proc.h"

static void set(const char *name, const char *help, double v) {
        cell_set(metric_one(metric_gauge(name, NULL, help)), v);
}

static void set_labelled(const char *name, const char *label, Str value, const char *help,
                         double v) {
        cell_set(METRIC_CELL(metric_gauge(name, label, help), value), v);
}

static void collect_process(void) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        ProcStats p;
        if (proc_stats(&cx, &p))
                return;
        Cell *cpu = metric_one(metric_counter("process_cpu_seconds_total", NULL,
                                              "User and system CPU time in seconds"));
        cell_add(cpu, MAX(p.cpu_s - cell_get(cpu), 0));
        set("process_open_fds", "Open file descriptors", (double)p.fds);
        set("process_max_fds", "Most file descriptors that may be open", (double)p.fds_max);
        set("process_virtual_memory_bytes", "Virtual memory in bytes", (double)p.virtual_bytes);
        set("process_resident_memory_bytes", "Resident memory in bytes", (double)p.rss_bytes);
        set("process_start_time_seconds", "Start of the process, Unix time",
            (double)p.started_ms / 1000);
        set("process_threads", "Threads of the process", (double)p.threads);
}

static void collect_server(App *a) {
        if (!a->server)
                return;
        ServerStats s;
        server_stats(a->server, &s);
        set("mainstay_http_requests_in_flight", "Requests being answered", (double)s.in_flight);
        set_labelled("mainstay_connections", "state", STR("open"), "Client connections",
                     (double)s.connections);
        set("mainstay_sse_streams", "Open event streams", (double)s.streams);
        static const char *const actions[] = { "none", "close", "refuse", "full" };
        for (int i = 0; i < (int)ELEMENTSOF(actions); i++)
                set_labelled("mainstay_overload_state", "action", str_c(actions[i]),
                             "What is done against overload now: 1", s.overload == i);
}

static void collect_queue(const char *name, double depth, double capacity) {
        set_labelled("mainstay_queue_depth", "queue", str_c(name), "Jobs waiting", depth);
        set_labelled("mainstay_queue_capacity", "queue", str_c(name), "Jobs that may wait",
                     capacity);
}

static void collect(void *arg) {
        App *a = arg;
        collect_process();
        collect_server(a);
        memory_measure(a->memory);
        DbStats db;
        db_stats(a->db, &db);
        set("mainstay_storage_wal_bytes", "Size of the write-ahead log", (double)db.wal_bytes);
        collect_queue("write", (double)db.queue_depth, (double)db.queue_max);
        collect_queue("work", (double)pool_depth(a->workers), (double)pool_capacity(a->workers));
        collect_queue("hash", (double)pool_depth(a->hashers), (double)pool_capacity(a->hashers));
        set("mainstay_password_hash_queue_depth", "Passwords waiting to be hashed",
            (double)pool_depth(a->hashers));
}

void gauges_register(App *a) {
        metric_collect(collect, a);
        cell_set(METRIC_CELL(metric_gauge("mainstay_build_info", "version,revision",
                                          "The build, as labels"),
                             STR(MAINSTAY_VERSION), str_c(about_revision)),
                 1);
}

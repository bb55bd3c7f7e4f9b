// SPDX-License-Identifier: MIT
/* store_rate: rows per second of the store, and of SQLite as one uses it without group commit, in
 * one run on one file system. Rounds alternate, so that a slow moment of the disk meets both.
 *
 * usage: store_rate DIRECTORY [SECONDS [ROUNDS]]      prints one JSON line */
#include <pthread.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/base.h"
#include "store/db.h"
#include "sys/proc.h"
#include "sys/thread.h"

enum { PRODUCERS = 64, READERS = 2, ROWS = 20000, TOOK_MAX = 4 << 20 };

#define TABLE \
        "CREATE TABLE memory (owner TEXT NOT NULL, id BIGINT NOT NULL, content TEXT NOT NULL," \
        " at BIGINT NOT NULL, PRIMARY KEY (owner, id));"
#define INSERT "INSERT INTO memory (owner, id, content, at) VALUES ($1, $2, $3, $4)"

static const Migration tables[] = { { 1, "memory", TABLE, "DROP TABLE memory;" }, { 0 } };
static const Migration *const all_tables[] = { tables, NULL };
static const Sql add = { "add", INSERT };
static const Sql get = { "get", "SELECT content, at FROM memory WHERE owner = $1 AND id = $2" };
#define CONTENT "Planted rosemary and thyme beside the kitchen window."

typedef struct Bench {
        const char *dir;
        Db *db;
        Arena *arena;
        Ctx cx;
        int64_t until_us, next_id;
        pthread_mutex_t lock;
        pthread_cond_t idle;
        int busy;
        int64_t written;
        int32_t *took_us; /* of each row, in the order they became durable */
} Bench;

static void die(const Ctx *cx, const char *what) {
        fprintf(stderr, "store_rate: %s: %s\n", what, cx->err.what ? cx->err.what : "");
        exit(1);
}

static double cpu_s(void) {
        struct rusage u;
        getrusage(RUSAGE_SELF, &u);
        return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---- the store: each producer submits again when its row is durable ---- */

typedef struct Producer {
        DbJob job;
        Ctx cx;
        Bench *bench;
        int64_t id, from_us;
        char owner[16];
} Producer;

static Err add_fn(Ctx *cx, DbConn *c, void *arg) {
        Producer *p = arg;
        return db_run(
                cx, c, &add,
                ARGS(v_text(str_c(p->owner)), v_int(p->id), v_text(STR(CONTENT)), v_int(p->id)),
                NULL);
}

static void producer_next(Producer *p) {
        p->id = __atomic_fetch_add(&p->bench->next_id, 1, __ATOMIC_RELAXED);
        p->from_us = thread_mono_us();
        if (db_submit(&p->cx, p->bench->db, &p->job))
                die(&p->cx, "submit");
}

static void producer_done(DbJob *job, Err e) {
        Producer *p = CONTAINER_OF(job, Producer, job);
        Bench *b = p->bench;
        if (e)
                die(&p->cx, "write");
        int64_t now = thread_mono_us();               /* from here on all on the writer */
        if (b->written < TOOK_MAX)
                b->took_us[b->written] = (int32_t)(now - p->from_us);
        b->written++;
        if (now < b->until_us) {
                producer_next(p);
                return;
        }
        pthread_mutex_lock(&b->lock);
        b->busy--;
        pthread_cond_signal(&b->idle);
        pthread_mutex_unlock(&b->lock);
}

/* Rows a second, processor time a row, and how long the slowest of 100 took. */
typedef struct Rate { double per_s, cpu_us, p99_ms; } Rate;

static int by_time(const void *a, const void *b) {
        return *(const int32_t *)a - *(const int32_t *)b;
}

static double p99_ms(Bench *b) {
        size_t n = (size_t)MIN(b->written, TOOK_MAX);
        qsort(b->took_us, n, sizeof *b->took_us, by_time);
        return (double)b->took_us[n * 99 / 100] / 1000;
}

static Rate rate_submit(Bench *b, double seconds) {
        Producer p[PRODUCERS];
        b->written = 0;
        b->busy = PRODUCERS;
        int64_t from = thread_mono_us();
        double cpu = cpu_s();
        b->until_us = from + (int64_t)(seconds * 1e6);
        for (int i = 0; i < PRODUCERS; i++) {
                p[i] = (Producer){ .cx = b->cx, .bench = b };
                p[i].job = (DbJob){
                        .fn = add_fn, .arg = &p[i], .cx = &p[i].cx, .done = producer_done
                };
                snprintf(p[i].owner, sizeof p[i].owner, "usr_%02d", i);
                producer_next(&p[i]);
        }
        pthread_mutex_lock(&b->lock);
        while (b->busy)
                pthread_cond_wait(&b->idle, &b->lock);
        pthread_mutex_unlock(&b->lock);
        double took = (double)(thread_mono_us() - from) / 1e6, n = (double)b->written;
        return (Rate){ n / took, (cpu_s() - cpu) * 1e6 / n, p99_ms(b) };
}

/* ---- the same rows, one commit each ---- */

static Rate rate_each(Bench *b, double seconds) {
        sqlite3 *db = NULL;
        sqlite3_stmt *st = NULL;
        const char *path = arena_printf(b->arena, "%s/each.db", b->dir);
        if (sqlite3_open(path, &db) ||
            sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL, NULL,
                         NULL))
                die(&b->cx, "open the peer");
        sqlite3_exec(db, TABLE, NULL, NULL, NULL);    /* there from the second round on */
        if (sqlite3_prepare_v2(db, INSERT, -1, &st, NULL))
                die(&b->cx, sqlite3_errmsg(db));
        int64_t n = 0, from = thread_mono_us(), end = from + (int64_t)(seconds * 1e6);
        double cpu = cpu_s();
        for (; thread_mono_us() < end; n++) {
                char owner[16];
                int64_t id = b->next_id++;
                snprintf(owner, sizeof owner, "usr_%02d", (int)(n % PRODUCERS));
                sqlite3_bind_text(st, 1, owner, -1, SQLITE_STATIC);
                sqlite3_bind_int64(st, 2, id);
                sqlite3_bind_text(st, 3, CONTENT, -1, SQLITE_STATIC);
                sqlite3_bind_int64(st, 4, id);
                if (sqlite3_step(st) != SQLITE_DONE || sqlite3_reset(st))
                        die(&b->cx, sqlite3_errmsg(db));
        }
        Rate r = { (double)n * 1e6 / (double)(thread_mono_us() - from),
                   (cpu_s() - cpu) * 1e6 / (double)n };
        sqlite3_finalize(st);
        sqlite3_close(db);
        return r;
}

/* ---- reads ---- */

typedef struct Reader { Bench *bench; int64_t reads, until_us; unsigned seed; } Reader;

static void *reader_main(void *arg) {
        Reader *r = arg;
        Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        for (; thread_mono_us() < r->until_us; r->reads++, arena_clear(arena)) {
                r->seed = r->seed * 1664525 + 1013904223;
                DbConn *c = NULL;
                _cleanup_(rows_done) Rows rows = { 0 };
                Args args = ARGS(v_text(STR("reader")), v_int(r->seed % ROWS));
                if (db_read(&cx, r->bench->db, &c) || db_row(&cx, c, &get, args, &rows))
                        die(&cx, "read");
                if (row_dup(&cx, &rows, 0).n != sizeof CONTENT - 1)
                        die(&cx, "the row is another");
        }
        arena_free(arena);
        return NULL;
}

static Rate rate_read(Bench *b, double seconds, int threads) {
        Reader r[READERS];
        pthread_t t[READERS];
        int64_t from = thread_mono_us(), n = 0;
        double cpu = cpu_s();
        for (int i = 0; i < threads; i++) {
                r[i] = (Reader){ .bench = b,
                                 .until_us = from + (int64_t)(seconds * 1e6),
                                 .seed = (unsigned)i };
                pthread_create(&t[i], NULL, reader_main, &r[i]);
        }
        for (int i = 0; i < threads; i++) {
                pthread_join(t[i], NULL);
                n += r[i].reads;
        }
        return (Rate){ (double)n / seconds, (cpu_s() - cpu) * 1e6 / (double)n };
}

static Err fill_fn(Ctx *cx, DbConn *c, void *arg) {
        for (int64_t id = 0; id < ROWS; id++)
                TRY(db_run(cx, c, &add,
                           ARGS(v_text(STR("reader")), v_int(id), v_text(STR(CONTENT)), v_int(id)),
                           NULL));
        return OK;
}

static int by_rate(const void *a, const void *b) {
        const Rate *x = a, *y = b;
        return (x->per_s > y->per_s) - (x->per_s < y->per_s);
}

static Rate middle(Rate *v, int n) {
        qsort(v, (size_t)n, sizeof *v, by_rate);
        return v[n / 2];
}

static void rate_print(const char *name, Rate r) {
        printf("\"%s\":{\"per_s\":%.0f,\"cpu_us\":%.2f,\"p99_ms\":%.2f},", name, r.per_s, r.cpu_us,
               r.p99_ms);
}

enum { ROUNDS_MAX = 9 };

int main(int argc, char **argv) {
        if (argc < 2) {
                fprintf(stderr, "usage: %s DIRECTORY [SECONDS [ROUNDS]]\n", argv[0]);
                return 2;
        }
        double seconds = argc > 2 ? strtod(argv[2], NULL) : 2;
        int rounds = argc > 3 ? MIN((int)strtol(argv[3], NULL, 10), ROUNDS_MAX) : 3;
        Bench b = { .dir = argv[1], .arena = arena_new(), .lock = PTHREAD_MUTEX_INITIALIZER,
                    .idle = PTHREAD_COND_INITIALIZER, .next_id = 1 };
        b.took_us = calloc(TOOK_MAX, sizeof *b.took_us);
        b.cx = (Ctx){ .arena = b.arena, .world = &world_real };
        DbSettings set = { .path = arena_printf(b.arena, "%s/store.db", b.dir),
                           .migrations = all_tables,
                           .migrate = true };
        ProcStats idle;
        if (db_open(&b.cx, &set, &b.db) || proc_stats(&b.cx, &idle))
                die(&b.cx, "open");
        Rate submit[ROUNDS_MAX], each[ROUNDS_MAX];
        for (int i = 0; i < rounds; i++) {
                submit[i] = rate_submit(&b, seconds);
                each[i] = rate_each(&b, seconds);
        }
        if (db_write(&b.cx, b.db, fill_fn, NULL))
                die(&b.cx, "fill");
        printf("{");
        rate_print("submit", middle(submit, rounds));
        rate_print("each", middle(each, rounds));
        rate_print("read1", rate_read(&b, seconds, 1));
        rate_print("read2", rate_read(&b, seconds, READERS));
        printf("\"idle_rss_bytes\":%lld}\n", (long long)idle.rss_bytes);
        db_close(b.db);
        free(b.took_us);
        arena_free(b.arena);
        return 0;
}

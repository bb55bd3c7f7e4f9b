// SPDX-License-Identifier: MIT
/* store_crash: kill -9 in the middle of writes, again and again. A child writes from several
 * threads and reports each acknowledged write through a pipe; after the kill every reported one
 * must be in the reopened database, whole.
 *
 * usage: store_crash [ROUNDS [SEED]]        prints one JSON line; status 1 when a write was lost */
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "store/db.h"

enum { ROUNDS = 12, THREADS = 6, LIVE_MS_MIN = 3, LIVE_MS_MORE = 60, ACKED_MAX = 1 << 20 };

static const Migration tables[] = {
        { 1, "pairs",
          "CREATE TABLE a (id BIGINT PRIMARY KEY, t TEXT NOT NULL);"
          "CREATE TABLE b (id BIGINT PRIMARY KEY REFERENCES a (id));",
          NULL },
        { 0 },
};
static const Migration *const all_tables[] = { tables, NULL };

static const Sql add_a = { "add_a", "INSERT INTO a (id, t) VALUES ($1, $2)" };
static const Sql add_b = { "add_b", "INSERT INTO b (id) VALUES ($1)" };
static const Sql find = { "find", "SELECT 1 FROM a JOIN b USING (id) WHERE id = $1" };
static const Sql halves = { "halves",
                            "SELECT (SELECT count(*) FROM a) - (SELECT count(*) FROM b)" };
static const Sql check = { "check", "PRAGMA integrity_check(1)" };

static void die(const Ctx *cx, const char *what) {
        fprintf(stderr, "store_crash: %s: %s\n", what, cx && cx->err.what ? cx->err.what : "");
        exit(1);
}

/* ---- the child ---- */

typedef struct Child { Db *db; int pipe; int64_t next; } Child;

static Err pair_fn(Ctx *cx, DbConn *c, void *arg) {
        const int64_t *id = arg;
        char text[2000];
        memset(text, 'a' + (int)(*id % 26), sizeof text);
        Str t = str_n(text, (size_t)(*id * 7 % (int64_t)sizeof text));
        TRY(db_run(cx, c, &add_a, ARGS(v_int(*id), v_text(t)), NULL));
        return db_run(cx, c, &add_b, ARGS(v_int(*id)), NULL);
}

static void *child_write(void *arg) {
        Child *child = arg;
        Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        for (;; arena_clear(arena)) {
                int64_t id = __atomic_fetch_add(&child->next, 1, __ATOMIC_RELAXED);
                if (db_write(&cx, child->db, pair_fn, &id))
                        die(&cx, "write");
                if (write(child->pipe, &id, sizeof id) != (ssize_t)sizeof id)
                        die(NULL, "pipe");            /* 8 bytes are written whole (PIPE_BUF) */
        }
        return NULL;
}

static void child_run(const DbSettings *set, int to, int64_t first) {
        Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        Child child = { .pipe = to, .next = first };
        if (db_open(&cx, set, &child.db))
                die(&cx, "open in the child");
        pthread_t t;
        for (int i = 1; i < THREADS; i++)
                pthread_create(&t, NULL, child_write, &child);
        child_write(&child);
}

/* ---- the parent ---- */

typedef struct Acked { int64_t *ids; size_t n; } Acked;

/* Reads what was acknowledged before the kill, and what was still in the pipe. */
static void child_watch(pid_t pid, int from, useconds_t live_us, Acked *acked) {
        size_t before = acked->n;
        for (ssize_t got = 1; got > 0;) {
                if (acked->n == ACKED_MAX)
                        die(NULL, "too many writes");
                got = read(from, &acked->ids[acked->n], sizeof(int64_t));
                acked->n += got == (ssize_t)sizeof(int64_t);
                if (acked->n == before + 1 && live_us) {        /* it works: let it run a while */
                        usleep(live_us);
                        kill(pid, SIGKILL);
                        live_us = 0;
                }
        }
        int status = 0;
        waitpid(pid, &status, 0);
        if (!WIFSIGNALED(status))
                die(NULL, "the child ended by itself");
}

static size_t count_lost(Ctx *cx, DbConn *c, const Acked *acked) {
        size_t lost = 0;
        for (size_t i = 0; i < acked->n; i++) {
                _cleanup_(rows_done) Rows r = { 0 };
                Err e = db_row(cx, c, &find, ARGS(v_int(acked->ids[i])), &r);
                if (e && e != ERR_NOT_FOUND)
                        die(cx, "find");
                lost += e == ERR_NOT_FOUND;
        }
        return lost;
}

/* The number of acknowledged writes that are not there; any other damage ends the run. */
static size_t judge(const DbSettings *set, const Acked *acked) {
        Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        Db *db = NULL;
        DbConn *c = NULL;
        Rows r = { 0 };
        if (db_open(&cx, set, &db) || db_read(&cx, db, &c))
                die(&cx, "reopen");
        size_t lost = count_lost(&cx, c, acked);
        if (db_row(&cx, c, &halves, NO_ARGS, &r) || row_int(&r, 0) != 0)
                die(&cx, "half a write");
        rows_done(&r);
        if (db_row(&cx, c, &check, NO_ARGS, &r) || !str_eq_c(row_text(&r, 0), "ok"))
                die(&cx, "integrity");
        rows_done(&r);
        db_close(db);
        arena_free(arena);
        return lost;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
        return remove(path);
}

int main(int argc, char **argv) {
        int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : ROUNDS;
        unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
        char dir[] = "/tmp/crash-XXXXXX", path[64];
        if (!mkdtemp(dir))
                die(NULL, "mkdtemp");
        snprintf(path, sizeof path, "%s/main.db", dir);
        DbSettings set = { .path = path,
                           .wal_pages = 128, /* checkpoints all the time */
                           .migrations = all_tables,
                           .migrate = true };
        Acked acked = { .ids = calloc(ACKED_MAX, sizeof(int64_t)) };
        size_t lost = 0;
        for (int i = 0; i < rounds && !lost; i++) {
                int ends[2];
                if (pipe(ends))
                        die(NULL, "pipe");
                pid_t pid = fork();
                if (pid == 0)
                        child_run(&set, ends[1], (int64_t)(i + 1) * 1000000);
                close(ends[1]);
                seed = seed * 1664525 + 1013904223;
                child_watch(pid, ends[0], 1000 * (LIVE_MS_MIN + (seed >> 16) % LIVE_MS_MORE),
                            &acked);
                close(ends[0]);
                lost = judge(&set, &acked);
        }
        printf("{\"rounds\":%d,\"acknowledged\":%zu,\"lost\":%zu}\n", rounds, acked.n, lost);
        nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        free(acked.ids);
        return lost > 0;
}

// SPDX-License-Identifier: MIT
/* What only the SQLite driver has: the file, its lock, a full disk, backup and restore. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/testing.h"
#include "store/db.h"

static const Migration tables[] = {
        { 1, "pairs",
          "CREATE TABLE a (id BIGINT PRIMARY KEY, t TEXT NOT NULL); "
          "CREATE TABLE b (id BIGINT PRIMARY KEY, t TEXT NOT NULL);",
          "DROP TABLE a; DROP TABLE b;" },
        { 0 },
};
static const Migration *const all_tables[] = { tables, NULL };

typedef struct Case {
        Arena *arena;
        Ctx cx;
        char dir[64];
        DbSettings set;
        Db *db;
} Case;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
        return remove(path);
}

static int case_begin(void **state) {
        Case *k = calloc(1, sizeof *k);
        k->arena = arena_new();
        k->cx = TEST_CTX(k->arena, &world_real);
        snprintf(k->dir, sizeof k->dir, "/tmp/sqlite-XXXXXX");
        if (!mkdtemp(k->dir))
                return -1;
        k->set = (DbSettings){ .path = arena_printf(k->arena, "%s/main.db", k->dir),
                               .migrations = all_tables,
                               .migrate = true };
        *state = k;
        return 0;
}

static int case_end(void **state) {
        Case *k = *state;
        db_close(k->db);
        nftw(k->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        arena_free(k->arena);
        free(k);
        return 0;
}

static const char *file_in(Case *k, const char *name) {
        return arena_printf(k->arena, "%s/%s", k->dir, name);
}
static void open_it(Case *k) { assert_ok(db_open(&k->cx, &k->set, &k->db)); }

/* The refusal, one sentence that names the file or directory. */
static void assert_refused(Case *k, Err e, Err want, const char *part) {
        assert_err(e, want);
        const char *what = k->cx.err.what ? k->cx.err.what : "(nothing)";
        if (!strstr(what, part))
                fail_msg("\"%s\" does not say \"%s\"", what, part);
        err_clear(&k->cx);
}

/* ---- a write that touches both tables, or none ---- */

static const Sql add_a = { "add_a", "INSERT INTO a (id, t) VALUES ($1, $2)" };
static const Sql add_b = { "add_b", "INSERT INTO b (id, t) VALUES ($1, $2)" };
static const Sql counts = {
        "counts",
        "SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT max(id) FROM a)"
};

typedef struct Pair {
        int64_t id;
        size_t bytes;
        int rolled_back, committed;
} Pair;

static void count_up(void *arg) { ++*(int *)arg; }

static Err pair_fn(Ctx *cx, DbConn *c, void *arg) {
        Pair *p = arg;
        char *text = arena_alloc(cx->arena, p->bytes + 1);
        memset(text, 'x', p->bytes);
        db_on_commit(c, count_up, &p->committed);
        db_on_rollback(c, count_up, &p->rolled_back);
        TRY(db_run(cx, c, &add_a, ARGS(v_int(p->id), v_text(str_n(text, p->bytes))), NULL));
        return db_run(cx, c, &add_b, ARGS(v_int(p->id), v_text(STR("y"))), NULL);
}

static Err pair_add(Case *k, int64_t id, size_t bytes) {
        return db_write(&k->cx, k->db, pair_fn, &(Pair){ id, bytes });
}

typedef struct Counts {
        int64_t a, b, newest;
} Counts;

static Counts counts_of(Case *k, Db *db) {
        DbConn *c = NULL;
        assert_ok(db_read(&k->cx, db, &c));
        _cleanup_(rows_done) Rows r = { 0 };
        assert_ok(db_row(&k->cx, c, &counts, NO_ARGS, &r));
        return (Counts){ row_int(&r, 0), row_int(&r, 1), row_int(&r, 2) };
}

/* ---- opening ---- */

static void the_file_is_ours_alone(void **state) {
        Case *k = *state;
        open_it(k);
        assert_ok(pair_add(k, 1, 10));
        static const char *const names[] = { "main.db", "main.db-wal", "main.db-shm",
                                             "main.db.lock" };
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                struct stat st;
                assert_int_equal(stat(file_in(k, names[i]), &st), 0);
                assert_int_equal(st.st_mode & 0777, 0600);
        }
}

static void a_second_process_is_told(void **state) {
        Case *k = *state;
        open_it(k);
        Db *second = NULL;
        assert_refused(k, db_open(&k->cx, &k->set, &second), ERR_CONFLICT,
                       "in use by another process");
        assert_null(second);
}

static void *close_late(void *arg) {
        usleep(100000); /* what is waited for is another's real time */
        db_close(arg);
        return NULL;
}

static void a_successor_may_wait(void **state) {
        Case *k = *state;
        open_it(k);
        pthread_t t;
        pthread_create(&t, NULL, close_late, k->db);
        k->set.lock_wait_ms = 10000;
        Db *second = NULL;
        assert_ok(db_open(&k->cx, &k->set, &second));
        pthread_join(t, NULL);
        k->db = second;
}

static void put_file(const char *path, Str bytes, off_t at) {
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        assert_int_equal(pwrite(fd, bytes.p, bytes.n, at), (ssize_t)bytes.n);
        close(fd);
}

static void what_cannot_be_opened_says_why(void **state) {
        Case *k = *state;
        const char *path = k->set.path;
        k->set.path = "/nonexistent/dir/main.db";
        assert_refused(k, db_open(&k->cx, &k->set, &k->db), ERR_STORAGE,
                       "/nonexistent/dir does not exist");
        k->set.path = k->dir;
        assert_refused(k, db_open(&k->cx, &k->set, &k->db), ERR_STORAGE, "cannot be opened");
        k->set.path = "/proc/main.db";
        assert_refused(k, db_open(&k->cx, &k->set, &k->db), ERR_STORAGE, "/proc/main.db");
        k->set.path = path;
        Str garbage = str_n(NEW_ARRAY(k->arena, char, 8192), 8192);
        memset((char *)(uintptr_t)garbage.p, 'g', garbage.n);
        put_file(path, garbage, 0);
        assert_refused(k, db_open(&k->cx, &k->set, &k->db), ERR_CORRUPT, "is damaged");
}

static void another_programs_file_is_left_alone(void **state) {
        Case *k = *state;
        open_it(k);
        k->db = db_close(k->db);
        put_file(k->set.path, STR("\0\0\0\7"), 68); /* application_id in the file's header */
        assert_refused(k, db_open(&k->cx, &k->set, &k->db), ERR_CONFLICT, "another program");
}

/* What makes an acknowledged write survive a power cut, and a deleted one disappear. */
static const struct {
        Sql sql;
        int64_t want;
} pragmas[] = {
        { { "sync", "PRAGMA synchronous" }, 2 }, /* FULL: the log is synced at each commit */
        { { "autocheckpoint", "PRAGMA wal_autocheckpoint" }, 0 },
        { { "secure", "PRAGMA secure_delete" }, 1 },
        { { "keys", "PRAGMA foreign_keys" }, 1 },
        { { "temp", "PRAGMA temp_store" }, 2 },
        { { "map", "PRAGMA mmap_size" }, 0 },
};

static Err pragmas_fn(Ctx *cx, DbConn *c, void *arg) {
        for (size_t i = 0; i < ELEMENTSOF(pragmas); i++) {
                _cleanup_(rows_done) Rows r = { 0 };
                TRY(db_row(cx, c, &pragmas[i].sql, NO_ARGS, &r));
                assert_int_equal(row_int(&r, 0), pragmas[i].want);
        }
        static const Sql mode = { "mode", "PRAGMA journal_mode" };
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_row(cx, c, &mode, NO_ARGS, &r));
        assert_str(row_text(&r, 0), "wal");
        return OK;
}

static void the_writer_is_set_to_be_durable(void **state) {
        Case *k = *state;
        open_it(k);
        assert_ok(db_write(&k->cx, k->db, pragmas_fn, NULL));
}

/* ---- the disk is asked before anyone is answered ----
 * These stand before the C library's, so that the test sees and refuses each sync. */

static int syncs, syncs_refused;

static int sync_seen(long call, int fd) {
        __atomic_fetch_add(&syncs, 1, __ATOMIC_RELAXED);
        if (!__atomic_load_n(&syncs_refused, __ATOMIC_RELAXED))
                return (int)syscall(call, fd);
        errno = EIO;
        return -1;
}

int fsync(int fd) { return sync_seen(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_seen(SYS_fdatasync, fd); }

static void an_answer_comes_after_a_sync(void **state) {
        Case *k = *state;
        open_it(k);
        for (int64_t id = 1; id <= 20; id++) {
                int before = __atomic_load_n(&syncs, __ATOMIC_RELAXED);
                assert_ok(pair_add(k, id, 10));
                assert_true(__atomic_load_n(&syncs, __ATOMIC_RELAXED) > before);
        }
}

static void a_sync_that_fails_fails_the_write(void **state) {
        Case *k = *state;
        open_it(k);
        assert_ok(pair_add(k, 1, 10));
        Pair lost = { 2, 10 };
        __atomic_store_n(&syncs_refused, 1, __ATOMIC_RELAXED);
        Err e = db_write(&k->cx, k->db, pair_fn, &lost);
        __atomic_store_n(&syncs_refused, 0, __ATOMIC_RELAXED);
        assert_refused(k, e, ERR_STORAGE, "I/O error");
        assert_int_equal(lost.rolled_back, 1);
        assert_int_equal(counts_of(k, k->db).a, 1);
        assert_ok(pair_add(k, 2, 10));
        assert_int_equal(counts_of(k, k->db).newest, 2);
}

/* ---- a full disk ---- */

static void limit_file_size(rlim_t bytes) {
        struct rlimit l;
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
        l.rlim_cur = bytes;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void a_full_disk_undoes_the_batch_and_heals(void **state) {
        Case *k = *state;
        signal(SIGXFSZ, SIG_IGN);
        open_it(k);
        for (int64_t id = 1; id <= 5; id++)
                assert_ok(pair_add(k, id, 1000));
        DbStats st;
        db_stats(k->db, &st);
        limit_file_size((rlim_t)st.wal_bytes + 20000);
        Pair big = { 100, 200000 };
        Err e = db_write(&k->cx, k->db, pair_fn, &big);
        Counts after = counts_of(k, k->db); /* reads go on */
        limit_file_size(RLIM_INFINITY);
        assert_refused(k, e, ERR_STORAGE, "");
        assert_int_equal(big.rolled_back, 1);
        assert_int_equal(big.committed, 0);
        assert_int_equal(after.a, 5);
        assert_int_equal(after.b, 5);
        assert_ok(pair_add(k, 6, 200000));
        assert_int_equal(counts_of(k, k->db).newest, 6);
}

static const Sql pages_max = { "pages_max", "PRAGMA max_page_count = 40" };
static const Sql pages_free = { "pages_free", "PRAGMA max_page_count = 1000000" };

static Err pragma_fn(Ctx *cx, DbConn *c, void *arg) { return db_run(cx, c, arg, NO_ARGS, NULL); }

typedef struct Queued {
        DbJob job;
        Pair pair;
        Ctx cx;
        int done;
        Err got;
} Queued;

static void queued_done(DbJob *job, Err e) {
        Queued *q = CONTAINER_OF(job, Queued, job);
        q->got = e;
        __atomic_store_n(&q->done, 1, __ATOMIC_RELEASE);
}

/* A statement that finds no page ends the transaction of the whole batch: the jobs before it were
 * not kept either. */
static void a_lost_transaction_fails_its_whole_batch(void **state) {
        Case *k = *state;
        open_it(k);
        assert_ok(db_write(&k->cx, k->db, pragma_fn, (void *)(uintptr_t)&pages_max));
        enum { N = 6 };
        Queued q[N];
        for (int i = 0; i < N; i++) {
                q[i] = (Queued){ .cx = TEST_CTX(arena_new(), &world_real),
                                 .pair = { i + 1, i == N - 1 ? 400000 : 10 } };
                q[i].job = (DbJob){
                        .fn = pair_fn, .arg = &q[i].pair, .cx = &q[i].cx, .done = queued_done
                };
        }
        for (int i = 0; i < N; i++)
                assert_ok(db_submit(&k->cx, k->db, &q[i].job));
        int kept = 0;
        for (int i = 0; i < N; i++) {
                while (!__atomic_load_n(&q[i].done, __ATOMIC_ACQUIRE))
                        usleep(100);
                assert_true(q[i].got == OK || q[i].got == ERR_STORAGE);
                assert_int_equal(q[i].pair.committed, q[i].got == OK);
                assert_int_equal(q[i].pair.rolled_back, q[i].got != OK);
                kept += q[i].got == OK;
                arena_free(q[i].cx.arena);
        }
        assert_err(q[N - 1].got, ERR_STORAGE);
        Counts c = counts_of(k, k->db);
        assert_int_equal(c.a, kept);
        assert_int_equal(c.b, kept);
        assert_ok(db_write(&k->cx, k->db, pragma_fn, (void *)(uintptr_t)&pages_free));
        assert_ok(pair_add(k, 50, 400000));
}

/* ---- a writer that never pauses ---- */

enum { BUSY_FIRST = 1000 };

typedef struct Busy {
        Case *k;
        bool stop;
        int64_t last;
        Arena *arena;
} Busy;

static void *busy_main(void *arg) {
        Busy *b = arg;
        Ctx cx = TEST_CTX(b->arena, &world_real);
        for (int64_t id = BUSY_FIRST; !__atomic_load_n(&b->stop, __ATOMIC_ACQUIRE);
             id++, arena_clear(b->arena))
                if (db_write(&cx, b->k->db, pair_fn, &(Pair){ id, 3000 }) == OK)
                        __atomic_store_n(&b->last, id, __ATOMIC_RELEASE);
        return NULL;
}

static Busy *busy_start(Case *k, pthread_t *ret) {
        Busy *b = NEW(k->arena, Busy);
        *b = (Busy){ .k = k, .arena = arena_new() };
        pthread_create(ret, NULL, busy_main, b);
        return b;
}

static void busy_until(Busy *b, int64_t id) {
        while (__atomic_load_n(&b->last, __ATOMIC_ACQUIRE) < id)
                usleep(1000);
}

static void busy_stop(Busy *b, pthread_t t) {
        __atomic_store_n(&b->stop, true, __ATOMIC_RELEASE);
        pthread_join(t, NULL);
        arena_free(b->arena);
}

/* ---- the log ---- */

static void the_log_is_folded_back(void **state) {
        Case *k = *state;
        open_it(k);
        for (int64_t id = 1; id <= 40; id++)
                assert_ok(pair_add(k, id, 100000));
        DbStats st = { .wal_bytes = 1 };
        for (int i = 0; i < 500 && st.wal_bytes; i++) {
                usleep(10000); /* the writer folds when it has been idle for a moment */
                db_stats(k->db, &st);
        }
        assert_int_equal(st.wal_bytes, 0);
        assert_int_equal(counts_of(k, k->db).a, 40);
        k->db = db_close(k->db);
        assert_int_not_equal(access(file_in(k, "main.db-wal"), F_OK), 0);
}

static const Sql integrity = { "integrity", "PRAGMA integrity_check(1)" };

/* A writer and a reader that never pause. */
static void the_log_is_folded_while_the_writer_goes_on(void **state) {
        enum { WRITES = 3000, PAGES = 256 };
        Case *k = *state;
        k->set.wal_pages = PAGES;
        open_it(k);
        pthread_t t;
        Busy *b = busy_start(k, &t);
        int64_t seen = 0;
        while (seen < BUSY_FIRST + WRITES) {
                Counts now = counts_of(k, k->db);
                assert_int_equal(now.a, now.b);
                assert_true(now.newest >= seen);
                seen = now.newest;
        }
        busy_stop(b, t);
        DbStats st;
        db_stats(k->db, &st);
        assert_true(st.wal_bytes < (int64_t)16 * PAGES * 4096);
        k->db = db_close(k->db);
        open_it(k);
        assert_int_equal(counts_of(k, k->db).a, b->last - BUSY_FIRST + 1);
        DbConn *c = NULL;
        assert_ok(db_read(&k->cx, k->db, &c));
        _cleanup_(rows_done) Rows r = { 0 };
        assert_ok(db_row(&k->cx, c, &integrity, NO_ARGS, &r));
        assert_str(row_text(&r, 0), "ok");
}

/* ---- backup and restore ---- */

typedef struct Seen {
        int calls;
        int64_t done, all;
} Seen;

static void progress_seen(void *arg, int64_t done, int64_t all) {
        Seen *s = arg;
        assert_true(done >= s->done && done <= all);
        *s = (Seen){ s->calls + 1, done, all };
}

static void a_backup_is_of_one_moment(void **state) {
        Case *k = *state;
        open_it(k);
        for (int64_t id = 1; id <= 60; id++)
                assert_ok(pair_add(k, id, 100000));
        pthread_t t;
        Busy *b = busy_start(k, &t);
        busy_until(b, BUSY_FIRST + 10);
        int64_t before = __atomic_load_n(&b->last, __ATOMIC_ACQUIRE);
        Seen seen = { 0 };
        Err e = db_backup(&k->cx, k->db, file_in(k, "copy.db"), progress_seen, &seen);
        busy_stop(b, t);
        assert_ok(e);
        assert_true(seen.calls > 1 && seen.done == seen.all);
        DbSettings set = k->set;
        set.path = file_in(k, "copy.db");
        Db *copy = NULL;
        assert_ok(db_open(&k->cx, &set, &copy));
        Counts c = counts_of(k, copy);
        assert_int_equal(c.a, c.b);
        assert_true(c.newest >= before); /* all that was acknowledged when it began */
        db_close(copy);
        assert_refused(k, db_backup(&k->cx, k->db, set.path, NULL, NULL), ERR_CONFLICT,
                       "already there");
}

static void a_backup_may_be_made_beside_the_server(void **state) {
        Case *k = *state;
        open_it(k);
        assert_ok(pair_add(k, 1, 10));
        DbSettings set = k->set;
        set.beside = true;
        Db *beside = NULL;
        assert_ok(db_open(&k->cx, &set, &beside));
        assert_int_equal(counts_of(k, beside).a, 1);
        assert_ok(db_backup(&k->cx, beside, file_in(k, "copy.db"), NULL, NULL));
        assert_refused(k, db_write(&k->cx, beside, pair_fn, &(Pair){ 2, 10 }), ERR_STORAGE,
                       "reading");
        db_close(beside);
        assert_ok(pair_add(k, 2, 10));
        assert_int_equal(counts_of(k, k->db).a, 2);
}

static void a_backup_that_fails_leaves_no_file(void **state) {
        Case *k = *state;
        open_it(k);
        assert_refused(k, db_backup(&k->cx, k->db, file_in(k, "no/such/copy.db"), NULL, NULL),
                       ERR_STORAGE, "copy.db.part");
        assert_ok(pair_add(k, 1, 300000));
        signal(SIGXFSZ, SIG_IGN);
        limit_file_size(100000);
        Err e = db_backup(&k->cx, k->db, file_in(k, "copy.db"), NULL, NULL);
        limit_file_size(RLIM_INFINITY);
        assert_refused(k, e, ERR_STORAGE, "copy.db");
        assert_int_not_equal(access(file_in(k, "copy.db"), F_OK), 0);
        assert_int_not_equal(access(file_in(k, "copy.db.part"), F_OK), 0);
}

static void restore_brings_back_the_moment(void **state) {
        Case *k = *state;
        open_it(k);
        assert_ok(pair_add(k, 1, 10));
        assert_ok(db_backup(&k->cx, k->db, file_in(k, "copy.db"), NULL, NULL));
        assert_ok(pair_add(k, 2, 10));
        assert_refused(k, db_restore(&k->cx, &k->set, file_in(k, "copy.db")), ERR_CONFLICT, "lock");
        k->db = db_close(k->db);
        assert_ok(db_restore(&k->cx, &k->set, file_in(k, "copy.db")));
        open_it(k);
        assert_int_equal(counts_of(k, k->db).newest, 1);
        k->db = db_close(k->db);
        assert_ok(db_restore(&k->cx, &k->set, file_in(k, "copy.db"))); /* the backup is as it was */
}

static void restore_into_an_empty_directory(void **state) {
        Case *k = *state;
        open_it(k);
        assert_ok(pair_add(k, 7, 10));
        assert_ok(db_backup(&k->cx, k->db, file_in(k, "copy 100%.db"), NULL, NULL));
        k->db = db_close(k->db);
        k->set.path = file_in(k, "fresh.db");
        assert_ok(db_restore(&k->cx, &k->set, file_in(k, "copy 100%.db")));
        open_it(k);
        assert_int_equal(counts_of(k, k->db).newest, 7);
}

static void restore_refuses_what_is_not_good(void **state) {
        Case *k = *state;
        open_it(k);
        for (int64_t id = 1; id <= 20; id++)
                assert_ok(pair_add(k, id, 10000));
        const char *copy = file_in(k, "copy.db"), *other = file_in(k, "other.db");
        assert_ok(db_backup(&k->cx, k->db, copy, NULL, NULL));
        assert_ok(db_backup(&k->cx, k->db, other, NULL, NULL));
        assert_ok(pair_add(k, 21, 10));
        k->db = db_close(k->db);
        assert_refused(k, db_restore(&k->cx, &k->set, file_in(k, "none.db")), ERR_NOT_FOUND,
                       "none.db");
        for (off_t at = 8192; at < 8192 + 40 * 4096; at += 4096)
                put_file(copy, STR("damage damage damage"), at);
        assert_refused(k, db_restore(&k->cx, &k->set, copy), ERR_CORRUPT, "copy.db is damaged");
        put_file(other, STR("\0\0\0\7"), 68);
        assert_refused(k, db_restore(&k->cx, &k->set, other), ERR_CONFLICT, "another program");
        open_it(k);
        assert_int_equal(counts_of(k, k->db).newest, 21); /* nothing was touched */
}

int main(void) {
        static const struct CMUnitTest tests[] = {
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, case_begin, case_end)
                CASE(the_file_is_ours_alone),
                CASE(a_second_process_is_told),
                CASE(a_successor_may_wait),
                CASE(what_cannot_be_opened_says_why),
                CASE(another_programs_file_is_left_alone),
                CASE(the_writer_is_set_to_be_durable),
                CASE(an_answer_comes_after_a_sync),
                CASE(a_sync_that_fails_fails_the_write),
                CASE(a_full_disk_undoes_the_batch_and_heals),
                CASE(a_lost_transaction_fails_its_whole_batch),
                CASE(the_log_is_folded_back),
                CASE(the_log_is_folded_while_the_writer_goes_on),
        CASE(a_backup_is_of_one_moment),
                CASE(a_backup_may_be_made_beside_the_server),
                CASE(a_backup_that_fails_leaves_no_file),
                CASE(restore_brings_back_the_moment),
                CASE(restore_into_an_empty_directory),
                CASE(restore_refuses_what_is_not_good),
        };
        return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/testing.h"
#include "sys/fds.h"
#include "sys/files.h"
#include "sys/late.h"
#include "sys/pool.h"
#include "sys/proc.h"
#include "sys/signals.h"
#include "sys/thread.h"
#include "sys/timer.h"

typedef struct Case {
        Arena *arena;
        Ctx cx;
        char dir[64];
} Case;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
        return remove(path);
}

static int case_begin(void **state) {
        Case *k = calloc(1, sizeof *k);
        k->arena = arena_new();
        k->cx = TEST_CTX(k->arena, &world_real);
        snprintf(k->dir, sizeof k->dir, "/tmp/sys-XXXXXX");
        *state = k;
        return mkdtemp(k->dir) ? 0 : -1;
}

static int case_end(void **state) {
        Case *k = *state;
        nftw(k->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        arena_free(k->arena);
        free(k);
        return 0;
}

static const char *file_in(Case *k, const char *name) {
        return arena_printf(k->arena, "%s/%s", k->dir, name);
}

/* A number that threads raise and the test waits for. */
typedef struct Meter {
        pthread_mutex_t lock;
        pthread_cond_t wake;
        int n;
        bool open;
} Meter;
#define METER                                                                                      \
        { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER }

static void meter_up(void *arg) {
        Meter *m = arg;
        pthread_mutex_lock(&m->lock);
        m->n++;
        pthread_cond_broadcast(&m->wake);
        pthread_mutex_unlock(&m->lock);
}

static void meter_wait(Meter *m, int n) {
        pthread_mutex_lock(&m->lock);
        while (m->n < n)
                pthread_cond_wait(&m->wake, &m->lock);
        pthread_mutex_unlock(&m->lock);
}

static int meter_get(Meter *m) {
        pthread_mutex_lock(&m->lock);
        int n = m->n;
        pthread_mutex_unlock(&m->lock);
        return n;
}

static void meter_let_go(Meter *m) {
        pthread_mutex_lock(&m->lock);
        m->open = true;
        pthread_cond_broadcast(&m->wake);
        pthread_mutex_unlock(&m->lock);
}

/* ---- pool ---- */

typedef struct Task {
        PoolJob job;
        Meter *meter;
        bool blocks;
} Task;

static void task_run(PoolJob *job) {
        Task *t = CONTAINER_OF(job, Task, job);
        meter_up(t->meter);
        pthread_mutex_lock(&t->meter->lock);
        while (t->blocks && !t->meter->open)
                pthread_cond_wait(&t->meter->wake, &t->meter->lock);
        pthread_mutex_unlock(&t->meter->lock);
}

static void a_pool_runs_everything_it_took(void **state) {
        Case *k = *state;
        enum { N = 200 };
        Meter m = METER;
        Task tasks[N];
        Pool *p = NULL;
        assert_ok(pool_new(&k->cx, &(PoolSettings){ "test", 4, N }, &p));
        for (int i = 0; i < N; i++) {
                tasks[i] = (Task){ .job.run = task_run, .meter = &m };
                assert_true(pool_submit(p, &tasks[i].job));
        }
        p = pool_free(p);
        assert_null(p);
        assert_int_equal(meter_get(&m), N);
}

static void a_full_pool_refuses(void **state) {
        Case *k = *state;
        Meter m = METER;
        Task tasks[6];
        Pool *p = NULL;
        assert_ok(pool_new(&k->cx, &(PoolSettings){ "a long thread name is cut", 2, 3 }, &p));
        for (int i = 0; i < 6; i++)
                tasks[i] = (Task){ .job.run = task_run, .meter = &m, .blocks = true };
        assert_true(pool_submit(p, &tasks[0].job));
        assert_true(pool_submit(p, &tasks[1].job));
        meter_wait(&m, 2); /* both threads are taken */
        for (int i = 2; i < 5; i++)
                assert_true(pool_submit(p, &tasks[i].job));
        assert_int_equal(pool_depth(p), 3);
        assert_false(pool_submit(p, &tasks[5].job));
        meter_let_go(&m);
        pool_free(p);
        assert_int_equal(meter_get(&m), 5);
}

static int threads_now(void) {
        int n = 0;
        DIR *d = opendir("/proc/self/task");
        assert_non_null(d);
        for (struct dirent *e; (e = readdir(d));)
                n += e->d_name[0] != '.';
        closedir(d);
        return n;
}

static void a_pool_starts_a_thread_when_none_is_free(void **state) {
        Case *k = *state;
        enum { N = 6 };
        Meter m = METER;
        Task tasks[N];
        Pool *p = NULL;
        int before = threads_now();
        assert_ok(pool_new(&k->cx, &(PoolSettings){ "test", N, N }, &p));
        assert_int_equal(threads_now(), before + 1);
        for (int i = 0; i < N; i++) {
                tasks[i] = (Task){ .job.run = task_run, .meter = &m, .blocks = true };
                assert_true(pool_submit(p, &tasks[i].job));
        }
        meter_wait(&m, N); /* all at once */
        assert_int_equal(threads_now(), before + N);
        meter_let_go(&m);
        pool_free(p);
}

/* ---- timers ---- */

static void a_one_shot_runs_once(void **state) {
        Case *k = *state;
        Meter m = METER, later = METER;
        _cleanup_(timers_freep) Timers *t = NULL;
        assert_ok(timers_new(&k->cx, &t));
        Timer *one = timer_after(t, 0, meter_up, &m);
        timer_after(t, 5, meter_up, &later);
        meter_wait(&later, 1);
        assert_int_equal(meter_get(&m), 1);
        one = timer_stop(one);
        assert_null(one);
        assert_null(timer_stop(NULL));
}

static void a_period_repeats_until_stopped(void **state) {
        Case *k = *state;
        Meter m = METER, later = METER;
        _cleanup_(timers_freep) Timers *t = NULL;
        assert_ok(timers_new(&k->cx, &t));
        Timer *every = timer_every(t, 0, 1, meter_up, &m);
        meter_wait(&m, 5);
        timer_stop(every);
        int n = meter_get(&m);
        timer_after(t, 20, meter_up, &later);
        meter_wait(&later, 1);
        assert_int_equal(meter_get(&m), n);
}

typedef struct Order {
        Meter m;
        char text[16];
} Order;
typedef struct Letter {
        Order *order;
        char c;
} Letter;

static void letter_put(void *arg) {
        Letter *l = arg;
        l->order->text[l->order->m.n] = l->c;
        meter_up(&l->order->m);
}

static void timers_run_in_the_order_of_time(void **state) {
        Case *k = *state;
        Order o = { .m = METER };
        Letter l[6];
        static const int at_ms[] = { 30, 10, 60, 20, 50, 40 };
        _cleanup_(timers_freep) Timers *t = NULL;
        assert_ok(timers_new(&k->cx, &t));
        Timer *handles[6];
        for (int i = 0; i < 6; i++) {
                l[i] = (Letter){ &o, (char)('a' + i) };
                handles[i] = timer_after(t, at_ms[i], letter_put, &l[i]);
        }
        timer_stop(handles[4]); /* the one at 50 */
        meter_wait(&o.m, 5);
        assert_string_equal(o.text, "bdafc");
}

typedef struct Self {
        Meter m;
        Timer *timer;
} Self;

static void stop_self(void *arg) {
        Self *s = arg;
        pthread_mutex_lock(&s->m.lock);
        while (!s->m.open)
                pthread_cond_wait(&s->m.wake, &s->m.lock);
        pthread_mutex_unlock(&s->m.lock);
        s->timer = timer_stop(s->timer);
        meter_up(&s->m);
}

static void a_timer_may_stop_itself(void **state) {
        Case *k = *state;
        Self s = { .m = METER };
        Meter later = METER;
        _cleanup_(timers_freep) Timers *t = NULL;
        assert_ok(timers_new(&k->cx, &t));
        s.timer = timer_every(t, 0, 1, stop_self, &s);
        meter_let_go(&s.m);
        meter_wait(&s.m, 1);
        timer_after(t, 10, meter_up, &later);
        meter_wait(&later, 1);
        assert_int_equal(meter_get(&s.m), 1);
}

typedef struct Slow {
        Meter m;
        int ended;
} Slow;

static void slow_fn(void *arg) {
        Slow *s = arg;
        meter_up(&s->m);
        usleep(20000);
        __atomic_store_n(&s->ended, 1, __ATOMIC_RELEASE);
}

static void stop_waits_for_a_callback_that_runs(void **state) {
        Case *k = *state;
        Slow s = { .m = METER };
        _cleanup_(timers_freep) Timers *t = NULL;
        assert_ok(timers_new(&k->cx, &t));
        Timer *slow = timer_every(t, 0, 1, slow_fn, &s);
        meter_wait(&s.m, 1);
        timer_stop(slow);
        assert_int_equal(__atomic_load_n(&s.ended, __ATOMIC_ACQUIRE), 1);
}

/* ---- signals ---- */

typedef struct Caught {
        Meter m;
        int last;
} Caught;

static void caught(void *arg, int number) {
        Caught *c = arg;
        __atomic_store_n(&c->last, number, __ATOMIC_RELEASE);
        meter_up(&c->m);
}

static void signals_come_as_calls(void **state) {
        Case *k = *state;
        Caught c = { .m = METER };
        Signals *s = NULL;
        assert_ok(signals_start(&k->cx, caught, &c, &s));
        static const int numbers[] = { SIGTERM, SIGHUP, SIGINT, SIGTERM };
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                kill(getpid(), numbers[i]);
                meter_wait(&c.m, (int)i + 1);
                assert_int_equal(__atomic_load_n(&c.last, __ATOMIC_ACQUIRE), numbers[i]);
        }
        signals_stop(s);
}

/* ---- files ---- */

static void a_file_is_replaced_whole(void **state) {
        Case *k = *state;
        const char *path = file_in(k, "f");
        Str got = STR("before");
        assert_err(file_read(&k->cx, path, 100, &got), ERR_NOT_FOUND);
        assert_str(got, "before");
        assert_ok(file_write(&k->cx, path, STR("one")));
        assert_ok(file_write(&k->cx, path, STR("")));
        assert_ok(file_read(&k->cx, path, 100, &got));
        assert_str(got, "");
        assert_ok(file_write(&k->cx, path, STR("1234567890")));
        assert_ok(file_read(&k->cx, path, 10, &got));
        assert_str(got, "1234567890");
        assert_err(file_read(&k->cx, path, 9, &got), ERR_TOO_LARGE);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_not_equal(access(file_in(k, "f.part"), F_OK), 0);
}

static void a_file_that_cannot_be_written_stays(void **state) {
        Case *k = *state;
        assert_err(file_write(&k->cx, "/nonexistent/f", STR("x")), ERR_STORAGE);
        err_clear(&k->cx);
        assert_ok(file_write(&k->cx, file_in(k, "f"), STR("old")));
        assert_int_equal(symlink("/dev/full", file_in(k, "f.part")), 0);
        assert_err(file_write(&k->cx, file_in(k, "f"), STR("new")),
                   ERR_STORAGE); /* a link is not followed */
        Str got = STR_NULL;
        assert_ok(file_read(&k->cx, file_in(k, "f"), 10, &got));
        assert_str(got, "old");
}

static void directories_are_private(void **state) {
        Case *k = *state;
        struct stat st;
        assert_ok(dir_make(&k->cx, file_in(k, "d")));
        assert_ok(dir_make(&k->cx, file_in(k, "d")));
        assert_int_equal(stat(file_in(k, "d"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_err(dir_make(&k->cx, file_in(k, "x/y")), ERR_STORAGE);
        err_clear(&k->cx);
        assert_ok(file_write(&k->cx, file_in(k, "f"), STR("")));
        assert_err(dir_make(&k->cx, file_in(k, "f")), ERR_STORAGE);
}

static void a_lock_has_one_holder(void **state) {
        Case *k = *state;
        int first = -1, second = -1;
        assert_ok(lock_take(&k->cx, file_in(k, "l"), 0, &first));
        assert_err(lock_take(&k->cx, file_in(k, "l"), 0, &second), ERR_CONFLICT);
        err_clear(&k->cx);
        int64_t from = thread_mono_us();
        assert_err(lock_take(&k->cx, file_in(k, "l"), 50, &second), ERR_CONFLICT);
        assert_true(thread_mono_us() - from >= 50000);
        assert_int_equal(second, -1);
        fd_close(&first);
        assert_ok(lock_take(&k->cx, file_in(k, "l"), 0, &second));
        fd_close(&second);
}

/* ---- descriptors ---- */

static int listener(void) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
        assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static void env_fd(const char *name, int64_t v) {
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)v);
        setenv(name, text, 1);
}

static void a_listening_socket_is_taken_over(void **state) {
        Case *k = *state;
        int got = 77, fd = listener();
        assert_ok(listen_fd_take(&k->cx, &got));
        assert_int_equal(got, -1);
        env_fd("MAINSTAY_LISTEN_FD", fd);
        assert_ok(listen_fd_take(&k->cx, &got));
        assert_int_equal(got, fd);
        assert_null(getenv("MAINSTAY_LISTEN_FD"));
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
}

static void variables_of_another_process_are_not_ours(void **state) {
        Case *k = *state;
        int got = 77;
        env_fd("LISTEN_PID", getpid() + 1);
        env_fd("LISTEN_FDS", 1);
        assert_ok(listen_fd_take(&k->cx, &got));
        assert_int_equal(got, -1);
        assert_null(getenv("LISTEN_FDS"));
}

static void what_is_no_listening_socket_is_refused(void **state) {
        Case *k = *state;
        int got = 77, file = open("/dev/null", O_RDONLY), idle = socket(AF_INET, SOCK_STREAM, 0);
        int64_t bad[] = { file, idle, 1, 9999, 1LL << 40 };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                env_fd("MAINSTAY_LISTEN_FD", bad[i]);
                assert_err(listen_fd_take(&k->cx, &got), ERR_INVALID);
                assert_int_equal(got, 77);
        }
        close(file);
        close(idle);
}

static void the_service_manager_is_told(void **state) {
        Case *k = *state;
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        const char *path = file_in(k, "notify");
        memcpy(at.sun_path, path, strlen(path));
        int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
        notify("READY=1"); /* nobody asked: nothing happens */
        setenv("NOTIFY_SOCKET", path, 1);
        notify("STOPPING=1");
        char text[64] = "";
        assert_int_equal(recv(fd, text, sizeof text, MSG_DONTWAIT), 10);
        assert_string_equal(text, "STOPPING=1");
        setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
        notify("READY=1");
        unsetenv("NOTIFY_SOCKET");
        close(fd);
}

/* ---- process ---- */

static void figures_follow_the_process(void **state) {
        Case *k = *state;
        ProcStats a, b;
        assert_ok(proc_stats(&k->cx, &a));
        assert_true(a.rss_bytes > 100000 && a.rss_bytes < a.virtual_bytes);
        assert_int_equal(a.threads >= 1, 1);
        assert_true(a.started_ms > 1600000000000 && a.started_ms <= cx_now_ms(&k->cx) + 2000);
        size_t n = 8 << 20;
        volatile char *block = malloc(n);
        for (size_t i = 0; i < n; i += 4096)
                block[i] = 1;
        int fd = open("/dev/null", O_RDONLY);
        assert_ok(proc_stats(&k->cx, &b));
        assert_int_equal(b.fds, a.fds + 1);
        assert_true(b.rss_bytes >= a.rss_bytes + (7 << 20));
        assert_true(b.cpu_s >= a.cpu_s && b.fds < b.fds_max);
        close(fd);
        free((void *)(uintptr_t)block);
        assert_true(proc_memory_limit() >= 0);
        /* control groups v1 write "no limit" as a number no machine has */
        assert_true(proc_memory_max() > 0 && proc_memory_max() < INT64_C(1) << 50);
        assert_true(fds_limit_raise() >= b.fds_max);
}

static void free_space_is_a_share(void **state) {
        Case *k = *state;
        double ratio = -1;
        assert_ok(disk_free_ratio(&k->cx, k->dir, &ratio));
        assert_true(ratio > 0 && ratio <= 1);
        ratio = -1;
        assert_err(disk_free_ratio(&k->cx, "/nonexistent", &ratio), ERR_STORAGE);
        assert_true(ratio == -1);
}

/* ---- libraries ---- */

static LateLibrary math = LATE_LIBRARY("libm.so.6", "for a test");
double fmod(double x, double y);
LATE_FUNCTION(&math, double, fmod, (double x, double y), (x, y))

static void a_library_is_loaded_when_it_is_needed(void **state) {
        Case *k = *state;
        assert_null(math.handle);
        assert_ok(late_load(&k->cx, &math));
        assert_ok(late_load(&k->cx, &math));
        volatile double x = 7;  /* not worked out by the compiler */
        assert_true(fmod(x, 4) == 3);
}

static void a_library_that_is_not_there_is_named(void **state) {
        Case *k = *state;
        static LateLibrary lib = LATE_LIBRARY("libabsent.so.1", "for a test");
        assert_err(late_load(&k->cx, &lib), ERR_UNAVAILABLE);
        assert_str(str_c(k->cx.err.what), "libabsent.so.1 is needed for a test and is not installed");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, case_begin, case_end)
                CASE(signals_come_as_calls), /* first: while there is one thread */
                CASE(a_pool_runs_everything_it_took),
                CASE(a_full_pool_refuses),
                CASE(a_pool_starts_a_thread_when_none_is_free),
                CASE(a_one_shot_runs_once),
                CASE(a_period_repeats_until_stopped),
                CASE(timers_run_in_the_order_of_time),
                CASE(a_timer_may_stop_itself),
                CASE(stop_waits_for_a_callback_that_runs),
                CASE(a_file_is_replaced_whole),
                CASE(a_file_that_cannot_be_written_stays),
                CASE(directories_are_private),
                CASE(a_lock_has_one_holder),
                CASE(a_listening_socket_is_taken_over),
                CASE(variables_of_another_process_are_not_ours),
                CASE(what_is_no_listening_socket_is_refused),
                CASE(the_service_manager_is_told),
                CASE(figures_follow_the_process),
                CASE(free_space_is_a_share),
                CASE(a_library_is_loaded_when_it_is_needed),
                CASE(a_library_that_is_not_there_is_named),
        };
        return cmocka_run_group_tests_name("sys", tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* A server of one row per lane on a store of its own: where each handler runs, what it holds, and
 * what becomes of a request when its lane is full, fails or is overtaken. */
#include "base/testing.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#include "api/api.h"
#include "api/route.h"
#include "sys/pool.h"
#include "sys/thread.h"

enum { PATIENCE_MS = 5000, ANSWER_MAX = 16 * 1024 };

typedef struct Gate {
        pthread_mutex_t lock;
        pthread_cond_t moved;
        int waiting;
        bool open;
} Gate;
static Gate gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

/* ---- the rows ---- */

typedef struct Seen {
        Str thread;
        bool has_db, may_write;
        int64_t rows;
} Seen;
static const Shape seen_shape =
        SHAPE(Seen,
        F_STR(Seen, thread, F_REQ),
        F_BOOL(Seen, has_db, F_REQ),
        F_BOOL(Seen, may_write, F_REQ),
        F_INT(Seen, rows, F_REQ));

static const Sql sql_put = { "test.put", "INSERT INTO things (name) VALUES ($1)" };
static const Sql sql_count = { "test.count", "SELECT COUNT(*) FROM things" };

static Seen look(Req *rq) {
        char *name = arena_alloc(rq->cx->arena, 16);
        pthread_getname_np(pthread_self(), name, 16);
        Seen s = { .thread = str_c(name), .has_db = rq->db != NULL };
        _cleanup_(rows_done) Rows r = { 0 };
        if (rq->db && !db_row(rq->cx, rq->db, &sql_count, NO_ARGS, &r))
                s.rows = row_int(&r, 0);
        return s;
}

static Err where(Req *rq, const void *in, void *ret) {
        *(Seen *)ret = look(rq);
        return OK;
}

static Err put(Req *rq, const void *in, void *ret) {
        TRY(db_run(rq->cx, rq->db, &sql_put, ARGS(v_text(STR("a"))), NULL));
        Seen s = look(rq);
        s.may_write = true;
        *(Seen *)ret = s;
        return OK;
}

static Err put_and_fail(Req *rq, const void *in, void *ret) {
        TRY(put(rq, in, ret));
        return RAISE(rq->cx, ERR_CONFLICT, "as asked");
}

static Err put_fail_and_keep(Req *rq, const void *in, void *ret) {
        rq->keep = true;
        return put_and_fail(rq, in, ret);
}

static Err refuse(Req *rq, const void *in, void *ret) {
        return RAISE(rq->cx, ERR_FORBIDDEN, "as asked");
}

static Err wait_at_gate(Req *rq, const void *in, void *ret) {
        pthread_mutex_lock(&gate.lock);
        gate.waiting++;
        pthread_cond_broadcast(&gate.moved);
        while (!gate.open)
                pthread_cond_wait(&gate.moved, &gate.lock);
        pthread_mutex_unlock(&gate.lock);
        return where(rq, in, ret);
}

static Err take_long(Req *rq, const void *in, void *ret) {
        thread_sleep_ms(1200);
        return where(rq, in, ret);
}

static void *answer_later(void *arg) {
        Req *rq = arg;
        Seen s = look(rq);
        req_answer(rq, OK, &s);
        return NULL;
}

static Err stream_whole(Req *rq, const void *in, void *ret) {
        pthread_t t;
        assert_int_equal(pthread_create(&t, NULL, answer_later, rq), 0);
        pthread_detach(t);
        return OK;
}

static Err stream_events(Req *rq, const void *in, void *ret) {
        _cleanup_(stream_unrefp) Stream *s = req_stream(rq, &(StreamSettings){ .arg = NULL });
        stream_send(s, STR("data: one\n\n"));
        stream_end(s);
        return OK;
}

#define ROW(path_, method_, lane_, fn_, ...)                                                       \
        {                                                                                          \
                .id = "test" path_, .method = method_, .path = path_, .lane = lane_,               \
                .auth = AUTH_NONE, .out = &seen_shape, .tag = "Test", .summary = "A test",         \
                .audit_none = "a test", .fn = fn_, __VA_ARGS__                                     \
        }
static const Route rows[] = {
        ROW("/inline", GET, LANE_INLINE, where, .rate = RATE_NONE),
        ROW("/read", GET, LANE_READ, where, .rate = RATE_NONE),
        ROW("/write", POST, LANE_WRITE, put, .rate = RATE_NONE),
        ROW("/write/fail", POST, LANE_WRITE, put_and_fail, .rate = RATE_NONE,
            .errors = ERRORS(ERR_CONFLICT)),
        ROW("/write/keep", POST, LANE_WRITE, put_fail_and_keep, .rate = RATE_NONE,
            .errors = ERRORS(ERR_CONFLICT)),
        ROW("/write/admit", POST, LANE_WRITE, put, .rate = RATE_NONE, .admit = refuse),
        ROW("/worker", GET, LANE_WORKER, where, .rate = RATE_NONE),
        ROW("/worker/gate", GET, LANE_WORKER, wait_at_gate, .rate = RATE_NONE),
        ROW("/hash", POST, LANE_HASH, where, .rate = RATE_NONE),
        ROW("/hash/gate", POST, LANE_HASH, wait_at_gate, .rate = RATE_NONE),
        ROW("/stream", GET, LANE_STREAM, stream_whole, .rate = RATE_NONE),
        ROW("/stream/events", GET, LANE_STREAM, stream_events, .rate = RATE_NONE),
        ROW("/long", GET, LANE_INLINE, take_long, .rate = RATE_NONE),
        ROW("/paid", GET, LANE_INLINE, where, .rate = RATE_LOGIN),
        { .id = NULL },
};
static const Route *const tables[] = { rows, NULL };

static const Migration things[] = {
        { 1, "things", "CREATE TABLE things (name TEXT NOT NULL);", NULL }, { .number = 0 }
};
static const Migration *const migrations[] = { things, identity_migrations, NULL };

/* ---- the server ---- */

typedef struct Fixture {
        Arena *arena;
        Ctx cx;
        char dir[64];
        Db *db, *failing; /* failing: NULL, or what the rows meet */
        Identity *identity;
        Pool *workers, *hashers;
        Router *router;
        Services sv;
        Api *api;
        Server *server;
} Fixture;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
        return remove(path);
}

static void fixture_open(Fixture *f) {
        DbSettings db = { .path = arena_printf(f->arena, "%s/x.db", f->dir),
                          .migrations = migrations,
                          .migrate = true };
        assert_ok(db_open(&f->cx, &db, &f->db));
        IdentitySettings identity = { .data_dir = f->dir,
                                      .issuer = STR("test"),
                                      .audience = STR("test"),
                                      .public_url = STR("http://test") };
        assert_ok(identity_new(&f->cx, f->db, &identity, &f->identity));
        assert_ok(pool_new(&f->cx, &(PoolSettings){ "worker", 1, 1 }, &f->workers));
        assert_ok(pool_new(&f->cx, &(PoolSettings){ "hash", 1, 1 }, &f->hashers));
        assert_ok(router_new(&f->cx, tables, &f->router));
        f->sv = (Services){ .db = f->failing ? f->failing : f->db,
                            .identity = f->identity,
                            .workers = f->workers,
                            .hashers = f->hashers,
                            .router = f->router,
                            .server = &f->server };
        ApiSettings set = { .public_url = STR("http://test"), .limits_off = true };
        assert_ok(api_new(&f->cx, &f->sv, f->router, &set, &f->api));
        ServerSettings listen = { .listen = STR("127.0.0.1:0"),
                                  .fd = -1,
                                  .threads = 1,
                                  .world = &world_real,
                                  .hooks = api_hooks(f->api) };
        assert_ok(server_start(&f->cx, &listen, &f->server));
}

static Fixture *fixture_new(void) {
        Fixture *f = calloc(1, sizeof *f);
        f->arena = arena_new();
        f->cx = (Ctx){ .arena = f->arena, .world = &world_real };
        gate.waiting = 0;
        gate.open = false;
        snprintf(f->dir, sizeof f->dir, "/tmp/lanes-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        return f;
}

static int setup(void **state) {
        Fixture *f = fixture_new();
        fixture_open(f);
        *state = f;
        return 0;
}

static int setup_failing(void **state) {
        Fixture *f = fixture_new();
        assert_ok(db_open_failing(&f->cx, ERR_STORAGE, &f->failing));
        fixture_open(f);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        server_free(f->server);
        pool_free(f->hashers);
        pool_free(f->workers);
        api_free(f->api);
        router_free(f->router);
        identity_free(f->identity);
        db_close(f->failing);
        db_close(f->db);
        nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        arena_free(f->arena);
        free(f);
        return 0;
}

/* ---- the client ---- */

static int ask(const Fixture *f, const char *what) {
        struct sockaddr_in at = { .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(server_port(f->server)) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
        char text[512];
        int n = snprintf(text, sizeof text,
                         "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                         what);
        assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
        return fd;
}

static const char *answer(Fixture *f, int fd) {
        char *text = arena_bytes(f->arena, ANSWER_MAX);
        size_t n = 0;
        for (ssize_t got = 1; got > 0; n += (size_t)MAX(got, 0)) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
                got = recv(fd, text + n, ANSWER_MAX - 1 - n, 0);
                assert_true(got >= 0);
        }
        text[n] = '\0';
        close(fd);
        return text;
}

static const char *get(Fixture *f, const char *what) { return answer(f, ask(f, what)); }

static void assert_says(const char *text, const char *what) {
        if (!strstr(text, what))
                fail_msg("no \"%s\" in: %s", what, text);
}

static int64_t things_stored(Fixture *f) {
        const char *at = strstr(get(f, "GET /read"), "\"rows\":");
        assert_non_null(at);
        return strtol(at + strlen("\"rows\":"), NULL, 10);
}

/* ---- where ---- */

static void each_lane_runs_where_its_row_says(void **state) {
        Fixture *f = *state;
        static const struct {
                const char *what, *thread;
                bool has_db;
        } cases[] = {
                { "GET /inline", NULL, false },          { "GET /read", NULL, true },
                { "POST /write", "store-writer", true }, { "GET /worker", "worker", false },
                { "POST /hash", "hash", false },
        };
        char own[16];
        pthread_getname_np(pthread_self(), own, sizeof own);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *text = get(f, cases[i].what);
                assert_says(text, "HTTP/1.1 200 ");
                assert_says(text, cases[i].has_db ? "\"has_db\":true" : "\"has_db\":false");
                /* a loop has no name of its own: that of the program */
                const char *thread = cases[i].thread ? cases[i].thread : own;
                assert_says(text, arena_printf(f->arena, "\"thread\":\"%s\"", thread));
        }
}

static void a_stream_row_answers_whole_or_in_events(void **state) {
        Fixture *f = *state;
        assert_says(get(f, "GET /stream"), "\"has_db\":false");
        const char *events = get(f, "GET /stream/events");
        assert_says(events, "text/event-stream");
        assert_says(events, "data: one\n\n");
}

/* ---- writes ---- */

static void a_write_stays_when_it_succeeds_or_is_kept(void **state) {
        Fixture *f = *state;
        assert_says(get(f, "POST /write"), "HTTP/1.1 200 ");
        assert_int_equal(things_stored(f), 1);
        assert_says(get(f, "POST /write/fail"), "HTTP/1.1 409 ");
        assert_int_equal(things_stored(f), 1);
        assert_says(get(f, "POST /write/keep"), "HTTP/1.1 409 ");
        assert_int_equal(things_stored(f), 2);
        assert_says(get(f, "POST /write/admit"), "HTTP/1.1 403 ");
        assert_int_equal(things_stored(f), 2);
}

static void a_statement_that_fails_leaves_nothing(void **state) {
        Fixture *f = *state;
        db_fail_at(f->db, 1, ERR_STORAGE);
        assert_says(get(f, "POST /write"), "HTTP/1.1 503 ");
        assert_int_equal(things_stored(f), 0);
        assert_says(get(f, "POST /write"), "HTTP/1.1 200 ");
        assert_int_equal(things_stored(f), 1);
}

static void a_store_that_is_gone_is_said_so(void **state) {
        Fixture *f = *state;
        assert_says(get(f, "GET /inline"), "HTTP/1.1 200 ");
        for (const char *const *what = (const char *const[]){ "GET /read", "POST /write", NULL };
             *what; what++) {
                const char *text = get(f, *what);
                assert_says(text, "HTTP/1.1 503 ");
                assert_says(text, "Retry-After: 1");
                assert_says(text, "\"code\":\"storage_unavailable\"");
        }
}

/* ---- full ---- */

static void gate_await(int n) {
        pthread_mutex_lock(&gate.lock);
        while (gate.waiting < n)
                pthread_cond_wait(&gate.moved, &gate.lock);
        pthread_mutex_unlock(&gate.lock);
}

static void gate_open(void) {
        pthread_mutex_lock(&gate.lock);
        gate.open = true;
        pthread_cond_broadcast(&gate.moved);
        pthread_mutex_unlock(&gate.lock);
}

/* One runs, one waits, the third is told to come again; who waited is answered. */
static void a_full_pool_refuses(Fixture *f, const char *what, const Pool *pool, const char *code) {
        int running = ask(f, what);
        gate_await(1);
        int waiting = ask(f, what);
        for (int i = 0; i < PATIENCE_MS && !pool_depth(pool); i++)
                thread_sleep_ms(1);
        const char *text = get(f, what);
        assert_says(text, "HTTP/1.1 503 ");
        assert_says(text, "Retry-After: 1");
        assert_says(text, arena_printf(f->arena, "\"code\":\"%s\"", code));
        assert_says(get(f, "GET /inline"), "HTTP/1.1 200 ");
        gate_open();
        assert_says(answer(f, running), "HTTP/1.1 200 ");
        assert_says(answer(f, waiting), "HTTP/1.1 200 ");
}

static void full_workers_refuse(void **state) {
        Fixture *f = *state;
        a_full_pool_refuses(f, "GET /worker/gate", f->workers, "unavailable");
}

static void full_hashers_refuse(void **state) {
        Fixture *f = *state;
        a_full_pool_refuses(f, "POST /hash/gate", f->hashers, "hash_queue_full");
}

/* What comes while a loop is a second behind waits as long: paid rows are refused before anything
 * is done for them, health and the like are not; and soon all is as before. */
static void a_loop_that_lags_refuses(void **state) {
        Fixture *f = *state;
        assert_says(get(f, "GET /paid"), "HTTP/1.1 200 ");
        assert_says(get(f, "GET /long"), "HTTP/1.1 200 ");
        const char *text = get(f, "GET /paid");
        assert_says(text, "HTTP/1.1 503 ");
        assert_says(text, "Retry-After: 1");
        assert_says(text, "http-problem-types#temporary-reduced-capacity");
        assert_says(get(f, "GET /inline"), "HTTP/1.1 200 ");
        thread_sleep_ms(600);
        assert_says(get(f, "GET /paid"), "HTTP/1.1 200 ");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void) {
        const struct CMUnitTest tests[] = {
                CASE(each_lane_runs_where_its_row_says),
                CASE(a_stream_row_answers_whole_or_in_events),
                CASE(a_write_stays_when_it_succeeds_or_is_kept),
                CASE(a_statement_that_fails_leaves_nothing),
                cmocka_unit_test_setup_teardown(a_store_that_is_gone_is_said_so, setup_failing,
                                                teardown),
                CASE(full_workers_refuse),
                CASE(full_hashers_refuse),
                CASE(a_loop_that_lags_refuses),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* What identity does in the process, one thread, with the real store behind.
 *
 * Token checks, from the header fields of a request to a Principal. Warm: seen before. Cold:
 * signature, claims, session and account each time. Different: no token comes twice, so that the
 * cache of verified tokens is as full as it gets and turns over.
 *
 * Tables: sign-ins with all that they leave behind, until everything has expired, twice. The clock
 * is moved ahead, so a year takes seconds. BENCH_TOKENS: different tokens (200000);
 * BENCH_SIGN_INS: sign-ins of each of the two rounds (100000). */
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "codec/jose.h"
#include "identity/login.h"
#include "identity/mfa.h"
#include "identity/once.h"
#include "identity/token.h"

enum { USERS = 1000, WARM = 2000000, COLD = 100000, BATCH = 500 };
#define SECRET STR("a-shared-signing-key-of-48-bytes-for-the-bench-0")
#define DAY_MS INT64_C(86400000)

typedef struct Bench {
        Arena *arena;
        World world;
        int64_t ahead_ms;
        Ctx cx;
        char dir[64];
        Db *db;
        Identity *id;
        User users[USERS];
        Str sids[USERS], tokens[USERS];
} Bench;

static int64_t moved_now_ms(World *w) {
        return world_real.now_ms(w) + CONTAINER_OF(w, Bench, world)->ahead_ms;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
        return remove(path);
}

static void must(Ctx *cx, Err e) {
        if (!e)
                return;
        fprintf(stderr, "%s: %s\n", cx->err.where, cx->err.what);
        exit(1);
}

static long setting(const char *name, long usual) {
        const char *text = getenv(name);
        int64_t v;
        return text && str_to_i64(str_c(text), &v) ? (long)v : usual;
}

static const Caller caller = { STR("192.0.2.1"), STR("bench") };

static User user_new(Bench *b, size_t i) {
        return (User){ .user_id = user_id_new(&b->cx),
                       .email = arena_strf(b->arena, "user%zu@example.org", i),
                       .full_name = STR("Some Body"),
                       .is_active = true,
                       .created_at = cx_now_ms(&b->cx) };
}

static Err users_write(Ctx *cx, DbConn *c, void *arg) {
        Bench *b = arg;
        Work w = { b->id, c, caller };
        for (size_t i = 0; i < USERS; i++) {
                SessionGrant grant;
                b->users[i] = user_new(b, i);
                TRY(user_add(cx, &w, &b->users[i]));
                TRY(session_start(cx, &w, &b->users[i], false, &grant));
                b->sids[i] = grant.session_id;
                b->tokens[i] = arena_strf(b->arena, "Bearer %.*s", STR_FMT(grant.access_token));
        }
        return OK;
}

static Bench *bench_open(Str secret, size_t cache_max) {
        static const Migration *const migrations[] = { identity_migrations, NULL };
        Bench *b = calloc(1, sizeof *b);
        b->arena = arena_new();
        b->world = world_real;
        b->world.now_ms = moved_now_ms;
        b->cx = (Ctx){ .arena = b->arena, .world = &b->world };
        snprintf(b->dir, sizeof b->dir, "/tmp/bench-identity-XXXXXX");
        if (!mkdtemp(b->dir))
                exit(1);
        DbSettings db = { .path = arena_printf(b->arena, "%s/b.db", b->dir),
                          .migrations = migrations,
                          .migrate = true };
        IdentitySettings set = { .data_dir = b->dir, .jwt_secret = secret, .cache_max = cache_max };
        must(&b->cx, db_open(&b->cx, &db, &b->db));
        must(&b->cx, identity_new(&b->cx, b->db, &set, &b->id));
        must(&b->cx, db_write(&b->cx, b->db, users_write, b));
        return b;
}

static void bench_close(Bench *b) {
        identity_free(b->id);
        db_close(b->db);
        nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        arena_free(b->arena);
        free(b);
}

static size_t rss_kib(void) {
        unsigned long size, resident;
        FILE *f = fopen("/proc/self/statm", "r");
        if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
                exit(1);
        fclose(f);
        return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* ---- token checks ---- */

static void check(Ctx *cx, Bench *b, Str authorization) {
        Credentials in = { .authorization = authorization, .client_ip = caller.ip };
        Principal p;
        must(cx, identity_authenticate(cx, b->id, &in, &p));
}

/* Checks per second. */
static double run(Bench *b, size_t n) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &b->world };
        int64_t started = cx_mono_us(&cx);
        for (size_t i = 0; i < n; i++) {
                arena_clear(arena);
                check(&cx, b, b->tokens[i % USERS]);
        }
        return (double)n * 1e6 / (double)(cx_mono_us(&cx) - started);
}

/* Of the user's session, as each refresh would give one. */
static Str token_make(Ctx *cx, Bench *b, const JoseKey *key, size_t i) {
        int64_t now_s = cx_now_ms(cx) / 1000;
        AccessClaims c = { .user_id = b->users[i % USERS].user_id,
                           .sid = b->sids[i % USERS],
                           .jti = arena_strf(cx->arena, "token-%zu", i),
                           .scope = STR("profile"),
                           .iss = STR("mainstay"),
                           .aud = STR("mainstay"),
                           .iat = now_s,
                           .exp = now_s + 600 };
        Str token;
        must(cx, jws_sign(cx, key, STR("at+jwt"), claims_write(cx, &c), &token));
        return arena_strf(cx->arena, "Bearer %.*s", STR_FMT(token));
}

typedef struct Different {
        double per_s;
        ssize_t growth_kib;
} Different;

/* The first half fills the cache. */
static Different run_different(Bench *b, size_t n) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        _cleanup_(jose_key_freep) JoseKey *key = NULL;
        Ctx cx = { .arena = arena, .world = &b->world };
        int64_t us = 0;
        size_t before = 0;
        must(&cx, jose_key_hs256(&cx, SECRET, STR_NULL, &key));
        for (size_t i = 0; i < n; i++) {
                arena_clear(arena);
                if (i == n / 2)
                        before = rss_kib();
                Str token = token_make(&cx, b, key, i);
                int64_t started = cx_mono_us(&cx);
                check(&cx, b, token);
                us += cx_mono_us(&cx) - started;
        }
        return (Different){ (double)n * 1e6 / (double)us, (ssize_t)rss_kib() - (ssize_t)before };
}

/* ---- tables ---- */

typedef struct Sizes {
        int64_t rows, used_kib, file_kib;
} Sizes;

static Sizes sizes(Bench *b) {
        static const Sql rows = {
                "bench_rows",
                "SELECT (SELECT COUNT(*) FROM sessions) + (SELECT COUNT(*) FROM login_failures) + "
                "(SELECT COUNT(*) FROM one_time_tokens) + (SELECT COUNT(*) FROM revoked_tokens) + "
                "(SELECT COUNT(*) FROM audit) + (SELECT COUNT(*) FROM audit_checkpoints) + "
                "(SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM user_keys)"
        };
        static const Sql pages = { "bench_pages",
                                   "SELECT page_count - freelist_count, page_count, page_size FROM "
                                   "pragma_page_count, pragma_freelist_count, pragma_page_size" };
        _cleanup_(rows_done) Rows n = { 0 }, p = { 0 };
        DbConn *c;
        must(&b->cx, db_read(&b->cx, b->db, &c));
        must(&b->cx, db_row(&b->cx, c, &rows, NO_ARGS, &n));
        must(&b->cx, db_row(&b->cx, c, &pages, NO_ARGS, &p));
        return (Sizes){ row_int(&n, 0), row_int(&p, 0) * row_int(&p, 2) / 1024,
                        row_int(&p, 1) * row_int(&p, 2) / 1024 };
}

typedef struct Batch {
        Bench *b;
        size_t at, n;
} Batch;

/* Every tenth comes with a wrong password first, every tenth starts a reset, and every tenth ends a
 * token of the front end. */
static Err sign_in(Ctx *cx, const Work *w, Bench *b, size_t i) {
        LoginEnd end = { .user = b->users[i % USERS] };
        Str name = arena_strf(cx->arena, "typo%zu@example.org", i), token;
        OnceNew once = { ONCE_RESET, end.user.user_id, .ttl_s = 600 };
        Principal front = { .kind = WHO_FOREIGN,
                            .user_id = end.user.user_id,
                            .jti = name,
                            .expires_at_s = cx_now_ms(cx) / 1000 + 3600 };
        SessionGrant grant;
        if (i % 10 == 0)
                TRY(login_failed(cx, w, name, STR_NULL, "authn_login_fail"));
        if (i % 10 == 1)
                TRY(once_new(cx, w, &once, &token));
        if (i % 10 == 2)
                TRY(principal_logout(cx, w, &front));
        return login_finish(cx, w, &end, &grant);
}

static Err batch_write(Ctx *cx, DbConn *c, void *arg) {
        const Batch *in = arg;
        Work w = { in->b->id, c, caller };
        for (size_t i = in->at; i < in->at + in->n; i++)
                TRY(sign_in(cx, &w, in->b, i));
        return OK;
}

static void tick(Bench *b, int64_t ms) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &b->world };
        b->ahead_ms += ms;
        must(&cx, identity_tick(&cx, b->id));
}

static void sign_ins(Bench *b, size_t n) {
        for (size_t at = 0; at < n; at += BATCH) {
                _cleanup_(arena_freep) Arena *arena = arena_new();
                Ctx cx = { .arena = arena, .world = &b->world };
                Batch batch = { b, at, MIN((size_t)BATCH, n - at) };
                must(&cx, db_write(&cx, b->db, batch_write, &batch));
                tick(b, 1000);
        }
}

/* More than a year later, until a minute of housekeeping changes nothing. */
static Sizes expire(Bench *b) {
        Sizes now = sizes(b), last;
        b->ahead_ms += 400 * DAY_MS;
        do {
                last = now;
                for (int i = 0; i < 6; i++)
                        tick(b, 10000);
                now = sizes(b);
        } while (now.rows != last.rows);
        return now;
}

static void sizes_print(const char *name, Sizes s) {
        printf("\"%s\":{\"rows\":%lld,\"used_kib\":%lld,\"file_kib\":%lld},", name,
               (long long)s.rows, (long long)s.used_kib, (long long)s.file_kib);
}

static void tables(size_t n) {
        Bench *b = bench_open(SECRET, 0);
        sign_ins(b, BATCH); /* what every table holds in use */
        Sizes start = expire(b);
        int64_t started = cx_mono_us(&b->cx);
        sign_ins(b, n);
        double per_s = (double)n * 1e6 / (double)(cx_mono_us(&b->cx) - started);
        Sizes full = sizes(b), after = expire(b);
        size_t rss = rss_kib();
        sign_ins(b, n);
        Sizes again = expire(b);
        sizes_print("start", start);
        sizes_print("full", full);
        sizes_print("expired", after);
        sizes_print("expired_again", again);
        printf("\"sign_ins\":%zu,\"sign_ins_per_s\":%.0f,\"tables_growth_kib\":%zd", n, per_s,
               (ssize_t)rss_kib() - (ssize_t)rss);
        bench_close(b);
}

int main(void) {
        log_level = LOG_ERROR;
        Bench *b = bench_open(SECRET, 0);
        double warm = (run(b, USERS), run(b, WARM));
        size_t before = rss_kib();
        double again = run(b, WARM);
        size_t after = rss_kib();
        long n = setting("BENCH_TOKENS", 200000);
        Different d = run_different(b, (size_t)n);
        bench_close(b);
        b = bench_open(SECRET, 1);
        double cold_hs = run(b, COLD);
        bench_close(b);
        b = bench_open(STR_NULL, 1);
        double cold_es = run(b, COLD / 5);
        bench_close(b);
        printf("{\"warm_per_s\":%.0f,\"cold_hs256_per_s\":%.0f,\"cold_es256_per_s\":%.0f,"
               "\"rss_growth_kib\":%zd,\"different\":%ld,\"different_per_s\":%.0f,"
               "\"different_growth_kib\":%zd,",
               MAX(warm, again), cold_hs, cold_es, (ssize_t)after - (ssize_t)before, n, d.per_s,
               d.growth_kib);
        tables((size_t)setting("BENCH_SIGN_INS", 100000));
        printf("}\n");
        return 0;
}

// SPDX-License-Identifier: MIT
/* Token checks in the process, one thread: from the header fields of a request to a Principal, with
 * the real store behind. Warm: seen before. Cold: signature, claims, session and account each time. */
#include <ftw.h>
#include <unistd.h>

#include "base/log.h"
#include "identity/account.h"
#include "identity/session.h"

enum { USERS = 1000, WARM = 2000000, COLD = 100000 };

typedef struct Bench {
        Arena *arena;
        Ctx cx;
        char dir[64];
        Db *db;
        Identity *id;
        Str tokens[USERS];
} Bench;

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
        return remove(path);
}

static void must(Bench *b, Err e) {
        if (!e)
                return;
        fprintf(stderr, "%s: %s\n", b->cx.err.where, b->cx.err.what);
        exit(1);
}

typedef struct Start { Bench *b; User user; SessionGrant grant; } Start;

static Err start_write(Ctx *cx, DbConn *c, void *arg) {
        Start *s = arg;
        Work w = { s->b->id, c, { STR("192.0.2.1"), STR("bench") } };
        TRY(user_add(cx, &w, &s->user));
        return session_start(cx, &w, &s->user, false, &s->grant);
}

static void bench_open(Bench *b, Str secret, size_t cache_max) {
        static const Migration *const migrations[] = { identity_migrations, NULL };
        *b = (Bench){ .arena = arena_new() };
        b->cx = (Ctx){ .arena = b->arena, .world = &world_real };
        snprintf(b->dir, sizeof b->dir, "/tmp/bench-identity-XXXXXX");
        if (!mkdtemp(b->dir))
                exit(1);
        must(b, db_open(&b->cx,
                        &(DbSettings){ .path = arena_printf(b->arena, "%s/b.db", b->dir),
                                       .migrations = migrations,
                                       .migrate = true },
                        &b->db));
        must(b, identity_new(&b->cx, b->db,
                             &(IdentitySettings){ .data_dir = b->dir,
                                                  .jwt_secret = secret,
                                                  .cache_max = cache_max },
                             &b->id));
        for (size_t i = 0; i < USERS; i++) {
                Start s = { .b = b,
                            .user = { .user_id = user_id_new(&b->cx),
                                      .email = arena_strf(b->arena, "user%zu@example.org", i),
                                      .full_name = STR("Some Body"),
                                      .is_active = true,
                                      .created_at = cx_now_ms(&b->cx) } };
                must(b, db_write(&b->cx, b->db, start_write, &s));
                b->tokens[i] = arena_strf(b->arena, "Bearer %.*s", STR_FMT(s.grant.access_token));
        }
}

static void bench_close(Bench *b) {
        identity_free(b->id);
        db_close(b->db);
        nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        arena_free(b->arena);
}

/* Checks per second. */
static double run(Bench *b, size_t n) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        int64_t started = cx_mono_us(&cx);
        for (size_t i = 0; i < n; i++) {
                Credentials in = { .authorization = b->tokens[i % USERS], .client_ip = STR("192.0.2.1") };
                Principal p;
                arena_clear(arena);
                must(b, identity_authenticate(&cx, b->id, &in, &p));
        }
        return (double)n * 1e6 / (double)(cx_mono_us(&cx) - started);
}

static size_t rss_kib(void) {
        unsigned long size, resident;
        FILE *f = fopen("/proc/self/statm", "r");
        if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
                exit(1);
        fclose(f);
        return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

int main(void) {
        Bench b;
        log_level = LOG_ERROR;
        bench_open(&b, STR("a-shared-signing-key-of-48-bytes-for-the-bench-0"), 0);
        double warm = (run(&b, USERS), run(&b, WARM));
        size_t before = rss_kib();
        double again = run(&b, WARM);
        size_t after = rss_kib();
        bench_close(&b);
        bench_open(&b, STR("a-shared-signing-key-of-48-bytes-for-the-bench-0"), 1);
        double cold_hs = run(&b, COLD);
        bench_close(&b);
        bench_open(&b, STR_NULL, 1);
        double cold_es = run(&b, COLD / 5);
        bench_close(&b);
        printf("{\"warm_per_s\":%.0f,\"cold_hs256_per_s\":%.0f,\"cold_es256_per_s\":%.0f,"
               "\"rss_growth_kib\":%zd}\n",
               warm > again ? warm : again, cold_hs, cold_es, (ssize_t)after - (ssize_t)before);
        return 0;
}

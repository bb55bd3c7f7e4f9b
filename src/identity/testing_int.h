// SPDX-License-Identifier: MIT
#pragma once
/* An Identity over a database of its own, in a directory that goes when the test ends. The clock
 * is the test's. */
#include <ftw.h>
#include <unistd.h>

#include "base/testing.h"
#include "identity/identity_int.h"
#include "identity/login.h"

#define TEST_NOW_MS INT64_C(1795170600000)
#define TEST_SECRET "a-shared-signing-key-of-48-bytes-for-this-test-0"

typedef struct Fix {
        Arena *arena;
        TestWorld world;
        Ctx cx;
        char dir[64];
        Db *db;
        IdentitySettings set;
        Identity *id;
} Fix;

static const Migration *const test_migrations[] = { identity_migrations, NULL };

static int fix_remove(const char *path, const struct stat *st, int kind, struct FTW *at) {
        return remove(path);
}

static inline void fix_open(Fix *f) {
        f->set.data_dir = f->dir;
        assert_ok(db_open(&f->cx,
                          &(DbSettings){ .path = arena_printf(f->arena, "%s/t.db", f->dir),
                                         .migrations = test_migrations,
                                         .migrate = true },
                          &f->db));
        if (identity_new(&f->cx, f->db, &f->set, &f->id))
                fail_msg("%s: %s", f->cx.err.where, f->cx.err.what);
}

static inline void fix_close(Fix *f) {
        f->id = identity_free(f->id);
        f->db = db_close(f->db);
}

static inline Fix *fix_new(const IdentitySettings *set) {
        Fix *f = calloc(1, sizeof(*f));

        f->arena = arena_new();
        f->world = TEST_WORLD(TEST_NOW_MS);
        f->cx = TEST_CTX(f->arena, &f->world.world);
        snprintf(f->dir, sizeof(f->dir), "/tmp/identity-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        f->set = *set;
        fix_open(f);
        return f;
}

static inline void fix_free(Fix *f) {
        fix_close(f);
        nftw(f->dir, fix_remove, 8, FTW_DEPTH | FTW_PHYS);
        arena_free(f->arena);
        free(f);
}

static inline void fix_fails(Fix *f) {
        fail_msg("%s: %s", f->cx.err.where ? f->cx.err.where : "?",
                 f->cx.err.what ? f->cx.err.what : "?");
}
#define OKF(f, expr)                                                                               \
        do {                                                                                       \
                if (expr)                                                                          \
                        fix_fails(f);                                                              \
        } while (0)

static inline Work fix_work(Fix *f, DbConn *c) { return (Work){ .id = f->id, .c = c }; }

static inline DbConn *fix_read(Fix *f) {
        DbConn *c;

        OKF(f, db_read(&f->cx, f->db, &c));
        return c;
}

/* ---- writes as plain calls ---- */

typedef struct FixStart {
        Fix *f;
        User user;
        bool remember;
        SessionGrant grant;
} FixStart;

static Err fix_user_add_(Ctx *cx, DbConn *c, void *arg) {
        FixStart *s = arg;

        return user_add(cx, &(Work){ .id = s->f->id, .c = c }, &s->user);
}

/* An account with this address and a password that no hash was made for. */
static inline User fix_user(Fix *f, const char *email) {
        FixStart s = { f,
                       { .user_id = user_id_new(&f->cx),
                         .email = str_c(email),
                         .full_name = STR("Test"),
                         .password_hash = password_dummy(PASSWORD_ARGON2ID),
                         .is_active = true,
                         .is_verified = true,
                         .created_at = f->world.now_ms } };

        OKF(f, db_write(&f->cx, f->db, fix_user_add_, &s));
        return s.user;
}

static Err fix_session_(Ctx *cx, DbConn *c, void *arg) {
        FixStart *s = arg;

        return session_start(cx, &(Work){ s->f->id, c, { STR("192.0.2.1"), STR("agent") } },
                             &s->user, s->remember, &s->grant);
}

static inline SessionGrant fix_session(Fix *f, User u, bool remember) {
        FixStart s = { f, u, remember };

        OKF(f, db_write(&f->cx, f->db, fix_session_, &s));
        return s.grant;
}

static inline Err fix_bearer(Fix *f, Str token, Principal *ret) {
        Err e;

        err_clear(&f->cx);
        e = identity_authenticate(&f->cx, f->id,
                                  &(Credentials){ .authorization = arena_strf(
                                                          f->arena, "Bearer %.*s", STR_FMT(token)),
                                                  .client_ip = STR("192.0.2.1") },
                                  ret);
        return e;
}

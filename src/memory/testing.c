// SPDX-License-Identifier: MIT
#include "memory/testing.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

static Err fix_key(Ctx *cx, DbConn *c, Str owner_id, void *arg, uint8_t ret_key[32]) {
        unsigned char full[SHA256_SIZE];
        hmac_sha256(STR("test"), owner_id, full);
        memcpy(ret_key, full, 32);
        return OK;
}

static Err fix_quota(Ctx *cx, DbConn *c, Str owner_id, void *arg, int64_t *ret_max) {
        *ret_max = ((Fix *)arg)->quota;
        return OK;
}

static void fix_open(Fix *f) {
        MemorySettings set = { .key = fix_key, .quota = fix_quota, .arg = f };
        assert_ok(memory_new(&f->cx, f->db, &set, &f->m));
}

Fix *fix_new(void) {
        static const Migration *const tables[] = { memory_migrations, NULL };
        Fix *f = calloc(1, sizeof *f);
        assert_non_null(f);
        log_level = LOG_WARN; /* what is tested speaks for itself */
        f->world = TEST_WORLD(FIX_NOW);
        f->arena = arena_new();
        f->cx = TEST_CTX(f->arena, &f->world.world);
        f->quota = -1;
        snprintf(f->dir, sizeof f->dir, "/tmp/memory-test-XXXXXX");
        assert_non_null(mkdtemp(f->dir));
        DbSettings set = { .path = arena_printf(f->arena, "%s/db", f->dir),
                           .migrations = tables,
                           .migrate = true };
        assert_ok(db_open(&f->cx, &set, &f->db));
        fix_open(f);
        return f;
}

Fix *fix_free(Fix *f) {
        memory_free(f->m);
        db_close(f->db);
        static const char *const files[] = { "db", "db-wal", "db-shm", "db-journal" };
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                unlink(arena_printf(f->arena, "%s/%s", f->dir, files[i]));
        rmdir(f->dir);
        arena_free(f->arena);
        free(f);
        return NULL;
}

void fix_reopen(Fix *f) {
        memory_free(f->m);
        fix_open(f);
}

typedef struct Run {
        Fix *f;
        Str user;
        FixFn *fn;
        void *arg;
} Run;

static Err run_write(Ctx *cx, DbConn *c, void *arg) {
        Run *r = arg;
        MemoryScope s = { r->f->m, c, r->user, "user" };
        return r->fn(cx, &s, r->arg);
}

Err fix_write(Fix *f, const char *user, FixFn *fn, void *arg) {
        err_clear(&f->cx);
        return db_write(&f->cx, f->db, run_write, &(Run){ f, str_c(user), fn, arg });
}

MemoryScope fix_scope(Fix *f, const char *user) {
        MemoryScope s = { .m = f->m, .user_id = str_c(user), .actor = "user" };
        err_clear(&f->cx);
        assert_ok(db_read(&f->cx, f->db, &s.c));
        return s;
}

typedef struct Add {
        const MemoryNew *in;
        MemoryWritten *ret;
} Add;

static Err add_run(Ctx *cx, const MemoryScope *s, void *arg) {
        Add *a = arg;
        return memory_add(cx, s, a->in, a->ret);
}

Err fix_add(Fix *f, const char *user, const MemoryNew *in, MemoryWritten *ret) {
        return fix_write(f, user, add_run, &(Add){ in, ret });
}

typedef struct Say {
        const char *text;
        Learned *ret;
} Say;

static Err say_run(Ctx *cx, const MemoryScope *s, void *arg) {
        Say *a = arg;
        Conversation c;
        Turn t;
        Facts facts;
        ExtractContext ec = { .said_at = cx_now_ms(cx) };
        TRY(conversation_default(cx, s, &c));
        TRY(turn_add(cx, s,
                     &(TurnNew){ .conversation_id = c.conversation_id,
                                 .role = STR("user"),
                                 .text = str_c(a->text) },
                     &t));
        facts_extract(cx->arena, t.text, &ec, &facts);
        return memory_learn(cx, &(MemoryScope){ s->m, s->c, s->user_id, "rule" }, &t, &facts,
                            a->ret);
}

Err fix_say(Fix *f, const char *user, const char *text, Learned *ret) {
        return fix_write(f, user, say_run, &(Say){ text, ret });
}

void fix_advance(Fix *f, double days) {
        f->world.now_ms += (int64_t)(days * 86400000.0);
        f->world.mono_us += (int64_t)(days * 86400000000.0);
}

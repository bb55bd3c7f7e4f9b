// SPDX-License-Identifier: MIT
/* The driver whose every call fails with one error, so that product code can be tested against a
 * storage that is gone. */
#include "store/db_int.h"

typedef struct FailDb {
        Db base;
        Err with;
} FailDb;

static Err fail(Ctx *cx, Db *db) {
        Err with = CONTAINER_OF(db, FailDb, base)->with;
        return RAISE(cx, with, "the failing storage driver was asked to fail");
}

static Err fail_read(Ctx *cx, Db *db, DbConn **ret) { return fail(cx, db); }
static Err fail_submit(Ctx *cx, Db *db, DbJob *job) { return fail(cx, db); }
static Err fail_backup(Ctx *cx, Db *db, const char *to, DbProgress *progress, void *arg) {
        return fail(cx, db);
}
static void fail_stats(Db *db, DbStats *ret) { *ret = (DbStats){ 0 }; }
static void fail_close(Db *db) { free(CONTAINER_OF(db, FailDb, base)); }

/* No connection is ever lent, so there are no statements to serve. */
static const DbDriver fail_driver = {
        .name = "failing",
        .read = fail_read,
        .submit = fail_submit,
        .backup = fail_backup,
        .stats = fail_stats,
        .close = fail_close,
};

Err db_open_failing(Ctx *cx, Err with, Db **ret) {
        assert(with != OK);
        FailDb *f = calloc(1, sizeof *f);
        if (!f)
                abort();
        *f = (FailDb){ .base = { .driver = &fail_driver }, .with = with };
        *ret = &f->base;
        return OK;
}

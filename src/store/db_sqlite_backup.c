// SPDX-License-Identifier: MIT
/* Backup and restore of the SQLite file. A backup reads one snapshot through a connection of its
 * own, so writes go on and the copy is of one moment; it appears under its name only when it is
 * whole, checked and on the disk. */
#include "store/db_sqlite_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/files.h"

enum { STEP_PAGES = 1024 };

static void sqlite_closep(sqlite3 **db) { sqlite3_close(*db); }

/* The first line of the check; OK when it is "ok". */
static Err file_check(Ctx *cx, sqlite3 *db, const char *path, const char *pragma) {
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(db, pragma, -1, &st, NULL);
        if (!rc)
                rc = sqlite3_step(st);
        const char *text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : NULL;
        Err e = OK;
        if (!text)
                e = sqlite_fail(cx, db, rc, path);
        else if (strcmp(text, "ok"))
                e = RAISE(cx, ERR_CORRUPT, "%s: %s", path, text);
        sqlite3_finalize(st);
        return e;
}

typedef struct Copy {
        sqlite3 *from, *to;
        DbProgress *progress;
        void *arg;
} Copy;

static Err copy_pages(Ctx *cx, const Copy *copy, const char *path) {
        sqlite3_backup *b = sqlite3_backup_init(copy->to, "main", copy->from, "main");
        if (!b)
                return sqlite_fail(cx, copy->to, sqlite3_errcode(copy->to), path);
        int rc = SQLITE_OK;
        while (rc == SQLITE_OK) {
                rc = cx_left_ms(cx) ? sqlite3_backup_step(b, STEP_PAGES) : SQLITE_INTERRUPT;
                int64_t all = sqlite3_backup_pagecount(b);
                if (copy->progress)
                        copy->progress(copy->arg, all - sqlite3_backup_remaining(b), all);
        }
        sqlite3_backup_finish(b);
        return rc == SQLITE_DONE ? OK : sqlite_fail(cx, copy->to, rc, path);
}

/* A new file at `part` with what `from` holds, checked. */
static Err copy_to_part(Ctx *cx, Copy *copy, const char *part) {
        unlink(part);
        _cleanup_(fd_close) int fd =
                open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return RAISE(cx, ERR_STORAGE, "cannot create %s: %s", part, strerror(errno));
        _cleanup_(sqlite_closep) sqlite3 *to = NULL;
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
        int rc = sqlite3_open_v2(part, &to, flags, NULL);
        if (rc)
                return sqlite_fail(cx, to, rc, part);
        copy->to = to;
        TRY(copy_pages(cx, copy, part));
        return file_check(cx, to, part, "PRAGMA quick_check(1)");
}

static Err copy_to(Ctx *cx, Copy *copy, const char *path) {
        const char *part = arena_printf(cx->arena, "%s.part", path);
        Err e = copy_to_part(cx, copy, part);
        if (!e)
                e = file_move(cx, part, path);
        if (e)
                unlink(part);
        return e;
}

Err sqlite_backup(Ctx *cx, Db *db, const char *to, DbProgress *progress, void *arg) {
        if (access(to, F_OK) == 0)
                return RAISE(cx, ERR_CONFLICT, "The file %s is already there.", to);
        _cleanup_(conn_closep) SqliteConn *c = NULL;
        TRY(conn_open(cx, sqlite_db(db), CONN_READER, &c));
        /* One read transaction over all steps: without it each write of the server would start the
         * copy anew. */
        int rc = sqlite3_exec(c->db, "BEGIN; SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
        if (rc)
                return sqlite_fail(cx, c->db, rc, "backup");
        return copy_to(cx, &(Copy){ .from = c->db, .progress = progress, .arg = arg }, to);
}

/* ---- restore ---- */

/* An absolute path as a SQLite URI. Immutable: read without lock, log or index, also from a
 * read-only directory. */
static Err file_uri(Ctx *cx, const char *path, bool immutable, Str *ret) {
        char full[PATH_MAX];
        if (!realpath(path, full))
                return RAISE(cx, ERR_STORAGE, "cannot read %s: %s", path, strerror(errno));
        _cleanup_(buf_done) Buf uri = BUF(PATH_MAX * 3 + 64);
        buf_add_c(&uri, "file://");
        for (const char *c = full; *c; c++) {
                bool plain = strchr("%?#", *c) == NULL;
                plain ? buf_addc(&uri, *c) : buf_addf(&uri, "%%%02X", (unsigned char)*c);
        }
        buf_add_c(&uri, immutable ? "?immutable=1" : "");
        *ret = arena_dup(cx->arena, buf_str(&uri));
        return OK;
}

/* A backup is one file that nobody writes; with a log beside it, it is a live database or the copy
 * of one. */
static Err backup_read(Ctx *cx, const char *from, sqlite3 **ret) {
        struct stat st;
        if (stat(from, &st) || !S_ISREG(st.st_mode))
                return RAISE(cx, ERR_NOT_FOUND, "There is no backup %s.", from);
        bool alone = stat(arena_printf(cx->arena, "%s-wal", from), &st) != 0;
        Str uri = STR_NULL;
        TRY(file_uri(cx, from, alone, &uri));
        int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE;
        int rc = sqlite3_open_v2(uri.p, ret, flags, NULL);
        return rc ? sqlite_fail(cx, *ret, rc, from) : OK;
}

/* Our file, whole, with a schema this version knows. */
static Err part_judge(Ctx *cx, const DbSettings *set, const char *part) {
        DbSettings look = *set;
        look.path = part;
        look.migrate = false;
        Db *db = NULL;
        Err e = db_open(cx, &look, &db);
        if (!e)
                e = file_check(cx, sqlite_db(db)->writer.conn->db, part,
                               "PRAGMA integrity_check(1)");
        db_close(db);
        unlink(arena_printf(cx->arena, "%s.lock", part));
        return e;
}

/* The log of the old file must not be played into the new one. Closing folds it into the old file,
 * if that still can be. */
static void old_settle(Ctx *cx, const char *path) {
        sqlite3 *old = NULL;
        if (sqlite3_open_v2(path, &old, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK)
                sqlite3_exec(old, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
        sqlite3_close(old);
        unlink(arena_printf(cx->arena, "%s-wal", path));
        unlink(arena_printf(cx->arena, "%s-shm", path));
}

Err sqlite_restore(Ctx *cx, const DbSettings *set, const char *from) {
        sqlite_setup();
        const char *part = arena_printf(cx->arena, "%s.part", set->path);
        _cleanup_(fd_close) int lock = -1;
        TRY(lock_take(cx, arena_printf(cx->arena, "%s.lock", set->path), set->lock_wait_ms, &lock));
        _cleanup_(sqlite_closep) sqlite3 *source = NULL;
        TRY(backup_read(cx, from, &source));
        Err e = copy_to_part(cx, &(Copy){ .from = source }, part);
        if (!e)
                e = part_judge(cx, set, part);
        if (e)
                unlink(part);
        if (e == ERR_CORRUPT) {
                err_clear(cx);
                return RAISE(cx, e, "The backup %s is damaged.", from);
        }
        TRY(e);
        old_settle(cx, set->path);
        return file_move(cx, part, set->path);
}

// SPDX-License-Identifier: MIT
/* The SQLite driver: opening, connections, and the read lane. Statements and the writer have their
 * own files.
 *
 * One process owns the file (a lock beside it), one thread writes, one helps it with checkpoints,
 * every other thread reads through a connection of its own. Readers never checkpoint, also not when
 * they close. */
#include "store/db_sqlite_int.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/files.h"

enum {
        CACHE_KIB = 2048,
        WRITER_CACHE_KIB = 8192, /* it meets pages of everybody */
        DEADLINE_OPS = 4096,         /* virtual machine steps between two looks at the clock */
        APPLICATION_ID = 0x4d61696e, /* "Main": tells our file from another program's */
};

static void setup(void) {
        sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        /* no block of pages for a connection that reads three */
        sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
        sqlite3_initialize();
        sqlite_log_vfs();
}

void sqlite_setup(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, setup);
}

/* ---- connections ---- */

static int deadline_passed(void *arg) {
        SqliteConn *c = arg;
        return c->cx && cx_left_ms(c->cx) == 0;
}

static const char pragmas_all[] =
        "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA wal_autocheckpoint = 0;"
        "PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;";
/* The log keeps its size from one checkpoint to the next: writing over what is there needs no entry
 * in the file system's own journal, growing does with every commit. A quiet moment cuts it to
 * nothing. */
static const char pragmas_writer[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                     "PRAGMA journal_size_limit = 134217728;";
static const char pragmas_reader[] = "PRAGMA synchronous = FULL; PRAGMA query_only = ON;";

static int conn_configure(SqliteConn *c, ConnRole role) {
        sqlite3 *db = c->db;
        sqlite3_busy_timeout(db, BUSY_MS);
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, role != CONN_WRITER, NULL);
        char cache[64];
        size_t usual = role == CONN_WRITER ? WRITER_CACHE_KIB : CACHE_KIB;
        snprintf(cache, sizeof cache, "PRAGMA cache_size = -%zu",
                 c->owner->cache_kib ? c->owner->cache_kib : usual);
        int rc = sqlite3_exec(db, pragmas_all, NULL, NULL, NULL);
        if (!rc)
                rc = sqlite3_exec(db, cache, NULL, NULL, NULL);
        if (!rc)
                rc = sqlite3_exec(db, role == CONN_WRITER ? pragmas_writer : pragmas_reader, NULL,
                                  NULL, NULL);
        /* A write that is interrupted would take the whole batch with it; only reads stop at their
         * deadline. */
        if (role == CONN_READER)
                sqlite3_progress_handler(db, DEADLINE_OPS, deadline_passed, c);
        return rc;
}

Err conn_open(Ctx *cx, SqliteDb *s, ConnRole role, SqliteConn **ret) {
        Arena *arena = arena_new();
        _cleanup_(conn_closep) SqliteConn *c = NEW(arena, SqliteConn);
        c->arena = arena;
        c->owner = s;
        c->base.db = &s->base;
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
        int rc = sqlite3_open_v2(s->path, &c->db, flags,
                                 role == CONN_WRITER ? SQLITE_LOG_VFS : NULL);
        if (!rc)
                rc = conn_configure(c, role);
        if (rc)
                return sqlite_fail(cx, c->db, rc, s->path);
        *ret = c;
        c = NULL;
        return OK;
}

SqliteConn *conn_close(SqliteConn *c) {
        if (!c)
                return NULL;
        stmts_done(c);
        hooks_done(&c->base);
        sqlite3_close(c->db);
        arena_free(c->arena);
        return NULL;
}

/* ---- the read lane ---- */

static void reader_unlink(SqliteConn *c) {
        *c->prev = c->next;
        if (c->next)
                c->next->prev = c->prev;
}

/* A thread ends: so does its connection. */
static void reader_exit(void *arg) {
        SqliteConn *c = arg;
        pthread_mutex_lock(&c->owner->readers_lock);
        reader_unlink(c);
        pthread_mutex_unlock(&c->owner->readers_lock);
        conn_close(c);
}

static Err reader_get(Ctx *cx, SqliteDb *s, SqliteConn **ret) {
        SqliteConn *c = pthread_getspecific(s->key);
        if (!c) {
                TRY(conn_open(cx, s, CONN_READER, &c));
                pthread_mutex_lock(&s->readers_lock);
                c->next = s->readers;
                c->prev = &s->readers;
                if (c->next)
                        c->next->prev = &c->next;
                s->readers = c;
                pthread_mutex_unlock(&s->readers_lock);
                pthread_setspecific(s->key, c);
        }
        *ret = c;
        return OK;
}

static const Sql view_begin = { "store.view", "BEGIN" };
static const Sql view_commit = { "store.view_end", "COMMIT" };

/* With results still open the caller is in the middle of something: it goes on seeing the same. */
static void view_close(SqliteConn *c) {
        if (!c->viewing || c->base.open)
                return;
        c->viewing = false;
        (void)conn_exec(c, &view_commit); /* of reads: nothing that could fail to be kept */
}

static bool view_is_old(const SqliteConn *c) {
        return c->viewing && c->view_of != batcher_commits(&c->owner->writer.batcher);
}

static Err sqlite_read(Ctx *cx, Db *db, DbConn **ret) {
        SqliteConn *c;
        TRY(reader_get(cx, sqlite_db(db), &c));
        if (view_is_old(c))
                view_close(c);
        *ret = &c->base;
        return OK;
}

/* The count is read before the transaction begins, so the view is never older than it says. */
static Err sqlite_view(Ctx *cx, Db *db, DbConn **ret) {
        DbConn *base;
        TRY(sqlite_read(cx, db, &base));
        SqliteConn *c = sqlite_conn(base);
        if (!c->viewing) {
                c->view_of = batcher_commits(&c->owner->writer.batcher);
                int rc = conn_exec(c, &view_begin);
                if (rc)
                        return sqlite_fail(cx, c->db, rc, view_begin.name);
                c->viewing = true;
        }
        *ret = base;
        return OK;
}

static void sqlite_view_end(Db *db) {
        SqliteConn *c = pthread_getspecific(sqlite_db(db)->key);
        if (c)
                view_close(c);
}

/* ---- open and close ---- */

/* Creates the file for us alone: the log and the index beside it inherit its mode. */
static Err file_prepare(Ctx *cx, SqliteDb *s) {
        char *copy = arena_printf(cx->arena, "%s", s->path);
        const char *dir = dirname(copy);
        struct stat st;
        if (stat(dir, &st) || !S_ISDIR(st.st_mode))
                return RAISE(cx, ERR_STORAGE, "The data directory %s does not exist.", dir);
        int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM))
                return RAISE(cx, ERR_STORAGE, "The data directory %s cannot be written: %s.", dir,
                             strerror(errno));
        if (fd < 0)
                return RAISE(cx, ERR_STORAGE, "The database %s cannot be opened: %s.", s->path,
                             strerror(errno));
        close(fd);
        return OK;
}

static Err file_lock(Ctx *cx, SqliteDb *s, int64_t wait_ms) {
        const char *path = arena_printf(cx->arena, "%s.lock", s->path);
        Err e = lock_take(cx, path, wait_ms, &s->lock_fd);
        if (e == ERR_CONFLICT) {
                err_clear(cx);
                return RAISE(cx, e, "The database %s is in use by another process.", s->path);
        }
        return e;
}

static int pragma_int(SqliteConn *c, const char *text, int64_t *ret) {
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(c->db, text, -1, &st, NULL);
        if (!rc && sqlite3_step(st) == SQLITE_ROW)
                *ret = sqlite3_column_int64(st, 0);
        int end = sqlite3_finalize(st);
        return rc ? rc : end;
}

/* An empty file becomes ours; a file with another program's tables is left alone. */
static Err file_claim(Ctx *cx, SqliteDb *s) {
        SqliteConn *c = s->writer.conn;
        int64_t id = 0, tables = 0;
        int rc = pragma_int(c, "PRAGMA application_id", &id);
        if (!rc)
                rc = pragma_int(c, "SELECT count(*) FROM sqlite_master", &tables);
        if (!rc && id != APPLICATION_ID && (id != 0 || tables != 0))
                return RAISE(cx, ERR_CONFLICT, "The database %s belongs to another program.",
                             s->path);
        char text[64];
        snprintf(text, sizeof text, "PRAGMA application_id = %d", APPLICATION_ID);
        if (!rc && id != APPLICATION_ID)
                rc = sqlite3_exec(c->db, text, NULL, NULL, NULL);
        return rc ? sqlite_fail(cx, c->db, rc, s->path) : OK;
}

static Err writer_conn_open(Ctx *cx, SqliteDb *s) {
        Err e = conn_open(cx, s, CONN_WRITER, &s->writer.conn);
        if (!e)
                e = file_claim(cx, s);
        if (e == ERR_CORRUPT) {
                err_clear(cx);
                return RAISE(cx, e, "The database %s is damaged; restore a backup.", s->path);
        }
        return e;
}

static void sqlite_close(Db *db) {
        SqliteDb *s = sqlite_db(db);
        writer_stop(s);
        if (s->keyed)
                pthread_key_delete(s->key);
        for (SqliteConn *c; (c = s->readers);) {
                reader_unlink(c);
                conn_close(c);
        }
        if (s->writer.conn)
                conn_close(s->writer.conn); /* the last: folds the log into the file */
        if (s->lock_fd >= 0)
                close(s->lock_fd);
        pthread_mutex_destroy(&s->readers_lock);
        arena_free(s->arena);
}

Err sqlite_open(Ctx *cx, const DbSettings *set, Db **ret) {
        sqlite_setup();
        Arena *arena = arena_new();
        SqliteDb *s = NEW(arena, SqliteDb);
        *s = (SqliteDb){ .base = { .driver = &sqlite_driver },
                         .arena = arena,
                         .cache_kib = set->cache_kib,
                         .lock_fd = -1,
                         .path = arena_printf(arena, "%s", set->path),
                         .wal_path = arena_printf(arena, "%s-wal", set->path) };
        pthread_mutex_init(&s->readers_lock, NULL);
        _cleanup_(db_closep) Db *db = &s->base;
        if (!set->beside) {
                TRY(file_prepare(cx, s));
                TRY(file_lock(cx, s, set->lock_wait_ms));
                TRY(writer_conn_open(cx, s));
        }
        if (pthread_key_create(&s->key, reader_exit))
                return RAISE(cx, ERR_UNAVAILABLE, "too many thread keys");
        s->keyed = true;
        if (!set->beside)
                TRY(writer_start(cx, s, set));
        *ret = db;
        db = NULL;
        return OK;
}

const char *db_library(void) { return sqlite3_libversion(); }

const DbDriver sqlite_driver = {
        .name = "sqlite",
        .read = sqlite_read,
        .view = sqlite_view,
        .view_end = sqlite_view_end,
        .submit = writer_submit,
        .backup = sqlite_backup,
        .stats = writer_stats,
        .close = sqlite_close,
        .run = sqlite_run,
        .script = sqlite_script,
        .rows = sqlite_rows,
        .next = sqlite_next,
        .finish = sqlite_finish,
        .is_null = sqlite_is_null,
        .get_int = sqlite_get_int,
        .get_num = sqlite_get_num,
        .get_str = sqlite_get_str,
};

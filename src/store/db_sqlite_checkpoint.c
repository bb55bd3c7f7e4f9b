// SPDX-License-Identifier: MIT
/* When the log is folded into the file, and by whom.
 *
 * A checkpoint on the writer's own thread keeps every commit waiting while thousands of pages are
 * copied. So a thread of its own, the mover, copies the bulk while the writer goes on, again until
 * little is left, and the writer does the rest between two batches: only then nothing is left, and
 * its next commit begins the log anew.
 *
 * This version of SQLite loses pages when the log begins anew while another connection starts a
 * checkpoint (sqlite.org/wal.html, "The WAL-Reset Bug"). It cannot here: the mover starts only when
 * frames wait that are not yet in the file, nobody else copies while it runs, and a log with such
 * frames does not begin anew. */
#include "store/db_sqlite_int.h"

#include "base/log.h"

enum {
        WAL_PAGES = 16384, /* 64 MiB */
        REST_PAGES = 96,   /* so few the writer copies itself */
        IDLE_PAGES = 256,  /* worth a checkpoint in a quiet moment */
        IDLE_US = 200000,
        IDLE_SMALL_US = 5000000,
};

static int wal_grew(void *arg, sqlite3 *db, const char *name, int pages) {
        Wal *l = arg;
        if (pages < l->pages) { /* it began anew */
                l->next = l->every;
                l->moved = 0;
        }
        l->pages = pages;
        l->idle_due = true;
        return SQLITE_OK;
}

/* Never waits for a reader: what one holds back is done later. */
static int checkpoint(SqliteConn *c, int mode, int *ret_pages, int *ret_moved) {
        sqlite3_busy_timeout(c->db, 0);
        int rc = sqlite3_wal_checkpoint_v2(c->db, NULL, mode, ret_pages, ret_moved);
        sqlite3_busy_timeout(c->db, BUSY_MS);
        if (rc && rc != SQLITE_BUSY)
                LOG(NULL, LOG_WARN, "storage_checkpoint_failed", sqlite3_errmsg(c->db),
                    L_INT("pages", *ret_pages));
        return rc;
}

/* ---- the mover ---- */

/* A checkpoint that does not reach the end of the log leaves the sync of the file to one that does,
 * which is the writer's. */
static int file_sync(SqliteConn *c) {
        sqlite3_file *f = NULL;
        int rc = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_FILE_POINTER, &f);
        return rc ? rc : f->pMethods->xSync(f, SQLITE_SYNC_NORMAL);
}

/* How many frames are in the file afterwards; -1: it failed. */
static int move(Writer *w) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        int pages, moved;
        if (!w->wal.conn && conn_open(&cx, w->conn->owner, CONN_MOVER, &w->wal.conn)) {
                LOG(NULL, LOG_WARN, "storage_checkpoint_failed", cx.err.what);
                return -1;
        }
        int rc = checkpoint(w->wal.conn, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
        return rc || file_sync(w->wal.conn) ? -1 : moved;
}

static void *mover_main(void *arg) {
        Writer *w = arg;
        Wal *l = &w->wal;
        thread_disk_last();
        pthread_mutex_lock(&l->lock);
        while (!l->stopping) {
                if (l->mover != MOVER_BUSY) {
                        (void)cond_wait_until(&l->wake, &l->lock, INT64_MAX);
                        continue;
                }
                pthread_mutex_unlock(&l->lock);
                int done = move(w);
                pthread_mutex_lock(&l->lock);
                l->done = done;
                l->mover = MOVER_DONE;
        }
        pthread_mutex_unlock(&l->lock);
        return NULL;
}

static void mover_start(Wal *l) {
        pthread_mutex_lock(&l->lock);
        l->mover = MOVER_BUSY;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->lock);
}

/* True while it copies. Takes over what it has done since it was last asked. */
static bool mover_busy(Wal *l) {
        pthread_mutex_lock(&l->lock);
        if (l->mover == MOVER_DONE) {
                if (l->done <= l->moved) /* a reader holds everything back, or it failed */
                        l->next = l->pages + l->every;
                l->moved = MAX(l->moved, l->done);
                l->mover = MOVER_IDLE;
        }
        bool busy = l->mover == MOVER_BUSY;
        pthread_mutex_unlock(&l->lock);
        return busy;
}

/* ---- the writer ---- */

static void fold(Writer *w, int mode) {
        Wal *l = &w->wal;
        int pages, moved;
        int rc = checkpoint(w->conn, mode, &pages, &moved);
        if (pages >= 0) { /* it came as far as to look */
                l->pages = pages;
                l->moved = moved;
        }
        /* still that long: a reader was in the way, who is gone soon */
        l->next = l->pages < l->every ? l->every : l->pages + l->every / 16;
        l->idle_due = rc == SQLITE_BUSY;
}

void wal_look(Writer *w, bool idle) {
        Wal *l = &w->wal;
        if ((!idle && l->pages < l->next) || mover_busy(l))
                return;
        if (idle || l->pages >= 2 * l->every) /* readers held it back for long: begin anew */
                fold(w, SQLITE_CHECKPOINT_TRUNCATE);
        else if (l->pages >= l->next && l->pages - l->moved > REST_PAGES)
                mover_start(l);
        else if (l->pages >= l->next)
                fold(w, SQLITE_CHECKPOINT_PASSIVE);
}

/* A small log may wait longer, but not for ever: it still holds what was deleted since. */
int64_t wal_idle_us(const Wal *l) {
        if (!l->idle_due)
                return INT64_MAX;
        return l->pages >= IDLE_PAGES ? IDLE_US : IDLE_SMALL_US;
}

/* ---- life ---- */

Err wal_start(Ctx *cx, Writer *w, int every) {
        Wal *l = &w->wal;
        l->every = l->next = every ? every : WAL_PAGES;
        pthread_mutex_init(&l->lock, NULL);
        cond_init(&l->wake);
        sqlite3_wal_hook(w->conn->db, wal_grew, l);
        Err e = thread_start(cx, "store-mover", mover_main, w, &l->id);
        l->started = e == OK;
        return e;
}

void wal_stop(Writer *w) {
        Wal *l = &w->wal;
        if (!l->started)
                return;
        pthread_mutex_lock(&l->lock);
        l->stopping = true;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->id, NULL);
        l->started = false;
        l->conn = conn_close(l->conn);
        pthread_cond_destroy(&l->wake);
        pthread_mutex_destroy(&l->lock);
}

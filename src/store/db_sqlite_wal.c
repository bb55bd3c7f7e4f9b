// SPDX-License-Identifier: MIT
/* The log file of the writer, as SQLite's VFS shows it. SQLite writes each frame of a commit in two
 * small pieces that straddle pages; here they are gathered and reach the file in one write when the
 * commit is synced. Nobody else can want them before: readers learn of frames after the sync. Any
 * other look at the file writes out first what is gathered. */
#include "store/db_sqlite_int.h"

enum { GATHER_MAX = 124 * 1024 }; /* the file below takes less than 128 KiB at a time */

typedef struct LogFile {
        sqlite3_file base;
        sqlite3_file *real; /* behind this in memory */
        char *gathered;
        int n;
        sqlite3_int64 at; /* where in the file the gathered bytes go */
} LogFile;

static sqlite3_vfs *real_vfs;

static LogFile *log_of(sqlite3_file *f) { return (LogFile *)(void *)f; }

static int write_out(LogFile *l) {
        int n = l->n;
        l->n = 0; /* a failed commit is written anew */
        return n ? l->real->pMethods->xWrite(l->real, l->gathered, n, l->at) : SQLITE_OK;
}

static int log_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
        LogFile *l = log_of(f);
        if (l->n && (at != l->at + l->n || n > GATHER_MAX - l->n)) {
                int rc = write_out(l);
                if (rc)
                        return rc;
        }
        if (n > GATHER_MAX)
                return l->real->pMethods->xWrite(l->real, p, n, at);
        if (!l->n)
                l->at = at;
        memcpy(l->gathered + l->n, p, (size_t)n);
        l->n += n;
        return SQLITE_OK;
}

static int log_sync(sqlite3_file *f, int flags) {
        LogFile *l = log_of(f);
        int rc = write_out(l);
        return rc ? rc : l->real->pMethods->xSync(l->real, flags);
}

static int log_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) {
        LogFile *l = log_of(f);
        int rc = write_out(l);
        return rc ? rc : l->real->pMethods->xRead(l->real, p, n, at);
}

static int log_truncate(sqlite3_file *f, sqlite3_int64 size) {
        LogFile *l = log_of(f);
        int rc = write_out(l);
        return rc ? rc : l->real->pMethods->xTruncate(l->real, size);
}

static int log_size(sqlite3_file *f, sqlite3_int64 *ret) {
        LogFile *l = log_of(f);
        int rc = write_out(l);
        return rc ? rc : l->real->pMethods->xFileSize(l->real, ret);
}

static int log_close(sqlite3_file *f) {
        LogFile *l = log_of(f);
        int rc = write_out(l), closed = l->real->pMethods->xClose(l->real);
        sqlite3_free(l->gathered);
        return rc ? rc : closed;
}

/* The log is never locked; its locks are the database's. */
static int log_lock(sqlite3_file *f, int level) { return SQLITE_OK; }

static int log_is_reserved(sqlite3_file *f, int *ret) {
        *ret = 0;
        return SQLITE_OK;
}

static int log_control(sqlite3_file *f, int op, void *arg) {
        LogFile *l = log_of(f);
        return l->real->pMethods->xFileControl(l->real, op, arg);
}

static int log_sector(sqlite3_file *f) {
        LogFile *l = log_of(f);
        return l->real->pMethods->xSectorSize(l->real);
}

static int log_device(sqlite3_file *f) {
        LogFile *l = log_of(f);
        return l->real->pMethods->xDeviceCharacteristics(l->real);
}

static const sqlite3_io_methods log_methods = {
        .iVersion = 1,
        .xClose = log_close,
        .xRead = log_read,
        .xWrite = log_write,
        .xTruncate = log_truncate,
        .xSync = log_sync,
        .xFileSize = log_size,
        .xLock = log_lock,
        .xUnlock = log_lock,
        .xCheckReservedLock = log_is_reserved,
        .xFileControl = log_control,
        .xSectorSize = log_sector,
        .xDeviceCharacteristics = log_device,
};

static int vfs_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags,
                    int *ret_flags) {
        if (!(flags & SQLITE_OPEN_WAL))
                return real_vfs->xOpen(real_vfs, name, f, flags, ret_flags);
        LogFile *l = log_of(f);
        *l = (LogFile){ .real = (sqlite3_file *)(void *)(l + 1) };
        l->gathered = sqlite3_malloc(GATHER_MAX);
        if (!l->gathered)
                return SQLITE_NOMEM;
        int rc = real_vfs->xOpen(real_vfs, name, l->real, flags, ret_flags);
        if (rc)
                sqlite3_free(l->gathered);
        else
                l->base.pMethods = &log_methods;
        return rc;
}

int sqlite_log_vfs(void) {
        static sqlite3_vfs vfs;
        real_vfs = sqlite3_vfs_find(NULL);
        if (!real_vfs)
                return SQLITE_ERROR;
        vfs = *real_vfs;
        vfs.zName = SQLITE_LOG_VFS;
        vfs.pNext = NULL;
        vfs.szOsFile += (int)sizeof(LogFile);
        vfs.xOpen = vfs_open;
        return sqlite3_vfs_register(&vfs, 0);
}

// SPDX-License-Identifier: MIT
#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)

struct LogFile {
        LogFileSettings set;
        char *path;
        int fd;
        int64_t size, day; /* of what is in the file */
        atomic_bool moved;
};

static int64_t today(const LogFile *f) { return f->set.world->now_ms(f->set.world) / DAY_MS; }

/* Where the writing goes on: the end of what is there. A file that is there is of its last day. */
static bool file_open(LogFile *f) {
        struct stat st;
        f->fd = open(f->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        if (f->fd < 0 || fstat(f->fd, &st))
                return false;
        f->size = st.st_size;
        f->day = f->size ? (int64_t)st.st_mtim.tv_sec * 1000 / DAY_MS : today(f);
        return true;
}

static void file_shut(LogFile *f) {
        if (f->fd >= 0)
                close(f->fd);
        f->fd = -1;
}

/* "x.7"; the number 0 is the file itself. False: such a name is too long. */
static bool numbered(const LogFile *f, int64_t n, char ret[PATH_MAX]) {
        int len = n ? snprintf(ret, PATH_MAX, "%s.%lld", f->path, (long long)n)
                    : snprintf(ret, PATH_MAX, "%s", f->path);
        return len > 0 && len < PATH_MAX;
}

static void turn_over(LogFile *f) {
        char from[PATH_MAX], to[PATH_MAX];
        file_shut(f);
        /* also what a larger `keep` left behind */
        for (int64_t n = f->set.keep; numbered(f, n, from) && !unlink(from); n++)
                ;
        for (int64_t n = f->set.keep; n > 0; n--)
                if (numbered(f, n - 1, from) && numbered(f, n, to))
                        rename(from, to); /* not there: nothing to move */
        file_open(f);
}

static bool write_all(int fd, Str s) {
        while (s.n) {
                ssize_t n = write(fd, s.p, s.n);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                s = str_from(s, (size_t)n);
        }
        return true;
}

void log_file_write(LogFile *f, Str lines) {
        if (atomic_exchange(&f->moved, false) || f->fd < 0) {
                file_shut(f);
                file_open(f);
        }
        bool full = f->size && f->size + (int64_t)lines.n > f->set.bytes_max;
        if (f->fd >= 0 && (full || (f->size && f->day != today(f))))
                turn_over(f);
        if (f->fd < 0 || !write_all(f->fd, lines)) {
                (void)!write_all(STDERR_FILENO, lines);
                return;
        }
        f->size += (int64_t)lines.n;
        f->day = today(f);
}

void log_file_reopen(LogFile *f) { atomic_store(&f->moved, true); }

Err log_file_open(Ctx *cx, const LogFileSettings *set, LogFile **ret) {
        LogFile *f = calloc(1, sizeof *f);
        if (!f)
                abort();
        f->set = *set;
        f->path = strndup(set->path.p, set->path.n);
        if (!f->path)
                abort();
        if (!file_open(f)) {
                Err e = RAISE(cx, ERR_STORAGE, "The log file %s cannot be opened: %s.", f->path,
                              strerror(errno));
                log_file_close(f);
                return e;
        }
        *ret = f;
        return OK;
}

LogFile *log_file_close(LogFile *f) {
        if (f) {
                file_shut(f);
                free(f->path);
        }
        free(f);
        return NULL;
}

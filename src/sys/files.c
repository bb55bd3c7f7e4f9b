// SPDX-License-Identifier: MIT
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/thread.h"

enum { LOCK_POLL_US = 20000 };

void fd_close(int *fd) {
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

Err file_read(Ctx *cx, const char *path, size_t max, Str *ret) {
        _cleanup_(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
                return ERR_NOT_FOUND;
        if (fd < 0)
                return RAISE(cx, ERR_STORAGE, "cannot open %s: %s", path, strerror(errno));
        _cleanup_(buf_done) Buf out = BUF(max + 1);
        for (ssize_t got = 1; got > 0;) {
                size_t want = MIN((size_t)65536, max + 1 - out.n);
                if (!want || !buf_reserve(&out, want))
                        break;
                got = read(fd, out.p + out.n, want);
                if (got < 0 && errno != EINTR)
                        return RAISE(cx, ERR_STORAGE, "cannot read %s: %s", path, strerror(errno));
                out.n += got > 0 ? (size_t)got : 0;
                got = got < 0 ? 1 : got;
        }
        if (out.n > max)
                return RAISE(cx, ERR_TOO_LARGE, "%s is larger than %zu bytes", path, max);
        *ret = arena_dup(cx->arena, str_n(out.p ? out.p : "", out.n));
        return OK;
}

static bool write_all(int fd, Str bytes) {
        while (bytes.n) {
                ssize_t put = write(fd, bytes.p, bytes.n);
                if (put < 0 && errno != EINTR)
                        return false;
                if (put > 0)
                        bytes = str_from(bytes, (size_t)put);
        }
        return true;
}

Err name_keep(Ctx *cx, const char *path) {
        char *copy = arena_printf(cx->arena, "%s", path);
        _cleanup_(fd_close) int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fsync(fd))
                return RAISE(cx, ERR_STORAGE, "cannot keep %s: %s", path, strerror(errno));
        return OK;
}

Err file_move(Ctx *cx, const char *part, const char *path) {
        _cleanup_(fd_close) int fd = open(part, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fsync(fd) || rename(part, path))
                return RAISE(cx, ERR_STORAGE, "cannot move %s to %s: %s", part, path,
                             strerror(errno));
        return name_keep(cx, path);
}

Err file_write(Ctx *cx, const char *path, Str bytes) {
        const char *part = arena_printf(cx->arena, "%s.part", path);
        _cleanup_(fd_close) int fd =
                open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 || fchmod(fd, 0600) || !write_all(fd, bytes)) {
                Err e = RAISE(cx, ERR_STORAGE, "cannot write %s: %s", part, strerror(errno));
                if (fd >= 0)
                        unlink(part);
                return e;
        }
        return file_move(cx, part, path);
}

Err dir_make(Ctx *cx, const char *path) {
        struct stat st;
        if (mkdir(path, 0700) == 0 ||
            (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
                return OK;
        return RAISE(cx, ERR_STORAGE, "cannot make the directory %s: %s", path, strerror(errno));
}

Err lock_take(Ctx *cx, const char *path, int64_t wait_ms, int *ret_fd) {
        _cleanup_(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
                return RAISE(cx, ERR_STORAGE, "cannot open %s: %s", path, strerror(errno));
        int64_t until = thread_mono_us() + wait_ms * 1000;
        while (flock(fd, LOCK_EX | LOCK_NB)) {
                if (errno != EWOULDBLOCK && errno != EINTR)
                        return RAISE(cx, ERR_STORAGE, "cannot lock %s: %s", path, strerror(errno));
                if (thread_mono_us() >= until)
                        return RAISE(cx, ERR_CONFLICT, "%s is locked by another process", path);
                usleep(LOCK_POLL_US);
        }
        *ret_fd = fd;
        fd = -1;
        return OK;
}

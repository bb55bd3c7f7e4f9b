// SPDX-License-Identifier: MIT
#include "sys/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/files.h"

enum { LISTEN_FDS_START = 3 }; /* sd_listen_fds(3) */

static bool env_int(const char *name, int64_t *ret) {
        const char *text = getenv(name);
        return text && str_to_i64(str_c(text), ret);
}

static bool socket_listens(int fd) {
        int on = 0, type = 0;
        socklen_t n = sizeof on;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) || !on)
                return false;
        n = sizeof type;
        return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

/* LISTEN_PID tells for whom the variables are: a parent's are not ours. */
static int64_t fd_named(void) {
        int64_t pid = 0, n = 0, fd = -1;
        if (env_int("LISTEN_PID", &pid) && pid == getpid() && env_int("LISTEN_FDS", &n) && n > 0)
                return LISTEN_FDS_START;
        return env_int("MAINSTAY_LISTEN_FD", &fd) ? fd : -1;
}

Err listen_fd_take(Ctx *cx, int *ret_fd) {
        int64_t fd = fd_named();
        unsetenv("LISTEN_PID");
        unsetenv("LISTEN_FDS");
        unsetenv("LISTEN_FDNAMES");
        unsetenv("MAINSTAY_LISTEN_FD");
        if (fd < 0) {
                *ret_fd = -1;
                return OK;
        }
        if (fd < LISTEN_FDS_START || fd > INT32_MAX || !socket_listens((int)fd))
                return RAISE(cx, ERR_INVALID,
                             "The inherited descriptor %lld is no listening socket.",
                             (long long)fd);
        if (fcntl((int)fd, F_SETFD, FD_CLOEXEC))
                return RAISE(cx, ERR_INVALID, "descriptor %lld: %s", (long long)fd,
                             strerror(errno));
        *ret_fd = (int)fd;
        return OK;
}

void notify(const char *state) {
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path)
                return;
        size_t n = strlen(path);
        memcpy(to.sun_path, path, n);
        if (path[0] == '@')
                to.sun_path[0] = '\0'; /* a name in the abstract space */
        _cleanup_(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd >= 0)
                (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
                              (struct sockaddr *)&to,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
}

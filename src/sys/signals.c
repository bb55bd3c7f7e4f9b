// SPDX-License-Identifier: MIT
#include "sys/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sys/files.h"
#include "sys/thread.h"

struct Signals {
        int fd, stop_fd;
        void (*fn)(void *arg, int signal);
        void *arg;
        sigset_t before;
        pthread_t id;
};

static void *signals_main(void *arg) {
        Signals *s = arg;
        struct pollfd fds[] = {
                { .fd = s->fd, .events = POLLIN },
                { .fd = s->stop_fd, .events = POLLIN },
        };
        for (;;) {
                struct signalfd_siginfo info;
                if (poll(fds, ELEMENTSOF(fds), -1) < 0 && errno != EINTR)
                        return NULL;
                if (fds[1].revents)
                        return NULL;
                if (fds[0].revents && read(s->fd, &info, sizeof info) == (ssize_t)sizeof info)
                        s->fn(s->arg, (int)info.ssi_signo);
        }
}

static Signals *signals_release(Signals *s) {
        pthread_sigmask(SIG_SETMASK, &s->before, NULL);
        fd_close(&s->fd);
        fd_close(&s->stop_fd);
        free(s);
        return NULL;
}

Err signals_start(Ctx *cx, void (*fn)(void *arg, int signal), void *arg, Signals **ret) {
        Signals *s = calloc(1, sizeof *s);
        if (!s)
                abort();
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN);
        pthread_sigmask(SIG_BLOCK, &set, &s->before);
        s->fn = fn;
        s->arg = arg;
        s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        s->stop_fd = eventfd(0, EFD_CLOEXEC);
        Err e = OK;
        if (s->fd < 0 || s->stop_fd < 0)
                e = RAISE(cx, ERR_UNAVAILABLE, "cannot watch signals: %s", strerror(errno));
        if (!e)
                e = thread_start(cx, "signals", signals_main, s, &s->id);
        if (e) {
                signals_release(s);
                return e;
        }
        *ret = s;
        return OK;
}

Signals *signals_stop(Signals *s) {
        if (!s)
                return NULL;
        uint64_t one = 1;
        ssize_t put = write(s->stop_fd, &one, sizeof one);
        assert(put == (ssize_t)sizeof one); /* a fresh counter takes it */
        pthread_join(s->id, NULL);
        return signals_release(s);
}

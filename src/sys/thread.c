// SPDX-License-Identifier: MIT
#include "sys/thread.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

Err thread_start(Ctx *cx, const char *name, void *(*fn)(void *), void *arg, pthread_t *ret) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        pthread_t id;
        int rc = pthread_create(&id, NULL, fn, arg);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (rc)
                return RAISE(cx, ERR_UNAVAILABLE, "cannot start thread %s: %s", name, strerror(rc));
        char cut[16];
        snprintf(cut, sizeof cut, "%s", name);
        pthread_setname_np(id, cut);
        *ret = id;
        return OK;
}

void thread_disk_last(void) {
        (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
                      IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

void cond_init(pthread_cond_t *c) {
        pthread_condattr_t attr;
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(c, &attr);
        pthread_condattr_destroy(&attr);
}

bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, int64_t until_us) {
        if (until_us == INT64_MAX)
                return pthread_cond_wait(c, m) == 0;
        struct timespec at = { until_us / 1000000, until_us % 1000000 * 1000 };
        return pthread_cond_timedwait(c, m, &at) != ETIMEDOUT;
}

int64_t thread_mono_us(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void thread_sleep_ms(int64_t ms) {
        struct timespec left = { ms / 1000, ms % 1000 * 1000000 };
        while (nanosleep(&left, &left) && errno == EINTR)
                ;
}

// SPDX-License-Identifier: MIT
#include "web/stream_int.h"

#include <pthread.h>
#include <stdatomic.h>

/* A moment the producer's thread cannot name without a clock: the loop fills it in at its next look. */
#define AT_NEXT_LOOK INT64_MAX

/* One send may be larger than the backlog (a whole answer as one event) when nothing waits before
 * it; nothing is larger than this. */
enum { BACKLOG_DEFAULT = 64 * 1024, SEND_MAX = 4 * 1024 * 1024 };

struct Stream {
        atomic_uint refs;
        pthread_mutex_t lock;
        StreamSettings set;
        StreamWaker waker; /* wake is NULL once the connection is gone */
        Buf waiting;       /* bytes from `at` on are not yet taken */
        size_t at;
        int64_t stuck_us; /* since when what waits was not taken */
        int64_t sent_us;  /* the producer last sent */
        bool parked;      /* the loop waits for the waker */
        bool full;        /* SEND_FULL was said and `drained` is owed */
        bool ended;       /* by the producer or the drain */
        bool gone;        /* nothing is delivered any more */
};

Stream *stream_new(const StreamSettings *set, StreamWaker waker, int64_t now_us) {
        Stream *s = calloc(1, sizeof *s);
        if (!s)
                abort();
        *s = (Stream){ .set = *set, .waker = waker, .stuck_us = now_us, .sent_us = now_us };
        if (!s->set.backlog_max)
                s->set.backlog_max = BACKLOG_DEFAULT;
        s->waiting = BUF(2 * s->set.backlog_max + SEND_MAX);
        atomic_init(&s->refs, 1);
        pthread_mutex_init(&s->lock, NULL);
        return s;
}

Stream *stream_ref(Stream *s) {
        atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
        return s;
}

Stream *stream_unref(Stream *s) {
        if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
                buf_done(&s->waiting);
                pthread_mutex_destroy(&s->lock);
                if (s->set.freed)
                        s->set.freed(s->set.arg);
                free(s);
        }
        return NULL;
}

static size_t backlog(const Stream *s) { return s->waiting.n - s->at; }

/* Locked. Woken at most once for each time it was parked. */
static void wake(Stream *s) {
        if (!s->parked || !s->waker.wake)
                return;
        s->parked = false;
        s->waker.wake(s->waker.arg);
}

/* Locked. True when the producer has to be told, which is done without the lock. */
static bool lose(Stream *s) {
        bool tell = !s->gone && !s->ended && s->set.gone;
        s->gone = true;
        buf_done(&s->waiting);
        s->at = 0;
        return tell;
}

/* Locked: `n` bytes were added. */
static void sent(Stream *s, size_t n) {
        s->sent_us = AT_NEXT_LOOK;
        if (backlog(s) == n)
                s->stuck_us = AT_NEXT_LOOK;
        wake(s);
}

SendResult stream_send(Stream *s, Str bytes) {
        bool tell = false;
        SendResult r = SEND_OK;
        pthread_mutex_lock(&s->lock);
        if (s->gone || s->ended) {
                r = SEND_GONE;
        } else if ((s->full && backlog(s) + bytes.n > 2 * s->set.backlog_max) ||
                   !buf_add(&s->waiting, bytes)) {
                tell = lose(s); /* a reader this slow is not served */
                wake(s);
                r = SEND_GONE;
        } else {
                sent(s, bytes.n);
                s->full |= backlog(s) > s->set.backlog_max;
                r = s->full ? SEND_FULL : SEND_OK;
        }
        pthread_mutex_unlock(&s->lock);
        if (tell)
                s->set.gone(s->set.arg);
        return r;
}

void stream_end(Stream *s) {
        pthread_mutex_lock(&s->lock);
        s->ended = true;
        wake(s);
        pthread_mutex_unlock(&s->lock);
}

bool stream_is_gone(const Stream *s) {
        Stream *own = (Stream *)(uintptr_t)s; /* the lock is not part of what const promises */
        pthread_mutex_lock(&own->lock);
        bool gone = s->gone;
        pthread_mutex_unlock(&own->lock);
        return gone;
}

/* Locked. */
static void look(Stream *s, int64_t now_us) {
        s->sent_us = MIN(s->sent_us, now_us);
        s->stuck_us = MIN(s->stuck_us, now_us);
}

/* Locked. An idle stream holds no memory, and a slow one not much more than its backlog. */
static void shrink(Stream *s) {
        if (backlog(s) == 0) {
                buf_done(&s->waiting);
                s->at = 0;
        } else if (s->at > s->waiting.n / 2) {
                buf_drop(&s->waiting, s->at);
                s->at = 0;
        }
}

/* Locked. */
static StreamTake take(Stream *s, char *to, size_t max, size_t *ret_n) {
        size_t n = MIN(max, backlog(s));
        if (s->gone)
                return STREAM_LOST;
        if (n) {
                memcpy(to, s->waiting.p + s->at, n);
                s->at += n;
                shrink(s);
                *ret_n = n;
                return STREAM_BYTES;
        }
        if (s->ended)
                return STREAM_ENDED;
        s->parked = true;
        return STREAM_EMPTY;
}

StreamTake stream_take(Stream *s, StreamRoom room, int64_t now_us, size_t *ret_n) {
        pthread_mutex_lock(&s->lock);
        look(s, now_us);
        StreamTake r = take(s, room.p, room.n, ret_n);
        bool tell = false;
        if (r == STREAM_BYTES) {
                s->stuck_us = now_us;
                tell = s->full && backlog(s) < s->set.backlog_max / 2 && s->set.drained &&
                       !s->ended;
                s->full &= backlog(s) >= s->set.backlog_max / 2;
        }
        pthread_mutex_unlock(&s->lock);
        if (tell)
                s->set.drained(s->set.arg);
        return r;
}

void stream_lose(Stream *s) {
        pthread_mutex_lock(&s->lock);
        bool tell = lose(s);
        s->waker.wake = NULL;
        pthread_mutex_unlock(&s->lock);
        if (tell)
                s->set.gone(s->set.arg);
}

StreamHealth stream_health(Stream *s, int64_t now_us, int64_t quiet_us, int64_t stall_us) {
        StreamHealth h = STREAM_WELL;
        pthread_mutex_lock(&s->lock);
        look(s, now_us);
        if (backlog(s) && now_us - s->stuck_us >= stall_us)
                h = STREAM_STALLED;
        else if (now_us - s->sent_us >= quiet_us)
                h = STREAM_QUIET;
        pthread_mutex_unlock(&s->lock);
        return h;
}

void stream_moved(Stream *s, int64_t now_us) {
        pthread_mutex_lock(&s->lock);
        s->stuck_us = now_us;
        pthread_mutex_unlock(&s->lock);
}

/* Locked. Bytes of the server itself, past the limits of the producer. */
static void add_own(Stream *s, Str bytes) {
        if (!s->gone && !s->ended && buf_add(&s->waiting, bytes))
                sent(s, bytes.n);
}

void stream_comment(Stream *s, Str bytes) {
        pthread_mutex_lock(&s->lock);
        add_own(s, bytes);
        pthread_mutex_unlock(&s->lock);
}

void stream_finish(Stream *s, Str bytes) {
        pthread_mutex_lock(&s->lock);
        add_own(s, bytes);
        s->ended = true;
        wake(s);
        pthread_mutex_unlock(&s->lock);
}

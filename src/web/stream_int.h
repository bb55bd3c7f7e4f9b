// SPDX-License-Identifier: MIT
#pragma once
/* stream, the server's side: the bounded bytes between a producer on any thread and the loop that
 * owns the connection. Knows nothing of HTTP. */
#include "web/server.h"

typedef struct StreamWaker {
        void (*wake)(void *arg);
        void *arg;
} StreamWaker;

Stream *stream_new(const StreamSettings *set, StreamWaker waker, int64_t now_us);

typedef enum StreamTake { STREAM_BYTES, STREAM_EMPTY, STREAM_ENDED, STREAM_LOST } StreamTake;
typedef struct StreamRoom {
        char *p;
        size_t n;
} StreamRoom;
/* Loop thread: bytes to send now. STREAM_EMPTY parks the stream: the waker is called at the next
 * send or end. */
StreamTake stream_take(Stream *s, StreamRoom room, int64_t now_us, size_t *ret_n);

/* Loop thread: no more can be delivered. Tells the producer once, unless it had ended itself. */
void stream_lose(Stream *s);

typedef enum StreamHealth { STREAM_WELL, STREAM_QUIET, STREAM_STALLED } StreamHealth;
/* Quiet: nothing was sent for quiet_us. Stalled: bytes wait and none was taken for stall_us. */
StreamHealth stream_health(Stream *s, int64_t now_us, int64_t quiet_us, int64_t stall_us);
void stream_moved(Stream *s, int64_t now_us); /* stalled, but the client still takes what it was sent */
void stream_comment(Stream *s, Str bytes); /* heartbeat */
void stream_finish(Stream *s, Str bytes);  /* a last event, then the end */

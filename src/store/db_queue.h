// SPDX-License-Identifier: MIT
#pragma once
/* db_queue: the bounded queue of writes between those who ask and the threads that write. */
#include "store/db.h"
#include "sys/thread.h"

typedef struct JobQueue {
        pthread_mutex_t lock;
        pthread_cond_t wake;
        DbJob *head, **tail;
        size_t depth, max;
        bool open, stopping;
} JobQueue;

void queue_init(JobQueue *q, size_t max); /* 0 = 4096 */
void queue_done(JobQueue *q);             /* fine on {0} */
void queue_stop(JobQueue *q);             /* nothing more comes in; what is in is done */
size_t queue_depth(JobQueue *q);

/* ERR_UNAVAILABLE: full. ERR_STORAGE: no queue, the database is open for reading only. */
Err queue_push(Ctx *cx, JobQueue *q, DbJob *job);
DbJob *queue_pop(JobQueue *q);              /* NULL: empty */
bool queue_cancel(JobQueue *q, DbJob *job); /* true: it had not begun, and is out */

typedef enum QueueWait { QUEUE_WORK, QUEUE_IDLE, QUEUE_STOP } QueueWait;
QueueWait queue_wait(JobQueue *q, int64_t idle_us); /* idle: nothing came for so long; INT64_MAX */

/* Calls `done`. The answer of a job whose deadline passed while it waited; OK when it may run. */
void job_answer(DbJob *job);
Err job_late(DbJob *job);
/* Marks that this thread is inside a `done` or a hook and must not wait for a write; what it was.
 */
bool job_answering(bool on);

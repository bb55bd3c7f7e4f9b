// SPDX-License-Identifier: MIT
#include "store/db_queue.h"

#include "store/db_int.h"

enum { QUEUE_MAX = 4096 };

static __thread bool answering;

void queue_init(JobQueue *q, size_t max) {
        *q = (JobQueue){ .max = max ? max : QUEUE_MAX, .tail = &q->head, .open = true };
        pthread_mutex_init(&q->lock, NULL);
        cond_init(&q->wake);
}

void queue_done(JobQueue *q) {
        if (!q->open)
                return;
        assert(!q->head);
        pthread_cond_destroy(&q->wake);
        pthread_mutex_destroy(&q->lock);
        q->open = false;
}

void queue_stop(JobQueue *q) {
        pthread_mutex_lock(&q->lock);
        q->stopping = true;
        pthread_cond_broadcast(&q->wake);
        pthread_mutex_unlock(&q->lock);
}

size_t queue_depth(JobQueue *q) {
        if (!q->open)
                return 0;
        pthread_mutex_lock(&q->lock);
        size_t n = q->depth;
        pthread_mutex_unlock(&q->lock);
        return n;
}

Err queue_push(Ctx *cx, JobQueue *q, DbJob *job) {
        if (!q->open)
                return RAISE(cx, ERR_STORAGE, "The database is open for reading only.");
        job->next = NULL;
        job->result = OK;
        pthread_mutex_lock(&q->lock);
        bool room = !q->stopping && q->depth < q->max;
        if (room) {
                *q->tail = job;
                q->tail = &job->next;
                q->depth++;
                pthread_cond_signal(&q->wake);
        }
        pthread_mutex_unlock(&q->lock);
        return room ? OK : RAISE(cx, ERR_UNAVAILABLE, "the write queue is full");
}

static void queue_unlink(JobQueue *q, DbJob **at) {
        *at = (*at)->next;
        if (!*at)
                q->tail = at;
        q->depth--;
}

DbJob *queue_pop(JobQueue *q) {
        pthread_mutex_lock(&q->lock);
        DbJob *job = q->head;
        if (job)
                queue_unlink(q, &q->head);
        pthread_mutex_unlock(&q->lock);
        return job;
}

bool queue_cancel(JobQueue *q, DbJob *job) {
        pthread_mutex_lock(&q->lock);
        DbJob **at = &q->head;
        while (*at && *at != job)
                at = &(*at)->next;
        bool found = *at != NULL;
        if (found)
                queue_unlink(q, at);
        pthread_mutex_unlock(&q->lock);
        return found;
}

QueueWait queue_wait(JobQueue *q, int64_t idle_us) {
        QueueWait got = QUEUE_WORK;
        int64_t until = idle_us == INT64_MAX ? INT64_MAX : thread_mono_us() + idle_us;
        pthread_mutex_lock(&q->lock);
        while (!q->head && !q->stopping && got == QUEUE_WORK)
                if (!cond_wait_until(&q->wake, &q->lock, until) && !q->head)
                        got = QUEUE_IDLE;
        if (!q->head && q->stopping)
                got = QUEUE_STOP;
        pthread_mutex_unlock(&q->lock);
        return got;
}

/* ---- jobs ---- */

bool job_answering(bool on) {
        bool before = answering;
        answering = on;
        return before;
}

void job_answer(DbJob *job) {
        bool before = job_answering(true);
        job->done(job, job->result); /* the job may be gone now */
        job_answering(before);
}

Err job_late(DbJob *job) {
        if (cx_left_ms(job->cx) > 0)
                return OK;
        return RAISE(job->cx, ERR_TIMEOUT, "waited too long for its turn to write");
}

/* ---- waiting for one ---- */

typedef struct Waiter {
        DbJob job;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        bool done;
        Err result;
} Waiter;

static void waiter_done(DbJob *job, Err e) {
        Waiter *x = CONTAINER_OF(job, Waiter, job);
        pthread_mutex_lock(&x->lock);
        x->done = true;
        x->result = e;
        pthread_cond_signal(&x->wake);
        pthread_mutex_unlock(&x->lock);
}

/* A job that has begun is waited for: it uses the caller's memory. */
static Err waiter_wait(Ctx *cx, Db *db, Waiter *x) {
        int64_t left = cx_left_ms(cx);
        int64_t until = left == INT64_MAX ? INT64_MAX : thread_mono_us() + left * 1000;
        pthread_mutex_lock(&x->lock);
        while (!x->done) {
                if (cond_wait_until(&x->wake, &x->lock, until))
                        continue;
                pthread_mutex_unlock(&x->lock);
                bool cancelled = queue_cancel(&db->queue, &x->job);
                pthread_mutex_lock(&x->lock);
                until = INT64_MAX;
                if (cancelled) {
                        x->done = true;
                        x->result = job_late(&x->job);
                }
        }
        pthread_mutex_unlock(&x->lock);
        return x->result;
}

Err db_write(Ctx *cx, Db *db, DbFn *fn, void *arg) {
        assert(!write_is_running() && !answering);
        Waiter x = { .job = { .fn = fn, .arg = arg, .cx = cx, .done = waiter_done } };
        pthread_mutex_init(&x.lock, NULL);
        cond_init(&x.wake);
        Err e = db_submit(cx, db, &x.job);
        if (!e)
                e = waiter_wait(cx, db, &x);
        pthread_cond_destroy(&x.wake);
        pthread_mutex_destroy(&x.lock);
        return e;
}

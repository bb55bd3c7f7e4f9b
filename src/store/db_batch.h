// SPDX-License-Identifier: MIT
#pragma once
/* db_batch: the one thread of a driver that writes, and its group commit.
 *
 * A batch is one transaction: each job has a savepoint of its own, so a failing job undoes only
 * itself. Nobody is answered before the one COMMIT, because also a job that failed may have failed
 * over what an earlier one of the same batch wrote. When the transaction is lost (disk full, I/O
 * error, a broken connection), all its jobs fail alike; when it only lost a race, it runs again. */
#include "store/db_int.h"

typedef enum BatchStep {
        STEP_BEGIN,
        STEP_SAVE,
        STEP_UNDO,
        STEP_RELEASE,
        STEP_COMMIT,
        STEP_ABORT
} BatchStep;

typedef struct BatchDriver {
        /* A step that fails loses the transaction; the Err and text of it are everyone's answer.
         * STEP_ABORT leaves no transaction, whatever state there was. */
        Err (*step)(Ctx *cx, DbConn *c, BatchStep step);
        bool (*is_lost)(DbConn *c); /* the transaction ended under the job */
        bool (*is_race)(DbConn *c); /* it was lost to another one: run it again */
} BatchDriver;

typedef struct Batcher {
        const BatchDriver *driver;
        DbConn *conn;
        JobQueue *queue;
        Arena *arena;                       /* of one batch */
        int64_t failed, failure_logged_us;  /* writes not yet in the log of failures */
        int64_t commits, writes, commit_us; /* atomic */
} Batcher;

void batcher_init(Batcher *b, const BatchDriver *driver, DbConn *c, size_t queue_max);
void batcher_done(Batcher *b); /* fine on {0} */
void batch_run(Batcher *b);    /* what waits now, up to a limit of jobs and time */
int64_t batcher_commits(const Batcher *b); /* done, and seen by every read that begins now */
void batcher_stats(Batcher *b, DbStats *ret);

// SPDX-License-Identifier: MIT
/* reader: a model reads the facts in what the user said, after the answer is out. A durable job per
 * turn: queued in the write of the turn, taken by a timer, back in the queue when the process dies.
 * Only the user's words are a source, and a fact whose words are not among them is dropped: what a
 * model makes up is not remembered. */
#include "base/log.h"
#include "base/metric.h"
#include "chat/chat_int.h"
#include "chat/chat_sql.h"
#include "chat/ledger.h"
#include "codec/json.h"
#include "codec/uuid.h"
#include "memory/reading.h"

enum { TICK_MS = 500, AT_ONCE = 4, TRIES_MAX = 6, BATCH = 4, BACKOFF_MS = 2000 };

typedef enum JobState { JOB_QUEUED, JOB_RUNNING, JOB_FAILED } JobState;

typedef struct Readers {
        Chat *chat;
        Timer *timer;
        PoolJob tick;
        atomic_int running;
        atomic_bool ticking, closed;
        Metric *jobs;
} Readers;

typedef struct Job {
        Readers *r;
        Arena *arena;
        Ctx cx;
        ChatTurn t;
        int64_t tries;
        /* the first answer was not JSON of this form */
        bool is_second;
        Completion *completion;
        List attempts;
        Facts facts;
        bool has_facts;
        int dropped;
        DbJob db;
        PoolJob pool;
} Job;

/* ---- the end of a job ---- */

static void job_free(Job *job) {
        completion_unref(job->completion);
        atomic_fetch_sub(&job->r->running, 1);
        arena_free(job->arena);
        free(job);
}

static Err extracted_store(Ctx *cx, DbConn *c, Job *job, const Learned *learned) {
        StoredTurn now;
        ChatScope mine = { job->r->chat, c, job->t.user_id };
        TRY(turn_row_find(cx, &mine, job->t.turn_id, &now));
        Str *v = NEW_ARRAY(cx->arena, Str, now.t.created.n + learned->created.n + 1);
        if (now.t.created.n)
                memcpy(v, now.t.created.v, now.t.created.n * sizeof *v);
        for (size_t i = 0; i < learned->created.n; i++)
                v[now.t.created.n + i] = learned->created.v[i];
        now.t.created = (Strs){ v, now.t.created.n + learned->created.n };
        now.t.quota_reached |= learned->quota_reached;
        now.t.extraction = job->has_facts ? STR("done") : STR("failed");
        return turn_row_extracted(cx, &mine, &now.t);
}

/* One write: what the model read, what it cost, the job's end. A turn deleted meanwhile takes its
 * job along. */
static Err job_store(Ctx *cx, DbConn *c, void *arg) {
        Job *job = arg;
        unsigned char id[16];
        MemoryScope s = chat_scope(job->r->chat, c, job->t.user_id);
        s.actor = "llm";
        Learned learned = { 0 };
        Turn said;
        s.actor = "llm";
        if (!uuid_read(job->t.turn_id, id))
                return RAISE(cx, ERR_INTERNAL, "a job without a turn");
        TRY(db_run(cx, c, &sql_chat_job_done, ARGS(v_text(job->t.user_id), v_blob(str_n(id, 16))),
                   NULL));
        TRY(ledger_add(cx, c,
                       &(LedgerEntry){ job->t.user_id, id, "extraction", job->attempts, true }));
        TRY(ledger_alerts(cx, job->r->chat, c, job->t.user_id));
        Err e = turn_find(cx, &s, job->t.turn_id, &said);
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        if (job->has_facts)
                TRY(memory_learn(cx, &s, &said, &job->facts, &learned));
        return extracted_store(cx, c, job, &learned);
}

static Err job_postpone(Ctx *cx, DbConn *c, void *arg) {
        Job *job = arg;
        unsigned char id[16];
        if (!uuid_read(job->t.turn_id, id))
                return RAISE(cx, ERR_INTERNAL, "a job without a turn");
        TRY(ledger_add(cx, c,
                       &(LedgerEntry){ job->t.user_id, id, "extraction", job->attempts, true }));
        TRY(ledger_alerts(cx, job->r->chat, c, job->t.user_id));
        int64_t wait = (int64_t)BACKOFF_MS << MIN(job->tries, (int64_t)8);
        return db_run(cx, c, &sql_chat_job_later,
                      ARGS(v_text(job->t.user_id), v_blob(str_n(id, 16)), v_int(JOB_QUEUED),
                           v_int(job->tries + 1), v_int(cx_now_ms(cx) + wait)),
                      NULL);
}

static void job_over(DbJob *db, Err e) {
        Job *job = CONTAINER_OF(db, Job, db);
        Str outcome = e ? STR("error") : job->has_facts ? STR("done") : STR("failed");
        cell_inc(METRIC_CELL(job->r->jobs, outcome));
        if (e || !job->has_facts)
                LOG(&job->cx, LOG_WARN, "job_failed", "facts were not read by the model",
                    L_STR("turn_id", job->t.turn_id),
                    L_STR("error", e ? str_c(err_info[e].name) : STR("no_answer")),
                    L_INT("tries", job->tries + 1));
        job_free(job);
}

static void job_finish(Job *job, DbFn *fn) {
        job->db = (DbJob){ .fn = fn, .arg = job, .cx = &job->cx, .done = job_over };
        Err e = db_submit(&job->cx, job->r->chat->rooms.db, &job->db);
        /* it stays marked as running and is taken up at the next start */
        if (e)
                job_over(&job->db, e);
}

/* ---- asking ---- */

static void job_ask(Job *job);

static void attempts_keep(Job *job, List more) {
        const Attempt *add = more.v, *old = job->attempts.v;
        Attempt *v = NEW_ARRAY(job->arena, Attempt, job->attempts.n + more.n + 1);
        if (job->attempts.n)
                memcpy(v, old, job->attempts.n * sizeof *v);
        for (size_t i = 0; i < more.n; i++) {
                Attempt *a = &v[job->attempts.n + i];
                *a = add[i];
                a->provider = arena_dup(job->arena, add[i].provider);
                a->model = arena_dup(job->arena, add[i].model);
                a->outcome = arena_dup(job->arena, add[i].outcome);
        }
        job->attempts = (List){ v, job->attempts.n + more.n };
}

static void ask_again(PoolJob *pool) {
        Job *job = CONTAINER_OF(pool, Job, pool);
        job->completion = completion_unref(job->completion);
        job_ask(job);
}

static void on_read(void *arg, Err e, const CompletionResult *r) {
        Job *job = arg;
        attempts_keep(job, r->attempts);
        if (e && job->tries + 1 < TRIES_MAX) {
                job_finish(job, job_postpone);
                return;
        }
        Err bad = e ? e
                    : reading_parse(&job->cx, r->text, job->t.message, &job->facts, &job->dropped);
        job->has_facts = !bad;
        err_clear(&job->cx);
        if (!e && bad && !job->is_second) {
                job->is_second = true;
                job->pool = (PoolJob){ .run = ask_again };
                if (pool_submit(job->r->chat->rooms.workers, &job->pool))
                        return;
        }
        job_finish(job, job_store);
}

static void job_ask(Job *job) {
        _cleanup_(buf_done) Buf messages = BUF(256 * 1024);
        buf_add_c(&messages, "[{\"role\":\"system\",\"content\":");
        json_write_str(&messages, str_c(reading_rules));
        buf_add_c(&messages, "},{\"role\":\"user\",\"content\":");
        json_write_str(&messages, job->t.message);
        buf_add_c(&messages, "}]");
        CompletionAsk ask = { .messages = buf_str(&messages),
                              .options = str_c(reading_options),
                              .user_id = job->t.user_id,
                              .max_tokens = { true, 1024 },
                              .temperature = { true, 0 },
                              .prompt_tokens = tokens_estimate(messages.n) };
        CompletionEvents ev = { .arg = job, .done = on_read };
        job->completion = completion_new(&job->cx, &job->r->chat->up, &ask, &ev);
        completion_go(job->completion);
}

/* ---- taking jobs ---- */

typedef struct Due {
        Str user_id, turn_id;
        int64_t tries;
} Due;
typedef struct DueList {
        Due v[BATCH];
        size_t n;
} DueList;

static Err due_take(Ctx *cx, DbConn *c, void *arg) {
        DueList *list = arg;
        {
                _cleanup_(rows_done) Rows r = { 0 };
                TRY(db_rows(cx, c, &sql_chat_job_next, ARGS(v_int(cx_now_ms(cx)), v_int(BATCH)),
                            &r));
                for (bool row;;) {
                        TRY(rows_next(cx, &r, &row));
                        if (!row || list->n == BATCH)
                                break;
                        char *text = arena_bytes(cx->arena, UUID_TEXT + 1);
                        Str id = row_text(&r, 1);
                        if (id.n != 16)
                                continue;
                        uuid_write(text, (const unsigned char *)id.p);
                        list->v[list->n++] =
                                (Due){ row_dup(cx, &r, 0), str_n(text, UUID_TEXT), row_int(&r, 2) };
                }
        }
        for (size_t i = 0; i < list->n; i++) {
                unsigned char id[16];
                if (uuid_read(list->v[i].turn_id, id))
                        TRY(db_run(cx, c, &sql_chat_job_later,
                                   ARGS(v_text(list->v[i].user_id), v_blob(str_n(id, 16)),
                                        v_int(JOB_RUNNING), v_int(list->v[i].tries),
                                        v_int(cx_now_ms(cx))),
                                   NULL));
        }
        return OK;
}

static void job_begin(Readers *r, const Due *due) {
        Job *job = calloc(1, sizeof *job);
        if (!job)
                abort();
        DbConn *c;
        job->r = r;
        job->arena = arena_new();
        job->cx = (Ctx){ .arena = job->arena, .world = &world_real };
        job->tries = due->tries;
        job->t.user_id = job->cx.user_id = arena_dup(job->arena, due->user_id);
        job->t.turn_id = arena_dup(job->arena, due->turn_id);
        atomic_fetch_add(&r->running, 1);
        Err e = db_read(&job->cx, r->chat->rooms.db, &c);
        if (!e)
                e = spend_prepare(&job->cx, r->chat->up.spend, c, job->t.user_id);
        if (!e)
                e = chat_turn_find(&job->cx, &(ChatScope){ r->chat, c, job->t.user_id },
                                   job->t.turn_id, &job->t);
        if (e)
                job_finish(job, e == ERR_NOT_FOUND ? job_store : job_postpone);
        else
                job_ask(job);
}

static void tick_run(PoolJob *pool) {
        Readers *r = CONTAINER_OF(pool, Readers, tick);
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        DueList due = { .n = 0 };
        if (atomic_load(&r->running) < AT_ONCE &&
            db_write(&cx, r->chat->rooms.db, due_take, &due) == OK)
                for (size_t i = 0; i < due.n; i++)
                        job_begin(r, &due.v[i]);
        atomic_store(&r->ticking, false);
}

static bool has_due(Readers *r) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        _cleanup_(rows_done) Rows rows = { 0 };
        DbConn *c;
        if (db_read(&cx, r->chat->rooms.db, &c))
                return false;
        return db_row(&cx, c, &sql_chat_job_next, ARGS(v_int(cx_now_ms(&cx)), v_int(1)), &rows) ==
               OK;
}

static void tick(void *arg) {
        Readers *r = arg;
        if (atomic_load(&r->closed) || atomic_load(&r->running) >= AT_ONCE ||
            atomic_exchange(&r->ticking, true))
                return;
        r->tick = (PoolJob){ .run = tick_run };
        if (!has_due(r) || !pool_submit(r->chat->rooms.workers, &r->tick))
                atomic_store(&r->ticking, false);
}

/* ---- life ---- */

Readers *readers_new(Chat *chat) {
        Readers *r = calloc(1, sizeof *r);
        if (!r)
                abort();
        r->chat = chat;
        r->jobs = metric_counter("mainstay_extraction_jobs_total", "outcome",
                                 "Messages read for facts by a model");
        return r;
}

Err readers_start(Ctx *cx, Readers *r) {
        r->timer = timer_every(r->chat->rooms.timers, TICK_MS, TICK_MS, tick, r);
        return OK;
}

void readers_stop(Readers *r) {
        if (!r)
                return;
        atomic_store(&r->closed, true);
        r->timer = timer_stop(r->timer);
}

/* The client is still there and ends what runs; each end goes through the writer. */
Readers *readers_free(Readers *r) {
        if (!r)
                return NULL;
        readers_stop(r);
        for (int i = 0; i < 500 && (atomic_load(&r->running) || atomic_load(&r->ticking)); i++)
                nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        free(r);
        return NULL;
}

Err reader_enqueue(Ctx *cx, Chat *chat, DbConn *c, const ChatTurn *t) {
        unsigned char id[16];
        if (!uuid_read(t->turn_id, id))
                return RAISE(cx, ERR_INTERNAL, "a turn without an id");
        return db_run(cx, c, &sql_chat_job_add,
                      ARGS(v_text(t->user_id), v_blob(str_n(id, 16)), v_int(cx_now_ms(cx))), NULL);
}

// SPDX-License-Identifier: MIT
#include "memory/import.h"

#include <pthread.h>

#include "codec/uuid.h"
#include "memory/memory_int.h"
#include "memory/memory_sql.h"
#include "memory/profile_int.h"
#include "memory/vectors.h"

/* TURNS: what others wait for when they write meanwhile, about ten milliseconds */
enum { IN_FLIGHT = 64, TURNS = 400 };

/* ---- one conversation, on the writer ---- */

typedef struct Batch Batch;
typedef struct Job {
        DbJob db;
        Ctx cx;
        Batch *batch;
        const ImportConversation *in;
        Imported *out;
} Job;
struct Batch {
        const Import *im;
        Job jobs[IN_FLIGHT];
        pthread_mutex_t lock;
        pthread_cond_t done;
        size_t open;
};

typedef struct Store { /* one conversation while it is written */
        MemoryScope s;
        Keys keys;
        Shelf *shelf;
        Job *job;
        unsigned char id[16];
        Str conversation_id;
        Arena *scratch;
        bool is_new;
        int64_t seq;
        int utc_offset_min;
} Store;

static void store_done(Store *st) {
        keys_done(&st->keys);
        arena_free(st->scratch);
}

static Err store_open(Ctx *cx, Store *st) {
        const ImportConversation *in = st->job->in;
        Conversation c;
        Err e = in->external_id.p ? conversation_find_external(cx, &st->s, in->external_id, &c)
                                  : ERR_NOT_FOUND;
        st->is_new = e == ERR_NOT_FOUND;
        if (st->is_new)
                e = conversation_create(cx, &st->s,
                                        &(ConversationNew){ .external_id = in->external_id,
                                                            .title = in->title,
                                                            .timezone = in->timezone },
                                        &c);
        TRY(e);
        st->conversation_id = c.conversation_id;
        if (!uuid_read(c.conversation_id, st->id))
                return RAISE(cx, ERR_CORRUPT, "stored id is not a UUID");
        TRY(keys_get(cx, &st->s, &st->keys));
        TRY(shelf_get(cx, &st->s, &st->shelf));
        if (st->job->batch->im->extract)
                TRY(profile_utc_offset(cx, &st->s, cx_now_ms(cx), &st->utc_offset_min));
        return st->is_new ? OK : turn_last_seq(cx, &st->s, st->id, &st->seq);
}

static Str role_of(const ImportTurn *t) {
        if (t->role.p)
                return t->role;
        return str_eq_nocase(t->speaker, STR("user"))        ? STR("user")
               : str_eq_nocase(t->speaker, STR("assistant")) ? STR("assistant")
                                                             : STR("other");
}

/* Is it there already? By its id; without one, by its place and words. */
static Err turn_known(Ctx *cx, Store *st, const ImportTurn *in, size_t place, bool *ret) {
        Turn t;
        *ret = false;
        if (st->is_new)
                return OK;
        Err e;
        if (in->external_id.p) {
                TurnKey key = { .external_id = in->external_id };
                memcpy(key.conversation, st->id, sizeof st->id);
                e = turn_by_external(cx, &st->s, &st->keys, &key, &t);
        } else {
                Turns at;
                e = turn_list(cx, &st->s,
                              &(TurnFilter){ st->conversation_id, (int64_t)place + 2, 1 }, &at);
                if (!e && (at.n == 0 || at.v[0].seq != (int64_t)place + 1 ||
                           !str_eq(at.v[0].text, in->text)))
                        e = ERR_NOT_FOUND;
                else if (!e)
                        t = at.v[0];
        }
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        if (!str_eq(t.text, in->text)) {
                st->job->out->bad_id = in->external_id;
                return RAISE(cx, ERR_CONFLICT, "external id of another text");
        }
        *ret = true;
        return OK;
}

static Err turn_learn(Ctx *cx, Store *st, const Turn *t) {
        Facts facts;
        Learned l;
        ExtractContext ec = { .said_at = t->at, .utc_offset_min = st->utc_offset_min };
        facts_extract(st->scratch, t->text, &ec, &facts);
        bool none = facts.n == 0;
        arena_clear(st->scratch);
        /* most turns: nothing of them stays until the commit */
        if (none)
                return OK;
        facts_extract(cx->arena, t->text, &ec, &facts);
        MemoryScope by = { st->s.m, st->s.c, st->s.user_id, "rule" };
        TRY(memory_learn(cx, &by, t, &facts, &l));
        st->job->out->memories_created += (int64_t)l.created.n;
        return shelf_get(cx, &st->s, &st->shelf);
}

/* Without a zone a clock shows UTC. Near a change of the clocks the second look
 * decides. */
static int64_t moment_of(Str zone, const ImportTurn *in) {
        int64_t at = in->at;
        int offset_min;
        for (int i = 0; i < 2 && in->is_local && zone_offset(zone, at, &offset_min); i++)
                at = in->at - offset_min * INT64_C(60000);
        return at;
}

static Err turn_store(Ctx *cx, Store *st, const ImportTurn *in, size_t place) {
        bool known;
        TRY(turn_known(cx, st, in, place, &known));
        if (known) {
                st->job->out->turns_unchanged++;
                return OK;
        }
        Turn t = { .unit = shelf_next_unit(st->shelf),
                   .seq = ++st->seq,
                   .turn_id = uuid_new(cx),
                   .conversation_id = st->conversation_id,
                   .conversation_external_id = st->job->in->external_id,
                   .external_id = in->external_id,
                   .role = role_of(in),
                   .speaker = in->speaker,
                   .text = in->text,
                   .caption = in->caption,
                   .at = moment_of(st->job->in->timezone, in),
                   .recorded_at = cx_now_ms(cx),
                   .is_imported = true };
        Err e = turn_insert(cx, &st->s, &st->keys, &t);
        if (e == ERR_CONFLICT && in->external_id.p && st->is_new) { /* twice in this request */
                st->is_new = false;
                st->seq--;
                return turn_store(cx, st, in, place);
        }
        TRY(e);
        st->job->out->turns_added++;
        bool own = str_eq_c(t.role, "user");
        return st->job->batch->im->extract && own ? turn_learn(cx, st, &t) : OK;
}

static Err job_store(Ctx *cx, DbConn *c, void *arg) {
        Job *job = arg;
        const Import *im = job->batch->im;
        _cleanup_(store_done) Store st = { .s = { im->m, c, im->user_id, "import" },
                                           .job = job,
                                           .scratch = arena_new() };
        *job->out = (Imported){ .external_id = job->in->external_id };
        TRY(store_open(cx, &st));
        for (size_t i = 0; i < job->in->n; i++)
                TRY(turn_store(cx, &st, &job->in->turns[i], i));
        job->out->conversation_id = st.conversation_id;
        if (!job->out->turns_added)
                return OK;
        TRY(vectors_later_turns(cx, &st.s));
        return db_run(cx, c, &sql_conversation_grow,
                      ARGS(v_text(im->user_id), v_blob(str_n(st.id, 16)),
                           v_int(job->out->turns_added), v_int(cx_now_ms(cx))),
                      NULL);
}

/* ---- many of them ---- */

static void job_done(DbJob *db, Err e) {
        Job *job = CONTAINER_OF(db, Job, db);
        Batch *b = job->batch;
        if (e)
                *job->out = (Imported){ .err = e,
                                        .external_id = job->in->external_id,
                                        .bad_id = job->out->bad_id };
        pthread_mutex_lock(&b->lock);
        b->open--;
        pthread_cond_signal(&b->done);
        pthread_mutex_unlock(&b->lock);
}

static Err batch_submit(Ctx *cx, Batch *b, size_t from, size_t n) {
        Err refused = OK;
        for (size_t i = 0; i < n; i++) {
                Job *job = &b->jobs[i];
                *job = (Job){ .cx = *cx,
                              .batch = b,
                              .in = &b->im->v[from + i],
                              .out = &b->im->ret[from + i] };
                /* the writer allocates while we wait: an arena is one thread's */
                job->cx.arena = arena_new();
                job->db = (DbJob){ .fn = job_store, .arg = job, .cx = &job->cx, .done = job_done };
                pthread_mutex_lock(&b->lock);
                b->open++;
                pthread_mutex_unlock(&b->lock);
                Err e = db_submit(cx, b->im->m->db, &job->db);
                if (e) {
                        job_done(&job->db, e);
                        refused = e;
                }
        }
        return refused;
}

static void batch_wait(Ctx *cx, Batch *b, size_t n) {
        pthread_mutex_lock(&b->lock);
        while (b->open)
                pthread_cond_wait(&b->done, &b->lock);
        pthread_mutex_unlock(&b->lock);
        for (size_t i = 0; i < n; i++) {
                b->jobs[i].out->conversation_id =
                        arena_dup(cx->arena, b->jobs[i].out->conversation_id);
                arena_free(b->jobs[i].cx.arena);
        }
}

/* How many of those from `from` on go together. */
static size_t batch_size(const Import *in, size_t from) {
        size_t n = 0, turns = 0;
        while (from + n < in->n && n < IN_FLIGHT && (!n || turns + in->v[from + n].n <= TURNS))
                turns += in->v[from + n++].n;
        return n;
}

Err memory_import(Ctx *cx, const Import *in) {
        Batch *b = NEW(cx->arena, Batch);
        size_t refused = 0;
        Err e = OK;
        b->im = in;
        pthread_mutex_init(&b->lock, NULL);
        pthread_cond_init(&b->done, NULL);
        for (size_t i = 0, n; i < in->n; i += n) {
                n = batch_size(in, i);
                Err now = batch_submit(cx, b, i, n);
                batch_wait(cx, b, n);
                e = now ? now : e;
        }
        pthread_cond_destroy(&b->done);
        pthread_mutex_destroy(&b->lock);
        for (size_t i = 0; i < in->n; i++) {
                bool storage = in->ret[i].err == ERR_STORAGE || in->ret[i].err == ERR_UNAVAILABLE;
                refused += storage;
                e = storage ? in->ret[i].err : e;
        }
        return in->n && refused == in->n ? RAISE(cx, e, "no conversation could be stored") : OK;
}

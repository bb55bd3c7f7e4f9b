// SPDX-License-Identifier: MIT
#include "identity/audit.h"

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "identity/count.h"
#include "identity/identity_sql_int.h"

enum { IP_MAX = 45, AGENT_MAX = 200, REASON_MAX = 200 };

struct Audit {
        UserKeys *keys;
        Ed25519Key key;
};

Audit *audit_new(Ctx *cx, UserKeys *keys, const unsigned char seed[32]) {
        Audit *a = calloc(1, sizeof(*a));

        assert(a);
        a->keys = keys;
        ed25519_key(seed, &a->key);
        return a;
}

Audit *audit_free(Audit *a) {
        if (a)
                ed25519_key_done(&a->key);
        free(a);
        return NULL;
}


/* ---- the chain ---- */

static void put_u64(unsigned char out[8], int64_t v) {
        for (int i = 0; i < 8; i++)
                out[i] = (unsigned char)((uint64_t)v >> (56 - 8 * i));
}

static void add_number(Sha256 *h, int64_t v) {
        unsigned char b[8];

        put_u64(b, v);
        sha256_add(h, str_n(b, sizeof(b)));
}

/* The length comes first, so that no two different records run together to the same bytes. */
static void add_field(Sha256 *h, Str s) {
        add_number(h, (int64_t)s.n);
        sha256_add(h, s);
}

void audit_hash(const AuditRecord *r, unsigned char ret[32]) {
        const Str fields[] = { r->event,     r->outcome, r->actor_type, r->actor_id, r->target_type,
                               r->target_id, r->client,  r->trace_id,   r->reason,   r->owner };
        Sha256 h;

        sha256_init(&h);
        sha256_add(&h, r->prev_hash);
        add_number(&h, r->seq);
        add_number(&h, r->ts_ms);
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                add_field(&h, fields[i]);
        sha256_end(&h, ret);
}

static Str zero_hash(void) {
        static const char zeros[SHA256_SIZE];

        return str_n(zeros, sizeof(zeros));
}

static Err head_read(Ctx *cx, DbConn *c, int64_t *ret_seq, Str *ret_hash) {
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(cx, c, &sql_audit_head, NO_ARGS, &r);

        if (e == ERR_NOT_FOUND) { /* the first record, or the first after a prune of all */
                *ret_seq = 0;
                *ret_hash = zero_hash();
                return OK;
        }
        TRY(e);
        *ret_seq = row_int(&r, 0);
        *ret_hash = row_dup(cx, &r, 1);
        return OK;
}

/* Address and program of the caller belong to the owner of the event: sealed with that user's
 * key, they go when the user goes. */
static Err client_write(Ctx *cx, Audit *a, DbConn *c, const AuditEvent *e, AuditRecord *r) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        Str agent = str_to(e->user_agent, str_utf8_cut(e->user_agent, AGENT_MAX));
        Str plain =
                arena_strf(cx->arena, "%.*s\n%.*s", STR_FMT(str_to(e->ip, IP_MAX)), STR_FMT(agent));
        Err err = r->owner.n ? user_key_get(cx, a->keys, c, r->owner, &key) : ERR_NOT_FOUND;

        if (err && err != ERR_NOT_FOUND)
                return err;
        r->client = err ? plain : seal(cx, &key, (SealFor){ r->owner, "audit" }, plain);
        return OK;
}

static Str or_empty(Str s) { return s.p ? s : STR(""); }
static Str word(const char *c) { return c ? str_c(c) : STR(""); }

static Err append(Ctx *cx, Audit *a, DbConn *c, const AuditEvent *e) {
        Str actor_is_owner =
                e->actor_type && !strcmp(e->actor_type, "user") ? e->actor_id : STR_NULL;
        AuditRecord r = {
                .ts_ms = cx_now_ms(cx),
                .event = str_c(e->event),
                .outcome = str_c(e->outcome),
                .actor_type = word(e->actor_type),
                .actor_id = or_empty(e->actor_id),
                .target_type = word(e->target_type),
                .target_id = or_empty(e->target_id),
                .trace_id = str_c(cx->trace_id),
                .reason = or_empty(str_to(e->reason, REASON_MAX)),
                .owner = or_empty(e->owner.p ? e->owner : actor_is_owner),
        };
        unsigned char hash[SHA256_SIZE];

        TRY(client_write(cx, a, c, e, &r));
        TRY(head_read(cx, c, &r.seq, &r.prev_hash));
        r.seq++;
        audit_hash(&r, hash);
        count_event(e->event, e->outcome);
        return db_run(cx, c, &sql_audit_add,
                      ARGS(v_int(r.seq), v_int(r.ts_ms), v_text(r.event), v_text(r.outcome),
                           v_text(r.actor_type), v_text(r.actor_id), v_text(r.target_type),
                           v_text(r.target_id), v_blob(r.client), v_text(r.trace_id),
                           v_text(r.reason), v_text(r.owner), v_blob(r.prev_hash),
                           v_blob(str_n(hash, sizeof(hash)))),
                      NULL);
}

Err audit_append(Ctx *cx, Audit *a, DbConn *c, const AuditEvent *e) {
        Err err = append(cx, a, c, e);

        if (err)
                count_audit_failure();
        return err;
}

/* ---- reading ---- */

/* In the order of AUDIT_COLUMNS. */
enum {
        COL_SEQ,
        COL_TS,
        COL_EVENT,
        COL_OUTCOME,
        COL_ACTOR_TYPE,
        COL_ACTOR_ID,
        COL_TARGET_TYPE,
        COL_TARGET_ID,
        COL_CLIENT,
        COL_TRACE_ID,
        COL_REASON,
        COL_OWNER,
        COL_PREV_HASH,
        COL_HASH
};

/* Borrowed from the row. */
static AuditRecord record_read(const Rows *r) {
        return (AuditRecord){
                .seq = row_int(r, COL_SEQ),
                .ts_ms = row_int(r, COL_TS),
                .event = row_text(r, COL_EVENT),
                .outcome = row_text(r, COL_OUTCOME),
                .actor_type = row_text(r, COL_ACTOR_TYPE),
                .actor_id = row_text(r, COL_ACTOR_ID),
                .target_type = row_text(r, COL_TARGET_TYPE),
                .target_id = row_text(r, COL_TARGET_ID),
                .client = or_empty(row_text(r, COL_CLIENT)),
                .trace_id = row_text(r, COL_TRACE_ID),
                .reason = row_text(r, COL_REASON),
                .owner = row_text(r, COL_OWNER),
                .prev_hash = row_text(r, COL_PREV_HASH),
                .hash = row_text(r, COL_HASH),
        };
}

static void record_dup(Ctx *cx, AuditRecord *r) {
        Str *const texts[] = { &r->event,       &r->outcome,   &r->actor_type, &r->actor_id,
                               &r->target_type, &r->target_id, &r->client,     &r->trace_id,
                               &r->reason,      &r->owner,     &r->prev_hash,  &r->hash };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                *texts[i] = arena_dup(cx->arena, *texts[i]);
}

static Err client_read(Ctx *cx, Audit *a, DbConn *c, AuditRecord *r) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        uint32_t key_id;
        Str plain = r->client;

        r->ip = r->user_agent = STR("");
        if (seal_key_id(r->client, &key_id)) {
                Err e = user_key_get(cx, a->keys, c, r->owner, &key);

                if (e == ERR_NOT_FOUND) /* erased */
                        return OK;
                TRY(e);
                TRY(seal_open(cx, &key, (SealFor){ r->owner, "audit" }, r->client, &plain));
        }
        r->ip = str_cut(&plain, '\n');
        r->user_agent = or_empty(plain);
        return OK;
}

Err audit_list(Ctx *cx, Audit *a, DbConn *c, const AuditFilter *f, AuditRecords *ret) {
        const Val args[] = {
                v_int(f->before_seq ? f->before_seq : INT64_MAX),
                v_int(f->from_ms),
                v_int(f->to_ms ? f->to_ms : INT64_MAX),
                v_text(or_empty(f->event)),
                v_text(or_empty(f->outcome)),
                v_int(f->limit),
                v_text(f->owner),
        };
        AuditRecord *list = NEW_ARRAY(cx->arena, AuditRecord, (size_t)f->limit);
        size_t n = 0;
        bool more;

        {
                _cleanup_(rows_done) Rows r = { 0 };

                TRY(db_rows(cx, c, f->owner.p ? &sql_audit_page_owner : &sql_audit_page,
                            (Args){ args, f->owner.p ? 7 : 6 }, &r));
                for (;;) {
                        TRY(rows_next(cx, &r, &more));
                        if (!more || n == (size_t)f->limit)
                                break;
                        list[n] = record_read(&r);
                        record_dup(cx, &list[n++]);
                }
        }
        for (size_t i = 0; i < n; i++)
                TRY(client_read(cx, a, c, &list[i]));
        *ret = (AuditRecords){ list, n };
        return OK;
}

Err audit_scan(Ctx *cx, DbConn *c, int64_t after_seq, int limit, AuditRecords *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        AuditRecord *list = NEW_ARRAY(cx->arena, AuditRecord, (size_t)limit);
        size_t n = 0;
        bool more;

        TRY(db_rows(cx, c, &sql_audit_forward, ARGS(v_int(after_seq), v_int(limit)), &r));
        for (;;) {
                TRY(rows_next(cx, &r, &more));
                if (!more || n == (size_t)limit)
                        break;
                list[n] = record_read(&r);
                record_dup(cx, &list[n++]);
        }
        *ret = (AuditRecords){ list, n };
        return OK;
}

/* ---- checkpoints ---- */

/* What a checkpoint says: the chain up to `seq` ends in `hash`. */
typedef struct Mark {
        const char *kind;
        int64_t seq;
        Str hash;
} Mark;

static Str checkpoint_text(Ctx *cx, const Mark *m, int64_t ts) {
        unsigned char numbers[16];
        _cleanup_(buf_done) Buf b = BUF(256);

        put_u64(numbers, m->seq);
        put_u64(numbers + 8, ts);
        buf_addf(&b, "mainstay audit checkpoint\n%s\n", m->kind);
        buf_add(&b, str_n(numbers, sizeof(numbers)));
        buf_add(&b, m->hash);
        return arena_dup(cx->arena, buf_str(&b));
}

static Err checkpoint_add(Ctx *cx, Audit *a, DbConn *c, const Mark *m) {
        unsigned char sig[ED25519_SIG];
        int64_t now = cx_now_ms(cx);

        ed25519_sign(&a->key, checkpoint_text(cx, m, now), sig);
        return db_run(cx, c, &sql_checkpoint_add,
                      ARGS(v_text(str_c(m->kind)), v_int(m->seq), v_int(now), v_blob(m->hash),
                           v_blob(str_n(sig, sizeof(sig)))),
                      NULL);
}

Err audit_checkpoint(Ctx *cx, Audit *a, DbConn *c) {
        int64_t seq, last = 0;
        Str hash;
        Err e;

        {
                _cleanup_(rows_done) Rows r = { 0 };

                e = db_row(cx, c, &sql_checkpoint_last, NO_ARGS, &r);
                if (e && e != ERR_NOT_FOUND)
                        return e;
                last = e ? 0 : row_int(&r, 0);
        }
        TRY(head_read(cx, c, &seq, &hash));
        return seq > last ? checkpoint_add(cx, a, c, &(Mark){ "head", seq, hash }) : OK;
}

/* The newest record always stays, so that the chain never starts again at one. */
Err audit_prune(Ctx *cx, Audit *a, DbConn *c, int64_t before_ms, int64_t *ret_gone) {
        int64_t newest, last;
        Str hash;

        *ret_gone = 0;
        TRY(head_read(cx, c, &newest, &hash));
        {
                _cleanup_(rows_done) Rows r = { 0 };

                TRY(db_row(cx, c, &sql_audit_old, ARGS(v_int(before_ms), v_int(AUDIT_PIECE)), &r));
                last = MIN(row_int(&r, 0), newest - 1);
        }
        if (last <= 0)
                return OK;
        {
                _cleanup_(rows_done) Rows r = { 0 };
                Err e = db_row(cx, c, &sql_audit_at, ARGS(v_int(last)), &r);

                if (e == ERR_NOT_FOUND)
                        return OK;
                TRY(e);
                hash = row_dup(cx, &r, 0);
        }
        TRY(db_run(cx, c, &sql_checkpoint_prune, ARGS(v_int(last)), NULL));
        TRY(checkpoint_add(cx, a, c, &(Mark){ "base", last, hash }));
        return db_run(cx, c, &sql_audit_prune, ARGS(v_int(last)), ret_gone);
}

/* ---- verifying ---- */

typedef struct Checkpoint {
        int64_t seq;
        Str hash;
        bool found, good;
} Checkpoint;

static Err checkpoint_read(Ctx *cx, const Audit *a, Rows *r, const char *kind, Checkpoint *ret) {
        bool more;

        TRY(rows_next(cx, r, &more));
        *ret = (Checkpoint){ .found = more };
        if (!more)
                return OK;
        ret->seq = row_int(r, 0);
        ret->hash = row_text(r, 2);
        ret->good = ed25519_verify(
                a->key.public,
                checkpoint_text(cx, &(Mark){ kind, ret->seq, ret->hash }, row_int(r, 1)),
                row_text(r, 3));
        return OK;
}

/* Where the chain starts: at nothing, or at a signed base left by a prune. */
static Err base_read(Ctx *cx, const Audit *a, DbConn *c, AuditVerdict *v,
                     unsigned char prev[SHA256_SIZE]) {
        _cleanup_(rows_done) Rows r = { 0 };
        Checkpoint base;

        memset(prev, 0, SHA256_SIZE);
        TRY(db_rows(cx, c, &sql_checkpoint_all, ARGS(v_text(STR("base"))), &r));
        TRY(checkpoint_read(cx, a, &r, "base", &base));
        if (!base.found)
                return OK;
        if (!base.good || base.hash.n != SHA256_SIZE) {
                v->fault = "checkpoint";
                v->bad_seq = base.seq;
                return OK;
        }
        memcpy(prev, base.hash.p, SHA256_SIZE);
        v->last_seq = base.seq;
        return OK;
}

static const char *record_fault(const AuditRecord *r, const AuditVerdict *v,
                                const unsigned char prev[SHA256_SIZE]) {
        unsigned char hash[SHA256_SIZE];

        if (r->seq != v->last_seq + 1)
                return v->records ? "gap" : "start";
        if (!str_eq(r->prev_hash, str_n(prev, SHA256_SIZE)))
                return "link";
        audit_hash(r, hash);
        return str_eq(r->hash, str_n(hash, sizeof(hash))) ? NULL : "hash";
}

/* Checkpoints are walked beside the records; the first fault ends the walk. */
static Err chain_walk(Ctx *cx, const Audit *a, DbConn *c, AuditVerdict *v,
                      unsigned char prev[SHA256_SIZE]) {
        _cleanup_(rows_done) Rows heads = { 0 }, rows = { 0 };
        Checkpoint next;
        bool more;

        TRY(db_rows(cx, c, &sql_checkpoint_all, ARGS(v_text(STR("head"))), &heads));
        TRY(checkpoint_read(cx, a, &heads, "head", &next));
        TRY(db_rows(cx, c, &sql_audit_forward, ARGS(v_int(v->last_seq), v_int(INT64_MAX)), &rows));
        for (;;) {
                AuditRecord r;

                TRY(rows_next(cx, &rows, &more));
                if (!more)
                        break;
                r = record_read(&rows);
                v->fault = record_fault(&r, v, prev);
                if (!v->fault && next.found && next.seq == r.seq) {
                        if (!next.good || !str_eq(next.hash, r.hash))
                                v->fault = "checkpoint";
                        v->checkpoints++;
                        TRY(checkpoint_read(cx, a, &heads, "head", &next));
                }
                if (v->fault) {
                        v->bad_seq = r.seq;
                        return OK;
                }
                memcpy(prev, r.hash.p, SHA256_SIZE);
                v->last_seq = r.seq;
                v->records++;
        }
        if (next.found) { /* it vouches for a record that is not there */
                v->fault = "truncated";
                v->bad_seq = next.seq;
        }
        return OK;
}

Err audit_verify(Ctx *cx, Audit *a, DbConn *c, AuditVerdict *ret) {
        unsigned char prev[SHA256_SIZE];
        AuditVerdict v = { 0 };

        TRY(base_read(cx, a, c, &v, prev));
        if (!v.fault)
                TRY(chain_walk(cx, a, c, &v, prev));
        *ret = v;
        return OK;
}

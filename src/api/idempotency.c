// SPDX-License-Identifier: MIT
/* Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the same key with the same
 * request gives the stored answer for 24 hours. For a WRITE row the answer is stored in the
 * savepoint of its effect, so both are durable or neither is. Rows on other lanes claim the key
 * first; a claim whose process died is void after CLAIM_MS. Bodies are sealed with the user's
 * data key. */
#include "api/visit_int.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "crypto/seal.h"
#include "identity/user_key.h"

#define KEEP_MS  (INT64_C(24) * 3600 * 1000)
#define CLAIM_MS (INT64_C(5) * 60 * 1000)
enum { KEY_MAX = 255 };

const Migration api_migrations[] = {
        {
                .number = 500,
                .name = "idempotency keys",
                .up = "CREATE TABLE api_idempotency (user_id TEXT NOT NULL, idem_key TEXT NOT "
                      "NULL, fingerprint BYTEA NOT NULL, status BIGINT NOT NULL, body BYTEA, "
                      "created_at BIGINT NOT NULL, PRIMARY KEY (user_id, idem_key));"
                      "CREATE INDEX api_idempotency_age ON api_idempotency (created_at);",
                .down = "DROP TABLE api_idempotency;",
        },
        {
                .number = 501,
                .name = "daily quotas",
                .up = "CREATE TABLE api_quota (user_id TEXT PRIMARY KEY, start_s BIGINT NOT NULL, "
                      "used BIGINT NOT NULL);",
                .down = "DROP TABLE api_quota;",
        },
        {
                .number = 502,
                .name = "type of stored answers",
                .up = "ALTER TABLE api_idempotency ADD COLUMN media_type TEXT;",
                .down = "ALTER TABLE api_idempotency DROP COLUMN media_type;",
        },
        { 0 },
};

static const Sql sql_find = { "idempotency_find",
                              "SELECT fingerprint, status, body, created_at, media_type "
                              "FROM api_idempotency WHERE user_id = $1 AND idem_key = $2" };
static const Sql sql_claim = {
        "idempotency_claim",
        "INSERT INTO api_idempotency (user_id, idem_key, fingerprint, status, body, created_at) "
        "VALUES ($1, $2, $3, 0, NULL, $4)"
};
static const Sql sql_settle = { "idempotency_settle",
                                "UPDATE api_idempotency SET status = $3, body = $4, media_type = "
                                "$5 WHERE user_id = $1 AND idem_key = $2" };
static const Sql sql_drop = { "idempotency_drop",
                              "DELETE FROM api_idempotency WHERE user_id = $1 AND idem_key = $2" };
static const Sql sql_expire = { "idempotency_expire",
                                "DELETE FROM api_idempotency WHERE created_at < $1" };

static bool applies(const Visit *v) {
        const Route *r = v->row->route;
        return r->method == POST && v->rq.who &&
               !str_starts(str_c(r->path), STR("/api/v1/auth/")) &&
               !str_starts(str_c(r->path), STR("/api/auth/"));
}

Err idempotency_read_key(Visit *v) {
        Str key = str_trim(exchange_header(v->x, "idempotency-key"));
        if (!key.p || !applies(v))
                return OK;
        if (key.n >= 2 && key.p[0] == '"' && key.p[key.n - 1] == '"')
                key = (Str){ key.p + 1, key.n - 2 };
        if (!key.n || key.n > KEY_MAX)
                return RAISE_FIELD(v->rq.cx, "Idempotency-Key", "must have 1 to %d characters",
                                   KEY_MAX);
        v->idem_key = key;
        return OK;
}

static void fingerprint(Visit *v) {
        Sha256 h;
        sha256_init(&h);
        const Str parts[] = { str_c(method_names[v->x->method]), v->x->target, v->who.user_id,
                              v->x->body };
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                /* lengths keep "ab"+"c" apart from "a"+"bc" */
                uint64_t n = parts[i].n;
                sha256_add(&h, str_n(&n, sizeof n));
                sha256_add(&h, parts[i]);
        }
        sha256_end(&h, v->idem_print);
}

static SealFor sealed_for(Str user_id) { return (SealFor){ user_id, "api_idempotency.body" }; }

static Err replay(Visit *v, DbConn *c, const Rows *row) {
        Ctx *cx = v->rq.cx;
        if (!row_is_null(row, 2)) { /* else an answer without a body */
                _cleanup_(user_key_done) UserKey key = { 0 };
                TRY(user_key_get(cx, identity_user_keys(v->api->sv->identity), c, v->who.user_id,
                                 &key));
                TRY(seal_open(cx, &key, sealed_for(v->who.user_id), row_text(row, 2), &v->body));
                v->type = row_is_null(row, 4) ? STR("application/json")
                                              : arena_dup(cx->arena, row_text(row, 4));
        }
        v->rq.status = (int)row_int(row, 1);
        v->replayed = true;
        return OK;
}

static Err claim(Visit *v, DbConn *c) {
        return db_run(v->rq.cx, c, &sql_claim,
                      ARGS(v_text(v->who.user_id), v_text(v->idem_key),
                           v_blob(str_n(v->idem_print, sizeof v->idem_print)),
                           v_int(cx_now_ms(v->rq.cx))),
                      NULL);
}

Err idempotency_begin(Visit *v, DbConn *c) {
        Ctx *cx = v->rq.cx;
        fingerprint(v);
        _cleanup_(rows_done) Rows row = { 0 };
        Err e = db_row(cx, c, &sql_find, ARGS(v_text(v->who.user_id), v_text(v->idem_key)), &row);
        if (e && e != ERR_NOT_FOUND)
                return e;
        int64_t age = e ? KEEP_MS : cx_now_ms(cx) - row_int(&row, 3);
        bool running = !e && row_int(&row, 1) == 0;
        if (age < (running ? CLAIM_MS : KEEP_MS)) {
                if (!str_eq(row_text(&row, 0), str_n(v->idem_print, sizeof v->idem_print)))
                        return RAISE(cx, ERR_IDEMPOTENCY_MISMATCH, "another request used this key");
                if (running)
                        return RAISE(cx, ERR_IDEMPOTENCY_BUSY, "the first request is running");
                return replay(v, c, &row);
        }
        rows_done(&row);
        if (!e)
                TRY(idempotency_drop(v, c));
        return claim(v, c);
}

/* What is kept of an answer. */
typedef struct Stored {
        Str user_id, key;
        int status;
        Str type, body;
} Stored;

static Err settle(Ctx *cx, DbConn *c, Identity *identity, const Stored *a) {
        Str record = STR_NULL;
        if (a->body.p) {
                _cleanup_(user_key_done) UserKey key = { 0 };
                TRY(user_key_get(cx, identity_user_keys(identity), c, a->user_id, &key));
                record = seal(cx, &key, sealed_for(a->user_id), a->body);
        }
        return db_run(cx, c, &sql_settle,
                      ARGS(v_text(a->user_id), v_text(a->key), v_int(a->status), v_blob(record),
                           v_text(a->type)),
                      NULL);
}

static Err drop(Ctx *cx, DbConn *c, Str user_id, Str key) {
        return db_run(cx, c, &sql_drop, ARGS(v_text(user_id), v_text(key)), NULL);
}

Err idempotency_end(Visit *v, DbConn *c) {
        TRY(visit_encode(v));
        return settle(v->rq.cx, c, v->api->sv->identity,
                      &(Stored){ v->who.user_id, v->idem_key, v->rq.status, v->type, v->body });
}

Err idempotency_drop(Visit *v, DbConn *c) { return drop(v->rq.cx, c, v->who.user_id, v->idem_key); }

/* ---- the claim of a stream: it outlives its request ---- */

struct Claim {
        DbJob job;
        Ctx cx;
        const Services *sv;
        Stored answer;
};

Claim *req_claim(Req *rq) {
        Visit *v = visit_of(rq);
        if (!v->idem_claimed)
                return NULL;
        v->idem_claimed = false;
        Arena *arena = arena_new();
        Claim *c = NEW(arena, Claim);
        c->cx = (Ctx){ .arena = arena, .world = rq->cx->world };
        c->sv = rq->sv;
        c->answer = (Stored){ .user_id = arena_dup(arena, v->who.user_id),
                              .key = arena_dup(arena, v->idem_key),
                              .status = 200,
                              .type = STR("text/event-stream") };
        return c;
}

static Err claim_settle_in(Ctx *cx, DbConn *c, void *arg) {
        const Claim *claim = arg;
        return settle(cx, c, claim->sv->identity, &claim->answer);
}

static Err claim_drop_in(Ctx *cx, DbConn *c, void *arg) {
        const Stored *a = &((Claim *)arg)->answer;
        return drop(cx, c, a->user_id, a->key);
}

static void claim_done(DbJob *job, Err e) {
        Claim *c = CONTAINER_OF(job, Claim, job);
        if (e) /* void after CLAIM_MS, as after a crash */
                LOG(&c->cx, LOG_ERROR, "job_failed", err_info[e].text,
                    L_STR("job", STR("idempotency")), L_STR("what", str_c(c->cx.err.what)));
        arena_free(c->cx.arena);
}

static void claim_submit(Claim *c, Err (*fn)(Ctx *cx, DbConn *c, void *arg)) {
        c->job = (DbJob){ .fn = fn, .arg = c, .cx = &c->cx, .done = claim_done };
        Err e = db_submit(&c->cx, c->sv->db, &c->job);
        if (e)
                claim_done(&c->job, e);
}

void claim_settle(Claim *c, Str events) {
        c->answer.body = arena_dup(c->cx.arena, events);
        claim_submit(c, claim_settle_in);
}

void claim_drop(Claim *c) { claim_submit(c, claim_drop_in); }

static Err expire(Ctx *cx, DbConn *c, void *arg) {
        return db_run(cx, c, &sql_expire, ARGS(v_int(cx_now_ms(cx) - KEEP_MS)), NULL);
}

Err idempotency_expire(Ctx *cx, Db *db) { return db_write(cx, db, expire, NULL); }

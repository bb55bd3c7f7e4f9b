// SPDX-License-Identifier: MIT
/* Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the same key with the same
 * request gives the stored answer for 24 hours. For a WRITE row the answer is stored in the
 * savepoint of its effect, so both are durable or neither is. Rows on other lanes claim the key
 * first; a claim whose process died is void after CLAIM_MS. Bodies are sealed with the user's
 * data key. */
#include "api/visit_int.h"
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
                      "NULL, fingerprint BYTEA NOT NULL,"
                      " status BIGINT NOT NULL, body BYTEA, created_at BIGINT NOT NULL, PRIMARY "
                      "KEY (user_id, idem_key));"
                      "CREATE INDEX api_idempotency_age ON api_idempotency (created_at);",
                .down = "DROP TABLE api_idempotency;",
        },
        {
                .number = 501, .name = "daily quotas",
                .up = "CREATE TABLE api_quota (user_id TEXT PRIMARY KEY, start_s BIGINT NOT NULL, used BIGINT NOT NULL);",
                .down = "DROP TABLE api_quota;",
        },
        { 0 },
};

static const Sql sql_find = { "idempotency_find",
                              "SELECT fingerprint, status, body, created_at FROM api_idempotency "
                              "WHERE user_id = $1 AND idem_key = $2" };
static const Sql sql_claim = { "idempotency_claim",
        "INSERT INTO api_idempotency (user_id, idem_key, fingerprint, status, body, created_at)"
        " VALUES ($1, $2, $3, 0, NULL, $4)" };
static const Sql sql_settle = { "idempotency_settle",
        "UPDATE api_idempotency SET status = $3, body = $4 WHERE user_id = $1 AND idem_key = $2" };
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

static Err key_of(Visit *v, DbConn *c, UserKey *ret) {
        return user_key_get(v->rq.cx, identity_user_keys(v->api->sv->identity), c, v->who.user_id,
                            ret);
}

static SealFor answer_of(const Visit *v) {
        return (SealFor){ v->who.user_id, "api_idempotency.body" };
}

static Err replay(Visit *v, DbConn *c, const Rows *row) {
        Ctx *cx = v->rq.cx;
        if (row_is_null(row, 2)) {                    /* an answer without a body */
                v->replay = STR("");
        } else {
                _cleanup_(user_key_done) UserKey key = { 0 };
                TRY(key_of(v, c, &key));
                TRY(seal_open(cx, &key, answer_of(v), row_text(row, 2), &v->replay));
        }
        v->rq.status = (int)row_int(row, 1);
        return OK;
}

static Err claim(Visit *v, DbConn *c) {
        return db_run(v->rq.cx, c, &sql_claim,
                      ARGS(v_text(v->who.user_id), v_text(v->idem_key),
                           v_blob(str_n(v->idem_print, sizeof v->idem_print)),
                           v_int(cx_now_ms(v->rq.cx))),
                      NULL);
}

Err idempotency_begin(Visit *v, DbConn *c, bool *ret_replayed) {
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
                *ret_replayed = true;
                return replay(v, c, &row);
        }
        rows_done(&row);
        if (!e)
                TRY(idempotency_drop(v, c));
        *ret_replayed = false;
        return claim(v, c);
}

Err idempotency_end(Visit *v, DbConn *c) {
        Ctx *cx = v->rq.cx;
        Str body, record = STR_NULL;
        TRY(visit_body(v, &body));
        if (body.p) {
                _cleanup_(user_key_done) UserKey key = { 0 };
                TRY(key_of(v, c, &key));
                record = seal(cx, &key, answer_of(v), body);
        }
        return db_run(cx, c, &sql_settle,
                      ARGS(v_text(v->who.user_id), v_text(v->idem_key), v_int(v->rq.status),
                           v_blob(record)),
                      NULL);
}

Err idempotency_drop(Visit *v, DbConn *c) {
        return db_run(v->rq.cx, c, &sql_drop, ARGS(v_text(v->who.user_id), v_text(v->idem_key)),
                      NULL);
}

static Err expire(Ctx *cx, DbConn *c, void *arg) {
        return db_run(cx, c, &sql_expire, ARGS(v_int(cx_now_ms(cx) - KEEP_MS)), NULL);
}

Err idempotency_expire(Ctx *cx, Db *db) { return db_write(cx, db, expire, NULL); }

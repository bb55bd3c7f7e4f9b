// SPDX-License-Identifier: MIT
/* Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the same key with the same
 * request gives the stored answer for 24 hours. For a WRITE row the answer is stored in the
 * savepoint of its effect, so both are durable or neither is; for a STREAM row in the writes of its
 * turn (Claim). Rows on other lanes claim the key first; such a claim is void after CLAIM_MS, or
 * when the process died. Bodies are sealed with the user's data key. */
#include "api/visit_int.h"
#include "chat/chat.h"
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
        {
                .number = 503,
                .name = "turns of idempotency keys",
                .up = "ALTER TABLE api_idempotency ADD COLUMN turn_id TEXT;",
                .down = "ALTER TABLE api_idempotency DROP COLUMN turn_id;",
        },
        { 0 },
};

static const Sql sql_find = { "idempotency_find",
                              "SELECT fingerprint, status, body, created_at, media_type, turn_id "
                              "FROM api_idempotency WHERE user_id = $1 AND idem_key = $2" };
static const Sql sql_claim = {
        "idempotency_claim",
        "INSERT INTO api_idempotency (user_id, idem_key, fingerprint, status, body, created_at, "
        "turn_id) VALUES ($1, $2, $3, 0, NULL, $4, $5)"
};
static const Sql sql_settle = { "idempotency_settle",
                                "UPDATE api_idempotency SET status = $3, body = $4, media_type = "
                                "$5, turn_id = NULL WHERE user_id = $1 AND idem_key = $2" };
static const Sql sql_drop = { "idempotency_drop",
                              "DELETE FROM api_idempotency WHERE user_id = $1 AND idem_key = $2" };
static const Sql sql_expire = { "idempotency_expire",
                                "DELETE FROM api_idempotency WHERE created_at < $1" };
static const Sql sql_orphans = {
        "idempotency_orphans", "DELETE FROM api_idempotency WHERE status = 0 AND turn_id IS NULL"
};

bool route_takes_key(const Route *r) {
        return r->method == POST && r->auth != AUTH_NONE &&
               !str_starts(str_c(r->path), STR("/api/v1/auth/")) &&
               !str_starts(str_c(r->path), STR("/api/auth/"));
}

Err idempotency_read_key(Visit *v) {
        Str key = str_trim(exchange_header(v->x, "idempotency-key"));
        if (!key.p || !v->rq.who || !route_takes_key(v->row->route))
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
        const Str parts[] = {
                str_c(method_names[v->x->method]),
                v->x->target,
                v->who.user_id,
                v->x->body,
        };
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                /* lengths keep "ab"+"c" apart from "a"+"bc" */
                uint64_t n = parts[i].n;
                sha256_add(&h, str_n(&n, sizeof n));
                sha256_add(&h, parts[i]);
        }
        sha256_end(&h, v->idem_print);
}

static SealFor sealed_for(Str user_id) { return (SealFor){ user_id, "api_idempotency.body" }; }

/* ---- a key and its row ---- */

/* Whose key, and the request that came with it. */
typedef struct Key {
        const Services *sv;
        Str user_id, text;
        unsigned char print[32];
} Key;

static Key key_of(const Visit *v) {
        Key k = { v->api->sv, v->who.user_id, v->idem_key, { 0 } };
        memcpy(k.print, v->idem_print, sizeof k.print);
        return k;
}

typedef enum KeyState {
        KEY_FREE = 1, /* never used, or void */
        KEY_LEFT,     /* its turn was begun and does not run any more */
        KEY_RUNS,
        KEY_ANSWERED,
} KeyState;

typedef struct Known {
        KeyState state;
        bool is_stored; /* there is a row */
        Str turn_id;    /* STR_NULL = none */
        int status;
        Str type, body; /* of the answer; the body sealed, STR_NULL = none */
} Known;

/* A try that began a turn runs as long as the turn does. */
static Err state_of_turn(Ctx *cx, DbConn *c, const Key *k, Str turn_id, KeyState *ret) {
        ChatTurn t;
        Err e = chat_turn_find(cx, &(ChatScope){ k->sv->chat, c, k->user_id }, turn_id, &t);
        if (e && e != ERR_NOT_FOUND)
                return e;
        *ret = e ? KEY_FREE : t.state == TURN_RUNNING ? KEY_RUNS : KEY_LEFT;
        return OK;
}

/* ERR_IDEMPOTENCY_MISMATCH: the key was used for something else. */
static Err key_find(Ctx *cx, DbConn *c, const Key *k, Known *ret) {
        _cleanup_(rows_done) Rows row = { 0 };
        *ret = (Known){ .state = KEY_FREE };
        Err e = db_row(cx, c, &sql_find, ARGS(v_text(k->user_id), v_text(k->text)), &row);
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        int64_t age = cx_now_ms(cx) - row_int(&row, 3);
        *ret = (Known){ .state = KEY_FREE,
                        .is_stored = true,
                        .status = (int)row_int(&row, 1),
                        .body = row_dup(cx, &row, 2),
                        .type = row_dup(cx, &row, 4),
                        .turn_id = row_dup(cx, &row, 5) };
        bool is_claim = ret->status == 0;
        if (age >= (is_claim && !ret->turn_id.p ? CLAIM_MS : KEEP_MS))
                return OK;
        if (!str_eq(row_text(&row, 0), str_n(k->print, sizeof k->print)))
                return RAISE(cx, ERR_IDEMPOTENCY_MISMATCH, "another request used this key");
        if (is_claim && ret->turn_id.p)
                return state_of_turn(cx, c, k, ret->turn_id, &ret->state);
        ret->state = is_claim ? KEY_RUNS : KEY_ANSWERED;
        return OK;
}

static Err key_drop(Ctx *cx, DbConn *c, const Key *k) {
        return db_run(cx, c, &sql_drop, ARGS(v_text(k->user_id), v_text(k->text)), NULL);
}

static Err key_claim(Ctx *cx, DbConn *c, const Key *k, Str turn_id) {
        return db_run(cx, c, &sql_claim,
                      ARGS(v_text(k->user_id), v_text(k->text),
                           v_blob(str_n(k->print, sizeof k->print)), v_int(cx_now_ms(cx)),
                           v_text(turn_id)),
                      NULL);
}

/* What is kept of an answer. */
typedef struct Stored {
        int status;
        Str type, body;
} Stored;

static Err key_settle(Ctx *cx, DbConn *c, const Key *k, const Stored *a) {
        Str record = STR_NULL;
        if (a->body.p) {
                _cleanup_(user_key_done) UserKey key = { 0 };
                TRY(user_key_get(cx, identity_user_keys(k->sv->identity), c, k->user_id, &key));
                record = seal(cx, &key, sealed_for(k->user_id), a->body);
        }
        return db_run(cx, c, &sql_settle,
                      ARGS(v_text(k->user_id), v_text(k->text), v_int(a->status), v_blob(record),
                           v_text(a->type)),
                      NULL);
}

static Err busy(Ctx *cx) { return RAISE(cx, ERR_IDEMPOTENCY_BUSY, "the first request is running"); }

/* The stored answer becomes this visit's. */
static Err replay(Ctx *cx, DbConn *c, Visit *v, const Known *known) {
        Arena *arena = v->rq.cx->arena;
        if (known->body.p) { /* else an answer without a body */
                _cleanup_(user_key_done) UserKey key = { 0 };
                Str body;
                TRY(user_key_get(cx, identity_user_keys(v->api->sv->identity), c, v->who.user_id,
                                 &key));
                TRY(seal_open(cx, &key, sealed_for(v->who.user_id), known->body, &body));
                v->body = arena_dup(arena, body);
                v->type = known->type.p ? arena_dup(arena, known->type) : STR("application/json");
        }
        v->rq.status = known->status;
        v->replayed = true;
        return OK;
}

/* ---- rows whose handler is the effect ---- */

Err idempotency_begin(Visit *v, DbConn *c) {
        Ctx *cx = v->rq.cx;
        fingerprint(v);
        Key k = key_of(v);
        Known known;
        TRY(key_find(cx, c, &k, &known));
        if (known.state == KEY_ANSWERED)
                return replay(cx, c, v, &known);
        if (known.state == KEY_RUNS)
                return busy(cx);
        if (known.is_stored)
                TRY(key_drop(cx, c, &k));
        return key_claim(cx, c, &k, STR_NULL);
}

Err idempotency_end(Visit *v, DbConn *c) {
        TRY(visit_encode(v));
        Key k = key_of(v);
        return key_settle(v->rq.cx, c, &k, &(Stored){ v->rq.status, v->type, v->body });
}

Err idempotency_drop(Visit *v, DbConn *c) {
        Key k = key_of(v);
        return key_drop(v->rq.cx, c, &k);
}

/* ---- rows whose effect is a turn ---- */

Err idempotency_look(Visit *v) {
        Ctx *cx = v->rq.cx;
        DbConn *c;
        fingerprint(v);
        Key k = key_of(v);
        Known known;
        TRY(db_read(cx, k.sv->db, &c));
        TRY(key_find(cx, c, &k, &known));
        if (known.state == KEY_ANSWERED)
                return replay(cx, c, v, &known);
        if (known.state == KEY_RUNS)
                return busy(cx);
        v->idem_left = known.state == KEY_LEFT ? known.turn_id : STR_NULL;
        return OK;
}

struct Claim {
        Arena *arena;
        Key key;
        Str left;
        Visit *visit; /* until the turn has begun */
};

Claim *req_claim(Req *rq) {
        Visit *v = visit_of(rq);
        if (!v->idem_key.p)
                return NULL;
        Arena *arena = arena_new();
        Claim *claim = NEW(arena, Claim);
        claim->arena = arena;
        claim->key = key_of(v);
        claim->key.user_id = arena_dup(arena, claim->key.user_id);
        claim->key.text = arena_dup(arena, claim->key.text);
        claim->left = arena_dup(arena, v->idem_left);
        claim->visit = v;
        return claim;
}

Claim *claim_free(Claim *claim) {
        if (claim)
                arena_free(claim->arena);
        return NULL;
}

Str claim_left(const Claim *claim) { return claim->left; }

Err claim_take(Ctx *cx, DbConn *c, Claim *claim, Str turn_id) {
        const Key *k = &claim->key;
        Known known;
        claim->visit->replayed = false;
        TRY(key_find(cx, c, k, &known));
        if (known.state == KEY_ANSWERED)
                TRY(replay(cx, c, claim->visit, &known));
        /* a turn of its own is in this very write */
        bool is_ours = known.turn_id.p && str_eq(known.turn_id, turn_id);
        if (known.state == KEY_ANSWERED || (known.state != KEY_FREE && !is_ours))
                return busy(cx);
        if (known.is_stored)
                TRY(key_drop(cx, c, k));
        return key_claim(cx, c, k, turn_id);
}

Err claim_settle(Ctx *cx, DbConn *c, const Claim *claim, Str type, Str body) {
        return key_settle(cx, c, &claim->key, &(Stored){ 200, type, body });
}

Err claim_drop(Ctx *cx, DbConn *c, const Claim *claim) { return key_drop(cx, c, &claim->key); }

/* ---- upkeep ---- */

static Err orphans(Ctx *cx, DbConn *c, void *arg) {
        return db_run(cx, c, &sql_orphans, NO_ARGS, NULL);
}

Err idempotency_start(Ctx *cx, Db *db) { return db_write(cx, db, orphans, NULL); }

static Err expire(Ctx *cx, DbConn *c, void *arg) {
        return db_run(cx, c, &sql_expire, ARGS(v_int(cx_now_ms(cx) - KEEP_MS)), NULL);
}

Err idempotency_expire(Ctx *cx, Db *db) { return db_write(cx, db, expire, NULL); }

// SPDX-License-Identifier: MIT
/* tick: the housekeeping of the room, about once a second on a worker; a bounded piece each
 * time. */
#include "base/log.h"
#include "codec/when.h"
#include "identity/count.h"
#include "identity/identity_int.h"
#include "identity/notice.h"
#include "identity/recovery.h"

enum {
        SWEEP_EVERY_MS = 10000,
        CHECKPOINT_EVERY_MS = 60000,
        KINDS_EVERY_MS = 3600 * 1000,
        WARN_EVERY_MS = 60000,
        ROWS = 5000,
        PIECES = 100,
};
#define AUDIT_KEPT_MS (366 * DAY_MS)

static Err store_uses(Ctx *cx, DbConn *c, void *arg) {
        Identity *id = arg;

        return key_uses_store(cx, id->uses, c);
}

/* Sessions stay a little longer than they are good for, so that a late refresh is told that it
 * expired. */
static Err sweep(Ctx *cx, DbConn *c, void *arg) {
        int64_t now = cx_now_ms(cx);
        const struct {
                const Sql *sql;
                int64_t before;
        } tables[] = {
                { &sql_session_expire, now - 3600 * 1000 },
                { &sql_revoked_token_expire, now },
                { &sql_once_expire, now },
                { &sql_failures_expire, now - DAY_MS },
        };

        for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                TRY(db_run(cx, c, tables[i].sql, ARGS(v_int(tables[i].before), v_int(ROWS)), NULL));
        return OK;
}

static Err checkpoint(Ctx *cx, DbConn *c, void *arg) {
        Identity *id = arg;

        return audit_checkpoint(cx, id->audit, c);
}

typedef struct Prune {
        Identity *id;
        int64_t gone;
} Prune;

static Err prune_piece(Ctx *cx, DbConn *c, void *arg) {
        Prune *p = arg;

        return audit_prune(cx, p->id->audit, c, cx_now_ms(cx) - AUDIT_KEPT_MS, &p->gone);
}

/* In writes of their own, so that others get their turn between them; more than a minute brings. */
static Err prune(Ctx *cx, Identity *id) {
        Prune p = { .id = id, .gone = AUDIT_PIECE };

        for (int i = 0; i < PIECES && p.gone == AUDIT_PIECE; i++)
                TRY(db_write(cx, id->db, prune_piece, &p));
        return OK;
}

static Err sessions_count(Ctx *cx, Identity *id) {
        _cleanup_(rows_done) Rows r = { 0 };
        DbConn *c;

        TRY(db_read(cx, id->db, &c));
        TRY(db_row(cx, c, &sql_session_active, ARGS(v_int(cx_now_ms(cx))), &r));
        count_sessions(row_int(&r, 0));
        return OK;
}

static Err audit_look(Ctx *cx, Identity *id) {
        _cleanup_(rows_done) Rows r = { 0 };
        DbConn *c;
        Err e;

        TRY(db_read(cx, id->db, &c));
        e = db_row(cx, c, &sql_audit_newest, NO_ARGS, &r);
        if (!e)
                count_audit_head(row_int(&r, 0));
        return e == ERR_NOT_FOUND ? OK : e;
}

static Err kinds_load(Ctx *cx, Identity *id) {
        DbConn *c;

        TRY(db_read(cx, id->db, &c));
        return hash_kinds_load(cx, id->kinds, c);
}

static Err reload_keys(Ctx *cx, Identity *id) {
        DbConn *c;

        TRY(db_read(cx, id->db, &c));
        return signing_keys_load(cx, id->signing, id, c);
}

static bool is_due(int64_t *next_ms, int64_t now_ms, int64_t every_ms) {
        if (now_ms < *next_ms)
                return false;
        *next_ms = now_ms + every_ms;
        return true;
}

Err identity_tick(Ctx *cx, Identity *id) {
        int64_t now = cx_now_ms(cx);

        if (id->set.skip_auth && is_due(&id->next_warning_ms, now, WARN_EVERY_MS))
                LOG(cx, LOG_WARN, "skip_auth", "SKIP_AUTH is on: every request is let in");
        if (!key_uses_is_empty(id->uses))
                TRY(db_write(cx, id->db, store_uses, id));
        TRY(reset_flush(cx, id));
        TRY(mail_flush(cx, id));
        TRY(export_flush(cx, id));
        TRY(erasure_flush(cx, id));
        if (is_due(&id->next_kinds_ms, now, KINDS_EVERY_MS))
                TRY(kinds_load(cx, id));
        if (is_due(&id->next_sweep_ms, now, SWEEP_EVERY_MS)) {
                TRY(reload_keys(cx, id));
                TRY(audit_look(cx, id));
                TRY(db_write(cx, id->db, sweep, id));
        }
        if (is_due(&id->next_checkpoint_ms, now, CHECKPOINT_EVERY_MS)) {
                TRY(sessions_count(cx, id));
                TRY(prune(cx, id));
                TRY(db_write(cx, id->db, checkpoint, id));
        }
        return OK;
}

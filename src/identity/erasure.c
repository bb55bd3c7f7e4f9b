// SPDX-License-Identifier: MIT
/* erasure: the user's key goes first in meaning: whatever copies there are of sealed content, in
 * the WAL, in free pages or in backups, nothing opens them any more. The rows go with it; a
 * tombstone under a keyed hash and the audit's pseudonym stay. */
#include <unistd.h>

#include "base/log.h"
#include "identity/api_key.h"
#include "identity/identity_int.h"
#include "identity/login.h"
#include "identity/notice.h"
#include "identity/personal.h"

enum { FLUSH_MAX = 10 };

void identity_add_personal(Identity *id, const PersonalPart *part) {
        assert(id->n_parts < PERSONAL_PARTS_MAX);
        id->parts[id->n_parts++] = *part;
}

static Val tombstone(Ctx *cx, Identity *id, Str user_id) {
        return v_blob(identity_index(cx, id, "erased", user_id));
}

Err erasure_schedule(Ctx *cx, const Work *w, const User *u, Erasure *ret) {
        int64_t now = cx_now_ms(cx), ended;
        Erasure e = { .receipt = id_new(cx, "era_"),
                      .erase_at = now + 1000 * w->id->set.erasure_grace_s };

        TRY(session_end_all(cx, w, u->user_id, STR_NULL, &ended));
        TRY(api_key_delete_all(cx, w, u->user_id));
        TRY(db_run(cx, w->c, &sql_user_set_erase,
                   ARGS(v_text(u->user_id), v_int(e.erase_at), v_int(0)), NULL));
        TRY(db_run(cx, w->c, &sql_erasure_add,
                   ARGS(v_text(e.receipt), tombstone(cx, w->id, u->user_id), v_int(now),
                        v_int(e.erase_at)),
                   NULL));
        TRY(audit_append(cx, w->id->audit, w->c,
                         AUDIT_EVENT("user_archived", "success", AUDIT_BY_USER(u->user_id),
                                     AUDIT_OF("user", u->user_id), AUDIT_FROM(w->from))));
        *ret = e;
        return OK;
}

Err erasure_find(Ctx *cx, DbConn *c, Str receipt, Erasure *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(cx, c, &sql_erasure_get, ARGS(v_text(receipt)), &r);

        if (e == ERR_NOT_FOUND)
                return RAISE(cx, ERR_NOT_FOUND, "no such receipt");
        TRY(e);
        *ret = (Erasure){ arena_dup(cx->arena, receipt), row_int(&r, 1), row_int(&r, 0) };
        return OK;
}

/* ---- taking it back ---- */

typedef struct Restore {
        Identity *id;
        User user;
        const Caller *from;
} Restore;

static Err restore_write(Ctx *cx, DbConn *c, void *arg) {
        const Restore *r = arg;
        Work w = { r->id, c, *r->from };
        Str user_id = r->user.user_id;

        TRY(db_run(cx, c, &sql_user_set_erase, ARGS(v_text(user_id), v_int(0), v_int(1)), NULL));
        TRY(db_run(cx, c, &sql_erasure_cancel, ARGS(tombstone(cx, r->id, user_id)), NULL));
        user_changed(cx, &w, user_id);
        return audit_append(cx, r->id->audit, c,
                            AUDIT_EVENT("user_updated", "success", AUDIT_BY_USER(user_id),
                                        AUDIT_OF("user", user_id), AUDIT_FROM(*r->from),
                                        .reason = STR("restored")));
}

Err erasure_cancel(Ctx *cx, Identity *id, Str typed, Str password, const Caller *from) {
        Restore r = { .id = id, .from = from };
        Str email = typed;
        DbConn *c;
        Err e;

        if (email_normalize(cx, typed, &email) != OK)
                err_clear(cx);
        TRY(db_read(cx, id->db, &c));
        e = user_load_by_email(cx, &(Work){ id, c }, email, &r.user);
        if (e && e != ERR_NOT_FOUND)
                return e;
        if (e ||
            r.user.erase_at <= cx_now_ms(cx)) /* the same work and answer as for a wrong password */
                r.user = (User){ .user_id = STR(""), .email = email };
        TRY(password_confirm(cx, id, &r.user, password, from));
        return db_write(cx, id->db, restore_write, &r);
}

/* ---- the end ---- */

static Err rows_delete(Ctx *cx, DbConn *c, Str user_id) {
        static const Sql *const statements[] = {
                &sql_session_delete_user, &sql_key_delete_user,  &sql_once_delete_user,
                &sql_totp_delete,         &sql_recovery_clear,   &sql_mail_delete_user,
                &sql_export_delete_user,  &sql_link_delete_user, &sql_user_delete,
        };

        for (size_t i = 0; i < ELEMENTSOF(statements); i++)
                TRY(db_run(cx, c, statements[i], ARGS(v_text(user_id)), NULL));
        return OK;
}

static Err erase_write(Ctx *cx, DbConn *c, void *arg) {
        const Restore *r = arg;
        Work w = { .id = r->id, .c = c };
        Identity *id = r->id;
        const User *u = &r->user;

        for (size_t i = 0; i < id->n_parts; i++)
                if (id->parts[i].erase)
                        TRY(id->parts[i].erase(cx, c, id->parts[i].arg, u->user_id));
        TRY(db_run(cx, c, &sql_failures_clear,
                   ARGS(v_blob(identity_index(cx, id, "lockout", u->email))), NULL));
        TRY(audit_append(cx, id->audit, c,
                         AUDIT_EVENT("user_deleted", "success", AUDIT_BY_SYSTEM(STR("")),
                                     AUDIT_OF("user", u->user_id))));
        TRY(user_key_destroy(cx, id->keys, c, u->user_id));
        TRY(rows_delete(cx, c, u->user_id));
        TRY(db_run(cx, c, &sql_erasure_done,
                   ARGS(tombstone(cx, id, u->user_id), v_int(cx_now_ms(cx))), NULL));
        user_changed(cx, &w, u->user_id);
        return OK;
}

static Err due_read(Ctx *cx, DbConn *c, Str out[FLUSH_MAX], size_t *ret_n) {
        _cleanup_(rows_done) Rows r = { 0 };
        size_t n = 0;
        bool more;

        TRY(db_rows(cx, c, &sql_user_due, ARGS(v_int(cx_now_ms(cx)), v_int(FLUSH_MAX)), &r));
        for (;;) {
                TRY(rows_next(cx, &r, &more));
                if (!more || n == FLUSH_MAX)
                        break;
                out[n++] = row_dup(cx, &r, 0);
        }
        *ret_n = n;
        return OK;
}

Err erasure_flush(Ctx *cx, Identity *id) {
        Str due[FLUSH_MAX];
        DbConn *c;
        size_t n;

        TRY(db_read(cx, id->db, &c));
        TRY(due_read(cx, c, due, &n));
        for (size_t i = 0; i < n; i++) {
                Restore r = { .id = id };

                TRY(user_load(cx, &(Work){ id, c }, due[i], &r.user));
                TRY(export_forget(cx, id,
                                  due[i])); /* files first: a crash in between only repeats this */
                mail_forget(cx, id, r.user.email);
                TRY(db_write(cx, id->db, erase_write, &r));
                LOG(cx, LOG_INFO, "user_erased", "an account and its data were erased",
                    L_STR("user", due[i]));
        }
        return OK;
}

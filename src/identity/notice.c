// SPDX-License-Identifier: MIT
#include "identity/notice.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "identity/identity_int.h"
#include "sys/files.h"

enum { FLUSH_MAX = 10, ATTEMPTS_MAX = 12, LETTER_MAX = 16 * 1024 };

typedef struct Template {
        const char *subject, *body, *page;
} Template;

static const Template templates[_NOTICE_N] = {
        [NOTICE_TOKEN_REUSE] = { "A session was ended",
                                 "A refresh token of your account was used a second time, so it "
                                 "may have been copied. We ended that session.\n"
                                 "Sign in again, and change your password if this was not you.\n" },
        [NOTICE_PASSWORD_CHANGED] = { "Your password was changed",
                                      "The password of your account was changed. If this was not "
                                      "you, ask for a new one at once.\n" },
        [NOTICE_EMAIL_CHANGED] = { "Your e-mail address was changed",
                                   "The e-mail address of your account was changed; this one is "
                                   "not used any more.\n" },
        [NOTICE_REGISTERED_TWICE] = { "You already have an account",
                                      "Someone tried to register an account with this address. You "
                                      "already have one: sign in, or ask for a new\n"
                                      "password. If it was not you, nothing needs to be done.\n" },
        [LETTER_VERIFY] = { "Verify your e-mail address",
                            "Use this link within 24 hours to verify your address. If you did not "
                            "ask for an account, ignore it.\n",
                            "verify-email" },
        [LETTER_RESET] = { "Set a new password",
                           "Use this link within 10 minutes to set a new password. If you did not "
                           "ask for it, ignore it.\n",
                           "reset-password" },
        [LETTER_EMAIL_OLD] = { "Confirm the change of your e-mail address",
                               "Someone signed in to your account wants another e-mail address for "
                               "it. Confirm it here; if this was not you,\n"
                               "change your password.\n",
                               "confirm-email" },
        [LETTER_EMAIL_NEW] = { "Confirm your new e-mail address",
                               "Confirm here that this address is yours. The change happens when "
                               "both addresses have confirmed it.\n",
                               "confirm-email" },
};

bool mail_is_configured(const Identity *id) { return id->set.mail.send != NULL; }

/* In development the letters become files; in production without mail there is nobody to read
 * them. */
static bool mail_is_kept(const Identity *id) {
        return mail_is_configured(id) || !id->set.production;
}

static Str letter_body(Ctx *cx, const Identity *id, const Template *t, Str token) {
        if (!token.p)
                return str_c(t->body);
        return arena_strf(cx->arena, "%s\n%.*s/%s?token=%.*s\n\nToken: %.*s\n", t->body,
                          STR_FMT(id->set.public_url), t->page, STR_FMT(token), STR_FMT(token));
}

/* Record: address NL subject NL body, under the user's key. */
static Err letter_put(Ctx *cx, const Work *w, Str user_id, const Letter *l) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        Str plain;

        if (!mail_is_kept(w->id) || !l->to.n)
                return OK;
        TRY(user_key_get(cx, w->id->keys, w->c, user_id, &key));
        plain = arena_strf(cx->arena, "%.*s\n%.*s\n%.*s", STR_FMT(l->to), STR_FMT(l->subject),
                           STR_FMT(l->body));
        return db_run(cx, w->c, &sql_mail_add,
                      ARGS(v_text(id_new(cx, "msg_")), v_text(user_id),
                           v_blob(seal(cx, &key, (SealFor){ user_id, "mail" }, plain)),
                           v_int(cx_now_ms(cx))),
                      NULL);
}

Err letter_send(Ctx *cx, const Work *w, const LetterTo *to, Notice n, Str token) {
        const Template *t = &templates[n];

        return letter_put(
                cx, w, to->user_id,
                &(Letter){ to->address, str_c(t->subject), letter_body(cx, w->id, t, token) });
}

Err identity_letter(Ctx *cx, Identity *id, DbConn *c, Str user_id, const Letter *l) {
        const Work w = { id, c };
        User u;

        if (!mail_is_kept(id))
                return OK;
        TRY(user_load(cx, &w, user_id, &u));
        if (u.source != SOURCE_LOCAL || !u.is_verified)
                return OK;
        return letter_put(cx, &w, user_id, &(Letter){ u.email, l->subject, l->body });
}

Err notice_send(Ctx *cx, const Work *w, Str user_id, Notice n) {
        const Template *t = &templates[n];

        return identity_letter(cx, w->id, w->c, user_id,
                               &(Letter){ STR_NULL, str_c(t->subject), str_c(t->body) });
}

/* ---- sending ---- */

typedef struct Queued {
        Str mail_id, user_id, sealed;
        int64_t attempts;
} Queued;

static Err queue_read(Ctx *cx, DbConn *c, Queued out[FLUSH_MAX], size_t *ret_n) {
        _cleanup_(rows_done) Rows r = { 0 };
        size_t n = 0;
        bool more;

        TRY(db_rows(cx, c, &sql_mail_due, ARGS(v_int(cx_now_ms(cx)), v_int(FLUSH_MAX)), &r));
        for (;;) {
                TRY(rows_next(cx, &r, &more));
                if (!more || n == FLUSH_MAX)
                        break;
                out[n++] = (Queued){ row_dup(cx, &r, 0), row_dup(cx, &r, 1), row_dup(cx, &r, 2),
                                     row_int(&r, 3) };
        }
        *ret_n = n;
        return OK;
}

/* One file a letter, complete under its name or not there. */
static Err letter_write(Ctx *cx, const Identity *id, const Letter *l, Str mail_id) {
        const char *dir = arena_printf(cx->arena, "%s/mail", id->set.data_dir);
        const char *path = arena_printf(cx->arena, "%s/%lld-%.*s.eml", dir,
                                        (long long)cx_now_ms(cx), STR_FMT(mail_id));
        Str text = arena_strf(
                cx->arena,
                "To: %.*s\nSubject: %.*s\nContent-Type: text/plain; charset=utf-8\n\n%.*s",
                STR_FMT(l->to), STR_FMT(l->subject), STR_FMT(l->body));

        TRY(dir_make(cx, dir));
        return file_write(cx, path, text);
}

static Err letter_deliver(Ctx *cx, const Work *w, const Queued *q) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        Letter l;
        Str plain;

        TRY(user_key_get(cx, w->id->keys, w->c, q->user_id, &key));
        TRY(seal_open(cx, &key, (SealFor){ q->user_id, "mail" }, q->sealed, &plain));
        l.to = str_cut(&plain, '\n');
        l.subject = str_cut(&plain, '\n');
        l.body = plain;
        return mail_is_configured(w->id) ? w->id->set.mail.send(cx, w->id->set.mail.arg, &l)
                                         : letter_write(cx, w->id, &l, q->mail_id);
}

typedef struct Settle {
        Identity *id;
        const Queued *q;
        bool gone;
} Settle;

static Err settle(Ctx *cx, DbConn *c, void *arg) {
        const Settle *s = arg;
        int64_t wait_ms = INT64_C(30000) << MIN(s->q->attempts, (int64_t)9);

        if (s->gone)
                return db_run(cx, c, &sql_mail_delete, ARGS(v_text(s->q->mail_id)), NULL);
        return db_run(cx, c, &sql_mail_later,
                      ARGS(v_text(s->q->mail_id), v_int(cx_now_ms(cx) + wait_ms)), NULL);
}

Err mail_flush(Ctx *cx, Identity *id) {
        Queued due[FLUSH_MAX];
        size_t n;
        DbConn *c;

        TRY(db_read(cx, id->db, &c));
        TRY(queue_read(cx, c, due, &n));
        for (size_t i = 0; i < n; i++) {
                Err e = letter_deliver(cx, &(Work){ id, c }, &due[i]);
                Settle s = { id, &due[i],
                             .gone = e == OK || e == ERR_NOT_FOUND ||
                                     due[i].attempts >= ATTEMPTS_MAX };

                if (e)
                        LOG(cx, LOG_WARN, "mail_not_sent", "a letter was not delivered",
                            L_STR("what", str_c(cx->err.what)), L_INT("attempts", due[i].attempts),
                            L_BOOL("given_up", s.gone));
                err_clear(cx);
                TRY(db_write(cx, id->db, settle, &s));
        }
        return OK;
}

static bool file_is_to(Ctx *cx, const char *path, Str address) {
        char head[EMAIL_MAX + 16];
        Str want = arena_strf(cx->arena, "To: %.*s\n", STR_FMT(address));
        ssize_t n;

        _cleanup_(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, head, sizeof(head));
        return n > 0 && str_starts(str_n(head, (size_t)n), want);
}

void mail_forget(Ctx *cx, const Identity *id, Str address) {
        const char *dir = arena_printf(cx->arena, "%s/mail", id->set.data_dir);
        DIR *d = address.n ? opendir(dir) : NULL;

        for (struct dirent *e; d && (e = readdir(d));) {
                const char *path = arena_printf(cx->arena, "%s/%s", dir, e->d_name);

                if (e->d_name[0] != '.' && file_is_to(cx, path, address))
                        unlink(path);
        }
        if (d)
                closedir(d);
}

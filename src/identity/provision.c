// SPDX-License-Identifier: MIT
#include "identity/provision.h"

#include "base/log.h"
#include "identity/identity_int.h"

static Err link_find(Ctx *cx, const Work *w, UserSource source, Str subject, User *ret) {
        Str user_id;

        {
                _cleanup_(rows_done) Rows r = { 0 };

                TRY(db_row(cx, w->c, &sql_link_get,
                           ARGS(v_text(str_c(user_source_names[source])), v_text(subject)), &r));
                user_id = row_dup(cx, &r, 0);
        }
        return user_load(cx, w, user_id, ret);
}

/* An erased user does not come back with a token from before. */
static Err erased_check(Ctx *cx, const Work *w, const Claims *claims) {
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(cx, w->c, &sql_erasure_of_user,
                       ARGS(v_blob(identity_index(cx, w->id, "erased", claims->sub))), &r);

        if (e == ERR_NOT_FOUND)
                return OK;
        TRY(e);
        if (!claims->has_iat || claims->iat <= row_int(&r, 0) / 1000)
                return RAISE(cx, ERR_TOKEN_INVALID, "the user was erased");
        return OK;
}

static User user_first_seen(Ctx *cx, UserSource source, const Claims *claims) {
        const TierLimits *t = &tier_limits[TIER_FREE];
        Str email;

        if (!claims->email.p || email_normalize(cx, claims->email, &email) != OK) {
                err_clear(cx);
                email = STR("");
        }
        return (User){
                .user_id = arena_dup(cx->arena, claims->sub),
                .email = email,
                .full_name = STR(""),
                .source = source,
                .is_active = true,
                .is_admin = source == SOURCE_DEV,
                .consent_extraction = true,
                .consent_llm = true,
                .created_at = cx_now_ms(cx),
                .max_memories = t->memories,
                .max_requests_per_day = t->requests_per_day,
        };
}

Err subject_find(Ctx *cx, const Work *w, UserSource source, const Claims *claims, Subject *ret) {
        User u;
        Err e = link_find(cx, w, source, claims->sub, &u);

        if (e == ERR_NOT_FOUND && source != SOURCE_SERVICE && str_starts(claims->sub, STR("usr_")))
                return RAISE(cx, ERR_TOKEN_INVALID,
                             "a foreign subject may not name one of our users");
        if (e == ERR_NOT_FOUND) {
                e = user_load(cx, w, claims->sub, &u);
                if (e == OK && source != SOURCE_SERVICE && u.source != source)
                        return RAISE(cx, ERR_TOKEN_INVALID,
                                     "the subject belongs to another source");
        }
        if (e == ERR_NOT_FOUND) {
                TRY(erased_check(cx, w, claims));
                *ret = (Subject){ user_first_seen(cx, source, claims), true };
                return OK;
        }
        TRY(e);
        *ret = (Subject){ u, false };
        return OK;
}

/* ---- writing the row ---- */

typedef struct Provision {
        DbJob job;
        Ctx cx;
        Identity *id;
        User user;
} Provision;

static Err provision_write(Ctx *cx, DbConn *c, void *arg) {
        Provision *p = arg;
        Work w = { .id = p->id, .c = c };
        User known;
        Err e = user_load(cx, &w, p->user.user_id, &known);

        if (e != ERR_NOT_FOUND) /* several first requests at once: the first has done it */
                return e;
        TRY(user_add(cx, &w, &p->user));
        return audit_append(cx, p->id->audit, c,
                            AUDIT_EVENT("user_created", "success", AUDIT_BY_SYSTEM(p->user.user_id),
                                        AUDIT_OF("user", p->user.user_id),
                                        .reason = str_c(user_source_names[p->user.source])));
}

static void provisions_add(Identity *id, int n) {
        pthread_mutex_lock(&id->lock);
        id->provisions = n > 0 ? id->provisions + 1 : id->provisions - 1;
        pthread_cond_broadcast(&id->provisioned);
        pthread_mutex_unlock(&id->lock);
}

void provision_drain(Identity *id) {
        pthread_mutex_lock(&id->lock);
        while (id->provisions)
                pthread_cond_wait(&id->provisioned, &id->lock);
        pthread_mutex_unlock(&id->lock);
}

/* Whatever came of it: what was assumed about this user is looked up again. */
static void provision_done(DbJob *job, Err e) {
        Provision *p = CONTAINER_OF(job, Provision, job);
        Identity *id = p->id;
        Arena *a = p->cx.arena;

        if (e)
                LOG(&p->cx, LOG_ERROR, "user_provision_failed",
                    "the row of a foreign user was not written",
                    L_STR("what", str_c(p->cx.err.what)));
        change_note(&id->changes, change_ref(&id->changes, CHANGE_USER, p->user.user_id));
        arena_free(a);
        provisions_add(id, -1);
}

Err provision_start(Ctx *cx, Identity *id, const User *u) {
        Arena *a = arena_new();
        Provision *p = NEW(a, Provision);
        Err e;

        p->cx = (Ctx){ .arena = a, .world = cx->world, .route = cx->route };
        memcpy(p->cx.trace_id, cx->trace_id, sizeof(cx->trace_id));
        p->id = id;
        p->user = *u;
        p->user.user_id = arena_dup(a, u->user_id);
        p->user.email = arena_dup(a, u->email);
        p->user.full_name = arena_dup(a, u->full_name);
        p->job = (DbJob){ .fn = provision_write, .arg = p, .cx = &p->cx, .done = provision_done };
        provisions_add(id, 1);
        e = db_submit(cx, id->db, &p->job);
        if (e) {
                arena_free(a);
                provisions_add(id, -1);
        }
        return e;
}

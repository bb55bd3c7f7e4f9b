// SPDX-License-Identifier: MIT
#include "identity/operate.h"

#include "codec/json.h"
#include "codec/when.h"
#include "identity/identity_int.h"
#include "identity/recovery.h"

Err user_count(Ctx *cx, DbConn *c, int64_t *ret) {
        _cleanup_(rows_done) Rows r = { 0 };

        TRY(db_row(cx, c, &sql_user_count, NO_ARGS, &r));
        *ret = row_int(&r, 0);
        return OK;
}

/* ---- signing keys ---- */

static Err keys_are_own(Ctx *cx, const Identity *id) {
        return signing_keys_are_shared(id->signing)
                ? RAISE(cx, ERR_CONFLICT, "JWT_SECRET_KEY is set, there are no keys of our own")
                                                    : OK;
}

Err operate_keys_list(Ctx *cx, Identity *id, SigningKeyInfo **ret, size_t *ret_n) {
        return signing_keys_list(cx, id->signing, ret, ret_n);
}

Err operate_key_rotate(Ctx *cx, const Work *w) {
        TRY(keys_are_own(cx, w->id));
        return signing_key_add(cx, w->id->signing, w->id, w->c,
                               cx_now_ms(cx) + INT64_C(1000) * SIGNING_LEAD_S);
}

Err operate_key_retire(Ctx *cx, const Work *w, Str kid) {
        TRY(keys_are_own(cx, w->id));
        return signing_key_retire(cx, w->id->signing, w->id, w->c, kid);
}

/* ---- users ---- */

typedef struct UserJob {
        Identity *id;
        User user;
        Str token;
        const char *event;
} UserJob;

static Err job_audit(Ctx *cx, const UserJob *j, DbConn *c) {
        return audit_append(cx, j->id->audit, c,
                            AUDIT_EVENT(j->event, "success", AUDIT_BY_SYSTEM(j->user.user_id),
                                        AUDIT_OF("user", j->user.user_id),
                                        .reason = STR("operator")));
}

static Err create_write(Ctx *cx, DbConn *c, void *arg) {
        UserJob *j = arg;
        Work w = { j->id, c };

        TRY(user_add(cx, &w, &j->user));
        return job_audit(cx, j, c);
}

static Err new_hash(Ctx *cx, Identity *id, const UserNew *in, Str email, Str *ret) {
        if (in->password_hash.p) {
                /* As they are; the first sign-in replaces those that are not as configured. */
                if (!password_cost(in->password_hash).n)
                        return RAISE_FIELD(cx, "#/password_hash",
                                           "is neither bcrypt nor argon2id, or too dear");
                *ret = in->password_hash;
                return OK;
        }
        if (!in->password.p)
                return RAISE_FIELD(cx, "#/password", "or password_hash is needed");
        TRY(password_check(cx, id->rules, "#/password", in->password, email));
        return password_make(cx, id, in->password, ret);
}

Err operate_user_create(Ctx *cx, Identity *id, const UserNew *in, User *ret) {
        UserJob j = { .id = id, .event = "user_created" };
        User *u = &j.user;

        *u = (User){
                .user_id = user_id_new(cx),
                .full_name = in->full_name.p ? in->full_name : STR(""),
                .source = SOURCE_LOCAL,
                .tier = in->tier,
                .is_active = true,
                .is_verified = in->is_verified,
                .is_admin = in->is_admin,
                .consent_extraction = true,
                .consent_llm = true,
                .created_at = in->created_at ? in->created_at : cx_now_ms(cx),
                .max_memories = tier_limits[in->tier].memories,
                .max_requests_per_day = tier_limits[in->tier].requests_per_day,
        };
        TRY(email_normalize(cx, in->email, &u->email));
        TRY(new_hash(cx, id, in, u->email, &u->password_hash));
        TRY(db_write(cx, id->db, create_write, &j));
        *ret = j.user;
        return OK;
}

Err operate_user_find(Ctx *cx, Identity *id, Str who, User *ret) {
        DbConn *c;
        Str email;
        Err e;

        TRY(db_read(cx, id->db, &c));
        if (str_index(who, '@') < who.n) {
                TRY(email_normalize(cx, who, &email));
                e = user_load_by_email(cx, &(Work){ id, c }, email, ret);
        } else
                e = user_load(cx, &(Work){ id, c }, who, ret);
        if (e == ERR_NOT_FOUND)
                return RAISE(cx, ERR_NOT_FOUND, "no such user: %.*s", STR_FMT(who));
        return e;
}

static Err save_write(Ctx *cx, DbConn *c, void *arg) {
        UserJob *j = arg;
        Work w = { j->id, c };
        int64_t ended;

        TRY(user_save_admin(cx, &w, &j->user));
        if (!j->user.is_active)
                TRY(session_end_all(cx, &w, j->user.user_id, STR_NULL, &ended));
        return job_audit(cx, j, c);
}

Err operate_user_save(Ctx *cx, Identity *id, const User *u) {
        UserJob j = { .id = id, .user = *u, .event = "authz_change" };

        return db_write(cx, id->db, save_write, &j);
}

static Err reset_write(Ctx *cx, DbConn *c, void *arg) {
        UserJob *j = arg;
        Work w = { j->id, c };

        TRY(reset_start(cx, &w, &j->user, &j->token));
        return job_audit(cx, j, c);
}

Err operate_user_reset(Ctx *cx, Identity *id, const User *u, Str *ret_link) {
        UserJob j = { .id = id, .user = *u, .event = "authz_admin" };

        TRY(db_write(cx, id->db, reset_write, &j));
        *ret_link = arena_strf(cx->arena, "%.*s/reset-password?token=%.*s",
                               STR_FMT(id->set.public_url), STR_FMT(j.token));
        return OK;
}

/* ---- import ---- */

typedef struct ImportLine {
        Str email, password, password_hash, full_name, tier;
        int64_t created_at;
        bool is_verified;
} ImportLine;
static const Shape import_line = SHAPE(ImportLine,
        F_STR(ImportLine, email, F_REQ, .min = 1, .max = 320),
        F_STR(ImportLine, password, F_SECRET | F_BLANK, .max = 1024),
        F_STR(ImportLine, password_hash, F_SECRET, .max = 256),
        F_STR(ImportLine, full_name, F_NULL, .max = FULL_NAME_MAX),
        F_STR(ImportLine, tier, 0, .one_of = "free|pro|enterprise"),
        F_TIME(ImportLine, created_at, F_NULL),
        F_BOOL(ImportLine, is_verified, 0, .def = 1));

Err operate_user_import(Ctx *cx, Identity *id, Str line, User *ret) {
        ImportLine in = { 0 };
        UserNew u;

        TRY(json_read(cx, line, &import_line, &in));
        u = (UserNew){ .email = in.email,
                       .full_name = in.full_name,
                       .password = in.password,
                       .password_hash = in.password_hash,
                       .created_at = in.created_at,
                       .is_verified = in.is_verified };
        if (in.tier.p && !tier_parse(in.tier, &u.tier))
                return RAISE_FIELD(cx, "#/tier", "is no tier");
        return operate_user_create(cx, id, &u, ret);
}

/* ---- links ---- */

typedef struct LinkJob {
        Identity *id;
        const UserLink *link;
} LinkJob;

static Err link_write(Ctx *cx, DbConn *c, void *arg) {
        const LinkJob *j = arg;
        const UserLink *l = j->link;
        Work w = { .id = j->id, .c = c };

        TRY(db_run(cx, c, &sql_link_set,
                   ARGS(v_text(l->source), v_text(l->subject), v_text(l->user_id)), NULL));
        user_changed(cx, &w, l->subject); /* who it was until now is not believed again */
        return audit_append(cx, j->id->audit, c,
                            AUDIT_EVENT("authz_change", "success", AUDIT_BY_SYSTEM(l->user_id),
                                        AUDIT_OF("user", l->user_id), .reason = STR("link")));
}

Err operate_user_link(Ctx *cx, Identity *id, const UserLink *link) {
        const char *service = user_source_names[SOURCE_SERVICE];

        if (!str_eq_c(link->source, service) &&
            !str_eq_c(link->source, user_source_names[SOURCE_AUTHJS]))
                return RAISE(cx, ERR_INVALID, "the source is service or authjs");
        return db_write(cx, id->db, link_write, &(LinkJob){ id, link });
}

/* ---- the root key ---- */

enum { RESEAL_PAGE = 500 };
typedef struct Reseal {
        Identity *id;
        Str after;
        int64_t count;
        size_t n;
} Reseal;
typedef struct SealedKey {
        Str user_id, sealed;
} SealedKey;

static Err page_read(Ctx *cx, DbConn *c, Str after, SealedKey out[RESEAL_PAGE], size_t *ret_n) {
        _cleanup_(rows_done) Rows r = { 0 };
        size_t n = 0;
        bool more;

        TRY(db_rows(cx, c, &sql_user_key_page, ARGS(v_text(after), v_int(RESEAL_PAGE)), &r));
        for (;;) {
                TRY(rows_next(cx, &r, &more));
                if (!more || n == RESEAL_PAGE)
                        break;
                out[n++] = (SealedKey){ row_dup(cx, &r, 0), row_dup(cx, &r, 1) };
        }
        *ret_n = n;
        return OK;
}

static Err reseal_page(Ctx *cx, DbConn *c, void *arg) {
        Reseal *s = arg;
        SealedKey *page = NEW_ARRAY(cx->arena, SealedKey, RESEAL_PAGE);

        TRY(page_read(cx, c, s->after, page, &s->n));
        for (size_t i = 0; i < s->n; i++) {
                Str sealed;

                TRY(data_key_rewrap(cx, s->id->ring, page[i].user_id, page[i].sealed, &sealed));
                TRY(db_run(cx, c, &sql_user_key_reseal,
                           ARGS(v_text(page[i].user_id), v_blob(sealed)), NULL));
        }
        s->count += (int64_t)s->n;
        s->after = s->n ? page[s->n - 1].user_id : s->after;
        return OK;
}

static Err reseal_store(Ctx *cx, DbConn *c, void *arg) {
        const Reseal *s = arg;
        Str record, sealed;

        {
                _cleanup_(rows_done) Rows r = { 0 };

                TRY(db_row(cx, c, &sql_meta_get, ARGS(v_text(STR("store_key"))), &r));
                record = row_dup(cx, &r, 0);
        }
        TRY(data_key_rewrap(cx, s->id->ring, STR("store"), record, &sealed));
        return db_run(cx, c, &sql_meta_set, ARGS(v_text(STR("store_key")), v_blob(sealed)), NULL);
}

/* The file first: it then opens the old records and the new ones, wherever this is interrupted. */
Err operate_root_rotate(Ctx *cx, Identity *id, int64_t *ret_resealed) {
        Reseal s = { .id = id, .after = STR("") };
        Keyring *ring;

        TRY(root_key_rotate(cx, &id->set, &ring));
        user_keys_set_ring(id->keys, ring);
        keyring_free(id->ring);
        id->ring = ring;
        TRY(db_write(cx, id->db, reseal_store, &s));
        do
                TRY(db_write(cx, id->db, reseal_page, &s));
        while (s.n == RESEAL_PAGE);
        *ret_resealed = s.count;
        return OK;
}

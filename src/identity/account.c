// SPDX-License-Identifier: MIT
#include "identity/account.h"

#include "codec/radix.h"
#include "identity/identity_int.h"

const char *const user_source_names[_SOURCE_N] = {
        [SOURCE_LOCAL] = "local",
        [SOURCE_SERVICE] = "service",
        [SOURCE_AUTHJS] = "authjs",
        [SOURCE_DEV] = "dev",
};

Str id_new(Ctx *cx, const char *prefix) {
        unsigned char bytes[16];
        Str text;

        cx_random(cx, bytes, sizeof(bytes));
        text = crockford_encode(cx->arena, str_n(bytes, sizeof(bytes)));
        return arena_strf(cx->arena, "%s%.*s", prefix, STR_FMT(text));
}

Str user_id_new(Ctx *cx) { return id_new(cx, "usr_"); }

Str identity_index(Ctx *cx, Identity *id, const char *what, Str value) {
        Str msg = arena_strf(cx->arena, "%s:%.*s", what, STR_FMT(value));
        char *out = arena_bytes(cx->arena, SHA256_SIZE);

        hmac_key_sign(&id->index_mac, msg, (unsigned char *)out);
        return str_n(out, SHA256_SIZE);
}

/* ---- noting changes ---- */

typedef struct Note {
        Identity *id;
        ChangeRef ref;
} Note;

static void note_change(void *arg) {
        const Note *n = arg;

        change_note(&n->id->changes, n->ref);
}

void identity_note(Ctx *cx, const Work *w, ChangeKind kind, Str name) {
        Note *n = NEW(cx->arena, Note);

        *n = (Note){ w->id, change_ref(&w->id->changes, kind, name) };
        db_on_commit(w->c, note_change, n);
}

void user_changed(Ctx *cx, const Work *w, Str user_id) {
        identity_note(cx, w, CHANGE_USER, user_id);
}

/* ---- rows ---- */

static UserSource source_parse(Str name) {
        for (UserSource s = 0; s < _SOURCE_N; s++)
                if (str_eq_c(name, user_source_names[s]))
                        return s;
        return SOURCE_SERVICE;
}

/* Profile record: address NL name. An address holds no control characters. */
static Err profile_seal(Ctx *cx, const Work *w, const User *u, Str *ret) {
        _cleanup_(user_key_done) UserKey key = { 0 };

        TRY(user_key_get(cx, w->id->keys, w->c, u->user_id, &key));
        *ret = seal(cx, &key, (SealFor){ u->user_id, "profile" },
                    arena_strf(cx->arena, "%.*s\n%.*s", STR_FMT(u->email), STR_FMT(u->full_name)));
        return OK;
}

static Err profile_open(Ctx *cx, const Work *w, Str record, User *u) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        Str plain;

        TRY(user_key_get(cx, w->id->keys, w->c, u->user_id, &key));
        TRY(seal_open(cx, &key, (SealFor){ u->user_id, "profile" }, record, &plain));
        u->email = str_cut(&plain, '\n');
        u->full_name = plain.p ? plain : STR("");
        return OK;
}

/* In the order of USER_COLUMNS. */
enum {
        COL_USER_ID,
        COL_SOURCE,
        COL_PROFILE,
        COL_PASSWORD_HASH,
        COL_TIER,
        COL_IS_ACTIVE,
        COL_IS_VERIFIED,
        COL_IS_ADMIN,
        COL_CREATED_AT,
        COL_LAST_LOGIN,
        COL_EPOCH_S,
        COL_MAX_MEMORIES,
        COL_MAX_REQUESTS_PER_DAY,
        COL_CONSENT_EXTRACTION,
        COL_CONSENT_LLM,
        COL_ERASE_AT,
        COL_NOTICED_AT
};

static void limits_fill(User *u, const Rows *r) {
        const TierLimits *t = &tier_limits[u->tier];

        u->own_max_memories = !row_is_null(r, COL_MAX_MEMORIES);
        u->own_max_requests = !row_is_null(r, COL_MAX_REQUESTS_PER_DAY);
        u->max_memories = u->own_max_memories ? row_int(r, COL_MAX_MEMORIES) : t->memories;
        u->max_requests_per_day =
                u->own_max_requests ? row_int(r, COL_MAX_REQUESTS_PER_DAY) : t->requests_per_day;
}

/* Everything but the profile, which needs another statement and comes second. */
static Err user_read(Ctx *cx, const Rows *r, User *u, Str *ret_profile) {
        int64_t tier = row_int(r, COL_TIER);

        if (tier < 0 || tier >= _TIER_N)
                return RAISE(cx, ERR_CORRUPT, "tier %lld", (long long)tier);
        *u = (User){
                .user_id = row_dup(cx, r, COL_USER_ID),
                .source = source_parse(row_text(r, COL_SOURCE)),
                .password_hash = row_dup(cx, r, COL_PASSWORD_HASH),
                .tier = (Tier)tier,
                .is_active = row_int(r, COL_IS_ACTIVE),
                .is_verified = row_int(r, COL_IS_VERIFIED),
                .is_admin = row_int(r, COL_IS_ADMIN),
                .created_at = row_int(r, COL_CREATED_AT),
                .last_login = row_int(r, COL_LAST_LOGIN),
                .epoch_s = row_int(r, COL_EPOCH_S),
                .consent_extraction = row_int(r, COL_CONSENT_EXTRACTION),
                .consent_llm = row_int(r, COL_CONSENT_LLM),
                .erase_at = row_int(r, COL_ERASE_AT),
                .noticed_at = row_int(r, COL_NOTICED_AT),
        };
        limits_fill(u, r);
        *ret_profile = row_dup(cx, r, COL_PROFILE);
        return OK;
}

static Err user_find(Ctx *cx, const Work *w, const Sql *sql, Val key, User *ret) {
        User u;
        Str profile;

        {
                _cleanup_(rows_done) Rows r = { 0 };

                TRY(db_row(cx, w->c, sql, ARGS(key), &r));
                TRY(user_read(cx, &r, &u, &profile));
        }
        TRY(profile_open(cx, w, profile, &u));
        *ret = u;
        return OK;
}

Err user_load(Ctx *cx, const Work *w, Str user_id, User *ret) {
        return user_find(cx, w, &sql_user_get, v_text(user_id), ret);
}

Err user_load_by_email(Ctx *cx, const Work *w, Str email, User *ret) {
        return user_find(cx, w, &sql_user_by_email,
                         v_blob(identity_index(cx, w->id, "email", email)), ret);
}

/* Foreign accounts have an address that nobody here has verified: it is shown, never looked up. */
static Val email_hash(Ctx *cx, Identity *id, const User *u) {
        return u->source == SOURCE_LOCAL && u->email.n
                       ? v_blob(identity_index(cx, id, "email", u->email))
                       : v_null();
}

Err user_add(Ctx *cx, const Work *w, const User *u) {
        Str profile;
        User other;
        Err e;

        if (u->source == SOURCE_LOCAL) {
                e = user_load_by_email(cx, w, u->email, &other);
                if (e != ERR_NOT_FOUND)
                        return e ? e : RAISE(cx, ERR_EMAIL_TAKEN, "address is taken");
        }
        TRY(user_key_create(cx, w->id->keys, w->c, u->user_id));
        TRY(profile_seal(cx, w, u, &profile));
        return db_run(cx, w->c, &sql_user_add,
                      ARGS(v_text(u->user_id), v_text(str_c(user_source_names[u->source])),
                           email_hash(cx, w->id, u), v_blob(profile), v_text(u->password_hash),
                           v_int(u->tier), v_int(u->is_active), v_int(u->is_verified),
                           v_int(u->is_admin), v_int(u->created_at)),
                      NULL);
}

Err user_save_profile(Ctx *cx, const Work *w, const User *u) {
        Str profile;
        Err e;

        TRY(profile_seal(cx, w, u, &profile));
        e = db_run(cx, w->c, &sql_user_set_profile,
                   ARGS(v_text(u->user_id), v_blob(profile), email_hash(cx, w->id, u)), NULL);
        if (e == ERR_CONFLICT) {
                err_clear(cx);
                return RAISE(cx, ERR_EMAIL_TAKEN, "address is taken");
        }
        TRY(e);
        user_changed(cx, w, u->user_id);
        return OK;
}

Err user_save_consents(Ctx *cx, const Work *w, const User *u) {
        TRY(db_run(cx, w->c, &sql_user_set_consents,
                   ARGS(v_text(u->user_id), v_int(u->consent_extraction), v_int(u->consent_llm)),
                   NULL));
        user_changed(cx, w, u->user_id);
        return OK;
}

Err user_save_admin(Ctx *cx, const Work *w, const User *u) {
        TRY(db_run(cx, w->c, &sql_user_set_admin,
                   ARGS(v_text(u->user_id), v_int(u->tier), v_int(u->is_active), v_int(u->is_admin),
                        u->own_max_memories ? v_int(u->max_memories) : v_null(),
                        u->own_max_requests ? v_int(u->max_requests_per_day) : v_null()),
                   NULL));
        user_changed(cx, w, u->user_id);
        return OK;
}

static Err user_list_one(Ctx *cx, const Work *w, Str email, User **ret, size_t *ret_n) {
        User *u = NEW(cx->arena, User);
        Err e = user_load_by_email(cx, w, email, u);

        if (e && e != ERR_NOT_FOUND)
                return e;
        *ret = u;
        *ret_n = e == OK;
        return OK;
}

Err user_list(Ctx *cx, const Work *w, const UserFilter *f, User **ret, size_t *ret_n) {
        User *list = NEW_ARRAY(cx->arena, User, (size_t)f->limit);
        Str *profiles = NEW_ARRAY(cx->arena, Str, (size_t)f->limit);
        size_t n = 0;
        bool more;

        if (f->email.p)
                return user_list_one(cx, w, f->email, ret, ret_n);
        {
                _cleanup_(rows_done) Rows r = { 0 };

                TRY(db_rows(cx, w->c, &sql_user_page,
                            ARGS(v_int(f->after_ms), v_text(f->after_id.p ? f->after_id : STR("")),
                                 v_int(f->tier), v_int(f->is_active), v_int(f->limit)),
                            &r));
                for (;;) {
                        TRY(rows_next(cx, &r, &more));
                        if (!more || n == (size_t)f->limit)
                                break;
                        TRY(user_read(cx, &r, &list[n], &profiles[n]));
                        n++;
                }
        }
        for (size_t i = 0; i < n; i++)
                TRY(profile_open(cx, w, profiles[i], &list[i]));
        *ret = list;
        *ret_n = n;
        return OK;
}

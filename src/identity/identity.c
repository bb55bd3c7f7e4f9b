// SPDX-License-Identifier: MIT
#include "identity/identity.h"

#include <unistd.h>

#include "base/log.h"
#include "identity/identity_int.h"
#include "identity/provision.h"

enum { HOUR_S = 3600, DAY_S = 86400, CACHE_MAX = 16384 };

/* ---- settings ---- */

static int64_t or_default(int64_t v, int64_t otherwise) { return v ? v : otherwise; }

static Strs strs_dup(Arena *a, Strs s) {
        Str *v = NEW_ARRAY(a, Str, s.n + 1);

        for (size_t i = 0; i < s.n; i++)
                v[i] = arena_dup(a, s.v[i]);
        return (Strs){ v, s.n };
}

/* Secrets are not kept here: the keys made of them are. */
static void settings_copy(Identity *id, const IdentitySettings *in) {
        Arena *a = id->arena;
        IdentitySettings *s = &id->set;

        *s = *in;
        s->root_key = s->jwt_secret = s->nextauth_secret = STR_NULL;
        memset(s->auth_secrets, 0, sizeof(s->auth_secrets));
        s->data_dir = arena_printf(a, "%s", in->data_dir);
        s->root_key_file = in->root_key_file ? arena_printf(a, "%s", in->root_key_file) : NULL;
        s->root_key_in_settings = in->root_key.n > 0;
        s->issuer = arena_dup(a, in->issuer.p ? in->issuer : STR("mainstay"));
        s->audience = arena_dup(a, in->audience.p ? in->audience : STR("mainstay"));
        s->public_url = arena_dup(a, in->public_url.p ? in->public_url : STR(""));
        s->cors_origins = strs_dup(a, in->cors_origins);
        s->authjs_cookie = arena_dup(a, in->authjs_cookie);
        s->mail.from = arena_dup(a, in->mail.from);
        s->access_ttl_s = or_default(in->access_ttl_s, 600);
        s->idle_ttl_s = or_default(in->idle_ttl_s, 12 * HOUR_S);
        s->absolute_ttl_s = or_default(in->absolute_ttl_s, DAY_S);
        s->remember_idle_ttl_s = or_default(in->remember_idle_ttl_s, 14 * DAY_S);
        s->remember_absolute_ttl_s = or_default(in->remember_absolute_ttl_s, 30 * DAY_S);
        s->password_hash = in->password_hash ? in->password_hash : PASSWORD_ARGON2ID;
        if (!s->hash_slots) {
                long cores = sysconf(_SC_NPROCESSORS_ONLN);

                s->hash_slots = cores > 0 ? (unsigned)cores : 1;
        }
}

static Err settings_check(Ctx *cx, const IdentitySettings *s) {
        if (s->production && s->skip_auth)
                return RAISE(
                        cx, ERR_INVALID,
                        "SKIP_AUTH is for development; it is refused with ENVIRONMENT=production");
        return OK;
}

/* ---- the store key ---- */

static Err store_key_read(Ctx *cx, Db *db, Str *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        DbConn *c;
        Err e;

        TRY(db_read(cx, db, &c));
        e = db_row(cx, c, &sql_meta_get, ARGS(v_text(STR("store_key"))), &r);
        if (e && e != ERR_NOT_FOUND)
                return e;
        *ret = e ? STR_NULL : row_dup(cx, &r, 0);
        return OK;
}

static Err store_key_write(Ctx *cx, DbConn *c, void *arg) {
        const Str *record = arg;

        return db_run(cx, c, &sql_meta_set, ARGS(v_text(STR("store_key")), v_blob(*record)), NULL);
}

static Err store_key_make(Ctx *cx, Identity *id) {
        SealKey key;
        Str record = data_key_new(cx, id->ring, STR("store"), &key);

        seal_key_done(&key);
        return db_write(cx, id->db, store_key_write, &record);
}

static void store_keys_derive(Identity *id, const SealKey *store, unsigned char audit_seed[32]) {
        Str secret = str_n(store->k, sizeof(store->k));
        unsigned char mac[32];

        id->seal.id = 1;
        hkdf_sha256(secret, STR(""), STR("mainstay seal"), id->seal.k, sizeof(id->seal.k));
        hkdf_sha256(secret, STR(""), STR("mainstay index"), mac, sizeof(mac));
        hmac_key_init(&id->index_mac, str_n(mac, sizeof(mac)));
        hkdf_sha256(secret, STR(""), STR("mainstay link"), mac, sizeof(mac));
        hmac_key_init(&id->link_mac, str_n(mac, sizeof(mac)));
        hkdf_sha256(secret, STR(""), STR("mainstay audit"), audit_seed, 32);
        secret_wipe(mac, sizeof(mac));
}

/* Opening the store key is the check of the root key: the record opens under no other. */
static Err secrets_open(Ctx *cx, Identity *id, const IdentitySettings *set,
                        unsigned char audit_seed[32]) {
        SealKey store;
        Str record;
        Err e;

        TRY(store_key_read(cx, id->db, &record));
        TRY(root_key_load(cx, set, !record.p, &id->ring));
        if (!record.p) {
                TRY(store_key_make(cx, id));
                TRY(store_key_read(cx, id->db, &record));
        }
        e = data_key_open(cx, id->ring, STR("store"), record, &store);
        if (e) {
                err_clear(cx);
                return RAISE(cx, ERR_CORRUPT,
                             "the root key is not the one this database was sealed with; nothing "
                             "was changed");
        }
        store_keys_derive(id, &store, audit_seed);
        seal_key_done(&store);
        return OK;
}

/* ---- signing keys ---- */

static Err first_key(Ctx *cx, DbConn *c, void *arg) {
        Identity *id = arg;

        return signing_key_add(cx, id->signing, id, c, cx_now_ms(cx));
}

static Err signing_open(Ctx *cx, Identity *id, const IdentitySettings *set) {
        DbConn *c;

        TRY(signing_keys_new(cx, set->jwt_secret, id->set.access_ttl_s, &id->signing));
        TRY(db_read(cx, id->db, &c));
        TRY(signing_keys_load(cx, id->signing, id, c));
        if (!signing_keys_are_shared(id->signing) && !signing_key_current(cx, id->signing))
                TRY(db_write(cx, id->db, first_key, id));
        return OK;
}

/* ---- life ---- */

Err identity_new(Ctx *cx, Db *db, const IdentitySettings *set, Identity **ret) {
        _cleanup_(identity_freep) Identity *id = calloc(1, sizeof(*id));
        unsigned char audit_seed[32];

        assert(id);
        id->arena = arena_new();
        id->db = db;
        id->world = cx->world;
        pthread_mutex_init(&id->lock, NULL);
        pthread_cond_init(&id->provisioned, NULL);
        settings_copy(id, set);
        TRY(settings_check(cx, set));
        changes_init(cx, &id->changes);
        TRY(secrets_open(cx, id, set, audit_seed));
        id->keys = user_keys_new(cx, id->ring, 0);
        id->audit = audit_new(cx, id->keys, audit_seed);
        secret_wipe(audit_seed, sizeof(audit_seed));
        id->cache = token_cache_new(cx, &id->changes, set->cache_max ? set->cache_max : CACHE_MAX);
        id->gate = hash_gate_new(cx);
        id->kinds = hash_kinds_new(id->set.password_hash);
        id->stuffing = stuffing_new(cx);
        id->memo = grant_memo_new(cx);
        id->uses = key_uses_new();
        TRY(password_rules_new(cx, id->set.password_hash, set->password_list, &id->rules));
        TRY(foreign_keys_new(cx, set, &id->foreign));
        TRY(signing_open(cx, id, set));
        id->same_secret = set->jwt_secret.n && foreign_has_secret(id->foreign, set->jwt_secret);
        if (id->same_secret)
                LOG(cx, LOG_WARN, "shared_secret_twice",
                    "JWT_SECRET_KEY is also a secret of Auth.js; tokens without our issuer "
                    "count as tokens of the front end");
        if (id->set.skip_auth)
                LOG(cx, LOG_WARN, "skip_auth", "SKIP_AUTH is on: every request is let in");
        *ret = id;
        id = NULL;
        return OK;
}

Identity *identity_free(Identity *id) {
        if (!id)
                return NULL;
        provision_drain(id);
        pthread_mutex_destroy(&id->lock);
        pthread_cond_destroy(&id->provisioned);
        key_uses_free(id->uses);
        hash_gate_free(id->gate);
        hash_kinds_free(id->kinds);
        stuffing_free(id->stuffing);
        grant_memo_free(id->memo);
        password_rules_free(id->rules);
        foreign_keys_free(id->foreign);
        signing_keys_free(id->signing);
        token_cache_free(id->cache);
        audit_free(id->audit);
        user_keys_free(id->keys);
        keyring_free(id->ring);
        hmac_key_done(&id->index_mac);
        hmac_key_done(&id->link_mac);
        seal_key_done(&id->seal);
        arena_free(id->arena);
        free(id);
        return NULL;
}

UserKeys *identity_user_keys(Identity *id) { return id->keys; }
SigningKeys *identity_signing_keys(Identity *id) { return id->signing; }
Audit *identity_audit(Identity *id) { return id->audit; }
bool identity_skips_auth(const Identity *id) { return id->set.skip_auth; }
unsigned identity_hash_threads(const Identity *id) { return id->set.hash_slots; }

Err identity_memory_quota(Ctx *cx, Identity *id, DbConn *c, Str user_id, int64_t *ret_max) {
        _cleanup_(rows_done) Rows r = { 0 };

        TRY(db_row(cx, c, &sql_user_memories, ARGS(v_text(user_id)), &r));
        int64_t tier = row_int(&r, 0);
        if (tier < 0 || tier >= _TIER_N)
                return RAISE(cx, ERR_CORRUPT, "tier %lld", (long long)tier);
        *ret_max = row_is_null(&r, 1) ? tier_limits[tier].memories : row_int(&r, 1);
        return OK;
}

Err identity_llm_consent(Ctx *cx, Identity *id, DbConn *c, Str user_id, bool *ret) {
        User u;
        Err e = user_load(cx, &(Work){ id, c }, user_id, &u);

        *ret = !e && u.consent_llm;
        return e == ERR_NOT_FOUND ? OK : e;
}

void identity_jwks(Ctx *cx, Identity *id, Buf *out) { signing_keys_write(cx, id->signing, out); }

void identity_offer(const Identity *id, IdentityOffer *ret) {
        *ret = (IdentityOffer){
                .registration_open = !id->set.registration_closed,
                .email_delivery = id->set.mail.send != NULL,
                .authjs = foreign_is_configured(id->foreign),
                .password_hash = id->set.password_hash,
                .issuer = id->set.issuer,
                .audience = id->set.audience,
                .public_url = id->set.public_url,
        };
}

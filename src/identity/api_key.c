// SPDX-License-Identifier: MIT
#include "identity/api_key.h"

#include "codec/authz.h"
#include "codec/crc32.h"
#include "codec/radix.h"
#include "identity/identity_int.h"

static void secret_hash(Str secret, unsigned char ret[SHA256_SIZE]) { sha256(secret, ret); }

/* In the order of KEY_COLUMNS. */
enum {
        COL_KEY_ID,
        COL_USER_ID,
        COL_SECRET_HASH,
        COL_NAME,
        COL_SCOPES,
        COL_IP_RANGES,
        COL_CREATED_AT,
        COL_EXPIRES_AT,
        COL_LAST_USED,
        COL_LAST_USED_IP,
        COL_OLD_HASH,
        COL_OLD_EXPIRES_AT
};

static ApiKey key_read(Ctx *cx, const Rows *r) {
        return (ApiKey){
                .key_id = row_dup(cx, r, COL_KEY_ID),
                .user_id = row_dup(cx, r, COL_USER_ID),
                .scopes = (uint32_t)row_int(r, COL_SCOPES),
                .ip_ranges = row_dup(cx, r, COL_IP_RANGES),
                .created_at = row_int(r, COL_CREATED_AT),
                .expires_at = row_int(r, COL_EXPIRES_AT),
                .good_until = row_int(r, COL_EXPIRES_AT),
                .last_used = row_int(r, COL_LAST_USED),
                .last_used_ip = row_dup(cx, r, COL_LAST_USED_IP),
        };
}

/* ---- checking ---- */

/* The secret of now, or the one before a rotation while it overlaps; both are always compared. */
static bool secret_matches(const Rows *r, Str secret, int64_t now_ms, ApiKey *key) {
        unsigned char hash[SHA256_SIZE];
        int64_t old_until = row_int(r, COL_OLD_EXPIRES_AT);
        bool is_new, is_old;

        secret_hash(secret, hash);
        is_new = secret_eq(row_text(r, COL_SECRET_HASH), str_n(hash, sizeof(hash)));
        is_old = secret_eq(row_text(r, COL_OLD_HASH), str_n(hash, sizeof(hash))) &&
                 now_ms < old_until;
        if (!is_new && is_old)
                key->good_until = key->expires_at ? MIN(key->expires_at, old_until) : old_until;
        return is_new || is_old;
}

static bool address_is_allowed(Str ranges, Str ip) {
        for (Str rest = ranges; rest.p;)
                if (ip_range_has(str_cut(&rest, ' '), ip))
                        return true;
        return ranges.n == 0;
}

Err api_key_check(Ctx *cx, DbConn *c, Str text, Str client_ip, ApiKey *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        ApiKeyText parts;
        ApiKey key;
        Err e;

        if (!api_key_parse(text, &parts))
                return RAISE(cx, ERR_TOKEN_INVALID, "not an API key, or mistyped");
        e = db_row(cx, c, &sql_key_get, ARGS(v_text(parts.id)), &r);
        if (e == ERR_NOT_FOUND)
                return RAISE(cx, ERR_TOKEN_INVALID, "no such key");
        TRY(e);
        key = key_read(cx, &r);
        if (!secret_matches(&r, parts.secret, cx_now_ms(cx), &key))
                return RAISE(cx, ERR_TOKEN_INVALID, "wrong secret");
        if (key.good_until && cx_now_ms(cx) >= key.good_until)
                return RAISE(cx, ERR_TOKEN_EXPIRED, "the key has expired");
        if (!address_is_allowed(key.ip_ranges, client_ip))
                return RAISE(cx, ERR_TOKEN_INVALID, "not from this address");
        *ret = key;
        return OK;
}

/* ---- making ---- */

static Err scopes_read(Ctx *cx, const Principal *who, Strs words, uint32_t *ret) {
        uint32_t scopes = 0;

        for (size_t i = 0; i < words.n; i++) {
                uint32_t one = scope_parse(words.v[i]);

                if (!one)
                        return RAISE_FIELD(cx, "#/scopes", "unknown scope \"%.*s\"",
                                           STR_FMT(str_to(words.v[i], 64)));
                scopes |= one;
        }
        if (scopes & ~who->scopes)
                return RAISE(cx, ERR_SCOPE, "more scopes than the creator has");
        if (who->kind == WHO_API_KEY && scopes & SCOPE_ADMIN)
                return RAISE(cx, ERR_SCOPE, "a key may not make an admin key");
        *ret = scopes;
        return OK;
}

static Err ranges_read(Ctx *cx, Strs list, Str *ret) {
        _cleanup_(buf_done) Buf b = BUF(2048);

        for (size_t i = 0; i < list.n; i++) {
                if (!ip_range_is(list.v[i]))
                        return RAISE_FIELD(cx, "#/ip_ranges",
                                           "not an address or a network in CIDR form");
                buf_addf(&b, "%s%.*s", i ? " " : "", STR_FMT(list.v[i]));
        }
        *ret = b.n ? arena_dup(cx->arena, buf_str(&b)) : STR("");
        return OK;
}

static Err count_check(Ctx *cx, DbConn *c, Str user_id) {
        _cleanup_(rows_done) Rows r = { 0 };

        TRY(db_row(cx, c, &sql_key_count, ARGS(v_text(user_id)), &r));
        if (row_int(&r, 0) >= API_KEYS_MAX)
                return RAISE(cx, ERR_CONFLICT, "already %d keys", API_KEYS_MAX);
        return OK;
}

static Err name_seal(Ctx *cx, const Work *w, const ApiKey *k, Str *ret) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        Str field_owner =
                arena_strf(cx->arena, "%.*s/%.*s", STR_FMT(k->user_id), STR_FMT(k->key_id));

        TRY(user_key_get(cx, w->id->keys, w->c, k->user_id, &key));
        *ret = seal(cx, &key, (SealFor){ field_owner, "key_name" }, k->name);
        return OK;
}

static Err name_open(Ctx *cx, const UserKey *key, ApiKey *k, Str record) {
        Str field_owner =
                arena_strf(cx->arena, "%.*s/%.*s", STR_FMT(k->user_id), STR_FMT(k->key_id));

        return seal_open(cx, key, (SealFor){ field_owner, "key_name" }, record, &k->name);
}

Err api_key_create(Ctx *cx, const Work *w, const Principal *who, const ApiKeyNew *in,
                   ApiKeyMade *ret) {
        char text[API_KEY_TEXT + 1];
        unsigned char hash[SHA256_SIZE];
        ApiKeyText parts;
        ApiKey k = { .user_id = who->user_id, .name = in->name, .created_at = cx_now_ms(cx) };
        Str name, shown;

        TRY(scopes_read(cx, who, in->scopes, &k.scopes));
        TRY(ranges_read(cx, in->ip_ranges, &k.ip_ranges));
        TRY(count_check(cx, w->c, who->user_id));
        k.expires_at = in->expires_days ? k.created_at + in->expires_days * INT64_C(86400000) : 0;
        api_key_new(cx, text);
        shown = arena_dup(cx->arena, str_c(text));
        secret_wipe(text, sizeof(text));
        if (!api_key_parse(shown, &parts))
                return RAISE(cx, ERR_INTERNAL, "a new key does not read");
        k.key_id = parts.id;
        secret_hash(parts.secret, hash);
        TRY(name_seal(cx, w, &k, &name));
        TRY(db_run(cx, w->c, &sql_key_add,
                   ARGS(v_text(k.key_id), v_text(k.user_id), v_blob(str_n(hash, sizeof(hash))),
                        v_blob(name), v_int(k.scopes), v_text(k.ip_ranges), v_int(k.created_at),
                        v_int(k.expires_at)),
                   NULL));
        *ret = (ApiKeyMade){ k, shown };
        return OK;
}

Err api_key_list(Ctx *cx, const Work *w, Str user_id, ApiKey **ret, size_t *ret_n) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        _cleanup_(rows_done) Rows r = { 0 };
        ApiKey *list = NEW_ARRAY(cx->arena, ApiKey, API_KEYS_MAX);
        size_t n = 0;
        bool more;
        Err e = user_key_get(cx, w->id->keys, w->c, user_id, &key);

        if (e == ERR_NOT_FOUND) {
                *ret = list;
                *ret_n = 0;
                return OK;
        }
        TRY(e);
        TRY(db_rows(cx, w->c, &sql_key_list, ARGS(v_text(user_id), v_int(API_KEYS_MAX)), &r));
        for (;;) {
                TRY(rows_next(cx, &r, &more));
                if (!more || n == API_KEYS_MAX)
                        break;
                list[n] = key_read(cx, &r);
                TRY(name_open(cx, &key, &list[n], row_text(&r, COL_NAME)));
                n++;
        }
        *ret = list;
        *ret_n = n;
        return OK;
}

/* ---- ending and changing ---- */

Err api_key_delete(Ctx *cx, const Work *w, Str user_id, Str key_id) {
        int64_t changed;

        TRY(db_run(cx, w->c, &sql_key_delete, ARGS(v_text(key_id), v_text(user_id)), &changed));
        if (!changed)
                return RAISE(cx, ERR_NOT_FOUND, "no such key of this user");
        identity_note(cx, w, CHANGE_KEY, key_id);
        return OK;
}

static Err key_load(Ctx *cx, const Work *w, Str user_id, Str key_id, ApiKey *ret) {
        _cleanup_(user_key_done) UserKey key = { 0 };
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(cx, w->c, &sql_key_get, ARGS(v_text(key_id)), &r);
        Str name;

        if (e == ERR_NOT_FOUND || (!e && !str_eq(row_text(&r, COL_USER_ID), user_id)))
                return RAISE(cx, ERR_NOT_FOUND, "no such key of this user");
        TRY(e);
        *ret = key_read(cx, &r);
        name = row_dup(cx, &r, COL_NAME);
        rows_done(&r);
        TRY(user_key_get(cx, w->id->keys, w->c, user_id, &key));
        return name_open(cx, &key, ret, name);
}

/* The id stays, so the key keeps its name, its scopes and its place in logs. */
static Str text_with_id(Ctx *cx, Str key_id) {
        char *text = arena_printf(cx->arena, "ms_%.*s_%*s", STR_FMT(key_id),
                                  API_KEY_SECRET + BASE62_U32, "");
        size_t head = 3 + key_id.n + 1;

        base62_random(cx, text + head, API_KEY_SECRET);
        base62_write(text + head + API_KEY_SECRET, BASE62_U32,
                     crc32_of(0, str_n(text, head + API_KEY_SECRET)));
        return str_c(text);
}

Err api_key_rotate(Ctx *cx, const Work *w, const Principal *who, const ApiKeyTurn *in,
                   ApiKeyMade *ret) {
        unsigned char hash[SHA256_SIZE];
        ApiKeyText parts;
        ApiKey k;
        Str text;

        TRY(key_load(cx, w, who->user_id, in->key_id, &k));
        if (k.scopes & ~who->scopes) /* its new text would be a way to more than the caller has */
                return RAISE(cx, ERR_SCOPE, "the key has more scopes than the caller");
        text = text_with_id(cx, in->key_id);
        if (!api_key_parse(text, &parts))
                return RAISE(cx, ERR_INTERNAL, "a new key does not read");
        secret_hash(parts.secret, hash);
        TRY(db_run(cx, w->c, &sql_key_rotate,
                   ARGS(v_text(in->key_id), v_text(who->user_id), v_blob(str_n(hash, sizeof(hash))),
                        v_int(cx_now_ms(cx) + 1000 * in->overlap_s)),
                   NULL));
        identity_note(cx, w, CHANGE_KEY, in->key_id);
        *ret = (ApiKeyMade){ k, text };
        return OK;
}

Err api_key_delete_all(Ctx *cx, const Work *w, Str user_id) {
        {
                _cleanup_(rows_done) Rows r = { 0 };
                bool more;

                TRY(db_rows(cx, w->c, &sql_key_ids, ARGS(v_text(user_id)), &r));
                for (;;) {
                        TRY(rows_next(cx, &r, &more));
                        if (!more)
                                break;
                        identity_note(cx, w, CHANGE_KEY, row_text(&r, 0));
                }
        }
        return db_run(cx, w->c, &sql_key_delete_user, ARGS(v_text(user_id)), NULL);
}

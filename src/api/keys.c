// SPDX-License-Identifier: MIT
/* API keys. */
#include "api/identity_view.h"
#include "identity/api_key.h"

enum {
        OVERLAP_MAX_S = 604800,
        DAYS_MAX = 3650,
        SCOPE_WORD_MAX = 32,
        RANGE_TEXT_MAX = 64,
        PREFIX = 8
};

typedef struct KeyCreateIn {
        Str name;
        Strs scopes, ip_ranges;
        OptInt expires_days;
} KeyCreateIn;
static const Shape key_create_in = SHAPE(KeyCreateIn,
        F_STR(KeyCreateIn, name, F_REQ, .min = 1, .max = KEY_NAME_MAX),
        F_STRS(KeyCreateIn, scopes, F_REQ, .min = 1, .max = _SCOPE_N, .item_max = SCOPE_WORD_MAX),
        F_OINT(KeyCreateIn, expires_days, F_NULL, .min = 1, .max = DAYS_MAX),
        F_STRS(KeyCreateIn, ip_ranges, 0, .max = IP_RANGES_MAX, .item_max = RANGE_TEXT_MAX,
                .doc = "Addresses or networks in CIDR form; absent: any"));

typedef struct KeyMade {
        Str key_id, api_key, key_prefix, name;
        Strs scopes;
        int64_t created_at, expires_at;
        Str warning;
} KeyMade;
static const Shape key_made_shape = SHAPE(KeyMade,
        F_STR(KeyMade, key_id, F_REQ),
        F_STR(KeyMade, api_key, F_REQ | F_SECRET),
        F_STR(KeyMade, key_prefix, F_REQ),
        F_STR(KeyMade, name, F_REQ),
        F_STRS(KeyMade, scopes, F_REQ),
        F_TIME(KeyMade, created_at, F_REQ),
        F_TIME(KeyMade, expires_at, F_REQ | F_NULL),
        F_STR(KeyMade, warning, F_REQ));

typedef struct KeyView {
        Str key_id, key_prefix, name;
        Strs scopes;
        int64_t created_at, expires_at, last_used;
        Str last_used_ip;
        bool is_active;
} KeyView;
static const Shape key_view_shape = SHAPE(KeyView,
        F_STR(KeyView, key_id, F_REQ),
        F_STR(KeyView, key_prefix, F_REQ),
        F_STR(KeyView, name, F_REQ),
        F_STRS(KeyView, scopes, F_REQ),
        F_TIME(KeyView, created_at, F_REQ),
        F_TIME(KeyView, expires_at, F_REQ | F_NULL),
        F_TIME(KeyView, last_used, F_REQ | F_NULL),
        F_STR(KeyView, last_used_ip, F_REQ | F_NULL),
        F_BOOL(KeyView, is_active, F_REQ));

typedef struct KeyList {
        List api_keys;
} KeyList;
static const Shape key_list_shape = SHAPE(KeyList,
        F_LIST(KeyList, api_keys, F_REQ, .sub = &key_view_shape));

typedef struct KeyRotateIn {
        int64_t overlap_seconds;
} KeyRotateIn;
static const Shape key_rotate_in = SHAPE(KeyRotateIn,
        F_INT(KeyRotateIn, overlap_seconds, 0, .min = 0, .max = OVERLAP_MAX_S,
                .doc = "How long the old secret stays good"));

/* What a person may recognise a key by: "ms_" and the beginning of its id. */
static Str key_prefix(Ctx *cx, Str key_id) {
        return arena_strf(cx->arena, "ms_%.*s", STR_FMT(str_to(key_id, PREFIX)));
}

static KeyMade key_made(Ctx *cx, const ApiKeyMade *made) {
        const ApiKey *k = &made->key;

        return (KeyMade){
                .key_id = k->key_id,
                .api_key = made->text,
                .key_prefix = key_prefix(cx, k->key_id),
                .name = k->name,
                .scopes = scopes_list(cx, k->scopes),
                .created_at = k->created_at,
                .expires_at = k->expires_at,
                .warning = STR("Store this key now; it is not shown again."),
        };
}

static Err key_create_handle(Req *rq, const void *in_, void *ret) {
        const KeyCreateIn *in = in_;
        ApiKeyNew new = { in->name, in->scopes, in->ip_ranges,
                          in->expires_days.has ? in->expires_days.v : 0 };
        Work w = req_work(rq, rq->db);
        ApiKeyMade made;

        TRY(api_key_create(rq->cx, &w, rq->who, &new, &made));
        TRY(own_audit(rq, "authn_token_created", "api_key", made.key.key_id));
        *(KeyMade *)ret = key_made(rq->cx, &made);
        return OK;
}

static Err key_list_handle(Req *rq, const void *in, void *ret) {
        int64_t now = cx_now_ms(rq->cx);
        Work w = req_work(rq, rq->db);
        KeyView *views;
        ApiKey *keys;
        size_t n;

        TRY(api_key_list(rq->cx, &w, rq->who->user_id, &keys, &n));
        views = NEW_ARRAY(rq->cx->arena, KeyView, n + 1);
        for (size_t i = 0; i < n; i++)
                views[i] = (KeyView){
                        .key_id = keys[i].key_id,
                        .key_prefix = key_prefix(rq->cx, keys[i].key_id),
                        .name = keys[i].name,
                        .scopes = scopes_list(rq->cx, keys[i].scopes),
                        .created_at = keys[i].created_at,
                        .expires_at = keys[i].expires_at,
                        .last_used = keys[i].last_used,
                        .last_used_ip = keys[i].last_used_ip,
                        .is_active = !keys[i].expires_at || keys[i].expires_at > now,
                };
        *(KeyList *)ret = (KeyList){ { views, n } };
        return OK;
}

static Err key_delete_handle(Req *rq, const void *in, void *ret) {
        Work w = req_work(rq, rq->db);

        TRY(api_key_delete(rq->cx, &w, rq->who->user_id, rq->path[0]));
        return own_audit(rq, "authn_token_delete", "api_key", rq->path[0]);
}

static Err key_rotate_handle(Req *rq, const void *in_, void *ret) {
        const KeyRotateIn *in = in_;
        Work w = req_work(rq, rq->db);
        ApiKeyTurn turn = { rq->path[0], in->overlap_seconds };
        ApiKeyMade made;

        TRY(api_key_rotate(rq->cx, &w, rq->who, &turn, &made));
        TRY(own_audit(rq, "authn_token_created", "api_key", made.key.key_id));
        *(KeyMade *)ret = key_made(rq->cx, &made);
        return OK;
}

const Route keys_routes[] = {
        {
                .id = "api_key.create",
                .method = POST,
                .path = "/api/v1/auth/api-keys",
                .lane = LANE_WRITE,
                .auth = AUTH_USER,
                .scope = "keys:manage",
                .rate = RATE_FREE,
                .in = &key_create_in,
                .out = &key_made_shape,
                .status = 201,
                .body_max = 16 * 1024,
                .errors = ERRORS(ERR_CONFLICT, ERR_SCOPE),
                .audit = "authn_token_created",
                .tag = "API keys",
                .summary = "Make an API key; the key is shown only here",
                .fn = key_create_handle,
        },
        {
                .id = "api_key.list",
                .method = GET,
                .path = "/api/v1/auth/api-keys",
                .lane = LANE_READ,
                .auth = AUTH_USER,
                .scope = "keys:manage",
                .rate = RATE_FREE,
                .out = &key_list_shape,
                .audit_none = "one's own keys, without secrets",
                .tag = "API keys",
                .summary = "List API keys",
                .fn = key_list_handle,
        },
        {
                .id = "api_key.delete",
                .method = DELETE,
                .path = "/api/v1/auth/api-keys/{key_id}",
                .lane = LANE_WRITE,
                .auth = AUTH_USER,
                .scope = "keys:manage",
                .rate = RATE_FREE,
                .errors = ERRORS(ERR_NOT_FOUND),
                .audit = "authn_token_delete",
                .tag = "API keys",
                .summary = "Delete an API key",
                .fn = key_delete_handle,
        },
        {
                .id = "api_key.rotate",
                .method = POST,
                .path = "/api/v1/auth/api-keys/{key_id}/rotate",
                .lane = LANE_WRITE,
                .auth = AUTH_USER,
                .scope = "keys:manage",
                .rate = RATE_FREE,
                .in = &key_rotate_in,
                .out = &key_made_shape,
                .status = 201,
                .body_max = 1024,
                .errors = ERRORS(ERR_NOT_FOUND, ERR_SCOPE),
                .audit = "authn_token_created",
                .tag = "API keys",
                .summary = "Give an API key a new secret",
                .fn = key_rotate_handle,
        },
        {},
};

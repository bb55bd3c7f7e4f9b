// SPDX-License-Identifier: MIT
/* The way of a request, on one page: `begin` (ids, route, credential, limits, media type), then
 * the body (whole, or by lines: pieces.c), then `ready` (values, lane, handler), the answer, and
 * `end` (log line, metrics). */
#include <ctype.h>

#include "api/refusals.h"
#include "base/log.h"
#include "codec/json.h"
#include "codec/traceparent.h"
#include "codec/url.h"
#include "codec/when.h"
#include "web/forwarded.h"

enum { HEADERS_MAX = 48 };

static const Header security_headers[] = {
        { STR("Content-Security-Policy"), STR("default-src 'none'; frame-ancestors 'none'") },
        { STR("X-Content-Type-Options"), STR("nosniff") },
        { STR("X-Frame-Options"), STR("DENY") },
        { STR("Referrer-Policy"), STR("no-referrer") },
        { STR("Cross-Origin-Resource-Policy"), STR("same-origin") },
};

/* ---- answering ---- */

typedef struct HeaderList {
        Header v[HEADERS_MAX];
        size_t n;
} HeaderList;

static void add(HeaderList *l, Str name, Str value) {
        assert(l->n < HEADERS_MAX);
        if (value.p)
                l->v[l->n++] = (Header){ name, value };
}

static bool req_has_header(const Req *rq, Str name) {
        for (size_t i = 0; i < rq->n_headers; i++)
                if (str_eq_nocase(rq->headers[i].name, name))
                        return true;
        return false;
}

/* A handler's own header (Cache-Control of the key set, the policy of the API page) takes the
 * place of the usual one. */
static void add_default(HeaderList *l, const Req *rq, Str name, Str value) {
        if (!req_has_header(rq, name))
                add(l, name, value);
}

static void add_common(HeaderList *l, Visit *v) {
        Ctx *cx = &v->x->cx;
        char tp[TRACEPARENT_TEXT + 1];
        TraceParent ids = { .sampled = true };
        memcpy(ids.trace_id, cx->trace_id, sizeof ids.trace_id);
        memcpy(ids.span_id, cx->span_id, sizeof ids.span_id);
        traceparent_write(tp, &ids);
        add(l, STR("X-Request-ID"), arena_dup(cx->arena, str_c(cx->trace_id)));
        add(l, STR("traceparent"), arena_dup(cx->arena, str_c(tp)));
        add_default(l, &v->rq, STR("Cache-Control"), STR("no-store"));
        for (size_t i = 0; i < ELEMENTSOF(security_headers); i++)
                add_default(l, &v->rq, security_headers[i].name, security_headers[i].value);
        add(l, STR("RateLimit-Policy"), v->ratelimit_policy);
        add(l, STR("RateLimit"), v->ratelimit);
        if (v->origin_allowed.p) {
                add(l, STR("Access-Control-Allow-Origin"), v->origin_allowed);
                add(l, STR("Access-Control-Allow-Credentials"), STR("true"));
                add(l, STR("Access-Control-Expose-Headers"),
                    STR("X-Request-ID, RateLimit, RateLimit-Policy, Retry-After, Location, Link, "
                        "ETag, Idempotency-Replayed, X-Mainstay-Provider, X-Mainstay-Model"));
        }
        if (v->api->origins.n)
                add(l, STR("Vary"), STR("Origin"));
        if (v->api->set.production)
                add(l, STR("Strict-Transport-Security"),
                    STR("max-age=63072000; includeSubDomains"));
        if (identity_skips_auth(v->api->sv->identity))
                add(l, STR("X-Mainstay-Skip-Auth"), STR("true"));
}

/* "head1.234": by hand, as every answer has two of them. */
static Str fixed_point(Arena *arena, Str head, int64_t v, int places) {
        enum { DIGITS = 24 };
        char digits[DIGITS], *at = digits + DIGITS;
        for (int i = 0; i <= places || v > 0; i++, v /= 10) {
                if (i == places)
                        *--at = '.';
                *--at = (char)('0' + v % 10);
        }
        size_t n = (size_t)(digits + DIGITS - at);
        char *out = arena_bytes(arena, head.n + n);
        memcpy(out, head.p, head.n);
        memcpy(out + head.n, at, n);
        return (Str){ out, head.n + n };
}

static void add_timing(HeaderList *l, Visit *v) {
        if (v->api->set.production && !(v->rq.who && v->rq.who->is_admin))
                return;
        int64_t us = cx_mono_us(&v->x->cx) - v->x->started_us;
        Arena *arena = v->x->cx.arena;
        add(l, STR("X-Process-Time"), fixed_point(arena, STR(""), us, 6));
        add(l, STR("Server-Timing"), fixed_point(arena, STR("app;dur="), us, 3));
}

void visit_send(Visit *v, int status, Str type, Str body) {
        HeaderList l = { .n = 0 };
        add(&l, STR("Content-Type"), type);
        add_common(&l, v);
        add_timing(&l, v);
        for (size_t i = 0; i < v->rq.n_headers; i++)
                add(&l, v->rq.headers[i].name, v->rq.headers[i].value);
        v->answered = true;
        exchange_answer(
                v->x,
                &(Answer){ .status = status, .headers = l.v, .n_headers = l.n, .body = body });
}

/* RFC 6750 section 3: of the credential that was shown, not of a password or code in the body. */
static bool is_about_token(Err e) {
        return e != ERR_UNAUTHENTICATED && e != ERR_CREDENTIALS && e != ERR_CODE_INVALID;
}

static void fail_headers(Visit *v, Err e) {
        Ctx *cx = &v->x->cx;
        int status = err_info[e].http;
        if (status == 401)
                req_header(&v->rq, STR("WWW-Authenticate"),
                           is_about_token(e)
                                   ? STR("Bearer realm=\"mainstay\", error=\"invalid_token\"")
                                   : STR("Bearer realm=\"mainstay\""));
        if (e == ERR_METHOD)
                req_header(&v->rq, STR("Allow"), router_allow(cx, v->match.allow));
        if (status == 503 && !cx->err.retry_after_s)
                cx->err.retry_after_s = 1;
        if (cx->err.retry_after_s)
                req_header(&v->rq, STR("Retry-After"),
                           arena_strf(cx->arena, "%lld", (long long)cx->err.retry_after_s));
}

void visit_fail(Visit *v, Err e) {
        Ctx *cx = &v->x->cx;
        Wire wire = v->row ? v->row->route->wire : v->match.wire;
        _cleanup_(buf_done) Buf out = BUF(256 * 1024);
        v->err = e;
        fail_headers(v, e);
        problem_write(&out, cx, e, wire, v->api->set.public_url);
        visit_send(v, problem_status(e, wire), STR("application/problem+json"),
                   arena_dup(cx->arena, buf_str(&out)));
}

Err visit_encode(Visit *v) {
        const Route *r = v->row->route;
        if (v->type.p || v->replayed)
                return OK;
        if (r->produces) {
                v->type = str_c(r->produces);
                v->body = *(const Str *)v->ret;
        }
        if (r->produces || !r->out)
                return OK;
        const Shape *shape = v->rq.out ? v->rq.out : r->out;
        _cleanup_(buf_done) Buf out = BUF((size_t)64 * 1024 * 1024);
        if (r->out_list)
                json_write_list(&out, shape, *(const List *)v->ret);
        else
                json_write(&out, shape, v->ret);
        if (out.full)
                return RAISE(&v->x->cx, ERR_INTERNAL, "answer over %zu bytes", out.max);
        v->type = r->out_type ? str_c(r->out_type) : STR("application/json");
        v->body = arena_dup(v->x->cx.arena, buf_str(&out));
        return OK;
}

void visit_succeed(Visit *v) {
        Err e = visit_encode(v);
        if (v->replayed)
                req_header(&v->rq, STR("Idempotency-Replayed"), STR("true"));
        if (e)
                visit_fail(v, e);
        else
                visit_send(v, v->rq.status, v->type, v->body);
}

void visit_finish(Visit *v, Err e) {
        if (v->answered)
                return;
        if (e)
                visit_fail(v, e);
        else
                visit_succeed(v);
}

void req_header(Req *rq, Str name, Str value) {
        assert(rq->n_headers < HEADERS_OUT_MAX);
        rq->headers[rq->n_headers++] = (Header){ name, value };
}

Err req_raw(Req *rq, Str type, Str body) {
        Visit *v = visit_of(rq);
        v->type = type;
        v->body = body;
        return OK;
}

void req_answer(Req *rq, Err e, const void *ret) {
        Visit *v = visit_of(rq);
        v->ret = (void *)ret;
        visit_finish(v, e);
}

Stream *req_stream(Req *rq, const StreamSettings *set) {
        Visit *v = visit_of(rq);
        HeaderList l = { .n = 0 };
        add(&l, STR("Content-Type"), STR("text/event-stream"));
        req_header(rq, STR("Cache-Control"), STR("no-cache, no-transform"));
        add_common(&l, v);
        add(&l, STR("X-Accel-Buffering"), STR("no"));
        for (size_t i = 0; i < rq->n_headers; i++)
                add(&l, rq->headers[i].name, rq->headers[i].value);
        v->answered = true;
        return exchange_stream(v->x, l.v, l.n, set);
}

/* ---- begin: headers are complete ---- */

static Str origin_allowed(const Api *a, Str origin) {
        for (size_t i = 0; origin.n && i < a->origins.n; i++)
                if (str_eq(a->origins.v[i], origin))
                        return origin;
        return STR_NULL;
}

static Visit *visit_new(Api *a, Exchange *x) {
        Visit *v = NEW(x->cx.arena, Visit);
        v->api = a;
        v->x = x;
        v->rq.cx = &x->cx;
        v->rq.sv = a->sv;
        v->rq.x = x;
        x->user = v;
        if (!x->cx.trace_id[0])
                trace_start(&x->cx, exchange_header(x, "traceparent"));
        char *ip = arena_bytes(x->cx.arena, ADDRESS_TEXT_MAX);
        v->rq.client_ip = v->client_ip = client_address(a->set.proxies, x, ip, ADDRESS_TEXT_MAX);
        v->origin_allowed =
                a->origins.n ? origin_allowed(a, exchange_header(x, "origin")) : STR_NULL;
        return v;
}

static Err route_find(Visit *v) {
        Exchange *x = v->x;
        router_match(v->api->router, x->method, x->path, &v->match);
        if (!v->match.path_known)
                return ERR_NOT_FOUND;
        if (x->method != OPTIONS && !v->match.row)
                return ERR_METHOD;
        v->row = v->match.row;
        if (!v->row)
                return OK;
        v->rq.route = v->row->route;
        v->rq.status = v->row->route->status;
        if (!v->rq.status)
                v->rq.status = v->row->route->out || v->row->route->produces ? 200 : 204;
        memcpy(v->rq.path, v->match.params, sizeof v->rq.path);
        x->cx.route = v->row->route->id;
        return OK;
}

static void preflight_answer(Visit *v) {
        Ctx *cx = &v->x->cx;
        Str allow = router_allow(cx, v->match.allow);
        req_header(&v->rq, STR("Allow"), allow);
        if (v->origin_allowed.p) {
                req_header(&v->rq, STR("Access-Control-Allow-Methods"), allow);
                req_header(&v->rq, STR("Access-Control-Allow-Headers"),
                           STR("Authorization, Content-Type, X-API-Key, Idempotency-Key, If-Match, "
                               "Last-Event-ID, "
                               "traceparent, X-Conversation-Id, X-Mainstay-Memory"));
                req_header(&v->rq, STR("Access-Control-Max-Age"), STR("600"));
        }
        visit_send(v, 204, STR_NULL, STR_NULL);
}

static Err admin_or_scope(Visit *v) {
        const Route *r = v->row->route;
        if (r->auth == AUTH_ADMIN && !(v->who.scopes & SCOPE_ADMIN) &&
            !(v->row->scope & v->who.scopes))
                return RAISE(&v->x->cx, ERR_FORBIDDEN, "not an administrator");
        if (r->auth != AUTH_ADMIN && v->row->scope && !(v->who.scopes & v->row->scope))
                return RAISE(&v->x->cx, ERR_SCOPE, "needs scope %s", r->scope);
        return OK;
}

/* *ret_anonymous: no credential was sent. */
static Err credential_read(Visit *v, bool *ret_anonymous) {
        Exchange *x = v->x;
        Credentials in = {
                .authorization = exchange_header(x, "authorization"),
                .x_api_key = exchange_header(x, "x-api-key"),
                .cookie = exchange_header(x, "cookie"),
                .origin = exchange_header(x, "origin"),
                .client_ip = v->client_ip,
                .changes = x->method != GET && x->method != HEAD,
        };
        TRY(identity_authenticate(&x->cx, v->api->sv->identity, &in, &v->who));
        *ret_anonymous = v->who.kind == WHO_UNSET;
        if (!*ret_anonymous) {
                v->rq.who = &v->who;
                x->cx.user_id = v->who.user_id;
        }
        return OK;
}

static Err authenticate(Visit *v) {
        Auth auth = v->row->route->auth;
        if (auth == AUTH_NONE)
                return OK;
        bool anonymous;
        TRY(credential_read(v, &anonymous));
        if (anonymous)
                return auth == AUTH_OPTIONAL
                               ? OK
                               : RAISE(&v->x->cx, ERR_UNAUTHENTICATED, "no credential");
        return admin_or_scope(v);
}

Err req_authenticate(Req *rq) {
        bool anonymous;
        TRY(credential_read(visit_of(rq), &anonymous));
        return anonymous ? RAISE(rq->cx, ERR_UNAUTHENTICATED, "no credential") : OK;
}

static bool type_is(Str content_type, Str want) {
        Str rest = content_type;
        return str_eq_nocase(str_trim(str_cut(&rest, ';')), want);
}

/* What a row without a shape takes: `{}`, which many clients send with every POST. */
enum { NOTHING_MAX = 4096 };
typedef struct Nothing {
        char none;
} Nothing;
static const Shape nothing = { .name = "Nothing",
                               .size = sizeof(Nothing),
                               .fields = (const Field[]){ { .type = FT_END } } };

/* "application/json, application/x-ndjson": any of them. */
static Err media_type(Visit *v) {
        const Route *r = v->row->route;
        v->x->body_max = r->in || r->in_raw ? r->body_max : NOTHING_MAX;
        if (!r->in && !r->in_raw)
                return OK;
        Str type = exchange_header(v->x, "content-type");
        Str wanted = str_c(r->accepts ? r->accepts : "application/json");
        while (wanted.p)
                if (type_is(type, str_trim(str_cut(&wanted, ','))))
                        return OK;
        Str length = exchange_header(v->x, "content-length");
        if (!type.p && (!length.p || str_eq(length, STR("0"))) &&
            !exchange_header(v->x, "transfer-encoding").p)
                /* no body at all: its absence is judged with the values */
                return OK;
        return RAISE(&v->x->cx, ERR_MEDIA_TYPE, "content type is not %s",
                     r->accepts ? r->accepts : "application/json");
}

/* Said before anything is paid for the request. Health and metrics are asked most when it is
 * full. */
static Err capacity(Visit *v) {
        if (v->x->overload != OVERLOAD_REFUSE || v->row->route->rate == RATE_NONE)
                return OK;
        return RAISE(&v->x->cx, ERR_UNAVAILABLE, "overload");
}

bool route_refuses_query(const Route *r) {
        bool wire_compatible = r->wire == WIRE_MEM0 || r->wire == WIRE_OPENAI;
        return !r->query && r->rate != RATE_NONE && !wire_compatible;
}

const Shape query_ignored = { .name = "QueryIgnored",
                              .size = sizeof(Nothing),
                              .fields = (const Field[]){ { .type = FT_END } },
                              .open = true };

typedef struct Named {
        Str user_id;
} Named;
static const Shape named_alone = SHAPE(Named, F_STR(Named, user_id, F_NULL, .max = 256));

/* The caller may say who it is. */
static Err query_refuse(Visit *v) {
        Named q;
        TRY(query_read(&v->x->cx, v->x->query, &named_alone, &q));
        if (q.user_id.p && !str_eq(q.user_id, v->who.user_id))
                return RAISE_FIELD(&v->x->cx, "?user_id", "is not a parameter of this request");
        return OK;
}

static Err query_decode(Visit *v) {
        const Shape *shape = v->row->route->query;
        if (route_refuses_query(v->row->route))
                return v->x->query.n ? query_refuse(v) : OK;
        if (!shape || v->rq.query)
                return OK;
        void *q = arena_alloc(v->x->cx.arena, shape->size);
        TRY(query_read(&v->x->cx, v->x->query, shape, q));
        v->rq.query = q;
        return OK;
}

static Err admit(Visit *v) {
        TRY(capacity(v));
        Err e = authenticate(v);
        if (e) {
                visit_limit_tell(v);
                return e;
        }
        TRY(visit_limit(v));
        TRY(media_type(v));
        TRY(idempotency_read_key(v));
        pieces_begin(v);
        return v->pieces ? query_decode(v) : OK; /* the first piece may ask for it */
}

static void hook_begin(void *arg, Exchange *x) {
        Visit *v = visit_new(arg, x);
        Err e = route_find(v);
        if (!e && x->method == OPTIONS && !v->row) {
                preflight_answer(v);
                return;
        }
        if (!e)
                e = admit(v);
        if (e)
                visit_fail(v, e);
}

/* ---- ready: the body is complete ---- */

static Err values_read(Visit *v) {
        Ctx *cx = &v->x->cx;
        const Route *r = v->row->route;
        TRY(query_decode(v));
        if (r->in_raw)
                return OK;
        const Shape *shape = r->in ? r->in : &nothing;
        void *in = arena_alloc(cx->arena, shape->size);
        bool form = r->accepts && str_contains(str_c(r->accepts), STR("x-www-form-urlencoded"));
        if (form)
                TRY(form_read(cx, v->x->body, shape, in));
        else
                TRY(json_read(cx, v->x->body.n ? v->x->body : STR("{}"), shape, in));
        v->in = r->in ? in : NULL;
        return OK;
}

static const Shape named = SHAPE_OPEN(Named, F_STR(Named, user_id, F_NULL, .max = 256));

static bool asks_who(const Shape *shape) {
        for (const Field *f = shape ? shape->fields : NULL; f && f->type != FT_END; f++)
                if (!strcmp(f->name, "user_id"))
                        return true;
        return false;
}

static bool is_another(const Visit *v, const Named *n) {
        return n->user_id.n && !str_eq(n->user_id, v->who.user_id);
}

/* Rows that ask for a `user_id` judge it themselves. */
static bool names_another(const Visit *v) {
        const Route *r = v->row->route;
        Ctx cx = v->x->cx; /* what else is wrong was said already */
        Named q = { 0 }, b = { 0 };
        if (v->who.kind == WHO_UNSET || r->auth == AUTH_ADMIN || asks_who(r->in) ||
            asks_who(r->query) || !str_starts(v->x->path, STR("/api/")))
                return false;
        if (!query_read(&cx, v->x->query, &named, &q) && is_another(v, &q))
                return true;
        return !json_read(&cx, v->x->body, &named, &b) && is_another(v, &b);
}

/* Somebody else's id is not a wrong member but a wrong person. */
static Err decode(Visit *v) {
        Err e = values_read(v);
        const Shape *query = v->row->route->query;
        bool may_name = e ? e == ERR_INVALID : v->x->query.n && (!query || query->open);
        if (!may_name || !names_another(v))
                return e;
        err_clear(&v->x->cx);
        return RAISE(&v->x->cx, ERR_USER_MISMATCH, "user_id of somebody else in the request");
}

static size_t ret_size(const Route *r) {
        return r->produces ? sizeof(Str) : r->out_list ? sizeof(List) : r->out ? r->out->size : 1;
}

static bool hook_part(void *arg, Exchange *x, Str bytes) { return pieces_add(x->user, bytes); }

static void hook_ready(void *arg, Exchange *x) {
        Visit *v = x->user;
        Err e = pieces_rest(v);
        if (!e)
                e = decode(v);
        if (e) {
                visit_fail(v, e);
                return;
        }
        v->ret = arena_alloc(x->cx.arena, ret_size(v->row->route));
        visit_run(v);
}

/* ---- end ---- */

static LogLevel level_of(const Visit *v, int status) {
        if (status >= 500)
                return status == 503 ? LOG_WARN : LOG_ERROR;
        return v->row && v->row->route->rate == RATE_NONE ? LOG_DEBUG : LOG_INFO;
}

/* Of the client's own making: told in the log, never used as ours. */
static Str client_request_id(const Exchange *x) {
        enum { ID_MAX = 64 };
        static const Str dots = STR("._-");
        Str id = exchange_header(x, "x-request-id");
        for (size_t i = 0; i < id.n; i++)
                if (!isalnum((unsigned char)id.p[i]) && !memchr(dots.p, id.p[i], dots.n))
                        return STR_NULL;
        return id.n && id.n <= ID_MAX ? id : STR_NULL;
}

/* Of a wrong value only what is wrong with it: a pointer names members as the client does, and may
 * say anything. */
static Str what_failed(const Ctx *cx) {
        return cx->err.fields ? cx->err.fields->detail : str_c(cx->err.what);
}

static void hook_end(void *arg, Exchange *x) {
        Visit *v = x->user;
        int64_t now_us = cx_mono_us(&x->cx);
        pieces_end(v);
        double seconds = (double)(now_us - x->started_us) / 1e6;
        recent_count(now_us, x->status >= 500);
        if (v->row)
                row_count(v->row, x->aborted && !x->status ? 499 : x->status, seconds);
        Ctx *cx = &x->cx;
        refusal_note(v->api->refusals, v);
        LOG(cx, level_of(v, x->status), v->err ? "http_error" : "http_request",
            v->err ? err_info[v->err].text : "answered",
            L_TOP_STR("method", str_c(method_names[x->method])), L_TOP_INT("status", x->status),
            L_TOP_NUM("duration_ms", seconds * 1000), L_TOP_STR("client_ip", v->client_ip),
            L_TOP_STR("error_type", v->err ? str_c(err_info[v->err].name) : STR_NULL),
            L_STR("client_request_id", client_request_id(x)), L_STR("what", what_failed(cx)),
            L_STR("where", str_c(cx->err.where)), L_INT("bytes", (int64_t)x->bytes_out),
            L_BOOL("aborted", x->aborted));
}

static void hook_refuse(void *arg, Exchange *x, Err e) {
        visit_fail(x->user ? x->user : visit_new(arg, x), e);
}

/* The reads of a turn share one view of the database (lanes.c). */
static void hook_turned(void *arg) { db_view_end(((Api *)arg)->sv->db); }

ServerHooks api_hooks(Api *a) {
        return (ServerHooks){ .arg = a,
                              .begin = hook_begin,
                              .part = hook_part,
                              .ready = hook_ready,
                              .end = hook_end,
                              .refuse = hook_refuse,
                              .turned = hook_turned };
}

Err api_new(Ctx *cx, const Services *sv, const Router *router, const ApiSettings *set, Api **ret) {
        Limits *limits;
        TRY(limits_new(cx, &limits));
        Api *a = calloc(1, sizeof *a);
        if (!a)
                abort();
        *a = (Api){ .sv = sv,
                    .router = router,
                    .set = *set,
                    .limits = limits,
                    .refusals = refusals_new(),
                    .origins = set->cors_origins };
        *ret = a;
        return OK;
}

Api *api_free(Api *a) {
        if (a) {
                limits_free(a->limits);
                refusals_free(a->refusals);
        }
        free(a);
        return NULL;
}

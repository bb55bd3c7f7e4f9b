// SPDX-License-Identifier: MIT
#include "ops/probe_int.h"

#include "codec/json.h"
#include "sys/proc.h"
#include "web/client.h"

static const char placeholder_key[] = "your-openai-api-key";

void probe_down(ProbeResult *ret, const char *error) {
        ret->state = HEALTH_DOWN;
        ret->error = error;
}

static void probe_sqlite(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec,
                         ProbeResult *ret) {
        Err e = db_ping(cx, rooms->db);
        DbStats stats;
        db_stats(rooms->db, &stats);
        ret->extra = arena_strf(cx->arena, ",\"database\":\"mainstay\",\"wal_bytes\":%lld",
                                (long long)stats.wal_bytes);
        ret->state = HEALTH_UP;
        if (e)
                probe_down(ret, e == ERR_TIMEOUT || e == ERR_UNAVAILABLE ? "Timeout after 2000 ms"
                                                                         : "Bad response");
}

static void probe_disk(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec, ProbeResult *ret) {
        const HealthSettings *set = rooms->set;
        double free_ratio = 0;
        ret->state = HEALTH_UP;
        if (disk_free_ratio(cx, arena_cstr(cx->arena, spec->target), &free_ratio)) {
                err_clear(cx);
                probe_down(ret, "Bad response");
                return;
        }
        ret->observed = free_ratio;
        ret->unit = "ratio";
        ret->extra = arena_strf(cx->arena, ",\"free_ratio\":%.4f", free_ratio);
        ret->warn = free_ratio < (set->disk_warn > 0 ? set->disk_warn : 0.20);
        if (free_ratio < (set->disk_fail > 0 ? set->disk_fail : 0.10))
                probe_down(ret, "Below threshold");
}

static void probe_memory(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec,
                         ProbeResult *ret) {
        ProcStats self = { .rss_bytes = 0 };
        if (proc_stats(cx, &self))
                err_clear(cx);
        int64_t rss = self.rss_bytes;
        double ratio = (double)rss / (double)proc_memory_max();
        ret->state = HEALTH_UP;
        ret->observed = ratio;
        ret->unit = "ratio";
        ret->extra =
                arena_strf(cx->arena, ",\"rss_bytes\":%lld,\"ratio\":%.4f", (long long)rss, ratio);
        ret->warn = ratio >= 0.8;
        if (ratio >= 0.9)
                probe_down(ret, "Below threshold");
}

const char *status_error(int status) {
        switch (status) {
        case 401:
        case 403: return "Authentication failed";
        case 404: return "HTTP 404";
        case 500: return "HTTP 500";
        case 502: return "HTTP 502";
        case 503: return "HTTP 503";
        default: return "Bad response";
        }
}

/* A GET with the deadline of the probe. Returns what went wrong; NULL = it answered. */
static const char *fetch(Ctx *cx, const ProbeRooms *rooms, CallSpec call, CallResult *res) {
        int64_t ms = call.total_ms;
        call.method = "GET";
        call.connect_ms = call.first_byte_ms = call.between_ms = ms;
        call.allow_private = true;
        *res = (CallResult){ .status = 0 };
        Err e = client_call(cx, rooms->client, &call, res);
        if (!e)
                return NULL;
        err_clear(cx);
        if (e == ERR_TIMEOUT)
                return arena_printf(cx->arena, "Timeout after %lld ms", (long long)ms);
        return res->error ? res->error : "Connection refused";
}

static Str number_or_null(Str s) {
        int64_t n;
        return str_to_i64(s, &n) ? s : STR("null");
}

static Str rate_limit_json(Ctx *cx, const CallResult *res) {
        _cleanup_(buf_done) Buf b = BUF(1024);
        Str left = number_or_null(res->ratelimit_remaining);
        if (res->status == 429)
                left = STR("0");
        buf_addf(&b,
                 ",\"api_version\":\"v1\",\"rate_limit\":{\"remaining\":%.*s,\"limit\":%.*s,"
                 "\"reset\":",
                 STR_FMT(left), STR_FMT(number_or_null(res->ratelimit_limit)));
        if (res->ratelimit_reset.p)
                json_write_str(&b, res->ratelimit_reset);
        else
                buf_add_c(&b, "null");
        buf_addc(&b, '}');
        return arena_dup(cx->arena, buf_str(&b));
}

static void model_judge(Ctx *cx, const CallResult *res, ProbeResult *ret) {
        Json *parsed = NULL;
        ret->extra = rate_limit_json(cx, res);
        ret->state = HEALTH_UP;
        if (res->status == 429)
                return; /* it answers, and says how much is left */
        if (res->status < 200 || res->status > 299)
                probe_down(ret, status_error(res->status));
        else if (json_parse(cx, res->body, 16, &parsed))
                probe_down(ret, "Bad response");
        json_free(parsed);
        err_clear(cx);
}

static void model_ask(Ctx *cx, const ProbeRooms *rooms, const CallSpec *call, ProbeResult *ret) {
        CallResult res;
        *ret = (ProbeResult){ .state = HEALTH_STARTING };
        const char *error = fetch(cx, rooms, *call, &res);
        if (error)
                probe_down(ret, error);
        else
                model_judge(cx, &res, ret);
}

/* The providers that turns go to, in their order: one that answers is enough, as it is for a turn. */
static void probe_providers(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec,
                            ProbeResult *ret) {
        const HealthSettings *set = rooms->set;
        for (size_t i = 0; i < set->n_models; i++) {
                ProbeResult one;
                CallSpec call = set->models[i];
                call.total_ms = MAX(spec->timeout_ms / (int64_t)set->n_models, 1);
                model_ask(cx, rooms, &call, &one);
                if (!i || one.state == HEALTH_UP)
                        *ret = one;
                if (one.state == HEALTH_UP)
                        break;
        }
}

static void probe_llm(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec, ProbeResult *ret) {
        bool has_key = spec->key.n && !str_eq_c(spec->key, placeholder_key);
        if (!spec->target.n && !spec->key.n && rooms->set->n_models) {
                probe_providers(cx, rooms, spec, ret);
                return;
        }
        if (!has_key &&
            (!spec->target.n || str_starts(spec->target, STR("https://api.openai.com")))) {
                ret->state = HEALTH_NOT_CONFIGURED;
                ret->message = "OpenAI API key not configured";
                return;
        }
        Str base = spec->target.n ? spec->target : STR("https://api.openai.com/v1");
        CallHeader auth = { STR("Authorization"),
                            arena_strf(cx->arena, "Bearer %.*s", STR_FMT(spec->key)) };
        CallSpec call = { .url = arena_strf(cx->arena, "%.*s/models", STR_FMT(base)),
                          .headers = &auth,
                          .n_headers = spec->key.n ? 1 : 0,
                          .total_ms = spec->timeout_ms };
        model_ask(cx, rooms, &call, ret);
}

static void probe_http(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec, ProbeResult *ret) {
        CallResult res;
        CallHeader auth = { STR("Authorization"),
                            arena_strf(cx->arena, "Bearer %.*s", STR_FMT(spec->key)) };
        CallSpec call = { .url = spec->target,
                          .headers = &auth,
                          .n_headers = spec->key.n ? 1 : 0,
                          .total_ms = spec->timeout_ms };
        const char *error = fetch(cx, rooms, call, &res);
        if (error) {
                probe_down(ret, error);
                return;
        }
        ret->extra = arena_strf(cx->arena, ",\"http_status\":%d", res.status);
        ret->state = HEALTH_UP;
        if (res.status < 200 || res.status > 399)
                probe_down(ret, status_error(res.status));
}

#define HTTP_TARGET  target_is_http, "http:// or https://"
#define SMTP_TARGET  target_is_smtp, "smtp:// or smtps://"
#define REDIS_TARGET target_is_redis, "redis://host:6379"
#define MONGO_TARGET target_is_mongodb, "mongodb://host:27017/name"

static const ProbeKind kinds[] = {
        { "sqlite", 2000, 10000, 100, CRITICAL_YES, probe_sqlite, NULL, NULL },
        { "postgres", 2000, 10000, 100, CRITICAL_YES, probe_sqlite, NULL, NULL },
        { "redis", 2000, 10000, 50, CRITICAL_NO, probe_redis, REDIS_TARGET },
        { "mongodb", 2000, 15000, 100, CRITICAL_YES, probe_mongodb, MONGO_TARGET },
        { "s3", 2000, 30000, 0, CRITICAL_YES, probe_s3, HTTP_TARGET },
        { "disk", 1000, 30000, 0, CRITICAL_YES, probe_disk, NULL, NULL },
        { "memory", 1000, 10000, 0, CRITICAL_NO, probe_memory, NULL, NULL },
        { "openai", 3000, 30000, 0, CRITICAL_IF_CONFIGURED, probe_llm, NULL, NULL },
        { "llm", 3000, 30000, 0, CRITICAL_IF_CONFIGURED, probe_llm, NULL, NULL },
        { "smtp", 3000, 60000, 0, CRITICAL_NO, probe_smtp, SMTP_TARGET },
        { "http", 2000, 30000, 0, CRITICAL_NO, probe_http, HTTP_TARGET },
};

const ProbeKind *probe_kind(Str name) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (str_eq_c(name, kinds[i].name))
                        return &kinds[i];
        return NULL;
}

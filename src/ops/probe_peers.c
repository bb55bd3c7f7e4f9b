// SPDX-License-Identifier: MIT
/* Dependencies that are not asked by HTTP, or not in its plain form. */
#include "codec/json.h"
#include "ops/peer_int.h"
#include "ops/probe_int.h"
#include "web/client_wire.h"

enum { ANSWER_MAX = 64 * 1024 };

static void add_member(Buf *out, const char *name, Str value) {
        buf_addf(out, ",\"%s\":", name);
        json_write_str(out, value);
}

static void extra_member(Ctx *cx, ProbeResult *ret, const char *name, Str value) {
        _cleanup_(buf_done) Buf out = BUF(1024);
        add_member(&out, name, value);
        ret->extra = arena_dup(cx->arena, buf_str(&out));
}

static const PeerScheme redis = { "redis://", "rediss://", 6379 };
static const PeerScheme mongodb = { "mongodb://", NULL, 27017 };

bool target_is_redis(Ctx *cx, Str target) {
        PeerUrl at;
        return peer_url_parse(cx, target, &redis, &at);
}

bool target_is_mongodb(Ctx *cx, Str target) {
        PeerUrl at;
        return peer_url_parse(cx, target, &mongodb, &at);
}

bool target_is_http(Ctx *cx, Str target) {
        return str_starts(target, STR("http://")) || str_starts(target, STR("https://"));
}

bool target_is_smtp(Ctx *cx, Str target) {
        return str_starts(target, STR("smtp://")) || str_starts(target, STR("smtps://"));
}

void probe_redis(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec, ProbeResult *ret) {
        PeerUrl at;
        Str answer, role = STR_NULL;
        if (!peer_url_parse(cx, spec->target, &redis, &at)) {
                probe_down(ret, "Bad response");
                return;
        }
        WireSpec wire = { .host = at.host,
                          .port = at.port,
                          .tls = at.tls,
                          .ask = redis_ask(cx, &at),
                          .is_whole = redis_is_whole,
                          .arg = &at,
                          .answer_max = ANSWER_MAX,
                          .timeout_ms = spec->timeout_ms };
        const char *error = wire_ask(cx, &wire, &answer);
        if (!error)
                error = redis_judge(answer, &at, &role);
        if (error) {
                probe_down(ret, error);
                return;
        }
        ret->state = HEALTH_UP;
        if (role.n)
                extra_member(cx, ret, "role", role);
}

void probe_mongodb(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec, ProbeResult *ret) {
        PeerUrl at;
        Str answer;
        if (!peer_url_parse(cx, spec->target, &mongodb, &at)) {
                probe_down(ret, "Bad response");
                return;
        }
        extra_member(cx, ret, "database", at.path.n ? at.path : STR("admin"));
        WireSpec wire = { .host = at.host,
                          .port = at.port,
                          .tls = at.tls,
                          .ask = mongodb_ask(),
                          .is_whole = mongodb_is_whole,
                          .answer_max = ANSWER_MAX,
                          .timeout_ms = spec->timeout_ms };
        const char *error = wire_ask(cx, &wire, &answer);
        if (!error)
                error = mongodb_judge(answer);
        ret->state = HEALTH_UP;
        if (error)
                probe_down(ret, error);
}

/* ---- S3 ---- */

static bool lists_bucket(Ctx *cx, Str body, Str bucket) {
        return str_contains(body, arena_strf(cx->arena, "<Name>%.*s</Name>", STR_FMT(bucket)));
}

/* The key is "ACCESS:SECRET". */
void probe_s3(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec, ProbeResult *ret) {
        Str secret = spec->key, access = str_cut(&secret, ':'), body = STR_NULL;
        int status = 0;
        BucketsSpec ask = { .url = spec->target,
                            .region = spec->region.n ? spec->region : STR("us-east-1"),
                            .access_key = access,
                            .secret_key = secret,
                            .timeout_ms = spec->timeout_ms };
        if (!access.n || !secret.n) {
                ret->state = HEALTH_NOT_CONFIGURED;
                ret->message = "S3 credentials not configured";
                return;
        }
        const char *error = buckets_get(cx, &ask, &status, &body);
        if (!error && status != 200)
                error = status_error(status);
        if (!error && !str_contains(body, STR("<ListAllMyBucketsResult")))
                error = "Bad response";
        bool accessible = !error && (!spec->bucket.n || lists_bucket(cx, body, spec->bucket));
        if (!error && !accessible)
                error = "HTTP 404";
        _cleanup_(buf_done) Buf extra = BUF(1024);
        if (spec->bucket.n)
                add_member(&extra, "bucket", spec->bucket);
        buf_addf(&extra, ",\"accessible\":%s", accessible ? "true" : "false");
        ret->extra = arena_dup(cx->arena, buf_str(&extra));
        ret->state = HEALTH_UP;
        if (error)
                probe_down(ret, error);
}

/* ---- mail ---- */

void probe_smtp(Ctx *cx, const ProbeRooms *rooms, const CheckSpec *spec, ProbeResult *ret) {
        bool tls = false;
        const char *error = mail_probe(cx, spec->target, spec->timeout_ms, &tls);
        if (error) {
                probe_down(ret, error);
                return;
        }
        ret->state = HEALTH_UP;
        ret->extra = arena_strf(cx->arena, ",\"tls\":%s", tls ? "true" : "false");
}

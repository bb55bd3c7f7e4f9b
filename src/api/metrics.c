// SPDX-License-Identifier: MIT
/* GET /metrics: Prometheus text, OpenMetrics by Accept, or a
 * short JSON form. */
#include "api/router.h"
#include "api/services.h"
#include "base/metric.h"
#include "codec/authz.h"
#include "codec/gzip.h"
#include "codec/json.h"
#include "sys/proc.h"
#include "web/server.h"

enum { METRICS_MAX = 8 * 1024 * 1024 };

typedef struct MetricsBrief {
        int64_t timestamp;
        double uptime_seconds;
        int64_t requests_total;
        double error_rate_1min, avg_response_time_ms;
        Str memory_usage, active_counters;
} MetricsBrief;
static const Shape metrics_brief = SHAPE(MetricsBrief,
        F_TIME(MetricsBrief, timestamp, F_REQ),
        F_NUM(MetricsBrief, uptime_seconds, F_REQ),
        F_INT(MetricsBrief, requests_total, F_REQ),
        F_NUM(MetricsBrief, error_rate_1min, F_REQ),
        F_NUM(MetricsBrief, avg_response_time_ms, F_REQ),
        F_JSON(MetricsBrief, memory_usage, F_REQ),
        F_JSON(MetricsBrief, active_counters, F_REQ));

static bool token_matches(const Req *rq) {
        Str scheme, token;
        return rq->sv->metrics_token.n &&
               authz_split(exchange_header(rq->x, "authorization"), &scheme, &token) &&
               str_eq_nocase(scheme, STR("bearer")) && secret_eq(token, rq->sv->metrics_token);
}

/* Public by setting, by the metrics token (which is no credential of a user), or with a
 * credential of scope `metrics`. */
static Err allowed(Req *rq) {
        if (rq->sv->metrics_public || token_matches(rq))
                return OK;
        TRY(req_authenticate(rq));
        return rq->who->scopes & (SCOPE_METRICS | SCOPE_ADMIN)
                       ? OK
                       : RAISE(rq->cx, ERR_SCOPE, "needs scope metrics");
}

static Err brief(Req *rq, MetricsBrief *ret) {
        ProcStats self = { .rss_bytes = 0 };
        TRY(proc_stats(rq->cx, &self));
        ServerStats server = { 0 };
        if (*rq->sv->server)
                server_stats(*rq->sv->server, &server);
        double requests = metric_sum("mainstay_http_requests_total");
        Arena *a = rq->cx->arena;
        *ret = (MetricsBrief){
                .timestamp = cx_now_ms(rq->cx),
                .uptime_seconds = (double)(cx_now_ms(rq->cx) - rq->sv->started_ms) / 1000,
                .requests_total = (int64_t)requests,
                .error_rate_1min = recent_error_rate(cx_mono_us(rq->cx)),
                .avg_response_time_ms =
                        requests > 0
                                ? 1000 * metric_observed("mainstay_http_request_duration_seconds") /
                                          requests
                                : 0,
                .memory_usage = arena_strf(
                        a, "{\"rss_bytes\":%lld,\"percent\":%.2f}", (long long)self.rss_bytes,
                        100 * (double)self.rss_bytes / (double)proc_memory_max()),
                .active_counters =
                        arena_strf(a, "{\"connections\":%lld,\"streams\":%lld,\"in_flight\":%lld}",
                                   (long long)server.connections, (long long)server.streams,
                                   (long long)server.in_flight),
        };
        return OK;
}

/* A scraper asks for gzip, and the text shrinks to a tenth. */
static Err encoded(Req *rq, Str text, Str *ret) {
        req_header(rq, STR("Vary"), STR("Accept, Accept-Encoding"));
        if (!gzip_is_accepted(exchange_header(rq->x, "accept-encoding"))) {
                *ret = arena_dup(rq->cx->arena, text);
                return OK;
        }
        TRY(gzip_pack(rq->cx, text, ret));
        req_header(rq, STR("Content-Encoding"), STR("gzip"));
        return OK;
}

static Err metrics_handle(Req *rq, const void *in, void *ret) {
        TRY(allowed(rq));
        Str accept = exchange_header(rq->x, "accept");
        if (str_contains(accept, STR("application/json")))
                return brief(rq, ret);
        bool open = str_contains(accept, STR("application/openmetrics-text"));
        _cleanup_(buf_done) Buf out = BUF(METRICS_MAX);
        metric_print(&out, open ? METRIC_OPENMETRICS : METRIC_TEXT);
        Str body;
        TRY(encoded(rq, buf_str(&out), &body));
        return req_raw(rq,
                       open ? STR("application/openmetrics-text; version=1.0.0; charset=utf-8")
                            : STR("text/plain; version=0.0.4; charset=utf-8"),
                       body);
}

const Route metrics_routes[] = {
        { .id = "metrics",
          .method = GET,
          .path = "/metrics",
          .lane = LANE_INLINE,
          .auth = AUTH_NONE,
          .rate = RATE_NONE,
          .out = &metrics_brief,
          .also = "text/plain",
          .errors = ERRORS(ERR_UNAUTHENTICATED, ERR_SCOPE),
          .tag = "Operations",
          .audit_none = "counters without personal data",
          .summary = "Metrics as Prometheus text, OpenMetrics or JSON",
          .fn = metrics_handle },
        { .id = NULL },
};

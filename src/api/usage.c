// SPDX-License-Identifier: MIT
/* What the models cost, and budgets. Table: usage_routes. */
#include "chat/usage.h"
#include "api/chat_view.h"
#include "api/identity_view.h"
#include "codec/json.h"

static double usd(int64_t micro) { return (double)micro / 1e6; }
static double percent(int64_t part, int64_t whole) {
        return whole ? (double)(int64_t)((double)part * 1000 / (double)whole + 0.5) / 10 : 0;
}

typedef struct CurrentMonth {
        double total_cost;
        OptNum budget, usage_percentage;
        int64_t days_remaining;
        double projected_cost;
} CurrentMonth;
static const Shape current_month = SHAPE(CurrentMonth,
        F_NUM(CurrentMonth, total_cost, F_REQ),
        F_ONUM(CurrentMonth, budget, F_NULL),
        F_ONUM(CurrentMonth, usage_percentage, F_NULL),
        F_INT(CurrentMonth, days_remaining, F_REQ),
        F_NUM(CurrentMonth, projected_cost, F_REQ));

typedef struct Analytics {
        double daily_average;
        Str peak_usage_day;
        double peak_cost;
        Str most_used_service;
        double efficiency_score;
} Analytics;
static const Shape analytics_shape = SHAPE(Analytics,
        F_NUM(Analytics, daily_average, F_REQ),
        F_STR(Analytics, peak_usage_day, F_NULL, .format = "date"),
        F_NUM(Analytics, peak_cost, F_REQ),
        F_STR(Analytics, most_used_service, F_NULL),
        F_NUM(Analytics, efficiency_score, F_REQ));

typedef struct BudgetStatus {
        Str status;
        OptNum budget_remaining;
        int64_t days_until_reset;
        double projected_overage;
} BudgetStatus;
static const Shape budget_status = SHAPE(BudgetStatus,
        F_STR(BudgetStatus, status, F_REQ, .one_of = "ok|warning|critical|exceeded|no_budget"),
        F_ONUM(BudgetStatus, budget_remaining, F_NULL),
        F_INT(BudgetStatus, days_until_reset, F_REQ),
        F_NUM(BudgetStatus, projected_overage, F_REQ));

typedef struct AlertView {
        Str type, message;
        int64_t timestamp;
} AlertView;
static const Shape alert_shape = SHAPE(AlertView,
        F_STR(AlertView, type, F_REQ),
        F_STR(AlertView, message, F_REQ),
        F_TIME(AlertView, timestamp, F_REQ));

typedef struct UsageReport {
        Str status;
        const CurrentMonth *current_month;
        Str breakdown;
        const Analytics *usage_analytics;
        const BudgetStatus *budget_status;
        List alerts;
        int64_t unpriced_requests, timestamp;
} UsageReport;
static const Shape report_shape = SHAPE(UsageReport,
        F_STR(UsageReport, status, F_REQ, .one_of = "success"),
        F_OBJ(UsageReport, current_month, F_REQ, .sub = &current_month),
        F_JSON(UsageReport, breakdown, F_REQ, .one_of = "object",
                .doc = "By provider: cost, requests, tokens, percentage"),
        F_OBJ(UsageReport, usage_analytics, F_REQ, .sub = &analytics_shape),
        F_OBJ(UsageReport, budget_status, F_REQ, .sub = &budget_status),
        F_LIST(UsageReport, alerts, F_REQ, .sub = &alert_shape),
        F_INT(UsageReport, unpriced_requests, F_REQ),
        F_TIME(UsageReport, timestamp, F_REQ));

static Str breakdown(Arena *a, const UsageMonth *u) {
        _cleanup_(buf_done) Buf out = BUF(64 * 1024);
        const UsageShare *v = u->shares.v;
        buf_addc(&out, '{');
        for (size_t i = 0; i < u->shares.n; i++) {
                buf_add_c(&out, i ? "," : "");
                json_write_str(&out, v[i].provider);
                buf_add_c(&out, ":{\"cost\":");
                buf_addf(&out, v[i].unpriced ? "null" : "%.6f", usd(v[i].cost_micro));
                buf_addf(&out, ",\"requests\":%lld,\"tokens\":%lld,\"percentage\":%.1f}",
                         (long long)v[i].requests, (long long)v[i].tokens,
                         percent(v[i].cost_micro, u->total_micro));
        }
        buf_addc(&out, '}');
        return arena_dup(a, buf_str(&out));
}

static Str status_word(const UsageMonth *u) {
        const Budget *b = &u->budget;
        if (!b->has)
                return STR("no_budget");
        if (u->total_micro >= b->limit_micro)
                return STR("exceeded");
        double used = percent(u->total_micro, b->limit_micro);
        return used >= (double)b->critical  ? STR("critical")
               : used >= (double)b->warning ? STR("warning")
                                            : STR("ok");
}

static List alerts_view(Arena *a, const UsageMonth *u) {
        const UsageAlert *in = u->alerts.v;
        AlertView *v = NEW_ARRAY(a, AlertView, u->alerts.n + 1);
        for (size_t i = 0; i < u->alerts.n; i++)
                v[i] = (AlertView){ in[i].type, in[i].message, in[i].at };
        return (List){ v, u->alerts.n };
}

typedef struct UsageQuery {
        Str month, user_id;
} UsageQuery;
static const Shape usage_query = SHAPE(UsageQuery,
        F_STR(UsageQuery, month, 0, .min = 7, .max = 7,
                .doc = "YYYY-MM; the current one when absent"),
        F_STR(UsageQuery, user_id, 0, .max = 256, .doc = "Administrators may name another user"));

static Err usage_handle(Req *rq, const void *in, void *ret) {
        const UsageQuery *q = rq->query;
        Arena *a = rq->cx->arena;
        UsageMonth u;
        ChatScope whose = req_chat(rq);
        if (q->user_id.p && !rq->who->is_admin)
                TRY(caller_check(rq, q->user_id));
        if (q->user_id.p)
                whose.user_id = q->user_id;
        TRY(usage_month(rq->cx, &whose, q->month, &u));
        int64_t projected = u.total_micro * u.days / u.elapsed;
        CurrentMonth *m = NEW(a, CurrentMonth);
        Analytics *an = NEW(a, Analytics);
        BudgetStatus *b = NEW(a, BudgetStatus);
        bool has = u.budget.has;
        int64_t limit = u.budget.limit_micro;
        *m = (CurrentMonth){ usd(u.total_micro),
                             { has, usd(limit) },
                             { has, limit ? percent(u.total_micro, limit) : 100 },
                             u.remaining,
                             usd(projected) };
        *an = (Analytics){ usd(u.total_micro / u.elapsed), u.peak_day, usd(u.peak_micro),
                           u.most_used,
                           u.total_micro ? percent(u.completed_micro, u.total_micro) : 100 };
        *b = (BudgetStatus){ status_word(&u),
                             { has, usd(MAX(limit - u.total_micro, 0)) },
                             u.remaining,
                             has ? usd(MAX(projected - limit, 0)) : 0 };
        *(UsageReport *)ret = (UsageReport){ .status = STR("success"),
                                             .current_month = m,
                                             .breakdown = breakdown(a, &u),
                                             .usage_analytics = an,
                                             .budget_status = b,
                                             .alerts = alerts_view(a, &u),
                                             .unpriced_requests = u.unpriced,
                                             .timestamp = cx_now_ms(rq->cx) };
        return OK;
}

/* ---- budget ---- */

typedef struct Thresholds {
        OptNum warning, critical;
} Thresholds;
static const Shape thresholds_in = SHAPE(Thresholds,
        F_ONUM(Thresholds, warning, 0),
        F_ONUM(Thresholds, critical, 0));
typedef struct BudgetIn {
        double monthly_budget;
        const Thresholds *alert_thresholds;
        OptBool auto_stop_enabled;
} BudgetIn;
static const Shape budget_in = SHAPE(BudgetIn,
        F_NUM(BudgetIn, monthly_budget, F_REQ, .min = 0, .max = 1e9, .doc = "US dollars per month"),
        F_OBJ(BudgetIn, alert_thresholds, 0, .sub = &thresholds_in),
        F_OBOOL(BudgetIn, auto_stop_enabled, 0));

typedef struct ThresholdsView {
        double warning, critical;
} ThresholdsView;
static const Shape thresholds_shape = SHAPE(ThresholdsView,
        F_NUM(ThresholdsView, warning, F_REQ),
        F_NUM(ThresholdsView, critical, F_REQ));
typedef struct BudgetView {
        Str status;
        double monthly_budget;
        const ThresholdsView *alert_thresholds;
        bool auto_stop_enabled;
} BudgetView;
static const Shape budget_view = SHAPE(BudgetView,
        F_STR(BudgetView, status, F_REQ, .one_of = "success"),
        F_NUM(BudgetView, monthly_budget, F_REQ),
        F_OBJ(BudgetView, alert_thresholds, F_REQ, .sub = &thresholds_shape),
        F_BOOL(BudgetView, auto_stop_enabled, F_REQ));

static int64_t threshold(OptNum v, int64_t usual) {
        return v.has ? (int64_t)MAX(MIN(v.v, 1000), -1) : usual;
}

static Err budget_handle(Req *rq, const void *in_, void *ret) {
        const BudgetIn *in = in_;
        Thresholds t = in->alert_thresholds ? *in->alert_thresholds : (Thresholds){ 0 };
        Budget b = { true, (int64_t)(in->monthly_budget * 1e6 + 0.5), threshold(t.warning, 80),
                     threshold(t.critical, 95),
                     !in->auto_stop_enabled.has || in->auto_stop_enabled.v };
        TRY(budget_set(rq->cx, rq->sv->chat, rq->db, rq->who->user_id, &b));
        ThresholdsView *v = NEW(rq->cx->arena, ThresholdsView);
        *v = (ThresholdsView){ (double)b.warning, (double)b.critical };
        *(BudgetView *)ret = (BudgetView){ STR("success"), usd(b.limit_micro), v, b.auto_stop };
        return own_audit(rq, "sensitive_update", "budget", rq->who->user_id);
}

#define USAGE(id_, path_)                                                                          \
        {                                                                                          \
                .id = id_, .method = GET, .path = path_, .lane = LANE_READ, .auth = AUTH_USER,     \
                .scope = "chat", .rate = RATE_READ, .query = &usage_query, .out = &report_shape,   \
                .errors = ERRORS(ERR_USER_MISMATCH), .audit_none = "reads one's own ledger",       \
                .tag = "Usage", .summary = "Cost of a month, by provider and day",                 \
                .fn = usage_handle                                                                 \
        }
#define BUDGET(id_, path_)                                                                         \
        {                                                                                          \
                .id = id_, .method = POST, .path = path_, .lane = LANE_WRITE, .auth = AUTH_USER,   \
                .scope = "chat", .rate = RATE_WRITE, .in = &budget_in, .out = &budget_view,        \
                .body_max = 16 * 1024, .audit = "sensitive_update", .tag = "Usage",                \
                .summary = "Set one's own monthly budget", .fn = budget_handle                     \
        }

const Route usage_routes[] = {
        USAGE("usage.get", "/api/v1/usage"),
        USAGE("usage.get.alias", "/api/ai/cost-tracking"),
        BUDGET("usage.budget", "/api/v1/usage/budget"),
        BUDGET("usage.budget.alias", "/api/ai/cost-tracking/budget"),
        {},
};

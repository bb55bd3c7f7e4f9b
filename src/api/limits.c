// SPDX-License-Identifier: MIT
/* Rate classes of the rows: a user's burst and daily quota, or counters of one client address. Rows
 * that are free count nothing and still say what the user has left. */
#include "api/visit_int.h"
#include "base/log.h"
#include "base/metric.h"

enum { HOUR_S = 3600, DAY_S = 86400, MEMORY_WRITES = 60 };

typedef struct AddressClass {
        const char *prefix;
        LimitPolicy policies[2];
        size_t n;
} AddressClass;

static const AddressClass address_classes[] = {
        [RATE_LOGIN] = { "login:",
                         { { "login-minute", 10, 60, false },
                           { "login-hour", 100, HOUR_S, false } },
                         2 },
        [RATE_REGISTER] = { "register:", { { "register", 5, HOUR_S, false } }, 1 },
        [RATE_REFRESH] = { "refresh:", { { "refresh", 150, 300, false } }, 1 },
        [RATE_FORGOT] = { "forgot:", { { "forgot", 5, HOUR_S, false } }, 1 },
        [RATE_RESET] = { "reset:", { { "reset", 10, HOUR_S, false } }, 1 },
};

static const char user_class[] = "user:";
enum { DAILY = 1 }; /* place of the daily policy in user_limit */

static uint32_t quota(int64_t n) { return n < 0 ? 0 : (uint32_t)MIN(n, (int64_t)UINT32_MAX); }

static Str violated_json(Ctx *cx, LimitPolicies p, unsigned violated) {
        _cleanup_(buf_done) Buf b = BUF(256);
        buf_addc(&b, '[');
        for (size_t i = 0; i < p.n; i++)
                if (violated & (1u << i))
                        buf_addf(&b, "%s\"%s\"", b.n > 1 ? "," : "", p.v[i].name);
        buf_addc(&b, ']');
        return arena_dup(cx->arena, buf_str(&b));
}

static Metric *decisions_family(void) {
        return metric_counter("mainstay_ratelimit_decisions_total", "policy,decision",
                              "Rate limit decisions");
}

static void count_decision(const char *policy, bool allowed) {
        static _Atomic(Cell *) cells[ELEMENTSOF(address_classes) + 1][2];
        size_t class = 0;
        for (size_t i = 1; i < ELEMENTSOF(address_classes); i++)
                if (address_classes[i].prefix == policy)
                        class = i;
        _Atomic(Cell *) *slot = &cells[class][allowed];
        Cell *c = atomic_load_explicit(slot, memory_order_acquire);
        if (!c) {
                Str name = str_c(policy);
                name.n -= name.n && name.p[name.n - 1] == ':';
                c = METRIC_CELL(decisions_family(), name,
                                allowed ? STR("allowed") : STR("refused"));
                atomic_store_explicit(slot, c, memory_order_release);
        }
        cell_inc(c);
}

/* Class and name in one; copied by hand, as free requests pass here too. */
static Str limit_key(Ctx *cx, const char *class, Str who) {
        size_t n = strlen(class);
        char *p = arena_bytes(cx->arena, n + who.n);
        memcpy(p, class, n);
        memcpy(p + n, who.p, who.n);
        return (Str){ p, n + who.n };
}

static void tell(Visit *v, LimitPolicies p, const LimitResult *r) {
        v->ratelimit_policy = limit_policy_text(v->rq.cx->arena, p);
        v->ratelimit = limit_state_text(v->rq.cx->arena, p, r);
}

static Err take(Visit *v, const char *class, Str who, LimitPolicies p) {
        Ctx *cx = v->rq.cx;
        LimitResult r;
        bool allowed = limit_take(v->api->limits, limit_key(cx, class, who), p, cx_now_ms(cx), &r);
        tell(v, p, &r);
        count_decision(class, allowed);
        if (allowed)
                return OK;
        Str violated = violated_json(cx, p, r.violated);
        LOG(cx, LOG_INFO, "rate_limited", "over a limit", L_STR("class", str_c(class)),
            L_STR("violated", violated), L_INT("retry_after_s", r.retry_after_s));
        cx->err.retry_after_s = r.retry_after_s;
        err_extra_json(cx, "violated-policies", violated);
        return RAISE(cx, ERR_RATE_LIMITED, "%s limit", class);
}

/* Of a user, whether the request counts or only says what is left. */
static Err user_limit(Visit *v, bool counts) {
        if (!v->rq.who)
                return OK;
        const LimitPolicy each[] = {
                { "burst", quota(tier_limits[v->who.tier].requests_per_minute), 60, false },
                { "daily", quota(v->who.max_requests_per_day), DAY_S, true },
                { "writes", MEMORY_WRITES, 60, false },
        };
        bool is_memory = v->row->route->rate == RATE_MEMORY;
        LimitPolicies p = { each, ELEMENTSOF(each) - !is_memory };
        if (counts)
                return take(v, user_class, v->who.user_id, p);
        Ctx *cx = v->rq.cx;
        LimitResult r;
        limit_peek(v->api->limits, limit_key(cx, user_class, v->who.user_id), p, cx_now_ms(cx), &r);
        tell(v, p, &r);
        return OK;
}

static bool is_limited(const Visit *v) {
        return !v->api->set.limits_off && v->row->route->rate != RATE_NONE;
}

static bool is_by_user(Rate rate) {
        return rate >= RATE_READ && rate <= RATE_FREE;
}

void visit_limit_tell(Visit *v) {
        if (is_limited(v) && is_by_user(v->row->route->rate))
                (void)user_limit(v, false); /* counts nothing and refuses nobody */
}

Err visit_limit(Visit *v) {
        Rate rate = v->row->route->rate;
        if (!is_limited(v))
                return OK;
        if (is_by_user(rate))
                return user_limit(v, rate != RATE_FREE);
        const AddressClass *c = &address_classes[rate];
        return take(v, c->prefix, v->client_ip, (LimitPolicies){ c->policies, c->n });
}

/* ---- write-behind: a crash loses at most the second since the last flush, and never charges
 * twice ---- */

static const Sql sql_put = {
        "quota_put",
        "INSERT INTO api_quota (user_id, start_s, used) VALUES ($1, $2, $3) ON CONFLICT (user_id) "
        "DO UPDATE SET start_s = excluded.start_s, used = excluded.used"
};
static const Sql sql_old = { "quota_expire", "DELETE FROM api_quota WHERE start_s < $1" };
static const Sql sql_all = { "quota_all", "SELECT user_id, start_s, used FROM api_quota" };

typedef struct Moved {
        struct Moved *next;
        Str user_id;
        int64_t start_s;
        uint32_t used;
} Moved;
typedef struct Flush {
        Ctx *cx;
        Moved *list;
} Flush;

static void note_moved(void *arg, const LimitCount *c) {
        Flush *f = arg;
        if (c->policy != DAILY || !str_starts(c->key, str_c(user_class)))
                return;
        Moved *m = NEW(f->cx->arena, Moved);
        Str user_id = str_from(c->key, sizeof user_class - 1);
        *m = (Moved){ .next = f->list,
                      .user_id = arena_dup(f->cx->arena, user_id),
                      .start_s = c->start_s,
                      .used = c->count };
        f->list = m;
}

static Err flush_write(Ctx *cx, DbConn *c, void *arg) {
        for (const Moved *m = ((Flush *)arg)->list; m; m = m->next)
                TRY(db_run(cx, c, &sql_put,
                           ARGS(v_text(m->user_id), v_int(m->start_s), v_int(m->used)), NULL));
        return db_run(cx, c, &sql_old, ARGS(v_int(cx_now_ms(cx) / 1000 - DAY_S)), NULL);
}

Err quotas_flush(Ctx *cx, Api *a) {
        Flush f = { .cx = cx };
        limits_export(a->limits, note_moved, &f);
        return f.list ? db_write(cx, a->sv->db, flush_write, &f) : OK;
}

Err quotas_restore(Ctx *cx, Api *a) {
        DbConn *c;
        _cleanup_(rows_done) Rows r = { 0 };
        (void)decisions_family(); /* there before the first decision */
        TRY(db_read(cx, a->sv->db, &c));
        TRY(db_rows(cx, c, &sql_all, NO_ARGS, &r));
        for (bool more;;) {
                TRY(rows_next(cx, &r, &more));
                if (!more)
                        return OK;
                Str key = arena_strf(cx->arena, "%s%.*s", user_class, STR_FMT(row_text(&r, 0)));
                limits_import(a->limits, &(LimitCount){ .key = key,
                                                        .policy = DAILY,
                                                        .span_s = DAY_S,
                                                        .start_s = row_int(&r, 1),
                                                        .count = (uint32_t)row_int(&r, 2) });
        }
}

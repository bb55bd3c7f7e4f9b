// SPDX-License-Identifier: MIT
#include "chat/ledger.h"

#include "base/log.h"
#include "chat/chat_int.h"
#include "chat/chat_sql.h"
#include "chat/count_int.h"
#include "chat/month.h"
#include "codec/when.h"

enum { WARNING_DEFAULT = 80, CRITICAL_DEFAULT = 95, LEVELS = 3 };
static const char *const level_names[LEVELS] = { "warning", "critical", "exceeded" };

/* ---- rows ---- */

Err ledger_add(Ctx *cx, DbConn *c, const LedgerEntry *e) {
        const Attempt *a = e->attempts.v;
        for (size_t i = 0; i < e->attempts.n; i++) {
                if (!a[i].called)
                        continue;
                unsigned char id[16];
                cx_random(cx, id, sizeof id);
                const TokenUsage *u = &a[i].usage;
                TRY(db_run(cx, c, &sql_usage_add,
                           ARGS(v_text(e->user_id), v_blob(str_n(id, 16)), v_int(cx_now_ms(cx)),
                                v_blob(str_n(e->turn_id, 16)), v_text(a[i].provider),
                                v_text(a[i].model), v_text(str_c(e->purpose)), v_int(u->prompt),
                                v_int(u->completion), v_int(u->cached),
                                u->unpriced ? v_null() : v_int(u->cost_micro), v_int(u->estimated),
                                v_int(e->completed), v_text(a[i].outcome)),
                           NULL));
        }
        return OK;
}

/* ---- budgets ---- */

Err budget_get(Ctx *cx, DbConn *c, Str user_id, Budget *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(cx, c, &sql_budget_get, ARGS(v_text(user_id)), &r);
        if (e && e != ERR_NOT_FOUND)
                return e;
        *ret = e ? (Budget){ .warning = WARNING_DEFAULT,
                             .critical = CRITICAL_DEFAULT,
                             .auto_stop = true }
                 : (Budget){ true, row_int(&r, 0), row_int(&r, 1), row_int(&r, 2),
                             row_int(&r, 3) != 0 };
        return OK;
}

typedef struct Forget {
        Spend *spend;
        size_t n;
        char user_id[];
} Forget;

static void forget_now(void *arg) {
        Forget *f = arg;
        spend_forget(f->spend, str_n(f->user_id, f->n));
}

Err budget_set(Ctx *cx, Chat *chat, DbConn *c, Str user_id, const Budget *in) {
        if (in->warning <= 0 || in->warning >= in->critical)
                return RAISE_FIELD(cx, "#/alert_thresholds/warning",
                                   "must be above 0 and below critical");
        if (in->critical > 100)
                return RAISE_FIELD(cx, "#/alert_thresholds/critical", "must be at most 100");
        Forget *f = arena_alloc(cx->arena, sizeof *f + user_id.n);
        f->spend = chat->up.spend;
        f->n = user_id.n;
        memcpy(f->user_id, user_id.p, user_id.n);
        db_on_commit(c, forget_now, f);
        TRY(db_run(cx, c, &sql_budget_set,
                   ARGS(v_text(user_id), v_int(in->limit_micro), v_int(in->warning),
                        v_int(in->critical), v_int(in->auto_stop)),
                   NULL));
        return ledger_alerts(cx, chat, c, user_id); /* it may be used up already */
}

/* The tighter one decides; thresholds are the user's own. */
static Budget budget_tighter(const Chat *chat, Budget own) {
        int64_t server = chat->set.budget_micro;
        if (server >= 0 && (!own.has || server < own.limit_micro)) {
                own.has = true;
                own.limit_micro = server;
                own.auto_stop = true;
        }
        return own;
}

static int level_of(const Budget *b, int64_t spent) {
        if (!b->has)
                return 0;
        if (spent >= b->limit_micro)
                return 3;
        double percent = (double)spent * 100 / (double)b->limit_micro;
        return percent >= (double)b->critical ? 2 : percent >= (double)b->warning ? 1 : 0;
}

/* Whole cents, and what is less of one as it is. */
static Str money(Arena *a, int64_t micro) {
        return arena_strf(a, "$%.*f", micro && micro < 10000 ? 6 : 2, (double)micro / 1e6);
}

static Str month_text(Arena *a, int year, int month) {
        return arena_strf(a, "%s %d", month_titles[month - 1], year);
}

static const char *what_follows(const Chat *chat, const Budget *b) {
        return !b->auto_stop ? "Models are still asked; this is only to let you know."
               : chat->set.budget_offline
                       ? "When it is used up, answers come from your memories alone until then."
                       : "When it is used up, messages that need a paid model are refused until "
                         "then.";
}

/* How far the month has come. */
typedef struct Spent {
        const Budget *budget;
        const Month *month;
        int64_t micro;
        int level;
} Spent;

static Err alert_letter(Ctx *cx, const Chat *chat, DbConn *c, Str user_id, const Spent *s) {
        Arena *a = cx->arena;
        const Budget *b = s->budget;
        if (!chat->set.letter)
                return OK;
        ChatLetter l = { .user_id = user_id,
                         .subject = STR("Your budget for language models is used up") };
        if (s->level < LEVELS)
                l.subject = arena_strf(a, "%lld %% of your budget for language models is used",
                                       (long long)(s->level == 1 ? b->warning : b->critical));
        Month next = month_of(s->month->to);
        l.body = arena_strf(a,
                            "You have used %.*s of the %.*s that language models may cost you in "
                            "%.*s.\nA new budget begins on 1 %.*s (UTC). %s\n",
                            STR_FMT(money(a, s->micro)), STR_FMT(money(a, b->limit_micro)),
                            STR_FMT(month_text(a, s->month->year, s->month->month)),
                            STR_FMT(month_text(a, next.year, next.month)), what_follows(chat, b));
        return chat->set.letter(cx, c, chat->set.letter_arg, &l);
}

static void alert_tell(Ctx *cx, int level) {
        count_budget(level_names[level - 1]);
        LOG(cx, LOG_WARN, "budget_threshold", "a budget threshold was crossed",
            L_STR("level", str_c(level_names[level - 1])));
}

Err ledger_alerts(Ctx *cx, Chat *chat, DbConn *c, Str user_id) {
        Month m = month_of(cx_now_ms(cx));
        Budget b;
        int64_t spent = 0;
        TRY(budget_get(cx, c, user_id, &b));
        b = budget_tighter(chat, b);
        if (!b.has)
                return OK;
        {
                _cleanup_(rows_done) Rows r = { 0 };
                TRY(db_row(cx, c, &sql_usage_sum, ARGS(v_text(user_id), v_int(m.from), v_int(m.to)),
                           &r));
                spent = row_int(&r, 0);
        }
        int told = 0;
        for (int level = 1; spent > 0 && level <= level_of(&b, spent); level++) {
                int64_t added = 0;
                TRY(db_run(
                        cx, c, &sql_alert_add,
                        ARGS(v_text(user_id), v_int(m.number), v_int(level), v_int(cx_now_ms(cx))),
                        &added));
                if (added)
                        alert_tell(cx, told = level);
        }
        /* one letter, about the highest of those that were crossed at once */
        return told ? alert_letter(cx, chat, c, user_id, &(Spent){ &b, &m, spent, told }) : OK;
}

/* ---- the month ---- */

static Err month_parse(Ctx *cx, Str text, int64_t now_ms, Month *ret) {
        Civil c;
        if (!text.p) {
                *ret = month_of(now_ms);
                return OK;
        }
        if (text.n != 7 || !civil_parse(arena_strf(cx->arena, "%.*s-01", STR_FMT(text)), &c))
                return RAISE_FIELD(cx, "?month", "must be a month like 2026-01");
        *ret = month_make(c.year, c.month);
        return OK;
}

static Err shares_read(Ctx *cx, DbConn *c, Str user_id, const Month *m, UsageMonth *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        UsageShare *v = NEW_ARRAY(cx->arena, UsageShare, 100);
        size_t n = 0;
        TRY(db_rows(cx, c, &sql_usage_by_provider,
                    ARGS(v_text(user_id), v_int(m->from), v_int(m->to)), &r));
        for (bool row;;) {
                TRY(rows_next(cx, &r, &row));
                if (!row || n == 100)
                        break;
                v[n++] = (UsageShare){ row_dup(cx, &r, 0), row_int(&r, 1), row_int(&r, 2),
                                       row_int(&r, 3), row_is_null(&r, 1) };
        }
        ret->shares = (List){ v, n };
        ret->most_used = STR_NULL;
        int64_t most = 0;
        for (size_t i = 0; i < n; i++)
                if (v[i].requests > most) {
                        most = v[i].requests;
                        ret->most_used = v[i].provider;
                }
        return OK;
}

static Err peak_read(Ctx *cx, DbConn *c, Str user_id, const Month *m, UsageMonth *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Err e = db_row(cx, c, &sql_usage_by_day,
                       ARGS(v_text(user_id), v_int(m->from), v_int(m->to)), &r);
        if (e == ERR_NOT_FOUND)
                return OK;
        if (e)
                return e;
        ret->peak_micro = row_int(&r, 1);
        if (ret->peak_micro)
                ret->peak_day = str_to(when_format(cx->arena, row_int(&r, 0) * DAY_MS), 10);
        return OK;
}

static Err alerts_read(Ctx *cx, DbConn *c, Str user_id, const Month *m, UsageMonth *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        UsageAlert *v = NEW_ARRAY(cx->arena, UsageAlert, LEVELS);
        size_t n = 0;
        TRY(db_rows(cx, c, &sql_alert_list, ARGS(v_text(user_id), v_int(m->number)), &r));
        for (bool row;;) {
                TRY(rows_next(cx, &r, &row));
                if (!row || n == LEVELS)
                        break;
                int64_t level = row_int(&r, 0);
                if (level < 1 || level > LEVELS)
                        continue;
                int64_t percent = level == 1   ? ret->budget.warning
                                  : level == 2 ? ret->budget.critical
                                               : 100;
                v[n++] = (UsageAlert){ str_c(level_names[level - 1]),
                                       arena_strf(cx->arena,
                                                  "%lld %% of this month's budget is used",
                                                  (long long)percent),
                                       row_int(&r, 1) };
        }
        ret->alerts = (List){ v, n };
        return OK;
}

Err usage_month(Ctx *cx, const ChatScope *s, Str month, UsageMonth *ret) {
        DbConn *c = s->c;
        Str user_id = s->user_id;
        int64_t now = cx_now_ms(cx);
        Month m = { 0 };
        UsageMonth u = { 0 };
        TRY(month_parse(cx, month, now, &m));
        TRY(budget_get(cx, c, user_id, &u.budget));
        u.budget = budget_tighter(s->chat, u.budget);
        {
                _cleanup_(rows_done) Rows r = { 0 };
                TRY(db_row(cx, c, &sql_usage_sum, ARGS(v_text(user_id), v_int(m.from), v_int(m.to)),
                           &r));
                u.total_micro = row_int(&r, 0);
                u.completed_micro = row_int(&r, 1);
                u.unpriced = row_int(&r, 2);
        }
        TRY(shares_read(cx, c, user_id, &m, &u));
        TRY(peak_read(cx, c, user_id, &m, &u));
        TRY(alerts_read(cx, c, user_id, &m, &u));
        u.days = m.days;
        u.elapsed = now >= m.to ? m.days : now < m.from ? 1 : (int)((now - m.from) / DAY_MS) + 1;
        u.remaining = m.days - u.elapsed;
        u.reset_at = m.to;
        *ret = u;
        return OK;
}

// SPDX-License-Identifier: MIT
#include "chat/spend.h"

#include <pthread.h>

#include "chat/chat_sql.h"
#include "chat/month.h"

enum { BUCKETS = 4096, KNOWN_MAX = 65536 };

typedef struct Known {
        struct Known *next;
        int64_t month, spent, reserved, limit; /* limit < 0: none */
        size_t n;
        char user_id[];
} Known;

struct Spend {
        pthread_mutex_t lock;
        Known *bucket[BUCKETS];
        size_t n;
        int64_t server_limit, server_month, server_spent, server_reserved;
        bool server_known;
};

Spend *spend_new(int64_t server_limit_micro) {
        Spend *s = calloc(1, sizeof *s);
        if (!s)
                abort();
        pthread_mutex_init(&s->lock, NULL);
        s->server_limit = server_limit_micro;
        return s;
}

static void all_forget(Spend *s, bool idle_only) {
        for (size_t i = 0; i < BUCKETS; i++)
                for (Known **at = &s->bucket[i]; *at;) {
                        Known *k = *at;
                        if (idle_only && k->reserved) {
                                at = &k->next;
                                continue;
                        }
                        *at = k->next;
                        free(k);
                        s->n--;
                }
}

Spend *spend_free(Spend *s) {
        if (!s)
                return NULL;
        all_forget(s, false);
        pthread_mutex_destroy(&s->lock);
        free(s);
        return NULL;
}

static Known **known_at(Spend *s, Str user_id) {
        Known **at = &s->bucket[str_slot(user_id, BUCKETS)];
        while (*at && !str_eq(str_n((*at)->user_id, (*at)->n), user_id))
                at = &(*at)->next;
        return at;
}

static Err sum_read(Ctx *cx, DbConn *c, const Sql *sql, Args args, int64_t *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        TRY(db_row(cx, c, sql, args, &r));
        *ret = row_int(&r, 0);
        return OK;
}

static bool is_known(Spend *s, Str user_id, int64_t month) {
        pthread_mutex_lock(&s->lock);
        const Known *k = *known_at(s, user_id);
        bool known = k && k->month == month &&
                     (s->server_limit < 0 || (s->server_known && s->server_month == month));
        pthread_mutex_unlock(&s->lock);
        return known;
}

/* The lock is held. What running calls have reserved is kept: they will settle. */
static Known *known_put(Spend *s, Str user_id, int64_t month, int64_t spent, int64_t limit) {
        Known **at = known_at(s, user_id);
        if (!*at) {
                if (s->n >= KNOWN_MAX) {
                        all_forget(s, true);
                        at = known_at(s, user_id);
                }
                Known *k = calloc(1, sizeof *k + user_id.n);
                if (!k)
                        abort();
                memcpy(k->user_id, user_id.p, user_id.n);
                k->n = user_id.n;
                *at = k;
                s->n++;
        }
        (*at)->month = month;
        (*at)->spent = spent;
        (*at)->limit = limit;
        return *at;
}

Err spend_prepare(Ctx *cx, Spend *s, DbConn *c, Str user_id) {
        Month m = month_of(cx_now_ms(cx));
        if (is_known(s, user_id, m.number))
                return OK;
        Budget b;
        int64_t spent, all = 0;
        TRY(budget_get(cx, c, user_id, &b));
        TRY(sum_read(cx, c, &sql_usage_sum, ARGS(v_text(user_id), v_int(m.from), v_int(m.to)),
                     &spent));
        if (s->server_limit >= 0)
                TRY(sum_read(cx, c, &sql_usage_sum_all, ARGS(v_int(m.from), v_int(m.to)), &all));
        pthread_mutex_lock(&s->lock);
        if (!*known_at(s, user_id) || (*known_at(s, user_id))->month != m.number)
                known_put(s, user_id, m.number, spent, b.has && b.auto_stop ? b.limit_micro : -1);
        if (!s->server_known || s->server_month != m.number) {
                s->server_spent = all;
                s->server_month = m.number;
                s->server_known = true;
        }
        pthread_mutex_unlock(&s->lock);
        return OK;
}

static bool has_room(int64_t limit, int64_t used, int64_t more) {
        return limit < 0 || (used + more <= limit && used < limit);
}

bool spend_reserve(Spend *s, Str user_id, int64_t now_ms, int64_t micro) {
        int64_t month = month_of(now_ms).number;
        pthread_mutex_lock(&s->lock);
        Known *k = *known_at(s, user_id);
        bool known = k && k->month == month && (s->server_limit < 0 || s->server_month == month);
        /* fail closed: without knowing what was spent nothing is allowed */
        bool ok = known && has_room(k->limit, k->spent + k->reserved, micro) &&
                  has_room(s->server_limit, s->server_spent + s->server_reserved, micro);
        if (ok) {
                k->reserved += micro;
                s->server_reserved += micro;
        }
        pthread_mutex_unlock(&s->lock);
        return ok;
}

void spend_settle(Spend *s, Str user_id, int64_t now_ms, int64_t reserved_micro,
                  int64_t cost_micro) {
        int64_t month = month_of(now_ms).number;
        pthread_mutex_lock(&s->lock);
        Known *k = *known_at(s, user_id);
        if (k) {
                k->reserved = MAX(k->reserved - reserved_micro, 0);
                k->spent += k->month == month ? cost_micro : 0;
        }
        s->server_reserved = MAX(s->server_reserved - reserved_micro, 0);
        s->server_spent += s->server_month == month ? cost_micro : 0;
        pthread_mutex_unlock(&s->lock);
}

void spend_forget(Spend *s, Str user_id) {
        pthread_mutex_lock(&s->lock);
        Known *k = *known_at(s, user_id);
        if (k)
                /* read anew; running reservations stay counted */
                k->month = -1;
        pthread_mutex_unlock(&s->lock);
}

// SPDX-License-Identifier: MIT
#include "api/refusals.h"

#include <pthread.h>

#include "identity/audit.h"

enum { PLACES = 128, ID_MAX = 64, IP_MAX = 46, AGENT_MAX = 200 };

/* The last place is for all that find no other. */
typedef struct Refusal {
        const char *event, *why, *route;
        bool is_key; /* the actor is an API key, not a user */
        char actor[ID_MAX], owner[ID_MAX], ip[IP_MAX], agent[AGENT_MAX];
        int64_t n;
} Refusal;
typedef struct Batch {
        Refusal v[PLACES + 1];
        size_t n;
} Batch;
struct Refusals {
        pthread_mutex_t lock;
        Batch now;
};

Refusals *refusals_new(void) {
        Refusals *r = calloc(1, sizeof *r);
        if (!r)
                abort();
        pthread_mutex_init(&r->lock, NULL);
        return r;
}

Refusals *refusals_free(Refusals *r) {
        if (r)
                pthread_mutex_destroy(&r->lock);
        free(r);
        return NULL;
}

static const char *event_of(Err e) {
        if (e == ERR_RATE_LIMITED)
                return "excess_rate_limit_exceeded";
        if (e == ERR_CSRF)
                return "malicious_csrf";
        return e == ERR_SCOPE || e == ERR_FORBIDDEN || e == ERR_USER_MISMATCH ? "authz_fail" : NULL;
}

static void keep(char *out, size_t size, Str s) {
        size_t n = MIN(s.n, size - 1);
        if (n)
                memcpy(out, s.p, n);
        out[n] = '\0';
}

static Refusal refusal_of(const Visit *v, const char *event) {
        Refusal one = { .event = event,
                        .why = err_info[v->err].name,
                        .route = v->row ? v->row->route->id : "",
                        .is_key = v->who.kind == WHO_API_KEY,
                        .n = 1 };
        keep(one.actor, sizeof one.actor, one.is_key ? v->who.key_id : v->who.user_id);
        keep(one.owner, sizeof one.owner, v->who.user_id);
        keep(one.ip, sizeof one.ip, v->client_ip);
        keep(one.agent, sizeof one.agent, exchange_header(v->x, "user-agent"));
        return one;
}

static bool is_same(const Refusal *a, const Refusal *b) {
        return a->event == b->event && a->why == b->why && a->route == b->route &&
               !strcmp(a->actor, b->actor) && !strcmp(a->ip, b->ip);
}

static void batch_note(Batch *b, const Refusal *one) {
        for (size_t i = 0; i < b->n && i < PLACES; i++)
                if (is_same(&b->v[i], one)) {
                        b->v[i].n++;
                        return;
                }
        if (b->n < PLACES) {
                b->v[b->n++] = *one;
                return;
        }
        if (b->n == PLACES)
                b->v[b->n++] = (Refusal){ .event = one->event, .why = "many", .route = "" };
        b->v[PLACES].n++;
}

void refusal_note(Refusals *r, const Visit *v) {
        const char *event = event_of(v->err);
        if (!event)
                return;
        Refusal one = refusal_of(v, event);
        pthread_mutex_lock(&r->lock);
        batch_note(&r->now, &one);
        pthread_mutex_unlock(&r->lock);
}

/* ---- into the log ---- */

typedef struct Flush {
        Audit *audit;
        const Batch *batch;
} Flush;

static Err refusal_write(Ctx *cx, const Flush *f, DbConn *c, const Refusal *one) {
        bool is_known = one->actor[0] != '\0';
        const char *actor = one->is_key ? "api_key" : "user";
        return audit_append(cx, f->audit, c,
                            AUDIT_EVENT(one->event, "denied", .actor_type = is_known ? actor : NULL,
                                        .actor_id = str_c(one->actor),
                                        .owner = is_known ? str_c(one->owner) : STR_NULL,
                                        AUDIT_OF("route", str_c(one->route)), .ip = str_c(one->ip),
                                        .user_agent = str_c(one->agent),
                                        .reason = arena_strf(cx->arena, "%s, %lld", one->why,
                                                             (long long)one->n)));
}

static Err flush_write(Ctx *cx, DbConn *c, void *arg) {
        const Flush *f = arg;
        for (size_t i = 0; i < f->batch->n; i++)
                TRY(refusal_write(cx, f, c, &f->batch->v[i]));
        return OK;
}

Err refusals_flush(Ctx *cx, Api *a) {
        Refusals *r = a->refusals;
        Batch *taken = NULL;
        pthread_mutex_lock(&r->lock);
        if (r->now.n) {
                taken = NEW(cx->arena, Batch);
                *taken = r->now;
                r->now.n = 0;
        }
        pthread_mutex_unlock(&r->lock);
        Flush f = { identity_audit(a->sv->identity), taken };
        return taken ? db_write(cx, a->sv->db, flush_write, &f) : OK;
}

// SPDX-License-Identifier: MIT
/* Counting all rows of an owner takes as long as there are rows, so between two counts the writer
 * keeps a number that is never too small: the last count and what was let in since. Near the limit
 * it counts. */
#include "memory/quota.h"

#include "memory/memory_sql.h"

enum { SLOTS = 1024, OWNER_MAX = 64, NEAR = 64 };

typedef struct Seen {
        char owner[OWNER_MAX];
        size_t owner_n;
        int64_t counted, since;
} Seen;
struct Quotas {
        Seen slots[SLOTS];
};

Quotas *quotas_new(void) {
        Quotas *q = calloc(1, sizeof *q);
        if (!q)
                abort();
        return q;
}

Quotas *quotas_free(Quotas *q) {
        free(q);
        return NULL;
}

/* NULL: an id too long to be kept. */
static Seen *seen_of(Quotas *q, Str owner) {
        if (owner.n > OWNER_MAX)
                return NULL;
        Seen *seen = &q->slots[str_slot(owner, SLOTS)];
        if (!str_eq((Str){ seen->owner, seen->owner_n }, owner)) {
                *seen = (Seen){ .owner_n = owner.n };
                memcpy(seen->owner, owner.p, owner.n);
        }
        return seen;
}

static Err has_sub_users(Ctx *cx, DbConn *c, Str owner, bool *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Str after = arena_strf(cx->arena, "%.*s/", STR_FMT(owner)),
            end = arena_strf(cx->arena, "%.*s0", STR_FMT(owner));
        Err e = db_row(cx, c, &sql_scope_next, ARGS(v_text(after), v_text(end)), &r);
        *ret = e == OK;
        return e == ERR_NOT_FOUND ? OK : e;
}

Err quota_used(Ctx *cx, const MemoryScope *s, int64_t own, int64_t *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Str owner = owner_of(s->user_id);
        bool alone = owner.n == s->user_id.n, subs;
        if (alone)
                TRY(has_sub_users(cx, s->c, owner, &subs));
        if (alone && !subs) {
                *ret = own;
                return OK;
        }
        TRY(db_row(cx, s->c, &sql_memory_count_owner, ARGS(v_text(owner)), &r));
        *ret = row_int(&r, 0);
        return OK;
}

/* What others did meanwhile is seen at the next count, which comes the sooner the fewer there are. */
static bool is_known(const Seen *seen, int64_t max) {
        return seen && seen->counted && seen->since < NEAR + seen->counted / 16 &&
               seen->counted + seen->since + NEAR < max;
}

Err quota_check(Ctx *cx, const MemoryScope *s, int64_t own) {
        const MemorySettings *set = &s->m->set;
        int64_t max = -1, used = 0;
        if (!set->quota)
                return OK;
        TRY(set->quota(cx, s->c, owner_of(s->user_id), set->arg, &max));
        if (max < 0)
                return OK;
        Seen *seen = seen_of(s->m->quotas, owner_of(s->user_id));
        if (is_known(seen, max)) {
                seen->since++;
                return OK;
        }
        TRY(quota_used(cx, s, own, &used));
        if (seen) {
                seen->counted = used;
                seen->since = 1;
        }
        if (used < max)
                return OK;
        err_extra_int(cx, "limit", max);
        err_extra_int(cx, "used", used);
        return RAISE(cx, ERR_MEMORY_QUOTA, "%lld of %lld memories", (long long)used,
                     (long long)max);
}

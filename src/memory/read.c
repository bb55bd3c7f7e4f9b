// SPDX-License-Identifier: MIT
/* read: one memory, pages of them, and the figures. */
#include "memory/count_int.h"
#include "memory/memory_int.h"
#include "memory/memory_sql.h"
#include "memory/quota.h"

enum { SCAN_PAGE = 256, SCAN_MAX = 4096, SUB_USERS_MAX = 1000 };

static Err get(Ctx *cx, const MemoryScope *s, Str memory_id, MemoryRow *ret) {
        _cleanup_(keys_done) Keys k = { 0 };
        Stored m;
        TRY(keys_to_open(cx, s, &k));
        TRY(stored_by_id(cx, s, &k, memory_id, &m));
        *ret = m.row;
        return OK;
}

Err memory_get(Ctx *cx, const MemoryScope *s, Str memory_id, MemoryRow *ret) {
        return count_operation(OP_GET, get(cx, s, memory_id, ret));
}

static bool has_tag(const MemoryRow *r, Str tag) {
        for (size_t i = 0; i < r->tags.n; i++)
                if (str_eq(r->tags.v[i], tag))
                        return true;
        return false;
}

static bool status_fits(const Stored *m, const MemoryFilter *f) {
        if (f->status.p)
                return word_index(memory_status_names, f->status) == (int)m->status;
        bool past = f->as_of || f->known_at;
        return m->status == STATUS_ACTIVE || m->status == STATUS_FLAGGED ||
               (past && m->status == STATUS_SUPERSEDED);
}

static bool filter_fits(const Stored *m, const MemoryFilter *f, int64_t now) {
        const MemoryRow *r = &m->row;
        if ((f->type.p && !str_eq_nocase(r->type, f->type)) || (f->tag.p && !has_tag(r, f->tag)) ||
            !status_fits(m, f))
                return false;
        if (!f->with_expired && r->expires_at && r->expires_at <= now)
                return false;
        return (!f->as_of && !f->known_at) ||
               stored_holds(m, f->as_of ? f->as_of : now, f->known_at);
}

static Err filter_check(Ctx *cx, const MemoryFilter *f, int64_t *ret_before) {
        if (f->type.p && word_index(memory_type_names, f->type) < 0)
                return RAISE_FIELD(cx, "?memory_type", "is not a type of memory");
        if (f->status.p && word_index(memory_status_names, f->status) < 0)
                return RAISE_FIELD(cx, "?status",
                                   "must be active, superseded, archived or flagged");
        *ret_before = INT64_MAX;
        if (f->cursor.p && (!str_to_i64(f->cursor, ret_before) || *ret_before < 1))
                return RAISE_FIELD(cx, "?cursor", "is not one that was given out");
        return OK;
}

/* Walks the user's memories from the newest; rows that do not fit are skipped. A page may be short,
 * even empty, when few fit: a request looks at SCAN_MAX rows and the cursor goes on from there. */
static Err list(Ctx *cx, const MemoryScope *s, const MemoryFilter *f, MemoryRows *ret,
                Str *ret_cursor) {
        _cleanup_(keys_done) Keys k = { 0 };
        int64_t before, now = cx_now_ms(cx);
        size_t limit = (size_t)(f->limit > 0 ? MIN(f->limit, 200) : 50), scanned = 0;
        MemoryRows rows = { NEW_ARRAY(cx->arena, MemoryRow, limit), 0 };
        TRY(filter_check(cx, f, &before));
        TRY(keys_get(cx, s, &k));
        *ret_cursor = STR_NULL;
        for (size_t want = MIN(limit + 1, (size_t)SCAN_PAGE);; want = SCAN_PAGE) {
                StoredList page;
                TRY(stored_page(cx, s, &k, (Page){ before, (int64_t)want }, &page));
                for (size_t i = 0; i < page.n; i++) {
                        if (!filter_fits(&page.v[i], f, now))
                                continue;
                        if (rows.n == limit) {
                                *ret_cursor = arena_strf(cx->arena, "%lld",
                                                         (long long)rows.v[limit - 1].unit);
                                *ret = rows;
                                return OK;
                        }
                        TRY(stored_as_known(cx, s, &k, f->known_at, &page.v[i]));
                        rows.v[rows.n++] = page.v[i].row;
                }
                if (page.n < want)
                        break;
                before = page.v[page.n - 1].row.unit;
                if ((scanned += page.n) >= SCAN_MAX) {
                        *ret_cursor = arena_strf(cx->arena, "%lld", (long long)before);
                        break;
                }
        }
        *ret = rows;
        return OK;
}

Err memory_list(Ctx *cx, const MemoryScope *s, const MemoryFilter *f, MemoryRows *ret,
                Str *ret_cursor) {
        return count_operation(OP_LIST, list(cx, s, f, ret, ret_cursor));
}

static void stats_add(MemoryStats *st, double *confidence, const Rows *r) {
        int64_t type = row_int(r, 0), status = row_int(r, 1), n = row_int(r, 2);
        if (status < 0 || status >= _STATUS_N || type < 0 || type >= _TYPE_N)
                return;
        st->by_status[status] += n;
        if (status != STATUS_ACTIVE && status != STATUS_FLAGGED)
                return;
        st->oldest_turn = st->total ? MIN(st->oldest_turn, row_int(r, 4)) : row_int(r, 4);
        st->newest_turn = MAX(st->newest_turn, row_int(r, 5));
        st->total += n;
        st->by_type[type] += n;
        st->access_total += row_int(r, 6);
        st->hot += row_int(r, 7);
        *confidence += row_num(r, 3);
}

Err memory_stats(Ctx *cx, const MemoryScope *s, MemoryStats *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        MemoryStats st = { .quota_limit = -1 };
        double confidence = 0;
        TRY(db_rows(cx, s->c, &sql_memory_stats, ARGS(v_text(s->user_id)), &r));
        for (;;) {
                bool got = false;
                TRY(rows_next(cx, &r, &got));
                if (!got)
                        break;
                stats_add(&st, &confidence, &r);
        }
        st.avg_confidence = st.total ? confidence / (double)st.total : 0;
        TRY(quota_used(cx, s, st.total, &st.quota_used));
        if (s->m->set.quota)
                TRY(s->m->set.quota(cx, s->c, owner_of(s->user_id), s->m->set.arg,
                                    &st.quota_limit));
        *ret = st;
        return OK;
}

Err memory_sub_users(Ctx *cx, DbConn *c, Str owner_id, Strs *ret) {
        Str *v = NEW_ARRAY(cx->arena, Str, SUB_USERS_MAX);
        Str after = arena_strf(cx->arena, "%.*s/", STR_FMT(owner_id)),
            end = arena_strf(cx->arena, "%.*s0", STR_FMT(owner_id));
        size_t n = 0;
        while (n < SUB_USERS_MAX) {
                _cleanup_(rows_done) Rows r = { 0 };
                Err e = db_row(cx, c, &sql_scope_next, ARGS(v_text(after), v_text(end)), &r);
                if (e == ERR_NOT_FOUND)
                        break;
                TRY(e);
                after = v[n++] = row_dup(cx, &r, 0);
        }
        *ret = (Strs){ v, n };
        return OK;
}

// SPDX-License-Identifier: MIT
#include "memory/memory_sql.h"
#include "memory/profile_int.h"

enum { BODY_MAX = 1024 * 1024 };

/* ---- packing ---- */

/* As it lies in memory, in the byte order of the machine: the file does not change machines of
 * another one. */
typedef struct Stamp {
        double confidence;
        int64_t first_seen, last_confirmed;
} Stamp;

static void pack_inner(Buf *b, char tag, Buf *inner) {
        pack_add(b, tag, inner->n ? buf_str(inner) : STR(""));
        buf_clear(inner);
}

static void claim_pack(Buf *b, char tag, const Claim *c, Buf *scratch) {
        Stamp st = { c->confidence, c->first_seen, c->last_confirmed };
        pack_add(scratch, 'v', c->value);
        pack_add(scratch, 'm', c->memory_id);
        pack_add(scratch, 'k', c->kind);
        pack_add(scratch, 'n', str_n(&st, sizeof st));
        Span span = { c->from, c->until };
        if (span.from || span.until)
                pack_add(scratch, 't', str_n(&span, sizeof span));
        pack_inner(b, tag, scratch);
}

static void entry_pack(Buf *out, const Entry *e, Buf *inner, Buf *scratch) {
        pack_add(inner, 'f', e->field);
        pack_add(inner, 'i', e->item);
        for (size_t i = 0; i < e->n_claims; i++)
                claim_pack(inner, 'C', &e->claims[i], scratch);
        for (size_t i = 0; i < e->n_past; i++)
                claim_pack(inner, 'P',
                           &(Claim){ .value = e->past[i].value,
                                     .memory_id = e->past[i].memory_id,
                                     .first_seen = e->past[i].from,
                                     .last_confirmed = e->past[i].to },
                           scratch);
        pack_inner(out, 'E', inner);
}

static Claim claim_unpack(Str body) {
        Claim c = { 0 };
        Str v;
        char tag;
        while (unpack_next(&body, &tag, &v)) {
                Stamp st;
                if (tag == 'v')
                        c.value = v;
                else if (tag == 'm')
                        c.memory_id = v;
                else if (tag == 'k')
                        c.kind = v;
                else if (tag == 'n' && v.n == sizeof st) {
                        memcpy(&st, v.p, sizeof st);
                        c.confidence = st.confidence;
                        c.first_seen = st.first_seen;
                        c.last_confirmed = st.last_confirmed;
                } else if (tag == 't' && v.n == sizeof(Span)) {
                        Span span;
                        memcpy(&span, v.p, sizeof span);
                        c.from = span.from;
                        c.until = span.until;
                }
        }
        return c;
}

static void entry_unpack(Ctx *cx, Str body, Entry *e) {
        Claim claims[CLAIMS_MAX];
        Past past[PAST_MAX];
        Str v;
        char tag;
        while (unpack_next(&body, &tag, &v)) {
                if (tag == 'f')
                        e->field = v;
                else if (tag == 'i')
                        e->item = v;
                else if (tag == 'C' && e->n_claims < CLAIMS_MAX)
                        claims[e->n_claims++] = claim_unpack(v);
                else if (tag == 'P' && e->n_past < PAST_MAX) {
                        Claim c = claim_unpack(v);
                        past[e->n_past++] =
                                (Past){ c.value, c.memory_id, c.first_seen, c.last_confirmed };
                }
        }
        e->claims = NEW_ARRAY(cx->arena, Claim, e->n_claims + 1);
        e->past = NEW_ARRAY(cx->arena, Past, e->n_past + 1);
        memcpy(e->claims, claims, e->n_claims * sizeof *claims);
        memcpy(e->past, past, e->n_past * sizeof *past);
}

/* ---- the row ---- */

Err entries_load(Ctx *cx, const MemoryScope *s, const Keys *k, Entries *ret) {
        _cleanup_(rows_done) Rows r = { 0 };
        Entries e = { 0 };
        Err err = db_row(cx, s->c, &sql_profile_get, ARGS(v_text(s->user_id)), &r);
        if (err == ERR_NOT_FOUND) {
                *ret = e;
                return OK;
        }
        TRY(err);
        Str body, v;
        char tag;
        TRY(seal_open(cx, &k->seal, (SealFor){ s->user_id, "profile" }, row_text(&r, 0), &body));
        e.created_at = row_int(&r, 1);
        e.updated_at = row_int(&r, 2);
        for (Str rest = body; unpack_next(&rest, &tag, &v);)
                e.cap++;
        e.v = NEW_ARRAY(cx->arena, Entry, e.cap ? e.cap : 1);
        while (unpack_next(&body, &tag, &v))
                entry_unpack(cx, v, &e.v[e.n++]);
        *ret = e;
        return OK;
}

static bool claim_holds(const Claim *c, int64_t now_ms) {
        return c->from <= now_ms && (!c->until || c->until > now_ms);
}

Err entries_load_now(Ctx *cx, const MemoryScope *s, const Keys *k, Entries *ret) {
        TRY(entries_load(cx, s, k, ret));
        int64_t now = cx_now_ms(cx);
        for (size_t i = 0; i < ret->n; i++) {
                Entry *e = &ret->v[i];
                size_t n = 0;
                for (size_t j = 0; j < e->n_claims; j++)
                        if (claim_holds(&e->claims[j], now))
                                e->claims[n++] = e->claims[j];
                e->n_claims = n;
        }
        return OK;
}

Err entries_save(Ctx *cx, const MemoryScope *s, const Keys *k, const Entries *e) {
        _cleanup_(buf_done) Buf out = BUF(BODY_MAX), inner = BUF(BODY_MAX), scratch = BUF(BODY_MAX);
        for (size_t i = 0; i < e->n; i++)
                if (e->v[i].n_claims || e->v[i].n_past)
                        entry_pack(&out, &e->v[i], &inner, &scratch);
        if (out.full || inner.full)
                return RAISE(cx, ERR_TOO_LARGE, "profile over %d bytes", BODY_MAX);
        Str body = seal(cx, &k->seal, (SealFor){ s->user_id, "profile" }, buf_str(&out));
        return db_run(cx, s->c, &sql_profile_put,
                      ARGS(v_text(s->user_id), v_blob(body), v_int(cx_now_ms(cx))), NULL);
}

/* ---- entries ---- */

Entry *entry_find(const Entries *e, Str field, Str item) {
        for (size_t i = 0; i < e->n; i++)
                if (str_eq(e->v[i].field, field) && str_eq_nocase(e->v[i].item, item))
                        return &e->v[i];
        return NULL;
}

Entry *entry_make(Ctx *cx, Entries *e, Str field, Str item) {
        Entry *found = entry_find(e, field, item);
        if (found || e->n >= ENTRIES_MAX)
                return found;
        if (e->n == e->cap) {
                Entry *more = NEW_ARRAY(cx->arena, Entry, e->cap * 2 + 16);
                if (e->n)
                        memcpy(more, e->v, e->n * sizeof *more);
                e->v = more;
                e->cap = e->cap * 2 + 16;
        }
        e->v[e->n] = (Entry){ .field = field, .item = item };
        return &e->v[e->n++];
}

const Claim *entry_current(const Entry *e) {
        for (size_t i = 0; i < e->n_claims; i++)
                if (!e->claims[i].memory_id.p)
                        return &e->claims[i];
        return e->n_claims ? &e->claims[e->n_claims - 1] : NULL;
}

void entry_past(Ctx *cx, Entry *e, const Claim *c, int64_t to) {
        size_t skip = e->n_past == PAST_MAX, n = e->n_past - skip;
        Past *past = NEW_ARRAY(cx->arena, Past, n + 1);
        for (size_t i = 0; i < n; i++)
                past[i] = e->past[i + skip];
        past[n] = (Past){ c->value, c->memory_id, c->first_seen, to };
        e->past = past;
        e->n_past = n + 1;
}

/* One claim per memory, and one of the person: a new one takes the old one's place, as the newest. */
void entry_claim(Ctx *cx, Entry *e, const Claim *c) {
        Claim *claims = NEW_ARRAY(cx->arena, Claim, e->n_claims + 1);
        size_t n = 0;
        for (size_t i = 0; i < e->n_claims; i++)
                if (!str_eq(e->claims[i].memory_id, c->memory_id))
                        claims[n++] = e->claims[i];
        if (n == CLAIMS_MAX)
                memmove(claims, claims + 1, --n * sizeof *claims);
        claims[n++] = *c;
        e->claims = claims;
        e->n_claims = n;
}

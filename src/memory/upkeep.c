// SPDX-License-Identifier: MIT
/* upkeep: decay, clean-up and consolidation of one user's memories. Reads walk pages on this
 * thread's connection; each change is a small write that looks at the row again, so nothing is lost
 * to what happened in between. */
#include "codec/json.h"
#include "codec/when.h"
#include "memory/jobs.h"
#include "memory/memory_int.h"
#include "memory/memory_sql.h"
#include "memory/vectors.h"
#include "memory/weigh.h"

enum { PAGE = 256, CHUNK = 64 };
#define DECAY_STEP 0.05

typedef struct Upkeep {
        Ctx *cx;
        MemoryScope s;
        Keys keys;
        int64_t now, count;
        const Cleanup *cleanup;
        Units vectors, dropped; /* of decay: who has one, who had */
} Upkeep;

static void upkeep_done(Upkeep *u) { keys_done(&u->keys); }

static Err upkeep_init(Ctx *cx, Memory *m, Str user_id, Upkeep *ret) {
        *ret = (Upkeep){ .cx = cx,
                         .s = { .m = m, .user_id = user_id, .actor = "job" },
                         .now = cx_now_ms(cx) };
        TRY(db_read(cx, m->db, &ret->s.c));
        return keys_get(cx, &ret->s, &ret->keys);
}

/* What is to be done to units, gathered while reading and done in writes of CHUNK. */
typedef struct Todo {
        int64_t unit;
        double decay;
        bool store, archive; /* the score; the status */
        bool drop, restore;  /* the vector */
} Todo;
typedef struct Step {
        Upkeep *u;
        const Todo *v;
        size_t n;
} Step;

static Err in_chunks(Upkeep *u, const Todo *v, size_t n, DbFn *fn) {
        for (size_t i = 0; i < n; i += CHUNK)
                TRY(db_write(u->cx, u->s.m->db, fn,
                             &(Step){ u, v + i, MIN(n - i, (size_t)CHUNK) }));
        return OK;
}

/* Walks every memory; `fn` says whether and what. One page of rows is held at a time. */
typedef bool PickFn(Upkeep *u, const Stored *m, Todo *ret);

static Err walk(Upkeep *u, PickFn *pick, DbFn *fn) {
        int64_t before = 0;
        for (;;) {
                _cleanup_(arena_freep) Arena *page = arena_new();
                Ctx pc = *u->cx;
                Todo todo[PAGE];
                StoredList list;
                size_t n = 0;
                pc.arena = page;
                TRY(db_read(&pc, u->s.m->db, &u->s.c));
                Err e = stored_page(&pc, &u->s, &u->keys, (Page){ before, PAGE }, &list);
                if (e)
                        return RAISE(u->cx, e, "upkeep: %s", pc.err.what ? pc.err.what : "");
                for (size_t i = 0; i < list.n; i++) {
                        before = list.v[i].row.unit;
                        todo[n].unit = before;
                        n += pick(u, &list.v[i], &todo[n]);
                }
                TRY(in_chunks(u, todo, n, fn));
                if (list.n < PAGE)
                        return OK;
        }
}

static MemoryScope scope_on(const Upkeep *u, DbConn *c) {
        return (MemoryScope){ u->s.m, c, u->s.user_id, "job" };
}

/* ---- decay ---- */

static bool decay_pick(Upkeep *u, const Stored *m, Todo *ret) {
        if (m->status == STATUS_SUPERSEDED)
                return false;
        double decay = weigh_decay(&m->row, m->level, u->now), moved = decay - m->row.decay_score;
        Retention keep = weigh_retention(&m->row, m->level, decay, u->now);
        bool retires = keep != KEEP && !u->s.m->set.retention_off;
        *ret = (Todo){ .unit = m->row.unit,
                       .decay = decay,
                       .store = moved > DECAY_STEP || moved < -DECAY_STEP,
                       .archive = retires && keep == ARCHIVE && m->status == STATUS_ACTIVE,
                       .drop = retires && units_have(&u->vectors, m->row.unit),
                       .restore = keep == KEEP && units_have(&u->dropped, m->row.unit) };
        return ret->store || ret->archive || ret->drop || ret->restore;
}

static Err decay_archive(Ctx *cx, const MemoryScope *s, const Upkeep *u, int64_t unit) {
        Stored m;
        Err e = stored_by_unit(cx, s, &u->keys, unit, &m);
        if (e || m.status != STATUS_ACTIVE)
                return e == ERR_NOT_FOUND ? OK : e;
        m.status = STATUS_ARCHIVED;
        return stored_change(cx, s, &u->keys, &m,
                             &(Change){ MEMORY_UPDATE, "archived", m.row.content });
}

/* Its words are found as before. When it matters again, a new vector is made. */
static Err decay_vector(Ctx *cx, const MemoryScope *s, const Todo *t) {
        if (t->drop)
                return vector_drop(cx, s, t->unit);
        if (!t->restore)
                return OK;
        TRY(db_run(cx, s->c, &sql_vector_delete, ARGS(v_text(s->user_id), v_int(t->unit)), NULL));
        return vectors_later(cx, s);
}

static Err decay_step(Ctx *cx, DbConn *c, void *arg) {
        Step *st = arg;
        MemoryScope s = scope_on(st->u, c);
        int64_t stored = 0;
        for (size_t i = 0; i < st->n; i++) {
                const Todo *t = &st->v[i];
                int64_t changed = 0;
                if (t->store || t->archive)
                        TRY(db_run(cx, c, &sql_memory_decay,
                                   ARGS(v_text(s.user_id), v_int(t->unit), v_num(t->decay)),
                                   &changed));
                stored += changed;
                if (t->archive)
                        TRY(decay_archive(cx, &s, st->u, t->unit));
                TRY(decay_vector(cx, &s, t));
        }
        st->u->count += stored;
        return OK;
}

Err memory_decay(Ctx *cx, Memory *m, Str user_id, int64_t *ret_count) {
        _cleanup_(upkeep_done) Upkeep u;
        TRY(upkeep_init(cx, m, user_id, &u));
        TRY(vectors_which(cx, &u.s, &u.vectors, &u.dropped));
        TRY(walk(&u, decay_pick, decay_step));
        *ret_count = u.count;
        return OK;
}

/* ---- clean-up ---- */

static bool is_ahead(Upkeep *u, const MemoryRow *r) {
        _cleanup_(json_freep) Json *j = NULL;
        int64_t at;
        if (json_parse(u->cx, r->context, JSON_DEPTH_MAX, &j))
                return false;
        return when_parse(json_str(json_get(json_root(j), "scheduled_date")), &at) && at > u->now;
}

static bool cleanup_pick(Upkeep *u, const Stored *m, Todo *ret) {
        const MemoryRow *r = &m->row;
        bool old = r->created_at < u->now - u->cleanup->days * DAY_MS;
        if (!old || m->level == LEVEL_CRITICAL || m->status == STATUS_SUPERSEDED)
                return false;
        if (m->type == TYPE_COMMITMENT && is_ahead(u, r))
                return false;
        bool faded = weigh_decay(r, m->level, u->now) < 0.1,
             doubtful = !r->access_count && r->confidence < 0.7;
        if (!faded && !doubtful)
                return false;
        u->count += u->cleanup->dry_run;
        return !u->cleanup->dry_run;
}

static Err cleanup_step(Ctx *cx, DbConn *c, void *arg) {
        Step *st = arg;
        MemoryScope s = scope_on(st->u, c);
        for (size_t i = 0; i < st->n; i++) {
                Stored m;
                Err e = stored_by_unit(cx, &s, &st->u->keys, st->v[i].unit, &m);
                if (e == ERR_NOT_FOUND)
                        continue;
                TRY(e);
                TRY(memory_drop(cx, &s, m.row.memory_id));
                st->u->count++;
        }
        return OK;
}

Err memory_cleanup(Ctx *cx, Memory *m, Str user_id, const Cleanup *what, int64_t *ret_count) {
        _cleanup_(upkeep_done) Upkeep u;
        TRY(upkeep_init(cx, m, user_id, &u));
        u.cleanup = what;
        if (!m->set.retention_off)
                TRY(walk(&u, cleanup_pick, cleanup_step));
        *ret_count = u.count;
        return OK;
}

/* ---- consolidation ---- */

/* A live memory as the search for clusters sees it. Pairs are found by equal bands of their
 * sketches: four bytes each, eight bands; a pair at cosine .9 shares one with probability .99. */
enum { BANDS = 8, BAND = SKETCH_SIZE / BANDS };
typedef struct Peer {
        int64_t unit;
        MemoryType type;
        Sketch sketch;
        Mac subject, value;
        bool has_subject;
} Peer;
typedef struct Peers {
        Peer *v;
        size_t n, cap;
} Peers;
typedef struct Pair {
        int64_t keep, drop;
} Pair;
typedef struct Merge {
        Upkeep *u;
        double threshold;
        Pair pair;
} Merge;

static Err peers_load(Upkeep *u, Peers *ret) {
        int64_t before = 0;
        Peers p = { 0 };
        for (;;) {
                _cleanup_(arena_freep) Arena *page = arena_new();
                Ctx pc = *u->cx;
                StoredList list;
                pc.arena = page;
                Err e = stored_page(&pc, &u->s, &u->keys, (Page){ before, PAGE }, &list);
                if (e)
                        return RAISE(u->cx, e, "consolidation: %s", pc.err.what ? pc.err.what : "");
                if (p.n + list.n > p.cap) {
                        Peer *more = NEW_ARRAY(u->cx->arena, Peer, p.cap = p.cap * 2 + PAGE);
                        if (p.n)
                                memcpy(more, p.v, p.n * sizeof *more);
                        p.v = more;
                }
                for (size_t i = 0; i < list.n; i++) {
                        const Stored *m = &list.v[i];
                        before = m->row.unit;
                        if (m->status == STATUS_ACTIVE)
                                p.v[p.n++] = (Peer){ before,         m->type,      m->sketch,
                                                     m->subject_mac, m->value_mac, m->has_subject };
                }
                if (list.n < PAGE)
                        break;
        }
        *ret = p;
        return OK;
}

static int band_cmp(const void *a, const void *b, void *arg) {
        const Peer *x = a, *y = b;
        size_t at = *(size_t *)arg;
        int c = memcmp(x->sketch.b + at, y->sketch.b + at, BAND);
        return c                    ? c
               : x->type != y->type ? (int)x->type - (int)y->type
                                    : (x->unit > y->unit) - (x->unit < y->unit);
}

static bool same_claim(const Stored *a, const Stored *b) {
        if (a->has_subject != b->has_subject)
                return false;
        return !a->has_subject || (!memcmp(&a->subject_mac, &b->subject_mac, sizeof(Mac)) &&
                                   !memcmp(&a->value_mac, &b->value_mac, sizeof(Mac)));
}

/* The rows as they are now: both there, active, and the same thing. */
static Err merge_check(Ctx *cx, const MemoryScope *s, Merge *g, Stored *keep, Stored *drop) {
        Str x, y;
        TRY(stored_by_unit(cx, s, &g->u->keys, g->pair.keep, keep));
        TRY(stored_by_unit(cx, s, &g->u->keys, g->pair.drop, drop));
        if (keep->status != STATUS_ACTIVE || drop->status != STATUS_ACTIVE ||
            keep->type != drop->type || !same_claim(keep, drop))
                return ERR_NOT_FOUND;
        TRY(content_fold(cx, keep->row.content, &x));
        TRY(content_fold(cx, drop->row.content, &y));
        bool same = near_cosine(cx->arena, x, y) >= g->threshold &&
                    !near_differs(cx->arena, keep->row.content, drop->row.content);
        return same ? OK : ERR_NOT_FOUND;
}

static Err merge_drop(Ctx *cx, const MemoryScope *s, Merge *g, const Stored *keep, Stored *drop) {
        int64_t now = cx_now_ms(cx);
        const Member marks[] = {
                { "consolidated_into", json_quoted(cx, keep->row.memory_id) },
                { "superseded_at", json_time(cx, now) },
        };
        TRY(json_with(cx, drop->row.context, marks, ELEMENTSOF(marks), &drop->row.context));
        drop->status = STATUS_SUPERSEDED;
        drop->row.superseded_by = keep->row.memory_id;
        drop->row.retired_at = now;
        drop->row.valid_to =
                drop->row.valid_to ? drop->row.valid_to : MAX(now, drop->row.valid_from + 1);
        return stored_change(cx, s, &g->u->keys, drop,
                             &(Change){ MEMORY_SUPERSEDE, "consolidated", drop->row.content });
}

static Err merge_pair(Ctx *cx, DbConn *c, void *arg) {
        Merge *g = arg;
        MemoryScope s = scope_on(g->u, c);
        Stored keep, drop;
        Err e = merge_check(cx, &s, g, &keep, &drop);
        if (e)
                return e == ERR_NOT_FOUND ? OK : e;
        if (str_utf8_count(drop.row.content) > str_utf8_count(keep.row.content)) {
                Stored longer = drop; /* the fuller wording survives */
                drop = keep;
                keep = longer;
        }
        TRY(merge_drop(cx, &s, g, &keep, &drop));
        Str *ids = NEW_ARRAY(cx->arena, Str, keep.row.supersedes.n + 1);
        if (keep.row.supersedes.n)
                memcpy(ids, keep.row.supersedes.v, keep.row.supersedes.n * sizeof *ids);
        ids[keep.row.supersedes.n] = drop.row.memory_id;
        keep.row.supersedes = (Strs){ ids, keep.row.supersedes.n + 1 };
        stored_absorb(cx, &keep, &drop);
        TRY(stored_change(cx, &s, &g->u->keys, &keep,
                          &(Change){ MEMORY_UPDATE, "consolidated", keep.row.content }));
        g->u->count++;
        return OK;
}

static Err band_merge(Upkeep *u, const Peers *p, size_t at, double threshold) {
        for (size_t i = 1; i < p->n; i++) {
                const Peer *a = &p->v[i - 1], *b = &p->v[i];
                if (a->type != b->type || memcmp(a->sketch.b + at, b->sketch.b + at, BAND) ||
                    sketch_same(&a->sketch, &b->sketch) < SKETCH_LIKELY)
                        continue;
                Merge g = { u, threshold, { a->unit, b->unit } };
                TRY(db_write(u->cx, u->s.m->db, merge_pair, &g));
        }
        return OK;
}

/* Runs the bands until a round changes nothing: chains of three and more collapse pair by pair. */
Err memory_consolidate(Ctx *cx, Memory *m, Str user_id, double threshold, int64_t *ret_count) {
        _cleanup_(upkeep_done) Upkeep u;
        int64_t before;
        TRY(upkeep_init(cx, m, user_id, &u));
        do {
                Peers p;
                before = u.count;
                TRY(db_read(cx, m->db, &u.s.c));
                TRY(peers_load(&u, &p));
                for (size_t at = 0; at < SKETCH_SIZE; at += BAND) {
                        if (p.n < 2)
                                break;
                        qsort_r(p.v, p.n, sizeof *p.v, band_cmp, &at);
                        TRY(band_merge(&u, &p, at, threshold));
                }
        } while (u.count > before);
        *ret_count = u.count;
        return OK;
}

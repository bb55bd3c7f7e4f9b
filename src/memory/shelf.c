// SPDX-License-Identifier: MIT
#include "memory/shelf.h"

#include "memory/count_int.h"
#include "memory/memory_int.h"
#include "memory/memory_sql.h"
#include "memory/twins.h"

enum { WAYS = 4, SETS = 1024, SLOTS = SETS * WAYS };

struct Shelf {
        Shelves *all;
        char *user_id;
        size_t user_n;
        int64_t last_unit;
        Twins *twins;
        size_t counted;   /* bytes of it in all->bytes */
        uint64_t used_at; /* on the clock of all */
};

/* Set-associative: a user has four slots to be in, and takes that of the longest unused. Over the
 * ceiling, slots are emptied in turn. */
struct Shelves {
        Shelf *slots[SLOTS];
        size_t bytes, bytes_max, hand;
        uint64_t clock;
};

static void shelf_count(Shelf *s, size_t bytes) {
        s->all->bytes = s->all->bytes - s->counted + bytes;
        s->counted = bytes;
}

static void shelf_free(Shelf *s) {
        shelf_count(s, 0);
        twins_free(s->twins);
        free(s->user_id);
        free(s);
}

static void slot_clear(Shelf **slot) {
        if (*slot)
                shelf_free(*slot);
        *slot = NULL;
}

Shelves *shelves_new(size_t bytes_max) {
        Shelves *all = calloc(1, sizeof *all);
        if (!all)
                abort();
        all->bytes_max = bytes_max;
        return all;
}

void shelves_clear(Shelves *all) {
        for (size_t i = 0; i < SLOTS; i++)
                slot_clear(&all->slots[i]);
}

Shelves *shelves_free(Shelves *all) {
        if (all)
                shelves_clear(all);
        free(all);
        return NULL;
}

static bool shelf_is_of(const Shelf *s, Str user_id) {
        return s && str_eq((Str){ s->user_id, s->user_n }, user_id);
}

/* Of this user, or the one that a new shelf may take. */
static Shelf **shelf_slot(Shelves *all, Str user_id) {
        Shelf **set = &all->slots[str_slot(user_id, SETS) * WAYS], **best = set;
        for (size_t w = 0; w < WAYS; w++) {
                if (shelf_is_of(set[w], user_id))
                        return &set[w];
                if (*best && (!set[w] || set[w]->used_at < (*best)->used_at))
                        best = &set[w];
        }
        return best;
}

void shelf_forget(Shelves *all, Str user_id) {
        Shelf **slot = shelf_slot(all, user_id);
        if (shelf_is_of(*slot, user_id))
                slot_clear(slot);
}

static Err shelf_fill(Ctx *cx, const MemoryScope *sc, Shelf *s) {
        _cleanup_(rows_done) Rows last = { 0 }, rows = { 0 };
        TRY(db_row(cx, sc->c, &sql_last_unit, ARGS(v_text(sc->user_id)), &last));
        s->last_unit = MAX(row_int(&last, 0), row_int(&last, 1));
        TRY(db_rows(cx, sc->c, &sql_shelf, ARGS(v_text(sc->user_id)), &rows));
        for (;;) {
                bool got = false;
                TRY(rows_next(cx, &rows, &got));
                if (!got)
                        return OK;
                Str mac = row_text(&rows, 2), sketch = row_text(&rows, 3);
                if (mac.n != sizeof(Mac) || sketch.n != SKETCH_SIZE)
                        return RAISE(cx, ERR_CORRUPT, "memory %lld: bad digest",
                                     (long long)row_int(&rows, 0));
                uint64_t digest;
                Sketch k;
                memcpy(&digest, mac.p, sizeof digest);
                memcpy(k.b, sketch.p, SKETCH_SIZE);
                shelf_put(s, row_int(&rows, 0), (unsigned)row_int(&rows, 1), digest, &k);
        }
}

static Err shelf_load(Ctx *cx, const MemoryScope *sc, Shelf **slot) {
        slot_clear(slot);
        Shelf *s = calloc(1, sizeof *s);
        if (!s || !(s->user_id = strndup(sc->user_id.p, sc->user_id.n)))
                abort();
        s->all = sc->m->shelves;
        s->user_n = sc->user_id.n;
        s->twins = twins_new();
        *slot = s;
        Err e = shelf_fill(cx, sc, s);
        if (e)
                slot_clear(slot);
        return e;
}

static void shelves_trim(Shelves *all, const Shelf *in_use) {
        for (size_t i = 0; i < SLOTS && all->bytes > all->bytes_max; i++) {
                Shelf **slot = &all->slots[all->hand++ % SLOTS];
                if (*slot != in_use)
                        slot_clear(slot);
        }
}

typedef struct Forget {
        Shelves *all;
        Str user_id;
} Forget;

static void forget_run(void *arg) {
        Forget *f = arg;
        shelf_forget(f->all, f->user_id);
}

void shelf_change(Ctx *cx, const MemoryScope *sc) {
        Forget *f = NEW(cx->arena, Forget);
        *f = (Forget){ sc->m->shelves, sc->user_id };
        db_on_rollback(sc->c, forget_run, f);
}

Err shelf_get(Ctx *cx, const MemoryScope *sc, Shelf **ret) {
        Shelves *all = sc->m->shelves;
        Shelf **slot = shelf_slot(all, sc->user_id);
        bool is_there = shelf_is_of(*slot, sc->user_id);
        count_cache(CACHE_HOT, is_there);
        if (!is_there)
                TRY(shelf_load(cx, sc, slot));
        if (all->bytes > all->bytes_max)
                shelves_trim(all, *slot);
        (*slot)->used_at = ++all->clock;
        *ret = *slot;
        return OK;
}

int64_t shelf_next_unit(Shelf *s) { return ++s->last_unit; }
int64_t shelf_active(const Shelf *s) { return (int64_t)twins_count(s->twins); }

int64_t shelf_find_exact(const Shelf *s, uint64_t digest) { return twins_exact(s->twins, digest); }

size_t shelf_find_near(const Shelf *s, unsigned type, const Sketch *k, int64_t *ret_units,
                       size_t max) {
        return twins_near(s->twins, type, k, ret_units, max);
}

void shelf_put(Shelf *s, int64_t unit, unsigned type, uint64_t digest, const Sketch *k) {
        twins_put(s->twins, &(Twin){ .unit = unit, .digest = digest, .type = type, .sketch = *k });
        shelf_count(s, sizeof *s + s->user_n + twins_bytes(s->twins));
        s->last_unit = MAX(s->last_unit, unit);
}

void shelf_drop(Shelf *s, int64_t unit) { twins_drop(s->twins, unit); }

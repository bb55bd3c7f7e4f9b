// SPDX-License-Identifier: MIT
#include "memory/shelf.h"

#include "memory/memory_int.h"
#include "memory/memory_sql.h"

enum { SLOTS = 4096 };

/* Parallel arrays: a search for a duplicate walks one of them from end to end. */
struct Shelf {
        Shelves *all;
        char *user_id;
        size_t user_n;
        int64_t last_unit;
        size_t n, cap;
        uint64_t *digests;
        Sketch *sketches;
        int64_t *units;
        uint8_t *types;
};

/* Direct mapped: a user has one slot, and whoever is in it goes. Over the ceiling, slots are emptied in turn. */
struct Shelves { Shelf *slots[SLOTS]; size_t bytes, bytes_max, hand; };

static size_t shelf_bytes(const Shelf *s) {
        return sizeof *s + s->user_n + s->cap * (sizeof *s->digests + sizeof *s->sketches + sizeof *s->units + 1);
}

static void shelf_free(Shelf *s) {
        s->all->bytes -= shelf_bytes(s);
        free(s->user_id);
        free(s->digests);
        free(s->sketches);
        free(s->units);
        free(s->types);
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

static void *grown(void *p, size_t n, size_t size) {
        void *q = reallocarray(p, n, size);
        if (!q)
                abort();
        return q;
}

static void shelf_grow(Shelf *s) {
        s->all->bytes -= shelf_bytes(s);
        s->cap = s->cap ? s->cap * 2 : 16;
        s->digests = grown(s->digests, s->cap, sizeof *s->digests);
        s->sketches = grown(s->sketches, s->cap, sizeof *s->sketches);
        s->units = grown(s->units, s->cap, sizeof *s->units);
        s->types = grown(s->types, s->cap, sizeof *s->types);
        s->all->bytes += shelf_bytes(s);
}

static Shelf **shelf_slot(Shelves *all, Str user_id) {
        uint64_t h = 0xcbf29ce484222325u;
        for (size_t i = 0; i < user_id.n; i++)
                h = (h ^ (unsigned char)user_id.p[i]) * 0x100000001b3u;
        return &all->slots[(h ^ h >> 32) % SLOTS];
}

static bool shelf_is_of(const Shelf *s, Str user_id) {
        return s && str_eq((Str){ s->user_id, s->user_n }, user_id);
}

void shelf_forget(Shelves *all, Str user_id) {
        Shelf **slot = shelf_slot(all, user_id);
        if (shelf_is_of(*slot, user_id))
                slot_clear(slot);
}

static Err shelf_fill(Ctx *cx, const MemoryScope *sc, Shelf *s) {
        _cleanup_(rows_done) Rows last = {0}, rows = {0};
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
                        return RAISE(cx, ERR_CORRUPT, "memory %lld: bad digest", (long long)row_int(&rows, 0));
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
        s->all->bytes += shelf_bytes(s);
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

typedef struct Forget { Shelves *all; Str user_id; } Forget;

static void forget_run(void *arg) {
        Forget *f = arg;
        shelf_forget(f->all, f->user_id);
}

Err shelf_get(Ctx *cx, const MemoryScope *sc, Shelf **ret) {
        Shelves *all = sc->m->shelves;
        Forget *f = NEW(cx->arena, Forget);
        *f = (Forget){ all, sc->user_id };
        db_on_rollback(sc->c, forget_run, f);
        Shelf **slot = shelf_slot(all, sc->user_id);
        if (!shelf_is_of(*slot, sc->user_id))
                TRY(shelf_load(cx, sc, slot));
        if (all->bytes > all->bytes_max)
                shelves_trim(all, *slot);
        *ret = *slot;
        return OK;
}

int64_t shelf_next_unit(Shelf *s) { return ++s->last_unit; }
int64_t shelf_active(const Shelf *s) { return (int64_t)s->n; }

int64_t shelf_find_exact(const Shelf *s, uint64_t digest) {
        for (size_t i = 0; i < s->n; i++)
                if (s->digests[i] == digest)
                        return s->units[i];
        return 0;
}

size_t shelf_find_near(const Shelf *s, unsigned type, const Sketch *k, int64_t *ret_units, size_t max) {
        unsigned best[16];
        size_t n = 0;
        max = MIN(max, ELEMENTSOF(best));
        for (size_t i = 0; i < s->n; i++) {
                unsigned same = sketch_same(&s->sketches[i], k);
                if (same < SKETCH_LIKELY || s->types[i] != type)
                        continue;
                size_t at = n < max ? n++ : max;
                for (; at > 0 && best[at - 1] < same; at--)
                        if (at < max) {
                                best[at] = best[at - 1];
                                ret_units[at] = ret_units[at - 1];
                        }
                if (at < max) {
                        best[at] = same;
                        ret_units[at] = s->units[i];
                }
        }
        return n;
}

void shelf_put(Shelf *s, int64_t unit, unsigned type, uint64_t digest, const Sketch *k) {
        size_t i = s->n;
        while (i > 0 && s->units[i - 1] > unit)
                i--;
        bool is_there = i > 0 && s->units[i - 1] == unit;
        if (is_there)
                i--;
        else if (s->n == s->cap)
                shelf_grow(s);
        if (!is_there) {
                memmove(s->digests + i + 1, s->digests + i, (s->n - i) * sizeof *s->digests);
                memmove(s->sketches + i + 1, s->sketches + i, (s->n - i) * sizeof *s->sketches);
                memmove(s->units + i + 1, s->units + i, (s->n - i) * sizeof *s->units);
                memmove(s->types + i + 1, s->types + i, s->n - i);
                s->n++;
        }
        s->digests[i] = digest;
        s->sketches[i] = *k;
        s->units[i] = unit;
        s->types[i] = (uint8_t)type;
        s->last_unit = MAX(s->last_unit, unit);
}

void shelf_drop(Shelf *s, int64_t unit) {
        size_t i = 0;
        while (i < s->n && s->units[i] != unit)
                i++;
        if (i == s->n)
                return;
        s->n--;
        memmove(s->digests + i, s->digests + i + 1, (s->n - i) * sizeof *s->digests);
        memmove(s->sketches + i, s->sketches + i + 1, (s->n - i) * sizeof *s->sketches);
        memmove(s->units + i, s->units + i + 1, (s->n - i) * sizeof *s->units);
        memmove(s->types + i, s->types + i + 1, s->n - i);
}

// SPDX-License-Identifier: MIT
#include "store/db_table.h"

enum { CAP_MIN = 64 }; /* a power of two, as all that follow */

static SqlSlot *slot_find(const SqlTable *t, const Sql *sql) {
        size_t at = (size_t)(((uintptr_t)sql >> 3) * 0x9e3779b97f4a7c15u >> 32);
        while (t->slots[at & (t->cap - 1)].sql && t->slots[at & (t->cap - 1)].sql != sql)
                at++;
        return &t->slots[at & (t->cap - 1)];
}

static void grow(SqlTable *t, Arena *arena) {
        SqlTable more = { .cap = t->cap ? t->cap * 2 : CAP_MIN, .n = t->n };
        more.slots = NEW_ARRAY(arena, SqlSlot, more.cap);
        for (size_t i = 0; i < t->cap; i++)
                if (t->slots[i].sql)
                        *slot_find(&more, t->slots[i].sql) = t->slots[i];
        *t = more; /* the old slots go with the arena: all of them together are less than these */
}

void **sql_table_at(SqlTable *t, Arena *arena, const Sql *sql) {
        if ((t->n + 1) * 2 > t->cap)
                grow(t, arena);
        SqlSlot *s = slot_find(t, sql);
        t->n += !s->sql;
        s->sql = sql;
        return &s->value;
}

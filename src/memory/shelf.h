// SPDX-License-Identifier: MIT
#pragma once
/* shelf: what the writer keeps at hand about a user who is being written to: the last unit number,
 * how many memories are active, and a digest and sketch of each, so that a duplicate is found
 * without a query. Used on the writer only; bounded, the least recently used user goes first;
 * forgotten on a rollback, loaded again from the store. */
#include "memory/memory.h"
#include "memory/near.h"

typedef struct Shelf Shelf;
typedef struct Shelves Shelves;

Shelves *shelves_new(size_t bytes_max);
Shelves *shelves_free(Shelves *s);
/* Borrowed until the next call for another user. */
Err shelf_get(Ctx *cx, const MemoryScope *s, Shelf **ret) _must_check_;
/* Before a put or drop: the shelf is forgotten when the running write is rolled back. */
void shelf_change(Ctx *cx, const MemoryScope *s);
void shelf_forget(Shelves *s, Str user_id);
void shelves_clear(Shelves *s);

int64_t shelf_next_unit(Shelf *s);
int64_t shelf_active(const Shelf *s);
int64_t shelf_find_exact(const Shelf *s, uint64_t digest); /* unit, or 0 */
/* Units whose sketch is close, best first; returns how many. */
size_t shelf_find_near(const Shelf *s, unsigned type, const Sketch *k, int64_t *ret_units,
                       size_t max);
/* replaces */
void shelf_put(Shelf *s, int64_t unit, unsigned type, uint64_t digest, const Sketch *k);
void shelf_drop(Shelf *s, int64_t unit);

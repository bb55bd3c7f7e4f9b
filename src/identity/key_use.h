// SPDX-License-Identifier: MIT
#pragma once
/* key_use: when and from where API keys were last used, written behind. A use costs one lock; a
 * crash loses at most the uses since the last tick. Bounded: when it is full, uses are dropped
 * until the next tick. */
#include "identity/identity.h"

typedef struct KeyUses KeyUses;

KeyUses *key_uses_new(void);
KeyUses *key_uses_free(KeyUses *u);
DEFINE_CLEANUP(KeyUses, key_uses_free)

void key_use_note(KeyUses *u, Str key_id, Str ip, int64_t now_ms);
/* Inside a write: stores what was noted. What is noted meanwhile is kept for the next time. */
Err key_uses_store(Ctx *cx, KeyUses *u, DbConn *c) _must_check_;
bool key_uses_is_empty(KeyUses *u);

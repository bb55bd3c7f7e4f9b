// SPDX-License-Identifier: MIT
#pragma once
/* hash_gate: who may wait for a password hash. Slow work is queued per account, per address and
 * in all, so that a login storm neither fills memory nor keeps everyone else from signing in.
 * Places expire, so a request that is lost on the way frees its own. */
#include "base/base.h"

enum { HASH_WAITING_MAX = 64, HASH_WAITING_ACCOUNT = 2, HASH_WAITING_IP = 8, HASH_WAIT_MAX_S = 5 };

typedef struct HashGate HashGate;

HashGate *hash_gate_new(Ctx *cx);
HashGate *hash_gate_free(HashGate *g);
DEFINE_CLEANUP(HashGate, hash_gate_free)

/* Any thread. ERR_HASH_QUEUE with Retry-After. `account` may be STR_NULL: only the address
 * counts. */
Err hash_gate_enter(Ctx *cx, HashGate *g, Str ip, Str account) _must_check_;
/* The work begins or was given up; same values. */
void hash_gate_leave(HashGate *g, Str ip, Str account);
/* The calling thread does slow work from now on: it yields the processor to whoever answers
 * quick requests. Once a thread. */
void hash_thread_yield(void);

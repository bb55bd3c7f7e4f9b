// SPDX-License-Identifier: MIT
#pragma once
#include "ops/probe.h"

enum { CHECKS_MAX = 32 };

/* checks.c: HEALTH_CHECKS, or the default list: the storage, disk, memory and the language
 * model. In cx->arena. */
Err checks_parse(Ctx *cx, const HealthSettings *set, CheckSpec **ret, size_t *ret_n) _must_check_;

/* history.c: a failure to write it is logged, never more: health must not depend on it. */
void transition_save(Ctx *cx, Db *db, const Transition *t);

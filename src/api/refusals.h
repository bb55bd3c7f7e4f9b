// SPDX-License-Identifier: MIT
#pragma once
/* refusals: requests that were not allowed, on their way into the audit log. They are decided on a
 * loop, which does not write; so they are counted here and written once a second, and a flood of
 * one kind becomes one record that says how many there were. A stop or a write that fails loses at
 * most that second; the refusals themselves are in the request log all the same. */
#include "api/visit_int.h"

typedef struct Refusals Refusals; /* thread safe; bounded: what finds no place is counted as one */
Refusals *refusals_new(void);
Refusals *refusals_free(Refusals *r);
void refusal_note(Refusals *r, const Visit *v); /* nothing when v->err is of another kind */

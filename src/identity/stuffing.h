// SPDX-License-Identifier: MIT
#pragma once
/* stuffing: notices when one address fails at many accounts, the mark of stolen password lists. It
 * only tells: a whole company may share an address, and the limits per address and per account
 * already slow it down. Fixed memory; two addresses in one place make it forget the older one. */
#include "base/base.h"

enum { STUFFING_ACCOUNTS = 20, STUFFING_WINDOW_S = 600 };

typedef struct Stuffing Stuffing;

Stuffing *stuffing_new(Ctx *cx);
Stuffing *stuffing_free(Stuffing *s);
DEFINE_CLEANUP(Stuffing, stuffing_free)

/* One more failure. True when this one makes it STUFFING_ACCOUNTS different accounts within the
 * window: once a window and address. The count is an estimate, exact for few. */
bool stuffing_note(Stuffing *s, Str ip, Str account, int64_t now_ms);

// SPDX-License-Identifier: MIT
#pragma once
/* rotation: what becomes of a refresh token that is shown. Pure: no clock, no store.
 *
 * A session holds one counter, its generation g. A refresh token carries the generation it was
 * made for. The newest one is exchanged for its successor; the one before it, shown again soon
 * after, gets the identical successor, since the answer may have been lost on the way; anything
 * older can only be a copy, and ends the session. The counter is never a time stamp, so two
 * rotations in one millisecond cannot be confused. */
#include "base/base.h"

enum { ROTATION_RETRY_MS = 30000 };

typedef enum RotationVerdict {
        ROTATE_UNKNOWN, /* 401, nothing is changed */
        ROTATE_NEXT,    /* store g + 1, answer its token */
        ROTATE_SAME,    /* answer the token of g again */
        ROTATE_EXPIRED, /* 401; the row may go */
        ROTATE_REUSED,  /* end the session */
} RotationVerdict;

typedef struct RotationState {
        uint32_t generation;
        bool revoked;
        int64_t rotated_at_ms, idle_expires_ms, expires_ms;
} RotationState;

/* `mac_ok`: the token is ours. Without it nothing about the session is disclosed or changed. */
RotationVerdict rotation_decide(const RotationState *s, uint32_t generation, bool mac_ok,
                                int64_t now_ms);

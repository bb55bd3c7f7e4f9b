// SPDX-License-Identifier: MIT
#include "identity/rotation.h"

RotationVerdict rotation_decide(const RotationState *s, uint32_t generation, bool mac_ok,
                                int64_t now_ms) {
        if (!mac_ok || s->revoked || generation > s->generation)
                return ROTATE_UNKNOWN;
        if (now_ms >= s->idle_expires_ms || now_ms >= s->expires_ms)
                return ROTATE_EXPIRED;
        if (generation ==
            s->generation) /* UINT32_MAX rotations do not fit into any absolute life time */
                return generation == UINT32_MAX ? ROTATE_EXPIRED : ROTATE_NEXT;
        if (generation == s->generation - 1 && now_ms - s->rotated_at_ms <= ROTATION_RETRY_MS)
                return ROTATE_SAME;
        return ROTATE_REUSED;
}

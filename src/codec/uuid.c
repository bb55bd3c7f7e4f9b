// SPDX-License-Identifier: MIT
#include "codec/uuid.h"

#include "codec/radix.h"

static const unsigned char group_bytes[] = { 4, 2, 2, 2, 6 };

void uuid_write(char out[UUID_TEXT + 1], const unsigned char bytes[16]) {
        for (size_t g = 0; g < sizeof group_bytes; g++) {
                hex_write(out, str_n(bytes, group_bytes[g]));
                out += 2 * group_bytes[g];
                bytes += group_bytes[g];
                *out++ = g + 1 < sizeof group_bytes ? '-' : '\0';
        }
}

Str uuid_new(Ctx *cx) {
        unsigned char bytes[16];
        cx_random(cx, bytes, sizeof bytes);
        bytes[6] = (bytes[6] & 0x0F) | 0x40; /* version 4 */
        bytes[8] = (bytes[8] & 0x3F) | 0x80; /* variant of RFC 9562 */
        char *out = arena_bytes(cx->arena, UUID_TEXT + 1);
        uuid_write(out, bytes);
        return (Str){ out, UUID_TEXT };
}

bool uuid_read(Str text, unsigned char ret[16]) {
        unsigned char bytes[16], *at = bytes;
        if (text.n != UUID_TEXT)
                return false;
        for (size_t g = 0; g < sizeof group_bytes; g++) {
                size_t n = group_bytes[g];
                if (!hex_read(str_to(text, 2 * n), at, n))
                        return false;
                at += n;
                text = str_from(text, 2 * n);
                if (text.n && text.p[0] != '-')
                        return false;
                text = str_from(text, 1);
        }
        memcpy(ret, bytes, sizeof bytes);
        return true;
}

bool uuid_is(Str text) {
        unsigned char bytes[16];
        return uuid_read(text, bytes);
}

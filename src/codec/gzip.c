// SPDX-License-Identifier: MIT
#include "codec/gzip.h"

#include <zlib.h>

enum {
        PLAIN_MAX = 256 * 1024 * 1024,
        LEVEL = 1,
        WINDOW = 15 + 16, /* + 16: with gzip's head and check sum */
        MEMORY = 8,
};

/* ";q=0.000": not at all. Anything else that stands there is a weight above 0. */
static bool is_refused(Str params) {
        while (params.p) {
                Str p = str_trim(str_cut(&params, ';'));
                if (p.n < 3 || (p.p[0] | 0x20) != 'q' || p.p[1] != '=')
                        continue;
                size_t zeros = 2;
                while (zeros < p.n && (p.p[zeros] == '0' || p.p[zeros] == '.'))
                        zeros++;
                return zeros == p.n;
        }
        return false;
}

bool gzip_is_accepted(Str accept_encoding) {
        bool any = false;
        while (accept_encoding.p) {
                Str params = str_cut(&accept_encoding, ',');
                Str name = str_trim(str_cut(&params, ';'));
                if (str_eq_nocase(name, STR("gzip")) || str_eq_nocase(name, STR("x-gzip")))
                        return !is_refused(params);
                any |= str_eq(name, STR("*")) && !is_refused(params);
        }
        return any;
}

Err gzip_pack(Ctx *cx, Str plain, Str *ret) {
        if (plain.n > PLAIN_MAX)
                return RAISE(cx, ERR_TOO_LARGE, "%zu bytes to pack", plain.n);
        z_stream z = { .zalloc = Z_NULL };
        if (deflateInit2(&z, LEVEL, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
                abort();
        size_t room = deflateBound(&z, plain.n);
        char *out = arena_bytes(cx->arena, room);
        z.next_in = (z_const Bytef *)(uintptr_t)plain.p;
        z.avail_in = (uInt)plain.n;
        z.next_out = (Bytef *)out;
        z.avail_out = (uInt)room;
        int end = deflate(&z, Z_FINISH);
        size_t n = z.total_out;
        deflateEnd(&z);
        if (end != Z_STREAM_END)
                return RAISE(cx, ERR_INTERNAL, "deflate: %d", end);
        *ret = (Str){ out, n };
        return OK;
}

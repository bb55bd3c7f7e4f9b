// SPDX-License-Identifier: MIT
#include "codec/zip.h"

#include "codec/crc32.h"
#include "codec/when.h"

enum {
        LOCAL_SIG = 0x04034b50,
        CENTRAL_SIG = 0x02014b50,
        END_SIG = 0x06054b50,
        VERSION = 20,
        UTF8_NAMES = 1 << 11,
        UNIX_HOST = 3 << 8,
        MODE_0600 = 0100600,
};

static void put(Buf *b, uint32_t v, int bytes) {
        for (int i = 0; i < bytes; i++)
                buf_addc(b, (char)(unsigned char)(v >> 8 * i));
}

/* The years that the format has: 1980 to 2107. */
#define TIME_MIN INT64_C(315532800000)
#define TIME_MAX INT64_C(4354819199000)

void zip_begin(Zip *z, Buf *out, int64_t at_ms) {
        at_ms = MAX(TIME_MIN, MIN(at_ms, TIME_MAX));
        Civil c = civil_from_days(days_of_ms(at_ms));
        int64_t s = (at_ms - days_of_ms(at_ms) * DAY_MS) / 1000;

        *z = (Zip){ .out = out };
        z->dos_time = (uint16_t)(s / 3600 << 11 | s / 60 % 60 << 5 | s % 60 / 2);
        z->dos_date = (uint16_t)((c.year - 1980) << 9 | c.month << 5 | c.day);
}

/* What the local and the central header have in common. */
static void put_common(Zip *z, size_t i) {
        put(z->out, VERSION, 2);
        put(z->out, UTF8_NAMES, 2);
        put(z->out, 0, 2); /* stored */
        put(z->out, z->dos_time, 2);
        put(z->out, z->dos_date, 2);
        put(z->out, z->files[i].crc, 4);
        put(z->out, z->files[i].size, 4);
        put(z->out, z->files[i].size, 4);
        put(z->out, (uint32_t)z->files[i].name.n, 2);
        put(z->out, 0, 2);
}

void zip_add(Zip *z, Str name, Str content) {
        size_t i = z->n++;

        assert(i < ZIP_FILES_MAX);
        z->files[i].name = name;
        z->files[i].crc = crc32_of(0, content);
        z->files[i].size = (uint32_t)content.n;
        z->files[i].offset = (uint32_t)z->out->n;
        put(z->out, LOCAL_SIG, 4);
        put_common(z, i);
        buf_add(z->out, name);
        buf_add(z->out, content);
}

bool zip_end(Zip *z) {
        uint32_t start = (uint32_t)z->out->n, size;

        for (size_t i = 0; i < z->n; i++) {
                put(z->out, CENTRAL_SIG, 4);
                put(z->out, UNIX_HOST | VERSION, 2);
                put_common(z, i);
                put(z->out, 0, 4); /* comment, disk */
                put(z->out, 0, 2); /* internal attributes */
                put(z->out, (uint32_t)MODE_0600 << 16, 4);
                put(z->out, z->files[i].offset, 4);
                buf_add(z->out, z->files[i].name);
        }
        size = (uint32_t)z->out->n - start;
        put(z->out, END_SIG, 4);
        put(z->out, 0, 4);
        put(z->out, (uint32_t)z->n, 2);
        put(z->out, (uint32_t)z->n, 2);
        put(z->out, size, 4);
        put(z->out, start, 4);
        put(z->out, 0, 2);
        return !z->out->full && z->out->n < UINT32_MAX;
}

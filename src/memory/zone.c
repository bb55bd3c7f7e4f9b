// SPDX-License-Identifier: MIT
/* zone: minutes east of UTC of a named time zone, from the system's zone files (RFC 8536), read
 * directly: the C library's own calendar calls know only the zone of the process. */
#include <fcntl.h>
#include <unistd.h>

#include "memory/profile_int.h"

enum { FILE_MAX = 16 * 1024, HEADER = 44 };

static int64_t big_endian(const unsigned char *p, size_t n) {
        uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
        for (size_t i = 0; i < n; i++)
                v = v << 8 | p[i];
        return (int64_t)v;
}

/* "UTC+2", "GMT-03:30", "+0530", "Z" */
static bool offset_parse(Str zone, int *ret_min) {
        if (str_starts(zone, STR("UTC")) || str_starts(zone, STR("GMT")))
                zone = str_from(zone, 3);
        zone = str_trim(zone);
        if (zone.n == 0 || str_eq_c(zone, "Z")) {
                *ret_min = 0;
                return true;
        }
        int sign = zone.p[0] == '-' ? -1 : zone.p[0] == '+' ? 1 : 0, digits[4] = { 0 };
        size_t n = 0;
        for (size_t i = 1; sign && i < zone.n && n < 4; i++) {
                if (zone.p[i] == ':' && n == 1)
                        digits[1] = digits[0], digits[0] = 0, n = 2;
                else if (zone.p[i] >= '0' && zone.p[i] <= '9')
                        digits[n++] = zone.p[i] - '0';
                else if (zone.p[i] != ':')
                        return false;
        }
        if (!sign || n == 0 || n == 3)
                return false;
        int hours = n == 1 ? digits[0] : digits[0] * 10 + digits[1],
            minutes = digits[2] * 10 + digits[3];
        if (hours > 14 || minutes > 59)
                return false;
        *ret_min = sign * (hours * 60 + minutes);
        return true;
}

static bool name_is_safe(Str zone) {
        for (size_t i = 0; i < zone.n; i++) {
                char c = zone.p[i];
                if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      strchr("/_+-", c)))
                        return false;
        }
        return zone.n > 0 && zone.n < 64 && zone.p[0] != '/';
}

/* Version 1 data is skipped; version 2 repeats it with 64-bit times. */
static bool tzif_offset(const unsigned char *p, size_t n, int64_t at_s, int *ret_min) {
        size_t pos = 0;
        for (int pass = 0, width = 4; pass < 2; pass++, width = 8) {
                if (pos + HEADER > n || memcmp(p + pos, "TZif", 4) || p[pos + 4] < '2')
                        return false;
                size_t counts[6];
                for (size_t i = 0; i < 6; i++) {
                        int64_t v = big_endian(p + pos + 20 + 4 * i, 4);
                        if (v < 0 || v > FILE_MAX)
                                return false;
                        counts[i] = (size_t)v; /* isutc, isstd, leap, times, types, chars */
                }
                const size_t w = (size_t)width, times = pos + HEADER, index = times + counts[3] * w,
                             types = index + counts[3];
                size_t next = types + counts[4] * 6 + counts[5] + counts[2] * (w + 4) + counts[1] +
                              counts[0];
                if (next > n || counts[4] == 0)
                        return false;
                if (pass == 1) {
                        size_t k = 0;
                        while (k < counts[3] && big_endian(p + times + k * w, w) <= at_s)
                                k++;
                        size_t type = k ? p[index + k - 1] : 0;
                        if (type >= counts[4])
                                return false;
                        *ret_min = (int)(big_endian(p + types + type * 6, 4) / 60);
                        return true;
                }
                pos = next;
        }
        return false;
}

bool zone_offset(Str zone, int64_t at_ms, int *ret_min) {
        char path[128];
        unsigned char buffer[FILE_MAX];
        zone = str_trim(zone);
        if (offset_parse(zone, ret_min))
                return true;
        if (!name_is_safe(zone) || str_contains(zone, STR("..")))
                return false;
        snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", STR_FMT(zone));
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        ssize_t n = read(fd, buffer, sizeof buffer);
        close(fd);
        return n > 0 && tzif_offset(buffer, (size_t)n, at_ms / 1000, ret_min);
}

bool zone_is_known(Str zone) {
        int offset_min;
        return zone_offset(zone, 0, &offset_min);
}

// SPDX-License-Identifier: MIT
#include <netinet/in.h>
#include <sys/socket.h>

#include "codec/when.h"
#include "web/client.h"

enum { RETRY_BASE_MS = 250, RETRY_CAP_MS = 4000 };

bool call_is_retryable(Err e, int status) {
        if (e)
                return e == ERR_UPSTREAM || e == ERR_TIMEOUT;
        return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

int64_t retry_wait_ms(int attempt, int64_t retry_after_ms, uint32_t chance) {
        if (retry_after_ms > RETRY_AFTER_MAX_MS)
                return -1;
        if (retry_after_ms >= 0)
                return retry_after_ms;
        int64_t top = RETRY_BASE_MS;
        for (int i = 0; i < attempt && top < RETRY_CAP_MS; i++)
                top *= 2;
        return (int64_t)(chance % (uint32_t)(MIN(top, RETRY_CAP_MS) + 1));
}

int64_t retry_after_parse(Str retry_after, Str retry_after_ms, int64_t now_ms) {
        int64_t v;
        if (retry_after_ms.p && str_to_i64(retry_after_ms, &v) && v >= 0)
                return v;
        if (!retry_after.p)
                return -1;
        if (str_to_i64(retry_after, &v) && v >= 0)
                return MIN(v, INT64_C(86400) * 366) * 1000;
        if (http_date_parse(retry_after, &v))
                return MAX(v - now_ms, 0);
        return -1;
}

/* ---- addresses ---- */

typedef struct Range {
        uint32_t net;
        int bits;
} Range;
/* RFC 6890 and its registry: everything an outside service cannot be. */
static const Range v4_special[] = {
        { 0x00000000, 8 },  { 0x0a000000, 8 },  { 0x64400000, 10 }, { 0x7f000000, 8 },
        { 0xa9fe0000, 16 }, { 0xac100000, 12 }, { 0xc0000000, 24 }, { 0xc0000200, 24 },
        { 0xc0586300, 24 }, { 0xc0a80000, 16 }, { 0xc6120000, 15 }, { 0xc6336400, 24 },
        { 0xcb007100, 24 }, { 0xe0000000, 4 },  { 0xf0000000, 4 },
};

static bool v4_is_public(uint32_t a) {
        for (size_t i = 0; i < ELEMENTSOF(v4_special); i++)
                if (a >> (32 - v4_special[i].bits) ==
                    v4_special[i].net >> (32 - v4_special[i].bits))
                        return false;
        return true;
}

static uint32_t v4_at(const unsigned char *p) {
        return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool v6_is_public(const unsigned char a[16]) {
        static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
        static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
        if (!memcmp(a, mapped, 12) || !memcmp(a, nat64, 12))
                return v4_is_public(v4_at(a + 12));
        /* global unicast is 2000::/3; all else is local or special */
        if ((a[0] & 0xe0) != 0x20)
                return false;
        if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 carries an IPv4 address */
                return v4_is_public(v4_at(a + 2));
        /* 2001::/23 protocol assignments (Teredo …), 2001:db8::/32 */
        if (a[0] == 0x20 && a[1] == 0x01)
                return a[2] >= 2 && !(a[2] == 0x0d && a[3] == 0xb8);
        return !(a[0] == 0x3f && a[1] == 0xff && a[2] < 0x10); /* 3fff::/20 documentation */
}

bool address_is_public(const struct sockaddr *address) {
        if (address->sa_family == AF_INET) {
                struct sockaddr_in in;
                memcpy(&in, address, sizeof in);
                return v4_is_public(ntohl(in.sin_addr.s_addr));
        }
        if (address->sa_family == AF_INET6) {
                struct sockaddr_in6 in6;
                memcpy(&in6, address, sizeof in6);
                return v6_is_public(in6.sin6_addr.s6_addr);
        }
        return false;
}

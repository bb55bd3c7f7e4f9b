// SPDX-License-Identifier: MIT
/* ip_range: does an address lie in a network? Both in text form, IPv4 or IPv6; an IPv4 address
 * in IPv6 clothes counts as IPv4. */
#include <arpa/inet.h>

#include "identity/api_key.h"

typedef struct Address {
        unsigned char b[16];
        unsigned bits;
} Address; /* bits: 32 or 128; 0 = not an address */

static Address address_read(Str text) {
        static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
        char c[INET6_ADDRSTRLEN];
        Address a = { 0 };

        if (text.n >= sizeof(c) || memchr(text.p, 0, text.n))
                return a;
        memcpy(c, text.p, text.n);
        c[text.n] = 0;
        if (inet_pton(AF_INET, c, a.b) == 1)
                a.bits = 32;
        else if (inet_pton(AF_INET6, c, a.b) == 1)
                a.bits = 128;
        if (a.bits == 128 && !memcmp(a.b, mapped, sizeof(mapped))) {
                memmove(a.b, a.b + 12, 4);
                a.bits = 32;
        }
        return a;
}

static bool range_read(Str text, Address *ret, unsigned *ret_prefix) {
        Str rest = text, head = str_cut(&rest, '/');
        int64_t prefix;
        Address a = head.n ? address_read(head) : (Address){ 0 };

        if (!a.bits)
                return false;
        prefix = a.bits;
        if (rest.p && (!str_to_i64(rest, &prefix) || prefix < 0 || prefix > a.bits))
                return false;
        *ret = a;
        *ret_prefix = (unsigned)prefix;
        return true;
}

bool ip_range_is(Str text) {
        unsigned prefix;
        Address a;

        return range_read(text, &a, &prefix);
}

bool ip_range_has(Str range, Str ip) {
        Address net, a = ip.n ? address_read(ip) : (Address){ 0 };
        unsigned prefix, bytes;
        unsigned char mask;

        if (!range_read(range, &net, &prefix) || a.bits != net.bits)
                return false;
        bytes = prefix / 8;
        mask = (unsigned char)(0xff00 >> prefix % 8);
        return !memcmp(a.b, net.b, bytes) &&
               (prefix % 8 == 0 || ((a.b[bytes] ^ net.b[bytes]) & mask) == 0);
}

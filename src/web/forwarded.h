// SPDX-License-Identifier: MIT
#pragma once
/* forwarded: who the client is when a proxy stands before us. X-Forwarded-For, or Forwarded (RFC
 * 7239) when there is none, is believed only from a peer inside the configured networks, and read
 * from the right: the first address that is not a trusted proxy is the client. What stands further
 * left is the client's own claim. */
#include "base/base.h"

typedef struct Exchange Exchange;
typedef struct Proxies Proxies; /* immutable, thread safe */

enum { ADDRESS_TEXT_MAX = 64 };

/* Networks ("10.0.0.0/8", "::1", "fd00::/8"). ERR_INVALID names the one that is none. */
Err proxies_new(Ctx *cx, Strs networks, Proxies **ret) _must_check_;
Proxies *proxies_free(Proxies *p);
DEFINE_CLEANUP(Proxies, proxies_free)

/* The client's address as text in `buf` (ADDRESS_TEXT_MAX is enough); IPv4 in IPv6 is shown as
 * IPv4. `p` may be NULL. */
Str client_address(const Proxies *p, const Exchange *x, char *buf, size_t n);

/* The pure part: peer is an address; xff and fwd are header values joined by commas, STR_NULL when
 * absent. */
Str forwarded_client(const Proxies *p, Str peer, Str xff, Str fwd, char buf[ADDRESS_TEXT_MAX]);

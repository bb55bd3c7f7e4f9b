// SPDX-License-Identifier: MIT
/* Three lines: the peer, X-Forwarded-For, Forwarded. Whatever they say, an address comes out. */
#include <arpa/inet.h>

#include "web/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        _cleanup_(proxies_freep) Proxies *p = NULL;
        Ctx cx = { .arena = a, .world = &world_real };
        Str nets[] = { STR("10.0.0.0/8"), STR("::/1") };
        Str rest = { (const char *)data, size };
        Str peer = str_cut(&rest, '\n');
        Str xff = rest.p ? str_cut(&rest, '\n') : STR_NULL;
        Str fwd = rest.p ? str_cut(&rest, '\n') : STR_NULL;
        if (proxies_new(&cx, (Strs){ nets, ELEMENTSOF(nets) }, &p))
                abort();
        char buf[ADDRESS_TEXT_MAX];
        unsigned char ip[16];
        Str got = forwarded_client(p, peer, xff.n ? xff : STR_NULL, fwd, buf);
        if (got.p && inet_pton(AF_INET, got.p, ip) != 1 && inet_pton(AF_INET6, got.p, ip) != 1)
                abort();
        Proxies *one = NULL; /* the same bytes as a network of the settings */
        if (proxies_new(&cx, (Strs){ &peer, 1 }, &one) == OK)
                proxies_free(one);
        return 0;
}

// SPDX-License-Identifier: MIT
#include "ops/peer_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What comes from a peer: once whole, it stays whole, and every judgement is one of the words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        static const PeerUrl open = { .port = 1 }, closed = { .password = STR("x"), .port = 1 };
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        Str bytes = str_n(data, n), role = STR_NULL;
        for (size_t i = 0; i < 2; i++) {
                const PeerUrl *at = i ? &closed : &open;
                if (redis_is_whole(str_to(bytes, n / 2), at) && !redis_is_whole(bytes, at))
                        abort();
                if (!redis_judge(bytes, at, &role) && role.n > 16)
                        abort();
        }
        (void)mongodb_is_whole(bytes, NULL);
        (void)mongodb_judge(bytes);
        static const PeerScheme scheme = { "redis://", "rediss://", 6379 };
        PeerUrl u;
        if (peer_url_parse(&cx, bytes, &scheme, &u) && (u.port < 1 || u.port > 65535 || !u.host.n))
                abort();
        return 0;
}

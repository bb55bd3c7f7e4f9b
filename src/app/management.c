// SPDX-License-Identifier: MIT
/* The management listener: metrics and health on a loopback port
 * of their own, so that a scraper needs no credential and the public listener shows nothing.
 * Same handlers, a router of only these rows. */
#include "app/app.h"

extern const Route health_routes[], metrics_routes[];

struct Management {
        Services sv;
        Router *router;
        Api *api;
        Server *server;
};

static const Route *const management_tables[] = { health_routes, metrics_routes, NULL };

static Err start(Ctx *cx, App *a, struct Management *m) {
        m->sv = a->sv;
        m->sv.metrics_public = true;
        TRY(router_new(cx, management_tables, &m->router));
        ApiSettings set = { .public_url = a->set.public_url,
                            .limits_off = true,
                            .production = a->set.production };
        TRY(api_new(cx, &m->sv, m->router, &set, &m->api));
        ServerSettings listen = {
                .listen = arena_strf(cx->arena, "127.0.0.1:%lld", (long long)a->set.metrics_port),
                .fd = -1,
                .threads = 1,
                .connections_max = 64,
                .world = &world_real,
                .hooks = api_hooks(m->api),
        };
        return server_start(cx, &listen, &m->server);
}

Err management_start(Ctx *cx, App *a) {
        if (!a->set.metrics_port)
                return OK;
        a->management = calloc(1, sizeof *a->management);
        if (!a->management)
                abort();
        return start(cx, a, a->management);
}

struct Management *management_stop(struct Management *m) {
        if (m) {
                server_free(m->server);
                api_free(m->api);
                router_free(m->router);
        }
        free(m);
        return NULL;
}

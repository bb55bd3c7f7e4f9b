// SPDX-License-Identifier: MIT
/* Every route table there is. A new resource adds its table here. */
#include "api/route.h"

extern const Route health_routes[], metrics_routes[], docs_routes[];

const Route *const route_tables[] = {
        health_routes,
        metrics_routes,
        docs_routes,
        NULL,
};

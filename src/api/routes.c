// SPDX-License-Identifier: MIT
/* Every route table there is. A new resource adds its table here. */
#include "api/route.h"

extern const Route admin_routes[], audit_routes[], auth_mfa_routes[], auth_password_routes[],
        auth_routes[];
extern const Route auth_status_routes[], keys_routes[], me_routes[], sessions_routes[];
extern const Route chat_routes[], conversation_routes[], turn_routes[], usage_routes[],
        openai_routes[];
extern const Route memories_routes[], memories_find_routes[], import_routes[], profile_routes[],
        mem0_routes[], mem0_server_routes[];
extern const Route health_routes[], metrics_routes[], docs_routes[], link_routes[];

const Route *const route_tables[] = {
        auth_routes,
        auth_status_routes,
        auth_password_routes,
        auth_mfa_routes,
        sessions_routes,
        keys_routes,
        me_routes,
        admin_routes,
        audit_routes,
        memories_routes,
        memories_find_routes,
        import_routes,
        profile_routes,
        mem0_routes,
        mem0_server_routes,
        chat_routes,
        conversation_routes,
        turn_routes,
        usage_routes,
        openai_routes,
        health_routes,
        metrics_routes,
        docs_routes,
        link_routes,
        NULL,
};

// SPDX-License-Identifier: MIT
#pragma once
/* scope: what a credential may do, as bits. The words are those of the contract (identity.md
 * section 7). */
#include "base/base.h"

#define SCOPE_LIST(X)                                                                              \
        X(MEMORIES_READ, "memories:read")                                                          \
        X(MEMORIES_WRITE, "memories:write")                                                        \
        X(CHAT, "chat")                                                                            \
        X(PROFILE, "profile")                                                                      \
        X(CONNECTIONS_READ, "connections:read")                                                    \
        X(CONNECTIONS_WRITE, "connections:write")                                                  \
        X(MCP, "mcp")                                                                              \
        X(KEYS_MANAGE, "keys:manage")                                                              \
        X(EXPORT, "export")                                                                        \
        X(END_USERS, "end_users")                                                                  \
        X(INTROSPECT, "introspect")                                                                \
        X(METRICS, "metrics")                                                                      \
        X(ADMIN, "admin")

enum {
#define X(id, word) _SCOPE_BIT_##id,
        SCOPE_LIST(X)
#undef X
                _SCOPE_N,
};
typedef enum Scope {
#define X(id, word) SCOPE_##id = 1 << _SCOPE_BIT_##id,
        SCOPE_LIST(X)
#undef X
        /* a person signed in with a password: all but what only an administrator has */
        SCOPES_USER = SCOPE_MEMORIES_READ | SCOPE_MEMORIES_WRITE | SCOPE_CHAT | SCOPE_PROFILE |
                      SCOPE_CONNECTIONS_READ | SCOPE_CONNECTIONS_WRITE | SCOPE_MCP |
                      SCOPE_KEYS_MANAGE | SCOPE_EXPORT | SCOPE_END_USERS,
        SCOPES_ADMIN = SCOPES_USER | SCOPE_INTROSPECT | SCOPE_METRICS | SCOPE_ADMIN,
} Scope;

uint32_t scope_parse(Str word);              /* one word; 0 when there is no such scope */
uint32_t scopes_parse(Str words);            /* space separated; unknown words give nothing */
Str scopes_format(Ctx *cx, uint32_t scopes); /* space separated, in the arena */
Strs scopes_list(Ctx *cx, uint32_t scopes);  /* the words, static */

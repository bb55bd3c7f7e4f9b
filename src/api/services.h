// SPDX-License-Identifier: MIT
#pragma once
/* services: the opened rooms, as handlers see them. Made once by app/, borrowed by every
 * request. */
#include "base/base.h"

typedef struct Db Db;
typedef struct Pool Pool;
typedef struct Timers Timers;
typedef struct Client Client;
typedef struct Server Server;
typedef struct Identity Identity;
typedef struct Memory Memory;
typedef struct Chat Chat;
typedef struct Health Health;
typedef struct Router Router;
typedef struct Docs Docs;

/* What administrators are told about the program; two are JSON. */
typedef struct About {
        Str build, config_digest, features;
} About;

typedef struct Services {
        Db *db;
        Pool *workers, *hashers;
        Client *client;
        Identity *identity;
        Memory *memory;
        Chat *chat;
        Health *health;
        const Router *router;
        Server *const *server; /* *server is NULL until it listens */
        /* the API page and the printed OpenAPI document */
        Docs *docs;
        Str environment, version, public_url;
        Str metrics_token; /* STR_NULL = none */
        bool metrics_public;
        bool llm_configured, mail_configured;
        int64_t started_ms;
        void (*about)(Ctx *cx, void *arg, About *ret);
        void *about_arg;
} Services;

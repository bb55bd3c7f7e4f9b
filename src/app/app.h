// SPDX-License-Identifier: MIT
#pragma once
/* app: the rooms opened in order and wired to each other, and closed in the opposite order. */
#include "api/api.h"
#include "api/docs.h"
#include "app/settings.h"
#include "chat/chat.h"
#include "memory/memory.h"
#include "ops/health.h"
#include "store/db.h"
#include "sys/pool.h"
#include "sys/timer.h"
#include "web/client.h"
#include "web/server.h"

typedef struct App {
        Arena *arena;
        Settings set;
        Timers *timers;
        Db *db;
        Pool *workers, *hashers;
        Client *client;
        Identity *identity;
        Memory *memory;
        Chat *chat;
        Health *health;
        Router *router;
        Docs *docs;
        Proxies *proxies;
        Services sv;
        Api *api;
        Server *server;
        struct Chores *chores;
        struct Management *management; /* NULL: no METRICS_PORT */
} App;

/* How far to open: commands that only touch the store need no more. */
typedef enum AppPart { APP_STORE, APP_IDENTITY, APP_ALL } AppPart;
/* Before anything is opened: what the rooms find wrong with the settings. ERR_INVALID: each
 * fault is a field error of cx, pointer = the setting's name. */
Err app_check(Ctx *cx, const Settings *set) _must_check_;
/* On failure cx->err.what is one clear sentence, and what was opened stays for app_close. */
Err app_open(Ctx *cx, const Settings *set, AppPart upto, App *a) _must_check_;
void app_close(App *a); /* fine on {0} and on a half-opened one */
/* makes DATA_DIR */
Err app_db_path(Ctx *cx, const Settings *set, const char **ret) _must_check_;
extern const Migration *const app_migrations[];

/* chores.c: what happens without a request: housekeeping of the rooms, each on a worker, never
 * twice at once. */
Err chores_start(Ctx *cx, App *a, struct Chores **ret) _must_check_;
struct Chores *chores_stop(struct Chores *c);

/* management.c: METRICS_PORT. Nothing is started without it. */
Err management_start(Ctx *cx, App *a) _must_check_;
struct Management *management_stop(struct Management *m);

/* personal.c: tells identity what the other rooms keep about a person. */
void personal_register(App *a);

/* gauges.c: metrics that are read rather than counted. */
void gauges_register(App *a);

/* drain.c: from SIGTERM to the last answer. True when everything ended in time. */
bool app_drain(Ctx *cx, App *a, bool (*hurry)(void));

#define MAINSTAY_VERSION "1.0.0"

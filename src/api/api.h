// SPDX-License-Identifier: MIT
#pragma once
/* api: from an HTTP exchange to a handler and back. The route table decides everything that is
 * not the handler's own work. */
#include "api/router.h"
#include "api/services.h"
#include "web/forwarded.h"
#include "web/limit.h"

typedef struct ApiSettings {
        Str public_url;    /* problem types, links */
        Strs cors_origins; /* exact origins */
        /* whose forwarded header is believed; may be NULL */
        const Proxies *proxies;
        bool limits_off, production;
} ApiSettings;

typedef struct Api Api;
Err api_new(Ctx *cx, const Services *sv, const Router *router, const ApiSettings *set,
            Api **ret) _must_check_;
Api *api_free(Api *a);
DEFINE_CLEANUP(Api, api_free)
ServerHooks api_hooks(Api *a);

extern const Migration api_migrations[];              /* Idempotency-Key */
/* Once, before the server listens: what claimed a key and died with its process is void. */
Err idempotency_start(Ctx *cx, Db *db) _must_check_;
Err idempotency_expire(Ctx *cx, Db *db) _must_check_; /* answers older than a day go; hourly */

/* Daily quotas outlive a restart: what moved since the last flush, about once a second; all of
 * it at start. */
Err quotas_flush(Ctx *cx, Api *a) _must_check_;
Err quotas_restore(Ctx *cx, Api *a) _must_check_;
/* What was refused since the last flush, into the audit log; about once a second. */
Err refusals_flush(Ctx *cx, Api *a) _must_check_;

/* The OpenAPI 3.1 document, printed from the route table. `routes` is the same as plain rows,
 * for the test run. */
void openapi_write(Buf *out, const Route *const *tables, Str version, Str public_url);
void routes_write(Buf *out, const Route *const *tables);
/* Every failure a row can answer with: its own list and those its columns imply. Returns the
 * count, at most _ERR_N. */
size_t route_errors(const Route *r, Err out[_ERR_N]);

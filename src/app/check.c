// SPDX-License-Identifier: MIT
/* What only the rooms can judge of the settings: each is asked, so that a start and `config check`
 * name every fault at once. Nothing is opened, made or changed. */
#include <unistd.h>

#include "app/app.h"
#include "chat/provider.h"
#include "identity/signing_key.h"

/* The room's own sentence becomes the fault of that setting. */
static void fault_of(Ctx *cx, const Ctx *room, const char *name) {
        Str what = str_c(room->err.what ? room->err.what : "is not valid");
        if (str_starts(what, str_c(name))) /* whoever shows it says the name */
                what = str_from(what, strlen(name));
        if (str_starts(what, STR(":")))
                what = str_from(what, 1);
        what = str_trim(what);
        (void)RAISE_FIELD(cx, name, "%.*s", STR_FMT(what));
}

static Err check_secret(Ctx *cx, const Settings *s) {
        _cleanup_(signing_keys_freep) SigningKeys *keys = NULL;
        return signing_keys_new(cx, s->jwt_secret_key, s->access_ttl_s, &keys);
}

static Err check_proxies(Ctx *cx, const Settings *s) {
        Proxies *p = NULL;
        Err e = proxies_new(cx, s->trusted_proxies, &p);
        proxies_free(p);
        return e;
}

static Err check_health(Ctx *cx, const Settings *s) {
        return health_settings_check(cx, &(HealthSettings){ .checks = s->health_checks,
                                                            .data_dir = s->data_dir,
                                                            .smtp_url = s->smtp_url });
}

static Err check_providers(Ctx *cx, const Settings *s) {
        Providers p = { .n = 0 };
        Err e = providers_load(cx,
                               &(ChatSettings){ .providers = s->llm_providers,
                                                .base_url = s->llm_base_url,
                                                .api_key = s->llm_api_key,
                                                .model = s->llm_model,
                                                .openai_api_key = s->openai_api_key },
                               &p);
        if (!e)
                providers_free(&p);
        return e;
}

static Err check_directory(Ctx *cx, const char *dir) {
        return access(dir, R_OK | W_OK | X_OK)
                ? RAISE(cx, ERR_STORAGE, "no way to write to %s", dir)
                       : OK;
}

static const char *directory_of(Ctx *cx, Str path) {
        const char *slash = memrchr(path.p, '/', path.n);
        return slash ? arena_cstr(cx->arena, str_to(path, MAX((size_t)(slash - path.p), 1))) : ".";
}

/* What is not there yet is made at the start, inside a directory that lets us. */
static Err check_data_dir(Ctx *cx, const Settings *s) {
        const char *dir = arena_cstr(cx->arena, s->data_dir);
        return check_directory(cx, access(dir, F_OK) ? directory_of(cx, s->data_dir) : dir);
}

static Err check_log_file(Ctx *cx, const Settings *s) {
        if (!s->log_file.n)
                return OK;
        if (!access(arena_cstr(cx->arena, s->log_file), F_OK) &&
            access(arena_cstr(cx->arena, s->log_file), W_OK))
                return RAISE(cx, ERR_STORAGE, "no way to write to the file");
        return check_directory(cx, directory_of(cx, s->log_file));
}

Err app_check(Ctx *cx, const Settings *s) {
        static const struct {
                const char *name;
                Err (*check)(Ctx *cx, const Settings *s);
        } rooms[] = {
                { "DATA_DIR", check_data_dir },     { "LOG_FILE", check_log_file },
                { "JWT_SECRET_KEY", check_secret }, { "TRUSTED_PROXIES", check_proxies },
                { "HEALTH_CHECKS", check_health },  { "LLM_PROVIDERS", check_providers },
        };
        for (size_t i = 0; i < ELEMENTSOF(rooms); i++) {
                Ctx room = { .arena = cx->arena, .world = cx->world };
                if (rooms[i].check(&room, s))
                        fault_of(cx, &room, rooms[i].name);
        }
        return cx->err.fields ? ERR_INVALID : OK;
}

// SPDX-License-Identifier: MIT
#include "app/about.h"

#include <unistd.h>

#include "chat/ask.h"
#include "chat/provider.h"
#include "identity/user_key.h"
#include "sys/files.h"
#include "web/client_mail.h"

enum { PATH_MAX_ = 4096, HASH_QUEUE = 64, WORK_QUEUE = 4096 };

const Migration *const app_migrations[] = {
        identity_migrations, memory_migrations, chat_migrations,
        api_migrations,      ops_migrations,    NULL,
};

/* ---- what one room needs of another, as functions, so that neither knows the other ---- */

static Err content_key(Ctx *cx, DbConn *c, Str owner, void *arg, uint8_t ret_key[32]) {
        App *a = arg;
        /* sub-users are part of their owner's data */
        Str account = str_to(owner, str_index(owner, '/'));
        _cleanup_(user_key_done) UserKey key = { 0 };
        TRY(user_key_get(cx, identity_user_keys(a->identity), c, account, &key));
        memcpy(ret_key, key.k, 32);
        return OK;
}

static Err memory_quota(Ctx *cx, DbConn *c, Str owner, void *arg, int64_t *ret_max) {
        App *a = arg;
        return identity_memory_quota(cx, a->identity, c, str_to(owner, str_index(owner, '/')),
                                     ret_max);
}

static Err may_leave(Ctx *cx, DbConn *c, Str owner, void *arg, bool *ret) {
        const App *a = arg;
        return identity_llm_consent(cx, a->identity, c, owner, ret);
}

static Err model_ask(Ctx *cx, void *arg, const MemoryAsk *in, Str *ret) {
        return chat_ask(cx, arg,
                        &(ChatQuestion){ in->user_id, in->rules, in->text, in->options,
                                         in->purpose },
                        ret);
}

static Err budget_letter(Ctx *cx, DbConn *c, void *arg, const ChatLetter *l) {
        const App *a = arg;
        return identity_letter(cx, a->identity, c, l->user_id,
                               &(Letter){ STR_NULL, l->subject, l->body });
}

static Err letter_send(Ctx *cx, void *arg, const Letter *letter) {
        const App *a = arg;
        return mail_send(cx, &(MailSpec){ .server = a->set.smtp_url,
                                          .from = a->set.mail_from,
                                          .to = letter->to,
                                          .subject = letter->subject,
                                          .body = letter->body });
}

/* ---- the rooms ---- */

Err app_db_path(Ctx *cx, const Settings *set, const char **ret) {
        const char *dir = arena_cstr(cx->arena, set->data_dir);
        TRY(dir_make(cx, dir));
        *ret = arena_printf(cx->arena, "%s/mainstay.db", dir);
        return OK;
}

/* The migrations' lists and texts go with an arena of their own; the caller's lives as long as the
 * server. */
static Err open_db(Ctx *cx, App *a, const char *path) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx own = { .arena = arena, .world = cx->world };
        Err e = db_open(&own,
                        &(DbSettings){ .path = path,
                                       .queue_max = (size_t)a->set.write_queue,
                                       .cache_kib = (size_t)a->set.db_cache_kib,
                                       .migrations = app_migrations,
                                       .migrate = true },
                        &a->db);
        return e ? RAISE(cx, e, "%s", own.err.what ? own.err.what : err_info[e].text) : OK;
}

static Err open_store(Ctx *cx, App *a) {
        const char *path;
        TRY(app_db_path(cx, &a->set, &path));
        TRY(timers_new(cx, &a->timers));
        return open_db(cx, a, path);
}

static Err open_identity(Ctx *cx, App *a) {
        const Settings *s = &a->set;
        IdentitySettings set = {
                .data_dir = arena_cstr(cx->arena, s->data_dir),
                .root_key_file = s->root_key_file.n ? s->root_key_file.p : NULL,
                .root_key = s->root_key,
                .jwt_secret = s->jwt_secret_key,
                .auth_secrets = { s->auth_secret_3, s->auth_secret_2, s->auth_secret_1,
                                  s->auth_secret },
                .nextauth_secret = s->nextauth_secret,
                .authjs_cookie = s->authjs_cookie_name,
                .issuer = s->issuer,
                .audience = s->audience,
                .public_url = s->public_url,
                .cors_origins = s->cors_origins,
                .production = s->production,
                .skip_auth = s->skip_auth,
                .registration_closed = s->registration_closed,
                .access_ttl_s = s->access_ttl_s,
                .idle_ttl_s = s->session_idle_s,
                .absolute_ttl_s = s->session_absolute_s,
                .remember_idle_ttl_s = s->remember_idle_s,
                .remember_absolute_ttl_s = s->remember_absolute_s,
                .erasure_grace_s = s->erasure_grace_s,
                .password_hash = str_eq(s->password_hash, STR("bcrypt")) ? PASSWORD_BCRYPT
                                                                         : PASSWORD_ARGON2ID,
                .hash_slots = (unsigned)s->hash_slots,
                .password_list = s->password_list.n ? s->password_list.p : NULL,
                .mail = { .send = s->smtp_url.n ? letter_send : NULL,
                          .arg = a,
                          .from = s->mail_from },
        };
        return identity_new(cx, a->db, &set, &a->identity);
}

static Err open_pools(Ctx *cx, App *a) {
        TRY(pool_new(cx,
                     &(PoolSettings){ .name = "worker",
                                      .threads = (unsigned)a->set.workers,
                                      .queue_max = WORK_QUEUE },
                     &a->workers));
        return pool_new(cx,
                        &(PoolSettings){ .name = "hash",
                                         .threads = identity_hash_threads(a->identity),
                                         .queue_max = HASH_QUEUE },
                        &a->hashers);
}

static Err open_memory(Ctx *cx, App *a) {
        return memory_new(
                cx, a->db,
                &(MemorySettings){ .key = content_key,
                                   .quota = memory_quota,
                                   .may_leave = may_leave,
                                   .arg = a,
                                   .index_bytes_max = (size_t)a->set.index_memory_mib << 20,
                                   .embed = { a->client, a->set.embeddings_base_url,
                                              a->set.embeddings_model, a->set.embeddings_api_key,
                                              !a->set.embeddings_turns },
                                   .retention_off = a->set.retention_off,
                                   .rank = a->set.memory_rank },
                &a->memory);
}

static Err open_chat(Ctx *cx, App *a) {
        const Settings *s = &a->set;
        ChatSettings set = {
                .providers = s->llm_providers,
                .base_url = s->llm_base_url,
                .api_key = s->llm_api_key,
                .model = s->llm_model,
                .openai_api_key = s->openai_api_key,
                .context_tokens = s->context_tokens,
                .budget_micro = s->llm_monthly_budget_usd > 0
                                        ? (int64_t)(s->llm_monthly_budget_usd * 1e6)
                                        : -1,
                .budget_offline = str_eq(s->budget_action, STR("offline")),
                .no_last_resort = !s->llm_fallback_offline,
                .no_extraction = !s->llm_extraction,
                .cancel_on_disconnect = str_eq(s->on_disconnect, STR("cancel")),
                .key = content_key,
                .key_arg = a,
                .letter = budget_letter,
                .letter_arg = a,
        };
        ChatRooms rooms = { a->db, a->memory, a->client, a->workers, a->timers };
        TRY(chat_new(cx, &rooms, &set, &a->chat));
        if (chat_has_provider(a->chat) && s->llm_extraction)
                memory_use_model(a->memory, &(MemoryModel){ model_ask, a->chat });
        TRY(memory_start(cx, a->memory));
        return chat_start(cx, a->chat);
}

static Err open_health(Ctx *cx, App *a) {
        const Settings *s = &a->set;
        HealthSettings set = {
                .checks = s->health_checks, .data_dir = s->data_dir, .smtp_url = s->smtp_url
        };
        set.n_models = chat_model_calls(cx, a->chat, &set.models);
        return health_new(cx, &(HealthRooms){ a->db, a->client, a->timers }, &set, &a->health);
}

/* Beside the program in an installed tree, or where the build leaves the page's files in a
 * source tree. */
static Str assets_dir(Ctx *cx) {
        static const char *const places[] = { "../share/mainstay/swagger-ui",
                                              "../../assets/node_modules/swagger-ui-dist" };
        char exe[PATH_MAX_];
        ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
        while (n > 0 && exe[n - 1] != '/')
                n--;
        for (size_t i = 0; n > 0 && i < ELEMENTSOF(places); i++) {
                const char *dir = arena_printf(cx->arena, "%.*s%s", (int)n, exe, places[i]);
                if (!access(dir, R_OK))
                        return str_c(dir);
        }
        return STR_NULL;
}

static Err open_api(Ctx *cx, App *a) {
        personal_register(a);
        const Settings *s = &a->set;
        Str version = s->app_version.n ? s->app_version : STR(MAINSTAY_VERSION);
        TRY(router_new(cx, route_tables, &a->router));
        TRY(docs_new(cx, assets_dir(cx), version, s->public_url, &a->docs));
        TRY(proxies_new(cx, s->trusted_proxies, &a->proxies));
        a->sv = (Services){
                .db = a->db,
                .workers = a->workers,
                .hashers = a->hashers,
                .client = a->client,
                .identity = a->identity,
                .memory = a->memory,
                .chat = a->chat,
                .health = a->health,
                .router = a->router,
                .server = &a->server,
                .docs = a->docs,
                .environment = s->environment,
                .version = version,
                .public_url = s->public_url,
                .metrics_token = s->metrics_token,
                .metrics_public = s->metrics_public,
                .llm_configured = chat_has_provider(a->chat),
                .mail_configured = s->smtp_url.n > 0,
                .started_ms = cx_now_ms(cx),
                .about = about_make,
                .about_arg = a,
        };
        ApiSettings set = { .public_url = s->public_url,
                            .cors_origins = s->cors_origins,
                            .proxies = a->proxies,
                            .limits_off = s->limits_off,
                            .production = s->production };
        TRY(api_new(cx, &a->sv, a->router, &set, &a->api));
        TRY(idempotency_start(cx, a->db));
        return quotas_restore(cx, a->api);
}

Err app_open(Ctx *cx, const Settings *set, AppPart upto, App *a) {
        static Err (*const steps[])(Ctx * cx, App * a) = {
                open_store, open_identity, open_pools, open_memory,
                open_chat,  open_health,   open_api,
        };
        static const size_t last[] = {
                [APP_STORE] = 1, [APP_IDENTITY] = 2, [APP_ALL] = ELEMENTSOF(steps)
        };
        a->arena = arena_new();
        a->set = *set;
        if (upto == APP_ALL)
                TRY(client_new(cx, &a->client));
        for (size_t i = 0; i < last[upto]; i++)
                TRY(steps[i](cx, a));
        return upto == APP_ALL ? chores_start(cx, a, &a->chores) : OK;
}

void app_close(App *a) {
        a->chores = chores_stop(a->chores);
        a->management = management_stop(a->management);
        a->server = server_free(a->server);
        if (a->chat)
                chat_stop(a->chat, 0); /* before the workers it continues on */
        if (a->memory)
                memory_stop(a->memory); /* before what its jobs ask */
        a->hashers = pool_free(a->hashers);
        a->workers = pool_free(a->workers);
        a->health = health_free(a->health);
        a->chat = chat_free(a->chat);
        a->client = client_free(a->client);
        a->api = api_free(a->api);
        a->docs = docs_free(a->docs);
        a->proxies = proxies_free(a->proxies);
        a->router = router_free(a->router);
        a->memory = memory_free(a->memory);
        a->identity = identity_free(a->identity);
        a->db = db_close(a->db);
        a->timers = timers_free(a->timers);
        a->arena = arena_free(a->arena);
}

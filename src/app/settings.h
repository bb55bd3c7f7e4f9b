// SPDX-License-Identifier: MIT
#pragma once
/* settings: one table. Each row gives name, default, kind, range and meaning; from it come
 * parsing (file, environment, NAME_FILE), the refusals, `config print`, the reference page and
 * .env.example. Order of precedence: environment, then file, then default. Every fault is named
 * at once; the program does not start with a setting it does not understand. */
#include "base/base.h"

typedef struct Settings {
        /* process */
        Str listen, data_dir, environment, app_version, public_url, log_level, log_file;
        bool limits_off, production; /* production: derived from environment */
        int64_t log_file_max_mib, log_files_keep, loops, workers, drain_delay_s, drain_timeout_s;
        Strs cors_origins, trusted_proxies;
        /* storage */
        int64_t write_queue, db_cache_kib, index_memory_mib;
        /* identity */
        Str root_key, root_key_file, jwt_secret_key, nextauth_secret, auth_secret, auth_secret_1,
                auth_secret_2, auth_secret_3;
        Str authjs_cookie_name, issuer, audience, password_hash, password_list;
        bool skip_auth, registration_closed;
        int64_t hash_slots, access_ttl_s, session_idle_s, session_absolute_s, remember_idle_s,
                remember_absolute_s;
        int64_t erasure_grace_s;
        Str smtp_url, mail_from;
        /* language models */
        Str llm_base_url, llm_api_key, llm_model, llm_providers, openai_api_key, budget_action,
                on_disconnect;
        bool llm_fallback_offline, llm_extraction, embeddings_turns;
        double llm_monthly_budget_usd;
        int64_t context_tokens;
        Str embeddings_base_url, embeddings_api_key, embeddings_model;
        /* memory */
        bool retention_off;
        Str memory_rank;
        /* operations */
        Str metrics_token, health_checks;
        bool metrics_public;
        int64_t metrics_port;
} Settings;

/* OFF: "off" is true */
typedef enum SettingKind {
        SET_STR,
        SET_INT,
        SET_NUM,
        SET_BOOL,
        SET_OFF,
        SET_LIST,
        SET_WORD
} SettingKind;
enum { SET_SECRET = 1 << 0 }; /* masked by print */

typedef struct SettingRow {
        const char *name;
        SettingKind kind;
        unsigned flags;
        size_t offset;
        const char *def;   /* as text; NULL = not set */
        double min, max;   /* numbers */
        const char *words; /* SET_WORD: "development|production" */
        const char *group, *doc;
} SettingRow;
extern const SettingRow setting_rows[]; /* ends with name NULL */

typedef struct SettingsSource {
        const char *file;     /* NULL: ./mainstay.yaml when it exists */
        char *const *environ; /* "NAME=value", NULL-terminated */
        /* what the rooms say of the values, so that all faults come at once; may be NULL. A value
         * that was refused before is zero. */
        Err (*rooms)(Ctx *cx, const Settings *set);
} SettingsSource;

/* Everything in the arena. ERR_INVALID: each fault is a field error of cx, pointer = the
 * setting's name. */
Err settings_load(Ctx *cx, const SettingsSource *src, Settings *ret) _must_check_;

/* What PUBLIC_URL is when it is not set. */
Str listen_url(Ctx *cx, Str listen);

typedef enum SettingsForm {
        SETTINGS_TEXT,
        SETTINGS_JSON,
        SETTINGS_MARKDOWN,
        SETTINGS_ENV_EXAMPLE
} SettingsForm;
/* TEXT and JSON print the values in force with secrets masked; MARKDOWN and ENV_EXAMPLE print
 * the table (set may be NULL). */
void settings_print(Ctx *cx, const Settings *set, SettingsForm form, Buf *out);

// SPDX-License-Identifier: MIT
#include "app/settings.h"

#include <stdarg.h>

#include "codec/json.h"
#include "codec/yaml.h"
#include "sys/files.h"

enum { VALUE_MAX = 64 * 1024, ROWS = 128 };

/* A value and where it came from, before it is parsed. */
typedef struct Found {
        Str value;
        const char *from;
} Found;

static Err fault(Ctx *cx, const char *name, const char *fmt, ...) _printf_(3, 4);
static Err fault(Ctx *cx, const char *name, const char *fmt, ...) {
        va_list ap;
        va_start(ap, fmt);
        char text[512];
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        return RAISE_FIELD(cx, name, "%s", text);
}

static const SettingRow *row_find(Str name) {
        for (const SettingRow *r = setting_rows; r->name; r++)
                if (str_eq_nocase(name, str_c(r->name)))
                        return r;
        return NULL;
}

/* Levenshtein distance; names are short. */
static size_t distance(Str a, Str b) {
        size_t row[65];
        a = str_to(a, 64);
        b = str_to(b, 64);
        for (size_t j = 0; j <= b.n; j++)
                row[j] = j;
        for (size_t i = 1; i <= a.n; i++) {
                size_t diagonal = row[0];
                row[0] = i;
                for (size_t j = 1; j <= b.n; j++) {
                        size_t up = row[j];
                        size_t change = diagonal + ((a.p[i - 1] | 0x20) != (b.p[j - 1] | 0x20));
                        row[j] = MIN(change, MIN(row[j - 1], up) + 1);
                        diagonal = up;
                }
        }
        return row[b.n];
}

static const char *nearest(Str name) {
        const char *best = setting_rows[0].name;
        size_t least = SIZE_MAX;
        for (const SettingRow *r = setting_rows; r->name; r++) {
                size_t d = distance(name, str_c(r->name));
                if (d < least) {
                        least = d;
                        best = r->name;
                }
        }
        return best;
}

/* ---- sources ---- */

static void from_file(Ctx *cx, const char *path, bool must_exist, Found *found) {
        Str text;
        Err e = file_read(cx, path, YAML_TEXT_MAX, &text);
        if (e) {
                if (e == ERR_NOT_FOUND && !must_exist)
                        err_clear(cx);
                else
                        fault(cx, path, "the settings file cannot be read");
                return;
        }
        YamlEntries entries;
        /* its sentence becomes the fault of the file */
        Ctx sub = *cx;
        err_clear(&sub);
        if (yaml_read(&sub, text, &entries)) {
                fault(cx, path, "%s", sub.err.what ? sub.err.what : "not a settings file");
                return;
        }
        for (size_t i = 0; i < entries.n; i++) {
                const YamlEntry *y = &entries.v[i];
                const SettingRow *r = row_find(y->key);
                if (r)
                        found[r - setting_rows] = (Found){ y->value, path };
                else
                        fault(cx, arena_cstr(cx->arena, y->key),
                              "line %d: no such setting; nearest is %s", y->line, nearest(y->key));
        }
}

static Str env_get(char *const *environ, const char *name, const char *suffix) {
        size_t n = strlen(name), m = strlen(suffix);
        for (; *environ; environ++)
                if (!strncmp(*environ, name, n) && !strncmp(*environ + n, suffix, m) &&
                    (*environ)[n + m] == '=')
                        return str_c(*environ + n + m + 1);
        return STR_NULL;
}

static void from_environment(Ctx *cx, char *const *environ, const SettingRow *r, Found *found) {
        Str plain = env_get(environ, r->name, "");
        Str file = env_get(environ, r->name, "_FILE");
        if (plain.n && file.n) {
                fault(cx, r->name, "both %s and %s_FILE are set", r->name, r->name);
        } else if (file.n) {
                Str text;
                if (file_read(cx, file.p, VALUE_MAX, &text))
                        fault(cx, r->name, "the file named by %s_FILE cannot be read", r->name);
                else
                        *found = (Found){ str_trim(text), "file" };
        } else if (plain.n) {
                *found = (Found){ plain, "environment" };
        }
}

/* ---- values ---- */

static bool word_is_one_of(Str value, const char *words, Str *ret) {
        Str rest = str_c(words);
        while (rest.p) {
                Str w = str_cut(&rest, '|');
                if (str_eq_nocase(w, value)) {
                        *ret = w;
                        return true;
                }
        }
        return false;
}

static bool bool_parse(Str v, bool *ret) {
        static const char *const yes[] = { "true", "yes", "on", "1" }, *const no[] = { "false",
                                                                                       "no", "off",
                                                                                       "0" };
        for (size_t i = 0; i < ELEMENTSOF(yes); i++)
                if (str_eq_nocase(v, str_c(yes[i])) || str_eq_nocase(v, str_c(no[i]))) {
                        *ret = str_eq_nocase(v, str_c(yes[i]));
                        return true;
                }
        return false;
}

static Strs list_parse(Ctx *cx, Str v) {
        Str *items = NEW_ARRAY(cx->arena, Str, v.n + 1);
        size_t n = 0;
        while (v.p) {
                Str item = str_trim(str_cut(&v, ','));
                if (item.n)
                        items[n++] = arena_dup(cx->arena, item);
        }
        return (Strs){ items, n };
}

static void number_parse(Ctx *cx, const SettingRow *r, Str v, void *member) {
        double f;
        int64_t i = 0;
        if (r->kind == SET_INT ? !str_to_i64(v, &i) : !str_to_f64(v, &f)) {
                fault(cx, r->name, "must be a %snumber", r->kind == SET_INT ? "whole " : "");
                return;
        }
        if (r->kind == SET_INT)
                f = (double)i;
        if (f < r->min || f > r->max)
                fault(cx, r->name, "must be from %.15g to %.15g", r->min, r->max);
        else if (r->kind == SET_INT)
                *(int64_t *)member = i;
        else
                *(double *)member = f;
}

static void value_set(Ctx *cx, const SettingRow *r, Str v, Settings *set) {
        void *member = (char *)set + r->offset;
        bool on;
        switch (r->kind) {
        case SET_STR: *(Str *)member = arena_dup(cx->arena, v); return;
        case SET_LIST: *(Strs *)member = list_parse(cx, v); return;
        case SET_WORD:
                if (!word_is_one_of(v, r->words, member))
                        fault(cx, r->name, "must be one of %s", r->words);
                return;
        case SET_BOOL:
        case SET_OFF:
                if (!bool_parse(v, &on))
                        fault(cx, r->name, "must be %s",
                              r->kind == SET_OFF ? "on or off" : "true or false");
                else
                        *(bool *)member = r->kind == SET_OFF ? !on : on;
                return;
        case SET_INT:
        case SET_NUM: number_parse(cx, r, v, member); return;
        }
}

/* ---- what goes together ---- */

Str listen_url(Ctx *cx, Str listen) {
        return arena_strf(cx->arena, "http://%.*s", STR_FMT(listen));
}

static void derive(Ctx *cx, Settings *s) {
        s->production = str_eq(s->environment, STR("production"));
        if (!s->public_url.n)
                s->public_url = listen_url(cx, s->listen);
        while (s->public_url.n && s->public_url.p[s->public_url.n - 1] == '/')
                s->public_url.n--;
        if (!s->log_level.n)
                s->log_level =
                        str_eq(s->environment, STR("development")) ? STR("DEBUG") : STR("INFO");
}

static bool starts_with_one_of(Str s, const char *a, const char *b) {
        return str_starts(s, str_c(a)) || str_starts(s, str_c(b));
}

static bool is_host_and_port(Str s) {
        size_t host = s.n;
        int64_t port;
        while (host && s.p[host - 1] != ':')
                host--;
        return host > 1 && str_to_i64(str_from(s, host), &port) && port >= 0 && port <= 65535;
}

/* A password in it would be shown wherever the address is. */
static void check_server(Ctx *cx, const char *name, Str url) {
        if (!url.n)
                return;
        Str rest = str_from(url, MIN(str_index(url, '/') + 2, url.n));
        bool has_user = str_contains(str_to(rest, str_index(rest, '/')), STR("@"));
        if (!starts_with_one_of(url, "http://", "https://") || has_user)
                fault(cx, name,
                      "must be like https://models.example/v1, without user and password");
}

static void check_addresses(Ctx *cx, const Settings *s) {
        if (!is_host_and_port(s->listen))
                fault(cx, "LISTEN", "%.*s is not an address such as 127.0.0.1:8080",
                      STR_FMT(s->listen));
        if (!starts_with_one_of(s->public_url, "http://", "https://"))
                fault(cx, "PUBLIC_URL", "must begin with https:// or http://");
        check_server(cx, "LLM_BASE_URL", s->llm_base_url);
        check_server(cx, "EMBEDDINGS_BASE_URL", s->embeddings_base_url);
        if (s->smtp_url.n && !starts_with_one_of(s->smtp_url, "smtp://", "smtps://"))
                fault(cx, "SMTP_URL", "must begin with smtp:// or smtps://");
        for (size_t i = 0; i < s->cors_origins.n; i++) {
                Str o = s->cors_origins.v[i];
                if (!starts_with_one_of(o, "https://", "http://") || str_ends(o, STR("/")))
                        fault(cx, "CORS_ORIGINS",
                              "%.*s is not an origin such as https://app.example.com", STR_FMT(o));
        }
}

static void check(Ctx *cx, const Settings *s) {
        if (s->production && s->limits_off)
                fault(cx, "LIMITS", "may not be off with ENVIRONMENT=production");
        if (s->production && s->skip_auth)
                fault(cx, "SKIP_AUTH", "may not be set with ENVIRONMENT=production");
        if (s->llm_base_url.n && s->llm_providers.n)
                fault(cx, "LLM_PROVIDERS", "use either this or LLM_BASE_URL");
}

Err settings_load(Ctx *cx, const SettingsSource *src, Settings *ret) {
        Found found[ROWS] = { { .value = STR_NULL } };
        Settings set = { .listen = STR_NULL };
        from_file(cx, src->file ? src->file : "mainstay.yaml", src->file != NULL, found);
        for (const SettingRow *r = setting_rows; r->name; r++) {
                Found *f = &found[r - setting_rows];
                from_environment(cx, src->environ, r, f);
                Str v = f->value.n ? f->value : str_c(r->def);
                if (v.p)
                        value_set(cx, r, v, &set);
        }
        derive(cx, &set);
        check_addresses(cx, &set);
        check(cx, &set);
        if ((src->rooms && src->rooms(cx, &set)) || cx->err.fields)
                return ERR_INVALID;
        *ret = set;
        return OK;
}

/* ---- printing ---- */

static void value_text(const SettingRow *r, const Settings *set, Buf *out) {
        const void *member = (const char *)set + r->offset;
        const Str *s = member;
        const Strs *list = member;
        switch (r->kind) {
        case SET_STR:
        case SET_WORD: buf_add(out, r->flags & SET_SECRET && s->n ? STR("********") : *s); return;
        case SET_INT: buf_add_i64(out, *(const int64_t *)member); return;
        case SET_NUM: buf_addf(out, "%g", *(const double *)member); return;
        case SET_BOOL: buf_add_c(out, *(const bool *)member ? "true" : "false"); return;
        case SET_OFF: buf_add_c(out, *(const bool *)member ? "off" : "on"); return;
        case SET_LIST:
                for (size_t i = 0; i < list->n; i++)
                        buf_addf(out, "%s%.*s", i ? "," : "", STR_FMT(list->v[i]));
                return;
        }
}

static void print_value(Ctx *cx, const SettingRow *r, const Settings *set, SettingsForm form,
                        Buf *out) {
        _cleanup_(buf_done) Buf v = BUF(VALUE_MAX);
        value_text(r, set, &v);
        if (form == SETTINGS_TEXT) {
                buf_addf(out, "%s=%s\n", r->name, v.p ? v.p : "");
                return;
        }
        buf_addf(out, "%s\"%s\":", r == setting_rows ? "" : ",", r->name);
        json_write_str(out, buf_str(&v));
}

static void print_markdown(const SettingRow *r, Buf *out) {
        if (r == setting_rows || strcmp(r->group, r[-1].group))
                buf_addf(out, "\n## %s\n\n| setting | default | meaning |\n|---|---|---|\n",
                         r->group);
        buf_addf(out, "| `%s` | %s%s%s | %s", r->name, r->def ? "`" : "", r->def ? r->def : "",
                 r->def ? "`" : "", r->doc);
        if (r->words) {
                buf_add_c(out, " One of: ");
                Str rest = str_c(r->words);
                for (const char *comma = ""; rest.p; comma = ", ") {
                        Str word = str_cut(&rest, '|');
                        buf_addf(out, "%s`%.*s`", comma, STR_FMT(word));
                }
                buf_addc(out, '.');
        }
        if (r->max > 0)
                buf_addf(out, " From %.15g to %.15g.", r->min, r->max);
        buf_add_c(out, r->flags & SET_SECRET ? " Secret. |\n" : " |\n");
}

static void print_env(const SettingRow *r, Buf *out) {
        if (r == setting_rows || strcmp(r->group, r[-1].group))
                buf_addf(out, "\n### %s\n", r->group);
        buf_addf(out, "\n# %s\n# %s=%s\n", r->doc, r->name, r->def ? r->def : "");
}

void settings_print(Ctx *cx, const Settings *set, SettingsForm form, Buf *out) {
        if (form == SETTINGS_MARKDOWN)
                buf_add_c(out, "# Settings\n\nPrinted by `mainstay config print --markdown`. Each "
                               "may be set in the environment, as `NAME_FILE` (a file that holds "
                               "the value), or in `mainstay.yaml` as `NAME: value`.\n");
        if (form == SETTINGS_ENV_EXAMPLE)
                buf_add_c(out, "# Printed by `mainstay config print --env-example`. Uncomment what "
                               "you change.\n");
        if (form == SETTINGS_JSON)
                buf_addc(out, '{');
        for (const SettingRow *r = setting_rows; r->name; r++) {
                if (form == SETTINGS_MARKDOWN)
                        print_markdown(r, out);
                else if (form == SETTINGS_ENV_EXAMPLE)
                        print_env(r, out);
                else
                        print_value(cx, r, set, form, out);
        }
        if (form == SETTINGS_JSON)
                buf_add_c(out, "}\n");
}

// SPDX-License-Identifier: MIT
/* What administrators are told about the program: /status and the metric of the build. */
#include "app/about.h"

#include "codec/json.h"
#include "codec/when.h"
#include "crypto/hash.h"
#include "crypto/library.h"
#include "store/db.h"
#include "web/client_wire.h"

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* "Nov  6 2026" and "14:03:09", as the compiler says them. */
static Str built_at(Ctx *cx) {
        static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        const char *date = __DATE__;
        char name[4] = { date[0], date[1], date[2], 0 };
        int day = (date[4] == ' ' ? 0 : date[4] - '0') * 10 + date[5] - '0';
        int month = (int)(strstr(months, name) - months) / 3 + 1;
        return arena_strf(cx->arena, "%s-%02d-%02dT%sZ", date + 7, month, day, __TIME__);
}

static void add_member(Buf *out, const char *name, const char *value) {
        buf_addf(out, "%s\"%s\":", out->p[out->n - 1] == '{' ? "" : ",", name);
        json_write_str(out, str_c(value));
}

/* "address,undefined" or "none" */
static void add_sanitizers(Buf *out) {
        Str rest = strcmp(SANITIZERS, "none") ? STR(SANITIZERS) : STR_NULL;
        buf_add_c(out, ",\"sanitizers\":[");
        for (const char *comma = ""; rest.p; comma = ",") {
                buf_add_c(out, comma);
                json_write_str(out, str_cut(&rest, ','));
        }
        buf_addc(out, ']');
}

static Str build_json(Ctx *cx) {
        _cleanup_(buf_done) Buf out = BUF(4096);
        buf_addc(&out, '{');
        add_member(&out, "revision", about_revision);
        add_member(&out, "built_at", built_at(cx).p);
        add_member(&out, "compiler", COMPILER);
        add_sanitizers(&out);
        buf_add_c(&out, ",\"libraries\":{");
        add_member(&out, "libmicrohttpd", server_library());
        add_member(&out, "libcurl", client_library());
        add_member(&out, "sqlite", db_library());
        add_member(&out, "jansson", json_library());
        add_member(&out, "openssl", openssl_library());
        add_member(&out, "libsodium", sodium_library());
        buf_add_c(&out, "}}");
        return arena_dup(cx->arena, buf_str(&out));
}

/* Two servers with the same digest run with the same settings; secrets count as set or not set. */
static Str digest(Ctx *cx, const Settings *set) {
        _cleanup_(buf_done) Buf text = BUF(1024 * 1024);
        unsigned char hash[SHA256_SIZE];
        char hex[2 * SHA256_SIZE + 1];
        settings_print(cx, set, SETTINGS_JSON, &text);
        sha256(buf_str(&text), hash);
        for (size_t i = 0; i < SHA256_SIZE; i++)
                snprintf(hex + 2 * i, 3, "%02x", hash[i]);
        return arena_strf(cx->arena, "sha256:%s", hex);
}

static Str features_json(Ctx *cx, const App *a) {
        const Settings *s = &a->set;
        const struct {
                const char *name;
                bool on;
        } all[] = {
                { "language_model", a->sv.llm_configured },
                { "extraction_by_model", a->sv.llm_configured && s->llm_extraction },
                { "embeddings", s->embeddings_base_url.n > 0 },
                { "mail", a->sv.mail_configured },
                { "registration", !s->registration_closed },
                { "limits", !s->limits_off },
                { "skip_auth", s->skip_auth },
                { "retention", !s->retention_off },
                { "foreign_sessions", s->nextauth_secret.n || s->auth_secret.n },
                { "log_file", s->log_file.n > 0 },
                { "management_port", s->metrics_port > 0 },
        };
        _cleanup_(buf_done) Buf out = BUF(4096);
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                buf_addf(&out, "%s\"%s\":%s", i ? "," : "{", all[i].name,
                         all[i].on ? "true" : "false");
        buf_addc(&out, '}');
        return arena_dup(cx->arena, buf_str(&out));
}

void about_make(Ctx *cx, void *app, About *ret) {
        const App *a = app;
        *ret = (About){ build_json(cx), digest(cx, &a->set), features_json(cx, a) };
}

// SPDX-License-Identifier: MIT
#include <termios.h>
#include <unistd.h>

#include "app/command.h"
#include "codec/json.h"
#include "codec/radix.h"
#include "codec/when.h"
#include "identity/account.h"
#include "identity/audit.h"
#include "identity/operate.h"
#include "identity/signing_key.h"

enum { PASSWORD_LINE_MAX = 512, LIST_PAGE = 200, GENERATED_PASSWORD = 20, IMPORT_LINE_MAX = 16384 };

static const char in_use[] = "A server is running on this data; use its admin routes "
                             "(/api/v1/admin/users), or stop it first.";

/* ---- the room, opened for one command ---- */

static int identity_open(Cmd *c, App *a) {
        Settings set;
        int rc = cmd_settings(c, &set);
        if (rc)
                return rc;
        /* an operator makes accounts also when the public may not */
        set.registration_closed = false;
        Err e = app_open(c->cx, &set, APP_IDENTITY, a);
        if (e == ERR_CONFLICT && str_contains(str_c(c->cx->err.what), STR("in use")))
                c->cx->err.what = in_use;
        return e ? cmd_fail(c, e) : EXIT_FINE;
}

static int with_identity(Cmd *c, Err (*fn)(Cmd *c, App *a)) {
        App a = { .arena = NULL };
        int rc = identity_open(c, &a);
        if (!rc) {
                Err e = fn(c, &a);
                rc = e ? cmd_fail(c, e) : EXIT_FINE;
                if (e == ERR_INVALID)
                        rc = EXIT_USAGE; /* an argument, not a setting */
        }
        app_close(&a);
        return rc;
}

/* ---- user ---- */

/* From standard input; without echo on a terminal. Nothing typed or no terminal line: STR_NULL. */
static Str password_read(Ctx *cx) {
        char line[PASSWORD_LINE_MAX];
        struct termios before, quiet;
        bool terminal = isatty(0) && !tcgetattr(0, &before);
        if (terminal) {
                fputs("Password (empty: one is made): ", stderr);
                quiet = before;
                quiet.c_lflag &= ~(tcflag_t)ECHO;
                tcsetattr(0, TCSAFLUSH, &quiet);
        }
        char *got = fgets(line, sizeof line, stdin);
        if (terminal) {
                tcsetattr(0, TCSAFLUSH, &before);
                fputc('\n', stderr);
        }
        Str text = got ? str_to(str_c(line), strcspn(line, "\n")) : STR_NULL;
        Str copy = text.n ? arena_dup(cx->arena, text) : STR_NULL;
        secret_wipe(line, sizeof line);
        return copy;
}

static Str password_make(Ctx *cx) {
        char text[GENERATED_PASSWORD];
        base62_random(cx, text, sizeof text);
        return arena_dup(cx->arena, str_n(text, sizeof text));
}

static void user_print(const Cmd *c, const User *u) {
        if (!c->json) {
                printf("%.*s  %-10s %-8s %-5s  %.*s\n", STR_FMT(u->user_id),
                       tier_limits[u->tier].name, u->is_active ? "active" : "disabled",
                       u->is_admin ? "admin" : "", STR_FMT(u->email));
                return;
        }
        _cleanup_(buf_done) Buf b = BUF(16 * 1024);
        buf_add_c(&b, "{\"user_id\":");
        json_write_str(&b, u->user_id);
        buf_add_c(&b, ",\"email\":");
        json_write_str(&b, u->email.p ? u->email : STR(""));
        buf_addf(&b, ",\"tier\":\"%s\",\"is_active\":%s,\"is_admin\":%s,\"created_at\":\"%.*s\"}",
                 tier_limits[u->tier].name, u->is_active ? "true" : "false",
                 u->is_admin ? "true" : "false", STR_FMT(when_format(c->cx->arena, u->created_at)));
        puts(b.p);
}

static Err user_create(Cmd *c, App *a) {
        const char *tier = cmd_value(c, "--tier");
        UserNew new = { .email = str_c(c->args[1]),
                        .is_admin = cmd_has(c, "--admin"),
                        .is_verified = true };
        User u;
        if (tier && !tier_parse(str_c(tier), &new.tier))
                return RAISE(c->cx, ERR_INVALID, "The tier is free, pro or enterprise.");
        Str typed = password_read(c->cx);
        new.password = typed.p ? typed : password_make(c->cx);
        TRY(operate_user_create(c->cx, a->identity, &new, &u));
        user_print(c, &u);
        if (!typed.p)
                fprintf(stderr, "Password: %.*s\n", STR_FMT(new.password));
        return OK;
}

typedef struct Edit {
        int active;
        const char *tier;
} Edit; /* active -1, tier NULL: as it is */

static Err edit(Cmd *c, App *a, const Edit *e) {
        User u;
        TRY(operate_user_find(c->cx, a->identity, str_c(c->args[1]), &u));
        if (e->active >= 0)
                u.is_active = e->active;
        if (e->tier && !tier_parse(str_c(e->tier), &u.tier))
                return RAISE(c->cx, ERR_INVALID, "The tier is free, pro or enterprise.");
        TRY(operate_user_save(c->cx, a->identity, &u));
        user_print(c, &u);
        return OK;
}

static Err user_disable(Cmd *c, App *a) { return edit(c, a, &(Edit){ .active = false }); }
static Err user_enable(Cmd *c, App *a) { return edit(c, a, &(Edit){ .active = true }); }
static Err user_tier(Cmd *c, App *a) {
        return edit(c, a, &(Edit){ .active = -1, .tier = c->args[2] });
}

static Err user_list_all(Cmd *c, App *a) {
        UserFilter f = { .tier = -1, .is_active = -1, .limit = LIST_PAGE };
        for (size_t n = LIST_PAGE; n == LIST_PAGE;) {
                DbConn *conn;
                User *v;
                TRY(db_read(c->cx, a->db, &conn));
                TRY(user_list(c->cx, &(Work){ .id = a->identity, .c = conn }, &f, &v, &n));
                for (size_t i = 0; i < n; i++)
                        user_print(c, &v[i]);
                if (n) {
                        f.after_ms = v[n - 1].created_at;
                        f.after_id = v[n - 1].user_id;
                }
        }
        return OK;
}

static Err user_reset(Cmd *c, App *a) {
        User u;
        Str link;
        TRY(operate_user_find(c->cx, a->identity, str_c(c->args[1]), &u));
        TRY(operate_user_reset(c->cx, a->identity, &u, &link));
        printf("%.*s\n", STR_FMT(link));
        return OK;
}

static Err user_link(Cmd *c, App *a) {
        User u;
        TRY(operate_user_find(c->cx, a->identity, str_c(c->args[1]), &u));
        TRY(operate_user_link(c->cx, a->identity,
                              &(UserLink){ str_c(c->args[2]), str_c(c->args[3]), u.user_id }));
        user_print(c, &u);
        return OK;
}

/* A bad line is told and passed over; what came before and after it stands. */
static void import_line(Cmd *c, App *a, Str line, int64_t number, int64_t counts[2]) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = c->cx->world };
        User u;
        Err e = operate_user_import(&cx, a->identity, line, &u);
        counts[e == OK]++;
        if (e)
                fprintf(stderr, "line %lld: %s%s%.*s\n", (long long)number, err_info[e].text,
                        cx.err.fields ? ": " : "",
                        STR_FMT(cx.err.fields ? cx.err.fields->pointer : STR_NULL));
}

/* The next line without its end, cut to IMPORT_LINE_MAX but counted whole; false: none is left. */
static bool line_read(FILE *f, char line[IMPORT_LINE_MAX], size_t *ret_n) {
        size_t n = 0;
        int ch;
        while ((ch = getc(f)) != EOF && ch != '\n') {
                if (n < IMPORT_LINE_MAX)
                        line[n] = (char)ch;
                n++;
        }
        *ret_n = n;
        return n || ch != EOF;
}

static Err user_import(Cmd *c, App *a) {
        char line[IMPORT_LINE_MAX];
        size_t n;
        int64_t counts[2] = { 0, 0 }, number = 0;
        FILE *f = fopen(c->args[1], "re");
        if (!f)
                return RAISE(c->cx, ERR_NOT_FOUND, "There is no file %s.", c->args[1]);
        while (line_read(f, line, &n)) {
                Str text = str_trim(str_n(line, MIN(n, (size_t)IMPORT_LINE_MAX)));
                number++;
                if (n > IMPORT_LINE_MAX) {
                        fprintf(stderr, "line %lld: longer than %d bytes\n", (long long)number,
                                IMPORT_LINE_MAX);
                        counts[false]++;
                } else if (text.n) {
                        import_line(c, a, text, number, counts);
                }
        }
        bool is_broken = ferror(f);
        fclose(f);
        printf(c->json ? "{\"imported\":%lld,\"refused\":%lld}\n" : "%lld imported, %lld refused\n",
               (long long)counts[1], (long long)counts[0]);
        if (is_broken)
                return RAISE(c->cx, ERR_UNAVAILABLE, "%s cannot be read to its end.", c->args[1]);
        if (counts[0])
                return RAISE(c->cx, ERR_CONFLICT, "%lld lines were refused.", (long long)counts[0]);
        return OK;
}

typedef struct Word {
        const char *word;
        int n_args;
        Err (*fn)(Cmd *c, App *a);
} Word;

static int run_word(Cmd *c, const Word *words, const char *usage) {
        for (const Word *w = words; w->word; w++)
                if (c->n_args && !strcmp(c->args[0], w->word) && c->n_args == w->n_args)
                        return with_identity(c, w->fn);
        return cmd_usage_error(c, "usage: mainstay %s", usage);
}

static const char user_usage[] =
        "user create EMAIL | list | disable EMAIL | enable EMAIL | tier EMAIL TIER | reset EMAIL"
        " | import FILE | link EMAIL SOURCE SUBJECT";

static int user(Cmd *c) {
        static const Word words[] = {
                { "create", 2, user_create },
                { "list", 1, user_list_all },
                { "disable", 2, user_disable },
                { "enable", 2, user_enable },
                { "tier", 3, user_tier },
                { "reset", 2, user_reset },
                { "import", 2, user_import },
                { "link", 4, user_link },
                { NULL, 0, NULL },
        };
        return run_word(c, words, user_usage);
}

/* ---- keys ---- */

static Err keys_list(Cmd *c, App *a) {
        SigningKeyInfo *v;
        size_t n;
        TRY(signing_keys_list(c->cx, identity_signing_keys(a->identity), &v, &n));
        for (size_t i = 0; i < n; i++) {
                Str from = when_format(c->cx->arena, v[i].active_from);
                const char *state = v[i].is_current   ? "current"
                                    : v[i].retired_at ? "retired"
                                                      : "published";
                if (c->json)
                        printf("{\"kid\":\"%.*s\",\"active_from\":\"%.*s\",\"state\":\"%s\"}\n",
                               STR_FMT(v[i].kid), STR_FMT(from), state);
                else
                        printf("%.*s  from %.*s  %s\n", STR_FMT(v[i].kid), STR_FMT(from), state);
        }
        return OK;
}

static Err rotate_write(Ctx *cx, DbConn *c, void *arg) {
        App *a = arg;
        int64_t from = cx_now_ms(cx) + (int64_t)SIGNING_LEAD_S * 1000;
        return signing_key_add(cx, identity_signing_keys(a->identity), a->identity, c, from);
}

static Err keys_rotate(Cmd *c, App *a) {
        TRY(db_write(c->cx, a->db, rotate_write, a));
        return keys_list(c, a);
}

typedef struct Retire {
        App *a;
        Str kid;
} Retire;

static Err retire_write(Ctx *cx, DbConn *c, void *arg) {
        Retire *r = arg;
        return signing_key_retire(cx, identity_signing_keys(r->a->identity), r->a->identity, c,
                                  r->kid);
}

static Err keys_retire(Cmd *c, App *a) {
        TRY(db_write(c->cx, a->db, retire_write, &(Retire){ a, str_c(c->args[1]) }));
        return keys_list(c, a);
}

static Err keys_rotate_root(Cmd *c, App *a) {
        int64_t n;
        TRY(operate_root_rotate(c->cx, a->identity, &n));
        printf(c->json ? "{\"resealed\":%lld}\n"
                       : "A new root key; %lld user keys are sealed under it.\n",
               (long long)n);
        return OK;
}

static const char keys_usage[] = "keys list | rotate | retire KID | rotate-root";

static int keys(Cmd *c) {
        static const Word words[] = {
                { "list", 1, keys_list },
                { "rotate", 1, keys_rotate },
                { "retire", 2, keys_retire },
                { "rotate-root", 1, keys_rotate_root },
                { NULL, 0, NULL },
        };
        return run_word(c, words, keys_usage);
}

/* ---- audit ---- */

static Err audit_verify_all(Cmd *c, App *a) {
        DbConn *conn;
        AuditVerdict v;
        TRY(db_read(c->cx, a->db, &conn));
        TRY(audit_verify(c->cx, identity_audit(a->identity), conn, &v));
        printf(c->json ? "{\"records\":%lld,\"checkpoints\":%lld,\"bad_seq\":%lld,\"fault\":\"%s\"}"
                         "\n"
                       : "%lld records, %lld checkpoints, first bad record %lld %s\n",
               (long long)v.records, (long long)v.checkpoints, (long long)v.bad_seq,
               v.fault ? v.fault : "");
        return v.bad_seq || v.fault
                ? RAISE(c->cx, ERR_CORRUPT,
                        "The audit log is not what was written: %s at record %lld.",
                        v.fault ? v.fault : "fault", (long long)v.bad_seq) : OK;
}

static void record_print(Ctx *cx, const AuditRecord *r) {
        const struct {
                const char *name;
                Str value;
        } texts[] = {
                { "event", r->event },
                { "outcome", r->outcome },
                { "actor_type", r->actor_type },
                { "actor_id", r->actor_id },
                { "target_type", r->target_type },
                { "target_id", r->target_id },
                { "trace_id", r->trace_id },
                { "reason", r->reason },
                { "owner", r->owner },
                { "client", hex_encode(cx->arena, r->client) },
                { "prev_hash", hex_encode(cx->arena, r->prev_hash) },
                { "hash", hex_encode(cx->arena, r->hash) },
        };
        _cleanup_(buf_done) Buf b = BUF(64 * 1024);
        buf_addf(&b, "{\"seq\":%lld,\"ts_ms\":%lld", (long long)r->seq, (long long)r->ts_ms);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                buf_addf(&b, ",\"%s\":", texts[i].name);
                json_write_str(&b, texts[i].value.p ? texts[i].value : STR(""));
        }
        buf_addc(&b, '}');
        puts(b.p);
}

static Err audit_export(Cmd *c, App *a) {
        int64_t after = 0;
        for (size_t n = LIST_PAGE; n == LIST_PAGE;) {
                DbConn *conn;
                AuditRecords v;
                TRY(db_read(c->cx, a->db, &conn));
                TRY(audit_scan(c->cx, conn, after, LIST_PAGE, &v));
                for (size_t i = 0; i < v.n; i++)
                        record_print(c->cx, &v.v[i]);
                n = v.n;
                after = n ? v.v[n - 1].seq : after;
        }
        return OK;
}

static const char audit_usage[] = "audit verify | export";

static int audit(Cmd *c) {
        static const Word words[] = {
                { "verify", 1, audit_verify_all },
                { "export", 1, audit_export },
                { NULL, 0, NULL },
        };
        return run_word(c, words, audit_usage);
}

const Command commands_identity[] = {
        { .name = "user",
          .usage = user_usage,
          .flags = "--tier= --admin",
          .run = user,
          .summary = "Accounts, while the server is stopped",
          .help = "create reads the password from standard input; --tier and --admin apply to it. "
                  "reset prints a link that sets a new password. link makes a SUBJECT of SOURCE, "
                  "service or authjs, this user. import takes JSON lines with "
                  "email, "
                  "password_hash (bcrypt or argon2id) or password, full_name, tier, created_at, "
                  "is_verified." },
        { .name = "keys",
          .usage = keys_usage,
          .run = keys,
          .summary = "Keys that sign access tokens",
          .help = "A new key is published ten minutes before its first use; retire ends an old one "
                  "at once." },
        { .name = "audit",
          .usage = audit_usage,
          .run = audit,
          .summary = "Prove the audit log, or print it as JSON lines" },
        { .name = NULL },
};

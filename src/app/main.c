// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <unistd.h>

#include "app/command.h"
#include "base/log.h"
#include "codec/json.h"

static const Command *const tables[] = { commands_serve, commands_store, commands_identity,
                                         commands_info, NULL };

/* ---- help ---- */

static int help_print(void) {
        printf("mainstay %s: the backend an AI product stands on\n\nusage: mainstay COMMAND "
               "[ARGUMENTS] [--config FILE] [--json]\n\n",
               MAINSTAY_VERSION);
        for (const Command *const *t = tables; *t; t++)
                for (const Command *c = *t; c->name; c++)
                        printf("  %-28s %s\n", c->usage, c->summary);
        printf("\nEvery command knows --help. Settings come from the environment and "
               "mainstay.yaml; see `mainstay config print`.\n"
               "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 settings refused.\n");
        return EXIT_FINE;
}

static int command_help(const Command *c) {
        printf("usage: mainstay %s\n\n%s.\n", c->usage, c->summary);
        if (c->help)
                printf("\n%s\n", c->help);
        return EXIT_FINE;
}

/* ---- what commands share ---- */

bool cmd_has(const Cmd *c, const char *flag) {
        for (int i = 0; i < c->n_flags; i++)
                if (!strcmp(c->flags[i], flag))
                        return true;
        return false;
}

const char *cmd_value(const Cmd *c, const char *flag) {
        size_t n = strlen(flag);
        for (int i = 0; i < c->n_flags; i++)
                if (!strncmp(c->flags[i], flag, n) && c->flags[i][n] == '=')
                        return c->flags[i] + n + 1;
        return NULL;
}

int cmd_usage_error(const Cmd *c, const char *fmt, ...) {
        va_list ap;
        va_start(ap, fmt);
        fputs("mainstay: ", stderr);
        vfprintf(stderr, fmt, ap);
        fputs("\nSee `mainstay --help`.\n", stderr);
        va_end(ap);
        return EXIT_USAGE;
}

static void fail_json(const Cmd *c, Err e, const char *text) {
        _cleanup_(buf_done) Buf b = BUF(16 * 1024);
        buf_addf(&b, "{\"error\":\"%s\",\"message\":", err_info[e].name);
        json_write_str(&b, str_c(text));
        fprintf(stderr, "%s}\n", b.p);
}

int cmd_fail(const Cmd *c, Err e) {
        const char *text = c->cx->err.what ? c->cx->err.what : err_info[e].text;
        if (c->json)
                fail_json(c, e, text);
        else
                fprintf(stderr, "mainstay: %s\n", text);
        return e == ERR_INVALID ? EXIT_CONFIG : EXIT_FAILED;
}

static void faults_json(const FieldErr *f) {
        _cleanup_(buf_done) Buf b = BUF(256 * 1024);
        buf_add_c(&b, "{\"error\":\"settings_refused\",\"faults\":[");
        for (const char *comma = ""; f; f = f->next, comma = ",") {
                buf_addf(&b, "%s{\"setting\":", comma);
                json_write_str(&b, f->pointer);
                buf_add_c(&b, ",\"detail\":");
                json_write_str(&b, f->detail);
                buf_addc(&b, '}');
        }
        fprintf(stderr, "%s]}\n", b.p);
}

int cmd_settings(const Cmd *c, Settings *ret) {
        SettingsSource src = { .file = c->config, .environ = environ, .rooms = app_check };
        if (!settings_load(c->cx, &src, ret))
                return EXIT_FINE;
        if (c->json) {
                faults_json(c->cx->err.fields);
                return EXIT_CONFIG;
        }
        for (const FieldErr *f = c->cx->err.fields; f; f = f->next)
                fprintf(stderr, "mainstay: %.*s: %.*s\n", STR_FMT(f->pointer), STR_FMT(f->detail));
        return EXIT_CONFIG;
}

void cmd_progress(void *arg, int64_t done, int64_t all) {
        if (isatty(2) && all > 0)
                fprintf(stderr, "\r%s %3d %%", (const char *)arg, (int)(done * 100 / all));
}

void cmd_progress_end(void) {
        if (isatty(2))
                fputs("\r\033[K", stderr);
}

/* ---- parsing ---- */

static const Command *command_find(const char *name) {
        for (const Command *const *t = tables; *t; t++)
                for (const Command *c = *t; c->name; c++)
                        if (!strcmp(c->name, name))
                                return c;
        return NULL;
}

/* "--to=" in the list takes a value, as --to=3 or --to 3; "--yes" takes none. */
static bool flag_known(const Command *cmd, const char *arg, bool *ret_takes_value) {
        Str rest = str_c(cmd->flags ? cmd->flags : "");
        Str name = str_to(str_c(arg), strcspn(arg, "="));
        while (rest.p) {
                Str known = str_cut(&rest, ' ');
                *ret_takes_value = str_ends(known, STR("="));
                known.n -= *ret_takes_value;
                if (known.n && str_eq(known, name) && (*ret_takes_value || name.n == strlen(arg)))
                        return true;
        }
        return false;
}

static int take_option(Cmd *c, const Command *cmd, char ***at) {
        char *arg = **at;
        bool takes_value;
        if (!strcmp(arg, "--json")) {
                c->json = true;
        } else if (!strncmp(arg, "--config", 8) && (arg[8] == '=' || !arg[8])) {
                c->config = arg[8] ? arg + 9 : *++*at;
                if (!c->config)
                        return cmd_usage_error(c, "--config needs a file");
        } else if (!flag_known(cmd, arg, &takes_value)) {
                return cmd_usage_error(c, "%s does not know %s", cmd->name, arg);
        } else if (c->n_flags == ELEMENTSOF(c->flags)) {
                return cmd_usage_error(c, "too many options");
        } else if (takes_value && !strchr(arg, '=')) {
                if (!(*at)[1])
                        return cmd_usage_error(c, "%s needs a value", arg);
                c->flags[c->n_flags++] = arena_printf(c->cx->arena, "%s=%s", arg, *++*at);
        } else {
                c->flags[c->n_flags++] = arg;
        }
        return EXIT_FINE;
}

static int command_run(Ctx *cx, const Command *cmd, char **argv) {
        Cmd c = { .cx = cx, .args = argv };
        for (char **at = argv; *at; at++) {
                if (!strcmp(*at, "--help") || !strcmp(*at, "-h"))
                        return command_help(cmd);
                if (!strncmp(*at, "--", 2)) {
                        int rc = take_option(&c, cmd, &at);
                        if (rc)
                                return rc;
                } else {
                        argv[c.n_args++] = *at;
                }
        }
        argv[c.n_args] = NULL;
        return cmd->run(&c);
}

int main(int argc, char **argv) {
        if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
            !strcmp(argv[1], "help"))
                return help_print();
        const Command *cmd = command_find(!strcmp(argv[1], "--version") ? "version" : argv[1]);
        if (!cmd)
                return cmd_usage_error(&(Cmd){ .n_args = 0 }, "no command %s", argv[1]);
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        int rc = command_run(&cx, cmd, argv + 2);
        log_stop();
        return fflush(stdout) ? EXIT_FAILED : rc;
}

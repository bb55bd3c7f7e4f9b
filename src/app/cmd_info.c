// SPDX-License-Identifier: MIT
#include "app/command.h"
#include "web/client.h"

enum { PRINT_MAX = 8 * 1024 * 1024 };

static int print_buf(const Buf *b) {
        return fwrite(b->p, 1, b->n, stdout) == b->n ? EXIT_FINE : EXIT_FAILED;
}

static int config_print(Cmd *c) {
        Settings set = { .listen = STR_NULL };
        _cleanup_(buf_done) Buf out = BUF(PRINT_MAX);
        bool table = cmd_has(c, "--markdown") || cmd_has(c, "--env-example");
        int rc = table ? EXIT_FINE : cmd_settings(c, &set);
        if (rc)
                return rc;
        SettingsForm form = cmd_has(c, "--markdown")      ? SETTINGS_MARKDOWN
                            : cmd_has(c, "--env-example") ? SETTINGS_ENV_EXAMPLE
                            : c->json                     ? SETTINGS_JSON
                                                          : SETTINGS_TEXT;
        settings_print(c->cx, &set, form, &out);
        return print_buf(&out);
}

static int config_check(Cmd *c) {
        Settings set;
        int rc = cmd_settings(c, &set);
        if (!rc)
                printf(c->json ? "{\"status\":\"ok\"}\n" : "The settings are fine.\n");
        return rc;
}

static int config(Cmd *c) {
        if (c->n_args == 1 && !strcmp(c->args[0], "print"))
                return config_print(c);
        if (c->n_args == 1 && !strcmp(c->args[0], "check"))
                return config_check(c);
        return cmd_usage_error(c, "config needs `check` or `print`");
}

static int openapi(Cmd *c) {
        _cleanup_(buf_done) Buf out = BUF(PRINT_MAX);
        if (cmd_has(c, "--routes"))
                routes_write(&out, route_tables);
        else
                openapi_write(&out, route_tables, STR(MAINSTAY_VERSION),
                              STR("http://127.0.0.1:8080"));
        return print_buf(&out);
}

static int version(Cmd *c) {
        printf(c->json ? "{\"version\":\"%s\"}\n" : "mainstay %s\n", MAINSTAY_VERSION);
        return EXIT_FINE;
}

const Command commands_info[] = {
        { .name = "config",
          .usage = "config check|print",
          .flags = "--markdown --env-example",
          .run = config,
          .summary = "Check the settings, or print those in force",
          .help = "print masks secrets; --markdown prints the reference page, --env-example a "
                  "sample environment." },
        { .name = "openapi",
          .usage = "openapi [--routes]",
          .flags = "--routes",
          .run = openapi,
          .summary = "Print the OpenAPI document",
          .help = "--routes prints the rows with their policies and errors instead." },
        { .name = "version", .usage = "version", .run = version, .summary = "Print the version" },
        { .name = NULL },
};

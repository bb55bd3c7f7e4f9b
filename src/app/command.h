// SPDX-License-Identifier: MIT
#pragma once
/* command: the command line. One row per command; help is printed from the rows. */
#include "app/app.h"

/* Exit codes, stated by `mainstay --help`. */
typedef enum Exit { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3 } Exit;

typedef struct Cmd {
        Ctx *cx;
        /* what follows the command's name, options taken out; NULL-terminated */
        char **args;
        int n_args;
        const char *config; /* --config FILE */
        /* the other options as given, "--yes" or "--tier=pro" */
        const char *flags[16];
        int n_flags;
        bool json; /* --json */
} Cmd;

typedef struct Command {
        const char *name, *usage, *summary, *help;
        /* "--status --to=": the options it knows besides --json, --config, --help */
        const char *flags;
        int (*run)(Cmd *c);
} Command;

/* end with name NULL */
extern const Command commands_serve[], commands_store[], commands_info[], commands_identity[];

bool cmd_has(const Cmd *c, const char *flag); /* "--yes" */
/* "--tier" → its value; NULL when absent */
const char *cmd_value(const Cmd *c, const char *flag);
int cmd_usage_error(const Cmd *c, const char *fmt, ...) _printf_(2, 3);
/* One sentence on stderr (or JSON with --json) from cx->err, and the exit code. */
int cmd_fail(const Cmd *c, Err e);
/* Settings for this command; prints every fault. Returns EXIT_FINE or EXIT_CONFIG. */
int cmd_settings(const Cmd *c, Settings *ret);
/* Progress on a terminal, for what takes longer than a second; nothing elsewhere. */
void cmd_progress(void *arg, int64_t done, int64_t all); /* arg: const char *label */
void cmd_progress_end(void);

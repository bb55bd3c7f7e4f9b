// SPDX-License-Identifier: MIT
#include <limits.h>
#include <unistd.h>

#include "app/command.h"
#include "codec/when.h"

/* ---- migrate ---- */

static Err open_unmigrated(Ctx *cx, const Settings *set, Db **ret) {
        const char *path;
        TRY(app_db_path(cx, set, &path));
        return db_open(cx, &(DbSettings){ .path = path, .migrations = app_migrations }, ret);
}

static Err status_print(const Cmd *c, Db *db) {
        MigrationState *v;
        size_t n;
        TRY(db_migrate_status(c->cx, db, &v, &n));
        printf(c->json ? "[" : "");
        for (size_t i = 0; i < n; i++) {
                Str at = v[i].applied ? when_format(c->cx->arena, v[i].applied_at) : STR("-");
                if (c->json)
                        printf("%s{\"number\":%d,\"name\":\"%s\",\"applied\":%s}", i ? "," : "",
                               v[i].number, v[i].name, v[i].applied ? "true" : "false");
                else
                        printf("%4d  %-24.*s  %s\n", v[i].number, STR_FMT(at), v[i].name);
        }
        printf(c->json ? "]\n" : "");
        return OK;
}

static int migrate(Cmd *c) {
        Settings set;
        int64_t to = INT_MAX;
        const char *target = cmd_value(c, "--to");
        if (target && (!str_to_i64(str_c(target), &to) || to < 0 || to > INT_MAX))
                return cmd_usage_error(c, "--to needs the number of a migration");
        int rc = cmd_settings(c, &set);
        if (rc)
                return rc;
        _cleanup_(db_closep) Db *db = NULL;
        Err e = open_unmigrated(c->cx, &set, &db);
        if (!e && !cmd_has(c, "--status"))
                e = db_migrate_to(c->cx, db, (int)to);
        if (!e)
                e = status_print(c, db);
        return e ? cmd_fail(c, e) : EXIT_FINE;
}

/* ---- backup and restore ---- */

/* Also while a server has the database open: it reads one snapshot beside it. */
static Err backup_write(Cmd *c, const Settings *set) {
        const char *path;
        _cleanup_(db_closep) Db *db = NULL;
        TRY(app_db_path(c->cx, set, &path));
        if (access(path, F_OK))
                return RAISE(c->cx, ERR_NOT_FOUND, "There is no database %s.", path);
        TRY(db_open(c->cx,
                    &(DbSettings){ .path = path, .migrations = app_migrations, .beside = true },
                    &db));
        return db_backup(c->cx, db, c->args[0], cmd_progress, (void *)"backing up");
}

static int backup(Cmd *c) {
        Settings set;
        if (c->n_args != 1)
                return cmd_usage_error(c, "backup needs the file to write");
        int rc = cmd_settings(c, &set);
        if (rc)
                return rc;
        Err e = backup_write(c, &set);
        cmd_progress_end();
        if (e)
                return cmd_fail(c, e);
        if (!c->json)
                printf("Backup written to %s. Keep the root key apart from it: without the key it "
                       "cannot be read.\n",
                       c->args[0]);
        else
                printf("{\"status\":\"written\"}\n");
        return EXIT_FINE;
}

static int restore(Cmd *c) {
        Settings set;
        if (c->n_args != 1)
                return cmd_usage_error(c, "restore needs the backup to read");
        int rc = cmd_settings(c, &set);
        if (rc)
                return rc;
        const char *path;
        Err e = app_db_path(c->cx, &set, &path);
        if (!e && !access(path, F_OK) && !cmd_has(c, "--replace"))
                return cmd_usage_error(c, "%s exists; add --replace to put the backup in its place",
                                       path);
        if (!e)
                e = db_restore(c->cx, &(DbSettings){ .path = path, .migrations = app_migrations },
                               c->args[0]);
        if (e)
                return cmd_fail(c, e);
        printf(c->json ? "{\"status\":\"restored\"}\n"
                       : "Restored. Start the server with the root key of that backup.\n");
        return EXIT_FINE;
}

const Command commands_store[] = {
        { .name = "migrate",
          .usage = "migrate [--status] [--to N]",
          .flags = "--status --to=",
          .run = migrate,
          .summary = "Bring the database to the newest schema, or to N",
          .help = "`serve` migrates by itself. --status only lists; --to 0 takes every migration "
                  "back, with the data." },
        { .name = "backup",
          .usage = "backup FILE",
          .run = backup,
          .summary = "Copy the database, also while the server runs",
          .help = "The copy is consistent as of one moment and synced before the command ends." },
        { .name = "restore",
          .usage = "restore FILE [--replace]",
          .flags = "--replace",
          .run = restore,
          .summary = "Put a backup in place; the server must be stopped",
          .help = "The backup is checked before anything is replaced." },
        { .name = NULL },
};

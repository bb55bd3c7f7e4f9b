// SPDX-License-Identifier: MIT
#include "pg_server.h"

#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct { char dir[64], data[80], url[128]; pid_t server; uid_t uid; gid_t gid; } pg;

const char *pg_url(void) { return pg.url; }

/* Debian keeps the server's programs out of PATH. */
static void path_extend(void) {
        glob_t found;
        char path[4096];
        const char *old = getenv("PATH");
        if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0) {
                snprintf(path, sizeof path, "%s:%s", old ? old : "",
                         found.gl_pathv[found.gl_pathc - 1]);
                setenv("PATH", path, 1);
                globfree(&found);
        }
}

/* The server refuses to run as root, and so does initdb. */
static void become_server_user(void) {
        if (geteuid() == 0 && (setgid(pg.gid) || setuid(pg.uid)))
                _exit(126);
}

static pid_t spawn(char *const argv[]) {
        pid_t pid = fork();
        if (pid)
                return pid;
        become_server_user();
        prctl(PR_SET_PDEATHSIG, SIGQUIT);
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
        if (chdir("/") == 0)
                execvp(argv[0], argv);
        _exit(127);
}

static bool succeeds(char *const argv[]) {
        int status = 0;
        return waitpid(spawn(argv), &status, 0) > 0 && status == 0;
}

static bool answers(void) {
        char *ready[] = { "pg_isready", "-q", "-h", pg.dir, "-d", "postgres", NULL };
        for (int i = 0; i < 500; i++, usleep(20000))
                if (succeeds(ready))
                        return true;
        return false;
}

static bool directory_make(void) {
        const struct passwd *user = geteuid() ? NULL : getpwnam("nobody");
        snprintf(pg.dir, sizeof pg.dir, "/tmp/store-pg-XXXXXX");
        if (!mkdtemp(pg.dir))
                return false;
        snprintf(pg.data, sizeof pg.data, "%s/data", pg.dir);
        snprintf(pg.url, sizeof pg.url, "postgres:///postgres?host=%s&user=mainstay", pg.dir);
        if (!user)
                return geteuid() != 0;
        pg.uid = user->pw_uid;
        pg.gid = user->pw_gid;
        return chown(pg.dir, pg.uid, pg.gid) == 0;
}

const char *pg_start(void) {
        path_extend();
        if (!directory_make())
                return "no directory for it";
        char *init[] = { "initdb",   "-D", pg.data, "-A",         "trust",     "-U",
                         "mainstay", "-E", "UTF8",  "--locale=C", "--no-sync", NULL };
        if (!succeeds(init))
                return "initdb is not installed, or failed";
        char *serve[] = { "postgres",          "-D", pg.data,     "-k", pg.dir, "-c",
                          "listen_addresses=", "-c", "fsync=off", NULL };
        pg.server = spawn(serve);
        return answers() ? NULL : "the server does not answer";
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
        return remove(path);
}

void pg_stop(void) {
        if (pg.server > 0) {
                kill(pg.server, SIGQUIT);
                waitpid(pg.server, NULL, 0);
        }
        nftw(pg.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

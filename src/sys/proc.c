// SPDX-License-Identifier: MIT
#include "sys/proc.h"

#include <dirent.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sys/files.h"

enum { PROC_FILE_MAX = 64 * 1024 };

static int64_t fds_count(void) {
        DIR *d = opendir("/proc/self/fd");
        if (!d)
                return 0;
        int64_t n = -1; /* not the one that looks */
        for (struct dirent *e; (e = readdir(d));)
                n += e->d_name[0] != '.';
        closedir(d);
        return n;
}

/* The `n`th word, counted from 0; STR_NULL behind the last. */
static Str word_at(Str text, int n) {
        Str rest = text, word = STR_NULL;
        for (int i = 0; i <= n; i++) {
                if (!rest.p)
                        return STR_NULL;
                word = str_cut(&rest, ' ');
        }
        return str_trim(word);
}

/* Boot time + start in clock ticks (proc(5), field 22 of stat, here counted behind the name in
 * brackets). */
static int64_t started_ms(Ctx *cx, Str stat) {
        Str boot = STR_NULL;
        int64_t ticks = 0, boot_s = 0;
        if (file_read(cx, "/proc/stat", PROC_FILE_MAX, &boot) ||
            !str_to_i64(word_at(stat, 19), &ticks))
                return 0;
        while (boot.p) {
                Str line = str_cut(&boot, '\n');
                if (str_starts(line, STR("btime ")) && str_to_i64(str_from(line, 6), &boot_s))
                        return boot_s * 1000 + ticks * 1000 / sysconf(_SC_CLK_TCK);
        }
        return 0;
}

static Str behind_name(Str stat) {
        for (size_t i = stat.n; i > 0; i--)
                if (stat.p[i - 1] == ')')
                        return str_from(stat, i + 1);
        return STR_NULL;
}

Err proc_stats(Ctx *cx, ProcStats *ret) {
        Str stat = STR_NULL;
        Err e = file_read(cx, "/proc/self/stat", PROC_FILE_MAX, &stat);
        if (e)
                return RAISE(cx, ERR_UNAVAILABLE, "cannot read /proc/self/stat");
        stat = behind_name(stat);
        struct rusage use;
        struct rlimit files;
        if (getrusage(RUSAGE_SELF, &use) || getrlimit(RLIMIT_NOFILE, &files))
                return RAISE(cx, ERR_UNAVAILABLE, "cannot read the process limits: %s",
                             strerror(errno));
        ProcStats p = {
                .fds = fds_count(),
                .fds_max = (int64_t)files.rlim_cur,
                .started_ms = started_ms(cx, stat),
                .cpu_s = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                         (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6,
        };
        int64_t pages = 0;
        if (!str_to_i64(word_at(stat, 17), &p.threads) ||
            !str_to_i64(word_at(stat, 20), &p.virtual_bytes) ||
            !str_to_i64(word_at(stat, 21), &pages))
                return RAISE(cx, ERR_UNAVAILABLE, "/proc/self/stat is not as proc(5) says");
        p.rss_bytes = pages * sysconf(_SC_PAGESIZE);
        *ret = p;
        return OK;
}

/* ---- control groups ---- */

static int64_t limit_of(Ctx *cx, const char *dir, Str group, const char *name) {
        const char *path = arena_printf(cx->arena, "%s%.*s/%s", dir, STR_FMT(group), name);
        Str text = STR_NULL;
        int64_t v = 0;
        if (file_read(cx, path, PROC_FILE_MAX, &text) || !str_to_i64(str_trim(text), &v))
                return 0;                 /* no such group here, or "max" */
        return v < INT64_MAX / 2 ? v : 0; /* v1 says "no limit" with a huge number */
}

/* The group and all above it: each may be the tightest. */
static int64_t limit_upwards(Ctx *cx, const char *dir, Str group, const char *name) {
        int64_t least = 0;
        for (;;) {
                int64_t v = limit_of(cx, dir, group, name);
                if (v > 0 && (least == 0 || v < least))
                        least = v;
                if (group.n == 0)
                        return least;
                while (group.n > 0 && group.p[--group.n] != '/')
                        ;
        }
}

int64_t proc_memory_limit(void) {
        Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        Str groups = STR_NULL;
        int64_t least = 0;
        if (file_read(&cx, "/proc/self/cgroup", PROC_FILE_MAX, &groups) == OK)
                while (groups.p) {
                        Str line = str_cut(&groups, '\n');
                        (void)str_cut(&line, ':');
                        Str kinds = str_cut(&line, ':');
                        int64_t v = 0;
                        if (kinds.n == 0)
                                v = limit_upwards(&cx, "/sys/fs/cgroup", line, "memory.max");
                        else if (str_contains(kinds, STR("memory")))
                                v = limit_upwards(&cx, "/sys/fs/cgroup/memory", line,
                                                  "memory.limit_in_bytes");
                        if (v > 0 && (least == 0 || v < least))
                                least = v;
                }
        arena_free(arena);
        return least;
}

int64_t proc_memory_max(void) {
        int64_t machine = (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE);
        int64_t limit = proc_memory_limit();
        return limit > 0 && limit < machine ? limit : machine;
}

Err disk_free_ratio(Ctx *cx, const char *path, double *ret) {
        struct statvfs v;
        if (statvfs(path, &v) || v.f_blocks == 0)
                return RAISE(cx, ERR_STORAGE, "cannot ask for the free space of %s: %s", path,
                             strerror(errno));
        *ret = (double)v.f_bavail / (double)v.f_blocks;
        return OK;
}

int64_t fds_limit_raise(void) {
        struct rlimit files;
        if (getrlimit(RLIMIT_NOFILE, &files))
                return 0;
        files.rlim_cur = files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files))
                getrlimit(RLIMIT_NOFILE, &files);
        return (int64_t)files.rlim_cur;
}

// SPDX-License-Identifier: MIT
#include "web/static.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/etag.h"

enum { DEPTH_MAX = 4, NAME_MAX_BYTES = 512 };

typedef struct File {
        Str name, type, etag;
        size_t size;
} File;

struct Static {
        Arena *arena;
        int dir;
        File v[STATIC_FILES_MAX];
        size_t n;
};

typedef struct Type {
        const char *ending, *type;
} Type;
static const Type types[] = {
        { ".html", "text/html; charset=utf-8" },
        { ".css", "text/css; charset=utf-8" },
        { ".js", "text/javascript; charset=utf-8" },
        { ".mjs", "text/javascript; charset=utf-8" },
        { ".json", "application/json" },
        { ".map", "application/json" },
        { ".svg", "image/svg+xml" },
        { ".png", "image/png" },
        { ".ico", "image/x-icon" },
        { ".webp", "image/webp" },
        { ".woff2", "font/woff2" },
        { ".txt", "text/plain; charset=utf-8" },
};

static Str type_of(Str name) {
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (str_ends(name, str_c(types[i].ending)))
                        return str_c(types[i].type);
        return STR("application/octet-stream");
}

/* ---- listing ---- */

typedef struct Listing {
        Ctx *cx;
        Static *s;
        int depth;
} Listing;

static Err list_dir(Listing l, int fd, Str prefix);

static Err list_file(Listing l, Str name, const struct stat *st) {
        Static *s = l.s;
        if (st->st_size > STATIC_FILE_MAX)
                return OK;
        if (s->n == STATIC_FILES_MAX)
                return RAISE(l.cx, ERR_TOO_LARGE, "more than %d files to serve", STATIC_FILES_MAX);
        s->v[s->n++] = (File){
                .name = name,
                .type = type_of(name),
                .size = (size_t)st->st_size,
                .etag = arena_strf(s->arena, "\"%llx-%llx\"",
                                   (unsigned long long)st->st_mtim.tv_sec * 1000000 +
                                           (unsigned long long)st->st_mtim.tv_nsec / 1000,
                                   (unsigned long long)st->st_size),
        };
        return OK;
}

static Err list_entry(Listing l, int fd, Str prefix, const char *entry) {
        struct stat st;
        Str name = arena_strf(l.s->arena, "%.*s%s", STR_FMT(prefix), entry);
        if (entry[0] == '.' || name.n > NAME_MAX_BYTES ||
            fstatat(fd, entry, &st, AT_SYMLINK_NOFOLLOW))
                return OK;
        if (S_ISREG(st.st_mode))
                return list_file(l, name, &st);
        if (!S_ISDIR(st.st_mode) || l.depth >= DEPTH_MAX)
                return OK;
        int sub = openat(fd, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub < 0)
                return OK;
        l.depth++;
        return list_dir(l, sub, arena_strf(l.s->arena, "%.*s/", STR_FMT(name)));
}

/* Takes the descriptor. */
static Err list_dir(Listing l, int fd, Str prefix) {
        DIR *d = fdopendir(fd);
        Err e = OK;
        if (!d) {
                close(fd);
                return RAISE(l.cx, ERR_UNAVAILABLE, "cannot list files: %s", strerror(errno));
        }
        for (struct dirent *entry; !e && (entry = readdir(d));)
                e = list_entry(l, dirfd(d), prefix, entry->d_name);
        closedir(d);
        return e;
}

Err static_open(Ctx *cx, Str dir, Static **ret) {
        _cleanup_(static_closep) Static *s = calloc(1, sizeof *s);
        if (!s)
                abort();
        s->arena = arena_new();
        s->dir = open(arena_cstr(cx->arena, dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (s->dir < 0)
                return RAISE(cx, ERR_NOT_FOUND, "%.*s: %s", STR_FMT(dir), strerror(errno));
        int again = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (again < 0)
                return RAISE(cx, ERR_NOT_FOUND, "%.*s: %s", STR_FMT(dir), strerror(errno));
        TRY(list_dir((Listing){ cx, s, 0 }, again, STR("")));
        *ret = s;
        s = NULL;
        return OK;
}

Static *static_close(Static *s) {
        if (!s)
                return NULL;
        if (s->dir >= 0)
                close(s->dir);
        arena_free(s->arena);
        free(s);
        return NULL;
}

/* ---- serving ---- */

static const File *file_find(const Static *s, Str name) {
        for (size_t i = 0; i < s->n; i++)
                if (str_eq(s->v[i].name, name))
                        return &s->v[i];
        return NULL;
}

static bool read_whole(int fd, char *to, size_t n) {
        for (size_t at = 0; at < n;) {
                ssize_t got = read(fd, to + at, n - at);
                if (got > 0)
                        at += (size_t)got;
                else if (got == 0 || errno != EINTR)
                        return false;
        }
        return true;
}

Err static_get(Ctx *cx, const Static *s, Str name, Str if_none_match, StaticFile *ret) {
        const File *f = file_find(s, name);
        if (!f)
                return RAISE(cx, ERR_NOT_FOUND, "no file %.*s", STR_FMT(name));
        StaticFile out = { .status = 304,
                           .type = f->type,
                           .etag = f->etag,
                           .cache_control = STR("public, max-age=3600"),
                           .body = STR("") };
        if (!etag_matches_weakly(if_none_match, f->etag)) {
                int fd = openat(s->dir, arena_cstr(cx->arena, f->name),
                                O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
                char *p = arena_bytes(cx->arena, f->size);
                bool whole = fd >= 0 && read_whole(fd, p, f->size);
                if (fd >= 0)
                        close(fd);
                if (!whole)
                        return RAISE(cx, ERR_UNAVAILABLE, "%.*s changed since start",
                                     STR_FMT(name));
                out.status = 200;
                out.body = (Str){ p, f->size };
        }
        *ret = out;
        return OK;
}

// SPDX-License-Identifier: MIT
/* root_key: where the one key comes from that is not in the database: the setting, a file, or
 * systemd's credential directory. The file holds one key per line, 64 hexadecimal digits, the
 * current one first; a rotation puts a new line on top. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/base64.h"
#include "codec/radix.h"
#include "identity/identity_int.h"
#include "sys/files.h"

enum { ROOT_KEY_BYTES = 32, LINE_BYTES = 2 * ROOT_KEY_BYTES + 1, FILE_MAX = 4096 };

static bool key_decode(Str text, unsigned char ret[ROOT_KEY_BYTES]) {
        if (text.n == 2 * ROOT_KEY_BYTES)
                return hex_read(text, ret, ROOT_KEY_BYTES);
        return text.n == base64url_size(ROOT_KEY_BYTES) && base64url_read(text, ret);
}

static Err ring_add_text(Ctx *cx, Keyring *ring, Str text, const char *from) {
        unsigned char key[ROOT_KEY_BYTES];
        Err e;

        if (!key_decode(text, key))
                return RAISE(cx, ERR_INVALID,
                             "the root key in %s is not 64 hexadecimal digits or 43 base64url "
                             "characters",
                             from);
        e = keyring_add(cx, ring, str_n(key, sizeof(key)));
        secret_wipe(key, sizeof(key));
        return e;
}

static Err ring_add_file(Ctx *cx, Keyring *ring, int fd, const char *path) {
        char text[FILE_MAX];
        ssize_t n = read(fd, text, sizeof(text));
        Err e = OK;

        if (n < 0)
                return RAISE(cx, ERR_STORAGE, "cannot read the root key %s: %s", path,
                             strerror(errno));
        for (Str rest = str_trim(str_n(text, (size_t)n)); !e && rest.p;)
                e = ring_add_text(cx, ring, str_trim(str_cut(&rest, '\n')), path);
        secret_wipe(text, sizeof(text));
        return e;
}

static Err file_create(Ctx *cx, Keyring *ring, const char *path) {
        unsigned char key[ROOT_KEY_BYTES];
        char line[LINE_BYTES];
        bool written;
        Err e;

        _cleanup_(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return RAISE(cx, ERR_STORAGE, "cannot make the root key %s: %s", path,
                             strerror(errno));
        cx_random(cx, key, sizeof(key));
        hex_write(line, str_n(key, sizeof(key)));
        line[sizeof(line) - 1] = '\n';
        written = write(fd, line, sizeof(line)) == (ssize_t)sizeof(line) && fsync(fd) == 0;
        e = written ? keyring_add(cx, ring, str_n(key, sizeof(key)))
                    : RAISE(cx, ERR_STORAGE, "cannot write the root key %s: %s", path,
                            strerror(errno));
        secret_wipe(key, sizeof(key));
        secret_wipe(line, sizeof(line));
        if (e) {
                unlink(path);
                return e;
        }
        /* the name must be as durable as the data that will be sealed under it */
        return name_keep(cx, path);
}

static const char *file_path(Ctx *cx, const IdentitySettings *set) {
        const char *credentials = getenv("CREDENTIALS_DIRECTORY"), *path;

        if (set->root_key_file)
                return set->root_key_file;
        if (credentials) {
                path = arena_printf(cx->arena, "%s/root.key", credentials);
                if (access(path, R_OK) == 0)
                        return path;
        }
        return arena_printf(cx->arena, "%s/root.key", set->data_dir);
}

static Err ring_from_file(Ctx *cx, const IdentitySettings *set, bool may_create, Keyring *ring) {
        const char *path = file_path(cx, set);
        struct stat st;

        _cleanup_(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT && may_create)
                return file_create(cx, ring, path);
        if (fd < 0 && errno == ENOENT)
                return RAISE(cx, ERR_CORRUPT,
                             "the root key %s is missing, and this database was sealed with one; "
                             "put the file back",
                             path);
        if (fd < 0 || fstat(fd, &st) < 0)
                return RAISE(cx, ERR_STORAGE, "cannot open the root key %s: %s", path,
                             strerror(errno));
        if (st.st_mode & 077)
                return RAISE(cx, ERR_INVALID, "the root key %s can be read by others; chmod 600 it",
                             path);
        return ring_add_file(cx, ring, fd, path);
}

static size_t lines_of(Str text) {
        size_t n = 0;
        for (Str rest = str_trim(text); rest.n;)
                n += str_trim(str_cut(&rest, '\n')).n > 0;
        return n;
}

Err root_key_rotate(Ctx *cx, const IdentitySettings *set, Keyring **ret) {
        const char *path = file_path(cx, set);
        unsigned char key[ROOT_KEY_BYTES];
        char text[LINE_BYTES + FILE_MAX]; /* the new line, then the old ones */
        ssize_t n;
        Err e;

        if (set->root_key_in_settings)
                return RAISE(cx, ERR_CONFLICT,
                             "the root key comes from ROOT_KEY; put it into a file first");
        _cleanup_(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, text + LINE_BYTES, FILE_MAX);
        if (n < 0)
                return RAISE(cx, ERR_STORAGE, "cannot read the root key %s: %s", path,
                             strerror(errno));
        if (lines_of(str_n(text + LINE_BYTES, (size_t)n)) >= KEYRING_MAX) {
                secret_wipe(text, sizeof(text));
                return RAISE(cx, ERR_CONFLICT,
                             "the root key %s holds %d keys already; take out old lines, of which "
                             "only backups need any",
                             path, KEYRING_MAX);
        }
        cx_random(cx, key, sizeof(key));
        hex_write(text, str_n(key, sizeof(key)));
        text[LINE_BYTES - 1] = '\n';
        e = file_write(cx, path, str_n(text, LINE_BYTES + (size_t)n));
        secret_wipe(key, sizeof(key));
        secret_wipe(text, sizeof(text));
        return e ? e : root_key_load(cx, set, false, ret);
}

Err root_key_load(Ctx *cx, const IdentitySettings *set, bool may_create, Keyring **ret) {
        _cleanup_(keyring_freep) Keyring *ring = keyring_new();

        if (set->root_key.n)
                TRY(ring_add_text(cx, ring, set->root_key, "the setting"));
        else
                TRY(ring_from_file(cx, set, may_create, ring));
        *ret = ring;
        ring = NULL;
        return OK;
}

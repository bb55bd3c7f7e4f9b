// SPDX-License-Identifier: MIT
#include "identity/password_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "identity/password_list_int.h"
#include "sys/files.h"

enum { HEAD_BYTES = 12, ENTRY_BYTES = 6 };
static const char magic[8] = "MSPWLST1";

struct PasswordRules {
        PasswordAlg alg;
        const unsigned char *map;
        size_t n_map;
        uint32_t n;
};

static bool list_is_whole(const PasswordRules *r) {
        const unsigned char *p = r->map;

        return r->n_map >= HEAD_BYTES && !memcmp(p, magic, sizeof(magic)) &&
               r->n_map == HEAD_BYTES + (size_t)r->n * ENTRY_BYTES;
}

static Err list_map(Ctx *cx, const char *path, PasswordRules *r) {
        struct stat st;
        void *map;

        _cleanup_(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return RAISE(cx, ERR_INVALID, "cannot open the password list %s: %s", path,
                             strerror(errno));
        if (st.st_size < HEAD_BYTES)
                return RAISE(cx, ERR_INVALID,
                             "%s is not a password list made by tools/password-list", path);
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED)
                return RAISE(cx, ERR_INVALID, "cannot map the password list %s: %s", path,
                             strerror(errno));
        r->map = map;
        r->n_map = (size_t)st.st_size;
        for (size_t i = 8; i < HEAD_BYTES; i++)
                r->n = r->n << 8 | r->map[i];
        if (!list_is_whole(r))
                return RAISE(cx, ERR_INVALID,
                             "%s is not a password list made by tools/password-list", path);
        return OK;
}

Err password_rules_new(Ctx *cx, PasswordAlg alg, const char *path, PasswordRules **ret) {
        _cleanup_(password_rules_freep) PasswordRules *r = calloc(1, sizeof(*r));

        assert(r);
        r->alg = alg;
        if (path)
                TRY(list_map(cx, path, r));
        *ret = r;
        r = NULL;
        return OK;
}

PasswordRules *password_rules_free(PasswordRules *r) {
        if (r && r->map)
                munmap((void *)r->map, r->n_map);
        free(r);
        return NULL;
}

static bool file_has(const PasswordRules *r, Str password) {
        unsigned char hash[SHA256_SIZE];
        size_t lo = 0, hi = r->n;

        sha256(password, hash);
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                int c = memcmp(r->map + HEAD_BYTES + mid * ENTRY_BYTES, hash, ENTRY_BYTES);

                if (c == 0)
                        return true;
                if (c < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return false;
}

static bool built_in_has(Str low) {
        for (size_t i = 0; i < ELEMENTSOF(password_list); i++)
                if (str_eq_c(low, password_list[i]))
                        return true;
        return false;
}

/* One character over and over, or each one next to the last: 11111111, abcdefgh, 98765432. */
static bool is_run(Str s) {
        for (int step = -1; step <= 1; step++) {
                size_t i = 1;

                while (i < s.n && s.p[i] - s.p[i - 1] == step)
                        i++;
                if (i == s.n)
                        return true;
        }
        return false;
}

static Str lower(Ctx *cx, Str s) {
        char *p = arena_bytes(cx->arena, s.n + 1);

        for (size_t i = 0; i < s.n; i++)
                p[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
        p[s.n] = 0;
        return str_n(p, s.n);
}

/* Without what people put behind a word to satisfy a rule: "mainstay2026!" is "mainstay". */
static Str stem(Str s) {
        while (s.n && !(s.p[s.n - 1] >= 'a' && s.p[s.n - 1] <= 'z') &&
               !((unsigned char)s.p[s.n - 1] & 0x80))
                s.n--;
        return s;
}

static bool is_about(Str low, Str email) {
        Str local = str_to(email, str_index(email, '@'));

        if (str_eq(stem(low), STR("mainstay")))
                return true;
        return email.n && (str_eq(low, email) || str_eq(low, local) ||
                           (local.n >= 4 && str_eq(stem(low), stem(local)) && stem(low).n));
}

Err password_check(Ctx *cx, const PasswordRules *r, const char *pointer, Str password, Str email) {
        Str low;

        if (memchr(password.p, 0, password.n))
                return RAISE_FIELD(cx, pointer, "must not contain NUL");
        if (password.n < PASSWORD_MIN)
                return RAISE_FIELD(cx, pointer, "must have at least %d bytes", PASSWORD_MIN);
        if (password.n > password_max(r->alg))
                return err_field(cx, ERR_PASSWORD_LONG, __FILE_NAME__, str_c(pointer),
                                 "must have at most %zu bytes", password_max(r->alg));
        low = lower(cx, password);
        if (is_run(low) || is_about(low, email) || built_in_has(low) ||
            (r->map && (file_has(r, password) || file_has(r, low))))
                return err_field(cx, ERR_PASSWORD_COMMON, __FILE_NAME__, str_c(pointer),
                                 "is on the list of common passwords, a run, or about the user");
        return OK;
}

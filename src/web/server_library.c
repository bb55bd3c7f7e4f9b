// SPDX-License-Identifier: MIT
/* Two things the HTTP library does that nobody here asks for and that it has no setting for. The
 * functions below stand in front of those it would call; they are exported for it (meson.build), and
 * a test notices when they are not reached.
 *
 * It starts GnuTLS before main: a megabyte of tables and some milliseconds. A proxy speaks TLS here
 * (docs/operations.md), and the outbound client brings its own. The first function is GnuTLS's own
 * switch for that (GNUTLS_SKIP_GLOBAL_INIT).
 *
 * It copies and splits the field Cookie in the memory of the connection, so that cookies would count
 * twice against its size, which bounds the head of a request; a larger one costs every request, as
 * all of it is cleared after each. Cookies are read by codec/cookie.h. */
#include "web/server_int.h"

#include <dlfcn.h>
#include <pthread.h>

int _gnutls_global_init_skip(void);
int gnutls_global_init(void);
void gnutls_global_deinit(void);

int _gnutls_global_init_skip(void) { return 1; }
int gnutls_global_init(void) { return 0; }
void gnutls_global_deinit(void) {}

static typeof(&MHD_lookup_connection_value_n) lookup;

static void lookup_find(void) {
        void *p = dlsym(RTLD_NEXT, "MHD_lookup_connection_value_n");
        memcpy(&lookup, &p, sizeof p);
        assert(lookup);
}

enum MHD_Result MHD_lookup_connection_value_n(struct MHD_Connection *c, enum MHD_ValueKind kind,
                                              const char *key, size_t key_size, const char **value,
                                              size_t *value_size) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        if (kind == MHD_HEADER_KIND && key && str_eq_nocase(str_n(key, key_size), STR("cookie")))
                return MHD_NO;
        pthread_once(&once, lookup_find);
        return lookup(c, kind, key, key_size, value, value_size);
}

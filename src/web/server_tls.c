// SPDX-License-Identifier: MIT
/* No TLS here: a proxy speaks it (docs/operations.md), and the outbound client brings its own. The
 * HTTP library is linked with GnuTLS all the same and starts it before main, which is a megabyte
 * of tables and some milliseconds for nothing. The first is GnuTLS's own switch for that
 * (GNUTLS_SKIP_GLOBAL_INIT), the others stand in front of its functions for the HTTP library. */
#include "web/server_int.h"

int _gnutls_global_init_skip(void);
int gnutls_global_init(void);
void gnutls_global_deinit(void);

int _gnutls_global_init_skip(void) { return 1; }
int gnutls_global_init(void) { return 0; }
void gnutls_global_deinit(void) {}

// SPDX-License-Identifier: MIT
#pragma once
/* pg_server: a PostgreSQL server for one test program, in a directory of its own, reached by a
 * socket in it. It ends with the program. */

/* NULL: it runs. Otherwise why there is none. */
const char *pg_start(void);
const char *pg_url(void);
void pg_stop(void);                                   /* also when it did not start */

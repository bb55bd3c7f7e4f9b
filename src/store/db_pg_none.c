// SPDX-License-Identifier: MIT
/* Stands in for the PostgreSQL driver in a build without libpq. */
#include "store/db_int.h"

Err pg_open(Ctx *cx, const DbSettings *set, Db **ret) {
        return RAISE(cx, ERR_STORAGE, "This build has no PostgreSQL driver; it needs libpq.");
}

// SPDX-License-Identifier: MIT
#include "identity/identity_sql_int.h"

#define X(id, text) const Sql sql_##id = { #id, text };
IDENTITY_SQL(X)
#undef X

// SPDX-License-Identifier: MIT
#pragma once
/* static: a directory of files that are not ours to generate (the API page). Names are listed once
 * at open: what is not in the list does not exist, so no path of a request ever reaches the file
 * system. Links and dotfiles are not listed. */
#include "base/base.h"

typedef struct Static Static; /* immutable, thread safe */

enum { STATIC_FILES_MAX = 1000, STATIC_FILE_MAX = 4 * 1024 * 1024 };

/* ERR_NOT_FOUND: no such directory. ERR_TOO_LARGE: more than STATIC_FILES_MAX files. Files over
 * STATIC_FILE_MAX are left out. */
Err static_open(Ctx *cx, Str dir, Static **ret) _must_check_;
Static *static_close(Static *s);
DEFINE_CLEANUP(Static, static_close)

typedef struct StaticFile {
        int status; /* 200, or 304 with an empty body */
        Str type, etag, cache_control;
        Str body; /* in the arena */
} StaticFile;
/* `name` relative, without leading slash ("swagger-ui.css", "fonts/a.woff2"). `if_none_match` as
 * sent, or STR_NULL. ERR_NOT_FOUND; ERR_UNAVAILABLE: listed but not readable any more. */
Err static_get(Ctx *cx, const Static *s, Str name, Str if_none_match, StaticFile *ret) _must_check_;

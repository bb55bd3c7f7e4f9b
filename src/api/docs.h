// SPDX-License-Identifier: MIT
#pragma once
/* docs: the API page. The printed OpenAPI document, and Swagger UI from a local directory;
 * nothing is fetched from elsewhere. */
#include "base/base.h"

typedef struct Docs Docs;
/* `dir` holds the files of swagger-ui-dist. Without it /docs is a plain page that points to the
 * document. */
Err docs_new(Ctx *cx, Str dir, Str version, Str public_url, Docs **ret) _must_check_;
Docs *docs_free(Docs *d);
DEFINE_CLEANUP(Docs, docs_free)

// SPDX-License-Identifier: MIT
#pragma once
/* etag: the lists of entity tags in If-Match and If-None-Match (RFC 9110 sections 8.8.3, 13.1).
 * `tag` is ours: strong, in its quotes. A list that is none matches nothing. */
#include "base/base.h"

/* If-Match: "*", or one of them the same and strong. */
bool etag_matches(Str list, Str tag);
/* If-None-Match: "*", or one of them the same, strong or weak. */
bool etag_matches_weakly(Str list, Str tag);

// SPDX-License-Identifier: MIT
#pragma once
/* json_int: the parsed tree, shared by the two readers. The library's JSON_NULL has another name
 * here, because ours is a JsonKind; its json_is_null would use the wrong one. */
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef JSON_NULL
#undef json_is_null

#include "codec/json.h"

static inline bool json_is_nil(const json_t *v) { return json_typeof(v) == JANSSON_NULL; }
static inline void json_decrefp_(json_t **p) { json_decref(*p); }

/* Strict parse of one text. ERR_BAD_JSON; with LOAD_FIELDS, for a reader that names the member: a
 * number that no machine type holds is ERR_INVALID, and strings may hold an escaped NUL. */
typedef enum LoadFor { LOAD_WHOLE, LOAD_FIELDS } LoadFor;
Err json_load(Ctx *cx, Str text, int depth_max, LoadFor who, json_t **ret) _must_check_;
void json_write_tree(Buf *out, const json_t *v); /* compact; depth was checked when it was parsed */

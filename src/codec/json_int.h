// SPDX-License-Identifier: MIT
#pragma once
/* json_int: the parsed tree, shared by the two readers. */
#define JSON_NULL JANSSON_NULL            /* the library's word for it; JSON_NULL is our JsonKind */
#include <jansson.h>
#undef JSON_NULL

#include "codec/json.h"

static inline void json_decrefp_(json_t **p) { json_decref(*p); }

/* Strict parse of one text. ERR_BAD_JSON; `overflow` for a number that no machine type holds. */
Err json_load(Ctx *cx, Str text, int depth_max, Err overflow, json_t **ret) _must_check_;
void json_write_tree(Buf *out, const json_t *v); /* compact; depth was checked when it was parsed */

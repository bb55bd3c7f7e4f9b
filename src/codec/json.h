// SPDX-License-Identifier: MIT
#pragma once
/* json: JSON text <-> structs by shape, and a small reader for JSON whose form is not ours (claims,
 * upstream answers).
 *
 * Strict (RFC 8259): no duplicate members, no trailing text, valid UTF-8, no NUL, finite numbers,
 * depth at most JSON_DEPTH_MAX. The writer goes from the struct straight into the buffer. */
#include "codec/shape.h"

enum { JSON_DEPTH_MAX = 64 };

/* Body -> struct (shape->size bytes, zeroed by the caller). Everything the struct points to is in
 * cx->arena. ERR_BAD_JSON: not parsable (or duplicate members). ERR_INVALID: each wrong member
 * noted with its pointer, at most 16: unknown members, wrong types, bounds, enum words, control
 * characters. */
Err json_read(Ctx *cx, Str text, const Shape *shape, void *ret) _must_check_;

/* Struct -> JSON. List: a bare array of structs. All append; out->full tells of overflow. */
void json_write(Buf *out, const Shape *shape, const void *obj);
void json_write_list(Buf *out, const Shape *item, List list);
void json_write_str(Buf *out, Str s); /* quoted, escaped; invalid UTF-8 becomes U+FFFD */
/* shortest text that reads back as v; null unless finite */
void json_write_num(Buf *out, double v);

/* Foreign JSON. A tree in a handle of its own; strings are borrowed from it. */
typedef struct Json Json;
typedef struct JsonRef {
        const void *v;
} JsonRef; /* a value inside a Json; v == NULL: absent */
typedef enum JsonKind {
        JSON_ABSENT,
        JSON_NULL,
        JSON_BOOL,
        JSON_INT,
        JSON_NUM,
        JSON_STR,
        JSON_ARR,
        JSON_OBJ,
} JsonKind;

const char *json_library(void); /* its version, for /status */
Err json_parse(Ctx *cx, Str text, int depth_max, Json **ret) _must_check_; /* ERR_BAD_JSON */
Json *json_free(Json *j);
DEFINE_CLEANUP(Json, json_free)
JsonRef json_root(const Json *j);
JsonKind json_kind(JsonRef v);
/* absent for anything but an object that has it */
JsonRef json_get(JsonRef obj, const char *name);
JsonRef json_at(JsonRef arr, size_t i);
size_t json_count(JsonRef v);                   /* members or items; 0 for scalars */
Str json_str(JsonRef v);                        /* STR_NULL unless a string */
int64_t json_int(JsonRef v, int64_t otherwise); /* integers only, never a float */
double json_num(JsonRef v, double otherwise);
bool json_bool(JsonRef v, bool otherwise);
Str json_text(Ctx *cx, JsonRef v); /* compact text of the value, in the arena */
/* Members in order: for (JsonIter it = {0}; json_next(obj, &it);) … it.name, it.value */
typedef struct JsonIter {
        void *pos;
        Str name;
        JsonRef value;
} JsonIter;
bool json_next(JsonRef obj, JsonIter *it);

// SPDX-License-Identifier: MIT
#pragma once
/* shape: how a C struct and a JSON object are the same thing. One row per member; the member's C
 * type is checked at compile time. Readers: the JSON reader and writer, the query and form readers,
 * the OpenAPI printer, the MCP tool list.
 *
 * Absence: Str p == NULL, Strs/List v == NULL, Opt… .has == false, a nested object pointer NULL. An
 * explicit JSON null is accepted where F_NULL stands and read as absent; with F_CLEAR it is read as
 * present and empty (p or v set, n == 0; an OptInt is -1, a time TIME_CLEARED). An absent time is 0;
 * the first millisecond of 1970 is read as the second, so that it is never taken for absent. */
#include "base/base.h"

#define TIME_CLEARED INT64_MIN

typedef struct OptInt {
        bool has;
        int64_t v;
} OptInt;
typedef struct OptNum {
        bool has;
        double v;
} OptNum;
typedef struct OptBool {
        bool has;
        bool v;
} OptBool;
typedef struct List {
        const void *v;
        size_t n;
} List; /* items of a nested shape, contiguous */

typedef enum FieldType {
        FT_END = 0,
        FT_STR,
        FT_INT,
        FT_NUM,
        FT_BOOL, /* Str, int64_t, double, bool; bounds: length, value */
        FT_OINT,
        FT_ONUM,
        FT_OBOOL, /* Opt…: when absent null (F_NULL) or left out */
        FT_TIME,  /* int64_t Unix ms <-> RFC 3339 UTC with ms; 0 = absent */
        FT_STRS,  /* Strs; min/max count, item_max characters */
        FT_OBJ,   /* pointer to a struct of .sub */
        FT_LIST,  /* List of structs of .sub; min/max count */
        FT_JSON,  /* Str of JSON text; max bytes; one_of: "object|array" */
        _FT_N,
} FieldType;

enum {
        F_REQ = 1 << 0,    /* in: must be there. out: always written, empty if need be */
        F_SECRET = 1 << 1, /* never logged, never in an error detail */
        F_NULL = 1 << 2,   /* out: absent is written as null. in: null is accepted */
        F_CLEAR = 1 << 3,  /* in: null means "set to nothing" */
        F_LOWER = 1 << 4,  /* in: enum words are accepted in any case and lowered */
        F_BLANK = 1 << 5,  /* in: verbatim text: control characters too, but no NUL */
        F_NFC = 1 << 6,    /* FT_STR in: made NFC, and as such measured */
};

typedef struct Shape Shape;
typedef struct Field {
        const char *name;
        FieldType type;
        unsigned flags;
        size_t offset;
        double min, max;    /* both 0: no bound, but text takes 64 KiB and a list 1000 items */
        double def;         /* in: value of an absent FT_INT, FT_NUM, FT_BOOL */
        size_t item_max;    /* FT_STRS: code points of one item */
        const char *one_of; /* FT_STR, FT_STRS: "fact|preference|…"; NULL = any text */
        const Shape *sub;   /* FT_OBJ, FT_LIST */
        const char *format; /* OpenAPI format: "email", "uuid", "password", … */
        const char *doc;
} Field;

struct Shape {
        const char *name;    /* OpenAPI component */
        size_t size;         /* of the struct */
        const Field *fields; /* ends with type FT_END */
        bool open;           /* in: unknown members are ignored (wire-compatible routes only) */
};

/* wrong member type: compile error */
#define TYPE_OF(T, m, ok) (0 * sizeof(_Generic(((T *)0)->m, ok : 1)))
#define FIELD_(T, m, ft, ctype, fl, ...)                                                           \
        {                                                                                          \
                .name = #m, .type = (ft), .flags = (fl),                                           \
                .offset = offsetof(T, m) + TYPE_OF(T, m, ctype), __VA_ARGS__                       \
        }
#define F_STR(T, m, fl, ...)   FIELD_(T, m, FT_STR, Str, fl, __VA_ARGS__)
#define F_INT(T, m, fl, ...)   FIELD_(T, m, FT_INT, int64_t, fl, __VA_ARGS__)
#define F_NUM(T, m, fl, ...)   FIELD_(T, m, FT_NUM, double, fl, __VA_ARGS__)
#define F_BOOL(T, m, fl, ...)  FIELD_(T, m, FT_BOOL, bool, fl, __VA_ARGS__)
#define F_OINT(T, m, fl, ...)  FIELD_(T, m, FT_OINT, OptInt, fl, __VA_ARGS__)
#define F_ONUM(T, m, fl, ...)  FIELD_(T, m, FT_ONUM, OptNum, fl, __VA_ARGS__)
#define F_OBOOL(T, m, fl, ...) FIELD_(T, m, FT_OBOOL, OptBool, fl, __VA_ARGS__)
#define F_TIME(T, m, fl, ...)  FIELD_(T, m, FT_TIME, int64_t, fl, __VA_ARGS__)
#define F_STRS(T, m, fl, ...)  FIELD_(T, m, FT_STRS, Strs, fl, __VA_ARGS__)
#define F_JSON(T, m, fl, ...)  FIELD_(T, m, FT_JSON, Str, fl, __VA_ARGS__)
#define F_LIST(T, m, fl, ...)  FIELD_(T, m, FT_LIST, List, fl, __VA_ARGS__)
#define F_OBJ(T, m, fl, ...)                                                                       \
        { .name = #m, .type = FT_OBJ, .flags = (fl), .offset = offsetof(T, m), __VA_ARGS__ }
#define SHAPE(T, ...)                                                                              \
        {                                                                                          \
                .name = #T, .size = sizeof(T), .fields = (const Field[]) {                         \
                        __VA_ARGS__, { .type = FT_END }                                            \
                }                                                                                  \
        }
#define SHAPE_OPEN(T, ...)                                                                         \
        {                                                                                          \
                .name = #T, .size = sizeof(T), .open = true, .fields = (const Field[]) {           \
                        __VA_ARGS__, { .type = FT_END }                                            \
                }                                                                                  \
        }

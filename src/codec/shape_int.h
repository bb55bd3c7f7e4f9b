// SPDX-License-Identifier: MIT
#pragma once
/* shape_int: what the readers (JSON, query, form) share: naming the member that is wrong, and
 * checking one text or number against its row. */
#include "codec/shape.h"

enum { STR_BYTES_DEFAULT = 64 * 1024, LIST_ITEMS_DEFAULT = 1000, FIELD_ERRS_MAX = 16 };

/* Where a reader stands, innermost first; becomes a pointer only when something is wrong. */
typedef struct Path {
        const struct Path *up;
        Str name; /* p == NULL: an item of a list */
        size_t index;
} Path;

typedef struct Reader {
        Ctx *cx;
        const char *root; /* "#" or "?" */
        int errs;
} Reader;

/* Notes ERR_INVALID for the member at `path`; more than FIELD_ERRS_MAX are only counted. */
void field_bad(Reader *r, const Path *path, const char *fmt, ...) _printf_(3, 4);

/* Each stores through `at` or notes what is wrong. Text is copied into the arena. */
void field_str(Reader *r, const Path *path, const Field *f, Str text, void *at);
/* one of FT_STRS */
void field_item(Reader *r, const Path *path, const Field *f, Str text, Str *ret);
/* FT_NUM, FT_ONUM */
void field_num(Reader *r, const Path *path, const Field *f, double v, void *at);
/* FT_INT, FT_OINT */
void field_int(Reader *r, const Path *path, const Field *f, int64_t v, void *at);
void field_bool(const Field *f, bool v, void *at); /* FT_BOOL, FT_OBOOL */
void field_time(Reader *r, const Path *path, Str text, void *at);
bool field_count(Reader *r, const Path *path, const Field *f, size_t n); /* FT_STRS, FT_LIST */
/* An absent member: its default, or "is required". */
void field_absent(Reader *r, const Path *path, const Field *f, void *at);

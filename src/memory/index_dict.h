// SPDX-License-Identifier: MIT
#pragma once
/* index_dict: strings with numbers, counted. A string nobody holds any more is wiped and its
 * number used again. */
#include "base/str.h"

enum { DICT_TEXT_MAX = 1024, DICT_NONE = -1 }; /* longer strings are cut */

/* longer than that: a pointer in its place */
typedef struct DictText {
        char small[14];
        uint16_t n;
} DictText;
typedef struct Dict {
        DictText *text;
        uint32_t *refs; /* 0 = free */
        /* number + 1, 0 = empty; a power of two of places */
        uint32_t *table;
        uint32_t n, cap, live, table_n, free_head; /* free_head: number + 1 */
        size_t text_bytes;
} Dict;

void dict_done(Dict *d);
uint32_t dict_add(Dict *d, Str s);         /* one more reference */
void dict_drop(Dict *d, uint32_t no);      /* one less */
int64_t dict_find(const Dict *d, Str s);   /* DICT_NONE when absent */
Str dict_text(const Dict *d, uint32_t no); /* until the next add or drop */
size_t dict_bytes(const Dict *d);

// SPDX-License-Identifier: MIT
#pragma once
/* yaml: a flat settings file: one mapping of names to plain values. Whatever could surprise
 * (nesting, lists, anchors, aliases, tags, several documents, a name twice) is refused with one
 * sentence that names the line. */
#include "base/base.h"

enum { YAML_TEXT_MAX = 256 * 1024, YAML_ENTRIES_MAX = 1000 };
/* line from 1; `key:` alone has an empty value */
typedef struct YamlEntry {
        Str key, value;
        int line;
} YamlEntry;
typedef struct YamlEntries {
        const YamlEntry *v;
        size_t n;
} YamlEntries;

/* In the arena. ERR_INVALID: cx->err.what is the sentence, "line 3: …". ERR_TOO_LARGE: over the
 * limits above. */
Err yaml_read(Ctx *cx, Str text, YamlEntries *ret) _must_check_;

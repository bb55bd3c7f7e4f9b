// SPDX-License-Identifier: MIT
#pragma once
/* profile_int: a profile as it is stored: one entry per value, with everybody who claims it. */
#include "memory/memory_int.h"
#include "memory/profile.h"

enum { ENTRIES_MAX = 600, CLAIMS_MAX = 8, PAST_MAX = 8, ITEMS_MAX = 100 };
enum { PROFILE_VALUE_MAX = 300 }; /* characters */

typedef enum FieldKind { PF_TEXT, PF_INT, PF_BOOL, PF_LIST, PF_MAP, PF_TEXTS } FieldKind;
typedef struct ProfileField {
        const char *name;
        FieldKind kind;
        size_t offset;
        int weight;
} ProfileField;
extern const ProfileField profile_fields[]; /* ends with name NULL */
/* "likes.foods" -> likes; NULL: no such field */
const ProfileField *profile_field(Str name);

typedef struct Claim {
        /* memory_id STR_NULL: the person (kind "user") */
        Str value, memory_id, kind;
        double confidence;
        int64_t first_seen, last_confirmed;
        int64_t from, until; /* when it holds; 0 = open */
} Claim;
typedef struct Past {
        Str value, memory_id;
        int64_t from, to;
} Past;
typedef struct Entry {
        /* "skills", "Rust"; "likes.foods", "ramen"; item STR_NULL: one value */
        Str field, item;
        Claim *claims; /* oldest first, at most CLAIMS_MAX */
        Past *past;    /* at most PAST_MAX */
        size_t n_claims, n_past;
} Entry;
typedef struct Entries {
        Entry *v;
        size_t n, cap;
        int64_t created_at, updated_at;
} Entries;

Err entries_load(Ctx *cx, const MemoryScope *s, const Keys *k, Entries *ret) _must_check_;
/* The same without claims that are over or yet to come: to be shown, not to be saved. */
Err entries_load_now(Ctx *cx, const MemoryScope *s, const Keys *k, Entries *ret) _must_check_;
Err entries_save(Ctx *cx, const MemoryScope *s, const Keys *k, const Entries *e) _must_check_;
Entry *entry_find(const Entries *e, Str field, Str item);    /* NULL: none */
Entry *entry_make(Ctx *cx, Entries *e, Str field, Str item); /* NULL: the profile is full */
/* the person's own word, else the newest; NULL: none left */
const Claim *entry_current(const Entry *e);
void entry_claim(Ctx *cx, Entry *e, const Claim *c);
void entry_past(Ctx *cx, Entry *e, const Claim *c, int64_t to);

/* What one memory says for the profile. */
typedef struct Suggestion {
        Str field, item, value;
        bool if_unset;
} Suggestion;
typedef struct Suggestions {
        Suggestion v[16];
        size_t n;
} Suggestions;
void profile_suggest(Ctx *cx, const Stored *m, Suggestions *ret);

/* Minutes east of UTC at a moment: "UTC+2", "GMT-03:30", "EST", or a name of the system's zone files. */
bool zone_offset(Str zone, int64_t at_ms, int *ret_min) _must_check_;

/* writing_style, uses_emojis and active_hours from the last 50 things the person said. */
Err profile_manner(Ctx *cx, const MemoryScope *s, int utc_offset_min, Profile *p) _must_check_;

// SPDX-License-Identifier: MIT
#pragma once
/* memory_int: what the files of this room share. */
#include "crypto/hash.h"
#include "crypto/seal.h"
#include "memory/find.h"
#include "memory/index_cache.h"
#include "memory/learn.h"
#include "memory/near.h"
#include "memory/shelf.h"

typedef enum MemoryType {
        TYPE_FACT,
        TYPE_PREFERENCE,
        TYPE_COMMITMENT,
        TYPE_INSTRUCTION,
        TYPE_ENTITY,
        TYPE_EPISODIC,
        _TYPE_N
} MemoryType;
typedef enum MemoryStatus {
        STATUS_ACTIVE,
        STATUS_SUPERSEDED,
        STATUS_ARCHIVED,
        STATUS_FLAGGED,
        _STATUS_N
} MemoryStatus;
typedef enum MemoryLevel {
        LEVEL_LOW,
        LEVEL_MEDIUM,
        LEVEL_HIGH,
        LEVEL_CRITICAL,
        _LEVEL_N
} MemoryLevel;
extern const char *const memory_level_names[_LEVEL_N + 1];
/* place in a NULL-terminated list, any case; -1 */
int word_index(const char *const *words, Str word);

typedef struct Jobs Jobs; /* the background thread (jobs.c) */
Jobs *jobs_new(Memory *m);
Jobs *jobs_free(Jobs *j);
struct MemoryJobList;
/* What a model has yet to read of the user and the sub-users, a page of it. */
Err jobs_unread(Ctx *cx, const MemoryScope *s, Str after, struct MemoryJobList *ret) _must_check_;

struct Memory {
        Db *db;
        MemorySettings set;
        IndexCache *cache;
        Shelves *shelves;
        struct Shown *shown;
        struct Touched *touched;
        struct Quotas *quotas;
        Jobs *jobs;
        struct Vectors *vectors; /* NULL: no embeddings configured */
        MemoryModel model;       /* ask NULL: none */
};

/* The keys of one owner, for one operation. */
typedef struct Keys {
        SealKey seal;
        unsigned char mac[32];
} Keys;
void keys_done(Keys *k);
Err keys_get(Ctx *cx, const MemoryScope *s, Keys *ret) _must_check_;
Err keys_to_open(Ctx *cx, const MemoryScope *s, Keys *ret) _must_check_; /* without `mac` */
Str owner_of(Str user_id); /* "usr_1/ann" -> "usr_1" */

/* Equal for equal bytes under one user's key, meaningless under another's. */
typedef struct Mac {
        unsigned char b[16];
} Mac;
void mac_of(const Keys *k, const char *label, Str bytes, Mac *ret);
static inline Str mac_str(const Mac *m) { return str_n(m->b, sizeof m->b); }

/* ---- row <-> table (row.c) ---- */
typedef struct Span {
        int64_t from, until; /* 0 = open */
} Span;

/* a row with what only this room sees of it */
typedef struct Stored {
        MemoryRow row;
        MemoryType type;
        MemoryStatus status;
        MemoryLevel level;
        unsigned char id[16];
        Mac content_mac, subject_mac, value_mac;
        bool has_subject;
        Sketch sketch;
        int64_t last_confirmed;
        /* valid_to before a supersession closed it; 0 = open */
        int64_t valid_to_said;
        /* when another one was held instead, which has been deleted since */
        Span unheld;
        const char *birth_reason;
        MemoryEvent birth;
} Stored;
typedef struct StoredList {
        Stored *v;
        size_t n;
} StoredList;

Err stored_by_id(Ctx *cx, const MemoryScope *s, const Keys *k, Str memory_id,
                 Stored *ret) _must_check_;
/* ERR_NOT_FOUND */
Err stored_by_unit(Ctx *cx, const MemoryScope *s, const Keys *k, int64_t unit,
                   Stored *ret) _must_check_;
Err stored_by_subject(Ctx *cx, const MemoryScope *s, const Keys *k, const Mac *subject,
                      StoredList *ret) _must_check_;
/* at most 200 */
Err stored_by_source(Ctx *cx, const MemoryScope *s, const Keys *k,
                     const unsigned char conversation[16], StoredList *ret) _must_check_;
/* Every row from `before` downwards, newest first, at most `limit`. before 0 = from the end. */
typedef struct Page {
        int64_t before, limit;
} Page;
Err stored_page(Ctx *cx, const MemoryScope *s, const Keys *k, Page page,
                StoredList *ret) _must_check_;
Err stored_insert(Ctx *cx, const MemoryScope *s, const Keys *k, Stored *m) _must_check_;
/* Writes all that may change, version + 1 and updated_at. */
Err stored_save(Ctx *cx, const MemoryScope *s, const Keys *k, Stored *m) _must_check_;
Err stored_remove(Ctx *cx, const MemoryScope *s, const Stored *m) _must_check_;
Err version_add(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *m,
                const MemoryVersion *v) _must_check_;
/* True in the world at as_of, as far as was known at known_at (0: no such test). */
bool stored_holds(const Stored *m, int64_t as_of, int64_t known_at);
/* The text as it was at that moment; 0 = as it is. */
Err stored_as_known(Ctx *cx, const MemoryScope *s, const Keys *k, int64_t known_at,
                    Stored *m) _must_check_;
/* Says the same for as long: who hears the new one again has lost nothing. An old one that is
 * over, expires sooner or begins later does not. */
bool stored_covers(const Stored *old, const MemoryRow *new, int64_t now_ms);

/* After the commit the index learns it; a rollback forgets the user's shelf. */
void index_later(Ctx *cx, const MemoryScope *s, const Stored *m);
void unindex_later(Ctx *cx, const MemoryScope *s, int64_t unit);
void index_turn_later(Ctx *cx, const MemoryScope *s, const Turn *t);
void stored_unit(Ctx *cx, const Stored *m, Unit *ret);
void turn_unit(const Turn *t, Unit *ret);

/* ---- turns ---- */
typedef struct TurnKey {
        unsigned char conversation[16];
        Str external_id;
} TurnKey;
Err turn_insert(Ctx *cx, const MemoryScope *s, const Keys *k, const Turn *t) _must_check_;
Err turn_by_unit(Ctx *cx, const MemoryScope *s, const Keys *k, int64_t unit,
                 Turn *ret) _must_check_;
Err turn_by_external(Ctx *cx, const MemoryScope *s, const Keys *k, const TurnKey *key,
                     Turn *ret) _must_check_;
Err turn_last_seq(Ctx *cx, const MemoryScope *s, const unsigned char conversation[16],
                  int64_t *ret) _must_check_;

/* ---- the write path's parts ---- */
/* NFKC, case-folded, white space collapsed */
Err content_fold(Ctx *cx, Str s, Str *ret) _must_check_;
/* macs and sketch from content, type, attribute */
Err stored_identify(Ctx *cx, const Keys *k, Stored *m) _must_check_;

typedef struct Change {
        MemoryEvent event;
        const char *reason;
        Str old_content;
} Change;
/* Saves a changed row with its version, and tells shelf, index and profile. */
Err stored_change(Ctx *cx, const MemoryScope *s, const Keys *k, Stored *m,
                  const Change *why) _must_check_;

void stored_absorb(Ctx *cx, Stored *into, const Stored *from); /* tags, entities, confidence */

/* A memory on its way in, and what was found out about it. */
typedef struct Pending {
        Stored m;
        /* what it was taken from; NULL: given as it is */
        const Fact *fact;
        int64_t said_at;
        /* extracted, or changed: it is so when it is said, whenever it began */
        bool is_current;
        bool is_correction;
        bool has_valid_from; /* the caller said since when */
        /* "no longer …": closes the value, opens nothing */
        bool is_ending;
        bool is_weak; /* changes nothing that is known */
        bool is_extracted;
        bool is_verbatim; /* nothing is read out of it */
} Pending;
/* Settles what contradicts the new one: changes old rows, and fields of the new one. */
typedef struct Verdict {
        const char *reason; /* NULL: nothing was in the way */
        Strs superseded;
        bool supersedes;
        int64_t known_unit; /* the same fact in other words, or 0 */
} Verdict;
Err conflict_settle(Ctx *cx, const MemoryScope *s, const Keys *k, Pending *p,
                    Verdict *ret) _must_check_;
/* From here on it is a sentence about nothing: kept, but on no line. */
void leave_line(Stored *m);
/* A contradiction that was found otherwise; in the order of their arrival. */
typedef struct Contradiction {
        Stored *old, *new;
        Attribute attribute;
        Str reason; /* for people; into both */
} Contradiction;
Err conflict_confirmed(Ctx *cx, const MemoryScope *s, const Keys *k,
                       const Contradiction *pair) _must_check_;
/* What goes in the same sweep; `fits` NULL: nothing else. */
typedef struct Goes {
        MemoryGoes *fits;
        void *arg;
} Goes;
/* For one that was deleted: what it alone had closed holds again, unless something else does. */
Err conflict_reopen(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *gone,
                    const Goes *goes) _must_check_;
/* What has had its time: nothing holds again instead. */
Err memory_drop(Ctx *cx, const MemoryScope *s, Str memory_id) _must_check_;
/* confirm.c, for a new memory: a model shall look at it, when it has a cue and no value. */
Err conflict_later(Ctx *cx, const MemoryScope *s, const Stored *m) _must_check_;
/* Do the owner's texts go to a server outside? */
Err may_leave(Ctx *cx, const MemoryScope *s, bool *ret) _must_check_;
Err memory_add_pending(Ctx *cx, const MemoryScope *s, const MemoryNew *in, const Fact *fact,
                       MemoryWritten *ret) _must_check_;

/* Profile in step with a memory that was added, changed or went. */
Err profile_on_memory(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *m) _must_check_;
typedef enum ProfileGone { GONE_CHANGED, GONE_SUPERSEDED, GONE_DELETED } ProfileGone;
Err profile_on_gone(Ctx *cx, const MemoryScope *s, const Keys *k, const Stored *m,
                    ProfileGone how) _must_check_;

/* JSON object text with members set; `value` is JSON text. */
typedef struct Member {
        const char *name;
        Str value;
} Member;
Err json_with(Ctx *cx, Str object, const Member *members, size_t n, Str *ret) _must_check_;
Str json_quoted(Ctx *cx, Str s);
Str json_time(Ctx *cx, int64_t ms); /* quoted RFC 3339 */

/* Length-prefixed fields of a sealed body. */
void pack_add(Buf *b, char tag, Str v);
bool unpack_next(Str *rest, char *ret_tag, Str *ret_v) _must_check_;

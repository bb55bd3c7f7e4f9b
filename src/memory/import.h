// SPDX-License-Identifier: MIT
#pragma once
/* import: whole conversations of the past. Each one is stored or refused as a whole, in a write of
 * its own; many go to the writer at once and share commits. Doing it again adds nothing. Not on a
 * loop thread. */
#include "memory/turns.h"

typedef struct ImportTurn {
        Str external_id, speaker, role, text, caption;
        int64_t at;
        bool is_local; /* `at` is what a clock in the conversation's time zone showed */
} ImportTurn;
typedef struct ImportConversation {
        Str external_id, title, timezone;
        const ImportTurn *turns;
        size_t n;
} ImportConversation;

typedef struct Imported {
        /* OK, ERR_CONFLICT (an id with other text), ERR_STORAGE … */
        Err err;
        Str conversation_id, external_id, bad_id; /* bad_id: the turn that conflicts */
        int64_t turns_added, turns_unchanged, memories_created;
} Imported;

typedef struct Import {
        Memory *m;
        Str user_id;
        const ImportConversation *v;
        size_t n;
        bool extract;  /* run the rules over turns of role user */
        Imported *ret; /* n results, filled in */
} Import;
/* Fails only when nothing can be stored at all. */
Err memory_import(Ctx *cx, const Import *in) _must_check_;

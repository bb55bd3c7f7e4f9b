// SPDX-License-Identifier: MIT
#pragma once
/* turns: conversations and what was said in them, word for word. One row per utterance; the user's
 * and the assistant's words are two. chat/ and the import write them inside their own write; every
 * one is searchable when that write is acknowledged. Contents are sealed like memories. Scopes are
 * those of memory.h. */
#include "codec/shape.h"
#include "memory/memory.h"

enum {
        TURN_TEXT_MAX = 10000,
        TURN_CAPTION_MAX = 2000,
        TURN_SPEAKER_MAX = 64,
        EXTERNAL_ID_MAX = 128,
        TITLE_MAX = 500
};

typedef struct Conversation {
        Str conversation_id, external_id, title, timezone;
        Str metadata;                               /* JSON object */
        int64_t created_at, updated_at, turn_count; /* utterances */
        bool is_archived, is_default;
} Conversation;
typedef struct Conversations {
        Conversation *v;
        size_t n;
} Conversations;

typedef struct ConversationNew {
        Str external_id, title, timezone, metadata; /* all optional */
        bool is_default;
} ConversationNew;
/* ERR_CONFLICT: the external id is taken. */
Err conversation_create(Ctx *cx, const MemoryScope *s, const ConversationNew *in,
                        Conversation *ret) _must_check_;
/* ERR_NOT_FOUND: unknown or another user's (not raised: the caller says what it means). */
Err conversation_find(Ctx *cx, const MemoryScope *s, Str conversation_id,
                      Conversation *ret) _must_check_;
Err conversation_find_external(Ctx *cx, const MemoryScope *s, Str external_id,
                               Conversation *ret) _must_check_;
/* The user's default conversation; made on first use (a write). */
/* ERR_NOT_FOUND: not made yet */
Err conversation_default_find(Ctx *cx, const MemoryScope *s, Conversation *ret) _must_check_;
Err conversation_default(Ctx *cx, const MemoryScope *s, Conversation *ret) _must_check_;

typedef struct ConversationFilter {
        int64_t limit;
        Str cursor;
        OptBool archived;
} ConversationFilter;
/* Newest activity first. *ret_cursor is STR_NULL on the last page. */
Err conversation_list(Ctx *cx, const MemoryScope *s, const ConversationFilter *f,
                      Conversations *ret, Str *ret_cursor) _must_check_;

typedef struct ConversationChange {
        Str title, metadata;
        OptBool is_archived;
} ConversationChange;
Err conversation_change(Ctx *cx, const MemoryScope *s, Str conversation_id,
                        const ConversationChange *in, Conversation *ret) _must_check_;
/* One step of removing it, for a conversation of any length without holding up other writers: some of
 * its turns, the last first; then, with `memories`, some of what was drawn from them; at the end
 * itself. The conversation's other tables (chat's) are the caller's to clear in that last write.
 * ERR_NOT_FOUND. */
typedef struct ConversationGone {
        int64_t memories; /* of this step */
        bool more;
} ConversationGone;
Err conversation_delete_some(Ctx *cx, const MemoryScope *s, Str conversation_id, bool memories,
                             ConversationGone *ret) _must_check_;

typedef struct Turn {
        int64_t unit, seq; /* seq: place in the conversation, from 1 */
        Str turn_id, conversation_id, external_id, conversation_external_id;
        Str role, speaker; /* role: user, assistant, other */
        Str text, caption;
        int64_t at, recorded_at;
        bool is_imported; /* else of chat */
} Turn;
typedef struct Turns {
        Turn *v;
        size_t n;
} Turns;

typedef struct TurnNew {
        Str conversation_id;
        /* STR_NULL: a new UUID. chat gives its own for the user's words */
        Str turn_id;
        Str external_id, role, speaker, text, caption;
        int64_t at; /* 0 = now */
} TurnNew;
/* ERR_NOT_FOUND: no such conversation. ERR_CONFLICT: the id is taken by another text; the same text
 * again is OK, once. */
Err turn_add(Ctx *cx, const MemoryScope *s, const TurnNew *in, Turn *ret) _must_check_;
/* ERR_NOT_FOUND */
Err turn_find(Ctx *cx, const MemoryScope *s, Str turn_id, Turn *ret) _must_check_;
/* Of one conversation (STR_NULL: of all), newest first; before_seq / before_unit 0 = from the end. */
typedef struct TurnFilter {
        Str conversation_id;
        int64_t before, limit;
} TurnFilter;
Err turn_list(Ctx *cx, const MemoryScope *s, const TurnFilter *f, Turns *ret) _must_check_;

/* A place among all that a person said, newest first: by time, then number, then id (STR_NULL: before
 * all ids). */
typedef struct TurnPlace {
        int64_t at, seq;
        Str turn_id;
} TurnPlace;
#define TURN_PLACE_FIRST ((TurnPlace){ .at = INT64_MAX })
/* What was imported, of all conversations, behind that place. */
Err turn_list_imported(Ctx *cx, const MemoryScope *s, const TurnPlace *from, int64_t limit,
                       Turns *ret) _must_check_;

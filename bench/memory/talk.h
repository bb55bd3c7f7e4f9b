// SPDX-License-Identifier: MIT
#pragma once
/* talk: conversations made from a book of sayings, the same for the same seed, with questions whose
 * answers are known.
 *
 * A book (*.talk) is lines:
 *   values NAME = a | b | c        what {NAME} may stand for
 *   fact [N]                       told once, or N times in different sessions and values
 *   say TURN / TURN …              a way to tell it: "A: …" is whom it is about, "*A: …" answers
 *   ask QUESTION                   what can be asked about it; {A} is the name
 *   chat                           its says fill the sessions
 * Text in [brackets] becomes the turn's caption. {A} and {B} are the two who talk. */
#include "base/base.h"

typedef struct TalkBook TalkBook;

typedef struct TalkTurn { Str speaker, text, caption; uint32_t session; int64_t at_ms; } TalkTurn;
/* turn numbers */
typedef struct TalkQuestion { Str text; const uint32_t *evidence; size_t evidence_n; } TalkQuestion;
typedef struct Talk {
        TalkTurn *turns; size_t turns_n;
        TalkQuestion *questions; size_t questions_n;
        uint32_t sessions;
} Talk;

/* says why and exits when it cannot */
TalkBook *talk_book_read(Arena *arena, const char *path);
/* `turns` is about how long it gets. Both live in the arena. */
Talk talk_make(Arena *arena, const TalkBook *book, uint64_t seed, size_t turns);

/* A conversation written by hand (*.story): "@ 2024-01-14 19:05" begins a session, "#3 Name:
 * text [caption]" is a turn with a mark, "? question = 3 7" asks and names the marks of the
 * turns that answer. */
Talk story_read(Arena *arena, const char *path);

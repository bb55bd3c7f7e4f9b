// SPDX-License-Identifier: MIT
#pragma once
/* talk: conversations made from a book of sayings, the same for the same seed, with questions whose answers are known.
 *
 * A book (*.talk) is lines:
 *   values NAME = a | b | c        what {NAME} may stand for
 *   fact [N]                       something told once, or N times in different sessions with different values
 *   say TURN / TURN …              a way to tell it: "A: …" is the one it is about, "*A: …" holds the answer
 *   ask QUESTION                   what can be asked about it; {A} is the name
 *   chat                           its says fill the sessions
 * Text in [brackets] becomes the turn's caption. {A} and {B} are the two who talk. */
#include "base/base.h"

typedef struct TalkBook TalkBook;

typedef struct TalkTurn { Str speaker, text, caption; uint32_t session; int64_t at_ms; } TalkTurn;
typedef struct TalkQuestion { Str text; const uint32_t *evidence; size_t evidence_n; } TalkQuestion;     /* turn numbers */
typedef struct Talk {
        TalkTurn *turns; size_t turns_n;
        TalkQuestion *questions; size_t questions_n;
        uint32_t sessions;
} Talk;

TalkBook *talk_book_read(Arena *arena, const char *path);     /* says why and exits when it cannot */
/* `turns` is about how long it gets. Both live in the arena. */
Talk talk_make(Arena *arena, const TalkBook *book, uint64_t seed, size_t turns);

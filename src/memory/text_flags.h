// SPDX-License-Identifier: MIT
#pragma once
/* text_flags: what a text holds, and what a question asks for, by its words alone. English; pure. */
#include "base/str.h"

typedef enum TextFlags {
        /* "last week", "for two years", "in May", "2019" … */
        TEXT_HAS_TIME = 1,
        TEXT_FIRST_PERSON = 2, /* I, my, me, we, our */
        TEXT_ASKS = 4,         /* ends with a question mark */
        /* on Tuesday, recently, since 2016, in May, this Saturday, tomorrow … */
        TEXT_LOOSE_TIME = 8,
        TEXT_HAS_NUMBER = 16, /* 5, five, half */
        TEXT_HAS_PLACE = 32,  /* a name behind in, at, to, near …: "near Porto" */
        TEXT_HAS_NAME = 64,   /* a capital within a sentence, something in quotes */
} TextFlags;
unsigned text_flags(Str text);

bool question_asks_when(Str question); /* when, how long, what date … */

/* The TEXT_HAS_… that an answer is likely to have: a number (how many), a place (where, which city),
 * a name (who, which film). */
unsigned question_asks(Str question);

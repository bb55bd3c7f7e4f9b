// SPDX-License-Identifier: MIT
#pragma once
/* asking: whether somebody asks us something, also without a question mark, and what. English,
 * pure. */
#include "base/arena.h"

/* A question or a request, not a statement. */
bool message_asks(Str message);
/* Of a message of several sentences those that ask ("I moved. Where do I live?"); all of it when
 * none does, or when they stand in one. */
Str asking_part(Str message);
/* About ourselves: "how are you", "do you love me"; not "do you know where I live". */
bool asks_about_us(Str message);

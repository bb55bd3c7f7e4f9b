// SPDX-License-Identifier: MIT
#pragma once
/* stem: English Snowball stems. The home of libstemmer. */
#include "base/str.h"

/* longer words are cut to this before they get here */
enum { STEM_MAX = 64 };

/* `word`: lower-case ASCII, at most STEM_MAX bytes. Writes the stem into `out` and returns it.
 * Thread safe. */
Str stem_english(Str word, char out[STEM_MAX]);

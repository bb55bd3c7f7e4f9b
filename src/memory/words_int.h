// SPDX-License-Identifier: MIT
#pragma once
/* words_int: the hash that every table of words in retrieval uses. */
#include "base/str.h"

static inline uint32_t word_hash(Str s) { /* FNV-1a of 32 bits, mixed; words are short */
        uint32_t h = 2166136261u;
        for (size_t i = 0; i < s.n; i++)
                h = (h ^ (unsigned char)s.p[i]) * 16777619u;
        h ^= h >> 15;
        return h * 0x2c1b3c6du;
}

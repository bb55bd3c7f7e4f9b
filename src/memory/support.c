// SPDX-License-Identifier: MIT
#include "memory/support.h"

#include <ctype.h>

enum { SHARE_MIN = 60, SHORT = 4, ENDING = 3 };

static const char common[] =
        " a an the is are was were be been has have had does do did in at on of to from by for "
        "with and or but not as that this his her their its he she they user who which very some ";

static bool is_letter(char c) { return isalnum((unsigned char)c) || (unsigned char)c >= 0x80; }

static bool word_next(Str *rest, Str *ret) {
        size_t i = 0, n;
        while (i < rest->n && !is_letter(rest->p[i]))
                i++;
        for (n = i; n < rest->n && is_letter(rest->p[n]); n++)
                ;
        *ret = str_n(rest->p + i, n - i);
        *rest = str_from(*rest, n);
        return ret->n > 0;
}

/* The same word, or the same stem with different endings of up to ENDING letters. */
static bool word_matches(Str a, Str b) {
        size_t same = 0;
        while (same < a.n && same < b.n &&
               tolower((unsigned char)a.p[same]) == tolower((unsigned char)b.p[same]))
                same++;
        if (same == a.n && same == b.n)
                return true;
        return same >= SHORT - 1 && a.n - same <= ENDING && b.n - same <= ENDING &&
               same * 2 > MAX(a.n, b.n);
}

static bool stands_in(Str word, Str source) {
        for (Str other; word_next(&source, &other);)
                if (word_matches(word, other))
                        return true;
        return false;
}

bool is_supported(Arena *a, Str claim, Str source) {
        int words = 0, found = 0;
        for (Str word; word_next(&claim, &word);) {
                if (str_is_in(word, common))
                        continue;
                words++;
                found += stands_in(word, source);
        }
        return words > 0 && found * 100 >= words * SHARE_MIN;
}

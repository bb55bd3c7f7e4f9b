// SPDX-License-Identifier: MIT
#include "chat/mode.h"

#include <ctype.h>

enum { GREETING_WORDS_MAX = 3 };

const RetrievalMode mode_everything = { "everything", 50, 30, false, 0 };
static const RetrievalMode schedule = { "schedule", 20, 10, true, 0 };
const RetrievalMode mode_broad = { "broad", 30, 15, false, 0 };
static const RetrievalMode opening = { "opening", 10, 15, false, 15 };
static const RetrievalMode usual = { "default", 10, 15, false, 0 };

static const char *const everything_words[] = { "everything", "all you know", "all my memories",
                                                NULL };
static const char *const schedule_words[] = {
        "schedule",  "calendar", "appointment", "appointments", "meeting",   "meetings", "deadline",
        "deadlines", "remind",   "plans",       "tomorrow",     "next week", NULL,
};
static const char *const broad_words[] = { "about me",
                                           "who am i",
                                           "what do you know",
                                           "what do you remember",
                                           "what have i told you",
                                           "what did i tell you",
                                           "my profile",
                                           NULL };
static const char *const greetings[] = {
        "hi",           "hello",          "hey",          "hiya",     "howdy", "greetings", "yo",
        "good morning", "good afternoon", "good evening", "good day", NULL,
};

static bool is_word_char(char c) { return isalnum((unsigned char)c) || (unsigned char)c >= 0x80; }

/* `phrase` in the text, in any case, between word boundaries. */
static bool has_phrase(Str text, Str phrase) {
        for (size_t i = 0; i + phrase.n <= text.n; i++) {
                if ((i > 0 && is_word_char(text.p[i - 1])) ||
                    !str_eq_nocase(str_n(text.p + i, phrase.n), phrase))
                        continue;
                if (i + phrase.n == text.n || !is_word_char(text.p[i + phrase.n]))
                        return true;
        }
        return false;
}

static bool has_any(Str text, const char *const *phrases) {
        for (; *phrases; phrases++)
                if (has_phrase(text, str_c(*phrases)))
                        return true;
        return false;
}

static int word_count(Str text) {
        int n = 0;
        for (size_t i = 0; i < text.n; i++)
                n += is_word_char(text.p[i]) && (i == 0 || !is_word_char(text.p[i - 1]));
        return n;
}

const RetrievalMode *mode_of(Str message, bool is_first_turn) {
        if (has_any(message, everything_words))
                return &mode_everything;
        if (has_any(message, schedule_words))
                return &schedule;
        if (has_any(message, broad_words))
                return &mode_broad;
        if (is_first_turn ||
            (word_count(message) <= GREETING_WORDS_MAX && has_any(message, greetings)))
                return &opening;
        return &usual;
}

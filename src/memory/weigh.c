// SPDX-License-Identifier: MIT
#include "memory/weigh.h"

#include <math.h>

#include "codec/when.h"

static const double base[_TYPE_N] = {
        [TYPE_FACT] = .7,         [TYPE_PREFERENCE] = .75, [TYPE_COMMITMENT] = .9,
        [TYPE_INSTRUCTION] = .85, [TYPE_ENTITY] = .8,      [TYPE_EPISODIC] = .6
};
static const char *const critical[] = { "my name",    "i am",       "i'm called", "call me",
                                        "my wife",    "my husband", "my partner", "my fiancé",
                                        "my fiancée", "my fiance",  "my fiancee", "my goal",
                                        "i want to",  "i plan to",  NULL };
static const char *const high[] = { "always",      "never",   "important", "remember", "deadline",
                                    "appointment", "meeting", "promise",   NULL };

static bool is_word(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (unsigned char)c >= 0x80;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }

/* How many bytes of text the phrase covers at this place; 0 = it is not there. */
static size_t phrase_at(Str text, const char *phrase) {
        size_t i = 0;
        for (; *phrase; phrase++) {
                if (*phrase == '\'' && str_starts(str_from(text, i), STR("\u2019")))
                        i += 3;
                else if (i < text.n && lower(text.p[i]) == *phrase)
                        i++;
                else
                        return 0;
        }
        return i;
}

/* The phrase stands at this beginning of a word, whole words only. */
static bool phrase_begins(Str text, size_t at, const char *phrase) {
        if (lower(text.p[at]) != *phrase)
                return false;
        size_t n = phrase_at(str_from(text, at), phrase);
        return n && (at + n == text.n || !is_word(text.p[at + n]));
}

static bool any_begins(Str text, size_t at, const char *const *phrases) {
        for (; *phrases; phrases++)
                if (phrase_begins(text, at, *phrases))
                        return true;
        return false;
}

static bool has_any(Str text, const char *const *phrases) {
        for (size_t i = 0; i < text.n; i++)
                if ((!i || !is_word(text.p[i - 1])) && any_begins(text, i, phrases))
                        return true;
        return false;
}

bool text_has_phrase(Str text, const char *phrase) {
        return has_any(text, (const char *const[]){ phrase, NULL });
}

static Weight weight_of_words(MemoryType type, Str content, Str said) {
        double b = base[type];
        if (has_any(content, critical) || has_any(said, critical))
                return (Weight){ LEVEL_CRITICAL, 1.0 };
        if (has_any(content, high) || has_any(said, high))
                return (Weight){ LEVEL_HIGH, fmin(1, 1.3 * b) };
        if (type == TYPE_COMMITMENT || type == TYPE_INSTRUCTION)
                return (Weight){ LEVEL_HIGH, b };
        if (type == TYPE_PREFERENCE || type == TYPE_ENTITY)
                return (Weight){ LEVEL_MEDIUM, b };
        return (Weight){ LEVEL_LOW, b * 0.8 };
}

Weight weigh_importance(MemoryType type, Str content, Str said, const MemoryRow *row,
                        bool is_scheduled) {
        Weight w = weight_of_words(type, content, said);
        w.score *= row->confidence;
        if (row->entities.n > 2)
                w.score *= 1.1;
        if (is_scheduled) {
                w.score *= 1.2;
                if (w.level != LEVEL_CRITICAL)
                        w.level = LEVEL_HIGH;
        }
        w.score = round(fmin(w.score, 1) * 1000) / 1000;
        return w;
}

static double days_since(int64_t then, int64_t now) {
        return fmax(0, (double)(now - then) / (double)DAY_MS);
}

double weigh_decay(const MemoryRow *row, MemoryLevel level, int64_t now_ms) {
        static const double per_day[_LEVEL_N] = {
                [LEVEL_CRITICAL] = 0, [LEVEL_HIGH] = .001, [LEVEL_MEDIUM] = .005, [LEVEL_LOW] = .02
        };
        double w =
                row->importance_score * exp(-per_day[level] * days_since(row->created_at, now_ms));
        w += fmin(0.05 * (double)row->access_count, 0.3);
        if (row->last_accessed) {
                double d = days_since(row->last_accessed, now_ms);
                w += d <= 7 ? 0.1 * (1 - d / 7) : 0;
        }
        return fmin(w, 1);
}

Retention weigh_retention(const MemoryRow *row, MemoryLevel level, double decay, int64_t now_ms) {
        double age = days_since(row->created_at, now_ms);
        bool is_light = level == LEVEL_LOW || level == LEVEL_MEDIUM;
        if (is_light && ((decay < .1 && age > 180) || (level == LEVEL_LOW && age > 365)))
                return ARCHIVE;
        if (level != LEVEL_CRITICAL &&
            ((decay < .3 && age > 90) || (level == LEVEL_LOW && age > 180)))
                return COMPRESS;
        return KEEP;
}

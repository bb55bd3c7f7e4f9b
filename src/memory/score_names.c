// SPDX-License-Identifier: MIT
#include "codec/unicode.h"
#include "memory/score_query_int.h"

static Str lower(Arena *arena, Str s) {
        /* a broken byte becomes three, no character more */
        char *out = arena_bytes(arena, s.n * 3 + 4), *p = out;
        for (int32_t c; (c = unicode_next(&s)) >= 0;)
                p += unicode_put(unicode_lower(c), p);
        return str_n(out, (size_t)(p - out));
}

Str name_lower(Arena *arena, Str name) { return lower(arena, str_trim(name)); }

Str name_first(Arena *arena, Str speaker) {
        static const char *const roles[] = { "user", "assistant", "system", "human",
                                             "ai",   "bot",       "other",  "tool" };
        Str first = str_trim(speaker);
        first = lower(arena, str_to(first, str_index(first, ' ')));
        for (size_t i = 0; i < ELEMENTSOF(roles); i++)
                if (str_eq_c(first, roles[i]))
                        return STR("");
        return first;
}

static bool is_wordy_byte(char c) {
        unsigned char u = (unsigned char)c;
        return (u >= '0' && u <= '9') || ((u | 0x20) >= 'a' && (u | 0x20) <= 'z') || u == '_' ||
               u >= 0x80;
}

static bool is_edge(Str s, size_t at) { /* \b */
        bool before = at > 0 && is_wordy_byte(s.p[at - 1]),
             behind = at < s.n && is_wordy_byte(s.p[at]);
        return before != behind;
}

static bool has_whole(Str s, Str part) {
        for (size_t at = 0; part.n && at + part.n <= s.n; at++)
                if (!memcmp(s.p + at, part.p, part.n) && is_edge(s, at) && is_edge(s, at + part.n))
                        return true;
        return false;
}

bool names_have(const Names *names, Str s) {
        for (size_t i = 0; i < names->n; i++)
                if (str_eq(names->v[i], s))
                        return true;
        return false;
}

Names names_known(Arena *arena, const UserIndex *ix) {
        Names names = { NEW_ARRAY(arena, Str, NAMES_MAX), 0 };
        for (uint32_t i = 0; i < ix->speakers.n && names.n < NAMES_MAX; i++) {
                if (!ix->speakers.refs[i])
                        continue;
                Str first = name_first(arena, dict_text(&ix->speakers, i));
                if (first.n && !names_have(&names, first))
                        names.v[names.n++] = first;
        }
        return names;
}

void names_asked(Arena *arena, const Names *names, Str text, Query *q) {
        Str lowered = lower(arena, text);
        for (size_t i = 0; i < names->n && q->named_n < QUERY_NAMES_MAX; i++)
                if (has_whole(lowered, names->v[i]))
                        q->named[q->named_n++] = names->v[i];
}

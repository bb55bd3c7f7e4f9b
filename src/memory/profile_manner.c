// SPDX-License-Identifier: MIT
/* profile_manner: how a person writes and when, read from the last turns each time it is asked for:
 * nothing to keep in step. */
#include "codec/unicode.h"
#include "codec/when.h"
#include "memory/profile_int.h"
#include "memory/weigh.h"

enum { TURNS_LOOKED_AT = 100, TURNS_MAX = 50, TURNS_MIN = 5, HOURS_MAX = 4 };

typedef struct Manner {
        int turns, casual, formal, technical, emojis;
        int hours[24];
} Manner;

static bool has_emoji(Str text) {
        for (Str rest = text; rest.n;) {
                int32_t c = unicode_next(&rest);
                if ((c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x2600 && c <= 0x27BF))
                        return true;
        }
        return false;
}

static bool has_any(Str text, const char *const *phrases) {
        for (; *phrases; phrases++)
                if (text_has_phrase(text, *phrases))
                        return true;
        return false;
}

static void manner_add(Manner *m, const Turn *t, int utc_offset_min) {
        static const char *const casual[] = { "lol", "haha", "gonna", "wanna", "yeah", "hey",
                                              "btw", "thx",  "cool",  "omg",   "u",    "kinda",
                                              "yep", "nope", "pls",   NULL };
        static const char *const formal[] = {
                "dear",      "regards",          "sincerely",          "kindly",   "furthermore",
                "therefore", "would you please", "i would appreciate", "moreover", "hereby",
                NULL
        };
        static const char *const technical[] = { "function",  "api",        "server",  "database",
                                                 "algorithm", "code",       "compile", "deploy",
                                                 "query",     "debug",      "config",  "python",
                                                 "docker",    "kubernetes", "sql",     "json",
                                                 NULL };
        m->turns++;
        m->casual += has_any(t->text, casual);
        m->formal += has_any(t->text, formal);
        m->technical += has_any(t->text, technical);
        m->emojis += has_emoji(t->text);
        int64_t local = t->at + utc_offset_min * INT64_C(60000);
        m->hours[(local - days_of_ms(local) * DAY_MS) / 3600000]++;
}

static Str style_of(const Manner *m) {
        int best = MAX(m->technical, MAX(m->casual, m->formal));
        if (best * 5 < m->turns)
                return STR_NULL;
        return best == m->technical ? STR("technical")
               : best == m->casual  ? STR("casual")
                                    : STR("formal");
}

/* Runs of hours that each saw at least a tenth of the turns. */
static Strs hours_of(Ctx *cx, const Manner *m) {
        Str *v = NEW_ARRAY(cx->arena, Str, HOURS_MAX);
        size_t n = 0;
        for (int h = 0; h < 24 && n < HOURS_MAX; h++) {
                int from = h;
                while (h < 24 && m->hours[h] * 10 >= m->turns)
                        h++;
                if (h > from)
                        v[n++] = arena_strf(cx->arena, "%02d:00-%02d:00", from, h);
        }
        return (Strs){ v, n };
}

Err profile_manner(Ctx *cx, const MemoryScope *s, int utc_offset_min, Profile *p) {
        Manner m = { 0 };
        Turns turns;
        TRY(turn_list(cx, s, &(TurnFilter){ .limit = TURNS_LOOKED_AT }, &turns));
        for (size_t i = 0; i < turns.n && m.turns < TURNS_MAX; i++)
                if (str_eq_c(turns.v[i].role, "user"))
                        manner_add(&m, &turns.v[i], utc_offset_min);
        if (m.turns < TURNS_MIN)
                return OK;
        if (!p->writing_style.p)
                p->writing_style = style_of(&m);
        if (!p->uses_emojis.has)
                p->uses_emojis = (OptBool){ true, m.emojis * 5 >= m.turns };
        if (!p->active_hours.n)
                p->active_hours = hours_of(cx, &m);
        return OK;
}

// SPDX-License-Identifier: MIT
#include "chat/since.h"

#include "chat/phrase.h"

static const char endings[] =
        " died dead passed cancelled canceled postponed rescheduled shifted switched changed stopped "
        "quit sold broke anymore ended finished closed rehomed divorced separated fired laid traded "
        "replaced gone ";

static bool text_ends(Str text) {
        Str before = STR("");
        for (Str rest = text, w; (w = word_first(&rest)).n; before = w)
                if (str_is_in(w, endings) || (str_eq_nocase(before, STR("no")) &&
                                              str_eq_nocase(w, STR("longer"))))
                        return true;
        return false;
}

static bool has_word(Str text, Str word) {
        for (Str rest = text, w; (w = word_first(&rest)).n;)
                if (str_eq_nocase(possessor(w), word))
                        return true;
        return false;
}

/* A name within the fact: "Duke" of "Has a dog named Duke." */
static bool has_name_of(Str text, Str fact) {
        Str rest = fact;
        (void)word_first(&rest);
        for (Str w; (w = word_first(&rest)).n;)
                if (is_name_like(w) && has_word(text, possessor(w)))
                        return true;
        return false;
}

/* Of what is asked for, and of whom it is about. */
static bool is_asked(Arena *a, const Question *q, Str text) {
        for (size_t i = 0; i < q->needs.n; i++) {
                bool literal;
                if (need_told(&q->needs.v[i], text, &literal) >= 1)
                        return whose_part(a, &q->owner, &q->needs, text).text.n > 0;
        }
        return false;
}

static bool is_about(Arena *a, const Question *q, const MemoryRow *fact, Str text) {
        return has_name_of(text, fact->content) || is_asked(a, q, text);
}

static bool is_later(const MemoryRow *fact, const MemoryHit *h) {
        return h->turn && h->turn->at > fact->recorded_at &&
               !str_eq(h->turn->turn_id, fact->source_turn_id);
}

bool said_since(Arena *a, const RespondIn *in, const Question *q, const MemoryHit *fact,
                Candidate *ret) {
        *ret = (Candidate){ .hit = NULL };
        for (size_t i = 0; i < in->hits->n; i++) {
                const MemoryHit *h = &in->hits->v[i];
                if (!is_later(fact->memory, h) || !hit_tells(h, in->message) ||
                    (ret->hit && ret->hit->turn->at >= h->turn->at) ||
                    !is_about(a, q, fact->memory, h->turn->text))
                        continue;
                for (Str rest = h->turn->text, s; (s = sentence_first(&rest)).n;)
                        if (text_ends(s))
                                *ret = (Candidate){ .hit = h, .text = s };
        }
        return ret->hit != NULL;
}

// SPDX-License-Identifier: MIT
#include "memory/score_int.h"

struct UnitView {
        const UserIndex *ix;
        uint32_t slot;
};

static const Fact *view_fact(const UnitView *v) { return v->ix->colds[v->slot].fact; }
UnitId view_id(const UnitView *v) { return v->ix->colds[v->slot].id; }
UnitKind view_kind(const UnitView *v) { return (UnitKind)v->ix->slots[v->slot].kind; }
int64_t view_at_ms(const UnitView *v) { return v->ix->colds[v->slot].at_ms; }
unsigned view_type(const UnitView *v) { return view_fact(v) ? view_fact(v)->type : 0; }
unsigned view_status(const UnitView *v) { return view_fact(v) ? view_fact(v)->status : 0; }
int64_t view_recorded_ms(const UnitView *v) {
        return view_fact(v) ? view_fact(v)->recorded_ms : view_at_ms(v);
}
double view_confidence(const UnitView *v) { return view_fact(v) ? view_fact(v)->confidence : 1; }

Str view_conversation(const UnitView *v) {
        uint32_t no = v->ix->colds[v->slot].conversation;
        return no == NO_NUMBER ? STR("") : dict_text(&v->ix->conversations, no);
}

static bool fact_has_label(const Fact *f, int64_t label) {
        for (uint32_t i = 0; f && label >= 0 && i < f->labels_n; i++)
                if (f->labels[i] == (uint32_t)label)
                        return true;
        return false;
}

bool view_has_label(const UnitView *v, Str label) {
        return fact_has_label(view_fact(v), dict_find(&v->ix->labels, label));
}

/* The filter with its strings as numbers of this index, so that a unit is checked without a
 * comparison of text. */
typedef struct Wanted {
        const UserIndex *ix;
        const SearchFilter *f;
        int64_t *labels, *conversations;
        uint8_t *speakers; /* by number; NULL = any */
} Wanted;

static int64_t *numbers_of(Arena *arena, const Dict *d, Strs list) {
        int64_t *v = NEW_ARRAY(arena, int64_t, list.n + 1);
        for (size_t i = 0; i < list.n; i++)
                v[i] = dict_find(d, list.v[i]);
        return v;
}

static bool speaker_is(Arena *arena, Str speaker, Str wanted) {
        return str_eq_nocase(speaker, str_trim(wanted)) ||
               str_eq(name_first(arena, speaker), name_lower(arena, wanted));
}

static uint8_t *speakers_wanted(Arena *arena, const UserIndex *ix, Strs list) {
        if (!list.v)
                return NULL;
        uint8_t *v = NEW_ARRAY(arena, uint8_t, ix->speakers.n + 1);
        for (uint32_t no = 0; no < ix->speakers.n; no++)
                for (size_t i = 0; ix->speakers.refs[no] && i < list.n && !v[no]; i++)
                        v[no] = speaker_is(arena, dict_text(&ix->speakers, no), list.v[i]);
        return v;
}

static bool fact_passes(const SearchFilter *want, const Fact *f, int64_t at_ms) {
        if ((want->types && !(want->types >> f->type & 1)) ||
            (want->statuses && !(want->statuses >> f->status & 1)))
                return false;
        if (f->confidence < want->min_confidence)
                return false;
        if (want->as_of_ms && (at_ms > want->as_of_ms || want->as_of_ms >= f->valid_to_ms))
                return false;
        return !want->known_at_ms ||
               (f->recorded_ms <= want->known_at_ms && want->known_at_ms < f->retired_ms);
}

static bool time_passes(const SearchFilter *want, const Cold *c) {
        if ((want->from_ms && c->at_ms < want->from_ms) || (want->to_ms && c->at_ms >= want->to_ms))
                return false;
        return c->fact ? fact_passes(want, c->fact, c->at_ms)
                       : !want->as_of_ms || want->turns_ahead || c->at_ms <= want->as_of_ms;
}

static bool labels_pass(const Wanted *w, const Fact *f) {
        if (!w->f->labels.v)
                return true;
        for (size_t i = 0; i < w->f->labels.n; i++)
                if (fact_has_label(f, w->labels[i]))
                        return true;
        return false;
}

static bool place_passes(const Wanted *w, const Slot *u, const Cold *c) {
        if (w->speakers && (!u->speaker || !w->speakers[u->speaker - 1]))
                return false;
        if (!w->f->conversations.v)
                return true;
        for (size_t i = 0; i < w->f->conversations.n; i++)
                if (w->conversations[i] == (int64_t)c->conversation)
                        return true;
        return false;
}

static bool is_excluded(const SearchFilter *want, UnitId id) {
        for (size_t i = 0; i < want->exclude_n; i++)
                if (want->exclude[i] == id)
                        return true;
        return false;
}

static bool unit_passes(const Wanted *w, uint32_t slot) {
        const Slot *u = &w->ix->slots[slot];
        const Cold *c = &w->ix->colds[slot];
        if (!u->kind || (w->f->kinds && !(w->f->kinds & u->kind)) || !time_passes(w->f, c))
                return false;
        if (!labels_pass(w, c->fact) || !place_passes(w, u, c) || is_excluded(w->f, c->id))
                return false;
        return !w->f->predicate || w->f->predicate(&(UnitView){ w->ix, slot }, w->f->predicate_arg);
}

void filter_open(Search *s) {
        const SearchFilter *f = &s->in->filter;
        s->wanted = NEW(s->arena, Wanted);
        *s->wanted = (Wanted){
                .ix = s->ix,
                .f = f,
                .labels = numbers_of(s->arena, &s->ix->labels, f->labels),
                .conversations = numbers_of(s->arena, &s->ix->conversations, f->conversations),
                .speakers = speakers_wanted(s->arena, s->ix, f->speakers),
        };
}

bool unit_is_eligible(const Search *s, uint32_t slot) {
        if (s->eligible[slot] == ELIGIBLE_UNKNOWN)
                s->eligible[slot] = unit_passes(s->wanted, slot) ? ELIGIBLE : ELIGIBLE_NOT;
        return s->eligible[slot] == ELIGIBLE;
}

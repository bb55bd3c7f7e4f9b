// SPDX-License-Identifier: MIT
/* Terms that count as one of the question's own, found in the dictionary of the index: what a
 * class can stand for, words that begin alike, two words written as one. Each set is scored as
 * one term. */
#include "memory/score_query_int.h"
#include "memory/terms.h"
#include "memory/words.h"

enum { ALSO_MAX = 256 };
typedef struct Also {
        const Reading *r;
        uint32_t v[ALSO_MAX], n;
} Also;

static bool is_asked(const Query *q, uint32_t no) {
        for (uint32_t i = 0; i < q->asked_n; i++)
                if (q->terms[i].no == (int64_t)no)
                        return true;
        return false;
}

static void also_add(Also *a, int64_t no) {
        if (no < 0 || a->n == ALSO_MAX || is_asked(a->r->q, (uint32_t)no))
                return;
        for (uint32_t i = 0; i < a->n; i++)
                if (a->v[i] == (uint32_t)no)
                        return;
        a->v[a->n++] = (uint32_t)no;
}

static void also_settle(Reading *r, const Also *a, double weight) {
        Query *q = r->q;
        if (!a->n || q->terms_n == QUERY_TERMS_MAX)
                return;
        uint32_t i = term_add(r, q->terms[r->origin].word, STR(""), weight);
        uint32_t *also = NEW_ARRAY(r->arena, uint32_t, a->n);
        memcpy(also, a->v, a->n * sizeof *also);
        q->terms[i].also = also;
        q->terms[i].also_n = a->n;
}

static void kind_note(void *arg, Str term) {
        Also *a = arg;
        also_add(a, dict_find(&a->r->ix->terms, term));
}

/* ---- families: "therapi", "therapist", "therapeut" begin alike, and not much follows ---- */
enum { FAMILY_HEAD = 5, FAMILY_CUT = 3, FAMILY_TAIL = 5, FAMILIES_MAX = 32 };

static bool has_digit(Str s) {
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] >= '0' && s.p[i] <= '9')
                        return true;
        return false;
}

static bool is_family(Str a, Str b) {
        size_t same = 0;
        while (same < a.n && same < b.n && a.p[same] == b.p[same])
                same++;
        return same >= FAMILY_HEAD && same + FAMILY_CUT >= a.n && same + FAMILY_TAIL >= b.n &&
               !has_digit(b);
}

static uint8_t head_key(Str s) { /* of at least FAMILY_HEAD letters */
        return (uint8_t)(s.p[0] * 3 + s.p[2] * 7 + s.p[4] * 31);
}

/* One walk over the dictionary for all words of the question; most terms fail at the first look. */
static void families_add(Reading *r) {
        const Dict *d = &r->ix->terms;
        Also *families = NEW_ARRAY(r->arena, Also, FAMILIES_MAX);
        uint32_t n = MIN(r->q->asked_n, (uint32_t)FAMILIES_MAX);
        bool heads[256] = { false };
        for (uint32_t i = 0; i < n; i++) {
                Str term = r->q->terms[i].term;
                families[i].r = r;
                if (term.n >= FAMILY_HEAD && !has_digit(term))
                        heads[head_key(term)] = true;
        }
        for (uint32_t no = 0; no < d->n; no++) {
                Str other = dict_text(d, no);
                if (!d->refs[no] || other.n < FAMILY_HEAD || !heads[head_key(other)])
                        continue;
                for (uint32_t i = 0; i < n; i++)
                        if (is_family(r->q->terms[i].term, other))
                                also_add(&families[i], no);
        }
        for (r->origin = 0; r->origin < n; r->origin++)
                also_settle(r, &families[r->origin], r->ix->rank->family);
}

/* ---- "road trip" and "roadtrip" ---- */
static void joined_note(Reading *r, Also *a) {
        const Query *q = r->q;
        char out[TERM_MAX];
        for (uint32_t i = 0; i + 1 < q->date_at; i++) {
                if (q->words[i] != r->origin)
                        continue;
                Str both = arena_strf(r->arena, "%.*s%.*s", STR_FMT(q->terms[q->words[i]].word),
                                      STR_FMT(q->terms[q->words[i + 1]].word));
                if (both.n <= TERM_MAX)
                        also_add(a, dict_find(&r->ix->terms, term_of(both, out)));
        }
}

static bool split_note(const Reading *r, Str word, Also *first, Also *second) {
        char out1[TERM_MAX], out2[TERM_MAX];
        for (size_t i = 3; i + 3 <= word.n; i++) {
                int64_t a = dict_find(&r->ix->terms, term_of(str_to(word, i), out1));
                int64_t b = dict_find(&r->ix->terms, term_of(str_from(word, i), out2));
                if (a < 0 || b < 0)
                        continue; /* both halves must be known words */
                also_add(first, a);
                also_add(second, b);
                return true;
        }
        return false;
}

static void joins_add(Reading *r) {
        const QueryTerm asked = r->q->terms[r->origin];
        Also joined = { .r = r }, first = { .r = r }, second = { .r = r };
        joined_note(r, &joined);
        also_settle(r, &joined, r->ix->rank->joined);
        if (asked.no >= 0 || asked.word.n > TERM_MAX || !split_note(r, asked.word, &first, &second))
                return;
        also_settle(r, &first, r->ix->rank->joined);
        also_settle(r, &second, r->ix->rank->joined);
}

static void kinds_add(Reading *r) {
        Also kind = { .r = r };
        word_kinds(r->q->terms[r->origin].term, kind_note, &kind);
        also_settle(r, &kind, r->ix->rank->kind * r->q->terms[r->origin].weight);
}

void further_add(Reading *r) {
        const RankParams *p = r->ix->rank;
        for (r->origin = 0; r->origin < r->q->asked_n && p->kind > 0; r->origin++)
                kinds_add(r);
        for (r->origin = 0; r->origin < r->q->asked_n && p->joined > 0; r->origin++)
                joins_add(r);
        if (p->family > 0)
                families_add(r);
}

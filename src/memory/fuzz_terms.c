// SPDX-License-Identifier: MIT
/* Any bytes as a text to index and as a question: words, dates, flags, and a search over what
 * was just put in. */
#include "memory/dates.h"
#include "memory/index.h"
#include "memory/terms.h"
#include "memory/text_flags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool ok) {
        if (!ok)
                abort();
}

static void words_check(Str text) {
        TermReader r = term_reader(text);
        size_t end = 0;
        for (Term t; term_next(&r, &t); end = t.end)
                check(t.at >= end && t.end > t.at && t.end <= text.n && t.word.n <= TERM_MAX &&
                      t.term.n <= TERM_MAX);
}

static void dates_check(Str text) {
        AskedDate a;
        (void)text_flags(text);
        (void)question_asks_when(text);
        (void)question_asks(text);
        if (!date_find_loose(text, 19000, &a))
                return;
        check(a.at < a.end && a.end <= text.n && a.kind != ASKED_NOTHING);
        check(date_gap(&a, 19000) >= 0);
}

static void search_check(Str text) {
        _cleanup_(arena_freep) Arena *arena = arena_new();
        Ctx cx = { .arena = arena, .world = &world_real };
        _cleanup_(index_freep) UserIndex *ix = index_new(&rank_defaults);
        for (UnitId id = 1; id <= 3; id++) {
                Unit u = { .kind = UNIT_TURN,
                           .id = id,
                           .text = text,
                           .extra = str_from(text, text.n / 2),
                           .speaker = str_to(text, 9),
                           .ordinal = id,
                           .at_ms = id };
                index_put(ix, &u);
        }
        SearchQuery q = { .text = text, .top_k = 2 };
        Hits hits;
        check(index_search(&cx, ix, &q, &hits) == OK && hits.n <= 2);
        for (UnitId id = 1; id <= 3; id++)
                check(index_remove(ix, id));
        IndexStats left;
        index_stats(ix, &left);
        check(!left.terms && !left.turns && !left.conversations);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        Str text = str_n(data, n);
        words_check(text);
        dates_check(text);
        if (n <= 4096)
                search_check(text);
        return 0;
}

// SPDX-License-Identifier: MIT
/* Any bytes as a message, a fact and what was said, one a line: the answer without a model is made,
 * and every quote in it is what is stored. */
#include "chat/respond.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool ok) {
        if (!ok)
                abort();
}

static void quotes_check(const Response *r, const MemoryRow *fact, const Turn *said) {
        const Citation *c = r->citations.v;
        for (size_t i = 0; i < r->citations.n; i++) {
                check(c[i].memory_id.p ? str_eq(c[i].quote, fact->content)
                                       : str_contains(said->text, c[i].quote));
                check(str_contains(r->text, c[i].quote));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        _cleanup_(arena_freep) Arena *a = arena_new();
        if (n > 8192 || (n && memchr(data, 0, n))) /* no stored text holds a NUL */
                return 0;
        Str rest = n ? str_n(data, n) : STR(""), message = str_cut(&rest, '\n');
        Str content = rest.p ? str_cut(&rest, '\n') : STR("Lives in Lisbon.");
        MemoryRow fact = { .memory_id = STR("m"),
                           .type = n % 3 ? STR("fact") : STR("entity"),
                           .status = STR("active"),
                           .content = content,
                           .context = rest.p ? rest : STR_NULL,
                           .source_turn_id = n % 2 ? STR("t") : STR("other") };
        Turn said = { .turn_id = STR("t"),
                      .role = STR("user"),
                      .text = rest.p ? rest : STR("I live in Lisbon.") };
        MemoryHit hits[] = { { .memory = &fact, .relevance = 0.9, .similarity = 1 },
                             { .turn = &said, .relevance = 1, .similarity = 1 } };
        MemoryHits list = { hits, ELEMENTSOF(hits), false };
        for (int mode = 0; mode < 4; mode++) {
                Response r;
                respond(a,
                        &(RespondIn){ .message = message,
                                      .hits = &list,
                                      .is_broad = mode & 1,
                                      .is_schedule = mode & 2,
                                      .now_ms = INT64_C(1773136800000) },
                        &r);
                quotes_check(&r, &fact, &said);
        }
        check(suggest(a, message, &list).n == SUGGESTIONS);
        return 0;
}

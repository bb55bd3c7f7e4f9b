// SPDX-License-Identifier: MIT
/* Any text: facts stay within their limits, lie in the text they quote, and are the same the second
 * time. */
#include "codec/when.h"
#include "memory/extract.h"
#include "memory/moment.h"
#include "memory/near.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
        if (!ok)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size > 20000 || memchr(data, 0, size)) /* where texts enter, NUL is refused */
                return 0;
        _cleanup_(arena_freep) Arena *a = arena_new();
        Str text = { (const char *)data, size }, half = str_to(text, size / 2);
        ExtractContext ec = { .said_at = INT64_C(1773133200000),
                              .utc_offset_min = 60,
                              .previous = half };
        MomentRef ref = { ec.said_at, ec.utc_offset_min };
        Facts x, y;
        Fact one;
        Moment m;
        int64_t at;
        Str noted;
        facts_extract(a, text, &ec, &x);
        facts_extract(a, text, &ec, &y);
        check(x.n == y.n && x.n <= FACTS_MAX);
        for (size_t i = 0; i < x.n; i++) {
                const Fact *f = &x.v[i];
                check(f->content.n > 0 && f->content.n <= 2000 &&
                      str_eq(f->content, y.v[i].content));
                check(f->confidence >= 0 && f->confidence <= 1);
                check(!f->quote.p ||
                      (f->quote.p >= text.p && f->quote.p + f->quote.n <= text.p + text.n));
        }
        if (fact_attribute(a, text, &one))
                check(one.attribute != ATTR_NONE);
        if (moment_find(a, text, &ref, &m))
                check(m.phrase.p >= text.p && m.phrase.p + m.phrase.n <= text.p + text.n &&
                      m.at_ms >= WHEN_MIN && m.at_ms <= WHEN_MAX);
        if (moment_annotate(a, text, &ref, &noted, &at))
                check(noted.n > text.n);
        (void)moment_render(a, text, &ref);
        double c = near_cosine(a, text, half);
        check(c >= 0 && c < 1.0001);
        (void)near_differs(a, text, half);
        return 0;
}

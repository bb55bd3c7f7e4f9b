// SPDX-License-Identifier: MIT
#include "codec/fuzz_ctx.h"
#include "codec/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        Str s = str_n(data, n);
        char text[WHEN_TEXT + 1], http[HTTP_DATE_TEXT + 1];
        int64_t ms, again;
        Civil c;
        if (when_parse(s, &ms)) {
                ENSURE(ms >= WHEN_MIN && ms <= WHEN_MAX);
                when_write(text, ms);
                ENSURE(when_parse(str_c(text), &again) && again == ms);
        }
        if (when_parse_local(s, &ms))
                ENSURE(ms >= WHEN_MIN && ms <= WHEN_MAX && !when_parse(s, &again));
        if (http_date_parse(s, &ms)) {
                http_date_write(http, ms);
                bool leap_second = n > 24 && data[23] == '6' && data[24] == '0';
                ENSURE(leap_second || str_eq(s, str_c(http)));
        }
        if (civil_parse(s, &c)) {
                Civil back = civil_from_days(civil_to_days(c));
                ENSURE(back.year == c.year && back.month == c.month && back.day == c.day);
        }
        return 0;
}

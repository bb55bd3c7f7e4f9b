// SPDX-License-Identifier: MIT
#pragma once
/* month: calendar months in UTC, as the ledger counts them. Pure. */
#include "codec/when.h"

/* number: months since year 0 */
typedef struct Month {
        int64_t number, from, to;
        int year, month, days;
} Month;

static inline Month month_make(int year, int month) {
        Civil first = { year, month, 1 },
              next = month == 12 ? (Civil){ year + 1, 1, 1 } : (Civil){ year, month + 1, 1 };
        return (Month){ .number = (int64_t)year * 12 + month - 1,
                        .from = civil_to_days(first) * DAY_MS,
                        .to = civil_to_days(next) * DAY_MS,
                        .year = year,
                        .month = month,
                        .days = month_length(year, month) };
}
static inline Month month_of(int64_t ms) {
        Civil c = civil_from_days(days_of_ms(ms));
        return month_make(c.year, c.month);
}

// SPDX-License-Identifier: MIT
#pragma once
/* sodium_int: the library, ready: without sodium_init it would use its slow portable code. */
#include <pthread.h>
#include <sodium.h>

#include "base/base.h"

static inline void sodium_start_(void) {
        if (sodium_init() < 0)
                abort();
}

static inline void sodium_ready(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, sodium_start_);
}

static inline const unsigned char *bytes_of(Str s) {
        return (const unsigned char *)(s.p ? s.p : "");
}

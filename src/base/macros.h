// SPDX-License-Identifier: MIT
#pragma once
/* macros: the few compiler words the whole tree shares. */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define _cleanup_(f)          __attribute__((cleanup(f)))
#define _must_check_          __attribute__((warn_unused_result))
#define _printf_(a, b)        __attribute__((format(printf, a, b)))
#define _unused_              __attribute__((unused))
#define ELEMENTSOF(x)         (sizeof(x) / sizeof((x)[0]))
#define CONTAINER_OF(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))
#define MIN(a, b)             ((a) < (b) ? (a) : (b))
#define MAX(a, b)             ((a) > (b) ? (a) : (b))

/* x_free(T *) -> NULL becomes usable as _cleanup_(x_freep). */
#define DEFINE_CLEANUP(T, f)                                                                       \
        static inline _unused_ void f##p(T **p) {                                                  \
                if (*p)                                                                            \
                        *p = f(*p);                                                                \
        }

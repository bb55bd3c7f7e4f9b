// SPDX-License-Identifier: MIT
#pragma once
/* late: a shared library that is loaded when it is first needed. What most servers never use costs
 * them neither time at the start nor memory.
 *
 * A file per library defines the functions that are called, under their own names and with their
 * own types, so that callers and the header of the library stay as they are. */
#include <pthread.h>

#include "base/base.h"

typedef struct LateLibrary {
        const char *file;    /* as the loader finds it, with the number of its interface */
        const char *purpose; /* "for outbound calls" */
        pthread_mutex_t lock;
        void *handle;
} LateLibrary;
#define LATE_LIBRARY(file_, purpose_)                                                              \
        { .file = (file_), .purpose = (purpose_), .lock = PTHREAD_MUTEX_INITIALIZER }

/* Before the first call. ERR_UNAVAILABLE: not installed; the next one tries again. */
Err late_load(Ctx *cx, LateLibrary *l) _must_check_;
/* The function of that name, kept in `*at`. A library without it is another one: aborts. */
void *late_function(LateLibrary *l, void **at, const char *name);

#define LATE_FUNCTION(library, type, name, params, args)                                           \
        type name params {                                                                         \
                static void *at;                                                                   \
                return ((__typeof__(&name))late_function(library, &at, #name)) args;               \
        }

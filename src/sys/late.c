// SPDX-License-Identifier: MIT
#include "sys/late.h"

#include <dlfcn.h>

Err late_load(Ctx *cx, LateLibrary *l) {
        pthread_mutex_lock(&l->lock);
        void *handle = __atomic_load_n(&l->handle, __ATOMIC_RELAXED);
        if (!handle) {
                handle = dlopen(l->file, RTLD_LAZY | RTLD_LOCAL);
                __atomic_store_n(&l->handle, handle, __ATOMIC_RELEASE);
        }
        pthread_mutex_unlock(&l->lock);
        return handle ? OK
                      : RAISE(cx, ERR_UNAVAILABLE, "%s is needed %s and is not installed", l->file,
                              l->purpose);
}

void *late_function(LateLibrary *l, void **at, const char *name) {
        void *fn = __atomic_load_n(at, __ATOMIC_ACQUIRE);
        if (!fn) {
                fn = dlsym(__atomic_load_n(&l->handle, __ATOMIC_ACQUIRE), name);
                if (!fn)
                        abort();
                __atomic_store_n(at, fn, __ATOMIC_RELEASE);
        }
        return fn;
}

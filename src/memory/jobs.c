// SPDX-License-Identifier: MIT
#include "memory/jobs_int.h"

struct Jobs { Memory *m; };

Err jobs_new(Ctx *cx, Memory *m, Jobs **ret) {
        Jobs *j = calloc(1, sizeof *j);
        if (!j)
                abort();
        j->m = m;
        *ret = j;
        return OK;
}

Jobs *jobs_free(Jobs *j) {
        free(j);
        return NULL;
}

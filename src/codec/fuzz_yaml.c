// SPDX-License-Identifier: MIT
#include "codec/fuzz_ctx.h"
#include "codec/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        FUZZ_CTX(cx);
        YamlEntries e;
        Err err = yaml_read(cx, str_n(data, n), &e);
        ENSURE(err == OK || err == ERR_INVALID || err == ERR_TOO_LARGE);
        ENSURE(err == OK || cx->err.what);
        for (size_t i = 0; err == OK && i < e.n; i++) {
                ENSURE(e.v[i].key.n && e.v[i].value.p && e.v[i].line >= 1);
                ENSURE(i == 0 || e.v[i].line >= e.v[i - 1].line);
                for (size_t k = 0; k < i; k++)
                        ENSURE(!str_eq(e.v[i].key, e.v[k].key));
        }
        return 0;
}

// SPDX-License-Identifier: MIT
#include "identity/scope.h"

static const Str words[_SCOPE_N] = {
#define X(id, word) [_SCOPE_BIT_##id] = STR(word),
        SCOPE_LIST(X)
#undef X
};

uint32_t scope_parse(Str word) {
        for (unsigned i = 0; i < _SCOPE_N; i++)
                if (str_eq(words[i], word))
                        return 1u << i;
        return 0;
}

uint32_t scopes_parse(Str text) {
        uint32_t bits = 0;

        for (Str rest = text; rest.p;)
                bits |= scope_parse(str_cut(&rest, ' '));
        return bits;
}

Strs scopes_list(Ctx *cx, uint32_t scopes) {
        Str *v = NEW_ARRAY(cx->arena, Str, _SCOPE_N);
        size_t n = 0;

        for (unsigned i = 0; i < _SCOPE_N; i++)
                if (scopes & (1u << i))
                        v[n++] = words[i];
        return (Strs){ v, n };
}

Str scopes_format(Ctx *cx, uint32_t scopes) {
        _cleanup_(buf_done) Buf b = BUF(1024);
        Strs list = scopes_list(cx, scopes);

        for (size_t i = 0; i < list.n; i++) {
                if (i)
                        buf_addc(&b, ' ');
                buf_add(&b, list.v[i]);
        }
        return list.n ? arena_dup(cx->arena, buf_str(&b)) : STR("");
}

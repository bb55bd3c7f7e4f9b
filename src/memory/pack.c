// SPDX-License-Identifier: MIT
#include "codec/json.h"
#include "codec/when.h"
#include "memory/memory_int.h"

void pack_add(Buf *b, char tag, Str v) {
        if (!v.p)
                return;
        char head[5] = { tag, (char)(v.n & 0xff), (char)(v.n >> 8 & 0xff), (char)(v.n >> 16 & 0xff),
                         (char)(v.n >> 24 & 0xff) };
        buf_add(b, str_n(head, sizeof head));
        buf_add(b, v);
}

bool unpack_next(Str *rest, char *ret_tag, Str *ret_v) {
        if (rest->n < 5)
                return false;
        const unsigned char *p = (const unsigned char *)rest->p;
        size_t n = p[1] | (size_t)p[2] << 8 | (size_t)p[3] << 16 | (size_t)p[4] << 24;
        if (n > rest->n - 5)
                return false;
        *ret_tag = (char)p[0];
        *ret_v = (Str){ rest->p + 5, n };
        *rest = str_from(*rest, 5 + n);
        return true;
}

Str json_quoted(Ctx *cx, Str s) {
        _cleanup_(buf_done) Buf b = BUF(6 * s.n + 8);
        json_write_str(&b, s);
        return arena_dup(cx->arena, buf_str(&b));
}

Str json_time(Ctx *cx, int64_t ms) {
        return ms ? arena_strf(cx->arena, "\"%.*s\"", STR_FMT(when_format(cx->arena, ms)))
                  : STR("null");
}

static const Member *member_named(const Member *v, size_t n, Str name) {
        for (size_t i = 0; i < n; i++)
                if (str_eq_c(name, v[i].name))
                        return &v[i];
        return NULL;
}

static void member_write(Buf *b, Str name, Str value) {
        if (b->n > 1)
                buf_addc(b, ',');
        json_write_str(b, name);
        buf_addc(b, ':');
        buf_add(b, value);
}

Err json_with(Ctx *cx, Str object, const Member *members, size_t n, Str *ret) {
        _cleanup_(json_freep) Json *j = NULL;
        _cleanup_(buf_done) Buf b = BUF(256 * 1024);
        TRY(json_parse(cx, object.n ? object : STR("{}"), JSON_DEPTH_MAX, &j));
        buf_addc(&b, '{');
        for (JsonIter it = { 0 }; json_next(json_root(j), &it);)
                if (!member_named(members, n, it.name))
                        member_write(&b, it.name, json_text(cx, it.value));
        for (size_t i = 0; i < n; i++)
                if (members[i].value.p)
                        member_write(&b, str_c(members[i].name), members[i].value);
        buf_addc(&b, '}');
        if (b.full)
                return RAISE(cx, ERR_TOO_LARGE, "JSON object over %zu bytes", b.max);
        *ret = arena_dup(cx->arena, buf_str(&b));
        return OK;
}

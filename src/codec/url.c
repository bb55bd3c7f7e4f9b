// SPDX-License-Identifier: MIT
#include "codec/url.h"

#include "codec/radix.h"
#include "codec/shape_int.h"

/* Length of the decoded bytes in `out`, or SIZE_MAX. */
static size_t unescape(Str s, UrlForm form, char *out) {
        size_t n = 0;
        for (size_t i = 0; i < s.n; i++) {
                char c = s.p[i];
                if (c == '%') {
                        if (!hex_read(str_to(str_from(s, i + 1), 2), &c, 1))
                                return SIZE_MAX;
                        i += 2;
                } else if (c == '+' && form == URL_FORM) {
                        c = ' ';
                }
                if (c == '\0')
                        return SIZE_MAX;
                out[n++] = c;
        }
        return n;
}

bool url_decode(Arena *a, Str text, UrlForm form, Str *ret) {
        bool plain = !text.n || (!memchr(text.p, '%', text.n) && !memchr(text.p, '\0', text.n) &&
                                 (form == URL_PATH || !memchr(text.p, '+', text.n)));
        Str s = text;
        if (!plain) {
                char *out = arena_bytes(a, text.n + 1);
                s = (Str){ out, unescape(text, form, out) };
                if (s.n == SIZE_MAX)
                        return false;
                out[s.n] = '\0';
        }
        if (!str_is_utf8(s))
                return false;
        *ret = s;
        return true;
}

static bool is_unreserved(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_' || c == '~';
}

void url_encode(Buf *out, Str s) {
        static const char digits[] = "0123456789ABCDEF";
        for (size_t i = 0; i < s.n; i++) {
                unsigned char c = (unsigned char)s.p[i];
                if (is_unreserved(s.p[i]))
                        buf_addc(out, s.p[i]);
                else
                        buf_add(out, str_n((char[]){ '%', digits[c >> 4], digits[c & 15] }, 3));
        }
}

/* ---- query and form ---- */

typedef struct Pair {
        Str name, value;
        bool bare, used;
} Pair;
typedef struct Pairs {
        Pair *v;
        size_t n;
} Pairs;

static Err pairs_split(Ctx *cx, Str raw, Pairs *ret) {
        enum { PAIRS_MAX = 256 };
        size_t most = 1;
        for (size_t i = 0; i < raw.n; i++)
                most += raw.p[i] == '&';
        if (most > PAIRS_MAX)
                return RAISE(cx, ERR_BAD_REQUEST, "more than %d parameters", PAIRS_MAX);
        Pairs pairs = { NEW_ARRAY(cx->arena, Pair, most), 0 };
        for (Str rest = raw; rest.p;) {
                Str part = str_cut(&rest, '&');
                Pair *pair = &pairs.v[pairs.n];
                Str value = part;
                Str name = str_cut(&value, '=');
                pair->bare = !value.p;
                if (!url_decode(cx->arena, name, URL_FORM, &pair->name) ||
                    !url_decode(cx->arena, value, URL_FORM, &pair->value))
                        return RAISE(cx, ERR_BAD_REQUEST, "parameter %zu: bad encoding", pairs.n);
                pairs.n += part.n > 0;
        }
        *ret = pairs;
        return OK;
}

static void read_bool(Reader *r, const Path *path, const Field *f, const Pair *pair, void *at) {
        if (pair->bare || str_eq_c(pair->value, "true") || str_eq_c(pair->value, "1"))
                field_bool(f, true, at);
        else if (str_eq_c(pair->value, "false") || str_eq_c(pair->value, "0"))
                field_bool(f, false, at);
        else
                field_bad(r, path, "must be true or false");
}

static void read_int(Reader *r, const Path *path, const Field *f, Str text, void *at) {
        int64_t v;
        if (str_to_i64(text, &v))
                field_int(r, path, f, v, at);
        else
                field_bad(r, path, "must be an integer");
}

static void read_num(Reader *r, const Path *path, const Field *f, Str text, void *at) {
        double v;
        if (str_to_f64(text, &v))
                field_num(r, path, f, v, at);
        else
                field_bad(r, path, "must be a number");
}

static void read_scalar(Reader *r, const Path *path, const Field *f, const Pair *pair, void *at) {
        switch (f->type) {
        case FT_STR: field_str(r, path, f, pair->value, at); break;
        case FT_TIME: field_time(r, path, pair->value, at); break;
        case FT_INT:
        case FT_OINT: read_int(r, path, f, pair->value, at); break;
        case FT_NUM:
        case FT_ONUM: read_num(r, path, f, pair->value, at); break;
        case FT_BOOL:
        case FT_OBOOL: read_bool(r, path, f, pair, at); break;
        case FT_STRS:
        case FT_OBJ:
        case FT_LIST:
        case FT_JSON:
        case FT_END:
        case _FT_N: assert(false && "a query has scalars and lists of strings"); break;
        }
}

static void read_strs(Reader *r, const Path *path, const Field *f, Pairs pairs, Strs *ret) {
        Str *items = NEW_ARRAY(r->cx->arena, Str, pairs.n);
        size_t n = 0;
        for (size_t i = 0; i < pairs.n; i++) {
                if (!str_eq_c(pairs.v[i].name, f->name))
                        continue;
                pairs.v[i].used = true;
                field_item(r, path, f, pairs.v[i].value, &items[n++]);
        }
        if (!n)
                field_absent(r, path, f, ret);
        else if (field_count(r, path, f, n))
                *ret = (Strs){ items, n };
}

static void read_field(Reader *r, const Field *f, Pairs pairs, void *at) {
        Path path = { .name = str_c(f->name) };
        if (f->type == FT_STRS) {
                read_strs(r, &path, f, pairs, at);
                return;
        }
        const Pair *found = NULL;
        size_t times = 0;
        for (size_t i = 0; i < pairs.n; i++) {
                if (!str_eq_c(pairs.v[i].name, f->name))
                        continue;
                pairs.v[i].used = true;
                found = &pairs.v[i];
                times++;
        }
        bool is_bool = f->type == FT_BOOL || f->type == FT_OBOOL;
        bool is_given = found && (found->value.n || f->type == FT_STR || (is_bool && found->bare));
        if (times > 1)
                field_bad(r, &path, "must be given once");
        else if (is_given)
                read_scalar(r, &path, f, found, at);
        else
                field_absent(r, &path, f, at);
}

static Err pairs_read(Ctx *cx, Str raw, const char *root, const Shape *shape, void *ret) {
        Pairs pairs = { 0 };
        TRY(pairs_split(cx, raw, &pairs));
        Reader r = { .cx = cx, .root = root };
        char *obj = arena_alloc(cx->arena, shape->size);
        for (const Field *f = shape->fields; f->type != FT_END; f++)
                read_field(&r, f, pairs, obj + f->offset);
        for (size_t i = 0; i < pairs.n && !shape->open; i++) {
                Path path = { .name = pairs.v[i].name };
                if (!pairs.v[i].used)
                        field_bad(&r, &path, "is not a parameter of this request");
        }
        if (r.errs)
                return ERR_INVALID;
        memcpy(ret, obj, shape->size);
        return OK;
}

Err query_read(Ctx *cx, Str raw, const Shape *shape, void *ret) {
        return pairs_read(cx, raw, "?", shape, ret);
}

Err form_read(Ctx *cx, Str raw, const Shape *shape, void *ret) {
        return pairs_read(cx, raw, "#", shape, ret);
}

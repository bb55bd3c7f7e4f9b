// SPDX-License-Identifier: MIT
/* Struct -> JSON text, straight from the shape into the buffer: this runs for every answer, so
 * there is no tree between. */
#include <inttypes.h>
#include <math.h>

#include "codec/json.h"
#include "codec/when.h"

static const char hex_digits[] = "0123456789abcdef";

/* No control byte, '"', '\\' or byte above 0x7F in these eight (Hacker's Delight 6-1). A borrow can
 * only make a plain word look special, which sends it to the byte loop. */
static bool word_is_plain(const char *p) {
        const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
        uint64_t v;
        memcpy(&v, p, sizeof v);
        uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');
        return !((v | (v - ones * 0x20) | (quote - ones) | (slash - ones)) & high);
}

static size_t plain_run(Str s) {
        size_t i = 0;
        while (s.n - i >= 8 && word_is_plain(s.p + i))
                i += 8;
        for (; i < s.n; i++) {
                unsigned char c = (unsigned char)s.p[i];
                if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
                        break;
        }
        return i;
}

static void write_escape(Buf *out, unsigned char c) {
        static const char short_form[0x20] = {
                ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
        };
        char seq[6] = { '\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15] };
        if (c >= 0x20)
                seq[1] = (char)c; /* the quote and the backslash stand for themselves */
        else if (short_form[c])
                seq[1] = short_form[c];
        buf_add(out, str_n(seq, seq[1] == 'u' ? 6 : 2));
}

/* The bytes of one well-formed character at the front, or 0. */
static size_t char_bytes(Str s) {
        size_t n = (unsigned char)s.p[0] >= 0xF0 ? 4 : (unsigned char)s.p[0] >= 0xE0 ? 3 : 2;
        return n <= s.n && str_is_utf8(str_to(s, n)) ? n : 0;
}

/* A piece that needs no escape, between quotes. The caller reserved the room. */
static void put_quoted(Buf *out, Str s) {
        char *p = out->p + out->n;
        p[0] = '"';
        if (s.n)
                memcpy(p + 1, s.p, s.n);
        p[s.n + 1] = '"';
        p[s.n + 2] = '\0';
        out->n += s.n + 2;
}

/* One character that cannot stand as it is; how many bytes of s it was. */
static size_t write_special(Buf *out, Str s) {
        unsigned char c = (unsigned char)s.p[0];
        size_t n = c >= 0x80 ? char_bytes(s) : 0;
        if (n)
                buf_add(out, str_to(s, n));
        else if (c >= 0x80)
                buf_add(out, STR("\xEF\xBF\xBD"));
        else
                write_escape(out, c);
        return n ? n : 1;
}

void json_write_str(Buf *out, Str s) {
        if (!buf_reserve(out, s.n + 2))
                return;
        size_t n = plain_run(s);
        if (n == s.n) {
                put_quoted(out, s);
                return;
        }
        buf_addc(out, '"');
        while (s.n) {
                buf_add(out, str_to(s, n));
                s = str_from(s, n);
                if (s.n)
                        s = str_from(s, write_special(out, s));
                n = plain_run(s);
        }
        buf_addc(out, '"');
}

/* Up to six decimals cover what we measure and store. i / 10^6 is correctly rounded, so when it
 * gives v back, so will any reader of the digits of i with the point moved by six. */
static bool write_decimal(Buf *out, double v) {
        if (!(fabs(v) < 9e9))
                return false;
        int64_t i = llrint(v * 1e6);
        if ((double)i / 1e6 != v)
                return false;
        uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
        char text[32];
        const char *sign = i < 0 ? "-" : "";
        int n = snprintf(text, sizeof text, "%s%" PRIu64 ".%06" PRIu64, sign, u / 1000000,
                         u % 1000000);
        while (text[n - 1] == '0')
                n--;
        return buf_add(out, str_n(text, (size_t)n));
}

void json_write_num(Buf *out, double v) {
        if (!isfinite(v)) {
                buf_add(out, STR("null"));
        } else if (fabs(v) < 1e15 && (double)(int64_t)v == v) {
                buf_add_i64(out, (int64_t)v);
        } else if (!write_decimal(out, v) && !out->full) {
                char text[32];
                int digits = 15, n;
                do
                        n = snprintf(text, sizeof text, "%.*g", digits, v);
                while (strtod(text, NULL) != v && ++digits <= 17);
                buf_add(out, str_n(text, (size_t)n));
        }
}

static void write_obj(Buf *out, const Shape *shape, const char *obj);

static void write_list(Buf *out, const Shape *item, List list) {
        buf_addc(out, '[');
        for (size_t i = 0; i < list.n && !out->full; i++) {
                if (i)
                        buf_addc(out, ',');
                write_obj(out, item, (const char *)list.v + i * item->size);
        }
        buf_addc(out, ']');
}

static void write_strs(Buf *out, const Strs *list) {
        buf_addc(out, '[');
        for (size_t i = 0; i < list->n && !out->full; i++) {
                if (i)
                        buf_addc(out, ',');
                json_write_str(out, list->v[i]);
        }
        buf_addc(out, ']');
}

static bool is_absent(const Field *f, const void *at) {
        switch (f->type) {
        case FT_STR:
        case FT_JSON: return !((const Str *)at)->p;
        case FT_OINT: return !((const OptInt *)at)->has;
        case FT_ONUM: return !((const OptNum *)at)->has;
        case FT_OBOOL: return !((const OptBool *)at)->has;
        case FT_TIME: return !*(const int64_t *)at;
        case FT_STRS: return !((const Strs *)at)->v;
        case FT_LIST: return !((const List *)at)->v;
        case FT_OBJ: return !*(const void *const *)at;
        case FT_INT:
        case FT_NUM:
        case FT_BOOL:
        case FT_END:
        case _FT_N: break;
        }
        return false;
}

static void write_time(Buf *out, int64_t ms) {
        char text[WHEN_TEXT + 1];
        when_write(text, ms);
        if (buf_reserve(out, WHEN_TEXT + 2))
                put_quoted(out, str_n(text, WHEN_TEXT));
}

static void write_bool(Buf *out, bool v) { buf_add(out, v ? STR("true") : STR("false")); }

static void write_value(Buf *out, const Field *f, const void *at) {
        switch (f->type) {
        case FT_STR: json_write_str(out, *(const Str *)at); break;
        case FT_INT: buf_add_i64(out, *(const int64_t *)at); break;
        case FT_NUM: json_write_num(out, *(const double *)at); break;
        case FT_BOOL: write_bool(out, *(const bool *)at); break;
        case FT_OINT: buf_add_i64(out, ((const OptInt *)at)->v); break;
        case FT_ONUM: json_write_num(out, ((const OptNum *)at)->v); break;
        case FT_OBOOL: write_bool(out, ((const OptBool *)at)->v); break;
        case FT_TIME: write_time(out, *(const int64_t *)at); break;
        case FT_STRS: write_strs(out, at); break;
        case FT_LIST: write_list(out, f->sub, *(const List *)at); break;
        case FT_OBJ: write_obj(out, f->sub, *(const char *const *)at); break;
        case FT_JSON: buf_add(out, *(const Str *)at); break;
        case FT_END:
        case _FT_N: break;
        }
}

/* Absent, but always written: the empty value where the type has one. */
static void write_absent(Buf *out, const Field *f) {
        if (f->flags & F_NULL)
                buf_add(out, STR("null"));
        else if (f->type == FT_STR)
                buf_add(out, STR("\"\""));
        else if (f->type == FT_STRS || f->type == FT_LIST)
                buf_add(out, STR("[]"));
        else
                buf_add(out, STR("null"));
}

static void write_name(Buf *out, char before, const char *name) {
        size_t n = strlen(name);
        if (!buf_reserve(out, n + 4))
                return;
        char *p = out->p + out->n; /* names of members are identifiers: nothing to escape */
        p[0] = before;
        p[1] = '"';
        memcpy(p + 2, name, n);
        p[n + 2] = '"';
        p[n + 3] = ':';
        p[n + 4] = '\0';
        out->n += n + 4;
}

static void write_obj(Buf *out, const Shape *shape, const char *obj) {
        char before = '{';
        for (const Field *f = shape->fields; f->type != FT_END; f++) {
                const void *at = obj + f->offset;
                bool absent = is_absent(f, at);
                if (absent && !(f->flags & (F_REQ | F_NULL)))
                        continue;
                write_name(out, before, f->name);
                before = ',';
                if (absent)
                        write_absent(out, f);
                else
                        write_value(out, f, at);
        }
        buf_add(out, before == '{' ? STR("{}") : STR("}"));
}

void json_write(Buf *out, const Shape *shape, const void *obj) { write_obj(out, shape, obj); }

void json_write_list(Buf *out, const Shape *item, List list) { write_list(out, item, list); }

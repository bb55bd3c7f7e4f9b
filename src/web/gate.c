// SPDX-License-Identifier: MIT
#include "web/gate.h"

const char *const method_names[_M_N] = {
        [M_UNSET] = "OTHER", [GET] = "GET",     [HEAD] = "HEAD",     [POST] = "POST",
        [PUT] = "PUT",       [PATCH] = "PATCH", [DELETE] = "DELETE", [OPTIONS] = "OPTIONS",
};

enum { CONTENT_LENGTH_DIGITS = 18 }; /* less than 2^63 whatever the digits */

enum { IS_TOKEN = 1, IS_TARGET = 2, IS_HOST = 4 };

/* RFC 9110 5.6.2 token; visible ASCII without '#', '"', '<', '>', '\\' for targets; RFC 3986 3.2.2
 * and 3.2.3 for host and port. */
static unsigned char_class(unsigned char c) {
        bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        unsigned k = 0;
        if (alnum || (c && strchr("!#$%&'*+-.^_`|~", c)))
                k |= IS_TOKEN;
        if (c > 0x20 && c < 0x7f && !strchr("#\"<>\\", c))
                k |= IS_TARGET;
        if (alnum || (c && strchr("-._~!$&'()*+,;=:[]%", c)))
                k |= IS_HOST;
        return k;
}

static unsigned char classes[256];

__attribute__((constructor)) static void classes_fill(void) {
        for (unsigned c = 0; c < 256; c++)
                classes[c] = (unsigned char)char_class((unsigned char)c);
}

static bool all_of(Str s, unsigned k) {
        for (size_t i = 0; i < s.n; i++)
                if (!(classes[(unsigned char)s.p[i]] & k))
                        return false;
        return true;
}

Method method_parse(Str s) {
        for (Method m = GET; m < _M_N; m++)
                if (str_eq_c(s, method_names[m]))
                        return m;
        return M_UNSET;
}

/* RFC 9110 5.5, with obs-text. */
static bool is_control(unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }

/* Whether one of eight bytes may be a control: a byte below 0x20, or one equal to 0x7f. */
static bool may_hold_control(const char *p) {
        const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
        uint64_t x;
        memcpy(&x, p, sizeof x);
        uint64_t not_del = x ^ ones * 0x7f;
        return (((x - ones * 0x20) & ~x) | ((not_del - ones) & ~not_del)) & tops;
}

/* Values are the bulk of a head. */
static bool is_value(Str s) {
        size_t i = 0;
        while (s.n - i >= sizeof(uint64_t) && !may_hold_control(s.p + i))
                i += sizeof(uint64_t);
        for (; i < s.n; i++)
                if (is_control((unsigned char)s.p[i]))
                        return false;
        return true;
}

size_t gate_value_copy(char *to, Str value) {
        for (size_t i = 0; i < value.n; i++)
                to[i] = is_control((unsigned char)value.p[i]) ? ' ' : value.p[i];
        return value.n;
}

/* ---- the request line ---- */

static int hex(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Every '%' starts two hexadecimal digits, and none of them hides a NUL. */
static bool escapes_are_good(Str s) {
        for (size_t i = 0; i < s.n; i++) {
                if (s.p[i] != '%')
                        continue;
                int hi = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
                int lo = i + 2 < s.n ? hex(s.p[i + 2]) : -1;
                if (hi < 0 || lo < 0 || hi + lo == 0)
                        return false;
        }
        return true;
}

static Str unescape(Arena *a, Str s) {
        if (!s.n || !memchr(s.p, '%', s.n))
                return s;
        char *to = arena_bytes(a, s.n);
        size_t n = 0;
        for (size_t i = 0; i < s.n; i++) {
                if (s.p[i] == '%') {
                        to[n++] = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
                        i += 2;
                } else {
                        to[n++] = s.p[i];
                }
        }
        return (Str){ to, n };
}

static bool has_dot_segment(Str path) {
        Str rest = path;
        while (rest.p) {
                Str part = str_cut(&rest, '/');
                if (str_eq(part, STR(".")) || str_eq(part, STR("..")))
                        return true;
        }
        return false;
}

/* RFC 9112 3.2: origin-form; absolute-form is cut to it; asterisk-form is for OPTIONS. */
static Err target_form(Ctx *cx, const GateHead *h, GatePass *p) {
        Str t = h->target;
        bool absolute = str_starts(t, STR("http://")) || str_starts(t, STR("https://"));
        if (absolute) {
                size_t skip = str_starts(t, STR("https")) ? 8 : 7;
                Str rest = str_from(t, skip);
                size_t slash = str_index(rest, '/');
                if (slash == 0 || !all_of(str_to(rest, slash), IS_HOST))
                        return RAISE(cx, ERR_BAD_REQUEST, "authority of an absolute target");
                t = slash < rest.n ? str_from(rest, slash) : STR("/");
        }
        bool asterisk = p->method == OPTIONS && str_eq(t, STR("*"));
        if (!asterisk && (t.n == 0 || t.p[0] != '/'))
                return RAISE(cx, ERR_BAD_REQUEST, "target is not a path");
        p->target = t;
        return OK;
}

static Err target_check(Ctx *cx, const GateHead *h, GatePass *p) {
        if (!all_of(h->target, IS_TARGET))
                return RAISE(cx, ERR_BAD_REQUEST, "target holds a byte that must be escaped");
        if (!escapes_are_good(h->target))
                return RAISE(cx, ERR_BAD_REQUEST, "malformed percent escape in the target");
        TRY(target_form(cx, h, p));

        size_t mark = str_index(p->target, '?');
        p->query = mark < p->target.n ? str_from(p->target, mark + 1) : STR_NULL;
        p->path = unescape(cx->arena, str_to(p->target, mark));
        if (!str_is_utf8(p->path))
                return RAISE(cx, ERR_BAD_REQUEST, "path is not UTF-8");
        if (has_dot_segment(p->path))
                return RAISE(cx, ERR_BAD_REQUEST, "dot segment in the path");
        return OK;
}

static Err line_check(Ctx *cx, const GateHead *h, const GateLimits *lim, GatePass *p) {
        bool one_one = str_eq(h->version, STR("HTTP/1.1"));
        if (!one_one && !str_eq(h->version, STR("HTTP/1.0")))
                return RAISE(cx, ERR_HTTP_VERSION, "version");
        if (h->method.n + h->target.n + h->version.n + 4 > lim->line_max)
                return RAISE(cx, ERR_URI_TOO_LONG, "request line over %zu bytes", lim->line_max);
        if (!h->method.n || !all_of(h->method, IS_TOKEN))
                return RAISE(cx, ERR_BAD_REQUEST, "method is not a token");
        p->method = method_parse(h->method);
        return target_check(cx, h, p);
}

/* ---- the fields ---- */

/* Fields of which one is allowed, and what they said. */
typedef struct Single {
        Str host, length, coding;
} Single;

static bool single_keep(Str *slot, Str value) {
        bool first = !slot->p;
        *slot = value;
        return first;
}

static Err field_check(Ctx *cx, const Header *f, Single *s) {
        if (!f->name.n || !all_of(f->name, IS_TOKEN))
                return RAISE(cx, ERR_BAD_REQUEST, "field name is not a token");
        if (!is_value(f->value))
                return RAISE(cx, ERR_BAD_REQUEST, "control byte in %.*s", STR_FMT(f->name));
        bool good = true;
        if (f->name.n == 4 && str_eq_nocase(f->name, STR("host")))
                good = single_keep(&s->host, f->value);
        else if (f->name.n == 14 && str_eq_nocase(f->name, STR("content-length")))
                good = single_keep(&s->length, f->value);
        else if (f->name.n == 17 && str_eq_nocase(f->name, STR("transfer-encoding")))
                good = single_keep(&s->coding, f->value);
        return good ? OK : RAISE(cx, ERR_BAD_REQUEST, "%.*s given twice", STR_FMT(f->name));
}

static Err length_check(Ctx *cx, Str text, GatePass *p) {
        uint64_t n = 0;
        if (!text.n)
                return RAISE(cx, ERR_BAD_REQUEST, "empty Content-Length");
        for (size_t i = 0; i < text.n; i++) {
                if (text.p[i] < '0' || text.p[i] > '9')
                        return RAISE(cx, ERR_BAD_REQUEST, "Content-Length is not a number");
                if (i >= CONTENT_LENGTH_DIGITS)
                        return RAISE(cx, ERR_TOO_LARGE, "Content-Length beyond any limit");
                n = n * 10 + (uint64_t)(text.p[i] - '0');
        }
        p->length = n;
        return OK;
}

static Err framing_check(Ctx *cx, const GateHead *h, const Single *s, GatePass *p) {
        bool one_zero = str_eq(h->version, STR("HTTP/1.0"));
        if (!s->host.p && !one_zero)
                return RAISE(cx, ERR_BAD_REQUEST, "no Host");
        if (!all_of(str_trim(s->host), IS_HOST))
                return RAISE(cx, ERR_BAD_REQUEST, "Host is not a host");
        if (s->length.p && s->coding.p)
                return RAISE(cx, ERR_BAD_REQUEST, "Content-Length beside Transfer-Encoding");
        if (s->coding.p && one_zero)
                return RAISE(cx, ERR_BAD_REQUEST, "Transfer-Encoding in HTTP/1.0");
        /* Exactly "chunked": the library compares the whole value, so a blank behind it would make
         * it read a body of unknown length. */
        if (s->coding.p && !str_eq_nocase(s->coding, STR("chunked")))
                return RAISE(cx, ERR_NOT_IMPLEMENTED, "a transfer coding other than chunked");
        p->chunked = s->coding.p;
        return s->length.p ? length_check(cx, s->length, p) : OK;
}

static Err fields_check(Ctx *cx, const GateHead *h, const GateLimits *lim, GatePass *p) {
        if (h->n_fields > lim->fields_max || h->size > lim->headers_max + h->target.n)
                return RAISE(cx, ERR_HEADERS_TOO_LARGE, "%zu fields, %zu bytes", h->n_fields,
                             h->size);
        Single s = { .host = STR_NULL };
        for (size_t i = 0; i < h->n_fields; i++)
                TRY(field_check(cx, &h->fields[i], &s));
        return framing_check(cx, h, &s, p);
}

Err gate_check(Ctx *cx, const GateHead *h, const GateLimits *lim, GatePass *ret) {
        GatePass p = { .method = M_UNSET };
        TRY(line_check(cx, h, lim, &p));
        if (h->gaps)
                return RAISE(cx, ERR_BAD_REQUEST,
                             "folded field, NUL, bare LF or stray blank in the head");
        TRY(fields_check(cx, h, lim, &p));
        *ret = p;
        return OK;
}

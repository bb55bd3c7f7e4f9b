// SPDX-License-Identifier: MIT
#include "codec/shape_int.h"

#include <stdarg.h>

#include "codec/unicode.h"
#include "codec/url.h"
#include "codec/when.h"

/* RFC 6901: '~' and '/' have escapes of their own; behind '#' the rest is percent-encoded (section
 * 6). */
static void pointer_part(Buf *out, Str name) {
        Str rest = str_to(name, str_utf8_cut(name, 128));
        for (; rest.n; rest = str_from(rest, 1)) {
                if (rest.p[0] == '~')
                        buf_add(out, STR("~0"));
                else if (rest.p[0] == '/')
                        buf_add(out, STR("~1"));
                else
                        url_encode(out, str_to(rest, 1));
        }
}

static void pointer_write(Buf *out, const Path *path, const char *root) {
        if (!path) {
                buf_add_c(out, root);
                return;
        }
        pointer_write(out, path->up, root);
        if (path->up || root[0] == '#') /* "#/a/0", but "?limit" */
                buf_addc(out, '/');
        if (path->name.p)
                pointer_part(out, path->name);
        else
                buf_add_i64(out, (int64_t)path->index);
}

void field_bad(Reader *r, const Path *path, const char *fmt, ...) {
        if (r->errs++ >= FIELD_ERRS_MAX)
                return;
        char text[512];
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        Buf pointer = BUF(1024);
        pointer_write(&pointer, path, r->root);
        (void)err_field(r->cx, ERR_INVALID, __FILE__, buf_str(&pointer), "%s", text);
        buf_done(&pointer);
}

/* ---- text ---- */

static bool has_controls(Str s) {
        for (size_t i = 0; i < s.n; i++) {
                unsigned char c = (unsigned char)s.p[i];
                if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F)
                        return true;
        }
        return false;
}

/* Is `word` one of "a|b|c"? With F_LOWER in any case; *ret is then the word of the list. */
static bool word_find(const Field *f, Str word, Str *ret) {
        Str rest = str_c(f->one_of);
        while (rest.p) {
                Str w = str_cut(&rest, '|');
                if (str_eq(w, word) || ((f->flags & F_LOWER) && str_eq_nocase(w, word))) {
                        *ret = w;
                        return true;
                }
        }
        return false;
}

static void bad_word(Reader *r, const Path *path, const Field *f) {
        Buf words = BUF(400);
        Str rest = str_c(f->one_of);
        while (rest.p) {
                buf_add(&words, str_cut(&rest, '|'));
                if (rest.p)
                        buf_add(&words, STR(", "));
        }
        field_bad(r, path, "must be one of %s", buf_str(&words).p);
        buf_done(&words);
}

static const char *plural(double n) { return n == 1 ? "" : "s"; }

typedef struct Bounds {
        double min, max;
} Bounds;

static bool text_fits(Reader *r, const Path *path, const Field *f, Str text, Bounds b) {
        double n = (double)str_utf8_count(text);
        if (n < b.min)
                field_bad(r, path, "must have at least %.0f character%s", b.min, plural(b.min));
        else if (b.max > 0 && n > b.max)
                field_bad(r, path, "must have at most %.0f character%s", b.max, plural(b.max));
        else if (b.max <= 0 && text.n > STR_BYTES_DEFAULT)
                field_bad(r, path, "must have at most %d bytes", STR_BYTES_DEFAULT);
        else if (text.n && memchr(text.p, '\0', text.n))
                field_bad(r, path, "must not hold a NUL");
        else if (!(f->flags & F_BLANK) && has_controls(text))
                field_bad(r, path, "must not hold control characters");
        else
                return true;
        return false;
}

static void take_text(Reader *r, const Path *path, const Field *f, Str text, Str *at) {
        if (!f->one_of)
                *at = arena_dup(r->cx->arena, text);
        else if (!word_find(f, text, at))
                bad_word(r, path, f);
}

void field_str(Reader *r, const Path *path, const Field *f, Str text, void *at) {
        if (f->flags & F_NFC && unicode_nfc(r->cx, text, &text))
                field_bad(r, path, "cannot be brought into normal form");
        else if (text_fits(r, path, f, text, (Bounds){ f->min, f->max }))
                take_text(r, path, f, text, at);
}

void field_item(Reader *r, const Path *path, const Field *f, Str text, Str *ret) {
        if (text_fits(r, path, f, text, (Bounds){ 0, (double)f->item_max }))
                take_text(r, path, f, text, ret);
}

/* ---- the rest ---- */

static bool number_fits(Reader *r, const Path *path, const Field *f, double v) {
        if (f->min == 0 && f->max == 0)
                return true;
        if (v < f->min)
                field_bad(r, path, "must be at least %.15g", f->min);
        else if (v > f->max)
                field_bad(r, path, "must be at most %.15g", f->max);
        else
                return true;
        return false;
}

void field_int(Reader *r, const Path *path, const Field *f, int64_t v, void *at) {
        if (!number_fits(r, path, f, (double)v))
                return;
        if (f->type == FT_OINT)
                *(OptInt *)at = (OptInt){ true, v };
        else
                *(int64_t *)at = v;
}

void field_num(Reader *r, const Path *path, const Field *f, double v, void *at) {
        if (!number_fits(r, path, f, v))
                return;
        if (f->type == FT_ONUM)
                *(OptNum *)at = (OptNum){ true, v };
        else
                *(double *)at = v;
}

void field_bool(const Field *f, bool v, void *at) {
        if (f->type == FT_OBOOL)
                *(OptBool *)at = (OptBool){ true, v };
        else
                *(bool *)at = v;
}

void field_time(Reader *r, const Path *path, Str text, void *at) {
        int64_t ms;
        if (when_parse(text, &ms))
                *(int64_t *)at = ms ? ms : 1;
        else
                field_bad(r, path, "must be a time such as 2026-01-15T12:00:00Z");
}

bool field_count(Reader *r, const Path *path, const Field *f, size_t n) {
        double max = f->max > 0 ? f->max : LIST_ITEMS_DEFAULT;
        if ((double)n < f->min)
                field_bad(r, path, "must have at least %.0f item%s", f->min, plural(f->min));
        else if ((double)n > max)
                field_bad(r, path, "must have at most %.0f item%s", max, plural(max));
        else
                return true;
        return false;
}

void field_absent(Reader *r, const Path *path, const Field *f, void *at) {
        if (f->flags & F_REQ)
                field_bad(r, path, "is required");
        else if (f->type == FT_INT)
                *(int64_t *)at = (int64_t)f->def;
        else if (f->type == FT_NUM)
                *(double *)at = f->def;
        else if (f->type == FT_BOOL)
                *(bool *)at = f->def != 0;
}

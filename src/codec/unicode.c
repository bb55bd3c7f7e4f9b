// SPDX-License-Identifier: MIT
#include "codec/unicode.h"

#include <utf8proc.h>

enum {
        NFC = UTF8PROC_STABLE | UTF8PROC_COMPOSE,
        NFKC = NFC | UTF8PROC_COMPAT,
        FOLD = NFC | UTF8PROC_CASEFOLD
};

static Err check(Ctx *cx, Str s) {
        if (s.n > UNICODE_MAX)
                return RAISE(cx, ERR_TOO_LARGE, "text of %zu bytes", s.n);
        return str_is_utf8(s) ? OK : RAISE(cx, ERR_INVALID, "not UTF-8");
}

static void text_free(utf8proc_uint8_t **p) { free(*p); }

static Err map(Ctx *cx, Str s, int options, Str *ret) {
        _cleanup_(text_free) utf8proc_uint8_t *out = NULL;
        TRY(check(cx, s));
        utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)(s.p ? s.p : ""),
                                          (utf8proc_ssize_t)s.n, &out, (utf8proc_option_t)options);
        if (n < 0)
                return RAISE(cx, ERR_INVALID, "%s", utf8proc_errmsg(n));
        if (n > UNICODE_MAX)
                return RAISE(cx, ERR_TOO_LARGE, "normal form of %td bytes", n);
        *ret = arena_dup(cx->arena, str_n(out, (size_t)n));
        return OK;
}

static Str ascii_lower(Ctx *cx, Str s) {
        char *out = (char *)arena_dup(cx->arena, s).p;
        for (size_t i = 0; i < s.n; i++)
                if (out[i] >= 'A' && out[i] <= 'Z')
                        out[i] |= 0x20;
        return str_n(out, s.n);
}

Err unicode_nfc(Ctx *cx, Str s, Str *ret) {
        if (!str_is_ascii(s))
                return map(cx, s, NFC, ret);
        TRY(check(cx, s));
        *ret = s;
        return OK;
}

Err unicode_nfkc(Ctx *cx, Str s, Str *ret) {
        if (!str_is_ascii(s))
                return map(cx, s, NFKC, ret);
        TRY(check(cx, s));
        *ret = s;
        return OK;
}

Err unicode_fold(Ctx *cx, Str s, Str *ret) {
        if (!str_is_ascii(s))
                return map(cx, s, FOLD, ret);
        TRY(check(cx, s));
        *ret = ascii_lower(cx, s);
        return OK;
}

/* Lower case can undo a normal form, hence once more at the end. */
Err unicode_lower_nfkc(Ctx *cx, Str s, Str *ret) {
        if (str_is_ascii(s))
                return unicode_fold(cx, s, ret);
        Str form;
        TRY(map(cx, s, NFKC, &form));
        char *low = arena_bytes(cx->arena,
                                form.n * 2 + 1); /* no simple mapping more than doubles the bytes */
        size_t n = 0;
        for (int32_t c; (c = unicode_next(&form)) >= 0;)
                n += unicode_put(unicode_lower(c), low + n);
        return map(cx, str_n(low, n), NFKC, ret);
}

int32_t unicode_next(Str *rest) {
        if (!rest->n)
                return -1;
        utf8proc_int32_t c = (unsigned char)rest->p[0];
        utf8proc_ssize_t n = 1;
        if (c >= 0x80)
                n = utf8proc_iterate((const utf8proc_uint8_t *)rest->p, (utf8proc_ssize_t)rest->n,
                                     &c);
        if (n < 1) {
                n = 1;
                c = 0xFFFD;
        }
        *rest = str_from(*rest, (size_t)n);
        return c;
}

size_t unicode_put(int32_t c, char out[4]) {
        utf8proc_ssize_t n =
                utf8proc_codepoint_valid(c) ? utf8proc_encode_char(c, (utf8proc_uint8_t *)out) : 0;
        return n > 0 ? (size_t)n : 0;
}

int32_t unicode_lower(int32_t c) {
        if (c < 0x80)
                return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
        return utf8proc_tolower(c);
}

bool unicode_is_letter(int32_t c) {
        if (c < 0x80)
                return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        utf8proc_category_t k = utf8proc_category(c);
        return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_ME; /* Lu Ll Lt Lm Lo Mn Mc Me */
}

bool unicode_is_digit(int32_t c) {
        if (c < 0x80)
                return c >= '0' && c <= '9';
        return utf8proc_category(c) == UTF8PROC_CATEGORY_ND;
}

bool unicode_is_space(int32_t c) {
        if (c < 0x80)
                return c == ' ' || (c >= '\t' && c <= '\r');
        utf8proc_category_t k = utf8proc_category(c);
        return c == 0x85 || (k >= UTF8PROC_CATEGORY_ZS && k <= UTF8PROC_CATEGORY_ZP);
}

bool unicode_is_control(int32_t c) {
        return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || c == 0x200E || c == 0x200F ||
               (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool unicode_is_ideograph(int32_t c) {
        static const struct {
                int32_t first, last;
        } blocks[] = {
                { 0x0E00, 0x0EFF }, /* Thai, Lao */
                { 0x1000, 0x109F }, /* Myanmar */
                { 0x1780, 0x17FF }, /* Khmer */
                { 0x2E80, 0x2FDF }, { 0x3005, 0x3007 },
                { 0x3021, 0x3029 }, /* radicals, iteration, numerals */
                { 0x3040, 0x312F }, { 0x31F0, 0x31FF },
                { 0xFF66, 0xFF9F }, /* kana, bopomofo */
                { 0x3400, 0x4DBF }, { 0x4E00, 0x9FFF },
                { 0xF900, 0xFAFF }, { 0x20000, 0x3FFFF }, /* Han */
        };
        for (size_t i = 0; i < ELEMENTSOF(blocks) && c >= 0x0E00; i++)
                if (c >= blocks[i].first && c <= blocks[i].last)
                        return true;
        return false;
}

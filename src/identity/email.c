// SPDX-License-Identifier: MIT
/* email: the one normal form of an address. Checks come after NFKC, so
 * that a character which only turns into '@' there cannot make a second one, and characters that
 * nobody sees cannot make a twin. */
#include "codec/unicode.h"
#include "identity/account.h"

/* Default ignorable code points: no glyph, so two addresses that differ in them look the same. */
static bool is_invisible(int32_t c) {
        static const int32_t ranges[][2] = {
                { 0xAD, 0xAD },     { 0x34F, 0x34F },   { 0x61C, 0x61C },     { 0x115F, 0x1160 },
                { 0x17B4, 0x17B5 }, { 0x180B, 0x180F }, { 0x200B, 0x200F },   { 0x2028, 0x202E },
                { 0x2060, 0x206F }, { 0x3164, 0x3164 }, { 0xFE00, 0xFE0F },   { 0xFEFF, 0xFEFF },
                { 0xFFA0, 0xFFA0 }, { 0xFFF0, 0xFFFB }, { 0x1D173, 0x1D17A }, { 0xE0000, 0xE0FFF },
        };

        for (size_t i = 0; i < ELEMENTSOF(ranges); i++)
                if (c >= ranges[i][0] && c <= ranges[i][1])
                        return true;
        return false;
}

/* Characters that end or split an address in a mail header (RFC 5322 specials without '@' and
 * '.'). */
static bool is_special(int32_t c) { return c > 0 && c < 128 && strchr("()<>[]:;\\,\"", c); }

static const char *email_fault(Str s) {
        size_t at = str_index(s, '@');
        Str domain = str_from(s, at + 1), rest = s;

        if (s.n > EMAIL_MAX)
                return "must have at most 254 bytes";
        if (at == s.n || str_index(domain, '@') != domain.n)
                return "must contain exactly one @";
        if (at == 0 || domain.n == 0)
                return "must have a name before and a domain behind the @";
        if (domain.p[0] == '.' || domain.p[domain.n - 1] == '.' || str_contains(domain, STR("..")))
                return "must have a valid domain";
        for (int32_t c; (c = unicode_next(&rest)) >= 0;)
                if (unicode_is_control(c) || unicode_is_space(c) || is_invisible(c) ||
                    is_special(c))
                        return "must not contain spaces, controls or invisible characters";
        return NULL;
}

Err email_normalize(Ctx *cx, Str text, Str *ret) {
        const char *fault;
        Str s = str_trim(text);

        if (s.n > 4 * EMAIL_MAX)
                return RAISE_FIELD(cx, "#/email", "must have at most 254 bytes");
        if (!str_is_utf8(s) || unicode_lower_nfkc(cx, s, &s) != OK) {
                err_clear(cx);
                return RAISE_FIELD(cx, "#/email", "must be text");
        }
        fault = email_fault(s);
        if (fault)
                return RAISE_FIELD(cx, "#/email", "%s", fault);
        *ret = s;
        return OK;
}

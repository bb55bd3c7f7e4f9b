// SPDX-License-Identifier: MIT
#include "codec/authz.h"

#include "codec/crc32.h"
#include "codec/radix.h"
#include "codec/url.h"

bool authz_split(Str header, Str *ret_scheme, Str *ret_rest) {
        Str text = str_trim(header);
        size_t n = str_index(text, ' ');
        Str rest = str_trim(str_from(text, n));
        if (!n || !rest.n)
                return false;
        *ret_scheme = str_to(text, n);
        *ret_rest = rest;
        return true;
}

/* RFC 6750: 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=" */
static const bool in_b64token[256] = {
        ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
        ['-'] = true,         ['.'] = true,         ['_'] = true,
        ['~'] = true,         ['+'] = true,         ['/'] = true,
};

static bool is_b64token(Str s) {
        size_t n = s.n;
        while (n && s.p[n - 1] == '=')
                n--;
        bool all = n > 0;
        for (size_t i = 0; i < n; i++)
                all &= in_b64token[(unsigned char)s.p[i]];
        return all;
}

bool authz_bearer(Arena *a, Str header, Str *ret_token) {
        Str scheme, text, token;
        if (!authz_split(header, &scheme, &text) || !str_eq_nocase(scheme, STR("Bearer")) ||
            text.n > AUTHZ_TOKEN_MAX || !url_decode(a, text, URL_PATH, &token) ||
            !is_b64token(token))
                return false;
        *ret_token = token;
        return true;
}

/* ---- API keys ---- */

static const char prefix[] = "ms_";
enum {
        ID_AT = sizeof prefix - 1,
        SECRET_AT = ID_AT + API_KEY_ID + 1,
        SUM_AT = SECRET_AT + API_KEY_SECRET
};
_Static_assert((int)SUM_AT + API_KEY_SUM == (int)API_KEY_TEXT, "key form");
_Static_assert((int)API_KEY_SUM == BASE62_U32, "checksum form");

bool api_key_looks_like(Str text) { return str_starts(text, str_c(prefix)); }

bool api_key_parse(Str text, ApiKeyText *ret) {
        char sum[API_KEY_SUM];
        if (text.n != API_KEY_TEXT || !api_key_looks_like(text) || text.p[SECRET_AT - 1] != '_')
                return false;
        Str id = str_to(str_from(text, ID_AT), API_KEY_ID);
        Str secret = str_to(str_from(text, SECRET_AT), API_KEY_SECRET);
        base62_write(sum, sizeof sum, crc32_of(0, str_to(text, SUM_AT)));
        if (!base62_is(id) || !base62_is(secret) ||
            !str_eq(str_from(text, SUM_AT), str_n(sum, sizeof sum)))
                return false;
        *ret = (ApiKeyText){ id, secret };
        return true;
}

void api_key_new(Ctx *cx, char out[API_KEY_TEXT + 1]) {
        memcpy(out, prefix, sizeof prefix - 1);
        base62_random(cx, out + ID_AT, API_KEY_ID);
        out[SECRET_AT - 1] = '_';
        base62_random(cx, out + SECRET_AT, API_KEY_SECRET);
        base62_write(out + SUM_AT, API_KEY_SUM, crc32_of(0, str_n(out, SUM_AT)));
        out[API_KEY_TEXT] = '\0';
}

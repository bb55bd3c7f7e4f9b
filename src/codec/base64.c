// SPDX-License-Identifier: MIT
#include "codec/base64.h"

static const char url_alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Value + 1 of a character of either alphabet; 0 for the rest. The two that differ are told apart
 * by the caller. */
static const uint8_t values[256] = {
        ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,
        ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
        ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
        ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
        ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
        ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
        ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
        ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
        ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63,
        ['_'] = 64,
};

static char *encode(char *out, Str bytes, const char *alphabet) {
        const unsigned char *b = (const unsigned char *)bytes.p;
        size_t i = 0;
        for (; bytes.n - i >= 3; i += 3) {
                uint32_t v = (uint32_t)b[i] << 16 | (uint32_t)b[i + 1] << 8 | b[i + 2];
                *out++ = alphabet[v >> 18];
                *out++ = alphabet[v >> 12 & 63];
                *out++ = alphabet[v >> 6 & 63];
                *out++ = alphabet[v & 63];
        }
        if (i < bytes.n) {
                uint32_t v = (uint32_t)b[i] << 16;
                if (bytes.n - i == 2)
                        v |= (uint32_t)b[i + 1] << 8;
                *out++ = alphabet[v >> 18];
                *out++ = alphabet[v >> 12 & 63];
                if (bytes.n - i == 2)
                        *out++ = alphabet[v >> 6 & 63];
        }
        return out;
}

void base64url_write(char *out, Str bytes) { encode(out, bytes, url_alphabet); }

Str base64url_encode(Arena *a, Str bytes) {
        size_t n = base64url_size(bytes.n);
        char *out = arena_bytes(a, n + 1);
        *encode(out, bytes, url_alphabet) = '\0';
        return (Str){ out, n };
}

/* Up to four characters as 6-bit digits of one number, left-aligned to 24 bits; *bad gathers
 * foreign ones. */
static uint32_t group_read(const unsigned char *p, size_t n, uint32_t *bad) {
        uint32_t v = 0;
        for (size_t i = 0; i < n; i++) {
                uint32_t value = values[p[i]];
                *bad |= !value;
                v |= (value - 1) << (18 - 6 * i);
        }
        return v;
}

bool base64url_read(Str text, void *ret) {
        const unsigned char *p = (const unsigned char *)text.p;
        unsigned char *out = ret;
        uint32_t bad = text.n % 4 == 1;
        for (size_t n = text.n / 4; n; n--, p += 4, out += 3) {
                uint32_t v = group_read(p, 4, &bad);
                out[0] = (unsigned char)(v >> 16);
                out[1] = (unsigned char)(v >> 8);
                out[2] = (unsigned char)v;
        }
        size_t rest = text.n % 4; /* 2 or 3 characters hold 1 or 2 bytes */
        if (rest >= 2) {
                uint32_t v = group_read(p, rest, &bad);
                out[0] = (unsigned char)(v >> 16);
                if (rest == 3)
                        out[1] = (unsigned char)(v >> 8);
                /* stray bits: another text of the same value */
                bad |= v & (rest == 2 ? 0xFFFF : 0xFF);
        }
        return !bad;
}

bool base64url_decode(Arena *a, Str text, Str *ret) {
        size_t n = base64url_bytes(text.n);
        char *out = arena_bytes(a, n + 1);
        if (!base64url_read(text, out))
                return false;
        out[n] = '\0';
        *ret = (Str){ out, n };
        return true;
}

Str base64_encode(Arena *a, Str bytes) {
        size_t n = (bytes.n + 2) / 3 * 4;
        char *out = arena_bytes(a, n + 1);
        char *end = encode(out, bytes, std_alphabet);
        while (end < out + n)
                *end++ = '=';
        *end = '\0';
        return (Str){ out, n };
}

bool base64_decode(Arena *a, Str text, Str *ret) {
        if (text.n % 4)
                return false;
        size_t n = text.n;
        for (int i = 0; i < 2 && n && text.p[n - 1] == '='; i++)
                n--;
        char *url = arena_bytes(a, n + 1);
        for (size_t i = 0; i < n; i++) {
                char c = text.p[i];
                if (c == '-' || c == '_')
                        return false;
                url[i] = c;
                if (c == '+')
                        url[i] = '-';
                if (c == '/')
                        url[i] = '_';
        }
        return base64url_decode(a, str_n(url, n), ret);
}

// SPDX-License-Identifier: MIT
#include "codec/radix.h"

static const char base32_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char crockford_alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
static const char base62_alphabet[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

void hex_write(char *out, Str bytes) {
        static const char digits[] = "0123456789abcdef";
        for (size_t i = 0; i < bytes.n; i++) {
                unsigned char c = (unsigned char)bytes.p[i];
                *out++ = digits[c >> 4];
                *out++ = digits[c & 15];
        }
}

Str hex_encode(Arena *a, Str bytes) {
        char *out = arena_bytes(a, bytes.n * 2 + 1);
        hex_write(out, bytes);
        out[bytes.n * 2] = '\0';
        return (Str){ out, bytes.n * 2 };
}

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_read(Str text, void *ret, size_t n) {
        if (text.n != n * 2)
                return false;
        for (size_t i = 0; i < text.n; i++)
                if (hex_value(text.p[i]) < 0)
                        return false;
        for (size_t i = 0; i < n; i++) {
                int high = hex_value(text.p[2 * i]), low = hex_value(text.p[2 * i + 1]);
                ((unsigned char *)ret)[i] = (unsigned char)(high << 4 | low);
        }
        return true;
}

/* Five bits a character, most significant first; the last one is filled up with zero bits. */
static Str encode32(Arena *a, Str bytes, const char *alphabet) {
        size_t n = (bytes.n * 8 + 4) / 5;
        char *out = arena_bytes(a, n + 1), *p = out;
        uint32_t v = 0;
        unsigned bits = 0;
        for (size_t i = 0; i < bytes.n; i++) {
                v = v << 8 | (unsigned char)bytes.p[i];
                for (bits += 8; bits >= 5; bits -= 5)
                        *p++ = alphabet[v >> (bits - 5) & 31];
        }
        if (bits)
                *p++ = alphabet[v << (5 - bits) & 31];
        *p = '\0';
        return (Str){ out, n };
}

Str base32_encode(Arena *a, Str bytes) { return encode32(a, bytes, base32_alphabet); }

Str crockford_encode(Arena *a, Str bytes) { return encode32(a, bytes, crockford_alphabet); }

static int base32_value(char c) {
        if (c >= '2' && c <= '7')
                return c - '2' + 26;
        c |= 0x20;
        return c >= 'a' && c <= 'z' ? c - 'a' : -1;
}

bool base32_decode(Arena *a, Str text, Str *ret) {
        char *out = arena_bytes(a, text.n * 5 / 8 + 1);
        size_t n = 0;
        uint32_t v = 0;
        unsigned bits = 0;
        for (size_t i = 0; i < text.n; i++) {
                int value = base32_value(text.p[i]);
                if (value < 0)
                        return false;
                v = v << 5 | (uint32_t)value;
                bits += 5;
                if (bits >= 8) {
                        bits -= 8;
                        out[n++] = (char)(v >> bits);
                }
        }
        if (bits >= 5 || (v & ((1u << bits) - 1))) /* a character too many, or stray bits */
                return false;
        out[n] = '\0';
        *ret = (Str){ out, n };
        return true;
}

void base62_write(char *out, size_t n, uint64_t v) {
        for (size_t i = n; i-- > 0; v /= 62)
                out[i] = base62_alphabet[v % 62];
        assert(!v);
}

bool base62_is(Str s) {
        for (size_t i = 0; i < s.n; i++) {
                char c = s.p[i];
                if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
                        return false;
        }
        return true;
}

void base62_random(Ctx *cx, char *out, size_t n) {
        unsigned char chance[64];
        for (size_t i = 0, at = sizeof chance; i < n; at++) {
                if (at == sizeof chance) {
                        cx_random(cx, chance, sizeof chance);
                        at = 0;
                }
                if (chance[at] < 248) /* 4 * 62: the rest would favour the first characters */
                        out[i++] = base62_alphabet[chance[at] % 62];
        }
        secret_wipe(chance, sizeof chance);
}

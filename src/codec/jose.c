// SPDX-License-Identifier: MIT
/* A token is taken apart and judged here, in one order: size, number of parts, header, algorithm of
 * the key, signature; only then is anything handed out. Signatures are checked over the bytes as
 * they came. The JOSE library opens JWEs, after everything about their form has been checked. */
#include "codec/jose.h"

#include <cjose/cjose.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/hash.h"

enum { PARTS_MAX = 5, ES256_KEY_TEXT = 43 };

typedef struct Parts {
        Str v[PARTS_MAX];
        size_t n;
} Parts;

struct JoseKey {
        JoseAlg alg;
        Str kid;      /* owned */
        Secret bytes; /* symmetric keys */
        HmacKey hmac;
        Es256Key *es256;
        Es256Parts public;
        Str usual_header; /* owned: first part of the access tokens this key signs */
};

static const char *const alg_names[] = {
        [JOSE_HS256] = "HS256",
        [JOSE_ES256] = "ES256",
        [JOSE_A256GCM] = "A256GCM",
        [JOSE_A256CBC_HS512] = "A256CBC-HS512",
};
static const Str usual_typ = { "at+jwt", 6 };

/* ---- keys ---- */

static Str heap_dup(Str s) {
        if (!s.p)
                return s;
        char *p = malloc(s.n + 1);
        if (!p)
                abort();
        memcpy(p, s.p, s.n);
        p[s.n] = '\0';
        return (Str){ p, s.n };
}

static Str header_text(Ctx *cx, const JoseKey *key, Str typ) {
        Buf b = BUF(1024);
        buf_addf(&b, "{\"alg\":\"%s\"", alg_names[key->alg]);
        if (typ.p) {
                buf_add(&b, STR(",\"typ\":"));
                json_write_str(&b, typ);
        }
        if (key->kid.p) {
                buf_add(&b, STR(",\"kid\":"));
                json_write_str(&b, key->kid);
        }
        buf_addc(&b, '}');
        Str text = base64url_encode(cx->arena, buf_str(&b));
        buf_done(&b);
        return text;
}

static JoseKey *key_new(JoseAlg alg, Str bytes) {
        JoseKey *k = calloc(1, sizeof *k);
        if (!k)
                abort();
        k->alg = alg;
        if (bytes.p)
                secret_set(&k->bytes, bytes);
        return k;
}

JoseKey *jose_key_free(JoseKey *k) {
        if (!k)
                return NULL;
        secret_done(&k->bytes);
        hmac_key_done(&k->hmac);
        es256_key_free(k->es256);
        free((char *)k->kid.p);
        free((char *)k->usual_header.p);
        free(k);
        return NULL;
}

Err jose_key_hs256(Ctx *cx, Str secret, Str kid, JoseKey **ret) {
        if (!secret.n)
                return RAISE(cx, ERR_INVALID, "an empty secret signs nothing");
        JoseKey *k = key_new(JOSE_HS256, secret);
        hmac_key_init(&k->hmac, secret);
        k->kid = heap_dup(kid);
        k->usual_header = heap_dup(header_text(cx, k, usual_typ));
        *ret = k;
        return OK;
}

Err jose_key_es256(Ctx *cx, const Es256Parts *parts, Str kid, JoseKey **ret) {
        _cleanup_(jose_key_freep) JoseKey *k = key_new(JOSE_ES256, STR_NULL);
        TRY(es256_key_new(cx, parts, &k->es256));
        memcpy(k->public.x, parts->x, sizeof k->public.x);
        memcpy(k->public.y, parts->y, sizeof k->public.y);
        k->kid = heap_dup(kid.p ? kid : jwk_thumbprint(cx, k));
        k->usual_header = heap_dup(header_text(cx, k, usual_typ));
        *ret = k;
        k = NULL;
        return OK;
}

Err jose_key_dir(Ctx *cx, JoseAlg enc, Str key, Str kid, JoseKey **ret) {
        assert(enc == JOSE_A256GCM || enc == JOSE_A256CBC_HS512);
        if (key.n != (enc == JOSE_A256GCM ? 32 : 64))
                return RAISE(cx, ERR_INVALID, "%s does not take a key of %zu bytes", alg_names[enc],
                             key.n);
        JoseKey *k = key_new(enc, key);
        k->kid = heap_dup(kid);
        *ret = k;
        return OK;
}

JoseAlg jose_key_alg(const JoseKey *k) { return k->alg; }

Str jose_key_kid(const JoseKey *k) { return k->kid; }

/* ---- form ---- */

/* The parts between the dots; n is PARTS_MAX + 1 when there are more than any token has. */
static Parts parts_split(Str token) {
        Parts parts = { .n = 0 };
        for (Str rest = token; rest.p;) {
                if (parts.n == PARTS_MAX) {
                        parts.n++;
                        break;
                }
                parts.v[parts.n++] = str_cut(&rest, '.');
        }
        return parts;
}

JoseKind jose_kind(Str token) {
        size_t n = parts_split(token).n;
        return n == 3 ? JOSE_JWS : n == 5 ? JOSE_JWE : JOSE_NEITHER;
}

static JoseAlg alg_find(Str name, JoseAlg first, JoseAlg last) {
        for (JoseAlg alg = first; alg <= last; alg++)
                if (str_eq_c(name, alg_names[alg]))
                        return alg;
        return JOSE_UNSET;
}

/* A text member, or absent: any other type is a trick. */
static bool text_member(JsonRef header, const char *name, Str *ret) {
        JsonRef v = json_get(header, name);
        *ret = json_str(v);
        return json_kind(v) == JSON_ABSENT || json_kind(v) == JSON_STR;
}

static Err header_judge(Ctx *cx, JsonRef header, JoseKind kind, JoseHeader *ret) {
        static const char *const refused[] = {
                "crit", "zip",      "b64", "jku", "jwk", "x5u", "x5c",
                "x5t",  "x5t#S256", "p2c", "p2s", "epk", "apu", "apv",
        };
        for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                if (json_kind(json_get(header, refused[i])) != JSON_ABSENT)
                        return RAISE(cx, ERR_TOKEN_INVALID, "header names %s", refused[i]);
        Str alg, enc, kid, typ;
        if (json_kind(header) != JSON_OBJ || !text_member(header, "alg", &alg) ||
            !text_member(header, "enc", &enc) || !text_member(header, "kid", &kid) ||
            !text_member(header, "typ", &typ))
                return RAISE(cx, ERR_TOKEN_INVALID, "a header member of the wrong type");
        JoseHeader h = { .kid = arena_dup(cx->arena, kid), .typ = arena_dup(cx->arena, typ) };
        if (kind == JOSE_JWS)
                h.alg = enc.p ? JOSE_UNSET : alg_find(alg, JOSE_HS256, JOSE_ES256);
        else if (str_eq_c(alg, "dir"))
                h.alg = alg_find(enc, JOSE_A256GCM, JOSE_A256CBC_HS512);
        if (!h.alg)
                return RAISE(cx, ERR_TOKEN_INVALID, "an algorithm we do not take");
        *ret = h;
        return OK;
}

static Err header_read(Ctx *cx, Str part, JoseKind kind, JoseHeader *ret) {
        Str text;
        _cleanup_(json_freep) Json *json = NULL;
        if (!part.n || !base64url_decode(cx->arena, part, &text))
                return RAISE(cx, ERR_TOKEN_INVALID, "header is not base64url");
        if (json_parse(cx, text, JOSE_DEPTH_MAX, &json)) {
                err_clear(cx); /* a broken token is not a broken body */
                return RAISE(cx, ERR_TOKEN_INVALID, "header is not JSON");
        }
        return header_judge(cx, json_root(json), kind, ret);
}

static Err token_split(Ctx *cx, Str token, JoseKind kind, Parts *ret) {
        size_t most = kind == JOSE_JWE ? JWE_TEXT_MAX : JWS_TEXT_MAX;
        if (token.n > most)
                return RAISE(cx, ERR_TOKEN_INVALID, "token of %zu bytes", token.n);
        *ret = parts_split(token);
        return ret->n == (kind == JOSE_JWE ? 5 : 3)
                       ? OK
                       : RAISE(cx, ERR_TOKEN_INVALID, "%zu parts", ret->n);
}

Err jose_header(Ctx *cx, Str token, JoseHeader *ret) {
        Parts parts = { 0 };
        JoseKind kind = jose_kind(token);
        if (kind == JOSE_NEITHER)
                return RAISE(cx, ERR_TOKEN_INVALID, "neither JWS nor JWE");
        TRY(token_split(cx, token, kind, &parts));
        return header_read(cx, parts.v[0], kind, ret);
}

static Err header_fits(Ctx *cx, const JoseKey *key, Str part, JoseKind kind) {
        JoseHeader h;
        if (key->usual_header.p && str_eq(part, key->usual_header))
                return OK; /* our own words: judged when the key was made */
        TRY(header_read(cx, part, kind, &h));
        if (h.alg != key->alg)
                return RAISE(cx, ERR_TOKEN_INVALID, "%s where the key is for %s", alg_names[h.alg],
                             alg_names[key->alg]);
        if (h.kid.p && key->kid.p && !str_eq(h.kid, key->kid))
                return RAISE(cx, ERR_TOKEN_INVALID, "another key is named");
        return OK;
}

/* ---- JWS ---- */

static size_t signature_size(const JoseKey *key) {
        assert(key->alg == JOSE_ES256 || key->alg == JOSE_HS256);
        return key->alg == JOSE_ES256 ? ES256_SIG : SHA256_SIZE;
}

static Err signature_make(Ctx *cx, const JoseKey *key, Str text, unsigned char ret[ES256_SIG]) {
        if (key->alg == JOSE_ES256)
                return es256_sign(cx, key->es256, text, ret);
        hmac_key_sign(&key->hmac, text, ret);
        return OK;
}

Err jws_sign(Ctx *cx, const JoseKey *key, Str typ, Str payload, Str *ret) {
        Str header = str_eq(typ, usual_typ) ? key->usual_header : header_text(cx, key, typ);
        size_t signed_n = header.n + 1 + base64url_size(payload.n);
        char *text = arena_bytes(cx->arena, signed_n + 1 + base64url_size(ES256_SIG) + 1);
        memcpy(text, header.p, header.n);
        text[header.n] = '.';
        base64url_write(text + header.n + 1, payload);
        unsigned char sig[ES256_SIG];
        size_t sig_n = signature_size(key);
        TRY(signature_make(cx, key, str_n(text, signed_n), sig));
        text[signed_n] = '.';
        base64url_write(text + signed_n + 1, str_n(sig, sig_n));
        size_t n = signed_n + 1 + base64url_size(sig_n);
        text[n] = '\0';
        if (n > JWS_TEXT_MAX)
                return RAISE(cx, ERR_TOO_LARGE, "a token of %zu bytes would be refused", n);
        *ret = (Str){ text, n };
        return OK;
}

static bool signature_is_good(const JoseKey *key, Str text, Str part) {
        unsigned char sig[ES256_SIG];
        size_t n = signature_size(key);
        if (part.n != base64url_size(n) || !base64url_read(part, sig))
                return false;
        if (key->alg == JOSE_ES256)
                return es256_verify(key->es256, text, str_n(sig, n));
        return hmac_key_verify(&key->hmac, text, str_n(sig, n));
}

Err jws_verify(Ctx *cx, const JoseKey *key, Str token, Str *ret_payload) {
        assert(key->alg == JOSE_HS256 || key->alg == JOSE_ES256);
        Parts parts = { 0 };
        TRY(token_split(cx, token, JOSE_JWS, &parts));
        TRY(header_fits(cx, key, parts.v[0], JOSE_JWS));
        Str text = str_to(token, parts.v[0].n + 1 + parts.v[1].n);
        if (!signature_is_good(key, text, parts.v[2]))
                return RAISE(cx, ERR_TOKEN_INVALID, "the signature does not fit");
        if (!base64url_decode(cx->arena, parts.v[1], ret_payload))
                return RAISE(cx, ERR_TOKEN_INVALID, "payload is not base64url");
        return OK;
}

/* ---- JWE ---- */

static void jwk_releasep(cjose_jwk_t **k) { cjose_jwk_release(*k); }
static void jwe_releasep(cjose_jwe_t **e) { cjose_jwe_release(*e); }
static void library_freep(uint8_t **p) { cjose_get_dealloc()(*p); }

/* Exact sizes of IV and tag: a short tag must never be compared. */
static bool jwe_form_is_right(Ctx *cx, JoseAlg enc, const Parts *parts) {
        Str iv, cipher, tag;
        if (parts->v[1].n || !base64url_decode(cx->arena, parts->v[2], &iv) ||
            !base64url_decode(cx->arena, parts->v[3], &cipher) ||
            !base64url_decode(cx->arena, parts->v[4], &tag))
                return false;
        if (enc == JOSE_A256GCM)
                return iv.n == 12 && tag.n == 16;
        return iv.n == 16 && tag.n == 32 && cipher.n && cipher.n % 16 == 0;
}

Err jwe_open(Ctx *cx, const JoseKey *key, Str token, Str *ret_plain) {
        assert(key->alg == JOSE_A256GCM || key->alg == JOSE_A256CBC_HS512);
        Parts parts = { 0 };
        TRY(token_split(cx, token, JOSE_JWE, &parts));
        TRY(header_fits(cx, key, parts.v[0], JOSE_JWE));
        if (!jwe_form_is_right(cx, key->alg, &parts))
                return RAISE(cx, ERR_TOKEN_INVALID, "not the form of %s", alg_names[key->alg]);
        cjose_err why = { 0 };
        /* made for each call, because the library counts references to a key without a lock */
        _cleanup_(jwk_releasep) cjose_jwk_t *jwk =
                cjose_jwk_create_oct_spec((const uint8_t *)key->bytes.p, key->bytes.n, &why);
        _cleanup_(jwe_releasep) cjose_jwe_t *jwe = cjose_jwe_import(token.p, token.n, &why);
        if (!jwk || !jwe)
                return RAISE(cx, ERR_TOKEN_INVALID, "JWE: %s",
                             why.message ? why.message : "not readable");
        size_t n = 0;
        _cleanup_(library_freep) uint8_t *plain = cjose_jwe_decrypt(jwe, jwk, &n, &why);
        if (!plain)
                return RAISE(cx, ERR_TOKEN_INVALID, "JWE: %s",
                             why.message ? why.message : "does not open");
        *ret_plain = arena_dup(cx->arena, str_n(plain, n));
        secret_wipe(plain, n);
        return OK;
}

/* ---- JWK ---- */

/* The members that RFC 7638 wants, in its order. */
static void public_members(Buf *out, const JoseKey *key) {
        char x[ES256_KEY_TEXT], y[ES256_KEY_TEXT];
        base64url_write(x, str_n(key->public.x, sizeof key->public.x));
        base64url_write(y, str_n(key->public.y, sizeof key->public.y));
        buf_add(out, STR("\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\""));
        buf_add(out, str_n(x, sizeof x));
        buf_add(out, STR("\",\"y\":\""));
        buf_add(out, str_n(y, sizeof y));
        buf_addc(out, '"');
}

void jwk_set_write(Buf *out, const JoseKey *const *keys, size_t n) {
        const char *before = "{";
        buf_add(out, STR("{\"keys\":["));
        for (size_t i = 0; i < n; i++) {
                if (keys[i]->alg != JOSE_ES256)
                        continue;
                buf_add_c(out, before);
                public_members(out, keys[i]);
                buf_add(out, STR(",\"kid\":"));
                json_write_str(out, keys[i]->kid);
                buf_add(out, STR(",\"use\":\"sig\",\"alg\":\"ES256\"}"));
                before = ",{";
        }
        buf_add(out, STR("]}"));
}

Str jwk_thumbprint(Ctx *cx, const JoseKey *key) {
        assert(key->alg == JOSE_ES256);
        unsigned char digest[SHA256_SIZE];
        Buf b = BUF(256);
        buf_addc(&b, '{');
        public_members(&b, key);
        buf_addc(&b, '}');
        sha256(buf_str(&b), digest);
        buf_done(&b);
        return base64url_encode(cx->arena, str_n(digest, sizeof digest));
}

Str authjs_kid(Ctx *cx, Str key_bytes) {
        unsigned char digest[SHA512_SIZE];
        Secret text = { 0 };
        size_t n = base64url_size(key_bytes.n);
        static const char head[] = "{\"k\":\"", tail[] = "\",\"kty\":\"oct\"}";
        char *p = secret_reserve(&text, sizeof head - 1 + n + sizeof tail - 1);
        memcpy(p, head, sizeof head - 1);
        base64url_write(p + sizeof head - 1, key_bytes);
        memcpy(p + sizeof head - 1 + n, tail, sizeof tail - 1);
        sha512(secret_str(&text), digest);
        secret_done(&text);
        return base64url_encode(cx->arena, str_n(digest, sizeof digest));
}

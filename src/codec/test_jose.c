// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include "codec/base64.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "crypto/hash.h"

static const char secret[] = "0123456789abcdef0123456789abcdef";

/* A token over this header, rightly signed with the secret: only the header can be what is
 * wrong. */
static Str forge(Ctx *cx, Str header, Str payload) {
        unsigned char mac[SHA256_SIZE];
        Str head = base64url_encode(cx->arena, header), body = base64url_encode(cx->arena, payload);
        Str text = arena_strf(cx->arena, "%s.%s", head.p, body.p);
        hmac_sha256(str_c(secret), text, mac);
        Str sig = base64url_encode(cx->arena, str_n(mac, sizeof mac));
        return arena_strf(cx->arena, "%s.%s", text.p, sig.p);
}

static void test_hs256(void **state) {
        Ctx *cx = *state;
        _cleanup_(jose_key_freep) JoseKey *key = NULL, *named = NULL, *other = NULL, *none = NULL;
        assert_ok(jose_key_hs256(cx, str_c(secret), STR_NULL, &key));
        assert_ok(jose_key_hs256(cx, str_c(secret), STR("k1"), &named));
        assert_ok(jose_key_hs256(cx, STR("another secret"), STR_NULL, &other));
        assert_err(jose_key_hs256(cx, STR(""), STR_NULL, &none), ERR_INVALID);
        assert_null(none);

        Str token, payload = STR("untouched");
        assert_ok(jws_sign(cx, key, STR("at+jwt"), STR("{\"sub\":\"42\"}"), &token));
        assert_true(str_eq(token, forge(cx, STR("{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}"),
                                        STR("{\"sub\":\"42\"}"))));
        assert_int_equal(jose_kind(token), JOSE_JWS);
        assert_err(jws_verify(cx, other, token, &payload), ERR_TOKEN_INVALID);
        assert_str(payload, "untouched");
        assert_ok(jws_verify(cx, key, token, &payload));
        assert_str(payload, "{\"sub\":\"42\"}");
        assert_ok(jws_verify(cx, named, token, &payload)); /* no kid named: any key may try */

        JoseHeader h;
        assert_ok(jws_sign(cx, named, STR_NULL, STR("{}"), &token));
        assert_ok(jose_header(cx, token, &h));
        assert_true(h.alg == JOSE_HS256 && !h.typ.p);
        assert_str(h.kid, "k1");
        assert_ok(jws_verify(cx, named, token, &payload));
        assert_ok(jws_verify(cx, key, token, &payload));
        Str foreign = forge(cx, STR("{\"alg\":\"HS256\",\"kid\":\"k2\"}"), STR("{}"));
        assert_err(jws_verify(cx, named, foreign, &payload), ERR_TOKEN_INVALID);
        assert_ok(jws_verify(cx, key, foreign, &payload));
}

/* RFC 7515, appendix A.1: also shows that the bytes are signed as they stand, line breaks and
 * all. */
static void test_rfc7515(void **state) {
        Ctx *cx = *state;
        Str k, payload;
        _cleanup_(jose_key_freep) JoseKey *key = NULL;
        assert_true(base64url_decode(
                cx->arena,
                STR("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAz"
                    "Zr1Z9CAow"),
                &k));
        assert_ok(jose_key_hs256(cx, k, STR_NULL, &key));
        assert_ok(jws_verify(
                cx, key,
                STR("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4"
                    "MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
                    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
                &payload));
        assert_true(str_starts(payload, STR("{\"iss\":\"joe\",\r\n")));
}

/* Each of these carries a right MAC and is refused all the
 * same. */
static void test_headers_refused(void **state) {
        Ctx *cx = *state;
        static const Str headers[] = {
                STR("{\"alg\":\"none\"}"),
                STR("{\"alg\":\"None\"}"),
                STR("{\"alg\":\"NONE\"}"),
                STR("{\"alg\":\"nOnE\"}"),
                STR("{\"alg\":\"\"}"),
                STR("{}"),
                STR("{\"alg\":null}"),
                STR("{\"alg\":[\"HS256\"]}"),
                STR("{\"alg\":256}"),
                STR("{\"alg\":\"hs256\"}"),
                STR("{\"alg\":\"HS384\"}"),
                STR("{\"alg\":\"HS512\"}"),
                STR("{\"alg\":\"RS256\"}"),
                STR("{\"alg\":\"ES256\"}"),
                STR("{\"alg\":\"dir\",\"enc\":\"A256GCM\"}"),
                STR("{\"alg\":\"HS256\",\"enc\":\"A256GCM\"}"),
                STR("{\"alg\":\"HS256\",\"crit\":[\"exp\"]}"),
                STR("{\"alg\":\"HS256\",\"crit\":null}"),
                STR("{\"alg\":\"HS256\",\"b64\":false}"),
                STR("{\"alg\":\"HS256\",\"zip\":\"DEF\"}"),
                STR("{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}"),
                STR("{\"alg\":\"HS256\",\"jku\":\"https://x\"}"),
                STR("{\"alg\":\"HS256\",\"x5u\":\"https://x\"}"),
                STR("{\"alg\":\"HS256\",\"x5c\":[]}"),
                STR("{\"alg\":\"HS256\",\"p2c\":2147483648}"),
                STR("{\"alg\":\"HS256\",\"kid\":1}"),
                STR("{\"alg\":\"HS256\",\"kid\":null}"),
                STR("{\"alg\":\"HS256\",\"typ\":{}}"),
                STR("{\"alg\":\"HS256\",\"alg\":\"HS256\"}"),
                STR("[\"HS256\"]"),
                STR("\"HS256\""),
                STR(""),
                STR("{\"alg\":\"HS256\"} x"),
                STR("{\"alg\":\"HS256\",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}"),
                STR("{\"alg\":\"HS256\",\"x\":\"\xff\"}"),
                STR("{\"alg\":\"HS256\",\"x\":1e400}"),
                STR("{\"alg\":\"HS256\\u0000\"}"),
        };
        _cleanup_(jose_key_freep) JoseKey *key = NULL;
        assert_ok(jose_key_hs256(cx, str_c(secret), STR_NULL, &key));
        Str payload = STR("untouched");
        assert_ok(jws_verify(cx, key, forge(cx, STR("{\"alg\":\"HS256\"}"), STR("{}")), &payload));
        payload = STR("untouched");
        for (size_t i = 0; i < ELEMENTSOF(headers); i++) {
                err_clear(cx);
                assert_err(jws_verify(cx, key, forge(cx, headers[i], STR("{}")), &payload),
                           ERR_TOKEN_INVALID);
                assert_int_equal(cx->err.code, ERR_TOKEN_INVALID);
        }
        assert_str(payload, "untouched");
}

/* Every bit of a token counts, and so does every way of writing it. */
static void token_is_brittle(Ctx *cx, const JoseKey *key, Str token,
                             Err (*open)(Ctx *, const JoseKey *, Str, Str *)) {
        Str out = STR("untouched");
        for (size_t i = 0; i < token.n; i++) {
                char *bad = (char *)arena_dup(cx->arena, token).p;
                for (int bit = 0; bit < 8; bit++) {
                        bad[i] = (char)(token.p[i] ^ (1 << bit));
                        assert_err(open(cx, key, str_n(bad, token.n), &out), ERR_TOKEN_INVALID);
                }
                assert_err(open(cx, key, str_to(token, i), &out), ERR_TOKEN_INVALID);
        }
        static const char *const tails[] = { ".", "=", "A", " ", "\n", ".AAAA", "..", "....." };
        for (size_t i = 0; i < ELEMENTSOF(tails); i++)
                assert_err(open(cx, key, arena_strf(cx->arena, "%s%s", token.p, tails[i]), &out),
                           ERR_TOKEN_INVALID);
        assert_err(open(cx, key, arena_strf(cx->arena, " %s", token.p), &out), ERR_TOKEN_INVALID);
        assert_err(open(cx, key, STR_NULL, &out), ERR_TOKEN_INVALID);
        assert_str(out, "untouched");
}

static void test_jws_brittle(void **state) {
        Ctx *cx = *state;
        _cleanup_(jose_key_freep) JoseKey *key = NULL;
        assert_ok(jose_key_hs256(cx, str_c(secret), STR_NULL, &key));
        token_is_brittle(cx, key, forge(cx, STR("{\"alg\":\"HS256\"}"), STR("{\"a\":1}")),
                         jws_verify);
}

static void test_es256(void **state) {
        Ctx *cx = *state;
        Es256Parts parts, public;
        assert_ok(es256_generate(cx, &parts));
        public = parts;
        public.has_private = false;
        _cleanup_(jose_key_freep) JoseKey *key = NULL, *reader = NULL, *hs = NULL;
        assert_ok(jose_key_es256(cx, &parts, STR_NULL, &key));
        assert_ok(jose_key_es256(cx, &public, STR_NULL, &reader));
        assert_int_equal(jose_key_alg(key), JOSE_ES256);
        assert_int_equal(jose_key_kid(key).n, 43);
        assert_true(str_eq(jose_key_kid(key), jose_key_kid(reader)));
        Str token, payload = STR("untouched");
        assert_ok(jws_sign(cx, key, STR("at+jwt"), STR("{\"sub\":\"42\"}"), &token));
        assert_ok(jws_verify(cx, reader, token, &payload));
        assert_str(payload, "{\"sub\":\"42\"}");
        assert_err(jws_sign(cx, reader, STR_NULL, STR("{}"), &token), ERR_INTERNAL);

        /* algorithm confusion: the public key as an HMAC secret, under the name of the other
         * algorithm */
        Str xy = arena_strf(cx->arena, "%.32s%.32s", (char *)public.x, (char *)public.y);
        assert_ok(jose_key_hs256(cx, xy, STR_NULL, &hs));
        Str forged;
        assert_ok(jws_sign(cx, hs, STR("at+jwt"), STR("{\"sub\":\"42\"}"), &forged));
        payload = STR("untouched");
        assert_err(jws_verify(cx, reader, forged, &payload), ERR_TOKEN_INVALID);
        assert_err(jws_verify(cx, hs, token, &payload), ERR_TOKEN_INVALID);
        /* r = 0 and s = 0, r = s = 0, all ones */
        Str text = str_to(token, (size_t)((const char *)memrchr(token.p, '.', token.n) - token.p));
        for (int i = 0; i < 4; i++) {
                unsigned char sig[ES256_SIG];
                memset(sig, i == 3 ? 0xFF : 0, sizeof sig);
                if (i == 1)
                        sig[31] = 1;
                if (i == 2)
                        sig[63] = 1;
                Str bad = arena_strf(cx->arena, "%.*s.%s", STR_FMT(text),
                                     base64url_encode(cx->arena, str_n(sig, 64)).p);
                assert_err(jws_verify(cx, reader, bad, &payload), ERR_TOKEN_INVALID);
        }
        assert_str(payload, "untouched");
}

static void test_jwk(void **state) {
        Ctx *cx = *state;
        Es256Parts parts = { 0 }; /* RFC 7515, appendix A.3 */
        assert_true(base64url_read(STR("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"), parts.x));
        assert_true(base64url_read(STR("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"), parts.y));
        _cleanup_(jose_key_freep) JoseKey *key = NULL, *named = NULL, *hs = NULL;
        assert_ok(jose_key_es256(cx, &parts, STR_NULL, &key));
        assert_ok(jose_key_es256(cx, &parts, STR("a\"b"), &named));
        assert_ok(jose_key_hs256(cx, str_c(secret), STR("hs"), &hs));
        assert_str(jwk_thumbprint(cx, key), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
        Buf b = BUF(2048);
        jwk_set_write(&b, (const JoseKey *[]){ key, hs, named }, 3);
        assert_string_equal(
                buf_str(&b).p,
                "{\"keys\":[{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV7"
                "6e8Tus9uPHvRVEU\","
                "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\","
                "\"kid\":\"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U\","
                "\"use\":\"sig\",\"alg\":\"ES256\"},{\"crv\":\"P-256\",\"kty\":\"EC\","
                "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\","
                "\"kid\":\"a\\\"b\",\"use\":\"sig\",\"alg\":\"ES256\"}]}");
        buf_clear(&b);
        jwk_set_write(&b, NULL, 0);
        assert_string_equal(buf_str(&b).p, "{\"keys\":[]}");
        buf_done(&b);
        parts.x[0] ^= 1;
        JoseKey *bad = NULL;
        assert_err(jose_key_es256(cx, &parts, STR_NULL, &bad), ERR_INVALID);
        assert_null(bad);
}

/* ---- JWE: made by an independent implementation; keys 00 01 02 … ---- */

static JoseKey *counting_key(Ctx *cx, JoseAlg enc, Str kid) {
        char k[64];
        for (size_t i = 0; i < sizeof k; i++)
                k[i] = (char)i;
        JoseKey *key = NULL;
        assert_ok(jose_key_dir(cx, enc, str_n(k, enc == JOSE_A256GCM ? 32 : 64), kid, &key));
        return key;
}

static const struct {
        JoseAlg enc;
        const char *plain, *token;
} good[] = {
        { JOSE_A256GCM, "",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAECAwQFBgcICQoL..PvsNVGFXp9LK25vc8_pxpg" },
        { JOSE_A256CBC_HS512, "",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..AAECAwQFBgcICQoLDA0ODw.cFyCDjcfPgUTRw1"
          "m3EhO6Q.BbdcPIJDfV-MP1OEUzBCTi1taWx-pMS0btOHR6XJbWo" },
        { JOSE_A256GCM, "a",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAECAwQFBgcICQoL.Jg.SuWVTM9FJL8_rq3LeUU3Eg" },
        { JOSE_A256CBC_HS512, "a",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..AAECAwQFBgcICQoLDA0ODw.N6ejRsbVcl4SGho"
          "DGXxRVA.U45Q33JUYW46xWYpPpkBGK8dfdMT1hZzMbwfX0GozbM" },
        { JOSE_A256GCM, "abcdefghijklmno",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAECAwQFBgcICQoL.JmC1f6CDpXPkK_zn3IcX.MCEvvzl0"
          "fC8nId03K6yGTQ" },
        { JOSE_A256CBC_HS512, "abcdefghijklmno",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..AAECAwQFBgcICQoLDA0ODw.HGJj6upH7hge6zT"
          "VFFyjtw.kyEjbDjv4sG-umgHljv98d7gD9Lgw6gPMazvJFOFI78" },
        { JOSE_A256GCM, "abcdefghijklmnop",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAECAwQFBgcICQoL.JmC1f6CDpXPkK_zn3IcXHQ.Qm10Ab"
          "C7HTBxFY59489EOQ" },
        { JOSE_A256CBC_HS512, "abcdefghijklmnop",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..AAECAwQFBgcICQoLDA0ODw.InEWYU6ap3X6c9d"
          "ItYhToYBhNTBV0o6YMS4LydLXvRE.TNImg6UJf4xF7rUAIBlwZtBOb7Fc9HlOJFfd9DpkqSQ" },
        { JOSE_A256GCM, "abcdefghijklmnopq",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAECAwQFBgcICQoL.JmC1f6CDpXPkK_zn3IcXHfI.WT5y9"
          "49sfevyshPk8TGmzQ" },
        { JOSE_A256CBC_HS512, "abcdefghijklmnopq",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..AAECAwQFBgcICQoLDA0ODw.InEWYU6ap3X6c9d"
          "ItYhToU-v6Ap6HGx6cyj0vdyzU-s.o1FfKRpM3_-G_jtBDvMCiqmzlUI0Exp9ofqeFFtDX-8" },
};

/* Sealed rightly under the key, and still refused. */
static const struct {
        JoseAlg enc;
        const char *why, *token;
} refused[] = {
        { JOSE_A256CBC_HS512, "padding of zero",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..AAECAwQFBgcICQoLDA0ODw.xSpNSh1AqgPs_mT"
          "PDx-RtA.HlNrXHswQ-T6U1WRFKL7t-LZn75uIfiUQKHFTLT1rVg" },
        { JOSE_A256CBC_HS512, "padding longer than a block",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0..AAECAwQFBgcICQoLDA0ODw.WbVUo7Y9v41X3bP"
          "om7oVbQ.AjMS8KZje4Tsy2LF5yVJdLy7C6YKglb8d0BnFUogJ_s" },
        { JOSE_A256GCM, "zip",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiemlwIjoiREVGIn0..AAECAwQFBgcICQoL.L2e6d6o.nY-cP"
          "5mD6xYwodC7pQfw2w" },
        { JOSE_A256GCM, "crit",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiY3JpdCI6WyJleHAiXX0..AAECAwQFBgcICQoL.L2e6d6o.7"
          "62RyqMpxxd5eHMmdObzdQ" },
        { JOSE_A256GCM, "jku",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiamt1IjoiaHR0cHM6Ly94In0..AAECAwQFBgcICQoL.L2e6d"
          "6o.lv_Ap8HrwOrOlD0bVtO-KQ" },
        { JOSE_A256GCM, "jwk",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiandrIjp7fX0..AAECAwQFBgcICQoL.L2e6d6o.CB3K-IlQG"
          "8GKqrN6JKFx5g" },
        { JOSE_A256GCM, "x5u",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwieDV1IjoiaHR0cHM6Ly94In0..AAECAwQFBgcICQoL.L2e6d"
          "6o.Iol1XYVcCRbQuqc_Hc8ecA" },
        { JOSE_A256GCM, "x5c",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwieDVjIjpbXX0..AAECAwQFBgcICQoL.L2e6d6o.wRJbWM3nb"
          "EzJvKhgJfBpfA" },
        { JOSE_A256GCM, "p2c",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwicDJjIjoxfQ..AAECAwQFBgcICQoL.L2e6d6o.PGCpiiTP7G"
          "aZ8Vj5meVdTA" },
        { JOSE_A256GCM, "another algorithm",
          "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAECAwQFBgcICQoL.-wnLogk.GDi5xURwkAA-8ffjWmIDz"
          "Q" },
};

static void test_jwe(void **state) {
        Ctx *cx = *state;
        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_(jose_key_freep) JoseKey *key = counting_key(cx, good[i].enc, STR_NULL);
                JoseHeader h;
                Str plain;
                assert_int_equal(jose_kind(str_c(good[i].token)), JOSE_JWE);
                assert_ok(jose_header(cx, str_c(good[i].token), &h));
                assert_int_equal(h.alg, good[i].enc);
                assert_ok(jwe_open(cx, key, str_c(good[i].token), &plain));
                assert_true(str_eq_c(plain, good[i].plain));
        }
}

static void test_jwe_refused(void **state) {
        Ctx *cx = *state;
        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                _cleanup_(jose_key_freep) JoseKey *key = counting_key(cx, refused[i].enc, STR_NULL);
                Str plain = STR("untouched");
                assert_err(jwe_open(cx, key, str_c(refused[i].token), &plain), ERR_TOKEN_INVALID);
                assert_str(plain, "untouched");
        }
}

static void test_jwe_brittle(void **state) {
        Ctx *cx = *state;
        for (size_t i = 6; i < 8; i++) {
                _cleanup_(jose_key_freep) JoseKey *key = counting_key(cx, good[i].enc, STR_NULL);
                token_is_brittle(cx, key, str_c(good[i].token), jwe_open);
        }
}

static void test_jwe_keys(void **state) {
        Ctx *cx = *state;
        Str token = STR("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiazEifQ..AAECAwQFBgcICQoL."
                        "L2e6d6o."
                        "2ldpSniJxqO_NuAhAyH31Q"),
            plain;
        _cleanup_(jose_key_freep) JoseKey *any = counting_key(cx, JOSE_A256GCM, STR_NULL);
        _cleanup_(jose_key_freep) JoseKey *same = counting_key(cx, JOSE_A256GCM, STR("k1"));
        _cleanup_(jose_key_freep) JoseKey *other = counting_key(cx, JOSE_A256GCM, STR("k2"));
        _cleanup_(jose_key_freep) JoseKey *cbc = counting_key(cx, JOSE_A256CBC_HS512, STR_NULL);
        assert_ok(jwe_open(cx, any, token, &plain));
        assert_str(plain, "hello");
        assert_ok(jwe_open(cx, same, token, &plain));
        assert_err(jwe_open(cx, other, token, &plain), ERR_TOKEN_INVALID);
        assert_err(jwe_open(cx, cbc, token, &plain), ERR_TOKEN_INVALID);
        JoseKey *none = NULL;
        assert_err(jose_key_dir(cx, JOSE_A256GCM, STR("short"), STR_NULL, &none), ERR_INVALID);
        assert_err(jose_key_dir(cx, JOSE_A256CBC_HS512, str_c(secret), STR_NULL, &none),
                   ERR_INVALID);
        assert_null(none);
}

static void test_sizes(void **state) {
        Ctx *cx = *state;
        _cleanup_(jose_key_freep) JoseKey *hs = NULL;
        assert_ok(jose_key_hs256(cx, str_c(secret), STR_NULL, &hs));
        char *large = arena_bytes(cx->arena, JWE_TEXT_MAX + 64);
        memset(large, 'A', JWE_TEXT_MAX + 64);
        Str payload, token;
        assert_ok(jws_sign(cx, hs, STR_NULL, str_n(large, 6000), &token));
        assert_ok(jws_verify(cx, hs, token, &payload));
        assert_err(jws_sign(cx, hs, STR_NULL, str_n(large, 6200), &token), ERR_TOO_LARGE);
        large[10] = large[20] = '.';
        assert_err(jws_verify(cx, hs, str_n(large, JWS_TEXT_MAX + 1), &payload), ERR_TOKEN_INVALID);
        JoseHeader h;
        assert_err(jose_header(cx, str_n(large, JWS_TEXT_MAX + 1), &h), ERR_TOKEN_INVALID);
        large[30] = large[40] = '.';
        assert_err(jose_header(cx, str_n(large, JWE_TEXT_MAX + 1), &h), ERR_TOKEN_INVALID);
        assert_int_equal(jose_kind(STR("a.b")), JOSE_NEITHER);
        assert_int_equal(jose_kind(STR("a.b.c.d")), JOSE_NEITHER);
        assert_int_equal(jose_kind(STR("a.b.c.d.e.f")), JOSE_NEITHER);
        assert_int_equal(jose_kind(STR_NULL), JOSE_NEITHER);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST_WITH_CTX(test_hs256),
                TEST_WITH_CTX(test_rfc7515),
                TEST_WITH_CTX(test_headers_refused),
                TEST_WITH_CTX(test_jws_brittle),
                TEST_WITH_CTX(test_es256),
                TEST_WITH_CTX(test_jwk),
                TEST_WITH_CTX(test_jwe),
                TEST_WITH_CTX(test_jwe_refused),
                TEST_WITH_CTX(test_jwe_brittle),
                TEST_WITH_CTX(test_jwe_keys),
                TEST_WITH_CTX(test_sizes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* Public vectors: C2SP Wycheproof, and session tokens made by the real Auth.js libraries. They are
 * data beside the repository: MAINSTAY_VECTORS names the directory; without it ../shared/vectors is
 * looked for from here upwards. What is absent is skipped aloud. A case of an algorithm we do not
 * have must be refused by its header; one we have must come out as its file says. The cases about
 * choosing from foreign key sets (json_web_key) have no counterpart: nothing here imports any. */
#include "base/test_ctx.h"

#include "codec/base64.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "codec/radix.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

typedef struct Tally {
        size_t accepted, rejected, foreign;
} Tally;
typedef void CaseFn(Ctx *cx, JsonRef group, JsonRef test, Tally *tally);

enum { FILE_MAX = 16 * 1024 * 1024 };

static Str hex_of(Ctx *cx, JsonRef obj, const char *name) {
        Str hex = json_str(json_get(obj, name));
        char *out = arena_bytes(cx->arena, hex.n / 2 + 1);
        assert_true(hex.p && hex_read(hex, out, hex.n / 2));
        return str_n(out, hex.n / 2);
}

/* Where the file is wrong about itself: RFC 7515 section 2 allows neither padding nor foreign
 * characters. */
static const struct {
        int id;
        const char *comment;
        bool accept;
} errata[] = {
        { 367, "invalidBase64Padding", true }, /* the padding is lost: the text is that of 357 */
        { 370, "invalidBase64PaddingInPayload", true },
        { 372, "InvalidCharacterInsertedInHeader", false }, /* a '?' in base64url, called valid */
        { 373, "InvalidCharacterInsertedInPayload", false },
};

static bool is_expected(JsonRef test, bool accepted) {
        int id = (int)json_int(json_get(test, "tcId"), -1);
        Str result = json_str(json_get(test, "result"));
        for (size_t i = 0; i < ELEMENTSOF(errata); i++)
                if (errata[i].id == id &&
                    str_eq_c(json_str(json_get(test, "comment")), errata[i].comment))
                        return accepted == errata[i].accept;
        return str_eq_c(result, accepted ? "valid" : "invalid") || str_eq_c(result, "acceptable");
}

static void judge(JsonRef test, bool accepted, Tally *tally) {
        bool right = is_expected(test, accepted);
        if (!right)
                print_error("case %d was wrongly %s\n", (int)json_int(json_get(test, "tcId"), -1),
                            accepted ? "accepted" : "rejected");
        assert_true(right);
        if (accepted)
                tally->accepted++;
        else
                tally->rejected++;
}

/* ---- one function for each kind of file ---- */

/* A truncated MAC is not ours: it must be refused, however true it is. */
static void hmac_case(Ctx *cx, JsonRef group, JsonRef test, Tally *tally) {
        HmacKey key;
        hmac_key_init(&key, hex_of(cx, test, "key"));
        bool good = hmac_key_verify(&key, hex_of(cx, test, "msg"), hex_of(cx, test, "tag"));
        if (json_int(json_get(group, "tagSize"), 0) == 256) {
                judge(test, good, tally);
        } else {
                assert_false(good);
                tally->foreign++;
        }
}

static void hkdf_case(Ctx *cx, JsonRef group, JsonRef test, Tally *tally) {
        enum { MOST = 255 * SHA256_SIZE };
        int64_t size = json_int(json_get(test, "size"), 0);
        if (size > MOST) { /* a caller's error here: stopped by an assertion */
                judge(test, false, tally);
                return;
        }
        char okm[MOST];
        hkdf_sha256(hex_of(cx, test, "ikm"), hex_of(cx, test, "salt"), hex_of(cx, test, "info"),
                    okm, (size_t)size);
        judge(test, str_eq(str_n(okm, (size_t)size), hex_of(cx, test, "okm")), tally);
}

static void ed25519_case(Ctx *cx, JsonRef group, JsonRef test, Tally *tally) {
        Str public = hex_of(cx, json_get(group, "publicKey"), "pk");
        assert_int_equal(public.n, ED25519_PUBLIC);
        judge(test,
              ed25519_verify((const unsigned char *)public.p, hex_of(cx, test, "msg"),
                             hex_of(cx, test, "sig")),
              tally);
}

/* A hexadecimal number of the file, which may have a leading zero byte, as 32 bytes. */
static void coordinate(Ctx *cx, JsonRef key, const char *name, unsigned char ret[32]) {
        Str bytes = hex_of(cx, key, name);
        Str tail = str_from(bytes, bytes.n > 32 ? bytes.n - 32 : 0);
        memset(ret, 0, 32);
        memcpy(ret + 32 - tail.n, tail.p, tail.n);
}

static void ecdsa_case(Ctx *cx, JsonRef group, JsonRef test, Tally *tally) {
        JsonRef public = json_get(group, "publicKey");
        Es256Parts parts = { 0 };
        _cleanup_(es256_key_freep) Es256Key *key = NULL;
        coordinate(cx, public, "wx", parts.x);
        coordinate(cx, public, "wy", parts.y);
        assert_ok(es256_key_new(cx, &parts, &key));
        judge(test, es256_verify(key, hex_of(cx, test, "msg"), hex_of(cx, test, "sig")), tally);
}

/* The key of a JWK of ours; NULL for every other kind, also one whose use or operations are not
 * ours. */
static JoseKey *key_of_jwk(Ctx *cx, JsonRef jwk) {
        JoseKey *key = NULL;
        Str use = json_str(json_get(jwk, "use")), alg = json_str(json_get(jwk, "alg")),
            kty = json_str(json_get(jwk, "kty"));
        if (use.p && !str_eq_c(use, "sig"))
                return NULL;
        Str k = json_str(json_get(jwk, "k")), secret;
        if (str_eq_c(kty, "oct") && str_eq_c(alg, "HS256") &&
            base64url_decode(cx->arena, k, &secret))
                assert_ok(jose_key_hs256(cx, secret, json_str(json_get(jwk, "kid")), &key));
        Str x = json_str(json_get(jwk, "x")), y = json_str(json_get(jwk, "y"));
        Es256Parts parts = { 0 };
        if (str_eq_c(kty, "EC") && str_eq_c(alg, "ES256") && x.n == 43 && y.n == 43 &&
            base64url_read(x, parts.x) && base64url_read(y, parts.y))
                assert_ok(jose_key_es256(cx, &parts, json_str(json_get(jwk, "kid")), &key));
        return key;
}

static void jws_case(Ctx *cx, JsonRef group, JsonRef test, Tally *tally) {
        Str token = json_str(json_get(test, "jws")), payload;
        JsonRef jwk = json_get(group, "public");
        if (json_kind(jwk) == JSON_ABSENT)
                jwk = json_get(group, "private");
        _cleanup_(jose_key_freep) JoseKey *key = key_of_jwk(cx, jwk);
        if (key) {
                judge(test, token.p && jws_verify(cx, key, token, &payload) == OK, tally);
                return;
        }
        /* no key of ours: with any key of ours the token must be refused */
        assert_ok(jose_key_hs256(cx, STR("some secret"), STR_NULL, &key));
        assert_err(jws_verify(cx, key, token, &payload), ERR_TOKEN_INVALID);
        tally->foreign++;
}

/* Wrapped keys, key agreement and RSA are not ours, nor is dir with 128 bits: all refused, whatever
 * they are called. */
static void jwe_case(Ctx *cx, JsonRef group, JsonRef test, Tally *tally) {
        static const char some[64] = "some key";
        Str token = json_str(json_get(test, "jwe")), plain;
        for (JoseAlg enc = JOSE_A256GCM; enc <= JOSE_A256CBC_HS512; enc++) {
                _cleanup_(jose_key_freep) JoseKey *key = NULL;
                assert_ok(jose_key_dir(cx, enc, str_n(some, enc == JOSE_A256GCM ? 32 : 64),
                                       STR_NULL, &key));
                assert_err(jwe_open(cx, key, token, &plain), ERR_TOKEN_INVALID);
        }
        if (str_eq_c(json_str(json_get(test, "result")), "invalid"))
                judge(test, false, tally);
        else
                tally->foreign++;
}

/* HMAC-SHA-512 in its plain form; the product has no use for it outside of the JOSE library. */
static void hmac_sha512(Ctx *cx, Str key, Str msg, unsigned char ret[SHA512_SIZE]) {
        enum { BLOCK = 128 };
        assert_true(key.n <= BLOCK);
        char *inner = arena_bytes(cx->arena, BLOCK + msg.n), outer[BLOCK + SHA512_SIZE];
        memset(inner, 0x36, BLOCK);
        memset(outer, 0x5C, BLOCK);
        for (size_t i = 0; i < key.n; i++) {
                inner[i] = (char)(inner[i] ^ key.p[i]);
                outer[i] = (char)(outer[i] ^ key.p[i]);
        }
        memcpy(inner + BLOCK, msg.p, msg.n);
        sha512(str_n(inner, BLOCK + msg.n), ret);
        memcpy(outer + BLOCK, ret, SHA512_SIZE);
        sha512(str_n(outer, sizeof outer), ret);
}

/* RFC 7518, section 5.2.2.1: over AAD ‖ IV ‖ cipher text ‖ bits of the AAD. */
static void cbc_tag(Ctx *cx, JsonRef test, Str aad, unsigned char ret[SHA512_SIZE]) {
        Buf b = BUF(1 << 20);
        uint64_t bits = (uint64_t)aad.n * 8;
        buf_add(&b, aad);
        buf_add(&b, hex_of(cx, test, "iv"));
        buf_add(&b, hex_of(cx, test, "ct"));
        for (int shift = 56; shift >= 0; shift -= 8)
                buf_addc(&b, (char)(bits >> shift));
        hmac_sha512(cx, str_to(hex_of(cx, test, "key"), 32), buf_str(&b), ret);
        buf_done(&b);
}

/* The AAD of the file is free, that of a token is its header. So the tag is made anew over the
 * header, and whatever is wrong with the file's tag is made wrong in the same bits of ours. */
static void cbc_case(Ctx *cx, JsonRef group, JsonRef test, Tally *tally) {
        unsigned char theirs[SHA512_SIZE], ours[SHA512_SIZE];
        Str key = hex_of(cx, test, "key"), iv = hex_of(cx, test, "iv"),
            cipher = hex_of(cx, test, "ct");
        Str tag = hex_of(cx, test, "tag"), plain;
        Str header =
                base64url_encode(cx->arena, STR("{\"alg\":\"dir\",\"enc\":\"A256CBC-HS512\"}"));
        assert_true(key.n == 64 && tag.n <= sizeof ours);
        cbc_tag(cx, test, hex_of(cx, test, "aad"), theirs);
        cbc_tag(cx, test, header, ours);
        for (size_t i = 0; i < tag.n; i++)
                ours[i] = (unsigned char)(ours[i] ^ theirs[i] ^ (unsigned char)tag.p[i]);
        Str token =
                arena_strf(cx->arena, "%s..%s.%s.%s", header.p, base64url_encode(cx->arena, iv).p,
                           base64url_encode(cx->arena, cipher).p,
                           base64url_encode(cx->arena, str_n(ours, tag.n)).p);
        _cleanup_(jose_key_freep) JoseKey *k = NULL;
        assert_ok(jose_key_dir(cx, JOSE_A256CBC_HS512, key, STR_NULL, &k));
        bool good = jwe_open(cx, k, token, &plain) == OK;
        judge(test, good && str_eq(plain, hex_of(cx, test, "msg")), tally);
}

static void mixed_case(Ctx *cx, JsonRef group, JsonRef test, Tally *tally) {
        if (json_kind(json_get(test, "jws")) != JSON_ABSENT)
                jws_case(cx, group, test, tally);
        else
                jwe_case(cx, group, test, tally);
}

/* ---- reading the files ---- */

static FILE *vector_open(const char *name) {
        const char *set = getenv("MAINSTAY_VECTORS");
        char path[512];
        if (set && *set) {
                snprintf(path, sizeof path, "%s/%s", set, name);
                return fopen(path, "rb");
        }
        for (const char *up = "../../../../../"; *up; up += 3) {
                snprintf(path, sizeof path, "%sshared/vectors/%s", up, name);
                FILE *f = fopen(path, "rb");
                if (f)
                        return f;
        }
        return NULL;
}

static Json *vector_load(Ctx *cx, const char *name) {
        FILE *f = vector_open(name);
        if (!f) {
                print_message("%s: not here (set MAINSTAY_VECTORS): skipped\n", name);
                skip();
        }
        char *text = arena_bytes(cx->arena, FILE_MAX);
        size_t n = fread(text, 1, FILE_MAX, f);
        fclose(f);
        Json *json = NULL;
        assert_ok(json_parse(cx, str_n(text, n), JSON_DEPTH_MAX, &json));
        return json;
}

static void run_file(Ctx *cx, const char *name, CaseFn *fn, Tally least) {
        _cleanup_(json_freep) Json *json = vector_load(cx, name);
        JsonRef groups = json_get(json_root(json), "testGroups");
        Tally tally = { 0 };
        for (size_t g = 0; g < json_count(groups); g++) {
                JsonRef group = json_at(groups, g), tests = json_get(group, "tests");
                for (size_t t = 0; t < json_count(tests); t++) {
                        err_clear(cx);
                        fn(cx, group, json_at(tests, t), &tally);
                }
        }
        print_message(
                "%s: %zu valid accepted, %zu invalid rejected, %zu of other algorithms refused\n",
                name, tally.accepted, tally.rejected, tally.foreign);
        assert_true(tally.accepted >= least.accepted && tally.rejected >= least.rejected);
}

#define FILE_TEST(id, fn, ...)                                                                     \
        static void test_##id(void **state) {                                                      \
                run_file(*state, "wycheproof/" #id "_test.json", fn, (Tally){ __VA_ARGS__ });      \
        }
FILE_TEST(hmac_sha256, hmac_case, 30, 50)
FILE_TEST(hkdf_sha256, hkdf_case, 80, 3)
FILE_TEST(ed25519, ed25519_case, 80, 50)
FILE_TEST(ecdsa_secp256r1_sha256_p1363, ecdsa_case, 100, 80)
FILE_TEST(a256cbc_hs512, cbc_case, 60, 27)
FILE_TEST(json_web_signature, jws_case, 10, 60)
FILE_TEST(json_web_encryption, jwe_case, 0, 60)
FILE_TEST(json_web_crypto, mixed_case, 2, 60)

static void test_authjs(void **state) {
        Ctx *cx = *state;
        _cleanup_(json_freep) Json *json = vector_load(cx, "authjs.json");
        JsonRef root = json_root(json), tokens = json_get(root, "tokens");
        Str sub = json_str(json_get(json_get(root, "expected"), "sub"));
        assert_true(json_count(tokens) >= 4);
        for (size_t i = 0; i < json_count(tokens); i++) {
                JsonRef t = json_at(tokens, i);
                Str key_bytes = hex_of(cx, t, "key_hex"), token = json_str(json_get(t, "token")),
                    plain;
                JoseHeader h;
                _cleanup_(jose_key_freep) JoseKey *key = NULL;
                _cleanup_(json_freep) Json *claims = NULL;
                assert_ok(jose_header(cx, token, &h));
                if (h.kid.p)
                        assert_true(str_eq(h.kid, authjs_kid(cx, key_bytes)));
                assert_ok(jose_key_dir(cx, h.alg, key_bytes, h.kid, &key));
                assert_ok(jwe_open(cx, key, token, &plain));
                assert_ok(json_parse(cx, plain, JOSE_DEPTH_MAX, &claims));
                assert_true(str_eq(json_str(json_get(json_root(claims), "sub")), sub));

                JsonRef forged = json_get(root, "zero_key_forgeries_must_be_rejected");
                for (JsonIter it = { 0 }; json_next(forged, &it);)
                        assert_err(jwe_open(cx, key, json_str(it.value), &plain),
                                   ERR_TOKEN_INVALID);
                assert_true(json_count(forged) >= 3);
        }
        _cleanup_(jose_key_freep) JoseKey *key = NULL;
        Str none = json_str(json_get(root, "alg_none_must_be_rejected")), payload;
        assert_ok(jose_key_hs256(cx, json_str(json_get(root, "secret")), STR_NULL, &key));
        assert_true(none.n > 0);
        assert_err(jws_verify(cx, key, none, &payload), ERR_TOKEN_INVALID);
        print_message("authjs.json: %zu tokens opened, their forgeries rejected\n",
                      json_count(tokens));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST_WITH_CTX(test_hmac_sha256),
                TEST_WITH_CTX(test_hkdf_sha256),
                TEST_WITH_CTX(test_ed25519),
                TEST_WITH_CTX(test_ecdsa_secp256r1_sha256_p1363),
                TEST_WITH_CTX(test_a256cbc_hs512),
                TEST_WITH_CTX(test_json_web_signature),
                TEST_WITH_CTX(test_json_web_encryption),
                TEST_WITH_CTX(test_json_web_crypto),
                TEST_WITH_CTX(test_authjs),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

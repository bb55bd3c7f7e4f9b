// SPDX-License-Identifier: MIT
/* Three ways in: the input as a token; as a header that is rightly signed, so that only its own
 * words can refuse it; and as the payload of a token of ours. */
#include "codec/base64.h"
#include "codec/fuzz_ctx.h"
#include "codec/jose.h"
#include "codec/json.h"
#include "crypto/hash.h"

static const char counting[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
};
static JoseKey *hs256, *gcm, *cbc;

static void keys_make(Ctx *cx) {
        if (hs256)
                return;
        ENSURE(jose_key_hs256(cx, str_n(counting, 32), STR_NULL, &hs256) == OK);
        ENSURE(jose_key_dir(cx, JOSE_A256GCM, str_n(counting, 32), STR_NULL, &gcm) == OK);
        ENSURE(jose_key_dir(cx, JOSE_A256CBC_HS512, str_n(counting, 64), STR_NULL, &cbc) == OK);
}

static void as_token(Ctx *cx, Str token) {
        JoseHeader h = { 0 };
        Str out;
        Err e = jose_header(cx, token, &h);
        bool opens = jws_verify(cx, hs256, token, &out) == OK ||
                     jwe_open(cx, gcm, token, &out) == OK || jwe_open(cx, cbc, token, &out) == OK;
        ENSURE(!opens || e == OK);
        ENSURE(e || h.alg != JOSE_UNSET);
}

static void as_header(Ctx *cx, Str header) {
        unsigned char mac[SHA256_SIZE];
        Str out, text = arena_strf(cx->arena, "%s.e30", base64url_encode(cx->arena, header).p);
        hmac_sha256(str_n(counting, 32), text, mac);
        Str token = arena_strf(cx->arena, "%s.%s", text.p,
                               base64url_encode(cx->arena, str_n(mac, sizeof mac)).p);
        if (jws_verify(cx, hs256, token, &out))
                return;
        _cleanup_(json_freep) Json *j = NULL;
        ENSURE(json_parse(cx, header, JOSE_DEPTH_MAX, &j) == OK);
        ENSURE(str_eq_c(json_str(json_get(json_root(j), "alg")), "HS256"));
        ENSURE(json_kind(json_get(json_root(j), "crit")) == JSON_ABSENT);
}

static void as_payload(Ctx *cx, Str payload) {
        Str token, out;
        if (jws_sign(cx, hs256, STR("at+jwt"), payload, &token))
                return;
        ENSURE(jws_verify(cx, hs256, token, &out) == OK && str_eq(out, payload));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        FUZZ_CTX(cx);
        Str text = str_n(data, n);
        keys_make(cx);
        as_token(cx, text);
        err_clear(cx);
        as_header(cx, text);
        err_clear(cx);
        as_payload(cx, text);
        return 0;
}

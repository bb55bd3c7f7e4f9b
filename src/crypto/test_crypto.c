// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include "crypto/hash.h"
#include "crypto/seal.h"
#include "crypto/sign.h"
#include "crypto/totp.h"

static void from_hex(const char *hex, unsigned char *ret, size_t n) {
        assert_int_equal(strlen(hex), 2 * n);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &ret[i]), 1);
}

static void assert_hex(const unsigned char *bytes, size_t n, const char *hex) {
        unsigned char right[64];
        from_hex(hex, right, n);
        assert_memory_equal(bytes, right, n);
}

/* ---- hash ---- */

static void test_digests(void **state) {
        unsigned char d[64];
        sha256(STR("abc"), d); /* FIPS 180-4 */
        assert_hex(d, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        sha256(STR_NULL, d);
        assert_hex(d, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        sha512(STR("abc"), d);
        assert_hex(d, 64,
                   "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                   "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
        Sha256 h;
        sha256_init(&h);
        sha256_add(&h, STR("a"));
        sha256_add(&h, STR_NULL);
        sha256_add(&h, STR("bc"));
        sha256_end(&h, d);
        assert_hex(d, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_hmac(void **state) {
        unsigned char d[32], key[131];
        hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), d); /* RFC 4231 */
        assert_hex(d, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        memset(key, 0xaa, sizeof key);
        HmacKey k;
        hmac_key_init(&k, str_n(key, sizeof key));
        for (int i = 0; i < 2; i++) { /* the state is not used up */
                hmac_key_sign(&k, STR("Test Using Larger Than Block-Size Key - Hash Key First"), d);
                assert_hex(d, 32,
                           "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
        }
        assert_false(hmac_key_verify(&k, STR("x"), str_n(d, 32)));
        assert_false(hmac_key_verify(&k, STR("x"), STR("")));
        hmac_key_sign(&k, STR("x"), d);
        assert_true(hmac_key_verify(&k, STR("x"), str_n(d, 32)));
        assert_false(hmac_key_verify(&k, STR("x"), str_n(d, 31)));
        d[31] ^= 1;
        assert_false(hmac_key_verify(&k, STR("x"), str_n(d, 32)));
        hmac_sha1(STR("Jefe"), STR("what do ya want for nothing?"), d); /* RFC 2202 */
        assert_hex(d, 20, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

static void test_hkdf(void **state) {
        unsigned char secret[22], salt[13], info[10], okm[42];
        memset(secret, 0x0b, sizeof secret); /* RFC 5869, case 1 */
        for (size_t i = 0; i < sizeof salt; i++)
                salt[i] = (unsigned char)i;
        for (size_t i = 0; i < sizeof info; i++)
                info[i] = (unsigned char)(0xf0 + i);
        hkdf_sha256(str_n(secret, 22), str_n(salt, 13), str_n(info, 10), okm, sizeof okm);
        assert_hex(okm, 42,
                   "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                   "34007208d5b887185865");
        /* Auth.js before 5.0.0-beta.4 */
        hkdf_sha256(STR("auth-vector-secret-0123456789abcdef"), STR(""),
                    STR("Auth.js Generated Encryption Key"), okm, 32);
        assert_hex(okm, 32, "a4066915783e1c0e9d1b4d6d93267e26526faa1de9af0cebd40feacfabd8a71c");
}

static void test_siphash(void **state) {
        SipKey key;
        char text[15];
        for (size_t i = 0; i < sizeof key.k; i++)
                key.k[i] = (unsigned char)i;
        for (size_t i = 0; i < sizeof text; i++)
                text[i] = (char)i;
        /* the paper's own vector */
        assert_true(siphash(&key, str_n(text, 15)) == UINT64_C(0xa129ca6149be45e5));
}

/* ---- seal ---- */

static const char root_a[] = "0123456789abcdef0123456789abcdef",
                  root_b[] = "another root key, of 32 bytes or so";

static void test_seal(void **state) {
        Ctx *cx = *state;
        SealKey key = { .id = 7, .k = { 1, 2, 3 } }, other = { .id = 7, .k = { 1, 2, 4 } };
        SealFor what = { STR("usr_1"), "memory.text" };
        Str plain = STR("Ann likes tea"), back;
        Str record = seal(cx, &key, what, plain);
        uint32_t id;
        assert_int_equal(record.n, plain.n + SEAL_OVERHEAD);
        assert_true(seal_key_id(record, &id) && id == 7);
        assert_false(str_contains(record, plain));
        assert_ok(seal_open(cx, &key, what, record, &back));
        assert_str(back, "Ann likes tea");
        assert_false(
                str_eq(record, seal(cx, &key, what, plain))); /* a nonce of its own each time */
        assert_ok(seal_open(cx, &key, what, seal(cx, &key, what, STR("")), &back));
        assert_int_equal(back.n, 0);

        back = STR("untouched");
        SealFor owner = { STR("usr_2"), "memory.text" }, field = { STR("usr_1"), "turn.text" };
        SealFor moved = { STR("usr_1m"), "emory.text" }; /* the same bytes, cut elsewhere */
        assert_err(seal_open(cx, &key, owner, record, &back), ERR_CORRUPT);
        assert_err(seal_open(cx, &key, field, record, &back), ERR_CORRUPT);
        assert_err(seal_open(cx, &key, moved, record, &back), ERR_CORRUPT);
        assert_err(seal_open(cx, &other, what, record, &back), ERR_CORRUPT);
        for (size_t i = 0; i < record.n; i++) { /* each byte of the record counts */
                char *bad = (char *)arena_dup(cx->arena, record).p;
                bad[i] ^= 1;
                assert_err(seal_open(cx, &key, what, str_n(bad, record.n), &back), ERR_CORRUPT);
        }
        for (size_t n = 0; n < record.n; n++)
                assert_err(seal_open(cx, &key, what, str_to(record, n), &back), ERR_CORRUPT);
        assert_err(seal_open(cx, &key, what, STR_NULL, &back), ERR_CORRUPT);
        assert_str(back, "untouched");

        Secret s = { 0 };
        assert_ok(seal_open_secret(cx, &key, what, record, &s));
        assert_str(secret_str(&s), "Ann likes tea");
        assert_err(seal_open_secret(cx, &other, what, record, &s), ERR_CORRUPT);
        assert_str(secret_str(&s), "Ann likes tea");
        secret_done(&s);
}

static void test_keyring(void **state) {
        Ctx *cx = *state;
        _cleanup_(keyring_freep) Keyring *old = keyring_new(), *both = keyring_new(),
                                         *none = keyring_new();
        assert_err(keyring_add(cx, old, STR("short")), ERR_INVALID);
        assert_ok(keyring_add(cx, old, str_c(root_a)));
        assert_err(keyring_add(cx, old, str_c(root_a)), ERR_INVALID);
        assert_ok(keyring_add(cx, both, str_c(root_b)));
        assert_ok(keyring_add(cx, both, str_c(root_a)));
        assert_ok(keyring_add(cx, none, str_c(root_b)));

        SealKey a, b;
        keyring_key(old, "refresh-mac", &a);
        keyring_key(old, "audit-sign", &b);
        assert_int_equal(a.id, b.id);
        assert_memory_not_equal(a.k, b.k, sizeof a.k);
        assert_ok(keyring_find(cx, both, "refresh-mac", a.id, &b));
        assert_memory_equal(a.k, b.k, sizeof a.k);
        assert_err(keyring_find(cx, none, "refresh-mac", a.id, &b), ERR_NOT_FOUND);

        SealKey data, again;
        Str owner = STR("usr_1");
        Str record = data_key_new(cx, old, owner, &data);
        assert_ok(data_key_open(cx, both, owner, record, &again));
        assert_memory_equal(&data, &again, sizeof data);
        assert_err(data_key_open(cx, none, owner, record, &again), ERR_NOT_FOUND);
        assert_err(data_key_open(cx, both, STR("usr_2"), record, &again), ERR_CORRUPT);
        assert_true(keyring_is_current(old, record));
        assert_false(keyring_is_current(both, record));
        Str wrapped;
        assert_ok(data_key_rewrap(cx, both, owner, record, &wrapped));
        assert_true(keyring_is_current(both, wrapped));
        assert_ok(data_key_open(cx, none, owner, wrapped,
                                &again)); /* the old root is not needed any more */
        assert_memory_equal(&data, &again, sizeof data);
        assert_false(keyring_is_current(both, STR("x")));

        SealFor totp = { STR("usr_1"), "totp" }, mail = { STR("usr_1"), "mail" };
        Secret s = { 0 };
        record = keyring_seal(cx, old, totp, STR("secret"));
        assert_ok(keyring_open(cx, both, totp, record, &s));
        assert_str(secret_str(&s), "secret");
        assert_err(keyring_open(cx, both, mail, record, &s), ERR_CORRUPT);
        assert_err(keyring_open(cx, both, totp, STR("junk"), &s), ERR_CORRUPT);
        secret_done(&s);
}

/* ---- sign ---- */

static void test_ed25519(void **state) {
        unsigned char seed[32], sig[64];
        from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", seed, 32);
        Ed25519Key key; /* RFC 8032, test 1 */
        ed25519_key(seed, &key);
        assert_hex(key.public, 32,
                   "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        ed25519_sign(&key, STR_NULL, sig);
        assert_hex(sig, 64,
                   "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                   "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
        assert_true(ed25519_verify(key.public, STR_NULL, str_n(sig, 64)));
        assert_false(ed25519_verify(key.public, STR("x"), str_n(sig, 64)));
        assert_false(ed25519_verify(key.public, STR_NULL, str_n(sig, 63)));
        sig[0] ^= 1;
        assert_false(ed25519_verify(key.public, STR_NULL, str_n(sig, 64)));
        ed25519_key_done(&key);
}

static void test_es256(void **state) {
        Ctx *cx = *state;
        Es256Parts parts, public;
        assert_ok(es256_generate(cx, &parts));
        _cleanup_(es256_key_freep) Es256Key *key = NULL, *reader = NULL, *none = NULL;
        assert_ok(es256_key_new(cx, &parts, &key));
        public = parts;
        public.has_private = false;
        memset(public.d, 0, sizeof public.d);
        assert_ok(es256_key_new(cx, &public, &reader));
        unsigned char sig[ES256_SIG];
        assert_ok(es256_sign(cx, key, STR("hello"), sig));
        assert_true(es256_verify(reader, STR("hello"), str_n(sig, sizeof sig)));
        assert_false(es256_verify(reader, STR("hellO"), str_n(sig, sizeof sig)));
        assert_false(es256_verify(reader, STR("hello"), str_n(sig, 63)));
        assert_false(es256_verify(reader, STR("hello"), STR_NULL));
        unsigned char zero[ES256_SIG] = { 0 };
        assert_false(es256_verify(reader, STR("hello"), str_n(zero, sizeof zero)));
        assert_err(es256_sign(cx, reader, STR("hello"), sig), ERR_INTERNAL);
        sig[5] ^= 1;
        assert_false(es256_verify(reader, STR("hello"), str_n(sig, sizeof sig)));

        Es256Parts bad = parts;
        bad.y[31] ^= 1; /* not on the curve */
        assert_err(es256_key_new(cx, &bad, &none), ERR_INVALID);
        bad = parts;
        bad.d[31] ^= 1; /* another key's private half */
        assert_err(es256_key_new(cx, &bad, &none), ERR_INVALID);
        assert_null(none);
        es256_parts_done(&parts);
        assert_int_equal(parts.d[0] | parts.d[31], 0);
}

/* ---- totp ---- */

static void test_totp(void **state) {
        static const struct {
                int64_t at_s;
                const char *code;
        } cases[] = {
                /* RFC 6238, last six digits */
                { 59, "287082" },         { 1111111109, "081804" }, { 1111111111, "050471" },
                { 1234567890, "005924" }, { 2000000000, "279037" }, { 20000000000, "353130" },
        };
        Str secret = STR("12345678901234567890");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int64_t now = cases[i].at_s, step = now / TOTP_STEP_S, got = -7;
                Str code = str_c(cases[i].code);
                char text[TOTP_DIGITS + 1];
                totp_code(secret, step, text);
                assert_string_equal(text, cases[i].code);
                assert_true(totp_verify(secret, code, now, 0, &got));
                assert_int_equal(got, step);
                assert_true(totp_verify(secret, code, now + TOTP_STEP_S, 0, &got));
                assert_true(totp_verify(secret, code, now - TOTP_STEP_S, 0, &got));
                got = -7;
                assert_false(totp_verify(secret, code, now + 2 * TOTP_STEP_S, 0, &got));
                if (step > 2) /* a clock before 1970 is not ours to test */
                        assert_false(totp_verify(secret, code, now - 2 * TOTP_STEP_S, 0, &got));
                assert_false(
                        totp_verify(secret, code, now, step, &got)); /* each step counts once */
                assert_false(totp_verify(secret, str_to(code, 5), now, 0, &got));
                assert_false(totp_verify(secret, STR_NULL, now, 0, &got));
                assert_int_equal(got, -7);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_digests), cmocka_unit_test(test_hmac),
                cmocka_unit_test(test_hkdf),    cmocka_unit_test(test_siphash),
                TEST_WITH_CTX(test_seal),       TEST_WITH_CTX(test_keyring),
                cmocka_unit_test(test_ed25519), TEST_WITH_CTX(test_es256),
                cmocka_unit_test(test_totp),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}

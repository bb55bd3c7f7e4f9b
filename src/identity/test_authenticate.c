// SPDX-License-Identifier: MIT
/* Every attack that a token can carry, against the door,
 * with the real store behind it. */
#include <stdatomic.h>

#include "codec/base64.h"
#include "identity/operate.h"
#include "identity/testing_int.h"
#include "identity/token.h"

#define AUTH_SECRET "auth-vector-secret-0123456789abcdef"

static int begin_shared(void **state) {
        *state = fix_new(&(IdentitySettings){ .jwt_secret = STR(TEST_SECRET),
                                              .auth_secrets = { [3] = STR(AUTH_SECRET) },
                                              .public_url = STR("https://app.example.com/base") });
        return 0;
}

static int begin_own(void **state) {
        *state = fix_new(&(IdentitySettings){ .issuer = STR("us"), .audience = STR("them") });
        return 0;
}

static int begin_skip(void **state) {
        *state = fix_new(&(IdentitySettings){ .skip_auth = true });
        return 0;
}

static int end(void **state) {
        fix_free(*state);
        return 0;
}

/* ---- making tokens by hand ---- */

static Str b64(Fix *f, const char *text) { return base64url_encode(f->arena, str_c(text)); }

static Str join(Fix *f, const char *header, const char *payload, Str sig) {
        return arena_strf(f->arena, "%.*s.%.*s.%.*s", STR_FMT(b64(f, header)),
                          STR_FMT(b64(f, payload)), STR_FMT(sig));
}

static Str hs256(Fix *f, Str secret, const char *header, const char *payload) {
        Str input = arena_strf(f->arena, "%.*s.%.*s", STR_FMT(b64(f, header)),
                               STR_FMT(b64(f, payload)));
        unsigned char mac[SHA256_SIZE];

        hmac_sha256(secret, input, mac);
        return join(f, header, payload, base64url_encode(f->arena, str_n(mac, sizeof(mac))));
}

#define SERVICE "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define OURS    "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}"
#define CLAIMS  "{\"sub\":\"svc-1\",\"exp\":1795171000}"

static void refused(Fix *f, const char *what, Str token) {
        Principal p = { 0 };
        Err e = fix_bearer(f, token, &p);

        if (e != ERR_TOKEN_INVALID)
                fail_msg("%s: %s", what, err_info[e].name);
        if (p.kind)
                fail_msg("%s: the output was written", what);
}

static void settle(Fix *f) { /* users first seen in a token are written behind */
        OKF(f, db_ping(&f->cx, f->db));
}

/* ---- the shared secret ---- */

static void service_tokens_name_users(void **state) {
        Fix *f = *state;
        Str token = hs256(f, STR(TEST_SECRET), SERVICE, CLAIMS);
        User ann = fix_user(f, "ann@example.com"), stored;
        Principal p;

        OKF(f, fix_bearer(f, token, &p));
        assert_int_equal(p.kind, WHO_FOREIGN);
        assert_str(p.user_id, "svc-1");
        settle(f);
        OKF(f, user_load(&f->cx, &(Work){ .id = f->id, .c = fix_read(f) }, STR("svc-1"), &stored));
        assert_int_equal(stored.source, SOURCE_SERVICE);
        assert_int_equal(stored.tier, TIER_FREE);
        OKF(f, fix_bearer(f, token, &p));
        token = hs256(f, STR(TEST_SECRET), SERVICE,
                      arena_printf(f->arena, "{\"id\":\"%.*s\",\"exp\":1795171000}",
                                   STR_FMT(ann.user_id)));
        OKF(f, fix_bearer(f, token, &p));
        assert_true(str_eq(p.user_id, ann.user_id));
}

static void header_attacks(void **state) {
        Fix *f = *state;
        static const char *const headers[] = {
                "{\"alg\":\"none\"}",
                "{\"alg\":\"None\"}",
                "{\"alg\":\"NONE\"}",
                "{\"alg\":\"nOnE\"}",
                "{\"alg\":\"\"}",
                "{}",
                "{\"alg\":null}",
                "{\"alg\":[\"HS256\"]}",
                "{\"alg\":\"hs256\"}",
                "{\"alg\":\"HS384\"}",
                "{\"alg\":\"HS512\"}",
                "{\"alg\":\"RS256\"}",
                "{\"alg\":\"ES256\"}",
                "{\"alg\":\"ES256\",\"kid\":\"../../../../dev/null\"}",
                "{\"alg\":\"ES256\",\"kid\":\"' OR 1=1 --\"}",
                "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
                "{\"alg\":\"HS256\",\"b64\":false}",
                "{\"alg\":\"HS256\",\"zip\":\"DEF\"}",
                "{\"alg\":\"HS256\",\"jku\":\"http://127.0.0.1/k\"}",
                "{\"alg\":\"HS256\",\"x5u\":\"http://127.0.0.1/k\"}",
                "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}",
                "{\"alg\":\"HS256\",\"x5c\":[\"AAAA\"]}",
                "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
                "{\"alg\":\"PBES2-HS256+A128KW\",\"p2c\":2147483648}",
                "[]",
                "\"HS256\"",
                "",
                "{\"alg\":\"HS256\"} ",
                "{\"alg\":\"EdDSA\"}",
                "{\"alg\":\"dir\",\"enc\":\"A256GCM\"}",
        };

        for (size_t i = 0; i < ELEMENTSOF(headers); i++) {
                Str signed_anyway = hs256(f, STR(TEST_SECRET), headers[i], CLAIMS);

                if (!str_eq_c(str_c(headers[i]),
                              /* white space is no attack; it must not crash */
                              "{\"alg\":\"HS256\"} "))
                        refused(f, headers[i], signed_anyway);
                refused(f, headers[i], join(f, headers[i], CLAIMS, STR("")));
        }
}

static void signature_attacks(void **state) {
        Fix *f = *state;
        Str good = hs256(f, STR(TEST_SECRET), SERVICE, CLAIMS);
        Str t = arena_dup(f->arena, good);

        refused(f, "empty signature", join(f, SERVICE, CLAIMS, STR("")));
        refused(f, "blank key", hs256(f, STR(""), SERVICE, CLAIMS));
        refused(f, "another key",
                hs256(f, STR("another-shared-signing-key-of-48-bytes-for-this-00"), SERVICE,
                      CLAIMS));
        refused(f, "two parts", str_to(good, good.n - 44));
        refused(f, "four parts", arena_strf(f->arena, "%.*s.x", STR_FMT(good)));
        refused(f, "padding", arena_strf(f->arena, "%.*s=", STR_FMT(good)));
        refused(f, "dots", STR(".."));
        refused(f, "a UUID", STR("8a6e0804-2bd0-4672-b79d-d97027f9071a"));
        for (size_t i = t.n - 43; i < t.n; i++) {
                char *p = (char *)t.p + i, was = *p;

                *p = was == 'A' ? 'B' : 'A';
                refused(f, "altered signature", t);
                *p = was;
        }
}

static void claim_attacks(void **state) {
        Fix *f = *state;
        static const struct {
                const char *header, *payload;
        } rows[] = {
                { SERVICE, "{\"sub\":\"a\"}" },
                { SERVICE, "{\"sub\":\"a\",\"exp\":\"1795171000\"}" },
                { SERVICE, "{\"sub\":\"a\",\"exp\":1795171000.5}" },
                { SERVICE, "{\"sub\":\"a\",\"exp\":1e400}" },
                { SERVICE, "{\"sub\":\"a\",\"exp\":1795171000,\"iat\":-1}" },
                { SERVICE, "{\"sub\":\"a\",\"exp\":1795171000,\"iat\":1795170700}" },
                { SERVICE, "{\"sub\":\"a\",\"exp\":1795171000,\"nbf\":1795170700}" },
                { SERVICE, "{\"sub\":\"a\",\"exp\":1795171000,\"aud\":\"elsewhere\"}" },
                { SERVICE, "{\"sub\":\"a\",\"exp\":1795171000,\"iss\":\"elsewhere\"}" },
                { SERVICE,
                  "{\"sub\":\"a\",\"exp\":1795171000,\"iss\":\"mainstay\"}" }, /* typ swapped */
                { SERVICE, "{\"sub\":\"a\",\"exp\":1795171000,\"token_use\":\"id\"}" },
                { SERVICE, "{\"sub\":\"a\",\"exp\":1795171000,\"type\":\"refresh\"}" },
                { SERVICE,
                  "{\"sub\":\"a\",\"exp\":1795171000,\"sid\":\"ses_00000000000000000000000000\"}" },
                { SERVICE, "{\"sub\":\"a\",\"sub\":\"b\",\"exp\":1795171000}" },
                { SERVICE, "{\"sub\":\"\",\"exp\":1795171000}" },
                { SERVICE, "{\"sub\":{\"a\":1},\"exp\":1795171000}" },
                { SERVICE, "{\"exp\":1795171000}" },
                { SERVICE, "not json" },
                { OURS, "{\"sub\":\"usr_nobody\",\"exp\":1795171000,\"iss\":\"mainstay\",\"sid\":"
                        "\"ses_x\"}" },
        };
        Principal p;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                refused(f, rows[i].payload,
                        hs256(f, STR(TEST_SECRET), rows[i].header, rows[i].payload));
        assert_err(fix_bearer(f,
                              hs256(f, STR(TEST_SECRET), SERVICE,
                                    "{\"sub\":\"a\",\"exp\":1795170584}"),
                              &p),
                   ERR_TOKEN_EXPIRED);
        OKF(f,
            fix_bearer(f, hs256(f, STR(TEST_SECRET), SERVICE, "{\"sub\":\"a\",\"exp\":1795170586}"),
                       &p));
}

static void size_attacks(void **state) {
        Fix *f = *state;
        char *deep = arena_bytes(f->arena, 200001), *big = arena_bytes(f->arena, 1 << 20);

        memset(deep, '[', 100000);
        memset(deep + 100000, ']', 100000);
        deep[200000] = 0;
        refused(f, "depth 10^5", hs256(f, STR(TEST_SECRET), SERVICE, deep));
        refused(f, "depth in the header", hs256(f, STR(TEST_SECRET), deep, CLAIMS));
        memset(big, 'A', (1 << 20) - 1);
        big[(1 << 20) - 1] = 0;
        refused(f, "1 MB of text", str_c(big));
        big[1000] = big[2000] = '.';
        refused(f, "1 MB in three parts", str_c(big));
        refused(f, "over 8 KiB though signed",
                hs256(f, STR(TEST_SECRET), SERVICE,
                      arena_printf(f->arena, "{\"sub\":\"a\",\"exp\":1795171000,\"x\":\"%.9000s\"}",
                                   big + 3000)));
}

static void session_of_another_user(void **state) {
        Fix *f = *state;
        User ann = fix_user(f, "ann@example.com"), bob = fix_user(f, "bob@example.com");
        SessionGrant g = fix_session(f, ann, false);
        static const char form[] = "{\"sub\":\"%.*s\",\"sid\":\"%.*s\",\"iss\":\"mainstay\","
                                   "\"aud\":\"mainstay\",\"exp\":1795171000}";
        Principal p;

        refused(f, "sid of another user",
                hs256(f, STR(TEST_SECRET), OURS,
                      arena_printf(f->arena, form, STR_FMT(bob.user_id), STR_FMT(g.session_id))));
        OKF(f, fix_bearer(f,
                          hs256(f, STR(TEST_SECRET), OURS,
                                arena_printf(f->arena, form, STR_FMT(ann.user_id),
                                             STR_FMT(g.session_id))),
                          &p));
        assert_int_equal(p.kind, WHO_SESSION);
        refused(f, "a refresh token as access token", g.refresh_token);
}

/* ---- where a credential stands ---- */

static Err shown(Fix *f, Credentials in, Principal *ret) {
        err_clear(&f->cx);
        return identity_authenticate(&f->cx, f->id, &in, ret);
}

static void places(void **state) {
        Fix *f = *state;
        Str good = hs256(f, STR(TEST_SECRET), SERVICE, CLAIMS);
        Str bearer = arena_strf(f->arena, "Bearer %.*s", STR_FMT(good));
        Principal p = { .kind = WHO_DEV };

        OKF(f, shown(f, (Credentials){ 0 }, &p));
        assert_int_equal(p.kind, WHO_UNSET);
        OKF(f, shown(f, (Credentials){ .authorization = bearer }, &p));
        OKF(f, shown(f,
                     (Credentials){ .authorization =
                                            arena_strf(f->arena, "bearer %.*s", STR_FMT(good)) },
                     &p));
        assert_err(shown(f, (Credentials){ .authorization = STR("Basic dXNlcjpwdw==") }, &p),
                   ERR_TOKEN_INVALID);
        assert_err(shown(f, (Credentials){ .authorization = STR("Bearer") }, &p),
                   ERR_TOKEN_INVALID);
        assert_err(shown(f, (Credentials){ .authorization = STR("Bearer ") }, &p),
                   ERR_TOKEN_INVALID);
        assert_err(shown(f, (Credentials){ .authorization = STR("Bearer %zz") }, &p),
                   ERR_TOKEN_INVALID);
        assert_err(shown(f, (Credentials){ .authorization = STR("Bearer a b") }, &p),
                   ERR_TOKEN_INVALID);
        assert_err(shown(f, (Credentials){ .x_api_key = STR("ms_nothing") }, &p),
                   ERR_TOKEN_INVALID);
        assert_err(shown(f, (Credentials){ .x_api_key = good }, &p), ERR_TOKEN_INVALID);
        /* a bad Bearer decides, whatever else is there */
        assert_err(shown(f,
                         (Credentials){ .authorization = STR("Bearer x"),
                                        .cookie = arena_strf(f->arena, "authjs.session-token=%.*s",
                                                             STR_FMT(good)) },
                         &p),
                   ERR_TOKEN_INVALID);
}

/* ---- the front end's sessions: the public vectors ---- */

static const char vector_v5[] =
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoiUldMMG41bVJGQU5Qb2RtZXpybDdRb1Nvcn"
        "BwajFiMGZjaFQ3MWRNT2Z3TElwYnpXSnNR"
        "Z3pjazdBR25BWGpoR1RHWEhiajFObWdWQ2Y2cHVON084MFEifQ..nS5KeLIEbqWBhovr2Q-hgg."
        "2cgqWV6uqJA0sIpIWqWHg_UBHWFr8y1GTiKyxwVxQZW-CwuRjU"
        "_lcQ8v23tK8yqOYfM6RbAU8sRx5KmuIMehxVZ2ju6gYSOk5synMlgMlUlcX0UaggoEGfCKio4pBaU9ZbQbT8_"
        "9slWR5OPtEo7EpGmxuuK5LjziUM9jMvNFuTzfgIVG"
        "IqW2s-w8r3AnVg3moZP6EoqWSZSmsr90QjNfCw.C1RqX3HNW6gecgtrj9_ZIt0UYLCfQBYsO70t1bXgG1k";
static const char vector_v4[] =
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..y90ZQWNOLjUQSsTf.B-"
        "Id74NJqGjSTyn2moN8oiKkz606wEULI0-VSjnH5WfSd_Dh8JzwNiQ3zLBU5t5GD4-"
        "NrD4qnYpdIF3LdmfYNbUCVReTI2gBG2mQSS_zX70rMhQ_"
        "LcCe4rgdBcNwW6fnuEpzAYcAUZMeGzepjPn5fER90MvXSp2G-Xli8WJS5_QhnSnHcimv5_FMAWtx2DNq"
        "FFvY0-i3MWj2.kqxI45-MdDmykKFl5gX_1Q";
static const char vector_plain[] =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
        "eyJzdWIiOiI0MiIsImVtYWlsIjoiYWRhQGV4YW1wbGUuY29tIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjM3MDAw"
        "MDAwMDB9.YAw1YnPsr5zd295lw4k5gB4Qpxs38yl3H9_W4c-leEA";

static Str cookie(Fix *f, const char *name, const char *value) {
        return arena_strf(f->arena, "a=b; %s=%s; c=d", name, value);
}

static void authjs_vectors_open(void **state) {
        Fix *f = *state;
        Principal p;

        OKF(f, fix_bearer(f, str_c(vector_v5), &p));
        assert_str(p.user_id, "42");
        assert_str(p.email, "ann@example.com");
        assert_int_equal(p.kind, WHO_FOREIGN);
        settle(f);
        OKF(f, fix_bearer(f, str_c(vector_v4), &p));
        OKF(f, fix_bearer(f, str_c(vector_plain), &p));
        assert_str(p.user_id, "42");
        assert_str(p.email,
                   "ann@example.com"); /* the first one seen; a claim never overwrites it */
        OKF(f,
            shown(f, (Credentials){ .cookie = cookie(f, "authjs.session-token", vector_v5) }, &p));
        OKF(f, shown(f, (Credentials){ .cookie = cookie(f, "next-auth.session-token", vector_v4) },
                     &p));
        OKF(f, shown(f,
                     (Credentials){
                             .cookie = cookie(f, "__Secure-next-auth.session-token", vector_v4) },
                     &p));
}

static void authjs_wrong_places(void **state) {
        Fix *f = *state;
        Str t = arena_dup(f->arena, str_c(vector_v5));
        Principal p;

        /* the name is the salt, also after the token was verified under the right one */
        OKF(f,
            shown(f, (Credentials){ .cookie = cookie(f, "authjs.session-token", vector_v5) }, &p));
        assert_err(shown(f,
                         (Credentials){
                                 .cookie = cookie(f, "__Secure-authjs.session-token", vector_v5) },
                         &p),
                   ERR_TOKEN_INVALID);
        assert_err(shown(f,
                         (Credentials){ .cookie = cookie(f, "next-auth.session-token", vector_v5) },
                         &p),
                   ERR_TOKEN_INVALID);
        assert_err(shown(f, (Credentials){ .cookie = cookie(f, "authjs.session-token", vector_v4) },
                         &p),
                   ERR_TOKEN_INVALID);
        OKF(f, shown(f, (Credentials){ .cookie = cookie(f, "authjs.csrf-token", vector_v5) }, &p));
        assert_int_equal(p.kind, WHO_UNSET);
        OKF(f, shown(f, (Credentials){ .cookie = cookie(f, "authjs.session-token-x.9", vector_v5) },
                     &p));
        assert_int_equal(p.kind, WHO_UNSET);
        for (size_t i = 0; i < t.n; i += 7) {
                char *c = (char *)t.p + i, was = *c;

                *c = was == 'A' ? 'B' : 'A';
                refused(f, "altered session", t);
                *c = was;
        }
        refused(f, "four parts", str_c(vector_v5 + 200));
        refused(f, "a sixth part", arena_strf(f->arena, "%s.x", vector_v5));
}

static void cookies_need_an_origin_to_change_anything(void **state) {
        Fix *f = *state;
        Credentials in = { .cookie = cookie(f, "authjs.session-token", vector_v5),
                           .changes = true };
        Principal p;

        assert_err(shown(f, in, &p), ERR_CSRF);
        in.origin = STR("https://evil.example.com");
        assert_err(shown(f, in, &p), ERR_CSRF);
        in.origin = STR("https://app.example.com.evil.example");
        assert_err(shown(f, in, &p), ERR_CSRF);
        in.origin = STR("null");
        assert_err(shown(f, in, &p), ERR_CSRF);
        in.origin = STR("https://app.example.com");
        OKF(f, shown(f, in, &p));
        in = (Credentials){ .authorization = arena_strf(f->arena, "Bearer %s", vector_v5),
                            .changes = true };
        OKF(f, shown(f, in, &p));
}

static void foreign_subjects_take_nobodys_account(void **state) {
        Fix *f = *state;
        User ann = fix_user(f, "ann@example.com");
        Str mine = hs256(f, STR(AUTH_SECRET), SERVICE,
                         arena_printf(f->arena, "{\"sub\":\"%.*s\",\"exp\":1795171000}",
                                      STR_FMT(ann.user_id)));
        Str same_mail = hs256(f, STR(AUTH_SECRET), SERVICE,
                              "{\"sub\":\"77\",\"email\":\"ann@example.com\",\"exp\":1795171000}");
        Str svc = hs256(f, STR(TEST_SECRET), SERVICE, "{\"sub\":\"shared\",\"exp\":1795171000}");
        Str taken = hs256(f, STR(AUTH_SECRET), SERVICE, "{\"sub\":\"shared\",\"exp\":1795171000}");
        Principal p;
        User u;

        refused(f, "a front end's token naming one of our users", mine);
        OKF(f, fix_bearer(f, same_mail, &p));
        assert_str(p.user_id, "77");
        settle(f);
        OKF(f, user_load_by_email(&f->cx, &(Work){ .id = f->id, .c = fix_read(f) },
                                  STR("ann@example.com"), &u));
        assert_true(str_eq(u.user_id, ann.user_id));
        OKF(f, fix_bearer(f, svc, &p));
        settle(f);
        refused(f, "a subject of another source", taken);
}

typedef struct EndAll {
        Fix *f;
        Str user_id;
        int64_t n;
} EndAll;

static Err end_all_write(Ctx *cx, DbConn *c, void *arg) {
        EndAll *e = arg;
        Work w = fix_work(e->f, c);

        return session_end_all(cx, &w, e->user_id, STR_NULL, &e->n);
}

/* Encrypted sessions change their id with every read, so they end by time of issue. */
static void foreign_sessions_end_by_epoch(void **state) {
        Fix *f = *state;
        EndAll e = { f, STR("42") };
        Principal p;
        static const char form[] = "{\"sub\":\"42\",\"iat\":%lld,\"exp\":1795179000}";

        OKF(f, fix_bearer(f, str_c(vector_v5), &p));
        settle(f);
        OKF(f, fix_bearer(f, str_c(vector_v5), &p));
        OKF(f, db_write(&f->cx, f->db, end_all_write, &e));
        refused(f, "issued before", str_c(vector_v5));
        refused(f, "no iat",
                hs256(f, STR(AUTH_SECRET), SERVICE, "{\"sub\":\"42\",\"exp\":1795179000}"));
        refused(f, "the same second",
                hs256(f, STR(AUTH_SECRET), SERVICE,
                      arena_printf(f->arena, form, (long long)(TEST_NOW_MS / 1000))));
        OKF(f, fix_bearer(f,
                          hs256(f, STR(AUTH_SECRET), SERVICE,
                                arena_printf(f->arena, form, (long long)(TEST_NOW_MS / 1000 + 1))),
                          &p));
}

/* ---- keys of our own ---- */

static void own_keys_sign_and_verify(void **state) {
        Fix *f = *state;
        User ann = fix_user(f, "ann@example.com");
        SessionGrant g = fix_session(f, ann, false);
        _cleanup_(buf_done) Buf jwks = BUF(8192);
        Principal p;

        OKF(f, fix_bearer(f, g.access_token, &p));
        assert_true(str_eq(p.user_id, ann.user_id));
        signing_keys_write(&f->cx, f->id->signing, &jwks);
        assert_true(str_contains(buf_str(&jwks), STR("\"crv\":\"P-256\"")));
        assert_false(str_contains(buf_str(&jwks), STR("\"d\"")));
        /* the public key as an HMAC secret */
        refused(f, "ES to HS confusion", hs256(f, buf_str(&jwks), OURS, CLAIMS));
        refused(f, "HS256 although no secret is set", hs256(f, STR(TEST_SECRET), OURS, CLAIMS));
        refused(f, "r = s = 0",
                arena_strf(f->arena, "%.*s%.*s",
                           STR_FMT(str_to(g.access_token, g.access_token.n - 86)),
                           STR_FMT(base64url_encode(f->arena, str_n((char[64]){ 0 }, 64)))));
}

static Err rotate_write(Ctx *cx, DbConn *c, void *arg) {
        Fix *f = arg;

        return signing_key_add(cx, f->id->signing, f->id, c,
                               f->world.now_ms + 1000 * SIGNING_LEAD_S);
}

static size_t published(Fix *f) {
        SigningKeyInfo *list;
        size_t n, count = 0;

        OKF(f, signing_keys_list(&f->cx, f->id->signing, &list, &n));
        for (size_t i = 0; i < n; i++)
                count += list[i].is_published;
        return count;
}

static void rotation_overlaps(void **state) {
        Fix *f = *state;
        User ann = fix_user(f, "ann@example.com");
        const JoseKey *first = signing_key_current(&f->cx, f->id->signing);
        SessionGrant old;
        Principal p;

        OKF(f, db_write(&f->cx, f->db, rotate_write, f));
        assert_int_equal(published(f), 2); /* known before it is used */
        assert_ptr_equal(signing_key_current(&f->cx, f->id->signing), first);
        f->world.now_ms += 1000 * SIGNING_LEAD_S - 1;
        old = fix_session(f, ann, false);
        f->world.now_ms += 1;
        assert_ptr_not_equal(signing_key_current(&f->cx, f->id->signing), first);
        OKF(f, fix_bearer(f, old.access_token, &p));
        OKF(f, fix_bearer(f, fix_session(f, ann, false).access_token, &p));
        f->world.now_ms += 1000 * 631;
        assert_int_equal(published(f), 1); /* its last token has expired */
}

static Err retire_write(Ctx *cx, DbConn *c, void *arg) {
        Fix *f = arg;

        return signing_key_retire(cx, f->id->signing, f->id, c,
                                  jose_key_kid(signing_key_current(cx, f->id->signing)));
}

static void a_retired_key_is_out_at_once(void **state) {
        Fix *f = *state;
        SessionGrant g = fix_session(f, fix_user(f, "ann@example.com"), false);
        Principal p;

        OKF(f, fix_bearer(f, g.access_token, &p));
        assert_err(db_write(&f->cx, f->db, retire_write, f), ERR_CONFLICT);
        err_clear(&f->cx);
        OKF(f, db_write(&f->cx, f->db, rotate_write, f));
        f->world.now_ms += 1000 * SIGNING_LEAD_S;
        g = fix_session(f, fix_user(f, "bob@example.com"), false);
        OKF(f, fix_bearer(f, g.access_token, &p));
        OKF(f, db_write(&f->cx, f->db, retire_write, f));
        refused(f, "signed by a retired key", g.access_token);
}

static void keys_survive_a_restart(void **state) {
        Fix *f = *state;
        User ann = fix_user(f, "ann@example.com");
        SessionGrant g = fix_session(f, ann, false);
        Principal p;

        fix_close(f);
        fix_open(f);
        OKF(f, fix_bearer(f, g.access_token, &p));
        assert_true(str_eq(p.email, ann.email));
}

static Err reopen(Fix *f) {
        Identity *id = NULL;
        Err e;

        f->id = identity_free(f->id);
        err_clear(&f->cx);
        e = identity_new(&f->cx, f->db, &f->set, &id);
        identity_free(id);
        return e;
}

static void the_wrong_root_key_is_refused(void **state) {
        Fix *f = *state;
        const char *path = arena_printf(f->arena, "%s/root.key", f->dir),
                   *moved = arena_printf(f->arena, "%s.moved", path);

        assert_int_equal(rename(path, moved), 0);
        assert_err(reopen(f), ERR_CORRUPT);
        assert_non_null(strstr(f->cx.err.what, "root.key"));
        assert_int_equal(access(path, F_OK), -1); /* and no new one was made */
        f->set.root_key = STR("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
        assert_err(reopen(f), ERR_CORRUPT);
        f->set.root_key = STR("short");
        assert_err(reopen(f), ERR_INVALID);
        f->set.root_key = STR_NULL;
        assert_int_equal(rename(moved, path), 0);
        assert_int_equal(chmod(path, 0644), 0);
        assert_err(reopen(f), ERR_INVALID);
        assert_int_equal(chmod(path, 0600), 0);
        assert_ok(reopen(f));
}

static void root_key_rotates(void **state) {
        Fix *f = *state;
        User ann = fix_user(f, "ann@example.com"), again;
        SessionGrant g = fix_session(f, ann, false);
        const char *path = arena_printf(f->arena, "%s/root.key", f->dir);
        char line[66] = "";
        int64_t resealed;
        Principal p;
        FILE *file;

        OKF(f, operate_root_rotate(&f->cx, f->id, &resealed));
        assert_int_equal(resealed, 1);
        OKF(f, fix_bearer(f, g.access_token, &p));
        /* the old line goes: nothing is sealed under it any more */
        file = fopen(path, "r");
        assert_non_null(file);
        assert_non_null(fgets(line, sizeof(line), file));
        fclose(file);
        file = fopen(path, "w");
        assert_non_null(file);
        fputs(line, file);
        fclose(file);
        fix_close(f);
        fix_open(f);
        OKF(f, fix_bearer(f, g.access_token, &p));
        OKF(f, user_load(&f->cx, &(Work){ .id = f->id, .c = fix_read(f) }, ann.user_id, &again));
        assert_str(again.email, "ann@example.com");
}

/* One key more and nothing would start again. */
static void root_keys_do_not_overflow(void **state) {
        Fix *f = *state;
        int64_t resealed;
        Err e = OK;
        for (int i = 0; i < 2 * KEYRING_MAX && !e; i++)
                e = operate_root_rotate(&f->cx, f->id, &resealed);
        assert_err(e, ERR_CONFLICT);
        assert_true(str_contains(str_c(f->cx.err.what), STR("take out old lines")));
        err_clear(&f->cx);
        fix_close(f);
        fix_open(f);
}

static void a_link_names_the_user(void **state) {
        Fix *f = *state;
        User ann = fix_user(f, "ann@example.com");
        UserLink link = { STR("authjs"), STR("77"), ann.user_id };
        Str token = hs256(f, STR(AUTH_SECRET), SERVICE, "{\"sub\":\"77\",\"exp\":1795171000}");
        Principal p;

        OKF(f, fix_bearer(f, token, &p));
        assert_str(p.user_id, "77");
        settle(f);
        OKF(f, operate_user_link(&f->cx, f->id, &link));
        OKF(f, fix_bearer(f, token, &p));
        assert_true(str_eq(p.user_id, ann.user_id));
        link.source = STR("local");
        assert_err(operate_user_link(&f->cx, f->id, &link), ERR_INVALID);
}

static void settings_that_must_not_be(void **state) {
        Fix *f = *state;
        static const char *const weak[] = {
                "",
                "short",
                "0123456789012345678901234567890",
                "your-super-secret-jwt-token-with-at-least-32-characters-long",
                "changeme-changeme-changeme-changeme",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "MY-SECRET-KEY-MY-SECRET-KEY-MY-SECRET",
        };
        IdentitySettings set = f->set;

        for (size_t i = 0; i < ELEMENTSOF(weak); i++) {
                f->set.jwt_secret = str_c(weak[i]);
                assert_err(reopen(f), ERR_INVALID);
        }
        f->set.jwt_secret = STR("the-jwt-secret-key-k9Zq2mXw7bTr4LpVs8Ny");
        assert_ok(reopen(f));
        f->set = set;
        f->set.production = f->set.skip_auth = true;
        assert_err(reopen(f), ERR_INVALID);
        f->set = set;
        f->set.production = true;
        f->set.nextauth_secret = STR("fewer than 32 bytes");
        assert_err(reopen(f), ERR_INVALID);
        f->set.production = false;
        assert_ok(reopen(f));
}

/* ---- without a store ---- */

static void a_store_that_fails_lets_nobody_in(void **state) {
        Fix *f = *state;
        SessionGrant g = fix_session(f, fix_user(f, "ann@example.com"), false);
        Db *db = f->id->db, *failing;
        Principal p;

        OKF(f, db_open_failing(&f->cx, ERR_STORAGE, &failing));
        f->id->db = failing;
        assert_err(fix_bearer(f, g.access_token, &p), ERR_STORAGE);
        f->id->db = db;
        OKF(f, fix_bearer(f, g.access_token, &p));
        db_close(failing);
}

static void skip_auth_names_dev_users(void **state) {
        Fix *f = *state;
        Principal p;

        OKF(f, shown(f, (Credentials){ 0 }, &p));
        assert_int_equal(p.kind, WHO_DEV);
        assert_str(p.user_id, "dev-user-default");
        OKF(f, shown(f, (Credentials){ .authorization = STR("Bearer dev-ann") }, &p));
        assert_str(p.user_id, "dev-ann");
        OKF(f, shown(f, (Credentials){ .authorization = STR("Bearer something") }, &p));
        assert_str(p.user_id, "dev-user-default");
}

int main(void) {
#define S(fn) cmocka_unit_test_setup_teardown(fn, begin_shared, end)
#define O(fn) cmocka_unit_test_setup_teardown(fn, begin_own, end)
        const struct CMUnitTest tests[] = {
                S(service_tokens_name_users),
                S(header_attacks),
                S(signature_attacks),
                S(claim_attacks),
                S(size_attacks),
                S(session_of_another_user),
                S(places),
                S(authjs_vectors_open),
                S(authjs_wrong_places),
                S(cookies_need_an_origin_to_change_anything),
                S(foreign_subjects_take_nobodys_account),
                S(foreign_sessions_end_by_epoch),
                O(own_keys_sign_and_verify),
                O(rotation_overlaps),
                O(a_retired_key_is_out_at_once),
                O(keys_survive_a_restart),
                O(the_wrong_root_key_is_refused),
                O(settings_that_must_not_be),
                O(root_key_rotates),
                O(root_keys_do_not_overflow),
                S(a_link_names_the_user),
                O(a_store_that_fails_lets_nobody_in),
                cmocka_unit_test_setup_teardown(skip_auth_names_dev_users, begin_skip, end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

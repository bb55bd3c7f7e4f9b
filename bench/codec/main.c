// SPDX-License-Identifier: MIT
/* codec bench: nanoseconds per operation of what runs for every request, beside what the libraries
 * need for the like, in one run. Rounds alternate, so that a slow moment of the machine meets all;
 * the median of the rounds is printed.
 *
 * Prints one line of JSON; ends with 1 when a target was missed. */
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef JSON_NULL
#include <openssl/evp.h>

#include "codec/jose.h"
#include "codec/json.h"
#include "codec/when.h"
#include "crypto/hash.h"
#include "crypto/password.h"
#include "crypto/seal.h"

enum { ROUNDS = 7, ROUND_MS = 40 };

typedef struct Answer {
        Str memory_id, content, category, source;
        int64_t created_at, updated_at, access_count;
        double importance, confidence;
        Strs tags;
} Answer;
static const Shape answer_shape =
        SHAPE(Answer, F_STR(Answer, memory_id, F_REQ), F_STR(Answer, content, F_REQ),
              F_STR(Answer, category, F_REQ), F_STR(Answer, source, F_NULL),
              F_TIME(Answer, created_at, F_REQ), F_TIME(Answer, updated_at, F_NULL),
              F_INT(Answer, access_count, 0), F_NUM(Answer, importance, 0),
              F_NUM(Answer, confidence, 0), F_STRS(Answer, tags, F_REQ));
static const Str tags[] = { STR("food"), STR("tea") };
static const Answer answer = {
        .memory_id = STR("mem_4mz9k2x7c1v8b3n6q0w5e2r7ty"),
        .content =
                STR("Prefers green tea in the morning and no coffee after three; said so twice."),
        .category = STR("preference"),
        .created_at = INT64_C(1795170600123),
        .access_count = 7,
        .importance = 0.75,
        .confidence = 0.9,
        .tags = { tags, 2 },
};
static const char claims[] =
        "{\"sub\":\"usr_4mz9k2x7c1v8b3n6q0w5e2r7ty\",\"user_id\":\"usr_4mz9k2x7c1v8b3n6q0w5e2r7ty"
        "\","
        "\"sid\":\"0f3a5c7e9b1d4f60\",\"jti\":\"7b1e2d3c4a596877\",\"email\":\"ann@example.com\","
        "\"tier\":\"free\","
        "\"scope\":\"memories:read memories:write chat\",\"iss\":\"mainstay\",\"aud\":\"mainstay\","
        "\"iat\":1795170600,\"exp\":1795171200}";

typedef struct Bench {
        Arena *arena;
        Ctx cx;
        Buf out;
        Str text, token, es_token, record;
        json_t *tree;
        JoseKey *hs256, *es256;
        SealKey seal_key;
        volatile size_t sink;
} Bench;

static void fail(const char *what) {
        fprintf(stderr, "%s failed\n", what);
        exit(2);
}

/* ---- the operations ---- */

static void write_shape(Bench *b) {
        buf_clear(&b->out);
        json_write(&b->out, &answer_shape, &answer);
        b->sink += b->out.n;
}

/* What the answer would cost as a tree: made and printed, as programs on a JSON library do. */
static json_t *tree_make(void) {
        char when[WHEN_TEXT + 1];
        when_write(when, answer.created_at);
        return json_pack("{s:s#, s:s#, s:s#, s:n, s:s, s:n, s:I, s:f, s:f, s:[s,s]}", "memory_id",
                         answer.memory_id.p, (int)answer.memory_id.n, "content", answer.content.p,
                         (int)answer.content.n, "category", answer.category.p,
                         (int)answer.category.n, "source", "created_at", when, "updated_at",
                         "access_count", (json_int_t)answer.access_count, "importance",
                         answer.importance, "confidence", answer.confidence, "tags", "food", "tea");
}

static void write_tree(Bench *b) {
        json_t *tree = tree_make();
        char *text = json_dumps(tree, JSON_COMPACT);
        b->sink += strlen(text);
        free(text);
        json_decref(tree);
}

static void print_tree(Bench *b) {
        char *text = json_dumps(b->tree, JSON_COMPACT);
        b->sink += strlen(text);
        free(text);
}

static void read_shape(Bench *b) {
        Answer a = { 0 };
        if (json_read(&b->cx, b->text, &answer_shape, &a))
                fail("json_read");
        b->sink += a.content.n;
}

static void parse_tree(Bench *b) {
        json_t *tree = json_loadb(b->text.p, b->text.n, JSON_REJECT_DUPLICATES, NULL);
        b->sink += json_object_size(tree);
        json_decref(tree);
}

static void verify_hs256(Bench *b) {
        Str payload;
        if (jws_verify(&b->cx, b->hs256, b->token, &payload))
                fail("jws_verify");
        b->sink += payload.n;
}

static void verify_es256(Bench *b) {
        Str payload;
        if (jws_verify(&b->cx, b->es256, b->es_token, &payload))
                fail("jws_verify");
        b->sink += payload.n;
}

/* The newer interface of the library, one call per message. */
static void mac_library(Bench *b) {
        unsigned char mac[32];
        size_t n;
        if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, "0123456789abcdef0123456789abcdef", 32,
                       (const unsigned char *)b->token.p, b->token.n, mac, sizeof mac, &n))
                fail("EVP_Q_mac");
        b->sink += mac[0];
}

static void seal_memory(Bench *b) {
        b->sink += seal(&b->cx, &b->seal_key, (SealFor){ answer.memory_id, "memory.text" },
                        answer.content)
                           .n;
}

static void open_memory(Bench *b) {
        Str plain;
        if (seal_open(&b->cx, &b->seal_key, (SealFor){ answer.memory_id, "memory.text" }, b->record,
                      &plain))
                fail("seal_open");
        b->sink += plain.n;
}

static void hash_argon2(Bench *b) {
        Str hash;
        if (password_hash(&b->cx, PASSWORD_ARGON2ID, STR("correct horse battery"), &hash))
                fail("password_hash");
        b->sink += hash.n;
}

static void hash_bcrypt(Bench *b) {
        Str hash;
        if (password_hash(&b->cx, PASSWORD_BCRYPT, STR("correct horse battery"), &hash))
                fail("password_hash");
        b->sink += hash.n;
}

/* ---- measuring ---- */

typedef struct Case { const char *name; void (*fn)(Bench *b); double ns[ROUNDS], median; } Case;
enum { WRITE, TREE, PRINT, READ, PARSE, HS256, ES256, MAC, SEAL, OPEN, ARGON2, BCRYPT, CASES };
static Case cases[CASES] = {
        [WRITE] = { "json_write", write_shape },
        [TREE] = { "jansson_make_and_print", write_tree },
        [PRINT] = { "jansson_print_only", print_tree },
        [READ] = { "json_read", read_shape },
        [PARSE] = { "jansson_parse_only", parse_tree },
        [HS256] = { "token_verify_hs256", verify_hs256 },
        [ES256] = { "token_verify_es256", verify_es256 },
        [MAC] = { "openssl_mac_only", mac_library },
        [SEAL] = { "seal_100_bytes", seal_memory },
        [OPEN] = { "open_100_bytes", open_memory },
        [ARGON2] = { "argon2id", hash_argon2 },
        [BCRYPT] = { "bcrypt_12", hash_bcrypt },
};

static int64_t now_ns(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double round_run(Bench *b, const Case *c) {
        int64_t began = now_ns(), took;
        int64_t times = 0;
        do {
                for (int i = 0; i < 64 && (i == 0 || c < &cases[ARGON2]); i++, times++) {
                        c->fn(b);
                        if (i % 16 == 15)
                                arena_clear(b->arena);
                }
                took = now_ns() - began;
        } while (took < ROUND_MS * INT64_C(1000000));
        arena_clear(b->arena);
        return (double)took / (double)times;
}

static int by_value(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;
        return (x > y) - (x < y);
}

static void prepare(Bench *b) {
        Es256Parts parts;
        Str token;
        if (jose_key_hs256(&b->cx, STR("0123456789abcdef0123456789abcdef"), STR_NULL, &b->hs256) ||
            es256_generate(&b->cx, &parts) || jose_key_es256(&b->cx, &parts, STR_NULL, &b->es256))
                fail("keys");
        if (jws_sign(&b->cx, b->hs256, STR("at+jwt"), str_c(claims), &token))
                fail("jws_sign");
        b->token = (Str){ strdup(token.p), token.n };
        if (jws_sign(&b->cx, b->es256, STR("at+jwt"), str_c(claims), &token))
                fail("jws_sign");
        b->es_token = (Str){ strdup(token.p), token.n };
        write_shape(b);
        b->text = (Str){ strdup(b->out.p), b->out.n };
        b->tree = tree_make();
        memset(b->seal_key.k, 7, sizeof b->seal_key.k);
        Str record = seal(&b->cx, &b->seal_key, (SealFor){ answer.memory_id, "memory.text" },
                          answer.content);
        b->record = (Str){ memcpy(malloc(record.n), record.p, record.n), record.n };
        if (!b->tree)
                fail("json_pack");
}

int main(void) {
        Bench b = { .arena = arena_new(), .out = BUF(1 << 16) };
        b.cx = (Ctx){ .arena = b.arena, .world = &world_real };
        prepare(&b);
        for (int round = 0; round < ROUNDS; round++)
                for (Case *c = cases; c < cases + CASES; c++)
                        c->ns[round] = round_run(&b, c);
        for (Case *c = cases; c < cases + CASES; c++) {
                qsort(c->ns, ROUNDS, sizeof c->ns[0], by_value);
                c->median = c->ns[ROUNDS / 2];
                printf("%s\"%s_ns\":%.0f", c == cases ? "{" : ",", c->name, c->median);
        }
        double write_ratio = cases[PRINT].median / cases[WRITE].median;
        double make_ratio = cases[TREE].median / cases[WRITE].median;
        double read_ratio = cases[READ].median / cases[PARSE].median;
        bool met = write_ratio >= 2 && make_ratio >= 4 && read_ratio <= 2;
        printf(",\"write_times_faster_than_print\":%.1f,\"than_make_and_print\":%.1f,"
               "\"read_over_parse\":%.2f,\"targets_met\":%s}\n",
               write_ratio, make_ratio, read_ratio, met ? "true" : "false");
        return !met;
}

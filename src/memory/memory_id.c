// SPDX-License-Identifier: MIT
#include "memory/memory_id.h"

enum { ROUNDS = 6, HEAD_BITS = 60, TAIL_BITS = 62 };
#define BITS(n) ((UINT64_C(1) << (n)) - 1)

/* What is enciphered: before, head is random and tail the unit. */
typedef struct Halves {
        uint64_t head, tail;
} Halves;

static SipKey key_of(const Keys *k) {
        unsigned char full[SHA256_SIZE];
        SipKey key;
        hmac_sha256(str_n(k->seal.k, sizeof k->seal.k), STR("memory ids"), full);
        memcpy(&key, full, sizeof key);
        secret_wipe(full, sizeof full);
        return key;
}

static uint64_t mixed(const SipKey *key, uint64_t round, uint64_t half) {
        const uint64_t in[2] = { round, half };
        return siphash(key, str_n(in, sizeof in));
}

/* 48 bits, the version, 12 bits; the variant, 62 bits. */
static void write_bits(unsigned char ret[16], Halves h) {
        uint64_t hi = (h.head >> 12) << 16 | UINT64_C(0x4000) | (h.head & BITS(12));
        uint64_t lo = UINT64_C(2) << TAIL_BITS | h.tail;
        for (size_t i = 0; i < 8; i++) {
                ret[i] = (unsigned char)(hi >> (56 - 8 * i));
                ret[8 + i] = (unsigned char)(lo >> (56 - 8 * i));
        }
}

static Halves read_bits(const unsigned char id[16]) {
        uint64_t hi = 0, lo = 0;
        for (size_t i = 0; i < 8; i++) {
                hi = hi << 8 | id[i];
                lo = lo << 8 | id[8 + i];
        }
        return (Halves){ (hi >> 16) << 12 | (hi & BITS(12)), lo & BITS(TAIL_BITS) };
}

void memory_id_make(Ctx *cx, const Keys *k, int64_t unit, unsigned char ret[16]) {
        assert(unit > 0 && unit <= MEMORY_ID_UNIT_MAX);
        SipKey key = key_of(k);
        Halves h = { .tail = (uint64_t)unit };
        cx_random(cx, &h.head, sizeof h.head);
        h.head &= BITS(HEAD_BITS);
        for (uint64_t r = 0; r < ROUNDS; r += 2) {
                h.tail ^= mixed(&key, r, h.head) & BITS(TAIL_BITS);
                h.head ^= mixed(&key, r + 1, h.tail) & BITS(HEAD_BITS);
        }
        write_bits(ret, h);
        secret_wipe(&key, sizeof key);
}

int64_t memory_id_unit(const Keys *k, const unsigned char id[16]) {
        SipKey key = key_of(k);
        Halves h = read_bits(id);
        for (uint64_t r = ROUNDS; r > 0; r -= 2) {
                h.head ^= mixed(&key, r - 1, h.tail) & BITS(HEAD_BITS);
                h.tail ^= mixed(&key, r - 2, h.head) & BITS(TAIL_BITS);
        }
        secret_wipe(&key, sizeof key);
        return (int64_t)h.tail;
}
